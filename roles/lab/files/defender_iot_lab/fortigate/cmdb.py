# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration of a FortiGate: its tables, and the access of each caller to them."""

from __future__ import annotations

from functools import partial
from random import Random
from typing import Any

from ..core.exchange import Exchange
from .access import Caller, Key, Keys
from .accounts import ApiUserTable, ProfileTable
from .device import Device
from .envelope import Target, results
from .firewall.objects import PolicyTable
from .firewall.vdom import Firewall
from .rights import Rights
from .schema import (
    ACCPROFILE,
    ADMIN,
    API_USER,
    FEATURE_MULTI_VDOM,
    FEATURE_WANOPT,
    VDOM,
    automation_user,
    stock_profiles,
)
from .tables.attribute import Row, Rules
from .tables.children import Part
from .tables.refusal import IN_USE, NOT_IN_DATASOURCE, Refusal
from .tables.table import Table
from .view import View

Snapshot = tuple[list[tuple[Table, dict[str, Row], int]], dict[str, Key]]


class Cmdb:
    """The tables of one device. Those of the firewall exist in each VDOM."""

    def __init__(self, device: Device, keys: Keys, administrator: str, random: Random) -> None:
        self.device = device
        self.keys = keys
        self.administrator = administrator
        self._random = random
        self.profiles = ProfileTable(ACCPROFILE, stock_profiles())
        self.api_users = ApiUserTable(API_USER, [automation_user()])
        self.admins = Table(ADMIN, [])
        self.vdoms = Table(VDOM, [])
        self.rights = Rights(device, self.profiles, self.api_users)
        system = (self.profiles, self.api_users, self.admins, self.vdoms)
        self.system: dict[str, Table] = {table.schema.full_name: table for table in system}
        self.firewalls: dict[str, Firewall] = {}
        self.configure()

    def configure(self) -> None:
        """Apply the options of the device. A new version keeps the rows."""
        options = self.device.options
        switches = {FEATURE_WANOPT: options.wanopt, FEATURE_MULTI_VDOM: options.in_multi_vdom_mode}
        features = frozenset(name for name, on in switches.items() if on)
        self.vdoms.rows = {name: {"name": name, "short-name": name, "flag": 0} for name in options.vdoms}
        administrator = {"name": self.administrator, "accprofile": options.admin_profile, "comments": ""}
        self.admins.rows = {self.administrator: administrator}
        for table in self.system.values():
            table.run_on(self.device.version, features)
        self.firewalls = {
            vdom: self.firewalls.get(vdom) or Firewall(vdom, self._random) for vdom in options.vdoms
        }
        for firewall in self.firewalls.values():
            firewall.follow(options, self.device.version)

    def state(self) -> dict[str, Any]:
        """Return the rows of all tables: those of the firewall by VDOM."""
        system = {table.schema.name: list(table.rows.values()) for table in self.system.values()}
        return system | {
            "firewall": {
                vdom: {name: list(table.rows.values()) for name, table in firewall.tables.items()}
                for vdom, firewall in self.firewalls.items()
            }
        }

    def snapshot(self) -> Snapshot:
        """Return the content of all tables and the keys."""
        firewalls = [table for firewall in self.firewalls.values() for table in firewall.tables.values()]
        tables = [*self.system.values(), *firewalls]
        return [(table, dict(table.rows), table.writes) for table in tables], dict(self.keys.by_admin)

    def restore(self, snapshot: Snapshot) -> None:
        """Restore the content of a snapshot."""
        tables, keys = snapshot
        for table, rows, writes in tables:
            table.rows, table.writes = dict(rows), writes
        self.keys.by_admin = dict(keys)

    def table(self, caller: Caller, target: Target, vdom: str, writing: bool) -> Table:
        """Return the table of a request. Raises Refusal without the right in the caller's profile."""
        name = f"{target.path}.{target.name}"
        table = self.system.get(name) or self.firewalls[vdom].tables.get(name)
        if table is None:
            raise Refusal(status=404)
        self.rights.check(caller, table.schema, writing)
        return table

    def read(self, exchange: Exchange, caller: Caller, table: Table, target: Target, vdom: str) -> Row:
        """Return the results of a read: a list, even for one key (observed)."""
        query = exchange.query
        match query.get("action"):
            case "schema":
                return results(table.described())
            case "default":
                return results(table.defaults())
        rows = self.rights.visible(caller, table)
        if target.mkey is not None:
            rows = [row for row in rows if str(row[table.schema.key]) == target.mkey]
            if not rows:
                raise Refusal(status=404, revision=table.revision)
        references = partial(self._references, table, vdom)
        view = View(table, query, self.device.options, self.keys, references, partial(self._exists, vdom))
        if target.mkey and target.child:
            part = Part(table, target.mkey, target.child, target.child_key)
            return results(part.of(view.shown(table.shown(rows[0]))), revision=table.revision)
        found = view.selected([table.shown(row) for row in rows])
        if self.rights.to_table(caller, table.schema) == "none":
            found = [{name: row[name] for name in (table.schema.key, "q_origin_key")} for row in found]
        return self._listed(rows, found, table.revision)

    def write(self, exchange: Exchange, caller: Caller, table: Table, target: Target, vdom: str) -> Row:
        """Carry out a write and return its part of the envelope."""
        revision = table.revision
        mkey = self._written(exchange, caller, table, target, vdom)
        written = {
            **({} if mkey is None else {"mkey": mkey}),
            "revision": table.revision,
            "revision_changed": table.revision != revision,
            "old_revision": revision,
        }
        return written | ({"action": ""} if self.device.version >= (7, 4, 5) else {})

    def settings(self, caller: Caller, writing: bool) -> Row:
        """Return the settings of a VDOM that decide what its policies do. The lab's options change them."""
        self.rights.require(caller, "sysgrp", "cfg")
        if writing:
            raise Refusal(status=405)
        options = self.device.options
        return results(
            {
                "opmode": "nat",
                "ngfw-mode": options.ngfw_mode,
                "central-nat": "disable",
                "firewall-session-dirty": options.session_check,
            }
        )

    def _listed(self, rows: list[Row], found: list[Row], revision: str) -> Row:
        """Return rows with the counts of newer releases (observed; the first such release is assumed)."""
        if self.device.version < (7, 2):
            return results(found, revision=revision)
        limit = self.device.options.answer_limit or len(found)
        answered = found[:limit]
        counts = {"size": len(rows), "matched_count": len(found), "next_idx": max(len(answered) - 1, 0)}
        return results(answered, revision=revision, **counts, limit_reached=len(found) > limit)

    def _references(self, table: Table, vdom: str, name: str) -> int:
        if table is self.profiles:
            users = [*self.api_users.rows.values(), *self.admins.rows.values()]
            return sum(user["accprofile"] == name for user in users)
        return self.firewalls[vdom].references(table, name)

    def _exists(self, vdom: str, datasource: str, name: str) -> bool:
        table = self.system.get(datasource.rpartition(".")[0])
        return name in table.rows if table else self.firewalls[vdom].exists(datasource, name)

    def _written(self, exchange: Exchange, caller: Caller, table: Table, target: Target, vdom: str) -> Any:
        rules = Rules.of(self.device.options, partial(self._may_refer, caller, vdom))
        method, key, action = exchange.method, target.mkey, exchange.query.get("action")
        if table.schema.read_only:
            raise Refusal(status=405)
        if key is None:
            return self._written_to_table(exchange, table, vdom, rules)
        missing = self.device.options.put_missing if method == "PUT" and not target.child else 404
        self._find(caller, table, key, missing)
        if target.child:
            part = Part(table, key, target.child, target.child_key)
            return part.write(method, {} if method == "DELETE" else _body(exchange), rules)
        match method, action:
            case "POST", "clone":
                return table.clone(key, exchange.query.get("nkey"), rules)
            case "PUT", "move" if isinstance(table, PolicyTable):
                table.move(key, exchange.query.get("before"), exchange.query.get("after"))
                return key
            case "PUT", _:
                table.update(key, _body(exchange), rules)
                return key
            case "DELETE", _:
                self._delete(table, key, vdom)
                return key
        raise Refusal(status=405)

    def _written_to_table(self, exchange: Exchange, table: Table, vdom: str, rules: Rules) -> Any:
        """Carry out a write without a key: create a row, or delete all that nothing refers to."""
        if exchange.method == "POST":
            return table.create(_body(exchange), rules)
        if exchange.method == "DELETE" and table.schema.full_name in self.firewalls[vdom].tables:
            self.firewalls[vdom].purge(table)
            return None
        raise Refusal(status=405)

    def _find(self, caller: Caller, table: Table, key: str, missing: int) -> None:
        """Refuse a key that the caller does not see. Policy 0 is the implicit one (405 observed)."""
        if isinstance(table, PolicyTable) and key == "0":
            raise Refusal(status=405)
        if key not in [str(row[table.schema.key]) for row in self.rights.visible(caller, table)]:
            raise Refusal(NOT_IN_DATASOURCE if missing == 500 else None, status=missing)

    def _delete(self, table: Table, key: str, vdom: str) -> None:
        """Delete a row, unless it is in use (code by a community table, lines observed)."""
        users = self._references(table, vdom, key)
        if users:
            lines = [f"The entry is used by other {users} entries", f"Command fail. Return code {IN_USE}"]
            raise Refusal(IN_USE, lines)
        table.delete(key)
        if table is self.api_users:
            self.keys.by_admin.pop(key, None)

    def _may_refer(self, caller: Caller, vdom: str, datasource: str, name: str) -> bool:
        """Return whether a write by this caller may refer to an object. Raises Refusal."""
        exists = self._exists(vdom, datasource, name)
        table = self.firewalls[vdom].tables.get(datasource.rpartition(".")[0])
        if table and self.rights.to_table(caller, table.schema) == "none":
            return exists and self._without_right()
        if datasource == "system.accprofile.name":
            return any(row["name"] == name for row in self.rights.visible(caller, self.profiles))
        return exists

    def _without_right(self) -> bool:
        treatment = self.device.options.references_without_right
        if treatment == "forbid":
            raise Refusal(status=403)
        return treatment == "allow"


def _body(exchange: Exchange) -> Row:
    body = exchange.json_object()
    if body is None:
        raise Refusal(status=400)
    return body
