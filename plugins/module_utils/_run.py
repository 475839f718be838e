# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From options to a result: what a module is, and the two ways to reach an appliance.

The plan is always made on the control node (:func:`run`). Where a task is delegated to another host, only
the wire moves: a module process there carries out single verbs (:func:`serve`), so both ways give the same
results and a stored secret never has to leave the control node. Private to this collection: may change at
any time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any, NoReturn, Protocol

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible.module_utils.common.parameters import remove_values

from ._appliance import READS, Appliance
from ._arguments import Arguments
from ._converge import Job
from ._errors import (
    ApplianceError,
    Conflict,
    InvalidOptions,
    Locked,
    NotFound,
    Refused,
    Unreachable,
    Unsupported,
)
from ._http import REQUESTS_IMPORT_ERROR
from ._resource import Resource
from ._secrets import Keeper
from ._shell import Shell

Params = dict[str, Any]
ERRORS = {
    each.__name__: each for each in (ApplianceError, Refused, Locked, NotFound, Unreachable, Unsupported)
}


@dataclass(frozen=True)
class Module:
    """One module: its options, its resource, the product's transport, and what it does.

    ``prepare`` completes validated options and raises InvalidOptions for what a spec cannot express.
    ``secret_refs`` are the options that refer to a stored secret; ``nested_refs`` finds references inside
    other options. ``also`` are the further kinds of objects that a task of many steps is about.
    ``connect_by_shell`` returns the appliance where commands on it are the way to it, None otherwise.
    """

    arguments: Arguments
    resource: Resource
    connect: Callable[[Params], Appliance]
    job: Callable[[Job], dict[str, Any]]
    prepare: Callable[[Params], Params] = lambda params: params
    secret_refs: tuple[str, ...] = ()
    nested_refs: Callable[[Params], Mapping[str, str]] = lambda params: {}
    also: tuple[Resource, ...] = ()
    connect_by_shell: Callable[[Params, Shell], Appliance | None] = lambda params, shell: None


class ControlNode(Protocol):
    """What a run needs from the control node."""

    appliance: str
    check_mode: bool
    hidden: set[str]

    def reach(self, module: Module, params: Params) -> Appliance:
        """Return the appliance, from here or from where the task is delegated to."""

    def keeper(self, ref: str) -> Keeper:
        """Return the keeper of one secret."""

    def endpoint_map(self, path: str) -> dict[str, Any]:
        """Load an endpoint map. Raises InvalidOptions."""


def run(module: Module, options: Mapping[str, Any], node: ControlNode) -> dict[str, Any]:
    """Validate, connect, converge; turn every expected error into one sentence."""
    told: dict[str, Any] = {}
    try:
        result = _result(module, options, node, told)
    except (InvalidOptions, Conflict) as error:
        result = {**told, "failed": True, "msg": f"{node.appliance}: {error}"}
    except ApplianceError as error:
        outcome = "unreachable" if isinstance(error, Unreachable) else "failed"
        result = {**told, outcome: True, "msg": error.sentence(node.appliance), "failure": error.failure}
    asked_for = {"value": result.pop("value")} if "value" in result else {}
    return {**remove_values({"changed": False, **result}, node.hidden), **asked_for}


def _result(
    module: Module, options: Mapping[str, Any], node: ControlNode, told: dict[str, Any]
) -> dict[str, Any]:
    params = _prepared(module, options, node)
    refs = {option: params[option] for option in module.secret_refs if params.get(option)}
    keepers = {name: node.keeper(ref) for name, ref in {**refs, **module.nested_refs(params)}.items()}
    with closing(node.reach(module, params)) as api:
        job = Job(module.resource, params, api, node.check_mode, node.appliance, keepers, told=told)
        result = {**module.job(job), "provenance": provenance(params)}
    if job.notes:
        result["warnings"] = job.notes
    if not result.get("changed"):
        result.pop("diff", None)
    return result


def provenance(params: Params) -> str:
    """Say what the knowledge of the interface rests on: documented, or what map, options or module state."""
    return str(params.get("endpoint_map", params).get("provenance", "documented"))


def _prepared(module: Module, options: Mapping[str, Any], node: ControlNode) -> Params:
    if REQUESTS_IMPORT_ERROR is not None:
        raise InvalidOptions(missing_required_lib("requests"))
    params, hidden = module.arguments.validate(options)
    node.hidden |= hidden
    if params.get("endpoints"):
        params["endpoint_map"] = node.endpoint_map(params["endpoints"])
    params = module.prepare(params)
    problems = module.resource.problems(params)
    if problems:
        raise InvalidOptions("; ".join(problems))
    return params


def serve(module: Module) -> None:
    """Carry out one verb for a control node that reaches the appliance through this host."""
    call_option = {"_call": {"type": "str", "no_log": True}}
    ansible = AnsibleModule(
        argument_spec={**module.arguments.spec, **call_option},
        supports_check_mode=True,
        **module.arguments.rules,
    )
    if ansible.params["_call"] is None:
        ansible.fail_json(
            msg="this module runs through its action plugin; call it by its full name from a playbook"
        )
    if REQUESTS_IMPORT_ERROR is not None:
        ansible.fail_json(msg=missing_required_lib("requests"), exception=REQUESTS_IMPORT_ERROR)
    call = json.loads(ansible.params["_call"])
    if ansible.check_mode and call["verb"] not in READS:
        ansible.fail_json(msg=f"{call['verb']} was asked for in check mode")
    try:
        with closing(module.connect(call["params"])) as api:
            kinds = {resource.noun: resource for resource in (module.resource, *module.also)}
            reply = getattr(api, call["verb"])(kinds[call["kind"]], *call["arguments"])
    except (ApplianceError, InvalidOptions) as error:
        ansible.exit_json(error=_packed(error))
    ansible.exit_json(reply=reply, version=api.version)


def _packed(error: ApplianceError | InvalidOptions) -> dict[str, Any]:
    if isinstance(error, InvalidOptions):
        return {"kind": "InvalidOptions", "reason": str(error)}
    return {"kind": type(error).__name__, "reason": error.reason, **error.failure}


def raise_packed(error: Mapping[str, Any]) -> NoReturn:
    """Raise on the control node what a module process packed on another host."""
    if error["kind"] == "InvalidOptions":
        raise InvalidOptions(error["reason"])
    raise ERRORS[error["kind"]](
        error["reason"], status=error["status"], code=error["code"], path=error["path"]
    )
