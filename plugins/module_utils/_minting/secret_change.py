# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carries out the plan of a one-time secret, step by step.

The order protects the value: prove that the store is writable, mint, persist, read back, probe once if that
is harmless, and only then make the value current.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from .._engine.apply import apply
from .._engine.errors import (
    ApplianceError,
    InvalidOptions,
    NotFound,
    Overtaken,
    Refused,
    SecretStoreError,
    Unsupported,
    attempting,
)
from .._engine.resource import MINTED_NOW
from .._engine.secret import KNOWN_AFTER_APPLY, Secret, SecretEntry, shown
from .._engine.task import Outcome, Task, complete, difference, object_entry
from .secret_steps import SecretPlan, SecretStep
from .token_plan import TokenEntries, entry_id

NOT_VERIFIED = {
    "invalid": ("the appliance rejects it", "store a value that the appliance accepts"),
    "unknown": ("the appliance's answer proves nothing", "check the appliance, and run again"),
}
"""Cause and remedy for each verdict of a probe that does not verify a stored value."""


STILL_VALID = (
    "the appliance still accepts the stored value, and no public interface revokes it",
    "delete it in the appliance's web interface, and run again",
)

NOT_DONE = (InvalidOptions, Refused, Unsupported)
"""The errors that prove that the appliance did not carry out a request. Any other error leaves a doubt."""


def entry_of(task: Task) -> SecretEntry:
    """Return the store's entry of the task's secret."""
    return task.secrets["secret_ref"]


def read_entries(task: Task) -> TokenEntries:
    """Read all entries, and return those that have the task's key."""
    with attempting(f"reading {task.title}"):
        rows = task.appliance.table(task.resource)
        listed = tuple(complete(task.resource.described, row) for row in rows)
    own = tuple(row for row, each in zip(rows, listed) if each[task.resource.key] == task.key)
    return TokenEntries(task.title, entry_of(task).ref, own, listed)


def probe(task: Task, value: str, raw: Mapping[str, Any] | None = None) -> tuple[str, int | None]:
    """Try a value once, see Appliance.probe."""
    with attempting(f"verifying {task.title}"):
        return task.appliance.probe(task.resource, task.key, value, raw)


@dataclass(frozen=True)
class EarlyReservation:
    """The reservation of a planned change, written before the first write on the appliance."""

    change: SecretChange

    def foresee(self) -> None:
        """Return None: check mode does not prove that the store is writable."""

    def carry_out(self) -> None:
        """Write it, if the plan mints."""
        for step in self.change.plan.steps:
            if step.verb == "reserve":
                self.change.reserve(step)
                self.change.reserved_early = step


