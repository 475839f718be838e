# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Times: read in the forms of options, answers and records, and written in one form."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.moment import (
    as_text,
    clock_skew,
    is_recent,
    lies_ahead,
    moment_or_none,
    now,
    read_moment,
)


@pytest.mark.parametrize(
    ("value", "form"),
    [
        ("2026-11-02T10:15:00Z", "iso8601"),
        ("2026-11-02T12:15:00.5+02:00", "iso8601"),
        ("2026-11-02 10:15", "iso8601"),
        (1793614500, "epoch_seconds"),
        (1793614500123, "epoch_milliseconds"),
        ("1793614500123", "epoch_milliseconds"),
        ("02.11.2026 10:15", "%d.%m.%Y %H:%M"),
    ],
)
def test_used_is_told_in_one_way_however_the_appliance_spells_it(value: Any, form: str) -> None:
    assert as_text(read_moment(value, form)) == "2026-11-02T10:15:00Z"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2026-11-02T09:30:00Z", "2026-11-02T09:30:00Z"),
        ("2026-11-02T09:30:00+01:00", "2026-11-02T08:30:00Z"),
        (None, None),
        ("", None),
        ("then", None),
    ],
)
def test_what_is_no_time_is_none_where_that_may_be(text: Any, found: Any) -> None:
    moment = moment_or_none(text)
    assert (as_text(moment) if moment else None) == found


AT = datetime(2026, 11, 2, tzinfo=UTC)
LIMIT = timedelta(minutes=15)


@pytest.mark.parametrize(
    ("minutes", "recent"),
    [(0, True), (-14, True), (-15, False), (14, True), (15, False), (60 * 24 * 365, False)],
)
def test_a_moment_is_recent_on_either_side_and_not_for_as_long_as_it_is_ahead(
    minutes: int, recent: bool
) -> None:
    assert is_recent(AT + timedelta(minutes=minutes), LIMIT, AT) is recent


def test_no_moment_is_not_recent() -> None:
    assert not is_recent(None, LIMIT, AT)


@pytest.mark.parametrize(("hours", "ahead"), [(-1, False), (0, False), (14, False), (24, False), (25, True)])
def test_a_time_zone_is_no_wrong_clock(hours: int, ahead: bool) -> None:
    assert lies_ahead(AT + timedelta(hours=hours), AT) is ahead


@pytest.mark.parametrize("hours", [-25, 0, 3])
def test_the_skew_of_a_clock_is_that_of_its_date(hours: int) -> None:
    found = clock_skew(format_datetime(now() + timedelta(hours=hours), usegmt=True))
    assert found is not None
    assert abs(found - hours * 3600) < 60


@pytest.mark.parametrize("date", [None, "", "today", "Fri, 99 Nov 2026 19:40:00 GMT"])
def test_a_clock_that_states_no_time_has_no_skew(date: str | None) -> None:
    assert clock_skew(date) is None
