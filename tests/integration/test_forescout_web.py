# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Web API of the lab's Forescout platform, with each of its switches."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.tests.support.workspace import (
    ENDPOINTS,
    Result,
    Workspace,
    play,
    task,
)

PLATFORM = "forescout-01"
SENSOR = "sensor-north-01"
PLC = "198.51.100.12"


@pytest.fixture
def connected(workspace: Workspace) -> Workspace:
    """A control node that has set the module of a platform, which has polled its sensor since."""
    workspace.keep("token", value=workspace.lab.make_token(SENSOR, "forescout"))
    workspace.inventory(**{PLATFORM: workspace.host(PLATFORM)})
    settings = {"server_address": "192.0.2.11", "access_token_ref": workspace.ref("token")}
    given = task("forescout_module", transport="rest", endpoints=ENDPOINTS["forescout"], **settings)
    workspace.run(play(given)).succeeded()
    assert workspace.lab.control("POST", "/poll")[PLATFORM]["outcome"] == "ok"
    workspace.lab.forget_calls()
    return workspace


def _asked(node: Workspace, **options: Any) -> Result:
    return node.run(play(task("forescout_host_info", **options))).one()


SWITCHES = [
    {},
    {"web_token": "bearer"},
    {"web_token": "both"},
    {"etags": True},
    {"host_ids": "signed_64"},
    {"value_lists": True},
]


@pytest.mark.parametrize("switches", SWITCHES, ids=str)
def test_a_host_is_read_whatever_the_platform_does(connected: Workspace, switches: dict[str, Any]) -> None:
    connected.lab.switch(PLATFORM, **switches)
    result = _asked(connected, host=PLC, newer_than="2026-01-01T00:00:00Z").data
    vendor = result["host"]["properties"]["Vendor"]["value"]
    assert vendor == (["Omron"] if switches.get("value_lists") else "Omron")
    assert result["missing_labels"] == []
    assert result["newer"] is True
    assert isinstance(result["host"]["id"], str)
    assert result["provenance"] == "observed"
    again = _asked(connected, host=result["host"]["id"]).data
    assert again["host"] == result["host"]
    assert _asked(connected, host="00:00:5e:00:53:12").data["host"]["ip"] == PLC


@pytest.mark.parametrize(
    ("switches", "says"),
    [
        ({"web_client": "unlisted"}, "Client IPs"),
        ({"web_busy": True}, "wait 7 s"),
        ({"restarting": True}, "it may be starting"),
        ({"web_token": "bearer"}, "set token_form"),
    ],
)
def test_a_refusal_is_one_sentence_and_no_second_login(
    connected: Workspace, switches: dict[str, Any], says: str
) -> None:
    connected.lab.switch(PLATFORM, **switches)
    result = _asked(connected, token_form="bare")
    assert result.failed
    assert says in result.message
    assert [call["path"] for call in connected.lab.calls(PLATFORM)].count("/api/login") == 1


def test_a_wrong_password_is_tried_once(connected: Workspace) -> None:
    result = _asked(connected, password="wrong")
    assert "the login is not repeated" in result.message
    assert [call["path"] for call in connected.lab.calls(PLATFORM)] == ["/api/login"]


def test_values_that_come_late_are_newer_only_when_they_are_there(workspace: Workspace) -> None:
    workspace.lab.switch(PLATFORM, value_delay=3600)
    workspace.keep("token", value=workspace.lab.make_token(SENSOR, "forescout"))
    workspace.inventory(**{PLATFORM: workspace.host(PLATFORM)})
    settings = {"server_address": "192.0.2.11", "access_token_ref": workspace.ref("token")}
    given = task("forescout_module", transport="rest", endpoints=ENDPOINTS["forescout"], **settings)
    change = workspace.run(play(given)).succeeded().one().data["delivered_at"]
    assert workspace.lab.control("POST", "/poll")[PLATFORM]["outcome"] == "ok"
    asked = {"host": PLC, "newer_than": change}
    early = _asked(workspace, **asked).data
    assert (early["newer"], early["host"]["properties"], early["missing_labels"]) == (False, {}, [])
    workspace.lab.control("POST", "/clock", {"advance": 3600})
    late = _asked(workspace, **asked).data
    assert (late["newer"], len(late["host"]["properties"])) == (True, 8)


def test_a_token_that_expires_while_waiting_is_replaced(connected: Workspace) -> None:
    connected.lab.switch(PLATFORM, web_token_seconds=0.5)
    result = _asked(connected, host=PLC, newer_than="2999-01-01T00:00:00Z", wait=2, interval=1)
    assert result.data["newer"] is False
    assert [call["path"] for call in connected.lab.calls(PLATFORM)].count("/api/login") >= 2


def test_without_the_module_every_label_is_missing(connected: Workspace) -> None:
    connected.lab.switch(PLATFORM, module_installed=False)
    result = _asked(connected, host=PLC).data
    assert len(result["missing_labels"]) == 8
    assert result["host"]["updated_at"] is None


def test_a_label_of_another_module_proves_nothing(connected: Workspace) -> None:
    connected.lab.switch(PLATFORM, namesake=True)
    result = _asked(connected, host=PLC).data
    assert result["ambiguous_labels"] == ["Vendor"]
    assert "Vendor" not in result["host"]["properties"]


def test_a_host_that_is_not_known_is_an_error(connected: Workspace) -> None:
    assert "the platform does not know this host" in _asked(connected, host="192.0.2.250").message
