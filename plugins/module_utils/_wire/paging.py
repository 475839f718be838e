# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pages of a list: which request follows an answer, and whether a list is whole.

An incomplete list is never returned: a token that is not seen would be minted again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit, urlunsplit

from .._engine.errors import ApplianceError
from .https import Response, next_link
from .more import NO_WAY, Read
from .places import found_in

LIMIT = 1000
"""How many pages are requested at most."""


@dataclass
class Pages:
    """The position in a paged list.

    ``paging`` is the map's: ``start`` and ``counts`` fill ``{page}``, ``next`` is the place of the cursor or
    the link to the next page, ``next_path`` is the path of all pages but the first, ``last`` and ``more`` are
    places of truth values, ``total`` is the place of the number of all objects, ``size`` the number of
    objects in a full page. ``items`` is the pointer to the list. ``fresh`` are the objects of the last page
    that the page before it did not have.
    """

    paging: Mapping[str, Any]
    url: str
    items: str = ""
    requested: int = 0
    seen: int = 0
    path: str | None = None
    cursor: Any = None
    before: Any = None
    answer: Any = None
    fresh: list[Any] = field(default_factory=list)

    @property
    def values(self) -> dict[str, Any]:
        """Return what fills the placeholders of the next request."""
        counted = self.seen if self.paging.get("counts") == "rows" else self.requested
        return {"page": self.paging.get("start", 0) + counted, "next": self.cursor}

    def ends_with(self, answer: Response) -> bool:
        """Return whether an answer says that there is no such page, as some appliances do after the last one.

        Raises ApplianceError for an incomplete list.
        """
        if not self.requested or "start" not in self.paging or answer.status != 404:
            return False
        self._require_total(self.answer)
        return True

    def take(self, answer: Response, items: list[Any]) -> bool:
        """Count one page; return whether another follows. Raises ApplianceError for an incomplete list."""
        repeated = bool(items) and items == self.before
        self.answer, self.before, self.fresh = answer, items, [] if repeated else items
        self.requested += 1
        self.seen += len(self.fresh)
        if self._is_end(answer, items, repeated):
            self._require_total(answer)
            self._require_no_sign(answer)
            return False
        if repeated:
            raise _incomplete(answer, "the appliance answers the same page again", CHECK)
        if self.requested >= LIMIT:
            raise _incomplete(answer, f"it has more than {LIMIT} pages", CHECK)
        self.path = self.path if "next" in self.paging else self.paging.get("next_path")
        return True

    def _is_end(self, answer: Response, items: list[Any], repeated: bool) -> bool:
        paging = self.paging
        if "more" in paging and not self._truth(answer, "more"):
            return True
        if "next" in paging:
            return self._has_no_next(answer)
        if "last" in paging or "more" in paging:
            is_last = "last" in paging and self._truth(answer, "last")
            self._require_way(answer, ends=is_last)
            return is_last
        if not items:
            return True
        if "start" not in paging:
            is_full = len(items) >= paging.get("size", len(items) + 1)
            if is_full and "total" not in paging:
                raise _incomplete(answer, f"a page of {len(items)} is full, so more may follow", NO_WAY)
            return True
        if repeated:
            return bool(len(items) < paging.get("size", 0))
        return "total" in paging and "size" not in paging and self.seen >= self._total(answer)

    def _truth(self, answer: Response, name: str) -> bool:
        value = self._stated(answer, name)
        if not isinstance(value, bool):
            raise _incomplete(answer, f"{value!r} does not say whether this page is the last", CHECK)
        return value

    def _has_no_next(self, answer: Response) -> bool:
        following = self._following(answer)
        if not following:
            if "more" in self.paging:
                raise _incomplete(answer, "the answer says that more pages follow, and names none", CHECK)
            return True
        self.cursor = following
        self.path = self.paging.get("next_path") or self._link(answer, str(following))
        return False

    def _following(self, answer: Response) -> Any:
        """Return the cursor or the link to the next page, None if the answer has none."""
        place = self.paging["next"]
        try:
            found = found_in(answer, place)
        except LookupError:
            return None
        is_link = not isinstance(place, str) and place.get("header", "").lower() == "link"
        return next_link(found) if is_link else found

    def _link(self, answer: Response, link: str) -> str:
        """Return the path of a link to the next page, which has to be on the same host.

        Behind a proxy, an appliance may name its own scheme and port. A relative link has a query: a text
        without one is a cursor.
        """
        try:
            parts = urlsplit(urljoin(answer.path, link) if "?" in link else link)
        except ValueError:
            raise _incomplete(answer, "the answer names a next page that is no address", CHECK) from None
        if parts.netloc and parts.hostname != urlsplit(self.url).hostname:
            raise _incomplete(
                answer,
                f"the next page is on {parts.netloc}",
                "set url to the address that the appliance names",
            )
        if not parts.path.startswith("/") or parts.path.startswith("//"):
            raise _incomplete(answer, "the answer names a next page", NO_WAY)
        return urlunsplit(("", "", parts.path, parts.query, ""))

    def _require_way(self, answer: Response, *, ends: bool) -> None:
        if not ends and "start" not in self.paging:
            raise _incomplete(answer, "the answer says that more pages follow", NO_WAY)

    def _require_no_sign(self, answer: Response) -> None:
        """Raise ApplianceError if the last answer has a sign of more objects that the map does not read."""
        sign = Read(self.items, self.requested, self.seen, self.paging).sign(answer)
        if sign:
            raise _incomplete(answer, *sign)

    def _require_total(self, answer: Response) -> None:
        if "total" in self.paging and self.seen != self._total(answer):
            raise _incomplete(
                answer, f"it has {self.seen} objects, and the appliance counts {self._total(answer)}", CHECK
            )

    def _total(self, answer: Response) -> int:
        total = self._stated(answer, "total")
        if isinstance(total, str) and total.isdecimal():
            total = int(total)
        if isinstance(total, bool) or not isinstance(total, int):
            raise _incomplete(answer, f"{total!r} is no number of objects", CHECK)
        return total

    def _stated(self, answer: Response, name: str) -> Any:
        try:
            return found_in(answer, self.paging[name])
        except LookupError:
            raise _incomplete(
                answer, f"the endpoint map's paging.{name} is not in the answer", CHECK
            ) from None


CHECK = "check the endpoint map's paging against the appliance"


def _incomplete(answer: Response, why: str, remedy: str) -> ApplianceError:
    return ApplianceError(
        f"the list may be incomplete: {why}", remedy, status=answer.status, path=answer.path
    )
