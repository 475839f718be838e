# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Paths that are not regular files, and a limit for code that would wait for them."""

from __future__ import annotations

import os
import signal
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

BLOCKED_SECONDS = 20
"""Opening a named pipe waits forever. Nothing else in these tests takes as long."""


IRREGULAR: dict[str, Callable[[Path], Any]] = {
    "a named pipe": os.mkfifo,
    "a socket": lambda path: os.mknod(path, stat.S_IFSOCK | 0o600),
    "a directory": os.mkdir,
}
"""How to create each, by its name in messages. Devices need root: see /dev/null."""


@contextmanager
def not_blocking() -> Iterator[None]:
    """Fail if what is inside blocks."""

    def fail(*_arguments: Any) -> None:
        raise AssertionError("it blocks")

    before = signal.signal(signal.SIGALRM, fail)
    signal.alarm(BLOCKED_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
