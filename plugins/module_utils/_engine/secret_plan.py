# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decides about a one-time secret. Pure: reads neither store nor appliance, and knows no check mode."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Any

from .errors import ApplianceError, Conflict, attempting
from .moment import is_recent, moment_or_none
from .secret import Secret, StoredSecret

INTERRUPTED = "an earlier run was interrupted"
LOST = f"{INTERRUPTED}, and what it minted is lost"

LISTED_WITHIN = timedelta(minutes=2)
"""How long an appliance may take to list what it has just created (assumed: nothing is documented)."""

Entry = Mapping[str, Any]


@dataclass(frozen=True)
class RotationOptions:
    """The options of a one-time secret; ``max_age`` is in days.

    ``replaced`` says that an earlier task is predicted to replace the secret. ``rotate_only`` limits the
    steps to those that replace a secret that exists.
    """

    state: str = "present"
    recreate: str = "never"
    rotation_id: str | None = None
    max_age: int | None = None
    previous: str = "keep"
    replaced: bool = False
    rotate_only: bool = False

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> RotationOptions:
        """Take them out of a task's options."""
        given = {each.name: options.get(each.name) for each in fields(cls)}
        return cls(**{name: value for name, value in given.items() if value is not None})

    def why_due(self, current: Secret, at: datetime) -> str | None:
        """Return why a new value is wanted in place of a good one."""
        if self.recreate == "always":
            return "recreate is always"
        if self.rotation_id and self.rotation_id != current.rotation_id:
            return f"rotation_id is {self.rotation_id}"
        made = moment_or_none(current.created_at)
        if made is None or self.max_age is None or abs(at - made) <= timedelta(days=self.max_age):
            return None
        if made > at:
            return f"its age is not known, because its created_at, {current.created_at}, lies in the future"
        return f"it is older than {self.max_age} days"


@dataclass(frozen=True)
class SecretStep:
    """One step of the executor, which has a method named like ``verb``.

    ``entry`` is what revoke deletes, ``known`` the ids that reserve writes down, ``value`` what prove tries.
    commit takes the rest.
    """

    verb: str
    entry: Entry | None = None
    known: tuple[str, ...] = ()
    value: str = field(default="", repr=False)
    id: Any = None
    verified: bool = False
    keep_previous: bool = False


@dataclass(frozen=True)
class SecretPlan:
    """The steps in their order, and what the store holds before and after them.

    ``after`` is None for a value that is unknown before it is minted, or for none. ``retired`` is the value
    that is dropped where nothing else happens. ``drift`` is why a rotation does not change the secret.
    ``refusal`` is raised after the steps: what an interrupted run has left is cleared away even if nothing
    may follow.
    """

    steps: tuple[SecretStep, ...] = ()
    reason: str | None = None
    notes: tuple[str, ...] = ()
    before: Secret | None = None
    after: Secret | None = None
    previous: Secret | None = None
    retired: Secret | None = None
    drift: str | None = None
    refusal: Conflict | ApplianceError | None = None

    @property
    def mints(self) -> bool:
        """Say whether a value is minted."""
        return any(step.verb == "mint" for step in self.steps)

    @property
    def lacks_parent(self) -> bool:
        """Say whether the object that a value is minted for does not exist yet."""
        return any(step.verb == "require_parent" for step in self.steps)


@dataclass(frozen=True)
class ApiKeyOfAdmin:
    """The one secret of an object that stays: minting another replaces it at once.

    ``exists`` and ``is_new`` are about that object. ``verdict`` and ``status`` are of a stored value that
    was tried, as Appliance.probe returns them.
    """

    title: str
    exists: bool
    is_new: bool
    verdict: str = "unknown"
    status: int | None = None


@dataclass(frozen=True)
class TokenEntries:
    """The entries of an appliance's list that have the task's key; several may be valid at once.

    ``ref`` is where the store keeps the value of one of them.
    """

    title: str
    ref: str
    rows: tuple[Entry, ...]

    @property
    def ids(self) -> tuple[str, ...]:
        """Return the ids."""
        return tuple(entry_id(row) for row in self.rows)

    def without(self, gone: Collection[str]) -> TokenEntries:
        """Return those that are left when some are deleted."""
        return replace(self, rows=tuple(row for row in self.rows if entry_id(row) not in gone))

    def current(self, stored: StoredSecret) -> Entry | None:
        """Return the entry of the current value. Raises Conflict where it cannot be told from others."""
        if stored.current is None:
            return None
        rows = [row for row in self.rows if _may_be_current(row, stored)]
        if stored.current.id is None and len(rows) > 1:
            raise self.ambiguous(rows)
        return _find(rows, stored.current.id)

    def surviving(self, stored: StoredSecret, now: datetime) -> Secret | None:
        """Return the current value if it stays good beside another one."""
        if stored.current is not None and self.current(stored) is None:
            self.refuse_if_just_made(stored.current, now)
            return None
        return stored.current

    def refuse_if_just_made(self, secret: Secret, now: datetime) -> None:
        """Raise ApplianceError where a list may lag behind: minting again would leave an orphan."""
        if is_recent(moment_or_none(secret.created_at), LISTED_WITHIN, now):
            with attempting(f"reading {self.title}"):
                raise ApplianceError(
                    "it was made moments ago and is not listed yet: run again in two minutes"
                )

    def ambiguous(self, rows: Collection[Entry]) -> Conflict:
        """Return the error for entries that cannot be told apart."""
        ids = ", ".join(map(entry_id, rows))
        return Conflict(f"{self.title} exists {len(rows)} times (ids {ids}): delete all but one")


