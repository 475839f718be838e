# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Logins with a password: one session, one attempt, and a logout."""

from __future__ import annotations

import pytest

from ansible_collections.otsec.defender_iot.tests.support.workspace import (
    ENDPOINTS,
    Run,
    Workspace,
    play,
    task,
)

FORTIGATE = "fgt-north-01"
LOGIN = ("POST", "/api/v2/authentication")
LOGOUT = ("DELETE", "/api/v2/authentication")
PROFILES = "/api/v2/cmdb/system/accprofile"
SENSOR_LOGIN = ("POST", "/api/authentication/login")
WRONG = "not-the-password-0123"
PROFILE = task("fortigate_admin_profile", name="plant", preset="defender_iot")


def _inventory(node: Workspace, **overriding: str) -> None:
    """Write an inventory of a FortiGate with an account of name and password."""
    account = node.lab.appliances[FORTIGATE]["credentials"]
    variables = {**node.host(FORTIGATE), "username": account["username"], "password": account["password"]}
    del variables["token"]
    node.inventory(fgt={**variables, **overriding})


def _requests(node: Workspace, appliance: str) -> list[tuple[str, str]]:
    return [(call["method"], call["path"]) for call in node.lab.calls(appliance)]


@pytest.mark.parametrize("version", ["7.2.4", "7.4.5", "7.6.5"])
def test_a_password_opens_one_session_that_writes_and_is_closed(workspace: Workspace, version: str) -> None:
    workspace.lab.switch(FORTIGATE, version=version)
    _inventory(workspace)
    assert workspace.run(play(PROFILE)).succeeded().changes
    assert _requests(workspace, FORTIGATE) == [
        LOGIN,
        ("GET", f"{PROFILES}/plant"),
        ("POST", PROFILES),
        ("GET", f"{PROFILES}/plant"),
        LOGOUT,
    ]
    assert {call["principal"] for call in workspace.lab.calls(FORTIGATE)} == {"admin"}
    assert workspace.lab.connections()[FORTIGATE] == 1
    assert workspace.lab.state(FORTIGATE)["sessions"] == []


def test_fortios_7_6_5_is_given_the_password_it_asks_for_before_admins_and_keys_change(
    workspace: Workspace,
) -> None:
    appliances = {"token": FORTIGATE, "password": "fgt-north-02", "both": "fgt-south-01"}
    hosts = {}
    for given, appliance in appliances.items():
        workspace.lab.switch(appliance, version="7.6.5")
        account = workspace.lab.appliances[appliance]["credentials"]
        hosts[given] = {**workspace.host(appliance), **account}
    del hosts["password"]["token"], hosts["token"]["username"], hosts["token"]["password"]
    del hosts["both"]["username"]
    workspace.inventory(**hosts)
    wanted = {"profile": "super_admin_readonly", "trusted_hosts": ["127.0.0.1"]}
    run = workspace.run(
        play(
            task("fortigate_api_admin", name="plant", **wanted),
            task("fortigate_api_key", name="plant", secret_ref=workspace.ref("key-{{ inventory_hostname }}")),
        ),
        arguments=["-vvvv"],
    )
    (refused,) = run.of("token")
    assert refused.data["failure"]["code"] == -8102
    assert (
        "requires the administrator's own password (admin's password required); set password"
        in refused.message
    )
    for given in ("password", "both"):
        assert [result.changed for result in run.of(given)] == [True, True], run.output
        assert hosts[given]["password"] not in run.output
    assert set(workspace.stored_files()) == {"key-password.yml", "key-both.yml"}


def test_the_session_is_closed_after_a_failure_too(workspace: Workspace) -> None:
    _inventory(workspace)
    refused = workspace.run(play(task("fortigate_admin_profile", name="super_admin", vpn="none")))
    assert refused.one("fgt").status == "failed"
    assert _requests(workspace, FORTIGATE)[-1] == LOGOUT
    assert workspace.lab.state(FORTIGATE)["sessions"] == []


@pytest.mark.parametrize("status", [401, 200])
def test_a_wrong_password_is_tried_once(workspace: Workspace, status: int) -> None:
    workspace.lab.switch(FORTIGATE, login_refused_status=status)
    _inventory(workspace, password=WRONG)
    run = workspace.run(play(PROFILE), arguments=["-vvvv"])
    result = run.one("fgt")
    assert result.status == "failed"
    assert result.message.startswith('fgt: reading admin profile "plant" failed (')
    assert WRONG not in run.output
    assert _requests(workspace, FORTIGATE) == [LOGIN]


