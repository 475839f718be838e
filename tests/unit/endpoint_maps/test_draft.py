# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Drafting an endpoint map: by the values that were typed and seen alone, and without any secret."""

from __future__ import annotations

import base64
import copy
import gzip
import json
import zlib
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import InvalidOptions
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._endpoint_maps.drafting.draft import (
    draft,
    text_of,
)
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._endpoint_maps.drafting.session import (
    RecordedSession,
)
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._endpoint_maps.load import (
    checked_endpoint_map,
)
from ansible_collections.otsec.defender_iot.tests.unit.endpoint_maps.entries import (
    BOTH,
    CREATE,
    CSRF,
    DELETE,
    ENTRIES,
    GONE,
    LIST,
    LOGIN,
    LOGOUT,
    OLD,
    PAGE,
    PASSWORD,
    RECORDED,
    ROW,
    SESSION,
    TOKEN,
    X_CSRF,
    entry,
    listing,
    made,
)

KEPT = Path(__file__).parents[2] / "fixtures" / "recordings"
DRAFTED = {
    "schema": 2,
    "product": "sensor",
    "provenance": "captured",
    "versions": "unknown",
    "login": {
        "steps": [
            {"method": "GET", "path": "/start", "success": [200], "capture": {"csrf": {"cookie": "csrf"}}},
            {
                "method": "POST",
                "path": "/in",
                "headers": {"x-csrf": "{csrf}"},
                "json": {"who": "{username}", "pw": "{password}"},
                "success": [200],
                "capture": {"sid": {"cookie": "sid"}},
            },
        ],
        "logout": {"method": "POST", "path": "/out", "headers": {"x-csrf": "{csrf}"}, "success": [200]},
    },
    "tokens": {
        "list": {
            "method": "GET",
            "path": "/t?view=all",
            "success": [200],
            "items": "/rows",
            "fields": {"id": "/nr", "description": "/text", "used": "/last"},
            "never_used": "N/A",
            "used_format": "iso8601",
        },
        "create": {
            "method": "POST",
            "path": "/t",
            "headers": {"x-csrf": "{csrf}"},
            "json": {"text": "{description}"},
            "success": [200],
            "fields": {"id": "/nr", "secret": "/value"},
        },
        "delete": {
            "method": "DELETE",
            "path": "/t/{id}",
            "headers": {"x-csrf": "{csrf}"},
            "success": [204],
            "provenance": "captured",
        },
    },
}


def essence(operation: dict[str, Any]) -> dict[str, Any]:
    """Return an operation without what differs only in the names of captured values."""
    return {name: part for name, part in operation.items() if name not in ("headers", "capture")}


@pytest.mark.parametrize(("product", "group"), [("sensor", "tokens"), ("forescout", "settings")])
def test_a_recording_of_chromium_becomes_the_lab_s_true_map(product: str, group: str) -> None:
    entered = json.loads((KEPT / "values.json").read_text())[product]
    true = json.loads((KEPT / "maps.json").read_text())[product]
    found = draft((KEPT / f"{product}.har").read_text(), RecordedSession(product, **entered))
    if product == "sensor":
        del true["tokens"]["delete"]
    assert [each.partition(":")[0] for each in found.missing] == ["tokens.delete"][: product == "sensor"]
    drafted = found.endpoints
    assert drafted["versions"] == entered.get("version", "unknown")
    assert list(map(essence, drafted["login"]["steps"])) == list(map(essence, true["login"]["steps"]))
    for name, operation in true[group].items():
        assert essence(drafted[group][name]) == essence(operation)
    checked_endpoint_map(yaml.safe_load(text_of(found)))


def test_a_complete_recording_gives_a_complete_map() -> None:
    found = made(*ENTRIES)
    assert found.missing == []
    assert found.endpoints == DRAFTED
    assert yaml.safe_load(text_of(found)) == DRAFTED
    checked_endpoint_map(found.endpoints)


@pytest.mark.parametrize(
    ("without", "part"),
    [
        (LOGIN, "login"),
        (LIST, "tokens.list"),
        (CREATE, "tokens.create"),
        (DELETE, "tokens.delete"),
    ],
    ids=["login", "list", "create", "delete"],
)
def test_an_operation_that_was_not_recorded_is_listed_as_missing(without: Any, part: str) -> None:
    found = made(*[each for each in ENTRIES if each is not without])
    assert part in [each.partition(":")[0] for each in found.missing]
    group, _dot, name = part.partition(".")
    assert name not in found.endpoints.get(group, {}) if name else group not in found.endpoints
    assert f"# Missing: {part}: " in text_of(found)


