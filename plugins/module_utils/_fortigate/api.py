# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A FortiGate over its REST API."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Mapping
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

from .._engine.appliance import Appliance, Route
from .._engine.errors import ApplianceError, InvalidOptions, Unsupported
from .._engine.resource import Resource
from .._wire.https import Http, Response, quoted
from .api_admin import networks, trusted_hosts
from .errors import (
    MEANINGS,
    MEANINGS_WITH_PASSWORD,
    REPORT,
    envelope,
    firmware,
    is_envelope,
    malformed,
    partition,
    rows,
    unit,
)
from .lockout import is_own
from .login import Account

CMDB = "/api/v2/cmdb/"
API_ADMINS = "system/api-user"
GENERATE_KEY = "/api/v2/monitor/system/api-user/generate-key"
STATUS_PATH = "system/status"
MONITOR = "/api/v2/monitor/"
STATUS = f"{MONITOR}{STATUS_PATH}"

MONITORED = frozenset({"firewall/policy-lookup"})
"""The paths of questions to the monitor API instead of the configuration."""


class FortiGate(Appliance):
    """The verbs on one FortiGate, with the account of the task."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        """Raise InvalidOptions for values that no request can carry."""
        self.params = params
        self.vdom = params["vdom"]
        _refuse_several_vdoms(self.vdom)
        self.http = Http(params)
        self.account = Account(self.http, params)

    def read(self, resource: Resource, key: str) -> dict[str, Any] | None:
        """Return one object, None only if FortiOS itself answers 404."""
        answer = self._send("GET", self._path(resource, key), {})
        if answer.status == 404 and is_envelope(answer, resource.path):
            self._note(answer.json())
            return None
        found = [row for row in self._rows(answer, resource) if row.get("name") == key]
        if len(found) != 1:
            raise malformed(answer, f'it does not contain exactly one "{key}"', REPORT)
        return found[0]

    def table(self, resource: Resource) -> list[dict[str, Any]]:
        """Return the whole table in one request."""
        return self._rows(self._send("GET", self._path(resource), {}), resource)

    def create(self, resource: Resource, key: str, body: Mapping[str, Any]) -> None:
        self._write("POST", self._path(resource), resource, json=body)

    def update(self, resource: Resource, key: str, body: Mapping[str, Any]) -> None:
        """Update an entry: FortiOS merges top-level attributes and replaces child tables as a whole."""
        self._write("PUT", self._path(resource, key), resource, json=body)

    def delete(self, resource: Resource, key: str, raw: Mapping[str, Any] | None = None) -> None:
        self._write("DELETE", self._path(resource, key), resource)

    def search(self, resource: Resource, text: str) -> dict[str, Any]:
        """Return the objects whose name contains a text: the filter ignores case (documented)."""
        query = {"filter": f"name=@{text}", "with_meta": "1"}
        answer = self._send("GET", self._path(resource), {}, query)
        found = self._rows(answer, resource)
        revision = answer.json().get("revision")
        return {
            "rows": found,
            "revision": None if revision is None else str(revision),
            "date": answer.headers.get("Date"),
        }

    def capacity(self, resource: Resource, part: str) -> int | None:
        """Return the limit in the schema of this model and release, where 0 means no limit (documented)."""
        schema = self.ask(resource, {"action": "schema"})
        children = schema.get("children") if isinstance(schema, dict) else None
        described = children.get(part) if isinstance(children, dict) else None
        number = described.get("max_table_size_item") if isinstance(described, dict) else None
        return number if isinstance(number, int) and number > 0 else None

    def add(self, resource: Resource, key: str, name: str) -> None:
        """Add a member: a PUT of the object would replace all members (observed)."""
        self._write("POST", f"{self._path(resource, key)}/member", resource, json={"name": name})

    def remove(self, resource: Resource, key: str, name: str) -> None:
        self._write("DELETE", f"{self._path(resource, key)}/member/{quoted(name)}", resource)

    def move(self, resource: Resource, key: str, before: str) -> None:
        """Move an entry. FortiOS reads the place from the query, and ignores it in the body (observed)."""
        query = {"action": "move", "before": before}
        self._write("PUT", self._path(resource, key), resource, query=query, json={})

    def ask(self, resource: Resource, query: Mapping[str, str]) -> Any:
        """Return the results of a read that has no list of objects."""
        base = MONITOR if resource.path in MONITORED else CMDB
        answer = self._send("GET", base + resource.path, {}, query)
        reply = envelope(answer, resource, self.vdom, MEANINGS)
        self._note(reply)
        return reply.get("results")

    def mint(self, resource: Resource, key: str) -> tuple[str, None]:
        """Generate an API key, which invalidates the old one at once."""
        answer, reply = self._write("POST", GENERATE_KEY, resource, json={"api-user": key})
        results = reply.get("results")
        key_value = results.get("access_token") if isinstance(results, dict) else None
        if not isinstance(key_value, str) or not re.fullmatch("[!-~]+", key_value):
            raise malformed(
                answer, "it contains no access_token, and the old key is probably invalid", "run again"
            )
        return key_value, None

    def probe(
        self, resource: Resource, key: str, secret: str, raw: Mapping[str, Any] | None = None
    ) -> tuple[str, int | None]:
        """Try an API key once, but only if a refusal would prove something.

        FortiOS answers an untrusted source with the same 401 as a wrong key, and counts it as a failed login.
        Without ``vdom``, it refuses administrators without access to the management VDOM (documented), so the
        request names a VDOM of the administrator. A refusal in an envelope proves that the key was accepted
        (observed).
        """
        admin = self.read(resource, key) if raw is None else raw
        if admin is None or self.http.proxy or not self._is_trusted(admin):
            return "unknown", None
        with closing(Http(self.params)) as anonymous:
            headers = {"Authorization": f"Bearer {secret}"}
            answer = anonymous.request("GET", STATUS, headers=headers, params=_scope(_first_vdom(admin)))
        if answer.status == 200 or _is_denied_by_api(answer):
            return "valid", answer.status
        return "invalid" if answer.status == 401 else "unknown", answer.status

    def is_own(self, resource: Resource, key: str) -> bool:
        """Return whether the account in use may be this object, or have this admin profile."""
        return is_own(self, resource, key, None if self.account.token else self.account.name)

    def references(self, resource: Resource, key: str) -> int:
        """Return the number of references to an object, which FortiOS adds on request (documented)."""
        answer = self._send("GET", self._path(resource, key), {}, {"with_meta": "1"})
        count = self._rows(answer, resource)[0].get("q_ref")
        return count if isinstance(count, int) else 0

    def close(self) -> None:
        """Log out of a session, and close the connection."""
        try:
            self.account.close()
        finally:
            self.http.close()

    def _path(self, resource: Resource, key: str | None = None) -> str:
        return CMDB + resource.path + ("" if key is None else "/" + quoted(str(key)))

    def _write(
        self,
        method: str,
        path: str,
        resource: Resource,
        query: Mapping[str, str] | None = None,
        **content: Any,
    ) -> tuple[Response, dict[str, Any]]:
        """Send a change, and return the answer and its envelope."""
        if method == "DELETE":
            _refuse_collection(path)
        password = self.account.confirmation() if resource.path == API_ADMINS else {}
        answer = self._send(method, path, password, query, **content)
        meanings = MEANINGS_WITH_PASSWORD if password else MEANINGS
        return answer, envelope(answer, resource, self.vdom, meanings)

    def _send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        query: Mapping[str, str] | None = None,
        **content: Any,
    ) -> Response:
        headers = {"Accept": "application/json", **self.account.headers(method), **headers}
        query = {**_scope(self.vdom), **(query or {})}
        answer = self.http.request(method, path, headers=headers, params=query, **content)
        self.account.note(answer)
        return answer

    def _rows(self, answer: Response, resource: Resource) -> list[dict[str, Any]]:
        """Return the objects in the answer to a read, and record what its envelope states."""
        reply = envelope(answer, resource, self.vdom, MEANINGS)
        self._note(reply)
        found = rows(answer, reply)
        _refuse_part(answer, reply, found)
        return found

    def _note(self, reply: Mapping[str, Any]) -> None:
        self.version = firmware(reply)
        self.partition = None if self.vdom else partition(reply)
        self.serial = unit(reply)

    def _is_trusted(self, admin: Mapping[str, Any]) -> bool:
        """Return whether this host is a trusted host. Address translation on the way is not visible."""
        try:
            source = ipaddress.ip_address(_source_address(self.http.url))
            trusted = [ipaddress.ip_network(host) for host in networks(trusted_hosts(admin["trusthost"]))]
        except (AttributeError, KeyError, TypeError, ValueError, OSError):
            return False
        return any(source in host for host in trusted)


def connect(params: dict[str, Any], route: Route) -> Appliance:
    return route.relay(params) or FortiGate(params)


def _refuse_several_vdoms(vdom: str | None) -> None:
    """Raise InvalidOptions for a list of VDOMs, which FortiOS answers with a list of envelopes."""
    if vdom and (vdom == "*" or "," in vdom):
        raise InvalidOptions(f'vdom is "{vdom}", which means several VDOMs', "set vdom to one VDOM")


def _refuse_collection(path: str) -> None:
    """Raise Unsupported for the path of a table: its DELETE deletes all unreferenced objects (observed)."""
    segments = path.removeprefix(CMDB).split("/")
    # PATH, NAME and KEY, and then a child table and its key.
    if len(segments) % 2 == 0 or not all(segments):
        raise Unsupported(
            f"{path} is a whole table, which is never deleted, so nothing was sent",
            "name one object",
        )


def _refuse_part(answer: Response, reply: Mapping[str, Any], found: list[dict[str, Any]]) -> None:
    """Raise ApplianceError if FortiOS says that the answer is a part of the table."""
    matched = reply.get("matched_count")
    if reply.get("limit_reached") is True or (isinstance(matched, int) and matched > len(found)):
        raise malformed(answer, "it has only a part of the table", "use a smaller table, or another VDOM")


def _scope(vdom: str | None) -> dict[str, str]:
    return {"vdom": vdom} if vdom else {}


def _is_denied_by_api(answer: Response) -> bool:
    try:
        return answer.status == 403 and is_envelope(answer, STATUS_PATH)
    except ApplianceError:
        return False


def _first_vdom(admin: Mapping[str, Any]) -> str | None:
    """Return a VDOM of an administrator, None if it has none of its own."""
    vdoms = admin.get("vdom")
    names = [row.get("name") for row in vdoms if isinstance(row, Mapping)] if isinstance(vdoms, list) else []
    return next((name for name in names if isinstance(name, str) and name), None)


def _source_address(url: str) -> str:
    """Return this host's source address. Connecting a datagram socket sends nothing."""
    parts = urlsplit(url)
    family, kind, _proto, _name, address = socket.getaddrinfo(
        parts.hostname, parts.port or 443, type=socket.SOCK_DGRAM
    )[0]
    with socket.socket(family, kind) as probe:
        probe.connect(address)
        return str(probe.getsockname()[0]).partition("%")[0]
