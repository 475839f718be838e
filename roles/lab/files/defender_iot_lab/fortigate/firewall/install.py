# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The installation of a policy package by FortiManager."""

from __future__ import annotations

from collections.abc import Collection

from .vdom import Firewall

OBJECTS = ("firewall.addrgrp", "firewall.addrgrp6", "firewall.address", "firewall.address6")


def install(firewall: Firewall, keep: Collection[str] = ()) -> list[str]:
    """Reset the policies. Unless an option forbids it, delete the objects that no policy uses (documented).

    The package has the initial policies and objects, and the policies whose names are in `keep`. Returns the
    deleted policies and objects, such as `address/NAME`.
    """
    for table in firewall.tables.values():
        table.rows = {
            **table.rows,
            **{key: row for key, row in table.initial.items() if key not in table.rows},
        }
    deleted = _reset_policies(firewall, keep)
    while firewall.options.install_deletes and (unused := _unused(firewall)):
        for table, key in unused:
            firewall.tables[table].delete(key)
        deleted += [f"{firewall.tables[table].schema.name}/{key}" for table, key in unused]
    return deleted


def _reset_policies(firewall: Firewall, keep: Collection[str]) -> list[str]:
    policies = firewall.policies
    package = policies.initial
    lost = [
        f"policy/{key}"
        for key, row in policies.rows.items()
        if key not in package and row["name"] not in keep
    ]
    kept = {key: row for key, row in policies.rows.items() if row["name"] in keep}
    policies.rows = {**{key: row for key, row in kept.items() if key not in package}, **package}
    policies.writes += 1
    return lost


def _unused(firewall: Firewall) -> list[tuple[str, str]]:
    return [
        (name, key)
        for name in OBJECTS
        for key in firewall.tables[name].rows
        if key not in firewall.tables[name].schema.static
        and not firewall.references(firewall.tables[name], key)
    ]
