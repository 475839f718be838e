# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets are rotated once when they are due. A previous token stays until its consumer uses the new one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.tests.support.example import SENSORS, Example
from ansible_collections.otsec.defender_iot.tests.support.stage import Spot, Stage
from ansible_collections.otsec.defender_iot.tests.support.workspace import Run, Workspace, play, task

LONG_AGO = (datetime.now(UTC) - timedelta(days=31)).strftime("%Y-%m-%dT%H:%M:%SZ")

# The reason of a rotation, in the task's options and in the result.
DUE = {
    "id": ({"rotation_id": "2026-11"}, "rotation_id is 2026-11"),
    "age": ({"max_age": 30}, "it is older than 30 days"),
    "always": ({"recreate": "always"}, "recreate is always"),
}


@pytest.fixture
def stage(workspace: Workspace) -> Iterator[Stage]:
    """A control node without secrets. At the end, check that no secret has leaked."""
    stage = Stage(workspace)
    yield stage
    stage.leaks_nothing()


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


def test_a_secret_that_is_due_is_rotated_once_and_a_token_s_predecessor_still_works(stage: Stage) -> None:
    for number, why in enumerate(DUE, 1):
        stage.key(f"key-{why}", f"spare-{number:02}", max_age=30)
        stage.token(f"token-{why}", f"spare-sensor-{number}", max_age=30)
    stage.run().succeeded()
    assert stage.run().succeeded().changes == []
    old = {host: stage.record(host)["value"] for host in stage.spots}
    for host, spot in stage.spots.items():
        spot.options.update(DUE[host.partition("-")[2]][0])
        if host.endswith("-age"):
            stage.edit(host, created_at=LONG_AGO)
    done = _predicted_and_done(stage)
    assert stage.mints() == len(stage.spots)
    new = {host: stage.record(host)["value"] for host in stage.spots}
    for host in stage.spots:
        assert done.one(host).data["minted"] is True
        assert done.one(host).data["reason"] == DUE[host.partition("-")[2]][1]
        assert new[host] != old[host]
        assert stage.opens(host, old[host]) is host.startswith("token-")
        if host.startswith("token-"):
            assert stage.record(host)["previous"]["value"] == old[host]
    again = stage.run(hosts="key-always").succeeded()
    assert again.one("key-always").data["minted"] is True
    for host in ("key-always", "token-always"):
        stage.spots[host].options["recreate"] = "never"
    stage.is_settled()
    assert {host for host in new if stage.record(host)["value"] != new[host]} == {"key-always"}


def _rotated_token(stage: Stage) -> Spot:
    """Rotate the token; return its host."""
    spot = stage.token("token", "spare-sensor-1")
    stage.run().succeeded()
    spot.options["rotation_id"] = "second"
    stage.run().succeeded()
    return spot


def test_the_previous_token_is_deleted_only_after_the_new_one_was_used(stage: Stage) -> None:
    spot = _rotated_token(stage)
    record = stage.record("token")
    old, new = record["previous"], record["value"]
    assert [str(row["id"]) for row in stage.rows("token")] == [str(old["id"]), str(record["id"])]
    stage.lab.make_token("spare-sensor-1", "of another consumer")

    spot.options["previous"] = "absent"
    kept = _predicted_and_done(stage)
    assert kept.changes == []
    assert "is kept because the current one was never used" in kept.one("token").data["warnings"][0]
    assert stage.opens("token", old["value"])

    assert stage.opens("token", new)
    spot.options["previous"] = "keep"
    stage.is_settled()
    assert stage.opens("token", old["value"])

    spot.options["previous"] = "absent"
    done = _predicted_and_done(stage)
    assert done.one("token").data["minted"] is False
    assert done.one("token").data["reason"] == "the current one is in use"
    tokens = stage.lab.state("spare-sensor-1")["tokens"]
    assert [token["description"] for token in tokens] == ["token", "of another consumer"]
    assert [str(row["id"]) for row in stage.rows("token")] == [str(record["id"])]
    assert not stage.opens("token", old["value"])
    assert stage.opens("token", new)
    assert "previous" not in stage.record("token")
    stage.is_settled()


