# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an action leaves for its workers to inherit."""

from __future__ import annotations

import subprocess
import sys

from ansible_collections.otsec.defender_iot.tests.support.workspace import ROOT

FOUND = """
import gc
import sys
from ansible_collections.otsec.defender_iot.plugins.action import fortigate_access
from ansible_collections.otsec.defender_iot.plugins.module_utils._tls import SPARE
print(any(name.startswith("ansible.plugins.filter.") and "core" in name for name in sys.modules))
print(gc.get_freeze_count() > 10_000, len(SPARE))
"""


def test_what_every_task_needs_first_is_loaded_with_the_action() -> None:
    tree = {"PYTHONPATH": str(ROOT / ".cache/tree")}
    done = subprocess.run([sys.executable, "-c", FOUND], capture_output=True, text=True, check=True, env=tree)
    assert done.stdout == "True\nTrue 1\n"
