# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests that are the same although a part of them is new each time."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from ansible_collections.otsec.defender_iot.plugins.plugin_utils._endpoint_maps.drafting.session import Draft
from ansible_collections.otsec.defender_iot.tests.unit.endpoint_maps.entries import (
    BOTH,
    CREATE,
    DELETE,
    LOGIN,
    OLD,
    PAGE,
    PASSWORD,
    ROW,
    SESSION,
    TOKEN,
    X_CSRF,
    entry,
    made,
)

UUIDS = [str(UUID(int=number << 64 | 7 << 40, version=4)) for number in range(1, 9)]


def rpc(number: int, method: str, params: Any, result: Any, **cookies: str) -> dict[str, Any]:
    """Make the entry of a JSON-RPC request, whose id is new each time."""
    label = UUIDS[number]
    sent = {"id": label, "method": method, "params": params}
    return entry("POST", "/rpc", sent, {"id": label, "result": result}, **{"cookies": BOTH, **cookies})


RPC = [
    rpc(0, "in", {"who": "ada", "pw": PASSWORD}, True, cookies="", sets=f"sid={SESSION}"),
    rpc(1, "list", {}, [OLD]),
    rpc(2, "add", {"text": "Forescout"}, {"nr": 7, "value": TOKEN}),
    rpc(3, "list", {}, [OLD, ROW]),
    rpc(4, "drop", {"nr": 7}, True),
    rpc(5, "list", {}, [OLD]),
]


def test_an_id_that_the_answer_repeats_is_sent_as_a_constant() -> None:
    found = made(*RPC)
    assert found.missing == []
    tokens = found.endpoints["tokens"]
    assert {each["json"]["id"] for each in (*found.endpoints["login"]["steps"], *tokens.values())} == {"1"}
    assert tokens["delete"]["json"] == {"id": "1", "method": "drop", "params": {"nr": "{id}"}}
    assert tokens["delete"]["provenance"] == "captured"


def unanswered(entries: list[Any]) -> list[Any]:
    """Leave the id out of the answers."""
    return [
        entry("POST", "/rpc", {"id": UUIDS[at], "method": f"m{at}"}, {"result": at}, cookies=BOTH)
        for at, _each in enumerate(entries)
    ]


def test_an_id_that_no_answer_repeats_is_left_out_and_reported() -> None:
    create = entry(
        "POST", "/rpc", {"id": UUIDS[2], "text": "Forescout"}, {"nr": 7, "value": TOKEN}, cookies=BOTH
    )
    found = made(
        PAGE, LOGIN, *unanswered(RPC[:2]), create, entry("GET", "/t", answer=[OLD, ROW], cookies=BOTH)
    )
    assert "id" not in found.endpoints["tokens"]["create"]["json"]
    assert any('tokens.create: POST /rpc sends the field "id", which' in each for each in found.missing)


def test_an_id_that_the_browser_gives_to_a_token_is_no_constant() -> None:
    """Two creations alone have another id each; a constant one would be refused by the second run."""
    creations = [
        entry(
            "POST",
            "/t",
            {"key": UUIDS[at], "text": text},
            {"key": UUIDS[at], "nr": at + 6, "value": TOKEN if at else "x"},
            headers=X_CSRF,
            cookies=BOTH,
        )
        for at, text in enumerate(("Forscout", "Forescout"))
    ]
    found = made(PAGE, LOGIN, *creations, entry("GET", "/t", answer=[OLD, ROW], cookies=BOTH))
    assert found.endpoints["tokens"]["create"]["json"] == {"text": "{description}"}
    assert any('sends the field "key"' in each for each in found.missing)


def lists(sent: list[Any], rows: list[list[Any]], **answers: list[Any]) -> list[Any]:
    """Make the entries of a list that is requested by a body."""
    return [
        entry(
            "POST",
            "/all",
            body,
            {"rows": rows[at], **{name: each[at] for name, each in answers.items()}},
            headers=X_CSRF,
            cookies=BOTH,
        )
        for at, body in enumerate(sent)
    ]


