# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The block list on FortiGates of every version: the role, the playbooks, and the account that keeps it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pytest
import yaml
from defender_iot_lab.fortigate.firewall.options import FirewallOptions

from ansible_collections.otsec.defender_iot.tests.support.block_lists import (
    GROUP,
    LATER,
    PAST,
    SINCE,
    SOON,
    Place,
    Site,
)
from ansible_collections.otsec.defender_iot.tests.support.shared_runs import Outcomes, SharedRuns, Steps
from ansible_collections.otsec.defender_iot.tests.support.workspace import Run, Workspace

VERSIONS = ["6.4.5", "6.4.14", "7.0.0", "7.0.6", "7.2.8", "7.4.1", "7.4.5", "7.6.2", "7.6.5"]
# The switches with tests of their own.
SETTLED = ("ngfw_mode", "cfg_save")
UNSETTLED = {
    switch.name: switch.metadata["choices"]
    for switch in fields(FirewallOptions)
    if "choices" in switch.metadata and switch.name not in SETTLED
}
OF_PARTS = {"member_put": (200, 405), "member_twice": (-5, 200), "absent_member": (404, 200)}
HOSTS = {version: f"spare-{number:02}" for number, version in enumerate(VERSIONS, 1)}
HOST, HOST6, OTHER = "192.0.2.7", "2001:db8:2::7", "192.0.2.8"
SERVER, SERVER6, VIP = "198.51.100.10", "2001:db8:51::10", "203.0.113.80"
SAMPLE = [
    {"address": HOST, "until": SOON, "reason": 'It\'s a "worm"', "source": "1834", "approved_by": "j.doe"},
    {"address": HOST6, "until": SOON},
]
PROOF = {"interface": "lan", "destination": SERVER, "destination_interface": "ot"}
BOX = "spare-01"
TOGETHER = SharedRuns()


@dataclass(frozen=True)
class Fleet:
    """The same role on every FortiGate: predicted, carried out, and repeated."""

    site: Site
    runs: dict[str, Run]
    calls: dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def fleet(new_workspace: Callable[[], Workspace]) -> Fleet:
    """Run the role on the fleet, with every value of every switch on some FortiGate."""
    site = Site(new_workspace())
    options = {"entries": SAMPLE, "policy_towards": True, "policy_proof": PROOF, "protected": ["192.0.2.1"]}
    for number, (version, appliance) in enumerate(HOSTS.items()):
        positions = {name: found[number % len(found)] for name, found in {**UNSETTLED, **OF_PARTS}.items()}
        site.lab.switch(appliance, version=version, **positions)
        site.add(version, appliance, **options)
    runs, calls = {}, {}
    for name, arguments in {"predicted": ["--check"], "built": ["--diff"], "repeated": []}.items():
        site.lab.forget_calls()
        runs[name] = site.run(*arguments)
        calls[name] = site.lab.calls()
    return Fleet(site, runs, calls)


def test_the_fleet_blocks_and_the_second_run_is_silent(fleet: Fleet) -> None:
    assert len(fleet.runs["built"].succeeded().changes) == 2 * len(HOSTS)
    assert fleet.runs["predicted"].succeeded().changes == fleet.runs["built"].changes
    assert fleet.runs["repeated"].succeeded().changes == []
    for name in ("predicted", "repeated"):
        assert [call for call in fleet.calls[name] if call["write"]] == []


@pytest.mark.parametrize("version", VERSIONS)
def test_the_policies_are_at_the_top_and_take_effect(fleet: Fleet, version: str) -> None:
    result = fleet.runs["repeated"].one(version, "fortigate_block_policy").data
    assert result["verdict"] == "effective", result["reason"]
    rows = list(fleet.site.tables(HOSTS[version])["firewall.policy"].values())
    assert [row["name"] for row in rows[:2]] == [GROUP, f"{GROUP}-towards"]
    assert all(row["action"] == "deny" and row["match-vip"] == "enable" for row in rows[:2])


@pytest.mark.parametrize("version", VERSIONS)
def test_the_packets_of_blocked_hosts_stop_and_no_others(fleet: Fleet, version: str) -> None:
    def action(*packet: str, **more: Any) -> str:
        return str(fleet.site.lab.packet(HOSTS[version], *packet, **more)["action"])

    assert action(HOST, SERVER) == action(HOST6, SERVER6) == action(HOST, VIP) == "deny"
    assert action(SERVER, HOST) == "deny"
    assert action(OTHER, SERVER) == action("2001:db8:2::8", SERVER6) == action(SERVER, OTHER) == "accept"


