# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Manually configured appliances: existing configuration is read, compared by meaning, and kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.tests.support.lab import Lab
from ansible_collections.otsec.defender_iot.tests.support.shared_runs import (
    Outcomes,
    Place,
    SharedRuns,
    Steps,
    TaskRuns,
)
from ansible_collections.otsec.defender_iot.tests.support.workspace import (
    ENDPOINTS,
    Workspace,
    play,
    task,
)

FORTIGATE = "fgt-north-01"
SENSOR = "sensor-north-01"
FORESCOUT = "forescout-01"
IN_MAP = {"endpoints": ENDPOINTS["sensor"]}
REST = {"transport": "rest", "endpoints": ENDPOINTS["forescout"]}

PROFILE = task("fortigate_admin_profile", name="plant", preset="defender_iot", comments="Declared")
ADMIN = task(
    "fortigate_api_admin",
    name="plant",
    comments="Declared",
    profile="plant",
    trusted_hosts=["192.0.2.11", "198.51.100.0/28"],
)

# Firmware and switches that change the form of the same values in a read.
KINDS_OF_FORTIGATE: dict[str, dict[str, Any]] = {
    "6.4.0": {"version": "6.4.0"},
    "7.0.14": {"version": "7.0.14", "opposite_family": False},
    "7.2.4": {"version": "7.2.4", "wanopt": False},
    "7.4.5": {"version": "7.4.5", "host_bits": "kept", "inactive_permission": "stored"},
    "7.6.5": {"version": "7.6.5", "gzip": True, "api_key_mask_before_first_key": "masked"},
}


def _configured_manually(node: Workspace, fortigate: str) -> None:
    """Create a profile and an administrator on a FortiGate, like operators and other tools do."""
    rights = {"policy": "read-write", "address": "read"}
    node.lab.cmdb(
        fortigate,
        "POST",
        "accprofile",
        {
            "name": "manual/50% ä",
            "comments": "Do not touch",
            "fwgrp": "custom",
            "fwgrp-permission": rights,
            "loggrp": "read",
            "utmgrp": "custom",
            "utmgrp-permission": {"ips": "read"},
            "admintimeout-override": "enable",
            "admintimeout": 33,
        },
    )
    hosts = [
        {"id": 9, "type": "ipv6-trusthost", "ipv6-trusthost": "2001:db8::/64"},
        {"id": 4, "type": "ipv4-trusthost", "ipv4-trusthost": "198.51.100.5 255.255.255.240"},
        {"id": 2, "type": "ipv4-trusthost", "ipv4-trusthost": "192.0.2.11 255.255.255.255"},
    ]
    node.lab.cmdb(
        fortigate,
        "POST",
        "api-user",
        {
            "name": "by-hand",
            "accprofile": "manual/50% ä",
            "comments": "Do not touch either",
            "vdom": [{"name": "root"}],
            "trusthost": hosts,
            "cors-allow-origin": "https://portal.example.com",
            "peer-auth": "enable",
            "peer-group": "plant-pki",
            "schedule": "always",
        },
    )


def test_what_is_read_of_a_fortigate_can_be_given_back_without_a_change(workspace: Workspace) -> None:
    hosts = dict(zip(KINDS_OF_FORTIGATE, [f"spare-{number:02}" for number in range(1, 6)], strict=True))
    for kind, appliance in hosts.items():
        workspace.lab.switch(appliance, host_bits=KINDS_OF_FORTIGATE[kind].get("host_bits", "masked"))
        _configured_manually(workspace, appliance)
        workspace.lab.switch(appliance, **KINDS_OF_FORTIGATE[kind])
    workspace.lab.forget_calls()
    workspace.inventory(**{kind: workspace.host(appliance) for kind, appliance in hosts.items()})
    run = workspace.run(
        play(
            {**task("fortigate_admin_profile_info"), "register": "seen_profiles"},
            {**task("fortigate_admin_profile"), "args": "{{ item }}", "loop": "{{ seen_profiles.profiles }}"},
            {**task("fortigate_api_admin_info"), "register": "seen_admins"},
            {**task("fortigate_api_admin"), "args": "{{ item }}", "loop": "{{ seen_admins.admins }}"},
        )
    ).succeeded()
    assert run.changes == []
    for kind in hosts:
        (profiles,) = run.of(kind, "fortigate_admin_profile_info")
        assert len(run.of(kind, "fortigate_admin_profile")) == len(profiles.data["profiles"]) == 4
        (admins,) = run.of(kind, "fortigate_api_admin_info")
        assert len(run.of(kind, "fortigate_api_admin")) == len(admins.data["admins"]) == 2
        by_hand = admins.data["admins"][1]
        assert by_hand["trusted_hosts"] == ["192.0.2.11/32", "198.51.100.0/28", "2001:db8::/64"]
        assert by_hand["pki_group"] == "plant-pki"
    assert not [call for call in workspace.lab.calls() if call["write"]]


