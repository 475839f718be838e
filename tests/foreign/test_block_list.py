# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fortinet's own modules and this collection read each other's objects of a block list."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from ansible_collections.otsec.defender_iot.tests.support.foreign import ForeignNode
from ansible_collections.otsec.defender_iot.tests.support.lab import Lab
from ansible_collections.otsec.defender_iot.tests.support.workspace import Run, Workspace, play, task

# Before and after FortiOS accepts an empty group.
VERSIONS = ("6.4.14", "7.4.5")
GROUP = "defender-iot-blocked"
UNTIL = "2099-01-01T00:00:00Z"
HOST, HOST6, THEIRS = "192.0.2.7", "2001:db8:2::7", "192.0.2.8"
DECLARED = (
    task("fortigate_block_list", entries=[{"address": each, "until": UNTIL} for each in (HOST, HOST6)]),
    task("fortigate_block_policy"),
)
each_version = pytest.mark.parametrize("version", VERSIONS)


@dataclass(frozen=True)
class Story:
    """The run of their modules on our objects, and the one of our modules on theirs."""

    theirs: Run
    ours: Run


@pytest.fixture(scope="module")
def story(running_lab: Lab, foreign: ForeignNode, workspace: Workspace) -> Story:
    """Block hosts with our modules, keep, read and add with theirs, and read and keep with ours."""
    running_lab.reset()
    workspace.inventory(
        **{each: workspace.host(each, **running_lab.appliances[each]["credentials"]) for each in VERSIONS}
    )
    workspace.run(play(*DECLARED)).succeeded()
    theirs = foreign.run_on("block_list", {version: foreign.by_token(version) for version in VERSIONS})
    return Story(theirs, workspace.run(play(task("fortigate_block_list_info"), *DECLARED)))


@each_version
def test_they_keep_our_objects_and_add_theirs(story: Story, version: str) -> None:
    results = story.theirs.of(version)
    assert not [result for result in results if result.failed], story.theirs.output
    assert {result.task: result.changed for result in results} == {
        "Keep our address": False,
        "Keep our IPv6 address": False,
        "Keep our group": False,
        "Read our objects": False,
        "Create the address of an entry": True,
        "Create another address": True,
        "Add both to the group": True,
    }


@each_version
def test_they_read_our_objects(story: Story, version: str) -> None:
    (result,) = [each for each in story.theirs.of(version) if each.task == "Read our objects"]
    (address,), (group,), policies = (fact["results"] for fact in result.data["meta"])
    assert address["subnet"] == f"{HOST} 255.255.255.255"
    assert address["comment"].startswith(f"defender-iot v1; until={UNTIL}; since=20")
    assert [each["name"] for each in group["member"]] == ["none", f"{GROUP}-2001-db8-2--7"]
    assert (policies[0]["name"], policies[0]["action"]) == (GROUP, "deny")
    assert [each["name"] for each in policies[0]["srcaddr"]] == [GROUP]


@each_version
def test_we_read_their_entry_and_keep_all_of_it(story: Story, version: str) -> None:
    info, *kept = story.ours.succeeded().of(version)
    entries = {each["address"]: each for each in info.data["entries"]}
    assert list(entries) == [HOST, THEIRS, HOST6]
    assert (entries[THEIRS]["owner"], entries[THEIRS]["reason"]) == ("respond", "worm")
    assert [each["name"] for each in info.data["foreign"]] == ["vendor-pc"]
    assert [each.changed for each in kept] == [False, False]
