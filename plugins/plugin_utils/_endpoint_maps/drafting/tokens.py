# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find which requests of a recording list and create access tokens."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from itertools import pairwise
from typing import Any

from ..recording.har import Exchange, at, holds, is_in_groups, lists, scalars
from ..recording.places_sent import PlaceSent, has_value, sent_places
from ..recording.same_request import is_for, key_of
from ..recording.token_rows import TokenRows, rows_of
from ..recording.values import may_hold, shows
from .session import Draft, RecordedSession

SHARED_FIELDS = 3
"""Objects with so many fields of a token are tokens, and not other objects with an id and a name."""

SHORTEST_SEARCH = 3
"""Shorter parts of a description are in it by chance."""


def find_create(exchanges: list[Exchange], session: RecordedSession, made: Draft) -> Exchange | None:
    """Return the first request whose answer holds the token. A request that writes is preferred."""
    showing = [each for each in exchanges if each.works and _may_show(each, session.token)]
    answering = [each for each in showing if holds(each.answer, session.token)]
    create = next((each for each in answering if each.writes), next(iter(answering), None))
    if create is None and showing:
        request = f"{showing[0].method} {showing[0].bare_path}"
        made.miss("tokens.create", "create_not_json", request=request)
    elif create is None:
        made.miss("tokens.create", "no_create")
    return create


def _may_show(exchange: Exchange, token: str) -> bool:
    return may_hold(exchange.text or "", token) or shows(exchange, token)


def find_list(
    exchanges: list[Exchange], session: RecordedSession, create: Exchange | None, made: Draft
) -> TokenRows | None:
    """Return the list of tokens, proved by the new token's id, the creation's path, or the new row."""
    description, created = session.description, create.answer if create else None
    all_rows = [each for each in rows_of(exchanges, description, created) if each.exchange is not create]
    fixed = fixed_words(create, description) if create else frozenset()
    unfiltered = [each for each in all_rows if not _searches(each.exchange, description, fixed)]
    changing = _changing(unfiltered, exchanges)
    whole = [each for each in unfiltered if _asked(each) not in changing]
    if unfiltered and not whole:
        made.miss("tokens.list", "changing_list", request=_name(unfiltered[0].exchange))
        return None
    if not whole:
        _miss_list(exchanges, all_rows, session, create, made)
        return None
    without = _first_without(whole, session.description, exchanges)
    ranked = {key_of(each.exchange): _evidence(each, create, session, without) for each in whole}
    best = max(ranked.values())
    keys = [key for key, evidence in ranked.items() if evidence == best]
    if not best[1]:
        keys = _with_those_that_list_as_much(keys, whole, description)
    if not any(best) or len(keys) > 1:
        requests = ", ".join(sorted({f"{key[0]} {key[1]}" for key in keys}))
        made.miss("tokens.list", "ambiguous_list", requests=requests)
        return None
    same_request = [each for each in whole if key_of(each.exchange) == keys[0]]
    last = _best_proved(same_request, created, description)
    same_list = [each for each in exchanges if is_for(each, keys)]
    if any(is_in_groups(each.answer, last.pointer) for each in same_list):
        made.miss("tokens.list", "grouped_list", request=_name(last.exchange), items=last.pointer)
        return None
    other = _other_part(last, exchanges)
    if other is not None:
        about = {"items": last.pointer, "other": other}
        made.miss("tokens.list", "split_list", request=_name(last.exchange), **about)
        return None
    return last.with_rows_of(_answers(exchanges, last))


def _with_those_that_list_as_much(
    keys: list[tuple[str, str]], lists_: list[TokenRows], description: str
) -> list[tuple[str, str]]:
    """Add the requests that list at least the tokens of the best one, if it is the only best one.

    The best one may list only a selection.
    """
    if len(keys) != 1:
        return keys
    shown: dict[tuple[str, str], set[str]] = {}
    for each in lists_:
        shown[key_of(each.exchange)] = each.texts(description)
    return [*keys, *(key for key, texts in shown.items() if key not in keys and texts >= shown[keys[0]])]


def _other_part(rows: TokenRows, exchanges: list[Exchange]) -> str | None:
    """Return the pointer to another list of objects like the tokens, beside the list that has the new one."""
    own = set(rows.new)
    answers = [each.answer for each in exchanges if is_for(each, {key_of(rows.exchange)})]
    for pointer, items in (pair for answer in answers for pair in lists(answer)):
        fields = [set(dict(scalars(item))) for item in items]
        own_path, path = f"{rows.pointer}/", f"{pointer}/"
        is_apart = not own_path.startswith(path) and not path.startswith(own_path)
        if is_apart and any(each == own or len(each & own) >= SHARED_FIELDS for each in fields):
            return pointer
    return None


