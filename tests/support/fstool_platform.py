# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Forescout platform whose module is set by fstool, with the OpenSSH client."""

from __future__ import annotations

from typing import Any

from .example import FORESCOUT
from .workspace import Result, Run, Task, Workspace, play, task

SENSOR, ADDRESS = "sensor-north-01", "192.0.2.11"
EM, CA_1, CA_2 = "em", "203.0.113.201", "203.0.113.202"


class Platform:
    """The lab's Forescout, and a control node with an inventory host that connects to it by SSH."""

    def __init__(
        self, node: Workspace, name: str = FORESCOUT, entry: str = "token", **variables: Any
    ) -> None:
        """Create a token on the sensor and store it. `variables` are added to those of the host.

        `name` is the platform's in the lab, `entry` the token's in the store.
        """
        self.node = node
        self.name = name
        self.entry = entry
        self.ssh = node.lab.appliances[name]["ssh"]
        self.token = node.lab.make_token(SENSOR, "forescout")
        node.keep(entry, value=self.token)
        self.connect(**variables)

    def host(self, **variables: Any) -> dict[str, Any]:
        """Return the variables of the platform's inventory host."""
        return self.node.host(self.name, **{**self.node.by_ssh(self.name), **variables})

    def connect(self, **variables: Any) -> None:
        """Write an inventory with only this platform."""
        self.node.inventory(fs=self.host(**variables))

    def task(self, **options: Any) -> Task:
        """Return the task that sets the module."""
        return task(
            "forescout_module",
            **{
                **self.how,
                "server_address": ADDRESS,
                "access_token_ref": self.node.ref(self.entry),
                "restart_timeout": 5,
                **options,
            },
        )

    def info(self, **options: Any) -> Task:
        """Return the task that reads the module."""
        return task("forescout_module_info", **{**self.how, **options})

    @property
    def how(self) -> dict[str, Any]:
        """The options of the transport fstool."""
        return {
            "transport": "fstool",
            **{name: self.ssh[name] for name in ("plugin_name", "property_keys", "install_path")},
        }

    def run(self, *tasks: Task, arguments: tuple[str, ...] = ("--diff",), **environment: str) -> Run:
        """Run tasks in order, even if one fails."""
        tolerant = [{**each, "ignore_errors": True, "ignore_unreachable": True} for each in tasks]
        return self.node.run(play(*tolerant), arguments=arguments, **environment)

    def one(self, **options: Any) -> Result:
        """Run the task once and return its result."""
        return self.run(self.task(**options)).one("fs")

    @property
    def nodes(self) -> dict[str, Any]:
        """The state of each node in the lab."""
        return self.node.lab.state(self.name)["nodes"]

    @property
    def restarts(self) -> dict[str, int]:
        """The number of plugin restarts on each node."""
        return {name: node["restarts"] for name, node in self.nodes.items()}

    @property
    def module(self) -> dict[str, str]:
        """The settings that the module uses."""
        return self.node.lab.state(self.name)["module"]

    def kept_address(self, name: str) -> str:
        """Return the address in the store of one node."""
        return str(self.nodes[name]["store"].get(self.ssh["property_keys"]["server_address"]))

    def is_untouched(self) -> bool:
        """Return whether no node was written or restarted, and none has a backup file."""
        return all(
            not node["restarts"]
            and node["files"] == ["local.properties"]
            and not [call for call in node["calls"] if "set_property" in call]
            for node in self.nodes.values()
        )


def checked(task_: Task) -> Task:
    """Return a task in check mode."""
    return {**task_, "check_mode": True}
