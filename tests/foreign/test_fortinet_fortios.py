# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fortinet's own modules: they work, converge and fail on the lab, and agree with this collection."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.tests.support.foreign import VERSIONS, ForeignNode
from ansible_collections.otsec.defender_iot.tests.support.lab import Lab
from ansible_collections.otsec.defender_iot.tests.support.workspace import Result, Run, Workspace, play, task

# It requires the administrator's password to change an administrator or a key. A token login does not send
# it.
REAUTHENTICATING = "7.6.5"
WITH_VDOMS = "7.2.8"
OLDER = VERSIONS[:-1]
FAILED = "Error in repo"
REMOVALS = ("Delete the admin", "Delete the profile", "Delete a missing profile")
UNKNOWN_VALUE = "Set an unknown value"
TRUSTED_HOST = "Add a trusted host without a password"
each_version = pytest.mark.parametrize("version", VERSIONS)
each_older = pytest.mark.parametrize("version", OLDER)

MADE_BY_THEIRS = (
    task(
        "fortigate_admin_profile",
        name="plant/50% ä",
        comments="Declared by another",
        firewall="custom",
        firewall_permissions={"policy": "read-write", "address": "read"},
        log_report="read",
    ),
    task(
        "fortigate_api_admin",
        name="plant",
        comments="Declared by another",
        profile="plant/50% ä",
        vdoms=["root"],
        trusted_hosts=["192.0.2.11", "2001:db8::/64"],
    ),
)
MADE_BY_OURS = (
    task("fortigate_admin_profile", name="ours", comments="Declared", preset="defender_iot"),
    task(
        "fortigate_api_admin",
        name="ours",
        comments="Declared",
        profile="ours",
        vdoms=["root"],
        trusted_hosts=["192.0.2.11", "198.51.100.0/28"],
    ),
)


@dataclass(frozen=True)
class Story:
    """The runs: their changes, their tasks on our objects, ours on theirs with the calls, their removal.

    `refused` has the other tasks in the run of their removal.
    """

    made: Run
    kept: Run
    ours: Run
    calls: list[dict[str, Any]]
    removed: Run
    refused: Run


def _changes(run: Run, host: str) -> dict[str, bool]:
    """Check that no task failed on a host. Return whether each task changed something."""
    results = run.of(host)
    assert not [result for result in results if result.failed], run.output
    return {result.task: result.changed for result in results}


def _answer(result: Result) -> dict[str, Any]:
    """Return the FortiGate's answer in their result: the only one, or the first of several."""
    meta = result.data["meta"]
    return dict(meta[0] if isinstance(meta, list) else meta)


def _logins(foreign: ForeignNode, by_password: Callable[[str], bool]) -> dict[str, dict[str, Any]]:
    return {
        version: (foreign.by_password if by_password(version) else foreign.by_token)(version)
        for version in VERSIONS
    }


def _ours(workspace: Workspace, lab: Lab, *tasks: dict[str, Any]) -> Run:
    hosts = {
        version: workspace.host(version, **lab.appliances[version]["credentials"]) for version in VERSIONS
    }
    workspace.inventory(**hosts)
    return workspace.run(play(*tasks))


@pytest.fixture(scope="module")
def story(running_lab: Lab, foreign: ForeignNode, workspace: Workspace) -> Story:
    """Create objects with our modules, create and keep with theirs, keep with ours, remove with theirs.

    An administrator with read access uses the profile `reader`, which theirs fail to remove.
    """
    running_lab.reset()
    _ours(workspace, running_lab, *MADE_BY_OURS).succeeded()
    logins = _logins(foreign, lambda version: version == REAUTHENTICATING)
    made, kept = _split(foreign.run_on("make", logins), lambda name: "our" not in name.split())
    running_lab.forget_calls()
    ours = _ours(workspace, running_lab, *MADE_BY_THEIRS)
    calls = running_lab.calls()
    for version, variables in logins.items():
        variables["reader_token"] = _reader(running_lab, version)
    removed, refused = _split(foreign.run_on("remove", logins), lambda name: name in REMOVALS)
    return Story(made, kept, ours, calls, removed, refused)


def _split(run: Run, chosen: Callable[[str], bool]) -> tuple[Run, Run]:
    """Return the results of the tasks with the chosen names, and the other results."""
    first = [result for result in run.results if chosen(result.task)]
    return replace(run, results=first), replace(
        run, results=[each for each in run.results if each not in first]
    )


def _reader(lab: Lab, version: str) -> str:
    """Create an administrator with read access, and return its key."""
    account = lab.appliances[version]["credentials"]
    headers = {"Authorization": f"Bearer {account['token']}", "X-Admin-Passwd": account["password"]}

    def post(path: str, body: dict[str, str]) -> Any:
        answer = lab.call(version, "POST", f"/api/v2/{path}", headers=headers, json=body)
        assert answer.ok, answer.text
        return answer.json()

    post("cmdb/system/accprofile", {"name": "reader", "sysgrp": "read"})
    post("cmdb/system/api-user", {"name": "reader", "accprofile": "reader"})
    return str(
        post("monitor/system/api-user/generate-key", {"api-user": "reader"})["results"]["access_token"]
    )