def _best_proved(alike: list[TokenRows], created: Any, description: str) -> TokenRows:
    """Return the last of the lists that are proved best to have the new token.

    A list that is read later may have another token of the same description.
    """
    best = max(each.proof(created, description) for each in alike)
    return next(each for each in reversed(alike) if each.proof(created, description) == best)


def _name(exchange: Exchange) -> str:
    return f"{exchange.method} {exchange.bare_path}"


def fixed_words(create: Exchange, description: str) -> frozenset[PlaceSent]:
    """Return the parts of the creation's path that equal the description, if a field has it beside them."""
    places = [place for place, text in sent_places(create) if has_value(text, description)]
    in_path = frozenset(place for place in places if place[0] == "path")
    return in_path if len(in_path) < len(places) else frozenset()


def _searches(exchange: Exchange, description: str, fixed: Collection[PlaceSent]) -> bool:
    """Return whether a request sends the description, or a part of it, as a search does."""
    sent = [(place, text) for place, text in sent_places(exchange) if place not in fixed]
    if any(has_value(text, description) for _place, text in sent):
        return True
    parts = [text.strip("*%").lower() for place, text in sent if place[0] != "path"]
    return any(len(part) >= SHORTEST_SEARCH and part in description.lower() for part in parts)


def _asked(rows: TokenRows) -> str:
    """Return a text that is the same for lists of the same request, sent again."""
    exchange = rows.exchange
    return json.dumps([exchange.method, exchange.path, exchange.body, rows.pointer])


def _changing(found: list[TokenRows], exchanges: list[Exchange]) -> set[str]:
    """Return the requests whose answers change although nothing is written between."""
    lists_ = {_asked(each): each for each in found}
    return {asked for asked, each in lists_.items() if _changes(each, exchanges)}


def _changes(rows: TokenRows, exchanges: list[Exchange]) -> bool:
    """Return whether a request differs in its answer when it is sent again, with no write between."""
    if not rows.exchange.writes:
        return False
    asked = (rows.exchange.method, rows.exchange.path, rows.exchange.body)
    alike = [each for each in exchanges if (each.method, each.path, each.body) == asked]
    for one, other in pairwise(alike):
        between = [each for each in exchanges if one.number < each.number < other.number and each.writes]
        if not between and at(one.answer, rows.pointer) != at(other.answer, rows.pointer):
            return True
    return False


def _evidence(
    rows: TokenRows,
    create: Exchange | None,
    session: RecordedSession,
    without: Mapping[tuple[str, str], int],
) -> tuple[int, bool, bool]:
    """Return how well a list is proved; the last reason is that the same request lacked the token before."""
    number = rows.exchange.number
    was_without = without.get(key_of(rows.exchange), number) < number
    if create is None:
        return (0, False, was_without)
    proof = rows.proof(create.answer, session.description)
    return (proof, rows.exchange.bare_path == create.bare_path, was_without)


def _first_without(
    found: list[TokenRows], description: str, exchanges: list[Exchange]
) -> dict[tuple[str, str], int]:
    """Return the number of the first answer that lacks the token, for each request that lists it."""
    asked = {key_of(each.exchange) for each in found}
    numbers: dict[tuple[str, str], int] = {}
    for each in exchanges:
        is_asked = is_for(each, asked) and key_of(each) not in numbers
        if is_asked and each.answer is not None and not holds(each.answer, description):
            numbers[key_of(each)] = each.number
    return numbers


def _answers(exchanges: list[Exchange], rows: TokenRows) -> Iterator[TokenRows]:
    """Yield the list as other answers to the same request show it."""
    for each in exchanges:
        if each is not rows.exchange and is_for(each, {key_of(rows.exchange)}):
            items = at(each.answer, rows.pointer)
            if isinstance(items, list):
                yield TokenRows(each, rows.pointer, [dict(scalars(item)) for item in items], {})


def _miss_list(
    exchanges: list[Exchange],
    filtered: list[TokenRows],
    session: RecordedSession,
    create: Exchange | None,
    made: Draft,
) -> None:
    if filtered:
        made.miss("tokens.list", "filtered_list", request=_name(filtered[0].exchange))
        return
    after = [each for each in exchanges if create is None or each.number > create.number]
    description = session.description
    showing = [each for each in after if holds(each.answer, description) or shows(each, description)]
    having = next((each for each in showing if each.works and each.answer is not None), None)
    page = next((each for each in showing if each.answer is None), None)
    cached = next((each for each in after if each.is_cached and not each.writes), None)
    if having:
        made.miss("tokens.list", "not_a_list", request=_name(having))
    elif page:
        made.miss("tokens.list", "list_not_json", request=_name(page))
    elif cached:
        made.miss("tokens.list", "cached_list", request=_name(cached))
    else:
        made.miss("tokens.list", "no_list")
