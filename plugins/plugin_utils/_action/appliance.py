# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action behind every module for an appliance: runs the module in the control node's worker process.

A module process for each task would cost many times more than the work itself, and only the control node has
the vault secrets.
"""

from __future__ import annotations

import gc
from typing import Any, ClassVar

from ansible.plugins.action import ActionBase

from ...module_utils._engine.errors import InvalidOptions
from ...module_utils._module.run import Module, run
from ...module_utils._module.untagged import plain
from .control_node import ControlNode
from .prefork import load_endpoint_maps, load_jinja_plugins, load_store
from .role_arguments import check_arguments
from .role_variables import check_task

# Ansible imports an action before it forks the workers, which inherit what is loaded here.
load_jinja_plugins()
load_store()


class ApplianceAction(ActionBase):
    """Runs one module. If the task is delegated to a host with a connection, the requests start there."""

    # Ansible replaces a network connection such as httpapi by the local one. Otherwise it would log in to the
    # appliance before the action runs.
    _requires_connection = False

    module: ClassVar[Module]

    def __init_subclass__(cls) -> None:
        """Load the validation of endpoint maps before Ansible forks, if the module has the option."""
        if "endpoints" in cls.module.arguments.spec:
            load_endpoint_maps()

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        # Ansible has forked this process for this task. Otherwise, collecting garbage copies memory that the
        # workers share: a run on 1,000 FortiGates takes 329 MB instead of 212.
        gc.freeze()
        super().run(tmp, task_vars)
        node = ControlNode(self, self.module, task_vars or {})
        try:
            check_task(self._task, self._loader, node.task_vars)
            check_arguments(self._task._role, self._templar, node.task_vars, self.module.arguments.spec)
        except InvalidOptions as error:
            return {"failed": True, "msg": error.sentence(node.host)}
        return run(self.module, plain(self._task.args), node)
