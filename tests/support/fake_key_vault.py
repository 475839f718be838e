# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fake Azure Key Vault with its login service, as in Microsoft's REST documentation.

Both listen on one port of 127.0.0.1 with TLS. The behaviour follows the documentation of Set, Get and Delete
Secret and Get Deleted Secret and "Azure Key Vault REST API error codes", not a real vault.
"""

from __future__ import annotations

import json
import ssl
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import trustme

TENANT = "11111111-2222-3333-4444-555555555555"
CLIENT_ID = "66666666-7777-8888-9999-000000000000"
CLIENT_SECRET = "the-client-secret"

Response = tuple[int, dict[str, Any]]


def failure(status: int, code: str, inner: str | None = None) -> Response:
    """Return an error answer of the vault."""
    error: dict[str, Any] = {"code": code, "message": f"{code}: as the vault words it"}
    return status, {"error": {**error, "innererror": {"code": inner}} if inner else error}


NOT_FOUND = failure(404, "SecretNotFound")


@dataclass
class Switches:
    """Faults. `answers` (by method) and `headers` replace those of requests with a valid token."""

    answers: dict[str, Response | bytes] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    times: int | None = None
    hangs: float = 0
    keeps_the_old: bool = False
    refuses_tokens: bool = False
    resource: str | None = None
    before: dict[str, Callable[[], None]] = field(default_factory=dict)


class FakeKeyVault:
    """The state of the vault, its switches, and the recorded requests."""

    def __init__(self, port: int) -> None:
        self.url = f"https://127.0.0.1:{port}"
        # Clients check that the resource is a parent domain of the vault. For 127.0.0.1 that is 0.0.1.
        self.resource = f"https://0.0.1:{port}"
        self.ca_path = ""
        self.versions: dict[str, list[dict[str, Any]]] = {}
        self.deleted: dict[str, list[dict[str, Any]]] = {}
        self.tokens: set[str] = set()
        self.calls: list[str] = []
        self.bodies: list[dict[str, Any]] = []
        self.switches = Switches()

    def put(self, name: str, value: str, **more: Any) -> dict[str, Any]:
        """Add a version of a secret, like the portal."""
        now = int(time.time())
        bundle = {
            "id": f"{self.url}/secrets/{name}/{uuid.uuid4().hex}",
            "value": value,
            "attributes": {"enabled": True, "created": now, "updated": now, "recoveryLevel": "Recoverable"},
            **more,
        }
        self.versions.setdefault(name.lower(), []).append(bundle)
        return bundle

    def value(self, name: str) -> Any:
        """Return the record in the current version."""
        return json.loads(self.versions[name][-1]["value"])

    def version(self, name: str) -> str:
        """Return the current version."""
        return str(self.versions[name][-1]["id"]).rpartition("/")[2]

    def delete(self, name: str) -> dict[str, Any]:
        """Move a secret to the deleted secrets."""
        self.deleted[name] = self.versions.pop(name)
        return self._deleted(name)

    def settings(self, **more: str) -> dict[str, str]:
        """Return the backend's settings for this vault, with a service principal."""
        account = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "tenant_id": TENANT}
        return {"url": self.url, "ca_path": self.ca_path, "authority": self.url, **account, **more}

    def answer(self, method: str, path: str, body: dict[str, Any]) -> Response:
        """Answer a request with a valid token."""
        collection, _slash, name = path.strip("/").partition("/")
        name = name.strip("/").lower()
        if collection == "deletedsecrets":
            return (200, self._deleted(name)) if name in self.deleted else NOT_FOUND
        if method == "PUT":
            return self._set(name, body)
        if not self.versions.get(name):
            return NOT_FOUND
        return 200, self.delete(name) if method == "DELETE" else self.versions[name][-1]

    def challenge(self) -> str:
        """Return the challenge header: login service and resource."""
        resource = self.switches.resource or self.resource
        return f'Bearer authorization="{self.url}/{TENANT}", resource="{resource}"'

    def log_in(self, form: dict[str, list[str]]) -> Response:
        """Issue a token to the only service principal."""
        wanted = {
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "scope": f"{self.resource}/.default",
        }
        if any(form.get(name) != [value] for name, value in wanted.items()):
            text = f"AADSTS7000215: Invalid client secret provided: {form.get('client_secret')}"
            return 401, {"error": "invalid_client", "error_description": text}
        token = f"token-{uuid.uuid4().hex}"
        self.tokens.add(token)
        return 200, {"token_type": "Bearer", "expires_in": 3600, "access_token": token}

    def login_service(self) -> Response:
        """Describe the login service."""
        return 200, {
            "issuer": f"{self.url}/{TENANT}/v2.0",
            "authorization_endpoint": f"{self.url}/{TENANT}/oauth2/v2.0/authorize",
            "token_endpoint": f"{self.url}/{TENANT}/oauth2/v2.0/token",
        }

    def _set(self, name: str, body: dict[str, Any]) -> Response:
        if name in self.deleted:
            return failure(409, "Conflict", "ObjectIsDeletedButRecoverable")
        self.bodies.append(body)
        before = list(self.versions.get(name, []))
        bundle = self.put(name, **body)
        if self.switches.keeps_the_old:
            self.versions[name] = before
        return 200, bundle

    def _deleted(self, name: str) -> dict[str, Any]:
        bundle = {key: value for key, value in self.deleted[name][-1].items() if key != "value"}
        recovery = f"{self.url}/deletedsecrets/{name}"
        return {**bundle, "recoveryId": recovery, "deletedDate": 1, "scheduledPurgeDate": 2}