@pytest.mark.parametrize("version", VERSIONS)
def test_the_groups_have_the_placeholder_and_the_entries(fleet: Fleet, version: str) -> None:
    assert fleet.site.members(HOSTS[version]) == ["none", f"{GROUP}-{HOST}"]
    assert fleet.site.members(HOSTS[version], "6") == ["none", f"{GROUP}-2001-db8-2--7"]


@pytest.mark.parametrize("version", VERSIONS)
def test_in_sync_costs_two_reads_per_family_and_one_for_the_policies(fleet: Fleet, version: str) -> None:
    paths = [call["path"] for call in fleet.calls["repeated"] if call["appliance"] == HOSTS[version]]
    tables = ("addrgrp", "address", "addrgrp6", "address6", "policy")
    assert paths[:5] == [f"/api/v2/cmdb/firewall/{table}" for table in tables]
    proof = {"/api/v2/monitor/firewall/policy-lookup", "/api/v2/cmdb/system/central-management"}
    groups = {f"/api/v2/cmdb/firewall/{table}/{GROUP}" for table in ("addrgrp", "addrgrp6")}
    assert set(paths[5:]) == proof | groups


def test_the_diff_says_who_is_blocked_until_when_and_why(fleet: Fleet) -> None:
    for text in (f'"address": "{HOST}"', f'"until": "{SOON}"', '"source": "1834"', '"approved_by": "j.doe"'):
        assert text in fleet.runs["built"].output


@pytest.fixture(scope="module")
def outcomes(new_workspace: Callable[[], Workspace]) -> Outcomes:
    """Run the tests that share their runs."""
    site = Site(new_workspace())
    return TOGETHER.go(lambda number: Place(site, f"spare-{number:02}"), site.advance)


@pytest.fixture
def site(workspace: Workspace) -> Site:
    """One FortiGate with groups and a member of another administrator."""
    made = Site(workspace)
    made.put_groups(BOX)
    made.add(BOX)
    workspace.lab.forget_calls()
    return made


def actions(run: Run, module: str = "fortigate_block_list") -> list[tuple[str, str]]:
    """Return name and action of each object of the only result of a module."""
    return [(each["name"], each["action"]) for each in run.one(module=module).data["objects"]]


def test_a_host_is_blocked_extended_and_released_by_playbooks(site: Site) -> None:
    block = [
        f"-e{pair}"
        for pair in (f"address={HOST}", f"until={SOON}", "reason='worm on hmi-3'", "approved_by=me")
    ]
    blocked = site.run(*block, playbook="block")
    assert blocked.code != 0
    assert f"{BOX}: the block list has its entries, but no policy blocks them: the policy" in blocked.output
    assert "does not exist; correct it on the FortiGate, or run the role" in blocked.output
    assert actions(blocked) == [(HOST, "create")]
    (entry,) = blocked.one(module="fortigate_block_list").data["entries"]
    assert (entry["reason"], entry["approved_by"], entry["source"]) == ("worm on hmi-3", "me", "")
    site.run().succeeded()
    again = site.run(*block, playbook="block").succeeded()
    assert again.changes == []
    assert "the verdict about the policies is unknown: no packet was looked up" in again.output
    extended = site.run(*block, f"-euntil={LATER}", playbook="block").succeeded()
    assert actions(extended) == [(HOST, "update")]
    site.set(BOX, entries=SAMPLE)
    released = site.run(f"-eaddress={HOST}", playbook="unblock").succeeded()
    assert actions(released) == [(HOST, "delete")]
    assert f"{HOST} is declared in the inventory (fortigate_response_entries)" in released.output
    assert site.members(BOX) == ["none", "vendor"]
    assert site.run(f"-eaddress={HOST}", playbook="unblock").succeeded().changes == []


