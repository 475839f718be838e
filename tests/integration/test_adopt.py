# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Adopted tokens of an operator: verified once by a documented call, then left unchanged."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest
from defender_iot_lab.sensor.appliance import SensorOptions

from ansible_collections.otsec.defender_iot.tests.support.shared_runs import (
    Outcomes,
    Place,
    SharedRuns,
    Steps,
    TaskRuns,
)
from ansible_collections.otsec.defender_iot.tests.support.workspace import Task, Workspace, play, task

WRONG = "0123456789abcdef0123456789abcdef"
SPARE_SENSORS = [f"spare-sensor-{number}" for number in range(1, 7)]
(POSITIONS,) = (each.metadata["choices"] for each in fields(SensorOptions) if each.name == "bad_token")


TOGETHER = SharedRuns()


@pytest.fixture(scope="module")
def outcomes(new_workspace: Callable[[], Workspace]) -> Outcomes:
    """Run the tests that share their runs, each with its own sensor."""
    runs = TaskRuns(new_workspace())
    return TOGETHER.go(lambda number: _place(runs, number), runs.advance)


def _place(runs: TaskRuns, number: int) -> Place:
    """Return a sensor, of which the inventory has no account: only a stored token is used."""
    place = Place(runs, f"spare-sensor-{number}")
    place.set(username=None, password=None)
    return place


def _adopt(secret_ref: str, **more: Any) -> Task:
    return task("sensor_access_token", description="forescout", secret_ref=secret_ref, **more)


def _keep_token(place: Place) -> str:
    """Create a token on the sensor, and store only its value. Return it."""
    value = place.lab.make_token(place.name, "forescout")
    place.keep(value)
    return value


def _stored(place: Place) -> dict[str, bytes]:
    """Return the files of this test in the store."""
    return {name: content for name, content in place.node.stored_files().items() if place.name in name}


@TOGETHER.test
def test_a_stored_token_is_verified_once_by_a_documented_call(place: Place) -> Steps:
    value = _keep_token(place)
    first = (yield place.step(_adopt(place.ref()))).one()
    assert not first.failed
    assert first.changed
    assert first.data["minted"] is False
    assert first.data["provenance"] == "documented"
    assert any("does not prove another caller" in warning for warning in first.data["warnings"])
    (call,) = place.calls()
    assert (call["method"], call["path"], call["status"]) == ("GET", "/api/v1/alerts", 200)
    assert call["principal"] == "forescout"

    stored = _stored(place)
    again = (yield place.step(_adopt(place.ref()))).one()
    assert (again.failed, again.changed) == (False, False)
    assert place.calls() == []
    assert _stored(place) == stored
    assert place.kept()["value"] == value


@TOGETHER.test
def test_check_mode_predicts_the_verification_without_a_call(place: Place) -> Steps:
    _keep_token(place)
    stored = _stored(place)
    result = (yield place.step(_adopt(place.ref()), arguments=("--check", "--diff"))).one()
    assert (result.failed, result.changed) == (False, True)
    assert place.calls() == []
    assert _stored(place) == stored


def test_a_wrong_token_fails_clearly_whatever_the_sensor_answers_to_it(workspace: Workspace) -> None:
    positions = dict(zip(POSITIONS, SPARE_SENSORS, strict=True))
    for position, appliance in positions.items():
        workspace.lab.switch(appliance, bad_token=position)
    workspace.keep("token", value=WRONG)
    stored = workspace.stored_files()
    hosts = {position: workspace.host(appliance) for position, appliance in positions.items()}
    workspace.inventory(**hosts)
    run = workspace.run(play(_adopt(workspace.ref("token"))), arguments=["-vvvv"])
    for position, appliance in positions.items():
        host = position.replace("_", "-")
        result = run.one(host)
        assert result.status == "failed", result
        says = rf'{host}: (verifying|trying) access token "forescout" failed( \(\d+\))?: \w'
        assert re.match(says, result.message), result.message
        assert "\n" not in result.message
        (call,) = workspace.lab.calls(appliance)
        assert (call["method"], call["path"]) == ("GET", "/api/v1/alerts")
    assert "rejects it" in run.one("json-401").message
    assert "rejects it" in run.one("json-403").message
    assert "proves nothing" in run.one("error-200").message
    assert workspace.stored_files() == stored
    assert WRONG not in run.output


@TOGETHER.test
def test_a_missing_store_entry_says_what_to_do(place: Place) -> Steps:
    result = (yield place.step(_adopt(place.ref()))).one()
    assert result.status == "failed"
    assert result.message.startswith(
        f"{place.name}: planning the change failed: the store has nothing under {place.ref()}, "
    )
    assert "generate it in the appliance's web interface and store its value there" in result.message
    assert "or set endpoints" in result.message
    assert place.calls() == []
    assert _stored(place) == {}


@TOGETHER.test
def test_an_unreachable_sensor_leaves_the_token_unverified(place: Place) -> Steps:
    _keep_token(place)
    place.lab.fault(place.name, "status", status=503)
    stored = _stored(place)
    assert (yield place.step(_adopt(place.ref()))).one().status == "failed"
    assert _stored(place) == stored
    place.lab.control("DELETE", "/faults")
    result = (yield place.step(_adopt(place.ref()))).one()
    assert (result.failed, result.changed) == (False, True)


@TOGETHER.test
def test_without_an_endpoint_map_a_token_is_removed_once_the_sensor_rejects_it(place: Place) -> Steps:
    _keep_token(place)
    absent = _adopt(place.ref(), state="absent")
    valid = (yield place.step(absent)).one()
    assert valid.status == "failed"
    assert "delete it in the appliance's web interface, and run again" in valid.message
    assert [call["method"] for call in place.calls()] == ["GET"]
    assert _stored(place)
    place.keep(WRONG)
    gone = (yield place.step(absent)).one()
    assert (gone.failed, gone.changed) == (False, True)
    assert _stored(place) == {}


@TOGETHER.test
def test_a_forescout_s_settings_are_listed_as_manual_steps_and_nothing_is_sent(place: Place) -> Steps:
    _keep_token(place)
    place.set(url=None, ca_path=None)
    settings = task("forescout_module", server_address="192.0.2.11", access_token_ref=place.ref())
    result = (yield place.step(settings)).one()
    assert (result.failed, result.changed) == (False, False)
    assert any("Server Address to 192.0.2.11" in step for step in result.data["steps"])
    assert place.calls() == []
