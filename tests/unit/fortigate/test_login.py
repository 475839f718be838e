# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The FortiGate's logins: one attempt, one session that always ends, and the headers of a write."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import (
    ApplianceError,
    InvalidOptions,
    Locked,
    Refused,
    Unreachable,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.resource import Field, Resource
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate import login
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.api import FortiGate
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.options import fortigate
from ansible_collections.otsec.defender_iot.tests.unit.fakes import CONNECTION, Wire, answer, raising

PROFILE = Resource(label="profile", kind="profile", path="system/accprofile", fields={"name": Field("name")})
ADMIN = Resource(label="admin", kind="admin", path="system/api-user", fields={"name": Field("name")})
BASE = {**CONNECTION, "vdom": None}
TOKEN = {**BASE, "token": "t", "username": None, "password": None}
USER = {**BASE, "token": None, "username": "u", "password": "p"}
OK = {"path": "system", "name": "accprofile", "status": "success", "results": []}
LOGIN = ("POST", "/api/v2/authentication")
LOGOUT = ("DELETE", "/api/v2/authentication")
WEB_LOGIN = ("POST", "/logincheck")
WEB_LOGOUT = ("POST", "/logout")
BANNER = ("POST", "/logindisclaimer")
TABLE = ("GET", "/api/v2/cmdb/system/accprofile")
HTML = "<html><body>Unauthorized</body></html>"
COOKIES = {"APSCOOKIE_1": '"s"', "ccsrftoken": '"c5f"', "ccsrftoken_443": '"c5f"'}
LET_IN = answer(200, {"status": 5})
NO_API_LOGIN = [answer(404, HTML), answer(401, HTML), answer(401, ""), answer(404, {"http_status": 404})]


