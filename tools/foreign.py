# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes the environment of the foreign clients that the lab is proven by, in .cache/foreign."""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path

from environment import ROOT, ensure, pip

COLLECTIONS = "foreign-collections.txt"
# fortinet.fortios, and what its connection is made of.
TAKEN = tuple(
    f"ansible_collections/{name}/" for name in ("fortinet/fortios", "ansible/netcommon", "ansible/utils")
)
# The package `ansible` asks for this Python because of its newest ansible-core; the three collections do not.
ITS_PYTHON = "3.12"


def unpack_collections(environment: Path) -> None:
    """Put the collections beside the clients."""
    with tempfile.TemporaryDirectory(dir=environment) as folder:
        # Installing it whole takes half a minute and 500 MB, for 25 MB that are used.
        only = ("--no-deps", "--only-binary=:all:", f"--python-version={ITS_PYTHON}")
        requirements = str(ROOT / "requirements" / COLLECTIONS)
        pip(environment, "download", *only, "--dest", folder, "--requirement", requirements)
        (wheel,) = Path(folder).iterdir()
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(environment, [name for name in archive.namelist() if name.startswith(TAKEN)])


if __name__ == "__main__":
    ensure("foreign", "foreign.txt", COLLECTIONS, complete=unpack_collections)
