# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host properties of the module, read from the devices of a sensor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from ..core.clock import Clock

# Label in the Console (documented) and its value on a device of the sensor. The sensor has no field for the
# risk level and no document names its source, so the lab invents it.
PROPERTIES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "Authorized by CyberX": lambda device: device.get("authorized"),
    "Firmware": lambda device: [item.get("firmwareVersion") for item in device.get("firmware") or []],
    "Name": lambda device: device.get("name"),
    "Operating System": lambda device: device.get("operatingSystem"),
    "Type": lambda device: device.get("type"),
    "Vendor": lambda device: device.get("vendor"),
    "Risk Level": lambda device: "Low",
    "Protocols": lambda device: [item.get("name") for item in device.get("protocols") or []],
}

Values = dict[str, dict[str, Any]]
"""The values of hosts, each with its time, by address and tag."""


def make_tags(random: Random) -> dict[str, str]:
    """Return a random tag for each label."""
    numbers = random.sample(range(1000, 10000), len(PROPERTIES))
    return {label: f"property_{number}" for label, number in zip(PROPERTIES, numbers, strict=True)}


@dataclass
class HostProperties:
    """The property values of hosts, and the values of recent calls that hosts do not have yet."""

    clock: Clock
    tags: dict[str, str]
    values: Values = field(default_factory=dict)
    coming: list[tuple[float, Values]] = field(default_factory=list)

    def keep(self, devices: list[dict[str, Any]], now: float, delay: float) -> None:
        """Record the devices of a call. Hosts have their values after the delay in seconds."""
        found: Values = {}
        for device in devices:
            values = {self.tags[label]: read(device) for label, read in PROPERTIES.items()}
            fields = {tag: {"timestamp": int(now), "value": value} for tag, value in values.items()}
            addresses = device.get("ipAddresses") or device.get("ipAddress") or []
            found.update(dict.fromkeys(addresses, fields))
        self.coming.append((now + delay, found))
        self.let_arrive()

    def let_arrive(self) -> None:
        """Set the values on hosts whose delay has passed."""
        now = self.clock.now()
        due = [found for moment, found in self.coming if moment <= now]
        self.coming = [(moment, found) for moment, found in self.coming if moment > now]
        for found in due:
            self.values.update(found)
