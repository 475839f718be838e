# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configuration transactions: writes that take effect together.

Documented: the actions, the header, the time limit, and that others cannot change what a transaction has
changed. Assumed: the answers to a write that is locked and to an unknown transaction. There is an option for
when a refused write is reported.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..core.clock import Clock
from ..core.exchange import Exchange
from .access import Caller
from .cmdb import Cmdb
from .device import Device
from .envelope import Target, results
from .tables.attribute import Row
from .tables.refusal import COMMAND_ERROR, Refusal

HEADER = "x-transaction-id"
IDLE_SECONDS = 300
Act = Callable[[], Row]
Place = tuple[str, str, str]
"""A VDOM, the full name of a table, and a key."""


@dataclass
class Transaction:
    """The writes of one transaction. It ends if none comes for `timeout` seconds."""

    number: int
    admin: str
    timeout: float
    used: float
    writes: list[Act] = field(default_factory=list)
    places: set[Place] = field(default_factory=set)


class Transactions:
    """The open transactions of one device."""

    def __init__(self, device: Device, cmdb: Cmdb, clock: Clock) -> None:
        self.device = device
        self.cmdb = cmdb
        self._clock = clock
        self._last = 0
        self._open: dict[int, Transaction] = {}

    def control(self, exchange: Exchange, caller: Caller) -> Row:
        """Start, commit, abort, show or list transactions. Raises Refusal."""
        if not self.device.options.transactions:
            raise Refusal(status=404)
        self._forget_idle()
        match exchange.method, exchange.query.get("action"):
            case "POST", "transaction-start":
                return self._start(exchange, caller)
            case "POST", "transaction-commit":
                return self._commit(self._find(exchange, caller))
            case "POST", "transaction-abort":
                del self._open[self._find(exchange, caller).number]
                return {}
            case "GET", "transaction-show" if self.device.version >= (7, 4, 1):
                return results(_shown(self._find(exchange, caller)))
            case "GET", "transaction-list":
                return results([_shown(each) for each in self._open.values()])
        raise Refusal(status=405)

    def carry_out(self, exchange: Exchange, caller: Caller, target: Target, vdom: str, act: Act) -> Row:
        """Carry out a read or a write, within the transaction that the request names."""
        self._forget_idle()
        if HEADER not in exchange.headers or not self.device.options.transactions:
            if exchange.method != "GET":
                self._refuse_locked(_place(target, vdom, target.mkey), ())
            return act()
        transaction = self._find(exchange, caller)
        transaction.used = self._clock.now()
        if exchange.method == "GET":
            return self._try(transaction, act)
        self._refuse_locked(_place(target, vdom, target.mkey), (transaction,))
        answer = self._answer(transaction, act)
        transaction.writes.append(act)
        transaction.places.add(_place(target, vdom, answer.get("mkey")))
        return answer

    def _start(self, exchange: Exchange, caller: Caller) -> Row:
        self._last += 1
        timeout = float((exchange.json_object() or {}).get("timeout", IDLE_SECONDS))
        self._open[self._last] = Transaction(self._last, caller.name, timeout, self._clock.now())
        return results({"transaction-id": self._last})

    def _commit(self, transaction: Transaction) -> Row:
        """Carry out all writes, or none. Either way the transaction ends (assumed)."""
        del self._open[transaction.number]
        snapshot = self.cmdb.snapshot()
        try:
            for act in transaction.writes:
                act()
        except Refusal:
            self.cmdb.restore(snapshot)
            raise
        return {}

    def _answer(self, transaction: Transaction, act: Act) -> Row:
        try:
            return self._try(transaction, act)
        except Refusal:
            if self.device.options.transaction_errors == "at_once":
                raise
            return {"revision_changed": True}

    def _try(self, transaction: Transaction, act: Act) -> Row:
        """Return the answer after the writes of a transaction, which have no effect yet."""
        snapshot = self.cmdb.snapshot()
        try:
            for each in transaction.writes:
                each()
            return act()
        finally:
            self.cmdb.restore(snapshot)

    def _find(self, exchange: Exchange, caller: Caller) -> Transaction:
        number = exchange.headers.get(HEADER, "")
        found = self._open.get(int(number)) if number.isdigit() else None
        if found is None or found.admin != caller.name:
            raise Refusal(status=404)
        return found

    def _refuse_locked(self, place: Place, own: tuple[Transaction, ...]) -> None:
        if any(place in each.places for each in self._open.values() if each not in own):
            raise Refusal(COMMAND_ERROR, [f"Command fail. Return code {COMMAND_ERROR}"])

    def _forget_idle(self) -> None:
        now = self._clock.now()
        self._open = {n: each for n, each in self._open.items() if now - each.used < each.timeout}


def _place(target: Target, vdom: str, key: Any) -> Place:
    return vdom, f"{target.path}.{target.name}", "" if key is None else str(target.mkey or key)


def _shown(transaction: Transaction) -> Row:
    return {"id": transaction.number, "user": transaction.admin, "timeout": transaction.timeout}
