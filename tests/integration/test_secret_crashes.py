# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run is killed at every step of minting, rotating and retiring a secret, and run again.

Every step has its own host. All of them stop there and are then killed at once, like in a power failure.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.tests.support.sabotage import Rule
from ansible_collections.otsec.defender_iot.tests.support.stage import (
    ADMIN,
    CREATE,
    DELETE,
    GENERATE,
    MINTING,
    STATUS,
    Stage,
)
from ansible_collections.otsec.defender_iot.tests.support.workspace import Run, Workspace, play, task

WRITES = [(f"write {number}", phase) for number in (1, 2, 3) for phase in ("before", "half", "after")]
STEPS = {
    "key": [*WRITES, *((step, phase) for step in (GENERATE, STATUS) for phase in ("before", "after"))],
    "token": [*WRITES, *((CREATE, phase) for phase in ("before", "after"))],
}
RETIRING = [*((DELETE, phase) for phase in ("before", "after")), *WRITES[:3]]
SENSORS = 6

# The appliance had returned the value, which was not stored yet.
LOST = [(GENERATE, "after"), (CREATE, "after"), ("write 2", "before"), ("write 2", "half")]
UNTOUCHED = [("write 1", "before"), ("write 1", "half")]
FINISHED = ("write 3", "after")


@dataclass(frozen=True)
class Point:
    """The point at which one host's run is killed."""

    host: str
    kind: str
    rotating: bool
    step: tuple[str, str]


def _points() -> list[Point]:
    points = [
        Point("", kind, rotating, step)
        for kind, steps in STEPS.items()
        for rotating in (False, True)
        for step in steps
    ]
    names = [
        f"{point.kind}-{'rotated' if point.rotating else 'first'}-{point.step[1]}-"
        + point.step[0].rstrip("/").rpartition("/")[2].replace(" ", "-")
        for point in points
    ]
    return [Point(name, p.kind, p.rotating, p.step) for name, p in zip(names, points, strict=True)]


POINTS = _points()
RETIRED = {f"retired-{phase}-{step.split()[0].lower()}": (step, phase) for step, phase in RETIRING}


@dataclass(frozen=True)
class Aftermath:
    """The runs after the crash, and the number of mints of each host's secret."""

    stage: Stage
    before: dict[str, str]
    killed: Run
    predicted: Run
    predicted_writes: int
    recovered: Run
    mints: dict[str, int]


def _minted(stage: Stage) -> dict[str, int]:
    """Return the number of minting requests, by appliance."""
    calls = [call for call in stage.lab.calls() if f"{call['method']} {call['path']}" in MINTING.values()]
    appliances = [call["appliance"] for call in calls]
    return {appliance: appliances.count(appliance) for appliance in stage.lab.appliances}


def _set_up(stage: Stage) -> None:
    """Mint the secrets to rotate, and complete a rotation of those to retire."""
    number = {"key": 0, "token": 0}
    for point in POINTS:
        number[point.kind] += 1
        if point.kind == "key":
            stage.key(point.host, f"spare-{number['key']:02}")
        else:
            stage.token(point.host, f"spare-sensor-{number['token'] % SENSORS + 1}")
    for index, host in enumerate(RETIRED):
        stage.token(host, f"spare-sensor-{index % SENSORS + 1}")
    rotated = [*(point.host for point in POINTS if point.rotating), *RETIRED]
    stage.run(hosts=",".join(rotated)).succeeded()
    for host in RETIRED:
        stage.spots[host].options["rotation_id"] = "second"
    stage.run(hosts=",".join(RETIRED)).succeeded()
    for host in RETIRED:
        assert stage.opens(host, stage.record(host)["value"])
        stage.spots[host].options["previous"] = "absent"
    for point in POINTS:
        if point.rotating:
            stage.spots[point.host].options["rotation_id"] = "second"


@pytest.fixture(scope="module")
def aftermath(new_workspace: Callable[[], Workspace]) -> Aftermath:
    """Kill everything once, predict, run again, and run once more."""
    # A process that is killed during a write keeps the lock of its folder until then.
    stage = Stage(new_workspace(), name="{host}/secret", strategy="free")
    _set_up(stage)
    before = {host: stage.record(host)["value"] for host in stage.spots if _is_stored(stage, host)}
    stage.write_inventory()
    stage.lab.forget_calls()
    rules = {p.host: Rule((p.step[0],), p.step[1], "stop") for p in POINTS}
    rules |= {host: Rule((step,), phase, "stop") for host, (step, phase) in RETIRED.items()}
    killed = _stop_and_kill(stage, rules)
    writes = len(stage.writes())
    predicted = stage.run("--check").succeeded()
    predicted_writes = len(stage.writes()) - writes
    recovered = stage.run()
    mints = _minted(stage)
    return Aftermath(stage, before, killed, predicted, predicted_writes, recovered, mints)


