# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Identify the fields of a recorded list of tokens by their values only."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from ...module_utils._engine.moment import EPOCHS, as_text, read_moment
from .recording import holds, lists, same, scalars

NEVER = (None, "", 0)


@dataclass(frozen=True)
class TokenRows:
    """A list of tokens in an answer. A row maps JSON pointers to scalars; ``new`` is the new token's row."""

    pointer: str
    rows: list[dict[str, Any]]
    new: dict[str, Any]

    @classmethod
    def found(cls, answer: Any, description: str) -> TokenRows | None:
        """Return the innermost list that has a token of this description, None if there is none."""
        fitting = [each for each in lists(answer) if any(holds(item, description) for item in each[1])]
        if not fitting:
            return None
        pointer, items = fitting[-1]
        rows = [dict(scalars(item)) for item in items]
        return cls(pointer, rows, next(row for row in reversed(rows) if description in row.values()))

    def field(self, value: Any) -> str | None:
        """Return the new token's field with this value, None if there is none."""
        return next((pointer for pointer, each in self.new.items() if same(each, value)), None)

    def identities(
        self, other_than: Collection[Any], answer: Any, is_addressed: Callable[[Any], bool]
    ) -> set[str]:
        """Return the fields that can be the token's id: one if it is proved, otherwise all candidates.

        The proofs, in this order: the ``answer`` to the creation has a field of the same name and value; it
        has the value in any field; a later request names the value.
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
        """Return the fields that can mean that the new token was never used.

        These are the fields with the text that the browser has ``shown``. If there are none: the fields that
        are empty or a word, and in which every other token has the same value or a time.
        """
        left = {pointer: value for pointer, value in self.new.items() if pointer not in taken}
        literal = {pointer for pointer, value in left.items() if value == shown}
        return literal or {pointer for pointer, value in left.items() if self._may_mean_never(pointer, value)}

    def time_formats(self, pointer: str) -> set[str]:
        """Return the formats of the tokens' times in this field."""
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
    """Return the format of a time, None if the value is not a time of this century."""
    for form in ("iso8601", *EPOCHS):
        try:
            moment = as_text(read_moment(value, form))
        except (ValueError, OverflowError, OSError):
            continue
        if "2000" < moment < "2100":
            return form
    return None
