# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A rotation replaces secrets. It reports every other difference, and does not change it.

The option ``rotate_only`` of a task selects it. This file limits the steps on objects, ``secret_plan`` those
on secrets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .apply import converge
from .errors import Conflict, Unsupported
from .task import Outcome, Task, object_entry

STATES = {"create": "it does not exist", "delete": "it still exists"}


def compare(task: Task, outcome: Outcome) -> None:
    """Report how an object differs from its desired state, and change nothing."""
    try:
        found = _predict(task)
    except (Conflict, Unsupported) as error:
        _report_drift(task, outcome, error.why)
    else:
        _report(task, outcome, found)


def rotate_delivery(task: Task, outcome: Outcome) -> None:
    """Deliver a secret that replaces another. Report every other difference, and do not change it."""
    found = _predict(task)
    if _delivers_replacement(task, found):
        converge(task, outcome)
    else:
        _report(task, outcome, found, **({"overdue": True} if _needs_replacement(task, found) else {}))


def _predict(task: Task) -> Outcome:
    """Return what converge would do. It changes nothing, so it cannot lock out the account in use."""
    found = Outcome()
    converge(replace(task, check_mode=True, options={**task.options, "allow_self_change": True}), found)
    return found


def _report(task: Task, outcome: Outcome, found: Outcome, **more: Any) -> None:
    outcome.values.update(found.values)
    outcome.objects = found.objects
    for entry in found.objects or ():
        if entry["changed"]:
            outcome.values[task.resource.kind] = entry["before"]
            why = STATES.get(entry["action"]) or f"it differs in {' and '.join(_differing(entry))}"
            _report_drift(task, outcome, why, **more)


def _report_drift(task: Task, outcome: Outcome, why: str, **more: Any) -> None:
    drift = f"not in the desired state ({why}), and a rotation does not change it"
    outcome.warnings.append(f"{task.title} is {drift}")
    outcome.objects = [object_entry(task, "none", {}, {}, reason=drift, **more)]


def _differing(entry: Mapping[str, Any]) -> list[str]:
    before, after = entry["before"], entry["after"]
    return sorted(name for name in after if before.get(name) != after[name])


def _delivers_replacement(task: Task, found: Outcome) -> bool:
    """Return whether only the secret differs, and the object has to get the value that replaces another."""
    only = any(_differing(entry) == [task.resource.delivers] for entry in _changed(found))
    return only and _needs_replacement(task, found)


def _needs_replacement(task: Task, found: Outcome) -> bool:
    """Return whether the object lacks a secret that replaces another."""
    option = task.resource.delivers
    replaced = task.options[f"{option}_replaced"] or task.secrets[f"{option}_ref"].read().previous is not None
    return replaced and any(option in _differing(entry) for entry in _changed(found))


def _changed(found: Outcome) -> list[Mapping[str, Any]]:
    return [entry for entry in found.objects or () if entry["changed"]]