def proved(sent: list[Any], **answers: list[Any]) -> Draft:
    """Draft a map from a recording whose list is requested by these bodies."""
    before, having, gone = lists(sent, [[OLD], [OLD, ROW], [OLD]], **answers)
    return made(PAGE, LOGIN, before, CREATE, having, DELETE, gone)


@pytest.mark.parametrize(
    ("sent", "answers"),
    [
        ([f"draw={at}&columns=nr" for at in (1, 2, 3)], {"draw": [1, 2, 3]}),
        ([{"at": f"2026-11-27T09:00:0{at}Z", "do": "list"} for at in (1, 2, 3)], {}),
        ([{"salt": f"0{at}a1b2c3d4e5f6a7", "do": "list"} for at in (1, 2, 3)], {}),
        ([{"salt": each, "do": "list"} for each in UUIDS[:3]], {}),
    ],
)
def test_a_list_that_is_requested_with_something_new_each_time_proves_the_deletion(
    sent: list[Any], answers: Any
) -> None:
    found = proved(sent, **answers)
    assert found.endpoints["tokens"]["delete"]["provenance"] == "captured"
    assert not any(each.startswith("tokens.delete") for each in found.missing)


def test_another_number_of_an_operation_is_another_request() -> None:
    found = proved(["do=3", "do=3", "do=4"])
    assert found.endpoints["tokens"]["delete"]["provenance"] == "assumed"


def test_a_header_that_an_operation_renewed_is_taken_from_the_login() -> None:
    """The creation gave what the list sends. A map reads the list after the login, which gives it too."""
    values = [f"0{at}a1b2c3d4e5f6a7" for at in range(4)]

    def renewed(given: dict[str, Any], at: int) -> dict[str, Any]:
        given["response"]["headers"].append({"name": "X-Next", "value": values[at]})
        return given

    login = renewed(entry("POST", "/in", {"who": "ada", "pw": PASSWORD}, {}, sets=f"sid={SESSION}"), 0)
    before, having = lists([{"csrf": values[0]}, {"csrf": values[2]}], [[OLD], [OLD, ROW]])
    create = renewed(entry("POST", "/t", {"text": "Forescout"}, {"nr": 7, "value": TOKEN}, cookies=BOTH), 2)
    found = made(PAGE, login, renewed(before, 1), create, having)
    assert [each for each in found.missing if each.startswith("tokens.list:")] == []
    tokens = found.endpoints["tokens"]
    assert tokens["list"]["json"] == {"csrf": "{x_next}"}
    capture = {"x_next": {"header": "x-next"}}
    assert tokens["create"]["capture"] == capture
    assert found.endpoints["login"]["steps"][-1]["capture"].items() >= capture.items()


def test_a_header_that_only_an_operation_gave_is_reported() -> None:
    value = "01a1b2c3d4e5f6a7"
    create = entry(
        "POST", "/t", {"text": "Forescout"}, {"nr": 7, "value": TOKEN}, headers=X_CSRF, cookies=BOTH
    )
    create["response"]["headers"].append({"name": "X-Next", "value": value})
    (having,) = lists([{"csrf": value}], [[OLD, ROW]])
    said = made(PAGE, LOGIN, create, having).missing
    assert any(each.startswith('tokens.list: POST /all sends the field "csrf"') for each in said)


def test_the_session_of_a_login_that_was_repeated_is_not_needed() -> None:
    first = entry("POST", "/in", {"who": "ada", "pw": PASSWORD}, {}, sets="sid=f1r5t-s3ss10n")
    login = entry(
        "POST", "/in", {"who": "ada", "pw": PASSWORD}, {}, cookies="sid=f1r5t-s3ss10n", sets=f"sid={SESSION}"
    )
    create = entry("POST", "/t", {"text": "Forescout"}, {"nr": 7, "value": TOKEN}, cookies=f"sid={SESSION}")
    listed = entry("GET", "/t", answer=[OLD, ROW], cookies=f"sid={SESSION}")
    assert len(made(first, login, create, listed).endpoints["login"]["steps"]) == 1
