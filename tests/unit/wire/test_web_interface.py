# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An appliance's own web interface, as an endpoint map describes it: logins and operations."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import (
    ApplianceError,
    InvalidOptions,
    Refused,
    Unsupported,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._wire.web_interface import (
    WebInterface,
    fill,
    fill_path,
    require_login,
)
from ansible_collections.otsec.defender_iot.tests.unit.fakes import Wire, answer, raising

USER = {"token": None, "username": "u", "password": "p"}
TOKEN = {"token": "t", "username": None, "password": None}
NO_CREDENTIALS = dict.fromkeys(USER)
LIST = {"method": "GET", "path": "/tokens", "success": [200], "items": "/rows", "never_used": "N/A"}
FIELDS = {"id": "/id", "used": "/last/used"}
GROUP = {
    "list": {**LIST, "fields": FIELDS},
    "create": {
        "method": "POST",
        "path": "/tokens",
        "json": {"d": "{description}"},
        "success": [201],
        "fields": {"secret": "/value"},
    },
    "delete": {"method": "DELETE", "path": "/tokens/{id}", "success": [204]},
    "submit": {"method": "POST", "path": "/form", "form": {"d": "{description}"}, "success": [200]},
}
SIGN_IN = {
    "method": "POST",
    "path": "/login",
    "json": {"u": "{username}", "p": "{password}"},
    "success": [200],
}
PAGE = {"method": "GET", "path": "/", "success": [200], "capture": {"csrf": {"cookie": "csrf"}}}
WITH_CSRF = {"headers": {"X-CSRF": "{csrf}"}}
LOGINS = {
    "token": {"steps": [], "headers": {"Authorization": "Token {token}"}},
    "basic": {"steps": [], "headers": {"Authorization": "Basic {basic}"}},
    "bearer": {
        "steps": [{**SIGN_IN, "capture": {"access": "/access"}}],
        "headers": {"Authorization": "Bearer {access}"},
    },
    "cookies": {
        "steps": [PAGE, {**SIGN_IN, **WITH_CSRF, "capture": {"session": {"cookie": "session"}}}],
        "headers": {"X-CSRF": "{csrf}"},
        "logout": {"method": "POST", "path": "/logout", "success": [200]},
    },
}


def web(wire: Wire, login: str = "token", params: Any = None) -> WebInterface:
    """Open a web interface over a wire in memory."""
    endpoints = {"product": "sensor", "login": LOGINS[login], "tokens": GROUP}
    return WebInterface(wire, {**(params or TOKEN), "endpoint_map": endpoints})


@pytest.mark.parametrize(
    ("login", "params"),
    [
        ("token", TOKEN),
        ("bearer", USER),
        ("cookies", USER),
        ("basic", USER),
        ("token", {**USER, "token": "t"}),
    ],
)
def test_a_map_is_accepted_with_what_its_login_needs(login: str, params: Any) -> None:
    endpoints = {"product": "sensor", "login": LOGINS[login]}
    require_login("sensor", {**params, "endpoint_map": endpoints})


@pytest.mark.parametrize(
    ("login", "params", "missing"),
    [
        ("token", USER, "token; set token"),
        ("bearer", TOKEN, "username and password; set username and password"),
        ("basic", TOKEN, "username and password; set username and password"),
        ("cookies", {**USER, "password": ""}, "username and password; set password"),
        ("cookies", NO_CREDENTIALS, "username and password; set username and password"),
    ],
)
def test_a_login_without_its_options_is_refused(login: str, params: Any, missing: str) -> None:
    with pytest.raises(InvalidOptions) as caught:
        require_login("sensor", {**params, "endpoint_map": {"product": "sensor", "login": LOGINS[login]}})
    assert str(caught.value) == f"the endpoint map logs in with {missing}"


def test_values_fill_the_placeholders_of_a_path() -> None:
    assert fill_path("/x/{id}/{name}.json", {"id": 7, "name": "a/b", "other": ".."}) == "/x/7/a%2Fb.json"


@pytest.mark.parametrize(
    ("id_", "says"),
    [("..", "leads to another"), (".", "leads to another"), ("", "leads to another"), (None, "needs id")],
)
def test_an_id_that_leads_to_another_path_is_not_used(id_: Any, says: str) -> None:
    wire = Wire()
    with pytest.raises(Unsupported, match=says):
        web(wire).write("tokens", "delete", {"id": id_})
    assert wire.requests == []


