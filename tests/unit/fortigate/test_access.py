# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The access of an integration: many objects in one task, one read per table, and the purge."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import (
    ApplianceError,
    Conflict,
    InvalidOptions,
    NotFound,
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
KEYED_B = {**PLAIN_ADMIN, "name": "b", "secret_ref": "vault_file:/s/b"}
PURGE = {"purge": True, "purge_names": "d-*"}


def admin(name: str = "a", profile: str = "p") -> dict[str, Any]:
    """Make a REST API administrator as FortiOS returns it."""
    return {"name": name, "accprofile": profile, "trusthost": HOSTS}


class Device(MemoryAppliance):
    """A FortiGate with two tables. A new object gets the defaults of FortiOS."""

    def __init__(self, profiles: Any = (), admins: Any = (), **noted: Any) -> None:
        super().__init__(**noted)
        self.tables: dict[str, dict[str, Any]] = {
            "system/accprofile": {row["name"]: row for row in profiles},
            "system/api-user": {row["name"]: row for row in admins},
            "system/vdom": {name: {"name": name} for name in ("root", "plant")},
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
    """Make validated options."""
    left_out = dict.fromkeys(
        (
            *("profiles", "admins", "trusted_hosts", "control_nodes", "inventory_hosts"),
            *("secret_store", "rotation_id", "purge_names"),
        )
    )
    off = dict.fromkeys(("allow_self_change", "purge", "rotate_only", "verify_keys"), False)
    defaults = {"recreate": "never", "purge_limit": 5, **off}
    return prepare_fortigate_access({**left_out, **defaults, **given})


class Play:
    """One task on a FortiGate, with a store entry for each key."""

    def __init__(self, device: Device, **given: Any) -> None:
        params = options(**given)
        self.entries = {
            name: MemoryEntry(check_mode=device.check_mode, events=device.events)
            for name in references(params)
        }
        self.task = Task(ADMIN, params, device, "fgt", device.check_mode, self.entries)
        self.outcome = Outcome()

    def play(self) -> list[tuple[str, str, str]]:
        """Run the task, and return kind, name and action of each object."""
        grant(self.task, self.outcome)
        return [(each["kind"], each["name"], each["action"]) for each in self.result["objects"]]

    @property
    def result(self) -> dict[str, Any]:
        """Return the result up to the point that the task reached."""
        return self.outcome.result()


TABLES = ["appliance table system/accprofile", "appliance table system/api-user"]


@pytest.mark.parametrize("check_mode", [False, True])
def test_profiles_admins_and_keys_come_in_the_order_of_their_dependencies(check_mode: bool) -> None:
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


def test_a_written_object_is_read_back_once() -> None:
    device = Device(admins=[admin()])
    Play(device, admins=[{**KEYED_ADMIN, "trusted_hosts": ["192.0.2.21"]}]).play()
    assert device.events[:5] == [
        "appliance table system/api-user",
        "store read",
        "store reserve",
        "appliance update admin a",
        "appliance read admin a",
    ]
    assert "appliance read key a" not in device.events


def test_an_absent_profile_is_deleted_after_its_admin() -> None:
    device = Device([raw(name="p")], [admin()])
    gone = [{"name": "p", "state": "absent"}]
    task = Play(device, profiles=gone, admins=[{"name": "a", "state": "absent", "secret_ref": "x:y"}])
    assert [(kind, action) for kind, _name, action in task.play()] == [
        ("admin", "delete"),
        ("key", "none"),
        ("profile", "delete"),
    ]
    assert (device.tables["system/accprofile"], device.tables["system/api-user"]) == ({}, {})


def test_a_failure_ends_the_task_and_reports_the_changes_before_it() -> None:
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


def test_an_administrator_may_have_its_own_reason_to_replace_its_key() -> None:
    admins = [{**KEYED_ADMIN, "recreate": "always"}, KEYED_B]
    device = Device(admins=[admin("a"), admin("b")])
    task = Play(device, admins=admins)
    for entry in task.entries.values():
        entry.current = secret("old")
    assert [each for each in task.play() if each[0] == "key"] == [
        ("key", "a", "rotate"),
        ("key", "b", "none"),
    ]


@pytest.mark.parametrize(("verdict", "is_accepted"), [("valid", True), ("invalid", False), ("unknown", None)])
def test_keys_are_verified_on_request(verdict: str, is_accepted: bool | None) -> None:
    device = Device(admins=[admin()], verdicts=[(verdict, None)], check_mode=True)
    task = Play(device, admins=[KEYED_ADMIN], verify_keys=True)
    task.entries["a"].current = secret("old")
    assert task.play()[-1] == ("key", "a", "none")
    assert task.result["objects"][-1]["accepted"] is is_accepted


@pytest.mark.parametrize("is_new", [True, False])
def test_a_new_admin_is_deleted_if_its_key_cannot_be_stored(is_new: bool) -> None:
    device = Device(admins=[] if is_new else [admin()])
    task = Play(device, admins=[KEYED_ADMIN])
    task.entries["a"].errors = {"persist": SecretStoreError("no space left")}
    with pytest.raises(SecretStoreError) as caught:
        task.play()
    assert ("a" in device.tables["system/api-user"]) is not is_new
    assert ("it was deleted on the appliance" in caught.value.reason) is is_new
    assert (task.entries["a"].pending is None) is is_new
    assert MINTED not in caught.value.reason


def written(device: Device) -> list[str]:
    """Return the writes on the FortiGate."""
    return [event for event in device.events if event.startswith(("appliance create", "appliance update"))]


STATES: dict[str, tuple[Any, Any]] = {
    # what exists: (admins, stored value)
    "nothing": ((), None),
    "a key of an earlier admin": ((), "old"),
    "an admin without a key": ((admin(profile="q"),), None),
}


@pytest.mark.parametrize(("admins", "value"), STATES.values(), ids=STATES)
def test_nothing_is_written_on_the_fortigate_if_a_store_cannot_be_written(admins: Any, value: Any) -> None:
    device = Device(admins=admins)
    task = Play(device, profiles=[PROFILE], admins=[KEYED_ADMIN, KEYED_B])
    task.entries["a"].current = secret(value) if value else None
    task.entries["b"].errors = {"reserve": SecretStoreError("read-only file system")}
    with pytest.raises(SecretStoreError):
        task.play()
    assert written(device) == []
    assert task.entries["a"].pending is None
    assert not task.entries["a"].doubted


def test_nothing_is_written_on_the_fortigate_while_another_run_is_minting() -> None:
    device = Device()
    task = Play(device, profiles=[PROFILE], admins=[KEYED_ADMIN])
    task.entries["a"].pending = begun(is_minting=True)
    with pytest.raises(SecretStoreError, match="is minting it"):
        task.play()
    assert written(device) == []


def test_keys_are_reserved_before_the_first_write() -> None:
    device = Device()
    Play(device, profiles=[PROFILE], admins=[KEYED_ADMIN]).play()
    reserved = device.events.index("store reserve")
    assert all(device.events.index(event) > reserved for event in written(device))
    assert device.events.count("store reserve") == 1


FAILING = {
    # which step fails, and how: (error, whether the admin may exist, whether its stored key is doubted)
    "the profile": ("create profile p", Refused("no"), False),
    "the admin, refused": ("create admin a", Refused("no"), False),
    "the admin, unclear": ("create admin a", ApplianceError("no reason", status=500), True),
    "the admin, read back": ("read admin a", Refused("no", status=403), True),
    "a later admin": ("create admin b", Refused("no"), True),
}


@pytest.mark.parametrize(("event", "error", "doubted"), FAILING.values(), ids=FAILING)
def test_a_failed_task_doubts_the_stored_key_of_an_admin_that_may_be_new(
    event: str, error: ApplianceError, doubted: bool
) -> None:
    device = Device()
    task = Play(device, profiles=[PROFILE], admins=[KEYED_ADMIN, {**PLAIN_ADMIN, "name": "b"}])
    task.entries["a"].current = secret("of the old admin")
    note = device._note

    def fail(verb: str, about: str = "", **key: str) -> None:
        note(verb, about, **key)
        if verb + about == event:
            raise error

    device._note = fail  # type: ignore[method-assign]
    with pytest.raises(type(error)):
        task.play()
    assert (task.entries["a"].pending, task.entries["a"].doubted) == (None, doubted)


@pytest.mark.parametrize("left", ["pending", "doubted"])
def test_a_run_killed_after_the_admin_was_created_is_healed_by_the_next_one(left: str) -> None:
    device = Device([raw(name="p", vpngrp="read")], [admin()], verdicts=[("invalid", 401), ("valid", 200)])
    task = Play(device, admins=[KEYED_ADMIN])
    task.entries["a"].current = secret("of the old admin")
    setattr(task.entries["a"], left, begun() if left == "pending" else True)
    assert task.play() == [("admin", "a", "none"), ("key", "a", "rotate" if left == "doubted" else "mint")]
    assert task.entries["a"].current.value == MINTED


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("pending", [None, begun(secret("half done"))], ids=["stored", "interrupted"])
def test_the_key_of_a_deleted_admin_is_not_kept_for_a_new_one(pending: Any, check_mode: bool) -> None:
    device = Device([raw()], check_mode=check_mode)
    task = Play(device, admins=[KEYED_ADMIN])
    task.entries["a"].current, task.entries["a"].pending = secret("of the old admin"), pending
    assert task.play()[0] == ("admin", "a", "create")
    key = task.result["objects"][-1]
    assert key["changed"]
    assert key["minted"] is not check_mode
    assert [event for event in device.events if "probe" in event] == (
        [] if check_mode else [f"appliance probe {MINTED}"]
    )


@pytest.mark.parametrize("check_mode", [False, True])
def test_an_admin_that_this_task_creates_cannot_be_the_account_in_use(check_mode: bool) -> None:
    device = Device([raw()], check_mode=check_mode, own=True)
    assert Play(device, admins=[KEYED_ADMIN]).play() == [("admin", "a", "create"), ("key", "a", "mint")]


MISSING = {
    # what is missing: (profiles, admin, message)
    "profile": ([], {}, 'the admin profile "p" in profile does not exist, or this account cannot see it'),
    "VDOM": (["p"], {"vdoms": ["plant", "nowhere"]}, 'the VDOM "nowhere" in vdoms does not exist'),
}


@pytest.mark.parametrize(("profiles", "given", "says"), MISSING.values(), ids=MISSING)
def test_check_mode_refuses_an_admin_that_names_a_missing_object(
    profiles: Any, given: Any, says: str
) -> None:
    device = Device([raw(name=name) for name in ["other", *profiles]], check_mode=True)
    task = Play(device, admins=[{**PLAIN_ADMIN, **given}])
    with pytest.raises(NotFound) as caught:
        task.play()
    assert caught.value.sentence("fgt").startswith(f'fgt: creating REST API administrator "a" failed: {says}')


@pytest.mark.parametrize("admins", [[PLAIN_ADMIN], [{**PLAIN_ADMIN, "vdoms": ["root"]}]])
def test_nothing_else_is_read_for_an_admin_in_sync(admins: Any) -> None:
    device = Device([raw()], [{**admin(), "vdom": [{"name": "root"}]}], check_mode=True)
    assert Play(device, admins=admins).play() == [("admin", "a", "none")]
    assert device.events == [TABLES[1]]


@pytest.mark.parametrize("check_mode", [False, True])
def test_an_object_whose_name_is_not_utf_8_is_not_purged_and_stops_the_purge(check_mode: bool) -> None:
    device = Device(admins=[admin("d-caf\N{REPLACEMENT CHARACTER}")], check_mode=check_mode)
    with pytest.raises(Conflict) as caught:
        Play(device, profiles=[PROFILE], admins=[], **PURGE).play()
    assert (
        'administrator "d-caf\N{REPLACEMENT CHARACTER}" matches purge_names, but its name has bytes'
        in str(caught.value)
    )
    assert not [event for event in device.events if "table" not in event]


PURGED = {
    # (profiles besides "p", admins besides "a", options, deleted objects)
    "nothing": ([], [], PURGE, []),
    "one of each": (["d-1"], ["d-2"], PURGE, [("admin", "d-2"), ("profile", "d-1")]),
    "other names": (["x"], ["d"], PURGE, []),
    "built in": (
        ["super_admin", "super_admin_readonly", "prof_admin", "other"],
        [],
        {**PURGE, "purge_names": "*"},
        ["other"],
    ),
    "without purge": (["d-1"], ["d-2"], {}, []),
}


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize(("profiles", "admins", "given", "removed"), PURGED.values(), ids=PURGED)
def test_only_unlisted_objects_that_match_the_pattern_are_purged(
    profiles: Any, admins: Any, given: Any, removed: Any, check_mode: bool
) -> None:
    there = [raw(name=name, vpngrp="read") for name in ["p", *profiles]]
    device = Device(there, [admin(name) for name in ["a", *admins]], check_mode=check_mode)
    done = Play(device, profiles=[PROFILE], admins=[PLAIN_ADMIN], **given).play()
    wanted = [each if isinstance(each, tuple) else ("profile", each) for each in removed]
    assert [(kind, name) for kind, name, action in done if action == "delete"] == wanted


def test_a_list_that_is_not_set_is_not_purged() -> None:
    device = Device([raw(name="d-1")], [admin("d-2")])
    assert Play(device, admins=[], **PURGE).play() == [("admin", "d-2", "delete")]


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_purge_beyond_its_limit_changes_nothing(check_mode: bool) -> None:
    device = Device(admins=[admin(f"d-{number}") for number in range(3)], check_mode=check_mode)
    task = Play(device, profiles=[PROFILE], admins=[], **PURGE, purge_limit=2)
    with pytest.raises(Conflict) as caught:
        task.play()
    assert str(caught.value) == (
        "purge would delete 3 objects, but purge_limit is 2, so nothing was changed: "
        'REST API administrator "d-0", REST API administrator "d-1", REST API administrator "d-2"; '
        "check these objects, then increase purge_limit or narrow purge_names"
    )
    assert not [event for event in device.events if "table" not in event]


RESPOND = {
    "profiles": [{"name": "p"}, {"name": "r", "preset": "defender_iot_respond"}],
    "admins": [{"name": "a", "profile": "p"}, {"name": "b", "profile": "r"}],
}
NODES = {"control_nodes": ["203.0.113.5"]}


def hosts_of(**given: Any) -> list[Any]:
    return [each["trusted_hosts"] for each in options(**{**RESPOND, **given})["admins"]]


def test_the_account_for_responding_trusts_the_control_nodes_only() -> None:
    sensors = {"trusted_hosts": ["192.0.2.20"]}
    assert hosts_of(**sensors, **NODES) == [["192.0.2.20"], ["203.0.113.5"]]
    assert hosts_of(**NODES) == [None, ["203.0.113.5"]]
    assert hosts_of() == [None, None]
    with pytest.raises(InvalidOptions) as error:
        hosts_of(**sensors)
    assert str(error.value).startswith(
        'admins, item 2: the profile of "b" has the preset defender_iot_respond, which is for control'
    )


def test_an_account_for_responding_may_set_its_own_trusted_hosts_or_be_absent() -> None:
    sensors = {"trusted_hosts": ["192.0.2.20"]}
    for given in ({"trusted_hosts": ["198.51.100.1"]}, {"state": "absent"}):
        found = hosts_of(**sensors, admins=[{"name": "b", "profile": "r", **given}])
        assert found == [given.get("trusted_hosts", ["192.0.2.20"])]


def test_an_admin_gets_the_shared_options_that_it_does_not_set() -> None:
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
def test_recreate_applies_to_every_key(recreate: str, minted: bool) -> None:
    task = Play(Device(admins=[admin()]), admins=[KEYED_ADMIN], recreate=recreate)
    task.entries["a"].current = secret("old")
    task.play()
    assert task.result["objects"][-1]["minted"] is minted


WRONG = {
    # what is wrong: (options, message)
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
    "a reference twice": (
        {"admins": [KEYED_ADMIN, {**KEYED_ADMIN, "name": "b"}]},
        'admins, item 2: "b" has the same secret_ref as "a", vault_file:/s/a, which keeps only one key; '
        "set another secret_ref for one of them",
    ),
    "a name twice": ({"profiles": [PROFILE, PROFILE]}, 'profiles, item 2: "p" is listed twice; correct'),
    "a long name": ({"admins": [{"name": "a" * 36}]}, "admins, item 1: name has 36 characters"),
}


@pytest.mark.parametrize(("given", "said"), WRONG.values(), ids=WRONG)
def test_a_wrong_item_is_named_before_any_request(given: Any, said: str) -> None:
    with pytest.raises(InvalidOptions) as caught:
        options(**given)
    assert str(caught.value).startswith(said)


def rotation(device: Device, **given: Any) -> Play:
    """Prepare a rotation of the administrator's stored key that also has differences to report."""
    admins = [{**KEYED_ADMIN, "comments": "x"}]
    task = Play(device, profiles=[{**PROFILE, "vpn": "none"}], admins=admins, rotate_only=True, **given)
    task.entries["a"].current = secret("old", rotation_id="before")
    device.events.clear()
    return task


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_rotation_replaces_keys_and_reports_everything_else(check_mode: bool) -> None:
    device = Device([raw(name="p", vpngrp="read")], [admin()], check_mode=check_mode)
    task = rotation(device, rotation_id="q4", purge=True, purge_names="*", purge_limit=0)
    assert task.play() == [("profile", "p", "none"), ("admin", "a", "none"), ("key", "a", "rotate")]
    assert [each for each in device.events if each.split()[1] in ("create", "update", "delete")] == []
    reported = "is not in the desired state (it differs in {}), and a rotation does not change it"
    assert task.result["warnings"] == [
        f'admin profile "p" {reported.format("vpn")}',
        f'REST API administrator "a" {reported.format("comments")}',
    ]
    assert [each["reason"] for each in task.result["objects"][:2]] == [
        f"not in the desired state (it differs in {what}), and a rotation does not change it"
        for what in ("vpn", "comments")
    ]


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_rotation_neither_purges_nor_creates_nor_mints_a_first_key(check_mode: bool) -> None:
    device = Device([raw(name="d-1")], check_mode=check_mode)
    task = rotation(device, rotation_id="q4", purge=True, purge_names="d-*")
    assert task.play() == [
        ("profile", "p", "none"),
        ("admin", "a", "none"),
        ("key", "a", "none"),
        ("profile", "d-1", "none"),
    ]
    assert not task.result["changed"]
    assert [each.split()[1] for each in device.events if each.startswith("appliance")] == [
        "table",
        "table",
    ]
    whys = ["the object that it belongs to does not exist", "it does not exist", "it does not exist"]
    assert [
        why in text for why, text in zip([*whys, "it still exists"], task.result["warnings"], strict=True)
    ] == [True] * 4
