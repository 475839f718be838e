# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of admin profiles and of REST API administrators."""

from __future__ import annotations

from .schema import GROUPS_WITH_CHILDREN, IMMUTABLE
from .tables.attribute import Row, Rules
from .tables.refusal import PERMISSION_DENIED, Refusal, invalid
from .tables.table import Table

ZERO_NETWORKS = ("0.0.0.0 0.0.0.0", "::/0")


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


def _refuse_immutable(key: str) -> None:
    if key in IMMUTABLE:
        raise Refusal(PERMISSION_DENIED, [f"Command fail. Return code {PERMISSION_DENIED}"])
