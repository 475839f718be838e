# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verbs by which the engine reaches any appliance, whatever its interface."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, NoReturn, Protocol

from .errors import Unsupported
from .resource import Resource
from .shell import Shell

READS = frozenset({"read", "table", "probe", "is_own", "references"})


class Appliance:
    """One appliance. A transport overrides the verbs that its appliance has; the rest raise Unsupported.

    Every verb may raise ApplianceError; a failed read is never an absent object. Values are in the
    appliance's own words, as a Resource translates them. ``version`` is the firmware that it runs, such as
    ``7.4.5``, and ``partition`` the part of it that requests are about if they name none. Each is None until
    an answer has it.
    """

    version: str | None = None
    partition: str | None = None

    def read(self, resource: Resource, key: Any) -> dict[str, Any] | None:
        """Return one object, None if the appliance says that it does not exist."""
        self._refuse(resource, "reads")

    def table(self, resource: Resource) -> list[dict[str, Any]]:
        """Return every object of the kind."""
        self._refuse(resource, "lists")

    def create(self, resource: Resource, key: Any, body: Mapping[str, Any]) -> None:
        """Create an object; the body includes its key."""
        self._refuse(resource, "creates")

    def update(self, resource: Resource, key: Any, body: Mapping[str, Any]) -> None:
        """Change what the body names and leave the rest."""
        self._refuse(resource, "changes")

    def delete(self, resource: Resource, key: Any, raw: Mapping[str, Any] | None = None) -> None:
        """Delete an object; ``raw`` is how it was read, where its key may not be unique."""
        self._refuse(resource, "deletes")

    def mint(self, resource: Resource, key: Any) -> tuple[str, Any]:
        """Have the appliance invent a secret; return it, the only time it can be seen, and its id or None."""
        self._refuse(resource, "mints")

    def probe(self, resource: Resource, key: Any, secret: str) -> tuple[str, int | None]:
        """Try a secret once: valid, invalid or unknown, and the HTTP status of the answer."""
        self._refuse(resource, "tries")

    def holds(self, resource: Resource, option: str, value: str) -> bool | None:
        """Compare a secret with what :meth:`read` found, None where the appliance does not show it."""
        return None

    def is_own(self, resource: Resource, key: Any) -> bool:
        """Say whether the account in use may be this object, or have its rights from it."""
        return False

    def references(self, resource: Resource, key: Any) -> int:
        """Count what on the appliance refers to an object."""
        return 0

    def running(self) -> bool | None:
        """Say whether what the settings belong to is running, None where that is unknown."""
        return None

    def close(self) -> None:
        """End the session, if there is one."""

    def _refuse(self, resource: Resource, verb: str) -> NoReturn:
        raise Unsupported(f"no interface known to this task {verb} the {resource.label}")


class ForwardingAppliance(Appliance, ABC):
    """Passes every verb about an object on; a subclass says where to, and overrides what it does itself."""

    @abstractmethod
    def forward(self, verb: str, resource: Resource, *arguments: Any) -> Any:
        """Carry out one verb elsewhere and return its result."""

    def read(self, resource: Resource, key: Any) -> dict[str, Any] | None:
        row: dict[str, Any] | None = self.forward("read", resource, key)
        return row

    def table(self, resource: Resource) -> list[dict[str, Any]]:
        return list(self.forward("table", resource))

    def create(self, resource: Resource, key: Any, body: Mapping[str, Any]) -> None:
        self.forward("create", resource, key, body)

    def update(self, resource: Resource, key: Any, body: Mapping[str, Any]) -> None:
        self.forward("update", resource, key, body)

    def delete(self, resource: Resource, key: Any, raw: Mapping[str, Any] | None = None) -> None:
        self.forward("delete", resource, key, raw)

    def mint(self, resource: Resource, key: Any) -> tuple[str, Any]:
        value, id_ = self.forward("mint", resource, key)
        return value, id_

    def probe(self, resource: Resource, key: Any, secret: str) -> tuple[str, int | None]:
        verdict, status = self.forward("probe", resource, key, secret)
        return verdict, status

    def holds(self, resource: Resource, option: str, value: str) -> bool | None:
        same: bool | None = self.forward("holds", resource, option, value)
        return same

    def is_own(self, resource: Resource, key: Any) -> bool:
        return bool(self.forward("is_own", resource, key))

    def references(self, resource: Resource, key: Any) -> int:
        return int(self.forward("references", resource, key))


class Route(Protocol):
    """How a transport reaches its appliance."""

    def relay(self, params: dict[str, Any]) -> Appliance | None:
        """Return the appliance by way of the host that the task is delegated to, None for a local one."""

    def shell(self) -> Shell:
        """Return a shell on the appliance itself. Raises InvalidOptions where the task is delegated."""
