# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans a one-time secret. Pure: reads neither store nor appliance, and ignores check mode."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Any

from .errors import ApplianceError, Conflict, attempting
from .moment import is_recent, moment_or_none
from .secret import Secret, StoredSecret

INTERRUPTED = "an earlier run was interrupted"
LOST = f"{INTERRUPTED}, and any value it minted is lost"
DOUBTED = "an earlier run may have made the stored one void"
CONFIRMED = "an earlier run left the stored one in doubt, and the appliance accepts it"

LISTED_WITHIN = timedelta(minutes=2)
"""How long an appliance may take to list a new entry (assumed, not documented)."""

Entry = Mapping[str, Any]


@dataclass(frozen=True)
class RotationOptions:
    """The options of a one-time secret. ``max_age`` is in days.

    ``replaced``: an earlier task is predicted to replace the secret. ``rotate_only``: only a secret that
    exists is replaced, and nothing else changes. ``verify_keys``: a stored key is tried, but not replaced if
    it is rejected. ``began`` is when the run began, None if unknown.
    """

    state: str = "present"
    recreate: str = "never"
    rotation_id: str | None = None
    max_age: int | None = None
    previous: str = "keep"
    replaced: bool = False
    rotate_only: bool = False
    verify_keys: bool = False
    began: datetime | None = None

    @property
    def tries_keys(self) -> bool:
        """Whether a stored key is tried even if nothing puts it in doubt."""
        return self.verify_keys or self.recreate == "invalid"

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> RotationOptions:
        """Select them from a task's options."""
        given = {each.name: options.get(each.name) for each in fields(cls)}
        return cls(**{name: value for name, value in given.items() if value is not None})

    def why_due(self, current: Secret, at: datetime) -> str | None:
        """Return why a valid value must be replaced, None if it need not be."""
        if self.recreate == "always":
            return "recreate is always"
        if self.rotation_id and self.rotation_id != current.rotation_id:
            return f"rotation_id is {self.rotation_id}"
        made = moment_or_none(current.created_at)
        if made is None or self.max_age is None or abs(at - made) <= timedelta(days=self.max_age):
            return None
        if made > at:
            return f"its age is unknown because its created_at, {current.created_at}, is in the future"
        return f"it is older than {self.max_age} days"


