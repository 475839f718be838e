# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The decision about each address: those of existing entries, and new ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from ...module_utils._engine.moment import as_text
from .addresses import Address
from .approvals import Approval, Approvals
from .candidates import Candidate, Candidates, Reference
from .caps import exceeded
from .entries import APPROVAL, OWNER, Entry, written
from .expiry import AddressDecision, Expiry
from .rules import Rules
from .site import Site
from .texts import quoted

ENDED = "the alert has blocked it for as long as it may without a person; a person must approve a block"


class AddressDecisions:
    """The decisions of one run. ``own`` are the entries on the FortiGates, of every owner.

    ``ended`` are the alerts that have blocked an address for as long as they may without a person, according
    to earlier runs, and afterwards also to this one.
    """

    def __init__(
        self,
        site: Site,
        own: Sequence[Entry],
        rules: Rules,
        approvals: Approvals,
        now: datetime,
        ended: Collection[Reference] = (),
    ) -> None:
        self.site = site
        self.approvals = approvals
        self.now = now
        self.entries = {each.address: each for each in own if each.owner == OWNER}
        self.others = {each.address: each for each in own if each.owner != OWNER}
        finder = Candidates(site, rules, approvals, now)
        self.candidates = finder.find()
        self._ended = frozenset(ended)
        self.by_reference = {each.reference: each for each in self.candidates}
        self._protection = finder.protection
        self._expiry = Expiry(rules, now)
        self._blockable: defaultdict[Address, list[Candidate]] = defaultdict(list)
        for candidate in self.candidates:
            if candidate.verdict == "blockable" and candidate.address is not None:
                self._blockable[candidate.address].append(candidate)
        self.found = {address: self._of_entry(entry) for address, entry in self.entries.items()}
        self._add_new()
        self.ended = self._still_ended()
        self.exceeded = self._stop_storm(own, rules)

    def _add_new(self) -> None:
        for approval in self.approvals.blocked():
            if approval.address not in self.found:
                ordered = self._ordered(approval)
                self.found[approval.address] = self._unless_forbidden(approval.address, ordered)
        for address, candidates in self._blockable.items():
            if address not in self.found:
                self.found[address] = self._unless_forbidden(address, self._of_new(address, candidates))

    def _of_new(self, address: Address, candidates: Sequence[Candidate]) -> AddressDecision:
        causes = self._lasting(candidates)
        if causes:
            return self._expiry.first(address, causes)
        return AddressDecision("none", ENDED, candidate=candidates[0])

    def _lasting(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Return the candidates that may still block without a person, or that a person has approved."""
        return [each for each in candidates if each.approved_by or each.reference not in self._ended]

    def _still_ended(self) -> set[Reference]:
        """Return the ended alerts, without those that a sensor no longer lists as unhandled."""
        ended = self._ended.union(*(each.ended for each in self.found.values()))
        return {each for each in ended if self.site.may_be_unhandled(each)}

    def _stop_storm(self, own: Sequence[Entry], rules: Rules) -> list[str]:
        """Stop every new block if a cap is exceeded. Return a sentence for each such cap."""
        new = [address for address, each in self.found.items() if each.decision == "block"]
        remaining = [each.entry for each in self.found.values() if each.entry and each.decision != "block"]
        caps = exceeded(new, [*remaining, *self.others.values()], own, self.site, rules, self.now)
        if caps:
            reason = f"every new block of this run was stopped: {'; '.join(caps)}"
            for address in new:
                stopped = AddressDecision("none", reason, candidate=self.found[address].candidate)
                self.found[address] = stopped
        return caps

    def _of_entry(self, entry: Entry) -> AddressDecision:
        candidate = self.by_reference.get(entry.alert)
        harm = self._protection.of_address(entry.address) or self._protection.of_devices(entry.address)
        if harm is not None:
            return AddressDecision("release", harm, candidate=candidate)
        approval = self.approvals.of(entry.address, "block")
        if approval is not None:
            return self._approved(entry, approval)
        causes = list(self._blockable.get(entry.address, ()))
        if candidate is not None and candidate.verdict == "unread":
            approval = self.approvals.of(entry.address, "may_block")
            approved_by = approval.by if approval else ""
            causes.append(replace(candidate, reason=entry.reason, approved_by=approved_by))
        if entry.source == APPROVAL:
            return self._after_approval(entry, causes)
        if causes:
            return self._expiry.next(entry, self._lasting(causes) or causes)
        return self._without_alert(entry) if candidate is None else self._no_longer_named(entry, candidate)

    def _approved(self, entry: Entry, approval: Approval) -> AddressDecision:
        """Return the decision about an entry that a person has ordered, perhaps only now."""
        ordered = self._ordered(approval, entry.since)
        if (entry.until, entry.source) == (approval.until, APPROVAL):
            return replace(ordered, decision="keep", entry=entry)
        return replace(ordered, decision="renew")

    def _after_approval(self, entry: Entry, causes: Sequence[Candidate]) -> AddressDecision:
        """Return the decision about an entry that no person orders any more, but perhaps an alert causes."""
        caused = self._expiry.first(entry.address, causes, entry) if causes else None
        if caused is None or caused.entry is None:
            ended = caused.ended if caused else ()
            return AddressDecision("release", "its approval has ended or was removed", ended=ended)
        return replace(caused, decision="renew")

    def _no_longer_named(self, entry: Entry, candidate: Candidate) -> AddressDecision:
        """Return the decision about an entry whose alert is unhandled, but does not name this address."""
        if candidate.verdict == "blockable":
            reason = f"the device of the alert now has the address {candidate.address}"
            return AddressDecision("release", reason, candidate=candidate)
        if candidate.verdict == "excluded":
            return AddressDecision("release", candidate.reason, candidate=candidate)
        return self._expiry.last(entry, candidate.reason, candidate)

    def _without_alert(self, entry: Entry) -> AddressDecision:
        """Return the decision about an entry whose alert is not known to be unhandled.

        Only an alert that the sensor lists as handled releases the address at once. One that has vanished
        from both lists proves nothing.
        """
        sensor, alert = entry.alert
        if (sensor, alert) in self.site.handled:
            return AddressDecision("release", f"alert {alert} was handled on sensor {sensor}")
        reading = self.site.readings.get(sensor)
        if reading is None:
            return self._expiry.last(entry, f"its source {quoted(entry.source)} is no alert of this site")
        if reading.unhandled is None:
            return self._expiry.last(entry, f"the alerts of sensor {sensor} could not be read")
        return self._expiry.last(entry, f"sensor {sensor} no longer lists alert {alert}")

    def _ordered(self, approval: Approval, since: datetime | None = None) -> AddressDecision:
        """Return the decision to block an address because a person has ordered it."""
        reason = f"until {as_text(approval.until)}: decided by {quoted(approval.by)}"
        entry = Entry(
            approval.address, approval.until, since or self.now, OWNER, APPROVAL, "approved", approval.by
        )
        return AddressDecision("block", reason, written(entry))

    def _unless_forbidden(self, address: Address, decision: AddressDecision) -> AddressDecision:
        """Return the decision about a new address, unless something forbids it."""
        unread = [sensor for sensor in self.site.readings if not self.site.has_devices(sensor)]
        reason = self._protection.of_address(address)
        if reason is None and address in self.others:
            reason = f"an entry of the owner {self.others[address].owner} already blocks {address}"
        if reason is None and unread:
            reason = f"the devices of sensor {', '.join(unread)} could not be read, so nothing new is blocked"
        return decision if reason is None else AddressDecision("none", reason, candidate=decision.candidate)