def test_unblock_all_releases_every_owner_and_names_what_it_cannot_release(site: Site) -> None:
    site.put(BOX, HOST, owner="respond")
    site.put(BOX, OTHER)
    seen = {"since": SINCE, "approved_by": "", "source": "", "reason": "", "until": SOON}
    owners = {HOST: "respond", OTHER: "manual"}
    site.set(BOX, entries=[{**seen, "address": each, "owner": owner} for each, owner in owners.items()])
    assert [
        each["action"] for each in site.run().succeeded().one(module="fortigate_block_list").data["objects"]
    ] == ["none"]
    noted = site.put(BOX, "192.0.2.9")
    site.lab.firewall(BOX, "PUT", f"address/{noted}", {"comment": "see ticket 4711"})
    predicted = site.run("--check", playbook="unblock_all")
    real = site.run(playbook="unblock_all")
    expected = [(HOST, "delete"), (OTHER, "delete"), ("192.0.2.9", "none")]
    for run in (predicted, real):
        assert run.code != 0
        assert actions(run) == expected
        assert "192.0.2.9 cannot be released" in run.one(module="fortigate_block_list").message
    assert site.members(BOX) == ["none", "vendor", noted]
    site.lab.firewall(BOX, "DELETE", f"addrgrp/{GROUP}/member/{noted}")
    again = site.run(playbook="unblock_all").succeeded()
    assert again.changes == []
    assert "was not deleted" not in again.output


@pytest.mark.parametrize(
    ("playbook", "override"),
    [
        ("block", "fortigate_response_mode=exact"),
        ("unblock", "fortigate_response_mode=exact"),
        ("unblock_all", "fortigate_response_state=present"),
    ],
)
def test_an_extra_variable_overrides_no_decision_of_a_playbook(
    site: Site, playbook: str, override: str
) -> None:
    host = () if playbook == "unblock_all" else (f"-eaddress={HOST}", f"-euntil={SOON}", "-ereason=worm")
    site.put(BOX, OTHER)
    site.lab.forget_calls()
    run = site.run(*host, f"-e{override}", playbook=playbook)
    name = override.partition("=")[0]
    assert run.code != 0
    assert f"sets {name} itself, but an extra variable overrides it; remove {name} from" in run.output
    assert site.lab.calls() == []


@pytest.mark.parametrize("playbook", ["block", "unblock"])
def test_a_playbook_without_its_variables_says_which(site: Site, playbook: str) -> None:
    run = site.run(playbook=playbook)
    assert run.code != 0
    assert "set address" in run.output
    assert site.lab.calls() == []


def test_block_refuses_a_time_in_the_past(site: Site) -> None:
    run = site.run(f"-eaddress={HOST}", f"-euntil={PAST}", "-ereason=worm", playbook="block")
    assert run.code != 0
    assert f"until is in the past ({PAST}), so nothing was changed" in run.output
    assert site.lab.calls() == []


def test_block_refuses_the_address_of_an_appliance(site: Site) -> None:
    run = site.run("-eaddress=127.0.0.1", f"-euntil={SOON}", "-ereason=worm", playbook="block")
    assert run.code != 0
    assert f"127.0.0.1 is the address of {BOX}, a FortiGate, so nothing was changed" in run.output
    assert site.lab.calls() == []


@pytest.mark.parametrize("broken", ["{{ nope }}", "{{ nope", "{{ lookup('file', '/nonexistent') }}"])
def test_a_variable_of_another_host_does_not_stop_a_block(site: Site, broken: str) -> None:
    site.hosts["other"] = {"ansible_host": "192.0.2.200", "sensor_tokens_url": broken}
    arguments = (f"-euntil={SOON}", "-ereason=worm", f"--limit={BOX}")
    run = site.run(f"-eaddress={HOST}", *arguments, playbook="block")
    assert actions(run) == [(HOST, "create")]
    assert "other: sensor_tokens_url cannot be evaluated, so its address is not known" in run.output
    refused = site.run("-eaddress=192.0.2.200/32", *arguments, playbook="block")
    assert "192.0.2.200/32 is the address of other, a FortiGate, so nothing was changed" in refused.output


@TOGETHER.test
def test_absent_removes_what_was_made_and_check_mode_predicts_it(place: Place) -> Steps:
    place.firewall("DELETE", f"addrgrp/{GROUP}/member/vendor")
    place.set(entries=SAMPLE, policy_towards=True)
    (yield place.role()).succeeded()
    before = place.tables()
    place.set(state="absent")
    predicted = (yield place.role("--check")).succeeded()
    assert place.writes() == []
    real = (yield place.role()).succeeded()
    for module in ("fortigate_block_list", "fortigate_block_policy"):
        assert actions(predicted, module) == actions(real, module)
    after = place.tables()
    assert not [name for rows in after.values() for name in rows if name.startswith(GROUP)]
    deleted = [call["path"].split("/") for call in place.calls() if call["method"] == "DELETE"]
    # Never a table: each path ends with the name of an object or of a member.
    assert {len(parts) for parts in deleted} == {7, 9}
    strangers = {
        table: [name for name in rows if not name.startswith(GROUP)] for table, rows in before.items()
    }
    assert {table: list(rows) for table, rows in after.items()} == strangers
    assert (yield place.role()).succeeded().changes == []


