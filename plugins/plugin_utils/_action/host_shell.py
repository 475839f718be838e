# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shell of the host that a task is about, over the connection that Ansible has for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleConnectionFailure, AnsibleError

from ...module_utils._engine.errors import Refused, Unreachable
from ...module_utils._engine.shell import CommandResult


class HostShell:
    """Runs commands with the user's keys, jump hosts and become. Nothing is installed on the host."""

    def __init__(self, execute: Callable[[str, bytes], Mapping[str, Any]], host: str) -> None:
        """Take what runs a command over Ansible's connection and logs nothing, and the inventory host."""
        self.execute = execute
        self.host = host

    def run(self, command: str, stdin: str = "") -> CommandResult:
        """Run one command; neither its input nor its output is logged."""
        # With input there is no terminal, which would mix both streams and change the line ends.
        fed = (stdin or "\n").encode()
        try:
            ended = self.execute(command, fed)
        except AnsibleConnectionFailure:
            raise Unreachable(
                "it cannot be reached by Ansible's own connection to it; to see why, run "
                f"ansible {self.host} -m ansible.builtin.raw -a true"
            ) from None
        except AnsibleError as error:
            raise Refused(f"Ansible could not run a command there: {error.message}") from None
        return CommandResult(int(ended["rc"]), str(ended["stdout"]), str(ended["stderr"]))
