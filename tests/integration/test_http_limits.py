# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers that are too late, endless or too large."""

from __future__ import annotations

import asyncio
import tracemalloc
import zlib
from asyncio import StreamWriter
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._wire import https as wire_http
from ansible_collections.otsec.defender_iot.plugins.module_utils._wire import tls
from ansible_collections.otsec.defender_iot.tests.support.certificates import Certificates
from ansible_collections.otsec.defender_iot.tests.support.servers import Silent, http, running
from ansible_collections.otsec.defender_iot.tests.support.wire import (
    CHECK_APPLIANCE,
    CHECK_NETWORK,
    CHUNKED,
    DOUBT,
    MANY,
    OK,
    appliance,
    bomb,
    endless,
    failure,
    session,
)

# --- time


def test_a_handshake_that_does_not_come_is_no_connection(certificates: Certificates) -> None:
    with running(Silent()) as box:
        url = f"https://127.0.0.1:{box.port}"
        assert failure(url, certificates, "POST", connect_timeout=1) == (
            f"no connection to {url} within 1 s{CHECK_NETWORK}"
        )


DRIPS = {
    "body": endless(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b" ", pause=0.1),
    "chunks": endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n", pause=0.1),
    "headers": endless(b"HTTP/1.1 200 OK\r\nX-Endless: ", b"x", pause=0.1),
    "status line": endless(b"HTTP/1.1 2", b"0", pause=0.1),
    "informational answers": endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n", pause=0.1),
}


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("answer", DRIPS.values(), ids=DRIPS)
def test_a_slow_drip_ends_when_the_answer_should_have(
    certificates: Certificates, answer: Any, method: str
) -> None:
    with appliance(certificates, answer) as box:
        reason = failure(box.url, certificates, method, timeout=1)
        assert (
            reason == f"no answer from {box.url} within 1 s{DOUBT if method == 'POST' else CHECK_APPLIANCE}"
        )


def test_each_answer_has_its_own_time(certificates: Certificates) -> None:
    pauses = iter((0.7, 0.7))

    async def slowly(writer: StreamWriter) -> None:
        await asyncio.sleep(next(pauses))
        writer.write(OK)
        await writer.drain()

    with appliance(certificates, slowly) as box, session(box.url, certificates, timeout=1) as api:
        assert [api.request("GET", "/").status for _time in range(2)] == [200, 200]


# --- size


HUGE = {
    "body": endless(b"HTTP/1.1 200 OK\r\n\r\n", MANY),
    "chunks": endless(CHUNKED, b"100000\r\n" + MANY + b"\r\n"),
    "gzip": http(bomb(size=1 << 26), "Content-Encoding: gzip"),
    "deflate": http(zlib.compress(bytes(1 << 26)), "Content-Encoding: deflate"),
}


def most_memory(act: Callable[[], Any]) -> int:
    """Return the peak of the additional memory in bytes."""
    tracemalloc.start()
    try:
        act()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("answer", HUGE.values(), ids=HUGE)
def test_an_answer_that_is_too_large_ends_in_a_sentence_and_not_in_memory(
    certificates: Certificates, answer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (wire_http, tls):
        monkeypatch.setattr(module, "ANSWER_LIMIT", 2 << 20)
    said = []
    with appliance(certificates, answer) as box:
        most = most_memory(lambda: said.append(failure(box.url, certificates, "POST", timeout=60)))
    assert said == [f"its answer is larger than 2 MiB, and the rest was not read{DOUBT}"]
    assert most < 1 << 26


def test_a_bomb_is_put_down_at_64_mib(certificates: Certificates) -> None:
    said = []
    with appliance(certificates, http(bomb(size=1 << 28), "Content-Encoding: gzip")) as box:
        most = most_memory(lambda: said.append(failure(box.url, certificates, timeout=60)))
    assert said == ["its answer is larger than 64 MiB, and the rest was not read; check host and port in url"]
    assert most < 1 << 28


def test_a_redirect_is_not_read(certificates: Certificates) -> None:
    start = b"HTTP/1.1 302 Found\r\nLocation: https://jo:pw@idp.example/login?token=1\r\n\r\n"
    with appliance(certificates, endless(start, MANY)) as box:
        reason = failure(box.url, certificates)
        assert reason.startswith("it redirects to https://idp.example/login, which is not followed")
        assert len(box.requests) == 1
