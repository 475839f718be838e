# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Creates the environment of the third-party clients that validate the lab, in .cache/foreign."""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path

from environment import ROOT, ensure, pip

COLLECTIONS = "foreign-collections.txt"
# fortinet.fortios and the collections of its connection plugin.
NEEDED = tuple(
    f"ansible_collections/{name}/" for name in ("fortinet/fortios", "ansible/netcommon", "ansible/utils")
)
# The package `ansible` requires this Python for its newest ansible-core. The three collections do not.
ITS_PYTHON = "3.12"


def unpack_collections(environment: Path) -> None:
    """Unpack the collections into the environment of the clients."""
    with tempfile.TemporaryDirectory(dir=environment) as folder:
        # A full installation takes half a minute and 500 MB. Only 25 MB are used.
        only = ("--no-deps", "--only-binary=:all:", f"--python-version={ITS_PYTHON}")
        requirements = str(ROOT / "requirements" / COLLECTIONS)
        pip(environment, "download", *only, "--dest", folder, "--requirement", requirements)
        (wheel,) = Path(folder).iterdir()
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(environment, [name for name in archive.namelist() if name.startswith(NEEDED)])


if __name__ == "__main__":
    ensure("foreign", "foreign.txt", COLLECTIONS, complete=unpack_collections)
