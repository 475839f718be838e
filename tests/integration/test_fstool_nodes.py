# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""fstool on several nodes, with restarts and writes that fail on one of them."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.tests.support.example import FORESCOUT
from ansible_collections.otsec.defender_iot.tests.support.fstool_platform import (
    ADDRESS,
    CA_1,
    CA_2,
    EM,
    Platform,
    checked,
)

NEVER = {"bad_restarts": 99}


@pytest.mark.parametrize("layout", ["prefixed", "headed"])
def test_all_nodes_that_have_the_plugin_enabled_are_set_each_in_its_own_store(
    platform: Platform, layout: str
) -> None:
    platform.node.lab.switch(FORESCOUT, oneach_layout=layout, enabled_on=[CA_2])
    wanted = platform.task(nodes=["all"])
    predicted, real, second = platform.run(checked(wanted), wanted, wanted).of("fs")
    assert (predicted.changed, real.changed, second.changed) == (True, True, False), real.message
    assert platform.restarts == {EM: 1, CA_1: 0, CA_2: 1}
    assert [platform.kept_address(name) for name in (EM, CA_1, CA_2)] == [ADDRESS, "", ADDRESS]


def test_a_list_of_nodes_is_kept_to_and_only_the_one_that_differs_is_restarted(platform: Platform) -> None:
    first = platform.one(nodes=[CA_1])
    assert first.changed, first.message
    assert platform.restarts == {EM: 0, CA_1: 1, CA_2: 0}
    wanted = platform.task(nodes=[EM, CA_1], token_compare="plain")
    predicted, real = platform.run(checked(wanted), wanted).of("fs")
    assert predicted.data["diff"]["before"]["server_address"] == f"none on em, {ADDRESS} on {CA_1}"
    assert real.changed
    assert platform.restarts == {EM: 1, CA_1: 1, CA_2: 0}


@pytest.mark.parametrize(
    ("switches", "nodes", "says"),
    [
        ({"dead_node": CA_1}, ["all"], f"fstool oneach got no answer from {CA_1}"),
        ({"dead_node": CA_1, "oneach_layout": "headed"}, ["all"], f"got no answer from {CA_1}"),
        ({"slow_node": CA_2, "slow_seconds": 11}, ["all"], "(fstool oneach waits for every appliance)"),
        ({"dead_node": CA_1}, [EM, CA_1], f"own ssh did not reach {CA_1} (ssh: connect to host"),
        (
            {"slow_node": CA_2, "slow_seconds": 11},
            [CA_2],
            f"a command on {CA_2} did not end within 2 seconds",
        ),
        ({"slow_node": EM, "slow_seconds": 11}, [EM], "a command on em did not end within 2 seconds"),
        ({"plugin_enabled": False}, [EM], "is not enabled"),
        ({"plugin_enabled": False, "enabled_on": []}, ["all"], "is not enabled"),
        ({"enabled_on": []}, [CA_1], f"on {CA_1} the plugin"),
    ],
)
def test_a_node_that_cannot_take_part_is_named_before_anything_is_written(
    platform: Platform, switches: dict[str, Any], nodes: list[str], says: str
) -> None:
    platform.node.lab.switch(FORESCOUT, **switches)
    result = platform.one(nodes=nodes, timeout=2)
    assert result.failed
    assert result.message.startswith("fs: reading Defender for IoT module settings ")
    assert says in result.message
    assert platform.is_untouched()


def test_a_slow_node_is_waited_for(platform: Platform) -> None:
    platform.node.lab.switch(FORESCOUT, slow_node=CA_2, slow_seconds=1)
    assert platform.one(nodes=["all"]).changed
    assert platform.restarts == {EM: 1, CA_1: 1, CA_2: 1}


def test_a_dead_node_that_oneach_leaves_out_is_missed_by_all_and_found_by_a_list(platform: Platform) -> None:
    platform.node.lab.switch(FORESCOUT, dead_node=CA_1, dead_in_oneach="left_out")
    listed = platform.one(nodes=[EM, CA_1, CA_2])
    assert CA_1 in listed.message
    assert platform.is_untouched()
    assert platform.one(nodes=["all"]).changed
    assert platform.restarts == {EM: 1, CA_1: 0, CA_2: 1}


