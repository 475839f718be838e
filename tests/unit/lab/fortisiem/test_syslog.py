# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The syslog port of the lab's FortiSIEM, and the event of a message."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest
from defender_iot_lab.fortisiem.events import Events
from defender_iot_lab.fortisiem.options import FortiSiemOptions
from defender_iot_lab.fortisiem.syslog import read_stream

TODAY = b"<9>Nov 27 09:15:02 sensor CEF:0|Microsoft Defender for IoT|sensor|24.1|type=Policy Violation src=x"
FORMER = b"<9>Feb  1 09:15:02 sensor CEF:0|CyberX|Sensor|2.3.4|CyberX platform Alert|x|8|type=Anomaly x=y"
NAMES = {"sensor": "192.0.2.10"}


def received(data: bytes, **switches: Any) -> dict[str, str]:
    """Return the attributes of a message."""
    events = Events(NAMES)
    events.receive(data, FortiSiemOptions(**switches), 0)
    return dict(events.received[0].attributes)


@pytest.mark.parametrize(
    ("data", "switch", "event_type"),
    [
        (TODAY, "parser_of_2020", "Unknown_EventType"),
        (FORMER, "parser_of_2020", "CyberX-Anomaly"),
        (TODAY, "cyberx", "CyberX-Policy-Violation"),
        (b"x", "cyberx", "CyberX-Generic"),
        (FORMER, "unknown", "Unknown_EventType"),
        (FORMER, "other", "Microsoft-Defender-Generic"),
    ],
)
def test_the_type_of_an_alert_depends_on_the_parser(data: bytes, switch: str, event_type: str) -> None:
    assert received(data, event_type=switch)["eventType"] == event_type


@pytest.mark.parametrize(
    ("host", "switch", "address", "name"),
    [
        (b"sensor", "sensor", "192.0.2.10", "sensor"),
        (b"forged", "sensor", "127.0.0.1", "forged"),
        (b"192.0.2.77", "sensor", "192.0.2.77", ""),
        (b"sensor", "nat", "203.0.113.200", "sensor"),
        (b"sensor", "relay", "203.0.113.201", "sensor"),
    ],
)
def test_the_reporting_device_is_that_of_the_header(
    host: bytes, switch: str, address: str, name: str
) -> None:
    found = received(b"<9>Nov 27 09:15:02 " + host + b" text", reporting=switch)
    assert (found["reptDevIpAddr"], found["reptDevName"]) == (address, name)


def test_a_message_of_any_bytes_is_kept() -> None:
    assert received(b"\x00\xff<9>")["rawEventMsg"] == "\x00\ufffd<9>"
    assert received(b"<9>2026-11-27T09:15:02Z sensor x")["reptDevName"] == "sensor"


@pytest.mark.parametrize(
    ("chunks", "messages"),
    [
        ([b"a\nb\n"], [b"a", b"b"]),
        ([b"a\nb"], [b"a", b"b"]),
        ([b"a", b"b\nc", b"\n"], [b"ab", b"c"]),
        ([b"3 a\nb2 cd"], [b"a\nb", b"cd"]),
        ([b"3", b" a", b"bc<9>d\n"], [b"abc", b"<9>d"]),
        ([b"9 abc"], [b"9 abc"]),
        ([], []),
    ],
)
def test_messages_on_a_stream_have_either_framing(chunks: list[bytes], messages: list[bytes]) -> None:
    stored: list[bytes] = []

    async def run() -> None:
        reader = asyncio.StreamReader()
        following = asyncio.create_task(read_stream(reader, stored.append))
        for chunk in chunks:
            reader.feed_data(chunk)
            await asyncio.sleep(0)
        reader.feed_eof()
        await following

    asyncio.run(run())
    assert stored == messages


def test_both_ports_receive(lab: Any) -> None:
    ports = lab.record["appliances"]["siem"]["syslog"]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.sendto(TODAY + b"\n", ("127.0.0.1", ports["udp"]))
    with socket.create_connection(("127.0.0.1", ports["tcp"])) as link:
        link.sendall(FORMER)

    def texts() -> set[str]:
        events = lab.control("GET", "/state")["appliances"]["siem"]["events"]
        return {event["rawEventMsg"] for event in events}

    lab.wait_for(lambda: len(texts()) == 2)
    assert texts() == {TODAY.decode(), FORMER.decode()}
