# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Drafting an endpoint map: by the values that were typed and seen alone, and without any secret."""

from __future__ import annotations

import base64
import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import InvalidOptions
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._endpoint_maps.draft import (
    Draft,
    RecordedSession,
    draft,
)
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._endpoint_maps.load import (
    check_endpoint_map,
)

KEPT = Path(__file__).parents[2] / "fixtures" / "recordings"
ORIGIN = "https://sensor.example"
SESSION, CSRF, PASSWORD, TOKEN = "s3ss10n-c00k1e", "c5rf-c00k1e-4", "p4ssw0rd!", "t0k3n-of-32-digits"
RECORDED = RecordedSession("sensor", "ada", PASSWORD, TOKEN, description="Forescout")
ROW = {"nr": 7, "text": "Forescout", "last": "N/A"}
OLD = {"nr": 3, "text": "Historian", "last": "2026-11-02T10:15:00Z"}


def entry(
    method: str,
    path: str,
    sent: Any = None,
    answer: Any = None,
    *,
    status: int = 200,
    headers: dict[str, str] | None = None,
    cookies: str = "",
    sets: str = "",
) -> dict[str, Any]:
    """Return an entry in the form that Chromium writes."""
    given = {**(headers or {}), **({"cookie": cookies} if cookies else {})}
    request = {
        "method": method,
        "url": ORIGIN + path,
        "headers": [{"name": name, "value": value} for name, value in given.items()],
        "cookies": [],
    }
    if isinstance(sent, str):
        request["postData"] = {"mimeType": "application/x-www-form-urlencoded", "text": sent}
    elif sent is not None:
        request["postData"] = {"mimeType": "application/json", "text": json.dumps(sent)}
    text = json.dumps(answer) if isinstance(answer, (dict, list)) else answer or ""
    response = {
        "status": status,
        "headers": [{"name": "set-cookie", "value": sets}] if sets else [],
        "cookies": [],
        "content": {"mimeType": "application/json", "text": text},
    }
    return {"request": request, "response": response}


BOTH = f"csrf={CSRF}; sid={SESSION}"
X_CSRF = {"x-csrf": CSRF}
PAGE = entry("GET", "/start", answer="<html>", sets=f"csrf={CSRF}; Path=/")
LOGIN = entry(
    "POST",
    "/in",
    {"who": "ada", "pw": PASSWORD},
    {},
    headers=X_CSRF,
    cookies=f"csrf={CSRF}",
    sets=f"sid={SESSION}; HttpOnly",
)
CREATE = entry("POST", "/t", {"text": "Forescout"}, {"nr": 7, "value": TOKEN}, headers=X_CSRF, cookies=BOTH)
LIST = entry("GET", "/t?page=1", answer={"rows": [OLD, ROW]}, cookies=BOTH)
DELETE = entry("DELETE", "/t/7", status=204, headers=X_CSRF, cookies=BOTH)
LOGOUT = entry("POST", "/out", headers=X_CSRF, cookies=BOTH, sets='sid=""; Max-Age=0')
ENTRIES = [PAGE, LOGIN, CREATE, LIST, DELETE, LOGOUT]
DRAFTED = {
    "schema": 1,
    "product": "sensor",
    "provenance": "captured",
    "versions": "unknown",
    "login": {
        "kind": "cookies",
        "before": "/start",
        "request": {
            "method": "POST",
            "path": "/in",
            "json": {"who": "{username}", "pw": "{password}"},
            "success": [200],
        },
        "session_cookie": "sid",
        "csrf": {"cookie": "csrf", "header": "x-csrf"},
        "logout": {"method": "POST", "path": "/out", "success": [200]},
    },
    "tokens": {
        "list": {
            "method": "GET",
            "path": "/t?page=1",
            "success": [200],
            "items": "/rows",
            "fields": {"id": "/nr", "description": "/text", "used": "/last"},
            "never_used": "N/A",
            "used_format": "iso8601",
        },
        "create": {
            "method": "POST",
            "path": "/t",
            "json": {"text": "{description}"},
            "success": [200],
            "fields": {"id": "/nr", "secret": "/value"},
        },
        "delete": {"method": "DELETE", "path": "/t/{id}", "success": [204]},
    },
}


def made(*entries: Any, session: RecordedSession = RECORDED) -> Draft:
    """Draft a map from a recording of these entries."""
    return draft(json.dumps({"log": {"entries": entries}}), session)


def listing(*rows: Any) -> dict[str, Any]:
    """Return the entry of a list with these rows."""
    return entry("GET", "/t", answer={"rows": rows}, cookies=BOTH)


@pytest.mark.parametrize("product", ["sensor", "forescout"])
def test_a_recording_of_chromium_becomes_the_lab_s_true_map(product: str) -> None:
    entered = json.loads((KEPT / "values.json").read_text())[product]
    true = json.loads((KEPT / "maps.json").read_text())[product]
    found = draft((KEPT / f"{product}.har").read_text(), RecordedSession(product, **entered))
    if product == "sensor":
        del true["tokens"]["delete"]
        true["login"]["logout"]["success"] = [200]
        assert [each.partition(":")[0] for each in found.missing] == ["tokens.delete"]
    else:
        assert found.missing == []
    versions = entered.get("version", "unknown")
    assert found.endpoints == {**true, "provenance": "captured", "versions": versions}
    check_endpoint_map(yaml.safe_load(found.text()))


