# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths below an object, such as `api-user/NAME/trusthost/ID`: a part of it is read or written by itself.

Paths and verbs are those of the vendor's own modules; what a write answers as `mkey` is assumed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .attribute import Group, Refusal, Row, Rows, Rules
from .table import Table


@dataclass(frozen=True)
class Part:
    """An attribute of one row that has rows or children of its own; `child_key` names one of its rows."""

    table: Table
    key: str
    name: str
    child_key: str | None

    @property
    def attribute(self) -> Group | Rows:
        """The attribute, or a refusal where there is none, or none that has parts."""
        attribute = self.table.attributes.get(self.name)
        if not isinstance(attribute, (Group, Rows)) or (isinstance(attribute, Group) and self.child_key):
            raise Refusal(status=404)
        return attribute

    def of(self, row: Row) -> Any:
        """Return the part of a row as it reads back: an object, or a list even for one of its rows."""
        attribute = self.attribute
        if isinstance(attribute, Group):
            return row.get(self.name, {})
        return self._meant(attribute, row.get(self.name, []))

    def write(self, method: str, body: Row, rules: Rules) -> str:
        """Change the part and return its key: of the row written, or of the whole object."""
        attribute = self.attribute
        if isinstance(attribute, Group):
            _require(method == "PUT")
            self.table.update(self.key, {self.name: body}, rules)
            return self.key
        have = self.table.rows[self.key][self.name]
        self.table.update(self.key, {self.name: self._changed(attribute, have, method, body)}, rules)
        return self.child_key or str(self.table.rows[self.key][self.name][-1][attribute.key])

    def _changed(self, attribute: Rows, have: list[Row], method: str, body: Row) -> list[Row]:
        if method == "POST":
            _require(self.child_key is None)
            return [*have, body]
        _require(self.child_key is not None)
        (meant,) = self._meant(attribute, have)
        position = have.index(meant)
        change = [] if method == "DELETE" else [{**meant, **body, attribute.key: meant[attribute.key]}]
        return [*have[:position], *change, *have[position + 1 :]]

    def _meant(self, attribute: Rows, rows: list[Row]) -> list[Row]:
        """Return the rows that the path names: all, or the one with its key."""
        if self.child_key is None:
            return rows
        meant = [row for row in rows if str(row[attribute.key]) == self.child_key]
        if not meant:
            raise Refusal(status=404, revision=self.table.revision)
        return meant


def _require(allowed: bool) -> None:
    if not allowed:
        raise Refusal(status=405)
