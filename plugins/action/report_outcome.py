# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sets the exit code of a run from its report or its verdicts."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils._report.recorder import Recorder
from ..plugin_utils._report.sentences import headline
from ..plugin_utils._report.verification import outcome

NO_REPORT = (
    "no report is enabled, so nothing is known; set defender_iot_report to a folder, and in a playbook "
    "that imports none of this collection, add otsec.defender_iot.report to callbacks_enabled"
)
FLAGS = {"drift": "failed", "not_verified": "failed", "unknown": "unreachable"}


class ActionModule(ActionBase):
    """Reads the recorder of the main process, of which this process is a fork."""

    _requires_connection = False
    _VALID_ARGS = frozenset({"verification"})

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the state: failed for drift and not_verified, unreachable for unknown."""
        super().run(tmp, task_vars)
        verification = self._task.args.get("verification")
        state, sentence = outcome(**verification) if verification else _of_report()
        flag = {FLAGS[state]: True} if state in FLAGS else {}
        # A success is shown without -v too.
        return {"changed": False, "state": state, "msg": sentence, "_ansible_verbose_always": True, **flag}


def _of_report() -> tuple[str, str]:
    recorder = Recorder.current
    if recorder is None or not recorder.folder:
        return "unknown", NO_REPORT
    report = recorder.document()
    return report["state"], headline(report)
