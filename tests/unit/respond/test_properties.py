# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Properties that hold for any plant, any alerts, any entries and any approvals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network
from random import Random
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.moment import as_text, read_moment
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._respond.approvals import DECISIONS, Approval
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._respond.catalogue import CATALOGUE
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._respond.decide import decide
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._respond.device_types import (
    HARM,
    OFFICE,
)
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._respond.rules import EXPIRE, Caps, Rules
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._respond.site import Reading
from ansible_collections.otsec.defender_iot.tests.unit.respond.plant import NOW, as_own

SENSORS = ("north", "south")
PROTECTED = ip_network("192.0.2.0/29")
NETWORKS = {PROTECTED: "the servers"}

MALWARE = [each for each in CATALOGUE.values() if each.engine == "malware"]
ODD_ADDRESSES = ("00:00:5e:00:53:01", "Master", "9.9.9.9", "224.0.0.1", "2001:db8::1")


class Plant(Random):
    """Makes everything that a decision depends on, so that hypothesis only has to choose a seed."""

    def make(self) -> tuple[Any, ...]:
        readings = [
            Reading(
                name, self.answer(self.alert, 12), self.answer(self.alert, 4), self.answer(self.device, 20)
            )
            for name in SENSORS
        ]
        approvals = [self.approval() for _each in range(self.randrange(4))]
        return readings, self.unique(self.entry, 6, "address"), self.rules(), approvals

    def unique(self, make: Callable[[], Any], most: int, key: str) -> list[Any]:
        rows = [make() for _each in range(self.choice([0, most // 2, most, most, most]))]
        return list({row[key]: row for row in rows}.values())

    def answer(self, make: Callable[[], Any], most: int) -> Any:
        return None if self.random() < 0.04 else self.unique(make, most, "id")

    def moment(self, earliest: int, latest: int) -> datetime:
        return NOW + timedelta(hours=self.randint(earliest, latest))

    def addresses(self, number: int) -> Any:
        found = [f"192.0.2.{self.choice([number, number, number, self.randint(1, 14)])}"]
        if self.random() < 0.2:
            return self.choice([[*found, "192.0.2.14"], [self.choice(ODD_ADDRESSES)], None])
        return found

    def device(self) -> dict[str, Any]:
        number = self.randint(1, 14)
        return {
            "id": number,
            "name": f"host-{number}",
            "type": self.choice([*[self.choice(OFFICE)] * 5, self.choice([*HARM, "Quantum Computer"])]),
            "ip_addresses": self.addresses(number),
            "engineering_station": self.random() < 0.05,
            "has_dynamic_address": self.random() < 0.3,
        }

    def alert(self) -> dict[str, Any]:
        kind = self.choice([*[self.choice(MALWARE)] * 4, self.choice(list(CATALOGUE.values()))])
        return {
            "id": self.randint(1, 20),
            "time": as_text(self.choice([self.moment(-400, 60), *[self.moment(-30, 0)] * 3])),
            "title": kind.title,
            "message": "",
            "engine": kind.engine,
            "source_device": self.choice([None, *[self.randint(5, 14)] * 9]),
            "source_device_address": None,
            "additional_information": None,
        }

    def entry(self) -> dict[str, Any]:
        alert = self.randint(1, 20)
        sensor = self.choice([*SENSORS, *SENSORS, "removed"])
        return {
            "address": f"192.0.2.{self.randint(5, 14)}",
            "until": as_text(self.moment(-2, 30)),
            "since": as_text(self.moment(-200, 0)),
            "owner": self.choice(["respond", "respond", "manual"]),
            "approved_by": "",
            "source": "respond_approvals" if alert > 18 else f"{sensor} alert {alert}",
            "reason": "a reason",
        }

    def approval(self) -> Approval:
        address = ip_address(f"192.0.2.{self.randint(1, 14)}")
        return Approval(address, self.choice(DECISIONS), "A. Person", self.moment(-2, 30))

    def rules(self) -> Rules:
        return Rules(
            expire=self.choice(EXPIRE),
            dynamic_ttl=timedelta(hours=self.randrange(2)),
            protected=NETWORKS,
            caps=Caps(*(self.choice([2, 9, 99, 99]) for _each in range(3)), self.choice([0, 0.5, 1, 1])),
        )


plants = st.integers(0, 2**32).map(lambda seed: Plant(seed).make())


def any_plant(test: Callable[[Any], None]) -> Callable[[], None]:
    """Run a test with many plants, however slow the machine is."""
    return settings(max_examples=200, deadline=None)(given(plants)(test))


def types_at(read: Any, address: str) -> set[str]:
    """Return the types of all devices with an address."""
    found = set()
    for each in read:
        for row in each.devices or ():
            if address in (row["ip_addresses"] or ()):
                found |= {row["type"], *(["Engineering Station"] if row["engineering_station"] else [])}
    return found


@any_plant
def test_no_protected_control_system_or_unknown_device_is_ever_blocked(plant: Any) -> None:
    read, own, chosen, approved = plant
    found = decide(*plant, NOW)
    lifted = {str(each.address) for each in approved if each.decision != "never_block" and each.until > NOW}
    refused = {str(each.address) for each in approved if each.decision == "never_block" and each.until > NOW}
    before = {each["address"] for each in own}
    for entry in found.entries:
        address = entry["address"]
        assert ip_address(address) not in PROTECTED
        assert address not in refused
        assert not ip_address(address).is_global
        if address not in lifted:
            assert types_at(read, address) <= set(OFFICE)
            assert types_at(read, address) or address in before
    assert chosen.protected == NETWORKS


@any_plant
def test_caps_hold_and_a_storm_adds_nothing(plant: Any) -> None:
    _read, own, chosen, _approved = plant
    found = decide(*plant, NOW)
    before = {each["address"] for each in own}
    new = [each for each in found.entries if each["address"] not in before]
    manual = [each for each in own if each["owner"] == "manual"]
    assert len(new) == found.counts["block"] <= chosen.caps.new
    if new:
        assert len(found.entries) + len(manual) <= chosen.caps.entries
    if found.exceeded:
        assert not new


@any_plant
def test_without_devices_nothing_new_is_blocked(plant: Any) -> None:
    read, own, *rest = plant
    found = decide((Reading("blind", [], [], []), *read), own, *rest, NOW)
    assert found.counts["block"] == 0
    assert {each["address"] for each in found.entries} <= {each["address"] for each in own}
    assert found.outcome == "unreadable"


@any_plant
def test_without_alerts_only_what_must_never_be_blocked_is_released_early(plant: Any) -> None:
    read, own, chosen, _approved = plant
    mute = [Reading(each.sensor, None, None, each.devices) for each in read]
    found = decide(mute, own, chosen, [], NOW)
    kept = {each["address"] for each in found.entries}
    for entry in own:
        is_running = read_moment(entry["until"]) > NOW
        is_ours = entry["owner"] == "respond" and entry["source"] != "respond_approvals"
        is_harmless = ip_address(entry["address"]) not in PROTECTED
        if is_ours and is_running and is_harmless and types_at(read, entry["address"]) <= set(OFFICE):
            assert entry["address"] in kept
    assert found.counts["block"] == found.counts["renew"] == 0


@any_plant
def test_entries_of_operators_are_never_touched(plant: Any) -> None:
    _read, own, *_rest = plant
    found = decide(*plant, NOW)
    manual = {each["address"] for each in own if each["owner"] == "manual"}
    assert not manual & {each["address"] for each in found.entries}
    assert not [
        each
        for each in found.decisions
        if each.address in manual and each.decision in ("release", "renew", "block", "keep")
    ]


@any_plant
def test_the_second_decision_is_silent(plant: Any) -> None:
    read, own, chosen, approved = plant
    first = decide(*plant, NOW)
    manual = [each for each in own if each["owner"] == "manual"]
    earlier = [each for each in own if each["owner"] == "respond"]
    # Entries that the first run releases no longer count, so a second one may stay below a cap.
    assume(first.outcome != "capped")
    second = decide(read, [*as_own(first, earlier=earlier), *manual], chosen, approved, NOW)
    assert second.entries == first.entries
    assert not {"block", "renew", "release"} & {each.decision for each in second.decisions}


@any_plant
def test_each_alert_and_each_entry_has_one_decision_with_a_reason(plant: Any) -> None:
    read, own, _chosen, _approved = plant
    found = decide(*plant, NOW)
    assert all(each.reason for each in found.decisions)
    decided = Counter(
        each.address for each in found.decisions if each.decision in ("keep", "renew", "release")
    )
    ours = {each["address"] for each in own if each["owner"] == "respond"}
    assert ours <= decided.keys()
    alerts_decided = {(each.sensor, str(each.alert)) for each in found.decisions}
    for each in read:
        handled = {row["id"] for row in each.handled or ()}
        for row in each.unhandled or ():
            assert row["id"] in handled or (each.sensor, str(row["id"])) in alerts_decided


@any_plant
def test_every_entry_ends(plant: Any) -> None:
    _read, own, chosen, approved = plant
    latest = max(
        [NOW + chosen.ttl, *(read_moment(each["until"]) for each in own), *(each.until for each in approved)]
    )
    for entry in decide(*plant, NOW).entries:
        assert NOW < read_moment(entry["until"]) <= latest