@pytest.mark.parametrize(
    ("never", "row", "old"),
    [
        (None, {"last": None}, {"last": 1793614500}),
        ("", {"last": ""}, {"last": "2026-11-02T10:15:00+01:00"}),
        ("Never", {"last": "Never", "owner": "ada2"}, {"last": "2026-11-02T10:15:00Z", "owner": "bob1"}),
        ("N/A", {"last": "N/A", "note": None}, {"last": 1793614500000, "note": None}),
        (None, {"last": None, "mask": "****"}, {"last": 1793614500000, "mask": "a***"}),
    ],
)
def test_the_field_of_never_used_is_identified(never: Any, row: Any, old: Any) -> None:
    found = made(PAGE, LOGIN, CREATE, listing({**OLD, **old}, {**ROW, **row}))
    assert found.endpoints["tokens"]["list"]["fields"]["used"] == "/last"
    assert found.endpoints["tokens"]["list"]["never_used"] == never
    assert [each.partition(":")[0] for each in found.missing] == ["tokens.delete"]


def test_the_operator_chooses_between_several_candidates() -> None:
    found = made(PAGE, LOGIN, CREATE, listing({**ROW, "last": None, "ends": None}))
    assert "used" not in found.endpoints["tokens"]["list"]["fields"]
    assert any(
        each.startswith("tokens.list.fields.used: Used is one of /ends, /last") for each in found.missing
    )


def test_without_a_used_token_the_format_of_times_is_missing() -> None:
    found = made(PAGE, LOGIN, CREATE, listing(ROW))
    assert any(each.startswith("tokens.list.used_format: ") for each in found.missing)


def test_the_deletion_proves_the_id_if_the_answer_to_the_creation_does_not() -> None:
    create = entry("POST", "/t", {"text": "Forescout"}, {"value": TOKEN}, headers=X_CSRF, cookies=BOTH)
    rows = ({**OLD, "rank": 1}, {**ROW, "rank": 2})
    found = made(PAGE, LOGIN, create, listing(*rows), DELETE)
    assert found.endpoints["tokens"]["list"]["fields"]["id"] == "/nr"
    assert found.endpoints["tokens"]["create"]["fields"] == {"secret": "/value"}
    unproved = made(PAGE, LOGIN, create, listing(*rows))
    assert any(
        each.startswith("tokens.list.fields.id: the id is one of /nr, /rank") for each in unproved.missing
    )


REMOVE = entry("POST", "/t/remove", {"which": [7]}, {}, headers=X_CSRF, cookies=BOTH)


def test_a_deletion_may_name_the_token_in_its_body() -> None:
    found = made(PAGE, LOGIN, CREATE, LIST, REMOVE, GONE)
    assert found.endpoints["tokens"]["delete"]["json"] == {"which": ["{id}"]}
    assert found.missing == []


def test_what_only_seems_to_delete_is_not_taken() -> None:
    unproved = made(PAGE, LOGIN, CREATE, LIST, REMOVE)
    assert "delete" not in unproved.endpoints["tokens"]
    assert unproved.missing[0].startswith("tokens.delete: POST /t/remove names the new token, and no later")
    still = made(PAGE, LOGIN, CREATE, LIST, DELETE, LIST)
    kept = "tokens.delete: DELETE /t/... names the new token, and the list that was read after it still has"
    assert still.missing[0].startswith(kept)
    elsewhere = entry("DELETE", "/notes/7", status=204, headers=X_CSRF, cookies=BOTH)
    assert "delete" not in made(PAGE, LOGIN, CREATE, LIST, elsewhere).endpoints["tokens"]


def test_the_method_delete_is_preferred_to_a_write_that_only_names_the_token() -> None:
    seen = entry("POST", "/seen", {"token": 7}, {}, headers=X_CSRF, cookies=BOTH)
    assert made(PAGE, LOGIN, CREATE, seen, LIST, DELETE, GONE, LOGOUT).endpoints == DRAFTED
    assert made(PAGE, LOGIN, CREATE, LIST, seen, DELETE, GONE, LOGOUT).endpoints == DRAFTED


def test_an_id_in_a_path_that_looks_like_a_secret_is_left_out_and_reported() -> None:
    listed = entry("GET", "/t/507f1f77bcf86cd799439011", answer=[OLD, ROW], cookies=BOTH)
    said = made(PAGE, LOGIN, CREATE, listed, DELETE).missing
    assert any("GET /t/507f1f77bcf86cd799439011 sends a part of its path" in each for each in said)


