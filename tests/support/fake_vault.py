# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fake HashiCorp Vault: KV version 2 with check-and-set, AppRole logins, and tokens, over TLS.

It follows the vendor's documentation of the HTTP API, not a real server.
"""

from __future__ import annotations

import copy
import json
import secrets
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import trustme

LOOPBACK = "127.0.0.1"
ROLE_ID = "the-role-id"
CAPABILITIES = {"GET": "read", "POST": "write", "PUT": "write", "DELETE": "delete"}
ALL = frozenset(CAPABILITIES.values())

Response = tuple[int, Any]
NOTHING: Response = (404, {"errors": []})


def _now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def _errors(status: int, *errors: str) -> Response:
    return status, {"errors": list(errors)}


def _response(data: Any, **more: Any) -> dict[str, Any]:
    """Return an answer in its envelope."""
    common = {"request_id": secrets.token_hex(8), "lease_id": "", "renewable": False, "lease_duration": 0}
    return {**common, "data": data, "wrap_info": None, "warnings": None, "auth": None, **more}


@dataclass
class Version:
    """One version of a secret."""

    data: dict[str, Any] | None
    created: str = field(default_factory=_now)
    deleted: str = ""
    destroyed: bool = False

    def metadata(self, number: int) -> dict[str, Any]:
        """Return the metadata of this version."""
        return {
            "created_time": self.created,
            "custom_metadata": None,
            "deletion_time": self.deleted,
            "destroyed": self.destroyed,
            "version": number,
        }


class FakeVault:
    """The secrets of the server, the recorded requests, and the switches of its faults.

    Namespaces other than "" exist in the Enterprise edition and in OpenBao.
    """

    def __init__(self) -> None:
        """Create a KV version 2 engine at "secret", a version 1 at "old", one AppRole, and a root token."""
        self.url = self.ca_path = ""
        self.token = f"hvs.{secrets.token_hex(12)}"
        self.secret_id = secrets.token_hex(12)
        self.tokens: dict[str, frozenset[str]] = {self.token: ALL}
        self.role_capabilities = ALL
        self.mounts = {("", "secret"): 2, ("", "old"): 1}
        self.kept: dict[tuple[str, str], list[Version]] = {}
        self.old: dict[str, Any] = {}
        self.calls: list[tuple[str, str]] = []
        self.down = False
        self.sealed = False
        self.forgetful = False
        self.slow_seconds = 0.0
        self.canned: Response | None = None
        self.meanwhile: Callable[[str], None] | None = None
        self.lock = threading.RLock()

    def versions(self, path: str, namespace: str = "") -> list[Version]:
        """Return all versions of MOUNT/PATH."""
        return self.kept.get((namespace, path), [])

    def put(self, path: str, data: dict[str, Any], namespace: str = "") -> None:
        """Write a version, like another client."""
        with self.lock:
            self.kept.setdefault((namespace, path), []).append(Version(copy.deepcopy(data)))

    def soft_delete(self, path: str) -> None:
        """Mark the latest version as deleted, like "vault kv delete"."""
        self.versions(path)[-1].deleted = _now()

    def destroy(self, path: str) -> None:
        """Destroy the latest version, like "vault kv destroy"."""
        self.versions(path)[-1].destroyed = True

    def answer(self, method: str, path: str, headers: Any, body: dict[str, Any]) -> Response:
        """Answer one request, with its checks in the order of Vault."""
        self.calls.append((method, path))
        if self.meanwhile:
            self.meanwhile(method)
        if self.canned:
            return self.canned
        if self.sealed:
            return _errors(503, "Vault is sealed")
        if path == "auth/approle/login":
            return self._login(body)
        allowed = self.tokens.get(headers.get("X-Vault-Token", ""), frozenset())
        if headers.get("X-Vault-Request") != "true" or CAPABILITIES.get(method) not in allowed:
            return _errors(403, "permission denied")
        with self.lock:
            return self._routed(method, path, headers.get("X-Vault-Namespace", ""), body)

    def _login(self, body: dict[str, Any]) -> Response:
        if (body.get("role_id"), body.get("secret_id")) != (ROLE_ID, self.secret_id):
            return _errors(400, "invalid role or secret ID")
        token = f"hvs.{secrets.token_hex(12)}"
        self.tokens[token] = self.role_capabilities
        auth = {"client_token": token, "token_type": "service", "lease_duration": 1200, "renewable": True}
        return 200, _response(None, auth=auth)

    def _routed(self, method: str, path: str, namespace: str, body: dict[str, Any]) -> Response:
        mount, _slash, rest = path.partition("/")
        engine = self.mounts.get((namespace, mount))
        kind, _slash, name = rest.partition("/")
        key = (namespace, f"{mount}/{name}")
        match engine, kind, method:
            case 1, _, _:
                return self._kv1(method, rest, body)
            case 2, "data", "GET":
                return self._read(key)
            case 2, "data", "POST" | "PUT":
                return self._write(key, body)
            case 2, "metadata", "DELETE":
                self.kept.pop(key, None)
                return 204, None
            case 2, _, _:
                return _errors(405, "unsupported operation")
        return _errors(404, f'no handler for route "{path}". route entry not found.')

    def _read(self, key: tuple[str, str]) -> Response:
        versions = self.kept.get(key)
        if not versions:
            return NOTHING
        latest = versions[-1]
        gone = bool(latest.deleted) or latest.destroyed
        data = {"data": None if gone else latest.data, "metadata": latest.metadata(len(versions))}
        return (404 if gone else 200), _response(data)

    def _write(self, key: tuple[str, str], body: dict[str, Any]) -> Response:
        versions = self.kept.get(key, [])
        if not isinstance(body.get("data"), dict):
            return _errors(400, "no data provided")
        if body.get("options", {}).get("cas", len(versions)) != len(versions):
            return _errors(400, "check-and-set parameter did not match the current version")
        written = Version(body["data"])
        if not self.forgetful:
            self.kept[key] = [*versions, written]
        return 200, _response(written.metadata(len(versions) + 1))

    def _kv1(self, method: str, path: str, body: dict[str, Any]) -> Response:
        if method in ("POST", "PUT"):
            self.old[path] = body
            return 204, None
        return (200, _response(self.old[path])) if path in self.old else NOTHING


def _handler(vault: FakeVault) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # An answer has several small writes. Without this, each would wait for the client.
        disable_nagle_algorithm = True

        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length) or b"{}")
            time.sleep(vault.slow_seconds)
            if vault.down:
                self.close_connection = True
                return
            path = unquote(self.path).removeprefix("/v1/")
            self._send(*vault.answer(self.command, path, self.headers, body))

        def _send(self, status: int, content: Any) -> None:
            raw = isinstance(content, bytes)
            payload = content if raw else b"" if content is None else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/html" if raw else "application/json")
            if 300 <= status < 400:
                self.send_header("Location", f"{vault.url}/v1/secret/data/elsewhere")
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Keep quiet."""

    return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing: tests have clients that do not trust the certificate or do not wait."""


@contextmanager
def running_vault(folder: Path) -> Iterator[FakeVault]:
    """Run a Vault on a free port of the loopback interface, and stop it at the end."""
    vault = FakeVault()
    authority = trustme.CA()
    vault.ca_path = str(folder / "vault-ca.pem")
    authority.cert_pem.write_to_path(vault.ca_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(LOOPBACK).configure_cert(context)
    with _Server((LOOPBACK, 0), _handler(vault)) as server:
        # The handshake runs in the thread of the connection, so that one client cannot block all others.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        vault.url = f"https://{LOOPBACK}:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield vault
        finally:
            server.shutdown()
            thread.join()
