# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The variables of this collection's roles, and their place in messages about the options that they set."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible.playbook.role import Role

COLLECTION = "otsec.defender_iot"
PREFIX = "__{role}_prefix"
"""The task variable with the prefix of its options, if it is not the name of the role."""

NOUN_AFTER = {"the", "a", "an", "one", "its", "another", "own", "new", "access", "vault", "empty"}
"""Words before a word that is no option: "set token" is about the option, "the access token" is not."""

IN_ITEM = re.compile(r"(?P<list>.*?, item \d+): ", re.DOTALL)


def variables_of(role: Role | None, task_vars: Mapping[str, Any]) -> dict[str, str]:
    """Return the variable for each option in a task of a role, {} outside of this collection's roles."""
    if role is None or role._role_collection != COLLECTION:
        return {}
    name = role.get_name(include_role_fqcn=False).rpartition(".")[2]
    entry_points = role._get_role_argspecs().values()
    variables = {variable for each in entry_points for variable in each.get("options", {})}
    prefixes = (f"{name}_", f"{task_vars.get(PREFIX.format(role=name), name)}_")
    return {
        variable.removeprefix(prefix): variable
        for prefix in prefixes
        for variable in variables
        if variable.startswith(prefix)
    }


def with_variables(text: str, variables: Mapping[str, str]) -> str:
    """Return a message with the variable beside the first mention of each option.

    What follows ``LIST, item N`` is about the options of that item, which no variable sets.
    """
    item = IN_ITEM.match(text)
    if item:
        return with_variables(item["list"], variables) + text[item.end("list") :]
    if not variables:
        return text
    named: set[str] = set()

    def name(found: re.Match[str]) -> str:
        option, before = found[0], text[: found.start()].lower().split()
        if option in named or NOUN_AFTER.intersection(before[-1:]):
            return option
        named.add(option)
        return f"{option} ({variables[option]})"

    options = "|".join(map(re.escape, variables))
    return re.sub(rf'(?<![\w./"-])(?:{options})(?![\w(/"-])', name, text)
