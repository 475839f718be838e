# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Web API of the lab's Forescout platform, with each of its switches. Each case has its own platform."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.tests.support import lab as labs
from ansible_collections.otsec.defender_iot.tests.support.workspace import (
    ENDPOINTS,
    Result,
    Workspace,
    play,
    task,
)

SENSOR = "sensor-north-01"
PLC = "198.51.100.12"
ASKED = {"host": PLC}
LONG_AGO = {**ASKED, "newer_than": "2026-01-01T00:00:00Z"}
BARE = {"token_form": "bare"}

READS: dict[str, dict[str, Any]] = {
    "plain": {},
    "bearer": {"web_token": "bearer"},
    "both": {"web_token": "both"},
    "etags": {"etags": True},
    "signed-ids": {"host_ids": "signed_64"},
    "lists": {"value_lists": True},
}
REFUSALS: dict[str, tuple[dict[str, Any], str]] = {
    "unlisted": ({"web_client": "unlisted"}, "Client IPs"),
    "busy": ({"web_busy": True}, "wait 7 s"),
    "restarting": ({"restarting": True}, "it may be starting"),
    "wrong-form": ({"web_token": "bearer"}, "set token_form"),
}
# Case: (switches of the platform, options).
OTHERS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "password": ({}, {"password": "wrong"}),
    "expiring": (
        {"web_token_seconds": 0.5},
        {**ASKED, "newer_than": "2999-01-01T00:00:00Z", "wait": 2, "interval": 1},
    ),
    "no-module": ({"module_installed": False}, ASKED),
    "namesake": ({"namesake": True}, ASKED),
    "unknown-host": ({}, {"host": "192.0.2.250"}),
}
LATE = "late"
SWITCHES = {
    **READS,
    **{name: switches for name, (switches, _says) in REFUSALS.items()},
    **{name: switches for name, (switches, _options) in OTHERS.items()},
}
OPTIONS = {
    **dict.fromkeys(READS, LONG_AGO),
    **dict.fromkeys(REFUSALS, BARE),
    **{name: options for name, (_switches, options) in OTHERS.items()},
}


class Platforms:
    """A platform for each case, and the results of its tasks."""

    def __init__(self, node: Workspace) -> None:
        """Set the modules of the platforms, which poll their sensor then."""
        self.node, self.lab = node, node.lab
        self.lab.switch(LATE, value_delay=3600)
        token = self.lab.make_token(SENSOR, "forescout")
        hosts = {}
        for name in [*SWITCHES, LATE]:
            # Each module records its delivery in an entry of its own.
            node.keep(name, value=token)
            hosts[name] = node.host(name, wanted=OPTIONS.get(name))
        node.inventory(**hosts)
        settings = {"server_address": "192.0.2.11", "access_token_ref": node.ref("{{ inventory_hostname }}")}
        given = task("forescout_module", transport="rest", endpoints=ENDPOINTS["forescout"], **settings)
        self.change = node.run(play(given)).succeeded().one(LATE).data["delivered_at"]
        assert {each["outcome"] for each in self.lab.control("POST", "/poll").values()} == {"ok"}
        self.lab.forget_calls()

    def ask(self) -> None:
        """Ask each platform once, and those of READS also by the host's ID and its MAC address."""
        for name, switches in SWITCHES.items():
            self.lab.switch(name, **switches)
        wanted = {**task("forescout_host_info"), "args": "{{ wanted }}", "register": "seen"}
        by_id = task("forescout_host_info", host="{{ seen.host.id }}")
        by_mac = task("forescout_host_info", host="00:00:5e:00:53:12")
        self.run = self.node.run(
            play(wanted, hosts=",".join(SWITCHES)), play(by_id, by_mac, hosts=",".join(READS))
        )
        self.logins = {
            name: [call["path"] for call in self.lab.calls(name)].count("/api/login") for name in SWITCHES
        }

    def one(self, name: str) -> Result:
        """Return the first result of a platform."""
        return self.run.of(name)[0]


@pytest.fixture(scope="module")
def platforms(tmp_path_factory: pytest.TempPathFactory, tree: Path) -> Iterator[Platforms]:
    """The platforms, after all of them were asked."""
    appliances = [
        {"name": SENSOR, "kind": "sensor", "address": "192.0.2.11"},
        *(
            {
                "name": name,
                "kind": "forescout",
                "address": f"192.0.2.{number}",
                "options": {"poll_interval": 86400},
            }
            for number, name in enumerate([*SWITCHES, LATE], 21)
        ),
    ]
    with labs.running_lab(tmp_path_factory.mktemp("lab"), appliances) as lab:
        platforms = Platforms(Workspace(tmp_path_factory.mktemp("node") / "node", tree, lab))
        platforms.ask()
        yield platforms


@pytest.mark.parametrize("name", READS)
def test_a_host_is_read_whatever_the_platform_does(platforms: Platforms, name: str) -> None:
    by_address, by_id, by_mac = (each.data for each in platforms.run.of(name))
    vendor = by_address["host"]["properties"]["Vendor"]["value"]
    assert vendor == (["Omron"] if READS[name].get("value_lists") else "Omron")
    assert by_address["missing_labels"] == []
    assert by_address["newer"] is True
    assert isinstance(by_address["host"]["id"], str)
    assert by_address["provenance"] == "observed"
    assert by_id["host"] == by_address["host"]
    assert by_mac["host"]["ip"] == PLC


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_is_one_sentence_and_no_second_login(platforms: Platforms, name: str) -> None:
    result = platforms.one(name)
    assert result.failed
    assert REFUSALS[name][1] in result.message
    assert platforms.logins[name] == 1


def test_a_wrong_password_is_tried_once(platforms: Platforms) -> None:
    assert "the login is not repeated" in platforms.one("password").message
    assert [call["path"] for call in platforms.lab.calls("password")] == ["/api/login"]


def test_values_that_come_late_are_newer_only_when_they_are_there(platforms: Platforms) -> None:
    asked = play(task("forescout_host_info", host=PLC, newer_than=platforms.change), hosts=LATE)
    early = platforms.node.run(asked).one().data
    assert (early["newer"], early["host"]["properties"], early["missing_labels"]) == (False, {}, [])
    platforms.lab.control("POST", "/clock", {"advance": 3600})
    late = platforms.node.run(asked).one().data
    assert (late["newer"], len(late["host"]["properties"])) == (True, 8)


def test_a_token_that_expires_while_waiting_is_replaced(platforms: Platforms) -> None:
    assert platforms.one("expiring").data["newer"] is False
    assert platforms.logins["expiring"] >= 2


def test_without_the_module_every_label_is_missing(platforms: Platforms) -> None:
    result = platforms.one("no-module").data
    assert len(result["missing_labels"]) == 8
    assert result["host"]["updated_at"] is None


def test_a_label_of_another_module_proves_nothing(platforms: Platforms) -> None:
    result = platforms.one("namesake").data
    assert result["ambiguous_labels"] == ["Vendor"]
    assert "Vendor" not in result["host"]["properties"]


def test_a_host_that_is_not_known_is_an_error(platforms: Platforms) -> None:
    assert "the platform does not know this host" in platforms.one("unknown-host").message
