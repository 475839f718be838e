# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fleet of FortiGates of many versions and models: one playbook for all, with messages for the exceptions.

For unknown behaviour of FortiOS, some FortiGates of the fleet have each value of the lab's switch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import pytest
import yaml
from defender_iot_lab.fortigate.device import FortiGateOptions

from ansible_collections.otsec.defender_iot.tests.support.shared_runs import (
    Outcomes,
    Place,
    SharedRuns,
    Steps,
    TaskRuns,
)
from ansible_collections.otsec.defender_iot.tests.support.workspace import (
    COLLECTION,
    Run,
    Workspace,
    play,
    task,
)

VERSIONS = ["6.4.5", "6.4.14", "7.0.0", "7.0.6", "7.2.8", "7.4.1", "7.4.5", "7.6.2", "7.6.5"]
MODELS: dict[str, dict[str, Any]] = {
    "single": {"wanopt": True},
    "vdoms": {"wanopt": False, "multi_vdom": True, "vdoms": ["root", "plant"]},
}
# The switches that the model decides, and one that would refuse a login with a key.
SETTLED = ("multi_vdom", "wanopt", "token_reauthentication")
UNSETTLED = {
    switch.name: switch.metadata["choices"]
    for switch in fields(FortiGateOptions)
    if "choices" in switch.metadata and switch.name not in SETTLED
}
FLEET = {
    f"{version}-{model}": {"version": version, **switches}
    for version in VERSIONS
    for model, switches in MODELS.items()
}
HOSTS = {name: f"spare-{number:02}" for number, name in enumerate(FLEET, 1)}
TOGETHER = SharedRuns()


def _with_password(node: Workspace, appliance: str) -> dict[str, Any]:
    """Return the connection, with the password that FortiOS requires in addition to a token from 7.6.5 on."""
    return node.host(appliance, password=node.lab.appliances[appliance]["credentials"]["password"])


@dataclass(frozen=True)
class Fleet:
    """The same playbook on every FortiGate: predicted, carried out, and repeated."""

    node: Workspace
    runs: dict[str, Run]
    writes: dict[str, int]
    requests: dict[str, list[str]]


@pytest.fixture(scope="module")
def fleet(new_workspace: Callable[[], Workspace]) -> Fleet:
    """The fleet, with the tutorial's access on every FortiGate."""
    node = new_workspace()
    hosts = {}
    for number, (name, switches) in enumerate(FLEET.items()):
        unsettled = {switch: choices[number % len(choices)] for switch, choices in UNSETTLED.items()}
        node.lab.switch(HOSTS[name], **switches, **unsettled)
        variables = {**_with_password(node, HOSTS[name]), "secret_store": node.ref("keys")}
        hosts[name] = {f"fortigate_access_{option}": value for option, value in variables.items()}
        hosts[name]["fortigate_access_trusted_hosts"] = ["192.0.2.11", "2001:db8::/64", "198.51.100.0/28"]
    path = node.inputs / "fleet.yml"
    path.write_text(yaml.safe_dump({"fortigates": {"hosts": hosts}}))
    runs, writes = {}, {}
    for name, arguments in {"predicted": ["--check"], "built": [], "repeated": []}.items():
        node.lab.forget_calls()
        runs[name] = node.playbook(COLLECTION + "fortinet", *arguments, inventories=[path])
        writes[name] = len([call for call in node.lab.calls() if call["write"]])
    calls = node.lab.calls()
    paths = {host: [c["path"] for c in calls if c["appliance"] == HOSTS[host]] for host in FLEET}
    return Fleet(node, runs, writes, paths)


def test_the_fleet_is_served_and_the_second_run_is_silent(fleet: Fleet) -> None:
    assert len(fleet.runs["built"].succeeded().changes) == len(FLEET)
    assert fleet.runs["predicted"].succeeded().changes == fleet.runs["built"].changes
    assert fleet.writes["predicted"] == fleet.writes["repeated"] == 0
    assert fleet.runs["repeated"].succeeded().changes == []


@pytest.mark.parametrize("name", FLEET)
def test_every_fortigate_holds_the_tutorial_s_profile_as_far_as_it_has_it(fleet: Fleet, name: str) -> None:
    (profile,) = fleet.node.lab.cmdb(HOSTS[name], "GET", "accprofile/defender-iot")
    rights = profile["fwgrp-permission"]
    assert (profile["fwgrp"], rights["policy"], rights["address"]) == ("custom", "read-write", "read-write")
    assert ("others" in rights) is (FLEET[name]["version"] not in ("6.4.5", "7.0.0"))
    assert ("wanoptgrp" in profile) is FLEET[name]["wanopt"]
    assert rights.get("others", "none") == profile.get("wanoptgrp", "none") == "none"


