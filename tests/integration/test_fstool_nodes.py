# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""fstool on several nodes, with restarts and writes that fail on one of them."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.tests.support.fstool_platform import (
    ADDRESS,
    CA_1,
    CA_2,
    EM,
    Platform,
    checked,
    many_platforms,
    platform_of,
)
from ansible_collections.otsec.defender_iot.tests.support.shared_runs import Outcomes, SharedRuns, Steps

NEVER = {"bad_restarts": 99}
TOGETHER = SharedRuns()


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory, tree: Path) -> Outcomes:
    """Run the tests, each with its own platform."""
    with many_platforms(tmp_path_factory.mktemp("platforms"), tree, len(TOGETHER)) as runs:
        return TOGETHER.go(lambda number: platform_of(runs, number), runs.advance)


@TOGETHER.each(["prefixed", "headed"])
def test_all_nodes_that_have_the_plugin_enabled_are_set_each_in_its_own_store(
    platform: Platform, case: str
) -> Steps:
    platform.switch(oneach_layout=case, enabled_on=[CA_2])
    wanted = platform.task(nodes=["all"])
    predicted, real, second = (yield platform.step(checked(wanted), wanted, wanted)).results
    assert (predicted.changed, real.changed, second.changed) == (True, True, False), real.message
    assert platform.restarts == {EM: 1, CA_1: 0, CA_2: 1}
    assert [platform.kept_address(name) for name in (EM, CA_1, CA_2)] == [ADDRESS, "", ADDRESS]


@TOGETHER.test
def test_a_list_of_nodes_is_kept_to_and_only_the_one_that_differs_is_restarted(platform: Platform) -> Steps:
    first = (yield platform.once(nodes=[CA_1])).one()
    assert first.changed, first.message
    assert platform.restarts == {EM: 0, CA_1: 1, CA_2: 0}
    wanted = platform.task(nodes=[EM, CA_1], token_compare="plain")
    predicted, real = (yield platform.step(checked(wanted), wanted)).results
    assert predicted.data["diff"]["before"]["server_address"] == f"none on em, {ADDRESS} on {CA_1}"
    assert real.changed
    assert platform.restarts == {EM: 1, CA_1: 1, CA_2: 0}


ABSENT: dict[str, tuple[dict[str, Any], list[str], str]] = {
    # Case: (switches of the platform, nodes of the task, message).
    "dead-of-all": ({"dead_node": CA_1}, ["all"], f"fstool oneach got no answer from {CA_1}"),
    "dead-of-all-headed": (
        {"dead_node": CA_1, "oneach_layout": "headed"},
        ["all"],
        f"got no answer from {CA_1}",
    ),
    "slow-of-all": (
        {"slow_node": CA_2, "slow_seconds": 11},
        ["all"],
        "(fstool oneach waits for every appliance)",
    ),
    "dead": ({"dead_node": CA_1}, [EM, CA_1], f"own ssh did not reach {CA_1} (ssh: connect to host"),
    "slow": (
        {"slow_node": CA_2, "slow_seconds": 11},
        [CA_2],
        f"a command on {CA_2} did not end within 2 seconds",
    ),
    "slow-manager": (
        {"slow_node": EM, "slow_seconds": 11},
        [EM],
        "a command on em did not end within 2 seconds",
    ),
    "disabled": ({"plugin_enabled": False}, [EM], "is not enabled"),
    "disabled-on-all": ({"plugin_enabled": False, "enabled_on": []}, ["all"], "is not enabled"),
    "disabled-on-one": ({"enabled_on": []}, [CA_1], f"on {CA_1} the plugin"),
}


@TOGETHER.each(ABSENT)
def test_a_node_that_cannot_take_part_is_named_before_anything_is_written(
    platform: Platform, case: str
) -> Steps:
    switches, nodes, says = ABSENT[case]
    platform.switch(**switches)
    result = (yield platform.once(nodes=nodes, timeout=2)).one()
    assert result.failed
    assert result.message.startswith(f"{platform.name}: reading Defender for IoT module settings ")
    assert says in result.message
    assert platform.is_untouched()


@TOGETHER.test
def test_a_slow_node_is_waited_for(platform: Platform) -> Steps:
    platform.switch(slow_node=CA_2, slow_seconds=1)
    assert (yield platform.once(nodes=["all"])).one().changed
    assert platform.restarts == {EM: 1, CA_1: 1, CA_2: 1}


