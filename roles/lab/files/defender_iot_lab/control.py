# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control port: reads and changes the lab's state. Plain HTTP, loopback only, with a token."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from .core.faults import Fault
from .core.options import ConfigurationError, require_known
from .lab import Lab

Endpoint = Callable[[Request], Awaitable[Response]]


async def _json(request: Request) -> dict[str, Any]:
    try:
        content = await request.json()
    except ValueError as error:
        raise ConfigurationError("the body is not JSON; send a JSON object") from error
    if not isinstance(content, dict):
        raise ConfigurationError("the body is JSON but not an object; send a JSON object")
    return content


def _seconds(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ConfigurationError(f"advance is {value!r}; set it to a number of seconds") from None


async def _refuse(request: Request, error: Exception) -> Response:
    return _error(400, str(error))


def control(lab: Lab, token: str) -> ASGIApp:
    """Return the application of the control port, which requires this token."""
    routes = _read_routes(lab) + _change_routes(lab)
    return Guard(Starlette(routes=routes, exception_handlers={ConfigurationError: _refuse}), token)


@dataclass(frozen=True)
class Guard:
    """Answers 403 to requests that a web page can send, and 401 to requests without the token.

    A page of another site has its own Origin. After DNS rebinding it has its own Host.
    """

    app: ASGIApp
    token: str

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        host, port = scope["server"]
        refusal = self._refusal(Headers(scope=scope), f"{host}:{port}")
        await (refusal or self.app)(scope, receive, send)

    def _refusal(self, headers: Headers, authority: str) -> Response | None:
        url = f"http://{authority}"
        if headers.getlist("host") != [authority]:
            return _error(403, f"the Host header is not {authority}; send the request to {url}")
        if any(origin != url for origin in headers.getlist("origin")):
            return _error(403, f"the Origin header is not {url}; send the request from a program, not a page")
        scheme, _space, given = headers.get("authorization", "").partition(" ")
        # Bytes, because compare_digest refuses text beyond ASCII.
        if scheme.lower() != "bearer" or not secrets.compare_digest(given.encode(), self.token.encode()):
            return _error(
                401,
                "the control token is missing or wrong; send control_token of lab.json as bearer token",
                {"WWW-Authenticate": "Bearer"},
            )
        return None


def _error(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"error": message}, status, headers)


def _read_routes(lab: Lab) -> list[Route]:
    async def health(request: Request) -> Response:
        return JSONResponse({"status": "ok", "pid": os.getpid()})

    async def state(request: Request) -> Response:
        wanted = request.query_params.get("appliance")
        dump = {name: each.dump() for name, each in lab.appliances.items() if wanted in (None, name)}
        return JSONResponse(lab.ledger.redacted({"time": lab.clock.now(), "appliances": dump}))

    async def calls(request: Request) -> Response:
        if request.method == "GET":
            return JSONResponse(lab.journal.calls(request.query_params.get("appliance")))
        lab.journal.clear()
        return Response(status_code=204)

    async def counters(request: Request) -> Response:
        return JSONResponse({name: asdict(lab.journal.counters[name]) for name in lab.appliances})

    async def endpoint_map(request: Request) -> Response:
        appliance = lab.appliances.get(request.path_params["name"])
        found = appliance.endpoint_map() if appliance else None
        if found is None:
            raise HTTPException(404)
        return JSONResponse(found)

    async def every_secret(request: Request) -> Response:
        return JSONResponse([asdict(secret) for secret in lab.ledger.secrets.values()])

    return [
        Route("/health", health),
        Route("/state", state),
        Route("/calls", calls, methods=["GET", "DELETE"]),
        Route("/counters", counters),
        Route("/appliances/{name}/endpoint_map", endpoint_map),
        Route("/secrets", every_secret),
    ]


def _change_routes(lab: Lab) -> list[Route]:
    async def reset(request: Request) -> Response:
        lab.reset()
        return Response(status_code=204)

    async def faults(request: Request) -> Response:
        if request.method == "DELETE":
            lab.faults.pending.clear()
            return Response(status_code=204)
        fault = Fault.from_request(await _json(request))
        lab.faults.pending.append(fault)
        return JSONResponse(asdict(fault), 201)

    async def clock(request: Request) -> Response:
        body = await _json(request)
        require_known(body, "advance")
        lab.clock.advance(_seconds(body.get("advance", 0)))
        return JSONResponse({"time": lab.clock.now()})

    async def options(request: Request) -> Response:
        appliance = lab.appliances.get(request.path_params["name"])
        if appliance is None:
            raise HTTPException(404)
        appliance.change_options(await _json(request))
        return JSONResponse(asdict(appliance.options))

    async def command(request: Request) -> Response:
        appliance = lab.appliances.get(request.path_params["name"])
        if appliance is None:
            raise HTTPException(404)
        return JSONResponse(appliance.command(request.path_params["command"], await _json(request)))

    async def poll(request: Request) -> Response:
        await asyncio.gather(*(forescout.poll() for forescout in lab.forescouts))
        return JSONResponse({forescout.name: forescout.last_poll for forescout in lab.forescouts})

    return [
        Route("/reset", reset, methods=["POST"]),
        Route("/faults", faults, methods=["POST", "DELETE"]),
        Route("/clock", clock, methods=["POST"]),
        Route("/appliances/{name}/options", options, methods=["POST"]),
        Route("/appliances/{name}/commands/{command}", command, methods=["POST"]),
        Route("/poll", poll, methods=["POST"]),
    ]
