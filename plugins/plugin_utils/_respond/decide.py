# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decides which addresses a site's FortiGates block: pure, with a reason for each alert and each entry."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .address_decisions import AddressDecisions
from .addresses import Address
from .approvals import Approval, Approvals
from .candidates import Candidate, Reference
from .entries import read_entries
from .rules import Rules
from .site import Reading, Site

DECISIONS = ("block", "renew", "keep", "release", "none")


@dataclass(frozen=True)
class Decision:
    """The decision about an alert, or about an entry or an approval without one. Unknown fields are None.

    ``is_matched`` is false for an alert that no rule matches.
    """

    sensor: str | None
    alert: Any
    device: Any
    address: str | None
    decision: str
    reason: str
    is_matched: bool = True


@dataclass(frozen=True)
class Decided:
    """The result. ``entries`` are all wanted entries of the owner respond, sorted by address.

    ``exceeded`` has a sentence for each exceeded cap, ``unread`` each sensor with the name of an answer that
    could not be used. ``ended`` are the unhandled alerts that have blocked an address for as long as they may
    without a person: the next run needs them. ``counts`` has the number of addresses for each decision, and
    of alerts for ``none``.
    """

    entries: list[dict[str, str]]
    decisions: list[Decision]
    counts: dict[str, int]
    exceeded: list[str]
    unread: list[tuple[str, str]]
    ended: list[Reference]

    @property
    def outcome(self) -> str:
        """The outcome: decided, capped or unreadable. What could not be read outranks a cap."""
        if self.unread:
            return "unreadable"
        return "capped" if self.exceeded else "decided"


def decide(
    readings: Sequence[Reading],
    own: Iterable[Mapping[str, Any]],
    rules: Rules,
    approvals: Iterable[Approval],
    now: datetime,
    ended: Collection[Reference] = (),
) -> Decided:
    """Return the wanted entries of a site, and why.

    ``own`` are the entries that its FortiGates returned, of every owner; one address may be on several
    FortiGates. ``ended`` is that of the run before. If no FortiGate could be read, the caller stops instead.
    Raises ValueError for an entry whose
    address or times cannot be read.
    """
    site = Site(readings)
    now = now.replace(microsecond=0)
    run = AddressDecisions(site, read_entries(own), rules, Approvals(approvals, now), now, ended)
    decisions = [*_of_entries(run), *_of_alerts(run)]
    wanted = [run.found[each].entry for each in sorted(run.found, key=_order)]
    return Decided(
        entries=[entry.wanted() for entry in wanted if entry],
        decisions=decisions,
        counts=_counts(run, decisions),
        exceeded=run.exceeded,
        unread=site.unread(),
        ended=sorted(run.ended),
    )


def _of_entries(run: AddressDecisions) -> Iterator[Decision]:
    """Yield the decision about each entry of this owner, and each address that a person has ordered."""
    ordered = {each.address for each in run.approvals.blocked()}
    for address in sorted(ordered | run.entries.keys(), key=_order):
        entry, found = run.entries.get(address), run.found[address]
        sensor, alert = entry.alert if entry else ("", "")
        candidate = run.by_reference.get((sensor, alert))
        yield Decision(
            sensor or None,
            candidate.alert if candidate else alert or None,
            candidate.device if candidate else None,
            str(address),
            found.decision,
            found.reason,
        )


def _of_alerts(run: AddressDecisions) -> Iterator[Decision]:
    """Yield the decision about each alert that is not behind an entry of this owner."""
    behind = {(entry.alert, address) for address, entry in run.entries.items()}
    known = {entry.alert for entry in run.entries.values()}
    for each in run.candidates:
        is_elsewhere = each.address is not None and (each.reference, each.address) not in behind
        if is_elsewhere or each.reference not in known:
            decision, reason = _of_candidate(run, each)
            address = None if each.address is None else str(each.address)
            yield Decision(each.sensor, each.alert, each.device, address, decision, reason, each.is_matched)


def _of_candidate(run: AddressDecisions, candidate: Candidate) -> tuple[str, str]:
    """Return the decision about an alert and its reason: those of its address if it is blockable."""
    if candidate.verdict != "blockable" or candidate.address is None:
        return "none", candidate.reason
    found = run.found[candidate.address]
    return ("none" if found.decision == "release" else found.decision), found.reason


def _counts(run: AddressDecisions, decisions: Sequence[Decision]) -> dict[str, int]:
    decided = [each.decision for each in run.found.values()]
    counts = {each: decided.count(each) for each in DECISIONS}
    return {**counts, "none": sum(each.decision == "none" for each in decisions)}


def _order(address: Address) -> tuple[int, int]:
    return address.version, int(address)
