# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verbs that the engine uses on every appliance, whatever its interface."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, NoReturn, Protocol

from .errors import Unsupported
from .resource import Resource
from .shell import Shell

READS = frozenset({"read", "table", "search", "capacity", "ask", "probe", "is_own", "references"})


class Appliance:
    """One appliance. A transport overrides the verbs that its appliance has; most others raise Unsupported.

    Every verb may raise ApplianceError. A failed read never means that an object is absent. Values are in the
    appliance's form, which a Resource translates. ``version`` is the firmware version, such as ``7.4.5``, and
    ``partition`` the part of the appliance, such as a VDOM, that handles requests which name none, and
    ``serial`` the serial number of the unit that answered. Each is None before the first answer that includes
    it.
    """

    version: str | None = None
    partition: str | None = None
    serial: str | None = None

    def read(self, resource: Resource, key: Any) -> dict[str, Any] | None:
        """Return one object, None if the appliance reports that it does not exist."""
        self._refuse(resource, "reads")

    def table(self, resource: Resource) -> list[dict[str, Any]]:
        """Return all objects of the kind."""
        self._refuse(resource, "lists")

    def create(self, resource: Resource, key: Any, body: Mapping[str, Any]) -> None:
        """Create an object; the body includes its key."""
        self._refuse(resource, "creates")

    def update(self, resource: Resource, key: Any, body: Mapping[str, Any]) -> None:
        """Change the attributes in the body and keep the others."""
        self._refuse(resource, "changes")

    def delete(self, resource: Resource, key: Any, raw: Mapping[str, Any] | None = None) -> None:
        """Delete an object. ``raw`` is the object as read, for keys that may not be unique."""
        self._refuse(resource, "deletes")

    def search(self, resource: Resource, text: str) -> dict[str, Any]:
        """Return all objects whose key contains a text, and maybe others.

        ``rows`` are the objects, each with its number of references in ``q_ref`` if the appliance counts
        them. ``revision`` is a text that changes with every write of the table, ``date`` the appliance's time
        as in an HTTP header. Each of the two is None if the answer lacks it.
        """
        self._refuse(resource, "searches")

    def capacity(self, resource: Resource, part: str) -> int | None:
        """Return the largest number of rows in a part of an object, None if the appliance states none."""
        self._refuse(resource, "states the limits of")

    def add(self, resource: Resource, key: Any, name: str) -> None:
        """Add one member to a group, and leave the other members alone."""
        self._refuse(resource, "adds members to")

    def remove(self, resource: Resource, key: Any, name: str) -> None:
        """Remove one member from a group, and leave the other members alone."""
        self._refuse(resource, "removes members from")

    def move(self, resource: Resource, key: Any, before: Any) -> None:
        """Move an object of an ordered table to the place before another one."""
        self._refuse(resource, "moves")

    def ask(self, resource: Resource, query: Mapping[str, str]) -> Any:
        """Return what the appliance answers to a question that is about no single object."""
        self._refuse(resource, "answers questions about")

    def mint(self, resource: Resource, key: Any) -> tuple[str, Any]:
        """Let the appliance generate a secret. Return its value, shown only now, and its id or None.

        Refused and Unsupported prove that nothing was generated. Any other error proves nothing.
        """
        self._refuse(resource, "mints")

    def probe(
        self, resource: Resource, key: Any, secret: str, raw: Mapping[str, Any] | None = None
    ) -> tuple[str, int | None]:
        """Try a secret once. Return ``valid``, ``invalid`` or ``unknown``, and the HTTP status or None.

        ``raw`` is the object that the secret belongs to, as read, None if it must be read.
        """
        self._refuse(resource, "tries")

    def holds(self, resource: Resource, option: str, value: str) -> bool | None:
        """Compare a secret with the one that :meth:`read` found, None if the appliance does not show it."""
        return None

    def is_own(self, resource: Resource, key: Any) -> bool:
        """Return whether the account in use may be this object, or may have its rights from it."""
        return False

    def references(self, resource: Resource, key: Any) -> int:
        """Count the objects on the appliance that refer to an object."""
        return 0

    def running(self) -> bool | None:
        """Return whether the component with these settings is running, None if unknown."""
        return None

    def close(self) -> None:
        """Log out, if logged in."""

    def _refuse(self, resource: Resource, verb: str) -> NoReturn:
        raise Unsupported(
            f"no interface known to this task {verb} the {resource.label}",
            "use a transport or an endpoint map that does",
        )


class ForwardingAppliance(Appliance, ABC):
    """Forwards every verb about an object. A subclass defines where to, and overrides its own verbs."""

    @abstractmethod
    def forward(self, verb: str, resource: Resource, *arguments: Any) -> Any:
        """Carry out one verb on the other side and return its result."""

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

    def search(self, resource: Resource, text: str) -> dict[str, Any]:
        return dict(self.forward("search", resource, text))

    def capacity(self, resource: Resource, part: str) -> int | None:
        number: int | None = self.forward("capacity", resource, part)
        return number

    def add(self, resource: Resource, key: Any, name: str) -> None:
        self.forward("add", resource, key, name)

    def remove(self, resource: Resource, key: Any, name: str) -> None:
        self.forward("remove", resource, key, name)

    def move(self, resource: Resource, key: Any, before: Any) -> None:
        self.forward("move", resource, key, before)

    def ask(self, resource: Resource, query: Mapping[str, str]) -> Any:
        return self.forward("ask", resource, query)

    def mint(self, resource: Resource, key: Any) -> tuple[str, Any]:
        value, id_ = self.forward("mint", resource, key)
        return value, id_

    def probe(
        self, resource: Resource, key: Any, secret: str, raw: Mapping[str, Any] | None = None
    ) -> tuple[str, int | None]:
        verdict, status = self.forward("probe", resource, key, secret, raw)
        return verdict, status

    def holds(self, resource: Resource, option: str, value: str) -> bool | None:
        same: bool | None = self.forward("holds", resource, option, value)
        return same

    def is_own(self, resource: Resource, key: Any) -> bool:
        return bool(self.forward("is_own", resource, key))

    def references(self, resource: Resource, key: Any) -> int:
        return int(self.forward("references", resource, key))


class Route(Protocol):
    """The way from a transport to its appliance."""

    def relay(self, params: dict[str, Any]) -> Appliance | None:
        """Return the appliance as reached from the host in ``delegate_to``, None if that is local."""

    def shell(self) -> Shell:
        """Return a shell on the appliance itself. Raises InvalidOptions if the task is delegated."""
