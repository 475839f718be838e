# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verdict about a FortiSIEM: only an alert proves that it works, and nothing is refuted by silence."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.filter.fortisiem import FilterModule, fortisiem_verdict

NEWEST = "2026-11-02T10:20:00Z"
WHERE = "from 192.0.2.11 between 2026-11-02T10:15:00Z and 2026-11-02T12:05:00Z"
NO_SIGHT = "the account sees no event of any device, so it may have no right to see events"


def source(alerts: int = 0, others: int = 0, **more: Any) -> dict[str, Any]:
    """Make the events of one sensor."""
    return {
        "name": "s1",
        "addresses": ["192.0.2.11"],
        "names": [],
        "complete": True,
        "alerts": alerts,
        "matching_alerts": None,
        "other_events": others,
        "unparsed_events": 0,
        "newest_alert": NEWEST if alerts else None,
        **more,
    }


def events(*sources: dict[str, Any], sees: bool | None = True) -> dict[str, Any]:
    """Make the result of the module."""
    window = {"low": "2026-11-02T10:15:00Z", "high": "2026-11-02T12:05:00Z"}
    return {"sources": list(sources), "window": window, "sees_events": sees}


@pytest.mark.parametrize(
    ("found", "sees", "state", "level", "evidence"),
    [
        (source(2), None, "working", "S3", f"2 alerts {WHERE}, the newest at {NEWEST}"),
        (source(2, newest_alert=None), None, "working", "S3", f"2 alerts {WHERE}"),
        (
            source(1, 9, complete=False, unparsed_events=9),
            None,
            "working",
            "S3",
            f"1 alert {WHERE}, the newest ",
        ),
        (source(2, matching_alerts=1), None, "working", "S4", f"1 alert with the text {WHERE}"),
        (source(2, matching_alerts=0), None, "unknown", "S3", f"no alert {WHERE} contains the text"),
        (source(0, 3), None, "never_called", "S2", f"no alert, but 3 other events {WHERE}"),
        (
            source(0, 3, matching_alerts=0),
            None,
            "never_called",
            "S2",
            f"no alert, but 3 other events {WHERE}",
        ),
        (source(0, 3, unparsed_events=1), None, "unknown", "S2", f"1 event {WHERE} of an unknown form"),
        (
            source(0, 3, complete=False),
            None,
            "unknown",
            "S2",
            f"no alert among the newest 3 events {WHERE}, and older",
        ),
        (source(), True, "unknown", "S1", f"no event {WHERE}, which proves nothing"),
        (source(), False, "unknown", "S0", NO_SIGHT),
        (source(names=["n"]), True, "unknown", "S1", "no event from 192.0.2.11 or n between"),
    ],
)
def test_a_sensor_is_judged_by_what_its_events_prove(
    found: Any, sees: Any, state: str, level: str, evidence: str
) -> None:
    verdict = fortisiem_verdict(events(found, sees=sees))
    assert (verdict["state"], verdict["level"]) == (state, level)
    assert verdict["evidence"].startswith(f"s1: {evidence}")
    assert verdict["outcome"] == ("verified" if state == "working" else "not_verified")
    assert verdict["since"] == (found["newest_alert"] if state == "working" else None)


def test_the_levels_are_those_of_each_sensor() -> None:
    verdict = fortisiem_verdict(events(source(0, 3, matching_alerts=0)))
    assert verdict["levels"] == []
    levels = verdict["sensors"]["s1"]["levels"]
    assert [(each["level"], each["name"], each["reached"]) for each in levels] == [
        ("S0", "answers", True),
        ("S1", "sees", True),
        ("S2", "source", True),
        ("S3", "alert", False),
        ("S4", "named", None),
    ]


def test_the_worst_sensor_decides() -> None:
    works, silent, never = source(1, name="a"), source(name="b"), source(0, 1, name="c")
    verdict = fortisiem_verdict(events(works, silent, never))
    assert verdict["state"] == "never_called"
    assert verdict["evidence"].startswith("c: no alert, but 1 other event from")
    assert {name: each["state"] for name, each in verdict["sensors"].items()} == {
        "a": "working",
        "b": "unknown",
        "c": "never_called",
    }
    verdict = fortisiem_verdict(events(works, {**silent, "name": "d"}, silent))
    assert (verdict["state"], verdict["level"]) == ("unknown", "S1")
    assert verdict["evidence"].count("proves nothing") == 2
    verdict = fortisiem_verdict(events(works, source(1, name="e", newest_alert="2026-11-02T11:00:00Z")))
    assert (verdict["state"], verdict["since"]) == ("working", "2026-11-02T11:00:00Z")


@pytest.mark.parametrize(
    ("result", "why"),
    [
        ({"failed": True, "msg": "it failed"}, "it failed"),
        ({"unreachable": True, "msg": "it is down"}, "it is down"),
        ({"skipped": True}, "no response"),
        ({}, "no response"),
    ],
)
def test_what_could_not_be_read_is_unknown(result: Any, why: str) -> None:
    verdict = fortisiem_verdict(result)
    assert (verdict["state"], verdict["outcome"], verdict["level"]) == ("unknown", "unreadable", None)
    assert verdict["evidence"] == f"the events could not be read: {why}"
    assert verdict["sensors"] == {}


def test_ansible_finds_the_filter_by_name() -> None:
    assert FilterModule().filters() == {"fortisiem_verdict": fortisiem_verdict}
