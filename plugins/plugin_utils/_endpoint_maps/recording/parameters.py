# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The parameters by which a list is asked for page by page, and how one of them is filled."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, quote

from .har import Exchange, scalars
from .page_paths import numbered_parts, with_part
from .token_rows import name_of

PAGES = {"page", "pagenumber", "pageindex", "pageno", "pagenum", "p"}
OFFSETS = {"offset", "skip", "start", "from", "startindex", "startat", "firstresult", "begin"}
POSITIONS = PAGES | OFFSETS
SIZES = {"size", "limit", "perpage", "count", "take", "top", "max", "rows", "length", "maxresults", "first"}
ASSIGNED = re.compile(r'(\w+)"?\s*[:=]\s*(\d{1,6})\b')
"""A number in JSON or in code, such as ``first: 10``."""


def plain(name: str) -> str:
    """Return a name in lower case, without separators."""
    return re.sub(r"[^a-z]", "", name_of(name).lower())


def filled(operation: dict[str, Any], name: str, place: str) -> dict[str, Any]:
    """Return an operation that has a place in one parameter: of its query, or by a pointer of its body."""
    if name.startswith("#"):
        path, mark, query = operation["path"].partition("?")
        return {**operation, "path": with_part(path, name, place) + mark + query}
    if name.startswith("/"):
        form = next(form for form in ("json", "form", "multipart") if form in operation)
        return {**operation, form: _put(operation[form], name.split("/")[1:], place)}
    path, _mark, query = operation["path"].partition("?")
    key = quote(name, safe="$[]")
    pairs = [pair for pair in query.split("&") if pair and pair.partition("=")[0] != key]
    return {**operation, "path": f"{path}?{'&'.join([*pairs, f'{key}={place}'])}"}


def _put(document: Any, names: list[str], place: str) -> Any:
    if not names:
        return place
    name, *rest = names
    if isinstance(document, list):
        return [_put(each, rest, place) if str(at) == name else each for at, each in enumerate(document)]
    key = name.replace("~1", "/").replace("~0", "~")
    known = document or {}
    return {**known, key: _put(known.get(key), rest, place)}


def parameters(exchange: Exchange) -> Iterator[tuple[str, str]]:
    """Yield the parameters of a path and of a query by name, and those of a body by pointer."""
    yield from numbered_parts(exchange.bare_path)
    yield from parse_qsl(exchange.path.partition("?")[2], keep_blank_values=True)
    for pointer, value in scalars(exchange.body):
        if value is not None and not isinstance(value, bool):
            yield pointer, str(value)


def numbers(exchange: Exchange) -> Iterator[tuple[str, int]]:
    """Yield the parameters that are numbers, but no times, and the sizes that are inside a text."""
    for name, value in parameters(exchange):
        if is_number(value):
            yield name, int(value)
        elif "{" in value:
            inside = ((f"{name}/{key}", int(size)) for key, size in ASSIGNED.findall(value))
            yield from (pair for pair in inside if plain(pair[0]) in SIZES)


def whole_number(value: Any) -> int:
    """Return a number that may be a text, -1 if it is none."""
    return int(value) if is_number(str(value)) else -1


def is_number(value: str) -> bool:
    """Return whether a parameter can be a position or a size."""
    return re.fullmatch(r"\d{1,6}", value) is not None
