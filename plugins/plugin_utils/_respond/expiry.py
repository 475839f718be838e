# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long an address stays blocked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ...module_utils._engine.moment import as_text
from .addresses import Address
from .candidates import Candidate, Reference
from .entries import OWNER, Entry, source_of, written
from .rules import Rules, hours


@dataclass(frozen=True)
class AddressDecision:
    """The decision about one address. ``entry`` is the wanted entry, None if there is none.

    ``decision`` is ``block`` for a new entry, ``keep``, ``renew`` or ``release`` for an existing one, and
    ``none`` if the address is not blocked, before and after. ``candidate`` is the alert behind it. ``ended``
    are the alerts that have blocked the address for as long as they may without a person.
    """

    decision: str
    reason: str
    entry: Entry | None = None
    candidate: Candidate | None = None
    ended: tuple[Reference, ...] = ()


class Expiry:
    """The times of a run."""

    def __init__(self, rules: Rules, now: datetime) -> None:
        self.rules = rules
        self.now = now

    def first(
        self, address: Address, candidates: Sequence[Candidate], ordered: Entry | None = None
    ) -> AddressDecision:
        """Return the decision about an address that these alerts name.

        ``ordered`` is its entry, if a person's approval that blocked it has ended.
        """
        best = self._best(candidates, ordered)
        until = self._until(best, ordered)
        source = source_of(best.sensor, best.alert)
        if until <= self.now:
            ended = _references(candidates) if ordered else ()
            return AddressDecision("none", self._too_old(best), candidate=best, ended=ended)
        if source is None:
            reason = "the names of sensor and alert do not fit into the comment of an address object"
            return AddressDecision("none", reason, candidate=best)
        since = ordered.since if ordered else self.now
        entry = Entry(address, until, since, OWNER, source, best.reason, best.approved_by)
        return AddressDecision("block", f"until {as_text(until)}: {best.reason}", written(entry), best)

    def next(self, entry: Entry, candidates: Sequence[Candidate]) -> AddressDecision:
        """Return the decision about an entry with a cause. It is renewed when less than half is left."""
        best = self._best(candidates, entry)
        until = self._until(best, entry)
        is_short = entry.until - self.now < self._ttl(best) / 2
        source = source_of(best.sensor, best.alert)
        if source and is_short and until > max(entry.until, self.now):
            renewed = replace(
                entry, until=until, source=source, reason=best.reason, approved_by=best.approved_by
            )
            return AddressDecision("renew", f"until {as_text(until)}: {best.reason}", written(renewed), best)
        if self._is_too_long(entry) and until > self.now:
            return self._shortened(entry, until, best.reason, best)
        if entry.until > self.now and not self._is_too_long(entry):
            return AddressDecision("keep", f"until {as_text(entry.until)}: {best.reason}", entry, best)
        ended = _references(candidates)
        return AddressDecision("release", self._too_old(best), candidate=best, ended=ended)

    def last(self, entry: Entry, reason: str, candidate: Candidate | None = None) -> AddressDecision:
        """Return the decision about an entry whose cause cannot be verified: it is not renewed, and ends."""
        until = as_text(entry.until)
        if self._is_too_long(entry):
            return self._shortened(entry, self.now + self.rules.ttl, reason, candidate)
        if entry.until > self.now:
            return AddressDecision("keep", f"until {until}, not renewed: {reason}", entry, candidate)
        return AddressDecision("release", f"it ended at {until}: {reason}", candidate=candidate)

    def _is_too_long(self, entry: Entry) -> bool:
        """Return whether an entry lasts longer than any run grants: a clock that was ahead wrote its end."""
        return entry.until > self.now + self.rules.maximum

    def _shortened(
        self, entry: Entry, until: datetime, reason: str, candidate: Candidate | None
    ) -> AddressDecision:
        why = f"until {as_text(until)}, shortened because it exceeded the maximum: {reason}"
        return AddressDecision("renew", why, replace(entry, until=until), candidate)

    def _best(self, candidates: Sequence[Candidate], entry: Entry | None) -> Candidate:
        """Return the candidate that blocks longest. Of several, it is the entry's own, then the newest."""

        def rank(each: Candidate) -> tuple[datetime, bool, datetime, Reference]:
            is_own = entry is not None and entry.alert == each.reference
            return self._until(each, entry), is_own, each.start, each.reference

        return max(candidates, key=rank)

    def _until(self, candidate: Candidate, entry: Entry | None) -> datetime:
        """Return until when an alert blocks an address.

        A clock of the sensor that is ahead prolongs this by its error, which is a day at most.
        """
        until = self.now + self._ttl(candidate)
        if candidate.approved_by and self.rules.expire != "fixed":
            return until
        if self._is_dynamic(candidate, entry):
            first = entry.since if entry else self.now
            until = min(until, first + self.rules.dynamic_ttl)
        return min(until, self._begin(candidate, entry) + self._limit(candidate))

    def _begin(self, candidate: Candidate, entry: Entry | None) -> datetime:
        """Return from when the limit counts.

        Whether the time of an alert is its first or its last detection is not known, and the last one moves
        as long as the traffic lasts. So it counts from the first block, unless a newer alert may continue it.
        """
        is_continued = self.rules.expire == "fixed" and entry and entry.alert != candidate.reference
        return candidate.start if entry is None or is_continued else min(candidate.start, entry.since)

    def _is_dynamic(self, candidate: Candidate, entry: Entry | None) -> bool:
        """Return whether the address may pass to another host soon.

        While the devices cannot be read, the duration of the first block shows what it was.
        """
        if candidate.verdict == "unread" and entry is not None:
            return entry.until - entry.since <= self.rules.dynamic_ttl
        return candidate.is_dynamic

    def _ttl(self, candidate: Candidate) -> timedelta:
        may_be_dynamic = candidate.is_dynamic or candidate.verdict == "unread"
        return self.rules.dynamic_ttl or self.rules.ttl if may_be_dynamic else self.rules.ttl

    def _limit(self, candidate: Candidate) -> timedelta:
        return self._ttl(candidate) if self.rules.expire == "fixed" else self.rules.maximum

    def _too_old(self, candidate: Candidate) -> str:
        if self.rules.expire == "fixed":
            what, limit = "ttl", self._ttl(candidate)
        elif candidate.is_dynamic:
            what, limit = "the ttl of a dynamic address", self.rules.dynamic_ttl
        else:
            what, limit = "the maximum", self.rules.maximum
        return f"the alert or the block is older than {what}, {hours(limit)}; a person must approve a block"


def _references(candidates: Sequence[Candidate]) -> tuple[Reference, ...]:
    return tuple(each.reference for each in candidates)
