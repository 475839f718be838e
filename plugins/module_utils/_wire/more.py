# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Signs in an answer that a list has more objects than were read, whatever an endpoint map says.

No product documents them. They are common names of list interfaces (assumed), and ``docs/endpoint_maps.md``
lists them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .https import Response, next_link
from .places import pointed

MORE = {"more", "hasmore", "hasnext", "hasnextpage", "truncated", "istruncated", "partial", "incomplete"}
LAST = {"last", "islast", "islastpage"}
NEXT = {"next", "nextlink", "nexturl", "nextpagetoken", "nexttoken", "nextcursor", "odatanextlink"}
PAGES = {"pages", "pagecount", "totalpages", "numpages", "numberofpages"}
TOTALS = {"total", "totalcount", "totalelements", "totalrecords", "totalitems", "recordstotal", "totalrows"}
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
        signs = [*self._in_headers(answer), *(self._in_field(name, value) for name, value in beside)]
        return next(((sign, NO_WAY) for sign in signs if sign), None)

    def _in_headers(self, answer: Response) -> Iterator[str]:
        headers = {name.lower(): value for name, value in answer.headers.items()}
        if "next" not in self.paging and next_link(headers.get("link", "")):
            yield "the header Link names a next page"
        found = RANGE.search(headers.get("content-range", ""))
        if found and int(found["last"]) + 1 < int(found["total"]):
            yield f"the header Content-Range is {headers['content-range']}"
        total = headers.get("x-total-count", "")
        if total.isdecimal() and int(total) > self.seen:
            yield f"the header X-Total-Count is {total}"

    def _in_field(self, name: str, value: Any) -> str | None:
        key, says = plain(name), f'the answer has "{name}": {value}'
        if isinstance(value, bool):
            is_sign = (key in MORE and value) or (key in LAST and not value)
            return says if is_sign and not {"more", "last"} & set(self.paging) else None
        if isinstance(value, int):
            is_total = key in TOTALS and value > self.seen and "total" not in self.paging
            return says if is_total or (key in PAGES and value > self.pages) else None
        if value and key in NEXT and "next" not in self.paging:
            return f'the answer has "{name}", which names a next page'
        return None


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
