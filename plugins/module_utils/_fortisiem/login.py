# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The login to a FortiSIEM: a bearer token, client credentials, or Basic with `ORGANIZATION/USER`."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Mapping
from typing import Any

from .._engine.errors import ApplianceError, Locked, Refused, Unsupported, attempting
from .._wire.https import Http, Response
from .answers import quote, unusable

PATH = "/phoenix/rest/pub/security/oauth/token"
TOKEN_SECONDS = 600
"""How long a token is used. The documents disagree whether `expires_in` is in seconds or in minutes."""


class Login:
    """The header with which every request logs in. The first request for it fetches a token, if needed."""

    def __init__(self, http: Http, params: Mapping[str, Any]) -> None:
        self.http = http
        self.params = params
        self.token = params["token"]
        self.until = float("inf")

    def headers(self) -> dict[str, str]:
        """Return the header. A refused login is never repeated. Raises ApplianceError."""
        if self.params["token"] is None and self.params["client_id"] is None:
            account = f"{self.params['username']}:{self.params['password']}"
            return {"Authorization": f"Basic {base64.b64encode(account.encode()).decode()}"}
        if self.token is None or time.monotonic() > self.until:
            with attempting("fetching an access token"):
                self.token = self._fetched()
            self.until = time.monotonic() + TOKEN_SECONDS
        return {"Authorization": f"Bearer {self.token}"}

    def refusal(self, answer: Response) -> ApplianceError | None:
        """Return the error of an answer that is about the login or the rights, None for any other."""
        where: dict[str, Any] = {"status": answer.status, "path": answer.path}
        if answer.status == 401 and self.token is not None:
            return Refused(
                "it does not accept the access token", "check that the token has not expired", **where
            )
        if answer.status == 401:
            return Refused(
                "username or password is not accepted, and the login is not repeated",
                "check the password, and that username is ORGANIZATION/USER, such as super/reader",
                **where,
            )
        if answer.status == 403:
            return Refused(
                "permission denied", "give the account a role that may run queries in Analytics", **where
            )
        if answer.status == 429:
            return Locked("it accepts no more requests for now", "wait, then run again", **where)
        return None

    def _fetched(self) -> str:
        form = {"grant_type": "client_credentials"}
        form.update({name: self.params[name] for name in ("client_id", "client_secret")})
        answer = self.http.request("POST", PATH, data=form)
        where: dict[str, Any] = {"status": answer.status, "path": answer.path}
        if answer.status in (404, 405):
            raise Unsupported(
                "it has no token endpoint for client credentials, which FortiSIEM 7.5.1 documents",
                "set username and password instead of client_id",
                **where,
            )
        if answer.status in (400, 401, 403):
            raise Refused(
                f"client_id or client_secret is not accepted{_reason(answer)}, and it is not tried again",
                "check both, and leave 5 s between two runs, or 5 min after several refusals",
                **where,
            )
        if answer.status != 200:
            raise unusable(answer)
        return _token(answer)


def _token(answer: Response) -> str:
    document = answer.json()
    token = document.get("access_token") if isinstance(document, Mapping) else None
    if not isinstance(token, str) or not re.fullmatch(r"[\w.~+/=-]+", token):
        raise unusable(answer)
    return token


def _reason(answer: Response) -> str:
    """Return FortiSIEM's own message, which tells a wrong secret from one request too many."""
    try:
        document = answer.json()
    except ApplianceError:
        return ""
    message = document.get("message") if isinstance(document, Mapping) else None
    return f" ({quote(message)})" if message else ""
