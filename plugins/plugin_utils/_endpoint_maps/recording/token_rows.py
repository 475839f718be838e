# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Identify the fields of a recorded list of tokens by their values only."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from ....module_utils._engine.moment import EPOCHS, as_text, read_moment
from .har import Exchange, holds, lists, same, scalars
from .values import SHORTEST, may_hold

NEVER = (None, "", 0, -1)

DATES = (
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%d.%m.%Y",
    "%Y/%m/%d",
    "%d-%m-%Y",
    "%m/%d/%y",
    "%d/%m/%y",
    "%d %b %Y",
    "%b %d, %Y",
)
TIMES = ("%I:%M %p", "%I:%M:%S %p", "%H:%M", "%H:%M:%S")
PATTERNS = [f"{date}{between}{time}" for date in DATES for between in (", ", " ") for time in TIMES]
"""How browsers write a time in the operator's language, where the page and not the answer formats it."""

OTHER_TIME = re.compile(
    r"expir|valid|until|edit|modif|updat|chang|creat|issu|revok|delet|disabl|renew|rotat", re.IGNORECASE
)
"""What the times of other events are called."""

RELATIVE = ("ago", "vor ", "just now", "yesterday", "il y a")


@dataclass(frozen=True)
class TokenRows:
    """A list of tokens in an answer, each row as its scalars by pointer, and the new token's row.

    ``seen`` are the rows of other answers to the same request, which may show more times.
    """

    exchange: Exchange
    pointer: str
    rows: list[dict[str, Any]]
    new: dict[str, Any]
    seen: tuple[dict[str, Any], ...] = ()

    @classmethod
    def found(cls, exchange: Exchange, description: str, created: Any = None) -> TokenRows | None:
        """Return the innermost list that has a token of this description, None if there is none.

        Of several such tokens, the new one has a value that ``created``, the answer to its creation, has too.
        """
        if not may_hold(exchange.text or "", description):
            return None
        fitting = [
            each for each in lists(exchange.answer) if any(_has(item, description) for item in each[1])
        ]
        if not fitting:
            return None
        pointer, items = fitting[-1]
        rows = [dict(scalars(item)) for item in items]
        own = [row for row in rows if description in row.values()]
        answered = [value for _pointer, value in scalars(created) if is_identity(value, description)]
        new = next((row for row in own if any(value in row.values() for value in answered)), own[-1])
        return cls(exchange, pointer, rows, new)

    def with_rows_of(self, others: Iterable[TokenRows]) -> TokenRows:
        """Return it with the rows of other answers."""
        return replace(self, seen=tuple(row for each in others for row in each.rows))

    def proof(self, created: Any, description: str) -> int:
        """Say how well the new token's row is proved by the answer to its creation.

        2 for a field of the same name and value, 1 for a value, 0 for nothing.
        """
        answered = [(name_of(at), value) for at, value in scalars(created) if is_identity(value, description)]
        own = [(name_of(at), value) for at, value in self.new.items()]
        if any(name == other and same(value, each) for name, value in answered for other, each in own):
            return 2
        return int(any(same(value, each) for _name, value in answered for _other, each in own))

    def field(self, value: Any) -> str | None:
        """Return the new token's field with this value, None if there is none."""
        return next((pointer for pointer, each in self.new.items() if same(each, value)), None)

    def is_key(self, pointer: str) -> bool:
        """Return whether several tokens were listed, and each has another value in a field."""
        values = [str(row.get(pointer)) for row in self.rows]
        return 1 < len(values) == len(set(values))

    def texts(self, description: str) -> set[str]:
        """Return what the rows have in the field of the description."""
        pointer = self.field(description) or ""
        return {str(row.get(pointer)) for row in self.rows}

    def identities(
        self, other_than: Collection[Any], answer: Any, is_addressed: Callable[[Any], bool]
    ) -> set[str]:
        """Return the fields that can be the token's id: one if it is proved, otherwise all candidates.

        The proofs, in this order: a later request names only this value, which is too long for chance; the
        ``answer`` to the creation has it in the same field; in any field; a later request names it.
        """
        single = {
            pointer: value
            for pointer, value in self.new.items()
            if not isinstance(value, bool) and value not in (*NEVER, *other_than) and self._is_alone(pointer)
        }
        answered = dict(scalars(answer))
        named = {pointer for pointer, value in single.items() if is_addressed(value)}
        if len(named) == 1 and len(str(single[next(iter(named))])) >= SHORTEST:
            return named
        proofs: list[Callable[[str], bool]] = [
            lambda pointer: pointer in answered and same(answered[pointer], single[pointer]),
            lambda pointer: holds(answer, single[pointer]),
            lambda pointer: pointer in named,
        ]
        for proof in proofs:
            proved = {pointer for pointer in single if proof(pointer)}
            if len(proved) == 1:
                return proved
        return set(single)

    def never_used(self, taken: Collection[str | None], shown: str) -> set[str]:
        """Return the fields that can mean that the new token was never used.

        These are the fields with the text that the browser has ``shown``, perhaps as JSON has it. If there
        are none: the fields that are empty, or a word where another token has a time, and in which every
        other token has the same value or a time. If there are none: the fields that only other tokens have,
        with a time. Fields that are called another time, such as of the expiry, are none of them.
        """
        left = {pointer: value for pointer, value in self.new.items() if pointer not in taken}
        literal = {pointer for pointer, value in left.items() if shown in (value, json.dumps(value))}
        if literal:
            return set(map(self._timed_part, literal))
        proved = {
            self._timed_part(pointer)
            for pointer, value in left.items()
            if not OTHER_TIME.search(name_of(pointer)) and self._may_mean_never(pointer, value)
        }
        timed = {pointer for pointer in proved if any(map(is_time, self.times(pointer)))}
        return timed or proved or self._only_others_have()

    def own_times(self, taken: Collection[str | None]) -> set[str]:
        """Return the fields in which the new token has a time that may be of its use."""
        return {
            pointer
            for pointer, value in self.new.items()
            if pointer not in taken and is_time(value) and not OTHER_TIME.search(name_of(pointer))
        }

    def _timed_part(self, pointer: str) -> str:
        """Return the field, or the only part of it that has a time for other tokens, as ``/used/$date``."""
        parts = {
            part
            for row in (*self.rows, *self.seen)
            for part, value in row.items()
            if part.startswith(f"{pointer}/") and is_time(value)
        }
        return parts.pop() if len(parts) == 1 else pointer

    def times(self, pointer: str) -> list[Any]:
        """Return the tokens' times in this field."""
        never = self.new.get(pointer)
        found = [row[pointer] for row in (*self.rows, *self.seen) if pointer in row]
        return [each for each in found if not same(each, never) and each not in NEVER]

    def has_parts(self, pointer: str) -> bool:
        """Return whether other tokens have a list or an object in this field, such as the parts of a time."""
        return any(part.startswith(f"{pointer}/") for row in (*self.rows, *self.seen) for part in row)

    def _only_others_have(self) -> set[str]:
        rows = (*self.rows, *self.seen)
        others = {pointer for row in rows for pointer in row} - set(self.new)
        return {
            pointer
            for pointer in others
            if not OTHER_TIME.search(name_of(pointer)) and any(is_time(row.get(pointer)) for row in rows)
        }

    def _is_alone(self, pointer: str) -> bool:
        return sum(same(row.get(pointer), self.new[pointer]) for row in self.rows) == 1

    def _may_mean_never(self, pointer: str, value: Any) -> bool:
        is_word = isinstance(value, str) and not any(map(str.isdigit, value))
        if isinstance(value, bool) or not (is_word or value in NEVER):
            return False
        part = self._timed_part(pointer)
        others = [row.get(pointer, row.get(part)) for row in self.rows]
        if value not in NEVER and not any(map(is_time, self.times(part))):
            return False
        return all(same(each, value) or is_time(each) for each in others)