def _stop_and_kill(stage: Stage, rules: dict[str, Rule]) -> Run:
    """Run until every host has stopped at its step, and kill the run."""
    sabotage = stage.sabotage(rules)
    running = stage.in_background(sabotage)
    try:
        sabotage.wait_until_stopped()
    finally:
        sabotage.kill()
    return stage.keep(running.wait())


def _is_stored(stage: Stage, host: str) -> bool:
    return f"{host}/secret.yml" in stage.node.stored_files()


def test_the_run_was_killed_in_the_middle_of_every_task(aftermath: Aftermath) -> None:
    assert aftermath.killed.code == -9
    assert aftermath.killed.results == []


def test_the_next_run_resumes_at_once_and_finishes_everywhere(aftermath: Aftermath) -> None:
    aftermath.recovered.succeeded()
    assert len(aftermath.recovered.results) == len(POINTS) + len(RETIRED)


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.host)
def test_one_working_secret_is_stored_and_nothing_is_left_behind(aftermath: Aftermath, point: Point) -> None:
    stage = aftermath.stage
    stage.has_one_working_secret(point.host)
    record = stage.record(point.host)
    assert record["value"] != aftermath.before.get(point.host)
    if point.rotating:
        assert record["rotation_id"] == "second"
    if point.rotating and point.kind == "token":
        assert record["previous"]["value"] == aftermath.before[point.host]


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.host)
def test_the_next_run_says_what_it_has_done(aftermath: Aftermath, point: Point) -> None:
    result = aftermath.recovered.one(point.host).data
    assert result["changed"] is (point.step != FINISHED)
    not_minted = [("write 1", "after"), (GENERATE, "before"), (CREATE, "before")]
    if point.step in [*LOST, *not_minted]:
        assert result["minted"] is True
        resumed = "an earlier run was interrupted, and any value it minted is lost"
        # The old value is still valid, so only the rotation is due.
        rotated = point.rotating and (point.kind == "token" or point.step in not_minted)
        assert result["reason"] == ("rotation_id is second" if rotated else resumed)
    elif point.step not in UNTOUCHED and point.step != FINISHED:
        assert result["minted"] is False
        assert result["reason"] == "an earlier run was interrupted"


@pytest.mark.parametrize("point", [p for p in POINTS if p.kind == "key"], ids=lambda point: point.host)
def test_a_key_is_minted_again_only_where_its_value_was_lost(aftermath: Aftermath, point: Point) -> None:
    appliance = aftermath.stage.spots[point.host].appliance
    assert aftermath.mints[appliance] == (2 if point.step in LOST else 1)


def test_tokens_are_minted_again_only_where_their_values_were_lost(aftermath: Aftermath) -> None:
    tokens = [point for point in POINTS if point.kind == "token"]
    minted = sum(count for name, count in aftermath.mints.items() if name.startswith("spare-sensor-"))
    assert minted == len(tokens) + sum(point.step in LOST for point in tokens)


@pytest.mark.parametrize("host", RETIRED)
def test_a_previous_token_is_retired_however_far_the_killed_run_came(aftermath: Aftermath, host: str) -> None:
    stage = aftermath.stage
    record = stage.record(host)
    assert "previous" not in record
    assert record["value"] == aftermath.before[host]
    assert [row["id"] for row in stage.rows(host)] == [record["id"]]


def test_check_mode_after_the_crash_predicts_what_the_next_run_changes(aftermath: Aftermath) -> None:
    assert aftermath.predicted.changes == aftermath.recovered.changes
    assert aftermath.predicted_writes == 0


def test_a_further_run_changes_nothing_and_no_secret_has_leaked(aftermath: Aftermath) -> None:
    aftermath.stage.is_settled()


def test_no_half_written_file_is_left_in_the_store(aftermath: Aftermath) -> None:
    names = {path.rpartition("/")[2] for path in aftermath.stage.node.stored_files()}
    assert names == {"secret.yml"}


@pytest.mark.parametrize("kind", MINTING)
def test_a_run_whose_worker_alone_is_killed_ends_and_the_next_one_finishes(
    workspace: Workspace, kind: str
) -> None:
    stage = Stage(workspace)
    stage.secret(kind)
    broken = stage.break_run("it", "die", "after", MINTING[kind])
    assert broken.code not in (0, None)
    assert "dead" in broken.output
    assert stage.mints() == 1
    repaired = stage.settle()
    assert repaired.one().data["reason"] == "an earlier run was interrupted, and any value it minted is lost"


