# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action behind every module: runs the module in the control node's worker process.

A module process for each task would cost many times more than the work itself, and only the control node has
the vault secrets.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, ClassVar

from ansible import constants
from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.action import ActionBase

from ...module_utils._engine.errors import ApplianceError, InvalidOptions, Unreachable
from ...module_utils._module.run import Module, Params, run
from ...module_utils._module.untagged import plain
from .control_node import ControlNode, is_mitogen
from .prefork import load_filters, load_store
from .role_arguments import check_arguments
from .role_variables import check_task

# Ansible imports an action before it forks the workers, which inherit what is loaded here.
load_filters()
load_store()


class ApplianceAction(ActionBase):
    """Runs one module. If the task is delegated to a host with a connection, the requests start there."""

    # Ansible replaces a network connection such as httpapi by the local one. Otherwise it would log in to the
    # appliance before the action runs.
    _requires_connection = False

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
            check_task(self._task, self._loader, node.task_vars)
            check_arguments(self._task._role, self._templar, node.task_vars, self.module.arguments.spec)
        except InvalidOptions as error:
            return {"failed": True, "msg": error.sentence(node.host)}
        return run(self.module, plain(self._task.args), node)

    def environment(self) -> dict[str, str]:
        """Return the environment variables of the task, merged with those of its blocks and its play."""
        found: dict[str, Any] = {}
        if self._task.environment:
            self._compute_environment_string(found)
        return {str(name): str(value) for name, value in plain(found).items()}

    def is_relayed(self) -> bool:
        """Return whether the requests start from the delegation host."""
        return self._task.delegate_to is not None and self._connection.transport != "local"

    def require_standard_input(self) -> None:
        """Have Ansible send modules by standard input. Raises InvalidOptions where it would write files.

        A file on the delegation host would contain the secrets of the call, and outlive a killed task.
        """
        host, connection = self._task.delegate_to, self._connection
        if constants.DEFAULT_KEEP_REMOTE_FILES:
            raise InvalidOptions(
                f"ANSIBLE_KEEP_REMOTE_FILES would keep the secrets of the task in files on {host}",
                "unset it, and keep_remote_files in ansible.cfg",
            )
        if is_mitogen(connection):
            return
        connection._play_context.pipelining = True
        with suppress(KeyError):
            connection.set_option("pipelining", True)
        if not self._is_pipelining_enabled("new"):
            raise InvalidOptions(
                f"the connection {connection.transport} to {host} cannot pipeline as it is set up, so the "
                "secrets of the task would be in a file there",
                "use ansible_connection: ssh without a terminal (-t) and without become_method: su",
            )

    def call(
        self, params: Params, task_vars: dict[str, Any], verb: str, kind: str, arguments: list[Any]
    ) -> Mapping[str, Any]:
        """Carry out one verb on a kind of object in a module process on the delegation host."""
        options = {name: params[name] for name in self.module.arguments.spec if params[name] is not None}
        host = self._task.delegate_to
        # What a module computes from its options stays here, except the endpoint map, which connecting needs.
        known = {
            name: params[name] for name in (*self.module.arguments.spec, "endpoint_map") if name in params
        }
        call = json.dumps({"verb": verb, "kind": kind, "arguments": arguments, "params": known})
        try:
            with self.undisclosed():
                result = self._execute_module(module_args={**options, "_call": call}, task_vars=task_vars)
        except AnsibleConnectionFailure:
            raise Unreachable(
                f"Ansible cannot reach {host}, the host in delegate_to",
                f"run ansible {host} -m ansible.builtin.ping to see why",
            ) from None
        except AnsibleError as error:
            raise ApplianceError(
                f"Ansible could not run a module on {host}, the host in delegate_to: {error.message}",
                f"check the connection and become variables of {host}",
            ) from None
        return dict(plain(result))

    def execute(self, command: str, stdin: bytes) -> Mapping[str, Any]:
        """Run a command over Ansible's connection to the host. Neither input nor output is logged."""
        with self.undisclosed():
            result: Mapping[str, Any] = self._low_level_execute_command(command, in_data=stdin)
        return result

    @contextmanager
    def undisclosed(self) -> Iterator[None]:
        """Keep what may contain a secret out of all output, the remote log and remote command lines.

        The task's environment would be in the command line of the module process, which has no use for it:
        the options have its values.
        """
        task, context = self._task, self._connection._play_context
        before = task.no_log, context.no_log, task.environment
        task.no_log = context.no_log = True
        task.environment = []
        try:
            yield
        finally:
            task.no_log, context.no_log, task.environment = before