def test_a_locked_out_source_is_told_to_wait(workspace: Workspace) -> None:
    for _attempt in range(3):
        wrong = {"username": "admin", "secretkey": WRONG}
        assert workspace.lab.call(FORTIGATE, *LOGIN, json=wrong).status_code == 401
    workspace.lab.forget_calls()
    _inventory(workspace)
    result = workspace.run(play(PROFILE)).one("fgt")
    assert result.status == "failed"
    assert "(429, -4): this source address is locked out" in result.message
    assert _requests(workspace, FORTIGATE) == [LOGIN]


def test_a_release_without_a_login_in_its_api_is_reached_through_its_banner(workspace: Workspace) -> None:
    workspace.lab.switch(FORTIGATE, version="6.2.16", post_login_banner=True)
    _inventory(workspace)
    assert workspace.run(play(PROFILE)).succeeded().changes
    requests = _requests(workspace, FORTIGATE)
    assert requests[:3] == [LOGIN, ("POST", "/logincheck"), ("POST", "/logindisclaimer")]
    assert requests[-1] == ("POST", "/logout")
    assert workspace.lab.state(FORTIGATE)["sessions"] == []


@pytest.mark.parametrize(
    ("switch", "says"),
    [
        (
            "second_factor",
            '(200, 2): the account "admin" requires a second factor, which a task cannot provide; use token',
        ),
        ("password_change", '(200, 4): the password of "admin" must be changed first; log in manually'),
    ],
)
def test_a_login_that_needs_a_person_is_refused_and_ended(
    workspace: Workspace, switch: str, says: str
) -> None:
    workspace.lab.switch(FORTIGATE, **{switch: True})
    _inventory(workspace)
    result = workspace.run(play(PROFILE)).one("fgt")
    assert result.status == "failed"
    assert says in result.message
    assert _requests(workspace, FORTIGATE) == [LOGIN, LOGOUT]
    assert workspace.lab.state(FORTIGATE)["sessions"] == []


@pytest.mark.parametrize("given", ["password", "token"])
def test_a_loop_or_a_retry_does_not_lock_the_source_out(workspace: Workspace, given: str) -> None:
    if given == "password":
        _inventory(workspace, password=WRONG)
    else:
        workspace.inventory(fgt=workspace.host(FORTIGATE, token=WRONG))
    looped = {
        **task("fortigate_admin_profile", name="{{ item }}", preset="defender_iot"),
        "loop": ["a", "b", "c", "d"],
        "register": "made",
        "until": "made is succeeded",
        "retries": 1,
        "delay": 0,
    }
    results = workspace.run(play(looped)).of("fgt")
    rounds = [result.message for result in results if result.status == "failed"]
    assert len(rounds) >= 4
    assert all("an earlier answer, and the login was not repeated" in message for message in rounds[1:])
    assert len(_requests(workspace, FORTIGATE)) == 1
    assert workspace.lab.state(FORTIGATE)["failed_logins"] == {"127.0.0.1": 1}


def _with_sensor(node: Workspace, **overriding: str) -> Run:
    node.inventory(sensor={**node.host("sensor-north-01"), **overriding})
    read = task("sensor_access_token_info", endpoints=ENDPOINTS["sensor"])
    return node.run(play(read), arguments=["-vvvv"])


def test_a_sensor_s_wrong_password_is_tried_once(workspace: Workspace) -> None:
    run = _with_sensor(workspace, password=WRONG)
    result = run.one("sensor")
    assert result.status == "failed"
    assert result.message.startswith("sensor: ")
    assert 'logging in as "admin"' in result.message
    assert "(401)" in result.message
    assert WRONG not in run.output
    assert _requests(workspace, "sensor-north-01").count(SENSOR_LOGIN) == 1
    assert sum(workspace.lab.state("sensor-north-01")["failed_logins"].values()) == 1


def test_a_sensor_s_session_is_closed(workspace: Workspace) -> None:
    _with_sensor(workspace).succeeded()
    assert _requests(workspace, "sensor-north-01")[-1] == ("POST", "/api/authentication/logout")
    assert workspace.lab.state("sensor-north-01")["sessions"] == []


def test_a_forescout_s_wrong_password_is_tried_once(workspace: Workspace) -> None:
    workspace.inventory(forescout={**workspace.host("forescout-01"), "password": WRONG})
    read = task("forescout_module_info", endpoints=ENDPOINTS["forescout"])
    result = workspace.run(play(read)).one("forescout")
    assert result.status == "failed"
    assert 'logging in as "admin"' in result.message
    assert _requests(workspace, "forescout-01") == [("POST", "/fsum/oauth2.0/token")]
