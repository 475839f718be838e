# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commands on the nodes of a Forescout platform: how one is run on each, and what its end means.

The platform itself runs a command over the connection that Ansible has for it; its managed appliances are
reached from there.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from .._engine.errors import ApplianceError, Unreachable, Unsupported
from .._engine.shell import CommandResult, Shell, words

EM = "em"
# How the programs that run a command for us say that it did not come to its end.
TIMED_OUT, NOT_FOUND = 124, 127
# With 255 an SSH client says that it is not connected, but a Perl program that it died: they are kept apart.
LOST, DIED, NOT_CONNECTED = 255, 254, 253


class Nodes:
    """The nodes of one platform, as places in which commands run."""

    def __init__(self, shell: Shell, params: Mapping[str, Any]) -> None:
        """Take the shell of the host that the task is about, and the validated options."""
        self.shell = shell
        self.fstool_path = str(params["fstool_path"])
        self.seconds = int(params["timeout"])
        self.connect_seconds = int(params["connect_timeout"])

    def fstool(self, node: str, *arguments: str) -> CommandResult:
        """Run ``fstool`` on a node, whatever it says."""
        return self.run(node, self.call(*arguments), self.seconds)

    def on_each(self, *arguments: str) -> dict[str, str]:
        """Run ``fstool`` on every managed appliance and return what each said."""
        command = self.call("oneach", self.fstool_path, *arguments)
        try:
            return by_node(self.done(EM, "asking every node", command).out)
        except Unreachable as error:
            raise Unreachable(
                f"fstool oneach, which waits for every appliance: {error.why}", error.remedy
            ) from None

    def call(self, *arguments: str) -> str:
        """Return the command line that calls ``fstool``."""
        return words(self.fstool_path, *arguments)

    def done(self, node: str, attempt: str, script: str, stdin: str = "") -> CommandResult:
        """Run a script that has to succeed. Raises ApplianceError where it does not."""
        answer = self.run(node, script, self.seconds, stdin)
        self.expect(node, answer, attempt)
        return answer

    def run(self, node: str, script: str, seconds: int, stdin: str = "") -> CommandResult:
        """Run a script on a node. Raises ApplianceError where it did not come to its own end."""
        command, as_code = words("sh", "-c", script), DIED
        if node != EM:
            options = f"-o BatchMode=yes -o ConnectTimeout={self.connect_seconds}"
            command, as_code = f"ssh {options} {words(node, _without_lost(command, DIED))}", NOT_CONNECTED
        answer = self.shell.run(_without_lost(f"timeout {seconds} {command}", as_code), stdin)
        if answer.code == TIMED_OUT:
            raise Unreachable(f"{node} did not come to an end with a command within {seconds} seconds")
        if answer.code == NOT_CONNECTED and node != EM:
            raise Unreachable(
                f"the platform's own ssh did not reach {node} ({answer.said}); or make {node} an "
                "inventory host of its own"
            )
        return answer

    def expect(self, node: str, answer: CommandResult, attempt: str) -> None:
        """Raise ApplianceError where a command has failed."""
        if answer.code == NOT_FOUND:
            raise Unsupported(
                f"on {node} a command was not found ({answer.said}): is this a Forescout platform, and is "
                "fstool_path right?"
            )
        if answer.code != 0:
            raise ApplianceError(f"on {node} {attempt} ended with {answer.code}: {answer.said}")


def by_node(text: str) -> dict[str, str]:
    """Split what ``fstool oneach`` prints by the addresses of the nodes.

    Two layouts were observed: each line begins with the address, or a line with the address comes first.
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
    """Say whether a text is an IP address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _without_lost(command: str, code: int) -> str:
    """Return a command line that never ends with the code of a lost connection."""
    return f"{command}; code=$?; [ $code -ne {LOST} ] || code={code}; exit $code"
