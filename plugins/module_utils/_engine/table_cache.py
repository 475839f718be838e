# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An appliance that reads each table only once, for a task with many steps."""

from __future__ import annotations

from typing import Any

from .appliance import Appliance, ForwardingAppliance
from .resource import Resource


class TableCache(ForwardingAppliance):
    """Reads each table of an appliance once. Reads an object again after it was written."""

    def __init__(self, appliance: Appliance) -> None:
        self.appliance = appliance
        self.rows: dict[str, dict[Any, dict[str, Any]]] = {}
        self.written: set[tuple[str, Any]] = set()

    @property
    def version(self) -> str | None:  # type: ignore[override]
        return self.appliance.version

    @property
    def partition(self) -> str | None:  # type: ignore[override]
        return self.appliance.partition

    @property
    def serial(self) -> str | None:  # type: ignore[override]
        return self.appliance.serial

    def forward(self, verb: str, resource: Resource, *arguments: Any) -> Any:
        if verb in ("create", "update", "delete"):
            self.written.add((resource.path, arguments[0]))
        return getattr(self.appliance, verb)(resource, *arguments)

    def read(self, resource: Resource, key: Any) -> dict[str, Any] | None:
        """Return one object, from the cached table unless it was written since."""
        rows = self._rows(resource)
        if (resource.path, key) in self.written:
            self.written.discard((resource.path, key))
            rows.pop(key, None)
            row = self.appliance.read(resource, key)
            if row is not None:
                rows[key] = row
        return rows.get(key)

    def table(self, resource: Resource) -> list[dict[str, Any]]:
        return list(self._rows(resource).values())

    def _rows(self, resource: Resource) -> dict[Any, dict[str, Any]]:
        if resource.path not in self.rows:
            key = resource.fields[resource.key].wire
            self.rows[resource.path] = {row.get(key): row for row in self.appliance.table(resource)}
        return self.rows[resource.path]
