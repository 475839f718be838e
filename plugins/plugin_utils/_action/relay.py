# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An appliance behind the delegation host: each verb is one module process there."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from ansible.module_utils.common.parameters import remove_values

from ...module_utils._engine.appliance import ForwardingAppliance
from ...module_utils._engine.errors import ApplianceError
from ...module_utils._engine.resource import Resource
from ...module_utils._module.remote import raise_packed

PRINTED = ("msg", "module_stderr", "module_stdout")
LONGEST_PART = 300
OF_SSH = re.compile(r"debug\d: |OpenSSH_|Transferred: |Bytes per second: |.*onnection to \S+ closed")
"""Lines that OpenSSH adds to the output of a command, depending on Ansible's verbosity."""


class RelayedAppliance(ForwardingAppliance):
    """The verbs on an appliance, carried out on the delegation host.

    ``call`` runs a verb on a kind of object with its arguments, and returns the module's result. ``hidden``
    are the values that no output may show.
    """

    def __init__(
        self, call: Callable[[str, str, list[Any]], Mapping[str, Any]], hidden: Collection[str] = ()
    ) -> None:
        self.hidden = hidden
        self.call = call

    def forward(self, verb: str, resource: Resource, *arguments: Any) -> Any:
        """Carry out one verb in a module process. Raises the error that the process has packed."""
        result = self.call(verb, resource.kind, list(arguments))
        if "error" in result:
            raise_packed(result["error"])
        if "reply" not in result:
            raise ApplianceError(
                f"the module process on the delegation host failed: {self._why(result)}",
                "check the Python interpreter and its packages there, and run again",
            )
        self.version, self.partition = result.get("version"), result.get("partition")
        self.serial = result.get("serial")
        return result["reply"]

    def holds(self, resource: Resource, option: str, value: str) -> None:
        """Return None: each verb has its own process, so none knows what an earlier verb read."""

    def _why(self, result: Mapping[str, Any]) -> str:
        """Return the message and the end of both outputs, without a reply, which may contain a secret."""
        texts = [remove_values(str(result.get(name) or ""), self.hidden) for name in PRINTED]
        message, *outputs = (text.strip() for text in texts)
        parts = [message.partition("\n")[0], *(_last_line(output.partition("{")[0]) for output in outputs)]
        reason = ": ".join(dict.fromkeys(filter(None, map(_printable, parts)))) or "it printed no reason"
        return f"{reason} (exit code {result['rc']})" if result.get("rc") else reason


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip() and not OF_SSH.match(line)]
    return lines[-1].strip() if lines else ""


def _printable(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable())[:LONGEST_PART].rstrip(" .")
