# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The query parameters of CMDB reads (documented)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from starlette.datastructures import QueryParams

from .attribute import Row

OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "==": lambda have, want: have == want,
    "!=": lambda have, want: have != want,
    "=@": lambda have, want: want in have,
    "!@": lambda have, want: want not in have,
    "<=": lambda have, want: _order(have) <= _order(want),
    "<": lambda have, want: _order(have) < _order(want),
    ">=": lambda have, want: _order(have) >= _order(want),
    ">": lambda have, want: _order(have) > _order(want),
}
CONDITION = re.compile(r"^(?P<name>[\w-]+)(?P<operator>==|!=|=@|!@|<=|<|>=|>)(?P<value>.*)$")


def selected(rows: list[Row], query: QueryParams) -> list[Row]:
    """Return the rows that match every `filter`, in the order of `sort`, from `start`, at most `count`.

    `key` and `pattern` are an older filter, which matches the exact value (assumed).
    """
    for alternatives in query.getlist("filter"):
        rows = [row for row in rows if any(_passes(row, one) for one in alternatives.split(","))]
    if "key" in query and "pattern" in query:
        rows = [row for row in rows if str(row.get(query["key"], "")) == query["pattern"]]
    for order in reversed(query.getlist("sort")):
        rows = _sorted(rows, *order.partition(",")[::2])
    start = _integer(query.get("start"), 0)
    return rows[start : start + _integer(query.get("count"), len(rows))]


def formatted(row: Row, query: QueryParams) -> Row:
    """Return a row with its origin key and only the attributes in `format`."""
    if "format" not in query:
        return row
    names = {*query["format"].split("|"), "q_origin_key"}
    return {name: value for name, value in row.items() if name in names}


def _passes(row: Row, condition: str) -> bool:
    match = CONDITION.match(condition)
    if not match:
        return True
    have = str(row.get(match["name"], "")).lower()
    return OPERATORS[match["operator"]](have, match["value"].lower())


def _sorted(rows: list[Row], name: str, direction: str) -> list[Row]:
    return sorted(rows, key=lambda row: _order(str(row.get(name, "")).lower()), reverse=direction == "dsc")


def _order(text: str) -> tuple[Any, ...]:
    return (0, int(text)) if text.isdigit() else (1, text)


def _integer(text: str | None, default: int) -> int:
    return int(text) if text and text.isdigit() else default
