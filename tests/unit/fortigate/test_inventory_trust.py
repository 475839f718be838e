# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A trusted host is removed by a declaration, and never because its host is missing from the inventory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import SecretStoreError
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.api_admin import trusted_hosts
from ansible_collections.otsec.defender_iot.tests.unit.fakes import MemoryEntry
from ansible_collections.otsec.defender_iot.tests.unit.fortigate.test_access import Device, Play, admin, raw

NORTH, SOUTH, OTHER, NETWORK = "192.0.2.11/32", "198.51.100.11/32", "203.0.113.9/32", "203.0.113.0/24"
RECORDED = {NORTH: "north", SOUTH: "south"}
BOTH = {"north": "192.0.2.11", "south": "198.51.100.11"}
LEFT_BEHIND = 'REST API administrator "a" trusts 198.51.100.11/32 of south, which is left behind'
UNKNOWN = (
    'REST API administrator "a" trusts 203.0.113.9/32, which may be a host that the inventory no longer has'
)


def row(hosts: Sequence[str]) -> dict[str, Any]:
    """Return the administrator with these trusted hosts, as FortiOS returns it."""
    entries = [
        {"id": number, "type": "ipv4-trusthost", "ipv4-trusthost": host}
        for number, host in enumerate(hosts, 1)
    ]
    return {**admin(), "trusthost": entries}


class Stage:
    """One administrator on a FortiGate. ``recorded`` are the trusted hosts in the record of its key."""

    def __init__(self, hosts: Sequence[str], recorded: Mapping[str, str] | None, **entry: Any) -> None:
        self.device = Device(profiles=[{**raw(), "name": "p"}], admins=[row(hosts)] if hosts else [])
        value = "stored" if hosts else None
        self.entry = MemoryEntry(value, trusted=recorded, events=self.device.events, **entry)

    def run(self, wanted: Sequence[str], inventory: Any, *, check: bool = False, **more: Any) -> Play:
        """Run the task, and empty the list of events."""
        self.device.events.clear()
        self.device.check_mode = self.entry.check_mode = check
        given = {"name": "a", "profile": "p", "secret_ref": "vault_file:/s/a"}
        play = Play(self.device, admins=[given], trusted_hosts=wanted, inventory_hosts=inventory, **more)
        play.entries["a"] = self.entry
        play.play()
        return play

    @property
    def trusted(self) -> list[str]:
        """The trusted hosts on the FortiGate."""
        return [
            each.replace(" ", "/").replace("255.255.255.255", "32")
            for each in trusted_hosts(self.device.tables["system/api-user"]["a"]["trusthost"])
        ]

    @property
    def writes(self) -> list[str]:
        return [each for each in self.device.events if each.split()[1] not in ("read", "table", "probe")]


CASES: dict[str, tuple[Any, ...]] = {
    "all are there": ([NORTH, SOUTH], RECORDED, BOTH, BOTH, [NORTH, SOUTH], None),
    "one is missing": (
        [NORTH, SOUTH],
        RECORDED,
        ["north"],
        {"north": BOTH["north"]},
        [NORTH, SOUTH],
        LEFT_BEHIND,
    ),
    "one is decommissioned": ([NORTH, SOUTH], RECORDED, ["north"], BOTH, [NORTH], None),
    "one is decommissioned, and never was recorded": ([NORTH, SOUTH], None, ["north"], BOTH, [NORTH], None),
    "one has moved": (
        [NORTH, SOUTH],
        RECORDED,
        ["north", "south"],
        {**BOTH, "south": "203.0.113.9"},
        [NORTH, OTHER],
        None,
    ),
    "one is foreign": ([NORTH, OTHER], RECORDED, ["north"], BOTH, [NORTH], None),
    "one is of unknown origin": ([NORTH, OTHER], None, ["north"], BOTH, [NORTH, OTHER], UNKNOWN),
    "one was of unknown origin": (
        [NORTH, OTHER],
        {NORTH: "north", OTHER: ""},
        ["north"],
        BOTH,
        [NORTH, OTHER],
        UNKNOWN,
    ),
    "one is a network": (
        [NORTH, NETWORK.replace("/24", " 255.255.255.0")],
        None,
        ["north"],
        BOTH,
        [NORTH],
        None,
    ),
    "one is unreadable": ([NORTH, "nonsense"], None, ["north"], BOTH, [NORTH], None),
    "none is there yet": ([], None, ["north", "south"], BOTH, [NORTH, SOUTH], None),
}


