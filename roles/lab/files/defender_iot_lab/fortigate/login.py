# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Authentication of requests: an API key or a session, and the confirmation by password of 7.6.5."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import Response

from ..core.exchange import Exchange
from .access import Caller, Keys, Lockout, Session, Sessions, bearer, certified, lacks_csrf, trusts
from .device import Device
from .envelope import apache_page, unauthorized
from .tables.attribute import Row
from .tables.refusal import PASSWORD_REQUIRED, Refusal
from .tables.table import Table

PASSWORD_HEADER = "x-admin-passwd"


class Denied(Exception):
    """The web server answers a request before it reaches the API."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


@dataclass(frozen=True)
class Logins:
    """Authenticates the callers of one device."""

    device: Device
    credentials: dict[str, str]
    api_users: Table
    keys: Keys
    sessions: Sessions
    lockout: Lockout

    def caller(self, exchange: Exchange) -> Caller:
        """Return the caller of a request. Raises Denied."""
        session = self.sessions.find(exchange)
        token = self._key(exchange)
        if session and session.waits_for is None:
            caller = self._session_caller(exchange, session)
        elif token:
            caller = self._key_caller(exchange, token)
        else:
            raise Denied(unauthorized())
        exchange.principal = caller.name
        return caller

    def confirm(self, exchange: Exchange, caller: Caller) -> None:
        """Require the administrator's password for a change of REST API administrators. Raises Refusal.

        7.6.5 and later; observed in a log and in two vendor clients. There are options for what is unknown:
        the answer to a wrong password, whether it counts as a failed login, and whether a caller with a key
        can confirm with a password.
        """
        if self.device.version < (7, 6, 5):
            return
        options = self.device.options
        # Headers are decoded as Latin-1. FortiOS decodes this one as UTF-8, like a login (assumed).
        password = exchange.headers.get(PASSWORD_HEADER, "").encode("latin-1").decode("utf-8", "replace")
        wrong = password != self.credentials["password"] and options.wrong_admin_password == "refuse"
        barred = caller.by_key and options.token_reauthentication == "refuse"
        if password and wrong:
            self.lockout.fail(exchange.source)
        if not password or wrong or barred:
            raise Refusal(PASSWORD_REQUIRED, lines=["admin's password required."])

    def _key(self, exchange: Exchange) -> str | None:
        in_url = exchange.query.get("access_token") if self.device.url_token_works else None
        return bearer(exchange) or in_url

    def _session_caller(self, exchange: Exchange, session: Session) -> Caller:
        if lacks_csrf(self.device, exchange, session):
            exchange.principal = session.admin
            raise Denied(apache_page(403, "Forbidden"))
        return Caller(session.admin, self.device.options.admin_profile)

    def _key_caller(self, exchange: Exchange, token: str) -> Caller:
        source = exchange.source
        if self.lockout.locked(source):
            raise Denied(apache_page(429, "Too Many Requests"))
        admin = self.keys.owner(token)
        if admin is None or not self._admits(self.api_users.rows[admin], exchange):
            self.lockout.fail(source)
            raise Denied(unauthorized())
        self.lockout.succeed(source)
        return Caller(admin, self.api_users.rows[admin]["accprofile"], by_key=True)

    def _admits(self, admin: Row, exchange: Exchange) -> bool:
        """Return whether a key is valid for this request. A missing certificate gets a 401 too (assumed)."""
        issuer = exchange.connection.client_issuer
        return trusts(admin["trusthost"], exchange.source) and certified(admin, issuer)
