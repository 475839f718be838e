# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The firewall tables: addresses, address groups and policies, with the rules that concern several fields."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import Any

from ..tables.attribute import Row, Rules, Version, initial, parse_version
from ..tables.kinds import ZERO_UUID, Choice, Names
from ..tables.refusal import DUPLICATE, EMPTY_VALUE, Refusal, invalid
from ..tables.table import Table, TableSchema
from .options import FirewallOptions
from .schema import DISABLE, ENABLE

HIDDEN = {
    "subnet": ("ipmask", "interface-subnet"),
    "start-ip": ("iprange",),
    "end-ip": ("iprange",),
    "fqdn": ("fqdn",),
    "wildcard": ("wildcard",),
    "macaddr": ("mac", "ipmask"),
}
"""The types of IPv4 addresses that show an attribute. Other types leave it out (observed on 7.2.5)."""
# An IPv6 prefix shows `end-ip` (observed on 7.2.5).
HIDDEN6 = {
    "ip6": ("ipprefix",),
    "start-ip": ("iprange",),
    "end-ip": ("iprange", "ipprefix"),
    "fqdn": ("fqdn",),
    "host": ("template",),
    "host-type": ("template",),
}


class FirewallTable(Table):
    """A table whose rows have a UUID. `siblings` are the tables that share its names (documented)."""

    def __init__(self, schema: TableSchema, rows: list[Row], random: Random) -> None:
        super().__init__(schema, rows)
        self._random = random
        self.siblings: list[Table] = []
        self.options = FirewallOptions()
        for key, row in self.rows.items():
            self.rows[key] = self._identified({**initial(schema.attributes), **row})
        self.initial = dict(self.rows)

    def follow(self, options: FirewallOptions, version: Version) -> None:
        """Apply the options of the device."""
        self.options = options
        self.limit = options.table_limit or self.schema.size
        self.full_code = options.full_code
        self.run_on(version, frozenset())

    def fresh(self) -> Row:
        return {"uuid": ZERO_UUID}

    def finished(self, row: Row, body: Row, rules: Rules) -> Row:
        """Refuse the name of another kind of object in a new row, and assign a UUID."""
        key = str(row[self.schema.key])
        if key not in self.rows and any(key in table.rows for table in self.siblings):
            raise invalid(key, DUPLICATE)
        return self._identified(row)

    def _identified(self, row: Row) -> Row:
        if row.get("uuid") == ZERO_UUID:
            row["uuid"] = str(uuid.UUID(int=self._random.getrandbits(128), version=4))
        return row


class AddressTable(FirewallTable):
    """IPv4 or IPv6 addresses. A read leaves out the attributes of other types."""

    hidden: Mapping[str, tuple[str, ...]] = HIDDEN

    def shown(self, row: Row) -> Row:
        kind = row["type"]
        return {
            name: value
            for name, value in super().shown(row).items()
            if kind in self.hidden.get(name, (kind,))
        }


class Address6Table(AddressTable):
    """IPv6 addresses."""

    hidden = HIDDEN6


class GroupTable(FirewallTable):
    """Address groups. Before 7.2.0 a group needs a member (a published client's tests)."""

    def follow(self, options: FirewallOptions, version: Version) -> None:
        """Apply the options of the device, and the most members of a group."""
        super().follow(options, version)
        self.may_be_empty = version >= (7, 2, 0)
        if self.schema.name == "addrgrp":
            limit = options.member_limit or (5000 if version >= (7, 2) else 600)
            member = self.attributes["member"]
            self.attributes = {**self.attributes, "member": replace(member, size=limit)}

    def finished(self, row: Row, body: Row, rules: Rules) -> Row:
        """Refuse too many members, a group within itself, and an empty group."""
        members = [each["name"] for each in row["member"]]
        member = self.attributes["member"]
        if isinstance(member, Names) and member.size and len(members) > member.size:
            raise invalid(members[-1], self.options.full_code)
        if row["name"] in self._within(members):
            raise invalid(row["name"])
        if not members and not self.may_be_empty:
            row = self._empty(row)
        return super().finished(row, body, rules)

    def write_part(self, key: str, name: str, value: list[Row], method: str, rules: Rules) -> None:
        """Treat the deletion of the last member by its path as the option says."""
        last = name == "member" and method == "DELETE" and not value and not self.may_be_empty
        if last and self.options.last_member == "accept":
            self.rows[key] = {**self.rows[key], "member": []}
            self.writes += 1
        elif not last or self.options.last_member == "refuse":
            super().write_part(key, name, value, method, rules)

    def _empty(self, row: Row) -> Row:
        """Return the row to store instead of an empty group, or refuse it."""
        have = self.rows.get(row["name"])
        refusal = self.options.empty_group
        if refusal == "ignore" and have:
            return {**row, "member": have["member"]}
        raise invalid("member", refusal if isinstance(refusal, int) else EMPTY_VALUE)

    def _within(self, members: list[str]) -> set[str]:
        """Return the names of all objects within a group, also those in its groups."""
        found: set[str] = set()
        waiting = list(members)
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += [each["name"] for each in self.rows.get(name, {}).get("member", [])]
        return found


