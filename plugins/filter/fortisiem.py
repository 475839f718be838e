# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verdict about a FortiSIEM that its events support: working, never_called or unknown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Result = Mapping[str, Any]
Verdict = dict[str, Any]

STATES = ("never_called", "unknown", "working")
"""The states, the worst first."""

NAMES = ("answers", "sees", "source", "alert", "named")
"""The levels from S0 to S4."""


def fortisiem_verdict(events: Result) -> Verdict:
    """Return the verdict about a FortiSIEM from the result of its events: that about its worst sensor.

    ``sensors`` has the verdict about each sensor by name.
    """
    if not events or any(events.get(name) for name in ("failed", "unreachable", "skipped")):
        evidence = f"the events could not be read: {events.get('msg', 'no response')}"
        return {**_verdict("unknown", evidence, None, ()), "outcome": "unreadable", "sensors": {}}
    sensors = {each["name"]: _of_sensor(each, events) for each in events["sources"]}
    state = min((each["state"] for each in sensors.values()), key=STATES.index)
    worst = {name: each for name, each in sensors.items() if each["state"] == state}
    evidence = "; ".join(f"{name}: {each['evidence']}" for name, each in worst.items())
    since = max((each["since"] for each in worst.values() if each["since"]), default=None)
    level = min(each["level"] for each in worst.values())
    return {**_verdict(state, evidence, since, ()), "level": level, "sensors": sensors}


def _of_sensor(source: Result, events: Result) -> Verdict:
    levels = _levels(source, events)
    alert, *named = levels[3:]
    if all(reached for reached, _evidence in levels[3:]):
        return _verdict("working", levels[-1][1], source["newest_alert"], levels)
    if alert[0] is False:
        return _verdict("never_called", alert[1], None, levels)
    first = next(evidence for reached, evidence in [*levels[1:3], alert, *named] if not reached)
    return _verdict("unknown", first, None, levels)


def _levels(source: Result, events: Result) -> list[tuple[bool | None, str]]:
    """Return whether each level is proved (True), refuted (False) or unknown (None), with its evidence."""
    place = " or ".join([*source["addresses"], *source["names"]])
    span = f"between {events['window']['low']} and {events['window']['high']}"
    found = source["alerts"] + source["other_events"]
    levels = [
        (True, "the queries were accepted and have finished"),
        _sees(found, events["sees_events"]),
        _source(found, f"from {place} {span}"),
        _alert(source, f"from {place} {span}"),
    ]
    if source["matching_alerts"] is not None:
        levels.append(_named(source, f"from {place} {span}"))
    return levels


def _sees(found: int, sees_events: bool | None) -> tuple[bool | None, str]:
    if found:
        return True, "the account sees events of the sensor"
    if sees_events:
        return True, "the account sees events of other devices"
    return False, "the account sees no event of any device, so it may have no right to see events"


def _source(found: int, where: str) -> tuple[bool | None, str]:
    if found:
        return True, f"{_counted(found, 'event')} {where}"
    return (
        None,
        f"no event {where}, which proves nothing: the account may not see the events of this sensor, or its "
        "reporting address is another one",
    )


def _alert(source: Result, where: str) -> tuple[bool | None, str]:
    """Return S3. It is refuted only if the account sees other events of the sensor, and knows them all."""
    alerts, others, unparsed = (source[name] for name in ("alerts", "other_events", "unparsed_events"))
    if alerts:
        newest = f", the newest at {source['newest_alert']}" if source["newest_alert"] else ""
        return True, f"{_counted(alerts, 'alert')} {where}{newest}"
    if not others:
        return None, f"no alert {where}"
    if not source["complete"]:
        return (
            None,
            f"no alert among the newest {_counted(others, 'event')} {where}, and older ones were not read",
        )
    if unparsed:
        return (
            None,
            f"{_counted(unparsed, 'event')} {where} of an unknown form, which may or may not be alerts",
        )
    return False, f"no alert, but {_counted(others, 'other event')} {where}"


def _named(source: Result, where: str) -> tuple[bool | None, str]:
    if source["matching_alerts"]:
        return True, f"{_counted(source['matching_alerts'], 'alert')} with the text {where}"
    return None, f"no alert {where} contains the text"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _verdict(
    state: str, evidence: str, since: str | None, levels: Sequence[tuple[bool | None, str]]
) -> Verdict:
    proved = [reached for reached, _evidence in levels]
    until = proved.index(False) if False in proved else len(proved)
    return {
        "state": state,
        "outcome": "verified" if state == "working" else "not_verified",
        "since": since,
        "level": max((f"S{n}" for n in range(until) if proved[n]), default=None),
        "evidence": evidence,
        "levels": [
            {"level": f"S{n}", "name": NAMES[n], "reached": reached, "evidence": text}
            for n, (reached, text) in enumerate(levels)
        ],
    }


class FilterModule:
    """The collection's filters."""

    def filters(self) -> dict[str, Any]:
        """Return the filters by name."""
        return {"fortisiem_verdict": fortisiem_verdict}
