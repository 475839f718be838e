# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ends a run with the result that its report shows."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils._report.recorder import Recorder
from ..plugin_utils._report.sentences import headline

NO_REPORT = (
    "no report is written, so the result of the run is unknown; set defender_iot_report to a folder, and add "
    "otsec.defender_iot.report to callbacks_enabled in a playbook that imports none of this collection's"
)
FLAGS = {"drift": "failed", "unknown": "unreachable"}


class ActionModule(ActionBase):
    """Reports the result of the run. The worker inherits what the main process has recorded."""

    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        recorder = Recorder.current
        state, sentence = "unknown", NO_REPORT
        if recorder is not None and recorder.folder:
            report = recorder.document()
            state, sentence = report["state"], headline(report)
        flag = {FLAGS[state]: True} if state in FLAGS else {}
        return {"changed": False, "state": state, "msg": sentence, **flag}
