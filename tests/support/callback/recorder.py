# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A callback that writes every result of a run as a line of JSON, with one line for each loop item."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: recorder
type: aggregate
short_description: Write results as lines of JSON
description:
  - Appends to the file in the environment variable RECORDER_FILE.
  - It receives the same data as every callback, so values hidden from callbacks are hidden here too.
requirements: []
"""


class CallbackModule(CallbackBase):
    """Records results and, at the end, the recap of each host."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "recorder"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._file = Path(os.environ["RECORDER_FILE"]).open("a", encoding="utf-8")  # noqa: SIM115

    def v2_runner_on_ok(self, result: Any) -> None:
        self._record("ok", result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._record("failed", result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._record("unreachable", result)

    def v2_runner_item_on_ok(self, result: Any) -> None:
        self._record("ok", result)

    def v2_runner_item_on_failed(self, result: Any) -> None:
        self._record("failed", result)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        self._write({"stats": {host: stats.summarize(host) for host in stats.processed}})

    def _record(self, status: str, result: Any) -> None:
        data = result._result
        if "results" in data and result._task.loop:
            return
        self._write(
            {
                "status": status,
                "host": result._host.get_name(),
                "task": result._task.get_name(),
                "module": result._task.action,
                "data": data,
            }
        )

    def _write(self, line: dict[str, Any]) -> None:
        self._file.write(json.dumps(line, default=str) + "\n")
        self._file.flush()
