# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab: all appliances and their shared state."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from .config import ApplianceConfig, LabConfig
from .core.appliance import Appliance, World
from .core.certificates import Authority
from .core.clock import Clock
from .core.faults import Faults
from .core.front import Front
from .core.journal import Journal
from .core.ledger import Ledger, Mint
from .core.options import ConfigurationError
from .core.server import LOOPBACK, Listener
from .forescout.appliance import Forescout
from .forescout.nodes import Nodes
from .forescout.ssh import make_key, serving
from .fortigate.appliance import FortiGate
from .fortisiem.appliance import FortiSiem
from .fortisiem.syslog import receiving
from .sensor.appliance import Sensor

KINDS: dict[str, type[Appliance]] = {
    "fortigate": FortiGate,
    "sensor": Sensor,
    "forescout": Forescout,
    "fortisiem": FortiSiem,
}


class Lab:
    """Any number of appliances, each on its own port."""

    def __init__(self, config: LabConfig) -> None:
        self.clock = Clock()
        self.ledger = Ledger()
        self.journal = Journal(self.clock)
        self.faults = Faults()
        self.authority = Authority()
        self.config = {appliance.name: appliance for appliance in config.appliances}
        self.certificates = {
            item.name: self.authority.issue(item.certificate, item.name, item.address)
            for item in config.appliances
        }
        world = World(self.clock, self.authority.client_context())
        self.appliances = {
            item.name: _build(item, world, Mint(item.name, config.seed, self.ledger))
            for item in config.appliances
        }
        self.listeners = {name: self._listener(item) for name, item in self.config.items()}
        self.shells: dict[str, dict[str, Any]] = {}
        self.syslog: dict[str, dict[str, int]] = {}
        world.names.update({item.name: item.address for item in self.config.values()})
        world.routes.update({item.address: self.listeners[name].port for name, item in self.config.items()})

    def _listener(self, item: ApplianceConfig) -> Listener:
        return Listener(
            Front(self.appliances[item.name], self.journal, self.faults),
            self.authority.server_context(self.certificates[item.name]),
            lambda: self.journal.connected(item.name),
        )

    @property
    def forescouts(self) -> list[Forescout]:
        """The Forescout platforms, which poll their sensors."""
        return [item for item in self.appliances.values() if isinstance(item, Forescout)]

    @contextlib.asynccontextmanager
    async def polling(self) -> AsyncIterator[None]:
        """Poll in the background: every Forescout calls its sensor."""
        tasks = [asyncio.create_task(forescout.poll_forever()) for forescout in self.forescouts]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    @contextlib.asynccontextmanager
    async def serving_shells(self, directory: Path) -> AsyncIterator[None]:
        """Open the SSH port of every Forescout."""
        async with contextlib.AsyncExitStack() as stack:
            key = make_key(directory / "ssh.key") if self.forescouts else directory
            for item in self.forescouts:
                folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="forescout-nodes-"))
                item.nodes = Nodes(Path(folder), "".join(item.tags.values()), item)
                way = serving(item.name, item.nodes, directory, key)
                self.shells[item.name] = await stack.enter_async_context(way)
            yield

    @contextlib.asynccontextmanager
    async def receiving_syslog(self) -> AsyncIterator[None]:
        """Open the syslog ports of every FortiSIEM."""
        async with contextlib.AsyncExitStack() as stack:
            for item in self.appliances.values():
                if isinstance(item, FortiSiem):
                    ports = receiving(LOOPBACK, item.receive)
                    self.syslog[item.name] = await stack.enter_async_context(ports)
            yield

    def reset(self) -> None:
        """Restore the initial appliances, time, faults and journal. Ports and credentials stay the same."""
        self.clock.reset()
        self.faults.pending.clear()
        for appliance in self.appliances.values():
            appliance.reset()
        self.journal.clear()
        self.ledger.forget_given()

    def directory(self) -> dict[str, Any]:
        """Return the address and the credentials of every appliance."""
        return {
            name: {
                "kind": item.kind,
                "url": f"https://{LOOPBACK}:{self.listeners[name].port}",
                "address": item.address,
                "port": self.listeners[name].port,
                "cert_fingerprint": self.certificates[name].fingerprint,
                "credentials": self.appliances[name].credentials,
                **({"ssh": self.shells[name]} if name in self.shells else {}),
                **({"syslog": self.syslog[name]} if name in self.syslog else {}),
            }
            for name, item in self.config.items()
        }


def _build(item: ApplianceConfig, world: World, mint: Mint) -> Appliance:
    try:
        return KINDS[item.kind](item.name, item.options, world, mint)
    except ConfigurationError as error:
        raise ConfigurationError(f"{item.name}: {error}") from error
