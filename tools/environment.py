# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Separate environments in .cache for tools that must not, or need not, be in the project's own."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def ensure(name: str, *requirements: str, complete: Callable[[Path], None] = lambda _folder: None) -> Path:
    """Create the environment `.cache/NAME`, or create it again if it is out of date.

    Args:
        name: name of the folder in `.cache`.
        requirements: files in `requirements` on which the environment depends. pip installs the first.
        complete: called with the folder after the packages are installed.

    Returns:
        the folder of the environment's programs.
    """
    folder = ROOT / ".cache" / name
    files = [ROOT / "requirements" / each for each in requirements]
    stamp, wanted = folder / "stamp", _stamp(files)
    if not stamp.exists() or stamp.read_text() != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
        pip(folder, "install", "--no-compile", "--requirement", str(files[0]))
        complete(folder)
        stamp.write_text(wanted)
    return folder / "bin"


def pip(folder: Path, *arguments: str) -> None:
    """Run the project's pip for an environment, because installing another takes seconds."""
    command = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--python", str(folder))
    subprocess.run([*command, *arguments], check=True)


def _stamp(files: list[Path]) -> str:
    """Return a hash of these files, this Python and the path of the clone."""
    parts = (str(ROOT).encode(), sys.version.encode(), *(each.read_bytes() for each in files))
    return hashlib.sha256(b"\0".join(parts)).hexdigest()
