# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An appliance behind the delegation host: each verb is one module process there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ...module_utils._engine.appliance import ForwardingAppliance
from ...module_utils._engine.errors import ApplianceError
from ...module_utils._engine.resource import Resource
from ...module_utils._module.remote import raise_packed


class RelayedAppliance(ForwardingAppliance):
    """The verbs on an appliance, carried out on the delegation host.

    ``call`` runs a verb on a kind of object with its arguments, and returns the module's result.
    """

    def __init__(self, call: Callable[[str, str, list[Any]], Mapping[str, Any]]) -> None:
        self.call = call

    def forward(self, verb: str, resource: Resource, *arguments: Any) -> Any:
        """Carry out one verb in a module process. Raises the error that the process has packed."""
        result = self.call(verb, resource.kind, list(arguments))
        if "error" in result:
            raise_packed(result["error"])
        if "reply" not in result:
            raise ApplianceError(
                f"the module process on the delegation host failed: {_why(result)}",
                "check the Python interpreter and its packages there, and run again",
            )
        self.version, self.partition = result.get("version"), result.get("partition")
        return result["reply"]

    def holds(self, resource: Resource, option: str, value: str) -> None:
        """Return None: each verb has its own process, so none knows what an earlier verb read."""


def _why(result: Mapping[str, Any]) -> str:
    return str(result.get("msg") or result.get("module_stderr") or "it printed no reason").strip()
