# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A control node with the third-party clients that tools/foreign.py installs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .lab import Lab
from .workspace import ROOT, Result, Run, Workspace

ENVIRONMENT = ROOT / ".cache" / "foreign"
PLAYBOOKS = ROOT / "tests" / "foreign" / "playbooks"
# The lab has one FortiGate for each, with the version as its name.
VERSIONS = ("6.4.14", "7.0.6", "7.2.8", "7.4.5", "7.6.2", "7.6.5")


class ForeignNode(Workspace):
    """A control node with `fortinet.fortios` and its results, without this collection."""

    python = ENVIRONMENT / "bin" / "python"
    collection = "fortinet.fortios."

    def __init__(self, folder: Path, lab: Lab, sockets: Path) -> None:
        """`folder` is empty. `sockets` is a folder with a short path, which sockets require."""
        super().__init__(folder, ENVIRONMENT, lab)
        self.environment["ANSIBLE_PERSISTENT_CONTROL_PATH_DIR"] = str(sockets)
        self.environment["ANSIBLE_PIPELINING"] = "1"

    def host(self, appliance: str, **more: Any) -> dict[str, Any]:
        """Return the variables of an inventory host that connects to a FortiGate of the lab."""
        address = urlsplit(self.lab.appliances[appliance]["url"])
        return {
            "ansible_connection": "ansible.netcommon.httpapi",
            "ansible_python_interpreter": str(self.python),
            "ansible_network_os": "fortinet.fortios.fortios",
            "ansible_host": address.hostname,
            "ansible_httpapi_port": address.port,
            # This port is in the name of a connection's socket. Without it, all hosts would share the first
            # socket.
            "ansible_port": address.port,
            "ansible_httpapi_use_ssl": True,
            "ansible_httpapi_ca_path": self.lab.ca_path,
            **more,
        }

    def by_token(self, appliance: str) -> dict[str, Any]:
        """Return such variables, with the key of the lab's REST API administrator."""
        token = self.lab.appliances[appliance]["credentials"]["token"]
        return self.host(appliance, access_token=token)

    def by_password(self, appliance: str) -> dict[str, Any]:
        """Return such variables, with the administrator's password."""
        account = self.lab.appliances[appliance]["credentials"]
        return self.host(appliance, ansible_user=account["username"], ansible_password=account["password"])

    def run_on(self, playbook: str, hosts: dict[str, dict[str, Any]]) -> Run:
        """Run one of the playbooks on hosts with their variables.

        Steps of one module are items of a loop, because each task forks Ansible. The result of an item has
        the name of its step.
        """
        self.inventory(**hosts)
        run = self.playbook(str(PLAYBOOKS / f"{playbook}.yml"))
        return replace(run, results=[_of_step(result) for result in run.results])


def _of_step(result: Result) -> Result:
    return replace(result, task=result.data["item"]["step"]) if "item" in result.data else result
