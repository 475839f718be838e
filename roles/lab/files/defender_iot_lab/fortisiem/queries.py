# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The event queries of a mock FortiSIEM, whatever interface they come by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ..core.clock import Clock
from .constraint import ConstraintError, Parser
from .events import DISPLAYED, Event, Events
from .options import FortiSiemOptions

LIFETIME_SECONDS = 600
FIRST_NUMBER = 2**53 + 1
LATEST = 10**10
"""The first time in seconds with more than ten digits. Times in milliseconds have more."""


class QueryError(Exception):
    """A query is refused with an error, whose HTTP status is 200."""


@dataclass
class Query:
    """One submitted query with its rows, the newest first."""

    number: int
    expires: float
    columns: list[str]
    rows: list[Event]
    polls: int = 0


@dataclass
class Queries:
    """The queries that have not expired. Their numbers do not fit into a double."""

    clock: Clock
    events: Events
    options: Callable[[], FortiSiemOptions]
    submitted: dict[int, Query] = field(default_factory=dict)

    def submit(self, columns: str, where: str, low: int, high: int, principal: str) -> Query:
        """Run a query. Raises QueryError."""
        names = [name.strip() for name in columns.split(",") if name.strip()] or list(DISPLAYED)
        unknown = [name for name in names if name not in DISPLAYED]
        if unknown:
            raise QueryError(f"unknown attribute {unknown[0]}")
        if not where.strip():
            raise QueryError("the constraint is empty")
        wrong_times = low > high or max(low, high) >= LATEST
        if wrong_times and self.options().wrong_times == "error":
            raise QueryError("the time range is not valid")
        rows = [] if wrong_times else self._matching(where, low, high, principal)
        number = FIRST_NUMBER + len(self.submitted)
        query = Query(number, self.clock.now() + LIFETIME_SECONDS, names, rows)
        self.submitted[number] = query
        return query

    def _matching(self, where: str, low: int, high: int, principal: str) -> list[Event]:
        options = self.options()
        try:
            test = Parser(where, frozenset(DISPLAYED), options.ignores_case).parse()
        except ConstraintError as error:
            raise QueryError(str(error)) from error
        return [
            event
            for event in self.events.until(self.clock.now())
            if low <= event.moment < high + 1
            and _is_visible(event, principal, options.role)
            and test(event.attributes)
        ]

    def find(self, number: str) -> Query | None:
        """Return a query by its number, None if it does not exist or has expired."""
        query = self.submitted.get(int(number)) if number.isdecimal() else None
        return query if query and query.expires > self.clock.now() else None

    def progress(self, query: Query) -> int:
        """Count one more poll, and return the percentage."""
        query.polls += 1
        return self._percent(query)

    def _percent(self, query: Query) -> int:
        needed = self.options().polls
        return min(100, 100 * query.polls // needed) if needed else min(99, query.polls)

    def rows(self, query: Query, start: int, last: int) -> list[Event]:
        """Return a part of the rows. `last` is a limit or an end. Raises QueryError."""
        rows, options = query.rows, self.options()
        if self._percent(query) < 100:
            if options.early_fetch == "error":
                raise QueryError("the query has not finished")
            rows = rows[: len(rows) // 2] if options.early_fetch == "partial" else []
        return rows[start : last if options.third_part == "end" else start + last]


def _is_visible(event: Event, principal: str, role: str) -> bool:
    organization = principal.partition("/")[0]
    if organization not in ("super", event.organization) or role == "hides_all":
        return False
    return not (event.of_sensor and role == "hides_sensors")
