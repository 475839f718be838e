# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The base class of all mock appliances."""

from __future__ import annotations

import ipaddress
import ssl
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

from starlette.responses import Response

from .clock import Clock
from .exchange import Exchange
from .ledger import Mint
from .options import ConfigurationError, changed


@dataclass(frozen=True)
class World:
    """Shared state of all appliances: the time, the trusted CA and the addresses.

    `routes` maps the address of each appliance to its port on the loopback interface, `names` the name of
    each appliance to its address.
    """

    clock: Clock
    trust: ssl.SSLContext
    routes: dict[str, int] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)


class Appliance(ABC):
    """One mock appliance. A reset restores its initial state but keeps its credentials."""

    default_options: ClassVar[Any]

    def __init__(self, name: str, options: Mapping[str, Any], world: World, mint: Mint) -> None:
        self.name = name
        self.world = world
        self.mint = mint
        self.initial_options = _checked(changed(self.default_options, options))
        self.credentials: dict[str, str] = self.make_credentials()
        self.reset()

    def reset(self) -> None:
        """Restore the initial state and the initial options."""
        self.options = self.initial_options
        self.restart()

    def change_options(self, changes: Mapping[str, Any]) -> None:
        """Change some options of the running appliance. Raises ConfigurationError."""
        self.options = _checked(changed(self.options, changes))

    def stated_time(self) -> float | None:
        """Return the time in the Date header of an answer, in seconds, None for answers without one."""
        return self.world.clock.now()

    def source(self, peer: str) -> str:
        """Return the source address that the appliance sees, after the simulated NAT."""
        return self.options.nat or peer

    def is_write(self, exchange: Exchange) -> bool:
        """Return whether a request changes configuration. Logins and logouts do not."""
        return exchange.method != "GET" and exchange.path.startswith("/__lab__/")

    def dump(self) -> dict[str, Any]:
        """Return options and state for the control port, which redacts the secrets."""
        return {"options": asdict(self.options), **self.state()}

    def endpoint_map(self) -> dict[str, Any] | None:
        """Return the endpoint map of the invented interface, None if the appliance has no such interface."""
        return None

    def command(self, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Carry out a command of the control port for this kind of appliance. Raises ConfigurationError."""
        raise ConfigurationError(
            f"{self.name} has no command {name!r}; see the documentation of the control port"
        )

    def make_credentials(self) -> dict[str, str]:
        """Generate the credentials of the users of the lab."""
        return {"username": "admin", "password": self.mint.issue("password", 20)}

    @abstractmethod
    def restart(self) -> None:
        """Create the initial state."""

    @abstractmethod
    def answer(self, exchange: Exchange) -> Response:
        """Answer one request."""

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """Return the state as JSON values, including secrets."""


def _checked(options: Any) -> Any:
    try:
        ipaddress.ip_address(options.nat or "127.0.0.1")
    except ValueError as error:
        raise ConfigurationError(f"option 'nat': {error}; set an IP address") from error
    return options
