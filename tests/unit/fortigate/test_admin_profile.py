# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The admin profile: the tutorial's table row by row, and the options that override a preset."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.apply import converge
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import Conflict, Unsupported
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.plan import overlay, plan
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.resource import Incomplete
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.task import Task
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.admin_profile import (
    CUSTOM_ROWS,
    FEATURES,
    FORMER_NAMES,
    PRESETS,
    PROFILE,
    ROWS,
    SWITCHES,
    VERSIONS,
    prepare_admin_profile,
)
from ansible_collections.otsec.defender_iot.plugins.modules.fortigate_admin_profile import MODULE
from ansible_collections.otsec.defender_iot.tests.unit.fakes import MemoryAppliance, do

OPTIONS = {name: None for name in MODULE.arguments.spec if name not in ("state", "name")}
PRESET = {"preset": "defender_iot"}

# Microsoft's tutorial on Fortinet, "Create a profile with the following permissions".
TUTORIAL = {
    "Security Fabric": ("security_fabric", "secfabgrp", "none"),
    "Fortiview": ("fortiview", "ftviewgrp", "none"),
    "User & Device": ("user_device", "authgrp", "none"),
    "Firewall": ("firewall", "fwgrp", "custom"),
    "Logs & Report": ("log_report", "loggrp", "none"),
    "Network": ("network", "netgrp", "none"),
    "System": ("system", "sysgrp", "none"),
    "Security Profile": ("security_profile", "utmgrp", "none"),
    "VPN": ("vpn", "vpngrp", "none"),
    "WAN Opt & Cache": ("wan_opt_cache", "wanoptgrp", "none"),
    "WiFi & Switch": ("wifi_switch", "wifi", "none"),
}
TUTORIAL_FIREWALL = {"Policy": "read-write", "Address": "read-write", "Service": "none", "Schedule": "none"}
FIREWALL = {**{row.lower(): right for row, right in TUTORIAL_FIREWALL.items()}, "others": "none"}
# On in a new profile, and not in the tutorial.
OFF = ("system_diagnostics", "system_execute_ssh", "system_execute_telnet")
SWITCHED_OFF = {switch.replace("_", "-"): "disable" for switch in OFF}


def options(**given: Any) -> dict[str, Any]:
    """Make the options as they are after validation: each is there, None where it was left out."""
    return {**OPTIONS, "name": "p", **given}


@pytest.mark.parametrize(("option", "wire", "right"), TUTORIAL.values(), ids=TUTORIAL)
def test_the_preset_gives_each_row_the_right_of_the_tutorial(option: str, wire: str, right: str) -> None:
    wanted = PROFILE.desired(prepare_admin_profile(options(**PRESET)))
    assert wanted[option] == right
    assert PROFILE.to_wire(wanted)[wire] == right


@pytest.mark.parametrize(("row", "right"), TUTORIAL_FIREWALL.items())
def test_the_preset_gives_the_firewall_the_rights_of_the_tutorial(row: str, right: str) -> None:
    wanted = PROFILE.desired(prepare_admin_profile(options(**PRESET)))
    assert wanted["firewall_permissions"][row.lower()] == right
    assert PROFILE.to_wire(wanted)["fwgrp-permission"][row.lower()] == right


def test_the_preset_sets_every_row_and_nothing_else() -> None:
    assert [option for option, _wire, _right in TUTORIAL.values()] == list(ROWS)
    wanted = PROFILE.desired(prepare_admin_profile(options(**PRESET)))
    assert wanted.keys() == {"name", *ROWS, "firewall_permissions", *OFF}
    assert wanted["firewall_permissions"] == FIREWALL
    assert [wanted[switch] for switch in OFF] == [False] * 3


def test_the_preset_turns_off_every_switch_that_a_new_profile_has_on() -> None:
    assert {switch for switch, (_wire, is_on) in SWITCHES.items() if is_on} == {*OFF}


