# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Moments as options and answers write them.

Pure: standard library only. Private to this collection: may change at any time.
"""

from __future__ import annotations

from datetime import datetime, timezone


def read_moment(text: str) -> datetime:
    """Read an ISO 8601 time; without an offset it is UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def as_text(moment: datetime) -> str:
    """Write a moment in UTC, to the second."""
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def now() -> datetime:
    """Return this moment."""
    return datetime.now(timezone.utc)