def test_a_map_of_another_product_is_refused() -> None:
    with pytest.raises(InvalidOptions, match="the endpoint map is for a forescout, not for a sensor"):
        require_login("sensor", {**TOKEN, "endpoint_map": {"product": "forescout", "login": LOGINS["token"]}})


def test_rows_have_the_names_of_the_map_and_never_used_is_none() -> None:
    rows = [{"id": 1, "last": {"used": "N/A"}}, {"id": "N/A", "last": {"used": "now"}}]
    wire = Wire(answer(200, {"rows": rows}))
    assert web(wire).listed("tokens") == [{"id": 1, "used": None}, {"id": "N/A", "used": "now"}]
    assert wire.contents == [{"headers": {"Authorization": "Token t"}}]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"rows": {}}, 'the pointer "/rows" finds no list in it'),
        ({"row": []}, 'the pointer "/rows" finds nothing in it'),
        ([], 'the pointer "/rows" finds nothing in it'),
        ({"rows": [{"id": 1}]}, 'the pointer "/last/used" finds nothing in it'),
        ({"rows": ["text"]}, 'the pointer "/id" finds nothing in it'),
    ],
)
def test_an_answer_that_the_map_does_not_fit_is_an_error(body: Any, said: str) -> None:
    with pytest.raises(ApplianceError) as caught:
        web(Wire(answer(200, body))).listed("tokens")
    assert caught.value.why == f"the answer does not fit the endpoint map: {said}"


def test_without_a_pointer_the_answer_itself_has_to_be_the_list() -> None:
    rows = {name: part for name, part in GROUP["list"].items() if name != "items"}
    endpoints = {"product": "sensor", "login": LOGINS["token"], "tokens": {"list": rows}}
    wire = Wire(answer(200, []), answer(200, {"rows": []}))
    interface = WebInterface(wire, {**TOKEN, "endpoint_map": endpoints})
    assert interface.listed("tokens") == []
    with pytest.raises(ApplianceError, match='the pointer "" finds no list in it'):
        interface.listed("tokens")


@pytest.mark.parametrize(
    ("status", "error", "said"),
    [
        (401, Refused, "the account is not allowed to do this"),
        (403, Refused, "the account is not allowed to do this"),
        (404, ApplianceError, "the endpoint map does not expect this status"),
        (201, ApplianceError, "the endpoint map does not expect this status"),
        (500, ApplianceError, "the endpoint map does not expect this status"),
    ],
)
def test_a_status_that_the_map_does_not_list_is_an_error(status: int, error: type, said: str) -> None:
    with pytest.raises(ApplianceError) as caught:
        web(Wire(answer(status, {"rows": []}))).listed("tokens")
    assert (type(caught.value), caught.value.why, caught.value.status) == (error, said, status)


def test_an_operation_sends_its_template_and_picks_its_fields() -> None:
    wire = Wire(answer(201, {"value": "s3cr3t"}))
    assert web(wire).write("tokens", "create", {"description": "d"}) == {"secret": "s3cr3t"}
    assert (wire.requests, wire.contents[0]["json"]) == ([("POST", "/tokens")], {"d": "d"})


def test_a_form_is_sent_as_a_form() -> None:
    wire = Wire(answer(200))
    assert web(wire).write("tokens", "submit", {"description": "d"}) == {}
    assert wire.contents[0]["data"] == {"d": "d"}
    assert "json" not in wire.contents[0]


def test_values_in_a_path_are_quoted() -> None:
    wire = Wire(answer(204))
    web(wire).write("tokens", "delete", {"id": "a/b ?"})
    assert wire.requests == [("DELETE", "/tokens/a%2Fb%20%3F")]


@pytest.mark.parametrize(("group", "name"), [("tokens", "rename"), ("settings", "update")])
def test_an_operation_that_the_map_lacks_is_unsupported_and_no_login_is_tried(group: str, name: str) -> None:
    wire = Wire()
    with pytest.raises(Unsupported, match=f"the endpoint map has no operation {group}.{name}"):
        web(wire).write(group, name, {})
    assert wire.requests == []


def test_a_basic_login_is_a_header() -> None:
    wire = Wire(answer(200, {"rows": []}))
    web(wire, "basic", USER).listed("tokens")
    assert wire.contents == [{"headers": {"Authorization": "Basic dTpw"}}]


