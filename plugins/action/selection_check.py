# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fails if the tags and the limit of a run select nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils._report.recorder import Recorder

NO_RECORDER = (
    "the callback plugin otsec.defender_iot.report is not loaded, so nothing is known; "
    "add it to callbacks_enabled"
)


class ActionModule(ActionBase):
    """Reads the recorder of the main process, of which this process is a fork."""

    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return whether another task of the run has run."""
        super().run(tmp, task_vars)
        recorder = Recorder.current
        if recorder is None:
            return {"failed": True, "msg": NO_RECORDER}
        if recorder.has_run or recorder.plays_follow():
            return {"changed": False, "selected": recorder.has_run or None}
        return {"failed": True, "msg": _refusal(task_vars or {})}


def _refusal(variables: Mapping[str, Any]) -> str:
    """Return the message, with the options of the command line that select nothing.

    Tasks with the tag always have run whatever the tags: they check the arguments of the roles.
    """
    tags, skipped = (list(variables.get(f"ansible_{name}_tags", ())) for name in ("run", "skip"))
    given = {
        "--tags": ",".join(tags) if tags != ["all"] else "",
        "--skip-tags": ",".join(skipped),
        "--limit": variables.get("ansible_limit", ""),
    }
    options = " and ".join(f"{option} {value}" for option, value in given.items() if value)
    if options:
        return f"nothing was done: {options} selected no task on any host; change or remove it"
    return (
        "nothing was done: the inventory has no hosts for this playbook; check the inventory and its groups"
    )
