# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Searches for secrets where they must not be: in files, archives, texts and command lines of processes."""

from __future__ import annotations

import os
import threading
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PAUSE_SECONDS = 0.02


def leaked(secrets: Iterable[str], text: str | bytes) -> list[str]:
    """Return the secrets that a text contains."""
    content = text.encode() if isinstance(text, str) else text
    return [secret for secret in secrets if secret.encode() in content]


def files_with(secrets: Iterable[str], folder: Path, *allowed: Path) -> list[Path]:
    """Return the files below a folder that contain a secret, except those below the allowed folders."""
    wanted = list(secrets)
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    watched = [path for path in files if not any(path.is_relative_to(each) for each in allowed)]
    return [path for path in watched if any(leaked(wanted, content) for content in _contents(path))]


def _contents(path: Path) -> Iterator[bytes]:
    """Yield the bytes of a file, and those of its members if it is a ZIP archive."""
    yield path.read_bytes()
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            yield from map(archive.read, archive.namelist())


class CommandLines:
    """The command lines of this process and its descendants during a block."""

    def __init__(self) -> None:
        self.seen: set[bytes] = set()
        self._processes: list[str] = []
        self._newest = b""

    def look(self) -> None:
        """Add the command lines of the running processes, which may have changed since the last look."""
        # The last PID of this machine. While it stays the same, no process has been added.
        newest = _read("/proc/loadavg").split()[-1]
        if newest != self._newest:
            self._processes = list(_family(str(os.getpid())))
            self._newest = newest
        for process in self._processes:
            try:
                self.seen.add(_read(f"/proc/{process}/cmdline"))
            except OSError:
                # A process that ends while its parent's children are listed can hide another one.
                self._newest = b""


def _family(process: str) -> Iterator[str]:
    """Yield a process and its descendants. Other users may run the same tests."""
    yield process
    with suppress(OSError):
        for thread in os.listdir(f"/proc/{process}/task"):  # noqa: PTH208
            for child in _read(f"/proc/{process}/task/{thread}/children").split():
                yield from _family(child.decode())


def _read(path: str) -> bytes:
    """Return the content of a file in /proc. Watching reads thousands of them, at half of pathlib's cost."""
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123
        return file.read()


@contextmanager
def watched_command_lines() -> Iterator[CommandLines]:
    """Read the command lines of all processes repeatedly while the block runs."""
    lines = CommandLines()
    done = threading.Event()

    def watch() -> None:
        while not done.wait(PAUSE_SECONDS):
            lines.look()

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield lines
    finally:
        done.set()
        thread.join()
