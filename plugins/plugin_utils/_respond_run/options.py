# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of the role respond, as rules and approvals."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import yaml

from ...module_utils._engine.errors import InvalidOptions
from ...module_utils._engine.files import open_regular
from ...module_utils._module.arguments import Spec
from .._respond.addresses import Network
from .._respond.approvals import Approval, read_approvals
from .._respond.device_types import DEFAULT_ALLOWED, HARM
from .._respond.rules import EXPIRE, Caps, Rules, read_match, read_networks

LONGEST = 10 * 366 * 24 * 60
"""Minutes."""

RULES: Spec = {
    "match": {"type": "list", "elements": "dict", "default": [{"engine": "malware"}]},
    "expire": {"type": "str", "choices": list(EXPIRE), "default": "while_unhandled"},
    "ttl": {"type": "int", "default": 240},
    "dynamic_ttl": {"type": "int", "default": 60},
    "max_duration": {"type": "int", "default": 10080},
    "allowed_types": {"type": "list", "elements": "str", "default": list(DEFAULT_ALLOWED)},
    "allow_public": {"type": "bool", "default": False},
    "protected": {"type": "list", "elements": "str", "default": []},
    "cells": {"type": "dict", "default": {}},
    "max_new": {"type": "int", "default": 5},
    "max_per_hour": {"type": "int", "default": 10},
    "max_entries": {"type": "int", "default": 50},
    "max_cell_share": {"type": "float", "default": 0.1},
    "approvals": {"type": "path"},
}

PLACE: Spec = {
    "site": {"type": "str", "default": ""},
    "mode": {"type": "str", "choices": ["propose", "enforce"], "default": "propose"},
    "folder": {"type": "path", "required": True},
}


def read_rules(options: Mapping[str, Any], infrastructure: Mapping[Network, str]) -> Rules:
    """Return the rules of a site. ``infrastructure`` is protected too. Raises InvalidOptions."""
    protected = read_networks("respond_protected", options["protected"], "respond_protected has it")
    return Rules(
        match=read_match(options["match"]),
        expire=options["expire"],
        ttl=_minutes(options, "ttl"),
        dynamic_ttl=_minutes(options, "dynamic_ttl"),
        maximum=_minutes(options, "max_duration"),
        allowed_types=frozenset(map(_known_spelling, options["allowed_types"])),
        allow_public=options["allow_public"],
        protected={**infrastructure, **protected},
        cells=_cells(options["cells"]),
        caps=Caps(
            new=options["max_new"],
            per_hour=options["max_per_hour"],
            entries=options["max_entries"],
            cell_share=options["max_cell_share"],
        ),
    )


def _known_spelling(name: str) -> str:
    """Return a type of devices. Raises InvalidOptions for another spelling of a documented one."""
    shown = next((each for each in HARM if each.casefold() == name.strip().casefold()), name)
    if shown != name:
        raise InvalidOptions(
            f'allowed_types has "{name}", but a sensor shows this type as "{shown}"', f'write it as "{shown}"'
        )
    return name


def _minutes(options: Mapping[str, Any], name: str) -> timedelta:
    minutes = options[name]
    if minutes > LONGEST:
        raise InvalidOptions(
            f"{name} is {minutes} minutes", f"set it to {LONGEST} at most, which is ten years"
        )
    return timedelta(minutes=minutes)


def _cells(cells: Mapping[str, Any]) -> dict[Network, str]:
    found: dict[Network, str] = {}
    for name, texts in cells.items():
        if not isinstance(texts, list) or not all(isinstance(each, str) for each in texts):
            raise InvalidOptions(
                f'respond_cells has "{name}", which is not a list of networks',
                "write it as in {press-line: [192.0.2.0/24]}",
            )
        found |= read_networks("respond_cells", texts, str(name))
    return found


def read_approvals_file(path: str | None) -> list[Approval]:
    """Read the approvals. A missing or unreadable file is not the same as none. Raises InvalidOptions."""
    if path is None:
        return []
    try:
        with open_regular(path) as file:
            # The loaders of PyYAML take the last of two values for one key.
            text = file.read()
            content = yaml.load(text, _Unambiguous)  # noqa: S506
    except (OSError, RecursionError, ValueError, yaml.YAMLError) as error:
        reason = error.strerror if isinstance(error, OSError) else _place(error)
        raise InvalidOptions(
            f"respond_approvals {path} cannot be read: {reason}",
            "correct the path or the file, or remove respond_approvals",
        ) from None
    # A file of comments only is meant so, an empty one may be half written.
    items = [] if content is None and text.strip() else content
    if not isinstance(items, list) or not all(isinstance(each, Mapping) for each in items):
        what = "empty" if items is None else "not a list of mappings"
        raise InvalidOptions(
            f"respond_approvals {path} is {what}",
            "write a list in which each item has address, decision, by and until, or [] for none",
        )
    return read_approvals(items)


def _place(error: Exception) -> str:
    """Return what is wrong with a file, and where if PyYAML states it."""
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return str(error).partition("\n")[0]
    return f"line {mark.line + 1}, column {mark.column + 1}: {getattr(error, 'problem', None) or 'no YAML'}"


class _Unambiguous(yaml.SafeLoader):
    """Refuses a mapping that has a key twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [each.value for each, _value in node.value]
        twice = next((key for key in keys if keys.count(key) > 1), None)
        if twice is not None:
            raise yaml.YAMLError(f'a mapping has the key "{twice}" twice')
        return super().construct_mapping(node, deep)
