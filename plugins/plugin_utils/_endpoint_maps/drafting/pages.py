# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recognize that a list is answered page by page, and write down how all of it is read.

Values decide; the usual names of parameters are used only where one page alone was recorded.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import Any

from ....module_utils._wire.https import next_link
from ..recording.filters import is_filter
from ..recording.har import Exchange, at, scalars
from ..recording.page_paths import same_pages
from ..recording.parameters import (
    OFFSETS,
    PAGES,
    POSITIONS,
    SIZES,
    filled,
    is_number,
    numbers,
    parameters,
    plain,
    whole_number,
)
from ..recording.token_rows import TokenRows
from ..recording.values import is_opaque
from .session import Draft

CURSORS = {"cursor", "after", "pagetoken", "continuation", "continuationtoken", "marker", "next", "nexttoken"}
TOTALS = {
    "total",
    "totalcount",
    "totalelements",
    "totalrecords",
    "totalitems",
    "recordstotal",
    "totalrows",
}
ENDS = {"end", "to", "until", "endindex", "endat", "endrow", "rowend", "lastrow", "last"}
OF_ONE_PAGE = {"numberofelements", "totalpages", "pagecount", "pages"}
LASTS = {"last", "islast", "lastpage", "isend", "eof"}
MORE = {"more", "hasmore", "hasnext", "hasnextpage", "truncated", "istruncated"}
NEXT = re.compile(r"next|cursor|continuation")
LINK = {"href", "url", "uri", "link"}
RANGE = re.compile(r"\[?\D*(?P<first>\d+)\D+(?P<last>\d+)\]?")
"""Both ends of a page in one value, such as ``[0,9]`` or ``items=0-9``."""


