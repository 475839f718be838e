# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one run has read from the sensors of a site, indexed by device and by address."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from .addresses import Address, address_in
from .device_types import ENGINEERING_STATION

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Reading:
    """The answers of one sensor, as `sensor_alert_info` and `sensor_device_info` return them.

    An answer is None if it could not be read or was not as documented. ``skew`` is how far the sensor's clock
    is ahead of the control node's, None if the sensor does not tell its time.
    """

    sensor: str
    unhandled: Rows | None
    handled: Rows | None
    devices: Rows | None
    skew: timedelta | None = None


@dataclass(frozen=True)
class Device:
    """A device of one sensor's inventory. ``addresses`` has None for each text that is no IP address."""

    sensor: str
    id: Any
    name: str
    types: tuple[str, ...]
    addresses: tuple[Address | None, ...]
    is_dynamic: bool


class Site:
    """The sensors of a site."""

    def __init__(self, readings: Sequence[Reading]) -> None:
        self.readings = {each.sensor: each for each in readings}
        self.devices: defaultdict[tuple[str, str], list[Device]] = defaultdict(list)
        self.at: defaultdict[Address, list[Device]] = defaultdict(list)
        for each in readings:
            for row in each.devices or ():
                self._add(_device(each.sensor, row))
        self.unhandled = _alert_ids(readings, "unhandled")
        self.handled = _alert_ids(readings, "handled")

    def _add(self, device: Device) -> None:
        self.devices[device.sensor, str(device.id)].append(device)
        for address in {each for each in device.addresses if each is not None}:
            self.at[address].append(device)

    def has_devices(self, sensor: str) -> bool:
        """Return whether a sensor's inventory was read and is not empty: an empty one proves nothing."""
        return bool(self.readings[sensor].devices)

    def may_be_unhandled(self, alert: tuple[str, str]) -> bool:
        """Return whether an alert is unhandled, or its sensor could not be read."""
        reading = self.readings.get(alert[0])
        is_listed = reading is not None and (reading.unhandled is None or alert in self.unhandled)
        return is_listed and alert not in self.handled

    def unread(self) -> list[tuple[str, str]]:
        """Return each sensor with the name of an answer that is missing or, for devices, empty."""
        found = [
            (sensor, f"{name} alerts")
            for sensor, each in self.readings.items()
            for name in ("unhandled", "handled")
            if getattr(each, name) is None
        ]
        return found + [(sensor, "devices") for sensor in self.readings if not self.has_devices(sensor)]


def _alert_ids(readings: Sequence[Reading], name: str) -> set[tuple[str, str]]:
    return {(each.sensor, str(row.get("id"))) for each in readings for row in getattr(each, name) or ()}


def _device(sensor: str, row: Mapping[str, Any]) -> Device:
    types = (str(row.get("type")), *([ENGINEERING_STATION] if row.get("engineering_station") else []))
    return Device(
        sensor=sensor,
        id=row.get("id"),
        name=str(row.get("name")),
        types=types,
        addresses=tuple(address_in(each) for each in row.get("ip_addresses") or ()),
        # Only some versions have the field (documented in 2022, not in 2020).
        is_dynamic=bool(row.get("has_dynamic_address")),
    )
