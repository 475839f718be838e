# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documented API of a sensor, read by the modules with each switch of the lab's sensor."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.tests.support.workspace import Result, Task, Workspace, play, task

SENSOR = "sensor-north-01"


def _ran(node: Workspace, *tasks: Task, **variables: Any) -> list[Result]:
    """Run tasks on the sensor with a token for them."""
    token = variables.pop("token", None) or node.lab.make_token(SENSOR, "Ansible")
    node.inventory(**{SENSOR: {**node.host(SENSOR), "token": token, **variables}})
    node.lab.forget_calls()
    return node.run(play(*tasks)).results


def _used(node: Workspace) -> dict[str, Any]:
    return {token["description"]: token["used"] for token in node.lab.state(SENSOR)["tokens"]}


@pytest.mark.parametrize("family", ["22.x", "10.x", "2018"])
def test_devices_are_the_same_in_every_family_of_versions(workspace: Workspace, family: str) -> None:
    workspace.lab.switch(SENSOR, family=family)
    (result,) = _ran(workspace, task("sensor_device_info", security_scores=True))
    devices = {device["name"]: device for device in result.data["devices"]}
    assert devices["plc-press-1"]["ip_addresses"] == ["198.51.100.12"]
    assert devices["plc-press-1"]["firmware"][0]["slot"] is None
    assert devices["hmi-press-1"]["protocols"][0]["addresses"] == ["198.51.100.12"]
    assert devices["hmi-press-1"]["security_score"] == 64
    assert devices["eng-laptop-3"]["forescout"]["authorized"] is False
    assert "seen-on-the-wire" not in str(result.data)
    assert result.data["provenance"] == "documented"


def test_alerts_are_filtered_by_the_sensor_and_by_the_module(workspace: Workspace) -> None:
    results = _ran(
        workspace,
        task("sensor_alert_info", state="unhandled", severities=["critical"]),
        task("sensor_alert_info", type="disconnections"),
        task("sensor_alert_info", since="2025-02-19T21:20:01Z", engines=["anomaly"]),
    )
    assert [[alert["id"] for alert in result.data["alerts"]] for result in results] == [[101], [103], [102]]


def test_the_second_version_of_a_sensor_is_read_if_the_sensor_has_it(workspace: Workspace) -> None:
    workspace.lab.switch(SENSOR, alerts_v2="added_fields")
    (found,) = _ran(workspace, task("sensor_alert_info", api_version="v2"))
    assert found.data["alerts"][0]["source_device_address"] == "198.51.100.33"
    assert found.data["provenance"] == "assumed"
    for answer in ("page", "not_found"):
        workspace.lab.switch(SENSOR, alerts_v2=answer)
        (found,) = _ran(workspace, task("sensor_alert_info", api_version="v2"))
        assert found.data["alerts"][0]["source_device_address"] is None
        assert "has no version 2 of the alerts API" in found.data["warnings"][0]


def test_a_management_console_is_read_too(workspace: Workspace) -> None:
    token = workspace.lab.make_token(SENSOR, "Ansible")
    workspace.lab.switch(SENSOR, console=True)
    devices, alerts, check = _ran(
        workspace,
        task("sensor_device_info", api="management_console", authorized=False),
        task("sensor_alert_info", api="management_console", api_version="v2"),
        task("sensor_connection_check", api="management_console"),
        token=token,
    )
    assert [(device["id"], device["site_id"]) for device in devices.data["devices"]] == [(33, 1)]
    assert alerts.data["alerts"][0]["site_name"] == "plant 1"
    assert check.data["accepted"]


@pytest.mark.parametrize(
    "answer", ["json_401", "json_403", "error_200", "empty_200", "redirect_login", "500"]
)
def test_a_wrong_token_is_never_taken_for_a_connection(workspace: Workspace, answer: str) -> None:
    workspace.lab.switch(SENSOR, bad_token=answer)
    for module in ("sensor_connection_check", "sensor_device_info", "sensor_alert_info"):
        (result,) = _ran(workspace, task(module), token="0" * 32)
        assert result.failed
        assert result.message.startswith(f"{SENSOR}: ")
        assert len(workspace.lab.calls(SENSOR)) == 1


def test_a_web_page_with_200_is_no_connection(workspace: Workspace) -> None:
    workspace.lab.switch(SENSOR, console=True)
    (result,) = _ran(workspace, task("sensor_connection_check"), token="0" * 32)
    assert result.failed
    assert "so it is not known whether it is accepted" in result.message


def test_the_negative_control_is_one_call_more(workspace: Workspace) -> None:
    (result,) = _ran(workspace, task("sensor_connection_check", negative_control=True))
    assert result.data["accepted"]
    assert [call["path"] for call in workspace.lab.calls(SENSOR)] == ["/api/v1/alerts"] * 2


@pytest.mark.parametrize("status", [401, 200, 403, 429])
def test_a_refused_password_is_tried_once(workspace: Workspace, status: int) -> None:
    workspace.lab.switch(SENSOR, failed_check=status)
    wrong = task("sensor_connection_check", check="credentials", password="wrong")
    (result,) = _ran(workspace, wrong)
    assert result.failed
    assert "wrong" not in result.message
    assert sum(workspace.lab.state(SENSOR)["failed_logins"].values()) == 1


def test_the_right_password_is_accepted(workspace: Workspace) -> None:
    (result,) = _ran(workspace, task("sensor_connection_check", check="credentials"))
    assert result.data["accepted"]


def test_a_call_sets_used_of_its_own_token_and_of_no_other(workspace: Workspace) -> None:
    workspace.lab.make_token(SENSOR, "Forescout")
    _ran(workspace, task("sensor_device_info"), task("sensor_alert_info"), task("sensor_connection_check"))
    used = _used(workspace)
    assert used["Forescout"] == "N/A"
    assert used["Ansible"].startswith("20")
