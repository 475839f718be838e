# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Logins with a password: one session, one attempt, and a logout."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.tests.support.workspace import (
    ENDPOINTS,
    Play,
    Workspace,
    play,
    task,
)

LOGIN = ("POST", "/api/v2/authentication")
LOGOUT = ("DELETE", "/api/v2/authentication")
PROFILES = "/api/v2/cmdb/system/accprofile"
SENSOR_LOGIN = ("POST", "/api/authentication/login")
WRONG = "not-the-password-0123"
PROFILE = task("fortigate_admin_profile", name="plant", preset="defender_iot")


# Each case has its own appliance. These are FortiGates with switches. The account has a name and a password.
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


# FortiGates that want the administrator's own password, by what their hosts have.
ASKING = {"token": "fgt-north-01", "password": "fgt-north-02", "both": "fgt-south-01"}
# Web interfaces, with the own variables of their hosts.
WEB = {
    "sensor-wrong": ("sensor-north-01", {"password": WRONG}),
    "sensor-right": ("sensor-south-01", {}),
    "forescout": ("forescout-01", {"password": WRONG}),
}


class Appliances:
    """An appliance for each case, after one run."""

    def __init__(self, node: Workspace) -> None:
        self.node, self.lab = node, node.lab
        spare = {host: f"spare-{number:02}" for number, host in enumerate(SWITCHES, 1)}
        web = {host: name for host, (name, _own) in WEB.items()}
        self.names = {**spare, **ASKING, **web}
        hosts = {
            **self._fortigates(spare),
            **self._asking(),
            **{host: node.host(name, **own) for host, (name, own) in WEB.items()},
        }
        self.lab.forget_calls()
        node.inventory(**hosts)
        self.run = node.run(*self._plays(), arguments=["-vvvv"])

    def _fortigates(self, names: dict[str, str]) -> dict[str, dict[str, Any]]:
        """Return the hosts that log in with a name and a password."""
        hosts = {}
        for host, name in names.items():
            self.lab.switch(name, **SWITCHES[host])
            account = self.lab.appliances[name]["credentials"]
            login = {"token": None, "username": account["username"], "password": account["password"]}
            given = {**self.node.host(name), **login, **OWN.get(host, {})}
            hosts[host] = {option: value for option, value in given.items() if value is not None}
        for _attempt in range(3):
            wrong = {"username": "admin", "secretkey": WRONG}
            assert self.lab.call(names["locked"], *LOGIN, json=wrong).status_code == 401
        return hosts

    def _asking(self) -> dict[str, dict[str, Any]]:
        """Return the hosts of FortiGates that want the administrator's own password."""
        hosts = {}
        for given, name in ASKING.items():
            self.lab.switch(name, version="7.6.5")
            hosts[given] = {**self.node.host(name), **self.lab.appliances[name]["credentials"]}
        del hosts["password"]["token"], hosts["token"]["username"], hosts["token"]["password"]
        del hosts["both"]["username"]
        return hosts

    def _plays(self) -> list[Play]:
        # A play whose hosts all fail would end the run.
        refused = {
            **task("fortigate_admin_profile", name="super_admin", vpn="none"),
            "ignore_errors": True,
        }
        wanted = {"profile": "super_admin_readonly", "trusted_hosts": ["127.0.0.1"]}
        ref = self.node.ref("key-{{ inventory_hostname }}")
        return [
            play(PROFILE, hosts=",".join(set(SWITCHES) - {"failing", *LOOPS})),
            play(refused, hosts="failing"),
            play(
                task("fortigate_api_admin", name="plant", **wanted),
                task("fortigate_api_key", name="plant", secret_ref=ref),
                hosts=",".join(ASKING),
            ),
            play(
                task("sensor_access_token_info", endpoints=ENDPOINTS["sensor"]),
                hosts="sensor-wrong,sensor-right",
            ),
            play(
                {
                    **task("forescout_module_info", endpoints=ENDPOINTS["forescout"]),
                    "ignore_errors": True,
                    "ignore_unreachable": True,
                },
                hosts="forescout",
            ),
            play(LOOPED, hosts=",".join(LOOPS)),
        ]

    def requests(self, host: str) -> list[tuple[str, str]]:
        """Return the requests to a host's appliance."""
        return [(call["method"], call["path"]) for call in self.lab.calls(self.names[host])]

    def state(self, host: str) -> dict[str, Any]:
        """Return the state of a host's appliance."""
        return self.lab.state(self.names[host])


@pytest.fixture(scope="module")
def appliances(new_workspace: Callable[[], Workspace]) -> Appliances:
    """The appliances of all cases."""
    return Appliances(new_workspace())


