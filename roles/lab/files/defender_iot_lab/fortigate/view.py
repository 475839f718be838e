# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of FortiOS tables in a read: hidden values, and the effect of the query's options."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.datastructures import QueryParams

from .access import Keys
from .device import FortiGateOptions
from .schema import GROUPS_WITH_CHILDREN
from .tables.attribute import Row
from .tables.kinds import Rows, Text
from .tables.query import formatted, selected
from .tables.table import Table

KEY_MASK = "ENC XXXX"
OPPOSITE = {"ipv4-trusthost": "ipv6-trusthost", "ipv6-trusthost": "ipv4-trusthost"}


@dataclass(frozen=True)
class View:
    """The result of one query of one table.

    `references` counts the uses of a row. `exists` takes a datasource and a name.
    """

    table: Table
    query: QueryParams
    options: FortiGateOptions
    keys: Keys
    references: Callable[[str], int]
    exists: Callable[[str, str], bool]

    def selected(self, rows: list[Row]) -> list[Row]:
        """Return the rows that a query selects, with the attributes that it selects."""
        found = selected([self.shown(row) for row in rows], self.query)
        return [formatted(row, self.query) for row in found]

    def shown(self, row: Row) -> Row:
        """Return a row in the form that a query selects."""
        if "trusthost" in row:
            self._hide_key(row)
            self._hide_families(row)
        if self._asks("skip"):
            _skip(row)
        if self._asks("datasource"):
            self._name_datasources(row)
        if self._asks("exclude-default-values"):
            row = self._without_defaults(row)
        return row | (self._meta(row) if self._asks("with_meta") else {})

    def _asks(self, name: str) -> bool:
        return self.query.get(name, "").lower() in ("1", "true")

    def _hide_key(self, row: Row) -> None:
        if row["name"] in self.keys.by_admin or self.options.api_key_mask_before_first_key == "masked":
            row["api-key"] = KEY_MASK
        else:
            del row["api-key"]

    def _hide_families(self, row: Row) -> None:
        if not self.options.opposite_family or self._asks("skip"):
            for host in row["trusthost"]:
                del host[OPPOSITE[host["type"]]]

    def _without_defaults(self, row: Row) -> Row:
        defaults = self.table.defaults()
        defaults.pop(self.table.schema.key)
        return {name: value for name, value in row.items() if name not in defaults or value != defaults[name]}

    def _name_datasources(self, row: Row) -> None:
        """Add the table of each row of a child table (seen in a body that the web interface sent)."""
        for name, attribute in self.table.attributes.items():
            key = attribute.children[attribute.key] if isinstance(attribute, Rows) else None
            if isinstance(key, Text) and key.datasources and name in row:
                row[name] = [self._with_datasource(each, key.datasources) for each in row[name]]

    def _with_datasource(self, row: Row, datasources: tuple[str, ...]) -> Row:
        found = next(each for each in datasources if self.exists(each, row["name"]))
        return {**row, "datasource": found.rpartition(".")[0]}

    def _meta(self, row: Row) -> Row:
        """Return the metadata of a row (names and order seen in a body that the web interface sent)."""
        schema = self.table.schema
        key = str(row[schema.key])
        return {
            "q_ref": self.references(key),
            "q_static": key in schema.static,
            "q_no_rename": False,
            "q_global_entry": False,
            **({} if schema.number is None else {"q_type": schema.number}),
            "q_path": schema.path,
            "q_name": schema.name,
            "q_mkey_type": schema.key_type,
            "q_no_edit": False,
        }


def _skip(row: Row) -> None:
    """Remove what does not apply: permissions of groups that are not custom, a disabled override."""
    for group in GROUPS_WITH_CHILDREN:
        if row.get(group) != "custom":
            row.pop(f"{group}-permission", None)
    if row.get("admintimeout-override") == "disable":
        row.pop("admintimeout", None)