def test_a_bearer_login_happens_once_and_its_token_is_sent() -> None:
    wire = Wire(answer(200, {"access": "abc"}), *[answer(200, {"rows": []})] * 2)
    interface = web(wire, "bearer", USER)
    assert (interface.listed("tokens"), interface.listed("tokens")) == ([], [])
    assert wire.requests == [("POST", "/login"), ("GET", "/tokens"), ("GET", "/tokens")]
    assert wire.contents[0]["json"] == {"u": "u", "p": "p"}
    assert wire.contents[2]["headers"] == {"Authorization": "Bearer abc"}


def signed_in(wire: Wire, **set_by: dict[str, str]) -> Wire:
    """Have the wire's answers set cookies, by the path that is called."""
    plain = wire.request

    def request(method: str, path: str, **content: Any) -> Any:
        wire.cookies.update(set_by.get(path.strip("/") or "page", {}))
        return plain(method, path, **content)

    wire.request = request
    return wire


def test_a_cookie_login_is_known_by_its_cookie_and_a_cookie_is_sent_as_it_is_now() -> None:
    wire = signed_in(
        Wire(answer(200), answer(200), answer(204), answer(200)),
        page={"csrf": "first"},
        login={"session": "s", "csrf": "second"},
    )
    interface = web(wire, "cookies", USER)
    interface.write("tokens", "delete", {"id": 1})
    interface.close()
    paths = [path for _method, path in wire.requests]
    assert paths == ["/", "/login", "/tokens/1", "/logout"]
    assert wire.contents[1]["headers"]["X-CSRF"] == "first"
    assert [content["headers"]["X-CSRF"] for content in wire.contents[2:]] == ["second"] * 2
    assert wire.contents[2]["headers"]["Origin"] == Wire.url
    assert wire.closed


@pytest.mark.parametrize(
    ("login", "wire"),
    [
        ("bearer", Wire(answer(401))),
        ("bearer", Wire(answer(200, {"error": "no"}))),
        ("bearer", Wire(answer(200, "<html>"))),
        ("cookies", Wire(answer(200), answer(200), cookies={"csrf": "c"})),
        ("cookies", Wire(answer(200), answer(200), cookies={"csrf": "c", "session": "as before"})),
    ],
    ids=["status", "no token", "no JSON", "no session cookie", "the cookie from before"],
)
def test_a_refused_login_is_not_tried_again(login: str, wire: Wire) -> None:
    with pytest.raises(Refused, match="the login is not retried") as caught:
        web(wire, login, USER).listed("tokens")
    assert caught.value.attempt == 'logging in as "u"'
    assert wire.answers == []


def test_a_page_that_fails_is_no_refused_login() -> None:
    with pytest.raises(ApplianceError, match="the endpoint map does not expect this status") as caught:
        web(Wire(answer(500)), "cookies", USER).listed("tokens")
    assert (type(caught.value), caught.value.path) == (ApplianceError, "/")


def test_closing_without_a_login_only_closes_the_connection() -> None:
    wire = Wire()
    web(wire, "cookies", USER).close()
    assert (wire.requests, wire.closed) == ([], True)


def test_a_failing_logout_does_not_hide_the_result() -> None:
    wire = signed_in(Wire(answer(200), answer(200), answer(204)), page={"csrf": "c"}, login={"session": "s"})
    interface = web(wire, "cookies", USER)
    interface.write("tokens", "delete", {"id": 1})
    wire.request = raising(ApplianceError("gone", "wait"))
    interface.close()
    assert wire.closed


@pytest.mark.parametrize(
    ("value", "form"),
    [
        ("N/A", "iso8601"),
        (None, "epoch_seconds"),
        (True, "epoch_seconds"),
        ([], "epoch_seconds"),
        ("x", "%Y"),
        (1e30, "epoch_seconds"),
    ],
)
def test_a_value_in_another_format_is_an_error_that_names_never_used(value: Any, form: str) -> None:
    rows = {**GROUP["list"], "used_format": form, "never_used": "never"}
    endpoints = {"product": "sensor", "login": LOGINS["token"], "tokens": {"list": rows}}
    wire = Wire(answer(200, {"rows": [{"id": 1, "last": {"used": value}}]}))
    with pytest.raises(ApplianceError, match="set never_used if this value means"):
        WebInterface(wire, {**TOKEN, "endpoint_map": endpoints}).listed("tokens")