@dataclass(frozen=True)
class SecretStep:
    """One step. The executor has a method named ``verb``.

    ``entry`` is for revoke, ``known`` (the existing ids) for reserve, ``value`` for prove and disprove, the
    others for commit.
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
    """The steps in order, and the stored values before and after them.

    ``after`` is None if there is none, or if it is unknown until it is minted. ``retired`` is the value whose
    removal is the only change. ``drift`` is why a rotation does not change the secret, ``overdue`` whether it
    is due nevertheless. ``refusal`` is raised
    after the steps, which clean up after an interrupted run even if nothing may follow. ``accepted``: whether
    the appliance accepted the stored value, None if it was not tried or if the answer proves nothing.
    """

    steps: tuple[SecretStep, ...] = ()
    reason: str | None = None
    notes: tuple[str, ...] = ()
    before: Secret | None = None
    after: Secret | None = None
    previous: Secret | None = None
    retired: Secret | None = None
    accepted: bool | None = None
    drift: str | None = None
    overdue: bool = False
    refusal: Conflict | ApplianceError | None = None

    @property
    def mints(self) -> bool:
        return any(step.verb == "mint" for step in self.steps)

    @property
    def lacks_parent(self) -> bool:
        """Whether the parent object does not exist yet."""
        return any(step.verb == "require_parent" for step in self.steps)


@dataclass(frozen=True)
class ApiKeyOfAdmin:
    """A key without an entry of its own. Minting another one replaces it at once.

    ``exists`` and ``is_new`` describe its parent object. ``verdict`` and ``status`` are the result of probing
    a stored value, see Appliance.probe. ``new_unit`` says that another unit answers than before.
    """

    title: str
    exists: bool
    is_new: bool
    verdict: str = "unknown"
    status: int | None = None
    new_unit: str | None = None

    @property
    def accepted(self) -> bool | None:
        return {"valid": True, "invalid": False}.get(self.verdict)


@dataclass(frozen=True)
class TokenEntries:
    """The entries of an appliance's list with the task's key. Several may be valid at once.

    ``ref`` is the store's reference to the value of one of them.
    """

    title: str
    ref: str
    rows: tuple[Entry, ...]

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


def plan_secret(
    stored: StoredSecret, owner: TokenEntries | ApiKeyOfAdmin, options: RotationOptions, now: datetime
) -> SecretPlan:
    """Plan the steps to the secret that the options require. Raises Conflict and ApplianceError."""
    if options.state == "present":
        _refuse_rival_rotation(owner.title, stored.current, options, now)
    drift = _drift(stored, owner, options) if options.rotate_only else None
    if drift:
        overdue = options.state == "present" and _is_overdue(stored.current, owner, options, now)
        return plan_no_rotation(owner.title, stored, drift, overdue)
    if isinstance(owner, ApiKeyOfAdmin):
        return replace(_plan_key(stored, owner, options, now), accepted=owner.accepted)
    return _plan_token(stored, owner, options, now)


def plan_no_rotation(title: str, stored: StoredSecret, drift: str, overdue: bool) -> SecretPlan:
    """Plan no step, and report why a rotation does not change the secret."""
    plan = _keep(stored, f"{title} is not rotated: {drift}")
    return replace(plan, drift=f"not rotated: {drift}", overdue=overdue)


def _is_overdue(
    current: Secret | None, owner: TokenEntries | ApiKeyOfAdmin, options: RotationOptions, now: datetime
) -> bool:
    """Return whether a secret that exists is due. The age of one that the store does not have is unknown."""
    if current is not None:
        return options.why_due(current, now) is not None
    exists = owner.exists if isinstance(owner, ApiKeyOfAdmin) else bool(owner.rows)
    return exists and bool(options.rotation_id or options.max_age is not None)


def _refuse_rival_rotation(
    title: str, current: Secret | None, options: RotationOptions, now: datetime
) -> None:
    """Raise Conflict if another run has replaced the secret meanwhile, under another rotation_id.

    Otherwise two runs with different texts would both replace it.
    """
    made = moment_or_none(current.created_at) if current else None
    if current is None or made is None or options.began is None or not options.began < made <= now:
        return
    if options.rotation_id and current.rotation_id not in (None, options.rotation_id):
        with attempting(f"rotating {title}"):
            raise Conflict(
                f"another run has replaced it under rotation_id {current.rotation_id} since this run began, "
                f"which has rotation_id {options.rotation_id}",
                "agree on one rotation_id, and run again",
            )


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
    """Plan the retirement that follows a predicted replacement, which has not changed the store."""
    return SecretPlan(
        steps=(SecretStep("retire"),) if options.previous == "absent" else (),
        reason="its replacement is predicted to be in use by then",
        before=stored.current,
        previous=None if options.previous == "absent" else stored.current,
        retired=stored.current,
    )


def _keep(stored: StoredSecret, *notes: str) -> SecretPlan:
    return SecretPlan(notes=notes, before=stored.current, after=stored.current, previous=stored.previous)


# --- keys on a parent object --------------------------------------------------------------------------------


def _plan_key(
    stored: StoredSecret, admin: ApiKeyOfAdmin, options: RotationOptions, now: datetime
) -> SecretPlan:
    if options.state == "absent":
        steps = (SecretStep("forget"),) if stored != StoredSecret() else ()
        return SecretPlan(steps=steps, before=stored.current)
    if stored.pending is not None:
        return _resume_key(stored, stored.pending.secret, admin, options, now)
    if not admin.exists or admin.is_new:
        return _mint_key(stored, admin, "the object it belongs to is new")
    if stored.current is None:
        return _mint_key(stored, admin, "the store has none", *_notes_on_loss(stored, admin))
    if stored.is_doubted:
        _refuse_unclear_probe(stored.current, admin, options, now)
        return _settle_key(stored, admin, options, now, DOUBTED)
    if options.recreate == "invalid" and admin.verdict == "invalid":
        return _mint_key(stored, admin, "the appliance rejects the stored one")
    notes = _notes_on_trial(admin, options)
    reason = options.why_due(stored.current, now)
    if reason:
        return _mint_key(stored, admin, reason, *notes)
    plan = _keep(stored, *notes)
    return plan if admin.new_unit is None or options.rotate_only else _bind_key(admin, plan)


def _notes_on_loss(stored: StoredSecret, admin: ApiKeyOfAdmin) -> list[str]:
    """Warn before a first key replaces one that may be in use, unless an earlier run has left a trace."""
    if stored != StoredSecret():
        return []
    return [
        f"the store has no {admin.title}, but its administrator exists: if a client uses a key of it, that "
        "key stops working when the new one is generated (to keep it, store its value)"
    ]


def _notes_on_trial(admin: ApiKeyOfAdmin, options: RotationOptions) -> list[str]:
    if not options.tries_keys or admin.verdict == "valid":
        return []
    if admin.verdict == "invalid":
        return [f"the appliance rejects the stored {admin.title}; set recreate: invalid to replace it"]
    if admin.status is None and options.recreate != "invalid":
        return []
    answer = "could not be tried from here" if admin.status is None else f"was answered with {admin.status}"
    return [f"{admin.title} {answer}, which proves nothing, so it is kept"]


def _bind_key(admin: ApiKeyOfAdmin, plan: SecretPlan) -> SecretPlan:
    """Record once that another unit answers. Raises Conflict if that unit rejects the key."""
    if admin.verdict == "invalid":
        with attempting(f"verifying {admin.title}"):
            raise Conflict(
                f"{admin.new_unit}, and it rejects the stored value",
                "check that it is the right appliance, then set recreate: invalid to replace the value",
            )
    note = f"{admin.title}: {admin.new_unit}, as after a failover; check the key if the unit was replaced"
    notes = plan.notes if admin.verdict == "valid" else (*plan.notes, note)
    return _preceded((SecretStep("bind"),), replace(plan, notes=notes), admin.new_unit)


def _resume_key(
    stored: StoredSecret, fresh: Secret | None, admin: ApiKeyOfAdmin, options: RotationOptions, now: datetime
) -> SecretPlan:
    """Finish an interrupted minting. If its value was not stored, the old one may be void."""
    lost = replace(stored, current=None)
    if not admin.exists or admin.is_new:
        return _mint_key(lost, admin, LOST)
    if fresh is None or stored.is_doubted:
        _refuse_unclear_probe(fresh or stored.current, admin, options, now)
    if fresh is None:
        return _settle_key(stored if admin.verdict == "valid" else lost, admin, options, now, LOST)
    if admin.verdict == "invalid" or (stored.is_doubted and admin.verdict != "valid"):
        return _mint_key(lost, admin, LOST)
    commit = SecretStep("commit", id=fresh.id, verified=admin.verdict == "valid")
    return SecretPlan((commit,), INTERRUPTED, before=stored.current, after=fresh, previous=stored.previous)


def _refuse_unclear_probe(
    tried: Secret | None, admin: ApiKeyOfAdmin, options: RotationOptions, now: datetime
) -> None:
    """Raise ApplianceError if an answer neither accepts nor rejects the value, which may be in use.

    A value that could not be tried at all, or that is due, is replaced.
    """
    is_unclear = admin.verdict == "unknown" and admin.status is not None
    if tried is not None and is_unclear and not options.why_due(tried, now):
        with attempting(f"verifying {admin.title}"):
            raise ApplianceError(
                "the appliance's answer proves nothing, and the stored value may be valid",
                "check the appliance, and run again, or set recreate: always to replace the value",
                status=admin.status,
            )


def _settle_key(
    stored: StoredSecret, admin: ApiKeyOfAdmin, options: RotationOptions, now: datetime, doubt: str
) -> SecretPlan:
    """Confirm a stored value that may be void if the appliance accepts it. Otherwise replace it."""
    if stored.current is None or admin.verdict != "valid":
        return _mint_key(stored, admin, doubt)
    due = options.why_due(stored.current, now)
    if due:
        return _mint_key(stored, admin, due)
    return _preceded((SecretStep("confirm"),), _keep(stored), CONFIRMED)


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
        return _preceded(clearing, _mint_token(StoredSecret(previous=stored.previous), left, now, LOST))
    plan = _keep_or_refuse_token(replace(stored, pending=None), left, options, now)
    return _preceded((*clearing, SecretStep("release")), plan, INTERRUPTED)


def _retire_previous(
    stored: StoredSecret, entries: TokenEntries, options: RotationOptions, now: datetime
) -> SecretPlan:
    """Revoke the previous value if the current one is in use, or does not exist any more."""
    current = entries.current(stored)
    if entries.surviving(stored, now) is not None and not (current and current.get("used")):
        return _keep(stored, f"the previous {entries.title} is kept because the current one was never used")
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


def _preceded(steps: tuple[SecretStep, ...], plan: SecretPlan, reason: str | None = None) -> SecretPlan:
    return replace(plan, steps=(*steps, *plan.steps), reason=plan.reason or reason)


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