@TOGETHER.test
def test_an_expired_entry_is_released_by_the_next_run(place: Place) -> Steps:
    place.put(HOST, PAST)
    assert place.action(HOST, SERVER) == "accept"
    run = yield place.role()
    assert actions(run.succeeded()) == [(HOST, "delete")]
    assert f"{GROUP}-{HOST}" not in place.tables()["firewall.address"]


REFUSALS = {
    "protected": (
        {"entries": [{"address": OTHER, "until": SOON}, SAMPLE[0]], "protected": ["192.0.2.7/32"]},
        "{host}: checking the options failed: entries (fortigate_response_entries), item 2: address "
        "192.0.2.7 is protected by 192.0.2.7/32, so nothing was changed; remove the entry, or the "
        "network from protected",
    ),
    "max_new": (
        {"entries": SAMPLE, "max_new": 1},
        "{host}: planning the change failed: it would add 2 hosts, but max_new "
        "(fortigate_response_max_new) is 1; check the entries, then remove some or increase max_new",
    ),
    "max_entries": (
        {"entries": SAMPLE, "max_entries": 1},
        "it would block 2 hosts, but max_entries (fortigate_response_max_entries) is 1",
    ),
    "unset": (
        {"entries": SAMPLE, "protected": "{{ lookup('env', 'NOT_SET') }}"},
        "protected (fortigate_response_protected) contains an empty text",
    ),
    "time": (
        {"entries": [{"address": HOST, "until": "tomorrow"}]},
        'until "tomorrow" is not a time of a day',
    ),
    "no until": ({"entries": [{"address": HOST}]}, "missing required arguments: until found in entries"),
}


@TOGETHER.each(REFUSALS)
def test_a_refusal_changes_nothing(place: Place, case: str) -> Steps:
    options, message = REFUSALS[case]
    place.set(**options)
    result = (yield place.role()).one(module="fortigate_block_list")
    assert result.failed
    assert message.replace("{host}", place.name) in result.message
    assert place.writes() == []


@TOGETHER.test
def test_a_group_that_is_full_is_refused_with_both_numbers(place: Place) -> Steps:
    place.switch(member_limit=3)
    place.set(entries=[*SAMPLE, {"address": OTHER, "until": SOON}])
    message = (yield place.role()).one(module="fortigate_block_list").message
    assert "would have 4 members, the placeholder included, but this FortiGate allows 3" in message
    assert place.writes() == []


@pytest.mark.parametrize("advance", [3600, -3600])
def test_clocks_that_differ_release_nothing(site: Site, advance: int) -> None:
    site.put(BOX, HOST, PAST)
    site.lab.forget_calls()
    site.lab.control("POST", "/clock", {"advance": advance})
    message = site.run().one(module="fortigate_block_list").message
    assert "clock_tolerance (fortigate_response_clock_tolerance) is 300 s" in message
    assert site.writes() == []


UNREAD = {
    "short": {"answer_limit": 2},
    "trimmed": {"forbidden_read": "trim"},
    "empty": {"forbidden_read": "empty"},
    "refused": {},
}


@TOGETHER.each(UNREAD)
def test_a_list_that_cannot_be_read_in_full_releases_nothing(place: Place, case: str) -> Steps:
    place.put(HOST, PAST)
    place.put(OTHER, PAST)
    token = account(place, policy="read", address="none")
    place.switch(**UNREAD[case])
    place.set(**({} if case == "short" else {"token": token}))
    result = (yield place.role()).one(module="fortigate_block_list")
    assert result.failed, result.data
    assert place.members() == ["none", "vendor", f"{GROUP}-{HOST}", f"{GROUP}-{OTHER}"]


UNREADABLE = {
    "refuse": "reading every firewall policy failed: ",
    "trim": 'the answer lacks a usable "status"',
    "empty": 'creating firewall policy "defender-iot-blocked" failed: ',
}


