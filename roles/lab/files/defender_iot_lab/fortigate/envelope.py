# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The answers of FortiOS: JSON envelopes of the API, HTML pages of the web server in front of it."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from typing import Any

from starlette.responses import HTMLResponse, JSONResponse, Response

from ..core.exchange import Exchange
from .device import Device
from .schema import MANAGEMENT_VDOM
from .tables.attribute import Row
from .tables.refusal import FAILED_DEPENDENCY, Refusal


@dataclass(frozen=True)
class Target:
    """The object of a request, with the names of the envelope. A monitor request has an action.

    `child` is an attribute of the object with its own rows or children, `child_key` one of its rows.
    Envelopes name neither (assumed).
    """

    path: str = ""
    name: str = ""
    mkey: str | None = None
    action: str | None = None
    child: str | None = None
    child_key: str | None = None


@dataclass(frozen=True)
class Envelopes:
    """Builds the answers of one device."""

    device: Device

    def reply(self, exchange: Exchange, target: Target, contents: dict[str, Row]) -> Response:
        """Return a success in each VDOM. Several VDOMs get a list of envelopes (observed)."""
        success = {"status": "success", "http_status": 200}
        envelopes = [
            self._envelope(exchange, target, more) | success | {"vdom": vdom}
            for vdom, more in contents.items()
        ]
        return JSONResponse(envelopes if _asks_many(exchange) else envelopes[0])

    def refused(self, exchange: Exchange, target: Target, refusal: Refusal) -> Response:
        """Return an error. `cli_error` is a text up to 7.2 and a list from 7.4.5 on (observed)."""
        status = self._status(refusal)
        body = self._envelope(exchange, target, refusal.more | {"status": "error", "http_status": status})
        if refusal.code is not None:
            body |= {"error": refusal.code, "revision_changed": False}
        if refusal.lines:
            text = "\n".join(refusal.lines) + "\n"
            body["cli_error"] = refusal.lines if self.device.version >= (7, 4, 5) else text
        return JSONResponse(body, status)

    def _status(self, refusal: Refusal) -> int:
        return self.device.options.refused_status if refusal.code in FAILED_DEPENDENCY else refusal.status

    def _envelope(self, exchange: Exchange, target: Target, more: Row) -> Row:
        optional = {"mkey": more.get("mkey", target.mkey), "action": target.action}
        return {
            "http_method": exchange.method,
            **more,
            "vdom": exchange.query.get("vdom", MANAGEMENT_VDOM).split(",")[0],
            "path": target.path,
            "name": target.name,
            **{name: value for name, value in optional.items() if value is not None},
            "serial": self.device.serial,
            "version": f"v{self.device.options.version}",
            "build": self.device.build,
        }


def _asks_many(exchange: Exchange) -> bool:
    vdom = exchange.query.get("vdom", "")
    return vdom == "*" or "," in vdom or exchange.query.get("global") == "1"


def unauthorized() -> Response:
    """Return the answer to a missing, wrong or expired key and to an untrusted source (observed)."""
    return apache_page(401, "Unauthorized")


def apache_page(status: int, reason: str) -> Response:
    """Return a page of the web server: HTML, never JSON (observed for 401, assumed for others)."""
    page = (
        '<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">\n'
        f"<html><head>\n<title>{status} {reason}</title>\n</head><body>\n<h1>{reason}</h1>\n</body></html>\n"
    )
    return HTMLResponse(page, status)


def compressed(response: Response) -> Response:
    """Compress the body of a response with gzip."""
    response.body = gzip.compress(bytes(response.body))
    response.headers["content-encoding"] = "gzip"
    response.headers["content-length"] = str(len(response.body))
    return response


def with_tag(exchange: Exchange, response: Response) -> Response:
    """Return an answer with its `ETag`, or 304 if the caller has it already (documented; format assumed)."""
    tag = f'"{hashlib.sha256(bytes(response.body)).hexdigest()[:32]}"'
    if exchange.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers={"etag": tag})
    response.headers["etag"] = tag
    return response


def results(value: Any, **more: Any) -> Row:
    """Return the part of an envelope with the results."""
    return {"results": value, **more}
