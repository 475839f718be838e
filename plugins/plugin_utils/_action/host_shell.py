# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A shell on the inventory host, over Ansible's own connection."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleConnectionFailure, AnsibleError

from ...module_utils._engine.errors import Refused, Unreachable
from ...module_utils._engine.shell import CommandResult

# The ssh client writes to the same stream as the command: warnings before it, and at -vvv also during it.
BEGIN = "defender-iot: stderr of the command"
CLIENT_LOG = re.compile(r"^debug\d: .*\n?", re.MULTILINE)


class HostShell:
    """Runs commands with the operator's keys, jump hosts and become settings. Installs nothing there."""

    def __init__(self, execute: Callable[[str, bytes], Mapping[str, Any]], host: str) -> None:
        self.execute = execute
        self.host = host

    def run(self, command: str, stdin: str = "") -> CommandResult:
        """Run one command. Neither its input nor its output is logged."""
        # With input, Ansible requests no terminal, which would merge both streams and change line ends.
        try:
            result = self.execute(f"echo '{BEGIN}' >&2; {command}", (stdin or "\n").encode())
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
        return CommandResult(int(result["rc"]), str(result["stdout"]), _of_command(str(result["stderr"])))


def _of_command(stderr: str) -> str:
    """Return what the command itself wrote to stderr, or everything if it did not start."""
    client, begin, command = stderr.partition(f"{BEGIN}\n")
    return CLIENT_LOG.sub("", command if begin else client)
