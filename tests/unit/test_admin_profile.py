# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The admin profile: the tutorial's table row by row, and what goes before a preset."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._admin_profile import (
    CUSTOM_ROWS,
    OPTIONAL,
    PRESETS,
    PROFILE,
    ROWS,
    expanded,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._converge import Job, converge
from ansible_collections.otsec.defender_iot.plugins.module_utils._plan import overlay, plan
from ansible_collections.otsec.defender_iot.plugins.module_utils._resource import Incomplete
from ansible_collections.otsec.defender_iot.plugins.modules.fortigate_admin_profile import MODULE
from ansible_collections.otsec.defender_iot.tests.unit.fakes import MemoryAppliance

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


def options(**given: Any) -> dict[str, Any]:
    """Make the options as they are after validation: each is there, None where it was left out."""
    return {**OPTIONS, "name": "p", **given}


@pytest.mark.parametrize(("option", "wire", "right"), TUTORIAL.values(), ids=TUTORIAL)
def test_the_preset_gives_each_row_the_right_of_the_tutorial(option: str, wire: str, right: str) -> None:
    wanted = PROFILE.desired(expanded(options(**PRESET)))
    assert wanted[option] == right
    assert PROFILE.sent(wanted)[wire] == right


@pytest.mark.parametrize(("row", "right"), TUTORIAL_FIREWALL.items())
def test_the_preset_gives_the_firewall_the_rights_of_the_tutorial(row: str, right: str) -> None:
    wanted = PROFILE.desired(expanded(options(**PRESET)))
    assert wanted["firewall_permissions"][row.lower()] == right
    assert PROFILE.sent(wanted)["fwgrp-permission"][row.lower()] == right


def test_the_preset_says_every_row_and_nothing_else() -> None:
    assert [option for option, _wire, _right in TUTORIAL.values()] == list(ROWS)
    wanted = PROFILE.desired(expanded(options(**PRESET)))
    assert wanted.keys() == {"name", *ROWS, "firewall_permissions"}
    assert wanted["firewall_permissions"] == FIREWALL


def test_without_a_preset_nothing_is_added() -> None:
    assert PROFILE.desired(expanded(options(vpn="read"))) == {"name": "p", "vpn": "read"}


@pytest.mark.parametrize("row", [row for row in ROWS if row != "firewall"])
def test_an_option_goes_before_the_row_of_the_preset(row: str) -> None:
    wanted = PROFILE.desired(expanded(options(**PRESET, **{row: "read"})))
    assert wanted == {**PROFILE.desired(expanded(options(**PRESET))), row: "read"}


@pytest.mark.parametrize("right", ["none", "read", "read-write"])
def test_a_firewall_that_is_not_custom_loses_the_permissions_of_the_preset(right: str) -> None:
    params = expanded(options(**PRESET, firewall=right))
    assert PROFILE.problems(params) == []
    assert PROFILE.desired(params).keys() == {"name", *ROWS}


@pytest.mark.parametrize(
    ("own", "merged"),
    [
        ({"service": "read"}, {**FIREWALL, "service": "read"}),
        ({"policy": "none", "others": "read"}, {**FIREWALL, "policy": "none", "others": "read"}),
        ({"policy": None, "address": "read"}, {**FIREWALL, "address": "read"}),
        ({}, FIREWALL),
    ],
)
def test_own_permissions_are_laid_over_those_of_the_preset(own: Any, merged: Any) -> None:
    params = expanded(options(**PRESET, firewall_permissions=own))
    assert PROFILE.desired(params)["firewall_permissions"] == merged


def test_permissions_of_another_row_stand_beside_the_preset() -> None:
    params = expanded(options(**PRESET, system="custom", system_permissions={"cfg": "read"}))
    assert PROFILE.desired(params)["system_permissions"] == {"cfg": "read"}
    assert PROFILE.desired(params)["firewall_permissions"] == FIREWALL


@pytest.mark.parametrize("row", CUSTOM_ROWS)
@pytest.mark.parametrize("right", [None, "none", "read", "read-write"])
def test_permissions_of_a_row_that_is_not_custom_are_refused(row: str, right: str | None) -> None:
    params = expanded(options(**{row: right, f"{row}_permissions": {}}))
    assert PROFILE.problems(params) == [f"{row}_permissions needs {row}: custom"]


def test_own_permissions_beside_a_preset_row_switched_off_are_refused() -> None:
    params = expanded(options(**PRESET, firewall="none", firewall_permissions={"policy": "read"}))
    assert PROFILE.problems(params) == ["firewall_permissions needs firewall: custom"]


