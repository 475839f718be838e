# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sensor of the lab: its API, the meaning of Used, and the token management."""

from __future__ import annotations

from typing import Any

import pytest

DEVICES = "/api/v1/devices"
TOKENS = "/__lab__/tokens"


def create(sensor: Any, description: str = "Forescout") -> tuple[int, dict[str, str]]:
    """Create a token. Return its identifier and its header."""
    answer = sensor("POST", TOKENS, json={"description": description})
    assert answer.status_code == 201
    return answer.json()["id"], {"Authorization": answer.json()["token"]}


def used(sensor: Any) -> list[str]:
    """Return the column Used of the token list."""
    return [token["used"] for token in sensor("GET", TOKENS).json()["tokens"]]


def test_tokens_are_shown_once(sensor: Any) -> None:
    _token, header = create(sensor)
    create(sensor)
    listing = sensor("GET", TOKENS)
    assert [token["description"] for token in listing.json()["tokens"]] == ["Forescout", "Forescout"]
    assert header["Authorization"] not in listing.text
    assert len(header["Authorization"]) == 32


def test_any_accepted_call_is_a_use(lab: Any, sensor: Any) -> None:
    _token, header = create(sensor)
    assert used(sensor) == ["N/A"]
    assert sensor("GET", DEVICES, headers={"Authorization": "0" * 32}).status_code == 401
    assert used(sensor) == ["N/A"]
    assert sensor("GET", "/api/v1/alerts?fromTime=9999999999999", headers=header).json() == []
    (first,) = used(sensor)
    lab.control("POST", "/clock", {"advance": 60})
    assert sensor("GET", DEVICES, headers=header).status_code == 200
    (second,) = used(sensor)
    assert first < second
    assert lab.calls("sensor")[-2]["principal"] == "Forescout"


def test_calls_without_a_token_do_not_change_used(sensor: Any) -> None:
    _token, header = create(sensor)
    validation = "/api/external/authentication/validation"
    assert sensor("POST", validation, json=sensor.credentials, headers=header).ok
    assert sensor("GET", TOKENS, headers=header).ok
    assert sensor("GET", "/api/v2/alerts/pcap/101", headers=header).json()["error"]
    assert used(sensor) == ["N/A"]


def test_the_header_is_bare(sensor: Any) -> None:
    _token, header = create(sensor)
    bearer = {"Authorization": f"Bearer {header['Authorization']}"}
    assert sensor("GET", DEVICES, headers=bearer).status_code == 401
    assert used(sensor) == ["N/A"]


def test_a_deleted_token_is_refused(sensor: Any) -> None:
    token_id, header = create(sensor)
    assert sensor("DELETE", f"{TOKENS}/{token_id}").status_code == 204
    assert sensor("DELETE", f"{TOKENS}/{token_id}").status_code == 404
    assert sensor("GET", DEVICES, headers=header).status_code == 401


@pytest.mark.parametrize(
    ("switch", "status"),
    [
        ("json_401", 401),
        ("json_403", 403),
        ("error_200", 200),
        ("empty_200", 200),
        ("redirect_login", 302),
        ("500", 500),
    ],
)
def test_answers_to_a_bad_token(lab: Any, sensor: Any, switch: str, status: int) -> None:
    lab.options("sensor", bad_token=switch)
    response = sensor("GET", DEVICES)
    assert response.status_code == status
    assert not response.text.startswith("[")


def test_inventory(sensor: Any) -> None:
    _token, header = create(sensor)
    devices = sensor("GET", f"{DEVICES}/", headers=header).json()
    assert [device["type"] for device in devices] == ["PLC", "HMI", "Engineering Station"]
    authorized = sensor("GET", f"{DEVICES}?authorized=false", headers=header).json()
    assert [device["id"] for device in authorized] == [33]
    connections = sensor("GET", f"{DEVICES}/33/connections", headers=header).json()
    assert [connection["firstDeviceId"] for connection in connections] == [12]
    handled = sensor("GET", "/api/v1/alerts?state=handled", headers=header).json()
    assert [alert["id"] for alert in handled] == [102]


def test_unknown_paths_are_the_web_page(sensor: Any) -> None:
    for path in ("/nowhere", "/api/v1/version"):
        response = sensor("GET", path)
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/html")


def test_token_management_needs_session_and_csrf(lab: Any, sensor: Any) -> None:
    assert lab.client("sensor")("GET", TOKENS).status_code == 403
    assert sensor("POST", TOKENS, json={"description": "x"}, headers={"X-CSRFToken": "x"}).status_code == 403
    assert sensor("POST", "/api/authentication/logout").status_code == 200
    assert sensor("GET", TOKENS).status_code == 403


def test_sessions_end_after_half_an_hour(lab: Any, sensor: Any) -> None:
    lab.control("POST", "/clock", {"advance": 1801})
    assert sensor("GET", TOKENS).status_code == 403


def test_failed_logins_block_the_source(lab: Any) -> None:
    client = lab.client("sensor")
    path = "/api/external/authentication/validation"
    assert client("POST", path, json=client.credentials).json() == {"msg": "Authentication succeeded."}
    for _time in range(5):
        assert client("POST", path, json={**client.credentials, "password": "wrong"}).status_code == 401
    assert client("POST", path, json=client.credentials).status_code == 401
    lab.options("sensor", nat="192.0.2.77")
    assert client("POST", path, json=client.credentials).status_code == 200
