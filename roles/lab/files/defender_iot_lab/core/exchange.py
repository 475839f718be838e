# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One request as an appliance reads it."""

from __future__ import annotations

import json
from asyncio import Transport
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

from starlette.datastructures import Headers, QueryParams
from starlette.requests import Request


@dataclass(frozen=True)
class Connection:
    """One TLS connection: its serial number in the lab and its transport, which can cut it.

    `client_issuer` is the name of the CA of the client's certificate, None without such a certificate.
    """

    serial: int
    transport: Transport
    client_issuer: str | None


@dataclass
class Exchange:
    """A request with its body and its source address. `principal` is set after authentication."""

    method: str
    path: str
    segments: list[str]
    query: QueryParams
    headers: Headers
    cookies: dict[str, str]
    body: bytes
    source: str
    connection: Connection
    principal: str | None = None

    @classmethod
    async def read(cls, request: Request, source: str) -> Exchange:
        """Read a request and its whole body."""
        raw_path = request.scope["raw_path"].decode("ascii")
        return cls(
            method=request.method,
            path=raw_path,
            segments=[unquote(part) for part in raw_path.strip("/").split("/")],
            query=request.query_params,
            headers=request.headers,
            cookies=request.cookies,
            body=await request.body(),
            source=source,
            connection=request.scope["state"]["connection"],
        )

    def json_object(self) -> dict[str, Any] | None:
        """Return the body as a JSON object, None if it is not one."""
        try:
            value = json.loads(self.body)
        except ValueError:
            return None
        return value if isinstance(value, dict) else None

    def form(self) -> dict[str, str]:
        """Return the body as the fields of a URL-encoded form."""
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))