class PolicyTable(FirewallTable):
    """Policies. Their order is that of the evaluation (observed)."""

    def follow(self, options: FirewallOptions, version: Version) -> None:
        """Apply the options of the device: the default of `match-vip`, and the fields of the NGFW mode."""
        super().follow(options, version)
        words = ENABLE if version >= parse_version(options.match_vip_since) else DISABLE
        self.attributes = {**self.attributes, "match-vip": Choice(words)}
        self.deny_only = version >= (6, 4, 3)
        self.has_extras = version >= (7, 2)
        if options.ngfw_mode == "policy-based":
            lacking = ("action", "schedule")
            self.attributes = {name: each for name, each in self.attributes.items() if name not in lacking}

    def shown(self, row: Row) -> Row:
        """Return a row, from 7.2 on with the internal attributes of recorded answers."""
        internal = {"uuid-idx": 15000 + row["policyid"], "policy-behaviour-type": "standard"}
        extras = {**internal, "ip-version-type": "ipv4"} if self.has_extras else {}
        return {**super().shown(row), **extras}

    def create(self, body: Row, rules: Rules) -> Any:
        """Append a policy and return its number: the next free one without a number (documented)."""
        if body.get("policyid") in (None, 0, "0", ""):
            body = {**body, "policyid": self._free_number()}
        if body.get("action", "deny") == "deny":
            body = {"logtraffic": "disable", **body}
        return super().create(body, rules)

    def clone(self, key: str, name: str | None, rules: Rules) -> Any:
        """Append a copy, under the next free number for the number 0."""
        return super().clone(key, str(self._free_number()) if name == "0" else name, rules)

    def fresh(self) -> Row:
        return {**super().fresh(), "name": ""}

    def finished(self, row: Row, body: Row, rules: Rules) -> Row:
        """Refuse the name of another policy, an incomplete policy, and `match-vip` on one that accepts."""
        others = [each["name"] for each in self.rows.values() if each["policyid"] != row["policyid"]]
        if row["name"] and row["name"] in others and self.options.duplicate_policy_name == "refuse":
            raise invalid(row["name"], DUPLICATE)
        for name, attribute in self.attributes.items():
            if attribute.required and not row[name]:
                raise invalid(name, EMPTY_VALUE)
        self._require_addresses(row)
        if self.deny_only and body.get("match-vip") == "enable" and row.get("action", "deny") != "deny":
            raise invalid("match-vip")
        return super().finished(row, body, rules)

    def move(self, key: str, before: str | None, after: str | None) -> None:
        """Move a policy directly before or after another one. Raises Refusal."""
        neighbour = before or after
        if neighbour not in self.rows:
            status = self.options.unknown_neighbour
            raise Refusal(None if status == 404 else -3, status=status)
        order = list(self.rows)
        if neighbour != key:
            order.remove(key)
            order.insert(order.index(neighbour) + (0 if before else 1), key)
        moved = order != list(self.rows)
        self.rows = {each: self.rows[each] for each in order}
        self.writes += moved and self.options.move_changes_revision

    def _free_number(self) -> int:
        return max((row["policyid"] for row in self.rows.values()), default=0) + 1

    def _require_addresses(self, row: Row) -> None:
        """Require source and destination of at least one IP version, and never only one of them (assumed)."""
        if "enable" in (row["internet-service"], row["internet-service-src"]):
            return
        pairs = [(row.get(f"srcaddr{v}", []), row.get(f"dstaddr{v}", [])) for v in ("", "6")]
        if not any(source and destination for source, destination in pairs) or any(
            bool(source) != bool(destination) for source, destination in pairs
        ):
            raise invalid("srcaddr", EMPTY_VALUE)
