# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The firewall of one VDOM: its tables, and the references between their rows."""

from __future__ import annotations

from random import Random

from ..tables.attribute import Attribute, Row, Version
from ..tables.kinds import Names, Text
from ..tables.table import Table
from . import schema
from .objects import Address6Table, AddressTable, FirewallTable, GroupTable, PolicyTable
from .options import FirewallOptions
from .seeds import ANY, seeds


class Firewall:
    """The tables of one VDOM by their full name."""

    def __init__(self, vdom: str, random: Random) -> None:
        rows = seeds(vdom)

        def seeded(kind: type[FirewallTable], table: schema.TableSchema) -> FirewallTable:
            return kind(table, rows[table.full_name], random)

        self.addresses = seeded(AddressTable, schema.ADDRESS)
        self.addresses6 = seeded(Address6Table, schema.ADDRESS6)
        self.groups = seeded(GroupTable, schema.ADDRGRP)
        self.groups6 = seeded(GroupTable, schema.ADDRGRP6)
        self.vips = seeded(FirewallTable, schema.VIP)
        self.policies = PolicyTable(schema.POLICY, rows["firewall.policy"], random)
        others = [seeded(FirewallTable, each) for each in (schema.SERVICE, schema.SCHEDULE, schema.INTERFACE)]
        for family in ([self.addresses, self.groups, self.vips], [self.addresses6, self.groups6]):
            for table in family:
                table.siblings = [each for each in family if each is not table]
        objects = [self.addresses, self.addresses6, self.groups, self.groups6, self.policies, self.vips]
        self.tables: dict[str, FirewallTable] = {each.schema.full_name: each for each in (*objects, *others)}

    def follow(self, options: FirewallOptions, version: Version) -> None:
        """Apply the options of the device."""
        self.options, self.version = options, version
        for table in self.tables.values():
            table.follow(options, version)

    def exists(self, datasource: str, name: str) -> bool:
        """Return whether a datasource has a name. Every interface is one with the name `any` (observed)."""
        table = datasource.rpartition(".")[0]
        anything = (table, name) == (schema.INTERFACE.full_name, ANY)
        return anything or (table in self.tables and name in self.tables[table].rows)

    def references(self, table: Table, key: str) -> int:
        """Return how many rows refer to a row."""
        source = f"{table.schema.full_name}.{table.schema.key}"
        return sum(_referring(each, source, key) for each in self.tables.values())

    def purge(self, table: Table) -> None:
        """Delete every row of a table that is not built-in and that no other row refers to.

        This is what a DELETE without a key does, although the API describes no such request (observed once,
        on addresses; assumed for the other tables).
        """
        for key in list(table.rows):
            if key not in table.schema.static and not self.references(table, key):
                table.delete(key)


def _referring(table: Table, source: str, key: str) -> int:
    """Return how many rows of a table have a key from a datasource."""
    names = [name for name, attribute in table.attributes.items() if source in _datasources(attribute)]
    return sum(any(_mentions(row.get(name, ""), key) for name in names) for row in table.rows.values())


def _datasources(attribute: Attribute) -> tuple[str, ...]:
    key = attribute.children[attribute.key] if isinstance(attribute, Names) else attribute
    return key.datasources if isinstance(key, Text) else ()


def _mentions(value: str | list[Row], key: str) -> bool:
    return value == key if isinstance(value, str) else any(row["name"] == key for row in value)