def test_another_rotation_waits_until_the_one_before_is_over(stage: Stage) -> None:
    spot = _rotated_token(stage)
    rows, stored = stage.rows("token"), stage.node.stored_files()
    spot.options["rotation_id"] = "third"
    result = stage.run().one("token")
    assert result.failed
    assert "still has a previous value; end that rotation first (previous: absent)" in result.message
    assert (stage.rows("token"), stage.node.stored_files()) == (rows, stored)
    assert stage.opens("token", stage.record("token")["value"])
    spot.options.update(rotation_id="third", previous="absent")
    ended = stage.run().succeeded().one("token")
    assert ended.data["minted"] is True
    assert ended.data["reason"] == "rotation_id is third"
    assert [str(row["id"]) for row in stage.rows("token")] == [
        str(part["id"]) for part in (stage.record("token")["previous"], stage.record("token"))
    ]
    assert stage.opens("token", stage.record("token")["value"])
    stage.run().succeeded()
    stage.is_settled()
    assert len(stage.rows("token")) == 1


def _opens_for_a_sensor(node: Workspace, fortigate: str, key: str) -> bool:
    """Use a key from the address of a sensor. Return whether it is accepted."""
    node.lab.switch(fortigate, nat=SENSORS["sensor-north-01"])
    headers = {"Authorization": f"Bearer {key}"}
    answer = node.lab.call(fortigate, "GET", "/api/v2/monitor/system/status", headers=headers)
    node.lab.switch(fortigate, nat=None)
    return answer.status_code == 200


def test_api_keys_that_alternate_leave_no_gap(workspace: Workspace) -> None:
    """A second administrator is added, the sensors get its key, and the first administrator is removed."""
    example = Example(workspace)
    example.playbook("fortinet").succeeded()
    fortigate = "fgt-north-01"
    first, second = "defender-iot", "defender-iot-b"
    old = workspace.kept(f"{fortigate}/{first}")["value"]
    both = {"name": second, "profile": "defender-iot"}
    present = [{"name": first, "profile": "defender-iot"}, both]
    example.override(fortigate, fortigate_access_admins=present)
    example.playbook("fortinet", f"--limit={fortigate}").succeeded()
    new = workspace.kept(f"{fortigate}/{second}")["value"]
    assert _opens_for_a_sensor(workspace, fortigate, old)
    assert _opens_for_a_sensor(workspace, fortigate, new)
    example.override(fortigate, fortigate_access_admins=[{"name": first, "state": "absent"}, both])
    predicted = example.playbook("fortinet", "--check", f"--limit={fortigate}").succeeded()
    done = example.playbook("fortinet", f"--limit={fortigate}").succeeded()
    assert predicted.changes == done.changes
    assert not _opens_for_a_sensor(workspace, fortigate, old)
    assert _opens_for_a_sensor(workspace, fortigate, new)
    assert f"{fortigate}/{first}.yml" not in workspace.stored_files()
    assert example.playbook("fortinet", f"--limit={fortigate}").succeeded().changes == []


def test_the_key_of_a_purged_admin_stays_stored_until_it_is_removed_by_itself(workspace: Workspace) -> None:
    example, fortigate, name = Example(workspace), "fgt-north-01", "defender-iot"
    limit = f"--limit={fortigate}"
    example.playbook("fortinet", limit).succeeded()
    old = workspace.kept(f"{fortigate}/{name}")["value"]
    example.override(fortigate, fortigate_access_admins=[], fortigate_access_purge=True)
    example.playbook("fortinet", limit).succeeded()
    assert not _opens_for_a_sensor(workspace, fortigate, old)
    assert workspace.kept(f"{fortigate}/{name}")["value"] == old

    workspace.inventory(**{fortigate: workspace.host(fortigate)})
    gone = task(
        "fortigate_api_key", name=name, secret_ref=workspace.ref(f"{fortigate}/{name}"), state="absent"
    )
    assert workspace.run(play(gone)).succeeded().one().changed
    assert workspace.stored_files() == {}
    assert not workspace.run(play(gone)).succeeded().one().changed
