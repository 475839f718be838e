# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The claims of a run, shared by its tasks, which Ansible runs in processes of their own.

They are in Ansible's own temporary folder of the run, which Ansible deletes at the end.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from ...module_utils._engine.claims import Claims

FOLDER = "defender_iot_claims"


class RunClaims(Claims):
    """The claims of a run. Each is a symbolic link, because its creation and its content are one step.

    The link's name is made of the key, its target of the reference and the host.
    """

    def __init__(self, run_folder: str) -> None:
        super().__init__()
        self.folder = Path(run_folder, FOLDER)

    def rival(self, appliance: str, name: str, ref: str, host: str) -> str | None:
        claim = self.folder / _digest(f"{appliance}\0{name}")
        self.folder.mkdir(mode=0o700, exist_ok=True)
        try:
            claim.symlink_to(f"{_digest(ref)} {host}")
        except FileExistsError:
            first_ref, _space, first_host = str(claim.readlink()).partition(" ")
            return None if first_ref == _digest(ref) or first_host == host else first_host
        return None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
