# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The block entries of FortiGates, as `fortigate_block_list` takes and returns them."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from ...module_utils._engine.moment import as_text, read_moment
from .addresses import Address
from .texts import COMMENT_SPACE, length_in_comment, shortened

OWNER = "respond"

APPROVAL = "respond_approvals"
"""The source of an entry that a person has ordered."""

LONGEST_SOURCE = 90
LONGEST_APPROVER = 25
ALERT = " alert "


@dataclass(frozen=True)
class Entry:
    """A blocked address of this collection's list. Times are in UTC, to the second."""

    address: Address
    until: datetime
    since: datetime
    owner: str
    source: str
    reason: str
    approved_by: str = ""

    @property
    def alert(self) -> tuple[str, str]:
        """The sensor and the id of the alert that caused the entry, two empty texts for an approval."""
        sensor, _separator, alert = self.source.rpartition(ALERT)
        return (sensor, alert) if sensor else ("", "")

    def wanted(self) -> dict[str, str]:
        """Return the entry as an item of ``entries``, with its owner."""
        texts = {
            "address": str(self.address),
            "until": as_text(self.until),
            "reason": self.reason,
            "source": self.source,
            "owner": self.owner,
        }
        return {**texts, "approved_by": self.approved_by} if self.approved_by else texts


def source_of(sensor: str, alert: Any) -> str | None:
    """Return the text that names an alert in an entry, None if it does not fit there."""
    source = f"{sensor}{ALERT}{alert}"
    return source if length_in_comment(source) <= LONGEST_SOURCE else None


def written(entry: Entry) -> Entry:
    """Return an entry whose texts fit into the comment of its address object."""
    approver = shortened(entry.approved_by, LONGEST_APPROVER)
    space = COMMENT_SPACE - length_in_comment(entry.source) - length_in_comment(approver)
    return replace(entry, approved_by=approver, reason=shortened(entry.reason, space))


def read_entries(rows: Iterable[Mapping[str, Any]]) -> list[Entry]:
    """Read the entries that a site's FortiGates returned, each address once.

    The copies of several FortiGates are one entry: the one with the latest ``until``, with the earliest
    ``since``. An entry of another owner counts only where this one has none. Raises ValueError.
    """
    found: dict[Address, Entry] = {}
    for row in rows:
        entry = _entry(row)
        known = found.get(entry.address)
        found[entry.address] = entry if known is None else _merged(known, entry)
    return list(found.values())


def _entry(row: Mapping[str, Any]) -> Entry:
    return Entry(
        address=ipaddress.ip_address(row["address"]),
        until=read_moment(row["until"]),
        since=read_moment(row["since"]),
        owner=row["owner"],
        source=row.get("source") or "",
        reason=row.get("reason") or "",
        approved_by=row.get("approved_by") or "",
    )


def _merged(one: Entry, other: Entry) -> Entry:
    latest = max(one, other, key=lambda each: (each.owner == OWNER, each.until, each.source))
    return replace(latest, since=min(one.since, other.since))
