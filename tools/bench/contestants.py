# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The contestants and their commands."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from ..lab import ROOT, environment

PLAYBOOKS = Path(__file__).parent / "playbooks"
# tools/foreign.py creates it.
FOREIGN = ROOT / ".cache/foreign"
OWN = Path(sys.executable).parent
FORKS = 20


@dataclass(frozen=True)
class Contestant:
    """One way to declare the objects.

    ``own`` ones use the collection. An ``idle`` one sends no request.
    """

    key: str
    name: str
    own: bool = False
    idle: bool = False

    def command(self, inventory: Path) -> list[str]:
        """Return the command that declares the objects on every FortiGate of an inventory."""
        if self.key in ("bare", "bare_block"):
            return [sys.executable, "-m", "tools.bench.bare", self.key, str(inventory), str(FORKS)]
        playbook = str(PLAYBOOKS / f"{self.key}.yml")
        return [
            str(self._binaries / "ansible-playbook"),
            playbook,
            "-i",
            str(inventory),
            "--forks",
            str(FORKS),
            *(
                ["--vault-password-file", str(inventory.parent / "vault-password")]
                if self.key == "keys"
                else []
            ),
        ]

    def environment(self, sockets: str) -> dict[str, str]:
        """Return its environment, which makes an ordinary module fast. ``sockets`` is a short path."""
        return {
            **environment(),
            "PATH": f"{self._binaries}{os.pathsep}{os.environ['PATH']}",
            "ANSIBLE_COLLECTIONS_PATH": str(self._collections),
            "ANSIBLE_PIPELINING": "1",
            "ANSIBLE_PYTHON_INTERPRETER": str(self._binaries / "python"),
            "ANSIBLE_PERSISTENT_CONTROL_PATH_DIR": sockets,
            # If a daemon ends between two tasks of its host, the second one sometimes fails.
            "ANSIBLE_PERSISTENT_CONNECT_TIMEOUT": "600",
        }

    @property
    def _binaries(self) -> Path:
        return FOREIGN / "bin" if self.key == "fortinet" else OWN

    @property
    def _collections(self) -> Path:
        return FOREIGN if self.key == "fortinet" else ROOT / ".cache/tree"


CONTESTANTS = (
    Contestant("floor", "empty task", idle=True),
    Contestant("tasks", "one task for each object", own=True),
    Contestant("role", "role", own=True),
    Contestant("keys", "role with API keys", own=True),
    Contestant("bare", "`requests` in threads"),
    Contestant("uri", "`ansible.builtin.uri`"),
    Contestant("fortinet", "`fortinet.fortios`"),
    Contestant("block", "role, block list", own=True),
    Contestant("bare_block", "`requests`, block list"),
)
BY_KEY = {each.key: each for each in CONTESTANTS}
