# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans an access token, which has an entry of its own: several may be valid at once."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from .._engine.errors import ApplianceError, Conflict, attempting
from .._engine.moment import is_recent, moment_or_none
from .._engine.secret import Secret, StoredSecret
from .secret_steps import INTERRUPTED, LOST, Entry, RotationOptions, SecretPlan, SecretStep, keep, preceded

LISTED_WITHIN = timedelta(minutes=2)
"""How long an appliance may take to list a new entry (assumed, not documented)."""


@dataclass(frozen=True)
class TokenEntries:
    """The entries of an appliance's list with the task's key. Several may be valid at once.

    ``ref`` is the store's reference to the value of one of them. ``listed`` are the entries with any key, in
    the options' schema.
    """

    title: str
    ref: str
    rows: tuple[Entry, ...]
    listed: tuple[Entry, ...] = ()

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(entry_id(row) for row in self.rows)

    def without(self, gone: Collection[str]) -> TokenEntries:
        """Return the entries that remain after deleting some ids."""
        return replace(self, rows=tuple(row for row in self.rows if entry_id(row) not in gone))

    def current(self, stored: StoredSecret) -> Entry | None:
        """Return the entry of the current value. Raises Conflict if it is ambiguous."""
        if stored.current is None:
            return None
        rows = [row for row in self.rows if _may_be_current(row, stored)]
        if stored.current.id is None and len(rows) > 1:
            raise self.ambiguous(rows)
        return _find(rows, stored.current.id)

    def surviving(self, stored: StoredSecret, now: datetime) -> Secret | None:
        """Return the current value if it stays valid beside a new one."""
        if stored.current is not None and self.current(stored) is None:
            self.refuse_if_just_made(stored.current, now)
            return None
        return stored.current

    def refuse_if_just_made(self, secret: Secret, now: datetime) -> None:
        """Raise ApplianceError if the list may not show it yet: minting again would leave an orphan."""
        if is_recent(moment_or_none(secret.created_at), LISTED_WITHIN, now):
            with attempting(f"reading {self.title}"):
                raise ApplianceError(
                    "it was created moments ago and is not listed yet", "run again in two minutes"
                )

    def ambiguous(self, rows: Collection[Entry]) -> Conflict:
        """Return the error for entries that cannot be distinguished."""
        ids = ", ".join(map(entry_id, rows))
        return Conflict(f"{self.title} exists {len(rows)} times (ids {ids})", "delete all but one")


def entry_id(entry: Entry) -> str:
    """Return an entry's id as text: one answer may have a number, another one the same id as text."""
    return str(entry["id"])


def plan_token(
    stored: StoredSecret, entries: TokenEntries, options: RotationOptions, now: datetime
) -> SecretPlan:
    """Plan the steps to the token that the options require. Raises Conflict and ApplianceError."""
    if options.state == "absent":
        return _remove_tokens(stored, entries)
    if stored.pending is not None:
        return _resume_token(stored, entries, options, now)
    if stored.previous is not None and options.previous == "absent":
        return _retire_previous(stored, entries, options, now)
    return _keep_or_mint_token(stored, entries, options, now)


def _keep_or_mint_token(
    stored: StoredSecret, entries: TokenEntries, options: RotationOptions, now: datetime
) -> SecretPlan:
    if stored.current is None:
        return _mint_first_token(stored, entries, now)
    if entries.current(stored) is None:
        entries.refuse_if_just_made(stored.current, now)
        return _mint_token(stored, entries, now, "the appliance has none")
    notes = _notes_on_others(stored, entries)
    reason = options.why_due(stored.current, now)
    return _mint_token(stored, entries, now, reason, *notes) if reason else keep(stored, *notes)


def _mint_first_token(stored: StoredSecret, entries: TokenEntries, now: datetime) -> SecretPlan:
    """Mint if there is no entry. Never guess which of several entries belongs to the task."""
    if entries.rows:
        raise Conflict(
            f"{entries.title} exists, but the store has nothing under {entries.ref}, and its value was shown "
            "only once",
            "store the value if you have it, or delete the object first (state: absent)",
        )
    return _mint_token(stored, entries, now, "the appliance has none")


def _mint_token(
    stored: StoredSecret, entries: TokenEntries, now: datetime, reason: str, *notes: str
) -> SecretPlan:
    """Mint beside the current value, which is kept as the previous one while it is valid."""
    old = entries.surviving(stored, now)
    if old is not None and stored.previous is not None:
        raise Conflict(
            f"{entries.title} still has a previous value", "end that rotation first (previous: absent)"
        )
    steps = (
        SecretStep("reserve", known=entries.ids),
        SecretStep("mint"),
        SecretStep("persist"),
        SecretStep("commit", keep_previous=old is not None),
    )
    return SecretPlan(steps, reason, notes, stored.current, previous=old or stored.previous)


