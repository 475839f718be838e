# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mints one-time secrets: reads store and appliance, has the steps planned, and takes them one by one.

The order is the point: store readable, appliance read, store proven writable, mint, persist, read back, try
once where that is harmless, and only then current.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .apply import apply
from .errors import (
    ApplianceError,
    Conflict,
    NotFound,
    Overtaken,
    Refused,
    SecretStoreError,
    Unsupported,
    attempting,
)
from .moment import lies_ahead, moment_or_none, now
from .secret import KNOWN_AFTER_APPLY, Secret, SecretEntry, StoredSecret, shown
from .secret_plan import (
    ApiKeyOfAdmin,
    RotationOptions,
    SecretPlan,
    SecretStep,
    TokenEntries,
    entry_id,
    plan_predicted_retirement,
    plan_secret,
)
from .task import Outcome, Task, complete, difference, object_entry, observe, read_object, refuse_self_change


def mint(task: Task, outcome: Outcome) -> None:
    """Keep the stored secret of an object, or mint it; with ``state: absent`` remove both."""
    options, stored = RotationOptions.of(task.options), _read_store(task)
    plan = _plan(task, stored, options)
    outcome.warnings += plan.notes
    if plan.mints and task.resource.on_parent and not (task.parent_is_new or plan.lacks_parent):
        refuse_self_change(task)
    _finish(task, outcome, plan)


def adopt(task: Task, outcome: Outcome) -> None:
    """Prove once, by a documented call, a secret that an operator put into the store."""
    stored = _read_store(task)
    if stored.current is None:
        raise Conflict(
            f"the store holds nothing under {_entry(task).ref}, and no public interface creates "
            f"{task.title}: generate it in the appliance's web interface and store it there, or give "
            "endpoints"
        )
    steps = () if _is_proved(stored.current) else (SecretStep("prove", value=stored.current.value),)
    current = stored.current
    _finish(task, outcome, SecretPlan(steps, None, (), current, current, stored.previous))


def _is_proved(secret: Secret) -> bool:
    """Say whether a value was accepted, at a time that can be compared with its last use."""
    at = moment_or_none(secret.verified_at)
    return bool(secret.verified_at) and (at is None or not lies_ahead(at, now()))


def _entry(task: Task) -> SecretEntry:
    return task.secrets["secret_ref"]


def _read_store(task: Task) -> StoredSecret:
    stored = _entry(task).read()
    if stored.pending is not None and stored.pending.is_minting:
        with attempting(f"minting {task.title}"):
            raise SecretStoreError(
                f"{stored.pending.owner} is at it, as {_entry(task).ref} says: run again when it is done"
            )
    return stored


def _plan(task: Task, stored: StoredSecret, options: RotationOptions) -> SecretPlan:
    if apply(task, PredictedReplacement(stored, options)) is not None:
        return plan_predicted_retirement(stored, options)
    owner = _read_admin(task, stored, options) if task.resource.on_parent else read_entries(task)
    return plan_secret(stored, owner, options, now())


@dataclass(frozen=True)
class PredictedReplacement:
    """The stored value that an earlier task is predicted to replace; in a real run it has done so."""

    stored: StoredSecret
    options: RotationOptions

    def foresee(self) -> Secret | None:
        """Return the value, None where none is predicted to be replaced."""
        return self.stored.current if self.options.replaced else None

    def carry_out(self) -> None:
        """Return None."""


def read_entries(task: Task) -> TokenEntries:
    """Read the entries that have the task's key."""
    with attempting(f"reading {task.title}"):
        rows = task.appliance.table(task.resource)
        keys = [complete(task.resource.described, row)[task.resource.key] for row in rows]
    own = tuple(row for row, key in zip(rows, keys) if key == task.key)
    return TokenEntries(task.title, _entry(task).ref, own)