@pytest.mark.parametrize("goes", ["fails", "never_ready"])
def test_a_plugin_that_does_not_come_back_is_rolled_back_and_the_run_says_so(
    platform: Platform, goes: str
) -> None:
    assert platform.one(server_address="192.0.2.12").changed
    before = platform.nodes[EM]["store"]
    platform.node.lab.switch(FORESCOUT, bad_restarts=1, restart_goes=goes)
    failed = platform.one(restart_timeout=1)
    assert failed.failed
    assert ", so the previous settings were restored, and the plugin runs with them;" in failed.message
    assert platform.nodes[EM]["store"] == before
    assert platform.nodes[EM]["files"] == ["local.properties"]
    assert platform.nodes[EM]["runs"]
    assert platform.restarts[EM] == 3
    assert platform.module["server_address"] == "192.0.2.12"
    assert platform.one().changed


def test_a_rollback_that_fails_too_leaves_the_copy_and_the_next_run_goes_on(platform: Platform) -> None:
    platform.node.lab.switch(FORESCOUT, **NEVER)
    failed = platform.one()
    assert "the rollback failed too" in failed.message
    assert platform.nodes[EM]["files"] == ["local.properties", "local.properties.defender_iot_backup"]
    platform.node.lab.switch(FORESCOUT, bad_restarts=0)
    predicted, real, second = platform.run(checked(platform.task()), platform.task(), platform.task()).of(
        "fs"
    )
    assert (predicted.changed, real.changed, second.changed) == (True, True, False)
    assert platform.nodes[EM]["files"] == ["local.properties"]


@pytest.mark.parametrize("version", ["9.1.5", "8.5.2"])
def test_a_plugin_that_wants_an_encrypted_token_is_put_back_and_takes_one(
    platform: Platform, version: str
) -> None:
    platform.node.lab.switch(FORESCOUT, token_storage="preencrypted", version=version)
    failed = platform.one(restart_timeout=1)
    assert "not running" in failed.message
    assert "and the plugin runs with them;" in failed.message
    # The stored value after an operator has applied the token once in the Console.
    encrypted = "enc:" + base64.b64encode(platform.token.encode()).decode()
    platform.node.keep("token", value=encrypted)
    wanted = platform.task(token_compare="plain")
    real, second = platform.run(wanted, wanted).of("fs")
    assert (real.changed, second.changed) == (True, False), real.message
    assert platform.node.lab.control("POST", "/poll")[FORESCOUT]["outcome"] == "ok"


def test_a_value_that_fstool_does_not_take_is_an_error_and_nothing_is_restarted(platform: Platform) -> None:
    platform.node.lab.switch(FORESCOUT, ignores_settings=True)
    result = platform.one()
    assert "reads back different from what was set" in result.message
    assert "restored, and the plugin was not restarted;" in result.message
    assert platform.restarts[EM] == 0


@pytest.mark.parametrize(
    ("after", "says", "restarts"),
    [
        ("version", "the settings changed after this task read them", 0),
        ("set_property", "as if an operator had applied others in the Console", 0),
        ("restart", "as if an operator had applied others in the Console", 1),
    ],
)
def test_somebody_s_apply_in_between_is_not_undone(
    platform: Platform, after: str, says: str, restarts: int
) -> None:
    platform.node.lab.switch(FORESCOUT, apply_meanwhile=after)
    result = platform.one()
    assert says in result.message
    assert platform.kept_address(EM) == "192.0.2.99"
    assert platform.restarts[EM] == restarts
    assert platform.nodes[EM]["files"] == ["local.properties"]


def test_whether_it_runs_is_right_in_check_mode_and_costs_one_command(platform: Platform) -> None:
    wanted = platform.task(nodes=[EM, CA_1])
    before, real, after = platform.run(checked(wanted), wanted, checked(wanted)).of("fs")
    assert [each.data["running"] for each in (before, real, after)] == [True, True, True]
    asked = [[call for call in node["calls"] if "status" in call] for node in platform.nodes.values()]
    assert [len(each) for each in asked] == [3, 3, 0]
    platform.node.lab.switch(FORESCOUT, status_wording="up", **NEVER)
    failed, stopped = platform.run(platform.task(server_address="192.0.2.12"), checked(wanted)).of("fs")
    assert failed.failed
    assert stopped.data["running"] is False
