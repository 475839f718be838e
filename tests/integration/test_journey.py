# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The life of an installation in one inventory file, from the first login to an empty store."""

from __future__ import annotations

import hashlib
import ssl
from typing import Any

import yaml

from ansible_collections.otsec.defender_iot.tests.support.block_lists import SOON, Site
from ansible_collections.otsec.defender_iot.tests.support.example import Example
from ansible_collections.otsec.defender_iot.tests.support.lab import Lab
from ansible_collections.otsec.defender_iot.tests.support.workspace import COLLECTION, Run, Workspace

# The certificate of the first one cannot be verified. The second one is used with the account of a person.
NEW, OLD = "fgt-self_signed", "fgt-south-01"
SENSORS = {"sensor-north-01": "192.0.2.11", "sensor-south-01": "198.51.100.11"}
PLATFORM = "forescout-01"
FAST = ("--extra-vars=sensor_tokens_retire_delay=1", "--extra-vars=sensor_tokens_retire_retries=5")


class Journey:
    """One inventory file that an operator edits, and the runs on it."""

    def __init__(self, node: Workspace) -> None:
        self.node = node
        self.example = Example(node)
        self.inventory = node.inputs / "plant.yml"
        self.fingerprints = node.inputs / "fingerprints.yml"
        self.sensors = dict(SENSORS)
        self.decommissioned: list[str] = []
        self.removed: list[str] = []

    def person(self, gate: str) -> dict[str, str]:
        """Return the account of a person on a FortiGate."""
        account = self.node.lab.appliances[gate]["credentials"]
        return {name: account[name] for name in ("username", "password")}

    def gates(self) -> dict[str, dict[str, Any]]:
        """Return the variables of the FortiGates."""
        stored = f"vault_file:{self.node.store}/{NEW}/provisioning-defender-iot"
        key = f"{{{{ lookup('otsec.defender_iot.secret', '{stored}', required=false) }}}}"
        account = {f"fortigate_access_{name}": value for name, value in self.person(OLD).items()}
        return {
            NEW: {
                "fortigate_access_url": self.node.lab.appliances[NEW]["url"],
                "fortigate_access_provisioning_trusted_hosts": ["127.0.0.1"],
                "fortigate_access_token": key,
            },
            OLD: {**self.example.variables(OLD), "fortigate_access_token": None, **account},
        }

    def write(self) -> None:
        """Write the inventory."""
        platform = {"forescout_module_sensor": "sensor-north-01", **self.example.variables(PLATFORM)}
        groups: dict[str, dict[str, dict[str, Any]]] = {
            "fortigates": self.gates(),
            "sensors": {
                name: {"ansible_host": address, **self.example.variables(name)}
                for name, address in self.sensors.items()
            },
            "forescouts": {PLATFORM: platform},
        }
        if "sensor-south-01" in self.sensors:
            groups["sensors"]["sensor-south-01"]["sensor_tokens_tokens"] = [{"description": "siem"}]
        for group in groups.values():
            for name in self.removed:
                group.pop(name, None)
        children: dict[str, Any] = {name: {"hosts": hosts} for name, hosts in groups.items()}
        if self.decommissioned:
            children["decommissioned"] = {"hosts": dict.fromkeys(self.decommissioned)}
        self.inventory.write_text(yaml.safe_dump({"all": {"children": children}}))

    def run(self, name: str, *arguments: str, **environment: str) -> Run:
        """Run one of the collection's playbooks."""
        self.write()
        store = f"--extra-vars=defender_iot_secret_store=vault_file:{self.node.store}"
        inventories = [self.inventory, *([self.fingerprints] if self.fingerprints.exists() else [])]
        return self.node.playbook(
            COLLECTION + name, store, *FAST, *arguments, inventories=inventories, **environment
        )

    def by_a_person(self, name: str, *arguments: str) -> Run:
        """Run a playbook with the account of a person on the first FortiGate in the environment."""
        account = {f"FORTIGATE_{name.upper()}": value for name, value in self.person(NEW).items()}
        return self.run(name, *arguments, **account)

    def predicted_and_done(
        self, name: str, *arguments: str, personally: bool = False
    ) -> list[tuple[str, str]]:
        """Run a playbook in check mode, then for real. Return the changes."""
        run = self.by_a_person if personally else self.run
        self.node.lab.forget_calls()
        predicted = run(name, "--check", *arguments).succeeded()
        assert not [call for call in self.node.lab.calls() if call["write"]]
        done = run(name, *arguments).succeeded()
        assert done.changes == predicted.changes
        return done.changes

    def trusted(self, gate: str) -> list[str]:
        """Return the trusted hosts of the sensors' administrator."""
        (admin,) = (row for row in self.node.lab.tables(gate)["api-user"] if row["name"] == "defender-iot")
        return [row["ipv4-trusthost"].split()[0] for row in admin["trusthost"]]


