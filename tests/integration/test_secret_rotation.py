# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets are rotated once when they are due. A previous token stays until its consumer uses the new one.

Each fixture is a step after the one before. The tests before the next one look at what it has left.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.tests.support.example import FORTIGATES, SENSORS, Example
from ansible_collections.otsec.defender_iot.tests.support.stage import Stage
from ansible_collections.otsec.defender_iot.tests.support.workspace import Run, Workspace, play, task

LONG_AGO = (datetime.now(UTC) - timedelta(days=31)).strftime("%Y-%m-%dT%H:%M:%SZ")

# The reason of a rotation, in the task's options and in the result.
DUE = {
    "id": ({"rotation_id": "2026-11"}, "rotation_id is 2026-11"),
    "age": ({"max_age": 30}, "it is older than 30 days"),
    "always": ({"recreate": "always"}, "recreate is always"),
}


@dataclass(frozen=True)
class Step:
    """The last run of a step, the stage that it has left, and the records before it."""

    stage: Stage
    run: Run
    before: dict[str, dict[str, Any]]


def _records(stage: Stage) -> dict[str, dict[str, Any]]:
    return {host: stage.record(host) for host in stage.spots}


@pytest.fixture(scope="module")
def rotated(new_workspace: Callable[[], Workspace]) -> Step:
    """Rotate the secrets that are due. The tokens `retiring` and `waiting` were rotated before."""
    stage = Stage(new_workspace())
    for number, why in enumerate(DUE, 1):
        stage.key(f"key-{why}", f"spare-{number:02}", max_age=30)
        stage.token(f"token-{why}", f"spare-sensor-{number}", max_age=30)
    stage.mint()
    for number, host in enumerate(("retiring", "waiting"), 4):
        spot = stage.token(host, f"spare-sensor-{number}")
        stage.mint(host)
        spot.options["rotation_id"] = "second"
        stage.mint(host)
    assert stage.run().succeeded().changes == []
    before = _records(stage)
    for host in _due(stage):
        stage.spots[host].options.update(DUE[host.partition("-")[2]][0])
        if host.endswith("-age"):
            stage.edit(host, created_at=LONG_AGO)
    stage.lab.make_token(stage.spots["retiring"].appliance, "of another consumer")
    stage.spots["retiring"].options["previous"] = "absent"
    return Step(stage, _predicted_and_done(stage), before)


def _due(stage: Stage) -> list[str]:
    return [host for host in stage.spots if host.startswith(("key-", "token-"))]


def _ids(stage: Stage, host: str) -> list[str]:
    return [str(row["id"]) for row in stage.rows(host)]


@pytest.fixture(scope="module")
def again(rotated: Step) -> Step:
    """Use the new token, and run again where a rotation is always due, and where one is due too early."""
    stage, before = rotated.stage, _records(rotated.stage)
    assert stage.opens("retiring", before["retiring"]["value"])
    stage.spots["waiting"].options["rotation_id"] = "third"
    return Step(stage, stage.run(hosts="key-always,waiting"), before)


@pytest.fixture(scope="module")
def settled(again: Step) -> Step:
    """Check that nothing changes as long as no rotation is due and previous tokens are kept."""
    stage = again.stage
    for host in ("key-always", "token-always"):
        stage.spots[host].options["recreate"] = "never"
    stage.spots["retiring"].options["previous"] = "keep"
    stage.spots["waiting"].options["rotation_id"] = "second"
    before = _records(stage)
    stage.is_settled()
    return Step(stage, stage.runs[-1], before)


@pytest.fixture(scope="module")
def ended(settled: Step) -> Step:
    """End the rotations of both tokens, and begin another one of `waiting`."""
    stage, before = settled.stage, _records(settled.stage)
    stage.spots["retiring"].options["previous"] = "absent"
    stage.spots["waiting"].options.update(rotation_id="third", previous="absent")
    return Step(stage, _predicted_and_done(stage), before)


def _predicted_and_done(stage: Stage) -> Run:
    """Run in check mode and for real. Check that the prediction was right."""
    stored, before = stage.node.stored_files(), _tokens(stage)
    stage.lab.forget_calls()
    predicted = stage.run("--check").succeeded()
    assert stage.writes() == []
    assert stage.node.stored_files() == stored
    assert _tokens(stage) == before
    done = stage.run().succeeded()
    assert done.changes == predicted.changes
    for host in stage.spots:
        for key in ("reason", "previous"):
            assert done.one(host).data.get(key) == predicted.one(host).data.get(key), host
    return done


def _tokens(stage: Stage) -> list[dict[str, Any]]:
    sensors = {spot.appliance for spot in stage.spots.values() if spot.kind == "token"}
    return [token for sensor in sorted(sensors) for token in stage.lab.state(sensor)["tokens"]]


def test_a_secret_that_is_due_is_rotated_once_and_a_token_s_predecessor_still_works(rotated: Step) -> None:
    stage = rotated.stage
    assert stage.mints() == len(_due(stage))
    for host in _due(stage):
        old, record = rotated.before[host]["value"], stage.record(host)
        assert rotated.run.one(host).data["minted"] is True
        assert rotated.run.one(host).data["reason"] == DUE[host.partition("-")[2]][1]
        assert record["value"] != old
        assert stage.opens(host, old) is host.startswith("token-")
        if host.startswith("token-"):
            assert record["previous"]["value"] == old


def test_the_previous_token_is_kept_as_long_as_the_new_one_was_never_used(rotated: Step) -> None:
    stage, record = rotated.stage, rotated.before["retiring"]
    assert {host for host, _module in rotated.run.changes} == set(_due(stage))
    assert "is kept because the current one was never used" in rotated.run.one("retiring").data["warnings"][0]
    assert _ids(stage, "retiring") == [str(record["previous"]["id"]), str(record["id"])]
    assert stage.opens("retiring", record["previous"]["value"])


