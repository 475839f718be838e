# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A drafted request is sent as the browser sent it, or the draft names what is left out."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.plugin_utils._endpoint_maps.drafting.session import (
    RecordedSession,
)
from ansible_collections.otsec.defender_iot.tests.unit.endpoint_maps.entries import (
    BOTH,
    CREATE,
    DELETE,
    GONE,
    LIST,
    LOGIN,
    OLD,
    ORIGIN,
    PAGE,
    PASSWORD,
    RECORDED,
    ROW,
    TOKEN,
    X_CSRF,
    entry,
    made,
)


def write(
    path: str, sent: Any = None, answer: Any = None, method: str = "POST", **headers: str
) -> dict[str, Any]:
    """Make the entry of a request that writes."""
    return entry(method, path, sent, answer or {}, headers={**X_CSRF, **headers}, cookies=BOTH)


def creating(sent: Any, **headers: str) -> Any:
    """Draft a map from a recording that creates a token so."""
    create = write("/t", {"text": "Forescout", **sent}, {"nr": 7, "value": TOKEN}, **headers)
    return made(PAGE, LOGIN, create, LIST, DELETE, GONE)


SEVERAL = {
    "shown by a second request": [
        write("/t", {"text": "Forescout"}, {"nr": 7}),
        write("/t/7/show", {}, {"value": TOKEN}),
    ],
    "made first and saved then": [
        write("/generate", {}, {"value": TOKEN}),
        write("/t", {"text": "Forescout", "value": TOKEN}, {"nr": 7}),
    ],
}


@pytest.mark.parametrize("requests", SEVERAL.values(), ids=SEVERAL)
def test_a_creation_in_several_requests_is_not_drafted(requests: Any) -> None:
    found = made(PAGE, LOGIN, GONE, *requests, LIST, DELETE, GONE)
    assert "create" not in found.endpoints["tokens"]
    assert found.endpoints["tokens"]["delete"]["path"] == "/t/{id}"
    assert not [each for each in found.found if each.startswith("tokens.create")]
    assert any("POST /t sends the description: it takes several requests" in each for each in found.missing)


def test_the_version_of_the_token_that_is_deleted_is_read_just_before() -> None:
    read = entry("GET", "/t/7", answer=ROW, cookies=BOTH)
    read["response"]["headers"].append({"name": "ETag", "value": '"5f3a9c1b7d2e"'})
    delete = write("/t/7", method="DELETE", **{"If-Match": '"5f3a9c1b7d2e"'})
    found = made(PAGE, LOGIN, CREATE, LIST, read, delete, GONE)
    assert found.missing == []
    operation = found.endpoints["tokens"]["delete"]
    assert operation["headers"]["If-Match"] == "{etag}"
    assert operation["before"] == [
        {"method": "GET", "path": "/t/{id}", "success": [200], "capture": {"etag": {"header": "etag"}}}
    ]


@pytest.mark.parametrize("key", ["17642294", "0b9f8c1e-7a54-4f0a-9d1b-5a6c7e8f9012"])
def test_a_value_that_is_new_in_each_request_is_left_out_and_named(key: str) -> None:
    found = creating({"nonce": "abc"}, **{"Idempotency-Key": key})
    assert "Idempotency-Key" not in found.endpoints["tokens"]["create"]["headers"]
    assert found.endpoints["tokens"]["create"]["json"] == {"text": "{description}"}
    assert [each.partition(", which")[0] for each in found.missing] == [
        'tokens.create: POST /t sends the header "Idempotency-Key"',
        'tokens.create: POST /t sends the field "nonce"',
    ]


def test_a_time_of_the_recording_is_named() -> None:
    found = creating({"expires": "2026-12-01T00:00:00Z", "made": 1793614500, "days": 30})
    assert [each.partition(", which")[0] for each in found.missing] == [
        'tokens.create: POST /t sends the field "expires", a time of the recording',
        'tokens.create: POST /t sends the field "made", a time of the recording',
    ]


def test_headers_for_tracing_are_left_out_without_a_word() -> None:
    tracing = {
        "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "X-Correlation-ID": "a1b2c3d4e5f6",
    }
    found = creating({}, **tracing)
    assert found.missing == []
    assert set(found.endpoints["tokens"]["create"]["headers"]) == {"x-csrf"}


def test_a_header_that_is_the_same_in_all_requests_is_named_once() -> None:
    device = {"X-Device-Id": "5f3a9c1b7d2e4a6b"}
    create = write("/t", {"text": "Forescout"}, {"nr": 7, "value": TOKEN}, **device)
    found = made(PAGE, LOGIN, create, LIST, write("/t/7", method="DELETE", **device), GONE)
    assert [each.partition(", which")[0] for each in found.missing] == [
        'tokens.create: POST /t sends the header "X-Device-Id"'
    ]


