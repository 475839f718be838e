# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tell what the fields of a recorded list of tokens mean, by their values alone."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from ...module_utils._engine.moment import EPOCHS, as_text, read_moment
from .recording import holds, lists, same, scalars

NEVER = (None, "", 0)


@dataclass(frozen=True)
class TokenRows:
    """A list of tokens in an answer, each row as its scalars by pointer, and the new token's row."""

    pointer: str
    rows: list[dict[str, Any]]
    new: dict[str, Any]

    @classmethod
    def found(cls, answer: Any, description: str) -> TokenRows | None:
        """Return the innermost list with a token of this description, None where there is none."""
        fitting = [each for each in lists(answer) if any(holds(item, description) for item in each[1])]
        if not fitting:
            return None
        pointer, items = fitting[-1]
        rows = [dict(scalars(item)) for item in items]
        return cls(pointer, rows, next(row for row in reversed(rows) if description in row.values()))

    def field(self, value: Any) -> str | None:
        """Return the field of the new token that has this value."""
        return next((pointer for pointer, each in self.new.items() if same(each, value)), None)

    def identities(
        self, other_than: Collection[Any], answer: Any, is_addressed: Callable[[Any], bool]
    ) -> set[str]:
        """Return the fields that may tell tokens apart; one alone is proved, or nothing else is left.

        Best proved by a field of the same name and value in the ``answer`` to the creation, then by any field
        there of that value, then by a later request that is addressed with it.
        """
        single = {
            pointer: value
            for pointer, value in self.new.items()
            if not isinstance(value, bool) and value not in (*NEVER, *other_than) and self._is_alone(pointer)
        }
        answered = dict(scalars(answer))
        proofs: list[Callable[[str], bool]] = [
            lambda pointer: pointer in answered and same(answered[pointer], single[pointer]),
            lambda pointer: holds(answer, single[pointer]),
            lambda pointer: is_addressed(single[pointer]),
        ]
        for proof in proofs:
            proved = {pointer for pointer in single if proof(pointer)}
            if len(proved) == 1:
                return proved
        return set(single)

    def never_used(self, taken: Collection[str | None], shown: str) -> set[str]:
        """Return the fields that may say that the new token was never used.

        The one that holds what the browser has ``shown``, or those that hold nothing or a word, while other
        tokens have the same there or a time.
        """
        left = {pointer: value for pointer, value in self.new.items() if pointer not in taken}
        literal = {pointer for pointer, value in left.items() if value == shown}
        return literal or {pointer for pointer, value in left.items() if self._may_mean_never(pointer, value)}

    def time_formats(self, pointer: str) -> set[str]:
        """Return the formats of the times that tokens have in this field."""
        return {found for row in self.rows if (found := time_format(row.get(pointer)))}

    def _is_alone(self, pointer: str) -> bool:
        return sum(same(row.get(pointer), self.new[pointer]) for row in self.rows) == 1

    def _may_mean_never(self, pointer: str, value: Any) -> bool:
        is_word = isinstance(value, str) and not any(map(str.isdigit, value))
        if isinstance(value, bool) or not (is_word or value in NEVER):
            return False
        others = [row.get(pointer) for row in self.rows]
        return all(same(each, value) or time_format(each) for each in others)


def time_format(value: Any) -> str | None:
    """Return the format of a time, None for what is no time of this century."""
    for form in ("iso8601", *EPOCHS):
        try:
            moment = as_text(read_moment(value, form))
        except (ValueError, OverflowError, OSError):
            continue
        if "2000" < moment < "2100":
            return form
    return None
