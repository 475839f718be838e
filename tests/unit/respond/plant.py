# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small plant for the tests of decisions: devices and alerts as the modules return them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.moment import as_text
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._respond.approvals import Approval
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._respond.decide import Decided, decide
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._respond.rules import Rules
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._respond.site import Reading

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
SENSOR = "sensor-north"
MALWARE = "Suspicion of Conficker Malware"
HOUR = timedelta(hours=1)

Row = dict[str, Any]


def device(number: int = 7, type: str = "Workstation", **fields: Any) -> Row:  # noqa: A002
    """Return a device with the address 192.0.2.NUMBER."""
    return {
        "id": number,
        "name": f"host-{number}",
        "type": type,
        "ip_addresses": [f"192.0.2.{number}"],
        "engineering_station": False,
        "has_dynamic_address": False,
        **fields,
    }


def alert(number: int = 101, source: Any = 7, *, at: datetime = NOW, **fields: Any) -> Row:
    """Return an alert of the malware engine with this source device."""
    return {
        "id": number,
        "time": as_text(at),
        "title": MALWARE,
        "message": "a message",
        "severity": "major",
        "engine": "malware",
        "source_device": source,
        "destination_device": None,
        "additional_information": None,
        **fields,
    }


# More devices, so that one blocked host is a small share of its cell.
CROWD = [device(number) for number in range(100, 140)]


def reading(
    unhandled: Sequence[Row] | None = (),
    handled: Sequence[Row] | None = (),
    devices: Sequence[Row] | None = (device(),),
    sensor: str = SENSOR,
    skew: timedelta | None = None,
) -> Reading:
    """Return the answers of a sensor that also sees the crowd, unless its devices are missing or empty."""
    return Reading(sensor, unhandled, handled, [*devices, *CROWD] if devices else devices, skew)


def own(number: int = 7, **fields: Any) -> Row:
    """Return an entry of a FortiGate, caused two hours ago by alert 101."""
    return {
        "address": f"192.0.2.{number}",
        "until": as_text(NOW + 3 * HOUR),
        "since": as_text(NOW - 2 * HOUR),
        "owner": "respond",
        "approved_by": "",
        "source": f"{SENSOR} alert 101",
        "reason": "a reason",
        **fields,
    }


def approval(decision: str, number: int = 7, until: datetime = NOW + 24 * HOUR) -> Approval:
    return Approval(ip_address(f"192.0.2.{number}"), decision, "A. Person", until)


def decided(
    *readings: Reading,
    entries: Iterable[Mapping[str, Any]] = (),
    rules: Rules | None = None,
    approvals: Iterable[Approval] = (),
    now: datetime = NOW,
    ended: Collection[tuple[str, str]] = (),
) -> Decided:
    return decide(readings, list(entries), rules or Rules(), list(approvals), now, ended)


def blocked(found: Decided) -> list[str]:
    """Return the addresses of the wanted entries."""
    return [each["address"] for each in found.entries]


def only(found: Decided) -> tuple[str, str]:
    """Return the decision and the reason of the only row."""
    (row,) = found.decisions
    return row.decision, row.reason


def as_own(found: Decided, now: datetime = NOW, earlier: Iterable[Mapping[str, Any]] = ()) -> list[Row]:
    """Return the wanted entries as FortiGates return them afterwards."""
    since = {each["address"]: each["since"] for each in earlier}
    return [
        {"approved_by": "", **each, "since": since.get(each["address"], as_text(now))}
        for each in found.entries
    ]
