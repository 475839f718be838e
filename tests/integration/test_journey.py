# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The life of an installation in one inventory file: set up, extended, changed, decommissioned."""

from __future__ import annotations

from typing import Any

import yaml

from ansible_collections.otsec.defender_iot.tests.support.example import Example
from ansible_collections.otsec.defender_iot.tests.support.lab import Lab
from ansible_collections.otsec.defender_iot.tests.support.workspace import COLLECTION, Run, Workspace

GATES = {"fgt-north-01": "203.0.113.1", "fgt-south-01": "203.0.113.3"}
SENSORS = {"sensor-north-01": "192.0.2.11", "sensor-south-01": "198.51.100.11"}
PLATFORM = "forescout-01"
FAST = ("--extra-vars=sensor_tokens_retire_delay=1", "--extra-vars=sensor_tokens_retire_retries=5")


class Journey:
    """One inventory file that an operator edits, and the runs on it."""

    def __init__(self, node: Workspace) -> None:
        self.node = node
        self.example = Example(node)
        self.inventory = node.inputs / "plant.yml"
        self.sensors = dict(list(SENSORS.items())[:1])
        self.decommissioned: list[str] = []
        self.removed: list[str] = []

    def write(self) -> None:
        """Write the inventory."""
        platform = {"forescout_module_sensor": "sensor-north-01"}
        groups: dict[str, dict[str, dict[str, Any]]] = {
            "fortigates": {name: {"ansible_host": address} for name, address in GATES.items()},
            "sensors": {name: {"ansible_host": address} for name, address in self.sensors.items()},
            "forescouts": {PLATFORM: platform},
        }
        for group in groups.values():
            for name, variables in group.items():
                variables.update(self.example.variables(name))
            for name in self.removed:
                group.pop(name, None)
        children: dict[str, Any] = {name: {"hosts": hosts} for name, hosts in groups.items()}
        if self.decommissioned:
            children["decommissioned"] = {"hosts": dict.fromkeys(self.decommissioned)}
        self.inventory.write_text(yaml.safe_dump({"all": {"children": children}}))

    def run(self, name: str, *arguments: str) -> Run:
        """Run one of the collection's playbooks."""
        self.write()
        store = f"--extra-vars=defender_iot_secret_store=vault_file:{self.node.store}"
        return self.node.playbook(COLLECTION + name, store, *FAST, *arguments, inventories=[self.inventory])

    def predicted_and_done(self, name: str, *arguments: str) -> list[tuple[str, str]]:
        """Run a playbook in check mode, then for real, then again. Return the changes."""
        self.node.lab.forget_calls()
        predicted = self.run(name, "--check", *arguments).succeeded()
        assert not [call for call in self.node.lab.calls() if call["write"]]
        done = self.run(name, *arguments).succeeded()
        assert done.changes == predicted.changes
        return done.changes

    def trusted(self, gate: str) -> list[str]:
        """Return the trusted hosts of the sensors' administrator."""
        (admin,) = (row for row in self.node.lab.tables(gate)["api-user"] if row["name"] == "defender-iot")
        return [row["ipv4-trusthost"].split()[0] for row in admin["trusthost"]]


def holdings(lab: Lab) -> dict[str, Any]:
    """Return what an installation leaves on the appliances."""
    gates = {name: lab.tables(name) for name in GATES}
    sensors = {name: lab.state(name)["tokens"] for name in SENSORS}
    return {"gates": gates, "sensors": sensors, "module": lab.state(PLATFORM)["module"]}


def test_an_installation_is_set_up_changed_and_decommissioned(workspace: Workspace) -> None:
    journey, lab = Journey(workspace), workspace.lab
    before = holdings(lab)

    # Set up, and add a sensor.
    journey.run("site").succeeded()
    journey.sensors = dict(SENSORS)
    added = journey.predicted_and_done("site")
    assert added == [("fgt-north-01", "fortigate_access"), ("fgt-south-01", "fortigate_access")]
    assert journey.trusted("fgt-south-01") == list(SENSORS.values())

    # A sensor that a platform uses cannot be decommissioned.
    journey.decommissioned = ["sensor-north-01"]
    refused = journey.run("decommission")
    assert refused.code != 0
    assert "forescout_module_sensor of forescout-01 names it" in refused.output

    # A sensor without platforms: only its trust is removed.
    journey.decommissioned = ["sensor-south-01"]
    assert journey.predicted_and_done("decommission") == added
    assert journey.trusted("fgt-south-01") == ["192.0.2.11"]

    # A FortiGate that was merely removed from the inventory is reported.
    journey.removed = ["fgt-south-01"]
    assert "fgt-south-01: left behind" in journey.run("decommission").succeeded().output
    journey.removed = []

    # A FortiGate.
    journey.decommissioned = ["sensor-south-01", "fgt-south-01"]
    drift = journey.run("drift")
    assert drift.code == 2, drift.output
    assert journey.predicted_and_done("decommission") == [("fgt-south-01", "fortigate_access")]
    assert lab.tables("fgt-south-01") == before["gates"]["fgt-south-01"]
    assert journey.run("site").succeeded().changes == []

    # Everything.
    journey.decommissioned = [*GATES, *SENSORS, PLATFORM]
    assert journey.predicted_and_done("decommission") == [
        ("fgt-north-01", "fortigate_access"),
        (PLATFORM, "forescout_module"),
        ("sensor-north-01", "sensor_access_token"),
    ]
    assert holdings(lab) == before
    assert workspace.stored_files() == {}
    assert journey.run("drift").succeeded().changes == []
