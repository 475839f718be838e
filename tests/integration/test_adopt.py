# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Adopted tokens of an operator: verified once by a documented call, then left unchanged."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Any

import pytest
from defender_iot_lab.sensor.appliance import SensorOptions

from ansible_collections.otsec.defender_iot.tests.support.workspace import (
    Run,
    Workspace,
    play,
    task,
)

SENSOR = "sensor-north-01"
WRONG = "0123456789abcdef0123456789abcdef"
SPARE_SENSORS = [f"spare-sensor-{number}" for number in range(1, 7)]
(POSITIONS,) = (each.metadata["choices"] for each in fields(SensorOptions) if each.name == "bad_token")


def _adopt(node: Workspace, **how: Any) -> Run:
    token = task("sensor_access_token", description="forescout", secret_ref=node.ref("token"))
    return node.run(play(token), **how)


def _inventory(node: Workspace) -> None:
    """Write an inventory of a sensor without an account. Only the stored token is used."""
    node.inventory(sensor={name: node.host(SENSOR)[name] for name in ("url", "ca_path")})


@pytest.fixture
def adopting(workspace: Workspace) -> Workspace:
    """A control node whose store has only the value of a token of the sensor."""
    workspace.keep("token", value=workspace.lab.make_token(SENSOR, "forescout"))
    workspace.lab.forget_calls()
    _inventory(workspace)
    return workspace


def test_a_stored_token_is_verified_once_by_a_documented_call(adopting: Workspace) -> None:
    value = adopting.kept("token")["value"]
    first = _adopt(adopting).succeeded().one("sensor")
    assert first.changed
    assert first.data["minted"] is False
    assert first.data["provenance"] == "documented"
    assert any("does not prove another caller" in warning for warning in first.data["warnings"])
    (call,) = adopting.lab.calls(SENSOR)
    assert (call["method"], call["path"], call["status"]) == ("GET", "/api/v1/alerts", 200)
    assert call["principal"] == "forescout"

    stored = adopting.stored_files()
    adopting.lab.forget_calls()
    assert _adopt(adopting).succeeded().changes == []
    assert adopting.lab.calls() == []
    assert adopting.stored_files() == stored
    assert adopting.kept("token")["value"] == value


def test_check_mode_predicts_the_verification_without_a_call(adopting: Workspace) -> None:
    stored = adopting.stored_files()
    assert _adopt(adopting, arguments=["--check", "--diff"]).succeeded().one("sensor").changed
    assert adopting.lab.calls() == []
    assert adopting.stored_files() == stored


def test_a_wrong_token_fails_clearly_whatever_the_sensor_answers_to_it(workspace: Workspace) -> None:
    positions = dict(zip(POSITIONS, SPARE_SENSORS, strict=True))
    for position, appliance in positions.items():
        workspace.lab.switch(appliance, bad_token=position)
    workspace.keep("token", value=WRONG)
    stored = workspace.stored_files()
    hosts = {position: workspace.host(appliance) for position, appliance in positions.items()}
    workspace.inventory(**hosts)
    run = _adopt(workspace, arguments=["-vvvv"])
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


def test_a_missing_store_entry_says_what_to_do(workspace: Workspace) -> None:
    _inventory(workspace)
    result = _adopt(workspace).one("sensor")
    assert result.status == "failed"
    assert result.message.startswith(
        f"sensor: planning the change failed: the store has nothing under {workspace.ref('token')}, "
    )
    assert "generate it in the appliance's web interface and store its value there" in result.message
    assert "or set endpoints" in result.message
    assert workspace.lab.calls() == []
    assert workspace.stored_files() == {}


def test_an_unreachable_sensor_leaves_the_token_unverified(adopting: Workspace) -> None:
    adopting.lab.fault(SENSOR, "status", status=503)
    stored = adopting.stored_files()
    assert _adopt(adopting).one("sensor").status == "failed"
    assert adopting.stored_files() == stored
    adopting.lab.control("DELETE", "/faults")
    assert _adopt(adopting).succeeded().one("sensor").changed


def test_without_an_endpoint_map_a_token_is_removed_once_the_sensor_rejects_it(adopting: Workspace) -> None:
    token = {"description": "forescout", "secret_ref": adopting.ref("token"), "state": "absent"}
    valid = adopting.run(play(task("sensor_access_token", **token))).one("sensor")
    assert valid.status == "failed"
    assert "delete it in the appliance's web interface, and run again" in valid.message
    assert [call["method"] for call in adopting.lab.calls()] == ["GET"]
    assert "token.yml" in adopting.stored_files()
    adopting.keep("token", value=WRONG)
    assert adopting.run(play(task("sensor_access_token", **token))).succeeded().one("sensor").changed
    assert adopting.stored_files() == {}


def test_a_forescout_s_settings_are_listed_as_manual_steps_and_nothing_is_sent(adopting: Workspace) -> None:
    settings = task("forescout_module", server_address="192.0.2.11", access_token_ref=adopting.ref("token"))
    adopting.inventory(forescout={})
    result = adopting.run(play(settings)).succeeded().one("forescout")
    assert result.changed is False
    assert any("Server Address to 192.0.2.11" in step for step in result.data["steps"])
    assert adopting.lab.calls() == []