def test_a_rotation_that_is_always_due_is_repeated(again: Step) -> None:
    result = again.run.one("key-always")
    assert not result.failed
    assert result.data["minted"] is True


def test_another_rotation_waits_until_the_one_before_is_over(again: Step) -> None:
    stage, record, result = again.stage, again.before["waiting"], again.run.one("waiting")
    assert result.failed
    assert "still has a previous value; end that rotation first (previous: absent)" in result.message
    assert stage.record("waiting") == record
    assert _ids(stage, "waiting") == [str(record["previous"]["id"]), str(record["id"])]
    assert stage.opens("waiting", record["value"])


def test_nothing_is_rotated_again_and_a_previous_token_that_is_kept_still_works(
    rotated: Step, again: Step, settled: Step
) -> None:
    stage, after_rotation = settled.stage, again.before
    assert {host for host in _due(stage) if stage.record(host)["value"] != after_rotation[host]["value"]} == {
        "key-always"
    }
    assert stage.opens("retiring", rotated.before["retiring"]["previous"]["value"])


def test_the_previous_token_is_deleted_only_after_the_new_one_was_used(ended: Step) -> None:
    stage, record = ended.stage, ended.before["retiring"]
    assert ended.run.one("retiring").data["minted"] is False
    assert ended.run.one("retiring").data["reason"] == "the current one is in use"
    tokens = stage.lab.state(stage.spots["retiring"].appliance)["tokens"]
    assert [token["description"] for token in tokens] == ["retiring", "of another consumer"]
    assert _ids(stage, "retiring") == [str(record["id"])]
    assert not stage.opens("retiring", record["previous"]["value"])
    assert stage.opens("retiring", record["value"])
    assert "previous" not in stage.record("retiring")


def test_another_rotation_is_done_once_the_one_before_is_over(ended: Step) -> None:
    stage, result = ended.stage, ended.run.one("waiting")
    assert result.data["minted"] is True
    assert result.data["reason"] == "rotation_id is third"
    record = stage.record("waiting")
    assert _ids(stage, "waiting") == [str(part["id"]) for part in (record["previous"], record)]
    assert stage.opens("waiting", record["value"])
    stage.run().succeeded()
    stage.is_settled()
    assert len(stage.rows("waiting")) == 1


def _opens_for_a_sensor(node: Workspace, fortigate: str, key: str) -> bool:
    """Use a key from the address of a sensor. Return whether it is accepted."""
    node.lab.switch(fortigate, nat=SENSORS["sensor-north-01"])
    headers = {"Authorization": f"Bearer {key}"}
    answer = node.lab.call(fortigate, "GET", "/api/v2/monitor/system/status", headers=headers)
    node.lab.switch(fortigate, nat=None)
    return answer.status_code == 200


ALTERNATING, PURGED = FORTIGATES[:2]


@pytest.fixture(scope="module")
def example(new_workspace: Callable[[], Workspace]) -> Example:
    """The example inventory, with keys on two FortiGates, one for each test."""
    made = Example(new_workspace())
    made.playbook("fortinet", f"--limit={ALTERNATING},{PURGED}").succeeded()
    return made


def test_api_keys_that_alternate_leave_no_gap(example: Example) -> None:
    """A second administrator is added, the sensors get its key, and the first administrator is removed."""
    node, limit = example.node, f"--limit={ALTERNATING}"
    first, second = "defender-iot", "defender-iot-b"
    old = node.kept(f"{ALTERNATING}/{first}")["value"]
    both = {"name": second, "profile": "defender-iot"}
    present = [{"name": first, "profile": "defender-iot"}, both]
    example.override(ALTERNATING, fortigate_access_admins=present)
    example.playbook("fortinet", limit).succeeded()
    new = node.kept(f"{ALTERNATING}/{second}")["value"]
    assert _opens_for_a_sensor(node, ALTERNATING, old)
    assert _opens_for_a_sensor(node, ALTERNATING, new)
    example.override(ALTERNATING, fortigate_access_admins=[{"name": first, "state": "absent"}, both])
    predicted = example.playbook("fortinet", "--check", limit).succeeded()
    done = example.playbook("fortinet", limit).succeeded()
    assert predicted.changes == done.changes
    assert not _opens_for_a_sensor(node, ALTERNATING, old)
    assert _opens_for_a_sensor(node, ALTERNATING, new)
    assert f"{ALTERNATING}/{first}.yml" not in node.stored_files()
    assert example.playbook("fortinet", limit).succeeded().changes == []


def test_the_key_of_a_purged_admin_stays_stored_until_it_is_removed_by_itself(example: Example) -> None:
    node, name = example.node, "defender-iot"
    old = node.kept(f"{PURGED}/{name}")["value"]
    example.override(PURGED, fortigate_access_admins=[], fortigate_access_purge=True)
    example.playbook("fortinet", f"--limit={PURGED}").succeeded()
    assert not _opens_for_a_sensor(node, PURGED, old)
    assert node.kept(f"{PURGED}/{name}")["value"] == old

    node.inventory(**{PURGED: node.host(PURGED)})
    gone = task("fortigate_api_key", name=name, secret_ref=node.ref(f"{PURGED}/{name}"), state="absent")
    removed = node.run(play(gone, gone)).succeeded().results
    assert [result.changed for result in removed] == [True, False]
    assert not [path for path in node.stored_files() if path.startswith(PURGED)]
