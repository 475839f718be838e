# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The FortiGates of the lab: prepared before each run, counted during it, checked after it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..lab import Lab
from .bare import declare, drift, on_each
from .objects import ADMIN, PROFILE, SENSORS, underscored

THREADS = 10
COUNTED = ("requests", "connections", "writes")


class Fleet:
    """The FortiGates of all cases, in one lab."""

    def __init__(self, folder: Path, size: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.names = [f"fgt-{number:04}" for number in range(1, size + 1)]
        known_by = {
            name: {"ansible_host": f"10.0.{number // 250}.{number % 250 + 1}"}
            for number, name in enumerate(self.names)
        }
        inventory = folder / "lab.json"
        inventory.write_text(json.dumps({"fortigates": {"hosts": known_by}}))
        self.lab = Lab(folder, inventory)

    def start(self) -> None:
        """Start the lab and read the addresses of its FortiGates."""
        recorded = self.folder / "lab/lab.json"
        if recorded.exists():
            self.lab.stop()  # of an aborted run, maybe with another size
        self.lab.start()
        record = json.loads(recorded.read_text())
        self.shared = {
            "fortigate_access_ca_path": record["ca_path"],
            "profile": PROFILE,
            "admin": ADMIN,
            "fortios_profile": underscored(PROFILE),
            "fortios_admin": underscored(ADMIN),
        }
        self.hosts = {name: _variables(record["appliances"][name]) for name in self.names}

    def stop(self) -> None:
        self.lab.stop()

    def inventory(self, size: int) -> Path:
        """Write an inventory of the first FortiGates, with the sensors that the role collects."""
        path = self.folder / f"inventory-{size}.json"
        sensors = {f"sensor-{number}": {"ansible_host": address} for number, address in enumerate(SENSORS, 1)}
        hosts = {name: self.hosts[name] for name in self.names[:size]}
        groups = {"fortigates": {"hosts": hosts, "vars": self.shared}, "sensors": {"hosts": sensors}}
        path.write_text(json.dumps(groups))
        return path

    def prepare(self, state: str, size: int) -> None:
        """Bring the first FortiGates into a state."""
        self.lab.ask("/reset", "POST")
        if state != "to create":
            on_each(declare, self._first(size), THREADS)
        if state == "drifted":
            on_each(drift, self._first(size), THREADS)

    def count(self, latency: int) -> None:
        """Reset the counters, and delay every answer by a latency in milliseconds."""
        if latency:
            fault = {"kind": "delay", "seconds": latency / 1000}
            self.lab.ask("/faults", "POST", {"times": None, "fault": fault})
        self.lab.ask("/calls", "DELETE")

    def counted(self, size: int) -> dict[str, float]:
        """Return the average counters of a FortiGate since `count`."""
        counters = self.lab.ask("/counters").values()
        return {key: sum(counter[key] for counter in counters) / size for key in COUNTED}

    def check(self, size: int) -> None:
        """Check that every FortiGate has the declared objects, and declare them if not. Raises SystemExit."""
        self.lab.ask("/faults", "DELETE")
        wrong = sum(on_each(declare, self._first(size), THREADS))
        if wrong:
            raise SystemExit(f"{wrong} objects were not as declared after the run")

    def _first(self, size: int) -> list[dict[str, Any]]:
        return [{**self.shared, **self.hosts[name]} for name in self.names[:size]]


def _variables(appliance: Mapping[str, Any]) -> dict[str, Any]:
    """Return the variables of an inventory host for all contestants."""
    return {
        "fortigate_access_url": appliance["url"],
        "fortigate_access_token": appliance["credentials"]["token"],
        "ansible_host": "127.0.0.1",
        # For fortinet.fortios. The second port is part of the name of its connection's socket.
        "ansible_httpapi_port": appliance["port"],
        "ansible_port": appliance["port"],
    }
