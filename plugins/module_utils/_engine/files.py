# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that the collection reads and writes: only regular ones. All functions raise OSError."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import IO, Union

PathLike = Union[str, "os.PathLike[str]"]

IRREGULAR = {
    stat.S_IFDIR: (errno.EISDIR, "a directory"),
    stat.S_IFIFO: (errno.EINVAL, "a named pipe"),
    stat.S_IFSOCK: (errno.EINVAL, "a socket"),
    stat.S_IFLNK: (errno.ELOOP, "a symbolic link"),
}
DEVICE = (errno.EINVAL, "a device")


def refuse_irregular(path: PathLike, *, follow_links: bool = True) -> None:
    """Raise OSError if a path exists and is not a regular file.

    Opening it could do harm: a named pipe blocks until another process opens it, and a device may act.
    """
    try:
        mode = os.stat(path, follow_symlinks=follow_links).st_mode  # noqa: PTH116 Path.stat has no follow_symlinks in 3.9
    except OSError:
        return  # Whatever opens the path reports the reason.
    _refuse(path, mode)


def open_regular(path: PathLike, *, follow_links: bool = True) -> IO[bytes]:
    """Open a regular file for reading. It never blocks, even if the path is replaced in between."""
    refuse_irregular(path, follow_links=follow_links)
    flags = os.O_RDONLY | os.O_NONBLOCK | (0 if follow_links else os.O_NOFOLLOW)
    return os.fdopen(_regular(path, flags), "rb")


def overwrite_regular(path: PathLike, content: bytes) -> None:
    """Replace the content of a regular file, or create one. It never blocks. Links are followed."""
    refuse_irregular(path)
    with os.fdopen(_regular(path, os.O_WRONLY | os.O_CREAT | os.O_NONBLOCK), "wb") as file:
        file.truncate(0)
        file.write(content)


def make_private_folder(folder: Path) -> None:
    """Create a folder and its missing parents, each with mode 0700.

    ``Path.mkdir(mode, parents=True)`` would give the parents the default mode.
    """
    if not folder.is_dir():
        make_private_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def _regular(path: PathLike, flags: int) -> int:
    descriptor = os.open(path, flags, 0o666)
    try:
        _refuse(path, os.fstat(descriptor).st_mode)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _refuse(path: PathLike, mode: int) -> None:
    if not stat.S_ISREG(mode):
        number, kind = IRREGULAR.get(stat.S_IFMT(mode), DEVICE)
        raise OSError(number, f"it is {kind}, not a regular file", os.fspath(path))
