# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The admin profile of a FortiGate, shared by the module and its info module.

Field names and defaults: FortiOS CMDB schema of system/accprofile, 6.4 to 7.6.5 (documented).
"""

from __future__ import annotations

from typing import Any

from .._engine.resource import Field, Resource
from .._engine.version import since
from .._module.arguments import Spec

LEVELS = ["none", "read", "read-write"]

COMMANDS = ("cli_diagnose", "cli_get", "cli_show", "cli_exec", "cli_config")

ROWS = {
    "security_fabric": "secfabgrp",
    "fortiview": "ftviewgrp",
    "user_device": "authgrp",
    "firewall": "fwgrp",
    "log_report": "loggrp",
    "network": "netgrp",
    "system": "sysgrp",
    "security_profile": "utmgrp",
    "vpn": "vpngrp",
    "wan_opt_cache": "wanoptgrp",
    "wifi_switch": "wifi",
}
"""The rows of the GUI's profile page, and their names in the API."""

CUSTOM_ROWS = {
    "security_fabric": ["csfsys", "csffoo"],
    "firewall": ["policy", "address", "service", "schedule", "others"],
    "log_report": ["config", "data_access", "report_access", "threat_weight"],
    "network": ["cfg", "packet_capture", "route_cfg"],
    "system": ["admin", "upd", "cfg", "mnt"],
    "security_profile": [
        "antivirus",
        "ips",
        "webfilter",
        "emailfilter",
        "dlp",
        "file_filter",
        "application_control",
        "icap",
        "voip",
        "waf",
        "dnsfilter",
        "endpoint_control",
        "videofilter",
        "virtual_patch",
        "casb",
        "telemetry",
    ],
}
"""The rows that can be custom, and their permissions."""

VERSIONS = {
    "security_fabric_permissions": since("7.6.5"),
    "others": since("6.4.6", "7.0.0") + since("7.0.1"),
    "emailfilter": since("6.2.0"),
    "file_filter": since("6.4.0"),
    "dlp": since("7.4.4"),
    "videofilter": since("7.2.0"),
    "virtual_patch": since("7.4.1"),
    "casb": since("7.4.1"),
    "telemetry": since("7.6.4"),
    "system_diagnostics": since("6.4.0", "7.4.2"),
    "system_execute_ssh": since("7.2.1"),
    "system_execute_telnet": since("7.2.1"),
    **dict.fromkeys(COMMANDS, since("7.4.2")),
}
"""The versions of FortiOS that have an option, if not all do (documented by schemas of 6.2 to 7.6.5).

``others`` exists in the 6.4 branch since 6.4.6 and in the 7.0 branch since 7.0.1.
"""

FORMER_NAMES = {
    "dlp": {
        "data-leak-prevention": since("7.2.4", "7.4.4"),
        "data-loss-prevention": since("6.0.0", "7.2.4"),
    },
}
"""Earlier names of a permission (documented by the vendor's own modules)."""

FEATURES = {"wan_opt_cache": "WAN optimisation", "scope": "multi-VDOM mode"}
"""The feature that an option requires (documented for some models, observed for others)."""

SWITCHES = {
    "override_idle_timeout": ("admintimeout-override", False),
    "system_diagnostics": ("system-diagnostics", True),
    "system_execute_ssh": ("system-execute-ssh", True),
    "system_execute_telnet": ("system-execute-telnet", True),
    **{command: (command.replace("_", "-"), False) for command in COMMANDS},
}
"""Boolean options: the name in the API, and the value in a new profile."""


def _firewall_only(policy: str, address: str) -> dict[str, Any]:
    """Return a profile with these two permissions only. The switches that a new profile has on are off."""
    return {
        **dict.fromkeys(ROWS, "none"),
        "firewall": "custom",
        "firewall_permissions": {
            "policy": policy,
            "address": address,
            "service": "none",
            "schedule": "none",
            "others": "none",
        },
        **{switch: False for switch, (_wire, is_on) in SWITCHES.items() if is_on},
    }


RESPOND = "defender_iot_respond"
"""The preset of the account with which control nodes keep a block list."""

PRESETS: dict[str, dict[str, Any]] = {
    "defender_iot": _firewall_only(policy="read-write", address="read-write"),
    RESPOND: _firewall_only(policy="read", address="read-write"),
}
"""The profile of Microsoft's Fortinet tutorial, and that of an account which keeps a block list.

The row Others, and the switches that are on in a new profile, are not in the tutorial. They get the least
privilege.
"""

PRESET: Spec = {"preset": {"type": "str", "choices": list(PRESETS)}}


def _field(option: str, wire: str, default: Any, **more: Any) -> Field:
    return Field(
        wire,
        default=default,
        versions=VERSIONS.get(option, ()),
        former=FORMER_NAMES.get(option, {}),
        feature=FEATURES.get(option, ""),
        **more,
    )


def _row(row: str) -> Field:
    choices = [*LEVELS, "custom"] if row in CUSTOM_ROWS else LEVELS
    return _field(row, ROWS[row], "none", choices=choices)


def _permissions(row: str) -> Field:
    children = {
        child: _field(child, child.replace("_", "-"), "none", choices=LEVELS) for child in CUSTOM_ROWS[row]
    }
    option, wire = f"{row}_permissions", f"{ROWS[row]}-permission"
    return _field(option, wire, None, children=children, only_if=(row, "custom"))


def _switch(option: str) -> Field:
    wire, default = SWITCHES[option]
    return _field(
        option,
        wire,
        default,
        type="bool",
        optional=True,
        absent_value=False,
        decode=_is_on,
        encode=_on_or_off,
    )


def _is_on(value: str) -> bool:
    return {"enable": True, "disable": False}[value]


def _on_or_off(value: bool) -> str:
    return "enable" if value else "disable"


def prepare_admin_profile(params: dict[str, Any]) -> dict[str, Any]:
    """Apply the preset where an option is not set.

    A row that an option sets to something else than custom loses the preset's permissions.
    """
    preset = PRESETS.get(params.get("preset") or "", {})
    given = {option: value for option, value in params.items() if value is not None}
    merged = {**params, **preset, **given}
    for row in CUSTOM_ROWS:
        rights = f"{row}_permissions"
        if rights in preset and merged[row] != "custom" and rights not in given:
            merged[rights] = None
        elif rights in preset and rights in given:
            own = {right: level for right, level in given[rights].items() if level is not None}
            merged[rights] = {**preset[rights], **own}
    return merged


PROFILE = Resource(
    label="admin profile",
    kind="profile",
    path="system/accprofile",
    key_in_path=True,
    built_in=frozenset({"super_admin", "super_admin_readonly", "prof_admin", "admin_no_access"}),
    fixed=frozenset({"super_admin", "super_admin_readonly"}),
    guarded=frozenset({"scope", *ROWS, *(f"{row}_permissions" for row in CUSTOM_ROWS)}),
    fields={
        "name": Field("name", required=True, max_length=35),
        "scope": _field("scope", "scope", "vdom", choices=["vdom", "global"]),
        "comments": Field("comments", default="", optional=True, max_length=255),
        **{row: _row(row) for row in ROWS},
        **{f"{row}_permissions": _permissions(row) for row in CUSTOM_ROWS},
        **{option: _switch(option) for option in SWITCHES},
        "idle_timeout": Field(
            "admintimeout",
            type="int",
            default=10,
            optional=True,
            limits=(0, 480),
            only_if=("override_idle_timeout", True),
        ),
    },
    prepare=prepare_admin_profile,
)