@TOGETHER.each(UNREADABLE)
def test_policies_that_may_not_be_read_leave_the_verdict_unknown(place: Place, case: str) -> Steps:
    (yield place.role()).succeeded()
    place.set(token=account(place, policy="none", address="read-write"))
    place.switch(forbidden_read=case)
    result = (yield place.role()).one(module="fortigate_block_policy")
    assert (result.failed, result.data["verdict"]) == (True, "unknown"), result.data
    assert UNREADABLE[case] in result.data["reason"]
    assert [write for write in place.writes() if "policy" in write and "POST" not in write] == []


def account(place: Place, **rights: str) -> str:
    """Create a REST API administrator with rights to the firewall, and return its key."""
    lab = place.lab
    profile = {"name": "keeper", "fwgrp": "custom", "fwgrp-permission": rights}
    lab.cmdb(place.name, "POST", "accprofile", profile)
    trusted = [{"id": 1, "type": "ipv4-trusthost", "ipv4-trusthost": "127.0.0.1 255.255.255.255"}]
    admin = {"name": "keeper", "accprofile": "keeper", "trusthost": trusted, "vdom": [{"name": "root"}]}
    lab.cmdb(place.name, "POST", "api-user", admin)
    known = lab.appliances[place.name]["credentials"]
    headers = {"Authorization": f"Bearer {known['token']}", "X-Admin-Passwd": known["password"]}
    path = "/api/v2/monitor/system/api-user/generate-key"
    answer = lab.call(place.name, "POST", path, headers=headers, json={"api-user": "keeper"})
    return str(answer.json()["results"]["access_token"])


@TOGETHER.test
def test_the_preset_for_responding_keeps_the_list_and_reads_the_policy(place: Place) -> Steps:
    node = place.site.node
    place.set(policy_proof=PROOF)
    (yield place.role()).succeeded()
    access = {f"fortigate_access_{option}": value for option, value in node.host(place.name).items()}
    access |= {
        "fortigate_access_secret_store": node.ref("keys"),
        "fortigate_access_profiles": [{"name": "respond", "preset": "defender_iot_respond"}],
        "fortigate_access_admins": [{"name": "respond", "profile": "respond"}],
        "fortigate_access_provisioning_trusted_hosts": ["127.0.0.1"],
    }
    place.site.hosts[place.name] |= access
    (yield place.playbook("fortinet")).succeeded()
    place.set(entries=SAMPLE, token=node.kept(f"keys/{place.name}/respond")["value"])
    run = (yield place.role()).succeeded()
    assert actions(run) == [(HOST, "create"), (HOST6, "create")]
    assert run.one(module="fortigate_block_policy").data["verdict"] == "effective"
    place.set(policy_towards=True)
    result = (yield place.role()).one(module="fortigate_block_policy")
    assert "permission denied" in result.message


WITHOUT_RIGHT = {"allow": "", "missing": "a referenced object does not exist", "forbid": "permission denied"}


@TOGETHER.each(UNSETTLED["references_without_right"])
def test_a_policy_by_an_account_without_other_rights_is_made_or_refused_in_words(
    place: Place, case: str
) -> Steps:
    place.set(token=account(place, policy="read-write", address="read-write"))
    place.switch(references_without_right=case)
    result = (yield place.role()).one(module="fortigate_block_policy")
    assert WITHOUT_RIGHT[case] in result.message
    assert result.failed is (case != "allow")


@TOGETHER.test
def test_ngfw_mode_is_refused_with_a_verdict_and_no_write(place: Place) -> Steps:
    place.switch(ngfw_mode="policy-based")
    result = (yield place.role()).one(module="fortigate_block_policy")
    assert "NGFW policy-based mode" in result.message
    assert result.data["verdict"] == "ineffective"
    writes = place.writes()
    entry = (f"-eaddress={HOST}", f"-euntil={SOON}", "-ereason=worm")
    block = yield place.playbook("block", *entry)
    why = f"no policy blocks them: {place.name}: planning the change failed: its firewall"
    assert why in block.output
    assert not any("policy" in write for write in writes + place.writes())


