# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The predictions of a run in check mode, shared by its tasks.

Ansible runs each task in a process of its own, so the predictions are files. Their folder is in Ansible's own
temporary folder of the run, which Ansible deletes at the end.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from ...module_utils._engine.predictions import Predictions

FOLDER = "defender_iot_predictions"


class RunPredictions(Predictions):
    """The predictions for one host. Nothing is read or written until a task predicts or asks."""

    def __init__(self, run_folder: str, host: str) -> None:
        super().__init__()
        self.folder = Path(run_folder, FOLDER)
        self.host = host

    def note(self, path: str, name: str, *, exists: bool) -> None:
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self._file(path, name).write_text("exists" if exists else "deleted")

    def forget(self, path: str, name: str) -> None:
        self._file(path, name).unlink(missing_ok=True)

    def exists(self, path: str, name: str) -> bool | None:
        try:
            return self._file(path, name).read_text() == "exists"
        except FileNotFoundError:
            return None

    def _file(self, path: str, name: str) -> Path:
        about = "\0".join((self.host, path, name))
        return self.folder / hashlib.sha256(about.encode("utf-8", "surrogatepass")).hexdigest()