def entry_id(entry: Entry) -> str:
    """Return an entry's id as text: an answer may give the number that a list gives as text."""
    return str(entry["id"])


def plan_secret(
    stored: StoredSecret, owner: TokenEntries | ApiKeyOfAdmin, options: RotationOptions, now: datetime
) -> SecretPlan:
    """Plan what it takes to have the secret that the options want. Raises Conflict and ApplianceError."""
    drift = _drift(stored, owner, options) if options.rotate_only else None
    if drift:
        return plan_no_rotation(owner.title, stored, drift)
    if isinstance(owner, ApiKeyOfAdmin):
        return _plan_key(stored, owner, options, now)
    return _plan_token(stored, owner, options, now)


def plan_no_rotation(title: str, stored: StoredSecret, drift: str) -> SecretPlan:
    """Plan no step, and report why a rotation does not change the secret."""
    return replace(_keep(stored, f"{title} is not rotated: {drift}"), drift=f"not rotated: {drift}")


def _drift(stored: StoredSecret, owner: TokenEntries | ApiKeyOfAdmin, options: RotationOptions) -> str | None:
    """Return why a rotation does not change a secret: only one that exists can be replaced."""
    rows = owner.rows if isinstance(owner, TokenEntries) else ()
    if options.state == "absent":
        return "it is declared absent, but still exists" if rows or stored != StoredSecret() else None
    if stored.current is None:
        return "the store does not have it"
    if isinstance(owner, ApiKeyOfAdmin):
        return None if owner.exists and not owner.is_new else "the object that it belongs to does not exist"
    is_lost = stored.pending is None and owner.current(stored) is None
    return "the appliance does not list it" if is_lost else None


def plan_predicted_retirement(stored: StoredSecret, options: RotationOptions) -> SecretPlan:
    """Plan what follows a replacement that was itself only predicted: the value still stored goes."""
    return SecretPlan(
        steps=(SecretStep("retire"),) if options.previous == "absent" else (),
        reason="the one that replaces it is predicted to be used by then",
        before=stored.current,
        previous=stored.previous,
        retired=stored.current,
    )


def _keep(stored: StoredSecret, *notes: str) -> SecretPlan:
    return SecretPlan(notes=notes, before=stored.current, after=stored.current, previous=stored.previous)


# --- the key of an object ---------------------------------------------------------------------------------


def _plan_key(
    stored: StoredSecret, admin: ApiKeyOfAdmin, options: RotationOptions, now: datetime
) -> SecretPlan:
    if options.state == "absent":
        steps = (SecretStep("forget"),) if stored != StoredSecret() else ()
        return SecretPlan(steps=steps, before=stored.current)
    if stored.pending is not None:
        return _resume_key(stored, admin)
    if not admin.exists or admin.is_new:
        return _mint_key(stored, admin, "the object it belongs to is new")
    if stored.current is None:
        return _mint_key(stored, admin, "the store holds none")
    if options.recreate == "invalid" and admin.verdict == "invalid":
        return _mint_key(stored, admin, "the appliance refuses the stored one")
    notes = []
    if options.recreate == "invalid" and admin.verdict == "unknown":
        answer = (
            "could not be tried from here" if admin.status is None else f"was answered with {admin.status}"
        )
        notes.append(f"{admin.title} {answer}, which proves nothing: it is kept")
    reason = options.why_due(stored.current, now)
    return _mint_key(stored, admin, reason, *notes) if reason else _keep(stored, *notes)


def _resume_key(stored: StoredSecret, admin: ApiKeyOfAdmin) -> SecretPlan:
    """Finish an interrupted minting; one that lost its value has made the old one void."""
    fresh = stored.pending.secret if stored.pending else None
    if fresh is None or not admin.exists or admin.is_new or admin.verdict == "invalid":
        return _mint_key(replace(stored, current=None), admin, LOST)
    commit = SecretStep("commit", id=fresh.id, verified=admin.verdict == "valid")
    return SecretPlan((commit,), INTERRUPTED, before=stored.current, after=fresh, previous=stored.previous)


def _mint_key(stored: StoredSecret, admin: ApiKeyOfAdmin, reason: str, *notes: str) -> SecretPlan:
    verbs = ["reserve", "mint", "persist", "verify", "commit"]
    if not admin.exists and not admin.is_new:
        verbs.insert(0, "require_parent")
    return SecretPlan(tuple(map(SecretStep, verbs)), reason, notes, stored.current, previous=stored.previous)


# --- tokens with an entry of their own --------------------------------------------------------------------


