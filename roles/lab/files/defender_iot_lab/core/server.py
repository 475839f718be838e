# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One uvicorn server on many loopback sockets, each with its own certificate."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import resource
import signal
import socket
import ssl
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any, cast

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from .exchange import Connection

LOOPBACK = "127.0.0.1"


def _bound_socket() -> socket.socket:
    # asyncio sets TCP_NODELAY only if the protocol is named. Without it each answer takes 40 ms.
    bound = socket.socket(proto=socket.IPPROTO_TCP)
    bound.bind((LOOPBACK, 0))
    return bound


@dataclass
class Listener:
    """A port with its application, its TLS context (None: plain HTTP) and a callback for each connection."""

    app: ASGIApp
    context: ssl.SSLContext | None = None
    on_connect: Callable[[], None] | None = None
    socket: socket.socket = field(default_factory=_bound_socket)

    @property
    def port(self) -> int:
        """The port on the loopback interface."""
        return cast(int, self.socket.getsockname()[1])


class Protocol(H11Protocol):
    """HTTP on one connection, which is counted and numbered after the TLS handshake."""

    serials = itertools.count(1)

    def __init__(self, listener: Listener, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._listener = listener

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        connection = Connection(next(self.serials), transport, _client_issuer(transport))
        self.app_state = {"connection": connection}
        if self._listener.on_connect:
            self._listener.on_connect()
        super().connection_made(transport)


def _client_issuer(transport: asyncio.Transport) -> str | None:
    """Read the client's certificate early, because the transport drops it when the connection ends."""
    certificate = transport.get_extra_info("peercert") or {}
    names = dict(attribute for part in certificate.get("issuer", ()) for attribute in part)
    return names.get("organizationName")


class LabServer(uvicorn.Server):
    """Serves all listeners. uvicorn alone supports only one TLS context per server."""

    def __init__(self, listeners: list[Listener]) -> None:
        self._listeners = listeners
        by_port = {listener.port: listener.app for listener in listeners}

        async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
            await by_port[scope["server"][1]](scope, receive, send)

        super().__init__(
            uvicorn.Config(
                dispatch,
                lifespan="off",
                log_level="warning",
                access_log=False,
                date_header=False,  # the time of the appliances is that of the lab
                proxy_headers=False,
                server_header=False,
                timeout_keep_alive=60,
                timeout_graceful_shutdown=1,
            )
        )

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen on every socket, with its TLS context."""
        _allow_many_sockets()
        await self.lifespan.startup()
        self.servers = [await self._listen(listener) for listener in self._listeners]
        self.started = True

    async def _listen(self, listener: Listener) -> asyncio.Server:
        def connection() -> Protocol:
            return Protocol(listener, config=self.config, server_state=self.server_state, app_state={})

        loop = asyncio.get_running_loop()
        return await loop.create_server(connection, sock=listener.socket, ssl=listener.context)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Stop on SIGTERM and SIGINT. uvicorn would raise the signal again and prevent a cleanup."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, setattr, self, "should_exit", True)
        yield


def _allow_many_sockets() -> None:
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
