# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A request that could change a token other than the new one is not in a draft, and the draft says why."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.tests.unit.endpoint_maps.entries import (
    BOTH,
    CREATE,
    DELETE,
    GONE,
    LIST,
    LOGIN,
    OLD,
    PAGE,
    ROW,
    TOKEN,
    X_CSRF,
    entry,
    made,
)

UUIDS = ("0b9f8c1e-7a54-4f0a-9d1b-5a6c7e8f9012", "1c2d3e4f-5a6b-4c7d-8e9f-0a1b2c3d4e5f")


def write(path: str, sent: Any = None, answer: Any = None, method: str = "POST") -> dict[str, Any]:
    """Make the entry of a request that writes."""
    return entry(method, path, sent, {} if answer is None else answer, headers=X_CSRF, cookies=BOTH)


def read(path: str, *rows: Any) -> dict[str, Any]:
    """Make the entry of a list."""
    return entry("GET", path, answer={"rows": list(rows)}, cookies=BOTH)


def deleted_by(*requests: Any, old: Any = None, row: Any = None) -> Any:
    """Draft a map from a recording that deletes the token by these requests."""
    old, row = {**OLD, **(old or {})}, {**ROW, **(row or {})}
    return made(PAGE, LOGIN, read("/t", old), CREATE, read("/t", old, row), *requests, read("/t", old))


def said(found: Any, part: str) -> list[str]:
    """Return what a draft says about one part."""
    return [
        each.partition(": ")[2].partition(";")[0] for each in found.missing if each.startswith(f"{part}:")
    ]


def graphql(name: str, variables: Any, data: Any) -> dict[str, Any]:
    """Make the entry of a GraphQL request with a name."""
    query = f"query {name} {{ nr text }}"
    return write("/graphql", {"operationName": name, "query": query, "variables": variables}, data)


def page(*rows: Any) -> dict[str, Any]:
    """Return the data of a list as GraphQL pages it."""
    return {
        "data": {
            "totalCount": len(rows),
            "edges": [{"node": row} for row in rows],
            "pageInfo": {"hasNextPage": False, "endCursor": "NTA="},
        }
    }


def test_a_list_is_drafted_from_the_request_that_lists_and_from_no_other_to_its_address() -> None:
    first = {"first": 50, "after": None}
    found = made(
        PAGE,
        LOGIN,
        graphql("Tokens", first, page(OLD)),
        graphql("CreateToken", {"text": "Forescout"}, {"data": {"nr": 7, "value": TOKEN}}),
        graphql("Tokens", first, page(OLD, ROW)),
        graphql("DeleteToken", {"nr": 7}, {"data": {"ok": True}}),
        graphql("Tokens", first, page(OLD)),
        graphql("DeleteExpired", {}, {"data": {"ok": True}}),
    )
    assert found.missing == []
    tokens = found.endpoints["tokens"]
    assert tokens["list"]["json"]["operationName"] == "Tokens"
    assert tokens["list"]["json"]["variables"] == {"first": 50, "after": "{next}"}
    assert tokens["list"]["paging"] == {
        "next": "/data/pageInfo/endCursor",
        "next_path": "/graphql",
        "more": "/data/pageInfo/hasNextPage",
        "total": "/data/totalCount",
    }
    assert tokens["delete"]["json"]["variables"] == {"nr": "{id}"}


def test_a_list_whose_own_request_changes_it_is_not_drafted() -> None:
    rows = [OLD, {**OLD, "nr": 4, "text": "Splunk"}, ROW]
    changing = [write("/prune", {"oldest": True}, {"rows": rows[at:]}) for at in (1, 2)]
    found = made(PAGE, LOGIN, CREATE, *changing)
    assert "list" not in found.endpoints.get("tokens", {})
    assert said(found, "tokens.list") == [
        "the answers to POST /prune differ although nothing else was sent between, so it may change tokens"
    ]


OTHERS = {
    # how another token is named: (the request that deletes, the field)
    "the list that remains": (
        write("/t", {"rows": [{"nr": 3, "text": "Historian"}], "gone": 7}, method="PUT"),
        'the field "/rows/0/nr"',
    ),
    "two tokens": (write("/t/remove", {"which": [3, 7]}), 'the field "/which/0"'),
    "two tokens in a text": (write("/t?which=3,7", method="DELETE"), 'the query "which"'),
    "what to keep": (write("/prune", {"keep": [3], "gone": 7}), 'the field "/keep/0"'),
    "a description": (write("/t/7?after=Historian", method="DELETE"), 'the query "after"'),
}