OUT = {
    # how the operator signs out: (the request, the path of the logout in the map)
    "nothing but its name": (write("/account/sign-out", {}), "/account/sign-out"),
    "a word in the body": (write("/rpc", {"method": "auth.logout"}), "/rpc"),
    "a value of the login": (entry("GET", "/logout?t=a1b2c3d4e5f6a7b8", cookies=BOTH), "/logout?t={t}"),
}


@pytest.mark.parametrize(("logout", "path"), OUT.values(), ids=OUT)
def test_a_logout_is_drafted(logout: Any, path: str) -> None:
    login = entry(
        "POST",
        "/in",
        {"who": "ada", "pw": PASSWORD},
        {"t": "a1b2c3d4e5f6a7b8"},
        headers=X_CSRF,
        cookies=BOTH.partition(";")[0],
        sets="sid=s3ss10n-c00k1e",
    )
    found = made(PAGE, login, CREATE, LIST, DELETE, GONE, logout)
    assert found.missing == []
    assert found.endpoints["login"]["logout"]["path"] == path
    assert ("t" in found.endpoints["login"]["steps"][-1]["capture"]) == ("{t}" in path)


def test_a_logout_that_needs_a_request_of_its_own_is_named() -> None:
    token = entry("GET", "/once", answer={"one_time": "a1b2c3d4e5f6a7b8"}, cookies=BOTH)
    logout = write("/logout", {"once": "a1b2c3d4e5f6a7b8"})
    found = made(PAGE, LOGIN, CREATE, LIST, DELETE, GONE, token, logout)
    assert "logout" not in found.endpoints["login"]
    assert not [each for each in found.endpoints["tokens"].values() if "capture" in each]
    assert found.missing == [
        "login.logout: POST /logout seems to sign out, and sends what the login does not give; the map "
        "leaves it out, so sessions end by the appliance's own time limit"
    ]


FORMS = [
    lambda text: text[::-1],
    lambda text: text[:8],
    lambda text: f"x-{text[3:]}",
    lambda text: base64.b64encode(text.encode("utf-16-le")).decode(),
    lambda text: base64.b85encode(text.encode()).decode(),
    lambda text: base64.a85encode(text.encode()).decode(),
    lambda text: base64.b32encode(text.encode()).decode(),
]


@pytest.mark.parametrize("form", FORMS)
def test_the_password_is_in_a_draft_in_no_form(form: Any) -> None:
    found = creating({"pad": form(PASSWORD)})
    assert found.endpoints["tokens"]["create"]["json"] == {"text": "{description}"}
    assert any('sends the field "pad"' in each for each in found.missing)


def test_a_login_on_another_port_is_no_single_sign_on() -> None:
    def moved(entries: list[Any]) -> list[Any]:
        return [
            {
                **each,
                "request": {
                    **each["request"],
                    "url": each["request"]["url"].replace(ORIGIN, f"{ORIGIN}:8443"),
                },
            }
            for each in entries
        ]

    found = made(PAGE, LOGIN, *moved([CREATE, LIST, DELETE, GONE]))
    assert found.missing[0].startswith(
        "login: the password was sent to sensor.example, but all other requests to sensor.example:8443; "
    )


def test_a_list_from_the_browser_s_cache_without_content_is_reported() -> None:
    cached = entry("GET", "/t?view=all", status=304, cookies=BOTH)
    del cached["response"]["content"]["text"]
    found = made(PAGE, LOGIN, GONE, CREATE, cached)
    assert any(
        "the answer to GET /t came from the browser's cache without its content" in each
        for each in found.missing
    )


@pytest.mark.parametrize("answer", ["<td>Forescout</td>", ')]}\',\n[{"text": "Forescout"}]'])
def test_a_list_that_is_not_json_is_reported(answer: str) -> None:
    found = made(PAGE, LOGIN, CREATE, entry("GET", "/t", answer=answer, cookies=BOTH))
    assert "tokens.list: GET /t has the description, and its answer is not JSON" in found.missing[0]


SETTINGS = RecordedSession("forescout", "ada", PASSWORD, TOKEN, server_address="192.0.2.11")
BOTH_SENT = {"address": "192.0.2.11", "token": TOKEN}


def test_a_test_of_the_connection_is_no_change_of_the_settings() -> None:
    read = entry("GET", "/module", answer={"address": "192.0.2.11"}, cookies=BOTH)
    tested, changed = write("/module/test", BOTH_SENT), write("/module", BOTH_SENT, method="PUT")
    found = made(PAGE, LOGIN, tested, changed, read, tested, session=SETTINGS)
    assert found.missing == []
    assert found.endpoints["settings"]["update"]["path"] == "/module"
    elsewhere = entry("GET", "/state", answer={"address": "192.0.2.11"}, cookies=BOTH)
    found = made(PAGE, LOGIN, tested, changed, elsewhere, session=SETTINGS)
    assert "update" not in found.endpoints["settings"]
    assert found.missing[0].startswith(
        "settings.update: each of POST /module/test, PUT /module sends the server address and the token"
    )


