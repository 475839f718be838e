# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A plant of 5,000 devices and 10,000 alerts over 90 days, with the accidents that a response has to survive.

The mix of types is the recorded one: half of the devices are Unknown. So are the odd shapes of alerts and
devices. Operators handle an alert after some hours. A run follows each infection, and there is one every
three days.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network
from random import Random
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.moment import as_text
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._respond.catalogue import (
    BACKUP,
    BLAMELESS,
    EICAR,
    FORMER_MALWARE,
)
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._respond.decide import Decided, decide
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._respond.device_types import OFFICE
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._respond.rules import Rules
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._respond.site import Reading
from ansible_collections.otsec.defender_iot.tests.unit.respond.plant import HOUR, MALWARE, NOW

SENSORS = ("north", "south")
DEVICES = 5000
ALERTS = 10_000
DAYS = 90
DAY = timedelta(days=1)
INTERVAL = timedelta(minutes=5)
SHARES = {"Unknown": 48, "HMI": 10, "PLC": 12, "Router": 2, "Workstation": 16, "Server": 8, "Printer": 4}
INFRASTRUCTURE = ip_network("10.9.0.0/28")
RULES = Rules(protected={INFRASTRUCTURE: "declared as infrastructure"})
NAME_QUERIES = "Suspicion of Malicious Activity (Name Queries)"


PUBLIC = [f"203.0.112.{number}" for number in range(20)] + ["8.8.8.8"]
ODD_DEVICES: tuple[dict[str, Any], ...] = (
    {"name": "Internet", "type": "Internet", "ip_addresses": PUBLIC},
    {"name": "Internet", "type": "Workstation", "ip_addresses": ["8.8.4.4"]},
    {"name": "all", "type": "Multicast/Broadcast", "ip_addresses": ["10.1.0.255"]},
    {"name": "all", "type": "Workstation", "ip_addresses": ["255.255.255.255"]},
    {"name": "10.1.0.1", "type": "Workstation", "ip_addresses": ["10.201.0.1", "10.201.0.2"]},
    {"name": "widget", "type": "Widget 3000", "ip_addresses": ["10.201.0.3"]},
    {"name": "layer 2", "type": "Workstation", "ip_addresses": None},
    {"name": "by MAC", "type": "Server", "ip_addresses": ["00:1b:1b:00:00:01"]},
)
GONE = 10**6
NOISE: tuple[dict[str, Any], ...] = (
    # Of the engine whose alerts block by default.
    *({"engine": "malware", "title": title} for title in (EICAR, BACKUP, MALWARE, NAME_QUERIES)),
    *(
        {"engine": "malware", "title": MALWARE, "source_device": each}
        for each in (None, GONE, "", "10.1.0.1")
    ),
    *(
        {"engine": "malware", "title": MALWARE, "source_device": DEVICES + number}
        for number in range(len(ODD_DEVICES))
    ),
    {"engine": "malware", "title": MALWARE, "source_device": None, "source_device_address": "8.8.8.8"},
    {
        "engine": "malware",
        "title": MALWARE,
        "source_device": None,
        "source_device_address": "00:1b:1b:00:00:01",
    },
    {"engine": "malware", "title": MALWARE, "additional_information": {"description": "Multiple violations"}},
    {"engine": "malware", "title": MALWARE, "time": "yesterday"},
    {"engine": "malware", "title": MALWARE, "time": None},
    {"engine": "malware", "title": None},
    # Of the others, most of which name a victim or a bystander.
    *({"engine": engine, "title": title} for engine, title in BLAMELESS),
    {"engine": "anomaly", "title": "Port Scan Detected"},
    {"engine": "policy_violation", "title": "Unauthorized PLC Programming"},
    {"engine": "Unknown Engine", "title": MALWARE},
    {"engine": None, "title": "A title of another version"},
)


@dataclass
class Alert:
    """An alert on a sensor. ``is_offender`` is true if its source must be blocked by default."""

    sensor: str
    row: dict[str, Any]
    is_offender: bool
    raised_at: datetime
    handled_at: datetime


