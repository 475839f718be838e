# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run of a module on the control node: validate, connect, work, and report every expected error.

The control node always plans. If the task is delegated, the delegation host only carries out single verbs,
see ``remote``. So the results are the same, and the secret store is used on the control node only.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from ansible.module_utils.common.parameters import remove_values

from .._engine.appliance import Appliance, Route
from .._engine.belonging import address_of
from .._engine.claims import Claims
from .._engine.errors import ApplianceError, Conflict, InvalidOptions, Unreachable
from .._engine.predictions import Predictions
from .._engine.resource import Resource
from .._engine.secret import SecretEntry
from .._engine.task import Outcome, Task
from .._wire.https import REQUESTS_IMPORT_ERROR
from .arguments import Arguments

Params = dict[str, Any]


class ControlNode(Route, Protocol):
    """The control node's services for a run.

    ``hidden`` are the values that no result may show, ``predictions`` those of earlier tasks in check mode,
    ``claims`` those of all tasks of the run, ``began`` when the run began.
    """

    host: str
    check_mode: bool
    hidden: set[str]
    predictions: Predictions
    claims: Claims
    began: datetime

    def environment(self) -> Mapping[str, str]:
        """Return the environment variables of the task."""

    def with_variables(self, text: str) -> str:
        """Return a message that names the role's variable beside each option, if a role runs the task."""

    def secret_entry(self, ref: str) -> SecretEntry:
        """Return the store's entry for a secret reference. Raises InvalidOptions."""

    def endpoint_map(self, path: str) -> dict[str, Any]:
        """Load an endpoint map. Raises InvalidOptions."""


@dataclass(frozen=True)
class Module:
    """One module: its options, its resource, the product's transport, and its work.

    ``prepare`` replaces the resource's own ``prepare``. ``secret_refs`` are the options that refer to a
    stored secret. ``nested_refs`` returns the references inside other options, by the secret's name.
    ``also`` are the other kinds of objects that a task with many steps manages.
    """

    arguments: Arguments
    resource: Resource
    connect: Callable[[Params, Route], Appliance]
    work: Callable[[Task, Outcome], None]
    prepare: Callable[[Params], Params] | None = None
    secret_refs: tuple[str, ...] = ()
    nested_refs: Callable[[Params], Mapping[str, str]] = lambda params: {}
    also: tuple[Resource, ...] = ()


def run(module: Module, options: Mapping[str, Any], node: ControlNode) -> dict[str, Any]:
    """Carry out one task. Return its result, on success and on failure."""
    outcome = Outcome()
    ending: dict[str, Any] = {}
    try:
        params = _prepare(module, options, node)
        _work(module, params, node, outcome)
        ending = {"provenance": provenance(params)}
    except (InvalidOptions, Conflict) as error:
        error.why, error.remedy = map(node.with_variables, (error.why, error.remedy))
        ending = {"failed": True, "msg": error.sentence(node.host)}
    except ApplianceError as error:
        # The cause may be in the appliance's words, the remedy never is.
        error.remedy = node.with_variables(error.remedy)
        state = "unreachable" if isinstance(error, Unreachable) else "failed"
        ending = {state: True, "msg": error.sentence(node.host), "failure": error.failure}
    result = {**outcome.result(), **ending}
    requested = {"value": result.pop("value")} if "value" in result else {}
    return {**remove_values(result, node.hidden), **requested}


def _work(module: Module, params: Params, node: ControlNode, outcome: Outcome) -> None:
    refs = {option: params[option] for option in module.secret_refs if params.get(option)}
    refs.update(module.nested_refs(params))
    secrets = {name: node.secret_entry(ref) for name, ref in refs.items()}
    with closing(module.connect(params, node)) as appliance:
        task = Task(
            module.resource,
            params,
            appliance,
            node.host,
            node.check_mode,
            secrets,
            predictions=node.predictions,
            claims=node.claims,
            began=node.began,
            address=address_of(params.get("url") or ""),
        )
        module.work(task, outcome)


def provenance(params: Params) -> str:
    """Return the source of our knowledge of the interface: documented, or as the map or the options say."""
    return str(params.get("endpoint_map", params).get("provenance", "documented"))


def missing_requests() -> InvalidOptions:
    """Return the error of a host without the package that all HTTPS needs."""
    where = f"{sys.executable} on {platform.node()}"
    return InvalidOptions(f"the Python package requests is not installed for {where}", "install it there")


def _prepare(module: Module, options: Mapping[str, Any], node: ControlNode) -> Params:
    if REQUESTS_IMPORT_ERROR is not None:
        raise missing_requests()
    params, hidden = module.arguments.validate(options, module.resource.clearable, node.environment())
    node.hidden |= hidden
    if params.get("endpoints"):
        params["endpoint_map"] = node.endpoint_map(params["endpoints"])
    params = (module.prepare or module.resource.prepare)(params)
    problems = module.resource.problems(params)
    if problems:
        raise InvalidOptions(" and ".join(problems), "correct the options of the task")
    return params