def test_what_is_read_of_sensor_and_forescout_can_be_given_back_without_a_change(
    workspace: Workspace,
) -> None:
    workspace.inventory(sensor=workspace.host(SENSOR), forescout=workspace.host(FORESCOUT))
    token = {"secret_ref": workspace.ref("token")}
    settings = {"access_token_ref": workspace.ref("token")}
    run = workspace.run(
        play(
            task("sensor_access_token", **IN_MAP, **token, description="forescout"),
            {**task("sensor_access_token_info", **IN_MAP), "register": "seen"},
            task("sensor_access_token", **IN_MAP, **token, description="{{ seen.tokens[0].description }}"),
            hosts="sensor",
        ),
        play(
            task("forescout_module", **REST, **settings, server_address="192.0.2.11"),
            {**task("forescout_module_info", endpoints=ENDPOINTS["forescout"]), "register": "seen"},
            task("forescout_module", **REST, **settings, server_address="{{ seen.settings.server_address }}"),
            hosts="forescout",
        ),
    ).succeeded()
    assert [result.changed for result in run.of("sensor")] == [True, False, False]
    assert [result.changed for result in run.of("forescout")] == [True, False, False]


TOGETHER = SharedRuns()


@pytest.fixture(scope="module")
def outcomes(new_workspace: Callable[[], Workspace]) -> Outcomes:
    """Run the tests that share their runs, each with its own appliance."""
    runs = TaskRuns(new_workspace())
    return TOGETHER.go(lambda number: Place(runs, f"spare-{number:02}"), runs.advance)


@TOGETHER.test
def test_a_manual_change_is_shown_with_both_values_and_reverted(place: Place) -> Steps:
    made = yield place.step(PROFILE, ADMIN)
    assert [result.failed for result in made.results] == [False, False]
    rights = {"policy": "read", "address": "read-write"}
    place.cmdb("PUT", "accprofile/plant", {"vpngrp": "read", "fwgrp-permission": rights})
    everybody = {"id": 7, "type": "ipv4-trusthost", "ipv4-trusthost": "203.0.113.0 255.255.255.0"}
    place.cmdb("PUT", "api-user/plant", {"trusthost": [everybody]})
    before = place.lab.tables(place.name)

    checked = yield place.step(PROFILE, ADMIN, arguments=("--check", "--diff"))
    assert [result.failed for result in checked.results] == [False, False]
    assert place.lab.tables(place.name) == before
    profile, admin = (result.data["diff"] for result in checked.results)
    assert (profile["before"]["vpn"], profile["after"]["vpn"]) == ("read", "none")
    assert profile["before"]["firewall_permissions"]["policy"] == "read"
    assert profile["after"]["firewall_permissions"]["policy"] == "read-write"
    assert admin["before"]["trusted_hosts"] == ["203.0.113.0/24"]
    assert admin["after"]["trusted_hosts"] == ["192.0.2.11/32", "198.51.100.0/28"]
    sides = [
        '-    "vpn": "read"',
        '+    "vpn": "none"',
        '-        "203.0.113.0/24"',
        '+        "192.0.2.11/32"',
    ]
    assert [side for side in sides if f"\n{side}" not in checked.output] == []

    reverted = yield place.step(PROFILE, ADMIN, arguments=("--diff",))
    assert [result.data["diff"] for result in reverted.results] == [profile, admin]
    again = yield place.step(PROFILE, ADMIN)
    assert [(result.failed, result.changed) for result in again.results] == [(False, False)] * 2


FORMS = {
    f"{bits}-{'with' if family else 'without'}-opposite-family": {
        "host_bits": bits,
        "opposite_family": family,
    }
    for bits in ("kept", "masked")
    for family in (True, False)
}


@TOGETHER.each(FORMS)
def test_trusted_hosts_in_another_order_form_and_numbering_are_no_change(place: Place, case: str) -> Steps:
    place.lab.switch(place.name, **FORMS[case])
    _configured_manually(place.node, place.name)
    hosts = ["192.0.2.11", "2001:0db8:0::/64", "198.51.100.0 255.255.255.240", "192.0.2.11/32"]
    admin = task("fortigate_api_admin", name="by-hand", trusted_hosts=hosts, pki_group="plant-pki")
    result = (yield place.step(admin)).one()
    assert (result.failed, result.changed) == (False, False)
    assert [call["method"] for call in place.calls()] == ["GET"]


def _rows(lab: Lab, fortigate: str) -> dict[str, dict[str, Any]]:
    """Return all rows of profiles and administrators, by name."""
    tables = lab.tables(fortigate)
    return {row["name"]: row for table in ("accprofile", "api-user") for row in tables[table]}


def _differing(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in after.items() if before.get(name) != value}


