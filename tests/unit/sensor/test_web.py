# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sensor: tokens by their description, and the verdict on a token from one documented call."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import (
    ApplianceError,
    InvalidOptions,
    Unreachable,
    Unsupported,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.resource import MINTED_NOW
from ansible_collections.otsec.defender_iot.plugins.module_utils._sensor.access_token import (
    PROOF,
    TOKEN,
    prepare_access_token,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._sensor.web import Sensor
from ansible_collections.otsec.defender_iot.tests.unit.fakes import CONNECTION, Wire, answer, raising

PARAMS = {
    **CONNECTION,
    "token": "t",
    "username": None,
    "password": None,
}
MAP = {
    "login": {"steps": [], "headers": {"Authorization": "{token}"}},
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


def test_every_token_is_listed_even_with_the_same_description() -> None:
    listed = [row(4, "Forescout"), row(7, "Forescout"), row(9, "else")]
    box = sensor(answer(200, listed))
    assert box.table(TOKEN) == listed
    assert box.http.requests == [("GET", "/tokens")]


@pytest.mark.parametrize(
    ("used", "read"),
    [
        (None, None),
        ("", None),
        (0, None),
        ("N/A", None),
        (" n/a ", None),
        ("5 minutes ago", "5 minutes ago"),
        ("02.11.2026 10:15", "02.11.2026 10:15"),
        (1793614500, 1793614500),
    ],
)
def test_the_documented_value_for_never_is_none_without_the_map(used: Any, read: Any) -> None:
    (found,) = sensor(answer(200, [{**row(4, "Forescout"), "used": used}])).table(TOKEN)
    assert found["used"] == read


@pytest.mark.parametrize(
    ("fields", "made", "minted"),
    [
        ({"secret": "/token"}, {"token": "s3cr3t", "id": 7}, ("s3cr3t", None)),
        ({"secret": "/token", "id": "/id"}, {"token": "s3cr3t", "id": 7}, ("s3cr3t", 7)),
        ({"secret": "/token", "id": "/id"}, {"token": "s3cr3t", "id": "7"}, ("s3cr3t", "7")),
    ],
    ids=["the map finds no id", "an id", "an id that is text"],
)
def test_a_minted_token_is_returned_with_the_id_that_the_map_finds(
    fields: Any, made: Any, minted: Any
) -> None:
    create = {**MAP["tokens"]["create"], "fields": fields}
    box = sensor(answer(201, made), endpoint_map={**MAP, "tokens": {**MAP["tokens"], "create": create}})
    assert box.mint(TOKEN, "Forescout") == minted
    assert box.http.contents[0]["json"] == {"description": "Forescout"}


@pytest.mark.parametrize("value", [None, "", 7, ["s3cr3t"]])
def test_an_answer_without_a_token_is_an_error_and_no_token(value: Any) -> None:
    with pytest.raises(ApplianceError) as caught:
        sensor(answer(201, {"token": value})).mint(TOKEN, "Forescout")
    assert caught.value.why == "the answer contains no token where the endpoint map expects it"


def test_a_token_is_deleted_after_the_list_was_read_again() -> None:
    left = row(4, "Forescout")
    box = sensor(answer(200, [left, row(7, "Forescout")]), answer(204), answer(200, [left]))
    box.delete(TOKEN, "Forescout", row(7, "Forescout"))
    assert box.http.requests == [("GET", "/tokens"), ("DELETE", "/tokens/7"), ("GET", "/tokens")]


@pytest.mark.parametrize(
    ("left", "said"),
    [
        ([4, 5, 7], "the appliance accepted the deletion, and still lists the token with id 7"),
        ([], "besides the token with id 7, the tokens with the ids 4, 5 are gone"),
        ([5, 7], "the token with id 7 is still listed, and instead the tokens with the ids 4 are gone"),
    ],
)
def test_a_deletion_after_which_the_list_is_not_as_expected_is_an_error(left: list[int], said: str) -> None:
    listed = [row(number, "Forescout") for number in (4, 5, 7)]
    after = [each for each in listed if each["id"] in left]
    box = sensor(answer(200, listed), answer(204), answer(200, after))
    with pytest.raises(ApplianceError) as caught:
        box.delete(TOKEN, "Forescout", row(7, "Forescout"))
    assert caught.value.why == said
    assert ("run again" in caught.value.remedy) == (len(left) == 3)


@pytest.mark.parametrize(
    "listed",
    [
        [],
        [row(4, "Forescout")],
        [row(7, "else")],
        [row(7, "else"), row(4, "Forescout")],
        [row(7, "Forescout"), row(7, "Forescout")],
        [row(7, "Forescout"), row(7, "else")],
    ],
)
def test_a_token_that_the_list_does_not_name_by_id_and_description_is_not_deleted(listed: Any) -> None:
    box = sensor(answer(200, listed))
    with pytest.raises(ApplianceError, match="does not name exactly one token with id 7") as caught:
        box.delete(TOKEN, "Forescout", row(7, "Forescout"))
    assert "nothing was deleted" in caught.value.why
    assert box.http.requests == [("GET", "/tokens")]


def test_a_token_that_the_task_has_created_is_deleted_before_it_is_listed() -> None:
    listed = answer(200, [row(4, "Forescout")])
    box = sensor(listed, answer(204), listed)
    box.delete(TOKEN, "Forescout", {"id": 7, "description": "Forescout", MINTED_NOW: True})
    assert box.http.requests == [("GET", "/tokens"), ("DELETE", "/tokens/7"), ("GET", "/tokens")]


def test_a_created_token_whose_id_has_another_description_is_not_deleted() -> None:
    box = sensor(answer(200, [row(7, "else")]))
    with pytest.raises(ApplianceError, match="nothing was deleted"):
        box.delete(TOKEN, "Forescout", {"id": 7, "description": "Forescout", MINTED_NOW: True})


@pytest.mark.parametrize("others", [["Historian"], ["Forescout"], ["Forescout 2"], ["old forescout"]])
def test_a_map_that_deletes_by_description_does_so_only_where_one_token_has_it(others: list[str]) -> None:
    delete = {"method": "POST", "path": "/gone", "json": {"d": "{description}"}, "success": [200]}
    listed = [row(7, "Forescout"), *[row(4, each) for each in others]]
    endpoints = {**MAP, "tokens": {**MAP["tokens"], "delete": delete}}
    box = sensor(answer(200, listed), answer(200), answer(200, listed[1:]), endpoint_map=endpoints)
    if others != ["Historian"]:
        with pytest.raises(ApplianceError, match="deletes by description only"):
            box.delete(TOKEN, "Forescout", row(7, "Forescout"))
        return
    box.delete(TOKEN, "Forescout", row(7, "Forescout"))
    assert box.http.contents[1]["json"] == {"d": "Forescout"}


@pytest.mark.parametrize(
    ("provenance", "description", "refused"),
    [
        ("captured", "Forescout", False),
        ("assumed", "Forescout", True),
        ("assumed", f"{PROOF}1", False),
        ("assumed", None, False),
    ],
)
def test_an_assumed_map_makes_only_the_token_that_proves_it(
    provenance: str, description: str | None, refused: bool
) -> None:
    endpoints = {**MAP, "product": "sensor", "provenance": provenance}
    params = {**PARAMS, "endpoints": "map.yml", "endpoint_map": endpoints, "description": description}
    if refused:
        with pytest.raises(InvalidOptions, match="no recording shows it; run check_endpoints with"):
            prepare_access_token(params)
    else:
        assert prepare_access_token(params) is params


@pytest.mark.parametrize(
    ("options", "refused"),
    [
        ({"state": "absent", "used_by": ["forescout-01", "b"]}, True),
        ({"state": "absent", "used_by": ["b"], "rotate_only": True}, False),
        ({"state": "absent", "used_by": []}, False),
        ({"state": "absent", "used_by": None}, False),
        ({"state": "present", "used_by": ["forescout-01"]}, False),
    ],
)
def test_a_token_that_a_client_uses_is_not_deleted(options: Any, refused: bool) -> None:
    endpoints = {**MAP, "product": "sensor"}
    params = {**PARAMS, "endpoints": "map.yml", "endpoint_map": endpoints, "description": "forescout"}
    params |= {"rotate_only": False, **options}
    if not refused:
        assert prepare_access_token(params) is params
        return
    with pytest.raises(InvalidOptions) as caught:
        prepare_access_token(params)
    assert caught.value.reason == (
        'access token "forescout" has state: absent, but is declared to be used by forescout-01, b, which '
        "would stop working; first have forescout-01 and b use another token"
    )


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


def test_a_trial_without_an_answer_is_no_verdict() -> None:
    box = sensor(endpoint_map=None)
    box.http.request = raising(Unreachable("no answer within 1 s"))
    with pytest.raises(Unreachable):
        box.probe(TOKEN, "Forescout", "s3cr3t")


@pytest.mark.parametrize(
    ("verb", "arguments"), [("table", []), ("delete", ["a", {"id": 1}]), ("mint", ["a"])]
)
def test_without_an_endpoint_map_only_the_trial_is_possible(verb: str, arguments: list[Any]) -> None:
    box = sensor(endpoint_map=None)
    with pytest.raises(
        Unsupported, match="no public interface lists or changes access tokens; set endpoints"
    ):
        getattr(box, verb)(TOKEN, *arguments)
    assert box.http.requests == []


@pytest.mark.parametrize("endpoints", [MAP, None])
def test_closing_closes_the_connection(endpoints: Any) -> None:
    box = sensor(endpoint_map=endpoints)
    box.close()
    assert box.http.closed
