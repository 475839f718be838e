# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recognize the parameters of a list that may leave tokens out. Only their names and values tell."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from .har import Exchange, scalars
from .places_sent import sent_places
from .token_rows import is_time, name_of

NAMES = re.compile(
    r"q|query|search|filter|scope|state|status|type|kind|category|owner|user|mine|since|until|after|before"
    r"|from|to|start|end|(start|end|from|to|created|modified).*(date|time|at)|.*(search|filter|scope|status)"
)
WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
NUMBERED = {"owner", "user", "creator", "author", "account", "customer", "tenant", "type", "kind", "category"}
NUMBERED |= {
    "group",
    "tab",
    "status",
    "state",
    "role",
    "days",
    "hours",
    "weeks",
    "months",
    "age",
    "since",
    "until",
}
"""Words in the names of parameters that select by a number, such as ``ownerId=5`` or ``lastDays=30``."""

SELECTING = {"mine", "own", "owned", "only", "my", "active", "enabled", "unused", "recent"}
"""Words in the names of parameters that leave tokens out if they are true."""

ADDING = {"include", "with", "show", "all"}
"""Words in the names of parameters that leave tokens out if they are false."""

WHERE = {"where", "criteria", "conditions"}
TRUE, FALSE = ("true", "1"), ("false", "0")
WHOLE = ("", "*", "%", "all", "any", "0", "1", "true", "false", "null")
"""Values that leave nothing out, or that paging uses."""

ARGUMENTS = re.compile(r"\(([^()$]*)\)")
ARGUMENT = re.compile(r'(\w+)\s*:\s*(?:"([^"]*)"|([\w.-]+))')
"""An argument of a field in GraphQL, such as ``tokens(mine: true)``."""


def filtering(exchange: Exchange) -> list[str]:
    """Return the parameters of a list's request that may leave tokens out, such as ``scope=mine``."""
    direct = dict.fromkeys(_sent(exchange))
    pairs = dict.fromkeys(pair for name, value in direct for pair in _unfolded(name, value))
    # The writer asks about a time that is a parameter of its own.
    found = [pair for pair in pairs if is_filter(*pair) or (pair not in direct and is_time(pair[1]))]
    return [f"{name_of(name)}={value}" for name, value in found]


def is_filter(name: str, value: str) -> bool:
    """Return whether a parameter may leave objects out of a list. A name may be a pointer."""
    words = {word.lower() for word in WORDS.findall(name_of(name))}
    if value.lower() in TRUE and words & SELECTING:
        return True
    if value.lower() in FALSE and words & ADDING:
        return True
    if value.isdecimal() and words & NUMBERED:
        return True
    if WHERE & set(name.split("/")) and value not in ("", "None"):
        return True
    if value.lower() in WHOLE or value.isdecimal() or "{" in value:
        return False
    key = re.sub(r"[^a-z]", "", name_of(name).lower())
    return NAMES.fullmatch(key) is not None


def _sent(exchange: Exchange) -> Iterator[tuple[str, str]]:
    """Yield the parameters of a query and of a body, also those that are true or false."""
    yield from ((name, value) for (kind, name), value in sent_places(exchange) if kind != "path")
    for pointer, value in scalars(exchange.body):
        if isinstance(value, bool):
            yield pointer, str(value).lower()


def _unfolded(name: str, value: str) -> Iterator[tuple[str, str]]:
    """Yield a parameter, and what it has inside if it is JSON or code."""
    yield name, value
    if "{" not in value:
        return
    try:
        document: Any = json.loads(value)
    except ValueError:
        for arguments in ARGUMENTS.findall(value):
            yield from ((found[0], found[1] or found[2]) for found in ARGUMENT.findall(arguments))
    else:
        yield from ((f"{name}{at}", _text(each)) for at, each in scalars(document))


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
