# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens to a FortiGate from outside its API: a reboot, FortiManager, other administrators, packets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from starlette.datastructures import Headers, QueryParams

from ..core.exchange import Exchange
from ..core.options import ConfigurationError
from .cmdb import Cmdb
from .firewall.install import install
from .firewall.lookup import judge
from .firewall.vdom import Firewall
from .schema import MANAGEMENT_VDOM
from .tables.refusal import Refusal

NAMES = ("packet", "install", "second_writer")


@dataclass
class Meanwhile:
    """A write by another administrator, directly after the next answer to a matching request.

    `status` is that of the write, None before it.
    """

    method: str
    path: str
    body: Any = None
    after_method: str = "GET"
    after_path: str = ""
    status: int | None = None

    def follows(self, exchange: Exchange) -> bool:
        """Return whether a request triggers the write."""
        started = exchange.path.startswith(self.after_path)
        return self.status is None and exchange.method == self.after_method and started

    def exchange(self, trigger: Exchange) -> Exchange:
        """Return the write as a request of its own."""
        url = urlsplit(self.path)
        return replace(
            trigger,
            method=self.method,
            path=url.path,
            segments=url.path.strip("/").split("/"),
            query=QueryParams(parse_qsl(url.query, keep_blank_values=True)),
            headers=Headers(),
            body=b"" if self.body is None else json.dumps(self.body).encode(),
        )


@dataclass
class Commands:
    """The commands of the control port for one FortiGate."""

    cmdb: Cmdb
    second_writers: list[Meanwhile] = field(default_factory=list)

    def packet(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the verdict for a packet: its arguments are those of `lookup.routed`, and `vdom`."""
        firewall, arguments = self._firewall(body)
        return judge(firewall, arguments)

    def install(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Install the FortiManager package: the initial policies, and those whose names are in `keep`."""
        firewall, arguments = self._firewall(body)
        return {"deleted": install(firewall, **arguments)}

    def second_writer(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Let another administrator write after the next request that matches."""
        self.second_writers.append(Meanwhile(**body))
        return {"waiting": sum(each.status is None for each in self.second_writers)}

    def run(self, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Carry out a command. Raises ConfigurationError."""
        try:
            return dict(getattr(self, name)(body))
        except (TypeError, Refusal) as error:
            reason = error.lines[0] if isinstance(error, Refusal) else error
            raise ConfigurationError(f"{name}: {reason}; send other arguments") from error

    def _firewall(self, body: Mapping[str, Any]) -> tuple[Firewall, dict[str, Any]]:
        arguments = dict(body)
        vdom = arguments.pop("vdom", MANAGEMENT_VDOM)
        if vdom not in self.cmdb.firewalls:
            raise ConfigurationError(
                f"there is no VDOM {vdom!r}; use one of {', '.join(self.cmdb.firewalls)}"
            )
        return self.cmdb.firewalls[vdom], arguments
