# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The steps to a one-time secret, and the options and the plan that they belong to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Any

from .._engine.errors import ApplianceError, Conflict
from .._engine.moment import moment_or_none
from .._engine.secret import Secret, StoredSecret

INTERRUPTED = "an earlier run was interrupted"
LOST = f"{INTERRUPTED}, and any value it minted is lost"

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
    is due nevertheless. ``refusal`` is raised after the steps, which clean up after an interrupted run even
    if nothing may follow. ``accepted``: whether the appliance accepted the stored value, None if it was not
    tried or if the answer proves nothing.
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


def keep(stored: StoredSecret, *notes: str) -> SecretPlan:
    """Return the plan that changes nothing."""
    return SecretPlan(notes=notes, before=stored.current, after=stored.current, previous=stored.previous)


def preceded(steps: tuple[SecretStep, ...], plan: SecretPlan, reason: str | None = None) -> SecretPlan:
    """Return a plan with more steps before its own. ``reason`` is used if it has none."""
    return replace(plan, steps=(*steps, *plan.steps), reason=plan.reason or reason)
