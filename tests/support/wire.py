# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTTPS requests to an appliance with unusual answers, and answers for several test files."""

from __future__ import annotations

import asyncio
import gzip
import ssl
import zlib
from asyncio import StreamWriter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import ApplianceError
from ansible_collections.otsec.defender_iot.plugins.module_utils._wire.https import Http, Response

from .certificates import Certificates
from .servers import OddAppliance, http, running

OK = http(b'{"is": "well"}')
SECRET = "s3cr3t-0123456789"
DOUBT = ", and it is not known whether the request was carried out; run again to determine it"
CHECK_APPLIANCE = "; check the appliance, or set a longer timeout"
CHECK_NETWORK = "; check host and port in url, the network and the appliance"
CHECK_NETWORK_AND_PROXY = "; check proxy, host and port in url, and the network"
MANY = b"x" * (1 << 20)
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@contextmanager
def appliance(
    certificates: Certificates, answer: Any = OK, kind: str = "good", ask: ssl.VerifyMode = ssl.CERT_NONE
) -> Iterator[Any]:
    """Run an appliance with unusual answers. `fingerprint` is that of its certificate."""
    shown = certificates.shown(kind)
    with running(OddAppliance(answer, certificates.context(shown, ask=ask))) as server:
        server.fingerprint = shown.fingerprint
        yield server


def session(url: str, certificates: Certificates, **params: Any) -> closing[Http]:
    """Open a session for several requests."""
    defaults = {"validate_certs": True, "ca_path": certificates.ca_path, "connect_timeout": 5, "timeout": 5}
    return closing(Http({"url": url, **defaults, **params}))


def ask(url: str, certificates: Certificates, method: str = "GET", **params: Any) -> Response:
    """Send one request."""
    with session(url, certificates, **params) as api:
        return api.request(method, "/api", headers={"Authorization": f"Bearer {SECRET}"})


def failure(url: str, certificates: Certificates, method: str = "GET", **params: Any) -> str:
    """Send one request that fails, and return the reason."""
    with pytest.raises(ApplianceError) as caught:
        ask(url, certificates, method, **params)
    reason = caught.value.reason
    assert SECRET not in reason, reason
    assert "\n" not in reason, reason
    return reason


def endless(start: bytes, more: bytes, pause: float = 0) -> Any:
    """Return an endless answer, as fast as possible or with pauses in seconds."""

    async def write(writer: StreamWriter) -> None:
        writer.write(start)
        while not writer.is_closing():
            writer.write(more)
            await writer.drain()
            await asyncio.sleep(pause)

    return write


def bomb(size: int, layers: int = 1) -> bytes:
    """Return a large body, compressed once or several times."""
    packer = zlib.compressobj(9, wbits=31)
    piece = bytes(1 << 20)
    body = b"".join(packer.compress(piece) for _each in range(size >> 20)) + packer.flush()
    for _layer in range(layers - 1):
        body = gzip.compress(body)
    return body
