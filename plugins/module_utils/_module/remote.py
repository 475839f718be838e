# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module process on the delegation host: it carries out one verb of a delegated task."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import closing
from typing import Any, NoReturn

from ansible.module_utils.basic import AnsibleModule

from .._engine.appliance import READS
from .._engine.errors import (
    ApplianceError,
    InvalidOptions,
    Locked,
    NotFound,
    Refused,
    Unreachable,
    Unsupported,
)
from .._wire.https import REQUESTS_IMPORT_ERROR
from .run import Module, Params, missing_requests

ERRORS = {
    each.__name__: each
    for each in (InvalidOptions, ApplianceError, Refused, Locked, NotFound, Unreachable, Unsupported)
}


class DirectRoute:
    """The route from the delegation host: direct connections only."""

    def relay(self, params: Params) -> None:
        """Return None: the module process connects to the appliance itself."""

    def shell(self) -> NoReturn:
        """Raise InvalidOptions: a transport that needs a shell cannot be delegated."""
        raise InvalidOptions(
            "commands on the appliance itself run from the control node only", "remove delegate_to"
        )


def serve(module: Module) -> None:
    """Carry out one verb for the control node, and end the process with the reply or the error."""
    call_option = {"_call": {"type": "str", "no_log": True}}
    ansible = AnsibleModule(
        argument_spec={**module.arguments.spec, **call_option},
        supports_check_mode=True,
        **module.arguments.rules,
    )
    if ansible.params["_call"] is None:
        ansible.fail_json(
            msg="this module runs through its action plugin: call it by its full name from a playbook"
        )
    if REQUESTS_IMPORT_ERROR is not None:
        ansible.exit_json(error=pack(missing_requests()))
    call = json.loads(ansible.params["_call"])
    if ansible.check_mode and call["verb"] not in READS:
        ansible.fail_json(msg=f"{call['verb']} was requested in check mode")
    try:
        with closing(module.connect(call["params"], DirectRoute())) as api:
            kinds = {resource.kind: resource for resource in (module.resource, *module.also)}
            reply = getattr(api, call["verb"])(kinds[call["kind"]], *call["arguments"])
    except (ApplianceError, InvalidOptions) as error:
        ansible.exit_json(error=pack(error))
    ansible.exit_json(reply=reply, version=api.version, partition=api.partition, serial=api.serial)


def pack(error: ApplianceError | InvalidOptions) -> dict[str, Any]:
    """Return an error as a JSON object, for :func:`raise_packed` on the control node."""
    failure = error.failure if isinstance(error, ApplianceError) else {}
    return {"kind": type(error).__name__, "why": error.why, "remedy": error.remedy, **failure}


def raise_packed(error: Mapping[str, Any]) -> NoReturn:
    """Raise the error that a module process has packed."""
    details = {name: value for name, value in error.items() if name != "kind"}
    raise ERRORS[error["kind"]](**details)