def test_a_bearer_login_is_identified_by_a_later_header_with_its_token() -> None:
    bearer = "0auth-t0ken-of-some-length"
    login = entry("POST", "/in", f"u=ada&p={PASSWORD.replace('!', '%21')}&kind=pw", {"a": {"t": bearer}})
    later = {"Authorization": f"Token {bearer}"}
    create = entry("POST", "/t", {"text": "Forescout"}, {"value": TOKEN}, headers=later)
    found = made(login, create, entry("GET", "/t", answer=[ROW], headers=later))
    assert found.endpoints["login"] == {
        "steps": [
            {
                "method": "POST",
                "path": "/in",
                "form": {"u": "{username}", "p": "{password}", "kind": "pw"},
                "success": [200],
                "capture": {"t": "/a/t"},
            }
        ]
    }
    assert found.endpoints["tokens"]["list"]["headers"] == {"Authorization": "Token {t}"}
    assert "items" not in found.endpoints["tokens"]["list"]


def test_a_refused_login_is_ignored() -> None:
    refused = copy.deepcopy(LOGIN)
    refused["response"]["status"] = 403
    assert made(PAGE, LOGIN, refused, CREATE, LIST, DELETE, GONE, LOGOUT).endpoints == DRAFTED


def test_no_secret_of_the_recording_is_in_the_draft() -> None:
    create = entry(
        "POST",
        f"/t?session={SESSION}&view=all",
        {"text": "Forescout", "csrf": CSRF, "key": {"api_key": "k"}, "list": [TOKEN[:-1] + "123456"]},
        {"nr": 7, "value": TOKEN},
        headers={
            **X_CSRF,
            "X-Session": SESSION,
            "X-Account": f"ada:{PASSWORD}",
            "X-Requested-With": "XMLHttpRequest",
        },
        cookies=BOTH,
    )
    found = made(PAGE, LOGIN, create, LIST)
    operation = found.endpoints["tokens"]["create"]
    assert operation["path"] == "/t?session={sid}&view=all"
    assert operation["json"] == {"text": "{description}", "csrf": "{csrf}", "key": {}, "list": []}
    assert operation["headers"] == {
        "x-csrf": "{csrf}",
        "X-Session": "{sid}",
        "X-Requested-With": "XMLHttpRequest",
    }
    assert not [value for value in (SESSION, CSRF, PASSWORD, TOKEN) if value in text_of(found)]
    left_out = [each for each in found.missing if each.startswith("tokens.create: POST /t sends ")]
    assert len(left_out) == 3


@pytest.mark.parametrize(
    "encode",
    [
        *(str, str.upper, str.lower, str.swapcase, quote),
        lambda text: base64.b64encode(text.encode()).decode(),
        lambda text: text.encode().hex(),
        lambda text: "".join(f"&#{ord(each)};" for each in text),
        lambda text: "".join(f"\\u{ord(each):04x}" for each in text),
        lambda text: base64.b64encode(zlib.compress(f"session of {text}".encode())).decode().rstrip("="),
        lambda text: base64.urlsafe_b64encode(gzip.compress(text.encode())).decode(),
    ],
)
def test_a_secret_in_any_encoding_is_not_in_the_draft(encode: Any) -> None:
    listed = entry(
        "GET",
        "/t?view=all",
        answer={encode(PASSWORD): {"rows": [OLD, ROW]}},
        cookies=BOTH,
    )
    with pytest.raises(InvalidOptions, match="the draft would contain a secret of the recording"):
        made(PAGE, LOGIN, CREATE, listed)


def test_a_text_that_only_looks_compressed_is_no_secret() -> None:
    listed = entry("GET", "/t", answer={"eJeJeJeJ": {"rows": [OLD, ROW]}}, cookies=BOTH)
    assert made(PAGE, LOGIN, CREATE, listed).endpoints["tokens"]["list"]["items"] == "/eJeJeJeJ/rows"


@pytest.mark.parametrize("value", ["q0w9e8r7t6y5u4i3", "kQxZvB7nMwLpRtYsHgFd", "stage-2-of-this-session"])
def test_a_session_from_before_the_recording_is_not_in_the_draft(value: str) -> None:
    found = made(*(entry(*each, headers={"X-Session": value}) for each in UNSIGNED))
    assert "X-Session" not in text_of(found).replace('"X-Session"', "")
    assert value not in text_of(found)
    assert any('sends the header "X-Session", which neither you typed' in each for each in found.missing)


UNSIGNED = [
    ("POST", "/t", {"text": "Forescout"}, {"nr": 7, "value": TOKEN}),
    ("GET", "/t", None, {"rows": [OLD, ROW]}),
]


