# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mistakes of operators, one at each site: what they block, what they release, and what the run says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from ansible_collections.otsec.defender_iot.tests.support.block_lists import GROUP, SOON, Site
from ansible_collections.otsec.defender_iot.tests.support.workspace import Run, Workspace

WORM = "Suspicion of Malicious Activity (WannaCry)"
# Devices of the recorded inventory.
SERVER, PLC = 502, 507
OFFENDER, CONTROLLER, EARLIER = "192.0.2.52", "192.0.2.57", "192.0.2.61"
SENSORS = {
    # site: variables of its sensor
    "right": {},
    "wrong-ttl": {"respond_ttl": 30},
    "no-approvals": {"respond_approvals": "missing.yml"},
    "old-token": {"respond_token": "0" * 32},
    "never-set-up": {},
    "mistyped": {},
}
SENSOR = {site: f"spare-sensor-{number}" for number, site in enumerate(SENSORS, 1)}
FORTIGATE = {site: f"spare-{number:02}" for number, site in enumerate(SENSORS, 21)}
GONE = "spare-30"
MESSAGES = {
    "wrong-ttl": (
        "the rules failed: in minutes, ttl (respond_ttl) is 30, dynamic_ttl (respond_dynamic_ttl) is "
        "60, and max_duration (respond_max_duration) is 10080; set"
    ),
    "no-approvals": "respond_approvals missing.yml cannot be read: No such file or directory; correct",
    "old-token": f"failed in part: could not read unhandled alerts of {SENSOR['old-token']}",
    "never-set-up": "the block list has its entries, but no policy blocks them: the policy",
}


@dataclass
class Accidents:
    """The sites, and the runs."""

    list: Site
    runs: dict[str, Run]
    members: dict[str, dict[str, list[str]]]
    writes: dict[str, list[str]]

    def run(self, name: str, playbook: str, *arguments: str) -> None:
        """Run a playbook, and record what it leaves."""
        lab, inventory = self.list.lab, self.list.node.inputs / "sites.yml"
        lab.forget_calls()
        self.runs[name] = self.list.node.playbook(
            f"otsec.defender_iot.{playbook}", *arguments, inventories=[inventory]
        )
        self.writes[name] = [call["appliance"] for call in lab.calls() if call["write"]]
        self.members[name] = {
            site: [each.removeprefix(f"{GROUP}-") for each in self.list.members(fortigate) if each != "none"]
            for site, fortigate in FORTIGATE.items()
        }


def _inventory(list_: Site) -> dict[str, Any]:
    lab, sensors, sites = list_.lab, {}, {}
    for site, variables in SENSORS.items():
        connection = {
            "respond_url": lab.appliances[SENSOR[site]]["url"],
            "respond_token": lab.make_token(SENSOR[site], "respond"),
            "respond_ca_path": lab.ca_path,
        }
        sensors[SENSOR[site]] = {"defender_iot_site": site, **connection, **variables}
        sites[FORTIGATE[site]] = {"defender_iot_site": site, **list_.hosts[FORTIGATE[site]]}
    sensors[SENSOR["mistyped"]]["defender_iot_site"] = "mistypt"
    sites[GONE] = list_.hosts[GONE]
    children = {
        "fortigates": {"hosts": sites},
        "sensors": {"hosts": sensors},
        "decommissioned": {"hosts": {GONE: {}}},
    }
    return {"all": {"children": children}}


@pytest.fixture(scope="module")
def accidents(new_workspace: Callable[[], Workspace]) -> Accidents:
    """Let a server and a PLC attack at every site, while an earlier host is blocked."""
    made = Accidents(Site(new_workspace()), {}, {}, {})
    lab = made.list.lab
    for site, fortigate in FORTIGATE.items():
        if site != "never-set-up":
            made.list.add(fortigate)
    made.list.run().succeeded()
    for fortigate in made.list.hosts:
        made.list.put(fortigate, EARLIER, owner="respond")
    made.list.add(FORTIGATE["never-set-up"])
    made.list.add(GONE)
    for sensor in SENSOR.values():
        lab.switch(sensor, inventory="recorded")
        for device in (SERVER, PLC):
            body = {"title": WORM, "sourceDevice": device}
            lab.control("POST", f"/appliances/{sensor}/commands/traffic", body)
    (made.list.node.inputs / "sites.yml").write_text(yaml.safe_dump(_inventory(made.list)))
    for name, arguments in {"predicted": ["--check"], "enforced": []}.items():
        made.run(name, "respond", "-e", "respond_mode=enforce", *arguments)
    made.run("unblocked", "unblock", "-e", f"address={OFFENDER}")
    made.run("words", "block", "-e", f"address={EARLIER}", "-e", f"until={SOON}", "-e", "reason=a worm")
    return made


def test_a_mistake_at_one_site_leaves_the_others_alone(accidents: Accidents) -> None:
    assert accidents.runs["enforced"].code == 4
    assert accidents.members["enforced"] == {
        "right": [EARLIER, OFFENDER],
        "wrong-ttl": [EARLIER],
        "no-approvals": [EARLIER],
        "old-token": [EARLIER],
        "never-set-up": [OFFENDER],
        "mistyped": [EARLIER],
    }


def test_a_control_system_is_blocked_nowhere(accidents: Accidents) -> None:
    for members in accidents.members.values():
        assert not [site for site, names in members.items() if CONTROLLER in names]


def test_check_mode_predicts_every_accident(accidents: Accidents) -> None:
    predicted, enforced = accidents.runs["predicted"], accidents.runs["enforced"]
    assert (predicted.code, predicted.changes, predicted.stats) == (4, enforced.changes, enforced.stats)
    assert accidents.writes["predicted"] == []


@pytest.mark.parametrize(("site", "message"), MESSAGES.items(), ids=MESSAGES)
def test_each_failure_says_what_to_do(accidents: Accidents, site: str, message: str) -> None:
    failures = [each.message for each in accidents.runs["enforced"].results if each.failed]
    assert message in accidents.runs["enforced"].output
    assert not [each for each in failures if "Traceback" in each]


def test_the_appliances_of_an_incomplete_site_are_named(accidents: Accidents) -> None:
    output = accidents.runs["enforced"].output
    assert f'{SENSOR["mistyped"]}: the site \\"mistypt\\" has no FortiGate' in output
    assert f'{FORTIGATE["mistyped"]}: the site \\"mistyped\\" has no sensor' in output


def test_a_release_says_what_it_has_released_and_creates_nothing(accidents: Accidents) -> None:
    run = accidents.runs["unblocked"].succeeded()
    for site in ("right", "never-set-up"):
        assert f"{FORTIGATE[site]}: released {OFFENDER}; the next run of respond blocks" in run.output
    for host in (FORTIGATE["mistyped"], GONE):
        assert f"{host}: released no host, because {OFFENDER} is not on the list" in run.output
    assert set(accidents.writes["unblocked"]) == {FORTIGATE["right"], FORTIGATE["never-set-up"]}
    assert GROUP not in accidents.list.tables(GONE)["firewall.addrgrp"]


def test_a_reason_that_loses_its_words_blocks_nothing(accidents: Accidents) -> None:
    run = accidents.runs["words"]
    assert (run.code, accidents.writes["words"]) == (2, [])
    assert f'until is "{SOON}" and reason is "a", without "worm", so nothing was changed' in run.output
