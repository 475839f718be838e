# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The objects that every contestant declares on each FortiGate, with the names of FortiOS."""

from __future__ import annotations

from typing import Any

GROUP = "defender-iot-blocked"
SENSORS = ("192.0.2.11", "198.51.100.11")
TABLES = ("system/accprofile", "system/api-user")

PROFILE: dict[str, Any] = {
    "name": "defender-iot",
    "comments": "Least privilege for Microsoft Defender for IoT",
    **dict.fromkeys(
        ("secfabgrp", "ftviewgrp", "authgrp", "loggrp", "netgrp", "sysgrp", "utmgrp", "vpngrp", "wifi"),
        "none",
    ),
    "wanoptgrp": "none",
    "fwgrp": "custom",
    "fwgrp-permission": {
        "policy": "read-write",
        "address": "read-write",
        "service": "none",
        "schedule": "none",
        "others": "none",
    },
}
ADMIN: dict[str, Any] = {
    "name": "defender-iot",
    "comments": "Microsoft Defender for IoT sensors",
    "accprofile": "defender-iot",
    "trusthost": [
        {"id": number, "type": "ipv4-trusthost", "ipv4-trusthost": f"{address} 255.255.255.255"}
        for number, address in enumerate(SENSORS, 1)
    ],
}
OBJECTS = dict(zip(TABLES, (PROFILE, ADMIN), strict=True))
DRIFT = {"fwgrp-permission": {**PROFILE["fwgrp-permission"], "address": "read"}}


def underscored(value: Any) -> Any:
    """Return a value with the names of `fortinet.fortios`."""
    if isinstance(value, dict):
        return {key.replace("-", "_"): underscored(item) for key, item in value.items()}
    return [underscored(item) for item in value] if isinstance(value, list) else value
