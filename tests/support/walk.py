# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs every command of a documentation page, in order, in one shell."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from .lab import FILES
from .patience import RUN_SECONDS, STEP_SECONDS
from .workspace import ROOT, STARTUP

NEXT = "-- next block --"


class Walk:
    """The commands of a page, and the output of each block."""

    def __init__(self, folder: Path, page: str) -> None:
        """Create the home folder of a user who has only installed the collection."""
        self.folder = folder
        self.blocks = re.findall(r"```shell\n(.*?)```", page, re.S)
        namespace = folder / "home/.ansible/collections/ansible_collections/otsec"
        namespace.mkdir(parents=True)
        collection = namespace / "defender_iot"
        collection.symlink_to(ROOT)
        self.environment = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(folder / "home"),
            "COLLECTION": str(collection),
            "LC_ALL": "C.UTF-8",
            "PYTHONPATH": STARTUP,
            # The path of a master connection's socket would be too long in a test's folder.
            "ANSIBLE_SSH_ARGS": "-o ControlMaster=no",
            "NO_COLOR": "1",
            **{f"GIT_{who}_NAME": "A user" for who in ("AUTHOR", "COMMITTER")},
            **{f"GIT_{who}_EMAIL": "user@example.com" for who in ("AUTHOR", "COMMITTER")},
        }
        self.shown: list[str] = []

    def go(self) -> None:
        """Run all blocks in one shell, which ends at the first failure."""
        done = subprocess.run(
            ["/bin/bash", "-euc", f"echo '{NEXT}'\n".join(self.blocks)],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=RUN_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        self.shown = done.stdout.split(f"{NEXT}\n")

    def after(self, command: str) -> str:
        """Return the output of the first block with this command."""
        return self.shown[next(number for number, block in enumerate(self.blocks) if command in block)]

    def clean_up(self) -> None:
        """Stop the labs of a page whose run was interrupted."""
        for record in self.folder.rglob("lab.json"):
            command = [sys.executable, "-m", "defender_iot_lab", "stop", "--directory", str(record.parent)]
            subprocess.run(command, env={"PYTHONPATH": str(FILES)}, check=True, timeout=STEP_SECONDS)


def recap(output: str) -> dict[str, int]:
    """Return the number of changes on each appliance in the last run."""
    last = output.rpartition("PLAY RECAP")[2]
    found = {host: int(changed) for host, changed in re.findall(r"^(\S+) +: .*changed=(\d+)", last, re.M)}
    return {host: changed for host, changed in found.items() if host != "localhost"}
