# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recognize that a list is answered page by page, and write down how all of it is read.

Values decide; the usual names of parameters are used only where one page alone was recorded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, quote

from .recording import Exchange, scalars
from .session import Draft
from .token_rows import TokenRows, name_of

PAGES = {"page", "pagenumber", "pageindex", "pageno", "pagenum", "p"}
OFFSETS = {"offset", "skip", "start", "from", "startindex", "startat", "firstresult", "begin"}
SIZES = {"size", "limit", "perpage", "count", "take", "top", "max", "rows", "length", "maxresults", "first"}
CURSORS = {"cursor", "after", "pagetoken", "continuation", "continuationtoken", "marker", "next", "nexttoken"}
TOTALS = {
    "total",
    "totalcount",
    "totalelements",
    "totalrecords",
    "totalitems",
    "recordstotal",
    "totalrows",
    "count",
}
OF_ONE_PAGE = {"numberofelements", "totalpages", "pagecount", "pages"}
LASTS = {"last", "islast", "lastpage", "isend", "eof"}
NEXT = re.compile(r"next|cursor|continuation")


def plain(name: str) -> str:
    """Return a name in lower case, without separators."""
    return re.sub(r"[^a-z]", "", name_of(name).lower())


class Paging:
    """The pages of one list."""

    def __init__(self, rows: TokenRows, exchanges: list[Exchange]) -> None:
        """``exchanges`` are those of the whole recording, to compare the requests for the pages."""
        self.rows = rows
        key = (rows.exchange.method, rows.exchange.bare_path)
        self.pages = [each for each in exchanges if (each.method, each.bare_path) == key and each.works]
        self.sent = dict(numbers(rows.exchange))

    @property
    def first(self) -> Exchange:
        """Return the request for the first page, which sends no cursor and was named by no answer."""
        if "next" not in self._facts:
            return self.rows.exchange
        links = {str(value) for value in self._told(self._facts["next"])}
        without = [
            each
            for each in self.pages
            if not dict(parameters(each)).get(self._cursor or "")
            and not any(link.endswith(each.path) for link in links)
        ]
        return without[-1] if without else self.rows.exchange

    def describe(self, operation: dict[str, Any], made: Draft) -> dict[str, Any]:
        """Return the operation with its paging, if the list has pages."""
        paging: dict[str, Any] = dict(self._facts)
        if "next" in paging:
            return self._with_cursor(operation, paging, made)
        if self._size:
            paging["size"] = self.sent[self._size]
        if self._position:
            paging |= {"start": min(self._values(self._position)), "counts": self._counts}
            return {**filled(operation, self._position, "{page}"), "paging": paging}
        if not paging:
            return operation
        self._note(made, paging)
        return {**operation, "paging": paging}

    def _with_cursor(self, operation: dict[str, Any], paging: dict[str, Any], made: Draft) -> dict[str, Any]:
        links = [value for value in self._told(paging["next"]) if str(value).startswith(("/", "http"))]
        if self._cursor and not links and not self._cursor.startswith("/"):
            following = filled(operation, self._cursor, "{next}")["path"]
            paging["next_path"] = following
        elif not links:
            self._note(made, paging)
        return {**operation, "paging": paging}

    @cached_property
    def _cursor(self) -> str | None:
        """Return the parameter in which a request sends what an answer before named as the next page."""
        if "next" not in self._facts:
            return None
        told = {str(value) for value in self._told(self._facts["next"])}
        sending = [name for each in self.pages for name, value in parameters(each) if value in told]
        named = [name for name, _value in parameters(self.rows.exchange) if plain(name) in CURSORS]
        return next(iter([*sending, *named]), None)

    def _told(self, pointer: str) -> list[Any]:
        answers = [dict(scalars(each.answer)).get(pointer) for each in self.pages]
        return [value for value in answers if value]

    @cached_property
    def _beside(self) -> dict[str, Any]:
        """Return what the answer says beside its rows, by pointer."""
        pointer = self.rows.pointer
        told = scalars(self.rows.exchange.answer) if pointer else ()
        return {at: value for at, value in told if not at.startswith(f"{pointer}/")}

    @cached_property
    def _facts(self) -> dict[str, str]:
        facts: dict[str, str] = {}
        for at, value in self._beside.items():
            name = plain(at)
            if isinstance(value, bool):
                facts |= {"last": at} if name in LASTS else {}
            elif isinstance(value, int):
                facts |= {"total": at} if self._is_total(at, name) and "total" not in facts else {}
            elif NEXT.search(name) and (value is None or isinstance(value, str)):
                facts |= {"next": at} if "prev" not in name else {}
        return facts

    def _is_total(self, at: str, name: str) -> bool:
        """Return whether a number counts all objects: by its name, or because it grew as the list did."""
        counted = [(count, dict(scalars(each.answer)).get(at)) for each, count in self._counted]
        agrees = all(count == told for count, told in counted)
        has_grown = len({count for count, _told in counted}) > 1
        return name in TOTALS or (agrees and name not in OF_ONE_PAGE and ("total" in name or has_grown))

    @cached_property
    def _counted(self) -> list[tuple[Exchange, int]]:
        """Return the answers to this very request, and how many objects each has."""
        sent = dict(parameters(self.rows.exchange))
        same = [each for each in self.pages if dict(parameters(each)) == sent and each.answer is not None]
        return [(each, self._length(each)) for each in same]

    def _length(self, exchange: Exchange) -> int:
        start = f"{self.rows.pointer}/"
        inside = (at for at, _value in scalars(exchange.answer) if at.startswith(start))
        return len({at[len(start) :].partition("/")[0] for at in inside})

    @cached_property
    def _position(self) -> str | None:
        """Return the parameter that says which page is asked for."""
        named = [name for name in self.sent if plain(name) in PAGES | OFFSETS]
        if named:
            return named[0]
        varying = [name for name in self.sent if len(self._values(name)) > 1]
        is_paged = bool(self._facts or self._size)
        return varying[0] if len(varying) == 1 and is_paged else None

    @cached_property
    def _size(self) -> str | None:
        """Return the parameter that says how many objects a page has."""
        left = {name: value for name, value in self.sent.items() if value > 1}
        named = [name for name in left if plain(name) in SIZES or re.search("size|limit", plain(name))]
        echoed = [
            name
            for name, value in left.items()
            if value >= len(self.rows.rows) and len(self._values(name)) == 1 and self._is_echoed(value)
        ]
        return next(iter([*named, *echoed]), None)

    def _is_echoed(self, value: int) -> bool:
        return any(value == told and not isinstance(told, bool) for told in self._beside.values())

    def _values(self, name: str) -> set[int]:
        return {value for each in self.pages for key, value in numbers(each) if key == name}

    @property
    def _counts(self) -> str:
        """Return whether the position counts pages or objects."""
        position = self._position or ""
        values = sorted(self._values(position))
        if len(values) > 1 and plain(position) not in PAGES | OFFSETS:
            return "pages" if values[1] - values[0] == 1 else "rows"
        return "rows" if plain(position) in OFFSETS else "pages"

    def _note(self, made: Draft, paging: dict[str, Any]) -> None:
        why = ", ".join(f"{name}: {value}" for name, value in paging.items())
        request = f"{self.rows.exchange.method} {self.rows.exchange.bare_path}"
        made.miss("tokens.list.paging", "paging", request=request, why=why)


def filled(operation: dict[str, Any], name: str, place: str) -> dict[str, Any]:
    """Return an operation that has a place in one parameter: of its query, or by a pointer of its body."""
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
    return {each: _put(part, rest, place) if each == key else part for each, part in document.items()}


def parameters(exchange: Exchange) -> Iterator[tuple[str, str]]:
    """Yield the parameters of a query by name, and those of a body by pointer."""
    yield from parse_qsl(exchange.path.partition("?")[2], keep_blank_values=True)
    for pointer, value in scalars(exchange.body):
        if value is not None and not isinstance(value, bool):
            yield pointer, str(value)


def numbers(exchange: Exchange) -> Iterator[tuple[str, int]]:
    """Yield the parameters that are numbers, but no times."""
    for name, value in parameters(exchange):
        if re.fullmatch(r"\d{1,6}", value):
            yield name, int(value)