@pytest.mark.parametrize("version", ["24.1.5", "25.0"])
def test_an_appliance_of_another_version_is_refused_before_anything_is_written(version: str) -> None:
    rows = {**GROUP["list"], "version": "/about/version"}
    endpoints = {"login": LOGINS["token"], "versions": "24.1", "tokens": {"list": rows}}
    wire = Wire(answer(200, {"rows": [], "about": {"version": version}}))
    interface = WebInterface(wire, {**TOKEN, "endpoint_map": endpoints})
    if version == "24.1.5":
        assert interface.listed("tokens") == []
        return
    with pytest.raises(Unsupported, match=r"for versions 24\.1, and the appliance runs 25\.0"):
        interface.listed("tokens")


def test_a_version_that_the_answer_to_a_write_tells_is_too_late_for_a_refusal() -> None:
    create = {**GROUP["create"], "version": "/about/version"}
    endpoints = {"login": LOGINS["token"], "versions": "24.1", "tokens": {"create": create}}
    wire = Wire(answer(201, {"about": {"version": "25.0"}}))
    with pytest.raises(ApplianceError, match=r"the appliance runs 25\.0") as caught:
        WebInterface(wire, {**TOKEN, "endpoint_map": endpoints}).write(
            "tokens", "create", {"description": "a"}
        )
    assert not isinstance(caught.value, (Refused, Unsupported))


def test_the_headers_of_an_operation_are_sent() -> None:
    rows = {**GROUP["list"], "fields": {}, "headers": {"X-Requested-With": "XMLHttpRequest"}}
    endpoints = {"login": LOGINS["token"], "tokens": {"list": rows}}
    wire = Wire(answer(200, {"rows": []}))
    WebInterface(wire, {**TOKEN, "endpoint_map": endpoints}).listed("tokens")
    assert wire.contents == [{"headers": {"Authorization": "Token t", "X-Requested-With": "XMLHttpRequest"}}]


def test_a_template_that_is_one_placeholder_keeps_the_type_of_the_value() -> None:
    assert fill({"a": "{id}", "b": "no {id}"}, {"id": 7}) == {"a": 7, "b": "no 7"}


def stepped(*steps: Any, **operation: Any) -> dict[str, Any]:
    """Return a map whose login has these steps, and whose only operation is a list."""
    rows = {"method": "GET", "path": "/t", "success": [200], "fields": {"id": "/id"}, **operation}
    return {"login": {"steps": list(steps)}, "tokens": {"list": rows}}


def step(path: str, capture: Any = None, **more: Any) -> dict[str, Any]:
    """Return one step of a login."""
    captured = {"capture": capture} if capture else {}
    return {"method": "GET", "path": path, "success": [200], **captured, **more}


CARRIERS = {
    # where an answer has the value: (the place, the answer)
    "a field": ("/a/b", answer(200, {"a": {"b": "v4lue"}})),
    "the answer itself": ("", answer(200, '"v4lue"')),
    "a header": ({"header": "X-Session"}, answer(200, **{"X-Session": "v4lue"})),
    "a meta tag": (
        {"meta": "csrf"},
        answer(200, '<meta name="other" content="x"><META name=csrf content="v4lue">'),
    ),
    "a hidden field": (
        {"input": "csrf"},
        answer(200, "<form><input type=hidden name='csrf' value='v4lue'/>"),
    ),
    "percent-encoded": ({"header": "X", "decode": "percent"}, answer(200, X="v4%6Cue")),
    "in quotes": ({"pointer": "/a", "decode": "quotes"}, answer(200, {"a": '"v4lue"'})),
    "in base64": ({"pointer": "/a", "decode": "base64"}, answer(200, {"a": "djRsdWU"})),
}


@pytest.mark.parametrize(("place", "given"), CARRIERS.values(), ids=CARRIERS)
def test_a_captured_value_goes_into_any_part_of_a_request(place: Any, given: Any) -> None:
    wire = Wire(given, answer(200, []))
    rows = {
        "path": "/s/{sid}/t?s={sid}",
        "headers": {"X-S": "is {sid}"},
        "cookies": {"c": "{sid}"},
        "json": {"deep": ["{sid}"], "text": "{{sid}}"},
    }
    WebInterface(wire, {**USER, "endpoint_map": stepped(step("/in", {"sid": place}), **rows)}).listed(
        "tokens"
    )
    assert wire.requests[1] == ("GET", "/s/v4lue/t?s=v4lue")
    assert wire.contents[1] == {
        "headers": {"X-S": "is v4lue"},
        "cookies": {"c": "v4lue"},
        "json": {"deep": ["v4lue"], "text": "{sid}"},
    }


