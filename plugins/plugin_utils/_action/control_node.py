# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The control node for a module run in the process of Ansible, see :mod:`.._module.run`."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import partial
from typing import Any

from ansible import constants
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ...module_utils._engine.appliance import Appliance
from ...module_utils._engine.claims import Claims
from ...module_utils._engine.errors import InvalidOptions
from ...module_utils._engine.moment import now
from ...module_utils._engine.predictions import Predictions
from ...module_utils._engine.secret import SecretEntry
from ...module_utils._module.run import Module, Params
from ...module_utils._module.untagged import plain
from .._secrets.entry import StoreEntry
from .._secrets.persistence import require_lasting
from .._secrets.store import STORE_SETTINGS, open_store
from .claims import RunClaims
from .host_connection import HostConnection
from .host_shell import HostShell
from .option_variables import variables_of, with_variables
from .predictions import RunPredictions
from .relay import RelayedAppliance

UNVERIFIED = (
    "validate_certs is false, so the certificate of the appliance is not verified; set ca_path or "
    "cert_fingerprint instead"
)

# Ansible imports an action before it forks the workers, for the first task of this collection.
BEGAN = now()

display = Display()


class ControlNode:
    """The control node's services for one task on one host."""

    def __init__(self, action: ActionBase, module: Module, task_vars: dict[str, Any]) -> None:
        self.action = action
        self.module = module
        self.connection = HostConnection(action, task_vars)
        self.task_vars = task_vars
        self.host = str(task_vars["inventory_hostname"])
        self.check_mode = bool(action._task.check_mode)
        self.hidden: set[str] = set()
        self.predictions: Predictions = RunPredictions(constants.DEFAULT_LOCAL_TMP, self.host)
        self.claims: Claims = RunClaims(constants.DEFAULT_LOCAL_TMP)
        self.began = BEGAN

    def environment(self) -> dict[str, str]:
        found: dict[str, Any] = {}
        if self.action._task.environment:
            self.action._compute_environment_string(found)
        return {str(name): str(value) for name, value in plain(found).items()}

    def with_variables(self, text: str) -> str:
        options = self.module.arguments.spec
        variables = variables_of(self.action._task._role, self.task_vars)
        return with_variables(text, {o: v for o, v in variables.items() if o in options})

    def relay(self, params: Params) -> Appliance | None:
        """Return the appliance by way of the delegation host, None if the control node reaches it itself.

        Raises InvalidOptions for a delegation host that would write secrets to files.
        """
        if not (params["validate_certs"] or params["cert_fingerprint"]):
            # Ansible shows the same warning once in a run, and every HTTPS connection begins here.
            display.warning(f"{self.host}: {UNVERIFIED}")
        if not self.connection.delegated:
            return None
        self.connection.require_commands()
        if self.connection.is_local():
            return None
        self.connection.require_module_input()
        return RelayedAppliance(partial(self._call, params), self.hidden)

    def shell(self) -> HostShell:
        """Return a shell on the inventory host. Raises InvalidOptions if the task is delegated."""
        other = self.action._task.delegate_to
        if other not in (None, self.host):
            raise InvalidOptions(
                f"its commands run on {self.host} itself, over Ansible's own connection to it, so the task "
                f"cannot be delegated to {other}",
                "remove delegate_to, and connect through a jump host if the host needs one "
                "(ansible_ssh_common_args: -o ProxyJump=HOST)",
            )
        self.connection.require_commands()
        self.connection.require_command_input()
        return HostShell(self.connection.run_command, self.host)

    def secret_entry(self, ref: str) -> SecretEntry:
        """Return the store's entry for a secret reference. Raises InvalidOptions."""
        settings = plain(self.action._templar.template(self.task_vars.get(STORE_SETTINGS, {})))
        loader = self.action._loader
        store = open_store(ref, loader, settings)
        require_lasting(ref, settings, os.environ)
        return StoreEntry(ref, store, self.hidden, loader)

    def endpoint_map(self, path: str) -> dict[str, Any]:
        """Load an endpoint map. Raises InvalidOptions."""
        # See ApplianceAction for the reason why it is not imported with this module.
        from .._endpoint_maps.load import load_endpoint_map

        return load_endpoint_map(path, self.action._loader)

    def _call(self, params: Params, verb: str, kind: str, arguments: list[Any]) -> Mapping[str, Any]:
        """Carry out one verb on a kind of object in a module process on the delegation host."""
        spec = self.module.arguments.spec
        options = _given({name: params[name] for name in spec})
        # What a module computes from its options stays here, except the endpoint map, which connecting needs.
        known = {name: params[name] for name in (*spec, "endpoint_map") if name in params}
        call = json.dumps({"verb": verb, "kind": kind, "arguments": arguments, "params": known})
        return self.connection.run_module({**options, "_call": call})


def _given(value: Any) -> Any:
    """Return options without those that are not set, which a choice of the module would refuse."""
    if isinstance(value, dict):
        return {name: _given(each) for name, each in value.items() if each is not None}
    return [_given(each) for each in value] if isinstance(value, list) else value