@dataclass
class Plant:
    """The devices, the alerts, the entries on the FortiGates, and what fails at the moment."""

    random: Random
    devices: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    alerts: list[Alert] = field(default_factory=list)
    entries: dict[str, dict[str, Any]] = field(default_factory=dict)
    clock_error: timedelta = timedelta()
    tells_time: bool = True
    failing: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        kinds = self.random.choices(list(SHARES), list(SHARES.values()), k=DEVICES - 2)
        rows = [self._device(number, kind) for number, kind in enumerate(kinds)]
        # The second domain controller looks like a server and is protected by its address.
        rows += [self._device(DEVICES - 2, "Domain Controller"), self._device(DEVICES - 1, "Server")]
        rows[-2]["ip_addresses"], rows[-1]["ip_addresses"] = ["10.9.0.2"], ["10.9.0.3"]
        rows += [{"id": DEVICES + number, **row} for number, row in enumerate(ODD_DEVICES)]
        self.by_address = {row["ip_addresses"][0]: row for row in rows if row["ip_addresses"]}
        for number, sensor in enumerate(SENSORS):
            self.devices[sensor] = rows[number :: len(SENSORS)]

    def _device(self, number: int, kind: str) -> dict[str, Any]:
        address = f"10.{1 + number // 250}.0.{number % 250 + 1}"
        odd = self.random.random()
        addresses = [address] if odd > 0.12 else None if odd < 0.1 else [address, f"10.200.0.{number % 250}"]
        return {"id": number, "name": f"device-{number}", "type": kind, "ip_addresses": addresses}

    def hosts(self, *kinds: str) -> list[tuple[str, dict[str, Any]]]:
        """Return the ordinary devices of these types that have one address, in random order."""
        found = [
            (sensor, row)
            for sensor, rows in self.devices.items()
            for row in rows
            if row["type"] in kinds and row["id"] < DEVICES and len(row["ip_addresses"] or ()) == 1
        ]
        self.random.shuffle(found)
        return found

    def raise_alert(
        self, sensor: str, row: dict[str, Any], now: datetime, title: str = MALWARE, engine: str = "malware"
    ) -> None:
        """Raise an alert whose source is this device. Operators handle it after some hours."""
        address = ip_address(row["ip_addresses"][0])
        is_default = engine == "malware" and row["type"] in OFFICE and address not in INFRASTRUCTURE
        alert = {
            "id": len(self.alerts),
            "time": as_text(now + self.clock_error),
            "title": title,
            "engine": engine,
            "source_device": row["id"],
        }
        handled_at = now + self.random.uniform(1, 60) * HOUR
        self.alerts.append(Alert(sensor, alert, is_default, now, handled_at))

    def add_noise(self, count: int) -> None:
        """Add alerts over 90 days that must block nothing, each in one of the recorded shapes."""
        others = self.hosts("PLC", "HMI", "Unknown")
        for number in range(count):
            sensor, row = self.random.choice(others)
            fields = dict(NOISE[number % len(NOISE)])
            raised_at = NOW + self.random.uniform(0, DAYS) * DAY
            alert = {"id": len(self.alerts), "time": as_text(raised_at), "source_device": row["id"], **fields}
            handled_at = raised_at + self.random.uniform(1, 60) * HOUR
            self.alerts.append(Alert(sensor, alert, False, raised_at, handled_at))

    def readings(self, now: datetime) -> list[Reading]:
        """Return the answers of all sensors. Alerts are kept for 90 days."""
        lists: dict[tuple[str, bool], list[Any]] = {}
        for each in self.alerts:
            if now - DAYS * DAY < each.raised_at <= now:
                lists.setdefault((each.sensor, each.handled_at <= now), []).append(each.row)
        return [
            Reading(
                sensor,
                None if "alerts" in self.failing else lists.get((sensor, False), []),
                None if "alerts" in self.failing else lists.get((sensor, True), []),
                None if "devices" in self.failing else rows,
                self.clock_error if self.tells_time else None,
            )
            for sensor, rows in self.devices.items()
        ]

    def run(self, now: datetime) -> Decided:
        """Decide, and change the FortiGates accordingly."""
        found = decide(self.readings(now), self.entries.values(), RULES, [], now)
        since = {address: entry["since"] for address, entry in self.entries.items()}
        self.entries = {
            each["address"]: {**each, "since": since.get(each["address"], as_text(now))}
            for each in found.entries
        }
        return found


def check(plant: Plant, found: Decided, before: set[str], now: datetime) -> None:
    """Check everything that must be true after each run."""
    for address in plant.entries:
        row = plant.by_address[address]
        assert row["type"] in OFFICE
        assert len(row["ip_addresses"]) == 1
        assert ip_address(address) not in INFRASTRUCTURE
    new = plant.entries.keys() - before
    recent = [each for each in plant.entries.values() if each["since"] > as_text(now - HOUR)]
    if new:
        assert len(new) <= RULES.caps.new
        assert len(recent) <= RULES.caps.per_hour
        assert len(plant.entries) <= RULES.caps.entries
    assert len(new) == found.counts["block"]