@pytest.mark.parametrize(
    ("place", "given"),
    [
        ("/a", answer(200, {})),
        ({"header": "X"}, answer(200)),
        ({"meta": "x"}, answer(200, "<meta name='y' content='z'><input>")),
        ({"pointer": "/a", "decode": "base64"}, answer(200, {"a": "???"})),
        ({"pointer": "/a", "decode": "base64"}, answer(200, {"a": "//8"})),
    ],
)
def test_a_value_that_is_not_where_the_map_captures_it_is_an_error(place: Any, given: Any) -> None:
    with pytest.raises(ApplianceError, match="it does not contain sid, which the map captures"):
        WebInterface(Wire(given), {**USER, "endpoint_map": stepped(step("/", {"sid": place}))}).listed(
            "tokens"
        )


@pytest.mark.parametrize("cookies", [{}, {"c": "%%%"}])
def test_a_cookie_that_was_never_set_is_not_sent(cookies: Any) -> None:
    place = {"cookie": "c", "decode": "base64"}
    wire = Wire(answer(200), cookies=cookies)
    endpoints = stepped(step("/", {"sid": place}), headers={"X": "{sid}"})
    with pytest.raises(Unsupported, match="no answer so far contained sid"):
        WebInterface(wire, {**USER, "endpoint_map": endpoints}).listed("tokens")
    assert len(wire.requests) == 1


def test_a_multipart_body_and_a_redirect_that_is_an_answer() -> None:
    sign_in = step("/in", method="POST", multipart={"u": "{username}", "p": "{password}"}, success=[302])
    wire = Wire(answer(302), answer(200, []))
    WebInterface(wire, {**USER, "endpoint_map": stepped(sign_in)}).listed("tokens")
    assert wire.contents[0]["files"] == {"u": (None, "u"), "p": (None, "p")}
    assert wire.contents[0]["redirects"] == [302]
    assert "redirects" not in wire.contents[1]


def test_what_is_requested_before_an_operation_takes_its_values_and_gives_it_others() -> None:
    first = step("/new/{description}", {"nonce": {"input": "n"}})
    create = {
        "method": "POST",
        "path": "/t",
        "success": [200],
        "before": [first],
        "form": {"n": "{nonce}", "d": "{description}"},
    }
    endpoints = {"login": {"steps": []}, "tokens": {"create": create}}
    page = '<input name="n" value="once">'
    wire = Wire(answer(200, page), answer(200), answer(200, page.replace("once", "twice")), answer(200))
    interface = WebInterface(wire, {**USER, "endpoint_map": endpoints})
    for _time in range(2):
        interface.write("tokens", "create", {"description": "d"})
    assert wire.requests[:2] == [("GET", "/new/d"), ("POST", "/t")]
    assert [each["data"]["n"] for each in wire.contents if "data" in each] == ["once", "twice"]


def test_a_token_that_is_the_whole_answer_is_found() -> None:
    create = {"method": "POST", "path": "/t", "success": [200], "fields": {"secret": ""}}
    endpoints = {"login": {"steps": []}, "tokens": {"create": create}}
    interface = WebInterface(Wire(answer(200, '"t0ken"')), {**USER, "endpoint_map": endpoints})
    assert interface.write("tokens", "create", {}) == {"secret": "t0ken"}


@pytest.mark.parametrize(
    ("row", "read"),
    [({"used": "3 hours ago"}, "3 hours ago"), ({}, None), ({"used": None}, None)],
)
def test_a_time_may_be_relative_and_absent_until_the_first_use(row: Any, read: Any) -> None:
    rows = {"fields": {"used": "/used"}, "used_format": "relative", "used_may_be_absent": True}
    wire = Wire(answer(200, [row]))
    assert WebInterface(wire, {**USER, "endpoint_map": stepped(**rows)}).listed("tokens") == [{"used": read}]


@pytest.mark.parametrize(
    ("template", "filled"),
    [
        ("{tokens{{id}}}", "{tokens{id}}"),
        ("delete(input:{id:{id}})", "delete(input:{id:7})"),
        ("{{id}} {id}", "{id} 7"),
    ],
)
def test_a_name_in_double_braces_is_that_name_in_braces(template: str, filled: str) -> None:
    assert fill(template, {"id": 7}) == filled
