# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two logins of the lab's FortiGate: every reply by version, and the steps that may interrupt them."""

from __future__ import annotations

from typing import Any

import pytest
import requests

PROFILES = "/api/v2/cmdb/system/accprofile"
API = "/api/v2/authentication"
WEB = "/logincheck"
BEFORE_AND_AFTER_7_6_3 = ["7.2.8", "7.4.5", "7.6.2", "7.6.3"]


def fields(client: Any, **more: Any) -> dict[str, Any]:
    """Return the fields of a login."""
    return {"username": client.credentials["username"], "secretkey": client.credentials["password"], **more}


def api_login(client: Any, **more: Any) -> requests.Response:
    """Log in to the API."""
    return client("POST", API, json=fields(client, **more))


def web_login(client: Any, **more: Any) -> requests.Response:
    """Log in to the web interface."""
    return client("POST", WEB, data=fields(client, ajax="1", **more))


def csrf(client: Any) -> dict[str, str]:
    """Return the header that a session requires for changes."""
    cookies = client.session.cookies
    value = next(cookie.value for cookie in cookies if cookie.name.startswith("ccsrf"))
    return {"X-CSRFTOKEN": value.strip('"')}


def sessions(lab: Any) -> list[dict[str, Any]]:
    """Return the open sessions."""
    return lab.control("GET", "/state")["appliances"]["fgt"]["sessions"]


def failures(lab: Any) -> int:
    """Return the number of failed logins that count towards the lockout."""
    return sum(lab.control("GET", "/state")["appliances"]["fgt"]["failed_logins"].values())


@pytest.mark.parametrize("version", BEFORE_AND_AFTER_7_6_3)
def test_a_session_of_the_api_writes_with_its_csrf_token_and_ends(lab: Any, version: str) -> None:
    lab.options("fgt", version=version)
    client = lab.client("fgt")
    reply = api_login(client).json()
    assert reply["status_message"] == "LOGIN_SUCCESS"
    assert reply["status" if version == "7.6.3" else "status_code"] == 5
    assert "session_key" not in reply
    assert client("POST", PROFILES, json={"name": "x"}).status_code == 403
    assert client("POST", PROFILES, json={"name": "x"}, headers=csrf(client)).status_code == 200
    assert client("DELETE", API).status_code == 403
    assert client("DELETE", API, headers=csrf(client)).status_code == 200
    assert client("GET", PROFILES).status_code == 401
    assert sessions(lab) == []


@pytest.mark.parametrize(("treatment", "status"), [("refuse", 403), ("accept", 200)])
def test_a_switch_accepts_a_csrf_token_in_quotes(lab: Any, treatment: str, status: int) -> None:
    client = lab.client("fgt")
    api_login(client)
    lab.options("fgt", quoted_csrf_token=treatment)
    quoted = {"X-CSRFTOKEN": f'"{csrf(client)["X-CSRFTOKEN"]}"'}
    assert client("POST", PROFILES, json={"name": "x"}, headers=quoted).status_code == status


@pytest.mark.parametrize(
    ("version", "prefixes"),
    [
        ("7.6.2", {"APSCOOKIE_", "ccsrftoken", "ccsrftoken_"}),
        ("7.6.3", {"session_key_", "ccsrf_token_"}),
    ],
)
def test_cookies_are_quoted_and_renamed(lab: Any, version: str, prefixes: set[str]) -> None:
    lab.options("fgt", version=version)
    client = lab.client("fgt")
    answer = api_login(client)
    port = client.url.rpartition(":")[2]
    found = {cookie.name.removesuffix(port).rstrip("0123456789") for cookie in client.session.cookies}
    assert found == prefixes
    assert '="' in answer.headers["set-cookie"]


@pytest.mark.parametrize(("version", "given"), [("7.6.3", True), ("7.6.4", False)])
def test_the_key_of_a_session_is_in_the_reply_until_7_6_3(lab: Any, version: str, given: bool) -> None:
    lab.options("fgt", version=version)
    client = lab.client("fgt")
    reply = api_login(client, request_key=True).json()
    assert ("session_key" in reply) is given
    if given:
        bearer = {"Authorization": f"Bearer {reply['session_key']}"}
        client.session.cookies.clear()
        assert client("POST", PROFILES, json={"name": "x"}, headers=bearer).status_code == 200


def test_six_is_a_success_too_from_7_6_3(lab: Any) -> None:
    for version, success in [("7.6.2", 5), ("7.6.3", 6)]:
        lab.options("fgt", version=version, login_success=6)
        reply = api_login(lab.client("fgt")).json()
        assert success in (reply.get("status"), reply.get("status_code"))


@pytest.mark.parametrize("status", [401, 200])
def test_a_wrong_password_is_counted_and_leaves_cookies_without_a_value(lab: Any, status: int) -> None:
    lab.options("fgt", login_refused_status=status)
    client = lab.client("fgt")
    answer = api_login(client, secretkey="wrong")
    assert (answer.status_code, answer.json()["status_code"]) == (status, -1)
    assert {cookie.value.strip('"') for cookie in client.session.cookies} == {"0%260"}
    assert failures(lab) == 1
    assert sessions(lab) == []


