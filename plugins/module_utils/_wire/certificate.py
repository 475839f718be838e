# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The certificate that a server presents, read without sending it a request."""

from __future__ import annotations

import hashlib
import re
import socket
import ssl
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import unquote, urlsplit

from .._engine.errors import Unreachable
from .https import CHECK_NETWORK, CHECK_NETWORK_AND_PROXY, Http

with suppress(ImportError):
    import socks

HTTPS_PORT = 443


def presented_certificate(url: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return its SHA-256 ``fingerprint``, with colons, and why it is not trusted (``problem``, or empty).

    ``params`` are ``ca_path``, ``proxy`` and ``connect_timeout``. Raises InvalidOptions and Unreachable.
    """
    seconds = params["connect_timeout"]
    with closing(Http({"url": url, "validate_certs": True, "timeout": seconds, **params})) as checked:
        server = Server.of(checked, seconds)
        try:
            certificate = server.shaken_hands(_unchecked())
            problem = _problem(server, checked.tls)
        except OSError as error:
            raise Unreachable(
                f"no TLS connection to {server}: {error.strerror or 'no answer'}",
                CHECK_NETWORK_AND_PROXY if checked.proxy else CHECK_NETWORK,
            ) from None
    digits = hashlib.sha256(certificate).hexdigest().upper()
    return {"fingerprint": ":".join(re.findall("..", digits)), "problem": problem}


@dataclass(frozen=True)
class Server:
    """A server, and the proxy on the way to it, with the headers of its login. ``proxy`` may be empty."""

    host: str
    port: int
    seconds: float
    proxy: str
    headers: Mapping[str, str]

    @classmethod
    def of(cls, http: Http, seconds: float) -> Server:
        """Return the server that a session is for."""
        parts, proxy = urlsplit(http.url), str(http.session.proxies.get("https", ""))
        adapter: Any = http.session.get_adapter(http.url)
        headers = adapter.proxy_headers(proxy)
        return cls(str(parts.hostname), parts.port or HTTPS_PORT, seconds, proxy, headers)

    def __str__(self) -> str:
        """Name it without the proxy's credentials."""
        through = f" through the proxy {self.proxy.rpartition('@')[2]}" if self.proxy else ""
        return f"{self.host}, port {self.port}{through}"

    def shaken_hands(self, context: ssl.SSLContext) -> bytes:
        """Return the server's certificate after a TLS handshake. Raises OSError."""
        with closing(context.wrap_socket(self._connected(), server_hostname=self.host)) as connection:
            return connection.getpeercert(binary_form=True) or b""

    def _connected(self) -> socket.socket:
        if not self.proxy:
            return socket.create_connection((self.host, self.port), self.seconds)
        try:
            return self._tunnel() if self.proxy.startswith("http:") else self._socks()
        except (OSError, HTTPException):
            raise OSError(0, "the proxy does not connect") from None

    def _tunnel(self) -> socket.socket:
        proxy = urlsplit(self.proxy)
        connection = HTTPConnection(str(proxy.hostname), proxy.port, timeout=self.seconds)
        host = f"[{self.host}]" if ":" in self.host else self.host
        connection.set_tunnel(host, self.port, dict(self.headers))
        connection.connect()
        return connection.sock

    def _socks(self) -> socket.socket:
        proxy = urlsplit(self.proxy)
        account = [unquote(each) if each else None for each in (proxy.username, proxy.password)]
        connection: socket.socket = socks.create_connection(
            (self.host, self.port),
            self.seconds,
            None,
            socks.SOCKS5,
            proxy.hostname,
            proxy.port,
            proxy.scheme == "socks5h",
            *account,
        )
        return connection


def _unchecked() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _problem(server: Server, context: ssl.SSLContext) -> str:
    try:
        server.shaken_hands(context)
    except ssl.SSLCertVerificationError as error:
        return str(error.verify_message)
    return ""
