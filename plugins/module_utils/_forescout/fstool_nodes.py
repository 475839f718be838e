# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commands on the nodes of a Forescout platform, and the meaning of their exit codes.

Ansible's connection runs commands on the platform itself, and from there they reach its managed appliances.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from .._engine.errors import ApplianceError, Unreachable, Unsupported
from .._engine.shell import CommandResult, Shell, words

EM = "em"
# Exit codes of timeout and the shell for a command that did not run to its end.
TIMED_OUT, NOT_FOUND = 124, 127
# 255 means a lost SSH connection or a Perl program that died. To tell them apart, both get another code.
LOST, DIED, NOT_CONNECTED = 255, 254, 253


class Nodes:
    """The nodes of one platform, on which commands run."""

    def __init__(self, shell: Shell, params: Mapping[str, Any]) -> None:
        self.shell = shell
        self.fstool_path = str(params["fstool_path"])
        self.seconds = int(params["timeout"])
        self.connect_seconds = int(params["connect_timeout"])

    def fstool(self, node: str, *arguments: str) -> CommandResult:
        """Run ``fstool`` on a node, and return its result even if it fails."""
        return self.run(node, self.call(*arguments), self.seconds)

    def on_each(self, *arguments: str) -> dict[str, str]:
        """Run ``fstool`` on every managed appliance, and return the output of each by its address."""
        command = self.call("oneach", self.fstool_path, *arguments)
        try:
            return by_node(self.done(EM, "querying every node", command).out)
        except Unreachable as error:
            raise Unreachable(
                f"{error.why} (fstool oneach waits for every appliance)", error.remedy
            ) from None

    def call(self, *arguments: str) -> str:
        """Return the command line that calls ``fstool``."""
        return words(self.fstool_path, *arguments)

    def done(self, node: str, attempt: str, script: str, stdin: str = "") -> CommandResult:
        """Run a script. Raises ApplianceError if it fails."""
        answer = self.run(node, script, self.seconds, stdin)
        self.expect(node, answer, attempt)
        return answer

    def run(self, node: str, script: str, seconds: int, stdin: str = "") -> CommandResult:
        """Run a script on a node. Raises Unreachable if it did not run to its end."""
        command, as_code = words("sh", "-c", script), DIED
        if node != EM:
            options = f"-o BatchMode=yes -o ConnectTimeout={self.connect_seconds}"
            command, as_code = f"ssh {options} {words(node, _without_lost(command, DIED))}", NOT_CONNECTED
        answer = self.shell.run(_without_lost(f"timeout {seconds} {command}", as_code), stdin)
        if answer.code == TIMED_OUT:
            raise Unreachable(
                f"a command on {node} did not end within {seconds} seconds",
                "check the node, or increase timeout",
            )
        if answer.code == NOT_CONNECTED and node != EM:
            raise Unreachable(
                f"the platform's own ssh did not reach {node} ({answer.said})",
                f"check ssh on the platform, or add {node} to the inventory as a host of its own",
            )
        return answer

    def expect(self, node: str, answer: CommandResult, attempt: str) -> None:
        """Raise ApplianceError if a command failed."""
        if answer.code == NOT_FOUND:
            raise Unsupported(
                f"on {node} a command was not found ({answer.said})",
                "check that this is a Forescout platform, and set fstool_path",
            )
        if answer.code != 0:
            raise ApplianceError(
                f"on {node} {attempt} failed with exit code {answer.code} ({answer.said})",
                "check the command's message, and run again",
            )


def by_node(text: str) -> dict[str, str]:
    """Split the output of ``fstool oneach`` by the addresses of the nodes.

    Two layouts were observed: every line begins with the address, or a line with the address comes first.
    """
    found: dict[str, list[str]] = {}
    node = ""
    for line in text.splitlines():
        address, colon, rest = line.strip().partition(": ")
        address = address if colon else address.rstrip(":")
        if is_address(address) and (colon or line.rstrip().endswith(":")):
            node = address
            found.setdefault(node, []).extend([rest] if rest else [])
        elif node:
            found[node].append(line)
    return {name: "\n".join(lines) for name, lines in found.items()}


def is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _without_lost(command: str, code: int) -> str:
    """Return a command line that never exits with the code of a lost connection."""
    return f"{command}; code=$?; [ $code -ne {LOST} ] || code={code}; exit $code"
