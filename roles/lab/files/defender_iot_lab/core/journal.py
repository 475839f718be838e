# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The recorded requests, without headers, bodies and secrets."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlencode

from .clock import Clock
from .exchange import Exchange
from .ledger import REDACTED

SECRET_PARAMETERS = frozenset({"access_token", "password", "secretkey", "token"})


@dataclass(frozen=True)
class Call:
    """One recorded request. Its status is None if it got no answer."""

    n: int
    time: float
    appliance: str
    method: str
    path: str
    query: str
    status: int | None
    connection: int
    source: str
    principal: str | None
    write: bool


@dataclass
class Counters:
    """Numbers of requests, TLS connections and writes of one appliance."""

    requests: int = 0
    connections: int = 0
    writes: int = 0


class Journal:
    """The calls since the last `clear` and the counters of each appliance."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._last = 0
        self.age = 0
        self.clear()

    def clear(self) -> None:
        """Delete all calls, including those without an answer yet, and reset the counters."""
        self.age += 1
        self._calls: list[Call] = []
        self.counters: defaultdict[str, Counters] = defaultdict(Counters)

    def connected(self, appliance: str) -> None:
        """Count a finished TLS handshake."""
        self.counters[appliance].connections += 1

    def record(self, appliance: str, exchange: Exchange, status: int | None, write: bool, age: int) -> None:
        """Record a request and its status, unless it began before the last `clear`."""
        if age != self.age:
            return
        self._last += 1
        self.counters[appliance].requests += 1
        self.counters[appliance].writes += write
        self._calls.append(
            Call(
                n=self._last,
                time=self.clock.now(),
                appliance=appliance,
                method=exchange.method,
                path=exchange.path,
                query=_redacted_query(exchange),
                status=status,
                connection=exchange.connection.serial,
                source=exchange.source,
                principal=exchange.principal,
                write=write,
            )
        )

    def calls(self, appliance: str | None = None) -> list[dict[str, Any]]:
        """Return the recorded calls of one appliance, or of all, in order."""
        return [asdict(call) for call in self._calls if appliance in (None, call.appliance)]


def _redacted_query(exchange: Exchange) -> str:
    pairs = exchange.query.multi_items()
    return urlencode(
        [(name, REDACTED if name in SECRET_PARAMETERS else value) for name, value in pairs], safe="<>*|,@=!"
    )
