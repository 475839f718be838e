# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A shell on the inventory host, over Ansible's own connection."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleConnectionFailure, AnsibleError

from ...module_utils._engine.errors import Refused, Unreachable
from ...module_utils._engine.shell import CommandResult


class HostShell:
    """Runs commands with the operator's keys, jump hosts and become settings. Installs nothing there."""

    def __init__(self, execute: Callable[[str, bytes], Mapping[str, Any]], host: str) -> None:
        self.execute = execute
        self.host = host

    def run(self, command: str, stdin: str = "") -> CommandResult:
        """Run one command. Neither its input nor its output is logged."""
        # With input, Ansible requests no terminal, which would merge both streams and change line ends.
        try:
            result = self.execute(command, (stdin or "\n").encode())
        except AnsibleConnectionFailure:
            raise Unreachable(
                "Ansible's own connection to it failed",
                f"run ansible {self.host} -m ansible.builtin.raw -a true to see why",
            ) from None
        except AnsibleError as error:
            raise Refused(
                f"Ansible could not run a command on it: {error.message}",
                "check the connection and become variables of the host",
            ) from None
        return CommandResult(int(result["rc"]), str(result["stdout"]), str(result["stderr"]))
