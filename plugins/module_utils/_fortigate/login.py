# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The account of a task on a FortiGate: an API key, or a session of a username and a password.

Everything about logins was observed in published clients. The vendor documents the API key only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from .._engine.errors import ApplianceError, InvalidOptions, Locked, Refused
from .._wire.https import Http, Response
from .errors import is_json, locked, refuse_http, unauthorized

AUTHENTICATION = "/api/v2/authentication"
WEB_LOGIN = "/logincheck"
BANNER = "/logindisclaimer"
LOGOUT = {AUTHENTICATION: ("DELETE", AUTHENTICATION), WEB_LOGIN: ("POST", "/logout")}

SENDABLE = re.compile(r"[!-~]+")
"""The characters of an API key."""

SUCCESS = (5, 6)
"""5, and from FortiOS 7.6.3 on also 6."""

FAILED, LOCKED, SECOND_FACTOR, PASSWORD_CHANGE = -1, -4, 2, 4
BANNER_BEFORE, BANNER_AFTER = -2, 3
HALF_OPEN = (SECOND_FACTOR, BANNER_AFTER, PASSWORD_CHANGE)
WEB_CODES = {0: FAILED, 1: 5, 2: LOCKED, 3: SECOND_FACTOR, 4: PASSWORD_CHANGE}

UNREAD = (
    'the login as "{name}" waits for a banner although it was acknowledged',
    "use token, which no banner stops",
)

MEANINGS = {
    FAILED: (
        'the login as "{name}" failed, which from FortiOS 7.6.3 on is also the answer to a locked-out source',
        "check username, password and the account's trusted hosts before you run again, because three "
        "failures lock this source address out",
    ),
    SECOND_FACTOR: (
        'the account "{name}" requires a second factor, which a task cannot provide',
        "use token, or the username of an account without a second factor",
    ),
    BANNER_BEFORE: UNREAD,
    BANNER_AFTER: UNREAD,
    PASSWORD_CHANGE: (
        'the password of "{name}" must be changed first',
        "log in manually and change it, or use token or another username",
    ),
}
"""The cause and the remedy of each result of a login that opens no session."""

UNKNOWN = ('the login as "{name}" failed for an unknown reason', "use token")
NO_SESSION = (
    'the login as "{name}" succeeded without a session for the API, as the web login does from FortiOS 7.6.3 '
    "on",
    "use token",
)

NO_VALUE = "0%260"
"""The value of the cookies after a failed login."""

REFUSED: dict[tuple[Any, ...], ApplianceError] = {}
"""Credentials that a FortiGate has refused in this process, and the error.

Ansible runs all rounds of a task's ``loop`` and ``until`` for one host in one process, and each round would
be a failed login. Nothing is kept between tasks, because the host has failed.
"""


