# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Forescout platform moves to another sensor by one variable, even after interrupted runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.tests.support.example import FORESCOUT, SENSORS, Example
from ansible_collections.otsec.defender_iot.tests.support.sabotage import Background, Rule, Sabotage
from ansible_collections.otsec.defender_iot.tests.support.workspace import Run, Workspace

FIRST, SECOND = "sensor-north-01", "sensor-south-01"
IMPATIENT = ("--extra-vars=sensor_tokens_retire_delay=1", "--extra-vars=sensor_tokens_retire_retries=2")

# The points at which a run is killed: host, before or after, step.
POINTS = {
    "after the new token": ("new", "POST /__lab__/tokens", "after"),
    "between emptying and filling": (FORESCOUT, "PUT /__lab__/module", "after"),
    "before noting who is given it": (FORESCOUT, "write 1", "before"),
    "before noting what was given": (FORESCOUT, "write 2", "before"),
    "before the old token is forgotten": ("old", "delete 1", "before"),
}


class Move:
    """The example inventory, whose platform polls one sensor and moves to the other.

    The end of a move is the state before the next one, in the opposite direction.
    """

    def __init__(self, node: Workspace) -> None:
        """Set up the first sensor."""
        self.node = node
        self.example = Example(node)
        self.old, self.new = SECOND, FIRST
        self.variables = node.inputs / "host_vars" / f"{FORESCOUT}.yml"
        self.variables.parent.mkdir()
        self.run().succeeded()
        self.is_complete = True

    def begin(self) -> None:
        """Change the variable, once the platform polls the sensor of the last move."""
        self.example.wait_for_poll()
        self._turn()
        self.is_complete = False

    def take_back(self) -> None:
        """Change the variable back, before any run has used it."""
        self._turn()
        self.is_complete = True

    def _turn(self) -> None:
        self.old, self.new = self.new, self.old
        self.variables.write_text(f"forescout_module_sensor: {self.new}\n")

    def run(self, *arguments: str, **environment: str) -> Run:
        """Run the playbook."""
        return self.example.playbook("forescout", *IMPATIENT, *arguments, **environment)

    def kill_at(self, host: str, step: str, phase: str) -> None:
        """Run the playbook and kill it at a step."""
        host = {"old": self.old, "new": self.new}.get(host, host)
        folder = self.node.folder / f"sabotage-{self.node.runs}"
        sabotage = Sabotage(folder, {host: Rule((step,), phase, "stop")})
        callbacks = {"ANSIBLE_CALLBACKS_ENABLED": "recorder,saboteur"}
        background = Background(lambda: self.run(**callbacks, **sabotage.environment))
        try:
            sabotage.wait_until_stopped(host)
            sabotage.kill()
        finally:
            sabotage.let_go(host)
            assert background.wait().code != 0

    def tokens(self, sensor: str) -> list[dict[str, Any]]:
        """Return the tokens of a sensor."""
        return self.node.lab.state(sensor)["tokens"]

    def writes(self) -> list[str]:
        """Return the writes, in order."""
        return [f"{call['appliance']} {call['method']}" for call in self.node.lab.calls() if call["write"]]

    def is_done(self) -> None:
        """Check that the platform polls the new sensor, and that the old one has no token for it."""
        state = self.node.lab.state(FORESCOUT)
        assert state["module"]["server_address"] == SENSORS[self.new]
        assert state["last_poll"]["outcome"] == "ok"
        (token,) = self.tokens(self.new)
        assert token["used"].startswith("20")
        assert self.tokens(self.old) == []
        assert list(self.node.stored_files()) == [f"{self.new}/forescout.yml"]
        self.node.lab.forget_calls()
        assert self.run().succeeded().changes == []
        assert self.writes() == []
        assert self.node.lab.calls(self.old) == []
        self.is_complete = True


@pytest.fixture(scope="module")
def moves() -> list[Move]:
    """The installation that the tests share, as the only entry, once a test has made it."""
    return []


@pytest.fixture
def move(moves: list[Move], new_workspace: Callable[[], Workspace]) -> Move:
    """A platform before its move: after the one of the last test, or a new one if that has failed."""
    if not moves or not moves[0].is_complete:
        moves[:] = [Move(new_workspace())]
    moves[0].begin()
    return moves[0]


def test_one_variable_moves_a_platform_as_predicted_and_in_order(move: Move) -> None:
    move.node.lab.switch(FORESCOUT, sensor_change="after_clearing")
    move.node.lab.forget_calls()
    predicted = move.run("--check").succeeded()
    assert move.writes() == []
    done = move.run().succeeded()
    assert done.changes == predicted.changes
    assert {host for host, _module in done.changes} == {move.old, move.new, FORESCOUT}
    assert move.writes() == [
        f"{move.new} POST",
        f"{FORESCOUT} PUT",
        f"{FORESCOUT} PUT",
        f"{move.old} DELETE",
    ]
    move.is_done()
    move.node.lab.switch(FORESCOUT, sensor_change="at_once")


def test_drift_predicts_the_whole_move(move: Move) -> None:
    move.node.lab.forget_calls()
    drift = move.example.playbook("drift", f"--limit={move.old},{move.new},{FORESCOUT}")
    assert drift.code == 2
    tokens = [host for host, module in drift.changes if module == "sensor_access_token"]
    assert tokens == sorted([move.old, move.new])
    assert move.writes() == []
    move.take_back()


@pytest.mark.parametrize("point", POINTS.values(), ids=POINTS)
def test_a_move_that_was_killed_is_finished_by_the_next_run(move: Move, point: tuple[str, str, str]) -> None:
    move.kill_at(*point)
    move.run().succeeded()
    move.is_done()


def test_the_old_token_stays_until_the_new_sensor_is_called_and_that_of_others_always(move: Move) -> None:
    move.node.lab.make_token(move.old, "another system")
    move.node.lab.fault(move.new, "status", {"path_prefix": "/api/v1/devices"}, status=500)
    kept = move.run()
    assert f"forescout: kept, because {FORESCOUT} is not verified with another token yet" in kept.output
    assert len(move.tokens(move.old)) == 2
    move.node.lab.control("DELETE", "/faults")
    assert move.node.lab.control("POST", "/poll")[FORESCOUT]["outcome"] == "ok"
    assert move.run().succeeded().changes == [(move.old, "sensor_access_token")]
    assert [token["description"] for token in move.tokens(move.old)] == ["another system"]