def _resume_token(
    stored: StoredSecret, entries: TokenEntries, options: RotationOptions, now: datetime
) -> SecretPlan:
    """Finish an interrupted minting if its value is stored and listed, otherwise clean up after it."""
    known = stored.pending.known if stored.pending else ()
    fresh = stored.pending.secret if stored.pending else None
    listed = _find([row for row in entries.rows if entry_id(row) not in known], fresh.id) if fresh else None
    if fresh is not None and listed is not None:
        # No probe: it would count as a use, which is the evidence that the consumer calls.
        old = entries.surviving(stored, now)
        id_ = entry_id(listed) if fresh.id is None else fresh.id
        commit = SecretStep("commit", id=id_, keep_previous=old is not None)
        return SecretPlan((commit,), INTERRUPTED, (), stored.current, fresh, old or stored.previous)
    if fresh is not None:
        entries.refuse_if_just_made(fresh, now)
    ours = str(stored.current and stored.current.id)
    lost = [row for row in entries.rows if entry_id(row) not in (*known, ours)]
    # Two runs may find the same leftovers: only the one that reserves them may delete them.
    clearing = (SecretStep("reserve", known=tuple(known)), *(SecretStep("revoke", row) for row in lost))
    left = entries.without([entry_id(row) for row in lost])
    if stored.current is None:
        return preceded(clearing, _mint_token(StoredSecret(previous=stored.previous), left, now, LOST))
    plan = _keep_or_refuse_token(replace(stored, pending=None), left, options, now)
    return preceded((*clearing, SecretStep("release")), plan, INTERRUPTED)


def _retire_previous(
    stored: StoredSecret, entries: TokenEntries, options: RotationOptions, now: datetime
) -> SecretPlan:
    """Revoke the previous value if the current one is in use, or does not exist any more."""
    current = entries.current(stored)
    if entries.surviving(stored, now) is not None and not (current and current.get("used")):
        return keep(stored, f"the previous {entries.title} is kept because the current one was never used")
    row = _find(
        [each for each in entries.rows if each is not current], stored.previous and stored.previous.id
    )
    revoke = (SecretStep("revoke", row),) if row else ()
    left = entries.without([entry_id(row)]) if row else entries
    plan = _keep_or_refuse_token(replace(stored, previous=None), left, options, now)
    retired = None if plan.mints else stored.previous
    plan = replace(plan, retired=retired)
    return preceded((*revoke, SecretStep("retire")), plan, "the current one is in use")


def _remove_tokens(stored: StoredSecret, entries: TokenEntries) -> SecretPlan:
    """Revoke the stored entries, or the only one. An operator must decide on several others."""
    ours = _our_ids(stored)
    known = [*ours, *(stored.pending.known if stored.pending else entries.ids)]
    others = [row for row in entries.rows if entry_id(row) in known and entry_id(row) not in ours]
    if others and len(entries.rows) > 1:
        raise entries.ambiguous(entries.rows)
    forget = (SecretStep("forget"),) if entries.rows or stored != StoredSecret() else ()
    return SecretPlan((*(SecretStep("revoke", row) for row in entries.rows), *forget), before=stored.current)


def _keep_or_refuse_token(
    stored: StoredSecret, entries: TokenEntries, options: RotationOptions, now: datetime
) -> SecretPlan:
    """Plan what follows other steps. A refusal must not prevent those steps."""
    try:
        return _keep_or_mint_token(stored, entries, options, now)
    except (Conflict, ApplianceError) as error:
        return SecretPlan(refusal=error)


def _notes_on_others(stored: StoredSecret, entries: TokenEntries) -> list[str]:
    """Name entries whose value is not stored, such as a lost one that was listed late."""
    ids = [id_ for id_ in entries.ids if id_ not in _our_ids(stored)]
    if not ids or stored.current is None or stored.current.id is None:
        return []
    return [
        f"{entries.title} also exists with the ids {', '.join(ids)}, whose values are not in the store: "
        "delete them on the appliance if they are not in use"
    ]


def _our_ids(stored: StoredSecret) -> list[str]:
    return [str(secret.id) for secret in (stored.current, stored.previous) if secret is not None]


def _may_be_current(row: Entry, stored: StoredSecret) -> bool:
    if stored.previous is not None and entry_id(row) == str(stored.previous.id):
        return False
    return stored.pending is None or entry_id(row) in stored.pending.known


def _find(rows: list[Entry], id_: Any) -> Entry | None:
    """Return the entry with an id, or the only entry if the id is unknown."""
    if id_ is None:
        return rows[0] if len(rows) == 1 else None
    return next((row for row in rows if entry_id(row) == str(id_)), None)