@pytest.mark.parametrize(("request_", "field"), OTHERS.values(), ids=OTHERS)
def test_a_deletion_that_names_another_token_is_not_drafted(request_: Any, field: str) -> None:
    found = deleted_by(request_)
    assert "delete" not in found.endpoints["tokens"]
    assert any(
        f"sends {field}, which has the id or the description of another token" in each
        for each in said(found, "tokens.delete")
    )


POSITIONS = {
    # what a description only confirms: (the request that deletes, the field)
    "a row": (write("/t/gone", {"row": 2, "name": "Forescout"}), 'the field "/row"'),
    "how many of the newest": (write("/t/gone", {"newest": 1, "note": "Forescout"}), 'the field "/newest"'),
    "a row in a text": (write("/t/gone", {"at": "row:2", "name": "Forescout"}), 'the field "/at"'),
    "a part of the path": (write("/t/at/2?sure=Forescout", method="DELETE"), "a part of its path"),
    "the name of a box": (write("/t/gone", "ask=Gone:+Forescout&sel[2]=on"), 'the field "/sel[2]"'),
    "the name of a truth value": (
        write("/t/gone", {"which": [{"row_2": True}], "name": "Forescout"}),
        'the field "/which/0/row_2"',
    ),
    "the name of a parameter": (
        write("/t/gone?box-1=on&name=Forescout", method="DELETE"),
        'the query "box-1"',
    ),
}


@pytest.mark.parametrize(("request_", "field"), POSITIONS.values(), ids=POSITIONS)
def test_a_deletion_that_may_select_the_token_by_its_position_is_not_drafted(
    request_: Any, field: str
) -> None:
    found = deleted_by(request_)
    assert "delete" not in found.endpoints["tokens"]
    (why,) = said(found, "tokens.delete")
    assert f"names the token only by its description, and sends {field} with a number" in why


@pytest.mark.parametrize("sent", [{"text": "Forescout"}, {"text": "Forescout", "sha256": "no", "v": "1.2"}])
def test_a_deletion_by_description_alone_is_assumed(sent: Any) -> None:
    found = deleted_by(write("/t/gone", sent))
    assert found.endpoints["tokens"]["delete"]["provenance"] == "assumed"
    assert said(found, "tokens.delete") == [
        "POST /t/gone names the token only by its description, so the draft has provenance assumed for it"
    ]


def test_a_position_beside_the_id_is_asked_about() -> None:
    found = deleted_by(write("/t/gone", {"row": 2, "nr": 7, "version": 1}))
    assert found.endpoints["tokens"]["delete"]["provenance"] == "assumed"
    assert said(found, "tokens.delete") == [
        'POST /t/gone sends the field "/row", a number that may be the token\'s position in the list, and '
        "which the map would always send"
    ]


def test_a_creation_that_names_another_token_is_not_drafted_and_never_repeated() -> None:
    create = write(
        "/t", {"text": "Forescout", "order": [3]}, {"nr": 7, "value": TOKEN, "ticket": "a1b2c3d4e5f6"}
    )
    delete = write("/t/7?ticket=a1b2c3d4e5f6", method="DELETE")
    found = made(PAGE, LOGIN, read("/t", OLD), create, read("/t", OLD, ROW), delete, read("/t", OLD))
    assert "create" not in found.endpoints["tokens"]
    assert "before" not in found.endpoints["tokens"].get("delete", {})
    (why,) = said(found, "tokens.create")
    assert why == 'POST /t sends the field "/order/0", which has the id or the description of another token'


def test_a_number_that_every_request_sends_is_no_id_of_a_token() -> None:
    def rpc(number: int, method: str, params: Any, result: Any) -> dict[str, Any]:
        return write(
            "/rpc", {"id": number, "method": method, "params": params}, {"id": number, "result": result}
        )

    found = made(
        PAGE,
        LOGIN,
        rpc(1, "list", [], [OLD]),
        rpc(3, "add", ["Forescout"], {"nr": 7, "value": TOKEN}),
        rpc(4, "list", [], [OLD, ROW]),
        rpc(5, "remove", [7], True),
        rpc(6, "list", [], [OLD]),
    )
    assert found.missing == []
    assert found.endpoints["tokens"]["delete"]["json"]["params"] == ["{id}"]


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"nr": 7, "uuid": UUIDS[1]}, 'the field "/uuid"'),
        ({"nr": 7, "note": f"row {UUIDS[1]}"}, 'the field "/note"'),
    ],
)
def test_another_value_of_the_token_s_row_is_never_captured_by_its_position(sent: Any, field: str) -> None:
    found = deleted_by(write("/revoke", sent), old={"uuid": UUIDS[0]}, row={"uuid": UUIDS[1]})
    assert "delete" not in found.endpoints["tokens"]
    assert "capture" not in found.endpoints["tokens"]["list"]
    (why,) = said(found, "tokens.delete")
    assert why == f"POST /revoke sends {field}, a value of the token's row in the list that is not its id"


