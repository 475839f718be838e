# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The events of a mock FortiSIEM: what its syslog port receives, and what it writes itself."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from .options import FortiSiemOptions

NAT_ADDRESS = "203.0.113.200"
RELAY_ADDRESS = "203.0.113.201"
OTHER_DEVICE = "203.0.113.9"
LOOPBACK = "127.0.0.1"
COLLECTOR = "10000"
BACKGROUND_SECONDS = 60
BACKGROUND_EVENTS = 10

HEADER = re.compile(r"<\d{1,3}>(?:\w{3} +\d+ [\d:]{8}|\S+T\S+) (?P<host>\S+) ?(?P<rest>.*)", re.DOTALL)
PUBLIC_PARSER = re.compile(r"CEF:0\|CyberX\|[^|]*\|\d+\.\d+\.\d+\|CyberX platform Alert\|")
ALERT_TYPE = re.compile(r"\btype=(?P<type>\w+(?: Violation)?)")

DISPLAYED = {
    "phRecvTime": "Event Receive Time",
    "deviceTime": "Device Time",
    "reptDevIpAddr": "Reporting IP",
    "reptDevName": "Reporting Device",
    "relayDevIpAddr": "Relaying IP",
    "eventType": "Event Type",
    "eventName": "Event Name",
    "eventSeverity": "Event Severity",
    "eventParsedOk": "Event Parse Status",
    "parserName": "Event Parser Name",
    "rawEventMsg": "Raw Event Log",
    "collectorId": "Collector ID",
    "phCustId": "Organization ID",
    "customer": "Organization Name",
    "count": "Count",
    "eventId": "Event ID",
}
"""The attributes that can be selected, with the names that the pages show (from a dump of 2026)."""


@dataclass(frozen=True)
class Event:
    """One event. `of_sensor` is false for those that the role may not hide as a sensor's."""

    moment: float
    attributes: Mapping[str, str]
    organization: str = "plant"
    of_sensor: bool = False


@dataclass
class Events:
    """All events. `names` maps the name of each appliance to its address."""

    names: Mapping[str, str]
    received: list[Event] = field(default_factory=list)

    def receive(self, data: bytes, options: FortiSiemOptions, now: float) -> None:
        """Store one syslog message. Bytes that are not UTF-8 are replaced (assumed)."""
        raw = data.decode("utf-8", "replace")
        found = HEADER.match(raw)
        host = found["host"] if found else ""
        attributes = {
            **_device(host, self.names, options.reporting),
            **_parsed(raw, options.event_type),
            "rawEventMsg": raw,
            "collectorId": COLLECTOR,
        }
        self.add(now, attributes, of_sensor=True)

    def add(self, now: float, attributes: Mapping[str, str], *, of_sensor: bool = False) -> None:
        """Store an event with these attributes."""
        self.received.append(Event(now, attributes, of_sensor=of_sensor))

    def until(self, now: float) -> Iterator[Event]:
        """Yield all events, newest first. Other devices, and FortiSIEM itself, write one each minute."""
        background = [
            event
            for number in range(1, BACKGROUND_EVENTS)
            for event in self._background(now - number * BACKGROUND_SECONDS)
        ]
        yield from sorted([*self.received, *background], key=lambda event: event.moment, reverse=True)

    def _background(self, moment: float) -> Iterator[Event]:
        other = {
            "reptDevIpAddr": OTHER_DEVICE,
            "eventType": "FortiGate-traffic-forward",
            "rawEventMsg": "action=accept",
        }
        yield Event(moment, other)
        for name, address in self.names.items():
            own = {"reptDevIpAddr": address, "reptDevName": name, "eventType": "PH_DEV_MON_PING_STAT"}
            yield Event(moment, own, "super")


def _device(host: str, names: Mapping[str, str], reporting: str) -> dict[str, str]:
    """Return the reporting device: an address in the header, or the source of the packet (assumed).

    All packets of the lab have the same source, so a known name is replaced by its address.
    """
    if reporting == "relay":
        return {"reptDevIpAddr": RELAY_ADDRESS, "relayDevIpAddr": RELAY_ADDRESS, "reptDevName": host}
    try:
        address, name = str(ipaddress.ip_address(host)), ""
    except ValueError:
        address, name = names.get(host, LOOPBACK), host
    return {"reptDevIpAddr": NAT_ADDRESS if reporting == "nat" else address, "reptDevName": name}


def _parsed(raw: str, switch: str) -> dict[str, str]:
    found = ALERT_TYPE.search(raw)
    kind = f"CyberX-{found['type'].replace(' ', '-')}" if found else "CyberX-Generic"
    types = {"cyberx": kind, "other": "Microsoft-Defender-Generic", "unknown": "Unknown_EventType"}
    event_type = types.get(switch) or (kind if PUBLIC_PARSER.search(raw) else "Unknown_EventType")
    if event_type == "Unknown_EventType":
        return {"eventType": event_type, "eventParsedOk": "0"}
    return {
        "eventType": event_type,
        "eventName": "Alert",
        "eventParsedOk": "1",
        "parserName": "CyberXParser",
    }
