# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The constraints of event queries, as far as published clients use them. Anything else is refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

Attributes = Mapping[str, str]
Test = Callable[[Attributes], bool]

TOKEN = re.compile(r'\s*(?:(?P<text>"[^"\\]*")|(?P<sign>>=|[=(),])|(?P<word>[\w.:*-]+))')


class ConstraintError(Exception):
    """A constraint is not in the language. The message says why, and nothing can be done but correct it."""


@dataclass
class Parser:
    """Reads one constraint: AND binds closer than OR, texts are in double quotes, IP addresses are bare."""

    source: str
    known: frozenset[str]
    ignores_case: bool
    tokens: list[str] = field(default_factory=list)

    def parse(self) -> Test:
        """Return the test. Raises ConstraintError."""
        position = 0
        while self.source[position:].strip():
            found = TOKEN.match(self.source, position)
            if found is None:
                raise ConstraintError(f"unexpected character at {position}")
            self.tokens.append(found[0].strip())
            position = found.end()
        test = self._either()
        if self.tokens:
            raise ConstraintError(f"unexpected {self.tokens[0]}")
        return test

    def _either(self) -> Test:
        tests = [self._both()]
        while self._takes("OR"):
            tests.append(self._both())
        return lambda event: any(test(event) for test in tests)

    def _both(self) -> Test:
        tests = [self._one()]
        while self._takes("AND"):
            tests.append(self._one())
        return lambda event: all(test(event) for test in tests)

    def _one(self) -> Test:
        if self._takes("("):
            test = self._either()
            self._require(")")
            return test
        name = self._next()
        if name not in self.known:
            raise ConstraintError(f"unknown attribute {name}")
        negated = self._takes("NOT")
        operator = self._next()
        if negated and operator != "CONTAIN":
            raise ConstraintError(f"unexpected {operator} after NOT")
        test = self._comparison(name, operator)
        return (lambda event: not test(event)) if negated else test

    def _comparison(self, name: str, operator: str) -> Test:
        match operator:
            case "=":
                wanted = self._value()
                return lambda event: event.get(name, "") == wanted
            case ">=":
                least = self._number()
                return lambda event: event.get(name, "").isdecimal() and int(event[name]) >= least
            case "IN":
                values = self._values()
                return lambda event: event.get(name, "") in values
            case "CONTAIN":
                part = self._folded(self._value())
                return lambda event: part in self._folded(event.get(name, ""))
        raise ConstraintError(f"unknown operator {operator}")

    def _values(self) -> list[str]:
        self._require("(")
        values = [self._value()]
        while self._takes(","):
            values.append(self._value())
        self._require(")")
        return values

    def _value(self) -> str:
        token = self._next()
        if token in ("(", ")", ",", "=", ">="):
            raise ConstraintError(f"unexpected {token}")
        return token.strip('"')

    def _number(self) -> int:
        token = self._next()
        if not token.isdecimal():
            raise ConstraintError(f"{token} is not a number")
        return int(token)

    def _folded(self, text: str) -> str:
        return text.casefold() if self.ignores_case else text

    def _takes(self, token: str) -> bool:
        if self.tokens[:1] == [token]:
            del self.tokens[0]
            return True
        return False

    def _require(self, token: str) -> None:
        if not self._takes(token):
            raise ConstraintError(f"{token} is missing")

    def _next(self) -> str:
        if not self.tokens:
            raise ConstraintError("the constraint ends too early")
        return self.tokens.pop(0)
