# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One task on one appliance, and its outcome."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .appliance import Appliance
from .belonging import Belonging
from .claims import Claims
from .errors import ApplianceError, Conflict, attempting
from .moment import now
from .predictions import Predictions
from .resource import Incomplete, Resource
from .secret import SecretEntry


@dataclass(frozen=True)
class Task:
    """One request to manage an object. The options are validated, the transport is ready but not used yet.

    ``host`` is the appliance's inventory name. ``secrets`` has the store entry of each secret, by the option
    that names it. ``parent_is_new``: an earlier step of the same task creates the secret's parent object.
    ``released`` counts the references to the object that earlier steps remove. Both include the predictions
    of check mode. ``creating`` is entered around the request that creates the object. ``predictions``
    are those of the run in check mode, ``claims`` those of all hosts in the run. ``address`` is the
    appliance's, see :func:`.belonging.address_of`. ``began`` is when the run began.
    """

    resource: Resource
    options: Mapping[str, Any]
    appliance: Appliance
    host: str
    check_mode: bool
    secrets: Mapping[str, SecretEntry] = field(default_factory=dict)
    parent_is_new: bool = False
    released: int = 0
    creating: Callable[[], AbstractContextManager[None]] = nullcontext
    predictions: Predictions = field(default_factory=Predictions)
    claims: Claims = field(default_factory=Claims)
    address: str = ""
    began: datetime = field(default_factory=now)

    @property
    def key(self) -> Any:
        return self.options.get(self.resource.key)

    @property
    def title(self) -> str:
        """The object's name in a sentence."""
        return self.resource.title(self.key)

    @property
    def belonging(self) -> Belonging:
        """What the task's secret belongs to. The serial number is known once the appliance has answered."""
        serial = self.appliance.serial
        return Belonging(self.host, self.address, str(self.key), (serial,) if serial else ())

    @property
    def consumer(self) -> str:
        """The object's name as a consumer in a secret's record."""
        return f"{self.host}/{self.resource.kind}"


@dataclass
class Outcome:
    """The changes so far, or the predicted ones. Reported even if the task fails.

    ``objects`` is None for a task that manages none. ``values`` are a module's further return values.
    """

    changed: bool = False
    objects: list[dict[str, Any]] | None = None
    diff: Any = None
    warnings: list[str] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)

    def result(self) -> dict[str, Any]:
        """Return the module's result. It has a diff only if something changed."""
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
    """Return an object's entry in a result. It has both states only if they differ, to keep results small."""
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
    """Return a diff in Ansible's form, with appliance and object in its headers."""
    header = f"{task.host}: {task.title}"
    return {"before_header": header, "after_header": header, "before": dict(before), "after": dict(after)}


def read_object(task: Task) -> dict[str, Any] | None:
    """Return the object in the appliance's form, None if it does not exist."""
    with attempting(f"reading {task.title}"):
        return task.appliance.read(task.resource, task.key)


def observe(task: Task, raw: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Translate an object into the options' form."""
    with attempting(f"reading {task.title}"):
        return None if raw is None else complete(task.resource.from_wire, raw)


def complete(read: Callable[[Mapping[str, Any]], Any], raw: Mapping[str, Any]) -> Any:
    """Translate an answer. Raises ApplianceError if it is not the whole object."""
    try:
        return read(raw)
    except Incomplete as missing:
        raise ApplianceError(
            f'the answer lacks a usable "{missing}", so the account may see only a part of the object',
            "use an account that may read the whole object",
        ) from None


def list_objects(task: Task, outcome: Outcome) -> None:
    """Report every object of a kind, or the named ones, in the options' schema."""
    resource = task.resource
    if resource.singleton:
        outcome.values[resource.kind] = observe(task, read_object(task))
        return
    with attempting(f"reading every {resource.label}"):
        rows = [complete(resource.described, row) for row in task.appliance.table(resource)]
    names = task.options.get(f"{resource.key}s")
    outcome.values[f"{resource.kind}s"] = [row for row in rows if names is None or row[resource.key] in names]


def refuse_self_change(task: Task) -> None:
    """Raise Conflict if the object may be the account in use, unless the task allows that."""
    if task.options.get("allow_self_change"):
        return
    with attempting(f"checking whether {task.title} is the account in use"):
        own = task.appliance.is_own(task.resource, task.key)
    if own:
        raise Conflict(
            f"{task.title} may be the account that this task logs in with, or may give it its rights, and "
            "changing it can lock you out",
            "use another account, or set allow_self_change: true",
        )
