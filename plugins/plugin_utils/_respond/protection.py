# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who is never blocked, whatever the alerts say."""

from __future__ import annotations

from .addresses import Address, Networks, not_a_host
from .approvals import Approvals
from .device_types import reason_against
from .rules import Rules
from .site import Device, Site
from .texts import quoted

LIFTING = ("may_block", "block")


class Protection:
    """The protected addresses and devices of a site."""

    def __init__(self, site: Site, rules: Rules, approvals: Approvals) -> None:
        self._site = site
        self._rules = rules
        self._approvals = approvals
        self._protected = Networks(rules.protected)
        self._cells = Networks(rules.cells)

    def of_address(self, address: Address) -> str | None:
        """Return why an address is never blocked, None if it may be. No approval overrides this."""
        label = self._protected.label(address)
        if label is not None:
            return f"{address} is protected: {label}"
        what = not_a_host(address) or self._edge_of_cell(address)
        if what is not None:
            return f"{address} is {what}"
        denial = self._approvals.of(address, "never_block")
        return f"{address} is never blocked: decided by {quoted(denial.by)}" if denial else None

    def of_devices(self, address: Address) -> str | None:
        """Return why no device at an address may be blocked, None if each may be or a person approved it.

        All sensors count: for a FortiGate, two devices with one address are the same host.
        """
        if self._approvals.of(address, *LIFTING):
            return None
        if address.is_global and not self._rules.allow_public:
            return f"{address} is a public address"
        reasons = (self._of_device(device) for device in self._site.at.get(address, ()))
        return next(filter(None, reasons), None)

    def _of_device(self, device: Device) -> str | None:
        for name in device.types:
            if name not in self._rules.allowed_types:
                return f"{reason_against(name)} (device {quoted(device.name)} of sensor {device.sensor})"
        return None

    def _edge_of_cell(self, address: Address) -> str | None:
        network = self._cells.network(address)
        if network is None or network.version != 4 or network.num_addresses < 4:
            return None
        if address == network.broadcast_address:
            return f"the broadcast address of {network}"
        return f"the network address of {network}" if address == network.network_address else None
