# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The policies of a Forescout platform as its Web API lists them, and how many hosts match their rules.

The Web API shows no condition, no action, and not whether a policy is enabled. That its description is the
one in the file is assumed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._engine.errors import ApplianceError, attempting
from .._engine.resource import Field, Resource
from .._engine.task import Outcome, Task, complete
from .._module.arguments import require
from .policy_file import digest_in

POLICY = Resource(
    label="policy",
    kind="policy",
    path="policies",
    fields={"name": Field("name", type="str")},
    facts={
        "id": Field("policyId", decode=str),
        "description": Field("description", optional=True, decode=str, absent_value=""),
        "rules": Field("rules", optional=True, decode=list, absent_value=[]),
    },
)

MATCH = Resource(label="host", kind="match", path="hosts", fields={})
"""The hosts that match a rule."""


def prepare_policy_info(params: dict[str, Any]) -> dict[str, Any]:
    """Add the provenance. Raises InvalidOptions."""
    require(params, "url", "username")
    return {**params, "provenance": "observed"}


def read_policies(task: Task) -> list[dict[str, Any]]:
    """Return all policies, each with the digest in its description. Raises ApplianceError."""
    with attempting("reading every policy"):
        rows = [complete(POLICY.described, row) for row in task.appliance.table(POLICY)]
    return [{**row, "digest": digest_in(row["description"])} for row in rows]


def list_policies(task: Task, outcome: Outcome) -> None:
    """Report the policies with the names in the options, or all, and the number of hosts for each rule."""
    names = task.options["names"]
    found = [row for row in read_policies(task) if names is None or row["name"] in names]
    outcome.values["policies"] = [{**row, "rules": _rules(task, row)} for row in found]


def _rules(task: Task, policy: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the policy's own rule and its sub-rules, with the hosts that match each."""
    own = {"id": policy["id"], "name": policy["name"]}
    by_id = {rule["id"]: rule for rule in (own, *map(_sub_rule, policy["rules"]))}
    if not task.options["count_hosts"]:
        return [{**rule, "hosts": None} for rule in by_id.values()]
    return [{**rule, "hosts": _count(task, rule)} for rule in by_id.values()]


def _sub_rule(row: Any) -> dict[str, str]:
    if not isinstance(row, Mapping) or "ruleId" not in row:
        raise ApplianceError(
            "the answer about the rules is not the published one", "check the version of the platform"
        )
    return {"id": str(row["ruleId"]), "name": str(row.get("name") or "")}


def _count(task: Task, rule: Mapping[str, str]) -> int:
    with attempting(f'reading the hosts that match the rule "{rule["name"]}"'):
        return len(task.appliance.ask(MATCH, {"matchRuleId": rule["id"]}))
