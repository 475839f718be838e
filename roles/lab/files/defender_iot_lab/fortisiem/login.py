# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The logins of a mock FortiSIEM: Basic with `organization/user`, and client credentials."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.responses import HTMLResponse, JSONResponse, Response

from ..core.clock import Clock
from ..core.exchange import Exchange
from ..core.ledger import Mint
from .options import FortiSiemOptions

ORGANIZATIONS = ("super", "plant", "office")
"""Each has a user `reader`, all with the same password. `super` sees every organization."""

TOKEN_PATH = "/phoenix/rest/pub/security/oauth/token"
BETWEEN_TOKENS = 5
MOST_FAILURES = 5
BLOCKED_SECONDS = 300
PAGE_401 = (
    "<html><head><title>Error</title></head><body><h1>HTTP Status 401 - Not authorized</h1></body></html>"
)
REASONS = {
    "expired": "The client has expired",
    "revoked": "The client has been revoked",
    "unauthorized": "The owner of the client is not authorized",
}


@dataclass
class Login:
    """The accounts, and the access tokens with the time at which each expires."""

    credentials: Mapping[str, str]
    clock: Clock
    mint: Mint
    tokens: dict[str, float] = field(default_factory=dict)
    last_grant: float = float("-inf")
    failures: int = 0
    blocked_until: float = float("-inf")

    def principal(self, exchange: Exchange) -> str | None:
        """Return `organization/user` of a request, None if its login is refused."""
        scheme, _space, given = exchange.headers.get("authorization", "").partition(" ")
        if scheme == "Bearer":
            return "super/reader" if self.tokens.get(given, 0) > self.clock.now() else None
        if scheme != "Basic":
            return None
        try:
            user, _colon, password = base64.b64decode(given, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        known = user in [f"{organization}/reader" for organization in ORGANIZATIONS]
        return user if known and password == self.credentials["password"] else None

    def grant(self, exchange: Exchange, options: FortiSiemOptions) -> Response:
        """Issue an access token, at most one in 5 seconds. Every refusal is 400 (documented)."""
        if options.token_endpoint == "absent":
            return HTMLResponse("<html><body>Not found</body></html>", 404)
        now, form = self.clock.now(), exchange.form()
        if now < self.blocked_until:
            return _bad_request("Too many failed requests, try again later")
        wanted = {"grant_type": "client_credentials"}
        wanted.update({name: self.credentials[name] for name in ("client_id", "client_secret")})
        if form != wanted:
            return self._failed(now)
        if options.client != "valid":
            return _bad_request(REASONS[options.client])
        if now - self.last_grant < BETWEEN_TOKENS:
            return _bad_request("Only one request per client in 5 seconds")
        self.last_grant, self.failures = now, 0
        token = self.mint.issue("access_token", 60)
        self.tokens[token] = now + options.token_seconds
        exchange.principal = form["client_id"]
        return JSONResponse({"access_token": token, "token_type": "Bearer", "expires_in": options.expires_in})

    def _failed(self, now: float) -> Response:
        self.failures += 1
        if self.failures >= MOST_FAILURES:
            self.failures, self.blocked_until = 0, now + BLOCKED_SECONDS
        return _bad_request("Invalid client credentials")


def _bad_request(message: str) -> Response:
    return JSONResponse({"error": "BAD_REQUEST", "message": message}, 400)


def unauthorized(form: str) -> Response:
    """Return the refusal of a login."""
    match form:
        case "json":
            return JSONResponse({"error": "Not authorized"}, 401)
        case "empty":
            return Response(status_code=401)
    return HTMLResponse(PAGE_401, 401)
