# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The base of the actions of the role respond: options, errors and the outcome of a site."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from ansible.plugins.action import ActionBase

from ...module_utils._engine.errors import InvalidOptions, TaskError, attempting
from ...module_utils._module.arguments import Arguments
from ...module_utils._module.untagged import plain
from .._action.option_variables import variables_of, with_variables
from .._action.role_variables import check_task
from .files import unwritable

Result = dict[str, Any]


class RespondAction(ActionBase):
    """Works on one site, on the control node. It contacts no appliance."""

    _requires_connection = False
    arguments: ClassVar[Arguments]
    attempt: ClassVar[str]

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> Result:
        """Return the result, on success and on failure."""
        super().run(tmp, task_vars)
        self.variables: Mapping[str, Any] = task_vars or {}
        self.host = str(self.variables["inventory_hostname"])
        try:
            check_task(self._task, self._loader, self.variables)
            options, _hidden = self.arguments.validate(plain(self._task.args))
            with attempting(self.attempt):
                return self._work(options)
        except TaskError as error:
            names = variables_of(self._task._role, self.variables)
            error.why, error.remedy = (with_variables(each, names) for each in (error.why, error.remedy))
            return {"failed": True, "msg": error.sentence(self.host)}

    def _work(self, options: dict[str, Any]) -> Result:
        try:
            return self.work(options)
        except OSError as error:
            raise unwritable(error) from None

    def work(self, options: dict[str, Any]) -> Result:
        """Do the work of the action with validated options. Raises TaskError and OSError."""
        raise NotImplementedError

    def require_hosts(self, option: str, names: Iterable[str]) -> None:
        """Raise InvalidOptions if the inventory lacks one of these hosts."""
        unknown = [name for name in names if name not in self.variables["hostvars"]]
        if unknown:
            raise InvalidOptions(
                f"{option} has {', '.join(unknown)}, which the inventory does not have",
                f"correct {option}, or add the host to the inventory",
            )

    @property
    def is_predicted(self) -> bool:
        """Whether the task runs in check mode, and so writes no file."""
        return bool(self._task.check_mode)
