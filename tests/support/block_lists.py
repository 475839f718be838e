# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Block lists on the lab's FortiGates: inventories, runs, and their configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from .workspace import COLLECTION, Run, Workspace

GROUP = "defender-iot-blocked"
PAST, SOON, LATER = "2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z", "2099-06-01T00:00:00Z"
SINCE = "2019-01-01T00:00:00Z"
ROLE = {
    "name": "Run the role",
    "hosts": "fortigates",
    "gather_facts": False,
    "roles": [f"{COLLECTION}fortigate_response"],
}


class Site:
    """FortiGates with a block list, one host for each."""

    def __init__(self, node: Workspace) -> None:
        self.node, self.lab = node, node.lab
        self.hosts: dict[str, dict[str, Any]] = {}
        self.role = node.inputs / "role.yml"
        self.role.write_text(yaml.safe_dump([ROLE]))

    def add(self, host: str, appliance: str | None = None, **options: Any) -> None:
        """Add a host with the role's variables, which connects to an appliance."""
        given = {**self.node.host(appliance or host), **options}
        self.hosts[host] = {f"fortigate_response_{option}": value for option, value in given.items()}

    def set(self, host: str, **options: Any) -> None:
        """Change variables of a host."""
        self.hosts[host].update({f"fortigate_response_{option}": value for option, value in options.items()})

    def run(self, *arguments: str, playbook: str | None = None, **environment: str | None) -> Run:
        """Run a playbook of the collection, or by default the role."""
        name = str(self.role) if playbook is None else COLLECTION + playbook
        return self.node.playbook(name, *arguments, inventories=[self.inventory()], **environment)

    def inventory(self) -> Path:
        """Write the inventory."""
        path = self.node.inputs / "fortigates.yml"
        path.write_text(yaml.safe_dump({"fortigates": {"hosts": self.hosts}}))
        return path

    def tables(self, appliance: str) -> dict[str, dict[str, Any]]:
        """Return the firewall tables of the management VDOM, by name and key."""
        tables = self.lab.tables(appliance)["firewall"]["root"]
        return {
            table: {str(row.get("name") or row.get("policyid")): row for row in rows}
            for table, rows in tables.items()
        }

    def members(self, appliance: str, family: str = "") -> list[str]:
        """Return the members of the group."""
        row = self.tables(appliance)[f"firewall.addrgrp{family}"].get(GROUP, {"member": []})
        return [each["name"] for each in row["member"]]

    def put(self, appliance: str, address: str, until: str = SOON, owner: str = "manual") -> str:
        """Add an entry like another controller, and return the name of its object."""
        name = f"{GROUP}-{address}"
        comment = f"defender-iot v1; until={until}; since={SINCE}; owner={owner}"
        body = {"name": name, "subnet": f"{address} 255.255.255.255", "comment": comment}
        self.lab.firewall(appliance, "POST", "address", body)
        self.lab.firewall(appliance, "POST", f"addrgrp/{GROUP}/member", {"name": name})
        return name

    def put_groups(self, appliance: str) -> None:
        """Add the groups as the module creates them, with a member of another administrator."""
        for family in ("", "6"):
            body = {
                "name": GROUP,
                "comment": "defender-iot v1; made by otsec.defender_iot",
                "member": [{"name": "none"}],
            }
            self.lab.firewall(appliance, "POST", f"addrgrp{family}", body)
        self.lab.firewall(appliance, "POST", f"addrgrp/{GROUP}/member", {"name": "vendor"})

    def advance(self, steps: dict[str, tuple[str, ...]]) -> dict[str, Run]:
        """Run the next step of each host, equal steps in one run. Return the run of each host."""
        self.lab.forget_calls()
        runs = {}
        for step in dict.fromkeys(steps.values()):
            hosts = [host for host, wanted in steps.items() if wanted == step]
            playbook, *arguments = step
            run = self.run(*arguments, f"--limit={','.join(hosts)}", playbook=playbook or None)
            runs |= {host: run.on(host) for host in hosts}
        return runs

    def writes(self, *appliances: str) -> list[str]:
        """Return the recorded writes."""
        calls = [call for call in self.lab.calls(*appliances) if call["write"]]
        return [f"{call['method']} {call['path']}" for call in calls]


class Place:
    """One FortiGate of a site for one test, as a host of the same name."""

    def __init__(self, site: Site, name: str) -> None:
        """Create its groups, with a member of another administrator."""
        self.site, self.lab, self.name = site, site.lab, name
        site.put_groups(name)
        site.add(name)

    def role(self, *arguments: str) -> tuple[str, ...]:
        """Return the step that runs the role."""
        return "", *arguments

    def playbook(self, name: str, *arguments: str) -> tuple[str, ...]:
        """Return the step that runs a playbook of the collection."""
        return name, *arguments

    def set(self, **options: Any) -> None:
        """Change variables of the host."""
        self.site.set(self.name, **options)

    def switch(self, **options: Any) -> None:
        """Change options of the FortiGate."""
        self.lab.switch(self.name, **options)

    def put(self, address: str, until: str = SOON, owner: str = "manual") -> str:
        """Add an entry like another controller, and return the name of its object."""
        return self.site.put(self.name, address, until, owner)

    def firewall(self, method: str, path: str, body: Any = None) -> Any:
        """Read or write the firewall tables. Return the results."""
        return self.lab.firewall(self.name, method, path, body)

    def action(self, source: str, destination: str) -> str:
        """Return what the FortiGate does with a packet."""
        return str(self.lab.packet(self.name, source, destination)["action"])

    def tables(self) -> dict[str, dict[str, Any]]:
        """Return the firewall tables."""
        return self.site.tables(self.name)

    def members(self) -> list[str]:
        """Return the members of the group."""
        return self.site.members(self.name)

    def calls(self) -> list[dict[str, Any]]:
        """Return the calls since the begin of the last step."""
        return self.lab.calls(self.name)

    def writes(self) -> list[str]:
        """Return the writes since the begin of the last step."""
        return self.site.writes(self.name)
