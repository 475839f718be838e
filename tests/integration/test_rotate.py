# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook `rotate`: two sites, one changed text, and interrupted runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from ansible_collections.otsec.defender_iot.tests.support.example import (
    FORESCOUT,
    FORTIGATES,
    SENSORS,
    Example,
)
from ansible_collections.otsec.defender_iot.tests.support.sabotage import Background, Rule, Sabotage
from ansible_collections.otsec.defender_iot.tests.support.workspace import Run, Workspace

NORTH, SOUTH = SENSORS
PLATFORMS = {NORTH: FORESCOUT, SOUTH: "forescout-02"}
SITES = {
    "north": [NORTH, FORESCOUT, "fgt-north-01", "fgt-north-02"],
    "south": [SOUTH, PLATFORMS[SOUTH], "fgt-south-01"],
}
EVERYTHING = sorted(
    [
        *((name, "fortigate_access") for name in FORTIGATES),
        *((name, "forescout_module") for name in PLATFORMS.values()),
        # Created, and later the previous one deleted.
        *((name, "sensor_access_token") for name in SENSORS for _time in range(2)),
    ]
)

# The points at which a run is killed: hosts, before or after, step.
GENERATE = "POST /api/v2/monitor/system/api-user/generate-key"
DELETE = "DELETE /__lab__/tokens/"
POINTS = {
    "tokens are made": {
        NORTH: ("POST /__lab__/tokens", "after"),
        SOUTH: ("write 3", "after"),
    },
    "platforms are given them": {
        PLATFORMS[NORTH]: ("PUT /__lab__/module", "before"),
        PLATFORMS[SOUTH]: ("write 1", "before"),
    },
    "old tokens are deleted": {NORTH: (DELETE, "before"), SOUTH: (DELETE, "after")},
    "keys are made": {FORTIGATES[0]: (GENERATE, "after"), FORTIGATES[2]: ("write 3", "before")},
}


class Rotation:
    """The example inventory with a platform for each of its two sites, set up."""

    def __init__(self, node: Workspace) -> None:
        """Set up both integrations."""
        self.node = node
        self.example = Example(node)
        self.second = node.inputs / "second-platform.yml"
        self.second.write_text(yaml.safe_dump({"all": {"children": self._groups()}}))
        self.number = 0
        self.run("site").succeeded()
        for platform in PLATFORMS.values():
            self.example.wait_for_poll(platform)
        self.begin()

    def begin(self) -> None:
        """Set another rotation text for every token and key."""
        self.number += 1
        self.ended = False
        self.old = self.values()
        self.node.lab.forget_calls()

    def run(self, playbook: str = "rotate", *arguments: str, **environment: str) -> Run:
        """Run a playbook with the rotation text."""
        variables = {
            "defender_iot_rotation_id": f"rotation {self.number}",
            "sensor_tokens_retire_delay": 1,
            "sensor_tokens_retire_retries": 3,
        }
        given = [f"--inventory={self.second}", f"--extra-vars={json.dumps(variables)}"]
        return self.example.playbook(playbook, *given, *arguments, **environment)

    def values(self) -> dict[str, str]:
        """Return the stored values, by file."""
        return {name: self.node.kept(name.removesuffix(".yml"))["value"] for name in self.node.stored_files()}

    def replaced(self) -> set[str]:
        """Return the appliances whose stored value has changed."""
        return {name.partition("/")[0] for name, value in self.values().items() if value != self.old[name]}

    def writes(self, *appliances: str) -> list[dict[str, Any]]:
        """Return the requests that change something or mint."""
        return [call for call in self.node.lab.calls(*appliances) if call["write"]]

    def kill_at(self, points: dict[str, tuple[str, str]]) -> None:
        """Rotate, and kill the run when it has stopped at all points."""
        rules = {host: Rule((step,), phase, "stop") for host, (step, phase) in points.items()}
        sabotage = Sabotage(self.node.folder / f"sabotage-{self.number}", rules)
        callbacks = {"ANSIBLE_CALLBACKS_ENABLED": "recorder,saboteur"}
        background = Background(lambda: self.run("rotate", **callbacks, **sabotage.environment))
        try:
            sabotage.wait_until_stopped()
            sabotage.kill()
        finally:
            sabotage.let_go()
            assert background.wait().code != 0

    def is_done(self) -> None:
        """Check that each secret was replaced once."""
        assert self.replaced() == {*SENSORS, *FORTIGATES}
        for sensor, platform in PLATFORMS.items():
            (token,) = self.node.lab.state(sensor)["tokens"]
            record = self.node.kept(f"{sensor}/forescout")
            assert token["used"].startswith("20")
            assert {"pending", "previous"} & record.keys() == set()
            assert record["rotation_id"] == f"rotation {self.number}"
            assert token["id"] == record["id"]
            assert self.node.lab.control("POST", "/poll")[platform]["outcome"] == "ok"
        self.ended = True

    def is_settled(self) -> None:
        """Check that each secret was replaced once, and that a further run changes nothing."""
        self.is_done()
        stored = self.node.stored_files()
        self.node.lab.forget_calls()
        assert self.run().succeeded().changes == []
        assert self.writes() == []
        assert self.node.stored_files() == stored

    def _groups(self) -> dict[str, Any]:
        """Return the second platform in its groups, and sensors that delete old tokens at once."""
        name = PLATFORMS[SOUTH]
        variables = {"forescout_module_sensor": SOUTH, **self.example.variables(name)}
        return {
            "forescouts": {"hosts": {name: variables}},
            "south": {"hosts": {name: {}}},
            "sensors": {"vars": {"sensor_tokens_previous": "absent"}},
        }


