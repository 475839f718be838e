# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Environments in .cache for what must not be, or need not be, in the project's own."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def ensure(name: str, *requirements: str, complete: Callable[[Path], None] = lambda _folder: None) -> Path:
    """Make `.cache/NAME` of the first of some files in `requirements`, where it is out of date.

    Args:
        name: what the folder in `.cache` is called.
        requirements: all the files that the environment depends on.
        complete: does to the folder what is left to do once the packages are there.

    Returns:
        the folder with the environment's programs.
    """
    folder = ROOT / ".cache" / name
    files = [ROOT / "requirements" / each for each in requirements]
    stamp, wanted = folder / "stamp", _stamp(files)
    if not stamp.exists() or stamp.read_text() != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        pip(folder, "install", "--no-compile", "--requirement", str(files[0]))
        complete(folder)
        stamp.write_text(wanted)
    return folder / "bin"


def pip(folder: Path, *arguments: str) -> None:
    """Run an environment's pip."""
    command = (str(folder / "bin" / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check")
    subprocess.run([*command, *arguments], check=True)


def _stamp(files: list[Path]) -> str:
    """Return what an environment for these files, this Python and this folder is marked with."""
    parts = (str(ROOT).encode(), sys.version.encode(), *(each.read_bytes() for each in files))
    return hashlib.sha256(b"\0".join(parts)).hexdigest()