def test_a_part_of_the_token_s_row_that_looks_machine_made_is_not_sent_either() -> None:
    links = [
        {"link": f"/t/{number}/del?n={nonce}"} for number, nonce in ((3, "ab12cd34ef56"), (7, "fe98dc76ba54"))
    ]
    found = deleted_by(write("/t/7/del?n=fe98dc76ba54"), old=links[0], row=links[1])
    assert "delete" not in found.endpoints["tokens"]


@pytest.mark.parametrize("sent", [{"uuid": UUIDS[1]}, {"uuid": UUIDS[1], "text": "Forescout"}])
def test_the_field_by_which_a_token_is_deleted_is_its_id(sent: Any) -> None:
    found = deleted_by(write("/revoke", sent), old={"uuid": UUIDS[0]}, row={"uuid": UUIDS[1]})
    assert found.missing == []
    tokens = found.endpoints["tokens"]
    assert tokens["list"]["fields"]["id"] == "/uuid"
    assert tokens["create"]["fields"] == {"secret": "/value"}
    assert tokens["delete"]["json"]["uuid"] == "{id}"


def test_a_part_of_the_path_that_equals_the_id_by_chance_stays_as_it_is() -> None:
    path = "/boxes/7/t"
    found = made(
        PAGE,
        LOGIN,
        read(path, OLD),
        write(path, {"text": "Forescout"}, {"nr": 7, "value": TOKEN}),
        read(path, OLD, ROW),
        write(f"{path}/7?box=7", method="DELETE"),
        read(path, OLD),
    )
    assert said(found, "tokens.delete")[0].startswith(
        "DELETE /boxes/7/t/7 sends the token's id in several places, a part of its path"
    )
    found = made(
        PAGE,
        LOGIN,
        read(f"{path}?box=7", OLD),
        write(path, {"text": "Forescout"}, {"nr": 7, "value": TOKEN}),
        read(f"{path}?box=7", OLD, ROW),
        write(f"{path}/7?box=7", method="DELETE"),
        read(f"{path}?box=7", OLD),
    )
    assert found.missing == []
    assert found.endpoints["tokens"]["delete"]["path"] == "/boxes/7/t/{id}?box=7"


def test_a_field_that_may_be_the_id_of_something_else_is_reported() -> None:
    found = deleted_by(write("/remove", {"box": 7, "token": 7}))
    assert "delete" not in found.endpoints["tokens"]
    assert said(found, "tokens.delete") == [
        'POST /remove sends the token\'s id in several places, the field "/box" and the field "/token", '
        "and one of these may be the id of something else"
    ]


SEVERAL = {
    # which requests came before the token was gone: (the requests, what is said)
    "a confirmation": (
        [write("/t/7/delete", {}), write("/confirm", {"sure": True})],
        "each of POST /t/.../delete, POST /confirm may have deleted it",
    ),
    "only a statistic names it": (
        [write("/seen", {"row": 7}), write("/cleanup", {})],
        "each of POST /seen, POST /cleanup may have deleted it",
    ),
    "nothing names it": (
        [write("/cleanup", {})],
        "no request before it contains the token's id or description",
    ),
    "nothing at all": ([], "no request before it contains the token's id or description"),
}


@pytest.mark.parametrize(("requests", "why"), SEVERAL.values(), ids=SEVERAL)
def test_only_the_one_request_that_can_have_deleted_the_token_is_drafted(requests: Any, why: str) -> None:
    found = deleted_by(*requests)
    assert "delete" not in found.endpoints["tokens"]
    (sentence,) = said(found, "tokens.delete")
    assert why in sentence


