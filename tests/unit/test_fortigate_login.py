# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The FortiGate's logins: one attempt, one session, and what goes along with a write."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._errors import Locked, Refused, Unreachable
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate import FortiGate
from ansible_collections.otsec.defender_iot.plugins.module_utils._resource import Field, Resource
from ansible_collections.otsec.defender_iot.tests.unit.fakes import Wire, answer, raising

PROFILE = Resource(kind="profile", noun="profile", path="system/accprofile", fields={"name": Field("name")})
BASE = {"url": "fgt.example", "timeout": 1, "validate_certs": True, "ca_path": None, "vdom": None}
TOKEN = {**BASE, "token": "t", "username": None, "password": None}
USER = {**BASE, "token": None, "username": "u", "password": "p"}
OK = {"path": "system", "name": "accprofile", "status": "success", "results": []}
LOGIN = ("POST", "/api/v2/authentication")
TABLE = ("GET", "/api/v2/cmdb/system/accprofile")


def gate(params: Any, *answers: Any, cookies: Any = None) -> FortiGate:
    """Open a FortiGate over a wire in memory."""
    made = FortiGate(params)
    made.http = Wire(*answers, cookies=cookies)
    return made


def headers(box: FortiGate) -> list[dict[str, str]]:
    """Return the headers of every request."""
    return [content["headers"] for content in box.http.contents]


def test_a_token_goes_along_and_nothing_is_opened_or_closed() -> None:
    box = gate(TOKEN, answer(200, OK))
    box.table(PROFILE)
    box.close()
    assert box.http.requests == [TABLE]
    assert headers(box)[0]["Authorization"] == "Bearer t"
    assert box.http.closed


@pytest.mark.parametrize("reply", [{"status": 5}, {"status_code": 5}, {"status": 6}, {"status_code": 6}])
def test_a_password_opens_one_session_and_closes_it(reply: Any) -> None:
    box = gate(USER, answer(200, reply), answer(200, OK), answer(200, OK), answer(200))
    box.table(PROFILE)
    box.table(PROFILE)
    box.close()
    assert box.http.requests == [LOGIN, TABLE, TABLE, ("DELETE", LOGIN[1])]
    assert box.http.contents[0]["json"] == {"username": "u", "secretkey": "p"}
    assert not any("Authorization" in each for each in headers(box))


@pytest.mark.parametrize("reply", [{"status": 0}, {"status_code": -1}, {"status": "5"}, {}, [], None, 5])
def test_a_refused_login_is_not_tried_again(reply: Any) -> None:
    box = gate(USER, answer(200, "null" if reply is None else reply))
    with pytest.raises(Refused, match='login as "u" failed; it is not tried again') as caught:
        box.table(PROFILE)
    box.close()
    assert caught.value.path == LOGIN[1]
    assert box.http.requests == [LOGIN]
    assert box.http.closed


@pytest.mark.parametrize(("status", "error"), [(401, Refused), (403, Refused), (429, Locked)])
def test_a_login_that_the_web_server_refuses_is_not_tried_again(status: int, error: type) -> None:
    box = gate(USER, answer(status, "<html>", "text/html"))
    with pytest.raises(error):
        box.table(PROFILE)
    assert box.http.requests == [LOGIN]


def test_writes_of_a_session_carry_its_csrf_token_without_quotes() -> None:
    cookies = {"session": "s", "ccsrftoken_443": '"c5f"'}
    box = gate(USER, answer(200, {"status": 5}), answer(200, OK), answer(200, OK), cookies=cookies)
    box.table(PROFILE)
    box.create(PROFILE, "a", {})
    assert "X-CSRFTOKEN" not in headers(box)[1]
    assert headers(box)[2]["X-CSRFTOKEN"] == "c5f"


ADMIN = Resource(kind="admin", noun="admin", path="system/api-user", fields={"name": Field("name")})


@pytest.mark.parametrize(
    ("resource", "password", "confirmed"), [(ADMIN, "p", "p"), (ADMIN, None, None), (PROFILE, "p", None)]
)
def test_the_password_confirms_writes_to_api_admins_and_nothing_else(
    resource: Resource, password: Any, confirmed: Any
) -> None:
    reply = {**OK, "name": resource.path.split("/")[1]}
    box = gate({**TOKEN, "username": "u", "password": password}, answer(200, reply), answer(200, reply))
    box.table(resource)
    box.update(resource, "a", {})
    assert [each.get("X-Admin-Passwd") for each in headers(box)] == [None, confirmed]


def test_a_failing_logout_does_not_hide_the_result() -> None:
    box = gate(USER, answer(200, {"status": 5}), answer(200, OK))
    box.table(PROFILE)
    wire = box.http
    wire.request = raising(Unreachable("gone"))
    box.close()
    assert wire.closed
