# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documented API of a sensor, read by the modules with each switch of the lab's sensor.

Each case has its own sensor. A fixture reads the sensors of all its cases in one run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.tests.support.workspace import (
    Result,
    Run,
    Task,
    Workspace,
    play,
    task,
)

SENSORS = ["sensor-north-01", "sensor-south-01", *(f"spare-sensor-{number}" for number in range(1, 7))]
FAMILIES = ("22.x", "10.x", "2018")
WITHOUT_V2 = ("page", "not_found")
REFUSED = (401, 200, 403, 429)
BAD_TOKENS = ("json_401", "json_403", "error_200", "empty_200", "redirect_login", "500")
MODULES = ("sensor_connection_check", "sensor_device_info", "sensor_alert_info")


@dataclass(frozen=True)
class Case:
    """The tasks for one sensor, its switches, and the token if it is not one for these tasks."""

    tasks: tuple[Task, ...]
    switches: dict[str, Any]
    token: str | None = None


def _case(*tasks: Task, token: str | None = None, **switches: Any) -> Case:
    return Case(tasks, switches, token)


def _wrong(module: str, **switches: Any) -> Case:
    return _case(task(module), token="0" * 32, **switches)


READ = {
    **{family: _case(task("sensor_device_info", security_scores=True), family=family) for family in FAMILIES},
    "filters": _case(
        task("sensor_alert_info", state="unhandled", severities=["critical"]),
        task("sensor_alert_info", type="disconnections"),
        task("sensor_alert_info", since="2025-02-19T21:20:01Z", engines=["anomaly"]),
    ),
    **{
        answer: _case(task("sensor_alert_info", api_version="v2"), alerts_v2=answer)
        for answer in ("added_fields", *WITHOUT_V2)
    },
    "console": _case(
        task("sensor_device_info", api="management_console", authorized=False),
        task("sensor_alert_info", api="management_console", api_version="v2"),
        task("sensor_connection_check", api="management_console"),
        console=True,
    ),
}
CREDENTIALS = task("sensor_connection_check", check="credentials")
CHECKED = {
    "page": _wrong("sensor_connection_check", console=True),
    "control": _case(task("sensor_connection_check", negative_control=True)),
    **{
        f"refused-{status}": _case(
            task("sensor_connection_check", check="credentials", password="wrong"), failed_check=status
        )
        for status in REFUSED
    },
    "right": _case(CREDENTIALS),
    "used": _case(*(task(module) for module in MODULES)),
}


@dataclass(frozen=True)
class Sensors:
    """The sensors of some cases after one run."""

    node: Workspace
    names: dict[str, str]
    run: Run

    def results(self, case: str) -> list[Result]:
        return self.run.of(_host(case))

    def one(self, case: str) -> Result:
        return self.run.one(_host(case))

    def calls(self, case: str) -> list[str]:
        return [call["path"] for call in self.node.lab.calls(self.names[case])]

    def state(self, case: str) -> dict[str, Any]:
        return self.node.lab.state(self.names[case])


def _host(case: str) -> str:
    return f"host-{case.replace('_', '-')}"


def _ran(node: Workspace, cases: dict[str, Case]) -> Sensors:
    """Run the tasks of each case on its sensor."""
    names = dict(zip(cases, SENSORS, strict=False))
    hosts = {}
    for name, case in cases.items():
        token = case.token or node.lab.make_token(names[name], "Ansible")
        hosts[_host(name)] = node.host(names[name], token=token)
        node.lab.make_token(names[name], "Forescout")
        node.lab.switch(names[name], **case.switches)
    node.inventory(**hosts)
    node.lab.forget_calls()
    # A play whose hosts all fail ends the run, so no task fails.
    plays = [
        play(
            *({**each, "ignore_errors": True, "ignore_unreachable": True} for each in case.tasks),
            hosts=_host(name),
        )
        for name, case in cases.items()
    ]
    return Sensors(node, names, node.run(*plays))


@pytest.fixture(scope="module")
def read(new_workspace: Callable[[], Workspace]) -> Sensors:
    """Sensors of which devices and alerts were read."""
    return _ran(new_workspace(), READ)


@pytest.fixture(scope="module")
def checked(new_workspace: Callable[[], Workspace]) -> Sensors:
    """Sensors whose connection was checked."""
    return _ran(new_workspace(), CHECKED)


@pytest.mark.parametrize("family", FAMILIES)
def test_devices_are_the_same_in_every_family_of_versions(read: Sensors, family: str) -> None:
    result = read.one(family)
    devices = {device["name"]: device for device in result.data["devices"]}
    assert devices["plc-press-1"]["ip_addresses"] == ["198.51.100.12"]
    assert devices["plc-press-1"]["firmware"][0]["slot"] is None
    assert devices["hmi-press-1"]["protocols"][0]["addresses"] == ["198.51.100.12"]
    assert devices["hmi-press-1"]["security_score"] == 64
    assert devices["eng-laptop-3"]["forescout"]["authorized"] is False
    assert "seen-on-the-wire" not in str(result.data)
    assert result.data["provenance"] == "documented"


def test_alerts_are_filtered_by_the_sensor_and_by_the_module(read: Sensors) -> None:
    alerts = [[alert["id"] for alert in result.data["alerts"]] for result in read.results("filters")]
    assert alerts == [[101], [103], [102]]


def test_the_second_version_of_a_sensor_is_read_if_the_sensor_has_it(read: Sensors) -> None:
    found = read.one("added_fields")
    assert found.data["alerts"][0]["source_device_address"] == "198.51.100.33"
    assert found.data["provenance"] == "assumed"
    for answer in WITHOUT_V2:
        found = read.one(answer)
        assert found.data["alerts"][0]["source_device_address"] is None
        assert "has no version 2 of the alerts API" in found.data["warnings"][0]


def test_a_management_console_is_read_too(read: Sensors) -> None:
    devices, alerts, check = read.results("console")
    assert [(device["id"], device["site_id"]) for device in devices.data["devices"]] == [(33, 1)]
    assert alerts.data["alerts"][0]["site_name"] == "plant 1"
    assert check.data["accepted"]


def test_a_web_page_with_200_is_no_connection(checked: Sensors) -> None:
    result = checked.one("page")
    assert result.failed
    assert "so it is not known whether it is accepted" in result.message


def test_the_negative_control_is_one_call_more(checked: Sensors) -> None:
    assert checked.one("control").data["accepted"]
    assert checked.calls("control") == ["/api/v1/alerts"] * 2


@pytest.mark.parametrize("status", REFUSED)
def test_a_refused_password_is_tried_once(checked: Sensors, status: int) -> None:
    result = checked.one(f"refused-{status}")
    assert result.failed
    assert "wrong" not in result.message
    assert sum(checked.state(f"refused-{status}")["failed_logins"].values()) == 1


def test_the_right_password_is_accepted(checked: Sensors) -> None:
    assert checked.one("right").data["accepted"]


def test_a_call_sets_used_of_its_own_token_and_of_no_other(checked: Sensors) -> None:
    used = {token["description"]: token["used"] for token in checked.state("used")["tokens"]}
    assert used["Forescout"] == "N/A"
    assert used["Ansible"].startswith("20")


@pytest.mark.parametrize("module", MODULES)
def test_a_wrong_token_is_never_taken_for_a_connection(workspace: Workspace, module: str) -> None:
    sensors = _ran(workspace, {answer: _wrong(module, bad_token=answer) for answer in BAD_TOKENS})
    for answer in BAD_TOKENS:
        result = sensors.one(answer)
        assert result.failed
        assert result.message.startswith(f"{result.host}: ")
        assert len(sensors.calls(answer)) == 1