@TOGETHER.test
def test_a_dead_node_that_oneach_leaves_out_is_missed_by_all_and_found_by_a_list(platform: Platform) -> Steps:
    platform.switch(dead_node=CA_1, dead_in_oneach="left_out")
    listed = (yield platform.once(nodes=[EM, CA_1, CA_2])).one()
    assert CA_1 in listed.message
    assert platform.is_untouched()
    assert (yield platform.once(nodes=["all"])).one().changed
    assert platform.restarts == {EM: 1, CA_1: 0, CA_2: 1}


@TOGETHER.each(["fails", "never_ready"])
def test_a_plugin_that_does_not_come_back_is_rolled_back_and_the_run_says_so(
    platform: Platform, case: str
) -> Steps:
    assert (yield platform.once(server_address="192.0.2.12")).one().changed
    before = platform.nodes[EM]["store"]
    platform.switch(bad_restarts=1, restart_goes=case)
    failed = (yield platform.once(restart_timeout=1)).one()
    assert failed.failed
    assert ", so the previous settings were restored, and the plugin runs with them;" in failed.message
    assert platform.nodes[EM]["store"] == before
    assert platform.nodes[EM]["files"] == ["local.properties"]
    assert platform.nodes[EM]["runs"]
    assert platform.restarts[EM] == 3
    assert platform.module["server_address"] == "192.0.2.12"
    assert (yield platform.once()).one().changed


@TOGETHER.test
def test_a_rollback_that_fails_too_leaves_the_copy_and_the_next_run_goes_on(platform: Platform) -> Steps:
    platform.switch(**NEVER)
    failed = (yield platform.once()).one()
    assert "the rollback failed too" in failed.message
    assert platform.nodes[EM]["files"] == ["local.properties", "local.properties.defender_iot_backup"]
    platform.switch(bad_restarts=0)
    run = yield platform.step(checked(platform.task()), platform.task(), platform.task())
    predicted, real, second = run.results
    assert (predicted.changed, real.changed, second.changed) == (True, True, False)
    assert platform.nodes[EM]["files"] == ["local.properties"]


@TOGETHER.each(["9.1.5", "8.5.2"])
def test_a_plugin_that_wants_an_encrypted_token_is_put_back_and_takes_one(
    platform: Platform, case: str
) -> Steps:
    platform.switch(token_storage="preencrypted", version=case)
    failed = (yield platform.once(restart_timeout=1)).one()
    assert "not running" in failed.message
    assert "and the plugin runs with them;" in failed.message
    # The stored value after an operator has applied the token once in the Console.
    encrypted = "enc:" + base64.b64encode(platform.token.encode()).decode()
    platform.node.keep(platform.entry, value=encrypted)
    wanted = platform.task(token_compare="plain")
    real, second = (yield platform.step(wanted, wanted)).results
    assert (real.changed, second.changed) == (True, False), real.message
    assert platform.node.lab.control("POST", "/poll")[platform.name]["outcome"] == "ok"


@TOGETHER.test
def test_a_value_that_fstool_does_not_take_is_an_error_and_nothing_is_restarted(platform: Platform) -> Steps:
    platform.switch(ignores_settings=True)
    result = (yield platform.once()).one()
    assert "reads back different from what was set" in result.message
    assert "restored, and the plugin was not restarted;" in result.message
    assert platform.restarts[EM] == 0


APPLIED = {
    # The last command before another administrator applies other settings: (message, restarts).
    "version": ("the settings changed after this task read them", 0),
    "set_property": ("as if an operator had applied others in the Console", 0),
    "restart": ("as if an operator had applied others in the Console", 1),
}


@TOGETHER.each(APPLIED)
def test_somebody_s_apply_in_between_is_not_undone(platform: Platform, case: str) -> Steps:
    says, restarts = APPLIED[case]
    platform.switch(apply_meanwhile=case)
    result = (yield platform.once()).one()
    assert says in result.message
    assert platform.kept_address(EM) == "192.0.2.99"
    assert platform.restarts[EM] == restarts
    assert platform.nodes[EM]["files"] == ["local.properties"]


@TOGETHER.test
def test_whether_it_runs_is_right_in_check_mode_and_costs_one_command(platform: Platform) -> Steps:
    wanted = platform.task(nodes=[EM, CA_1])
    before, real, after = (yield platform.step(checked(wanted), wanted, checked(wanted))).results
    assert [each.data["running"] for each in (before, real, after)] == [True, True, True]
    asked = [[call for call in node["calls"] if "status" in call] for node in platform.nodes.values()]
    assert [len(each) for each in asked] == [3, 3, 0]
    platform.switch(status_wording="up", **NEVER)
    run = yield platform.step(platform.task(server_address="192.0.2.12"), checked(wanted))
    failed, stopped = run.results
    assert failed.failed
    assert stopped.data["running"] is False
