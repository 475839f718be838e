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
from ansible_collections.otsec.defender_iot.plugins.module_utils._wire.tls import SPARE
print(any(name.startswith("ansible.plugins.filter.") and "core" in name for name in sys.modules))
print(gc.get_freeze_count() > 10_000, len(SPARE))
"""


def run(script: str) -> str:
    """Run a script in a process of its own; return what it prints."""
    tree = {"PYTHONPATH": str(ROOT / ".cache/tree")}
    return subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=tree
    ).stdout


def test_what_every_task_needs_first_is_loaded_with_the_action() -> None:
    assert run(FOUND) == "True\nTrue 1\n"


def test_an_openssl_that_forks_could_harm_rehearses_nothing() -> None:
    old = "import ssl; ssl.OPENSSL_VERSION_INFO = (1, 1, 1, 3, 15)\n"
    assert run(old + FOUND) == "True\nTrue 0\n"
