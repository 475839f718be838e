# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The syslog port of a mock FortiSIEM, by UDP and by TCP, on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable

LONGEST_MESSAGE = 64 * 1024
COUNTED = re.compile(rb"(\d{1,5}) ")
STORE = Callable[[bytes], None]


class Datagrams(asyncio.DatagramProtocol):
    """Stores every datagram as one message."""

    def __init__(self, store: STORE) -> None:
        self.store = store

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.store(data.rstrip(b"\n"))


async def read_stream(reader: asyncio.StreamReader, store: STORE) -> None:
    """Store the messages of one connection: each ends with a line feed, or begins with its length."""
    received = b""
    while chunk := await reader.read(LONGEST_MESSAGE):
        received = _stored(received + chunk, store)[-LONGEST_MESSAGE:]
    if received:
        store(received)


def _stored(received: bytes, store: STORE) -> bytes:
    """Store every whole message, and return the rest."""
    while received:
        counted = COUNTED.match(received)
        if counted:
            end = counted.end() + int(counted[1])
            if len(received) < end:
                return received
            store(received[counted.end() : end])
        else:
            message, line_feed, rest = received.partition(b"\n")
            if not line_feed:
                return received
            store(message)
            end = len(received) - len(rest)
        received = received[end:]
    return received


@contextlib.asynccontextmanager
async def receiving(host: str, store: STORE) -> AsyncIterator[dict[str, int]]:
    """Open both ports, and return their numbers."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer), contextlib.suppress(ConnectionError):
            await read_stream(reader, store)

    loop = asyncio.get_running_loop()
    datagrams, _protocol = await loop.create_datagram_endpoint(lambda: Datagrams(store), local_addr=(host, 0))
    server = await asyncio.start_server(connected, host, 0)
    try:
        yield {
            "udp": datagrams.get_extra_info("sockname")[1],
            "tcp": server.sockets[0].getsockname()[1],
        }
    finally:
        datagrams.close()
        server.close()
