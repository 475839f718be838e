# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The control node for a module run in the process of Ansible, see :mod:`.._module.run`."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any

from ansible import constants
from ansible.plugins.connection import ConnectionBase
from ansible.utils.display import Display

from ...module_utils._engine.appliance import Appliance
from ...module_utils._engine.claims import Claims
from ...module_utils._engine.errors import InvalidOptions
from ...module_utils._engine.moment import now
from ...module_utils._engine.predictions import Predictions
from ...module_utils._engine.secret import SecretEntry
from ...module_utils._module.run import Params
from ...module_utils._module.untagged import plain
from .._secrets.entry import StoreEntry
from .._secrets.persistence import require_lasting
from .._secrets.store import STORE_SETTINGS, open_store
from .claims import RunClaims
from .host_shell import HostShell
from .option_variables import variables_of, with_variables
from .predictions import RunPredictions
from .relay import RelayedAppliance

if TYPE_CHECKING:
    from .appliance import ApplianceAction

UNVERIFIED = (
    "validate_certs is false, so the certificate of the appliance is not verified; set ca_path or "
    "cert_fingerprint instead"
)

# Ansible imports an action before it forks the workers, for the first task of this collection.
BEGAN = now()

display = Display()


def is_mitogen(connection: ConnectionBase) -> bool:
    """Return whether the connection is one of Mitogen's, which sends modules and input by its own channel."""
    return any(base.__module__.partition(".")[0] == "ansible_mitogen" for base in type(connection).mro())


class ControlNode:
    """The control node's services for one task on one host."""

    def __init__(self, action: ApplianceAction, task_vars: dict[str, Any]) -> None:
        self.action = action
        self.task_vars = task_vars
        self.host = str(task_vars["inventory_hostname"])
        self.check_mode = bool(action._task.check_mode)
        self.hidden: set[str] = set()
        self.predictions: Predictions = RunPredictions(constants.DEFAULT_LOCAL_TMP, self.host)
        self.claims: Claims = RunClaims(constants.DEFAULT_LOCAL_TMP)
        self.began = BEGAN

    def environment(self) -> dict[str, str]:
        return self.action.environment()

    def with_variables(self, text: str) -> str:
        options = self.action.module.arguments.spec
        variables = variables_of(self.action._task._role, self.task_vars)
        return with_variables(text, {o: v for o, v in variables.items() if o in options})

    def relay(self, params: Params) -> Appliance | None:
        """Return the appliance by way of the delegation host, None if the control node reaches it itself.

        Raises InvalidOptions for a delegation host that would write secrets to files.
        """
        if not (params["validate_certs"] or params["cert_fingerprint"]):
            # Ansible shows the same warning once in a run, and every HTTPS connection begins here.
            display.warning(f"{self.host}: {UNVERIFIED}")
        if self.action._task.delegate_to is not None:
            self._refuse_network_connection()
        if not self.action.is_relayed():
            return None
        self.action.require_standard_input()
        return RelayedAppliance(partial(self.action.call, params, self.task_vars), self.hidden)

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
        self._refuse_network_connection()
        connection = self.action._connection
        if not (connection.has_pipelining or is_mitogen(connection)):
            raise InvalidOptions(
                f"the connection {connection.transport} of {self.host} cannot pass standard input to a "
                "command, and secrets travel by nothing else",
                f"set ansible_connection: ssh for {self.host}",
            )
        return HostShell(self.action.execute, self.host)

    def secret_entry(self, ref: str) -> SecretEntry:
        """Return the store's entry for a secret reference. Raises InvalidOptions."""
        settings = plain(self.action._templar.template(self.task_vars.get(STORE_SETTINGS, {})))
        loader = self.action._loader
        store = open_store(ref, loader, settings)
        require_lasting(ref, settings, os.environ)
        return StoreEntry(ref, store, self.hidden, loader)

    def endpoint_map(self, path: str) -> dict[str, Any]:
        """Load an endpoint map. Raises InvalidOptions."""
        return self.action.load_endpoint_map(path, self.action._loader)

    def _refuse_network_connection(self) -> None:
        """Raise InvalidOptions if Ansible has replaced the connection, see ApplianceAction."""
        task = self.action._task
        host = self.host if task.delegate_to is None else task.delegate_to
        delegated = self.task_vars.get("ansible_delegated_vars", {}).get(task.delegate_to, {})
        variables = self.task_vars if task.delegate_to is None else delegated
        name = str(self.action._templar.template(variables.get("ansible_connection") or task.connection))
        if self.action._connection.transport == "local" and name.rpartition(".")[2] != "local":
            raise InvalidOptions(
                f"the connection {name} of {host} runs no commands", f"set ansible_connection: ssh for {host}"
            )