def test_a_token_that_is_its_own_id_is_no_field_of_the_list() -> None:
    rows = [{"text": "Historian", "last": "N/A", "key": "0ther"}, {**ROW, "key": TOKEN}]
    del rows[1]["nr"]
    found = made(PAGE, LOGIN, CREATE, listing(*rows))
    assert "id" not in found.endpoints["tokens"]["list"]["fields"]
    assert any(
        each.startswith("tokens.list.fields.id: only /key is different for each token")
        for each in found.missing
    )


def test_a_password_that_is_also_a_word_is_listed() -> None:
    login = entry("POST", "/in", "u=ada&p=password&grant=password", {"t": "0auth-t0ken"})
    found = made(
        login,
        CREATE,
        LIST,
        session=RecordedSession("sensor", "ada", "password", TOKEN, description="Forescout"),
    )
    assert any(
        each.startswith("login: the password was in more than one field of POST /in")
        for each in found.missing
    )


EVICTED = entry("GET", "/t")
EVICTED["response"]["content"] = {"size": 200}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is not a HAR file"),
        ("[]", "the file is not a HAR file"),
        ('{"log": {"entries": [{}]}}', "the HAR file contains no JSON answer"),
        ('{"log": {"entries": 1}}', "the file is not a HAR file"),
        ('{"log": {"entries": []}}', "the HAR file contains no JSON answer"),
        (json.dumps({"log": {"entries": [PAGE]}}), "no answer in the HAR file is JSON; a map cannot read"),
        (json.dumps({"log": {"entries": [PAGE, EVICTED]}}), "the HAR file contains no JSON answer; save"),
    ],
)
def test_an_invalid_recording_is_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidOptions, match=message):
        draft(text, RECORDED)


def test_an_unanswered_request_is_ignored() -> None:
    aborted = entry("POST", "/t", {"text": "Forescout"}, {"value": TOKEN}, status=0)
    assert made(*ENTRIES, aborted).endpoints == DRAFTED


def test_an_answer_in_base64_is_read() -> None:
    listed = copy.deepcopy(LIST)
    content = listed["response"]["content"]
    content.update(encoding="base64", text=base64.b64encode(content["text"].encode()).decode())
    assert made(PAGE, LOGIN, CREATE, listed, DELETE, GONE, LOGOUT).endpoints == DRAFTED


def graphql(query: str, data: Any, bearer: str = "") -> dict[str, Any]:
    """Make a GraphQL request, whose values are in the text of the query."""
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    return entry("POST", "/graphql", {"query": query}, {"data": data}, headers=headers)


def test_values_in_the_text_of_a_query_become_places() -> None:
    rows = [
        {"id": 3, "text": "Historian", "last": "2026-11-02T10:15:00Z"},
        {"id": 7, "text": "Forescout", "last": "N/A"},
    ]
    found = made(
        graphql(f'mutation{{login(u:"ada",p:"{PASSWORD}"){{jwt}}}}', {"login": {"jwt": SESSION}}),
        graphql('mutation{create(t:"Forescout"){id value}}', {"create": {"id": 7, "value": TOKEN}}, SESSION),
        graphql("{tokens{id}}", {"tokens": rows}, SESSION),
        graphql("mutation{delete(input:{id:7}){ok}}", {"delete": {"ok": True}}, SESSION),
        graphql("{tokens{id}}", {"tokens": rows[:1]}, SESSION),
    )
    assert found.missing == []
    checked_endpoint_map(found.endpoints)
    queries = [found.endpoints["tokens"][name]["json"]["query"] for name in ("list", "create", "delete")]
    assert queries == [
        "{tokens{{id}}}",
        'mutation{create(t:"{description}"){id value}}',
        "mutation{delete(input:{id:{id}}){{ok}}}",
    ]
    login = found.endpoints["login"]["steps"][0]["json"]["query"]
    assert login == 'mutation{login(u:"{username}",p:"{password}"){{jwt}}}'


def rpc(method: str, params: Any, result: Any) -> dict[str, Any]:
    """Make a JSON-RPC request."""
    return entry("POST", "/rpc", {"id": 1, "method": method, "params": params}, {"id": 1, "result": result})


def test_requests_to_one_path_are_distinguished_by_their_bodies() -> None:
    session = {"sid": SESSION}
    found = made(
        rpc("in", {"user": "ada", "pw": PASSWORD}, session),
        rpc("list", session, [OLD]),
        rpc("create", {**session, "text": "Forescout"}, {"value": TOKEN}),
        rpc("list", session, [OLD, ROW]),
        rpc("delete", {**session, "text": "Forescout"}, None),
        rpc("list", session, [OLD]),
    )
    assert [each.partition(":")[0] for each in found.missing] == ["tokens.delete"]
    sent = {name: each["json"] for name, each in found.endpoints["tokens"].items()}
    assert {name: each["method"] for name, each in sent.items()} == {name: name for name in sent}
    assert sent["delete"]["params"] == {"sid": "{sid}", "text": "{description}"}


