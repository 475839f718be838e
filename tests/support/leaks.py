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

    def look(self) -> None:
        """Add the command lines of the running processes."""
        parents = _parents()
        for process in parents:
            if _descends(process, parents):
                with suppress(OSError):
                    self.seen.add(_read(f"/proc/{process}/cmdline"))


def _parents() -> dict[int, int]:
    """Return the parent of each process."""
    parents = {}
    with os.scandir("/proc") as entries:
        processes = [entry.name for entry in entries if entry.name.isdigit()]
    for process in processes:
        with suppress(OSError):
            parents[int(process)] = int(_read(f"/proc/{process}/stat").rpartition(b")")[2].split()[1])
    return parents


def _read(path: str) -> bytes:
    """Return the content of a file in /proc. Watching reads thousands of them, at half of pathlib's cost."""
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123
        return file.read()


def _descends(process: int, parents: dict[int, int]) -> bool:
    """Return whether a process is this one or its descendant. Other users may run the same tests."""
    while process in parents and process != os.getpid():
        process = parents[process]
    return process == os.getpid()


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