def _read_admin(task: Task, stored: StoredSecret, options: RotationOptions) -> ApiKeyOfAdmin:
    """Read the object that a secret belongs to, and try a stored value where the plan depends on it."""
    exists = observe(task, read_object(task)) is not None
    tried = stored.pending.secret if stored.pending else stored.current
    is_due = stored.pending is not None or options.recreate == "invalid"
    if tried and is_due and exists and not task.parent_is_new and options.state != "absent":
        return ApiKeyOfAdmin(task.title, exists, task.parent_is_new, *_probe(task, tried.value))
    return ApiKeyOfAdmin(task.title, exists, task.parent_is_new)


def _probe(task: Task, value: str) -> tuple[str, int | None]:
    with attempting(f"trying {task.title}"):
        return task.appliance.probe(task.resource, task.key, value)


def _finish(task: Task, outcome: Outcome, plan: SecretPlan) -> None:
    change = SecretChange(task, outcome, plan)
    after = apply(task, change) if plan.steps else plan.after
    outcome.values["minted"] = bool(change.minted)
    _report(task, outcome, plan, after)


class SecretChange:
    """The steps of a plan, each a method named like its verb."""

    def __init__(self, task: Task, outcome: Outcome, plan: SecretPlan) -> None:
        """Take the plan; nothing is done yet."""
        self.task = task
        self.outcome = outcome
        self.plan = plan
        self.entry = _entry(task)
        self.known: tuple[str, ...] = ()
        self.minted: list[tuple[str, Any]] = []
        self.is_verified = False
        self.current = plan.after

    def foresee(self) -> Secret | None:
        """Refuse what a real run refuses."""
        if self.plan.refusal is not None:
            raise self.plan.refusal
        predictions, path = self.task.predictions, self.task.resource.path
        if self.plan.lacks_parent and not predictions.exists(path, str(self.task.key)):
            self.require_parent(SecretStep("require_parent"))
        return self.plan.after

    def carry_out(self) -> Secret | None:
        """Take the steps in their order."""
        for step in self.plan.steps:
            getattr(self, step.verb)(step)
        if self.plan.refusal is not None:
            raise self.plan.refusal
        return self.current

    def require_parent(self, step: SecretStep) -> None:
        """Raise NotFound: nothing can be minted for an object that does not exist."""
        with attempting(f"minting {self.task.title}"):
            raise NotFound("the object it belongs to does not exist: create that first")

    def reserve(self, step: SecretStep) -> None:
        """Prove that the store can be written, and note which entries are there before."""
        self.known = step.known
        self.entry.reserve(step.known)

    def mint(self, step: SecretStep) -> None:
        """Mint; only a clear answer proves that nothing was minted and the reservation can go."""
        with attempting(f"minting {self.task.title}"):
            try:
                self.minted.append(self.task.appliance.mint(self.task.resource, self.task.key))
            except (Refused, Unsupported):
                self.entry.release()
                raise

    def persist(self, step: SecretStep) -> None:
        """Store a value that exists nowhere else; if that fails, keep what can be kept."""
        (value, id_) = self.minted[0]
        try:
            self.current = self.entry.persist(value, id_, self.task.options.get("rotation_id"))
        except SecretStoreError as error:
            path, is_undone = self.entry.escrow(value), self._undo(id_)
            if is_undone and not isinstance(error, Overtaken):
                self._release_if_possible()
            error.why += _whereabouts(self.task, path, is_undone)
            error.remedy = _recovery(self.task, path, is_undone)
            raise

    def verify(self, step: SecretStep) -> None:
        """Try a fresh value once; the transport knows where a refusal would prove nothing."""
        verdict, status = _probe(self.task, self.minted[0][0])
        if verdict == "invalid":
            with attempting(f"trying {self.task.title}"):
                raise Refused(
                    "it was just minted and is stored as pending, but is not accepted", status=status
                )
        self.is_verified = verdict == "valid"

    def commit(self, step: SecretStep) -> None:
        """Make the pending value the current one."""
        id_ = step.id if step.id is not None or not self.minted else self._minted_id()
        verified = step.verified or self.is_verified
        self.current = self.entry.commit(verified=verified, id_=id_, keep_previous=step.keep_previous)

    def revoke(self, step: SecretStep) -> None:
        """Delete an entry."""
        with attempting(f"deleting {self.task.title}"):
            self.task.appliance.delete(self.task.resource, self.task.key, step.entry)

    def retire(self, step: SecretStep) -> None:
        """Drop the previous value."""
        self.entry.retire()

    def release(self, step: SecretStep) -> None:
        """Withdraw the reservation."""
        self.entry.release()

    def forget(self, step: SecretStep) -> None:
        """Remove the secret from the store."""
        self.entry.forget()

    def prove(self, step: SecretStep) -> None:
        """Try the current value once, and note that it was accepted."""
        verdict, status = _probe(self.task, step.value)
        if verdict != "valid":
            found = "does not accept it" if verdict == "invalid" else "gave an answer that proves nothing"
            with attempting(f"verifying {self.task.title}"):
                raise ApplianceError(f"the appliance {found}", status=status)
        self.outcome.warnings.append(
            f"verifying {self.task.title} was a use of it: its time of last use proves no other caller"
        )
        self.current = self.entry.prove()

    def _minted_id(self) -> Any:
        """Return the id that came with the value, else that of the only new entry."""
        id_ = self.minted[0][1]
        if self.task.resource.on_parent or id_ is not None:
            return id_
        try:
            made = self._made()
        except ApplianceError:
            return None
        return entry_id(made[0]) if len(made) == 1 else None

    def _made(self) -> tuple[Mapping[str, Any], ...]:
        return read_entries(self.task).without(self.known).rows

    def _undo(self, id_: Any) -> bool:
        """Delete what was minted a moment ago, or the object if this task has created it."""
        task = self.task
        try:
            if task.resource.on_parent:
                if task.parent_is_new:
                    task.appliance.delete(task.resource, task.key)
                return task.parent_is_new
            named: tuple[Mapping[str, Any], ...] = ({"id": id_, task.resource.key: task.key},)
            made = self._made() if id_ is None else named if str(id_) not in self.known else ()
            for row in made:
                self.revoke(SecretStep("revoke", row))
        except ApplianceError:
            return False
        return bool(made)

    def _release_if_possible(self) -> None:
        try:
            self.entry.read()
            self.entry.release()
        except SecretStoreError:
            pass


