# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The access of an integration: many objects in one task, each table read once, and what is purged."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import (
    Conflict,
    InvalidOptions,
    Refused,
    SecretStoreError,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.task import Outcome, Task
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.access import (
    grant,
    prepare_fortigate_access,
    references,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.api_admin import ADMIN
from ansible_collections.otsec.defender_iot.tests.unit.fakes import (
    MINTED,
    MemoryAppliance,
    MemoryEntry,
    begun,
    secret,
)
from ansible_collections.otsec.defender_iot.tests.unit.fortigate.test_admin_profile import raw

HOSTS = [{"id": 1, "type": "ipv4-trusthost", "ipv4-trusthost": "192.0.2.20 255.255.255.255"}]
PROFILE = {"name": "p", "vpn": "read"}
PLAIN_ADMIN = {"name": "a", "profile": "p", "trusted_hosts": ["192.0.2.20"]}
KEYED_ADMIN = {**PLAIN_ADMIN, "secret_ref": "vault_file:/s/a"}
PURGE = {"purge": True, "purge_names": "d-*"}


def admin(name: str = "a", profile: str = "p") -> dict[str, Any]:
    """Make an API admin as FortiOS shows it."""
    return {"name": name, "accprofile": profile, "trusthost": HOSTS}


class Device(MemoryAppliance):
    """A FortiGate with two tables; what is created gets the defaults of FortiOS."""

    def __init__(self, profiles: Any = (), admins: Any = (), **noted: Any) -> None:
        super().__init__(**noted)
        self.tables = {
            "system/accprofile": {row["name"]: row for row in profiles},
            "system/api-user": {row["name"]: row for row in admins},
        }
        self.fresh = {"system/accprofile": raw(), "system/api-user": {}}

    def read(self, resource: Any, key: Any) -> Any:
        self._note("read", f" {resource.kind} {key}")
        return self.tables[resource.path].get(key)

    def table(self, resource: Any) -> Any:
        self._note("table", f" {resource.path}")
        return list(self.tables[resource.path].values())

    def create(self, resource: Any, key: Any, body: Any) -> None:
        self._write("create", f" {resource.kind} {key}")
        self.tables[resource.path][key] = {**self.fresh[resource.path], **body}

    def update(self, resource: Any, key: Any, body: Any) -> None:
        self._write("update", f" {resource.kind} {key}")
        self.tables[resource.path][key] = {**self.tables[resource.path][key], **body}

    def delete(self, resource: Any, key: Any, raw: Any = None) -> None:
        self._write("delete", f" {resource.kind} {key}")
        del self.tables[resource.path][key]


def options(**given: Any) -> dict[str, Any]:
    """Make checked options."""
    left_out = dict.fromkeys(
        ("profiles", "admins", "trusted_hosts", "secret_store", "rotation_id", "purge_names")
    )
    defaults = {"recreate": "never", "allow_self_change": False, "purge": False, "purge_limit": 5}
    return prepare_fortigate_access({**left_out, **defaults, **given})


class Play:
    """One task on a FortiGate, with a keeper for the key of every admin that has one."""

    def __init__(self, device: Device, **given: Any) -> None:
        params = options(**given)
        self.keepers = {
            name: MemoryEntry(check_mode=device.check_mode, events=device.events)
            for name in references(params)
        }
        self.task = Task(ADMIN, params, device, "fgt", device.check_mode, self.keepers)
        self.outcome = Outcome()

    def play(self) -> list[tuple[str, str, str]]:
        """Carry it out; return kind, name and action of each object."""
        grant(self.task, self.outcome)
        return [(each["kind"], each["name"], each["action"]) for each in self.result["objects"]]

    @property
    def result(self) -> dict[str, Any]:
        """Return the result as far as the task came."""
        return self.outcome.result()


TABLES = ["appliance table system/accprofile", "appliance table system/api-user"]


@pytest.mark.parametrize("check_mode", [False, True])
def test_profiles_admins_and_keys_come_in_the_order_in_which_they_need_each_other(check_mode: bool) -> None:
    device = Device(check_mode=check_mode)
    task = Play(device, admins=[KEYED_ADMIN], profiles=[PROFILE])
    assert task.play() == [("profile", "p", "create"), ("admin", "a", "create"), ("key", "a", "mint")]
    assert task.result["changed"]
    assert "warnings" not in task.result
    assert [each["before"] for each in task.result["diff"]] == [{}, {}, {}]


def test_in_sync_each_table_is_read_once_and_nothing_is_written() -> None:
    profiles = [raw(name=name, vpngrp="read") for name in "pqr"]
    admins = [admin(name) for name in "abc"]
    device = Device(profiles, admins)
    task = Play(
        device,
        profiles=[{**PROFILE, "name": name} for name in "pqr"],
        admins=[{**PLAIN_ADMIN, "name": name} for name in "abc"],
    )
    assert {action for _kind, _name, action in task.play()} == {"none"}
    assert device.events == TABLES
    assert "diff" not in task.result
    assert not task.result["changed"]


def test_what_was_written_is_read_back_by_itself_and_not_again() -> None:
    device = Device(admins=[admin()])
    Play(device, admins=[{**KEYED_ADMIN, "trusted_hosts": ["192.0.2.21"]}]).play()
    assert device.events[:4] == [
        "appliance table system/api-user",
        "appliance update admin a",
        "appliance read admin a",
        "store read",
    ]
    assert "appliance read key a" not in device.events


def test_what_is_absent_goes_after_what_uses_it() -> None:
    device = Device([raw(name="p")], [admin()])
    gone = [{"name": "p", "state": "absent"}]
    task = Play(device, profiles=gone, admins=[{"name": "a", "state": "absent", "secret_ref": "x:y"}])
    assert [(kind, action) for kind, _name, action in task.play()] == [
        ("admin", "delete"),
        ("key", "none"),
        ("profile", "delete"),
    ]
    assert device.tables == {"system/accprofile": {}, "system/api-user": {}}


def test_a_failure_ends_the_task_and_tells_what_had_been_done() -> None:
    device = Device(errors={})
    task = Play(device, profiles=[PROFILE], admins=[PLAIN_ADMIN, {**PLAIN_ADMIN, "name": "b"}])
    create = device.create

    def refuse_b(resource: Any, key: Any, body: Any) -> None:
        if key == "b":
            raise Refused("no")
        create(resource, key, body)

    device.create = refuse_b  # type: ignore[method-assign]
    with pytest.raises(Refused):
        task.play()
    assert [(each["kind"], each["name"]) for each in task.result["objects"]] == [
        ("profile", "p"),
        ("admin", "a"),
    ]
    assert task.result["changed"]


@pytest.mark.parametrize("is_new", [True, False])
def test_an_admin_of_this_task_does_not_outlive_a_key_that_could_not_be_stored(is_new: bool) -> None:
    device = Device(admins=[] if is_new else [admin()])
    task = Play(device, admins=[KEYED_ADMIN])
    task.keepers["a"].errors = {"persist": SecretStoreError("no space left")}
    with pytest.raises(SecretStoreError) as caught:
        task.play()
    assert ("a" in device.tables["system/api-user"]) is not is_new
    assert ("the appliance has deleted it again" in caught.value.reason) is is_new
    assert (task.keepers["a"].pending is None) is is_new
    assert MINTED not in caught.value.reason


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("pending", [None, begun(secret("half done"))], ids=["stored", "interrupted"])
def test_a_key_of_an_admin_that_is_no_more_is_not_kept_for_a_new_one(pending: Any, check_mode: bool) -> None:
    device = Device(check_mode=check_mode)
    task = Play(device, admins=[KEYED_ADMIN])
    task.keepers["a"].current, task.keepers["a"].pending = secret("of the old admin"), pending
    assert task.play()[0] == ("admin", "a", "create")
    key = task.result["objects"][-1]
    assert key["changed"]
    assert key["minted"] is not check_mode
    assert [event for event in device.events if "probe" in event] == (
        [] if check_mode else [f"appliance probe {MINTED}"]
    )


@pytest.mark.parametrize("check_mode", [False, True])
def test_an_admin_that_this_task_creates_cannot_be_the_account_in_use(check_mode: bool) -> None:
    device = Device(check_mode=check_mode, own=True)
    assert Play(device, admins=[KEYED_ADMIN]).play() == [("admin", "a", "create"), ("key", "a", "mint")]


PURGED = {
    # what is there besides "p" and "a": (profiles, admins, options, what is removed)
    "nothing": ([], [], PURGE, []),
    "one of each": (["d-1"], ["d-2"], PURGE, [("admin", "d-2"), ("profile", "d-1")]),
    "other names": (["x"], ["d"], PURGE, []),
    "built in": (
        ["super_admin", "super_admin_readonly", "prof_admin", "other"],
        [],
        {**PURGE, "purge_names": "*"},
        ["other"],
    ),
    "not asked for": (["d-1"], ["d-2"], {}, []),
}


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize(("profiles", "admins", "given", "removed"), PURGED.values(), ids=PURGED)
def test_only_what_fits_the_pattern_and_is_not_listed_is_purged(
    profiles: Any, admins: Any, given: Any, removed: Any, check_mode: bool
) -> None:
    there = [raw(name=name, vpngrp="read") for name in ["p", *profiles]]
    device = Device(there, [admin(name) for name in ["a", *admins]], check_mode=check_mode)
    done = Play(device, profiles=[PROFILE], admins=[PLAIN_ADMIN], **given).play()
    wanted = [each if isinstance(each, tuple) else ("profile", each) for each in removed]
    assert [(kind, name) for kind, name, action in done if action == "delete"] == wanted


def test_a_list_that_is_not_given_is_not_purged() -> None:
    device = Device([raw(name="d-1")], [admin("d-2")])
    assert Play(device, admins=[], **PURGE).play() == [("admin", "d-2", "delete")]


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_purge_that_goes_too_far_changes_nothing(check_mode: bool) -> None:
    device = Device(admins=[admin(f"d-{number}") for number in range(3)], check_mode=check_mode)
    task = Play(device, profiles=[PROFILE], admins=[], **PURGE, purge_limit=2)
    with pytest.raises(Conflict) as caught:
        task.play()
    assert str(caught.value) == (
        "purge would remove 3 objects, more than purge_limit (2), so nothing was changed: "
        'API admin "d-0", API admin "d-1", API admin "d-2"'
    )
    assert not [event for event in device.events if "table" not in event]


def test_an_admin_gets_what_the_task_says_for_all_where_it_says_nothing_itself() -> None:
    own = {
        "name": "b",
        "trusted_hosts": ["198.51.100.1"],
        "secret_ref": "command:b",
        "rotation_id": "2",
    }
    for_all = {"trusted_hosts": ["192.0.2.20"], "secret_store": "vault_file:/s/fgt", "rotation_id": "1"}
    params = options(admins=[{"name": "a"}, own], **for_all)
    assert [admin["trusted_hosts"] for admin in params["admins"]] == [["192.0.2.20"], ["198.51.100.1"]]
    assert references(params) == {"a": "vault_file:/s/fgt/a", "b": "command:b"}
    assert [admin["rotation_id"] for admin in params["admins"]] == ["1", "2"]


@pytest.mark.parametrize(("recreate", "minted"), [("never", False), ("always", True)])
def test_when_to_replace_a_key_is_said_for_all(recreate: str, minted: bool) -> None:
    task = Play(Device(admins=[admin()]), admins=[KEYED_ADMIN], recreate=recreate)
    task.keepers["a"].current = secret("old")
    task.play()
    assert task.result["objects"][-1]["minted"] is minted


WRONG = {
    # what is wrong: (options, what is said)
    "an unknown option": (
        {"profiles": [{"name": "p", "vpm": "read"}]},
        "profiles, item 1: unsupported option vpm; use vpn",
    ),
    "no name": ({"admins": [PLAIN_ADMIN, {}]}, "admins, item 2: missing required arguments: name"),
    "the connection": (
        {"admins": [{"name": "a", "url": "x"}]},
        "admins, item 1: unsupported option url; remove it",
    ),
    "an open host": (
        {"admins": [{"name": "a", "trusted_hosts": ["0.0.0.0/0"]}]},
        'admins, item 1: trusted_hosts: "0.0.0.0/0" would trust every source',
    ),
    "rights without custom": (
        {"profiles": [{"name": "p", "network_permissions": {"cfg": "read"}}]},
        "profiles, item 1: network_permissions needs network: custom",
    ),
    "a name twice": ({"profiles": [PROFILE, PROFILE]}, 'profiles, item 2: "p" is named twice'),
    "a long name": ({"admins": [{"name": "a" * 36}]}, "admins, item 1: name has 36 characters"),
}


@pytest.mark.parametrize(("given", "said"), WRONG.values(), ids=WRONG)
def test_a_wrong_item_is_named_before_any_request(given: Any, said: str) -> None:
    with pytest.raises(InvalidOptions) as caught:
        options(**given)
    assert str(caught.value).startswith(said)