@pytest.mark.parametrize(
    ("version", "switches"),
    [
        ("6.2.16", {}),
        ("6.4.5", {"system-diagnostics": "disable"}),
        ("7.2.0", {"system-diagnostics": "disable"}),
        ("7.2.1", SWITCHED_OFF),
        ("7.4.2", {"system-execute-ssh": "disable", "system-execute-telnet": "disable"}),
    ],
)
@pytest.mark.parametrize("check_mode", [False, True])
def test_the_preset_turns_switches_off_where_they_exist_and_shows_it(
    version: str, switches: dict[str, str], check_mode: bool
) -> None:
    api = FortiOS(check_mode=check_mode)
    missing = {*SWITCHED_OFF} - {*switches}
    api.fresh = {name: value for name, value in raw().items() if name not in missing}
    api.version = version
    task = Task(PROFILE, prepare_admin_profile(options(**PRESET, state="present")), api, "fgt", check_mode)
    after = do(converge, task)["diff"]["after"]
    assert [after[switch] for switch in OFF] == [False] * 3
    sent = {} if check_mode else {k: v for k, v in api.bodies[0].items() if k.startswith("system-")}
    assert sent == ({} if check_mode else switches)


@pytest.mark.parametrize("switch", OFF)
def test_a_switch_overrides_the_preset(switch: str) -> None:
    assert PROFILE.desired(prepare_admin_profile(options(**PRESET, **{switch: True})))[switch] is True


def test_without_a_preset_nothing_is_added() -> None:
    assert PROFILE.desired(prepare_admin_profile(options(vpn="read"))) == {"name": "p", "vpn": "read"}


@pytest.mark.parametrize("row", [row for row in ROWS if row != "firewall"])
def test_an_option_overrides_the_row_of_the_preset(row: str) -> None:
    wanted = PROFILE.desired(prepare_admin_profile(options(**PRESET, **{row: "read"})))
    assert wanted == {**PROFILE.desired(prepare_admin_profile(options(**PRESET))), row: "read"}


@pytest.mark.parametrize("right", ["none", "read", "read-write"])
def test_a_firewall_that_is_not_custom_loses_the_permissions_of_the_preset(right: str) -> None:
    params = prepare_admin_profile(options(**PRESET, firewall=right))
    assert PROFILE.problems(params) == []
    assert PROFILE.desired(params).keys() == {"name", *ROWS, *OFF}


@pytest.mark.parametrize(
    ("own", "merged"),
    [
        ({"service": "read"}, {**FIREWALL, "service": "read"}),
        ({"policy": "none", "others": "read"}, {**FIREWALL, "policy": "none", "others": "read"}),
        ({"policy": None, "address": "read"}, {**FIREWALL, "address": "read"}),
        ({}, FIREWALL),
    ],
)
def test_own_permissions_override_those_of_the_preset(own: Any, merged: Any) -> None:
    params = prepare_admin_profile(options(**PRESET, firewall_permissions=own))
    assert PROFILE.desired(params)["firewall_permissions"] == merged


def test_permissions_of_another_row_complement_the_preset() -> None:
    params = prepare_admin_profile(options(**PRESET, system="custom", system_permissions={"cfg": "read"}))
    assert PROFILE.desired(params)["system_permissions"] == {"cfg": "read"}
    assert PROFILE.desired(params)["firewall_permissions"] == FIREWALL


@pytest.mark.parametrize("row", CUSTOM_ROWS)
@pytest.mark.parametrize("right", [None, "none", "read", "read-write"])
def test_permissions_of_a_row_that_is_not_custom_are_refused(row: str, right: str | None) -> None:
    params = prepare_admin_profile(options(**{row: right, f"{row}_permissions": {}}))
    assert PROFILE.problems(params) == [f"{row}_permissions needs {row}: custom"]


