# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Determine whether a recorded deletion may select the token by something else than its id.

An appliance can delete what is in a row of its list, and take the description only as a confirmation. A map
that repeats such a request deletes whatever is in that row then.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ..recording.har import Exchange, child
from ..recording.places_sent import PlaceSent, has_value, sent_places
from ..recording.token_rows import name_of

NUMBER = re.compile(r"(?<![\w.])-?\d{1,6}(?![\w.])")
NUMBERED = re.compile(r"(?<![^\W_])\d{1,6}(?![^\W_])")
"""A name such as ``sel[2]`` or ``row_2``, but not ``sha256``."""

POSITION = re.compile(r"row|index|idx|pos(ition)?|line|rank|offset", re.IGNORECASE)


def names_by_id(exchange: Exchange, known: Mapping[str, Any], constant: Collection[PlaceSent]) -> bool:
    """Return whether a request sends the id of the token, at a place that is not ``constant``."""
    if "id" not in known:
        return False
    return any(
        place not in constant and has_value(text, known["id"]) for place, text in sent_places(exchange)
    )


def selecting(
    exchange: Exchange, known: Mapping[str, Any], constant: Collection[PlaceSent]
) -> Iterator[PlaceSent]:
    """Yield the places with a number that may be the token's position in the list.

    In a request with the token's id, these are the numbers that are called a position. In any other, these
    are all numbers, also in the names of fields.
    """
    is_named = names_by_id(exchange, known, constant)
    for place, text in sent_places(exchange):
        if place in constant:
            continue
        if is_named:
            has_position = text.isdecimal() and POSITION.fullmatch(name_of(place[1])) is not None
        else:
            has_position = NUMBER.search(text.replace(str(known["description"]), "")) is not None
        if has_position and not (is_named and text == str(known["id"])):
            yield place
    if not is_named:
        yield from (place for place in _field_names(exchange) if NUMBERED.search(name_of(place[1])))


def _field_names(exchange: Exchange) -> Iterator[PlaceSent]:
    """Yield the names of the parameters and of the fields, also of those without a text or number."""
    yield from (place for place, _text in sent_places(exchange) if place[0] == "query")
    yield from (("body", pointer) for pointer in _members(exchange.body, ""))


def _members(document: Any, pointer: str) -> Iterator[str]:
    if isinstance(document, Mapping):
        for name, part in document.items():
            yield child(pointer, name)
            yield from _members(part, child(pointer, name))
    elif isinstance(document, list):
        for number, part in enumerate(document):
            yield from _members(part, child(pointer, number))
