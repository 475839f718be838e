# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carries out planned changes. Of what plans and applies, only this file reads check mode."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from .errors import ApplianceError, Conflict, Locked, NotFound, Unreachable, Unsupported, attempting
from .moment import as_text, now
from .plan import Plan, overlay, plan
from .resource import Resource
from .secret import ANOTHER_VALUE, KNOWN_AFTER_APPLY, Secret, SecretEntry, shown
from .task import Outcome, Task, difference, object_entry, observe, read_object, refuse_self_change

DOING = {"create": "creating", "update": "updating", "delete": "deleting"}


class Change(Protocol):
    """Planned steps. Both methods return the secret that they concern, as it is known afterwards."""

    def carry_out(self) -> Secret | None:
        """Carry out the steps."""

    def foresee(self) -> Secret | None:
        """Predict the steps without carrying out any, and warn of obstacles."""


def apply(task: Task, change: Change) -> Secret | None:
    """Carry out a change, or predict it in check mode."""
    return change.foresee() if task.check_mode else change.carry_out()


def converge(task: Task, outcome: Outcome) -> None:
    """Bring one object to the desired state."""
    secret = apply(task, SecretToDeliver(task)) if task.resource.delivers else None
    raw = read_object(task)
    have, want = observe(task, raw), task.resource.desired(task.options)
    if task.resource.delivers:
        want[task.resource.delivers] = secret.fingerprint if secret else KNOWN_AFTER_APPLY
        if secret and have is not None:
            have[task.resource.delivers] = _fingerprint_there(task, secret)
    step = plan(task.resource, have, want, task.options.get("state", "present"))
    if step.changed:
        _guard(task, step)
    if step.send:
        task = replace(task, resource=_resource_there(task, step, raw))
    if step.changed:
        secret = apply(task, ObjectChange(task, outcome, step, secret))
    _report(task, outcome, step, secret)


def _report(task: Task, outcome: Outcome, step: Plan, secret: Secret | None) -> None:
    outcome.changed = step.changed
    action = step.action if step.changed else "none"
    outcome.objects = [object_entry(task, action, step.before, step.after)]
    outcome.diff = difference(task, step.before, step.after)
    warnings = task.resource.warn(step.after, task.appliance.partition)
    outcome.warnings += [f"{task.title} {warning}" for warning in warnings]
    if task.resource.delivers:
        outcome.values.update(
            shown(_delivery_entry(task).ref, secret), delivered_at=_delivered_at(task, secret)
        )
    outcome.values[task.resource.kind] = dict(step.before if step.action == "delete" else step.after)


@dataclass(frozen=True)
class SecretToUse:
    """The stored secret that the object uses, None if there is none.

    The store records the object as a consumer before the object gets the secret, because a secret is deleted
    only if all its consumers are known.
    """

    task: Task

    def foresee(self) -> Secret | None:
        return _delivery_entry(self.task).read().current

    def carry_out(self) -> Secret | None:
        """Return it, and record in the store that the object uses it."""
        secret = self.foresee()
        if secret is not None and self.task.consumer not in secret.consumers:
            _delivery_entry(self.task).consumed(self.task.consumer)
        return secret


@dataclass(frozen=True)
class SecretToDeliver:
    """The secret to deliver to the object. Only in check mode may it not be minted yet."""

    task: Task

    def foresee(self) -> Secret | None:
        """Return it, or None if an earlier task is predicted to replace it."""
        replaced = self.task.options.get(f"{self.task.resource.delivers}_replaced")
        return None if replaced else SecretToUse(self.task).foresee()

    def carry_out(self) -> Secret:
        """Return it. Raises NotFound if the store has none."""
        secret = SecretToUse(self.task).carry_out()
        if secret is None:
            with attempting(f"configuring {self.task.title}"):
                raise NotFound(
                    f"the store has no secret under {_delivery_entry(self.task).ref}",
                    "store or mint the secret first",
                )
        return secret