def test_a_complete_recording_gives_a_complete_map() -> None:
    found = made(*ENTRIES)
    assert found.missing == []
    assert found.endpoints == DRAFTED
    assert yaml.safe_load(found.text()) == DRAFTED
    check_endpoint_map(found.endpoints)


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
    assert f"# Missing: {part}: " in found.text()


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
    assert "tokens.list.fields.used: it is one of /ends, /last; add the right one" in found.missing


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
    assert any(each.startswith("tokens.list.fields.id: it is one of /nr, /rank") for each in unproved.missing)


def test_a_deletion_may_name_the_token_in_its_body() -> None:
    delete = entry("POST", "/t/remove", {"which": [7]}, {}, headers=X_CSRF, cookies=BOTH)
    found = made(PAGE, LOGIN, CREATE, LIST, delete)
    assert found.endpoints["tokens"]["delete"]["json"] == {"which": ["{id}"]}
    message = "tokens.delete: POST /t/remove seems to delete the token; check that it does"
    assert found.missing == [message]


def test_the_method_delete_is_preferred_to_a_write_that_only_names_the_token() -> None:
    seen = entry("POST", "/seen", {"token": 7}, {}, headers=X_CSRF, cookies=BOTH)
    assert made(PAGE, LOGIN, CREATE, seen, LIST, DELETE, LOGOUT).endpoints == DRAFTED


def test_a_fault_that_the_loader_would_refuse_is_listed_as_missing() -> None:
    listed = entry("GET", "/t/0d9c2f1e-77aa-4c1b-9f00-aa11bb22cc33", answer=[OLD, ROW], cookies=BOTH)
    (message,) = made(PAGE, LOGIN, CREATE, listed, DELETE).missing
    assert message.startswith(
        "tokens.list.path: a map must not contain secrets, and a part of this path looks"
    )


def test_a_bearer_login_is_identified_by_a_later_header_with_its_token() -> None:
    bearer = "0auth-t0ken-of-some-length"
    login = entry("POST", "/in", f"u=ada&p={PASSWORD.replace('!', '%21')}&kind=pw", {"a": {"t": bearer}})
    later = {"Authorization": f"Token {bearer}"}
    create = entry("POST", "/t", {"text": "Forescout"}, {"value": TOKEN}, headers=later)
    found = made(login, create, entry("GET", "/t", answer=[ROW], headers=later))
    assert found.endpoints["login"] == {
        "kind": "bearer",
        "request": {
            "method": "POST",
            "path": "/in",
            "form": {"u": "{username}", "p": "{password}", "kind": "pw"},
            "success": [200],
        },
        "token": "/a/t",
        "header": "Token {token}",
    }
    assert "items" not in found.endpoints["tokens"]["list"]


def test_a_refused_login_is_ignored() -> None:
    refused = copy.deepcopy(LOGIN)
    refused["response"]["status"] = 403
    assert made(PAGE, LOGIN, refused, CREATE, LIST, DELETE, LOGOUT).endpoints == DRAFTED


def test_a_recording_without_cookies_is_recognised() -> None:
    def sanitized(each: Any) -> Any:
        made = copy.deepcopy(each)
        made["request"]["headers"] = [h for h in made["request"]["headers"] if h["name"] != "cookie"]
        made["response"]["headers"] = []
        return made

    found = made(*map(sanitized, ENTRIES))
    (why,) = [each for each in found.missing if each.startswith("login.session_cookie: ")]
    assert "the browser omitted all cookies" in why


def test_two_candidates_for_the_session_cookie_are_named() -> None:
    login = copy.deepcopy(LOGIN)
    login["response"]["headers"].append({"name": "Set-Cookie", "value": "zone=eu-west"})
    later = [copy.deepcopy(each) for each in (CREATE, LIST)]
    for each in later:
        each["request"]["headers"][-1]["value"] += "; zone=eu-west"
    found = made(PAGE, login, *later)
    assert "login.session_cookie: it is one of sid, zone; add the right one" in found.missing


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
    assert operation["path"] == "/t?view=all"
    assert operation["json"] == {"text": "{description}", "key": {}, "list": []}
    assert operation["headers"] == {"X-Requested-With": "XMLHttpRequest"}
    assert not [value for value in (SESSION, CSRF, PASSWORD, TOKEN) if value in found.text()]
    left_out = [each for each in found.missing if each.startswith("POST /t: the field ")]
    assert len(left_out) == 3


def test_a_secret_that_cannot_be_left_out_is_an_error() -> None:
    listed = entry("GET", f"/t/{SESSION}", answer=[ROW], cookies=BOTH)
    with pytest.raises(InvalidOptions, match="the draft would contain a secret of the recording"):
        made(PAGE, LOGIN, CREATE, listed)


def test_a_password_that_is_also_a_word_is_listed() -> None:
    login = entry("POST", "/in", "u=ada&p=password&grant=password", {"t": "0auth-t0ken"})
    found = made(
        login,
        CREATE,
        LIST,
        session=RecordedSession("sensor", "ada", "password", TOKEN, description="Forescout"),
    )
    assert any(
        each.startswith("login.request: several fields contain the password's text") for each in found.missing
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is not a HAR file"),
        ("[]", "the file is not a HAR file"),
        ('{"log": {"entries": [{}]}}', "the file is not a HAR file"),
        ('{"log": {"entries": []}}', "the HAR file contains no JSON answer"),
        (json.dumps({"log": {"entries": [PAGE]}}), "the HAR file contains no JSON answer"),
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
    assert made(PAGE, LOGIN, CREATE, listed, DELETE, LOGOUT).endpoints == DRAFTED