COMPOSITE = {
    # what has the id inside: (the request that deletes, its place in the drafted one)
    "a name of a file": (write("/t/7.json", method="DELETE"), ("path", "/t/{id}.json")),
    "a key": (write("/data/Boxes(7)", method="DELETE"), ("path", "/data/Boxes({id})")),
    "a parameter of the path": (write("/t;nr=7", method="DELETE"), ("path", "/t;nr={id}")),
    "a pointer": (
        write("/t", [{"op": "remove", "path": "/rows/7"}], method="PATCH"),
        ("json", [{"op": "remove", "path": "/rows/{id}"}]),
    ),
    "a kind": (write("/gone", {"ref": "box:7"}), ("json", {"ref": "box:{id}"})),
}


@pytest.mark.parametrize(("request_", "place"), COMPOSITE.values(), ids=COMPOSITE)
def test_a_short_id_is_found_in_a_longer_text(request_: Any, place: Any) -> None:
    found = deleted_by(request_)
    assert found.missing == []
    assert found.endpoints["tokens"]["delete"][place[0]] == place[1]


@pytest.mark.parametrize("path", ["/t/1.7", "/t/7.2", "/t/v7", "/t/old 7b"])
def test_a_number_that_is_a_part_of_another_is_no_id(path: str) -> None:
    found = deleted_by(write(path.replace(" ", "%20"), method="DELETE"))
    assert said(found, "tokens.delete") == [
        "a later list lacks the new token, and no request before it contains the token's id or description"
    ]


def test_a_request_with_the_method_get_may_delete() -> None:
    found = deleted_by(entry("GET", "/t?do=delete&nr=7", answer={}, cookies=BOTH))
    assert found.missing == []
    assert found.endpoints["tokens"]["delete"]["path"] == "/t?do=delete&nr={id}"


def test_a_deletion_after_which_no_list_was_read_is_assumed() -> None:
    found = made(PAGE, LOGIN, CREATE, LIST, DELETE)
    assert found.endpoints["tokens"]["delete"]["provenance"] == "assumed"
    assert said(found, "tokens.delete") == [
        "no list was read after DELETE /t/..., so the draft has provenance assumed for it"
    ]
    assert (
        made(PAGE, LOGIN, CREATE, LIST, DELETE, GONE).endpoints["tokens"]["delete"]["provenance"]
        == "captured"
    )


def test_a_deletion_of_another_token_is_none() -> None:
    found = made(PAGE, LOGIN, CREATE, LIST, write("/t/3", method="DELETE"), read("/t?view=all", ROW))
    assert said(found, "tokens.delete") == ["the recording does not show that the new token is deleted"]


def test_lists_in_groups_are_not_drafted() -> None:
    groups = entry("GET", "/t", answer={"groups": [{"rows": [OLD]}, {"rows": [ROW]}]}, cookies=BOTH)
    found = made(PAGE, LOGIN, CREATE, groups)
    assert "list" not in found.endpoints.get("tokens", {})
    assert said(found, "tokens.list") == [
        "GET /t lists the tokens in groups, and /groups/1/rows is only one of them"
    ]


def test_a_list_beside_another_answer_of_a_batch_is_drafted() -> None:
    listed = [
        entry("GET", "/t", answer=[{"result": {"name": "ada"}}, {"result": rows}], cookies=BOTH)
        for rows in ([OLD], [OLD, ROW], [OLD])
    ]
    found = made(PAGE, LOGIN, listed[0], CREATE, listed[1], DELETE, listed[2])
    assert found.missing == []
    assert found.endpoints["tokens"]["list"]["items"] == "/1/result"
    for other in ({"result": []}, {"error": "none"}):
        listed[0] = entry("GET", "/t", answer=[other, {"result": [OLD]}], cookies=BOTH)
        found = made(PAGE, LOGIN, listed[0], CREATE, listed[1])
        assert "list" not in found.endpoints.get("tokens", {})


def test_a_list_in_the_only_item_of_a_list_is_drafted() -> None:
    batch = [entry("GET", "/t", answer=[{"rows": rows}], cookies=BOTH) for rows in ([OLD], [OLD, ROW], [OLD])]
    found = made(PAGE, LOGIN, batch[0], CREATE, batch[1], DELETE, batch[2])
    assert found.missing == []
    assert found.endpoints["tokens"]["list"]["items"] == "/0/rows"
    grown = entry("GET", "/t", answer=[{"rows": []}, {"rows": [OLD]}], cookies=BOTH)
    assert "list" not in made(PAGE, LOGIN, CREATE, batch[1], grown).endpoints["tokens"]