@pytest.mark.parametrize(
    ("there", "recorded", "names", "inventory", "after", "warning"), CASES.values(), ids=CASES
)
def test_what_is_merely_missing_stays(
    there: Any, recorded: Any, names: Any, inventory: Any, after: Any, warning: str | None
) -> None:
    wanted = [inventory[name] for name in names]
    stage = Stage(there, recorded)
    predicted = stage.run(wanted, inventory, check=True)
    done = stage.run(wanted, inventory)
    assert stage.trusted == after
    for play in (predicted, done):
        assert play.result["changed"] is (sorted(there) != sorted(after))
        found = [each for each in play.result.get("warnings", []) if " trusts " in each]
        assert [warning in each for each in found] == [True] * (warning is not None)
    assert set(stage.entry.trusted) == set(after)
    assert not stage.run(wanted, inventory).result["changed"]
    assert stage.writes == []


def test_a_host_is_forgotten_only_after_it_was_removed() -> None:
    stage = Stage([NORTH, SOUTH], RECORDED)
    stage.run(["192.0.2.11"], BOTH)
    assert stage.writes == ["appliance update admin a", "store remember"]
    assert stage.entry.trusted == {NORTH: "north"}


def test_a_host_is_remembered_before_it_is_added() -> None:
    stage = Stage([NORTH], {NORTH: "north"})
    stage.run(list(BOTH.values()), BOTH)
    assert stage.writes == ["store remember", "appliance update admin a"]
    assert stage.entry.trusted == RECORDED


def test_nothing_is_added_that_cannot_be_remembered() -> None:
    stage = Stage([NORTH], {NORTH: "north"}, errors={"remember": SecretStoreError("broken")})
    with pytest.raises(SecretStoreError):
        stage.run(list(BOTH.values()), BOTH)
    assert stage.trusted == [NORTH]


def test_a_rotation_remembers_nothing_and_reports_no_missing_host_as_drift() -> None:
    stage = Stage([NORTH, SOUTH], None)
    found = stage.run(["192.0.2.11"], {"north": "192.0.2.11"}, rotate_only=True)
    assert not [each for each in found.result["warnings"] if "desired state" in each]
    assert stage.entry.trusted is None


@pytest.mark.parametrize(
    "more", [{"inventory_hosts": None}, {"admins": [{"name": "a", "profile": "p", "trusted_hosts": [NORTH]}]}]
)
def test_a_list_of_the_user_is_a_declaration(more: dict[str, Any]) -> None:
    stage = Stage([NORTH, SOUTH], RECORDED)
    admins = [{"name": "a", "profile": "p"}]
    given = {"admins": admins, "trusted_hosts": ["192.0.2.11"], "inventory_hosts": {"north": "192.0.2.11"}}
    Play(stage.device, **{**given, **more}).play()
    assert stage.trusted == [NORTH]


def test_without_a_stored_key_the_origin_of_an_address_is_unknown() -> None:
    stage = Stage([NORTH, SOUTH], None)
    given = {"name": "a", "profile": "p", "secret_ref": ""}
    hosts = {"trusted_hosts": ["192.0.2.11"], "inventory_hosts": {"north": "192.0.2.11"}}
    play = Play(stage.device, admins=[given], **hosts)
    play.play()
    assert stage.trusted == [NORTH, SOUTH]
    assert "may be a host that the inventory no longer has" in play.result["warnings"][0]