@pytest.mark.parametrize("name", FLEET)
def test_a_fortigate_in_sync_is_asked_for_two_tables(fleet: Fleet, name: str) -> None:
    assert fleet.requests[name] == [f"/api/v2/cmdb/system/{table}" for table in ("api-user", "accprofile")]


OTHERS = "exists from 6.4.6 (removed in 7.0.0) and from 7.0.1"
LACKING: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    # Case: (switches of the FortiGate, options, message).
    "others": (
        {"version": "6.4.5"},
        {"firewall": "custom", "firewall_permissions": {"others": "read"}},
        f"it runs 6.4.5, and firewall_permissions.others {OTHERS}",
    ),
    "others-7-0-0": (
        {"version": "7.0.0"},
        {"firewall": "custom", "firewall_permissions": {"others": "read-write"}},
        f"it runs 7.0.0, and firewall_permissions.others {OTHERS}",
    ),
    "cli": ({"version": "7.4.1"}, {"cli_get": True}, "it runs 7.4.1, and cli_get exists from 7.4.2"),
    "diagnostics": (
        {"version": "7.4.5"},
        {"system_diagnostics": True},
        "it runs 7.4.5, and system_diagnostics exists from 6.4.0 (removed in 7.4.2)",
    ),
    "fabric": (
        {"version": "7.6.2"},
        {"security_fabric": "custom"},
        "it runs 7.6.2, and security_fabric: custom needs security_fabric_permissions, which exists from "
        "7.6.5",
    ),
    "wanopt": (
        {"wanopt": False},
        {"wan_opt_cache": "read"},
        "it runs 7.4.5, and wan_opt_cache exists only with WAN optimisation",
    ),
    "scope": (
        {"version": "7.6.2"},
        {"scope": "global"},
        "it runs 7.6.2, and scope exists only with multi-VDOM mode",
    ),
}


def test_what_a_fortigate_does_not_have_is_refused_before_any_write_and_in_check_mode(
    workspace: Workspace,
) -> None:
    """Both for a profile to create and for one to update."""
    cases = [(name, doing) for name in LACKING for doing in ("creating", "updating")]
    hosts = {}
    for number, (name, doing) in enumerate(cases, 1):
        appliance = f"spare-{number:02}"
        switches, options, _said = LACKING[name]
        workspace.lab.switch(appliance, **switches)
        if doing == "updating":
            workspace.lab.cmdb(appliance, "POST", "accprofile", {"name": "p", "fwgrp": "custom"})
        hosts[f"{name}-{doing}"] = workspace.host(appliance, wanted={"name": "p", **options})
    workspace.inventory(**hosts)
    workspace.lab.forget_calls()
    wanted = {**task("fortigate_admin_profile"), "args": "{{ wanted }}", "ignore_errors": True}
    run = workspace.run(play({**wanted, "check_mode": True}, wanted))
    for name, doing in cases:
        host = f"{name}-{doing}"
        says = (
            f'{host}: {doing} admin profile "p" is not supported: {LACKING[name][2]}; '
            "leave out what this appliance does not have"
        )
        assert [result.message for result in run.of(host)] == [says] * 2
    assert not [call for call in workspace.lab.calls() if call["write"]]


def _caller(node: Workspace, appliance: str, name: str, profile: dict[str, Any], **admin: Any) -> str:
    """Create a REST API administrator that may call from here, and return its key."""
    node.lab.cmdb(appliance, "POST", "accprofile", {"name": name, **profile})
    host = {"id": 1, "type": "ipv4-trusthost", "ipv4-trusthost": "127.0.0.1 255.255.255.255"}
    wanted = {"name": name, "accprofile": name, "trusthost": [host], "vdom": [{"name": "root"}], **admin}
    node.lab.cmdb(appliance, "POST", "api-user", wanted)
    headers = {"Authorization": f"Bearer {node.lab.appliances[appliance]['credentials']['token']}"}
    path = "/api/v2/monitor/system/api-user/generate-key"
    answer = node.lab.call(appliance, "POST", path, headers=headers, json={"api-user": name})
    return str(answer.json()["results"]["access_token"])


MANAGER = {"sysgrp": "read-write"}
PROFILE = task("fortigate_admin_profile", name="{{ profile }}", vpn="read", vdom="{{ vdom | default(omit) }}")


