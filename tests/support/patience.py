# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long tests wait for what must come.

Both are far above what a busy machine needs: a test that passes never waits so long, only a hang does.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

STEP_SECONDS = 300
"""For one step: an answer, a process that starts or ends, a mark that appears or goes away."""

RUN_SECONDS = 1800
"""For a whole run of a program, which may stop at several steps."""


def wait_for(condition: Callable[[], Any]) -> Any:
    """Return what a condition returns as soon as that is true; fail when it does not become true."""
    deadline = time.monotonic() + STEP_SECONDS
    while not (value := condition()):
        assert time.monotonic() < deadline, "gave up waiting"
        time.sleep(0.02)
    return value
