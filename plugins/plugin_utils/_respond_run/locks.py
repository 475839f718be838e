# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The locks of a run: one for each site, held by the main process of ansible-playbook.

A task runs in a process of its own, which ends with the task. So a callback plugin takes the locks: the
kernel releases them when the run ends, also if it is killed. ``flock`` of the standard library does that;
a package for locks would only wrap it.
"""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from ...module_utils._engine.files import make_private_folder

NAME = ".respond.lock"
PAUSE = 0.2
LONGEST_MARK = 100


class SiteLocks:
    """The locks by their paths. ``current`` is that of the run, which a forked task can read."""

    current: ClassVar[SiteLocks | None] = None

    def __init__(self) -> None:
        self._held: dict[str, int] = {}
        self._unfinished: dict[str, str] = {}

    def take(self, path: str, seconds: float, mark: str = "") -> None:
        """Take a lock within some seconds. Afterwards, ``holds`` tells whether it worked.

        The file keeps the mark until the lock is released, so a killed run leaves it there.
        """
        if path in self._held:
            return
        descriptor = self._opened(path)
        end = time.monotonic() + seconds
        while descriptor is not None:
            with suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._held[path] = descriptor
                self._note(path, mark)
                return
            if time.monotonic() >= end:
                os.close(descriptor)
                return
            time.sleep(PAUSE)

    def _opened(self, path: str) -> int | None:
        with suppress(OSError):
            make_private_folder(Path(path).parent)
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        return None

    def _note(self, path: str, mark: str) -> None:
        descriptor = self._held[path]
        self._unfinished[path] = os.pread(descriptor, LONGEST_MARK, 0).decode(errors="replace")
        if not self._unfinished[path]:
            os.pwrite(descriptor, mark.encode(), 0)

    def unfinished(self, path: str) -> str:
        """Return the mark of an earlier run that was killed, an empty text if there is none."""
        return self._unfinished.get(path, "")

    def holds(self, path: str) -> bool:
        """Return whether this run has a lock."""
        return path in self._held

    def release(self, path: str) -> None:
        """Release a lock, if this run has it."""
        if path in self._held:
            descriptor = self._held.pop(path)
            with suppress(OSError):
                os.ftruncate(descriptor, 0)
            # A forked task may still have the file open.
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)

    def release_all(self) -> None:
        """Release the locks at the end of the run, also those of sites that failed."""
        for path in list(self._held):
            self.release(path)
