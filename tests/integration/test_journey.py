# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The life of an installation in one inventory file, from the tarball to an empty store."""

from __future__ import annotations

import hashlib
import json
import re
import ssl
import subprocess
import sys
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.otsec.defender_iot.tests.support.block_lists import SOON, Site
from ansible_collections.otsec.defender_iot.tests.support.example import Example
from ansible_collections.otsec.defender_iot.tests.support.lab import Lab
from ansible_collections.otsec.defender_iot.tests.support.patience import RUN_SECONDS
from ansible_collections.otsec.defender_iot.tests.support.servers import HttpProxy, running
from ansible_collections.otsec.defender_iot.tests.support.workspace import COLLECTION, ROOT, Run, Workspace

# The certificate of the first one cannot be verified. The second one is used with the account of a person.
NEW, OLD = "fgt-self_signed", "fgt-south-01"
# It is decommissioned from the start, so no run configures it.
NEVER = "fgt-north-02"
NORTH, SOUTH = "sensor-north-01", "sensor-south-01"
# Decommissioned from the start too: what operators have created for it stays.
SIEM = "fortisiem-01"
POLICIES = [{"src": "firmware.xml", "name": "OT firmware"}, {"src": "group.xml"}]
SENSORS = {NORTH: "192.0.2.11", SOUTH: "198.51.100.11"}
PLATFORM, SECOND = "forescout-01", "forescout-02"
# Of a retired product. It is nevertheless a trusted host, because the inventory names it.
CONSOLE, CONSOLE_ADDRESS = "console-01", "192.0.2.31"
TOKEN = f"{NORTH}/forescout"
PAGE = (ROOT / "docs/quick_start.md").read_text()
FAST = ("--extra-vars=sensor_tokens_retire_delay=1", "--extra-vars=sensor_tokens_retire_retries=5")


@pytest.fixture
def node(tmp_path: Path, lab: Lab) -> Workspace:
    """A control node on which the collection was installed from its tarball, without a network."""
    galaxy = [str(Path(sys.executable).with_name("ansible-galaxy")), "collection"]
    environment = {"HOME": str(tmp_path), "LC_ALL": "C.UTF-8", "ANSIBLE_NOCOLOR": "1"}

    def call(*arguments: str) -> None:
        subprocess.run([*galaxy, *arguments], cwd=tmp_path, env=environment, check=True, timeout=RUN_SECONDS)

    call("build", str(ROOT), "--output-path", "built")
    (tarball,) = (tmp_path / "built").glob("*.tar.gz")
    call("install", str(tarball), "--offline", "--collections-path", "tree")
    return Workspace(tmp_path / "node", tmp_path / "tree", lab)