@pytest.mark.parametrize("query", ["q=fore", "q=*SCOUT", "name=Forescout"])
def test_a_search_for_a_part_of_the_description_is_no_list(query: str) -> None:
    found = made(PAGE, LOGIN, CREATE, read(f"/t?{query}", ROW))
    assert said(found, "tokens.list") == [
        "GET /t searches for the description, so it does not list every token"
    ]


@pytest.mark.parametrize(
    "query",
    [
        *("scope=mine", "state=unused", "since=2026-11-27T00:00:00Z"),
        *("mine=true", "ownerId=5", "lastDays=30", "includeExpired=false", "category=1", "since=10"),
    ],
)
def test_what_may_leave_tokens_out_of_the_list_is_asked(query: str) -> None:
    found = made(PAGE, LOGIN, CREATE, read(f"/t?{query}&sort=asc&filter=&page=1", OLD, ROW))
    assert said(found, "tokens.list") == [f"GET /t sends {query}, which may leave tokens out of the list"]


@pytest.mark.parametrize("query", ["x=2026-11-27", "requestedAt=2026-11-27T09:00:02.123Z"])
def test_a_time_in_the_request_for_the_list_is_asked_about(query: str) -> None:
    found = made(PAGE, LOGIN, CREATE, read(f"/t?{query}", OLD, ROW))
    field = f'the query "{query.partition("=")[0]}"'
    assert said(found, "tokens.list") == [
        f"GET /t sends {field}, a time of the recording, which may leave tokens out of the list"
    ]


@pytest.mark.parametrize(
    ("sent", "fields"),
    [
        ({"mine": True, "sort": "nr"}, ["mine=true"]),
        ({"filter": '{"seen": {"gt": "2026-11-27"}}'}, ["gt=2026-11-27"]),
        ({"filter": '{"limit": 10, "where": {"box": 5, "x": ""}, "mine": true}'}, ["box=5", "mine=true"]),
        ({"query": 'query($mine: Boolean) { tokens(owner: "ada", n: 5) { nr } }'}, ["owner=ada"]),
    ],
)
def test_what_a_body_may_leave_out_of_the_list_is_asked(sent: Any, fields: list[str]) -> None:
    found = made(PAGE, LOGIN, CREATE, write("/find", sent, {"rows": [OLD, ROW]}))
    assert said(found, "tokens.list") == [
        f"POST /find sends {', '.join(fields)}, which may leave tokens out of the list"
    ]


def test_a_list_that_may_be_a_part_of_another_is_asked_about() -> None:
    create = write("/new", {"text": "Forescout"}, {"nr": 7, "value": TOKEN})
    few, other = read("/few", OLD), {**OLD, "nr": 4, "text": "Splunk"}
    found = made(PAGE, LOGIN, few, create, read("/few", OLD, ROW), read("/all", OLD, other, ROW))
    assert said(found, "tokens.list") == [
        "the list may be any of GET /all, GET /few, and nothing proves which"
    ]
    assert said(found, "tokens.delete") == ["without the list, no request is known to delete the new token"]
    found = made(PAGE, LOGIN, few, create, read("/few", OLD, ROW), read("/all", other, ROW))
    assert found.endpoints["tokens"]["list"]["path"] == "/few"


@pytest.mark.parametrize(
    ("beside", "is_read"),
    [
        ({"old": [OLD]}, False),
        ({"rowsOfOthers": [OLD]}, False),
        ({"users": [{"nr": 3, "text": "ada"}]}, True),
        ({"old": []}, True),
    ],
)
def test_a_list_in_parts_is_not_drafted(beside: Any, is_read: bool) -> None:
    found = made(PAGE, LOGIN, CREATE, entry("GET", "/t", answer={"rows": [ROW], **beside}, cookies=BOTH))
    assert ("list" in found.endpoints["tokens"]) == is_read
    why = f"GET /t lists some tokens in /rows, and others in /{next(iter(beside))}"
    assert said(found, "tokens.list") == ([] if is_read else [why])


def test_a_list_from_before_the_creation_proves_no_deletion() -> None:
    found = made(PAGE, LOGIN, read("/t", OLD, {**ROW, "nr": 5}), CREATE, DELETE)
    assert (
        "delete" not in found.endpoints["tokens"]
        or found.endpoints["tokens"]["delete"]["provenance"] == "assumed"
    )
