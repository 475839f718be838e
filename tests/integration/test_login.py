# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Logins with a password: one session, one attempt, and a logout."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.tests.support.lab import Lab
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


# Each case has its own FortiGate, with switches. The account has a name and a password.
VERSIONS = {f"to-{version.replace('.', '-')}": version for version in ("7.2.4", "7.4.5", "7.6.5")}
REFUSED = {f"refused-{status}": status for status in (401, 200)}
BY_A_PERSON = {
    "second-factor": (
        "second_factor",
        '(200, 2): the account "admin" requires a second factor, which a task cannot provide; use token',
    ),
    "password-change": (
        "password_change",
        '(200, 4): the password of "admin" must be changed first; log in manually',
    ),
}
SWITCHES: dict[str, dict[str, Any]] = {
    **{host: {"version": version} for host, version in VERSIONS.items()},
    **{host: {"login_refused_status": status} for host, status in REFUSED.items()},
    **{host: {switch: True} for host, (switch, _says) in BY_A_PERSON.items()},
    "banner": {"version": "6.2.16", "post_login_banner": True},
    "locked": {},
    "failing": {},
    "loop-password": {},
    "loop-token": {},
}
OWN: dict[str, dict[str, Any]] = {
    **{host: {"password": WRONG} for host in [*REFUSED, "loop-password"]},
    "loop-token": {"token": WRONG, "username": None, "password": None},
}
LOOPS = ["loop-password", "loop-token"]
LOOPED = {
    **task("fortigate_admin_profile", name="{{ item }}", preset="defender_iot"),
    "loop": ["a", "b", "c", "d"],
    "register": "made",
    "until": "made is succeeded",
    "retries": 1,
    "delay": 0,
}


class FortiGates:
    """A FortiGate for each case, after one run."""

    def __init__(self, node: Workspace) -> None:
        self.lab = node.lab
        self.names = {host: f"spare-{number:02}" for number, host in enumerate(SWITCHES, 1)}
        hosts = {}
        for host, name in self.names.items():
            self.lab.switch(name, **SWITCHES[host])
            account = self.lab.appliances[name]["credentials"]
            login = {"token": None, "username": account["username"], "password": account["password"]}
            given = {**node.host(name), **login, **OWN.get(host, {})}
            hosts[host] = {option: value for option, value in given.items() if value is not None}
        for _attempt in range(3):
            wrong = {"username": "admin", "secretkey": WRONG}
            assert self.lab.call(self.names["locked"], *LOGIN, json=wrong).status_code == 401
        self.lab.forget_calls()
        node.inventory(**hosts)
        # A play whose hosts all fail would end the run.
        refused = {
            **task("fortigate_admin_profile", name="super_admin", vpn="none"),
            "ignore_errors": True,
        }
        self.run = node.run(
            play(PROFILE, hosts=",".join(["all", "!failing", *(f"!{host}" for host in LOOPS)])),
            play(refused, hosts="failing"),
            play(LOOPED, hosts=",".join(LOOPS)),
            arguments=["-vvvv"],
        )

    def requests(self, host: str) -> list[tuple[str, str]]:
        """Return the requests to a host's FortiGate."""
        return _requests(self.lab, self.names[host])

    def state(self, host: str) -> dict[str, Any]:
        """Return the state of a host's FortiGate."""
        return self.lab.state(self.names[host])


@pytest.fixture(scope="module")
def fortigates(new_workspace: Callable[[], Workspace]) -> FortiGates:
    """The FortiGates, until the first test with another control node."""
    return FortiGates(new_workspace())


def _requests(lab: Lab, appliance: str) -> list[tuple[str, str]]:
    return [(call["method"], call["path"]) for call in lab.calls(appliance)]


