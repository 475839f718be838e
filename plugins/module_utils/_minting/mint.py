# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mints one-time secrets: reads the store and the appliance, plans the steps, and has them carried out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial

from .._engine.apply import apply, converge
from .._engine.errors import Conflict, SecretStoreError, attempting
from .._engine.moment import lies_ahead, moment_or_none, now
from .._engine.secret import Pending, Secret, StoredSecret
from .._engine.task import Outcome, Task, observe, read_object, refuse_self_change
from .key_plan import ApiKeyOfAdmin
from .secret_change import NOT_DONE, SecretChange, entry_of, probe, read_entries
from .secret_plan import plan_no_rotation, plan_predicted_retirement, plan_secret
from .secret_steps import RotationOptions, SecretPlan, SecretStep
from .token_plan import TokenEntries

WITHOUT_MAP = "without an endpoint map, an operator must replace it"


def mint(task: Task, outcome: Outcome) -> None:
    """Keep an object's stored secret or mint one. With ``state: absent``, remove the secret and its entry."""
    prepare_secret(task, outcome).finish()


def prepare_secret(task: Task, outcome: Outcome) -> SecretChange:
    """Read the store and the appliance, and plan what :func:`mint` does. Nothing is written."""
    options, stored = replace(RotationOptions.of(task.options), began=task.began), _read_store(task)
    plan = _plan(task, outcome, stored, options)
    outcome.warnings += plan.notes
    if plan.mints and task.resource.on_parent and not (task.parent_is_new or plan.lacks_parent):
        refuse_self_change(task)
    is_doubtful = task.resource.on_parent and stored.pending is not None
    return SecretChange(task, outcome, plan, is_doubtful, stored.trusted)


def adopt(task: Task, outcome: Outcome) -> None:
    """Verify once, by a documented call, a secret that an operator put into the store.

    With ``state: absent``, remove it from the store once the appliance rejects it.
    """
    stored = _read_store(task)
    if task.options.get("rotate_only"):
        due = stored.current is not None and RotationOptions.of(task.options).why_due(stored.current, now())
        plan = plan_no_rotation(task.title, stored, WITHOUT_MAP, bool(due))
        outcome.warnings += plan.notes
        SecretChange(task, outcome, plan).finish()
        return
    require_own(task, stored)
    if task.options.get("state") == "absent":
        SecretChange(task, outcome, _plan_removal(stored)).finish()
        return
    if stored.current is None:
        raise Conflict(
            f"the store has nothing under {entry_of(task).ref}, and no public interface creates {task.title}",
            "generate it in the appliance's web interface and store its value there, or set endpoints",
        )
    steps = () if _is_proved(stored.current) else (SecretStep("prove", value=stored.current.value),)
    current = stored.current
    SecretChange(task, outcome, SecretPlan(steps, None, (), current, current, stored.previous)).finish()


def _plan_removal(stored: StoredSecret) -> SecretPlan:
    """Plan to remove a secret that only an operator can revoke, after the appliance rejects every value."""
    minted = stored.pending.secret if stored.pending else None
    values = [each.value for each in (stored.current, minted, stored.previous) if each is not None]
    steps = [SecretStep("disprove", value=value) for value in values]
    forget = [SecretStep("forget")] if stored != StoredSecret() else []
    return SecretPlan((*steps, *forget), before=stored.current)


def converge_parent(task: Task, outcome: Outcome) -> None:
    """Bring the parent object of a key to the desired state. Creating it may make a key stored for it void.

    Without a reference to the key, its store is not known and nothing is recorded.
    """
    is_stored = "secret_ref" in task.secrets
    converge(replace(task, creating=partial(doubting, task)) if is_stored else task, outcome)


@contextmanager
def doubting(task: Task) -> Iterator[None]:
    """Record before an object is created that a key stored for it may be void. A refusal takes that back."""
    entry = entry_of(task)
    require_own(task, entry.read())
    entry.doubt()
    try:
        yield
    except NOT_DONE:
        with suppress(SecretStoreError):
            entry.trust()
        raise


def require_own(task: Task, stored: StoredSecret) -> None:
    """Raise Conflict if the stored secret belongs to something else than the task's object.

    Reads the appliance's serial number, which is known once the appliance has answered. Later writes record
    what the secret belongs to.
    """
    owner = stored.belongs_to
    if owner is not None and not owner.is_same(task.belonging):
        with attempting(f"checking the owner of {entry_of(task).ref}"):
            raise Conflict(
                f"the secret belongs to {owner.place}, not to {task.belonging.place}",
                "set another secret_ref, or if both are the same appliance and name, remove belongs_to from "
                "the record",
            )
    entry_of(task).claim(task.belonging)