@pytest.fixture(autouse=True)
def _nothing_was_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin every test like a new process."""
    monkeypatch.setattr(login, "REFUSED", {})


def gate(params: Any, *answers: Any, cookies: Any = None) -> FortiGate:
    """Open a FortiGate over a wire in memory. The default cookies open a session."""
    made = FortiGate(params)
    made.http = made.account.http = Wire(*answers, cookies=COOKIES if cookies is None else cookies)
    return made


def headers(box: FortiGate) -> list[dict[str, str]]:
    """Return the headers of every request."""
    return [content.get("headers", {}) for content in box.http.contents]


def refused(box: FortiGate, error: type = Refused) -> Any:
    """Read, and return the error. The connection is closed."""
    with pytest.raises(error) as caught:
        box.table(PROFILE)
    box.close()
    assert box.http.closed
    return caught.value


def test_a_token_opens_no_session() -> None:
    box = gate(TOKEN, answer(200, OK))
    box.table(PROFILE)
    box.close()
    assert box.http.requests == [TABLE]
    assert headers(box)[0]["Authorization"] == "Bearer t"
    assert box.http.closed


@pytest.mark.parametrize("reply", [{"status": 5}, {"status_code": 5}, {"status": 6}, {"status_code": "6"}])
def test_a_password_opens_one_session_and_closes_it(reply: Any) -> None:
    box = gate(USER, answer(200, reply), answer(200, OK), answer(200, OK), answer(200))
    box.table(PROFILE)
    box.table(PROFILE)
    box.close()
    assert box.http.requests == [LOGIN, TABLE, TABLE, LOGOUT]
    assert not any("Authorization" in each for each in headers(box))


def test_a_login_names_the_account_and_acknowledges_the_banners() -> None:
    box = gate(USER, LET_IN, answer(200, OK))
    box.table(PROFILE)
    assert box.http.contents[0]["json"] == {
        "username": "u",
        "secretkey": "p",
        "password": "p",
        "ack_pre_disclaimer": True,
        "ack_post_disclaimer": True,
    }


@pytest.mark.parametrize("missing", NO_API_LOGIN, ids=lambda each: f"{each.status} {each.text[:6]}")
def test_without_a_login_of_the_api_the_web_login_is_used(missing: Any) -> None:
    opened = answer(200, '1document.location="/ng/";')
    box = gate(USER, missing, opened, answer(200, OK), answer(200))
    box.table(PROFILE)
    box.close()
    assert box.http.requests == [LOGIN, WEB_LOGIN, TABLE, WEB_LOGOUT]
    assert box.http.contents[1]["data"] == {"username": "u", "secretkey": "p", "ajax": "1"}
    assert headers(box)[3] == {"X-CSRFTOKEN": "c5f"}


def test_a_banner_of_the_web_interface_is_acknowledged() -> None:
    waits = answer(200, '1document.location="/logindisclaimer?redir=%2Fng%2F";')
    box = gate(USER, answer(404, HTML), waits, answer(200), answer(200, OK), answer(200))
    box.table(PROFILE)
    box.close()
    assert box.http.requests == [LOGIN, WEB_LOGIN, BANNER, TABLE, WEB_LOGOUT]
    assert box.http.contents[2]["data"] == {"confirm": "1", "ajax": "1"}
    assert headers(box)[2] == {"X-CSRFTOKEN": "c5f"}


def test_a_banner_that_cannot_be_acknowledged_ends_the_login() -> None:
    waits = answer(200, '1document.location="/logindisclaimer";')
    box = gate(USER, answer(404, HTML), waits, answer(403, HTML), answer(200))
    assert "denied by the web server" in refused(box).reason
    assert box.http.requests == [LOGIN, WEB_LOGIN, BANNER, WEB_LOGOUT]


SAYS_FAILED = 'the login as "u" failed, which from FortiOS 7.6.3 on'
SAYS_FACTOR = 'the account "u" requires a second factor, which a task cannot provide; use token'
SAYS_CHANGE = 'the password of "u" must be changed first; log in manually'
SAYS_BANNER = 'the login as "u" waits for a banner although it was acknowledged; use token'
SAYS_UNKNOWN = 'the login as "u" failed for an unknown reason; use token'

API_REFUSALS = {
    "failed": (200, {"status_code": -1}, -1, SAYS_FAILED),
    "failed, with a status": (401, {"status": -1}, -1, SAYS_FAILED),
    "failed, with another status": (403, {"status": -1}, -1, SAYS_FAILED),
    "banner before": (200, {"status": -2}, -2, SAYS_BANNER),
    "invalid": (200, {"status": 0}, 0, SAYS_UNKNOWN),
    "a text": (200, {"status": "success"}, None, SAYS_UNKNOWN),
    "an empty object": (200, {}, None, SAYS_UNKNOWN),
    "a list": (200, [], None, SAYS_UNKNOWN),
    "nothing": (200, "null", None, SAYS_UNKNOWN),
    "a number": (200, 5, None, SAYS_UNKNOWN),
    "true": (200, {"status": True}, None, SAYS_UNKNOWN),
    "403": (403, HTML, None, "permission denied by the web server"),
    "401 in JSON": (401, {"http_status": 401}, None, "the credentials are not accepted"),
}


@pytest.mark.parametrize(("status", "body", "code", "says"), API_REFUSALS.values(), ids=API_REFUSALS)
def test_a_refused_login_is_not_tried_again_in_any_way(status: int, body: Any, code: Any, says: str) -> None:
    box = gate(USER, answer(status, body), cookies={"ccsrftoken": '"0%260"'})
    error = refused(box)
    assert says in error.reason
    assert error.failure == {"status": status, "code": code, "path": LOGIN[1]}
    assert box.http.requests == [LOGIN]


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        ("0", -1, SAYS_FAILED),
        ({"status": 0}, -1, SAYS_FAILED),
        ({"status": "0"}, -1, SAYS_FAILED),
        ("9", None, SAYS_UNKNOWN),
        ({"status": 9}, 9, SAYS_UNKNOWN),
    ],
)
def test_a_refused_login_of_the_web_interface_is_not_tried_again(body: Any, code: Any, says: str) -> None:
    box = gate(USER, answer(404, HTML), answer(200, body), cookies={"ccsrftoken": '"0%260"'})
    error = refused(box)
    assert says in error.reason
    assert error.failure == {"status": 200, "code": code, "path": WEB_LOGIN[1]}
    assert box.http.requests == [LOGIN, WEB_LOGIN]


@pytest.mark.parametrize(
    ("code", "digit", "says"), [(2, "3", SAYS_FACTOR), (4, "4", SAYS_CHANGE), (3, None, SAYS_BANNER)]
)
def test_a_half_open_session_is_ended(code: int, digit: Any, says: str) -> None:
    box = gate(USER, answer(200, {"status": code}), answer(200))
    error = refused(box)
    assert says in error.reason
    assert error.code == code
    assert box.http.requests == [LOGIN, LOGOUT]
    if digit:
        web = gate({**USER, "username": "w"}, answer(404, HTML), answer(200, digit), answer(200))
        assert says.replace('"u"', '"w"') in refused(web).reason
        assert web.http.requests == [LOGIN, WEB_LOGIN, WEB_LOGOUT]


@pytest.mark.parametrize(
    "answers", [[answer(200, {"status": 5})], [answer(404, HTML), answer(200, {"status": 1})]]
)
@pytest.mark.parametrize(
    "cookies", [{}, {"ccsrftoken": '"0%260"'}, {"ccsrf_token_443": None}, {"other": "x"}]
)
def test_a_login_without_a_session_is_no_login(answers: Any, cookies: Any) -> None:
    box = gate(USER, *answers, answer(401, HTML), cookies=cookies)
    error = refused(box)
    assert 'the login as "u" succeeded without a session for the API' in error.reason
    assert TABLE not in box.http.requests


@pytest.mark.parametrize(
    "answers",
    [
        [answer(429, HTML)],
        [answer(429, {"status_code": -4})],
        [answer(200, {"status_code": -4})],
        [answer(404, HTML), answer(200, "2")],
        [answer(404, HTML), answer(200, {"status": 2})],
    ],
)
def test_a_lockout_is_recognized(answers: Any) -> None:
    box = gate(USER, *answers)
    error = refused(box, Locked)
    assert "locked out after failed logins; wait 60 s" in error.reason
    assert len(box.http.requests) == len(answers)


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ([answer(503, HTML)], "its API is not available"),
        ([answer(200, HTML)], "an HTML page where JSON was expected"),
        ([answer(500, HTML)], "an HTML page where JSON was expected"),
        ([answer(404, HTML), answer(404, HTML)], "an HTML page where JSON was expected"),
        ([answer(404, HTML), answer(200, "")], "an empty body where JSON was expected"),
    ],
)
def test_an_answer_that_is_no_login_result_is_an_error(answers: Any, says: str) -> None:
    box = gate(USER, *answers)
    error = refused(box, ApplianceError)
    assert not isinstance(error, Refused)
    assert says in error.reason
    assert len(box.http.requests) == len(answers)


@pytest.mark.parametrize("params", [TOKEN, USER], ids=["token", "password"])
def test_refused_credentials_are_not_tried_again_in_this_process(params: Any) -> None:
    refuses = answer(401, HTML if params is TOKEN else {"status": -1})
    refused(gate(params, refuses))
    again = gate(params)
    assert "not repeated" in refused(again).reason
    assert again.http.requests == []
    for other in [{"url": "other.example"}, {"password": "q", "token": params["token"] and "q"}]:
        assert refused(gate({**params, **other}, refuses)).status == 401


@pytest.mark.parametrize("params", [TOKEN, USER], ids=["token", "password"])
def test_after_a_lock_out_the_credentials_may_be_tried_again(params: Any) -> None:
    refused(gate(params, answer(429, HTML)), Locked)
    assert refused(gate(params, answer(429, HTML)), Locked).status == 429


@pytest.mark.parametrize("name", ["ccsrftoken", "ccsrftoken_8443", "ccsrf_token_8443"])
def test_writes_of_a_session_carry_its_csrf_token_without_quotes(name: str) -> None:
    cookies = {"session": "s", name: '"c5f"'}
    box = gate(USER, LET_IN, answer(200, OK), answer(200, OK), answer(200), cookies=cookies)
    box.table(PROFILE)
    box.create(PROFILE, "a", {})
    box.close()
    assert [each.get("X-CSRFTOKEN") for each in headers(box)] == [None, None, "c5f", "c5f"]


@pytest.mark.parametrize(
    ("resource", "password", "confirmed"),
    [(ADMIN, "p", "p"), (ADMIN, None, None), (PROFILE, "p", None), (ADMIN, "pä", "pä")],
)
def test_the_password_confirms_writes_to_api_admins_and_nothing_else(
    resource: Resource, password: Any, confirmed: Any
) -> None:
    reply = {**OK, "name": resource.path.split("/")[1]}
    box = gate({**TOKEN, "password": password}, answer(200, reply), answer(200, reply))
    box.table(resource)
    box.update(resource, "api-user", {})
    assert [each.get("X-Admin-Passwd") for each in headers(box)] == [None, confirmed]


@pytest.mark.parametrize(
    ("password", "says"),
    [
        (
            None,
            "requires the administrator's own password (admin's password required); set username and",
        ),
        ("p", "the password is not accepted: it is wrong, or"),
    ],
)
def test_a_missing_password_is_distinguished_from_a_wrong_one(password: Any, says: str) -> None:
    asks = {**OK, "name": "api-user", "status": "error", "error": -8102}
    asks["cli_error"] = ["admin's password required."]
    box = gate({**TOKEN, "password": password}, answer(500, asks))
    with pytest.raises(Refused) as caught:
        box.update(ADMIN, "a", {})
    assert says in caught.value.reason
    assert caught.value.code == -8102
    assert len(box.http.requests) == 1


@pytest.mark.parametrize(
    "given",
    [
        {"token": "t\n"},
        {"token": "t 0k3n"},
        {"token": "tä"},
        {"password": "p\r\nX-Evil: 1"},
        {"password": " p4ss"},
        {"password": "p\n"},
    ],
)
def test_a_secret_that_no_header_can_carry_is_refused_before_any_request(given: dict[str, str]) -> None:
    with pytest.raises(InvalidOptions) as caught:
        FortiGate({**TOKEN, **given})
    assert next(iter(given)) in str(caught.value)
    assert next(iter(given.values())) not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"token": "t"}, None),
        ({"token": "t", "password": "p"}, None),
        ({"username": "u", "password": "p"}, None),
        ({"token": "t", "username": "u", "password": "p"}, None),
        ({"username": "u"}, "password"),
        ({"token": "t", "username": "u"}, "password"),
        ({"password": "p"}, "token, username"),
        ({}, "token, username"),
    ],
)
def test_an_account_is_a_token_or_a_name_with_a_password(
    given: dict[str, str], problem: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TOKEN", "USERNAME", "PASSWORD"):
        monkeypatch.delenv(f"FORTIGATE_{name}", raising=False)
        monkeypatch.delenv(f"FORTIOS_ACCESS_{name}", raising=False)
    arguments = fortigate({})
    if problem is None:
        arguments.validate({"url": "fgt.example", **given})
    else:
        with pytest.raises(InvalidOptions, match=problem):
            arguments.validate({"url": "fgt.example", **given})


def test_a_failing_logout_does_not_hide_the_result() -> None:
    box = gate(USER, LET_IN, answer(200, OK))
    box.table(PROFILE)
    wire = box.http
    wire.request = raising(Unreachable("gone"))
    box.close()
    assert wire.closed
