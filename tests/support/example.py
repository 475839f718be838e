# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The example inventory, redirected to the lab."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from .patience import wait_for
from .workspace import COLLECTION, ENDPOINTS, ROOT, Run, Workspace

FORTIGATES = ["fgt-north-01", "fgt-north-02", "fgt-south-01"]
SENSORS = {"sensor-north-01": "192.0.2.11", "sensor-south-01": "198.51.100.11"}
FORESCOUT = "forescout-01"
ROLES = {"fortigate": "fortigate_access", "sensor": "sensor_tokens", "forescout": "forescout_module"}


class Example:
    """Runs the collection's playbooks on the example inventory."""

    def __init__(self, node: Workspace) -> None:
        """Write the inventory that redirects hosts to the lab."""
        self.node = node
        self.overlay = node.inputs / "overlay.yml"
        self._overrides = node.inputs / "overrides.yml"
        self._verdict_file = node.folder / "verdicts.json"
        self.overlay.write_text(yaml.safe_dump({"all": {"hosts": self._hosts()}}))
        self.override(FORTIGATES[0])

    def override(self, host: str, **variables: Any) -> Example:
        """Override variables of one host in later runs. Without variables, remove the override."""
        return self.override_each({host: variables})

    def override_each(self, hosts: dict[str, dict[str, Any]]) -> Example:
        """Override variables of these hosts in later runs, and of no other."""
        self._overrides.write_text(yaml.safe_dump({"all": {"hosts": hosts}}))
        return self

    def playbook(self, name: str, *arguments: str, **environment: str | None) -> Run:
        """Run one of the collection's playbooks, with the secrets in the node's store."""
        inventories: list[Path] = [ROOT / "examples/inventory", self.overlay, self._overrides]
        store = f"--extra-vars=defender_iot_secret_store=vault_file:{self.node.store}"
        return self.node.playbook(
            COLLECTION + name, store, *arguments, inventories=inventories, **environment
        )

    @property
    def verdict_file_argument(self) -> str:
        """The argument with which the playbook `verify` writes its verdicts to a file."""
        return f"--extra-vars=defender_iot_verdict_file={self._verdict_file}"

    def verdicts(self) -> dict[str, dict[str, Any]]:
        """Verify the integrations, whatever the outcome. Return the verdicts by appliance."""
        run = self.playbook("verify", self.verdict_file_argument)
        assert run.code in (0, 2, 4), run.output
        return self.written_verdicts()

    def written_verdicts(self) -> dict[str, dict[str, Any]]:
        """Return the verdicts last written, by appliance."""
        return {each["appliance"]: each for each in json.loads(self._verdict_file.read_text())}

    def wait_for_poll(self, platform: str = FORESCOUT) -> None:
        """Wait until a Forescout platform has called its sensor."""
        wait_for(lambda: (self.node.lab.state(platform)["last_poll"] or {}).get("outcome") == "ok")

    def variables(self, name: str) -> dict[str, Any]:
        """Return the role variables that connect to an appliance of the lab."""
        kind = self.node.lab.appliances[name]["kind"]
        variables = self.node.host(name)
        if kind in ENDPOINTS:
            variables["endpoints"] = ENDPOINTS[kind]
        if kind == "forescout":
            account = {f"web_api_{name}": variables[name] for name in ("username", "password")}
            variables |= {"transport": "rest", **account, "reference_host": "198.51.100.12"}
        return {f"{ROLES[kind]}_{option}": value for option, value in variables.items()}

    def _hosts(self) -> dict[str, dict[str, Any]]:
        return {name: self.variables(name) for name in (*FORTIGATES, *SENSORS, FORESCOUT)}