def test_own_permissions_beside_a_preset_row_switched_off_are_refused() -> None:
    params = prepare_admin_profile(
        options(**PRESET, firewall="none", firewall_permissions={"policy": "read"})
    )
    assert PROFILE.problems(params) == ["firewall_permissions needs firewall: custom"]


def test_expanding_leaves_preset_and_options_alone() -> None:
    params = options(**PRESET, firewall_permissions={"policy": "read"})
    prepare_admin_profile(params)
    assert params == options(**PRESET, firewall_permissions={"policy": "read"})
    assert PRESETS["defender_iot"]["firewall_permissions"] == FIREWALL


def raw(**changes: Any) -> dict[str, Any]:
    """Make a profile as FortiOS shows it, with every permission, all none."""
    permissions = {
        f"{ROWS[row]}-permission": {right.replace("_", "-"): "none" for right in rights}
        for row, rights in CUSTOM_ROWS.items()
    }
    switches = {wire: "enable" if on else "disable" for wire, on in SWITCHES.values()}
    rows = dict.fromkeys(ROWS.values(), "none")
    return {
        "name": "p",
        "comments": "",
        "scope": "vdom",
        **rows,
        **permissions,
        **switches,
        "admintimeout": 10,
        **changes,
    }


@pytest.mark.parametrize("row", CUSTOM_ROWS)
def test_permissions_are_shown_for_custom_rows_only(row: str) -> None:
    assert f"{row}_permissions" not in PROFILE.from_wire(raw())
    held = PROFILE.from_wire(raw(**{ROWS[row]: "custom"}))
    assert held[f"{row}_permissions"] == dict.fromkeys(CUSTOM_ROWS[row], "none")


@pytest.mark.parametrize("permissions", [None, 7, "none", [], {}])
def test_permissions_of_another_form_are_not_usable(permissions: Any) -> None:
    with pytest.raises(Incomplete):
        PROFILE.from_wire(raw(**{"fwgrp-permission": permissions}))


def test_a_missing_option_reads_as_none() -> None:
    lacking = raw(fwgrp="custom", utmgrp="custom")
    for container in (lacking, lacking["fwgrp-permission"], lacking["utmgrp-permission"]):
        for option in (*VERSIONS, *FEATURES):
            container.pop(ROWS.get(option, option.replace("_", "-")), None)
    del lacking["secfabgrp-permission"]
    held = PROFILE.from_wire(lacking)
    assert held == {
        **PROFILE.from_wire(raw(fwgrp="custom", utmgrp="custom")),
        **dict.fromkeys(SWITCHES, False),
    }


@pytest.mark.parametrize("name", ["dlp", *FORMER_NAMES["dlp"]])
def test_a_right_that_changed_its_name_is_one_option(name: str) -> None:
    held = raw(utmgrp="custom")
    del held["utmgrp-permission"]["dlp"]
    held["utmgrp-permission"][name] = "read"
    assert PROFILE.from_wire(held)["security_profile_permissions"]["dlp"] == "read"
    there = PROFILE.for_version(None, held)
    sent = there.to_wire({"security_profile_permissions": {"dlp": "none"}})
    assert sent == {"utmgrp-permission": {name: "none"}}


@pytest.mark.parametrize(
    ("version", "name"),
    [
        ("6.4.5", "data-loss-prevention"),
        ("7.2.3", "data-loss-prevention"),
        ("7.2.4", "data-leak-prevention"),
        ("7.4.3", "data-leak-prevention"),
        ("7.4.4", "dlp"),
        ("7.6.5", "dlp"),
    ],
)
def test_a_version_says_which_name_a_right_has(version: str, name: str) -> None:
    sent = PROFILE.for_version(version, None).to_wire({"security_profile_permissions": {"dlp": "read"}})
    assert sent == {"utmgrp-permission": {name: "read"}}


