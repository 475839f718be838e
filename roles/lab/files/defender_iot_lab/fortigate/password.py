# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two logins with a password, of the API and of the web interface, and the steps that may interrupt them.

All of it was observed in published clients, unless an entry says otherwise. None of it is documented.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from ..core.exchange import Exchange
from .access import Lockout, Session, Sessions, lacks_csrf
from .device import Device
from .envelope import apache_page, unauthorized

SUCCESS = 5
FAILED, LOCKED, BEFORE_BANNER = -1, -4, -2
SECOND_FACTOR, AFTER_BANNER, PASSWORD_CHANGE = 2, 3, 4
MESSAGES = {
    SUCCESS: "LOGIN_SUCCESS",
    6: "LOGIN_SUCCESS",
    FAILED: "LOGIN_FAILED",
    LOCKED: "LOGIN_LOCKED",
    BEFORE_BANNER: "LOGIN_ACCEPT_PRE_LOGIN_DISCLAIMER",
    SECOND_FACTOR: "LOGIN_TFA",
    AFTER_BANNER: "LOGIN_ACCEPT_POST_LOGIN_DISCLAIMER",
    PASSWORD_CHANGE: "LOGIN_CHANGE_PWD_NEEDED",
}
# The web login has fewer codes: if a banner is pending, it reports success and redirects to the banner.
WEB_CODES = {FAILED: 0, SUCCESS: 1, 6: 1, AFTER_BANNER: 1, LOCKED: 2, SECOND_FACTOR: 3, PASSWORD_CHANGE: 4}
NO_VALUE = "0%260"


@dataclass(frozen=True)
class PasswordLogins:
    """Opens and closes the sessions of one device."""

    device: Device
    credentials: dict[str, str]
    sessions: Sessions
    lockout: Lockout

    def api_login(self, exchange: Exchange) -> Response:
        """Answer the login of the REST API, 6.4.2 and later."""
        if self.device.version < (6, 4, 2):
            missing = self.device.options.no_api_login
            return unauthorized() if missing == 401 else apache_page(404, "Not Found")
        match exchange.method:
            case "POST":
                return self._api_answer(exchange)
            case "DELETE":
                return self.log_out(exchange)
        return JSONResponse({"status": "success"})

    def web_login(self, exchange: Exchange) -> Response:
        """Answer the login of the web interface with a text that starts with a digit.

        A GET redirects to an HTML page (seen on 7.2). From 7.6.3 on, the answer is JSON, and the login opens
        no session for the API.
        """
        if exchange.method != "POST":
            return RedirectResponse("/login", 302)
        banners = self.device.options.pre_login_banner or self.device.options.post_login_banner
        code, session = self._log_in(exchange, exchange.form(), waits_for_banner=banners)
        if self.device.version >= (7, 6, 3):
            if session:
                self.sessions.end(session)
            return JSONResponse({"status": WEB_CODES[code]})
        page = {SUCCESS: "/ng/", AFTER_BANNER: "/logindisclaimer?redir=%2Fng%2F"}.get(code)
        redirect = f'document.location="{page}";' if page else ""
        return self._with_cookies(exchange, HTMLResponse(f"{WEB_CODES[code]}{redirect}"), session)

    def acknowledge_banner(self, exchange: Exchange) -> Response:
        """Complete the login of a session that waits for a banner."""
        session = self.sessions.find(exchange)
        if session is None or session.waits_for != AFTER_BANNER or exchange.form().get("confirm") != "1":
            return unauthorized()
        exchange.principal = session.admin
        self.sessions.finish(session)
        return HTMLResponse('1document.location="/ng/";')

    def log_out(self, exchange: Exchange) -> Response:
        """Close the session of the caller, even a half-open one."""
        session = self.sessions.find(exchange)
        if session is None:
            return unauthorized()
        exchange.principal = session.admin
        if lacks_csrf(self.device, exchange, session):
            return apache_page(403, "Forbidden")
        self.sessions.end(session)
        return JSONResponse({"status": "success"})

    def _api_answer(self, exchange: Exchange) -> Response:
        fields = exchange.json_object() or {}
        options = self.device.options
        if options.pre_login_banner and not fields.get("ack_pre_disclaimer"):
            return self._api_reply(BEFORE_BANNER, 200)
        unread = options.post_login_banner and not fields.get("ack_post_disclaimer")
        code, session = self._log_in(exchange, fields, waits_for_banner=unread)
        refused = options.login_refused_status
        status = {FAILED: refused, LOCKED: 200 if refused == 200 else 429}.get(code, 200)
        # From 7.6.4 on, the key of the session is only in a cookie.
        wants_key = session and fields.get("request_key") and self.device.version < (7, 6, 4)
        more = {"session_key": session.key} if session and wants_key else {}
        return self._with_cookies(exchange, self._api_reply(code, status, **more), session)

    def _log_in(
        self, exchange: Exchange, fields: Mapping[str, Any], *, waits_for_banner: bool
    ) -> tuple[int, Session | None]:
        """Return the API's number for the result of a login, and its session, which may be half-open."""
        source = exchange.source
        if self.lockout.locked(source):
            # From 7.6.3 on, the answer does not reveal a lockout.
            return (LOCKED if self.device.version < (7, 6, 3) else FAILED), None
        given = (fields.get("username"), fields.get("secretkey", fields.get("password")))
        admin = self.credentials["username"]
        if given != (admin, self.credentials["password"]):
            self.lockout.fail(source)
            return FAILED, None
        self.lockout.succeed(source)
        exchange.principal = admin
        waits_for = self._waits_for(waits_for_banner)
        return waits_for or self._success, self.sessions.start(admin, waits_for)

    def _waits_for(self, banner: bool) -> int | None:
        options = self.device.options
        steps = {SECOND_FACTOR: options.second_factor, PASSWORD_CHANGE: options.password_change}
        return next((code for code, asked in {**steps, AFTER_BANNER: banner}.items() if asked), None)

    @property
    def _success(self) -> int:
        return self.device.options.login_success if self.device.version >= (7, 6, 3) else SUCCESS

    def _api_reply(self, code: int, status: int, **more: str) -> Response:
        name = "status" if self.device.version >= (7, 6, 3) else "status_code"
        return JSONResponse({name: code, "status_message": MESSAGES[code], **more}, status)

    def _with_cookies(self, exchange: Exchange, response: Response, session: Session | None) -> Response:
        """Set the cookies of a session or of a failed login. They are quoted, and renamed from 7.6.3 on."""
        key, csrf = (session.key, session.csrf) if session else (NO_VALUE, NO_VALUE)
        port = exchange.headers.get("host", "").rpartition(":")[2]
        if self.device.version >= (7, 6, 3):
            cookies = {f"session_key_{port}": key, f"ccsrf_token_{port}": csrf}
        else:
            tokens = {"ccsrftoken": csrf, f"ccsrftoken_{port}": csrf}
            cookies = {f"APSCOOKIE_{self.device.serial[-9:]}": key, **tokens}
        for name, value in cookies.items():
            response.headers.append("set-cookie", f'{name}="{value}"; path=/; secure')
        return response
