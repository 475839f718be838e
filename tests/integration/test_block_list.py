# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The block list on FortiGates of every version: the role, the playbooks, and the account that keeps it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import pytest
import yaml
from defender_iot_lab.fortigate.firewall.options import FirewallOptions

from ansible_collections.otsec.defender_iot.tests.support.workspace import (
    COLLECTION,
    Run,
    Workspace,
    play,
)

VERSIONS = ["6.4.5", "6.4.14", "7.0.0", "7.0.6", "7.2.8", "7.4.1", "7.4.5", "7.6.2", "7.6.5"]
# The switches with their own tests.
SETTLED = ("ngfw_mode", "cfg_save")
UNSETTLED = {
    switch.name: switch.metadata["choices"]
    for switch in fields(FirewallOptions)
    if "choices" in switch.metadata and switch.name not in SETTLED
}
OF_PARTS = {"member_put": (200, 405), "member_twice": (-5, 200), "absent_member": (404, 200)}
HOSTS = {version: f"spare-{number:02}" for number, version in enumerate(VERSIONS, 1)}
GROUP = "defender-iot-blocked"
HOST, HOST6 = "192.0.2.7", "2001:db8:2::7"
SOON, LATER = "2099-01-01T00:00:00Z", "2099-06-01T00:00:00Z"
SAMPLE = [
    {"address": HOST, "until": SOON, "reason": 'It\'s a "worm"', "source": "1834", "approved_by": "j.doe"},
    {"address": HOST6, "until": SOON},
]
PROOF = {"interface": "lan", "destination": "198.51.100.10", "destination_interface": "ot"}


def response(node: Workspace, appliance: str, **options: Any) -> dict[str, Any]:
    """Return the role's variables of a host that connects to an appliance."""
    account = node.host(appliance)
    given = {**account, **options}
    return {f"fortigate_response_{option}": value for option, value in given.items()}


def write_inventory(node: Workspace, **hosts: dict[str, Any]) -> Any:
    """Write an inventory of FortiGates."""
    path = node.inputs / "fortigates.yml"
    path.write_text(yaml.safe_dump({"fortigates": {"hosts": hosts}}))
    return path


ROLE = play(
    {"name": "Run the role", "ansible.builtin.import_role": {"name": f"{COLLECTION}fortigate_response"}},
    hosts="fortigates",
    module_defaults={},
)


def firewall(node: Workspace, appliance: str) -> dict[str, dict[str, Any]]:
    """Return the tables of the management VDOM, by name and key."""
    tables = node.lab.tables(appliance)["firewall"]["root"]
    return {
        table: {str(row.get("name") or row.get("policyid")): row for row in rows}
        for table, rows in tables.items()
    }


def members(node: Workspace, appliance: str, family: str = "") -> list[str]:
    """Return the members of the group."""
    row = firewall(node, appliance)[f"firewall.addrgrp{family}"].get(GROUP, {"member": []})
    return [each["name"] for each in row["member"]]


@dataclass(frozen=True)
class Fleet:
    """The same role on every FortiGate: predicted, carried out, and repeated."""

    node: Workspace
    runs: dict[str, Run]
    calls: dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def fleet(new_workspace: Callable[[], Workspace]) -> Fleet:
    """Run the role on the fleet, with every value of every switch on some FortiGate."""
    node = new_workspace()
    hosts = {}
    for number, (version, appliance) in enumerate(HOSTS.items()):
        unsettled = {
            name: choices[number % len(choices)] for name, choices in {**UNSETTLED, **OF_PARTS}.items()
        }
        node.lab.switch(appliance, version=version, **unsettled)
        hosts[version] = response(
            node, appliance, entries=SAMPLE, policy_towards=True, policy_proof=PROOF, protected=["192.0.2.1"]
        )
    path = write_inventory(node, **hosts)
    playbook = node.inputs / "role.yml"
    playbook.write_text(yaml.safe_dump([ROLE]))
    runs, calls = {}, {}
    for name, arguments in {"predicted": ["--check"], "built": ["--diff"], "repeated": []}.items():
        node.lab.forget_calls()
        runs[name] = node.playbook(str(playbook), *arguments, inventories=[path])
        calls[name] = node.lab.calls()
    return Fleet(node, runs, calls)


def test_the_fleet_blocks_and_the_second_run_is_silent(fleet: Fleet) -> None:
    assert len(fleet.runs["built"].succeeded().changes) == 2 * len(HOSTS)
    assert fleet.runs["predicted"].succeeded().changes == fleet.runs["built"].changes
    assert fleet.runs["repeated"].succeeded().changes == []
    for name in ("predicted", "repeated"):
        assert [call for call in fleet.calls[name] if call["write"]] == []


@pytest.mark.parametrize("version", VERSIONS)
def test_the_policies_are_at_the_top_and_take_effect(fleet: Fleet, version: str) -> None:
    verdict = fleet.runs["repeated"].one(version, "fortigate_block_policy").data
    assert (verdict["verdict"], version) == ("effective", version), verdict["reason"]
    rows = list(firewall(fleet.node, HOSTS[version])["firewall.policy"].values())
    assert {row["name"] for row in rows[:2]} == {GROUP, f"{GROUP}-towards"}
    assert all(row["action"] == "deny" and row["match-vip"] == "enable" for row in rows[:2])


@pytest.mark.parametrize("version", VERSIONS)
def test_the_groups_have_the_placeholder_and_the_entries(fleet: Fleet, version: str) -> None:
    assert members(fleet.node, HOSTS[version]) == ["none", f"{GROUP}-{HOST}"]
    assert members(fleet.node, HOSTS[version], "6") == ["none", f"{GROUP}-2001-db8-2--7"]


@pytest.mark.parametrize("version", VERSIONS)
def test_in_sync_costs_two_reads_per_family(fleet: Fleet, version: str) -> None:
    paths = [c["path"] for c in fleet.calls["repeated"] if c["appliance"] == HOSTS[version]]
    tables = [path for path in paths if "policy" not in path and "central" not in path]
    assert tables[:4] == [
        f"/api/v2/cmdb/firewall/{name}" for name in ("addrgrp", "address", "addrgrp6", "address6")
    ]
    assert paths.count("/api/v2/cmdb/firewall/policy") == 1


def test_no_request_deletes_a_table(fleet: Fleet) -> None:
    for calls in fleet.calls.values():
        for call in calls:
            assert call["method"] != "DELETE" or len(call["path"].split("/")) in (7, 9), call["path"]
