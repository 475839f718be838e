# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs on block lists that are killed at every request, or that meet another controller or administrator.

Every step has its own host, and every host its own FortiGate.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.tests.support.block_lists import (
    GROUP,
    LATER,
    PAST,
    SOON,
    Place,
    Site,
)
from ansible_collections.otsec.defender_iot.tests.support.sabotage import Background, Rule, Sabotage
from ansible_collections.otsec.defender_iot.tests.support.shared_runs import Outcomes, SharedRuns, Steps
from ansible_collections.otsec.defender_iot.tests.support.workspace import Run, Workspace

NEW, EXTENDED, EXPIRED, THEIRS = "192.0.2.7", "192.0.2.8", "192.0.2.9", "192.0.2.10"
FIREWALL = "/api/v2/cmdb/firewall"
REQUESTS = {
    "remove": f"DELETE {FIREWALL}/addrgrp/{GROUP}/member/",
    "delete": f"DELETE {FIREWALL}/address/",
    "update": f"PUT {FIREWALL}/address/",
    "create": f"POST {FIREWALL}/address",
    "add": f"POST {FIREWALL}/addrgrp/{GROUP}/member",
}
# Of a FortiGate without groups, and of one whose group has only an expired entry.
FIRST_REQUESTS = {
    "group": f"POST {FIREWALL}/addrgrp",
    "group6": f"POST {FIREWALL}/addrgrp6",
    "create6": f"POST {FIREWALL}/address6",
    "add6": f"POST {FIREWALL}/addrgrp6/{GROUP}/member",
    "policy": f"POST {FIREWALL}/policy",
    "move": f"PUT {FIREWALL}/policy/",
}
PLACEHOLDER = {"placeholder": f"POST {FIREWALL}/addrgrp/{GROUP}/member"}
PHASES = ("before", "after")
STEPS = {
    f"{phase}-{name}": Rule((step,), phase, "stop")
    for requests in (REQUESTS, FIRST_REQUESTS, PLACEHOLDER)
    for name, step in requests.items()
    for phase in PHASES
}
BOXES = {host: f"spare-{number:02}" for number, host in enumerate(STEPS, 1)}
HOSTS = {f"{phase}-{name}": BOXES[f"{phase}-{name}"] for name in REQUESTS for phase in PHASES}
FIRST = [f"{phase}-{name}" for name in FIRST_REQUESTS for phase in PHASES]
LAST = [f"{phase}-{name}" for name in PLACEHOLDER for phase in PHASES]
RULES = {host: STEPS[host] for host in HOSTS}
ENTRIES = [{"address": NEW, "until": SOON}, {"address": EXTENDED, "until": LATER}]
NEW6 = "2001:db8:2::7"
STRANGERS = ["none", "vendor"]


def prepared(node: Workspace) -> Site:
    """Return FortiGates on which a run has to release, extend and add an entry."""
    site = Site(node)
    for host, appliance in HOSTS.items():
        site.put_groups(appliance)
        site.put(appliance, EXPIRED, PAST)
        site.put(appliance, EXTENDED, SOON)
        site.add(host, appliance, entries=ENTRIES)
    return site


def sabotaged(site: Site, folder: str, rules: dict[str, Rule]) -> tuple[Sabotage, Background]:
    """Start a run that stops at the step of each host. No host waits for another one."""
    sabotage = Sabotage(site.node.folder / folder, rules)
    environment = {
        **sabotage.environment,
        "ANSIBLE_CALLBACKS_ENABLED": "recorder,saboteur",
        "ANSIBLE_FORKS": str(len(rules)),
        "ANSIBLE_STRATEGY": "free",
    }
    return sabotage, Background(lambda: site.run(**environment))


@pytest.fixture(scope="module")
def killed(new_workspace: Callable[[], Workspace]) -> tuple[Site, dict[str, list[str]], Run, Run]:
    """Kill a run at every step. Return what was in the groups then, the next run, and the one after it."""
    site = prepared(new_workspace())
    for host in FIRST:
        site.add(host, BOXES[host], entries=[ENTRIES[0], {"address": NEW6, "until": SOON}])
    for host in LAST:
        site.put_groups(BOXES[host])
        site.put(BOXES[host], EXPIRED, PAST)
        for name in STRANGERS:
            site.lab.firewall(BOXES[host], "DELETE", f"addrgrp/{GROUP}/member/{name}")
        site.add(host, BOXES[host], entries=[])
    sabotage, running = sabotaged(site, "killed", STEPS)
    try:
        sabotage.wait_until_stopped()
    finally:
        sabotage.kill()
    assert running.wait().code == -9
    left = {host: site.members(appliance) for host, appliance in HOSTS.items()}
    return site, left, site.run(), site.run()


@pytest.mark.parametrize("host", HOSTS)
def test_a_killed_run_has_lost_no_other_member(killed: Any, host: str) -> None:
    _site, left, _next, _last = killed
    assert set(STRANGERS) <= set(left[host])
    assert f"{GROUP}-{EXTENDED}" in left[host]


