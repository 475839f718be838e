# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Timeouts of tests.

Both are far longer than a busy machine needs, so only a test that hangs reaches them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

STEP_SECONDS = 300
"""For one step: an answer, the start or end of a process, the creation or deletion of a file."""

RUN_SECONDS = 1800
"""For a whole run of a program with several steps."""


def wait_for(condition: Callable[[], Any]) -> Any:
    """Return the value of a condition as soon as it is true. Fail after a timeout."""
    deadline = time.monotonic() + STEP_SECONDS
    while not (value := condition()):
        assert time.monotonic() < deadline, "gave up waiting"
        time.sleep(0.02)
    return value