class Journey:
    """One inventory file that an operator edits, and the runs on it."""

    def __init__(self, node: Workspace) -> None:
        self.node = node
        self.example = Example(node)
        self.inventory = node.inputs / "plant.yml"
        self.fingerprints = node.inputs / "fingerprints.yml"
        self.sensors = {NORTH: SENSORS[NORTH]}
        self.proxy: str | None = None
        self.decommissioned: list[str] = []
        self.playbooks: list[str] = []
        self.predicted = ""

    def person(self, gate: str) -> dict[str, str]:
        """Return the account of a person on a FortiGate."""
        account = self.node.lab.appliances[gate]["credentials"]
        return {name: account[name] for name in ("username", "password")}

    def gates(self) -> dict[str, dict[str, Any]]:
        """Return the variables of the FortiGates."""
        stored = f"vault_file:{self.node.store}/{NEW}/provisioning-defender-iot"
        key = f"{{{{ lookup('otsec.defender_iot.secret', '{stored}', required=false) }}}}"
        return {
            NEW: {
                "fortigate_access_url": self.node.lab.appliances[NEW]["url"],
                "fortigate_access_provisioning_trusted_hosts": ["127.0.0.1"],
                "fortigate_access_token": key,
                "fortigate_access_proxy": self.proxy,
            },
            **{gate: self.personal(gate) for gate in (OLD, NEVER)},
        }

    def personal(self, gate: str) -> dict[str, Any]:
        """Return the variables of a FortiGate that is used with the account of a person."""
        account = {f"fortigate_access_{name}": value for name, value in self.person(gate).items()}
        return {**self.example.variables(gate), "fortigate_access_token": None, **account}

    def write(self) -> None:
        """Write the inventory."""
        used = {"forescout_module_sensor": NORTH}
        groups: dict[str, dict[str, dict[str, Any]]] = {
            "fortigates": self.gates(),
            "sensors": {
                name: {"ansible_host": address, **self.example.variables(name)}
                for name, address in self.sensors.items()
            },
            "forescouts": {name: {**used, **self.example.variables(name)} for name in (PLATFORM, SECOND)},
            "fortisiems": {SIEM: {}},
        }
        for name in self.decommissioned:
            groups["forescouts"].get(name, {})["forescout_policies_policies"] = POLICIES
        groups["management_consoles"] = {CONSOLE: {"ansible_host": CONSOLE_ADDRESS}}
        if SOUTH in self.sensors:
            groups["sensors"][SOUTH]["sensor_tokens_tokens"] = [{"description": "siem"}]
        children: dict[str, Any] = {name: {"hosts": hosts} for name, hosts in groups.items()}
        children["decommissioned"] = {"hosts": dict.fromkeys([NEVER, SIEM, *self.decommissioned])}
        self.inventory.write_text(yaml.safe_dump({"all": {"children": children}}))

    def run(self, name: str, *arguments: str, **environment: str) -> Run:
        """Run one of the collection's playbooks."""
        self.write()
        self.playbooks.append(name)
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
        self.predicted = predicted.output
        assert not [call for call in self.node.lab.calls() if call["write"]]
        done = run(name, *arguments).succeeded()
        assert done.changes == predicted.changes
        return done.changes

    def trusted(self, gate: str) -> list[str]:
        """Return the trusted hosts of the sensors' administrator."""
        (admin,) = (row for row in self.node.lab.tables(gate)["api-user"] if row["name"] == "defender-iot")
        return [row["ipv4-trusthost"].split()[0] for row in admin["trusthost"]]

    def report(self) -> dict[str, Any]:
        """Return the document of the last run of drift."""
        return dict(json.loads((self.node.folder / "defender_iot_report/report.json").read_text()))


def holdings(lab: Lab) -> dict[str, Any]:
    """Return what an installation leaves on the appliances."""
    gates = {name: lab.tables(name) for name in (NEW, OLD, NEVER)}
    sensors = {name: lab.state(name)["tokens"] for name in SENSORS}
    modules = {name: lab.state(name)["module"] for name in (PLATFORM, SECOND)}
    return {"gates": gates, "sensors": sensors, "modules": modules}


def fingerprint(lab: Lab, gate: str) -> str:
    """Return the fingerprint of a FortiGate's certificate, as its console shows it."""
    host, _colon, port = lab.appliances[gate]["url"].removeprefix("https://").partition(":")
    pem = ssl.get_server_certificate((host, int(port)))
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest().upper()


def first_login(journey: Journey) -> None:
    """Confirm the certificate of a new FortiGate behind a proxy, and create its provisioning account."""
    lab, file = journey.node.lab, f"--extra-vars=defender_iot_fingerprint_file={journey.fingerprints}"
    with running(HttpProxy()) as proxy:
        journey.proxy = f"http://127.0.0.1:{proxy.port}"
        lab.forget_calls()
        unconfirmed = journey.by_a_person("bootstrap", f"--limit={NEW}", file)
        assert unconfirmed.code != 0
        assert f"run again with -i {journey.fingerprints}" in unconfirmed.output
        assert lab.calls(NEW) == []
        (pins,) = yaml.safe_load(journey.fingerprints.read_text())["all"]["hosts"].values()
        assert pins["fortigate_access_cert_fingerprint"].replace(":", "") == fingerprint(lab, NEW)
        bootstrap = ("bootstrap", f"--limit={NEW}", file)
        assert journey.predicted_and_done(*bootstrap, personally=True) == [(NEW, "fortigate_access")]
        assert proxy.targets
    journey.proxy = None


