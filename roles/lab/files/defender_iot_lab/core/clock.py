# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's time: the real time plus an offset that tests increase."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class Clock:
    """The time of the lab."""

    def __init__(self) -> None:
        self.offset = 0.0

    def now(self) -> float:
        """Return the lab's time in seconds since the epoch."""
        return time.time() + self.offset

    def advance(self, seconds: float) -> None:
        self.offset += seconds

    def reset(self) -> None:
        self.offset = 0.0


def as_text(moment: float) -> str:
    """Format a time in seconds since the epoch as ISO 8601 in UTC, without fractions."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
