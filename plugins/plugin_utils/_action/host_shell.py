# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shell of the host that a task is about, over the connection that Ansible has for it.

Private to this collection: may change at any time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible.errors import AnsibleConnectionFailure, AnsibleError

from ...module_utils._engine.errors import InvalidOptions, Refused, Unreachable
from ...module_utils._engine.shell import CommandResult

if TYPE_CHECKING:
    from .appliance import ApplianceAction


class HostShell:
    """Runs commands with the user's keys, jump hosts and become. Nothing is installed on the host."""

    def __init__(self, action: ApplianceAction, appliance: str) -> None:
        """Take the action, whose connection is used with the first command, and the inventory host."""
        self.action = action
        self.host = appliance

    def refuse_delegation(self) -> None:
        """Raise InvalidOptions for a task delegated to another host, on which the commands would run."""
        other = self.action._task.delegate_to
        if other not in (None, self.host):
            raise InvalidOptions(
                f"its commands run on {self.host} itself, over Ansible's own connection to it, so the task "
                f"cannot be delegated to {other}; leave delegate_to out, and lead the connection through a "
                "jump host if it needs one (ansible_ssh_common_args: -o ProxyJump=HOST)"
            )

    def run(self, command: str, stdin: str = "") -> CommandResult:
        """Run one command; neither its input nor its output is logged."""
        # With input there is no terminal, which would mix both streams and change the line ends.
        fed = (stdin or "\n").encode()
        try:
            with self.action.without_log():
                ended = self.action._low_level_execute_command(command, in_data=fed)
        except AnsibleConnectionFailure:
            raise Unreachable(
                "it cannot be reached by Ansible's own connection to it; to see why, run "
                f"ansible {self.host} -m ansible.builtin.raw -a true"
            ) from None
        except AnsibleError as error:
            raise Refused(f"Ansible could not run a command there: {error.message}") from None
        return CommandResult(int(ended["rc"]), str(ended["stdout"]), str(ended["stderr"]))
