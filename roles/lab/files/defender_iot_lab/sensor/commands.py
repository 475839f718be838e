# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens to a sensor from outside its API: traffic, operators and its forwarding rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..core.options import ConfigurationError, require_known
from . import cef
from .alerts import VERDICTS, AlertLog

KEYS = {
    "verdict": ("alert", "verdict"),
    "edit_alert": ("alert", "severity"),
    "delete_device": ("device",),
    "forward": ("alert", "port", "transport", "framing", "form", "copies", "sensor", "without_addresses"),
}
"""The keys of each command that are not fields of the API."""

NAMES = ("traffic", "verdict", "edit_alert", "edit_device", "delete_device", "forward")


@dataclass
class Commands:
    """The commands of the control port for one sensor."""

    sensor: str
    log: AlertLog

    def run(self, name: str, body: Mapping[str, Any], now: float) -> dict[str, Any]:
        """Carry out a command. Raises ConfigurationError."""
        if name in KEYS:
            require_known(body, *KEYS[name])
        return {
            "traffic": self._traffic,
            "verdict": self._verdict,
            "edit_alert": self._edit_alert,
            "edit_device": self._edit_device,
            "delete_device": self._delete_device,
            "forward": self._forward,
        }[name](body, now)

    def _traffic(self, body: Mapping[str, Any], now: float) -> dict[str, Any]:
        """Detect traffic: that of an existing `alert` again, or with the fields of one, and `addresses`."""
        if "alert" in body:
            traffic: Mapping[str, Any] = self.log.alert(body["alert"]).row
        else:
            traffic = {name: value for name, value in body.items() if name != "addresses"}
        before = self.log.last_id
        alert = self.log.occur(traffic, now, body.get("addresses"))
        return {"alert": alert and alert.row["id"], "new": self.log.last_id > before}

    def _verdict(self, body: Mapping[str, Any], now: float) -> dict[str, Any]:
        """Close, learn or mute an alert."""
        verdict = body.get("verdict")
        if verdict not in VERDICTS:
            raise ConfigurationError(f"the verdict is {verdict!r}; set one of {', '.join(VERDICTS)}")
        alert = self.log.alert(body.get("alert"))
        alert.state = VERDICTS[verdict]
        return {"state": alert.state}

    def _edit_alert(self, body: Mapping[str, Any], now: float) -> dict[str, Any]:
        """Change the severity of an alert, as a user can (documented)."""
        alert = self.log.alert(body.get("alert"))
        alert.row["severity"] = body.get("severity")
        return {"severity": alert.row["severity"]}

    def _edit_device(self, body: Mapping[str, Any], now: float) -> dict[str, Any]:
        """Change fields of a device, such as a type that a user edits, or an address from DHCP."""
        device = self.log.device(body.get("device"))
        changes = {name: value for name, value in body.items() if name != "device"}
        unknown = sorted(changes.keys() - device.keys())
        if unknown:
            raise ConfigurationError(f"a device has no field {unknown[0]!r}; use {', '.join(device)}")
        device.update(changes)
        return {"device": device["id"]}

    def _delete_device(self, body: Mapping[str, Any], now: float) -> dict[str, Any]:
        """Delete a device. Its alerts keep its id (assumed)."""
        self.log.devices.remove(self.log.device(body.get("device")))
        return {"devices": len(self.log.devices)}

    def _forward(self, body: Mapping[str, Any], now: float) -> dict[str, Any]:
        """Send an alert to a syslog port of this machine, perhaps with a forged `sensor`."""
        form = body.get("form", cef.FORMS[0])
        if form not in cef.FORMS:
            raise ConfigurationError(f"the form is {form!r}; set one of {', '.join(cef.FORMS)}")
        alert = self.log.alert(body.get("alert"))
        ends = {} if body.get("without_addresses") else self.ends(alert.row)
        return cef.send(cef.message(form, body.get("sensor", self.sensor), alert.row, ends, now), body)

    def ends(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return the addresses of an alert's source and destination, None for each without one."""
        found = {device["id"]: device["ipAddresses"] or device["macAddresses"] for device in self.log.devices}
        devices = {"source": row["sourceDevice"], "destination": row["destinationDevice"]}
        return {end: (found.get(device) or [None])[0] for end, device in devices.items()}
