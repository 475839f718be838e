# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The admin profile of a FortiGate, as data shared by the module and its info module.

Field names and defaults: FortiOS CMDB schema of system/accprofile, 6.4 to 7.6.5 (documented). Private to this
collection: may change at any time.
"""

from __future__ import annotations

from typing import Any

from ._resource import Field, Resource

LEVELS = ["none", "read", "read-write"]

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
"""The rows of the GUI's profile page, and their names in FortiOS."""

CUSTOM_ROWS = {
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
"""The rows that can be custom on every version, and what such a row consists of."""

OPTIONAL = {
    "wan_opt_cache",
    "others",
    "emailfilter",
    "dlp",
    "file_filter",
    "videofilter",
    "virtual_patch",
    "casb",
    "telemetry",
}
"""What some versions or models lack; there it reads as none, and is not sent to become none."""

PRESETS: dict[str, dict[str, Any]] = {
    "defender_iot": {
        **dict.fromkeys(ROWS, "none"),
        "firewall": "custom",
        "firewall_permissions": {
            "policy": "read-write",
            "address": "read-write",
            "service": "none",
            "schedule": "none",
            "others": "none",
        },
    }
}
"""The profile of Microsoft's Fortinet tutorial; it has no row Others, for which none is the least right."""


def _right(option: str, wire: str) -> Field:
    return Field(wire, default="none", optional=option in OPTIONAL)


def _permissions(row: str) -> Field:
    children = {child: _right(child, child.replace("_", "-")) for child in CUSTOM_ROWS[row]}
    return Field(f"{ROWS[row]}-permission", children=children, only_if=(row, "custom"))


PROFILE = Resource(
    kind="admin profile",
    noun="profile",
    path="system/accprofile",
    fields={
        "name": Field("name", max_length=35),
        "comments": Field("comments", default="", optional=True, max_length=255),
        **{row: _right(row, wire) for row, wire in ROWS.items()},
        **{f"{row}_permissions": _permissions(row) for row in CUSTOM_ROWS},
    },
)


def expanded(params: dict[str, Any]) -> dict[str, Any]:
    """Put a preset under the options; a row that an option sets to something else loses its custom rights."""
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