class SecretChange:
    """The steps of a plan: one method for each verb.

    A task with several steps on the appliance calls :meth:`reserve_early` before the first one, enters
    :meth:`creating_parent` around the request that creates the parent object, and calls :meth:`withdraw` if
    it fails before :meth:`finish`. ``is_doubtful``: the stored value may be void, even if nothing is minted.
    ``trusted`` are the recorded trusted hosts, see StoredSecret.
    """

    def __init__(
        self,
        task: Task,
        outcome: Outcome,
        plan: SecretPlan,
        is_doubtful: bool = False,
        trusted: Mapping[str, str] | None = None,
    ) -> None:
        self.task = task
        self.outcome = outcome
        self.plan = plan
        self.entry = entry_of(task)
        self.known: tuple[str, ...] = ()
        self.reserved_early: SecretStep | None = None
        self.is_minting = False
        self.is_doubtful = is_doubtful
        self.trusted = trusted
        self.minted: list[tuple[str, Any]] = []
        self.is_verified = False
        self.current = plan.after

    def reserve_early(self) -> None:
        """Reserve a planned minting now, before the first write on the appliance."""
        apply(self.task, EarlyReservation(self))

    @contextmanager
    def creating_parent(self) -> Iterator[None]:
        """Doubt the stored value, because its parent object is new. A refusal takes that back."""
        before, self.is_doubtful = self.is_doubtful, True
        try:
            yield
        except NOT_DONE:
            self.is_doubtful = before
            raise

    def withdraw(self) -> None:
        """Remove an early reservation if nothing was minted. If the store fails, the reservation stays."""
        if self.reserved_early is not None and not self.is_minting:
            with suppress(SecretStoreError):
                self.entry.release(doubted=self.is_doubtful)

    def finish(self) -> None:
        """Carry out the plan, or predict it in check mode, and report it."""
        after = apply(self.task, self) if self.plan.steps else self.plan.after
        self.outcome.values["minted"] = bool(self.minted)
        _report(self.task, self.outcome, self.plan, after)

    def foresee(self) -> Secret | None:
        """Refuse what a real run refuses."""
        if self.plan.refusal is not None:
            raise self.plan.refusal
        predictions, path = self.task.predictions, self.task.resource.path
        if self.plan.lacks_parent and not predictions.exists(path, str(self.task.key)):
            self.require_parent(SecretStep("require_parent"))
        return self.plan.after

    def carry_out(self) -> Secret | None:
        for step in self.plan.steps:
            getattr(self, step.verb)(step)
        if self.plan.refusal is not None:
            raise self.plan.refusal
        return self.current

    def require_parent(self, step: SecretStep) -> None:
        """Raise NotFound: an object that does not exist can have no secret."""
        with attempting(f"minting {self.task.title}"):
            raise NotFound("the object it belongs to does not exist", "create that object first")

    def reserve(self, step: SecretStep) -> None:
        """Prove that the store is writable, and record the ids of the existing entries."""
        if step is self.reserved_early:
            return
        self.known = step.known
        self.entry.reserve(step.known)

    def mint(self, step: SecretStep) -> None:
        """Mint. Release the reservation only if the answer proves that nothing was minted."""
        self.is_minting = True
        with attempting(f"minting {self.task.title}"):
            try:
                self.minted.append(self.task.appliance.mint(self.task.resource, self.task.key))
            except NOT_DONE:
                with suppress(SecretStoreError):
                    self.entry.release(doubted=self.is_doubtful)
                raise
            except ApplianceError:
                self._doubt_stored()
                raise

    def persist(self, step: SecretStep) -> None:
        """Store the minted value. If that fails, save it in escrow, and undo the minting if possible."""
        (value, id_) = self.minted[0]
        try:
            self.current = self.entry.persist(value, id_, self.task.options.get("rotation_id"))
        except SecretStoreError as error:
            if isinstance(error, Overtaken) and self.task.resource.on_parent:
                self._explain_overtaking(error)
                raise
            path, is_undone = self.entry.escrow(value), self._undo(id_)
            if is_undone and not isinstance(error, Overtaken):
                self._release_if_possible()
            error.why += _whereabouts(self.task, path, is_undone)
            error.remedy = _recovery(self.task, path, is_undone)
            raise

    def verify(self, step: SecretStep) -> None:
        """Probe a new value once. The transport knows when a refusal would prove nothing."""
        verdict, status = probe(self.task, self.minted[0][0])
        if verdict == "invalid":
            with attempting(f"verifying {self.task.title}"):
                raise Refused(
                    "the appliance rejects the new value, which is stored as pending",
                    "run again to mint another one",
                    status=status,
                )
        self.is_verified = verdict == "valid"

    def commit(self, step: SecretStep) -> None:
        id_ = step.id if step.id is not None or not self.minted else self._minted_id()
        verified = step.verified or self.is_verified
        try:
            self.current = self.entry.commit(verified=verified, id_=id_, keep_previous=step.keep_previous)
        except Overtaken as error:
            if self.minted and self.task.resource.on_parent:
                self._explain_overtaking(error)
            raise

    def bind(self, step: SecretStep) -> None:
        self.entry.bind(self.task.belonging)

    def confirm(self, step: SecretStep) -> None:
        self.entry.confirm()

    def revoke(self, step: SecretStep) -> None:
        with attempting(f"deleting {self.task.title}"):
            self.task.appliance.delete(self.task.resource, self.task.key, step.entry)

    def retire(self, step: SecretStep) -> None:
        self.entry.retire()

    def release(self, step: SecretStep) -> None:
        self.entry.release()

    def forget(self, step: SecretStep) -> None:
        self.entry.forget()

    def prove(self, step: SecretStep) -> None:
        """Probe the current value once, and record that the appliance accepted it."""
        verdict, status = probe(self.task, step.value)
        if verdict != "valid":
            with attempting(f"verifying {self.task.title}"):
                raise ApplianceError(*NOT_VERIFIED[verdict], status=status)
        self.outcome.warnings.append(
            f"verifying {self.task.title} used it, so its time of last use does not prove another caller"
        )
        self.current = self.entry.prove()

    def disprove(self, step: SecretStep) -> None:
        """Probe a value once. Raises ApplianceError unless the appliance clearly rejects it."""
        verdict, status = probe(self.task, step.value)
        if status == 401 and verdict == "invalid":
            return
        with attempting(f"removing {self.task.title} from the store"):
            if verdict == "valid":
                raise ApplianceError(*STILL_VALID, status=status)
            raise ApplianceError(*NOT_VERIFIED["unknown"], status=status)

    def _minted_id(self) -> Any:
        """Return the id from the answer, or else the id of the only new entry."""
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
        """Delete the minted entry, or a parent object that this task created. Return whether it is gone."""
        task = self.task
        try:
            if task.resource.on_parent:
                if task.parent_is_new:
                    task.appliance.delete(task.resource, task.key)
                return task.parent_is_new
            named: tuple[Mapping[str, Any], ...] = (
                {"id": id_, task.resource.key: task.key, MINTED_NOW: True},
            )
            made = self._made() if id_ is None else named if str(id_) not in self.known else ()
            for row in made:
                self.revoke(SecretStep("revoke", row))
        except ApplianceError:
            return False
        return bool(made)

    def _release_if_possible(self) -> None:
        with suppress(SecretStoreError):
            self.entry.read()
            self.entry.release(doubted=self.is_doubtful)

    def _doubt_stored(self) -> bool:
        """Doubt the value in the store if this minting may have made it void. Return whether that worked."""
        with suppress(SecretStoreError):
            if self.task.resource.on_parent:
                self.entry.doubt()
            return True
        return False

    def _explain_overtaking(self, error: Overtaken) -> None:
        """Save the minted value, and doubt the one of another run: either may be the valid one."""
        error.why += _whereabouts(self.task, self.entry.escrow(self.minted[0][0]), False)
        if self._doubt_stored():
            error.remedy = (
                "run again: the stored value is tried, and replaced if it is rejected or cannot be tried"
            )
        else:
            error.remedy = "run again with recreate: always, because the stored value may be void"


