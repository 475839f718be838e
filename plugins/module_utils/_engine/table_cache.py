# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An appliance for a task of many steps: each table is read once.

Pure: standard library only. Private to this collection: may change at any time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .appliance import Appliance
from .resource import Resource


class TableCache(Appliance):
    """The verbs on another appliance. An object that was written is read again by itself, once."""

    def __init__(self, api: Appliance) -> None:
        """Take the appliance; nothing is read yet."""
        self.api = api
        self.rows: dict[str, dict[Any, dict[str, Any]]] = {}
        self.written: set[tuple[str, Any]] = set()

    @property
    def version(self) -> str | None:  # type: ignore[override]
        """Return the firmware that the appliance runs, None until an answer has told it."""
        return self.api.version

    def read(self, resource: Resource, key: Any) -> dict[str, Any] | None:
        """Return one object, from its table unless it was written since."""
        rows = self._rows(resource)
        if (resource.path, key) in self.written:
            self.written.discard((resource.path, key))
            rows.pop(key, None)
            row = self.api.read(resource, key)
            if row is not None:
                rows[key] = row
        return rows.get(key)

    def table(self, resource: Resource) -> list[dict[str, Any]]:
        """Return every object of the kind."""
        return list(self._rows(resource).values())

    def create(self, resource: Resource, key: Any, body: Mapping[str, Any]) -> None:
        """Create an object."""
        self.written.add((resource.path, key))
        self.api.create(resource, key, body)

    def update(self, resource: Resource, key: Any, body: Mapping[str, Any]) -> None:
        """Change an object."""
        self.written.add((resource.path, key))
        self.api.update(resource, key, body)

    def delete(self, resource: Resource, key: Any, raw: Mapping[str, Any] | None = None) -> None:
        """Delete an object."""
        self.written.add((resource.path, key))
        self.api.delete(resource, key, raw)

    def mint(self, resource: Resource, key: Any) -> tuple[str, Any]:
        """Have a secret minted."""
        return self.api.mint(resource, key)

    def probe(self, resource: Resource, key: Any, secret: str) -> tuple[str, int | None]:
        """Try a secret."""
        return self.api.probe(resource, key, secret)

    def is_own(self, resource: Resource, key: Any) -> bool:
        """Say whether the account in use may be this object."""
        return self.api.is_own(resource, key)

    def references(self, resource: Resource, key: Any) -> int:
        """Count what on the appliance refers to an object."""
        return self.api.references(resource, key)

    def _rows(self, resource: Resource) -> dict[Any, dict[str, Any]]:
        if resource.path not in self.rows:
            key = resource.fields[resource.key].wire
            self.rows[resource.path] = {row.get(key): row for row in self.api.table(resource)}
        return self.rows[resource.path]
