# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The event source that listens for syslog, with real sockets."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
from defender_iot_lab.sensor.cef import send as emit

from ansible_collections.otsec.defender_iot.tests.support import event_sources
from ansible_collections.otsec.defender_iot.tests.support.certificates import Certificates
from ansible_collections.otsec.defender_iot.tests.support.event_sources import Events
from ansible_collections.otsec.defender_iot.tests.support.patience import STEP_SECONDS
from ansible_collections.otsec.defender_iot.tests.support.servers import LOOPBACK, free_port

CEF = b"<123>Nov 27 10:00:00 s1 CEF:0|Microsoft|s1|24|{{ 7 * 7 }}|x|10|src_ip=192.0.2.7\n"


@pytest.fixture
def port() -> int:
    return free_port()


def listen(port: int, act: Any, **args: Any) -> Events:
    """Run the event source on loopback as long as `act` does."""

    async def ready(events: Events) -> None:
        # The UDP port is opened right after the TCP port, without another connection in between.
        while True:
            try:
                _reader, writer = await asyncio.open_connection(LOOPBACK, port)
            except OSError:
                await asyncio.sleep(0.01)
            else:
                break
        writer.close()
        await act(events)

    return event_sources.run("syslog_doorbell", {"port": port, "host": LOOPBACK, **args}, ready)


async def some(events: Events, number: int = 1) -> None:
    """Wait for so many events."""
    async with asyncio.timeout(STEP_SECONDS):
        while len(events.events) < number:
            await asyncio.sleep(0.01)


def send(port: int, data: bytes = CEF, copies: int = 1) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        for _copy in range(copies):
            link.sendto(data, (LOOPBACK, port))


async def connect(
    port: int, data: bytes = CEF, context: ssl.SSLContext | None = None
) -> asyncio.StreamWriter:
    name = "127.0.0.1" if context else None
    _reader, writer = await asyncio.open_connection(LOOPBACK, port, ssl=context, server_hostname=name)
    writer.write(data)
    await writer.drain()
    return writer


def test_a_udp_message_is_an_event_without_its_text(port: int) -> None:
    async def act(events: Events) -> None:
        send(port)
        await some(events)

    (event,) = listen(port, act).events
    assert list(event) == ["syslog_doorbell"]
    assert list(event["syslog_doorbell"]) == ["at"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", event["syslog_doorbell"]["at"])


@pytest.mark.parametrize("data", [CEF, b"85 " + CEF, b"no frame at all", b"\x00\xff"])
def test_tcp_has_any_framing_and_every_part_rings(port: int, data: bytes) -> None:
    async def act(events: Events) -> None:
        writer = await connect(port, data)
        await some(events)
        writer.write(data)
        await some(events, 2)
        writer.close()

    assert len(listen(port, act).events) == 2


def test_a_flood_is_few_events(port: int) -> None:
    async def act(events: Events) -> None:
        for _second in range(20):
            send(port, copies=200)
            await asyncio.sleep(0.05)
        await some(events, 2)

    assert len(listen(port, act).events) <= 3


@pytest.mark.parametrize(
    ("senders", "rings"),
    [
        ([], 1),
        (None, 1),
        (["127.0.0.1"], 1),
        (["192.0.2.0/24", "127.0.0.0/8"], 1),
        (["192.0.2.1"], 0),
        (["2001:db8::/32"], 0),
    ],
)
@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_only_accepted_senders_ring(port: int, transport: str, senders: Any, rings: int) -> None:
    async def act(events: Events) -> None:
        if transport == "udp":
            send(port)
        else:
            (await connect(port)).close()
        if rings:
            await some(events)
        else:
            await asyncio.sleep(0.2)

    assert len(listen(port, act, senders=senders).events) == rings


def test_neither_a_connection_nor_an_empty_message_rings(port: int) -> None:
    async def act(_events: Events) -> None:
        send(port, b"")
        (await connect(port, b"")).close()
        await asyncio.sleep(0.2)

    assert listen(port, act).events == []


def test_idle_connections_are_limited(port: int) -> None:
    async def act(events: Events) -> None:
        idle = [await connect(port, b"") for _connection in range(100)]
        reader, refused = await asyncio.open_connection(LOOPBACK, port)
        assert await reader.read() == b""
        refused.close()
        idle.pop().close()
        await asyncio.sleep(0.2)
        idle.append(await connect(port))
        await some(events)
        for writer in idle:
            writer.close()

    assert len(listen(port, act).events) == 1


def test_a_reset_connection_does_no_harm(port: int) -> None:
    async def act(events: Events) -> None:
        writer = await connect(port)
        await some(events)
        writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00"
        )
        writer.transport.abort()
        await asyncio.sleep(0.2)
        send(port)
        await some(events, 2)

    assert len(listen(port, act).events) == 2


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[str, dict[str, str]]:
    """The path of an authority, and the options with a certificate of it."""
    certificates = Certificates(tmp_path)
    shown = certificates.shown("good")
    files = {"certfile": ("chain", shown.chain), "keyfile": ("key", shown.key)}
    return certificates.ca_path, {name: certificates.write(*content) for name, content in files.items()}


def test_with_a_certificate_only_tls_rings(port: int, certificate: tuple[str, dict[str, str]]) -> None:
    ca_path, options = certificate

    async def act(events: Events) -> None:
        (await connect(port)).close()
        send(port)
        await asyncio.sleep(0.2)
        assert events.events == []
        writer = await connect(port, context=ssl.create_default_context(cafile=ca_path))
        await some(events)
        writer.close()

    assert len(listen(port, act, **options).events) == 1


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_a_message_of_the_lab_s_sensor_rings(
    port: int, certificate: tuple[str, dict[str, str]], transport: str
) -> None:
    async def act(events: Events) -> None:
        await asyncio.to_thread(emit, CEF.decode(), {"port": port, "transport": transport, "copies": 3})
        await some(events)

    options = certificate[1] if transport == "tls" else {}
    assert len(listen(port, act, **options).events) == 1


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        ({}, "port is not the number of a port; set it to 1 to 65535"),
        ({"port": "5514"}, "port is not the number of a port"),
        ({"port": 0}, "port is not the number of a port"),
        ({"port": 65536}, "port is not the number of a port"),
        (
            {"port": 5514, "sender": []},
            "unsupported option sender; use port, host, senders, certfile, keyfile",
        ),
        ({"port": 5514, "keyfile": "x"}, "keyfile is set without certfile; set certfile too"),
        (
            {"port": 5514, "senders": ["sensor-01"]},
            "'sensor-01' does not appear to be an IPv4 or IPv6 network",
        ),
    ],
)
def test_invalid_options_end_the_source(args: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(reason)}"):
        asyncio.run(event_sources.load("syslog_doorbell")["main"](Events(), args))
