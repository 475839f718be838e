# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The read-only Web API of a Forescout platform: host properties, hosts and policies.

It has its own accounts, and its tokens are valid for minutes. The vendor's samples send the bare token, and
one client observed a platform that requires `Bearer`.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from .._engine.appliance import Appliance, Route
from .._engine.errors import ApplianceError, Locked, Refused, attempting
from .._engine.resource import Resource
from .._wire.https import CHECK_URL, Http, Response, quoted

FORMS = {"bare": [""], "bearer": ["Bearer "], "auto": ["", "Bearer "]}
LISTS = {"hostfields": "hostFields"}
"""The member of an answer that contains the list, by path."""

MAC = re.compile(r"[0-9a-fA-F]{2}([:-]?[0-9a-fA-F]{2}){5}")
WAIT = re.compile(r"[Ww]ait (\d{1,6}) second")


class WebApi(Appliance):
    """The reading verbs on one platform. The first one logs in, and an expired token is replaced once."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        """Raise InvalidOptions for an impossible URL. ``params`` includes ``token_form``."""
        self.http = Http(params)
        self.account = {name: params[name] for name in ("username", "password")}
        self.forms = FORMS[params["token_form"]]
        self.token: str | None = None
        self.proven = False
        self.kept: dict[str, Response] = {}

    def table(self, resource: Resource) -> list[dict[str, Any]]:
        answer = self._get(f"/api/{resource.path}")
        found = _document(answer).get(LISTS.get(resource.path, resource.path))
        if not isinstance(found, list) or not all(isinstance(row, Mapping) for row in found):
            raise _unusable(answer)
        return found

    def ask(self, resource: Resource, query: Mapping[str, str]) -> Any:
        """Return the objects of a kind that match a query."""
        answer = self._get(f"/api/{resource.path}?{urlencode(query, safe=',')}")
        found = _document(answer).get(resource.path)
        if not isinstance(found, list):
            raise _unusable(answer)
        return found

    def read(self, resource: Resource, key: Any) -> dict[str, Any] | None:
        """Return one host by its IP address, MAC address or id, None if it does not exist."""
        answer = self._get(f"/api/{resource.path}/{place(str(key))}", (200, 404))
        if answer.status == 404:
            return None
        found = _document(answer).get(resource.kind)
        if not isinstance(found, Mapping):
            raise _unusable(answer)
        return dict(found)

    def close(self) -> None:
        """Close the connection. No logout is documented."""
        self.http.close()

    def _get(self, path: str, expected: tuple[int, ...] = (200,)) -> Response:
        if self.token is None:
            self._log_in()
        answer = self._query(path)
        if answer.status == 401 and self.proven:
            self._log_in()
            answer = self._query(path)
        if answer.status not in expected:
            raise _refusal(answer)
        return answer

    def _query(self, path: str) -> Response:
        """Send the token in the known form, or in each form until one is accepted."""
        for form in self.forms:
            answer = self._send(path, {"Authorization": f"{form}{self.token}"})
            if answer.status != 401:
                self.forms, self.proven = [form], True
                break
        return answer

    def _send(self, path: str, headers: dict[str, str]) -> Response:
        """Send a request, and return the earlier answer if the platform reports no change."""
        kept = self.kept.get(path)
        known = {"If-None-Match": kept.headers["ETag"]} if kept else {}
        answer = self.http.request(
            "GET", path, headers={"Accept": "application/hal+json", **headers, **known}
        )
        if kept and answer.status == 304:
            return kept
        if answer.status == 200 and answer.headers.get("ETag"):
            self.kept[path] = answer
        return answer

    def _log_in(self) -> None:
        """Log in once. A refused login is never repeated."""
        with attempting(f'logging in to the Web API as "{self.account["username"]}"'):
            answer = self.http.request("POST", "/api/login", data=self.account)
            if answer.status == 401:
                raise Refused(
                    "username or password is not accepted, and the login is not repeated",
                    "use a Web API account (Options > Web API)",
                    status=401,
                    path=answer.path,
                )
            if answer.status != 200:
                raise _refusal(answer)
            token = answer.text.strip()
            if not re.fullmatch(r"[\w.~+/=-]+", token):
                raise ApplianceError(
                    "it answered 200 without a token",
                    CHECK_URL,
                    status=200,
                    path=answer.path,
                )
            self.token = token


def connect(params: dict[str, Any], route: Route) -> Appliance:
    return route.relay(params) or WebApi(params)


def place(host: str) -> str:
    """Return the end of a host's path: an IP address, a MAC address, or an id.

    An address with a zone counts as an id: a character after its ``%``, such as ``?``, could end the path.
    """
    try:
        return f"ip/{ipaddress.ip_address(host)}" if "%" not in host else quoted(host)
    except ValueError:
        if MAC.fullmatch(host):
            return f"mac/{re.sub('[:-]', '', host).lower()}"
        return quoted(host)


def _document(answer: Response) -> dict[str, Any]:
    document = answer.json()
    if not isinstance(document, dict):
        raise _unusable(answer)
    return document


def _refusal(answer: Response) -> ApplianceError:
    where: dict[str, Any] = {"status": answer.status, "path": answer.path}
    if answer.status == 401:
        return Refused(
            "it rejects the token that it issued in this task", "set token_form to the other form", **where
        )
    if answer.status == 403:
        return Refused(
            "permission denied, which it also answers to an address outside the Client IPs",
            "add this source address to Client IPs under Options > Web API",
            **where,
        )
    if answer.status == 429:
        return Locked("it accepts no more requests for now", f"{_wait(answer)}, then run again", **where)
    if answer.status == 503:
        return ApplianceError(
            "it is not available", "wait, because it may be starting, and run again", **where
        )
    return _unusable(answer)


def _wait(answer: Response) -> str:
    """Return how long to wait, which a platform states in its message."""
    found = WAIT.search(answer.text)
    seconds = answer.retry_after if found is None else int(found[1])
    return "wait" if seconds is None else f"wait {seconds} s"


def _unusable(answer: Response) -> ApplianceError:
    return ApplianceError(
        "the answer is not the published one", answer.hint, status=answer.status, path=answer.path
    )