REFUSED = {
    # (version, values, messages)
    "a right of later versions": (
        "6.4.5",
        {"firewall_permissions": {"policy": "read", "others": "read"}},
        ["firewall_permissions.others exists from 6.4.6 (removed in 7.0.0) and from 7.0.1"],
    ),
    "between two branches": (
        "7.0.0",
        {"firewall_permissions": {"others": "read"}},
        ["firewall_permissions.others exists from 6.4.6 (removed in 7.0.0) and from 7.0.1"],
    ),
    "which is there": ("7.0.1", {"firewall_permissions": {"others": "read"}}, []),
    "which is not asked for": ("6.4.5", {"firewall_permissions": {"others": "none"}}, []),
    "a switch that is gone": (
        "7.4.2",
        {"system_diagnostics": True},
        ["system_diagnostics exists from 6.4.0 (removed in 7.4.2)"],
    ),
    "which need not be off": ("7.4.2", {"system_diagnostics": False}, []),
    "a row that cannot be custom yet": (
        "7.6.2",
        {"security_fabric": "custom"},
        ["security_fabric: custom needs security_fabric_permissions, which exists from 7.6.5"],
    ),
    "a row that can": ("7.6.5", {"security_fabric": "custom"}, []),
}


@pytest.mark.parametrize(("version", "values", "said"), REFUSED.values(), ids=REFUSED)
def test_an_option_that_a_version_lacks_is_refused_if_it_is_set(
    version: str, values: Any, said: list[str]
) -> None:
    assert PROFILE.for_version(version, None).unsupported(values) == said


@pytest.mark.parametrize("there", [True, False])
def test_an_object_is_better_evidence_than_the_version(there: bool) -> None:
    sample = raw(fwgrp="custom")
    if not there:
        del sample["fwgrp-permission"]["others"]
    version = "6.4.5" if there else "7.6.5"
    refused = PROFILE.for_version(version, sample).unsupported({"firewall_permissions": {"others": "read"}})
    assert (refused == []) is there


@pytest.mark.parametrize("option", FEATURES)
def test_an_option_that_a_model_lacks_is_refused_with_the_feature(option: str) -> None:
    refused = PROFILE.for_version("7.6.5", {}).unsupported(
        {option: "global" if option == "scope" else "read"}
    )
    assert refused == [f"{option} exists only with {FEATURES[option]}"]


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("name", ["p", "other"])
def test_an_unsupported_option_is_refused_before_any_write(name: str, check_mode: bool) -> None:
    there = raw(name=name)
    del there["fwgrp-permission"]["others"]
    api = FortiOS({there["name"]: there}, check_mode=check_mode)
    api.version = "6.4.5"
    given = {"firewall": "custom", "firewall_permissions": {"others": "read"}, "state": "present"}
    task = Task(PROFILE, prepare_admin_profile({**options(**given)}), api, "fgt07", check_mode)
    with pytest.raises(Unsupported) as caught:
        do(converge, task)
    doing = "updating" if name == "p" else "creating"
    assert caught.value.sentence("fgt07") == (
        f'fgt07: {doing} admin profile "p" is not supported: it runs 6.4.5, and firewall_permissions.others '
        "exists from 6.4.6 (removed in 7.0.0) and from 7.0.1; leave out what this appliance does not have"
    )
    assert api.bodies == []


def test_a_switch_that_a_version_lacks_is_not_sent_to_be_off() -> None:
    sample = raw(name="other")
    del sample["system-diagnostics"]
    api = FortiOS({"other": sample})
    api.fresh, api.version = sample, "7.4.5"
    task = Task(PROFILE, options(system_diagnostics=False, state="present"), api, "fgt", False)
    assert do(converge, task)["changed"]
    assert api.bodies == [{"name": "p"}]


@pytest.mark.parametrize(("minutes", "fits"), [(-1, False), (0, True), (480, True), (481, False)])
def test_the_idle_timeout_has_limits(minutes: int, fits: bool) -> None:
    problems = PROFILE.problems(options(override_idle_timeout=True, idle_timeout=minutes))
    assert problems == ([] if fits else [f"idle_timeout is {minutes}, only 0 to 480 are possible"])


