# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One plugin of a Forescout platform: the nodes that have it enabled, its status, and its restart.

The output was observed for other plugins.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any

from .._engine.errors import ApplianceError, NotFound, Unreachable, Unsupported
from .._engine.shell import CommandResult
from .fstool_nodes import EM, Nodes

ALL = "all"
POLL_SECONDS = 1.0
STATE = re.compile(r"^\s*([\w.-]+)\s*=\s*(true|false)\s*$", re.MULTILINE)
NOT_RUNNING = re.compile(r"\bnot\b.*\brunning\b", re.IGNORECASE)
RUNNING = re.compile(r"\brunning\b", re.IGNORECASE)


def plugin_states(text: str) -> dict[str, bool]:
    """Parse the output of ``fstool plugin NAME list``: whether each plugin is enabled."""
    return {name: state == "true" for name, state in STATE.findall(text)}


def is_running(text: str) -> bool | None:
    """Parse the output of a plugin's status: whether it runs, None if the output says neither."""
    if NOT_RUNNING.search(text):
        return False
    return True if RUNNING.search(text) else None


class Plugin:
    """The plugin of a task, on every node of the task."""

    def __init__(self, nodes: Nodes, params: Mapping[str, Any]) -> None:
        self.nodes = nodes
        self.name = str(params["plugin_name"] or "")
        self.wanted_nodes: list[str] = params["nodes"]
        self.restart_seconds = int(params.get("restart_timeout") or 0)
        self.seen_running: set[str] = set()

    def participants(self) -> list[str]:
        """Return the nodes of the task. Raises ApplianceError for a node without the enabled plugin."""
        if self.wanted_nodes == [ALL]:
            return self._enabled_everywhere()
        for node in self.wanted_nodes:
            self._require_enabled(node, self._listed(node, self.name))
        return list(self.wanted_nodes)

    def states(self, names: list[str]) -> dict[str, bool]:
        """Return which plugins are enabled. The query must name a plugin that fstool knows."""
        for anchor in [self.name] if self.name else names:
            states = plugin_states(self._listed(EM, anchor).out)
            if states:
                return states
        raise NotFound(
            f'on {EM} the plugin "{self.name}" does not exist'
            if self.name
            else f"{self.nodes.fstool_path} knows none of the installed plugins",
            "omit plugin_name to list the plugins" if self.name else "check fstool_path and install_path",
        )

    def runs(self, node: str) -> bool | None:
        """Return whether the plugin runs, None if unknown. After a restart this needs no query."""
        if node in self.seen_running:
            return True
        try:
            return is_running(self._status(node).out)
        except ApplianceError:  # The settings are known, so an unknown status is no failure.
            return None

    def restart(self, node: str) -> None:
        """Restart the plugin once, and wait until it runs."""
        self.seen_running.discard(node)
        answer = self.nodes.run(node, self.nodes.call(self.name, "restart"), self.restart_seconds)
        self.nodes.expect(node, answer, f'restarting "{self.name}"')
        deadline = time.monotonic() + self.restart_seconds
        while not is_running((answer := self._status(node)).out):
            if time.monotonic() > deadline:
                raise ApplianceError(
                    f'on {node} the plugin "{self.name}" does not run {self.restart_seconds} seconds after '
                    f"its restart ({answer.said})",
                    "check the plugin in the Console, or increase restart_timeout",
                )
            time.sleep(POLL_SECONDS)
        self.seen_running.add(node)

    def _status(self, node: str) -> CommandResult:
        """Query in both observed forms: which one a plugin supports is not known."""
        first, second = self.nodes.call(self.name, "status"), self.nodes.call("plugin", self.name, "status")
        return self.nodes.run(node, f"{{ {first} || {second}; }} 2>&1", self.nodes.seconds)

    def _listed(self, node: str, anchor: str) -> CommandResult:
        return self.nodes.fstool(node, "plugin", anchor, "list")

    def _enabled_everywhere(self) -> list[str]:
        own = self._listed(EM, self.name)
        answers = {EM: own.out, **self.nodes.on_each("plugin", self.name, "list")}
        silent = [node for node, text in answers.items() if node != EM and not _answered(text)]
        if silent:
            raise Unreachable(
                f"fstool oneach got no answer from {' and '.join(silent)}, so nothing was changed",
                "check these nodes, or set nodes to the nodes to configure",
            )
        enabled = [node for node, text in answers.items() if plugin_states(text).get(self.name)]
        if not enabled:
            self._require_enabled(EM, own)
        return enabled

    def _require_enabled(self, node: str, answer: CommandResult) -> None:
        states = plugin_states(answer.out)
        if not _answered(answer.out):
            self.nodes.expect(node, answer, "listing the plugins")
            raise ApplianceError(
                f"on {node} {self.nodes.fstool_path} lists no plugins ({answer.said})", "check fstool_path"
            )
        if self.name not in states:
            raise NotFound(
                f'on {node} the plugin "{self.name}" does not exist',
                "list the plugins with forescout_module_info and discover, and set plugin_name",
            )
        if not states[self.name]:
            raise Unsupported(
                f'on {node} the plugin "{self.name}" is not enabled', "enable it in the Console"
            )


def _answered(text: str) -> bool:
    return bool(plugin_states(text)) or "does not exist" in text
