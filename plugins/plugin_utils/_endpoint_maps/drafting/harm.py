# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find what makes a recorded request harmful to repeat: it could change tokens other than the new one.

A draft does not include such a request.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..recording.har import Exchange, same
from ..recording.places_sent import SHORTEST, PlaceSent, has_value, sent_places
from ..recording.token_rows import NEVER, TokenRows, is_time
from ..recording.values import is_opaque
from .positions import names_by_id, selecting


@dataclass
class Repeated:
    """A request to repeat, with the other requests of the map, which show what is constant in it.

    ``known`` has the values that a task fills in, by their names. ``id_field`` is the field of the id in a
    row of the list, None if it is unclear.
    """

    exchange: Exchange
    others: tuple[Exchange, ...]
    rows: TokenRows
    known: Mapping[str, Any]
    id_field: str | None
    is_deletion: bool = False

    def constants(self) -> frozenset[PlaceSent]:
        """Return the places whose value equals the token's id, but which another request sends too.

        The description is constant in a part of the path that the list's request has too.
        """
        listed = [pair for pair in sent_places(self.rows.exchange) if pair[0][0] == "path"]
        words = {
            place
            for place, text in sent_places(self.exchange)
            if (place, text) in listed and has_value(text, self.known["description"])
        }
        return frozenset(words | {place for place in self._places_of_id() if place in self._alike})

    def faults(self) -> Iterator[tuple[str, str]]:
        """Yield the reasons why the request cannot be repeated, each with the field that it is about."""
        faults = list(self._wrong_values())
        if self.is_deletion and not faults and not self._names_by_id:
            faults = [("position", field_name(place)) for place in self._selecting]
        yield from faults

    def _wrong_values(self) -> Iterator[tuple[str, str]]:
        ids = [place for place in self._places_of_id() if place not in self._alike]
        if len(ids) > 1 and len(str(self.known["id"])) < SHORTEST:
            yield "coinciding_id", " and ".join(map(field_name, ids))
        for place, text in sent_places(self.exchange):
            if place in self._alike or self._is_envelope(place):
                continue
            if any(has_value(text, value) for value in self._of_other_tokens):
                yield "other_token", field_name(place)
            elif self._is_of_row(text):
                yield "row_value", field_name(place)

    def doubts(self) -> Iterator[tuple[str, str]]:
        """Yield the reasons to prove a deletion before it is used, each with the field that it is about."""
        if self._names_by_id:
            yield from (("fixed_position", field_name(place)) for place in self._selecting)
        else:
            yield "description_only", ""

    @property
    def _names_by_id(self) -> bool:
        return names_by_id(self.exchange, self.known, self._alike)

    @property
    def _selecting(self) -> list[PlaceSent]:
        constant = {place for place, _text in sent_places(self.exchange) if self._is_envelope(place)}
        found = selecting(self.exchange, self.known, self._alike | constant)
        return list(dict.fromkeys(found))

    def _places_of_id(self) -> list[PlaceSent]:
        if "id" not in self.known:
            return []
        return [place for place, text in sent_places(self.exchange) if has_value(text, self.known["id"])]

    @cached_property
    def _alike(self) -> set[PlaceSent]:
        """Return the places at which another request sends the same value."""
        texts = dict(sent_places(self.exchange))
        sent = (pair for each in self.others for pair in sent_places(each))
        return {place for place, text in sent if texts.get(place) == text}

    def _is_envelope(self, place: PlaceSent) -> bool:
        """Return whether every request sends something there, as JSON-RPC numbers its requests."""
        return place[0] != "path" and all(place in dict(sent_places(each)) for each in self.others)

    @cached_property
    def _of_other_tokens(self) -> list[Any]:
        """Return what identifies the other tokens: their ids, descriptions, and other unique texts."""
        own = set(map(str, self.rows.new.values()))
        fields = [field for field in self.rows.new if self._identifies(field)]
        rows = [row for row in (*self.rows.rows, *self.rows.seen) if row is not self.rows.new]
        values = [row[field] for row in rows for field in fields if field in row]
        return [value for value in values if str(value) not in own and value not in NEVER]

    def _is_of_row(self, text: str) -> bool:
        """Return whether a text is in the new token's row alone, and no task fills it in."""
        filled = set(map(str, self.known.values()))
        fields = [field for field in self.rows.new if self._identifies(field) and field != self.id_field]
        values = [str(self.rows.new[field]) for field in fields]
        return any(
            (len(value) >= SHORTEST and has_value(text, value)) or (is_opaque(text) and text in value)
            for value in values
            if value not in filled
        )

    def _identifies(self, field: str) -> bool:
        """Return whether a field is the id, or has a text or a long number that is different in each row."""
        value = self.rows.new[field]
        if field == self.id_field:
            return True
        if isinstance(value, bool) or value in NEVER or is_time(value) or len(str(value)) < SHORTEST:
            return False
        return sum(same(row.get(field), value) for row in self.rows.rows) == 1


def field_name(place: PlaceSent) -> str:
    """Return the name of a place in a sentence."""
    kind, name = place
    return "a part of its path" if kind == "path" else f'the {kind.replace("body", "field")} "{name}"'