class Account:
    """The account of a task. The first request opens its session, once, and :meth:`close` ends it."""

    def __init__(self, http: Http, params: Mapping[str, Any]) -> None:
        """Raise InvalidOptions for a token or a password that no header can carry."""
        self.http = http
        self.token, self.name, self.password = params["token"], params["username"], params["password"]
        self.credentials = (http.url, self.token, self.name, self.password)
        self.logout: tuple[str, str] | None = None
        refuse_unsendable(self.token, self.password)

    def headers(self, method: str) -> dict[str, str]:
        """Return the headers that authenticate a request."""
        if self.credentials in REFUSED:
            raise _repeated(REFUSED[self.credentials])
        if self.token:
            return {"Authorization": f"Bearer {self.token}"}
        if self.logout is None:
            self._open_session()
        return {} if method == "GET" else self._csrf()

    def confirmation(self) -> dict[str, str]:
        """Return the header with the administrator's own password.

        FortiOS 7.6.5 and later require it for changes of REST API administrators. Whose password belongs to a
        token is not known: the vendor's Terraform provider sends the one that is set besides its token.
        Published clients send it to every version.
        """
        return {"X-Admin-Passwd": self.password} if self.password else {}

    def note(self, answer: Response) -> None:
        """Remember the credentials if the FortiGate does not accept them."""
        if answer.status == 401:
            REFUSED[self.credentials] = unauthorized(answer)

    def close(self) -> None:
        """End the session, even a half-open one."""
        if self.logout is None:
            return
        method, path = self.logout
        self.logout = None
        with suppress(ApplianceError):
            self.http.request(method, path, headers=self._csrf())

    def _open_session(self) -> None:
        try:
            answer = self._log_in()
            self._require_success(answer)
        except Refused as error:
            if not isinstance(error, Locked):
                REFUSED[self.credentials] = error
            raise
        if BANNER in answer.text:
            self._acknowledge_banner()

    def _log_in(self) -> Response:
        """Send the credentials. The FortiGate checks them at most once.

        FortiOS before 6.4.2 has no login in its API. Its web server answers 404, or 401 with an HTML page as
        to every request without a session, and does not check the credentials. Only after these two answers
        the web login is used. If the API has the login, it refuses credentials in JSON. That no release
        refuses them in HTML is assumed: such a release would count two of the three failures that lock a
        source address out.
        """
        given = {"username": self.name, "secretkey": self.password}
        # The newest clients of the vendor send the password under both names, to every version.
        body = {**given, "password": self.password, "ack_pre_disclaimer": True, "ack_post_disclaimer": True}
        answer = self.http.request("POST", AUTHENTICATION, json=body, headers={"Accept": "application/json"})
        if answer.status == 404 or (answer.status == 401 and not is_json(answer)):
            return self.http.request("POST", WEB_LOGIN, data={**given, "ajax": "1"})
        return answer

    def _require_success(self, answer: Response) -> None:
        code = login_code(answer)
        if code in (*SUCCESS, *HALF_OPEN):
            self.logout = LOGOUT[answer.path]
        if code == LOCKED:
            raise locked(answer, code)
        if code is None:
            refuse_http(answer)
            answer.json()
        if code not in SUCCESS:
            raise self._refusal(answer, MEANINGS.get(code or 0, UNKNOWN), code)
        if not self._csrf():
            raise self._refusal(answer, NO_SESSION, code)

    def _refusal(self, answer: Response, meaning: tuple[str, str], code: int | None) -> Refused:
        why, remedy = meaning
        return Refused(why.format(name=self.name), remedy, status=answer.status, code=code, path=answer.path)

    def _acknowledge_banner(self) -> None:
        """Acknowledge the banner of a web login; the login of the API acknowledges it in its own request."""
        confirmed = {"confirm": "1", "ajax": "1"}
        refuse_http(self.http.request("POST", BANNER, data=confirmed, headers=self._csrf()))

    def _csrf(self) -> dict[str, str]:
        """Return the header of every change by a session: ``ccsrftoken``, since 7.6.3 ``ccsrf_token``."""
        values = [(v or "").strip('"') for n, v in self.http.cookies.items() if n.startswith("ccsrf")]
        usable = [value for value in values if value not in ("", NO_VALUE)]
        return {"X-CSRFTOKEN": usable[0]} if usable else {}


def _repeated(error: ApplianceError) -> Refused:
    why = f"{error.why} (an earlier answer, and the login was not repeated)"
    return Refused(why, error.remedy, status=error.status, code=error.code, path=error.path)


def login_code(answer: Response) -> int | None:
    """Return the result of a login as a number of the API's login, None for any other answer.

    The web login answers with a text that begins with a digit, and from FortiOS 7.6.3 on with JSON.
    """
    if not is_json(answer):
        first = answer.text.lstrip()[:1]
        return WEB_CODES.get(int(first)) if answer.path == WEB_LOGIN and first.isdecimal() else None
    reply = answer.json()
    code = reply.get("status", reply.get("status_code")) if isinstance(reply, dict) else None
    if not isinstance(code, (int, str)) or not re.fullmatch(r"-?\d+", str(code)):
        return None
    return WEB_CODES.get(int(code), int(code)) if answer.path == WEB_LOGIN else int(code)


def refuse_unsendable(token: str | None, password: str | None) -> None:
    """Raise InvalidOptions for values that no HTTP header can carry, often with a line break from a file."""
    if token and not SENDABLE.fullmatch(token):
        raise InvalidOptions(
            "token contains a space, a line break or another character that no API key contains",
            "set token to the key alone",
        )
    if password and re.search(r"^\s|[\r\n\0]|\s$", password):
        raise InvalidOptions(
            "password begins or ends with a space, or contains a line break",
            "set password to the password alone",
        )
