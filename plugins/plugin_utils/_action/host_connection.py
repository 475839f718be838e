# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible's connection to the host of a task, by rules that keep secrets out of files and logs there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from ansible import constants
from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.action import ActionBase

from ...module_utils._engine.errors import ApplianceError, InvalidOptions, Unreachable
from ...module_utils._module.untagged import plain


class HostConnection:
    """The connection to the inventory host, or to the host in ``delegate_to``."""

    def __init__(self, action: ActionBase, task_vars: dict[str, Any]) -> None:
        self.action = action
        self.task = action._task
        self.plugin = action._connection
        self.task_vars = task_vars
        self.delegated = self.task.delegate_to is not None
        self.host = str(self.task.delegate_to if self.delegated else task_vars["inventory_hostname"])

    def is_local(self) -> bool:
        return bool(self.plugin.transport == "local")

    def require_commands(self) -> None:
        """Raise InvalidOptions if Ansible has replaced a network connection by the local one."""
        variables = self.task_vars
        if self.delegated:
            variables = self.task_vars.get("ansible_delegated_vars", {}).get(self.task.delegate_to, {})
        wanted = variables.get("ansible_connection") or self.task.connection
        name = str(self.action._templar.template(wanted))
        if self.is_local() and name.rpartition(".")[2] != "local":
            raise InvalidOptions(
                f"the connection {name} of {self.host} runs no commands",
                f"set ansible_connection: ssh for {self.host}",
            )

    def require_command_input(self) -> None:
        """Raise InvalidOptions if a command cannot read standard input."""
        if not (self.plugin.has_pipelining or self._is_mitogen()):
            raise InvalidOptions(
                f"the connection {self.plugin.transport} of {self.host} cannot pass standard input to a "
                "command, and secrets travel by nothing else",
                f"set ansible_connection: ssh for {self.host}",
            )

    def require_module_input(self) -> None:
        """Have Ansible send modules by standard input. Raises InvalidOptions where it would write files.

        A file on the delegation host would contain the secrets of the call, and outlive a killed task.
        """
        if constants.DEFAULT_KEEP_REMOTE_FILES:
            raise InvalidOptions(
                f"ANSIBLE_KEEP_REMOTE_FILES would keep the secrets of the task in files on {self.host}",
                "unset it, and keep_remote_files in ansible.cfg",
            )
        if self._is_mitogen():
            return
        self.plugin._play_context.pipelining = True
        with suppress(KeyError):
            self.plugin.set_option("pipelining", True)
        if not self.action._is_pipelining_enabled("new"):
            raise InvalidOptions(
                f"the connection {self.plugin.transport} to {self.host} cannot pipeline as it is set up, so "
                "the secrets of the task would be in a file there",
                "use ansible_connection: ssh without a terminal (-t) and without become_method: su",
            )

    def run_module(self, options: Mapping[str, Any]) -> Mapping[str, Any]:
        """Run the task's module in a process on the delegation host. Raises ApplianceError, Unreachable."""
        try:
            with self._undisclosed():
                result = self.action._execute_module(module_args=dict(options), task_vars=self.task_vars)
        except AnsibleConnectionFailure:
            raise Unreachable(
                f"Ansible cannot reach {self.host}, the host in delegate_to",
                f"run ansible {self.host} -m ansible.builtin.ping to see why",
            ) from None
        except AnsibleError as error:
            raise ApplianceError(
                f"Ansible could not run a module on {self.host}, the host in delegate_to: {error.message}",
                f"check the connection and become variables of {self.host}",
            ) from None
        return dict(plain(result))

    def run_command(self, command: str, stdin: bytes) -> Mapping[str, Any]:
        """Run a command. Neither its input nor its output is logged."""
        with self._undisclosed():
            result: Mapping[str, Any] = self.action._low_level_execute_command(command, in_data=stdin)
        return result

    def _is_mitogen(self) -> bool:
        """Return whether Mitogen sends modules and input, by its own channel."""
        return any(base.__module__.partition(".")[0] == "ansible_mitogen" for base in type(self.plugin).mro())

    @contextmanager
    def _undisclosed(self) -> Iterator[None]:
        """Keep what may contain a secret out of all output, the remote log and remote command lines.

        The task's environment would be in the command line of the module process, which has no use for it:
        the options have its values.
        """
        task, context = self.task, self.plugin._play_context
        before = task.no_log, context.no_log, task.environment
        task.no_log = context.no_log = True
        task.environment = []
        try:
            yield
        finally:
            task.no_log, context.no_log, task.environment = before
