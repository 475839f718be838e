# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The block list of the benchmark, and the decision which addresses to block."""

from __future__ import annotations

import ipaddress
import time
from datetime import UTC, datetime
from statistics import median
from typing import Any

from plugins.module_utils._fortigate.address import (
    FAMILIES,
    GROUP_COMMENT,
    PLACEHOLDER,
    Family,
    new_entry,
    object_body,
)
from plugins.plugin_utils._respond.decide import decide
from plugins.plugin_utils._respond.document import Origin, document
from plugins.plugin_utils._respond.rules import Rules
from plugins.plugin_utils._respond.site import Reading

from .objects import GROUP
from .plan import BLOCKED

ALERTS, DEVICES, ROUNDS = 10_000, 5_000, 3
NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
SINCE, UNTIL = "2026-11-27T12:00:00Z", "2099-01-01T00:00:00Z"
TYPES = ("Unknown", "Unknown", "HMI", "PLC", "Workstation", "Server", "Router", "Printer")


def entries() -> list[dict[str, str]]:
    """Return the entries as the role declares them."""
    return [
        {"address": f"198.18.{number // 250}.{number % 250 + 1}", "until": UNTIL, "reason": "Conficker"}
        for number in range(BLOCKED)
    ]


def tables() -> dict[str, dict[str, dict[str, Any]]]:
    """Return the objects of the block list on a FortiGate, by table and name."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for family in FAMILIES:
        objects = _objects(family)
        members = [{"name": name} for name in [PLACEHOLDER, *objects]]
        found[_table(family.objects.path)] = objects
        found[_table(family.groups.path)] = {
            GROUP: {"name": GROUP, "comment": GROUP_COMMENT, "member": members}
        }
    return found


def decision_seconds() -> float:
    """Return the CPU seconds of the decision, the median of several rounds."""
    alerts, devices = list(map(_alert, range(ALERTS))), list(map(_device, range(DEVICES)))
    reading = Reading("sensor", alerts, [], devices)
    origin = Origin("otsec.defender_iot bench", "site", "propose", "2026-11-27T12:00:00Z")
    spent = []
    for _round in range(ROUNDS):
        started = time.process_time()
        document(origin, decide([reading], [], Rules(), [], NOW))
        spent.append(time.process_time() - started)
    return median(spent)


def _objects(family: Family) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for each in entries() if family.version == 4 else []:
        address = ipaddress.ip_address(each["address"])
        want = {key: value for key, value in each.items() if key != "address"}
        body = object_body(family, GROUP, new_entry(address, want, "manual", SINCE))
        found[body["name"]] = dict(body)
    return found


def _table(path: str) -> str:
    return path.removeprefix("/api/v2/cmdb/")


def _alert(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "time": "2026-11-27T11:00:00Z",
        "title": "Suspicion of Conficker Malware",
        "message": "a message",
        "engine": "malware",
        "source_device": number % DEVICES,
        "additional_information": None,
    }


def _device(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "name": f"device-{number}",
        "type": TYPES[number % len(TYPES)],
        "ip_addresses": [f"10.{number // 250}.0.{number % 250 + 1}"],
    }
