# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every kind of login to every release, with every kind of rights: success, or a message with the reason.

The FortiGate's transport runs here without Ansible, so that the whole matrix takes seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import (
    ApplianceError,
    Locked,
    Refused,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate import login
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.admin_profile import (
    PROFILE,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.api import FortiGate
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.api_admin import ADMIN
from ansible_collections.otsec.defender_iot.tests.support.lab import Lab
from ansible_collections.otsec.defender_iot.tests.unit.fakes import CONNECTION

FORTIGATE = "fgt-north-01"
VERSIONS = ["6.2.16", "6.4.5", "6.4.14", "7.0.0", "7.0.6", "7.2.8", "7.4.1", "7.4.5", "7.6.2", "7.6.5"]
WITHOUT_API_LOGIN, ASKS_FOR_PASSWORD = "6.2.16", "7.6.5"
LOGINS = {
    "token": {"token"},
    "token-and-password": {"token", "password"},
    "password": {"username", "password"},
    "password-and-banners": {"username", "password"},
}
BANNERS = {"pre_login_banner": True, "post_login_banner": True}
HOSTS = [{"id": 1, "type": "ipv4-trusthost", "ipv4-trusthost": "127.0.0.1 255.255.255.255"}]
NEW_ADMIN = {"name": "new", "accprofile": "prof_admin", "trusthost": HOSTS}

ACTS: dict[str, Callable[[FortiGate], Any]] = {
    "list profiles": lambda box: box.table(PROFILE),
    "create a profile": lambda box: box.create(PROFILE, "new", {"name": "new"}),
    "create an admin": lambda box: box.create(ADMIN, "new", NEW_ADMIN),
    "generate a key": lambda box: box.mint(ADMIN, "other"),
}
ADMIN_ACTS = ("create an admin", "generate a key")
# The number of the acts that each kind of rights allows, from the first on.
RIGHTS = {"super_admin": 4, "system": 2, "none": 0}


@pytest.fixture(autouse=True)
def _nothing_was_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start every test without remembered refusals, like a new process."""
    monkeypatch.setattr(login, "REFUSED", {})


def account(lab: Lab, *names: str, **others: Any) -> dict[str, Any]:
    """Return the options of a connection, with some of the lab's credentials or others."""
    appliance = lab.appliances[FORTIGATE]
    nothing = dict.fromkeys(("token", "username", "password"))
    given = {name: appliance["credentials"][name] for name in names}
    connection = {**CONNECTION, "ca_path": lab.ca_path, "timeout": 10, "vdom": None}
    return {**connection, "url": appliance["url"], **nothing, **given, **others}


def callers(lab: Lab) -> dict[str, str]:
    """Create REST API administrators with each kind of rights. Return their keys."""
    lab.cmdb(FORTIGATE, "POST", "accprofile", {"name": "system", "sysgrp": "read-write"})
    lab.cmdb(FORTIGATE, "POST", "accprofile", {"name": "none"})
    keys = {"super_admin": lab.appliances[FORTIGATE]["credentials"]["token"]}
    for name, profile in {"system": "system", "none": "none", "other": "none"}.items():
        lab.cmdb(FORTIGATE, "POST", "api-user", {**NEW_ADMIN, "name": name, "accprofile": profile})
        with closing(FortiGate(account(lab, "token"))) as box:
            keys[name], _id = box.mint(ADMIN, name)
    return keys


def outcome(params: dict[str, Any], act: str) -> ApplianceError | None:
    """Carry out one act on a new connection, like a task. Return the error, None for success."""
    try:
        with closing(FortiGate(params)) as box:
            ACTS[act](box)
    except ApplianceError as error:
        return error
    return None


def expected(act: str, rights: str, login: str, version: str) -> str | None:
    """Return the expected message of an act, None for an expected success."""
    if list(ACTS).index(act) >= RIGHTS[rights]:
        return "permission denied: the account's admin profile lacks the permission"
    if act in ADMIN_ACTS and version == ASKS_FOR_PASSWORD and login == "token":
        return "(admin's password required); set username and password instead of token"
    return None


def around(login: str, version: str) -> int:
    """Return the number of requests before and after an act."""
    if login.startswith("token"):
        return 0
    by_web = version == WITHOUT_API_LOGIN
    return 2 + by_web + (by_web and login == "password-and-banners")


@pytest.mark.parametrize("rights", RIGHTS)
@pytest.mark.parametrize("login", LOGINS)
@pytest.mark.parametrize("version", VERSIONS)
def test_an_account_may_do_what_it_may_and_is_told_what_it_may_not(
    lab: Lab, version: str, login: str, rights: str
) -> None:
    keys = callers(lab)
    token = {"token": keys[rights]} if "token" in LOGINS[login] else {}
    banners = BANNERS if login == "password-and-banners" else {}
    lab.switch(FORTIGATE, version=version, admin_profile=rights, login_success=6, **banners)
    for act in ACTS:
        lab.forget_calls()
        error = outcome(account(lab, *LOGINS[login], **token), act)
        says = expected(act, rights, login, version)
        assert (error is None) == (says is None), (act, error)
        if error is not None:
            assert isinstance(error, Refused)
            assert says in error.reason, act
        state = lab.state(FORTIGATE)
        assert (state["sessions"], state["failed_logins"]) == ([], {})
        assert len(lab.calls(FORTIGATE)) == around(login, version) + 1


@pytest.mark.parametrize("status", [401, 404])
def test_a_release_without_login_in_its_api_may_say_so_in_two_ways(lab: Lab, status: int) -> None:
    lab.switch(FORTIGATE, version=WITHOUT_API_LOGIN, no_api_login=status)
    assert outcome(account(lab, "username", "password"), "create a profile") is None
    assert [call["status"] for call in lab.calls(FORTIGATE)] == [status, 200, 200, 200]
    assert lab.state(FORTIGATE)["sessions"] == []


STOPS = {
    "second_factor": (True, "requires a second factor, which a task cannot provide; use token"),
    "password_change": (True, "must be changed first; log in manually and change it"),
    "login_refused_status": (401, "check username, password and the account's trusted hosts before"),
    "no_api_login": (404, "check username, password and the account's trusted hosts before"),
}
WRONG = {"password": "not-the-password"}


@pytest.mark.parametrize("stop", STOPS)
@pytest.mark.parametrize("version", VERSIONS)
def test_a_login_that_is_stopped_is_tried_once_and_leaves_nothing_open(
    lab: Lab, version: str, stop: str
) -> None:
    value, says = STOPS[stop]
    lab.switch(FORTIGATE, version=version, **{stop: value})
    wrong = {} if value is True else WRONG
    error = outcome(account(lab, "username", "password", **wrong), "create a profile")
    assert isinstance(error, Refused)
    assert says in error.reason
    state = lab.state(FORTIGATE)
    assert state["sessions"] == []
    assert sum(state["failed_logins"].values()) == len(wrong)
    assert "new" not in [row["name"] for row in state["tables"]["accprofile"]]
    lab.forget_calls()
    again = outcome(account(lab, "username", "password", **wrong), "create a profile")
    assert all(clause in str(again) for clause in says.split("; "))
    assert "was not repeated" in str(again)
    assert lab.calls(FORTIGATE) == []


@pytest.mark.parametrize("status", [200, 401])
@pytest.mark.parametrize("version", VERSIONS)
def test_a_locked_out_source_is_told_so_as_far_as_the_release_does(
    lab: Lab, version: str, status: int
) -> None:
    lab.switch(FORTIGATE, version=version, login_refused_status=status)
    for number in range(3):
        outcome(account(lab, "username", password=f"wrong-{number}"), "list profiles")
    assert lab.state(FORTIGATE)["locked_until"]
    error = outcome(account(lab, "username", "password"), "list profiles")
    assert isinstance(error, Refused)
    assert isinstance(error, Locked) == (version != "7.6.5")
    assert "locked" in error.reason
    by_token = outcome(account(lab, "token"), "list profiles")
    assert isinstance(by_token, Locked)
    assert by_token.status == 429


@pytest.mark.parametrize("version", VERSIONS)
def test_a_wrong_token_is_one_failed_login(lab: Lab, version: str) -> None:
    lab.switch(FORTIGATE, version=version)
    wrong = account(lab, token="not-the-token")
    for says in ("(FortiOS answers both alike)", "was not repeated"):
        error = outcome(wrong, "list profiles")
        assert isinstance(error, Refused)
        assert says in error.reason
    assert lab.state(FORTIGATE)["failed_logins"] == {"127.0.0.1": 1}
    assert len(lab.calls(FORTIGATE)) == 1


@pytest.mark.parametrize("act", ADMIN_ACTS)
def test_a_wrong_confirmation_is_one_failed_login(lab: Lab, act: str) -> None:
    callers(lab)
    lab.switch(FORTIGATE, version="7.6.5")
    error = outcome(account(lab, "token", **WRONG), act)
    assert isinstance(error, Refused)
    assert error.code == -8102
    assert "it is wrong, or FortiOS does not accept it together with a token" in error.reason
    assert lab.state(FORTIGATE)["failed_logins"] == {"127.0.0.1": 1}


def test_a_token_that_cannot_be_confirmed_is_told_to_be_left_out(lab: Lab) -> None:
    lab.switch(FORTIGATE, version="7.6.5", token_reauthentication="refuse")
    error = outcome(account(lab, "token", "password"), "create an admin")
    assert "use username and password instead of token" in str(error)
    assert outcome(account(lab, "username", "password"), "create an admin") is None


def test_the_web_login_of_a_new_release_gives_no_session_for_the_api(lab: Lab) -> None:
    lab.switch(FORTIGATE, version="7.6.5")
    lab.fault(FORTIGATE, "html", {"path_prefix": "/api/v2/authentication"}, status=404)
    error = outcome(account(lab, "username", "password"), "list profiles")
    assert "succeeded without a session for the API" in str(error)
    assert lab.state(FORTIGATE)["sessions"] == []


def test_the_session_is_ended_when_a_request_fails(lab: Lab) -> None:
    lab.fault(FORTIGATE, "drop", {"path_prefix": "/api/v2/cmdb"})
    assert outcome(account(lab, "username", "password"), "create a profile") is not None
    assert [call["method"] for call in lab.calls(FORTIGATE)] == ["POST", "POST", "DELETE"]
    assert lab.state(FORTIGATE)["sessions"] == []
