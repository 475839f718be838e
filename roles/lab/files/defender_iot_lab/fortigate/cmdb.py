# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration of a FortiGate: its tables, and the access of each caller to them."""

from __future__ import annotations

from functools import partial

from starlette.datastructures import QueryParams

from ..core.exchange import Exchange
from .access import Caller, Keys
from .attribute import NOT_IN_DATASOURCE, Refusal, Row, Rules
from .children import Part
from .device import Device
from .envelope import Target, results
from .schema import (
    ACCPROFILE,
    ADMIN,
    API_USER,
    FEATURE_MULTI_VDOM,
    FEATURE_WANOPT,
    MANAGEMENT_VDOM,
    SUPER_ADMIN,
    VDOM,
    automation_user,
    stock_profiles,
)
from .table import ApiUserTable, ProfileTable, Table, refuse_if_used
from .view import View


class Cmdb:
    """The tables of one device."""

    def __init__(self, device: Device, keys: Keys, administrator: str) -> None:
        self.device = device
        self.keys = keys
        self.administrator = administrator
        self.profiles = ProfileTable(ACCPROFILE, stock_profiles())
        self.api_users = ApiUserTable(API_USER, [automation_user()])
        self.admins = Table(ADMIN, [])
        self.vdoms = Table(VDOM, [])
        self.tables: dict[str, Table] = {
            table.schema.name: table for table in (self.profiles, self.api_users, self.admins, self.vdoms)
        }
        self.configure()

    def configure(self) -> None:
        """Apply the options of the device. A new version keeps the rows."""
        options = self.device.options
        switches = {FEATURE_WANOPT: options.wanopt, FEATURE_MULTI_VDOM: options.multi_vdom}
        features = frozenset(name for name, on in switches.items() if on)
        self.vdoms.rows = {name: {"name": name, "short-name": name, "flag": 0} for name in options.vdoms}
        administrator = {"name": self.administrator, "accprofile": options.admin_profile, "comments": ""}
        self.admins.rows = {self.administrator: administrator}
        for table in self.tables.values():
            table.run_on(self.device.version, features)

    def table(self, caller: Caller, target: Target, writing: bool) -> Table:
        """Return the table of a request. Raises Refusal without the right in the caller's profile."""
        table = self.tables.get(target.name)
        if target.path != "system" or table is None:
            raise Refusal(status=404)
        access = self._access(caller, table)
        trimmed = not writing and self.device.options.forbidden_read == "trim"
        if (access == "none" and not trimmed) or (writing and access != "read-write"):
            raise Refusal(status=403)
        # Only super_admin may create REST API administrators (documented).
        if writing and table is self.api_users and caller.profile != SUPER_ADMIN:
            raise Refusal(status=403)
        return table

    def check_vdom(self, wanted: str | None, caller: Caller) -> None:
        """Refuse VDOMs that do not exist or that the caller may not use.

        A request that names none is about the management VDOM (documented).
        """
        names = set() if wanted == "*" else set((wanted or MANAGEMENT_VDOM).split(","))
        if not names <= self._permitted_vdoms(caller):
            raise Refusal(status=403)

    def read(self, query: QueryParams, caller: Caller, table: Table, target: Target) -> Row:
        """Return the results of a read: a list, even for one key (observed)."""
        match query.get("action"):
            case "schema":
                return results(table.described())
            case "default":
                return results(table.defaults())
        rows = self._visible(caller, table)
        if target.mkey is not None:
            rows = [row for row in rows if row["name"] == target.mkey]
            if not rows:
                raise Refusal(status=404, revision=table.revision)
        view = View(table, query, self.device.options, self.keys, partial(self._references, table))
        if target.mkey and target.child:
            part = Part(table, target.mkey, target.child, target.child_key)
            return results(part.of(view.shown(rows[0])), revision=table.revision)
        found = view.selected(rows)
        if self._access(caller, table) == "none":
            found = [{name: row[name] for name in ("name", "q_origin_key")} for row in found]
        return results(found, revision=table.revision, **self._sizes(rows, found))

    def write(self, exchange: Exchange, caller: Caller, table: Table, target: Target) -> Row:
        """Carry out a write and return its part of the envelope."""
        revision = table.revision
        written = {
            "mkey": self._written(exchange, caller, table, target),
            "revision": table.revision,
            "revision_changed": table.revision != revision,
            "old_revision": revision,
        }
        return written | ({"action": ""} if self.device.version >= (7, 4, 5) else {})

    def _access(self, caller: Caller, table: Table) -> str:
        profile = self.profiles.rows[caller.profile]
        access = profile.get(table.schema.group, "none")
        if access == "custom":
            access = profile.get(f"{table.schema.group}-permission", {}).get(table.schema.child, "none")
        return str(access)

    def _permitted_vdoms(self, caller: Caller) -> set[str]:
        everything = set(self.vdoms.rows)
        scope = self.profiles.rows[caller.profile].get("scope", "vdom")
        if not (self.device.options.multi_vdom and caller.by_key and scope == "vdom"):
            return everything
        return {entry["name"] for entry in self.api_users.rows[caller.name]["vdom"]}

    def _visible(self, caller: Caller, table: Table) -> list[Row]:
        """Return the visible rows: only `super_admin` callers see those of `super_admin` (observed)."""
        rows = table.shown()
        if caller.profile == SUPER_ADMIN:
            return rows
        return [row for row in rows if SUPER_ADMIN not in (row["name"], row.get("accprofile"))]

    def _sizes(self, rows: list[Row], found: list[Row]) -> Row:
        """Return the counts of newer releases (observed; the first such release is assumed)."""
        if self.device.version < (7, 2):
            return {}
        counts = {"size": len(rows), "matched_count": len(found), "next_idx": max(len(found) - 1, 0)}
        return {**counts, "limit_reached": False}

    def _references(self, table: Table, name: str) -> int:
        users = [*self.api_users.rows.values(), *self.admins.rows.values()]
        return sum(user["accprofile"] == name for user in users) if table is self.profiles else 0

    def _written(self, exchange: Exchange, caller: Caller, table: Table, target: Target) -> str:
        rules = self._rules(caller)
        match exchange.method, target.mkey:
            case _ if table in (self.vdoms, self.admins):
                raise Refusal(status=405)
            case method, str() as key if target.child:
                self._find(caller, table, key, 404)
                part = Part(table, key, target.child, target.child_key)
                return part.write(method, {} if method == "DELETE" else _body(exchange), rules)
            case "POST", None:
                return table.create(_body(exchange), rules)
            case "POST", str() as key if exchange.query.get("action") == "clone":
                self._find(caller, table, key, 404)
                return table.clone(key, exchange.query.get("nkey"), rules)
            case "PUT", str() as key:
                self._find(caller, table, key, self.device.options.put_missing)
                table.update(key, _body(exchange), rules)
                return key
            case "DELETE", str() as key:
                self._find(caller, table, key, 404)
                self._delete(table, key)
                return key
        raise Refusal(status=405)

    def _find(self, caller: Caller, table: Table, key: str, missing: int) -> None:
        if key not in [row["name"] for row in self._visible(caller, table)]:
            raise Refusal(NOT_IN_DATASOURCE if missing == 500 else None, status=missing)

    def _delete(self, table: Table, key: str) -> None:
        if table is self.profiles:
            refuse_if_used(key, self.api_users)
        table.delete(key)
        if table is self.api_users:
            self.keys.by_admin.pop(key, None)

    def _rules(self, caller: Caller) -> Rules:
        names = {
            "system.vdom.name": set(self.vdoms.rows),
            "system.accprofile.name": {row["name"] for row in self._visible(caller, self.profiles)},
        }
        options = self.device.options
        return Rules(
            exists=lambda datasource, name: name in names[datasource],
            unknown_attribute=options.unknown_attribute,
            host_bits=options.host_bits,
            inactive_permission=options.inactive_permission,
            store_zero_trusthost=options.store_zero_trusthost,
        )


def _body(exchange: Exchange) -> Row:
    body = exchange.json_object()
    if body is None:
        raise Refusal(status=400)
    return body
