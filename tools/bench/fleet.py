# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The FortiGates of the lab: prepared before each run, counted during it, checked after it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..lab import Lab
from .bare import compare, declare, drift, fill, on_each
from .blocks import entries, tables
from .objects import ADMIN, PROFILE, SENSORS, underscored
from .plan import Case

THREADS = 10
BLOCKED = {"block_entries": entries(), "block_tables": tables()}
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
        fresh(self.lab)
        record = json.loads((self.folder / "lab/lab.json").read_text())
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

    def inventory(self, case: Case) -> Path:
        """Write an inventory of the FortiGates of a case, with the sensors that the role collects."""
        path = self.folder / f"inventory-{case.key}.json"
        sensors = {f"sensor-{number}": {"ansible_host": address} for number, address in enumerate(SENSORS, 1)}
        hosts = {name: self.hosts[name] for name in self.names[: case.size]}
        shared = {**self.shared, **BLOCKED} if case.key == "block" else self.shared
        path.write_text(
            json.dumps({"fortigates": {"hosts": hosts, "vars": shared}, "sensors": {"hosts": sensors}})
        )
        return path

    def prepare(self, case: Case) -> None:
        """Bring the FortiGates of a case into its state."""
        self.lab.ask("/reset", "POST")
        self.forget_keys()
        if case.key == "block":
            on_each(fill, self._first(case.size), THREADS)
        elif case.state != "to create":
            on_each(declare, self._first(case.size), THREADS)
        if case.state == "drifted":
            on_each(drift, self._first(case.size), THREADS)

    def forget_keys(self) -> None:
        """Remove the stored API keys, which a reset of the lab makes invalid."""
        shutil.rmtree(self.folder / ".secrets", ignore_errors=True)

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

    def check(self, case: Case) -> None:
        """Check that every FortiGate is as declared. Raises SystemExit."""
        self.lab.ask("/faults", "DELETE")
        work = compare if case.key == "block" else declare
        wrong = sum(on_each(work, self._first(case.size), THREADS))
        if wrong:
            raise SystemExit(f"{wrong} objects were not as declared after the run")

    def _first(self, size: int) -> list[dict[str, Any]]:
        return [{**self.shared, **BLOCKED, **self.hosts[name]} for name in self.names[:size]]


def fresh(lab: Lab) -> None:
    """Start a lab. First stop that of an aborted run, which may have other appliances."""
    if (lab.folder / "lab/lab.json").exists():
        lab.stop()
    lab.start()


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
