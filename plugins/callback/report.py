# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of a run: what was found or done, object by object, and what was not done."""

from __future__ import annotations

DOCUMENTATION = r"""
name: report
type: aggregate
short_description: Write what runs of this collection find or change as JSON, Markdown, JUnit and HTML
version_added: 0.1.0
description:
  - Collects from every task of this collection what it did to each object, or in check mode would do, and
    from every host that the plays are about whether it was reached at all. Writes a report in the end,
    also of a run that failed.
  - The playbooks of this collection bring it along, and so do your own that import one of them. For other
    playbooks add C(otsec.defender_iot.report) to C(callbacks_enabled) in C(ansible.cfg).
  - It does nothing until a folder is named, by the variable C(defender_iot_report) of a play or of the
    command line, or by the option below. Consecutive plays with the same folder make one report.
  - Secrets appear only as fingerprints. The guide C(docs/report.md) of this collection describes the files.
options:
  folder:
    description:
      - The folder to write to, where the variable C(defender_iot_report) is not set. A relative one begins
        where the run starts.
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
    """Hands what happens to the recorder. The second of two that were loaded does nothing."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "otsec.defender_iot.report"
    CALLBACK_NEEDS_ENABLED = False

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Be the one of this run, unless there is one already."""
        super().__init__(*arguments, **options)
        self.disabled = Recorder.current is not None
        if not self.disabled:
            self.recorder = Recorder.current = Recorder()

    def set_options(self, *arguments: Any, **options: Any) -> None:
        """Take the default folder."""
        super().set_options(*arguments, **options)
        if not self.disabled:
            self.recorder.default_folder = self.get_option("folder")

    def v2_playbook_on_start(self, playbook: Any) -> None:
        """Take the playbook."""
        self.recorder.start(playbook)

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """Take a play; one with another folder ends the report before."""
        if self.recorder.leaves(play):
            self._finish()
        self.recorder.enter(play)

    def v2_runner_on_ok(self, result: Any) -> None:
        """Note a success."""
        self.recorder.note(result, "ok")

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Note a failure."""
        self.recorder.note(result, "failed", ignored=ignore_errors)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """Note a host without an answer."""
        self.recorder.note(result, "unreachable")

    def v2_runner_on_skipped(self, result: Any) -> None:
        """Note a task that there was no need for."""
        self.recorder.note(result, "skipped")

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """End the report."""
        self._finish()

    def _finish(self) -> None:
        """Write what there is, and say it."""
        if not self.recorder.folder:
            return
        report = self.recorder.document()
        try:
            where = f"the report is in {self.recorder.write(report)}"
        except OSError as error:
            where = f"the report cannot be written: {error}"
        self._display.display("\n".join(["", "DEFENDER FOR IOT", *summary(report), where]))
        self.recorder.end()