@pytest.fixture(scope="module")
def outcomes(new_workspace: Callable[[], Workspace]) -> Outcomes:
    """Run the tests that share their runs, each with its own FortiGate."""
    runs = TaskRuns(new_workspace())
    return TOGETHER.go(lambda number: Place(runs, f"spare-{number:02}"), runs.advance)


def test_a_caller_with_fewer_rights_is_told_what_it_cannot_see_or_do(workspace: Workspace) -> None:
    lab, appliance = workspace.lab, "spare-01"
    lab.switch(appliance, multi_vdom=True, vdoms=["root", "plant"])
    manager = _caller(workspace, appliance, "manager", MANAGER)
    reader = _caller(workspace, appliance, "reader", {"sysgrp": "read"})
    cases = {
        "hidden": (manager, {"profile": "super_admin"}, 'super_admin" is built in and cannot be changed'),
        "other-vdom": (
            manager,
            {"profile": "new", "vdom": "plant"},
            'or the account has no access to VDOM "plant"',
        ),
        "reader": (reader, {"profile": "another"}, "the account's admin profile lacks the permission"),
        "own-vdom": (manager, {"profile": "new", "vdom": "root"}, None),
    }
    hosts = {
        name: workspace.host(appliance, token=token, **variables)
        for name, (token, variables, _said) in cases.items()
    }
    workspace.inventory(**hosts)
    run = workspace.run(play(PROFILE))
    for name, (_token, _variables, said) in cases.items():
        assert run.one(name).failed is (said is not None), run.output
        assert (said or "") in run.one(name).message


@TOGETHER.test
def test_an_object_that_the_caller_cannot_see_is_not_taken_for_a_missing_one(place: Place) -> Steps:
    """FortiOS answers -5 if a caller creates an existing object that is hidden from it."""
    place.cmdb("POST", "accprofile", {"name": "there"})
    envelope = {"path": "system", "name": "accprofile", "http_status": 404, "status": "error"}
    path = "/api/v2/cmdb/system/accprofile/there"
    match = {"method": "GET", "path_prefix": path}
    place.lab.fault(place.name, "status", match, status=404, body=envelope)
    place.set(profile="there")
    refused = (yield place.step(PROFILE)).one()
    assert refused.failed
    assert "(500, -5): an object of this name already exists" in refused.message
    assert "this account may be unable to see it" in refused.message


SELF: dict[str, dict[str, Any]] = {
    "hosts": task("fortigate_api_admin", name="manager", trusted_hosts=["192.0.2.1"]),
    "profile-of-admin": task("fortigate_api_admin", name="manager", profile="super_admin_readonly"),
    "admin-gone": task("fortigate_api_admin", name="manager", state="absent"),
    "key": task("fortigate_api_key", name="manager", secret_ref="{{ ref }}"),
    "rights": task("fortigate_admin_profile", name="manager", system="none"),
    "profile-gone": task("fortigate_admin_profile", name="manager", state="absent"),
    "purged": task("fortigate_access", admins=[], purge=True, purge_names="m*"),
}
HARMLESS = {
    "remark": task("fortigate_api_admin", name="manager", comments="ours"),
    "profile-remark": task("fortigate_admin_profile", name="manager", comments="ours"),
}


def test_a_task_does_not_lock_its_own_account_out_and_check_mode_says_so(workspace: Workspace) -> None:
    tasks = {**SELF, **HARMLESS}
    hosts = {}
    for number, name in enumerate(tasks, 1):
        appliance = f"spare-{number:02}"
        _caller(workspace, appliance, "manager", MANAGER)
        hosts[name] = workspace.host(appliance, ref=workspace.ref(name))
    workspace.inventory(**hosts)
    before = {name: workspace.lab.tables(f"spare-{number:02}") for number, name in enumerate(tasks, 1)}
    tolerant = {name: {**each, "ignore_errors": True} for name, each in tasks.items()}
    plays = [play({**each, "check_mode": True}, each, hosts=name) for name, each in tolerant.items()]
    run = workspace.run(*plays)
    for name in SELF:
        predicted, done = run.of(name)
        for result in (predicted, done):
            assert result.failed, run.output
            assert "may be the account that this task logs in with" in result.message
            assert "or set allow_self_change: true" in result.message
        number = list(tasks).index(name) + 1
        assert workspace.lab.tables(f"spare-{number:02}") == before[name]
    for name in HARMLESS:
        assert [result.changed for result in run.of(name)] == [True, True]
    assert workspace.stored_files() == {}


