# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""VDOMs of administrators and requests, and the objects that check mode predicts to be missing."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.tests.support.example import FORTIGATES, Example
from ansible_collections.otsec.defender_iot.tests.support.workspace import Workspace, play, task

FORTIGATE = "spare-01"
TRUSTED = {"trusted_hosts": ["127.0.0.1"]}
ADMIN = {"name": "ours", "profile": "ours", **TRUSTED}
PROFILES = {"profiles": [{"name": "ours", "firewall": "read"}]}
MANAGEMENT = 'REST API administrator "ours" has no access to the management VDOM "root"'
CHECK = ["--check"]


@pytest.fixture
def plant(workspace: Workspace) -> Workspace:
    """A control node with one FortiGate that has the VDOMs root and plant."""
    workspace.lab.switch(FORTIGATE, vdoms=["root", "plant"])
    workspace.inventory(fgt=workspace.host(FORTIGATE))
    return workspace


def test_the_key_of_an_admin_without_the_management_vdom_is_verified_and_warned_of(plant: Workspace) -> None:
    admin = {**ADMIN, "vdoms": ["plant"]}
    access = task("fortigate_access", **PROFILES, admins=[admin], secret_store=plant.ref("keys"))
    predicted = plant.run(play(access), arguments=CHECK).succeeded().one()
    first, second = plant.run(play(access, access)).succeeded().of("fgt")
    for each in (predicted, first, second):
        (warning,) = each.data["warnings"]
        assert warning.startswith(MANAGEMENT)
    assert [each.changed for each in (predicted, first, second)] == [True, True, False]
    assert first.data["objects"][-1]["verified_at"]

    own = {"token": plant.kept("keys/ours")["value"]}
    plant.inventory(bare=plant.host(FORTIGATE, **own), scoped=plant.host(FORTIGATE, **own, vdom="plant"))
    read = task("fortigate_api_admin_info", vdom="{{ vdom | default(omit) }}")
    plant.lab.cmdb(FORTIGATE, "PUT", "accprofile/ours", {"sysgrp": "read"})
    run = plant.run(play(read))
    assert "or the account has no access to the management VDOM, which is used without vdom" in (
        run.one("bare").message
    )
    assert [each["name"] for each in run.one("scoped").data["admins"]] == ["ours"]


def test_the_documented_account_of_one_vdom_keeps_the_block_list_there(plant: Workspace) -> None:
    respond = {"name": "plant-respond", "profile": "plant-respond", "vdoms": ["plant"], **TRUSTED}
    profiles = [{"name": "plant-respond", "preset": "defender_iot_respond"}]
    entry = {"address": "192.0.2.7", "until": "2099-01-01T00:00:00Z"}
    key = f"{{{{ lookup('otsec.defender_iot.secret', '{plant.ref('keys')}/plant-respond') }}}}"

    def block(**options: Any) -> dict[str, Any]:
        return task("fortigate_block_list", entries=[entry], token=key, **options)

    run = plant.run(
        play(
            task("fortigate_access", profiles=profiles, admins=[respond], secret_store=plant.ref("keys")),
            task("fortigate_block_list", entries=[], vdom="plant"),
            task("fortigate_block_policy", vdom="plant"),
            block(vdom="plant"),
            block(),
        )
    )
    *done, confined = run.of("fgt")
    assert [each.changed for each in done] == [True] * 4, run.output
    assert "the account has no access to the management VDOM, which is used without vdom" in confined.message
    name = "defender-iot-blocked-192.0.2.7"
    there, elsewhere = (
        [row["name"] for row in plant.lab.firewall(FORTIGATE, "GET", f"address?vdom={vdom}")]
        for vdom in ("plant", "root")
    )
    assert (name in there, name in elsewhere) == (True, False)


@pytest.mark.parametrize("vdom", ["*", "root,plant"])
def test_several_vdoms_are_refused_before_any_request(plant: Workspace, vdom: str) -> None:
    plant.lab.forget_calls()
    refused = plant.run(play(task("fortigate_admin_profile", name="ours", vdom=vdom))).one()
    assert f'vdom is "{vdom}", which means several VDOMs; set vdom to one VDOM' in refused.message
    assert plant.lab.calls(FORTIGATE) == []


MISSING: dict[str, tuple[dict[str, Any], str]] = {
    # what is missing: (task, message in check mode)
    "profile": (task("fortigate_api_admin", **ADMIN), 'the admin profile "ours" in profile does not exist'),
    "vdom": (
        task("fortigate_api_admin", **{**ADMIN, "profile": "prof_admin"}, vdoms=["nowhere"]),
        'the VDOM "nowhere" in vdoms does not exist',
    ),
    "profile-of-list": (
        task("fortigate_access", profiles=[{"name": "other"}], admins=[ADMIN]),
        'the admin profile "ours" in profile does not exist',
    ),
    "admin": (
        task("fortigate_api_key", name="ours", secret_ref="{{ ref }}"),
        "the object it belongs to does not exist",
    ),
}


def test_a_run_that_would_fail_fails_in_check_mode(workspace: Workspace) -> None:
    hosts = {name: f"spare-{number:02}" for number, name in enumerate(MISSING, 1)}
    workspace.inventory(**{name: workspace.host(box, ref=workspace.ref(name)) for name, box in hosts.items()})
    plays = [play({**wanted, "ignore_errors": True}, hosts=name) for name, (wanted, _says) in MISSING.items()]
    checked = workspace.run(*plays, arguments=CHECK)
    assert [call for call in workspace.lab.calls() if call["write"]] == []
    done = workspace.run(*plays)
    for name, (_wanted, says) in MISSING.items():
        assert says in checked.one(name).message
        assert done.one(name).failed, name
        objects = [each.one(name).data.get("objects", []) for each in (checked, done)]
        assert objects[0] == objects[1]


def test_the_role_predicts_a_missing_profile(workspace: Workspace) -> None:
    example = Example(workspace)
    admins = [{"name": "defender-iot", "profile": "missing"}]
    example.override(FORTIGATES[0], fortigate_access_admins=admins, fortigate_access_profiles=[])
    for arguments in (CHECK, []):
        run = example.playbook("fortinet", f"--limit={FORTIGATES[0]}", *arguments)
        assert run.code != 0
        assert run.of(FORTIGATES[0], "fortigate_access")[0].failed
    assert run.of(FORTIGATES[0], "fortigate_access")[0].data["failure"]["code"] == -3


def test_tasks_of_one_run_depend_on_each_other_s_predictions(workspace: Workspace) -> None:
    workspace.inventory(fgt=workspace.host(FORTIGATE), other=workspace.host("spare-02"))
    tasks = play(
        task("fortigate_admin_profile", name="ours", preset="defender_iot"),
        task("fortigate_api_admin", **ADMIN),
        task("fortigate_api_key", name="ours", secret_ref=workspace.ref("key-{{ inventory_hostname }}")),
        hosts="fgt",
    )
    gone = play(
        task("fortigate_admin_profile", name="ours", state="absent"),
        task("fortigate_api_admin", **ADMIN),
        hosts="other",
    )
    workspace.lab.cmdb("spare-02", "POST", "accprofile", {"name": "ours"})
    checked, done = workspace.run(tasks, gone, arguments=CHECK), workspace.run(tasks, gone)
    for run in (checked, done):
        assert [each.changed for each in run.of("fgt")] == [True, True, True], run.output
        assert [each.failed for each in run.of("other")] == [False, True], run.output
    assert not any("warnings" in each.data for each in checked.of("fgt"))
    assert workspace.run(tasks, arguments=CHECK).succeeded().changes == []