def _plan_token(
    stored: StoredSecret, entries: TokenEntries, options: RotationOptions, now: datetime
) -> SecretPlan:
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
    return _mint_token(stored, entries, now, reason, *notes) if reason else _keep(stored, *notes)


def _mint_first_token(stored: StoredSecret, entries: TokenEntries, now: datetime) -> SecretPlan:
    """Mint where there is no entry; never guess which of several is ours."""
    if entries.rows:
        raise Conflict(
            f"{entries.title} exists, but the store holds nothing under {entries.ref}, and its value was "
            "shown only once. Store it if you have it, or delete the object (state: absent) first"
        )
    return _mint_token(stored, entries, now, "the appliance has none")


def _mint_token(
    stored: StoredSecret, entries: TokenEntries, now: datetime, reason: str, *notes: str
) -> SecretPlan:
    """Mint beside the current value, which is kept as the previous one while it is good."""
    old = entries.surviving(stored, now)
    if old is not None and stored.previous is not None:
        raise Conflict(
            f"{entries.title} still has a previous value: end that rotation first (previous: absent)"
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
    """Finish what an interrupted run has left if its value is stored and listed, else clear it away."""
    known = stored.pending.known if stored.pending else ()
    fresh = stored.pending.secret if stored.pending else None
    listed = _find([row for row in entries.rows if entry_id(row) not in known], fresh.id) if fresh else None
    if fresh is not None and listed is not None:
        # Not tried: that would count as a use, the evidence that the consumer calls.
        old = entries.surviving(stored, now)
        id_ = entry_id(listed) if fresh.id is None else fresh.id
        commit = SecretStep("commit", id=id_, keep_previous=old is not None)
        return SecretPlan((commit,), INTERRUPTED, (), stored.current, fresh, old or stored.previous)
    if fresh is not None:
        entries.refuse_if_just_made(fresh, now)
    ours = str(stored.current and stored.current.id)
    lost = [row for row in entries.rows if entry_id(row) not in (*known, ours)]
    # Two runs may find the same remains: only the one that takes them over may clear them away.
    clearing = (SecretStep("reserve", known=tuple(known)), *(SecretStep("revoke", row) for row in lost))
    left = entries.without([entry_id(row) for row in lost])
    if stored.current is None:
        return _preceded(clearing, _mint_token(StoredSecret(previous=stored.previous), left, now, LOST))
    plan = _keep_or_refuse_token(replace(stored, pending=None), left, options, now)
    return _preceded((*clearing, SecretStep("release")), plan, INTERRUPTED)


def _retire_previous(
    stored: StoredSecret, entries: TokenEntries, options: RotationOptions, now: datetime
) -> SecretPlan:
    """Revoke the previous value once the current one was seen in use, or is gone itself."""
    current = entries.current(stored)
    if entries.surviving(stored, now) is not None and not (current and current.get("used")):
        return _keep(stored, f"the previous {entries.title} is kept: the current one was never used yet")
    row = _find(
        [each for each in entries.rows if each is not current], stored.previous and stored.previous.id
    )
    revoke = (SecretStep("revoke", row),) if row else ()
    left = entries.without([entry_id(row)]) if row else entries
    plan = _keep_or_refuse_token(replace(stored, previous=None), left, options, now)
    retired = None if plan.mints else stored.previous
    plan = replace(plan, retired=retired)
    return _preceded((*revoke, SecretStep("retire")), plan, "the current one is in use")


def _remove_tokens(stored: StoredSecret, entries: TokenEntries) -> SecretPlan:
    """Revoke the entries that are ours, or the only one; of others an operator has to decide."""
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
    """Plan what follows other steps; a refusal of it must not keep these from being taken."""
    try:
        return _keep_or_mint_token(stored, entries, options, now)
    except (Conflict, ApplianceError) as error:
        return SecretPlan(refusal=error)


def _preceded(steps: tuple[SecretStep, ...], plan: SecretPlan, reason: str | None = None) -> SecretPlan:
    return replace(plan, steps=(*steps, *plan.steps), reason=plan.reason or reason)


def _notes_on_others(stored: StoredSecret, entries: TokenEntries) -> list[str]:
    """Name the entries whose value no store has, such as one that was lost and listed late."""
    ids = [id_ for id_ in entries.ids if id_ not in _our_ids(stored)]
    if not ids or stored.current is None or stored.current.id is None:
        return []
    return [
        f"{entries.title} exists besides as {', '.join(ids)}, whose value is not in the store: "
        "delete that on the appliance if nobody uses it"
    ]


def _our_ids(stored: StoredSecret) -> list[str]:
    return [str(secret.id) for secret in (stored.current, stored.previous) if secret is not None]


def _may_be_current(row: Entry, stored: StoredSecret) -> bool:
    if stored.previous is not None and entry_id(row) == str(stored.previous.id):
        return False
    return stored.pending is None or entry_id(row) in stored.pending.known


def _find(rows: list[Entry], id_: Any) -> Entry | None:
    """Return the entry with an id, or where none is known the only entry."""
    if id_ is None:
        return rows[0] if len(rows) == 1 else None
    return next((row for row in rows if entry_id(row) == str(id_)), None)