def _whereabouts(task: Task, path: str | None, is_undone: bool) -> str:
    kept = f"it was saved, encrypted, in {path}" if path else "it could not be saved anywhere"
    again = ", and the appliance has deleted it again" if is_undone else ""
    return f". {task.title} was minted, but its value is not in the store: {kept}{again}"


def _recovery(task: Task, path: str | None, is_undone: bool) -> str:
    use = f"\n3. To use the saved one until then: ansible-vault view {path}" if path and not is_undone else ""
    return f"to recover:\n1. Fix the store of {_entry(task).ref}.\n2. Run again: a new one is minted.{use}"


def _report(task: Task, outcome: Outcome, plan: SecretPlan, after: Secret | None) -> None:
    was = {"fingerprint": plan.before.fingerprint} if plan.before else {}
    then = {"fingerprint": after.fingerprint} if after else {}
    if plan.reason and after is None:
        then = {"fingerprint": KNOWN_AFTER_APPLY}
    outcome.changed = bool(plan.steps)
    if plan.retired is not None:
        action, before, now_there = "update", {"previous": plan.retired.fingerprint}, {}
    else:
        action, before, now_there = _action(was, then), was, then
    outcome.objects = [
        object_entry(task, action if outcome.changed else "none", before, now_there, reason=plan.reason)
    ]
    outcome.diff = difference(task, was, then)
    outcome.values.update(reason=plan.reason, **shown(_entry(task).ref, after))
    if after is not None and task.options.get("return_secret"):
        outcome.values["value"] = after.value
    if not task.resource.on_parent:
        outcome.values["previous"] = plan.previous.fingerprint if plan.previous else None


def _action(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """Name a change; one that leaves the value is one to its place in the store, or to its predecessor."""
    if not after:
        return "delete"
    if not before:
        return "mint"
    return "update" if after == before else "rotate"
