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

import pytest

from ansible_collections.otsec.defender_iot.tests.support.sabotage import Background, Rule
from ansible_collections.otsec.defender_iot.tests.support.stage import (
    ADMIN,
    CREATE,
    DELETE,
    GENERATE,
    MINTING,
    STATUS,
    Stage,
)
from ansible_collections.otsec.defender_iot.tests.support.workspace import Play, Run, Workspace, play, task

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
# After the crash, another process has the PID of the killed one.
REUSED = {f"reused-{kind}": kind for kind in MINTING}


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
    for host, kind in {**{point.host: point.kind for point in POINTS}, **REUSED}.items():
        number[kind] += 1
        if kind == "key":
            stage.key(host, f"spare-{number['key']:02}")
        else:
            stage.token(host, f"spare-sensor-{number['token'] % SENSORS + 1}")
    for index, host in enumerate(RETIRED):
        stage.token(host, f"spare-sensor-{index % SENSORS + 1}")
    stage.mint(*(point.host for point in POINTS if point.rotating), *RETIRED)
    for host in RETIRED:
        stage.spots[host].options["rotation_id"] = "second"
    stage.mint(*RETIRED)
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
    rules |= {host: Rule((MINTING[kind],), "after", "stop") for host, kind in REUSED.items()}
    killed = _stop_and_kill(stage, rules)
    for host in REUSED:
        pending = stage.record(host)["pending"]
        stage.edit(host, pending={**pending, "owner": {**pending["owner"], "pid": os.getpid()}})
    writes = len(stage.writes())
    predicted = stage.run("--check").succeeded()
    predicted_writes = len(stage.writes()) - writes
    recovered = stage.run()
    mints = _minted(stage)
    return Aftermath(stage, before, killed, predicted, predicted_writes, recovered, mints)


def _stop_and_kill(stage: Stage, rules: dict[str, Rule], *plays: Play) -> Run:
    """Run the plays, or the tasks of every secret, until every host has stopped at its step. Kill the run."""
    sabotage = stage.sabotage(rules)
    running = (
        Background(lambda: stage.loudly(*plays, sabotage=sabotage))
        if plays
        else stage.in_background(sabotage)
    )
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
    assert len(aftermath.recovered.results) == len(POINTS) + len(RETIRED) + len(REUSED)


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
    steps = [point.step for point in POINTS if point.kind == "token"] + [(MINTING["token"], "after")]
    minted = sum(count for name, count in aftermath.mints.items() if name.startswith("spare-sensor-"))
    assert minted == len(steps) + sum(step in LOST for step in steps)


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


@pytest.mark.parametrize("host", REUSED)
def test_a_process_with_the_pid_of_a_killed_one_is_not_waited_for(aftermath: Aftermath, host: str) -> None:
    assert aftermath.recovered.one(host).data["minted"] is True
    aftermath.stage.has_one_working_secret(host)


@dataclass(frozen=True)
class DeadWorkers:
    """Runs whose workers alone were killed, one run for each kind of secret, and one that left zombies.

    ``mints`` has the number of mints before the next run, which was made while the zombies were there.
    """

    broken: dict[str, Run]
    mints: dict[str, int]
    repaired: Run
    stopped: Run


@pytest.fixture(scope="module")
def dead_workers(new_workspace: Callable[[], Workspace]) -> DeadWorkers:
    """Kill workers and repair everything at once."""
    stage = Stage(new_workspace())
    for number, each in enumerate(("dead", "zombie"), 1):
        stage.key(f"{each}-key", f"spare-{number:02}")
        stage.token(f"{each}-token", f"spare-sensor-{number}")
    broken = {}
    for kind, step in MINTING.items():
        die = stage.sabotage({f"dead-{kind}": Rule((step,), "after", "die")})
        broken[kind] = stage.run(sabotage=die, hosts=f"dead-{kind}")
    mints = {kind: stage.mints(f"dead-{kind}") for kind in MINTING}
    sabotage = stage.sabotage({f"zombie-{kind}": Rule(("write 2",), "before", "stop") for kind in MINTING})
    stage.strategy = "free"
    running = stage.in_background(sabotage, "zombie-key,zombie-token")
    try:
        sabotage.wait_until_stopped()
        sabotage.leave_zombies()
        stage.strategy = "linear"
        repaired = stage.settle()
    finally:
        sabotage.kill()
    return DeadWorkers(broken, mints, repaired, stage.keep(running.wait()))


@pytest.mark.parametrize("kind", MINTING)
def test_a_run_whose_worker_alone_is_killed_ends_and_the_next_one_finishes(
    dead_workers: DeadWorkers, kind: str
) -> None:
    broken = dead_workers.broken[kind]
    assert broken.code not in (0, None)
    assert "dead" in broken.output
    assert dead_workers.mints[kind] == 1
    repaired = dead_workers.repaired.one(f"dead-{kind}")
    assert repaired.data["reason"] == "an earlier run was interrupted, and any value it minted is lost"


