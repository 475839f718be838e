# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fortinet's own modules for addresses, address groups and policies work, converge and fail on the lab."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.tests.support.foreign import VERSIONS, ForeignNode
from ansible_collections.otsec.defender_iot.tests.support.lab import Lab
from ansible_collections.otsec.defender_iot.tests.support.workspace import Result, Run

IN_USE = "Delete an address in use"
READ = "Read the objects"
LOOK_UP = "Look the policy up"
each_version = pytest.mark.parametrize("version", VERSIONS)


@pytest.fixture(scope="module")
def run(running_lab: Lab, foreign: ForeignNode) -> Run:
    """Create, keep, change, read and remove a block list on every FortiGate."""
    running_lab.reset()
    return foreign.run_on("firewall", {version: foreign.by_token(version) for version in VERSIONS})


def _one(run: Run, version: str, task: str) -> Result:
    (result,) = [result for result in run.of(version) if result.task == task]
    return result


@each_version
def test_they_create_keep_change_and_delete(run: Run, version: str) -> None:
    results = [result for result in run.of(version) if result.task not in (IN_USE, READ, LOOK_UP)]
    assert not [result for result in results if result.failed], run.output
    assert {result.task: result.changed for result in results} == {
        "Create the address": True,
        "Keep the address": False,
        "Create another address": True,
        "Create the IPv6 address": True,
        "Create the group": True,
        "Keep the group": False,
        "Add a member": True,
        "Create the IPv6 group": True,
        "Create the policy": True,
        "Keep the policy": False,
        "Move the policy": True,
        "Remove a member": True,
        "Delete the address": True,
        "Delete the policy": True,
        "Delete the group": True,
    }


@each_version
def test_they_read_their_objects(run: Run, version: str) -> None:
    (address,), (group,), policies = (fact["results"] for fact in _one(run, version, READ).data["meta"])
    assert (address["subnet"], address["comment"]) == ("192.0.2.7 255.255.255.255", "Malware")
    assert [member["name"] for member in group["member"]] == ["offender-1", "offender-2"]
    assert [policy["policyid"] for policy in policies] == [77, 1, 2, 4, 5, 7]
    assert (policies[0]["action"], policies[0]["match-vip"]) == ("deny", "enable")


@each_version
def test_they_look_the_policy_up(run: Run, version: str) -> None:
    answer: Any = _one(run, version, LOOK_UP).data["meta"]
    assert (answer["results"]["success"], answer["results"]["policy_id"]) == (True, 77)


@each_version
def test_they_report_an_object_in_use(run: Run, version: str) -> None:
    result = _one(run, version, IN_USE)
    assert (result.failed, result.data["meta"]["error"]) == (True, -23)
