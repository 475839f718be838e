# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mock FortiSIEM: its event queries follow the published specification and observed clients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from ..core.appliance import Appliance
from ..core.exchange import Exchange
from ..core.options import ConfigurationError
from .events import Events
from .json_interface import JsonInterface
from .login import TOKEN_PATH, Login, unauthorized
from .options import FortiSiemOptions
from .queries import Queries
from .xml_interface import XmlInterface, not_found


class FortiSiem(Appliance):
    """One FortiSIEM: supervisor and collector at once."""

    default_options = FortiSiemOptions()

    def make_credentials(self) -> dict[str, str]:
        """Generate one account, and an API token of it."""
        return {
            "username": "super/reader",
            "password": self.mint.issue("password", 20),
            "client_id": self.mint.make(24),
            "client_secret": self.mint.issue("client_secret", 40),
        }

    def restart(self) -> None:
        """Delete events, queries and access tokens."""
        self.events = Events(self.world.names)
        self.login = Login(self.credentials, self.world.clock, self.mint)
        queries = Queries(self.world.clock, self.events, lambda: self.options)
        self.xml = XmlInterface(queries, lambda: self.options, self.mint.apart("order"))
        self.json = JsonInterface(queries, lambda: self.options)

    def receive(self, data: bytes) -> None:
        """Store a syslog message."""
        self.events.receive(data, self.options, self.world.clock.now())

    def is_write(self, exchange: Exchange) -> bool:
        """Return whether a request changes configuration. None does: a query is not configuration."""
        return False

    def command(self, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Carry out a command of the control port: store an event with these attributes."""
        if name != "event":
            return super().command(name, body)
        if not all(isinstance(value, str) for value in body.values()):
            raise ConfigurationError("the attributes of an event are texts; send texts")
        self.events.add(self.world.clock.now(), dict(body), of_sensor=True)
        return {"events": len(self.events.received)}

    def state(self) -> dict[str, Any]:
        """Return the received events, and the access tokens."""
        received = [{"time": event.moment, **event.attributes} for event in self.events.received]
        return {"events": received, "access_tokens": list(self.login.tokens)}

    def answer(self, exchange: Exchange) -> Response:
        """Answer one request."""
        if exchange.method == "POST" and exchange.path == TOKEN_PATH:
            return self.login.grant(exchange, self.options)
        principal = self.login.principal(exchange)
        if principal is None:
            return unauthorized(self.options.unauthorized)
        exchange.principal = principal
        match exchange.segments:
            case ["phoenix", "rest", "pub", "v2", "query", *path]:
                return self.json.answer(exchange, path, principal)
            case ["phoenix", "rest", "query", *path]:
                return self.xml.answer(exchange, path, principal)
        return not_found()
