# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CMDB tables. Each write of a row takes effect as a whole or not at all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from .attribute import (
    DUPLICATE,
    EMPTY_VALUE,
    IN_USE,
    PERMISSION_DENIED,
    TABLE_FULL,
    Attribute,
    Refusal,
    Row,
    Rules,
    Version,
    described,
    initial,
    invalid,
    known,
    merged,
    shown,
    with_origin,
)
from .schema import GROUPS_WITH_CHILDREN, IMMUTABLE, TableSchema

ZERO_NETWORKS = ("0.0.0.0 0.0.0.0", "::/0")


class Table:
    """The rows of one table in the order of their creation."""

    def __init__(self, schema: TableSchema, rows: list[Row]) -> None:
        self.schema = schema
        self.rows = {row[schema.key]: row for row in rows}
        self.attributes: Mapping[str, Attribute] = schema.attributes

    def run_on(self, version: Version, features: frozenset[str]) -> None:
        """Use the attributes that exist in a firmware with these features."""
        self.attributes = known(self.schema.attributes, version, features)

    @property
    def revision(self) -> str:
        """A fingerprint of the content. Writes without a change keep it."""
        content = json.dumps(self.rows).encode()
        return hashlib.sha256(content).hexdigest()[:32]

    def shown(self) -> list[Row]:
        """Return all rows in the form of a read."""
        return [with_origin(shown(self.attributes, row), self.schema.key) for row in self.rows.values()]

    def described(self) -> dict[str, Any]:
        """Return the answer to `action=schema`."""
        schema = self.schema
        number = {} if schema.number is None else {"q_type": schema.number}
        return {
            "name": schema.name,
            "path": schema.path,
            "category": "table",
            "mkey": schema.key,
            "mkey_type": "string",
            "access_group": schema.group,
            "max_table_size_global": schema.size,
            **number,
            "children": described(self.attributes),
        }

    def defaults(self) -> Row:
        """Return the answer to `action=default`."""
        return shown(self.attributes, {})

    def create(self, body: Row, rules: Rules) -> str:
        """Add a row and return its key. Raises Refusal."""
        row = self.finished(merged(self.attributes, initial(self.attributes), body, rules), body, rules)
        for name, attribute in self.attributes.items():
            if attribute.required and not row[name]:
                raise invalid(name, EMPTY_VALUE)
        return self._add(row)

    def clone(self, key: str, name: str | None, rules: Rules) -> str:
        """Add a copy of a row with the key `name` and return that key. Raises Refusal."""
        if not name:
            raise invalid("nkey", EMPTY_VALUE)
        new = self.attributes[self.schema.key].parse(name, rules)
        return self._add({**deepcopy(self.rows[key]), self.schema.key: new})

    def _add(self, row: Row) -> str:
        key = str(row[self.schema.key])
        if key in self.rows:
            raise invalid(key, DUPLICATE)
        if len(self.rows) == self.schema.size:
            raise invalid(key, TABLE_FULL)
        self.rows[key] = row
        return key

    def update(self, key: str, body: Row, rules: Rules) -> None:
        """Change the attributes of a row that are in the body. The key does not change."""
        row = merged(self.attributes, self.rows[key], body, rules)
        row[self.schema.key] = key
        self.rows[key] = self.finished(row, body, rules)

    def delete(self, key: str) -> None:
        del self.rows[key]

    def finished(self, row: Row, body: Row, rules: Rules) -> Row:
        """Apply the rules that concern more than one attribute, and return the row."""
        return row


class ProfileTable(Table):
    """Admin profiles.

    Permissions below a group have an effect only if the group is `custom`. In a recorded answer they are all
    `none` below other groups. Whether FortiOS drops, stores or rejects other values there is unknown, so
    there is an option.
    """

    def finished(self, row: Row, body: Row, rules: Rules) -> Row:
        """Drop, store or reject the permissions of groups that are not custom."""
        for group in GROUPS_WITH_CHILDREN:
            permission = f"{group}-permission"
            if permission in self.attributes and row.get(group) != "custom":
                self._inactive(row, body, permission, rules.inactive_permission)
        return row

    def _inactive(self, row: Row, body: Row, permission: str, treatment: str) -> None:
        written = [value for value in (body.get(permission) or {}).values() if value != "none"]
        if treatment == "rejected" and written:
            raise invalid(permission)
        if treatment == "dropped":
            row[permission] = self.attributes[permission].initial()

    def update(self, key: str, body: Row, rules: Rules) -> None:
        """Refuse to change an immutable profile (documented, code assumed)."""
        _refuse_immutable(key)
        super().update(key, body, rules)

    def delete(self, key: str) -> None:
        """Refuse to delete an immutable profile (documented, code assumed)."""
        _refuse_immutable(key)
        super().delete(key)


class ApiUserTable(Table):
    """REST API administrators.

    The vendor's documents exclude 0.0.0.0/0 as trusted host. 6.4 refused it and 7.0 stored it (observed), so
    there is an option.
    """

    def finished(self, row: Row, body: Row, rules: Rules) -> Row:
        """Refuse trusted hosts that include every address."""
        for host in [] if rules.store_zero_trusthost else row["trusthost"]:
            if host[host["type"]] in ZERO_NETWORKS:
                raise invalid(host[host["type"]])
        return row


def refuse_if_used(key: str, users: Table) -> None:
    """Refuse to delete the profile of a REST API administrator (code by a community table, body assumed)."""
    if any(row["accprofile"] == key for row in users.rows.values()):
        raise Refusal(IN_USE, ["The entry is used by other entries", f"Command fail. Return code {IN_USE}"])


def _refuse_immutable(key: str) -> None:
    if key in IMMUTABLE:
        raise Refusal(PERMISSION_DENIED, [f"Command fail. Return code {PERMISSION_DENIED}"])
