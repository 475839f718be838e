# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who a task is to a FortiGate: an API key, or a session that a name and a password open.

Everything about logins was observed in published clients; the vendor documents the key only.
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
"""What an API key is made of."""

SUCCESS = (5, 6)
"""5, from FortiOS 7.6.3 on also 6."""

FAILED, LOCKED, SECOND_FACTOR, PASSWORD_CHANGE = -1, -4, 2, 4
BANNER_BEFORE, BANNER_AFTER = -2, 3
HALF_OPEN = (SECOND_FACTOR, BANNER_AFTER, PASSWORD_CHANGE)
WEB_CODES = {0: FAILED, 1: 5, 2: LOCKED, 3: SECOND_FACTOR, 4: PASSWORD_CHANGE}

UNREAD = 'the login as "{name}" waits for a banner although it was acknowledged: use token, which none stops'

MEANINGS = {
    FAILED: 'the login as "{name}" failed, as from FortiOS 7.6.3 on every login of a locked-out source does: '
    "check username, password and the account's trusted hosts before running again, for three failures lock "
    "this source out",
    SECOND_FACTOR: 'the account "{name}" has a second factor, which a task cannot give: use token, or the '
    "username of an account without one",
    BANNER_BEFORE: UNREAD,
    BANNER_AFTER: UNREAD,
    PASSWORD_CHANGE: 'the password of "{name}" has to be changed first: log in by hand and change it, or use '
    "token or the username of another account",
}
UNKNOWN = 'the login as "{name}" failed in a way that is not known: use token'
NO_SESSION = (
    'the login as "{name}" was accepted but gave no session for the API, as the web login does from FortiOS '
    "7.6.3 on: use token"
)

NO_VALUE = "0%260"
"""What a failed login leaves in the cookies."""

REFUSED: dict[tuple[Any, ...], ApplianceError] = {}
"""Credentials that a FortiGate has refused in this process, and how.

Ansible carries out all rounds of a task's ``loop`` and ``until`` for one host in one process, where each
would be a failed login. Between tasks nothing needs to be remembered: the host has failed.
"""


class Account:
    """The account that a task names. A session is opened with the first request, once, and always ended."""

    def __init__(self, http: Http, params: Mapping[str, Any]) -> None:
        """Take ``token``, or ``username`` and ``password``. Raises InvalidOptions."""
        self.http = http
        self.token, self.name, self.password = params["token"], params["username"], params["password"]
        self.credentials = (http.url, self.token, self.name, self.password)
        self.logout: tuple[str, str] | None = None
        refuse_unsendable(self.token, self.password)

    def headers(self, method: str) -> dict[str, str]:
        """Return what a request carries so that the FortiGate knows its caller."""
        if self.credentials in REFUSED:
            raise _repeated(REFUSED[self.credentials])
        if self.token:
            return {"Authorization": f"Bearer {self.token}"}
        if self.logout is None:
            self._open_session()
        return {} if method == "GET" else self._csrf()

    def confirmation(self) -> dict[str, str]:
        """Return the administrator's own password, which changes of API admins need from FortiOS 7.6.5 on.

        Whose password goes with a token is not known; the vendor's Terraform provider sends the one it is
        given beside its token. Published clients send it whatever the version.
        """
        return {"X-Admin-Passwd": self.password} if self.password else {}

    def note(self, answer: Response) -> None:
        """Remember it when the FortiGate does not accept the account."""
        if answer.status == 401:
            REFUSED[self.credentials] = unauthorized(answer)

    def close(self) -> None:
        """End the session, a half-open one too."""
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
        """Send the credentials; the FortiGate looks at them once at most.

        FortiOS before 6.4.2 has no login in its API. There its web server answers 404, or, as to any request
        without a session, 401 with a page of HTML, before anybody looks at the credentials; only these two
        lead to the web login. Where the API has the login, a refused one is answered in JSON. That no release
        refuses credentials in HTML there is assumed; one that does would count two failures of the three
        that lock a source out.
        """
        given = {"username": self.name, "secretkey": self.password}
        # The newest clients of the vendor send the password under both names, whatever the version.
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

    def _refusal(self, answer: Response, meaning: str, code: int | None) -> Refused:
        reason = meaning.format(name=self.name)
        return Refused(reason, status=answer.status, code=code, path=answer.path)

    def _acknowledge_banner(self) -> None:
        """Confirm the banner that stops a web login; the API's login said at once that it is read."""
        confirmed = {"confirm": "1", "ajax": "1"}
        refuse_http(self.http.request("POST", BANNER, data=confirmed, headers=self._csrf()))

    def _csrf(self) -> dict[str, str]:
        """Return what every change by a session carries: ``ccsrftoken``, renamed ``ccsrf_token`` in 7.6.3."""
        values = [(v or "").strip('"') for n, v in self.http.cookies.items() if n.startswith("ccsrf")]
        usable = [value for value in values if value not in ("", NO_VALUE)]
        return {"X-CSRFTOKEN": usable[0]} if usable else {}


def _repeated(error: ApplianceError) -> Refused:
    why = f"{error.why} (the answer of a moment ago; the login was not repeated)"
    return Refused(why, error.remedy, status=error.status, code=error.code, path=error.path)


def login_code(answer: Response) -> int | None:
    """Return the result of a login in the numbers of the API's login, None for an answer of another kind.

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
    """Raise InvalidOptions for what no HTTP header can carry, often a line break from a file."""
    if token and not SENDABLE.fullmatch(token):
        raise InvalidOptions("token holds a blank, a line break or another character that no API key has")
    if password and re.search(r"^\s|[\r\n\0]|\s$", password):
        raise InvalidOptions("password begins or ends with a blank, or holds a line break")