@TOGETHER.test
def test_a_task_may_change_its_own_account_where_it_is_told_to(place: Place) -> Steps:
    _caller(place.node, place.name, "manager", MANAGER)
    mine = task("fortigate_api_admin", name="manager", trusted_hosts=["192.0.2.1"], allow_self_change=True)
    assert (yield place.step(mine)).one().changed


@TOGETHER.test
def test_an_administrator_s_session_may_change_api_admins_but_not_its_own_profile(place: Place) -> Steps:
    _caller(place.node, place.name, "manager", MANAGER)
    place.lab.switch(place.name, admin_profile="manager")
    account = place.lab.appliances[place.name]["credentials"]
    place.set(token=None, username=account["username"], password=account["password"])
    run = yield place.step(SELF["rights"])
    assert "may be the account that this task logs in with" in run.one().message


@TOGETHER.test
def test_an_admin_that_somebody_removed_gets_a_new_key_with_its_new_self(place: Place) -> Steps:
    admin = {"name": "a", "profile": "super_admin_readonly", "trusted_hosts": ["127.0.0.1"]}
    access = task("fortigate_access", admins=[admin], secret_store=place.ref("keys"))
    assert not (yield place.step(access)).one().failed
    old = place.kept("keys/a")["value"]
    place.cmdb("DELETE", "api-user/a")
    checked, done = (yield place.step({**access, "check_mode": True}, access)).results
    reported = [
        [(each["kind"], each["action"], each["changed"]) for each in result.data["objects"]]
        for result in (checked, done)
    ]
    assert reported[0] == reported[1]
    assert done.data["objects"][1]["reason"] == "the object it belongs to is new"
    new = place.kept("keys/a")["value"]
    assert new != old
    headers = {"Authorization": f"Bearer {new}"}
    status = place.lab.call(place.name, "GET", "/api/v2/monitor/system/status", headers=headers).status_code
    assert status == 200
    again = (yield place.step(access)).one()
    assert (again.failed, again.changed) == (False, False)


PURGE = {"profiles": [{"name": "p"}], "purge": True, "purge_names": "old-*"}


@TOGETHER.test
def test_what_is_not_listed_is_purged_within_its_names_and_limit(place: Place) -> Steps:
    for name in ("old-1", "old-2", "older", "p"):
        place.cmdb("POST", "accprofile", {"name": name})
    _caller(place.node, place.name, "old-3", {"fwgrp": "read"})
    before = place.lab.tables(place.name)
    purge = task("fortigate_access", **PURGE, admins=[])
    limited = task("fortigate_access", **PURGE, admins=[], purge_limit=3)
    refused, checked = (yield place.step(limited, {**purge, "check_mode": True})).results
    assert refused.failed
    assert "purge would delete 4 objects, but purge_limit is 3, so nothing was changed" in refused.message
    assert place.lab.tables(place.name) == before
    done = (yield place.step(purge)).one()
    assert done.data["objects"] == checked.data["objects"]
    assert "warnings" not in checked.data
    gone = [(each["kind"], each["name"]) for each in done.data["objects"] if each["action"] == "delete"]
    assert gone == [("admin", "old-3"), ("profile", "old-1"), ("profile", "old-2"), ("profile", "old-3")]
    names = [row["name"] for row in place.cmdb("GET", "accprofile")]
    assert names == ["super_admin", "prof_admin", "super_admin_readonly", "older", "p"]
    assert [row["name"] for row in place.cmdb("GET", "api-user")] == ["automation"]
    again = (yield place.step(purge)).one()
    assert (again.failed, again.changed) == (False, False)


@TOGETHER.test
def test_a_list_of_many_is_one_read_of_its_table(place: Place) -> Steps:
    names = [f"plant-{number:02}" for number in range(30)]
    many = task("fortigate_access", profiles=[{"name": name, "vpn": "read"} for name in names])
    first = (yield place.step(many)).one()
    assert not first.failed
    assert len(first.data["objects"]) == 30
    again = (yield place.step(many)).one()
    assert (again.failed, again.changed) == (False, False)
    calls = [(call["method"], call["path"]) for call in place.calls()]
    assert calls == [("GET", "/api/v2/cmdb/system/accprofile")]


@TOGETHER.test
def test_a_profile_in_use_is_not_deleted(place: Place) -> Steps:
    _caller(place.node, place.name, "used", {"fwgrp": "read"})
    gone = task("fortigate_admin_profile", name="used", state="absent")
    checked, refused = (yield place.step({**gone, "check_mode": True}, gone)).results
    assert not checked.failed
    assert "1 objects on the appliance still refer to it" in checked.data["warnings"][0]
    assert "(500, -23): it is still in use" in refused.message
