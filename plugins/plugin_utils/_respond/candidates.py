# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether an unhandled alert names one host that may be blocked, or why not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from ...module_utils._engine.moment import lies_ahead, moment_or_none
from .addresses import Address, address_in
from .approvals import Approvals
from .protection import LIFTING, Protection
from .rules import Rules
from .site import Device, Reading, Site
from .texts import quoted

Reference = tuple[str, str]
"""A sensor, and the id of one of its alerts as text."""

UNKNOWN_TIME = datetime.min.replace(tzinfo=UTC)

AGGREGATED = "multiple violations"
"""What the sensor shows for an alert that represents several (documented for its web interface)."""


@dataclass(frozen=True)
class Candidate:
    """An unhandled alert and what follows from it.

    ``verdict`` is ``blockable`` if it names one host that may be blocked, ``excluded`` if it certainly gives
    no cause to block, ``unclear`` if its host cannot be determined, and ``unread`` if the sensor's devices
    could not be read. ``start`` is the alert's time on the control node's clock.
    """

    sensor: str
    alert: Any
    verdict: str
    reason: str
    device: Any = None
    address: Address | None = None
    is_matched: bool = False
    start: datetime = UNKNOWN_TIME
    is_dynamic: bool = False
    approved_by: str = ""

    @property
    def reference(self) -> Reference:
        return self.sensor, str(self.alert)


class NotBlockable(Exception):
    """The reason of a candidate that is not blockable."""

    def __init__(self, reason: str, verdict: str = "unclear") -> None:
        super().__init__(reason)
        self.reason = reason
        self.verdict = verdict


class Candidates:
    """The unhandled alerts of a site."""

    def __init__(self, site: Site, rules: Rules, approvals: Approvals, now: datetime) -> None:
        self.site = site
        self.rules = rules
        self.approvals = approvals
        self.protection = Protection(site, rules, approvals)
        self.now = now

    def find(self) -> list[Candidate]:
        """Return a candidate for each unhandled alert. One that is also listed as handled is handled."""
        return [
            self._candidate(reading, alert)
            for reading in self.site.readings.values()
            for alert in reading.unhandled or ()
            if (reading.sensor, str(alert.get("id"))) not in self.site.handled
        ]

    def _candidate(self, reading: Reading, alert: Mapping[str, Any]) -> Candidate:
        device = alert.get("source_device")
        candidate = Candidate(reading.sensor, alert.get("id"), "excluded", "", device)
        if not self.rules.matches(_engine(alert), str(alert.get("title"))):
            return replace(candidate, reason=f"no rule matches {quoted(alert.get('title'))}")
        start = _start(reading, alert)
        candidate = replace(candidate, is_matched=True, start=start or UNKNOWN_TIME)
        try:
            self._refuse_unclear_alert(alert, start)
            if not self.site.has_devices(reading.sensor):
                raise NotBlockable(f"the devices of sensor {reading.sensor} could not be read", "unread")
            host, address = self._host(reading.sensor, alert)
            candidate = replace(candidate, device=host.id, address=address, is_dynamic=host.is_dynamic)
            self._refuse_unblockable(address, host)
        except NotBlockable as error:
            return replace(candidate, verdict=error.verdict, reason=error.reason)
        return self._accepted(candidate, alert, host, address)

    def _refuse_unclear_alert(self, alert: Mapping[str, Any], start: datetime | None) -> None:
        if _is_aggregated(alert):
            raise NotBlockable("it represents several violations, which only the sensor's web page lists")
        if start is None:
            raise NotBlockable("the time of the alert cannot be read")
        if lies_ahead(start, self.now):
            raise NotBlockable("the alert is more than a day ahead of the control node's clock")

    def _host(self, sensor: str, alert: Mapping[str, Any]) -> tuple[Device, Address]:
        """Return the device that an alert names as its source, and its only address. Raises NotBlockable."""
        stated = address_in(alert.get("source_device_address"))
        device = self._source(sensor, alert.get("source_device"), stated)
        if len(device.addresses) != 1:
            raise NotBlockable(
                f"device {quoted(device.name)} has {len(device.addresses)} IP addresses, not one"
            )
        address = device.addresses[0]
        if address is None:
            raise NotBlockable(f"device {quoted(device.name)} has no IP address")
        if stated not in (None, address):
            raise NotBlockable(
                f"the alert names {stated}, but device {quoted(device.name)} now has {address}"
            )
        return device, address

    def _source(self, sensor: str, device: Any, stated: Address | None) -> Device:
        if device is not None:
            found = self.site.devices.get((sensor, str(device)), [])
            what = "the alert's source device"
        elif stated is not None:
            found = [each for each in self.site.at.get(stated, ()) if each.sensor == sensor]
            what = f"the alert's source address {stated}"
        else:
            raise NotBlockable("the alert names no source device")
        if not found:
            raise NotBlockable(f"{what} is not in the inventory of sensor {sensor}")
        if len(found) > 1:
            raise NotBlockable(f"{what} is {len(found)} times in the inventory of sensor {sensor}")
        return found[0]

    def _refuse_unblockable(self, address: Address, host: Device) -> None:
        reason = self.protection.of_address(address) or self.protection.of_devices(address)
        if reason is None and host.is_dynamic and not self.rules.dynamic_ttl:
            reason = f"{address} is a dynamic address"
        if reason is not None:
            raise NotBlockable(reason, "excluded")

    def _accepted(
        self, candidate: Candidate, alert: Mapping[str, Any], host: Device, address: Address
    ) -> Candidate:
        approval = self.approvals.of(address, *LIFTING)
        title, name, kind = map(quoted, (alert.get("title"), host.name, host.types[-1]))
        return replace(
            candidate,
            verdict="blockable",
            reason=f"{title} from {name} (type {kind})",
            approved_by=approval.by if approval else "",
        )


def _engine(alert: Mapping[str, Any]) -> str:
    """Return an engine as in the options, whether the alert has the module's form or the sensor's."""
    return str(alert.get("engine")).strip().lower().replace(" ", "_")


def _start(reading: Reading, alert: Mapping[str, Any]) -> datetime | None:
    """Return the time of an alert on the control node's clock."""
    moment = moment_or_none(alert.get("time"))
    try:
        return moment and moment - (reading.skew or timedelta())
    except OverflowError:
        return None


def _is_aggregated(alert: Mapping[str, Any]) -> bool:
    more = alert.get("additional_information")
    texts = [alert.get("title"), alert.get("message")]
    texts += [more.get("description")] if isinstance(more, Mapping) else []
    return any(isinstance(each, str) and AGGREGATED in each.casefold() for each in texts)
