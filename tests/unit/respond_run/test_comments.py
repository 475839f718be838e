# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a decision says about a block fits into the comment of the FortiGate's address object."""

from __future__ import annotations

import ipaddress
from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate import address as fortigate
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.block_options import (
    BLOCK_LIST_OPTIONS,
    prepare_block_list,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._module.arguments import Arguments
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._respond import texts
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._respond.approvals import Approval
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._respond.catalogue import MALWARE
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._respond.entries import LONGEST_SOURCE
from ansible_collections.otsec.defender_iot.tests.unit.respond.plant import (
    NOW,
    alert,
    decided,
    device,
    reading,
)

SENSOR = "sensor-of-the-second-press-line-in-the-north-plant.ot.example"
NAMES = {
    "short": "ws-7",
    "long": "w" * 300,
    "not ASCII": "Prüfstand-Öfen-北",
    "hostile": "a; owner=manual; until=2099-01-01T00:00:00Z; reason=%22",
    "control characters": "a\n\u202eb\x00",
}


def comment_of(entry: dict[str, str]) -> tuple[str, Any]:
    """Return the comment for an entry, after the checks of the module, and the entry that is read back."""
    options = {name: value for name, value in entry.items() if name != "owner"}
    params, _hidden = Arguments(BLOCK_LIST_OPTIONS).validate({"entries": [options], "owner": "respond"})
    ((address, want),) = prepare_block_list(params)["wanted"].items()
    made = fortigate.Entry(address=address, since="2026-11-27T12:00:00Z", owner="respond", **want)
    text = fortigate.comment(made)
    return text, fortigate.entry_in(address, text)


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
@pytest.mark.parametrize("title", [MALWARE[1], max(MALWARE, key=len)])
@pytest.mark.parametrize("by", ["", "Dr. Ünal, head of the night shift in the north plant"])
def test_a_comment_has_owner_sensor_and_alert_in_full_and_the_reason_shortened(
    name: str, title: str, by: str
) -> None:
    address = ipaddress.ip_address("2001:db8:ffff:ffff:ffff:ffff:ffff:fff7")
    row = device(name=name, ip_addresses=[str(address)])
    approvals = [Approval(address, "may_block", by, NOW + timedelta(days=1))] if by else []
    (entry,) = decided(
        reading([alert(1234567890, title=title)], devices=[row], sensor=SENSOR), approvals=approvals
    ).entries
    text, back = comment_of(entry)
    assert len(text) <= fortigate.LONGEST_COMMENT
    assert (back.owner, back.source, back.until) == (
        "respond",
        f"{SENSOR} alert 1234567890",
        entry["until"],
    )
    assert (back.reason, back.approved_by) == (entry["reason"], entry.get("approved_by", ""))
    assert f'"{title}" from "{name}"'.startswith(back.reason[:15])


def test_an_entry_with_the_longest_texts_leaves_room_for_a_reason() -> None:
    sensor = "s" * (LONGEST_SOURCE - len(" alert 1"))
    (entry,) = decided(reading([alert(1)], sensor=sensor)).entries
    text, back = comment_of(entry)
    assert len(text) <= fortigate.LONGEST_COMMENT
    assert len(back.reason) >= 15


def test_both_sides_encode_a_comment_the_same() -> None:
    assert texts.READABLE == fortigate.READABLE
