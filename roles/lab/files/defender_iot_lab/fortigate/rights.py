# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a caller may see and change, by its profile and its VDOMs."""

from __future__ import annotations

from dataclasses import dataclass

from .access import Caller
from .device import Device
from .schema import ADMIN, API_USER, MANAGEMENT_VDOM, SUPER_ADMIN
from .tables.attribute import Row
from .tables.refusal import Refusal
from .tables.table import Table, TableSchema


@dataclass(frozen=True)
class Rights:
    """The rights of every caller of one device."""

    device: Device
    profiles: Table
    api_users: Table

    def access(self, caller: Caller, group: str, child: str) -> str:
        """Return the access to a part of an access permission group: none, read or read-write."""
        profile = self.profiles.rows[caller.profile]
        access = profile.get(group, "none")
        if access == "custom":
            access = profile.get(f"{group}-permission", {}).get(child, "none")
        return str(access)

    def require(self, caller: Caller, group: str, child: str, *accepted: str) -> None:
        """Refuse a caller without one of the accepted accesses, by default any."""
        if self.access(caller, group, child) not in (accepted or ("read", "read-write")):
            raise Refusal(status=403)

    def to_table(self, caller: Caller, schema: TableSchema) -> str:
        """Return the access to a table."""
        return self.access(caller, schema.group, schema.child)

    def check(self, caller: Caller, schema: TableSchema, writing: bool) -> None:
        """Refuse a request without the right in the caller's profile."""
        access = self.to_table(caller, schema)
        refusing = writing or self.device.options.forbidden_read == "refuse"
        if (access == "none" and refusing) or (writing and access != "read-write"):
            raise Refusal(status=403)
        # Only super_admin may create REST API administrators (documented).
        if writing and schema is API_USER and caller.profile != SUPER_ADMIN:
            raise Refusal(status=403)

    def vdoms(self, wanted: str | None, caller: Caller) -> list[str]:
        """Return the VDOMs of a request. Refuse those that do not exist or that the caller may not use.

        A request that names none is about the management VDOM (documented), one that names `*` about all
        that the caller may use (assumed).
        """
        permitted = self._permitted_vdoms(caller)
        names = (wanted or MANAGEMENT_VDOM).split(",")
        if wanted == "*":
            names = [vdom for vdom in self.device.options.vdoms if vdom in permitted]
        if not names or not permitted.issuperset(names):
            raise Refusal(status=403)
        return names

    def visible(self, caller: Caller, table: Table) -> list[Row]:
        """Return the visible rows: only `super_admin` callers see those of `super_admin` (observed)."""
        rows = list(table.rows.values())
        if self.to_table(caller, table.schema) == "none" and self.device.options.forbidden_read == "empty":
            return []
        if caller.profile == SUPER_ADMIN or table.schema.full_name not in PRIVILEGED:
            return rows
        return [row for row in rows if SUPER_ADMIN not in (row["name"], row.get("accprofile"))]

    def _permitted_vdoms(self, caller: Caller) -> set[str]:
        options = self.device.options
        scope = self.profiles.rows[caller.profile].get("scope", "vdom")
        if not (options.in_multi_vdom_mode and caller.by_key and scope == "vdom"):
            return set(options.vdoms)
        return {entry["name"] for entry in self.api_users.rows[caller.name]["vdom"]}


PRIVILEGED = frozenset({"system.accprofile", API_USER.full_name, ADMIN.full_name})
"""The tables with rows that only `super_admin` sees."""