def _refuse_rival(task: Task) -> None:
    """Raise Conflict if another host of the run keeps the same key under another reference."""
    here = task.belonging
    appliance = here.serials[0] if here.serials else here.address
    rival = task.claims.rival(appliance, here.name, entry_of(task).ref, task.host)
    if rival is not None:
        raise Conflict(
            f"{task.title} of {here.host} is also the one of {rival}, because both are the same appliance "
            f"({appliance}), but under another secret_ref, and only one of both stored keys can be valid",
            "remove one of both from the inventory, or set the same secret_ref for both",
        )


def _refuse_alias(task: Task) -> None:
    """Raise Conflict if the store has the key under another inventory name: a first key would void it."""
    here, ref = task.belonging, entry_of(task).ref
    appliance = here.serials[0] if here.serials else here.address
    for place, owner in entry_of(task).others(task.host):
        if owner.name == here.name and owner.shares_appliance(here):
            raise Conflict(
                f"{task.title} of {here.host} is also the one of {owner.host}, because both are the same "
                f"appliance ({appliance}), and a new key would make the one in {place} void",
                f"remove {here.host} or {owner.host} from the inventory, or if you renamed {owner.host}, "
                f"move this file to {ref}",
            )


def _is_proved(secret: Secret) -> bool:
    """Return whether the value was verified at a time that can be compared with its last use."""
    at = moment_or_none(secret.verified_at)
    return bool(secret.verified_at) and (at is None or not lies_ahead(at, now()))


def _read_store(task: Task) -> StoredSecret:
    stored = entry_of(task).read()
    if stored.pending is not None and stored.pending.is_minting:
        # Another host with the same reference may be minting.
        owner = f", which belongs to {stored.belongs_to.place}" if stored.belongs_to else ""
        doubt, remedy = _advice(stored.pending)
        with attempting(f"minting {task.title}"):
            raise SecretStoreError(
                f"{stored.pending.owner} is minting it, according to {entry_of(task).ref}{owner}{doubt}",
                remedy,
            )
    return stored


def _advice(pending: Pending) -> tuple[str, str]:
    """Return what is not known about a process that may be minting, and what to do."""
    if pending.until is None:
        return "", "run again when it has ended"
    return (
        ", and it cannot be seen from here whether it still runs",
        "run again when it has ended; if it was killed, "
        f"run again after {pending.until}, which completes its work",
    )


def _plan(task: Task, outcome: Outcome, stored: StoredSecret, options: RotationOptions) -> SecretPlan:
    if apply(task, PredictedReplacement(stored, options)) is not None:
        return plan_predicted_retirement(stored, options)
    if task.resource.on_parent:
        return plan_secret(stored, _read_admin(task, stored, options), options, now())
    return plan_secret(stored, _read_own_entries(task, outcome, stored), options, now())


def _read_own_entries(task: Task, outcome: Outcome, stored: StoredSecret) -> TokenEntries:
    """Read the entries of the task's object. The result has the whole list, which needs no second login."""
    entries = read_entries(task)
    outcome.values[f"{task.resource.kind}s"] = list(entries.listed)
    require_own(task, stored)
    return entries


@dataclass(frozen=True)
class PredictedReplacement:
    """The stored value that, in check mode, an earlier task is predicted to replace."""

    stored: StoredSecret
    options: RotationOptions

    def foresee(self) -> Secret | None:
        return self.stored.current if self.options.replaced else None

    def carry_out(self) -> None:
        """Return None: in a real run, the earlier task has already replaced the value."""


def _read_admin(task: Task, stored: StoredSecret, options: RotationOptions) -> ApiKeyOfAdmin:
    """Read the parent object, and probe a stored value if the plan depends on it."""
    raw = read_object(task)
    exists = observe(task, raw) is not None
    require_own(task, stored)
    _refuse_rival(task)
    is_first = stored == StoredSecret() and exists and not task.parent_is_new
    if is_first and options.state != "absent" and not options.rotate_only:
        _refuse_alias(task)
    new_unit = _new_unit(task, stored)
    admin = ApiKeyOfAdmin(task.title, exists, task.parent_is_new, new_unit=new_unit)
    tried = stored.pending.secret if stored.pending and stored.pending.secret else stored.current
    is_due = stored.pending is not None or stored.is_doubted or new_unit or options.tries_keys
    if tried and is_due and exists and not task.parent_is_new and options.state != "absent":
        verdict, status = probe(task, tried.value, raw)
        return replace(admin, verdict=verdict, status=status)
    return admin


def _new_unit(task: Task, stored: StoredSecret) -> str | None:
    """Return how another unit than before answers, None if the same one does."""
    owner, here = stored.belongs_to, task.belonging
    if owner is None or not owner.has_new_unit(here):
        return None
    return f"another unit answers: {here.serials[0]}, before {' or '.join(owner.serials)}"