@pytest.mark.parametrize("host", VERSIONS)
def test_a_password_opens_one_session_that_writes_and_is_closed(fortigates: FortiGates, host: str) -> None:
    assert fortigates.run.one(host).changed
    assert fortigates.requests(host) == [
        LOGIN,
        ("GET", f"{PROFILES}/plant"),
        ("POST", PROFILES),
        ("GET", f"{PROFILES}/plant"),
        LOGOUT,
    ]
    name = fortigates.names[host]
    assert {call["principal"] for call in fortigates.lab.calls(name)} == {"admin"}
    assert fortigates.lab.connections()[name] == 1
    assert fortigates.state(host)["sessions"] == []


def test_the_session_is_closed_after_a_failure_too(fortigates: FortiGates) -> None:
    assert fortigates.run.one("failing").status == "failed"
    assert fortigates.requests("failing")[-1] == LOGOUT
    assert fortigates.state("failing")["sessions"] == []


@pytest.mark.parametrize("host", REFUSED)
def test_a_wrong_password_is_tried_once(fortigates: FortiGates, host: str) -> None:
    result = fortigates.run.one(host)
    assert result.status == "failed"
    assert result.message.startswith(f'{host}: reading admin profile "plant" failed (')
    assert WRONG not in fortigates.run.output
    assert fortigates.requests(host) == [LOGIN]


def test_a_locked_out_source_is_told_to_wait(fortigates: FortiGates) -> None:
    result = fortigates.run.one("locked")
    assert result.status == "failed"
    assert "(429, -4): this source address is locked out" in result.message
    assert fortigates.requests("locked") == [LOGIN]


def test_a_release_without_a_login_in_its_api_is_reached_through_its_banner(fortigates: FortiGates) -> None:
    assert fortigates.run.one("banner").changed
    requests = fortigates.requests("banner")
    assert requests[:3] == [LOGIN, ("POST", "/logincheck"), ("POST", "/logindisclaimer")]
    assert requests[-1] == ("POST", "/logout")
    assert fortigates.state("banner")["sessions"] == []


@pytest.mark.parametrize("host", BY_A_PERSON)
def test_a_login_that_needs_a_person_is_refused_and_ended(fortigates: FortiGates, host: str) -> None:
    result = fortigates.run.one(host)
    assert result.status == "failed"
    assert BY_A_PERSON[host][1] in result.message
    assert fortigates.requests(host) == [LOGIN, LOGOUT]
    assert fortigates.state(host)["sessions"] == []


@pytest.mark.parametrize("host", LOOPS)
def test_a_loop_or_a_retry_does_not_lock_the_source_out(fortigates: FortiGates, host: str) -> None:
    rounds = [result.message for result in fortigates.run.of(host) if result.status == "failed"]
    assert len(rounds) >= 4
    assert all("an earlier answer, and the login was not repeated" in message for message in rounds[1:])
    assert len(fortigates.requests(host)) == 1
    assert fortigates.state(host)["failed_logins"] == {"127.0.0.1": 1}


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
        "requires the administrator's own password (admin's password required); set username and"
        in refused.message
    )
    for given in ("password", "both"):
        assert [result.changed for result in run.of(given)] == [True, True], run.output
        assert hosts[given]["password"] not in run.output
    assert set(workspace.stored_files()) == {"key-password.yml", "key-both.yml"}


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
    assert _requests(workspace.lab, "sensor-north-01").count(SENSOR_LOGIN) == 1
    assert sum(workspace.lab.state("sensor-north-01")["failed_logins"].values()) == 1


def test_a_sensor_s_session_is_closed(workspace: Workspace) -> None:
    _with_sensor(workspace).succeeded()
    assert _requests(workspace.lab, "sensor-north-01")[-1] == ("POST", "/api/authentication/logout")
    assert workspace.lab.state("sensor-north-01")["sessions"] == []


def test_a_forescout_s_wrong_password_is_tried_once(workspace: Workspace) -> None:
    workspace.inventory(forescout={**workspace.host("forescout-01"), "password": WRONG})
    read = task("forescout_module_info", endpoints=ENDPOINTS["forescout"])
    result = workspace.run(play(read)).one("forescout")
    assert result.status == "failed"
    assert 'logging in as "admin"' in result.message
    assert _requests(workspace.lab, "forescout-01") == [("POST", "/fsum/oauth2.0/token")]
