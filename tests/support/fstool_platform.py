# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Forescout platform whose module is set by fstool, with the OpenSSH client."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from . import lab as labs
from .example import FORESCOUT
from .shared_runs import Step, TaskRuns
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
        # Not below the test's folder, because the path of a socket is limited to about 100 characters.
        self._sockets = tempfile.TemporaryDirectory(prefix="fstool-")
        self.ssh = node.lab.appliances[name]["ssh"]
        self.token = node.lab.make_token(SENSOR, "forescout")
        node.keep(entry, value=self.token)
        self.connect(**variables)

    def host(self, **variables: Any) -> dict[str, Any]:
        """Return the variables of the platform's inventory host.

        As with Ansible's defaults, its commands share a connection, here to save the time of handshakes.
        """
        ways = self.node.by_ssh(self.name)
        sockets = f"-o ControlMaster=auto -o ControlPersist=60 -o ControlPath={self._sockets.name}/%C"
        ways["ansible_ssh_args"] = ways["ansible_ssh_args"].replace("-o ControlPath=none", sockets)
        return self.node.host(self.name, **{**ways, **variables})

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

    def step(self, *tasks: Task) -> Step:
        """Return the step that runs tasks in order, even if one fails."""
        return Step(tasks, ("--diff",))

    def once(self, **options: Any) -> Step:
        """Return the step that runs the task once."""
        return self.step(self.task(**options))

    def switch(self, **options: Any) -> None:
        """Change options of the platform."""
        self.node.lab.switch(self.name, **options)

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


@contextmanager
def many_platforms(folder: Path, tree: Path, number: int) -> Iterator[TaskRuns]:
    """Run a lab with that many platforms, for tests that share their runs."""
    appliances: list[dict[str, Any]] = [{"name": SENSOR, "kind": "sensor", "address": ADDRESS}]
    for each in range(1, number + 1):
        options = {"poll_interval": 86400}
        address = f"192.0.2.{20 + each}"
        appliances.append(
            {"name": f"fs-{each:02}", "kind": "forescout", "address": address, "options": options}
        )
    (folder / "lab").mkdir()
    with labs.running_lab(folder / "lab", appliances) as lab:
        yield TaskRuns(Workspace(folder / "node", tree, lab))


def platform_of(runs: TaskRuns, number: int) -> Platform:
    """Return the platform of a test that shares its runs."""
    name = f"fs-{number:02}"
    platform = Platform(runs.node, name, entry=name)
    runs.hosts[name] = platform.host()
    return platform


def checked(task_: Task) -> Task:
    """Return a task in check mode."""
    return {**task_, "check_mode": True}
