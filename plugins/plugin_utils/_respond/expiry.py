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
from .candidates import Candidate
from .entries import OWNER, Entry, source_of, written
from .rules import Rules, hours


@dataclass(frozen=True)
class AddressDecision:
    """The decision about one address. ``entry`` is the wanted entry, None if there is none.

    ``decision`` is ``block`` for a new entry, ``keep``, ``renew`` or ``release`` for an existing one, and
    ``none`` if the address is not blocked, before and after. ``candidate`` is the alert behind it.
    """

    decision: str
    reason: str
    entry: Entry | None = None
    candidate: Candidate | None = None


class Expiry:
    """The times of a run."""

    def __init__(self, rules: Rules, now: datetime) -> None:
        self.rules = rules
        self.now = now

    def first(self, address: Address, candidates: Sequence[Candidate]) -> AddressDecision:
        """Return the decision about a new address that these alerts name."""
        best = self._best(candidates)
        until = self._until(best)
        source = source_of(best.sensor, best.alert)
        if until <= self.now:
            return AddressDecision("none", self._too_old(best), candidate=best)
        if source is None:
            reason = "the names of sensor and alert do not fit into the comment of an address object"
            return AddressDecision("none", reason, candidate=best)
        entry = Entry(address, until, self.now, OWNER, source, best.reason, best.approved_by)
        return AddressDecision("block", f"until {as_text(until)}: {best.reason}", written(entry), best)

    def next(self, entry: Entry, candidates: Sequence[Candidate]) -> AddressDecision:
        """Return the decision about an entry with a cause. It is renewed when less than half is left."""
        best = self._best(candidates, entry)
        until = self._until(best)
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
        return AddressDecision("release", self._too_old(best), candidate=best)

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

    def _best(self, candidates: Sequence[Candidate], entry: Entry | None = None) -> Candidate:
        """Return the candidate that blocks longest. Of several, it is the entry's own, then the newest."""

        def rank(each: Candidate) -> tuple[datetime, bool, datetime, tuple[str, str]]:
            is_own = entry is not None and entry.alert == each.reference
            return self._until(each), is_own, each.start, each.reference

        return max(candidates, key=rank)

    def _until(self, candidate: Candidate) -> datetime:
        """Return until when an alert blocks an address.

        A clock of the sensor that is ahead prolongs this by its error, which is a day at most.
        """
        until = self.now + self._ttl(candidate)
        limit = self._limit(candidate)
        return until if limit is None else min(until, candidate.start + limit)

    def _ttl(self, candidate: Candidate) -> timedelta:
        may_be_dynamic = candidate.is_dynamic or candidate.verdict == "unread"
        return self.rules.dynamic_ttl or self.rules.ttl if may_be_dynamic else self.rules.ttl

    def _limit(self, candidate: Candidate) -> timedelta | None:
        if self.rules.expire == "fixed":
            return self._ttl(candidate)
        return None if candidate.approved_by else self.rules.maximum

    def _too_old(self, candidate: Candidate) -> str:
        if self.rules.expire == "fixed":
            return (
                f"the alert is older than ttl, {hours(self._ttl(candidate))}; a person must approve a block"
            )
        return (
            f"the alert is older than the maximum, {hours(self.rules.maximum)}; a person must approve a block"
        )