@pytest.mark.parametrize(
    ("version", "switch", "expected"),
    [("7.6.2", 401, (429, -4)), ("7.6.2", 200, (200, -4)), ("7.6.3", 401, (401, -1))],
)
def test_the_reply_says_that_a_source_is_locked_out_until_7_6_3(
    lab: Any, version: str, switch: int, expected: tuple[int, int]
) -> None:
    lab.options("fgt", version=version, login_refused_status=switch)
    client = lab.client("fgt")
    for _time in range(3):
        api_login(client, secretkey="wrong")
    answer = api_login(client)
    reply = answer.json()
    assert (answer.status_code, reply.get("status", reply.get("status_code"))) == expected
    lab.control("POST", "/clock", {"advance": 61})
    assert api_login(client).json()["status_message"] == "LOGIN_SUCCESS"


def test_before_6_4_2_the_api_has_no_login(lab: Any) -> None:
    client = lab.client("fgt")
    for status in (401, 404):
        lab.options("fgt", version="6.2.16", no_api_login=status)
        answer = api_login(client, secretkey="wrong")
        assert answer.status_code == status
        assert answer.headers["content-type"].startswith("text/html")
    assert failures(lab) == 0
    lab.options("fgt", version="6.4.2")
    assert api_login(client).json()["status_code"] == 5


@pytest.mark.parametrize(
    ("switches", "code", "waits_for"),
    [
        ({}, 5, None),
        ({"second_factor": True}, 2, 2),
        ({"password_change": True}, 4, 4),
        ({"post_login_banner": True}, 3, 3),
    ],
)
def test_a_login_of_the_api_may_end_half_way(
    lab: Any, switches: dict[str, bool], code: int, waits_for: int | None
) -> None:
    lab.options("fgt", **switches)
    client = lab.client("fgt")
    assert api_login(client).json()["status_code"] == code
    (session,) = sessions(lab)
    assert session["waits_for"] == waits_for
    assert client("GET", PROFILES).status_code == (401 if switches else 200)
    assert client("DELETE", API, headers=csrf(client)).status_code == 200
    assert sessions(lab) == []


def test_banners_of_the_api_s_login_are_acknowledged_at_once(lab: Any) -> None:
    lab.options("fgt", pre_login_banner=True, post_login_banner=True)
    client = lab.client("fgt")
    assert api_login(client, secretkey="wrong").json()["status_code"] == -2
    assert failures(lab) == 0
    assert api_login(client, ack_pre_disclaimer=True).json()["status_code"] == 3
    read = {"ack_pre_disclaimer": True, "ack_post_disclaimer": True}
    assert api_login(client, **read).json()["status_code"] == 5
    assert client("GET", PROFILES).status_code == 200


def test_the_web_login_opens_a_session(lab: Any) -> None:
    client = lab.client("fgt")
    assert web_login(client).text == '1document.location="/ng/";'
    assert client("POST", PROFILES, json={"name": "x"}).status_code == 403
    assert client("POST", PROFILES, json={"name": "x"}, headers=csrf(client)).status_code == 200
    assert client("POST", "/logout").status_code == 403
    assert client("POST", "/logout", headers=csrf(client)).status_code == 200
    assert client("GET", PROFILES).status_code == 401
    assert client("POST", "/logout").status_code == 401
    assert client("GET", WEB).status_code == 302


@pytest.mark.parametrize(("switch", "digit"), [("second_factor", "3"), ("password_change", "4")])
def test_the_web_login_may_end_half_way(lab: Any, switch: str, digit: str) -> None:
    lab.options("fgt", **{switch: True})
    client = lab.client("fgt")
    assert web_login(client).text == digit
    assert client("GET", PROFILES).status_code == 401
    assert client("POST", "/logout", headers=csrf(client)).status_code == 200
    assert sessions(lab) == []


@pytest.mark.parametrize("banner", ["pre_login_banner", "post_login_banner"])
def test_the_web_login_waits_for_a_banner(lab: Any, banner: str) -> None:
    lab.options("fgt", **{banner: True})
    client = lab.client("fgt")
    assert client("POST", "/logindisclaimer", data={"confirm": "1"}).status_code == 401
    assert "/logindisclaimer" in web_login(client).text
    assert client("GET", PROFILES).status_code == 401
    assert client("POST", "/logindisclaimer", data={"confirm": "0"}).status_code == 401
    assert client("POST", "/logindisclaimer", data={"confirm": "1"}).text.startswith("1")
    assert client("GET", PROFILES).status_code == 200


def test_the_web_login_shares_the_count_of_failures(lab: Any) -> None:
    client = lab.client("fgt")
    for _time in range(3):
        assert web_login(client, secretkey="wrong").text == "0"
    assert {cookie.value.strip('"') for cookie in client.session.cookies} == {"0%260"}
    assert web_login(client).text == "2"
    assert api_login(client).json()["status_code"] == -4


def test_from_7_6_3_the_web_login_opens_no_session_for_the_api(lab: Any) -> None:
    lab.options("fgt", version="7.6.3")
    client = lab.client("fgt")
    assert web_login(client, secretkey="wrong").json() == {"status": 0}
    answer = web_login(client)
    assert answer.json() == {"status": 1}
    assert "set-cookie" not in answer.headers
    assert client("GET", PROFILES).status_code == 401
    assert sessions(lab) == []


def test_the_administrator_has_the_profile_of_the_switch(lab: Any, fgt: Any) -> None:
    assert fgt("POST", PROFILES, json={"name": "none"}).status_code == 200
    lab.options("fgt", admin_profile="none")
    client = lab.client("fgt")
    api_login(client)
    assert client("GET", PROFILES).json()["http_status"] == 403
