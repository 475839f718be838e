# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CMDB tables. Each write of a row takes effect as a whole or not at all."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from typing import Any

from .attribute import Attribute, Row, Rules, Version, described, initial, known, merged, shown, with_origin
from .refusal import DUPLICATE, EMPTY_VALUE, TABLE_FULL, invalid


@dataclass(frozen=True, eq=False)
class TableSchema:
    """One table: its path, key, access group, and attributes in the order of a read.

    `number` is that of its type, `size` the most rows that it can have. Both differ between releases and
    models. These are from a FortiGate 180F with 7.2.8. `static` has the keys of built-in rows. No request of
    the lab changes a table that is `read_only`.
    """

    path: str
    name: str
    key: str
    group: str
    child: str
    attributes: Mapping[str, Attribute]
    number: int | None = None
    size: int = 0
    static: frozenset[str] = frozenset()
    read_only: bool = False

    @property
    def full_name(self) -> str:
        """The path and the name, as in datasources."""
        return f"{self.path}.{self.name}"

    @property
    def key_type(self) -> str:
        """The type of the key in metadata."""
        return str(self.attributes[self.key].described()["type"])


@cache
def _attributes_in(
    schema: TableSchema, version: Version, features: frozenset[str]
) -> Mapping[str, Attribute]:
    """Return the attributes that exist in a firmware with these features.

    Cached, because a reset of the lab asks for those of every table of every FortiGate.
    """
    return known(schema.attributes, version, features)


class Table:
    """The rows of one table in the order of their creation, by their key as text."""

    def __init__(self, schema: TableSchema, rows: list[Row]) -> None:
        self.schema = schema
        self.rows = {str(row[schema.key]): row for row in rows}
        self.attributes: Mapping[str, Attribute] = schema.attributes
        self.limit = schema.size
        self.full_code = TABLE_FULL
        self.writes = 0

    def run_on(self, version: Version, features: frozenset[str]) -> None:
        """Use the attributes that exist in a firmware with these features."""
        self.attributes = _attributes_in(self.schema, version, features)

    @property
    def revision(self) -> str:
        """A different text after each write. Writes without a change keep it."""
        return hashlib.sha256(f"{self.schema.full_name}/{self.writes}".encode()).hexdigest()[:32]

    def shown(self, row: Row) -> Row:
        """Return a row in the form of a read."""
        return with_origin(shown(self.attributes, row), self.schema.key)

    def described(self) -> dict[str, Any]:
        """Return the answer to `action=schema`."""
        schema = self.schema
        number = {} if schema.number is None else {"q_type": schema.number}
        return {
            "name": schema.name,
            "path": schema.path,
            "category": "table",
            "mkey": schema.key,
            "mkey_type": schema.key_type,
            "access_group": schema.group,
            "max_table_size_global": self.limit,
            **number,
            "children": described(self.attributes),
        }

    def defaults(self) -> Row:
        """Return the answer to `action=default`."""
        return shown(self.attributes, {})

    def create(self, body: Row, rules: Rules) -> Any:
        """Add a row and return its key. Raises Refusal."""
        row = merged(self.attributes, initial(self.attributes), body, rules)
        for name, attribute in self.attributes.items():
            if attribute.required and not row[name]:
                raise invalid(name, EMPTY_VALUE)
        return self._add(row, body, rules)

    def clone(self, key: str, name: str | None, rules: Rules) -> Any:
        """Add a copy of a row with the key `name` and return that key. Raises Refusal."""
        if not name:
            raise invalid("nkey", EMPTY_VALUE)
        new = self.attributes[self.schema.key].parse(name, rules)
        return self._add({**deepcopy(self.rows[key]), **self.fresh(), self.schema.key: new}, {}, rules)

    def fresh(self) -> Row:
        """Return the attributes that a copy of a row does not take over."""
        return {}

    def _add(self, row: Row, body: Row, rules: Rules) -> Any:
        key = str(row[self.schema.key])
        if key in self.rows:
            raise invalid(key, DUPLICATE)
        finished = self.finished(row, body, rules)
        if self.limit and len(self.rows) >= self.limit:
            raise invalid(key, self.full_code)
        self.rows[key] = finished
        self.writes += 1
        return row[self.schema.key]

    def update(self, key: str, body: Row, rules: Rules) -> None:
        """Change the attributes of a row that are in the body. The key does not change."""
        have = self.rows[key]
        row = merged(self.attributes, have, body, rules)
        row[self.schema.key] = have[self.schema.key]
        self.rows[key] = self.finished(row, body, rules)
        self.writes += self.rows[key] != have

    def write_part(self, key: str, name: str, value: list[Row], method: str, rules: Rules) -> None:
        """Store a child table, which a request with this method for one of its rows has changed."""
        self.update(key, {name: value}, rules)

    def delete(self, key: str) -> None:
        """Remove a row."""
        del self.rows[key]
        self.writes += 1

    def finished(self, row: Row, body: Row, rules: Rules) -> Row:
        """Apply the rules that concern more than one attribute, and return the row."""
        return row