def test_an_installation_lives_from_the_tarball_to_an_empty_store(node: Workspace) -> None:
    journey, lab = Journey(node), node.lab
    before = holdings(lab)
    both = [(NEW, "fortigate_access"), (OLD, "fortigate_access")]
    first_login(journey)

    # Set up with the key of the first login, and verify.
    platforms = [(PLATFORM, "forescout_module"), (SECOND, "forescout_module")]
    token = [(NORTH, "sensor_access_token")]
    report = "--extra-vars=defender_iot_report=plan"
    assert journey.predicted_and_done("site", report) == [*both, *platforms, *token]
    assert journey.predicted.count("so this access serves a retired product") == 2
    assert f"{CONSOLE} is a trusted host of {NEW}, {OLD}." in journey.predicted
    for name in (PLATFORM, SECOND):
        journey.example.wait_for_poll(name)
    assert journey.run("verify").succeeded().changes == []

    # Add a sensor, then replace its address.
    own_token = (SOUTH, "sensor_access_token")
    journey.sensors[SOUTH] = "198.51.100.99"
    assert journey.predicted_and_done("site") == [*both, own_token]
    journey.sensors = dict(SENSORS)
    assert journey.predicted_and_done("site") == both
    assert set(journey.trusted(OLD)) == {*SENSORS.values(), CONSOLE_ADDRESS}

    # A sensor that is merely missing from the inventory keeps its access.
    del journey.sensors[SOUTH]
    missing = journey.run("site").succeeded()
    assert missing.changes == []
    assert f"of {SOUTH}, which is left behind" in missing.output.replace("\n", " ")
    assert set(journey.trusted(OLD)) == {*SENSORS.values(), CONSOLE_ADDRESS}
    journey.sensors = dict(SENSORS)

    # Retire it. A sensor that a platform uses is refused.
    journey.decommissioned = [NORTH]
    refused = journey.run("decommission")
    assert refused.code != 0
    assert f"forescout_module_sensor of {PLATFORM}, {SECOND} names it" in refused.output
    journey.decommissioned = [SOUTH, "sensor-nroth-01"]
    lab.forget_calls()
    misspelt = journey.run("decommission")
    assert misspelt.code != 0
    assert "sensor-nroth-01: it is in the group decommissioned" in misspelt.output
    assert f"did you mean {NORTH}" in misspelt.output
    assert lab.calls() == []
    journey.decommissioned = [SOUTH]
    assert journey.predicted_and_done("decommission") == [*both, own_token]
    assert f"{SOUTH}: delete its forwarding rule to FortiSIEM" in journey.predicted
    assert set(journey.trusted(OLD)) == {SENSORS[NORTH], CONSOLE_ADDRESS}

    # Retire a FortiGate with a blocked host, and a platform whose token another one still uses.
    block_list = Site(node)
    block_list.add(OLD, entries=[{"address": "192.0.2.77", "until": SOON}])
    block_list.run().succeeded()
    journey.decommissioned = [SOUTH, OLD, SECOND]
    block = [(OLD, f"fortigate_{part}") for part in ("access", "block_list", "block_policy")]
    retired = [*block, (SECOND, "forescout_module"), *token]
    assert journey.predicted_and_done("decommission") == retired
    stays = f"{SECOND}: the policies stay on the platform: OT firmware, that of the export group.xml. Delete"
    assert stays in journey.predicted
    assert lab.tables(OLD) == before["gates"][OLD]
    assert node.kept(TOKEN)["consumers"] == [f"{PLATFORM}/settings"]

    # Retire everything. Drift predicts it, and reports a host that was only removed from the inventory.
    journey.decommissioned = [NEW, OLD, *SENSORS, PLATFORM, SECOND]
    (node.store / "fgt-old").mkdir()
    node.keep("fgt-old/defender-iot", value="an old key")
    predicted = journey.by_a_person("drift")
    assert predicted.code == 2, predicted.output
    limited = journey.by_a_person("decommission", f"--limit={NORTH}")
    assert limited.changes == []
    assert f"this run has not cleared the settings of {PLATFORM}, {SECOND}" in limited.output
    done = journey.by_a_person("decommission").succeeded()
    assert done.changes == predicted.changes
    assert sorted(set(done.changes)) == [(NEW, "fortigate_access"), platforms[0], *token]
    for output in (predicted.output, done.output):
        assert "fgt-old: left behind" in output
    assert [each["host"] for each in journey.report()["left_behind"]] == ["fgt-old"]
    assert "fgt-old is left behind: " in predicted.output
    (node.store / "fgt-old/defender-iot.yml").unlink()
    assert holdings(lab) == before
    assert node.stored_files() == {}
    assert journey.by_a_person("drift").succeeded().changes == []
    assert [name for name, _runs in groupby(journey.playbooks)] == documented_playbooks()


def documented_playbooks() -> list[str]:
    """Return the playbooks of the table of steps, in order."""
    table = PAGE.partition("## From the first login to the last\n")[2]
    return re.findall(r"^\| .*\| `(\w+)`", table, re.MULTILINE)