@pytest.fixture(scope="module")
def rotations() -> list[Rotation]:
    """The sites that were set up."""
    return []


@pytest.fixture
def rotation(rotations: list[Rotation], new_workspace: Callable[[], Workspace]) -> Rotation:
    """Two sites that are set up: those of the test before, unless it did not end its rotation."""
    if rotations and rotations[-1].ended:
        rotations[-1].begin()
    else:
        rotations.append(Rotation(new_workspace()))
    return rotations[-1]


def test_a_changed_text_replaces_every_secret_once_as_predicted(rotation: Rotation) -> None:
    stored = rotation.node.stored_files()
    predicted = rotation.run("rotate", "--check").succeeded()
    assert rotation.writes() == []
    assert rotation.node.stored_files() == stored
    done = rotation.run().succeeded()
    assert predicted.changes == done.changes == EVERYTHING
    for sensor, platform in PLATFORMS.items():
        steps = [(call["appliance"], call["method"]) for call in rotation.writes(sensor, platform)]
        assert steps == [(sensor, "POST"), (platform, "PUT"), (sensor, "DELETE")]
    rotation.is_settled()


@pytest.mark.parametrize("points", POINTS.values(), ids=POINTS)
def test_a_rotation_that_was_killed_is_finished_by_the_next_run(
    rotation: Rotation, points: dict[str, tuple[str, str]]
) -> None:
    rotation.kill_at(points)
    rotation.run().succeeded()
    rotation.is_settled()


def test_a_rotation_reports_drift_and_does_not_repair_it(rotation: Rotation) -> None:
    foreign = [{"id": 1, "type": "ipv4-trusthost", "ipv4-trusthost": "203.0.113.9 255.255.255.255"}]
    changes = {
        (FORTIGATES[0], "api-user/defender-iot"): {"trusthost": foreign},
        (FORTIGATES[1], "accprofile/defender-iot"): {"comments": "theirs"},
    }
    cmdb = rotation.node.lab.cmdb
    right = {place: cmdb(place[0], "GET", place[1])[0] for place in changes}
    for (fortigate, path), change in changes.items():
        cmdb(fortigate, "PUT", path, change)
    before = {name: rotation.node.lab.state(name)["tables"] for name in FORTIGATES}
    rotation.node.lab.forget_calls()
    for arguments in (["--check"], []):
        run = rotation.run("rotate", *arguments).succeeded()
        assert run.changes == EVERYTHING
        assert "it differs in trusted_hosts" in run.output
        assert "it differs in comments" in run.output
    assert {call["path"].rpartition("/")[2] for call in rotation.writes(*FORTIGATES)} == {"generate-key"}
    assert {name: rotation.node.lab.state(name)["tables"] for name in FORTIGATES} == before
    rotation.is_settled()
    for (fortigate, path), change in changes.items():
        cmdb(fortigate, "PUT", path, {name: right[fortigate, path][name] for name in change})


def test_no_extra_variable_overrides_what_a_task_decides(rotation: Rotation) -> None:
    rotation.run("rotate", "--extra-vars=sensor_tokens_previous=keep rotate_only=false").succeeded()
    rotation.is_done()


def test_one_site_is_rotated_and_the_other_is_not_even_asked(rotation: Rotation) -> None:
    rotation.run("rotate", "--limit=north").succeeded()
    assert rotation.replaced() == {name for name in SITES["north"] if name != FORESCOUT}
    assert rotation.node.lab.calls(*SITES["south"]) == []
    rotation.run("rotate", "--limit=south").succeeded()
    rotation.is_done()


def test_the_old_token_stays_where_the_new_one_is_not_used(rotation: Rotation) -> None:
    rotation.node.lab.fault(SOUTH, "status", {"path_prefix": "/api/v1/devices"}, status=500)
    kept = rotation.run()
    assert kept.code != 0
    assert "is kept because the current one was never used" in kept.output
    _old, new = rotation.node.lab.state(SOUTH)["tokens"]
    assert new["used"] == "N/A"
    assert len(rotation.node.lab.state(NORTH)["tokens"]) == 1
    rotation.node.lab.control("DELETE", "/faults")
    assert rotation.node.lab.control("POST", "/poll")[PLATFORMS[SOUTH]]["outcome"] == "ok"
    assert rotation.run().succeeded().changes == [(SOUTH, "sensor_access_token")]
    rotation.is_settled()


def test_a_platform_that_was_moved_manually_is_not_moved_back_by_a_rotation(rotation: Rotation) -> None:
    rotation.example.override(FORESCOUT, forescout_module_server_address="192.0.2.99")
    kept = rotation.run()
    assert "server_address), and a rotation does not change it" in " ".join(kept.output.split())
    assert rotation.writes(FORESCOUT) == []
    assert len(rotation.node.lab.state(NORTH)["tokens"]) == 2