@pytest.mark.parametrize("kind", MINTING)
def test_a_zombie_is_not_waited_for(workspace: Workspace, kind: str) -> None:
    stage = Stage(workspace)
    stage.secret(kind)
    stage.write_inventory()
    sabotage = stage.sabotage({"it": Rule(("write 2",), "before", "stop")})
    running = stage.in_background(sabotage)
    try:
        sabotage.wait_until_stopped()
        sabotage.leave_zombies()
        assert stage.settle().one().data["minted"] is True
    finally:
        sabotage.kill()
    assert stage.keep(running.wait()).code == -9


@pytest.mark.parametrize("kind", MINTING)
def test_a_process_with_the_pid_of_a_killed_one_is_not_waited_for(workspace: Workspace, kind: str) -> None:
    stage = Stage(workspace)
    stage.secret(kind)
    stage.break_run("it", "die", "after", MINTING[kind])
    pending = stage.record("it")["pending"]
    stage.edit("it", pending={**pending, "owner": {**pending["owner"], "pid": os.getpid()}})
    assert stage.settle().one().data["minted"] is True


@pytest.mark.parametrize("kind", MINTING)
def test_a_run_that_was_killed_in_another_pid_namespace_is_resumed_after_a_quarter_of_an_hour(
    workspace: Workspace, pid_namespace: tuple[str, ...], kind: str
) -> None:
    stage = Stage(workspace)
    stage.secret(kind)
    workspace.wrapper = pid_namespace
    stage.break_run("it", "die", "after", MINTING[kind])
    workspace.wrapper = ()
    refused = stage.run().one()
    assert refused.failed
    assert "is minting it" in refused.message
    assert re.search(r"if it was killed, run again after \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", refused.message)
    assert stage.mints() == 1
    stage.make_old("it")
    assert stage.settle().one().data["minted"] is True


CREATE_ADMIN = "POST /api/v2/cmdb/system/api-user"
PARENT_STEPS = [("write 1", "after"), *((step, "after") for step in (CREATE_ADMIN, GENERATE))]


@pytest.mark.parametrize(("step", "phase"), [(CREATE_ADMIN, "before"), *PARENT_STEPS])
@pytest.mark.parametrize("separate", [False, True], ids=["fortigate_access", "fortigate_api_admin"])
def test_the_void_key_of_a_recreated_admin_is_replaced_whenever_the_run_is_killed(
    workspace: Workspace, separate: bool, step: str, phase: str
) -> None:
    stage = Stage(workspace)
    admin = {"name": ADMIN, "profile": "super_admin_readonly", "trusted_hosts": ["127.0.0.1"]}
    key = {"secret_ref": workspace.ref("key")}
    access = (
        [task("fortigate_api_admin", **admin, **key), task("fortigate_api_key", name=ADMIN, **key)]
        if separate
        else [task("fortigate_access", admins=[{**admin, **key}])]
    )

    def run(**more: Any) -> Run:
        return stage.keep(stage.loudly(play(*access), **more))

    workspace.inventory(fgt=workspace.host("spare-01"))
    run().succeeded()
    void = workspace.kept("key")["value"]
    stage.lab.cmdb("spare-01", "DELETE", f"api-user/{ADMIN}")
    killed = run(sabotage=stage.sabotage({"fgt": Rule((step,), phase, "die")}))
    assert killed.code not in (0, None)
    run().succeeded()
    value = workspace.kept("key")["value"]
    assert value != void
    headers = {"Authorization": f"Bearer {value}"}
    answer = stage.lab.call("spare-01", "GET", STATUS.split()[1], headers=headers)
    assert answer.status_code == 200
    assert run().succeeded().changes == []
    assert workspace.kept("key").keys().isdisjoint({"pending", "doubt"})
    stage.leaks_nothing()


def test_tokens_that_are_removed_are_gone_from_sensor_and_store_whenever_the_run_is_killed(
    workspace: Workspace,
) -> None:
    stage = Stage(workspace, name="{host}/secret")
    steps = {"before": DELETE, "between": "delete 1"}
    for host in steps:
        stage.token(host, "spare-sensor-1")
    stage.run().succeeded()
    for spot in stage.spots.values():
        spot.options["state"] = "absent"
    stage.write_inventory()
    _stop_and_kill(stage, {host: Rule((step,), "before", "stop") for host, step in steps.items()})
    assert [len(stage.rows(host)) for host in steps] == [1, 0]
    assert len(stage.node.stored_files()) == 2
    assert len(stage.run().succeeded().changes) == 2
    assert stage.rows("before") == stage.rows("between") == []
    assert stage.node.stored_files() == {}
    assert stage.run().succeeded().changes == []
    stage.leaks_nothing()