@pytest.mark.parametrize("kind", MINTING)
def test_a_zombie_is_not_waited_for(dead_workers: DeadWorkers, kind: str) -> None:
    assert dead_workers.repaired.one(f"zombie-{kind}").data["minted"] is True
    assert dead_workers.stopped.code == -9


def test_a_run_that_was_killed_in_another_pid_namespace_is_resumed_after_a_quarter_of_an_hour(
    workspace: Workspace, pid_namespace: tuple[str, ...]
) -> None:
    stage = Stage(workspace)
    workspace.wrapper = pid_namespace
    for kind, step in MINTING.items():
        stage.secret(kind, kind)
        stage.run(sabotage=stage.sabotage({kind: Rule((step,), "after", "die")}), hosts=kind)
    workspace.wrapper = ()
    refused = stage.run()
    for kind in MINTING:
        result = refused.one(kind)
        assert result.failed
        assert "is minting it" in result.message
        assert re.search(r"if it was killed, run again after \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", result.message)
        assert stage.mints(kind) == 1
        stage.make_old(kind)
    repaired = stage.settle()
    assert [repaired.one(kind).data["minted"] for kind in MINTING] == [True, True]


CREATE_ADMIN = "POST /api/v2/cmdb/system/api-user"
PARENT_STEPS = [
    (CREATE_ADMIN, "before"),
    *((step, "after") for step in ("write 1", CREATE_ADMIN, GENERATE)),
]
PARENTS = {
    f"{tasks}-{phase}-{step.rpartition('/')[2].replace(' ', '-')}": (tasks == "separate", step, phase)
    for tasks in ("separate", "together")
    for step, phase in PARENT_STEPS
}


@dataclass(frozen=True)
class Recreated:
    """Administrators that were deleted, and recreated by a run that was killed. ``void`` has the old keys."""

    stage: Stage
    void: dict[str, str]
    killed: Run
    again: Run


@pytest.fixture(scope="module")
def recreated(new_workspace: Callable[[], Workspace]) -> Recreated:
    """Set up an administrator with a key for each point, delete them, kill one run, and run twice."""
    stage = Stage(new_workspace())
    node, appliances = stage.node, {host: f"spare-{number:02}" for number, host in enumerate(PARENTS, 1)}
    node.inventory(**{host: node.host(name, separate=PARENTS[host][0]) for host, name in appliances.items()})
    plays = [_access(node)]
    stage.keep(stage.loudly(*plays)).succeeded()
    void = {host: node.kept(host)["value"] for host in PARENTS}
    for name in appliances.values():
        stage.lab.cmdb(name, "DELETE", f"api-user/{ADMIN}")
    rules = {host: Rule((step,), phase, "stop") for host, (_separate, step, phase) in PARENTS.items()}
    killed = _stop_and_kill(stage, rules, *plays)
    stage.keep(stage.loudly(*plays)).succeeded()
    again = stage.keep(stage.loudly(*plays)).succeeded()
    stage.leaks_nothing()
    return Recreated(stage, void, killed, again)


def _access(node: Workspace) -> Play:
    """Return a play for an administrator with a key: a task for each, or one for both."""
    admin = {"name": ADMIN, "profile": "super_admin_readonly", "trusted_hosts": ["127.0.0.1"]}
    key = {"secret_ref": node.ref("{{ inventory_hostname }}")}
    return play(
        {**task("fortigate_api_admin", **admin, **key), "when": "separate"},
        {**task("fortigate_api_key", name=ADMIN, **key), "when": "separate"},
        {**task("fortigate_access", admins=[{**admin, **key}]), "when": "not separate"},
        strategy="free",
    )


@pytest.mark.parametrize("host", PARENTS)
def test_the_void_key_of_a_recreated_admin_is_replaced_whenever_the_run_is_killed(
    recreated: Recreated, host: str
) -> None:
    assert recreated.killed.code not in (0, None)
    record = recreated.stage.node.kept(host)
    assert record["value"] != recreated.void[host]
    appliance = f"spare-{list(PARENTS).index(host) + 1:02}"
    headers = {"Authorization": f"Bearer {record['value']}"}
    answer = recreated.stage.lab.call(appliance, "GET", STATUS.split()[1], headers=headers)
    assert answer.status_code == 200
    assert recreated.again.changes == []
    assert record.keys().isdisjoint({"pending", "doubt"})


def test_tokens_that_are_removed_are_gone_from_sensor_and_store_whenever_the_run_is_killed(
    workspace: Workspace,
) -> None:
    stage = Stage(workspace, name="{host}/secret")
    steps = {"before": DELETE, "between": "delete 1"}
    for host in steps:
        stage.token(host, "spare-sensor-1")
    stage.mint()
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
