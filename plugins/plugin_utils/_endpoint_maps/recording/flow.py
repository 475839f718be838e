# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The values of a session: which answers give them, and the requests that a map repeats to have them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from copy import copy
from typing import Any

from .har import Exchange, at, scalars
from .values import WORD, Place, Source, cookie_given, given, has, shows

RESERVED = frozenset(
    {
        *("token", "username", "password", "basic", "page", "next", "description", "id"),
        *("server_address", "access_token"),
    }
)
"""Names that a task fills, which no captured value may have."""


class Flow:
    """Names the values that requests repeat from answers, and collects the requests that give them.

    ``needed`` has the parts of the map that need a request, by the number of its exchange.
    """

    def __init__(
        self,
        exchanges: list[Exchange],
        login: Exchange | None,
        reads: Exchange | None,
        unrepeated: Collection[Exchange] = (),
        is_in_list: Callable[[Exchange, str], bool] = lambda _exchange, _pointer: False,
    ) -> None:
        """Take the exchanges with the appliance, its login, and the request that a map always sends first.

        ``unrepeated`` are the operations, which are never repeated for a value that they answer with.
        ``is_in_list`` says whether a place of an answer is in the list of tokens. Its position there changes,
        so no value is captured from it.
        """
        self.exchanges = exchanges
        self.login = login
        self.reads = reads
        self.unrepeated = unrepeated
        self.is_in_list = is_in_list
        self.names: dict[tuple[int, frozenset[tuple[str, str]]], str] = {}
        self.captures: dict[int, dict[str, Place]] = {}
        self.needed: dict[int, set[str]] = {}
        self.followed: set[str] = set()
        self.noted: set[tuple[str, str]] = set()
        self._sources: dict[tuple[str, int, bool], Source | None] = {}

    def name_of(self, text: str, exchange: Exchange, part: str, *, in_header: bool = False) -> str | None:
        """Return the name of a value that a request sends, None where no answer gave it."""
        place = cookie_given(exchange, text)
        if place:
            setter = self.setter(place["cookie"], exchange)
            if setter:
                return self._capture(Source(setter, text, place), part)
        key = (text, exchange.number, in_header)
        if key not in self._sources:
            self._sources[key] = self._source(text, exchange, in_header=in_header)
        source = self._sources[key]
        return self._capture(source, part) if source else None

    def has_in_text(self, text: str, exchange: Exchange) -> Exchange | None:
        """Return the request whose answer has a text in a form that a map cannot read."""
        return next((each for each in self._before(exchange) if shows(each, text)), None)

    def setter(self, cookie: str, exchange: Exchange) -> Exchange | None:
        """Return the request that a map has to repeat for a cookie.

        This is the login, else the last request before it that sets the cookie, else the first one after it.
        So a cookie that every answer sets anew does not make every request needed.
        """
        setters = [each for each in self._before(exchange) if each.set_cookies.get(cookie, "").strip('"')]
        if self.login in setters:
            return self.login
        number = self.login.number if self.login else exchange.number
        early = [each for each in setters if each.number < number]
        return early[-1] if early else next(iter(setters), None)

    def need_cookies(self, exchange: Exchange, part: str) -> set[str]:
        """Mark the requests that set this request's cookies as needed, and return these cookies."""
        known = set()
        for cookie, value in exchange.cookies.items():
            setter = self.setter(cookie, exchange)
            if setter and (self._is_early(setter) or len(value) >= 16):
                self.need(setter, part)
                known.add(cookie)
        return known

    def need_upgrades(self, exchange: Exchange, part: str) -> None:
        """Mark the writes after the login that changed the session's cookie as needed."""
        if self.login is None:
            return
        for each in self._before(exchange):
            changed = {
                name for name, value in each.set_cookies.items() if exchange.cookies.get(name) == value
            }
            if self._repeats_login(each):
                continue
            if each.number > self.login.number and each.writes and changed & set(self.login.set_cookies):
                self.need(each, part)

    def _repeats_login(self, exchange: Exchange) -> bool:
        """Return whether a request signs in again, which a map need not do."""
        login = self.login
        return (
            login is not None
            and exchange.number > login.number
            and (exchange.method, exchange.bare_path) == (login.method, login.bare_path)
        )

    def _renews_session(self, exchange: Exchange, place: Place) -> bool:
        """Return whether a request only renews a value of the login that was already used, such as a token.

        The session of a map is fresh, so a map sends what the login gave.
        """
        if self.login is None or "pointer" not in place:
            return False
        earlier = at(self.login.answer, place["pointer"])
        given_by_login = {str(value) for _pointer, value in scalars(self.login.answer)}
        sent = [str(value) for _pointer, value in scalars(exchange.body)]
        used = [each for each in self._before(exchange) if each.number > self.login.number]
        return (
            isinstance(earlier, str)
            and bool(sent)
            and set(sent) <= given_by_login
            and any(earlier in each.sent for each in used)
        )

    def captures_of(self, exchange: Exchange) -> dict[str, Place]:
        """Return what a map captures from an answer, by name."""
        shared = {
            name: dict(place)
            for (number, place), name in self.names.items()
            if not number and "cookie" not in dict(place) and has(exchange, dict(place))
        }
        return {**shared, **self.captures.get(exchange.number, {})}

    def steps(self) -> list[Exchange]:
        """Return the requests that are needed, in their order."""
        return [each for each in self.exchanges if each.number in self.needed]

    def _is_early(self, exchange: Exchange) -> bool:
        return self.login is not None and exchange.number <= self.login.number

    def _before(self, exchange: Exchange) -> Iterator[Exchange]:
        return (
            each
            for each in self.exchanges
            if each.number < exchange.number and each.works and each not in self.unrepeated
            if not self._is_earlier_login(each)
        )

    def _is_earlier_login(self, exchange: Exchange) -> bool:
        """Return whether a request is an earlier login, whose session was not used."""
        login = self.login
        return (
            login is not None
            and exchange.number < login.number
            and (exchange.method, exchange.path, exchange.body) == (login.method, login.path, login.body)
        )

    def _source(self, text: str, exchange: Exchange, *, in_header: bool) -> Source | None:
        """Return the answer that gave a text: of the login, else of `reads`, else the earliest.

        An answer that repeats what a request has sent is no source.
        """
        earlier = list(self._before(exchange))
        ordered = [each for each in earlier if each is self.login]
        ordered += [each for each in earlier if each is self.reads]
        ordered += [each for each in earlier if each not in ordered]
        for each in ordered:
            is_strong = in_header or each is self.login or self._signs_in_with(text, exchange)
            source = given(each, text, self.is_in_list, is_strong=is_strong)
            if source and not self._was_sent(text, each):
                return self._lasting(source, exchange)
        return self._renewed_in_header(text, exchange)

    def _renewed_in_header(self, text: str, exchange: Exchange) -> Source | None:
        """Return where the login, `reads` or a page gives a header whose value an operation renewed later.

        A map does not repeat an operation, so the operation's own answer is no source.
        """
        for each in self.unrepeated:
            source = given(each, text, self.is_in_list, is_strong=True)
            if each.number < exchange.number and source and "header" in source.place:
                lasting = self._lasting(source, exchange)
                return self._page_with(source, exchange) if lasting is source else lasting
        return None

    def _page_with(self, source: Source, exchange: Exchange) -> Source | None:
        """Return the first page before a request whose answer has the same header, None if there is none."""
        header = source.place["header"]
        pages = (each for each in self._before(exchange) if not each.writes)
        page = next((each for each in pages if header in each.answer_headers), None)
        return Source(page, source.text, source.place) if page else None

    def _signs_in_with(self, text: str, exchange: Exchange) -> bool:
        """Return whether a request up to the login sends something that is no word, such as a step's id."""
        return self._is_early(exchange) and WORD.fullmatch(text) is None

    def _was_sent(self, text: str, source: Exchange) -> bool:
        return any(text in each.sent for each in self.exchanges if each.number <= source.number)

    def _lasting(self, source: Source, exchange: Exchange) -> Source:
        """Take a header from `reads` or the login if they have it too: a map sends these requests anyway.

        What the login gave is taken too if the request signs in again, or renews the session.
        """
        login, place = self.login, source.place
        is_again = self._repeats_login(source.exchange) or self._renews_session(source.exchange, place)
        if login and is_again and "pointer" in place and at(login.answer, place["pointer"]) is not None:
            return Source(login, source.text, place)
        header = source.place.get("header")
        for each in (self.reads, self.login):
            if header and each and each.number < exchange.number and header in each.answer_headers:
                return Source(each, source.text, source.place)
        return source

    def _capture(self, source: Source, part: str) -> str:
        name = self.name_for(source.place, source.exchange.number)
        self.captures.setdefault(source.exchange.number, {})[name] = source.place
        self.followed.add(source.text)
        self.need(source.exchange, part)
        return name

    def need(self, exchange: Exchange, part: str) -> None:
        """Mark a request as needed for a part of the map, which repeats it."""
        self.needed.setdefault(exchange.number, set()).add(part)

    def saved(self) -> Flow:
        """Return a copy to restore, in case a request that is written turns out not to be repeatable."""
        kept = copy(self)
        kept.names, kept.needed = dict(self.names), {at: set(parts) for at, parts in self.needed.items()}
        kept.captures = {at: dict(places) for at, places in self.captures.items()}
        return kept

    def restore(self, kept: Flow) -> None:
        """Forget what was needed and captured since."""
        self.names, self.needed, self.captures = kept.names, kept.needed, kept.captures

    def name_for(self, place: Place, number: int = 0) -> str:
        """Return the name of the value at a place. A JSON pointer has one name for each request."""
        key = (number if "pointer" in place else 0, frozenset(place.items()))
        if key not in self.names:
            self.names[key] = self._new_name(place)
        return self.names[key]

    def _new_name(self, place: Place) -> str:
        raw = next(value for kind, value in place.items() if kind != "decode")
        last = re.sub(r"[^a-z0-9]+", "_", raw.rpartition("/")[2].lower()).strip("_")
        name = last if re.match("[a-z]", last) and last not in RESERVED else f"session_{last}".rstrip("_")
        taken = set(self.names.values())
        numbered = (f"{name}_{number}" for number in range(2, len(taken) + 3))
        return name if name not in taken else next(each for each in numbered if each not in taken)


def proof(login: Exchange, used: list[Exchange]) -> dict[str, Any]:
    """Return the cookies that the login sets and later requests send: they prove that it worked."""
    return {
        name: {"cookie": name}
        for name, value in login.set_cookies.items()
        if value.strip('"')
        and login.cookies.get(name) != value
        and any(name in each.cookies for each in used)
    }