def test_a_token_that_is_revealed_by_a_second_request_needs_the_first_one_before_it() -> None:
    first = entry(
        "POST", "/t", {"text": "Forescout"}, {"ticket": "a1b2c3d4e5f6a7b8"}, headers=X_CSRF, cookies=BOTH
    )
    second = entry("POST", "/show", {"t": "a1b2c3d4e5f6a7b8"}, {"value": TOKEN}, headers=X_CSRF, cookies=BOTH)
    listed = [listing(OLD), listing(OLD, ROW)]
    create = made(PAGE, LOGIN, listed[0], first, second, listed[1]).endpoints["tokens"]["create"]
    assert create["json"] == {"t": "{ticket}"}
    (before,) = create["before"]
    assert (before["json"], before["capture"]) == ({"text": "{description}"}, {"ticket": "/ticket"})


def test_the_new_one_of_two_tokens_with_one_description_is_known_by_its_id() -> None:
    twin = {**ROW, "nr": 5}
    found = made(PAGE, LOGIN, listing(OLD, twin), CREATE, listing(ROW, OLD, twin), DELETE, listing(OLD, twin))
    assert found.missing == []
    assert found.endpoints["tokens"]["delete"]["path"] == "/t/{id}"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"tokens": {"7": ROW}}, "tokens.list: GET /t has the description, but not in a list of objects"),
        ([{**ROW, "text": "else"}], "tokens.list: no answer lists a token of that description"),
    ],
)
def test_a_list_that_a_map_cannot_read_is_reported(answer: Any, said: str) -> None:
    found = made(PAGE, LOGIN, CREATE, entry("GET", "/t", answer=answer, cookies=BOTH))
    assert any(each.startswith(said) for each in found.missing)


def test_a_search_is_no_list_of_every_token() -> None:
    found = made(PAGE, LOGIN, CREATE, entry("GET", "/t?q=Forescout", answer=[ROW], cookies=BOTH))
    assert any(each.startswith("tokens.list: GET /t searches for the description") for each in found.missing)


def test_a_token_that_is_no_value_in_json_is_reported() -> None:
    page = entry("POST", "/t", {"text": "Forescout"}, f"<b>{TOKEN}</b>", headers=X_CSRF, cookies=BOTH)
    found = made(PAGE, LOGIN, page, LIST)
    assert any(
        each.startswith("tokens.create: POST /t shows the token, but not as") for each in found.missing
    )


def test_a_creation_without_the_description_is_reported() -> None:
    create = entry("POST", "/t", {}, {"nr": 7, "value": TOKEN}, headers=X_CSRF, cookies=BOTH)
    found = made(PAGE, LOGIN, create, LIST)
    assert any("POST /t answers with the token, but neither it" in each for each in found.missing)


def test_what_a_browser_and_its_scripts_add_is_not_in_the_map() -> None:
    listed = entry(
        "GET",
        "/t?view=all&_=1793614500123",
        answer={"rows": [OLD, ROW]},
        cookies=BOTH,
        headers={
            "sec-fetch-mode": "cors",
            ":authority": "x",
            "X-Request-Id": "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
        },
    )
    other = entry("GET", "/x", headers={"X-Request-Id": "0d2f1f6e-0b0a-4c0d-8e1d-1f2e3d4c5b6a"})
    assert made(PAGE, LOGIN, other, CREATE, listed, DELETE, GONE, LOGOUT).endpoints == DRAFTED


def test_a_body_that_is_neither_json_nor_a_form_is_reported() -> None:
    login = copy.deepcopy(LOGIN)
    login["request"]["postData"] = {"mimeType": "text/xml", "text": f"<u>ada</u><p>{PASSWORD}</p>"}
    found = made(PAGE, login, CREATE, LIST, DELETE)
    assert any(
        "login: POST /in sends a body that is neither JSON nor a form" in each for each in found.missing
    )
    create = copy.deepcopy(CREATE)
    create["request"]["postData"] = {"mimeType": "text/xml", "text": "<t>Forescout</t>"}
    found = made(PAGE, LOGIN, create, LIST, DELETE)
    assert any("POST /t sends a body that is neither JSON nor a form" in each for each in found.missing)
