# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Event sources, loaded like ansible-rulebook does and run without it."""

from __future__ import annotations

import asyncio
import runpy
from collections.abc import Awaitable, Callable
from typing import Any

from .workspace import ROOT

SOURCES = ROOT / "extensions" / "eda" / "plugins" / "event_source"


def load(name: str) -> dict[str, Any]:
    """Return the names that an event source defines."""
    return runpy.run_path(str(SOURCES / f"{name}.py"))


class Events:
    """A queue that keeps its events."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    async def put(self, event: dict[str, Any]) -> None:
        self.events.append(event)


def run(name: str, args: dict[str, Any], act: Callable[[Events], Awaitable[None]]) -> Events:
    """Run an event source as long as `act` does. An error of the source ends both."""

    async def both() -> None:
        source = asyncio.create_task(load(name)["main"](queue, args))
        acting = asyncio.create_task(act(queue))
        done, _pending = await asyncio.wait({source, acting}, return_when=asyncio.FIRST_COMPLETED)
        for each in (source, acting):
            each.cancel()
        await asyncio.gather(source, acting, return_exceptions=True)
        for each in done:
            each.result()

    queue = Events()
    asyncio.run(both())
    return queue
