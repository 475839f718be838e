# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sensor: tokens by their description, and the verdict about a token from one documented call."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._access_token import TOKEN
from ansible_collections.otsec.defender_iot.plugins.module_utils._errors import ApplianceError, Unsupported
from ansible_collections.otsec.defender_iot.plugins.module_utils._sensor import Sensor
from ansible_collections.otsec.defender_iot.tests.unit.fakes import Wire, answer

PARAMS = {
    "url": "sensor.example",
    "timeout": 1,
    "validate_certs": True,
    "ca_path": None,
    "token": "t",
    "username": None,
    "password": None,
}
MAP = {
    "login": {"kind": "token", "header": "{token}"},
    "tokens": {
        "list": {
            "method": "GET",
            "path": "/tokens",
            "success": [200],
            "items": "",
            "fields": {"id": "/id", "description": "/description", "used": "/used"},
        },
        "create": {
            "method": "POST",
            "path": "/tokens",
            "json": {"description": "{description}"},
            "success": [201],
            "fields": {"secret": "/token"},
        },
        "delete": {"method": "DELETE", "path": "/tokens/{id}", "success": [204]},
    },
}


def sensor(*answers: Any, **params: Any) -> Sensor:
    """Open a sensor over a wire in memory."""
    made = Sensor({**PARAMS, "endpoint_map": MAP, **params})
    made.http = Wire(*answers)
    if made.web:
        made.web.http = made.http
    return made


def row(number: int, description: str) -> dict[str, Any]:
    """Make one row of the sensor's list."""
    return {"id": number, "description": description, "used": None}


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([], None),
        ([row(1, "forescout")], None),
        ([row(1, "Forescout "), row(2, "Forescout")], row(2, "Forescout")),
    ],
)
def test_a_token_is_found_by_its_exact_description(rows: Any, found: Any) -> None:
    assert sensor(answer(200, rows)).read(TOKEN, "Forescout") == found


def test_two_tokens_of_one_description_are_an_error_that_names_them() -> None:
    twice = [row(4, "Forescout"), row(7, "Forescout")]
    with pytest.raises(ApplianceError) as caught:
        sensor(answer(200, twice)).read(TOKEN, "Forescout")
    assert caught.value.reason == '2 tokens are described "Forescout" (ids 4, 7): delete all but one'


def test_a_minted_token_is_returned() -> None:
    box = sensor(answer(201, {"token": "s3cr3t"}))
    assert box.mint(TOKEN, "Forescout") == "s3cr3t"
    assert box.http.contents[0]["json"] == {"description": "Forescout"}


@pytest.mark.parametrize("value", [None, "", 7, ["s3cr3t"]])
def test_an_answer_without_a_token_is_an_error_and_no_token(value: Any) -> None:
    with pytest.raises(ApplianceError) as caught:
        sensor(answer(201, {"token": value})).mint(TOKEN, "Forescout")
    assert caught.value.reason == "the answer holds no token where the endpoint map looks for it"


def test_a_token_is_deleted_by_its_id() -> None:
    box = sensor(answer(200, [row(7, "Forescout")]), answer(204))
    box.delete(TOKEN, "Forescout")
    assert box.http.requests == [("GET", "/tokens"), ("DELETE", "/tokens/7")]


def test_a_token_that_is_gone_already_is_not_deleted() -> None:
    box = sensor(answer(200, []))
    box.delete(TOKEN, "Forescout")
    assert box.http.requests == [("GET", "/tokens")]


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (200, [], "valid"),
        (200, [{"id": 1}], "valid"),
        (200, {}, "unknown"),
        (200, "<html>", "unknown"),
        (200, "", "unknown"),
        (200, "[1", "unknown"),
        (401, "", "invalid"),
        (403, {}, "invalid"),
        (404, "", "unknown"),
        (429, "", "unknown"),
        (500, [], "unknown"),
    ],
)
def test_a_token_is_judged_by_one_documented_call(status: int, body: Any, verdict: str) -> None:
    box = sensor(answer(status, body), endpoint_map=None)
    assert box.probe(TOKEN, "Forescout", "s3cr3t") == (verdict, status)
    assert box.http.requests == [("GET", "/api/v1/alerts")]
    assert box.http.contents[0]["headers"] == {"Authorization": "s3cr3t"}


@pytest.mark.parametrize(
    ("verb", "arguments"), [("read", ["a"]), ("table", []), ("delete", ["a"]), ("mint", ["a"])]
)
def test_without_an_endpoint_map_only_the_trial_is_possible(verb: str, arguments: list[str]) -> None:
    box = sensor(endpoint_map=None)
    with pytest.raises(
        Unsupported, match="no public interface lists or changes access tokens: give endpoints"
    ):
        getattr(box, verb)(TOKEN, *arguments)
    assert box.http.requests == []


@pytest.mark.parametrize("endpoints", [MAP, None])
def test_closing_closes_the_connection(endpoints: Any) -> None:
    box = sensor(endpoint_map=endpoints)
    box.close()
    assert box.http.closed
