# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decisions of persons about single addresses, from a file in Git."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ...module_utils._engine.errors import InvalidOptions
from ...module_utils._engine.moment import as_text, read_moment
from .addresses import Address, not_a_host, read_address

DECISIONS = ("never_block", "may_block", "block")
"""Decisions, the strongest first.

``may_block``: a matching alert blocks the address although its device's type is not allowed, and without the
maximum. ``block``: the address is blocked until the end of the approval, without an alert. Allow and deny
could mean the traffic or the block, so they are no decisions.
"""

KEYS = ("address", "decision", "by", "until")


@dataclass(frozen=True)
class Approval:
    """A decision of a person, which ends at ``until``."""

    address: Address
    decision: str
    by: str
    until: datetime


class Approvals:
    """The decisions that are in force at a time, by address."""

    def __init__(self, approvals: Iterable[Approval], now: datetime) -> None:
        self._current: dict[Address, Approval] = {}
        for each in sorted(approvals, key=_strength, reverse=True):
            if each.until > now:
                self._current[each.address] = each

    def of(self, address: Address, *decisions: str) -> Approval | None:
        """Return the approval of an address if it is one of these decisions."""
        found = self._current.get(address)
        return found if found is not None and found.decision in decisions else None

    def blocked(self) -> list[Approval]:
        """Return the approvals that block an address."""
        return [each for each in self._current.values() if each.decision == "block"]


def _strength(approval: Approval) -> tuple[int, float]:
    """Sort by decision, then the latest end first."""
    return DECISIONS.index(approval.decision), -approval.until.timestamp()


def read_approvals(items: Iterable[Mapping[str, Any]]) -> list[Approval]:
    """Read ``respond_approvals``. Raises InvalidOptions."""
    return [_approval(number, item) for number, item in enumerate(items, 1)]


def _approval(number: int, item: Mapping[str, Any]) -> Approval:
    where = f"respond_approvals, item {number}"
    if set(item) != set(KEYS):
        raise InvalidOptions(
            f"{where} has the keys {', '.join(map(str, item)) or 'of an empty mapping'}",
            f"use exactly {', '.join(KEYS)}",
        )
    address = read_address(str(item["address"]))
    what = "not the IP address of one host" if address is None else not_a_host(address)
    if address is None or what:
        raise InvalidOptions(
            f'{where} has the address "{item["address"]}", which is {what}', "set the address of one host"
        )
    if item["decision"] not in DECISIONS:
        raise InvalidOptions(
            f'{where} has the decision "{item["decision"]}"', f"use one of {', '.join(DECISIONS)}"
        )
    by = str(item["by"]).strip() if isinstance(item["by"], (str, int)) else ""
    if not by:
        raise InvalidOptions(f"{where} does not say who decided", "set by to that person's name")
    return Approval(address, item["decision"], by, _until(where, item["until"]))


def _until(where: str, value: Any) -> datetime:
    """Return a time. A date alone would end the approval before that day, which its writer may not mean."""
    try:
        if len(str(value)) <= len("2026-12-01"):
            raise ValueError(value)
        found = read_moment(value).replace(microsecond=0)
        as_text(found)
    except (OverflowError, ValueError):
        raise InvalidOptions(
            f'{where} has until "{value}", which is not a time of a day',
            "write it as in 2026-12-01T06:00:00Z",
        ) from None
    return found
