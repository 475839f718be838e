# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A FortiGate over its REST API: login, envelopes, error numbers.

Private to this collection: may change at any time.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

from ._api_admin import networks, trusted_hosts
from ._appliance import Appliance
from ._errors import ApplianceError, Locked, Refused
from ._http import Answer, Http, quoted
from ._resource import Resource

CMDB = "/api/v2/cmdb/"
AUTHENTICATION = "/api/v2/authentication"
GENERATE_KEY = "/api/v2/monitor/system/api-user/generate-key"
STATUS = "/api/v2/monitor/system/status"

LOGIN_SUCCESS = (5, 6)
"""Observed in published clients: 5, and also 6 from FortiOS 7.6.3."""

MEANINGS = {
    -1: "a value is too long or not valid",
    -3: "an object that it names does not exist, or is hidden from this account",
    -4: "the table is full",
    -5: "an object of that name exists already; this account may not be allowed to see it",
    -23: "it is still in use",
    -37: "permission denied",
    -56: "a required value is empty",
    -651: "a value is not one that the appliance accepts",
    -8102: "from FortiOS 7.6.5 on it needs the administrator's own password: give username and password",
}
"""Error numbers of the CMDB API; collected by its users and partly seen in published logs."""


class FortiGate(Appliance):
    """The verbs on one FortiGate. Logs in with the first request when no token is given."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        """Take the connection options. Raises InvalidOptions for an impossible URL."""
        self.params = params
        self.http = Http(params)
        self.username, self.password = params["username"], params["password"]
        self.scope = {"vdom": params["vdom"]} if params["vdom"] else {}
        self.headers = {"Authorization": f"Bearer {params['token']}"} if params["token"] else {}
        self.logged_in = False

    def read(self, resource: Resource, key: str) -> dict[str, Any] | None:
        """Return one object; None only for the 404 of FortiOS itself."""
        answer = self._send("GET", self._path(resource, key))
        if answer.status == 404 and _is_envelope(answer, resource):
            return None
        rows = [row for row in _rows(answer, resource) if row.get("name") == key]
        if len(rows) != 1:
            raise _malformed(answer, f'it does not hold exactly one "{key}"')
        return rows[0]

    def table(self, resource: Resource) -> list[dict[str, Any]]:
        """Return the whole table in one request."""
        return _rows(self._send("GET", self._path(resource)), resource)

    def create(self, resource: Resource, key: str, body: Mapping[str, Any]) -> None:
        """Add an entry to the table."""
        _envelope(self._send("POST", self._path(resource), json=body), resource)

    def update(self, resource: Resource, key: str, body: Mapping[str, Any]) -> None:
        """Change an entry: FortiOS merges top-level attributes and replaces child tables as a whole."""
        _envelope(self._send("PUT", self._path(resource, key), json=body), resource)

    def delete(self, resource: Resource, key: str, raw: Mapping[str, Any] | None = None) -> None:
        """Remove an entry."""
        _envelope(self._send("DELETE", self._path(resource, key)), resource)

    def mint(self, resource: Resource, key: str) -> tuple[str, None]:
        """Generate a new API key; the old one stops working at once."""
        answer = self._send("POST", GENERATE_KEY, json={"api-user": key})
        results = _envelope(answer, resource).get("results")
        key_value = results.get("access_token") if isinstance(results, dict) else None
        if not isinstance(key_value, str) or not key_value:
            raise _malformed(answer, "it holds no access_token, although the old key is probably replaced")
        return key_value, None

    def probe(self, resource: Resource, key: str, secret: str) -> tuple[str, int | None]:
        """Try an API key once, but only where a refusal would prove something.

        FortiOS gives an untrusted source the same 401 as a wrong key, and counts it towards the lock-out.
        """
        admin = self.read(resource, key)
        if admin is None or not self._is_trusted(admin):
            return "unknown", None
        with closing(Http(self.params)) as stranger:
            answer = stranger.request("GET", STATUS, headers={"Authorization": f"Bearer {secret}"})
        return {200: "valid", 401: "invalid"}.get(answer.status, "unknown"), answer.status

    def close(self) -> None:
        """Log out of a password session and close the connection."""
        try:
            if self.logged_in:
                self._request("DELETE", AUTHENTICATION, self._write_headers())
        except ApplianceError:
            pass
        finally:
            self.http.close()

    def _path(self, resource: Resource, key: str | None = None) -> str:
        return CMDB + resource.path + ("" if key is None else "/" + quoted(key))

    def _send(self, method: str, path: str, **content: Any) -> Answer:
        """Send a request as the account that the task names."""
        if not self.headers and not self.logged_in:
            self._log_in()
        confirmed = self._confirmation() if method != "GET" and "api-user" in path else {}
        session = self._write_headers() if method != "GET" else {}
        return self._request(
            method, path, {**session, **self.headers, **confirmed}, params=self.scope, **content
        )

    def _request(self, method: str, path: str, headers: Mapping[str, str], **content: Any) -> Answer:
        return self.http.request(method, path, headers={"Accept": "application/json", **headers}, **content)

    def _write_headers(self) -> dict[str, str]:
        tokens = [v for n, v in self.http.cookies.items() if n.startswith("ccsrf") and v]
        return {"X-CSRFTOKEN": tokens[0].strip('"')} if tokens else {}

    def _confirmation(self) -> dict[str, str]:
        """Return the administrator's own password, which writes to API admins need from FortiOS 7.6.5 on.

        Observed in published clients, which send it whatever the version.
        """
        return {"X-Admin-Passwd": self.password} if self.password else {}

    def _log_in(self) -> None:
        """Open a session. One attempt: FortiOS locks a source out after three failures."""
        credentials = {"username": self.username, "secretkey": self.password}
        answer = self._request("POST", AUTHENTICATION, {}, json=credentials)
        _refuse_http(answer)
        reply = answer.json()
        status = reply.get("status", reply.get("status_code")) if isinstance(reply, dict) else None
        if status not in LOGIN_SUCCESS:
            raise Refused(
                f'login as "{self.username}" failed; it is not tried again', code=status, path=AUTHENTICATION
            )
        self.logged_in = True

    def _is_trusted(self, admin: Mapping[str, Any]) -> bool:
        """Say whether the admin may log in from here; an address translated on the way is not seen."""
        source = ipaddress.ip_address(_source_address(self.http.url))
        try:
            trusted = [ipaddress.ip_network(host) for host in networks(trusted_hosts(admin["trusthost"]))]
        except (KeyError, TypeError, ValueError):
            return False
        return any(source in host for host in trusted)


def _source_address(url: str) -> str:
    """Return the address this host calls from; connecting a datagram socket sends nothing."""
    parts = urlsplit(url)
    family, kind, _proto, _name, address = socket.getaddrinfo(
        parts.hostname, parts.port or 443, type=socket.SOCK_DGRAM
    )[0]
    with socket.socket(family, kind) as probe:
        probe.connect(address)
        return str(probe.getsockname()[0]).partition("%")[0]


def _refuse_http(answer: Answer) -> None:
    """Raise for what the web server or the login layer refuses, before any envelope exists."""
    if answer.status == 401:
        raise _at(
            answer,
            Refused,
            "the credentials are not accepted, or this source address is not among the account's trusted "
            "hosts (FortiOS answers both alike). Check before running again: three failures lock this "
            "source out",
        )
    if answer.status == 429:
        raise _at(
            answer,
            Locked,
            "this source address is locked out after failed logins. Wait (60 s the first time, doubled each "
            "time), then run again with the right credentials",
        )
    if answer.status == 403:
        raise _at(answer, Refused, f"permission denied: {_denial(answer)}")


def _at(answer: Answer, error: type[ApplianceError], reason: str) -> ApplianceError:
    return error(reason, status=answer.status, path=answer.path)


def _denial(answer: Answer) -> str:
    return (
        "the account's admin profile lacks the right (for REST API admins that is super_admin), or the VDOM "
        "is not one of the account's"
        if answer.text.lstrip().startswith("{")
        else "the web server refused the request before the API saw it"
    )


def _is_envelope(answer: Answer, resource: Resource) -> bool:
    reply = answer.json()
    return isinstance(reply, dict) and f"{reply.get('path')}/{reply.get('name')}" == resource.path


def _envelope(answer: Answer, resource: Resource) -> dict[str, Any]:
    """Return a well-formed answer of success about the resource asked for; raise for everything else."""
    _refuse_http(answer)
    reply = answer.json()
    if not _is_envelope(answer, resource):
        raise _malformed(answer, f"it is not about {resource.path}{answer.hint}")
    if reply.get("status") == "success" and answer.status == 200:
        return dict(reply)
    code = reply.get("error")
    said = reply.get("cli_error") or ""
    said = "; ".join(said) if isinstance(said, list) else said.strip().replace("\n", "; ")
    reason = (
        MEANINGS.get(code, "the appliance gave no reason") if isinstance(code, int) else "no reason given"
    )
    raise Refused(f"{reason} ({said})" if said else reason, status=answer.status, code=code, path=answer.path)


def _rows(answer: Answer, resource: Resource) -> list[dict[str, Any]]:
    results = _envelope(answer, resource).get("results")
    if not isinstance(results, list) or not all(isinstance(row, dict) for row in results):
        raise _malformed(answer, "its results are not a list of objects")
    return results


def _malformed(answer: Answer, what: str) -> ApplianceError:
    return _at(answer, ApplianceError, f"the answer is not usable: {what}")
