# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes the environment of the foreign clients that the lab is proven by, in .cache/foreign."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".cache" / "foreign"
STAMP = ENVIRONMENT / "stamp"
REQUIREMENTS = ROOT / "requirements" / "foreign.txt"
COLLECTIONS = ROOT / "requirements" / "foreign-collections.txt"
# fortinet.fortios, and what its connection is made of.
TAKEN = tuple(
    f"ansible_collections/{name}/" for name in ("fortinet/fortios", "ansible/netcommon", "ansible/utils")
)
# The package `ansible` asks for this Python because of its newest ansible-core; the three collections do not.
ITS_PYTHON = "3.12"


def make() -> None:
    """Install the clients, and unpack the collections beside them."""
    shutil.rmtree(ENVIRONMENT, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(ENVIRONMENT)], check=True)
    _pip("install", "--no-compile", "--requirement", str(REQUIREMENTS))
    with tempfile.TemporaryDirectory(dir=ENVIRONMENT) as folder:
        # Installing it whole takes half a minute and 500 MB, for 25 MB that are used.
        only = ("--no-deps", "--only-binary=:all:", f"--python-version={ITS_PYTHON}")
        _pip("download", *only, "--dest", folder, "--requirement", str(COLLECTIONS))
        (wheel,) = Path(folder).iterdir()
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(ENVIRONMENT, [name for name in archive.namelist() if name.startswith(TAKEN)])
    STAMP.write_text(wanted_stamp())


def _pip(*arguments: str) -> None:
    pip = (str(ENVIRONMENT / "bin" / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check")
    subprocess.run([*pip, *arguments], check=True)


def wanted_stamp() -> str:
    """Return what an environment for these requirements, this Python and this folder is marked with."""
    parts = (str(ROOT).encode(), sys.version.encode(), REQUIREMENTS.read_bytes(), COLLECTIONS.read_bytes())
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


if __name__ == "__main__":
    if not STAMP.exists() or STAMP.read_text() != wanted_stamp():
        make()