def _whereabouts(task: Task, path: str | None, is_undone: bool) -> str:
    kept = f"was saved, encrypted, in {path}" if path else "could not be saved"
    undone = ", and it was deleted on the appliance" if is_undone else ""
    return f", and the minted {task.title} is not in the store: its value {kept}{undone}"


def _recovery(task: Task, path: str | None, is_undone: bool) -> str:
    use = f" (until then, ansible-vault view {path} shows the saved one)" if path and not is_undone else ""
    return f"fix the store of {entry_of(task).ref}, and run again to mint a new one{use}"


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
        object_entry(
            task,
            action if outcome.changed else "none",
            before,
            now_there,
            reason=plan.reason or plan.drift,
            **({"overdue": True} if plan.overdue else {}),
        )
    ]
    outcome.diff = difference(task, was, then)
    outcome.values.update(reason=plan.reason, **shown(entry_of(task).ref, after))
    if task.options.get("verify_keys"):
        outcome.values["accepted"] = plan.accepted
    if after is not None and task.options.get("return_secret"):
        outcome.values["value"] = after.value
    if not task.resource.on_parent:
        outcome.values["previous"] = plan.previous.fingerprint if plan.previous else None


def _action(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """Name the change. An update keeps the value and changes its record, or its predecessor."""
    if not after:
        return "delete"
    if not before:
        return "mint"
    return "update" if after == before else "rotate"