def test_expanding_leaves_preset_and_options_alone() -> None:
    params = options(**PRESET, firewall_permissions={"policy": "read"})
    expanded(params)
    assert params == options(**PRESET, firewall_permissions={"policy": "read"})
    assert PRESETS["defender_iot"]["firewall_permissions"] == FIREWALL


def raw(**changes: Any) -> dict[str, Any]:
    """Make a profile as FortiOS shows it, with every permission, all none."""
    permissions = {
        f"{ROWS[row]}-permission": {right.replace("_", "-"): "none" for right in rights}
        for row, rights in CUSTOM_ROWS.items()
    }
    return {"name": "p", "comments": "", **dict.fromkeys(ROWS.values(), "none"), **permissions, **changes}


@pytest.mark.parametrize("row", CUSTOM_ROWS)
def test_permissions_are_shown_for_custom_rows_only(row: str) -> None:
    assert f"{row}_permissions" not in PROFILE.observed(raw())
    held = PROFILE.observed(raw(**{ROWS[row]: "custom"}))
    assert held[f"{row}_permissions"] == dict.fromkeys(CUSTOM_ROWS[row], "none")


@pytest.mark.parametrize("permissions", [None, 7, "none", [], {}])
def test_permissions_of_another_form_are_not_usable(permissions: Any) -> None:
    with pytest.raises(Incomplete):
        PROFILE.observed(raw(**{"fwgrp-permission": permissions}))


def test_what_versions_lack_reads_as_none() -> None:
    lacking = raw(fwgrp="custom", utmgrp="custom")
    for container in (lacking, lacking["fwgrp-permission"], lacking["utmgrp-permission"]):
        for option in OPTIONAL:
            container.pop(ROWS.get(option, option.replace("_", "-")), None)
    assert PROFILE.observed(lacking) == PROFILE.observed(raw(fwgrp="custom", utmgrp="custom"))


def test_a_new_profile_is_sent_without_what_is_none_anyway() -> None:
    wanted = PROFILE.desired(expanded(options(**PRESET)))
    assert PROFILE.sent(PROFILE.without_defaults(wanted)) == {
        "name": "p",
        "fwgrp": "custom",
        "fwgrp-permission": {"policy": "read-write", "address": "read-write"},
    }


def test_a_version_without_the_right_others_is_not_asked_to_change_it() -> None:
    held = raw(fwgrp="custom")
    del held["fwgrp-permission"]["others"]
    wanted = PROFILE.desired(expanded(options(**PRESET)))
    assert PROFILE.sent(plan(PROFILE, PROFILE.observed(held), wanted, "present").send) == {
        "fwgrp-permission": {
            "policy": "read-write",
            "address": "read-write",
            "service": "none",
            "schedule": "none",
        }
    }


class FortiOS(MemoryAppliance):
    """Gives a new profile its defaults, and merges permissions, as FortiOS does."""

    def create(self, resource: Any, key: Any, body: Any) -> None:
        super().create(resource, key, body)
        self.objects[key] = overlay(raw(), body)

    def update(self, resource: Any, key: Any, body: Any) -> None:
        merged = overlay(self.objects[key], body)
        super().update(resource, key, body)
        self.objects[key] = merged


POLICY = {"firewall": "custom", "firewall_permissions": {"policy": "read"}}
SWITCHES = {
    # what it is: (the profile that is there, options, what is sent)
    "custom row off": (raw(fwgrp="custom"), {"firewall": "none"}, {"fwgrp": "none"}),
    "custom row off by the preset": (
        raw(sysgrp="custom"),
        PRESET,
        {"fwgrp": "custom", "fwgrp-permission": FIREWALL, "sysgrp": "none"},
    ),
    "new, by the preset": (
        None,
        PRESET,
        {
            "name": "p",
            "fwgrp": "custom",
            "fwgrp-permission": {"policy": "read-write", "address": "read-write"},
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


@pytest.mark.parametrize(("there", "given", "sent"), SWITCHES.values(), ids=SWITCHES)
def test_a_row_becomes_custom_or_ceases_to_be_in_one_run(there: Any, given: Any, sent: Any) -> None:
    api = FortiOS({"p": there} if there else {})
    job = Job(PROFILE, expanded({**options(**given), "state": "present"}), api, False, "fgt")
    assert converge(job)["changed"]
    assert api.bodies == [sent]
    assert not converge(job)["changed"]