@TOGETHER.test
def test_a_policy_moved_or_changed_by_others_is_restored(place: Place) -> Steps:
    place.put(HOST)
    place.set(policy_proof=PROOF)
    (yield place.role()).succeeded()
    names = [row["name"] for row in place.firewall("GET", "policy")]
    assert names.index(GROUP) == 0
    policyid = place.firewall("GET", "policy")[0]["policyid"]
    place.firewall("PUT", f"policy/{policyid}?action=move&after=1", {})
    result = (yield place.role("--check")).one(module="fortigate_block_policy").data
    assert (result["changed"], result["verdict"]) == (True, "ineffective")
    assert "matches policy 1" in result["reason"]
    run = (yield place.role()).succeeded()
    assert run.one(module="fortigate_block_policy").data["verdict"] == "effective"
    place.firewall("PUT", f"policy/{policyid}", {"status": "disable"})
    assert place.action(HOST, SERVER) == "accept"
    (yield place.role()).succeeded()
    assert place.action(HOST, SERVER) == "deny"
    place.firewall("PUT", f"policy/{policyid}", {"comments": "see ticket 12"})
    place.set(state="absent")
    run = yield place.role()
    assert "was not made by this collection" in run.one(module="fortigate_block_policy").message
    assert actions(run) == [(HOST, "delete")]
    assert place.action(HOST, SERVER) == "accept"


@TOGETHER.test
def test_an_installation_by_fortimanager_is_repaired_by_the_next_run(place: Place) -> Steps:
    place.set(entries=SAMPLE)
    (yield place.role()).succeeded()
    place.lab.control("POST", f"/appliances/{place.name}/commands/install", {})
    assert place.action(HOST, SERVER) == "accept"
    assert (yield place.role("--check")).succeeded().changes != []
    (yield place.role()).succeeded()
    assert place.action(HOST, SERVER) == "deny"
    assert (yield place.role()).succeeded().changes == []


@TOGETHER.test
def test_a_misspelt_variable_is_refused(place: Place) -> Steps:
    place.set(entrys=[])
    run = yield place.role()
    assert run.code != 0
    assert "rename fortigate_response_entrys to fortigate_response_entries" in run.output
    assert place.calls() == []


def test_drift_compares_and_site_repairs_the_block_list_only_where_it_is_declared(site: Site) -> None:
    site.lab.switch("spare-02", version="7.2.8")
    site.add("spare-02")
    site.set(BOX, entries=SAMPLE)
    for host, appliance in ((BOX, BOX), ("spare-02", "spare-02")):
        connection = site.node.host(appliance).items()
        site.hosts[host] |= {f"fortigate_access_{option}": value for option, value in connection}
        site.hosts[host] |= {"fortigate_access_profiles": [], "fortigate_access_admins": []}
    run = site.run(playbook="drift")
    assert run.code == 2, run.output
    assert {result.host for result in run.of(module="fortigate_block_list")} == {BOX}
    assert site.writes() == []
    predicted = site.run("--check", playbook="site").succeeded()
    done = site.run('--extra-vars={"rollout": {}}', playbook="site").succeeded()
    assert predicted.changes == done.changes
    assert (BOX, "fortigate_block_list") in done.changes
    assert {result.host for result in done.of(module="fortigate_block_list")} == {BOX}
    noted = site.put(BOX, OTHER)
    site.lab.firewall(BOX, "PUT", f"address/{noted}", {"comment": "see ticket 4711"})
    assert site.run(playbook="drift").code == 0
    assert "still blocked: " in (site.node.folder / "defender_iot_report/report.md").read_text()


def test_export_writes_the_entries_of_the_owner_which_then_change_nothing(site: Site, tmp_path: Path) -> None:
    site.set(BOX, entries=SAMPLE)
    site.run().succeeded()
    site.put(BOX, OTHER, owner="respond")
    site.add("spare-02", entries=[])
    site.add("spare-03")
    for host in site.hosts:
        connection = site.node.host(host).items()
        site.hosts[host] |= {f"fortigate_access_{option}": value for option, value in connection}
    site.run(f"-edefender_iot_export_folder={tmp_path}", playbook="export").succeeded()
    exported = yaml.safe_load((tmp_path / f"host_vars/{BOX}/fortigate_response.yml").read_text())
    assert [each["address"] for each in exported["fortigate_response_entries"]] == [HOST, HOST6]
    for host in ("spare-02", "spare-03"):
        assert not (tmp_path / f"host_vars/{host}/fortigate_response.yml").exists()
    site.hosts[BOX] |= exported
    site.set(BOX, mode="exact")
    assert site.run(f"--limit={BOX}").succeeded().changes == []
