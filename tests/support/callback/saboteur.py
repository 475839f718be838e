# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A callback that makes a run fail at a chosen step, in the process that carries out the task.

Ansible loads it before it forks its workers. It counts a task's writes to the store and intercepts its
requests, so that the product code needs no hooks for tests.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests
from ansible.plugins.callback import CallbackBase

from ansible_collections.otsec.defender_iot.plugins.plugin_utils._action.appliance import (
    ApplianceAction,
)
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._secrets.stores.vault_file import VaultFile
from ansible_collections.otsec.defender_iot.tests.support.patience import STEP_SECONDS

DOCUMENTATION = r"""
name: saboteur
type: aggregate
short_description: Make a run fail at a chosen step
description:
  - Reads the file in the environment variable SABOTAGE_FILE, a mapping from host to rule. Writes a file for
    each host that stops into the folder in SABOTAGE_FOLDER.
  - A rule has C(steps), C(phase) and C(act). A step is C(write N) or C(delete N), counted for each task, or
    a method and the beginning of a path.
requirements: []
"""

REFUSALS = {"full": errno.ENOSPC, "read_only": errno.EROFS, "denied": errno.EACCES}


class CallbackModule(CallbackBase):
    """Has no callbacks. Loading it installs the saboteur."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "saboteur"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        rules = json.loads(Path(os.environ["SABOTAGE_FILE"]).read_text(encoding="utf-8"))
        Saboteur(rules, Path(os.environ["SABOTAGE_FOLDER"])).install()


class Saboteur:
    """Makes the task fail at the step in the rule of its host."""

    def __init__(self, rules: dict[str, Any], folder: Path) -> None:
        """`folder` gets a file for each host that has stopped."""
        self.rules = rules
        self.folder = folder
        self.host = ""
        self.counts = {"write": 0, "delete": 0}
        self.step: str | None = None

    def install(self) -> None:
        """Wrap the functions that every task calls."""
        self._wrap(ApplianceAction, "run", self._run)
        self._wrap(VaultFile, "write", self._stored("write"))
        self._wrap(VaultFile, "delete", self._stored("delete"))
        self._wrap(requests.Session, "send", self._send)
        self._wrap(os, "fsync", self._fsync)

    def _wrap(self, place: Any, name: str, wrapper: Callable[..., Any]) -> None:
        original = getattr(place, name)
        setattr(place, name, lambda *args, **options: wrapper(original, *args, **options))

    def _run(self, original: Any, action: Any, tmp: Any = None, task_vars: Any = None) -> Any:
        self.host = task_vars["inventory_hostname"]
        self.counts = {"write": 0, "delete": 0}
        return original(action, tmp, task_vars)

    def _stored(self, kind: str) -> Callable[..., Any]:
        def stored(original: Any, store: Any, *arguments: Any) -> Any:
            self.counts[kind] += 1
            step = f"{kind} {self.counts[kind]}"
            if self._act(step, "before") == "forget":
                return arguments[-1]
            self.step = step
            try:
                result = original(store, *arguments)
            finally:
                self.step = None
            self._act(step, "after")
            return result

        return stored

    def _fsync(self, original: Any, descriptor: int) -> None:
        """Act at the first fsync of a write: its temporary file is complete but not renamed yet."""
        step, self.step = self.step, None
        if step:
            self._act(step, "half")
        original(descriptor)

    def _send(self, original: Any, session: Any, request: Any, **options: Any) -> Any:
        step = f"{request.method} {request.path_url}"
        self._act(step, "before")
        answer = original(session, request, **options)
        self._act(step, "after")
        return answer

    def _act(self, step: str, phase: str) -> str | None:
        rule = self.rules.get(self.host)
        if not rule or rule["phase"] != phase or not any(_fits(step, each) for each in rule["steps"]):
            return None
        act = str(rule["act"])
        if act == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if act in REFUSALS:
            raise OSError(REFUSALS[act], os.strerror(REFUSALS[act]))
        if act == "lose":
            raise requests.ConnectionError
        if act == "stop":
            self._stop()
        return act

    def _stop(self) -> None:
        """Write the host's file and wait until it is deleted. Only the first time."""
        del self.rules[self.host]
        mark = self.folder / self.host
        mark.with_suffix(".tmp").write_text(f"{os.getpid()} {os.getppid()}", encoding="utf-8")
        mark.with_suffix(".tmp").replace(mark)
        deadline = time.monotonic() + STEP_SECONDS
        while mark.exists() and time.monotonic() < deadline:
            time.sleep(0.02)


def _fits(step: str, wanted: str) -> bool:
    return step == wanted or ("/" in wanted and step.startswith(wanted))
