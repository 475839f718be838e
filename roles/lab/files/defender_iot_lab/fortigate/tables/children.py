# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths below an object, such as `api-user/NAME/trusthost/ID`, which read or write a part of it.

Paths and methods are those of the vendor's own modules. The `mkey` in the answer to a write is assumed.
Unknown behaviour of lists of names has options: `member_put`, `member_twice`, `absent_member`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .attribute import Row, Rules
from .kinds import Group, Names, Rows
from .refusal import Refusal
from .table import Table


@dataclass(frozen=True)
class Part:
    """An attribute of one row, with its own rows or children. `child_key` selects one of these rows."""

    table: Table
    key: str
    name: str
    child_key: str | None

    @property
    def attribute(self) -> Group | Rows:
        """The attribute. Raises Refusal if it does not exist or has no parts."""
        attribute = self.table.attributes.get(self.name)
        if not isinstance(attribute, (Group, Rows)) or (isinstance(attribute, Group) and self.child_key):
            raise Refusal(status=404)
        return attribute

    def of(self, row: Row) -> Any:
        """Return the part of a row in a read: an object, or a list, even for a single row."""
        attribute = self.attribute
        if isinstance(attribute, Group):
            return row.get(self.name, {})
        return self._selected(attribute, row.get(self.name, []))

    def write(self, method: str, body: Row, rules: Rules) -> str:
        """Change the part. Return the key of the written row, or of the whole object."""
        attribute = self.attribute
        if isinstance(attribute, Group):
            _require(method == "PUT")
            self.table.update(self.key, {self.name: body}, rules)
            return self.key
        have = self.table.rows[self.key][self.name]
        value = self._changed(attribute, have, method, body, rules)
        self.table.write_part(self.key, self.name, value, method, rules)
        return self.child_key or str(body.get(attribute.key) or self._last(attribute))

    def _last(self, attribute: Rows) -> Any:
        return self.table.rows[self.key][self.name][-1][attribute.key]

    def _changed(self, attribute: Rows, have: list[Row], method: str, body: Row, rules: Rules) -> list[Row]:
        if method == "POST":
            return self._added(attribute, have, body, rules)
        _require(self.child_key is not None)
        if method == "DELETE":
            return self._removed(attribute, have, rules)
        (selected,) = self._selected(attribute, have)
        _require(not isinstance(attribute, Names) or rules.member_put != 405)
        changed = {**selected, **body, attribute.key: selected[attribute.key]}
        return [changed if row is selected else row for row in have]

    def _added(self, attribute: Rows, have: list[Row], body: Row, rules: Rules) -> list[Row]:
        _require(self.child_key is None)
        accepts_twice = isinstance(attribute, Names) and rules.member_twice == 200
        if accepts_twice and any(row["name"] == body.get("name") for row in have):
            return have
        return [*have, body]

    def _removed(self, attribute: Rows, have: list[Row], rules: Rules) -> list[Row]:
        if not isinstance(attribute, Names) or rules.absent_member != 200:
            self._selected(attribute, have)
        return [row for row in have if str(row[attribute.key]) != self.child_key]

    def _selected(self, attribute: Rows, rows: list[Row]) -> list[Row]:
        """Return the rows that the path selects: all, or the one with its key."""
        if self.child_key is None:
            return rows
        selected = [row for row in rows if str(row[attribute.key]) == self.child_key]
        if not selected:
            raise Refusal(status=404, revision=self.table.revision)
        return selected


def _require(allowed: bool) -> None:
    if not allowed:
        raise Refusal(status=405)