@TOGETHER.test
def test_fields_that_are_not_named_stay_untouched(place: Place) -> Steps:
    _configured_manually(place.node, place.name)
    before = _rows(place.lab, place.name)
    one_row = task("fortigate_admin_profile", name="manual/50% ä", log_report="read-write")
    rights = {"firewall": "custom", "firewall_permissions": {"service": "read"}}
    one_right = task("fortigate_admin_profile", name="manual/50% ä", **rights)
    comments = task("fortigate_api_admin", name="by-hand", comments="Changed", pki_group="plant-pki")
    run = yield place.step(one_row, one_right, comments)
    assert [(result.failed, result.changed) for result in run.results] == [(False, True)] * 3
    after = _rows(place.lab, place.name)
    assert before.keys() == after.keys()
    assert _differing(before["by-hand"], after["by-hand"]) == {"comments": "Changed"}
    profile = "manual/50% ä"
    rights = {**before[profile]["fwgrp-permission"], "service": "read"}
    assert _differing(before[profile], after[profile]) == {"loggrp": "read-write", "fwgrp-permission": rights}
    untouched = before.keys() - {"by-hand", profile}
    assert {name: before[name] for name in untouched} == {name: after[name] for name in untouched}


def test_what_is_absent_stays_absent_and_check_mode_removes_nothing(workspace: Workspace) -> None:
    workspace.inventory(fgt=workspace.host(FORTIGATE), sensor=workspace.host(SENSOR))
    token = {"description": "forescout", "secret_ref": workspace.ref("token"), **IN_MAP}
    present = [play(PROFILE, ADMIN, hosts="fgt"), play(task("sensor_access_token", **token), hosts="sensor")]
    absent = [
        play(
            task("fortigate_api_admin", name="plant", state="absent"),
            task("fortigate_admin_profile", name="plant", state="absent"),
            hosts="fgt",
        ),
        play(task("sensor_access_token", **token, state="absent"), hosts="sensor"),
    ]
    workspace.run(*present).succeeded()
    everything, stored = _rows(workspace.lab, FORTIGATE), workspace.stored_files()
    assert {"plant"} < everything.keys()
    assert stored

    predicted = workspace.run(*absent, arguments=["--check", "--diff"]).succeeded()
    assert (_rows(workspace.lab, FORTIGATE), workspace.stored_files()) == (everything, stored)
    assert len(workspace.lab.state(SENSOR)["tokens"]) == 1

    removed = workspace.run(*absent, *absent).succeeded()
    assert [result.changed for result in removed.results] == [True] * 3 + [False] * 3
    assert removed.changes == predicted.changes
    assert "plant" not in _rows(workspace.lab, FORTIGATE)
    assert workspace.lab.state(SENSOR)["tokens"] == []
    assert workspace.stored_files() == {}


@TOGETHER.test
def test_a_profile_in_use_is_not_removed_and_the_message_says_why(place: Place) -> Steps:
    _configured_manually(place.node, place.name)
    before = _rows(place.lab, place.name)
    run = yield place.step(task("fortigate_admin_profile", name="manual/50% ä", state="absent"))
    result = run.one()
    assert result.status == "failed"
    says = f'{place.name}: deleting admin profile "manual/50% ä" failed (500, -23): it is still in use'
    assert result.message.startswith(says)
    assert _rows(place.lab, place.name) == before


def _sensor(place: Place, number: int) -> str:
    """Connect the host to a sensor instead of its FortiGate. Return the name of the sensor."""
    sensor = f"spare-sensor-{number}"
    place.set(**{"token": None, **place.node.host(sensor)})
    return sensor


@TOGETHER.test
def test_a_token_without_a_stored_value_is_not_created_twice(place: Place) -> Steps:
    sensor = _sensor(place, 1)
    place.lab.make_token(sensor, "forescout")
    before = place.lab.state(sensor)["tokens"]
    token = task("sensor_access_token", **IN_MAP, description="forescout", secret_ref=place.ref())
    result = (yield place.step(token)).one()
    assert result.status == "failed"
    exists = 'access token "forescout" exists, but the store has nothing under '
    assert result.message.startswith(f"{place.name}: planning the change failed: {exists}")
    assert "state: absent" in result.message
    assert place.lab.state(sensor)["tokens"] == before
    assert not (place.node.store / place.name).exists()


@TOGETHER.test
def test_two_tokens_of_one_description_are_left_to_an_operator(place: Place) -> Steps:
    sensor = _sensor(place, 2)
    values = [place.lab.make_token(sensor, "forescout") for _time in range(2)]
    place.keep(values[0])
    token = {"description": "forescout", "secret_ref": place.ref(), **IN_MAP}
    result = (yield place.step(task("sensor_access_token", **token, state="absent"))).one()
    assert result.status == "failed"
    assert 'access token "forescout" exists 2 times (ids 1, 2); delete all but one' in result.message
    assert len(place.lab.state(sensor)["tokens"]) == 2
    assert place.kept()["value"] == values[0]


@TOGETHER.test
def test_a_lost_value_is_replaced_once_the_sensor_has_no_such_token_any_more(place: Place) -> Steps:
    sensor = _sensor(place, 3)
    place.keep("a value of a token that was deleted manually")
    token = task("sensor_access_token", **IN_MAP, description="forescout", secret_ref=place.ref())
    result = (yield place.step(token)).one()
    assert not result.failed
    assert result.data["minted"] is True
    assert place.kept()["value"] != "a value of a token that was deleted manually"
    assert len(place.lab.state(sensor)["tokens"]) == 1
