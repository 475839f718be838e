# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Signs in an answer that a list has more objects than were read, whatever an endpoint map says.

No product documents them. They are common names of list interfaces (assumed), and ``docs/endpoint_maps.md``
lists them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .https import Response, next_link
from .places import pointed

MORE = re.compile(
    r"(is|has)?more(items|pages|data|results|records|rows|available)?|hasnext(page)?"
    r"|(is)?(truncated|partial|incomplete)"
)
LAST = re.compile(r"(is)?(last(page)?|final|end|eof)")
NEXT = re.compile(
    r"(odata)?next(page|link|url|uri|href|token|marker|cursor|key|pagetoken|pageurl|pagelink|continuationtoken)?"
    r"|continuation(token)?|lastevaluatedkey"
)
PAGES = re.compile(r"(total|num|numberof)?pages|pagecount")
TOTAL = re.compile(r"total(count|elements|records|items|rows|results|hits|size)?|recordstotal")
HEADER = re.compile(r"x?(wp|pagination)?(?P<name>total[a-z]*|pages|pagecount|next[a-z]*)")
"""Names of headers, such as ``X-WP-Total``, with what the field of that name would be called."""

ERRORS = {"error", "errors"}
NO_WAY = "add to the endpoint map's paging how the next page is requested"
RANGE = re.compile(r"(?P<last>\d+)/(?P<total>\d+)$")


def plain(name: str) -> str:
    """Return a name in lower case, without separators."""
    return re.sub(r"[^a-z]", "", name.lower())


@dataclass(frozen=True)
class Read:
    """How much of a list was read.

    ``items`` is its pointer, ``paging`` has the keys of the map's paging: signs that they read are ignored.
    """

    items: str
    pages: int
    seen: int
    paging: Collection[str]

    def sign(self, answer: Response) -> tuple[str, str] | None:
        """Return a sign in the last answer that the list is incomplete, and a remedy, None for no sign."""
        beside = list(_beside(answer.json(), self.items))
        failed = [name for name, value in beside if value and plain(name) in ERRORS and not self.seen]
        if failed:
            return f'the answer has "{failed[0]}" beside an empty list', "check the appliance, and run again"
        if _is_in_groups(answer.json(), self.items):
            return "the list is one of several in groups", "use no map: it cannot read several lists"
        signs = [*self._in_headers(answer), *(self._in_field(name, value) for name, value in beside)]
        return next(((sign, NO_WAY) for sign in signs if sign), None)

    def _in_headers(self, answer: Response) -> Iterator[str]:
        headers = {name.lower(): value for name, value in answer.headers.items()}
        if "next" not in self.paging and next_link(headers.get("link", "")):
            yield "the header Link names a next page"
        found = RANGE.search(headers.get("content-range", ""))
        if found and int(found["last"]) + 1 < int(found["total"]):
            yield f"the header Content-Range is {headers['content-range']}"
        for name, value in answer.headers.items():
            yield from self._in_header(name, value)

    def _in_header(self, name: str, value: str) -> Iterator[str]:
        known = HEADER.fullmatch(plain(name))
        if known and self._is_sign(known["name"], value):
            yield f"the header {name} is {value}"
        if "pagination" in name.lower():
            yield from (f"the header {name} has {each}" for each in map(self._says, *_members(value)) if each)

    def _in_field(self, name: str, value: Any) -> str | None:
        says = self._says(name, value)
        return f"the answer has {says}" if says else None

    def _says(self, name: str, value: Any) -> str | None:
        if not self._is_sign(plain(name), value):
            return None
        is_link = not isinstance(value, bool) and NEXT.fullmatch(plain(name))
        return f'"{name}", which names a next page' if is_link else f'"{name}": {value}'

    def _is_sign(self, key: str, value: Any) -> bool:
        if isinstance(value, bool):
            is_sign = (MORE.fullmatch(key) and value) or (LAST.fullmatch(key) and not value)
            return bool(is_sign) and not {"more", "last"} & set(self.paging)
        if NEXT.fullmatch(key):
            return bool(value) and "next" not in self.paging
        if key in ("links", "link"):
            return _has_next(value) and "next" not in self.paging
        number = int(value) if isinstance(value, str) and value.isdecimal() else value
        if not isinstance(number, int):
            return False
        if TOTAL.fullmatch(key):
            return number > self.seen and "total" not in self.paging
        return PAGES.fullmatch(key) is not None and number > self.pages


def _has_next(links: Any) -> bool:
    """Return whether a list of links has one to the next page."""
    items = links if isinstance(links, list) else []
    return any(isinstance(each, Mapping) and each.get("rel") == "next" for each in items)


def _members(text: str) -> tuple[list[str], list[Any]]:
    """Return the names and the values of a JSON object, none if the text is something else."""
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    members = document if isinstance(document, dict) else {}
    return list(members), list(members.values())


def _is_in_groups(document: Any, items: str) -> bool:
    """Return whether the list is in an item of a list, and another item has such a list too."""
    steps = items.split("/")
    for end in range(1, len(steps)):
        around = pointed(document, "/".join(steps[:end]))
        inside = "/".join(["", *steps[end + 1 :]])
        if isinstance(around, list) and sum(_has_list(each, inside) for each in around) > 1:
            return True
    return False


def _has_list(document: Any, pointer: str) -> bool:
    try:
        return isinstance(pointed(document, pointer), list)
    except LookupError:
        return False


def _beside(document: Any, items: str) -> Iterator[tuple[str, Any]]:
    """Yield the fields beside the list and beside everything around it, one level deep."""
    parents = items.split("/")[:-1]
    for depth in range(len(parents)):
        around = pointed(document, "/".join(parents[: depth + 1]))
        for name, value in around.items() if isinstance(around, Mapping) else ():
            yield name, value
            if isinstance(value, Mapping) and not f"{items}/".startswith(
                "/".join([*parents[: depth + 1], name, ""])
            ):
                yield from value.items()
