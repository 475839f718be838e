# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Times in options, answers and records."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import Any

EPOCHS = {"epoch_seconds": 1, "epoch_milliseconds": 1000}
"""Forms that count a time since 1970, with their units per second."""


def read_moment(value: Any, form: str = "iso8601") -> datetime:
    """Read a time, as UTC if it has no offset. Raises ValueError.

    ``form`` is ``iso8601``, one of ``EPOCHS``, or a pattern for ``strptime``.
    """
    if form in EPOCHS:
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            raise ValueError(value)
        return datetime.fromtimestamp(float(value) / EPOCHS[form], timezone.utc)
    moment = _iso8601(value) if form == "iso8601" else datetime.strptime(str(value), form)
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def has_offset(value: Any) -> bool:
    """Return whether an ISO 8601 time says its time zone. Raises ValueError."""
    return _iso8601(value).tzinfo is not None


def _iso8601(value: Any) -> datetime:
    # Python before 3.11 does not support the Z.
    return datetime.fromisoformat(re.sub(r"[Zz]$", "+00:00", str(value)))


def moment_or_none(value: Any) -> datetime | None:
    """Read an ISO 8601 time, None if it is missing or invalid."""
    try:
        return read_moment(value)
    except ValueError:
        return None


CLOCKS_DIFFER = timedelta(days=1)
"""The largest accepted difference between the clocks, or time zones, of two machines."""


def is_recent(moment: datetime | None, limit: timedelta, at: datetime) -> bool:
    """Return whether a time is less than ``limit`` before or, by another clock, after ``at``.

    A time further ahead comes from a wrong clock. Counted as recent, it would stay so until that day.
    """
    return moment is not None and abs(at - moment) < limit


def lies_ahead(moment: datetime, at: datetime) -> bool:
    """Return whether a time is so far ahead of ``at`` that a clock was wrong."""
    return moment - at > CLOCKS_DIFFER


def as_text(moment: datetime) -> str:
    """Return a time in UTC, to the second."""
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def now() -> datetime:
    return datetime.now(timezone.utc)


def clock_skew(date: str | None) -> float | None:
    """Return by how many seconds a clock is ahead of this one, by the date in an HTTP header.

    None if it states no time.
    """
    try:
        return (parsedate_to_datetime(date or "") - now()).total_seconds()
    except (TypeError, ValueError):
        return None