READ = entry("GET", "/module", answer={"address": "192.0.2.11"}, cookies=BOTH)
STATE = entry("GET", "/state", answer={"address": "192.0.2.11"}, cookies=BOTH)
LOG = entry("GET", "/log", answer=[{"address": "192.0.2.11"}], cookies=BOTH)
PEER = entry("GET", "/peer", answer={"connected": "192.0.2.11"}, cookies=BOTH)
POSTED = write("/shown", {}, {"address": "192.0.2.11"})
CHANGED = write("/applied", BOTH_SENT)


@pytest.mark.parametrize(
    ("entries", "path"),
    [
        ([CHANGED, STATE, PEER], "/state"),
        ([CHANGED, STATE, LOG], "/state"),
        ([CHANGED, LOG], "/log"),
        ([write("/module", BOTH_SENT), READ, STATE], "/module"),
        ([POSTED, CHANGED, POSTED], "/shown"),
        ([STATE, CHANGED], "/state"),
    ],
    ids=["the field's name", "no log", "only a log", "the path of the change", "a post before too", "before"],
)
def test_settings_are_read_by_the_request_most_like_the_change(entries: list[Any], path: str) -> None:
    found = made(PAGE, LOGIN, *entries, session=SETTINGS)
    assert found.missing == []
    assert found.endpoints["settings"]["read"]["path"] == path


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        (
            [CHANGED, STATE, READ],
            "settings.read: the settings may be read by any of GET /module, GET /state, and nothing proves",
        ),
        ([CHANGED, POSTED], "settings.read: only POST /shown answers with the server address, by a method"),
    ],
    ids=["several", "a post after the change"],
)
def test_settings_are_not_read_by_a_request_that_nothing_proves(entries: list[Any], said: str) -> None:
    found = made(PAGE, LOGIN, *entries, session=SETTINGS)
    assert "read" not in found.endpoints["settings"]
    assert found.missing[0].startswith(said)


APPLY = write("/apply", {})
IN_TEXT = entry("GET", "/module", answer={"url": "https://192.0.2.11/"}, cookies=BOTH)
BY_XML = entry("PUT", "/module", "x", headers=X_CSRF, cookies=BOTH)
BY_XML["request"]["postData"] = {"mimeType": "text/xml", "text": f"<s><a>192.0.2.11</a><t>{TOKEN}</t></s>"}


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ([CHANGED, APPLY, READ], "settings.update: after POST /applied, POST /apply was sent"),
        ([APPLY, CHANGED, APPLY, READ], ""),
        (
            [write("/a", {"v": "192.0.2.11"}), write("/b", {"v": TOKEN}), READ],
            "settings.update: POST /a sends the server address, and POST /b the token",
        ),
        (
            [write("/a", {"u": "https://192.0.2.11/", "t": TOKEN}), READ],
            "settings.update: POST /a has the server address only inside a longer text",
        ),
        ([CHANGED, IN_TEXT], "settings.read: GET /module has the server address only inside a longer text"),
        ([BY_XML, READ], "settings.update: PUT /module sends a body that is neither JSON nor a form"),
        ([write("/a", {"v": "192.0.2.11"}), READ], "settings.update: no request sends both"),
        ([CHANGED], "settings.read: no request that only reads answers with the server address"),
    ],
)
def test_what_a_map_of_settings_lacks_is_named(entries: list[Any], said: str) -> None:
    found = made(PAGE, LOGIN, *entries, session=SETTINGS)
    assert [each.startswith(said) for each in found.missing] == ([True] if said else [])


def rpc(number: int, method: str, params: Any, answer: Any) -> dict[str, Any]:
    """Return the entry of a call by JSON-RPC."""
    return write("/rpc", {"id": number, "method": method, "params": params}, {"result": answer})


def test_a_test_of_the_connection_by_json_rpc_is_no_change() -> None:
    opened = [rpc(number, "get", {}, {"address": "192.0.2.11"}) for number in (2, 5)]
    changed, tested = (rpc(number, name, BOTH_SENT, True) for number, name in ((3, "applied"), (4, "tested")))
    found = made(PAGE, LOGIN, opened[0], changed, opened[1], session=SETTINGS)
    assert found.missing == []
    assert found.endpoints["settings"]["read"]["json"]["method"] == "get"
    found = made(PAGE, LOGIN, opened[0], changed, tested, opened[1], session=SETTINGS)
    assert "update" not in found.endpoints["settings"]
    assert "one may only test them" in found.missing[0]


