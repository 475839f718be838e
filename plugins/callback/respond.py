# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The locks of the role respond, and its exit code."""

from __future__ import annotations

DOCUMENTATION = r"""
name: respond
type: aggregate
short_description: Keep runs of the role respond apart, and set their exit code
version_added: 0.1.0
description:
  - Takes the lock of each site for the role C(respond). The main process of the run holds it, so the kernel
    releases it when the run ends, even if the run is killed.
  - Lets C(ansible-playbook) exit with 3 if the only failure of a run is that a cap stopped new blocks.
    Without the plugin, the exit code is 2.
  - The playbooks of this collection include the plugin, and so do your playbooks that import one of them. For
    other playbooks add C(otsec.defender_iot.respond) to C(callbacks_enabled) in C(ansible.cfg).
author:
  - The otsec.defender_iot authors (@otsec)
"""

import sys
from typing import Any

from ansible.plugins.callback import CallbackBase

from ansible_collections.otsec.defender_iot.plugins.plugin_utils._respond_run.locks import SiteLocks

LOCK = "otsec.defender_iot.respond_lock"
OUTCOME = "otsec.defender_iot.respond_outcome"
CAPPED = 3
HOSTS_FAILED = 2


class CallbackModule(CallbackBase):
    """Runs in Ansible's main process. If a playbook loads it twice, the second instance does nothing."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "otsec.defender_iot.respond"
    CALLBACK_NEEDS_ENABLED = False

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Keep the locks of the run, unless another instance does."""
        super().__init__(*arguments, **options)
        self.disabled = SiteLocks.current is not None
        if not self.disabled:
            self.locks = SiteLocks.current = SiteLocks()
        self.capped: set[str] = set()

    def v2_runner_on_ok(self, result: Any) -> None:
        """Take the lock that a task asks for, or release it."""
        if _action(result) == LOCK and "lock" in result._result:
            asked = result._result
            self.locks.take(asked["lock"], asked["seconds"], asked.get("mark", ""))
        self._release(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Record an exceeded cap."""
        if _action(result) == OUTCOME and result._result.get("exit_code") == CAPPED:
            self.capped.add(result._host.get_name())
        self._release(result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """Release the lock of a site that is done."""
        self._release(result)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Release what is left, and set the exit code if no host failed for another reason."""
        self.locks.release_all()
        if self.capped and set(stats.failures) <= self.capped:
            _replace_exit_code()

    def _release(self, result: Any) -> None:
        if _action(result) == OUTCOME and "lock" in result._result:
            self.locks.release(result._result["lock"])


def _action(result: Any) -> str:
    return str(result._task.resolved_action or result._task.action)


def _replace_exit_code() -> None:
    """Let the process exit with 3 where Ansible would exit with 2.

    Ansible has no exit code for a plugin to set. To raise SystemExit here would keep the end of the run from
    the callback plugins that come later.
    """
    leave = sys.exit

    def exit_capped(status: Any = None) -> None:
        leave(CAPPED if status == HOSTS_FAILED else status)

    sys.exit = exit_capped  # type: ignore[assignment]
