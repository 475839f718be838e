# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The entry point of an appliance: injects faults and records every request."""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import formatdate

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from .appliance import Appliance
from .exchange import Exchange
from .faults import Faults, disconnected
from .journal import Journal


@dataclass
class Front:
    """The layer between the network and one appliance."""

    appliance: Appliance
    journal: Journal
    faults: Faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, with its fault if it has one. Record it before the client gets the answer."""
        source = self.appliance.source(scope["client"][0])
        try:
            exchange = await Exchange.read(Request(scope, receive), source)
        except ClientDisconnect:
            return
        age = self.journal.age
        response = await self._respond(exchange)
        status = response.status_code if response else None
        self.journal.record(self.appliance.name, exchange, status, self.appliance.is_write(exchange), age)
        if response:
            moment = self.appliance.stated_time()
            if moment is not None:
                response.headers.setdefault("date", formatdate(moment, usegmt=True))
            await response(scope, receive, send)
        else:
            exchange.connection.transport.abort()
            await disconnected(receive)

    async def _respond(self, exchange: Exchange) -> Response | None:
        fault = self.faults.take(self.appliance.name, exchange)
        if fault:
            return await fault.apply(lambda: self.appliance.answer(exchange))
        return self.appliance.answer(exchange)
