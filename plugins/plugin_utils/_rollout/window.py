# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The maintenance window of a rollout."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, time
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ONCE = {"start", "end"}
WEEKLY = {"days", "hours", "zone"}

HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


def window_errors(window: Any) -> list[str]:
    """Return a sentence for each reason why this maintenance window is invalid."""
    if isinstance(window, Mapping) and window.keys() == ONCE:
        return list(_errors_of_once(window))
    if isinstance(window, Mapping) and window.keys() == WEEKLY:
        return list(_errors_of_weekly(window))
    return ["rollout.window has either start and end, or days, hours and zone."]


def is_open(window: Mapping[str, Any], now: datetime) -> bool:
    """Return whether a valid window is open."""
    if window.keys() == ONCE:
        start, end = _moment(window["start"]), _moment(window["end"])
        return start is not None and end is not None and start <= now < end
    return _is_open_weekly(window, now)


def shown(window: Mapping[str, Any]) -> str:
    """Return a window in words."""
    if window.keys() == ONCE:
        return f"from {_text(window['start'])} to {_text(window['end'])}"
    return f"{window['hours']} ({window['zone']}) on {', '.join(window['days'])}"


class _Hours(NamedTuple):
    start: time
    end: time


def _errors_of_once(window: Mapping[str, Any]) -> Iterator[str]:
    moments = {name: _moment(window[name]) for name in ("start", "end")}
    for name, moment in moments.items():
        if moment is None:
            yield (
                f'rollout.window.{name} is "{window[name]}", which is not a time with a zone such as '
                "2026-12-01T22:00:00+01:00."
            )
    start, end = moments.values()
    if start and end and end <= start:
        yield "rollout.window.end is not after its start."


def _errors_of_weekly(window: Mapping[str, Any]) -> Iterator[str]:
    days = window["days"]
    if not isinstance(days, list) or not days or not set(map(str, days)) <= set(DAYS):
        yield f"rollout.window.days is not a list of {', '.join(DAYS)}."
    if _hours(window["hours"]) is None:
        yield f'rollout.window.hours is "{window["hours"]}", which is not a range such as 22:00-04:00.'
    if _zone(window["zone"]) is None:
        yield f'rollout.window.zone is "{window["zone"]}", which is not a time zone on the control node.'


def _is_open_weekly(window: Mapping[str, Any], now: datetime) -> bool:
    hours, zone = _hours(window["hours"]), _zone(window["zone"])
    if hours is None or zone is None:
        return False
    local = now.astimezone(zone)
    day, before = (DAYS[(local.weekday() - back) % 7] in window["days"] for back in (0, 1))
    clock = local.time()
    if hours.start < hours.end:
        return day and hours.start <= clock < hours.end
    # The window starts on the named day and ends on the next.
    return (day and clock >= hours.start) or (before and clock < hours.end)


def _moment(value: Any) -> datetime | None:
    """Return a time with a zone, None for anything else. YAML parses an unquoted time as a datetime."""
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def _hours(value: Any) -> _Hours | None:
    found = HOURS.fullmatch(str(value))
    if not found:
        return None
    first, second, third, fourth = map(int, found.groups())
    hours = _Hours(time(first, second), time(third, fourth))
    return hours if hours.start != hours.end else None


def _zone(name: Any) -> ZoneInfo | None:
    try:
        return ZoneInfo(str(name))
    # The exception depends on what has that name in the zone folder: nothing, a folder or another file.
    except (OSError, ValueError, KeyError):
        return None


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
