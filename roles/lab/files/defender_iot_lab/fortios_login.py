# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who calls a FortiGate: keys, the two logins with a password, and the confirmation of 7.6.5."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from .exchange import Exchange
from .fortios_access import Caller, Keys, Lockout, Session, Sessions, trusts
from .fortios_attribute import PASSWORD_REQUIRED, Refusal
from .fortios_device import Device
from .fortios_envelope import apache_page, unauthorized
from .fortios_schema import SUPER_ADMIN
from .fortios_table import Table

CSRF_HEADER = "x-csrftoken"
PASSWORD_HEADER = "x-admin-passwd"


class Denied(Exception):
    """A request that the web server answers before it reaches the API."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


@dataclass(frozen=True)
class Logins:
    """Everything a device knows of its callers."""

    device: Device
    credentials: dict[str, str]
    api_users: Table
    keys: Keys
    sessions: Sessions
    lockout: Lockout

    def caller(self, exchange: Exchange) -> Caller:
        """Return who makes a request, or deny it."""
        token = self._token(exchange)
        session = self._session(exchange)
        if session:
            caller = self._session_caller(exchange, session, by_cookie=token is None)
        elif token:
            caller = self._key_caller(exchange.source, token)
        else:
            raise Denied(unauthorized())
        exchange.principal = caller.name
        return caller

    def confirm(self, exchange: Exchange, caller: Caller) -> None:
        """Ask for the administrator's password before REST API admins change.

        7.6.5 and later; observed in a log and in two vendor clients. What a wrong password gets, and whether
        a caller with a key has a password at all, is unknown, hence the options.
        """
        if self.device.version < (7, 6, 5):
            return
        options = self.device.options
        password = exchange.headers.get(PASSWORD_HEADER)
        wrong = password != self.credentials["password"] and options.wrong_admin_password == "refuse"
        barred = caller.by_key and options.token_reauthentication == "refuse"
        if not password or wrong or barred:
            raise Refusal(PASSWORD_REQUIRED, lines=["admin's password required."])

    def web_login(self, exchange: Exchange) -> Response:
        """Answer the login of the web interface: a text that starts with a digit (observed).

        A GET redirects to a page of HTML (observed on 7.2). From 7.6.3 the answer is JSON and opens no
        session for the API (observed; the values are assumed).
        """
        if exchange.method != "POST":
            return RedirectResponse("/login", 302)
        if self.lockout.locked(exchange.source):
            return HTMLResponse("2")
        session = self._log_in(exchange, exchange.form())
        if self.device.version >= (7, 6, 3):
            if session:
                self.sessions.end(session)
            return JSONResponse({"status": 1 if session else 0})
        if session is None:
            return HTMLResponse("0", headers={"set-cookie": "APSCOOKIE_0=0%260; path=/; secure"})
        return self._with_cookies(exchange, HTMLResponse('1document.location="/ng/";'), session)

    def api_login(self, exchange: Exchange) -> Response:
        """Answer the login of the REST API, 6.4.2 and later (observed)."""
        if self.device.version < (6, 4, 2):
            return apache_page(404, "Not Found")
        match exchange.method:
            case "POST":
                return self._open_session(exchange)
            case "DELETE":
                return self.log_out(exchange)
        return JSONResponse({"status": "success"})

    def log_out(self, exchange: Exchange) -> Response:
        """End the session of the caller."""
        session = self._session(exchange)
        if session is None:
            return unauthorized()
        exchange.principal = session.admin
        self.sessions.end(session)
        return JSONResponse({"status": "success"})

    def _token(self, exchange: Exchange) -> str | None:
        scheme, _space, token = exchange.headers.get("authorization", "").partition(" ")
        if scheme == "Bearer":
            return token.strip()
        return exchange.query.get("access_token") if self.device.url_token_works else None

    def _session(self, exchange: Exchange) -> Session | None:
        token = self._token(exchange)
        return self.sessions.find([token] if token else exchange.cookies.values())

    def _session_caller(self, exchange: Exchange, session: Session, by_cookie: bool) -> Caller:
        """Return the caller of a session; by cookie, changes need the CSRF token too (documented)."""
        if by_cookie and exchange.method != "GET" and exchange.headers.get(CSRF_HEADER) != session.csrf:
            exchange.principal = session.admin
            raise Denied(apache_page(403, "Forbidden"))
        return Caller(session.admin, SUPER_ADMIN)

    def _key_caller(self, source: str, token: str) -> Caller:
        if self.lockout.locked(source):
            raise Denied(apache_page(429, "Too Many Requests"))
        admin = self.keys.owner(token)
        if admin is None or not trusts(self.api_users.rows[admin]["trusthost"], source):
            self.lockout.fail(source)
            raise Denied(unauthorized())
        self.lockout.succeed(source)
        return Caller(admin, self.api_users.rows[admin]["accprofile"], by_key=True)

    def _log_in(self, exchange: Exchange, fields: dict[str, Any]) -> Session | None:
        """Open a session; None means that name or password is wrong."""
        given = (fields.get("username"), fields.get("secretkey", fields.get("password")))
        if given != (self.credentials["username"], self.credentials["password"]):
            self.lockout.fail(exchange.source)
            return None
        self.lockout.succeed(exchange.source)
        exchange.principal = self.credentials["username"]
        return self.sessions.start(self.credentials["username"])

    def _open_session(self, exchange: Exchange) -> Response:
        if self.lockout.locked(exchange.source):
            return self._login_answer(-4, "LOGIN_LOCKED", 429)
        fields = exchange.json_object() or {}
        session = self._log_in(exchange, fields)
        if session is None:
            return self._login_answer(-1, "LOGIN_FAILED", self.device.options.login_refused_status)
        more = {"session_key": session.key} if fields.get("request_key") else {}
        return self._with_cookies(exchange, self._login_answer(5, "LOGIN_SUCCESS", 200, **more), session)

    def _login_answer(self, code: int, message: str, status: int, **more: str) -> Response:
        name = "status" if self.device.version >= (7, 6, 3) else "status_code"
        return JSONResponse({name: code, "status_message": message, **more}, status)

    def _with_cookies(self, exchange: Exchange, response: Response, session: Session) -> Response:
        """Set the cookies of a session; their values are quoted, and renamed from 7.6.3 (observed)."""
        port = exchange.headers.get("host", "").rpartition(":")[2]
        if self.device.version >= (7, 6, 3):
            cookies = {f"session_key_{port}": session.key, f"ccsrf_token_{port}": session.csrf}
        else:
            csrf = {"ccsrftoken": session.csrf, f"ccsrftoken_{port}": session.csrf}
            cookies = {f"APSCOOKIE_{self.device.serial[-9:]}": session.key, **csrf}
        for name, value in cookies.items():
            response.headers.append("set-cookie", f'{name}="{value}"; path=/; secure')
        return response