class Paging:
    """The pages of one list."""

    def __init__(self, rows: TokenRows, exchanges: list[Exchange]) -> None:
        """``exchanges`` are those of the whole recording, to compare the requests for the pages."""
        self.rows = rows
        self.pages = [each for each in exchanges if each.works and self._is_page(each)]
        self.sent = {name: value for each in self.pages for name, value in numbers(each)}

    @property
    def first(self) -> Exchange:
        """Return the request for the first page.

        It sends no cursor and no position, or the first one, and no answer named it.
        """
        if self._position and not self._follows:
            fitting = self._without_position or [each for each in self.pages if self._at(each) == self._start]
        elif "next" in self._facts:
            links = [str(value) for value in self._stated(self._facts["next"])]
            fitting = [
                each
                for each in self.pages
                if not dict(parameters(each)).get(self._cursor or "")
                and not any(link.endswith(each.path) or each.path.endswith(link) for link in links)
            ]
        else:
            fitting = [self.rows.exchange]
        return fitting[-1] if fitting else self.rows.exchange

    @property
    def has_first(self) -> bool:
        """Return whether the recording shows how the first page is requested."""
        if not self._position or self._follows or self._without_position:
            return True
        return self._start <= 1

    def describe(self, operation: dict[str, Any], made: Draft) -> dict[str, Any]:
        """Return the operation with its paging, if the list has pages."""
        paging: dict[str, Any] = dict(self._facts)
        if self._size:
            paging["size"] = self._page_size
        if self._position and not self._follows:
            return self._with_position(operation, paging, made)
        if "next" in paging:
            return self._with_cursor(operation, paging, made)
        if self._spans:
            return self._without_way(operation, paging, made)
        if not paging:
            return operation
        self._note(made, paging)
        return {**operation, "paging": paging}

    def _with_position(
        self, operation: dict[str, Any], paging: dict[str, Any], made: Draft
    ) -> dict[str, Any]:
        paging.pop("next", None)
        name = self._position or ""
        if self._moving_together:
            return self._without_way(operation, paging, made)
        if not self._without_position:
            counted = {**paging, "start": self._start, "counts": self._counts}
            return {**filled(operation, name, "{page}"), "paging": counted}
        before = 1 if self._counts == "pages" else self._length(self.first)
        if name.startswith("/") or self._start - before not in (0, 1):
            return self._without_way(operation, {**paging, "page": name}, made)
        following = filled(operation, name, "{page}")["path"]
        counted = {"start": self._start - before, "counts": self._counts, "next_path": following}
        return {**operation, "paging": {**paging, **counted}}

    def _without_way(self, operation: dict[str, Any], paging: dict[str, Any], made: Draft) -> dict[str, Any]:
        """Return the operation of the first page alone, whose list is refused once that page is full."""
        lengths = [*(end - start for start, end in self._range[1] if end > start), *self._spans.values()]
        size = self._page_size if self._size else min(lengths, default=max(self._length(self.first), 1))
        paging = {"size": size, **paging}
        fields = self._moving_together
        if fields:
            made.miss("tokens.list.paging", "together", request=self._request, fields=" and ".join(fields))
        else:
            self._note(made, paging)
        return {**operation, "paging": {name: each for name, each in paging.items() if name != "page"}}

    def _with_cursor(self, operation: dict[str, Any], paging: dict[str, Any], made: Draft) -> dict[str, Any]:
        links = [value for value in self._stated(paging["next"]) if self._is_link(str(value))]
        cursor = self._cursor
        paging.pop("size", None)
        if cursor and cursor.startswith("/"):
            if cursor not in dict(scalars(self.first.body)):
                about = {"request": self._request, "field": f'"{cursor}"'}
                made.miss("tokens.list.paging", "cursor_null", **about)
            paging["next_path"] = operation["path"]
            return {**filled(operation, cursor, "{next}"), "paging": paging}
        if cursor and not links:
            paging["next_path"] = filled(operation, cursor, "{next}")["path"]
        elif not links:
            self._note(made, paging)
        return {**operation, "paging": paging}

    def _is_link(self, value: str) -> bool:
        """Return whether a text is an address. A relative one has a query, and a request was sent to it."""
        is_relative = "?" in value and any(each.path.endswith(value) for each in self.pages)
        return is_relative or value.startswith(("/", "http"))

    def _is_page(self, exchange: Exchange) -> bool:
        """Return whether a request is the list's, differs only in the page, and was answered by a list."""
        own = self.rows.exchange
        if (exchange.method, same_pages(exchange.bare_path)) != (own.method, same_pages(own.bare_path)):
            return False
        if not isinstance(at(exchange.answer, self.rows.pointer), list):
            return False
        sent, other = dict(parameters(own)), dict(parameters(exchange))
        differing = {name for name in {**sent, **other} if sent.get(name) != other.get(name)}
        return all(
            plain(name) in CURSORS | PAGES or is_number(value) or is_opaque(value) or self._is_named(value)
            for name in differing
            for value in (sent.get(name), other.get(name))
            if value is not None
        )

    def _is_named(self, value: str) -> bool:
        """Return whether the list's answer has a value as the next page."""
        answer = self.rows.exchange.answer
        return any(NEXT.search(plain(place)) and str(each) == value for place, each in scalars(answer))

    @cached_property
    def _cursor(self) -> str | None:
        """Return the parameter in which a request sends the next page that an earlier answer named."""
        stated = {str(value) for value in self._stated(self._facts["next"])}
        sending = [name for each in self.pages for name, value in parameters(each) if value in stated]
        body = [place for place, value in scalars(self.rows.exchange.body) if value is None]
        named = [name for name, _value in parameters(self.rows.exchange)] + body
        return next(iter([*sending, *(name for name in named if plain(name) in CURSORS)]), None)

    @cached_property
    def _follows(self) -> bool:
        """Return whether an answer named a page, or a request sent such a name."""
        return "next" in self._facts and bool(self._cursor or self._stated(self._facts["next"]))

    def _stated(self, place: Any) -> list[Any]:
        if not isinstance(place, str):
            found = [next_link(each.answer_headers.get("link", "")) for each in self.pages]
        else:
            found = [at(each.answer, place) for each in self.pages]
        return [value for value in found if value]

    @cached_property
    def _beside(self) -> dict[str, Any]:
        """Return what the answers say beside their rows, by pointer."""
        pointer = self.rows.pointer
        pages = [*self.pages, self.rows.exchange] if pointer else []
        stated = [pair for each in pages for pair in scalars(each.answer)]
        return {place: value for place, value in stated if not place.startswith(f"{pointer}/")}

    @cached_property
    def _facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = {}
        totals = []
        for place, value in self._beside.items():
            name = plain(place)
            if isinstance(value, bool):
                facts |= {"last": place} if name in LASTS else {"more": place} if name in MORE else {}
            elif isinstance(value, int) or (name in TOTALS and is_number(str(value))):
                totals += [place] if self._is_total(place, name) else []
            elif _names_next(place) and (value is None or isinstance(value, str)):
                facts |= {"next": place} if "prev" not in name else {}
        if totals:
            facts["total"] = min(totals, key=lambda place: "total" not in plain(place))
        if any(next_link(each.answer_headers.get("link", "")) for each in self.pages):
            facts.setdefault("next", {"header": "Link"})
        return facts

    def _is_total(self, place: str, name: str) -> bool:
        """Return whether a number counts all objects: by its name, or because it grew as the list did.

        A number that is the length of each of several pages counts only their objects, and a number that is
        less than the length of a page counts something else.
        """
        lengths = [(at(each.answer, place), self._length(each), each) for each in self.pages]
        paths = {str(sorted(parameters(each))) for _stated, _length, each in lengths}
        if len(paths) > 1 and all(stated == length for stated, length, _each in lengths):
            return False
        if any(whole_number(stated) < length for stated, length, _each in lengths):
            return False
        if name == "count" and (self._size or self._named):
            return any(whole_number(stated) > length for stated, length, _each in lengths)
        counted = [(count, at(each.answer, place)) for each, count in self._counted]
        agrees = all(count == stated for count, stated in counted)
        has_grown = len({count for count, _stated in counted}) > 1
        return name in TOTALS | {"count"} or (
            agrees and name not in OF_ONE_PAGE and ("total" in name or has_grown)
        )

    @cached_property
    def _counted(self) -> list[tuple[Exchange, int]]:
        """Return the answers to this very request, and how many objects each has."""
        sent = dict(parameters(self.rows.exchange))
        return [(each, self._length(each)) for each in self.pages if dict(parameters(each)) == sent]

    def _length(self, exchange: Exchange) -> int:
        return len(at(exchange.answer, self.rows.pointer))

    @cached_property
    def _named(self) -> list[str]:
        """Return the parameters that are called a page or an offset."""
        return [name for name in self.sent if plain(name) in POSITIONS]

    @cached_property
    def _position(self) -> str | None:
        """Return the parameter that says which page is asked for."""
        if self._named:
            return self._named[0]
        listed = {str(value) for each in self.pages for _place, value in scalars(each.answer)}
        varying = [
            name
            for name in self.sent
            if len(self._values(name)) > 1 and not {str(value) for value in self._values(name)} <= listed
        ]
        is_paged = bool(self._facts or self._size)
        return varying[0] if len(varying) == 1 and is_paged else None

    @property
    def _start(self) -> int:
        """Return the smallest position that a request sends."""
        return min(self._values(self._position or ""))

    def _at(self, exchange: Exchange) -> int | None:
        return dict(numbers(exchange)).get(self._position or "")

    @cached_property
    def _range(self) -> tuple[str, list[tuple[int, int]]]:
        """Return the parameter of the last position, and the first and the last one of each page.

        The parameter is empty if pages are not requested by both.
        """
        position = self._position or ""
        sent = [dict(numbers(each)) for each in self.pages]
        for end in self.sent:
            pairs = [(each[position], each[end]) for each in sent if position in each and end in each]
            lengths = {last - first for first, last in pairs}
            is_range = plain(end) in ENDS or len(set(pairs)) > 1
            if end != position and pairs and is_range and len(lengths) == 1 and min(lengths) > 0:
                return end, pairs
        return "", []

    @cached_property
    def _spans(self) -> dict[str, int]:
        """Return the parameters and headers that ask for a page by both ends, with its length."""
        headers = [pair for pair in self.rows.exchange.headers.items() if plain(pair[0]) == "range"]
        sent = [*parameters(self.rows.exchange), *headers]
        is_stated = any("content-range" in each.answer_headers for each in self.pages)
        asked = {name: RANGE.fullmatch(value) for name, value in sent if is_stated or plain(name) == "range"}
        ends = {name: (int(found["first"]), int(found["last"])) for name, found in asked.items() if found}
        return {name: last - first + 1 for name, (first, last) in ends.items() if last > first}

    @property
    def _moving_together(self) -> list[str]:
        """Return what has to change together from page to page, which a map cannot do."""
        if len(self._named) > 1:
            return self._named
        return [self._position or "", self._range[0]] if self._range[0] else list(self._spans)

    @cached_property
    def _without_position(self) -> list[Exchange]:
        """Return the requests that do not send the position that others send."""
        return [each for each in self.pages if self._position not in dict(parameters(each))]

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
        return next(iter([*named, *echoed, *self._round]), None)

    @property
    def _round(self) -> list[str]:
        """Return the parameters of any name whose value is usual for a size, such as 10 or 50."""
        longest = max(map(self._length, self.pages))
        return [
            name
            for name, value in self.sent.items()
            if value >= max(longest, 10) and value % 5 == 0 and self._values(name) == {value}
            if not is_filter(name, str(value))
        ]

    @property
    def _page_size(self) -> int:
        """Return how many objects a full page has: what was asked for, or less if the answer says so."""
        asked = self.sent[self._size or ""]
        stated = [
            value
            for place, value in self._beside.items()
            if isinstance(value, int) and plain(place) in SIZES - TOTALS
        ]
        return min([asked, *(value for value in stated if value >= max(map(self._length, self.pages)))])

    def _is_echoed(self, value: int) -> bool:
        return any(value == stated and not isinstance(stated, bool) for stated in self._beside.values())

    def _values(self, name: str) -> set[int]:
        return {value for each in self.pages for key, value in numbers(each) if key == name}

    @property
    def _counts(self) -> str:
        """Return whether the position counts pages or objects."""
        position = self._position or ""
        values = sorted(self._values(position))
        if len(values) > 1 and plain(position) not in POSITIONS:
            return "pages" if values[1] - values[0] == 1 else "rows"
        return "rows" if plain(position) in OFFSETS else "pages"

    def _note(self, made: Draft, paging: dict[str, Any]) -> None:
        why = ", ".join(f"{name}: {value}" for name, value in paging.items())
        made.miss("tokens.list.paging", "paging", request=self._request, why=why)

    @property
    def _request(self) -> str:
        return f"{self.rows.exchange.method} {self.rows.exchange.bare_path}"


def _names_next(place: str) -> bool:
    """Return whether a field names the next page: by its own name, or as the link in what is called so."""
    around, _slash, name = place.rpartition("/")
    return NEXT.search(plain(around if name.lower() in LINK else place)) is not None
