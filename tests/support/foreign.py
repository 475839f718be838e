# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A control node with the clients of others, which tools/foreign.py has installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .lab import Lab
from .workspace import ROOT, Run, Workspace

ENVIRONMENT = ROOT / ".cache" / "foreign"
PLAYBOOKS = ROOT / "tests" / "foreign" / "playbooks"
# One FortiGate of the lab for each, called like it.
VERSIONS = ("6.4.14", "7.0.6", "7.2.8", "7.4.5", "7.6.2", "7.6.5")


class ForeignNode(Workspace):
    """A control node that knows `fortinet.fortios` and not the collection; its results are that one's."""

    python = ENVIRONMENT / "bin" / "python"
    collection = "fortinet.fortios."

    def __init__(self, folder: Path, lab: Lab, sockets: Path) -> None:
        """Take an empty folder, the lab, and a folder of a short name, which sockets need."""
        super().__init__(folder, ENVIRONMENT, lab)
        self.environment["ANSIBLE_PERSISTENT_CONTROL_PATH_DIR"] = str(sockets)
        self.environment["ANSIBLE_PIPELINING"] = "1"

    def host(self, appliance: str, **more: Any) -> dict[str, Any]:
        """Return the variables by which an inventory host leads to a FortiGate of the lab."""
        address = urlsplit(self.lab.appliances[appliance]["url"])
        return {
            "ansible_connection": "ansible.netcommon.httpapi",
            "ansible_python_interpreter": str(self.python),
            "ansible_network_os": "fortinet.fortios.fortios",
            "ansible_host": address.hostname,
            "ansible_httpapi_port": address.port,
            # The socket of a connection is named after this one: without it all hosts would share the first.
            "ansible_port": address.port,
            "ansible_httpapi_use_ssl": True,
            "ansible_httpapi_ca_path": self.lab.ca_path,
            **more,
        }

    def by_token(self, appliance: str) -> dict[str, Any]:
        """Return such variables, with the key of the lab's REST API admin."""
        token = self.lab.appliances[appliance]["credentials"]["token"]
        return self.host(appliance, access_token=token)

    def by_password(self, appliance: str) -> dict[str, Any]:
        """Return such variables, with the administrator's password."""
        account = self.lab.appliances[appliance]["credentials"]
        return self.host(appliance, ansible_user=account["username"], ansible_password=account["password"])

    def run_on(self, playbook: str, hosts: dict[str, dict[str, Any]]) -> Run:
        """Run one of the playbooks on hosts with their variables."""
        self.inventory(**hosts)
        return self.playbook(str(PLAYBOOKS / f"{playbook}.yml"))