@dataclass(frozen=True)
class ObjectChange:
    """One write to one object. ``secret`` is delivered with it, None if there is none yet."""

    task: Task
    outcome: Outcome
    step: Plan
    secret: Secret | None

    def foresee(self) -> Secret | None:
        """Refuse names of missing objects, and warn of references that prevent a deletion."""
        task, path = self.task, self.task.resource.path
        with attempting(f"{DOING[self.step.action]} {task.title}"):
            _refuse_missing_objects(task, self.step.send)
        if self.step.action in ("create", "delete"):
            task.predictions.note(path, str(task.key), exists=self.step.action == "create")
        if self.step.action == "delete" and task.resource.guarded:
            with attempting(f"counting the references to {task.title}"):
                count = task.appliance.references(task.resource, task.key) - task.released
            if count > 0:
                self.outcome.warnings.append(
                    f"{task.title} is predicted to be deleted on the assumption that earlier tasks end its "
                    f"use: {count} objects on the appliance still refer to it"
                )
        return self.secret

    def carry_out(self) -> Secret | None:
        """Write, read back, and record in the store which secret the object has."""
        task, began = self.task, as_text(now())
        task.predictions.forget(task.resource.path, str(task.key))
        with attempting(f"{DOING[self.step.action]} {task.title}"):
            if self.step.action == "delete":
                task.appliance.delete(task.resource, task.key)
                return None
            self._write()
        _confirm(task)
        if self.secret is None or task.resource.delivers not in self.step.send:
            return self.secret
        _delivery_entry(task).delivered(task.consumer, self.secret.fingerprint, began)
        return _delivery_entry(task).read().current

    def _write(self) -> None:
        task, body = self.task, self._body()
        if self.step.action == "update":
            task.appliance.update(task.resource, task.key, body)
            return
        with task.creating():
            task.appliance.create(task.resource, task.key, body)

    def _body(self) -> dict[str, Any]:
        option, send = self.task.resource.delivers, self.step.send
        value = {option: self.secret.value} if self.secret and option in send else {}
        return self.task.resource.to_wire({**send, **value})


def _refuse_missing_objects(task: Task, send: Mapping[str, Any]) -> None:
    """Raise NotFound for an option that names an object which neither exists nor is predicted."""
    for option, value in send.items():
        kind = task.resource.fields[option].refers_to
        missing = _missing(task, kind, task.resource.fields[option].names(value)) if kind else []
        if kind and missing:
            raise NotFound(
                f'the {kind.label} "{missing[0]}" in {option} does not exist, or this account cannot see it',
                f"create the {kind.label} first, or correct {option}",
            )


def _missing(task: Task, kind: Resource, names: list[str]) -> list[str]:
    """Return the names of objects that do not exist. A table that is hidden or empty proves nothing."""
    predicted = {name: task.predictions.exists(kind.path, name) for name in names}
    unknown = [name for name in names if predicted[name] is None]
    existing = _existing(task, kind) if unknown else set()
    return [
        *(name for name in names if predicted[name] is False),
        *(name for name in unknown if existing and name not in existing),
    ]


def _existing(task: Task, kind: Resource) -> set[Any]:
    try:
        with attempting(f"reading every {kind.label}"):
            rows = task.appliance.table(kind)
    except (Unreachable, Locked):
        raise
    except ApplianceError:
        return set()
    return {row.get(kind.fields[kind.key].wire) for row in rows}


def _confirm(task: Task) -> None:
    """Read back: an appliance, or a proxy before it, may report success and keep something else."""
    have, want = observe(task, read_object(task)) or {}, task.resource.desired(task.options)
    differing = sorted(
        option for option in want if overlay(have.get(option), want[option]) != have.get(option)
    )
    if differing:
        with attempting(f"writing {task.title}"):
            raise ApplianceError(
                f"it was accepted, but {' and '.join(differing)} read back different from what was sent",
                "run again with --check --diff to see the difference",
            )


def _delivery_entry(task: Task) -> SecretEntry:
    return task.secrets[f"{task.resource.delivers}_ref"]


def _fingerprint_there(task: Task, secret: Secret) -> str | None:
    """Return the fingerprint of the appliance's value, or of the last delivered one if it shows none."""
    holds = task.appliance.holds(task.resource, task.resource.delivers, secret.value)
    if holds is None:
        return secret.delivered.get(task.consumer)
    return secret.fingerprint if holds else ANOTHER_VALUE


def _delivered_at(task: Task, secret: Secret | None) -> str | None:
    """Return when the delivery of the object's current secret began."""
    if secret is None or secret.delivered.get(task.consumer) != secret.fingerprint:
        return None
    return secret.delivered_at.get(task.consumer)


def _guard(task: Task, step: Plan) -> None:
    """Raise Conflict if the object is built in, or if the change can lock out the account in use."""
    guarded = task.resource.guarded
    if task.key in task.resource.fixed:
        raise Conflict(f"{task.title} is built in and cannot be changed", "use another name")
    if (step.action == "delete" and guarded) or (step.action == "update" and guarded & step.send.keys()):
        refuse_self_change(task)


def _resource_there(task: Task, step: Plan, raw: Mapping[str, Any] | None) -> Resource:
    """Return the resource as this appliance has it. Raises Unsupported for options that it does not have."""
    wanted = step.send if raw else step.after
    if raw is None and task.resource.varies_in(wanted):
        with attempting(f"reading every {task.resource.label}"):
            raw = next(iter(task.appliance.table(task.resource)), None)
    version = task.appliance.version
    resource = task.resource.for_version(version, raw)
    unsupported = resource.unsupported(wanted)
    if unsupported:
        with attempting(f"{DOING[step.action]} {task.title}"):
            raise Unsupported(
                ", and ".join([f"it runs {version}"] * bool(version) + unsupported),
                "leave out what this appliance does not have",
            )
    return resource
