# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control port: reads and changes the lab's state. Plain HTTP, loopback only."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .core.faults import Fault
from .core.options import ConfigurationError
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


async def _refuse(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 400)


def control(lab: Lab) -> Starlette:
    """Return the application of the control port."""
    return Starlette(
        routes=_read_routes(lab) + _change_routes(lab),
        exception_handlers={ConfigurationError: _refuse},
    )


def _read_routes(lab: Lab) -> list[Route]:
    async def health(request: Request) -> Response:
        return JSONResponse({"status": "ok", "pid": os.getpid()})

    async def state(request: Request) -> Response:
        dump = {name: appliance.dump() for name, appliance in lab.appliances.items()}
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

    async def secrets(request: Request) -> Response:
        return JSONResponse([asdict(secret) for secret in lab.ledger.secrets.values()])

    return [
        Route("/health", health),
        Route("/state", state),
        Route("/calls", calls, methods=["GET", "DELETE"]),
        Route("/counters", counters),
        Route("/appliances/{name}/endpoint_map", endpoint_map),
        Route("/secrets", secrets),
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
        lab.clock.advance(float((await _json(request)).get("advance", 0)))
        return JSONResponse({"time": lab.clock.now()})

    async def options(request: Request) -> Response:
        appliance = lab.appliances.get(request.path_params["name"])
        if appliance is None:
            raise HTTPException(404)
        appliance.change_options(await _json(request))
        return JSONResponse(asdict(appliance.options))

    async def poll(request: Request) -> Response:
        await asyncio.gather(*(forescout.poll() for forescout in lab.forescouts))
        return JSONResponse({forescout.name: forescout.last_poll for forescout in lab.forescouts})

    return [
        Route("/reset", reset, methods=["POST"]),
        Route("/faults", faults, methods=["POST", "DELETE"]),
        Route("/clock", clock, methods=["POST"]),
        Route("/appliances/{name}/options", options, methods=["POST"]),
        Route("/poll", poll, methods=["POST"]),
    ]