@each_version
def test_their_objects_are_created_once_and_then_kept(story: Story, version: str) -> None:
    assert _changes(story.made, version) == {
        "Create the profile": True,
        "Keep the profile": False,
        "Change the profile": True,
        "Create the admin": True,
        "Keep the admin": False,
        "Change the admin": True,
        "Generate a key": False,
        "Read the profile and the admin": False,
        "Read the status": False,
    }


@each_version
def test_they_read_their_objects(story: Story, version: str) -> None:
    key, facts, status = (result.data["meta"] for result in story.made.of(version)[-3:])
    assert len(key["results"]["access_token"]) == 30
    (profile,), (admin,) = (fact["results"] for fact in facts)
    assert profile["q_origin_key"] == "plant/50% ä"
    assert profile["fwgrp-permission"]["address"] == "read"
    assert [host["id"] for host in admin["trusthost"]] == [1, 3]
    assert admin["trusthost"][0]["ipv4-trusthost"] == "192.0.2.11 255.255.255.255"
    assert admin["api-key"] == "ENC XXXX"
    assert status["version"] == f"v{version}"
    assert not any("version_check_warning" in result.data for result in story.made.of(version))


@each_version
def test_ours_find_no_change_after_theirs(story: Story, version: str) -> None:
    assert set(_changes(story.ours, version).values()) == {False}
    calls = [call for call in story.calls if call["appliance"] == version]
    assert [call["method"] for call in calls] == ["GET", "GET"]


@each_version
def test_they_remove_their_objects(story: Story, version: str) -> None:
    changes = _changes(story.removed, version)
    assert changes["Delete the admin"]
    assert changes["Delete the profile"]
    missing = story.removed.of(version)[-1]
    assert (missing.task, _answer(missing)["http_status"]) == ("Delete a missing profile", 404)


@each_version
def test_theirs_find_no_change_after_ours(story: Story, version: str) -> None:
    assert _changes(story.kept, version) == {"Keep our profile": False, "Keep our admin": False}


@pytest.fixture(scope="module")
def brief(running_lab: Lab, foreign: ForeignNode) -> Run:
    """Use the other login, and several VDOMs on one FortiGate."""
    running_lab.reset()
    running_lab.switch(WITH_VDOMS, multi_vdom=True, vdoms=["root", "ot"])
    logins = _logins(foreign, lambda version: version != REAUTHENTICATING)
    logins[WITH_VDOMS]["vdom"] = "global"
    return foreign.run_on("brief", logins)


@each_older
def test_a_password_works_like_a_token(brief: Run, version: str) -> None:
    assert _changes(brief, version) == {
        "Create an admin": True,
        "Generate a key": False,
        "Add one trusted host": True,
        "Delete the admin": True,
    }


def test_several_vdoms_are_managed_as_one_device(brief: Run) -> None:
    assert {_answer(result)["vdom"] for result in brief.of(WITH_VDOMS)} == {"global"}


def test_a_token_alone_changes_no_admin_from_7_6_5(brief: Run) -> None:
    assert {result.task: _answer(result)["error"] for result in brief.of(REAUTHENTICATING)} == {
        "Create an admin": -8102,
        "Generate a key": -8102,
        "Add one trusted host": -8102,
        "Delete the admin": -8102,
    }


@each_version
def test_they_report_their_failures(story: Story, version: str) -> None:
    separate = (UNKNOWN_VALUE, TRUSTED_HOST)
    results = [result for result in story.refused.of(version) if result.task not in separate]
    assert {(result.failed, FAILED in result.message) for result in results} == {(True, True)}
    answers = {result.task: _answer(result) for result in results}
    assert {task: (answer["http_status"], answer.get("error")) for task, answer in answers.items()} == {
        "Create a profile with an overlong name": (500, -1),
        "Create an administrator with an unknown profile": (500, -3),
        "Delete a profile in use": (500, -23),
        "Create a profile without the right": (403, None),
    }
    cli_error = answers["Create an administrator with an unknown profile"]["cli_error"]
    assert isinstance(cli_error, list if version >= "7.4.5" else str)
    lines = cli_error if isinstance(cli_error, list) else cli_error.splitlines()
    assert "entry not found in datasource" in lines


def test_they_refuse_an_unknown_value_before_any_request(story: Story) -> None:
    (result,) = [result for result in story.refused.results if result.task == UNKNOWN_VALUE]
    assert result.failed
    assert "value of fwgrp must be one of: none, read, read-write, custom" in result.message


def test_their_member_path_sends_no_password(story: Story) -> None:
    (result,) = [result for result in story.refused.results if result.task == TRUSTED_HOST]
    assert (result.host, _answer(result)["error"]) == (REAUTHENTICATING, -8102)


def test_they_notice_a_wrong_token_and_a_wrong_password(running_lab: Lab, foreign: ForeignNode) -> None:
    running_lab.reset()
    tokens, passwords = VERSIONS[::2], VERSIONS[1::2]
    wrong = {version: foreign.by_token(version) | {"access_token": "wrong"} for version in tokens}
    wrong |= {version: foreign.by_password(version) | {"ansible_password": "wrong"} for version in passwords}
    run = foreign.run_on("login", wrong)
    assert {result.failed for result in run.results} == {True}
    assert ["Invalid access token" in run.one(version).message for version in tokens] == [True] * 3
    assert ["Wrong credentials" in run.one(version).message for version in passwords] == [True] * 3
