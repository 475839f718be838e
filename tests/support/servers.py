# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Small servers on loopback: a silent one, an appliance with unusual answers, and two kinds of proxy."""

from __future__ import annotations

import asyncio
import base64
import secrets
import socket
import ssl
import threading
from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from .patience import STEP_SECONDS

LOOPBACK = "127.0.0.1"
NAMES = {"fgt.example": LOOPBACK}
"""Names that only the proxies resolve."""

UNASSIGNED = range(20_000, 32_000)
"""Ports that Linux does not assign on its own, so nothing else takes one before a program listens on it."""

Write = Callable[[StreamWriter], Awaitable[None]]


class Server:
    """Serves a port in a separate thread."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.context = context
        self.port = 0
        self.connections = 0
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=[self._serve()])

    async def handle(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Serve one connection."""
        raise NotImplementedError

    def start(self) -> None:
        """Listen on a free port."""
        self._thread.start()
        assert self._ready.wait(STEP_SECONDS), "the server did not start"

    def stop(self) -> None:
        """Stop the server and close its connections."""
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(STEP_SECONDS)
        assert not self._thread.is_alive(), "the server did not end"
        self._loop.close()

    async def _serve(self) -> None:
        self._stopping = asyncio.Event()
        self._tasks: set[asyncio.Task[Any]] = set()
        server = await asyncio.start_server(self._accept, LOOPBACK, 0, ssl=self.context)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stopping.wait()
        server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        self.connections += 1
        try:
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await self.handle(reader, writer)
        finally:
            self._tasks.discard(task)
            writer.close()


def free_port() -> int:
    """Return a TCP port for a program that cannot say which one it got."""
    while True:
        port = secrets.choice(UNASSIGNED)
        with suppress(OSError), socket.create_server((LOOPBACK, port)):
            return port


@contextmanager
def running(server: Any) -> Iterator[Any]:
    """Run a server, and stop it at the end."""
    server.start()
    try:
        yield server
    finally:
        server.stop()


async def head(reader: StreamReader) -> tuple[str, dict[str, str]]:
    """Read the first line and the headers of a request."""
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").strip().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    return first, {name.lower(): value for name, value in headers.items()}


class Silent(Server):
    """Accepts connections and never answers."""

    async def handle(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Read until the client closes the connection."""
        while await reader.read(1000):
            pass


class OddAppliance(Server):
    """Answers each request with the same bytes, or with a function. Records the requests."""

    def __init__(self, answer: bytes | Write, context: ssl.SSLContext) -> None:
        super().__init__(context)
        self.answer = answer
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.bodies: list[bytes] = []
        self.certificates: list[Mapping[str, Any] | None] = []

    @property
    def url(self) -> str:
        return f"https://{LOOPBACK}:{self.port}"

    async def handle(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Answer the requests on one connection."""
        self.certificates.append(writer.get_extra_info("peercert"))
        while True:
            line, headers = await head(reader)
            self.bodies.append(await reader.readexactly(int(headers.get("content-length", 0))))
            self.requests.append((line, headers))
            if isinstance(self.answer, bytes):
                writer.write(self.answer)
                await writer.drain()
            else:
                await self.answer(writer)
            if b"Connection: close" in (self.answer if isinstance(self.answer, bytes) else b""):
                return


def http(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    """Return an HTTP answer with the length of its body."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


class Proxy(Server):
    """Forwards connections, after a login if it has an account."""

    def __init__(self, account: str = "") -> None:
        """`account` is NAME:PASSWORD, empty for none."""
        super().__init__()
        self.account = account
        self.targets: list[str] = []

    async def carry(
        self, host: str, port: int, reader: StreamReader, writer: StreamWriter, yes: bytes, no: bytes
    ) -> None:
        """Connect, send the answer `yes` or `no`, and copy bytes both ways until either side ends."""
        self.targets.append(f"{host}:{port}")
        try:
            onward, back = await asyncio.open_connection(NAMES.get(host, host), port)
        except OSError:
            writer.write(no)
            await writer.drain()
            return
        writer.write(yes)
        ways = {asyncio.ensure_future(_pump(reader, back)), asyncio.ensure_future(_pump(onward, writer))}
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            back.close()


class HttpProxy(Proxy):
    """Supports CONNECT."""

    async def handle(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Serve one CONNECT."""
        line, headers = await head(reader)
        wanted = f"Basic {base64.b64encode(self.account.encode()).decode()}"
        if self.account and headers.get("proxy-authorization") != wanted:
            writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
            return
        host, _colon, port = line.split()[1].rpartition(":")
        yes, no = (f"HTTP/1.1 {status}\r\n\r\n".encode() for status in ("200 Connected", "503 Unavailable"))
        await self.carry(host, int(port), reader, writer, yes, no)


class SocksProxy(Proxy):
    """Supports SOCKS 5 (RFC 1928, and RFC 1929 for accounts)."""

    async def handle(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Serve one CONNECT."""
        _version, count = await reader.readexactly(2)
        offered = await reader.readexactly(count)
        method = 2 if self.account else 0
        if method not in offered:
            writer.write(b"\x05\xff")
            return
        writer.write(bytes([5, method]))
        if self.account and not await self._knows(reader, writer):
            return
        _version, _connect, _reserved, kind = await reader.readexactly(4)
        host = await self._host(kind, reader)
        port = int.from_bytes(await reader.readexactly(2), "big")
        yes, no = (bytes([5, status, 0, 1]) + bytes(6) for status in (0, 5))
        await self.carry(host, port, reader, writer, yes, no)

    async def _knows(self, reader: StreamReader, writer: StreamWriter) -> bool:
        await reader.readexactly(1)
        parts = [(await reader.readexactly((await reader.readexactly(1))[0])).decode() for _part in range(2)]
        known = ":".join(parts) == self.account
        writer.write(b"\x01\x00" if known else b"\x01\x01")
        await writer.drain()
        return known

    async def _host(self, kind: int, reader: StreamReader) -> str:
        if kind == 1:
            return ".".join(map(str, await reader.readexactly(4)))
        return (await reader.readexactly((await reader.readexactly(1))[0])).decode()


async def _pump(source: StreamReader, sink: StreamWriter) -> None:
    while data := await source.read(65536):
        sink.write(data)
        await sink.drain()
