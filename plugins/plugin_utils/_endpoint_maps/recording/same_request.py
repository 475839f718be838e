# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Determine which recorded requests are the same one, sent again with other values of the moment."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache
from itertools import islice
from typing import Any
from weakref import WeakKeyDictionary

from ..load import UUID
from .har import Exchange, at, child, scalars
from .page_paths import same_pages
from .parameters import POSITIONS, plain
from .token_rows import is_time, name_of
from .values import is_opaque

_KEYS: WeakKeyDictionary[Exchange, tuple[str, str]] = WeakKeyDictionary()
"""What ``key_of`` has returned: it is asked often, and long recordings have many exchanges."""

LONGEST_NAME = 39
"""A longer text is code, such as a query in GraphQL."""

MOST_TEXTS = 500
"""What asks for an operation has fewer: even DataTables sends only six for each column."""


def key_of(exchange: Exchange) -> tuple[str, str]:
    """Return what all requests for one operation have in common: the method, and the path with its operation.

    JSON-RPC and GraphQL have the operation in the body.
    """
    if exchange not in _KEYS:
        _KEYS[exchange] = exchange.method, same_pages(exchange.bare_path) + _operation_of(exchange)
    return _KEYS[exchange]


def is_for(exchange: Exchange, keys: Collection[tuple[str, str]]) -> bool:
    """Return whether a request has one of these keys. Its body is only read if its path fits."""
    path = same_pages(exchange.bare_path)
    may_fit = any(method == exchange.method and text.startswith(path) for method, text in keys)
    return may_fit and key_of(exchange) in keys


def _operation_of(exchange: Exchange) -> str:
    if not exchange.writes:
        return ""
    kept = [
        text
        for place, text in _texts_sent(exchange.body)
        if len(text) <= LONGEST_NAME and not _varies(exchange, place, text)
    ]
    return "".join(f" {text}" for text in kept)


def _texts_sent(body: Any) -> list[tuple[str, str]]:
    """Return the texts of a body by pointer. If it is long, it is data: only those at the top may name it."""
    texts = ((place, value) for place, value in scalars(body) if isinstance(value, str))
    found = list(islice(texts, MOST_TEXTS + 1))
    if len(found) <= MOST_TEXTS:
        return found
    members = body.items() if isinstance(body, Mapping) else ()
    return [(child("", name), value) for name, value in members if isinstance(value, str)]


def _varies(exchange: Exchange, place: str, text: str) -> bool:
    """Return whether a text differs from one request to the next: a time, a page, a value of a session.

    A number does if it is called a page, or if the answer repeats it, as the answer to DataTables does.
    """
    if text.isdecimal():
        return plain(place) in POSITIONS or _is_repeated(exchange, place, text)
    return is_opaque(text) or UUID.fullmatch(text) is not None or is_time(text)


def _is_repeated(exchange: Exchange, place: str, text: str) -> bool:
    """Return whether the answer has the text in a field of the same name."""
    return (name_of(place), text) in _answered(exchange)


@lru_cache(maxsize=1)
def _answered(exchange: Exchange) -> set[tuple[str, str]]:
    """Return every value of an answer as text, with its name."""
    return {(name_of(pointer), str(value)) for pointer, value in scalars(exchange.answer)}


def is_label(
    exchange: Exchange,
    place: str,
    text: str,
    exchanges: list[Exchange],
    harmless: Collection[Exchange | None],
) -> bool:
    """Return whether a text of a body only pairs a request with its answer, like the id of JSON-RPC.

    It does if the text looks made by a machine, the answer repeats it, and every request to the same address
    has another such text. At least one of these requests must be ``harmless``: it creates nothing, so the
    text names no object, and a map may send any text.
    """
    if not is_opaque(text) and UUID.fullmatch(text) is None:
        return False
    alike = [
        each
        for each in exchanges
        if (each.method, each.bare_path) == (exchange.method, exchange.bare_path) and each.works
    ]
    sent = [(each, at(each.body, place)) for each in alike]
    labels = {value for each, value in sent if isinstance(value, str) and _is_repeated(each, place, value)}
    return text in labels and 1 < len(labels) == len(alike) and any(each in harmless for each in alike)
