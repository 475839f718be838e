# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of a sensor's alerts, and the devices that they name."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from ..core import inventory as plant
from ..core.options import ConfigurationError
from . import recorded

INVENTORIES = {"plant": plant, "recorded": recorded}
HANDLED_BY = {
    "all": {"closed", "learned", "muted"},
    "close_and_learn": {"closed", "learned"},
    "close": {"closed"},
}
VERDICTS = {"close": "closed", "learn": "learned", "mute": "muted"}
RETENTION_SECONDS = 90 * 86400
OLD_ALERTS_FROM = 10_000
TRAFFIC = ("title", "sourceDevice", "destinationDevice")


@dataclass
class Alert:
    """One alert. Times are the lab's, in seconds. `addresses` overrides those of its devices, in API v2.

    An alert of the initial inventory has no times of its own, and is kept for ever.
    """

    row: dict[str, Any]
    state: str = "new"
    first: float | None = None
    last: float | None = None
    addresses: dict[str, Any] | None = None

    def is_of(self, traffic: Mapping[str, Any]) -> bool:
        """Return whether traffic is the same as the alert's."""
        return all(self.row.get(name) == traffic.get(name) for name in TRAFFIC)


class AlertLog:
    """The alerts and the devices of one sensor."""

    def __init__(self, inventory: str, old_alerts: int, now: float) -> None:
        source = INVENTORIES[inventory]
        self.devices: list[dict[str, Any]] = copy.deepcopy(source.DEVICES)
        self.alerts = [
            Alert(dict(row), "closed" if row["id"] in source.HANDLED_ALERTS else "new")
            for row in source.ALERTS
        ]
        self.alerts += [self._old(number, old_alerts, now) for number in range(old_alerts)]
        self.last_id = max(alert.row["id"] for alert in self.alerts)

    def _old(self, number: int, count: int, now: float) -> Alert:
        """Return one of many alerts that were handled, spread over the time of retention."""
        source = self.devices[number % len(self.devices)]["id"]
        row = _row(OLD_ALERTS_FROM + number, {"title": "Port Scan Detected", "sourceDevice": source})
        moment = now - RETENTION_SECONDS * (count - number) / (count + 1)
        return Alert(row, "closed", moment, moment)

    def occur(self, traffic: Mapping[str, Any], now: float, addresses: Any = None) -> Alert | None:
        """Detect traffic. Return its alert, None if it was learned or muted.

        The same traffic only moves the last detection of a new alert; after a closed one it raises a new
        alert (documented).
        """
        known = next((alert for alert in reversed(self.alerts) if alert.is_of(traffic)), None)
        if known and known.state in ("learned", "muted"):
            return None
        if known and known.state == "new":
            known.last = now
            return known
        self.last_id += 1
        self.alerts.append(Alert(_row(self.last_id, traffic), "new", now, now, addresses))
        return self.alerts[-1]

    def alert(self, number: Any) -> Alert:
        """Return the alert with this id. Raises ConfigurationError."""
        for alert in self.alerts:
            if alert.row["id"] == number:
                return alert
        raise ConfigurationError(f"there is no alert {number!r}; send the id of an existing one")

    def device(self, number: Any) -> dict[str, Any]:
        """Return the device with this id. Raises ConfigurationError."""
        for device in self.devices:
            if device["id"] == number:
                return device
        raise ConfigurationError(f"there is no device {number!r}; send the id of an existing one")

    def kept(self, now: float) -> list[Alert]:
        """Return the alerts of the last 90 days since their first detection (documented)."""
        return [
            alert for alert in self.alerts if alert.first is None or now - alert.first < RETENTION_SECONDS
        ]


def _row(number: int, traffic: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "title": "",
        "message": "",
        "severity": "Critical",
        "engine": "Malware",
        "sourceDevice": None,
        "destinationDevice": None,
        "additionalInformation": None,
        **traffic,
        "id": number,
        "time": 0,
    }


def ordered(rows: list[dict[str, Any]], order: str) -> list[dict[str, Any]]:
    """Return alerts in the order of a sensor, of which nothing is documented."""
    found = sorted(rows, key=lambda row: row["time"])
    if order == "mixed":
        Random(len(found)).shuffle(found)
    return found[::-1] if order == "descending" else found
