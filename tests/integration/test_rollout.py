# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A rollout goes from site to site: a failing canary stops it, one failing appliance does not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.tests.support.example import FORTIGATES, SENSORS, Example
from ansible_collections.otsec.defender_iot.tests.support.workspace import ROOT, Run, Workspace

NORTH = ["fgt-north-01", "fgt-north-02", "forescout-01", "sensor-north-01"]
SOUTH = ["fgt-south-01", "sensor-south-01"]
EVERYTHING = [*NORTH, *SOUTH]
CANARY = {"canary": ["north"]}
PAST = {"start": "2001-01-01T00:00:00Z", "end": "2001-01-02T00:00:00Z"}


class Fleet:
    """The example inventory and its rollouts."""

    def __init__(self, node: Workspace) -> None:
        self.node = node
        self.example = Example(node)

    def roll_out(self, rollout: Any, *arguments: str) -> Run:
        """Run the playbook `site`. Record only its calls."""
        self.node.lab.forget_calls()
        return self.example.playbook("site", "--extra-vars", json.dumps({"rollout": rollout}), *arguments)

    def break_down(self, appliance: str, kind: str = "status") -> None:
        """Make every request to an appliance fail or get no answer."""
        self.node.lab.fault(appliance, kind, **({"status": 500} if kind == "status" else {}))

    def repair(self) -> None:
        """Remove all faults."""
        self.node.lab.control("DELETE", "/faults")

    def called(self) -> list[str]:
        """Return the appliances that got a request."""
        return sorted({call["appliance"] for call in self.node.lab.calls()} & set(EVERYTHING))

    def written(self) -> list[str]:
        """Return the appliances that were changed."""
        return sorted({call["appliance"] for call in self.node.lab.calls() if call["write"]})


@pytest.fixture
def fleet(workspace: Workspace) -> Fleet:
    """Two sites, not set up."""
    return Fleet(workspace)


def test_a_rollout_with_faults_touches_nothing_and_names_them_all(fleet: Fleet) -> None:
    run = fleet.roll_out({"canary": ["nort"], "serial": [0], "max_fail_percentage": 120})
    assert run.code == 2
    for sentence in (
        'rollout.canary: the inventory has no group \\"nort\\" with hosts.',
        'rollout.serial: \\"0\\" is neither a number of sites nor a percentage from 1% to 100%.',
        "rollout.max_fail_percentage is not a number from 0 to 100. Nothing was changed.",
    ):
        assert sentence in run.output
    assert fleet.called() == []


def test_outside_the_window_nothing_is_touched_and_everything_predicted(fleet: Fleet) -> None:
    run = fleet.roll_out({"window": PAST})
    assert run.code == 2
    assert "The rollout stops here: the maintenance window is from 2001-01-01T00:00:00Z to" in run.output
    assert fleet.called() == []
    predicted = fleet.roll_out({**CANARY, "window": PAST}, "--check").succeeded()
    assert {host for host, _module in predicted.changes} == {*FORTIGATES, "forescout-01", "sensor-north-01"}


@pytest.mark.parametrize("kind", ["status", "drop"])
def test_a_failing_canary_stops_the_rollout_which_resumes_with_the_rest(fleet: Fleet, kind: str) -> None:
    fleet.break_down("fgt-north-02", kind)
    stopped = fleet.roll_out(CANARY)
    assert stopped.code in (2, 4)
    assert "1 of 4 appliances of the canary failed: fgt-north-02" in stopped.output
    assert fleet.called() == NORTH
    assert fleet.written() == ["fgt-north-01", "forescout-01", "sensor-north-01"]
    fleet.repair()
    resumed = fleet.roll_out(CANARY, f"--limit=@{fleet.node.folder}/defender_iot_report/retry").succeeded()
    # The sensor of south has no declared object.
    assert fleet.called() == ["fgt-north-02", "fgt-south-01"]
    assert sorted(resumed.stats) == ["fgt-north-02", *SOUTH]


def test_a_failing_appliance_stops_neither_its_site_nor_another(fleet: Fleet) -> None:
    fleet.break_down("fgt-north-01", "drop")
    run = fleet.roll_out({"serial": [1]})
    assert run.code == 4
    assert fleet.written() == ["fgt-north-02", "fgt-south-01", "forescout-01", "sensor-north-01"]
    trusted = fleet.node.lab.cmdb("fgt-south-01", "GET", "api-user/defender-iot")[0]["trusthost"]
    assert {row["ipv4-trusthost"].split()[0] for row in trusted} == set(SENSORS.values())


def test_too_many_failures_in_a_batch_stop_the_rollout(fleet: Fleet) -> None:
    fleet.break_down("fgt-north-01")
    fleet.break_down("fgt-north-02", "drop")
    run = fleet.roll_out({"serial": [1], "max_fail_percentage": 49})
    assert "2 of 4 appliances of a batch failed: fgt-north-01, fgt-north-02" in run.output
    assert fleet.called() == NORTH


def test_a_batch_of_which_nothing_was_done_stops_the_rollout_in_any_case(fleet: Fleet) -> None:
    for appliance in NORTH:
        fleet.break_down(appliance)
    run = fleet.roll_out({"serial": [1], "max_fail_percentage": 100})
    assert run.code == 2
    assert "sensor-south-01 was not done: " in run.output
    assert not set(fleet.called()) & set(SOUTH)


def test_without_a_rollout_failing_fortigates_keep_no_other_appliance_from_being_set_up(fleet: Fleet) -> None:
    for fortigate in FORTIGATES:
        fleet.break_down(fortigate)
    run = fleet.example.playbook("site")
    assert run.code == 2
    assert fleet.written() == ["forescout-01", "sensor-north-01"]


def test_the_example_is_carried_out(fleet: Fleet) -> None:
    fleet.node.lab.forget_calls()
    fleet.example.playbook("site", f"--extra-vars=@{ROOT}/examples/rollout.yml").succeeded()
    order = [call["appliance"] for call in fleet.node.lab.calls() if call["write"]]
    assert set(order) == {*FORTIGATES, "forescout-01", "sensor-north-01"}
    assert order[-1] == "fgt-south-01" or order.index("fgt-south-01") > order.index("forescout-01")
