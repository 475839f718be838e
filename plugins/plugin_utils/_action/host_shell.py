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

# The ssh client writes to the same stream: warnings before the command, with -v its log and statistics too.
BEGIN, END = "defender-iot: begin of stderr", "defender-iot: end of stderr"
LOG = re.compile(r"debug\d: [^\r\n]*\r?\n?")


class HostShell:
    """Runs commands with the operator's keys, jump hosts and become settings. Installs nothing there."""

    def __init__(self, execute: Callable[[str, bytes], Mapping[str, Any]], host: str) -> None:
        self.execute = execute
        self.host = host

    def run(self, command: str, stdin: str = "") -> CommandResult:
        """Run one command. Neither its input nor its output is logged."""
        # With input, Ansible requests no terminal, which would merge both streams and change line ends.
        try:
            result = self.execute(_marked(command), (stdin or "\n").encode())
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
        out, err = str(result["stdout"]), str(result["stderr"])
        if BEGIN in out:
            raise Refused(
                "the SSH connection has a terminal, which merges both outputs of a command",
                "remove -t from the SSH arguments of the host, and RequestTTY from the SSH configuration",
            )
        return CommandResult(int(result["rc"]), out, _of_command(err))


def _marked(command: str) -> str:
    """Return a command line that marks where the command's own stderr begins and ends."""
    return f"echo '{BEGIN}' >&2; ({command}); code=$?; echo '{END}' >&2; exit $code"


def _of_command(stderr: str) -> str:
    """Return what the command itself wrote to stderr, or everything if it did not start."""
    client, begin, rest = stderr.partition(f"{BEGIN}\n")
    return LOG.sub("", rest.partition(END)[0] if begin else client)
