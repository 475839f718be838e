# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An appliance that only another host can reach: each verb is one module process there.

Private to this collection: may change at any time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ...module_utils._engine.appliance import Appliance
from ...module_utils._engine.errors import ApplianceError
from ...module_utils._engine.resource import Resource
from ...module_utils._module.remote import raise_packed


class RelayedAppliance(Appliance):
    """The verbs on an appliance, carried out on the host that the task is delegated to."""

    def __init__(self, call: Callable[[str, str, list[Any]], Mapping[str, Any]]) -> None:
        """Take what runs one verb, about one kind of object, on the far host."""
        self.call = call

    def read(self, resource: Resource, key: Any) -> Any:
        """Return one object, None where there is none."""
        return self._reply(resource, "read", key)

    def table(self, resource: Resource) -> Any:
        """Return every object of the kind."""
        return self._reply(resource, "table")

    def create(self, resource: Resource, key: Any, body: Mapping[str, Any]) -> None:
        """Create an object."""
        self._reply(resource, "create", key, body)

    def update(self, resource: Resource, key: Any, body: Mapping[str, Any]) -> None:
        """Change an object."""
        self._reply(resource, "update", key, body)

    def delete(self, resource: Resource, key: Any, raw: Mapping[str, Any] | None = None) -> None:
        """Delete an object."""
        self._reply(resource, "delete", key, raw)

    def mint(self, resource: Resource, key: Any) -> tuple[str, Any]:
        """Have a secret minted and return it with its id."""
        value, id_ = self._reply(resource, "mint", key)
        return value, id_

    def probe(self, resource: Resource, key: Any, secret: str) -> tuple[str, int | None]:
        """Try a secret from the far host."""
        verdict, status = self._reply(resource, "probe", key, secret)
        return verdict, status

    def is_own(self, resource: Resource, key: Any) -> bool:
        """Say whether the account in use may be this object."""
        return bool(self._reply(resource, "is_own", key))

    def references(self, resource: Resource, key: Any) -> int:
        """Count what on the appliance refers to an object."""
        return int(self._reply(resource, "references", key))

    def _reply(self, resource: Resource, verb: str, *arguments: Any) -> Any:
        result = self.call(verb, resource.kind, list(arguments))
        if "error" in result:
            raise_packed(result["error"])
        if "reply" not in result:
            raise ApplianceError(f"the host that the task is delegated to could not do it: {_why(result)}")
        self.version = result.get("version")
        return result["reply"]


def _why(result: Mapping[str, Any]) -> str:
    return str(result.get("msg") or result.get("module_stderr") or "it gave no reason").strip()