def _has(item: Any, description: str) -> bool:
    return isinstance(item, (dict, list)) and any(value == description for _at, value in scalars(item))


def name_of(pointer: str) -> str:
    """Return the last name of a pointer."""
    return pointer.rpartition("/")[2]


def is_identity(value: Any, description: str) -> bool:
    """Return whether a value can be the id of an object."""
    return (
        isinstance(value, (str, int)) and not isinstance(value, bool) and value not in (*NEVER, description)
    )


@lru_cache(maxsize=4096, typed=True)
def is_time(value: Any) -> bool:
    """Return whether a value is a time of this century, in a known format or in words."""
    return time_format(value) is not None or bool(patterns([value])) or is_relative(value)


def is_relative(value: Any) -> bool:
    """Return whether a text is a time such as "3 hours ago"."""
    return isinstance(value, str) and any(each in value.lower() for each in RELATIVE)


def time_format(value: Any) -> str | None:
    """Return the format of a time, None if the value is not a time of this century in such a format."""
    return next((form for form in ("iso8601", *EPOCHS) if _is_of_this_century(value, form)), None)


def patterns(values: Collection[Any]) -> list[str]:
    """Return the patterns that every one of these texts fits."""
    # Every pattern has a colon, and most texts have none.
    if not values or not all(isinstance(value, str) and ":" in value for value in values):
        return []
    return [pattern for pattern in PATTERNS if all(_is_of_this_century(value, pattern) for value in values)]


def _is_of_this_century(value: Any, form: str) -> bool:
    try:
        return "2000" < as_text(read_moment(value, form)) < "2100"
    except (ValueError, OverflowError, OSError, TypeError):
        return False


def rows_of(exchanges: Iterable[Exchange], description: str, created: Any) -> Iterator[TokenRows]:
    """Yield the lists that have a token of this description."""
    for exchange in exchanges:
        rows = TokenRows.found(exchange, description, created)
        if rows:
            yield rows
