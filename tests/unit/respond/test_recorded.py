# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The recorded population of the lab's sensor, read as the modules read it, and decided."""

from __future__ import annotations

from typing import Any

import pytest
from defender_iot_lab.sensor import recorded

from ansible_collections.otsec.defender_iot.plugins.module_utils._sensor.data import ALERT, DEVICE
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._respond.catalogue import CATALOGUE
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._respond.decide import Decided
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._respond.rules import (
    Caps,
    Match,
    Rules,
    read_networks,
    title_key,
)
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._respond.site import Reading
from ansible_collections.otsec.defender_iot.tests.unit.respond.plant import SENSOR, decided

DAY = 86_400_000
NOW_MS = 1_795_780_800_000  # 2026-11-27T12:00:00Z
DEVICES = [DEVICE.from_wire(row) for row in recorded.DEVICES]
PROTECTED = {
    **read_networks("protected", ["192.0.2.1"], "the FortiGate"),
    **read_networks("protected", ["192.0.2.10"], "the control node"),
}
WIDE = Caps(100, 100, 100, 1)


def decide(rules: Rules) -> Decided:
    """Decide on the recorded alerts, as if they were raised an hour ago."""
    rows = [ALERT.from_wire({**row, "time": NOW_MS - DAY // 24}) for row in recorded.ALERTS]
    unhandled = [row for row in rows if row["id"] not in recorded.HANDLED_ALERTS]
    handled = [row for row in rows if row["id"] in recorded.HANDLED_ALERTS]
    return decided(Reading(SENSOR, unhandled, handled, DEVICES), rules=rules)


def test_by_default_only_the_infected_office_devices_are_blocked() -> None:
    found = decide(Rules(protected=PROTECTED, caps=WIDE))
    assert {each["address"]: each["source"].split()[-1] for each in found.entries} == {
        "192.0.2.51": "601",
        "192.0.2.66": "613",
    }


@pytest.mark.parametrize(
    ("alert", "reason"),
    [
        (602, "its type is Domain Controller: a device that others depend on"),
        (603, "no rule matches"),
        (605, 'device "workstation-508" has 2 IP addresses, not one'),
        (606, "its type is HMI: a control-system device"),
        (607, "no rule matches"),
        (608, "no rule matches"),
        (610, "no rule matches"),
        (611, "no rule matches"),
        (614, "no rule matches"),
        (615, "the alert's source device is not in the inventory"),
    ],
)
def test_every_other_alert_has_its_reason(alert: int, reason: str) -> None:
    (row,) = [each for each in decide(Rules(protected=PROTECTED)).decisions if each.alert == alert]
    assert row.decision == "none"
    assert row.reason.startswith(reason)


def test_a_scan_that_is_opted_in_blocks_the_device_not_its_name() -> None:
    match = Match("anomaly", frozenset({title_key("Address Scan Detected")}))
    found = decide(Rules(match=(match,), protected=PROTECTED, caps=WIDE))
    assert [each["address"] for each in found.entries] == ["192.0.2.62"]


def test_even_if_every_alert_of_the_catalogue_matched_no_victim_without_office_type_is_blocked() -> None:
    engines = {engine for engine, _title in CATALOGUE}
    found = decide(Rules(match=tuple(map(Match, engines)), protected=PROTECTED, caps=WIDE))
    assert [each["address"] for each in found.entries] == [
        "192.0.2.51",
        "192.0.2.52",
        "192.0.2.62",
        "192.0.2.66",
    ]
    reasons: dict[Any, str] = {each.alert: each.reason for each in found.decisions}
    assert reasons[610] == reasons[616] == "the alert names no source device"
    assert reasons[612].startswith("it represents several violations")


@pytest.mark.parametrize("device", DEVICES, ids=lambda each: each["name"])
def test_an_alert_of_each_recorded_device(device: dict[str, Any]) -> None:
    alert = ALERT.from_wire({**recorded.ALERTS[0], "id": 700, "time": NOW_MS, "sourceDevice": device["id"]})
    found = decided(Reading(SENSOR, [alert], [], DEVICES), rules=Rules(protected=PROTECTED, caps=WIDE))
    is_blockable = device["id"] in (501, 502, 512, 513, 514, 516, 519)
    assert bool(found.entries) is is_blockable
    if not is_blockable:
        assert found.decisions[0].reason