def offenders(plant: Plant, now: datetime) -> set[str]:
    """Return the addresses that must be blocked now: the sources of unhandled alerts of the default rules."""
    address = {row["id"]: row["ip_addresses"] for rows in plant.devices.values() for row in rows}
    return {
        address[each.row["source_device"]][0]
        for each in plant.alerts
        if each.is_offender and each.raised_at <= now < each.handled_at
    }


@pytest.fixture(scope="module")
def plant() -> Plant:
    """A plant that each test continues."""
    return Plant(Random(21))  # noqa: S311


def test_90_ordinary_days(plant: Plant) -> None:
    office = plant.hosts("Workstation", "Server", "Printer")[:40]
    plant.add_noise(ALERTS - len(office))
    infections = {timedelta(days=2.2 * number, hours=3): host for number, host in enumerate(office)}
    for moment in sorted([*infections, *(timedelta(days=each) for each in range(0, DAYS, 3))]):
        now, before = NOW + moment, set(plant.entries)
        if moment in infections:
            title = FORMER_MALWARE[0] if len(before) % 2 else MALWARE
            plant.raise_alert(*infections[moment], now, title)
            now += INTERVAL
        found = plant.run(now)
        check(plant, found, before, now)
        assert offenders(plant, now) <= plant.entries.keys()
        assert found.outcome == "decided"
    assert len(plant.alerts) == ALERTS
    assert sum(each.is_offender for each in plant.alerts) == len(office)


@dataclass(frozen=True)
class Accident:
    """An accident: its alerts, what fails, and how far the sensors' clock is wrong."""

    sources: tuple[str, ...] = ()
    count: int = 0
    title: str = MALWARE
    engine: str = "malware"
    failing: frozenset[str] = frozenset()
    clock_error: timedelta = timedelta()
    tells_time: bool = True
    outcome: str = "decided"


ACCIDENTS = {
    "a scanner let loose": Accident(("Workstation",), 1, "Address Scan Detected", "anomaly"),
    "victims of the scanner": Accident(("PLC", "HMI", "Unknown"), 400, "Suspicious Traffic Detected"),
    "clock ahead": Accident(clock_error=7 * HOUR, tells_time=False),
    "clock behind": Accident(clock_error=-7 * HOUR, tells_time=False),
    "clock in another year": Accident(clock_error=-400 * DAY),
    "domain controllers in name queries": Accident(("Domain Controller",), 1, NAME_QUERIES),
    "a protected server": Accident(("Server",), 0, NAME_QUERIES),
    "devices down": Accident(failing=frozenset({"devices"}), outcome="unreadable"),
    "alerts down": Accident(failing=frozenset({"alerts"}), outcome="unreadable"),
    "a thousand alerts in a minute": Accident(("Workstation",), 1000, outcome="capped"),
}


@pytest.mark.parametrize("name", ACCIDENTS)
def test_an_accident_blocks_nothing_wrong_and_the_plant_recovers(plant: Plant, name: str) -> None:
    accident, start = ACCIDENTS[name], NOW + (DAYS + 8 * list(ACCIDENTS).index(name)) * DAY
    check(plant, plant.run(start), set(plant.entries), start)
    plant.clock_error, plant.tells_time = accident.clock_error, accident.tells_time
    for sensor, row in plant.hosts(*accident.sources)[: accident.count]:
        plant.raise_alert(sensor, row, start, accident.title, accident.engine)
    if name == "a protected server":
        protected = plant.by_address["10.9.0.3"]
        plant.raise_alert(SENSORS[protected["id"] % len(SENSORS)], protected, start, NAME_QUERIES)
    sensor, row = plant.hosts("Workstation")[0]
    plant.raise_alert(sensor, row, start)
    plant.failing = accident.failing
    for hours in (0, 2, 4):
        now, before = start + INTERVAL + hours * HOUR, set(plant.entries)
        found = plant.run(now)
        check(plant, found, before, now)
        assert found.outcome == accident.outcome
        if accident.outcome == "decided":
            assert offenders(plant, now) <= plant.entries.keys()
        else:
            assert plant.entries.keys() <= before
    plant.clock_error, plant.tells_time, plant.failing = timedelta(), True, frozenset()
    for each in plant.alerts:
        each.handled_at = min(each.handled_at, start + 6 * DAY)
    after = start + 6 * DAY
    plant.raise_alert(sensor, row, after)
    found = plant.run(after + INTERVAL)
    assert (found.outcome, set(plant.entries)) == ("decided", offenders(plant, after + INTERVAL))