@pytest.mark.parametrize("host", HOSTS)
def test_the_next_run_ends_right_and_the_one_after_it_is_silent(killed: Any, host: str) -> None:
    site, _left, repaired, last = killed
    repaired.succeeded()
    assert sorted(site.members(HOSTS[host])) == [f"{GROUP}-{NEW}", f"{GROUP}-{EXTENDED}", *STRANGERS]
    objects = [name for name in site.tables(HOSTS[host])["firewall.address"] if name.startswith(GROUP)]
    assert sorted(objects) == [f"{GROUP}-{NEW}", f"{GROUP}-{EXTENDED}"]
    assert f"until={LATER}" in site.tables(HOSTS[host])["firewall.address"][f"{GROUP}-{EXTENDED}"]["comment"]
    assert last.succeeded().changes == []


@pytest.mark.parametrize("host", [*FIRST, *LAST])
def test_an_interrupted_first_run_or_last_release_is_completed(killed: Any, host: str) -> None:
    site, _left, repaired, last = killed
    box = BOXES[host]
    entries = [f"{GROUP}-{NEW}"] if host in FIRST else []
    entries6 = [f"{GROUP}-{NEW6.replace(':', '-')}"] if host in FIRST else []
    assert (site.members(box), site.members(box, "6")) == (["none", *entries], ["none", *entries6])
    tables = site.tables(box)
    for table, names in {"address": entries, "address6": entries6, "policy": [GROUP]}.items():
        assert [name for name in tables[f"firewall.{table}"] if name.startswith(GROUP)] == names
    assert next(iter(tables["firewall.policy"])) == GROUP
    for run in (repaired.succeeded(), last):
        assert not run.one(host, "fortigate_block_policy").failed


@pytest.fixture(scope="module")
def two_controllers(new_workspace: Callable[[], Workspace]) -> tuple[Site, Run, Run]:
    """Let a second controller do its whole run while the first one is stopped at a step of each host."""
    site = prepared(new_workspace())
    sabotage, running = sabotaged(site, "first", RULES)
    try:
        sabotage.wait_until_stopped()
        for host in HOSTS:
            others = [{"address": THEIRS, "until": SOON}, {"address": NEW, "until": LATER}]
            site.set(host, owner="respond", mode="exact", entries=others)
        second = site.run()
    finally:
        sabotage.let_go()
    return site, running.wait(), second


@pytest.mark.parametrize("host", HOSTS)
def test_two_controllers_at_once_end_with_the_union(two_controllers: Any, host: str) -> None:
    site, first, second = two_controllers
    first.succeeded()
    second.succeeded()
    names = [f"{GROUP}-{address}" for address in (THEIRS, NEW, EXTENDED)]
    assert sorted(site.members(HOSTS[host])) == [*names, *STRANGERS]


TOGETHER = SharedRuns()


@pytest.fixture(scope="module")
def outcomes(new_workspace: Callable[[], Workspace]) -> Outcomes:
    """Run the tests that share their runs, each with a FortiGate with an expired entry."""
    site = Site(new_workspace())

    def make_place(number: int) -> Place:
        place = Place(site, f"spare-{number:02}")
        place.put(EXPIRED, PAST)
        return place

    return TOGETHER.go(make_place, site.advance)


@TOGETHER.each(["addrgrp6", "address6"])
def test_an_entry_that_is_extended_while_it_is_planned_is_not_released(place: Place, case: str) -> Steps:
    comment = f"defender-iot v1; until={LATER}; since={PAST}; owner=respond"
    write = {
        "method": "PUT",
        "path": f"{FIREWALL}/address/{GROUP}-{EXPIRED}",
        "body": {"comment": comment},
        "after_path": f"{FIREWALL}/{case}",
    }
    place.lab.control("POST", f"/appliances/{place.name}/commands/second_writer", write)
    result = (yield place.role()).succeeded().one(module="fortigate_block_list").data
    assert [(each["address"], each["until"]) for each in result["entries"]] == [(EXPIRED, LATER)]
    assert f"{GROUP}-{EXPIRED}" in place.members()


@TOGETHER.test
def test_a_member_that_is_added_meanwhile_survives(place: Place) -> Steps:
    write = {
        "method": "POST",
        "path": f"{FIREWALL}/addrgrp/{GROUP}/member",
        "body": {"name": "spare"},
        "after_path": f"{FIREWALL}/address6",
    }
    place.lab.control("POST", f"/appliances/{place.name}/commands/second_writer", write)
    (yield place.role()).succeeded()
    assert sorted(place.members()) == ["none", "spare", "vendor"]


@TOGETHER.each(["POST", "DELETE"])
def test_a_write_whose_answer_is_lost_is_completed_by_the_next_run(place: Place, case: str) -> Steps:
    place.set(entries=[{"address": NEW, "until": SOON}])
    fault = {"appliance": place.name, "match": {"method": case}, "times": 1}
    place.lab.control("POST", "/faults", {**fault, "fault": {"kind": "drop", "after": True}})
    result = (yield place.role()).one(module="fortigate_block_list")
    assert "it is not known whether the request was carried out" in result.message
    (yield place.role()).succeeded()
    assert sorted(place.members()) == [f"{GROUP}-{NEW}", *STRANGERS]
    assert (yield place.role()).succeeded().changes == []
