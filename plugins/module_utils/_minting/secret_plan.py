# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans a one-time secret. Pure: reads neither store nor appliance, and ignores check mode."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from .._engine.errors import Conflict, attempting
from .._engine.moment import moment_or_none
from .._engine.secret import Secret, StoredSecret
from .key_plan import ApiKeyOfAdmin, plan_key
from .secret_steps import RotationOptions, SecretPlan, SecretStep, keep
from .token_plan import TokenEntries, plan_token


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
        return replace(plan_key(stored, owner, options, now), accepted=owner.accepted)
    return plan_token(stored, owner, options, now)


def plan_no_rotation(title: str, stored: StoredSecret, drift: str, overdue: bool) -> SecretPlan:
    """Plan no step, and report why a rotation does not change the secret."""
    plan = keep(stored, f"{title} is not rotated: {drift}")
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