def test_a_new_profile_is_sent_without_its_defaults() -> None:
    wanted = PROFILE.desired(prepare_admin_profile(options(**PRESET)))
    assert PROFILE.to_wire(PROFILE.without_defaults(wanted)) == {
        "name": "p",
        "fwgrp": "custom",
        "fwgrp-permission": {"policy": "read-write", "address": "read-write"},
        **SWITCHED_OFF,
    }


def test_a_version_without_the_right_others_is_not_asked_to_change_it() -> None:
    held = raw(fwgrp="custom")
    del held["fwgrp-permission"]["others"]
    wanted = PROFILE.desired(prepare_admin_profile(options(**PRESET)))
    assert PROFILE.to_wire(plan(PROFILE, PROFILE.from_wire(held), wanted, "present").send) == {
        "fwgrp-permission": {
            "policy": "read-write",
            "address": "read-write",
            "service": "none",
            "schedule": "none",
        },
        **SWITCHED_OFF,
    }


class FortiOS(MemoryAppliance):
    """Gives a new profile its defaults, and merges permissions, as FortiOS does."""

    fresh = raw()

    def create(self, resource: Any, key: Any, body: Any) -> None:
        super().create(resource, key, body)
        self.objects[key] = overlay(self.fresh, body)

    def update(self, resource: Any, key: Any, body: Any) -> None:
        merged = overlay(self.objects[key], body)
        super().update(resource, key, body)
        self.objects[key] = merged


POLICY = {"firewall": "custom", "firewall_permissions": {"policy": "read"}}
TURNS = {
    # (existing profile, options, request body)
    "custom row off": (raw(fwgrp="custom"), {"firewall": "none"}, {"fwgrp": "none"}),
    "custom row off by the preset": (
        raw(sysgrp="custom"),
        PRESET,
        {"fwgrp": "custom", "fwgrp-permission": FIREWALL, "sysgrp": "none", **SWITCHED_OFF},
    ),
    "new, by the preset": (
        None,
        PRESET,
        {
            "name": "p",
            "fwgrp": "custom",
            "fwgrp-permission": {"policy": "read-write", "address": "read-write"},
            **SWITCHED_OFF,
        },
    ),
    "new, custom with some permissions": (
        None,
        POLICY,
        {"name": "p", "fwgrp": "custom", "fwgrp-permission": {"policy": "read"}},
    ),
    "new, custom without permissions": (None, {"firewall": "custom"}, {"name": "p", "fwgrp": "custom"}),
    "row to custom with some permissions": (
        raw(),
        POLICY,
        {"fwgrp": "custom", "fwgrp-permission": {"policy": "read"}},
    ),
}


@pytest.mark.parametrize(("there", "given", "sent"), TURNS.values(), ids=TURNS)
def test_a_row_becomes_custom_or_ceases_to_be_in_one_run(there: Any, given: Any, sent: Any) -> None:
    api = FortiOS({"p": there} if there else {})
    job = Task(PROFILE, prepare_admin_profile({**options(**given), "state": "present"}), api, "fgt", False)
    assert do(converge, job)["changed"]
    assert api.bodies == [sent]
    assert not do(converge, job)["changed"]


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("state", ["present", "absent"])
@pytest.mark.parametrize("name", ["super_admin", "super_admin_readonly"])
def test_an_immutable_profile_is_neither_changed_nor_removed(name: str, state: str, check_mode: bool) -> None:
    box = MemoryAppliance({name: raw(name=name)}, check_mode=check_mode)
    options = {"name": name, "state": state, "vpn": "read"}
    with pytest.raises(Conflict, match="is built in and cannot be changed"):
        do(converge, Task(PROFILE, options, box, "box", check_mode))
    assert [event for event in box.events if "read" not in event] == []