class Handler(BaseHTTPRequestHandler):
    """One connection to the vault of its server."""

    protocol_version = "HTTP/1.1"
    server: Server

    def handle_any(self) -> None:
        """Answer one request."""
        vault, parts = self.server.vault, urlsplit(self.path)
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if parts.path.endswith("/.well-known/openid-configuration"):
            self._send(vault.login_service())
        elif parts.path.endswith("/oauth2/v2.0/token"):
            self._send(vault.log_in(parse_qs(content.decode())))
        else:
            self._send_as_vault(vault, parts.path, parse_qs(parts.query), content)

    do_GET = do_PUT = do_DELETE = do_POST = handle_any  # noqa: N815 as http.server looks for them

    def log_message(self, *arguments: Any) -> None:
        """Write nothing."""

    def _send_as_vault(
        self, vault: FakeKeyVault, path: str, query: dict[str, list[str]], content: bytes
    ) -> None:
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        switches = vault.switches
        if token not in vault.tokens or switches.refuses_tokens:
            self._send(failure(401, "Unauthorized"), {"WWW-Authenticate": vault.challenge()})
            return
        vault.calls.append(f"{self.command} {path.rstrip('/')}")
        switches.before.pop(self.command, lambda: None)()
        time.sleep(switches.hangs)
        if self.command in switches.answers and switches.times != 0:
            switches.times = None if switches.times is None else switches.times - 1
            self._send(switches.answers[self.command], switches.headers)
        elif "api-version" not in query:
            self._send(failure(400, "BadParameter"))
        else:
            self._send(vault.answer(self.command, path, json.loads(content or b"{}")))

    def _send(self, answer: Response | bytes, headers: dict[str, str] | None = None) -> None:
        status, body = (
            (200, answer) if isinstance(answer, bytes) else (answer[0], json.dumps(answer[1]).encode())
        )
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Server(ThreadingHTTPServer):
    """Serves one vault."""

    daemon_threads = True

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.vault = FakeKeyVault(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing: tests have clients that do not trust the certificate or do not wait."""


@contextmanager
def running_key_vault(folder: Path) -> Iterator[FakeKeyVault]:
    """Run an empty vault. Its CA certificate is written to the folder."""
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    path = folder / "key-vault-ca.pem"
    authority.cert_pem.write_to_path(str(path))
    with Server(context) as server:
        server.vault.ca_path = str(path)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server.vault
        finally:
            server.shutdown()
            thread.join()