@pytest.mark.parametrize("host", VERSIONS)
def test_a_password_opens_one_session_that_writes_and_is_closed(appliances: Appliances, host: str) -> None:
    assert appliances.run.one(host).changed
    assert appliances.requests(host) == [
        LOGIN,
        ("GET", f"{PROFILES}/plant"),
        ("POST", PROFILES),
        ("GET", f"{PROFILES}/plant"),
        LOGOUT,
    ]
    name = appliances.names[host]
    assert {call["principal"] for call in appliances.lab.calls(name)} == {"admin"}
    assert appliances.lab.connections()[name] == 1
    assert appliances.state(host)["sessions"] == []


def test_the_session_is_closed_after_a_failure_too(appliances: Appliances) -> None:
    assert appliances.run.one("failing").status == "failed"
    assert appliances.requests("failing")[-1] == LOGOUT
    assert appliances.state("failing")["sessions"] == []


@pytest.mark.parametrize("host", REFUSED)
def test_a_wrong_password_is_tried_once(appliances: Appliances, host: str) -> None:
    result = appliances.run.one(host)
    assert result.status == "failed"
    assert result.message.startswith(f'{host}: reading admin profile "plant" failed (')
    assert WRONG not in appliances.run.output
    assert appliances.requests(host) == [LOGIN]


def test_a_locked_out_source_is_told_to_wait(appliances: Appliances) -> None:
    result = appliances.run.one("locked")
    assert result.status == "failed"
    assert "(429, -4): this source address is locked out" in result.message
    assert appliances.requests("locked") == [LOGIN]


def test_a_release_without_a_login_in_its_api_is_reached_through_its_banner(appliances: Appliances) -> None:
    assert appliances.run.one("banner").changed
    requests = appliances.requests("banner")
    assert requests[:3] == [LOGIN, ("POST", "/logincheck"), ("POST", "/logindisclaimer")]
    assert requests[-1] == ("POST", "/logout")
    assert appliances.state("banner")["sessions"] == []


@pytest.mark.parametrize("host", BY_A_PERSON)
def test_a_login_that_needs_a_person_is_refused_and_ended(appliances: Appliances, host: str) -> None:
    result = appliances.run.one(host)
    assert result.status == "failed"
    assert BY_A_PERSON[host][1] in result.message
    assert appliances.requests(host) == [LOGIN, LOGOUT]
    assert appliances.state(host)["sessions"] == []


@pytest.mark.parametrize("host", LOOPS)
def test_a_loop_or_a_retry_does_not_lock_the_source_out(appliances: Appliances, host: str) -> None:
    rounds = [result.message for result in appliances.run.of(host) if result.status == "failed"]
    assert len(rounds) >= 4
    assert all("an earlier answer, and the login was not repeated" in message for message in rounds[1:])
    assert len(appliances.requests(host)) == 1
    assert appliances.state(host)["failed_logins"] == {"127.0.0.1": 1}


def test_fortios_7_6_5_is_given_the_password_it_asks_for_before_admins_and_keys_change(
    appliances: Appliances,
) -> None:
    run = appliances.run
    (refused,) = run.of("token")
    assert refused.data["failure"]["code"] == -8102
    assert (
        "requires the administrator's own password (admin's password required); set username and"
        in refused.message
    )
    for given in ("password", "both"):
        assert [result.changed for result in run.of(given)] == [True, True], run.output
        assert appliances.lab.appliances[ASKING[given]]["credentials"]["password"] not in run.output
    assert set(appliances.node.stored_files()) == {"key-password.yml", "key-both.yml"}


def test_a_sensor_s_wrong_password_is_tried_once(appliances: Appliances) -> None:
    result = appliances.run.one("sensor-wrong")
    assert result.status == "failed"
    assert result.message.startswith("sensor-wrong: ")
    assert 'logging in as "admin"' in result.message
    assert "(401)" in result.message
    assert WRONG not in appliances.run.output
    assert appliances.requests("sensor-wrong").count(SENSOR_LOGIN) == 1
    assert sum(appliances.state("sensor-wrong")["failed_logins"].values()) == 1


def test_a_sensor_s_session_is_closed(appliances: Appliances) -> None:
    assert appliances.run.one("sensor-right").status == "ok"
    assert appliances.requests("sensor-right")[-1] == ("POST", "/api/authentication/logout")
    assert appliances.state("sensor-right")["sessions"] == []


def test_a_forescout_s_wrong_password_is_tried_once(appliances: Appliances) -> None:
    result = appliances.run.one("forescout")
    assert result.status == "failed"
    assert 'logging in as "admin"' in result.message
    assert appliances.requests("forescout") == [("POST", "/fsum/oauth2.0/token")]
