# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One task on one appliance, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .appliance import Appliance
from .errors import ApplianceError, Conflict, attempting
from .predictions import Predictions
from .resource import Incomplete, Resource
from .secret import SecretEntry


@dataclass(frozen=True)
class Task:
    """What is asked for: options already validated, transport ready but not yet used.

    ``host`` is the appliance's name in the inventory. ``secrets`` holds the store's entry of each secret, by
    the option that names it. ``parent_is_new`` says that an earlier step of the same task has created the
    object that a secret belongs to, or would. ``released`` counts the references to the object that earlier
    steps have ended, or would. ``predictions`` are those of the run, in check mode.
    """

    resource: Resource
    options: Mapping[str, Any]
    appliance: Appliance
    host: str
    check_mode: bool
    secrets: Mapping[str, SecretEntry] = field(default_factory=dict)
    parent_is_new: bool = False
    released: int = 0
    predictions: Predictions = field(default_factory=Predictions)

    @property
    def key(self) -> Any:
        """Return the key of the object that the task is about."""
        return self.options.get(self.resource.key)

    @property
    def title(self) -> str:
        """Name that object in a sentence."""
        return self.resource.title(self.key)

    @property
    def consumer(self) -> str:
        """Name that object as one that a secret is delivered to."""
        return f"{self.host}/{self.resource.kind}"


@dataclass
class Outcome:
    """What was done so far, or in check mode would be: reported whether the task succeeds or fails.

    ``objects`` is None for a task that manages none. ``values`` are what else a module returns, by name.
    """

    changed: bool = False
    objects: list[dict[str, Any]] | None = None
    diff: Any = None
    warnings: list[str] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)

    def result(self) -> dict[str, Any]:
        """Return what Ansible is told; a diff only of a change."""
        parts = {
            "objects": self.objects,
            "diff": self.diff if self.changed else None,
            "warnings": self.warnings or None,
        }
        return {
            "changed": self.changed,
            **self.values,
            **{name: part for name, part in parts.items() if part is not None},
        }


def object_entry(
    task: Task, action: str, before: Mapping[str, Any], after: Mapping[str, Any], **more: Any
) -> dict[str, Any]:
    """Return a result's entry about an object; its states only where they differ: results stay small."""
    resource, changed = task.resource, action not in ("none", "unknown")
    entry = {
        "kind": resource.kind,
        "name": resource.label if resource.singleton else str(task.key),
        "action": action,
        "changed": changed,
        **more,
    }
    return {**entry, "before": dict(before), "after": dict(after)} if changed else entry


def difference(task: Task, before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Return a diff as Ansible shows it, headed by appliance and object."""
    header = f"{task.host}: {task.title}"
    return {"before_header": header, "after_header": header, "before": dict(before), "after": dict(after)}


def read_object(task: Task) -> dict[str, Any] | None:
    """Return the object in the appliance's words, None where it does not exist."""
    with attempting(f"reading {task.title}"):
        return task.appliance.read(task.resource, task.key)


def observe(task: Task, raw: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Translate what was read into the user's words."""
    with attempting(f"reading {task.title}"):
        return None if raw is None else complete(task.resource.from_wire, raw)


def complete(read: Callable[[Mapping[str, Any]], Any], raw: Mapping[str, Any]) -> Any:
    """Translate what an appliance answered. Raises ApplianceError where it is not the whole object."""
    try:
        return read(raw)
    except Incomplete as missing:
        raise ApplianceError(
            f'the answer lacks a usable "{missing}": the account may see only a part of the object, '
            "so nothing can be said about the rest"
        ) from None


def list_objects(task: Task, outcome: Outcome) -> None:
    """Report every object of a kind, or the named ones, in the options' own schema."""
    resource = task.resource
    if resource.singleton:
        outcome.values[resource.kind] = observe(task, read_object(task))
        return
    with attempting(f"reading every {resource.label}"):
        rows = [complete(resource.described, row) for row in task.appliance.table(resource)]
    names = task.options.get(f"{resource.key}s")
    outcome.values[f"{resource.kind}s"] = [row for row in rows if names is None or row[resource.key] in names]


def refuse_self_change(task: Task) -> None:
    """Raise Conflict where the account in use may be the object, unless the task allows that."""
    if task.options.get("allow_self_change"):
        return
    with attempting(f"looking whether {task.title} is the account in use"):
        own = task.appliance.is_own(task.resource, task.key)
    if own:
        raise Conflict(
            f"{task.title} may be the account that this task logs in with, or have given it its rights: "
            "changing it can lock you out. Use another account, or set allow_self_change: true"
        )
