# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults that tests inject between an appliance and its clients."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from .exchange import Exchange
from .options import ConfigurationError, require_known

KINDS = frozenset({"status", "html", "truncate", "drop", "delay", "redirect"})
Act = Callable[[], Response]


class CutResponse(Response):
    """A response that announces its full length, sends half of it and closes the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        half = bytes(self.body[: len(self.body) // 2])
        await send({"type": "http.response.body", "body": half, "more_body": True})
        scope["state"]["connection"].transport.close()
        await disconnected(receive)


async def disconnected(receive: Receive) -> None:
    """Wait until the connection is closed."""
    while (await receive())["type"] != "http.disconnect":
        pass


@dataclass
class Fault:
    """One fault, the requests that it affects, and how often it occurs (None: always).

    The first `skip` matching requests are not affected. With `after`, the appliance carries the request out,
    and only its answer is lost or late. Without it, the appliance never receives the request, except after a
    `delay`. A `truncate` sends half of the real answer, with a matching length, or with `close` the full
    length and a closed connection.
    """

    kind: str
    appliance: str | None = None
    method: str | None = None
    path_prefix: str = ""
    times: int | None = 1
    skip: int = 0
    status: int = 500
    body: Any = None
    headers: Mapping[str, str] | None = None
    location: str = "https://other.example/"
    seconds: float = 0.0
    after: bool = False
    close: bool = False

    @classmethod
    def from_request(cls, request: Mapping[str, Any]) -> Fault:
        """Return the fault of a control request. Raises ConfigurationError."""
        require_known(request, "appliance", "fault", "match", "times")
        fault = dict(request.get("fault") or {})
        if fault.get("kind") not in KINDS:
            raise ConfigurationError(
                f"the fault is {fault.get('kind')!r}; set kind to one of {', '.join(sorted(KINDS))}"
            )
        if fault["kind"] == "html":
            fault.setdefault("status", 200)
        places = {"appliance": request.get("appliance"), "times": request.get("times", 1)}
        details = {**(request.get("match") or {}), **fault}
        require_known(details, *(each.name for each in fields(cls) if each.name not in places))
        return cls(**details, **places)

    def matches(self, appliance: str, exchange: Exchange) -> bool:
        """Return whether the fault affects a request."""
        return (
            self.times != 0
            and self.appliance in (None, appliance)
            and self.method in (None, exchange.method)
            and exchange.path.startswith(self.path_prefix)
        )

    async def apply(self, act: Act) -> Response | None:
        """Return the faulty answer to a request, None for no answer."""
        match self.kind:
            case "delay":
                return await self._delay(act)
            case "truncate":
                return self._truncate(act())
        if self.after:
            act()
        match self.kind:
            case "status":
                return self._with_status()
            case "html":
                return HTMLResponse("<html><body>Please wait</body></html>", self.status, self.headers)
            case "redirect":
                return RedirectResponse(self.location, 302)
        return None

    async def _delay(self, act: Act) -> Response:
        if not self.after:
            await asyncio.sleep(self.seconds)
            return act()
        response = act()
        await asyncio.sleep(self.seconds)
        return response

    def _truncate(self, response: Response) -> Response:
        body = bytes(response.body)
        kind = response.headers.get("content-type")
        if self.close:
            return CutResponse(body, response.status_code, media_type=kind)
        return Response(body[: len(body) // 2], response.status_code, media_type=kind)

    def _with_status(self) -> Response:
        if isinstance(self.body, str) or self.body is None:
            return Response(self.body or "", self.status, self.headers, media_type="text/plain")
        return JSONResponse(self.body, self.status, self.headers)


@dataclass
class Faults:
    """The pending faults, oldest first."""

    pending: list[Fault] = field(default_factory=list)

    def take(self, appliance: str, exchange: Exchange) -> Fault | None:
        """Return the fault that affects a request and count it, None without a fault."""
        fault = next((fault for fault in self.pending if fault.matches(appliance, exchange)), None)
        if fault and fault.skip:
            fault.skip -= 1
            return None
        if fault and fault.times:
            fault.times -= 1
        return fault
