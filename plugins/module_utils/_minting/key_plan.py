# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans an API key, which is on its administrator: minting another one replaces it at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from .._engine.errors import ApplianceError, Conflict, attempting
from .._engine.secret import Secret, StoredSecret
from .secret_steps import INTERRUPTED, LOST, RotationOptions, SecretPlan, SecretStep, keep, preceded

DOUBTED = "an earlier run may have made the stored one void"
CONFIRMED = "an earlier run left the stored one in doubt, and the appliance accepts it"


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


def plan_key(
    stored: StoredSecret, admin: ApiKeyOfAdmin, options: RotationOptions, now: datetime
) -> SecretPlan:
    """Plan the steps to the key that the options require. Raises Conflict and ApplianceError."""
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
    plan = keep(stored, *notes)
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
    return preceded((SecretStep("bind"),), replace(plan, notes=notes), admin.new_unit)


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
    return preceded((SecretStep("confirm"),), keep(stored), CONFIRMED)


def _mint_key(stored: StoredSecret, admin: ApiKeyOfAdmin, reason: str, *notes: str) -> SecretPlan:
    verbs = ["reserve", "mint", "persist", "verify", "commit"]
    if not admin.exists and not admin.is_new:
        verbs.insert(0, "require_parent")
    return SecretPlan(tuple(map(SecretStep, verbs)), reason, notes, stored.current, previous=stored.previous)
