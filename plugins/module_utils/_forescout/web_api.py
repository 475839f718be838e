# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Web API of a Forescout platform, which only reads: which host properties exist, and those of one host.

Its accounts are its own, and its tokens live for minutes. The vendor's samples send a token bare, one client
saw a platform that insists on `Bearer`.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any

from .._engine.appliance import Appliance, Route
from .._engine.errors import ApplianceError, Locked, Refused, attempting
from .._engine.resource import Resource
from .._wire.https import Http, Response, quoted

FORMS = {"bare": [""], "bearer": ["Bearer "], "auto": ["", "Bearer "]}
LISTS = {"hostfields": "hostFields"}
"""The member of an answer that holds the list, by path."""

MAC = re.compile(r"[0-9a-fA-F]{2}([:-]?[0-9a-fA-F]{2}){5}")
WAIT = re.compile(r"[Ww]ait (\d{1,6}) second")


class WebApi(Appliance):
    """The reading verbs on one platform. Logs in with the first, and once more when the token has expired."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        """Take the connection options and ``token_form``. Raises InvalidOptions for an impossible URL."""
        self.http = Http(params)
        self.account = {name: params[name] for name in ("username", "password")}
        self.forms = FORMS[params["token_form"]]
        self.token: str | None = None
        self.proven = False
        self.kept: dict[str, Response] = {}

    def table(self, resource: Resource) -> list[dict[str, Any]]:
        """Return every object of the kind."""
        answer = self._get(f"/api/{resource.path}")
        found = _document(answer).get(LISTS.get(resource.path, resource.path))
        if not isinstance(found, list) or not all(isinstance(row, Mapping) for row in found):
            raise _unusable(answer)
        return found

    def read(self, resource: Resource, key: Any) -> dict[str, Any] | None:
        """Return one host by its IP address, its MAC address or its id, None if there is none."""
        answer = self._get(f"/api/{resource.path}/{place(str(key))}", (200, 404))
        if answer.status == 404:
            return None
        found = _document(answer).get(resource.kind)
        if not isinstance(found, Mapping):
            raise _unusable(answer)
        return dict(found)

    def close(self) -> None:
        """Close the connection; nobody documents a logout."""
        self.http.close()

    def _get(self, path: str, expected: tuple[int, ...] = (200,)) -> Response:
        if self.token is None:
            self._log_in()
        answer = self._asked(path)
        if answer.status == 401 and self.proven:
            self._log_in()
            answer = self._asked(path)
        if answer.status not in expected:
            raise _refusal(answer)
        return answer

    def _asked(self, path: str) -> Response:
        """Ask with the token in the form that works, or in each until one does."""
        for form in self.forms:
            answer = self._sent(path, {"Authorization": f"{form}{self.token}"})
            if answer.status != 401:
                self.forms, self.proven = [form], True
                break
        return answer

    def _sent(self, path: str, headers: dict[str, str]) -> Response:
        """Send a request, and where nothing has changed since the last take that answer again."""
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
        """Log in once: a refused login is never tried again."""
        with attempting(f'logging in to the Web API as "{self.account["username"]}"'):
            answer = self.http.request("POST", "/api/login", data=self.account)
            if answer.status == 401:
                raise Refused(
                    "name or password is not accepted, and it is not tried again; the Web API has accounts "
                    "of its own, under Options > Web API",
                    status=401,
                    path=answer.path,
                )
            if answer.status != 200:
                raise _refusal(answer)
            token = answer.text.strip()
            if not re.fullmatch(r"[\w.~+/=-]+", token):
                raise ApplianceError(
                    "it answered 200, but with something else than a token; does url name the right host and "
                    "port?",
                    status=200,
                    path=answer.path,
                )
            self.token = token


def connect(params: dict[str, Any], route: Route) -> Appliance:
    """Return the platform by its Web API."""
    return route.relay(params) or WebApi(params)


def place(host: str) -> str:
    """Return the end of the path of a host: an IP address, a MAC address, or else an id.

    An address with a zone is none here: what follows its ``%`` may end the path, as ``?`` does.
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
            "its own fresh token is not accepted; set token_form as this version wants it", **where
        )
    if answer.status == 403:
        return Refused("this source address may not be among the Client IPs under Options > Web API", **where)
    if answer.status == 429:
        return Locked(f"it takes no more requests for now: {_wait(answer)}, then run again", **where)
    if answer.status == 503:
        return ApplianceError("it is not at work: it may be starting, so wait and run again", **where)
    return ApplianceError(f"the answer is not the published one; {answer.hint}", **where)


def _wait(answer: Response) -> str:
    """Say how long to wait, which a platform tells in its message."""
    found = WAIT.search(answer.text)
    seconds = answer.retry_after if found is None else int(found[1])
    return "wait" if seconds is None else f"wait {seconds} s"


def _unusable(answer: Response) -> ApplianceError:
    return ApplianceError("the answer is not the published one", status=answer.status, path=answer.path)
