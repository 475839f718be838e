# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of a run: every object, its planned or made changes, and every appliance that was not done."""

from __future__ import annotations

DOCUMENTATION = r"""
name: report
type: aggregate
short_description: Write a report of planned or made changes as JSON, Markdown, JUnit and HTML
version_added: 0.1.0
description:
  - Records what every task of this collection did to each object, or would do in check mode, and whether
    every host of the plays was reached. Writes a report at the end of the run, even if the run fails.
  - The playbooks of this collection include the plugin, and so do your playbooks that import one of them. For
    other playbooks add C(otsec.defender_iot.report) to C(callbacks_enabled) in C(ansible.cfg).
  - It does nothing unless a folder is set, with the variable C(defender_iot_report) of a play or of the
    command line, or with the option below. Consecutive plays with the same folder share a report.
  - Secrets appear only as fingerprints. The guide C(docs/report.md) of this collection describes the files.
options:
  folder:
    description:
      - Folder of the report, if the variable C(defender_iot_report) is not set. A relative folder starts at
        the working directory of the run.
    type: str
    default: ""
    env:
      - name: DEFENDER_IOT_REPORT
    ini:
      - section: defender_iot
        key: report
author:
  - The otsec.defender_iot authors (@otsec)
"""

from typing import Any

from ansible.plugins.callback import CallbackBase

from ansible_collections.otsec.defender_iot.plugins.plugin_utils._report.recorder import Recorder
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._report.sentences import summary


class CallbackModule(CallbackBase):
    """Passes events to the recorder. If a playbook loads it twice, the second instance does nothing."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "otsec.defender_iot.report"
    CALLBACK_NEEDS_ENABLED = False

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Become the recorder of the run, unless another instance is."""
        super().__init__(*arguments, **options)
        self.disabled = Recorder.current is not None
        if not self.disabled:
            self.recorder = Recorder.current = Recorder()

    def set_options(self, *arguments: Any, **options: Any) -> None:
        """Set the default folder."""
        super().set_options(*arguments, **options)
        if not self.disabled:
            self.recorder.default_folder = self.get_option("folder")

    def v2_playbook_on_start(self, playbook: Any) -> None:
        """Start the recording."""
        self.recorder.start(playbook)

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """Record a play. A play with another folder ends the previous report."""
        if self.recorder.leaves(play):
            self._finish()
        self.recorder.enter(play)

    def v2_runner_on_ok(self, result: Any) -> None:
        """Record a success."""
        self.recorder.note(result, "ok")

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Record a failure."""
        self.recorder.note(result, "failed", ignored=ignore_errors)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """Record an unreachable host."""
        self.recorder.note(result, "unreachable")

    def v2_runner_on_skipped(self, result: Any) -> None:
        """Record a skipped task."""
        self.recorder.note(result, "skipped")

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Write the report."""
        self._finish()

    def _finish(self) -> None:
        """Write the report and print its summary."""
        if not self.recorder.folder:
            return
        report = self.recorder.document()
        try:
            where = f"the report is in {self.recorder.write(report)}"
        except OSError as error:
            where = f"the report cannot be written: {error}"
        self._display.display("\n".join(["", "DEFENDER FOR IOT", *summary(report), where]))
        self.recorder.end()
