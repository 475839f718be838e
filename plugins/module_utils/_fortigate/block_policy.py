# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps the deny policies of a block list: carries out the plan, and reads fields and places back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .._engine.apply import DOING, apply
from .._engine.errors import ApplianceError, Conflict, TaskError, attempting
from .._engine.task import Outcome, Task, complete, difference, object_entry
from .address import FAMILIES
from .blocking import POLICIES_OF_GROUP
from .policy import (
    POLICY,
    PolicyStep,
    Row,
    number,
    own_policy,
    plan_policies,
    require_whole,
)
from .policy_proof import Verdict, determine_verdict, is_managed_by_fortimanager, verdict_of_failure

FORTIMANAGER = (
    "FortiManager manages this FortiGate: its next installation overrides the policies, and deletes the "
    "address objects that its policy package does not refer to"
)


def keep_block_policy(task: Task, outcome: Outcome) -> None:
    """Bring the policies to the desired state, and determine whether they take effect now."""
    rows: list[Row] = []
    try:
        rows += read_policies(task)
        change = _change(task, outcome, rows)
    except TaskError as error:
        known = () if outcome.changed else rows
        if "verdict" not in outcome.values:
            _report_verdict(outcome, verdict_of_failure(task, known, error))
        raise
    verdict = determine_verdict(task, change.rows)
    _report_verdict(outcome, verdict)
    is_in_sync = not any(step.changed for step in plan_policies(change.rows, task.options))
    if verdict.verdict == "ineffective" and is_in_sync and task.options["state"] == "present":
        outcome.warnings.append(f"do not rely on the block list, because {verdict.reason}")
    # A run in sync costs no request more.
    if (task.options["proof"] or outcome.changed) and is_managed_by_fortimanager(task):
        outcome.warnings.append(FORTIMANAGER)


def _change(task: Task, outcome: Outcome, rows: Sequence[Row]) -> PolicyChange:
    """Carry out or predict what differs."""
    steps = plan_policies(rows, task.options)
    changes = [step for step in steps if step.changed]
    if any(step.action in ("create", "update") for step in changes):
        _require_groups(task)
    change = PolicyChange(task, outcome, rows, steps)
    if changes:
        apply(task, change)
    else:
        for step in steps:
            change.note(step)
    return change


def _report_verdict(outcome: Outcome, verdict: Verdict) -> None:
    outcome.values.update(verdict=verdict.verdict, reason=verdict.reason)


def read_policies(task: Task) -> list[Row]:
    """Return all policies, in the order of evaluation. Raises ApplianceError for a part of their fields."""
    with attempting(f"reading every {POLICY.label}"):
        rows: list[Row] = list(task.appliance.table(POLICY))
        for row in rows:
            complete(require_whole, row)
    return rows


def _require_groups(task: Task) -> None:
    """Raise Conflict if a group does not exist, and is not predicted."""
    group = task.options["group"]
    for family in FAMILIES:
        if task.predictions.exists(family.groups.path, group) is None:
            with attempting(f"reading the {family.groups.title(group)}"):
                found = task.appliance.read(family.groups, group)
            if found is None:
                raise Conflict(
                    f"the {family.groups.title(group)} does not exist",
                    "create it with fortigate_block_list first",
                )


@dataclass
class PolicyChange:
    """The steps of one task. ``rows`` are the policies as last read."""

    task: Task
    outcome: Outcome
    rows: Sequence[Row]
    steps: Sequence[PolicyStep]
    objects: list[dict[str, Any]] = field(default_factory=list)
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Let the result show each step as soon as it is done, because the task may fail later."""
        self.outcome.objects = self.objects
        self.outcome.diff = {**difference(self.task, {}, {}), "before": self.before, "after": self.after}

    def foresee(self) -> None:
        """Report the steps, and predict whether policies still use the group."""
        if any(step.action == "delete" for step in self.steps):
            self.task.predictions.note(POLICIES_OF_GROUP, self.task.options["group"], exists=False)
        self.outcome.changed = True
        for step in self.steps:
            self.note(step)

    def carry_out(self) -> None:
        """Carry out the steps and read back: a move that FortiOS did not understand succeeds (observed)."""
        self.task.predictions.forget(POLICIES_OF_GROUP, self.task.options["group"])
        for step in self.steps:
            with attempting(f"{DOING.get(step.action, 'keeping')} {POLICY.title(step.name)}"):
                self._carry_out(step)
            self.note(step)
        self.rows = read_policies(self.task)
        self._require_kept()

    def _carry_out(self, step: PolicyStep) -> None:
        appliance, key = self.task.appliance, step.key
        if step.plan.action == "create":
            appliance.create(POLICY, step.name, POLICY.to_wire(step.plan.send))
            self.outcome.changed = True
            row = own_policy(appliance.table(POLICY), step.name) if step.move else None
            key = number(row) if row else None
        elif step.plan.action == "update":
            appliance.update(POLICY, key, POLICY.to_wire(step.plan.send))
        elif step.plan.action == "delete":
            appliance.delete(POLICY, key)
        if step.move and key:
            appliance.move(POLICY, key, step.move)
        self.outcome.changed = self.outcome.changed or step.changed

    def _require_kept(self) -> None:
        """Raise ApplianceError if the policies read back different from what was written."""
        try:
            left = [step for step in plan_policies(self.rows, self.task.options) if step.changed]
        except TaskError as error:
            left, why = [], error.why
        else:
            why = ""
        if left or why:
            verdict = Verdict("ineffective", why or f'the policy "{left[0].name}" reads back different')
            _report_verdict(self.outcome, verdict)
            with attempting(f"writing the {POLICY.label}"):
                raise ApplianceError(
                    f"it was accepted, but reads back different: {why or _difference(left[0])}",
                    "run again with --check --diff to see the difference",
                )

    def note(self, step: PolicyStep) -> None:
        """Add one step to the result, and its new place to the diff."""
        before, after = dict(step.plan.before), dict(step.plan.after)
        if step.move and step.changed:
            after["moved_before"] = next(_label(row) for row in self.rows if number(row) == step.move)
        action = step.action if step.changed else "none"
        task = replace(self.task, resource=POLICY, options={"name": step.name})
        self.objects.append(object_entry(task, action, before, after))
        if step.changed:
            self.before.update({step.name: before} if before else {})
            self.after.update({step.name: after} if after else {})


def _label(row: Row) -> str:
    return str(row.get("name") or row.get("policyid"))


def _difference(step: PolicyStep) -> str:
    if step.plan.changed:
        have, want = step.plan.before, step.plan.after
        return " and ".join(option for option in want if have.get(option) != want[option])
    return f"it is not before the policy {step.move}"