def test_settings_that_were_not_recorded_are_named() -> None:
    found = made(PAGE, LOGIN, CREATE, session=SETTINGS)
    assert [each.partition(":")[0] for each in found.missing] == ["settings.update", "settings.read"]


def test_a_fault_of_the_draft_is_named_if_nothing_else_is() -> None:
    session = replace(RECORDED, version="as delivered")
    listed = [
        entry("GET", "/t?view=all", answer={"version": "as delivered", "rows": rows}, cookies=BOTH)
        for rows in ([OLD, ROW], [OLD])
    ]
    found = made(PAGE, LOGIN, CREATE, listed[0], DELETE, listed[1], session=session)
    assert found.missing == [
        "versions: an answer contains the version, but these versions cannot be compared with it; "
        "correct this part of the drafted map"
    ]


def test_a_number_that_each_request_has_anew_is_left_out_without_a_word() -> None:
    tabs = [f"0b9f8c1e-7a54-4f0a-9d1b-5a6c7e8f901{number}" for number in (2, 3)]
    create = write("/t", {"text": "Forescout"}, {"nr": 7, "value": TOKEN}, **{"X-Tab": tabs[0]})
    found = made(PAGE, LOGIN, create, LIST, write("/t/7", method="DELETE", **{"X-Tab": tabs[1]}), GONE)
    assert found.missing == []
    assert set(found.endpoints["tokens"]["create"]["headers"]) == {"x-csrf"}


def test_the_user_name_in_a_path_stays_as_it_is() -> None:
    login = entry(
        "POST",
        "/users/ada/in",
        {"who": "ada", "pw": PASSWORD},
        {},
        headers=X_CSRF,
        cookies=BOTH.partition(";")[0],
        sets="sid=s3ss10n-c00k1e",
    )
    found = made(PAGE, login, CREATE, LIST, DELETE, GONE)
    assert found.endpoints["login"]["steps"][-1]["path"] == "/users/ada/in"


@pytest.mark.parametrize(
    ("used", "said"),
    [
        ("02/03/2026 10:15", 'the times of use are text that fits "%m/%d/%Y %H:%M" and "%d/%m/%Y %H:%M"'),
        ("tick 4711", "the times of use have no format that is known here"),
        ([2026, 11, 22, 10, 15], "the times of use have no format that is known here"),
    ],
)
def test_times_of_use_in_an_unclear_format_are_named(used: Any, said: str) -> None:
    rows = [{**OLD, "last": used}, {**ROW, "last": None} if isinstance(used, list) else ROW]
    never = "null" if isinstance(used, list) else "N/A"
    listed = entry("GET", "/t", answer={"rows": rows}, cookies=BOTH)
    found = made(PAGE, LOGIN, CREATE, listed, session=replace(RECORDED, never_used=never))
    assert any(said in each for each in found.missing)


@pytest.mark.parametrize("scheme", ["Negotiate", "NTLM", "Digest"])
def test_a_sign_in_by_the_browser_is_named(scheme: str) -> None:
    sent = {"Authorization": f"{scheme} YIIJvwYGKwYBBQUCoIIJszCCCa"}
    create = entry("POST", "/t", {"text": "Forescout"}, {"nr": 7, "value": TOKEN}, headers=sent)
    found = made(create, entry("GET", "/t", answer={"rows": [OLD, ROW]}, headers=sent))
    assert any(each.startswith(f"login: POST /t signs in by {scheme}, which") for each in found.missing)


@pytest.mark.parametrize(("path", "is_logout"), [("/in/4711", True), ("/in", True), ("/inside/4711", False)])
def test_a_deletion_of_what_the_login_made_is_the_logout(path: str, is_logout: bool) -> None:
    out = entry("DELETE", path, status=204, headers=X_CSRF, cookies=BOTH)
    found = made(PAGE, LOGIN, CREATE, LIST, DELETE, GONE, out)
    assert ("logout" in found.endpoints["login"]) == is_logout


def test_headers_to_a_proxy_are_left_out_without_a_word() -> None:
    found = creating({}, **{"Proxy-Authorization": "Basic cHJveHk6cHc="})
    assert found.missing == []
    assert set(found.endpoints["tokens"]["create"]["headers"]) == {"x-csrf"}


def test_a_cookie_in_quotes_is_sent_without_them() -> None:
    page = entry("GET", "/start", answer="<html>", sets='mark="a1-b2-c3-d4"; Path=/')
    create = write("/t", {"text": "Forescout"}, {"nr": 7, "value": TOKEN}, **{"X-Mark": "a1-b2-c3-d4"})
    found = made(page, PAGE, LOGIN, create, LIST, DELETE, GONE)
    assert found.endpoints["tokens"]["create"]["headers"]["X-Mark"] == "{mark}"
    assert {"cookie": "mark", "decode": "quotes"} in [
        each for step in found.endpoints["login"]["steps"] for each in step.get("capture", {}).values()
    ]