def holdings(lab: Lab) -> dict[str, Any]:
    """Return what an installation leaves on the appliances."""
    gates = {name: lab.tables(name) for name in (NEW, OLD)}
    sensors = {name: lab.state(name)["tokens"] for name in SENSORS}
    return {"gates": gates, "sensors": sensors, "module": lab.state(PLATFORM)["module"]}


def fingerprint(lab: Lab, gate: str) -> str:
    """Return the fingerprint of a FortiGate's certificate, as its console shows it."""
    host, _colon, port = lab.appliances[gate]["url"].removeprefix("https://").partition(":")
    pem = ssl.get_server_certificate((host, int(port)))
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest().upper()


def test_an_installation_lives_from_the_first_login_to_an_empty_store(workspace: Workspace) -> None:
    journey, lab = Journey(workspace), workspace.lab
    before = holdings(lab)
    both = [(NEW, "fortigate_access"), (OLD, "fortigate_access")]

    # The first login sends nothing to a FortiGate with an unconfirmed certificate.
    file = f"--extra-vars=defender_iot_fingerprint_file={journey.fingerprints}"
    lab.forget_calls()
    unconfirmed = journey.by_a_person("bootstrap", f"--limit={NEW}", file)
    assert unconfirmed.code != 0
    assert f"run again with -i {journey.fingerprints}" in unconfirmed.output
    assert lab.calls(NEW) == []
    (pins,) = yaml.safe_load(journey.fingerprints.read_text())["all"]["hosts"].values()
    assert pins["fortigate_access_cert_fingerprint"].replace(":", "") == fingerprint(lab, NEW)
    bootstrap = ("bootstrap", f"--limit={NEW}", file)
    assert journey.predicted_and_done(*bootstrap, personally=True) == [(NEW, "fortigate_access")]

    # Set up with the key of the first login. Add a sensor, and correct the address of the other.
    journey.sensors = {"sensor-north-01": "192.0.2.99"}
    journey.run("site").succeeded()
    journey.sensors = dict(SENSORS)
    own_token = ("sensor-south-01", "sensor_access_token")
    assert journey.predicted_and_done("site") == [*both, (PLATFORM, "forescout_module"), own_token]
    assert journey.trusted(OLD) == list(SENSORS.values())

    # A sensor that is merely missing from the inventory keeps its access.
    journey.removed = ["sensor-south-01"]
    missing = journey.run("site").succeeded()
    assert missing.changes == []
    assert "of sensor-south-01, which is left behind" in missing.output.replace("\n", " ")
    assert journey.trusted(OLD) == list(SENSORS.values())
    journey.removed = []

    # A sensor that a platform uses cannot be decommissioned.
    journey.decommissioned = ["sensor-north-01"]
    refused = journey.run("decommission")
    assert refused.code != 0
    assert "forescout_module_sensor of forescout-01 names it" in refused.output

    # A sensor loses its token and its trust. A FortiGate that was merely removed is reported.
    journey.decommissioned, journey.removed = ["sensor-south-01"], [OLD]
    removed = journey.run("decommission").succeeded()
    assert removed.changes == [(NEW, "fortigate_access"), own_token]
    assert f"{OLD}: left behind" in removed.output
    journey.removed = []

    # A FortiGate with a blocked host, and a platform, whose token is deleted. No later run creates another.
    block_list = Site(workspace)
    block_list.add(OLD, entries=[{"address": "192.0.2.77", "until": SOON}])
    block_list.run().succeeded()
    journey.decommissioned = ["sensor-south-01", OLD, PLATFORM]
    drift = journey.run("drift")
    assert drift.code == 2, drift.output
    done = journey.predicted_and_done("decommission")
    assert done == [
        (OLD, "fortigate_access"),
        (OLD, "fortigate_block_list"),
        (OLD, "fortigate_block_policy"),
        (PLATFORM, "forescout_module"),
        ("sensor-north-01", "sensor_access_token"),
    ]
    assert drift.changes == done
    assert lab.tables(OLD) == before["gates"][OLD]
    assert journey.run("site").succeeded().changes == []

    # Everything.
    journey.decommissioned = [NEW, OLD, *SENSORS, PLATFORM]
    last = journey.predicted_and_done("decommission", f"--limit=!{OLD}", personally=True)
    assert last == [(NEW, "fortigate_access")] * 2
    assert holdings(lab) == before
    assert workspace.stored_files() == {}
    assert journey.by_a_person("drift").succeeded().changes == []
