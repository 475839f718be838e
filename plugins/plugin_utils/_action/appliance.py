# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action behind every module: runs the module in the control node's worker process.

A module process for each task would cost many times more than the work itself, and only the control node has
the vault secrets.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, ClassVar

from ansible import constants
from ansible.errors import AnsibleConnectionFailure
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.action import ActionBase
from ansible.utils.vars import load_extra_vars

from ...module_utils._engine.appliance import Appliance
from ...module_utils._engine.errors import InvalidOptions, Unreachable
from ...module_utils._engine.predictions import Predictions
from ...module_utils._engine.secret import SecretEntry
from ...module_utils._module.run import Module, Params, run
from ...module_utils._module.untagged import plain
from .._secrets.entry import StoreEntry
from .._secrets.persistence import require_lasting
from .._secrets.store import STORE_SETTINGS, open_store
from .host_shell import HostShell
from .predictions import RunPredictions
from .prefork import load_filters
from .relay import RelayedAppliance
from .role_variables import check_variables, roles_of_play

# Ansible imports an action before it forks the workers, which inherit what is loaded here.
load_filters()


class ApplianceAction(ActionBase):
    """Runs one module. If the task is delegated to a host with a connection, the requests start there."""

    module: ClassVar[Module]
    load_endpoint_map: ClassVar[staticmethod[[str, DataLoader], dict[str, Any]]]

    def __init_subclass__(cls) -> None:
        """Import the validation of endpoint maps before Ansible forks, if the module has the option."""
        if "endpoints" in cls.module.arguments.spec:
            from .._endpoint_maps.load import load_endpoint_map

            cls.load_endpoint_map = staticmethod(load_endpoint_map)

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        node = ControlNode(self, task_vars or {})
        try:
            self.check_role_variables(node.task_vars)
        except InvalidOptions as error:
            return {"failed": True, "msg": error.sentence(node.host)}
        return run(self.module, plain(self._task.args), node)

    def check_role_variables(self, variables: dict[str, Any]) -> None:
        """Check the variables of the role that the task belongs to. Raises InvalidOptions."""
        if self._task._role is not None:
            extra = load_extra_vars(self._loader)
            check_variables(self._task._role.get_name(), variables, extra, roles_of_play(variables))

    def is_relayed(self) -> bool:
        """Return whether the requests start from the delegation host."""
        return self._task.delegate_to is not None and self._connection.transport != "local"

    def call(
        self, params: Params, task_vars: dict[str, Any], verb: str, kind: str, arguments: list[Any]
    ) -> Mapping[str, Any]:
        """Carry out one verb on a kind of object in a module process on the delegation host."""
        options = {name: params[name] for name in self.module.arguments.spec if params[name] is not None}
        call = json.dumps({"verb": verb, "kind": kind, "arguments": arguments, "params": params})
        try:
            with self.without_log():
                result = self._execute_module(module_args={**options, "_call": call}, task_vars=task_vars)
        except AnsibleConnectionFailure:
            host = self._task.delegate_to
            raise Unreachable(
                f"Ansible cannot reach {host}, the host in delegate_to",
                f"run ansible {host} -m ansible.builtin.ping to see why",
            ) from None
        return dict(plain(result))

    def execute(self, command: str, stdin: bytes) -> Mapping[str, Any]:
        """Run a command over Ansible's connection to the host. Neither input nor output is logged."""
        with self.without_log():
            result: Mapping[str, Any] = self._low_level_execute_command(command, in_data=stdin)
        return result

    @contextmanager
    def without_log(self) -> Iterator[None]:
        """Keep the call and its reply, which may contain a secret, out of all output and the remote log."""
        context = self._connection._play_context
        before = self._task.no_log, context.no_log
        self._task.no_log = context.no_log = True
        try:
            yield
        finally:
            self._task.no_log, context.no_log = before


class ControlNode:
    """The control node's services for one task on one host."""

    def __init__(self, action: ApplianceAction, task_vars: dict[str, Any]) -> None:
        self.action = action
        self.task_vars = task_vars
        self.host = str(task_vars["inventory_hostname"])
        self.check_mode = bool(action._task.check_mode)
        self.hidden: set[str] = set()
        self.predictions: Predictions = RunPredictions(constants.DEFAULT_LOCAL_TMP, self.host)

    def relay(self, params: Params) -> Appliance | None:
        """Return the appliance by way of the delegation host, None if the control node reaches it itself."""
        if not self.action.is_relayed():
            return None
        return RelayedAppliance(partial(self.action.call, params, self.task_vars))

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
