# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The events that a FortiSIEM has received from sensors, and which of them look like alerts.

The event type of today's alerts is not known: the only public parser, of February 2020, recognises the former
header alone. So alerts are found by the address of their sender and by their raw text.
"""

from __future__ import annotations

import ipaddress
import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from .._engine.errors import InvalidOptions, attempting
from .._engine.moment import as_text, has_offset, now, read_moment
from .._engine.resource import Field, Resource
from .._engine.task import Outcome, Task, complete
from .._module.arguments import require

MARKERS = ["Defender for IoT", "CyberX"]
"""Texts in the header of an alert: today's (documented) and the former one (observed)."""

CLOCKS_DIFFER = 300
"""Seconds by which FortiSIEM's clock may be ahead of that of the control node."""

CONTROL_SECONDS = 900
"""How far back the control query looks. A whole day of all events can be expensive."""

OWN = "PH_"
"""A part of the types of events that FortiSIEM writes itself, also under the address of a device."""

IN_MILLISECONDS = 10**11
"""The smallest number that is read as milliseconds. As seconds it would be in the year 5138."""

UNPARSED = ("Unknown_EventType", "")
LARGEST_LIMIT = 1000
LONGEST_WINDOW = 366 * 86400
SHORTEST_INTERVAL = 5
UNQUOTABLE = re.compile(r'["\\\x00-\x1f\x7f]')
"""Characters in a text of a constraint whose quoting is not documented."""

NO_OWN_EVENTS = f'eventType NOT CONTAIN "{OWN}"'

SOURCE = {
    "name": {"type": "str", "required": True},
    "addresses": {"type": "list", "elements": "str"},
    "names": {"type": "list", "elements": "str"},
}
"""The suboptions of a source."""


def _moment(value: Any) -> str | None:
    """Return a time in UTC, None if the answer does not say which time zone it means.

    Without an offset, only seconds or milliseconds since 1970 are unambiguous.
    """
    text = str(value)
    try:
        if text.isdecimal():
            form = "epoch_milliseconds" if int(text) >= IN_MILLISECONDS else "epoch_seconds"
            return as_text(read_moment(text, form))
        moment = datetime.fromisoformat(re.sub(r"[Zz]$", "+00:00", text))
    except (ValueError, OverflowError, OSError):
        return None
    return as_text(moment) if moment.tzinfo else None


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _field(name: str, shown: str) -> Field:
    """Return a field. Columns may have the names that FortiSIEM's pages show."""
    return Field(name, former={shown: ()}, optional=True, decode=_text, absent_value="")


EVENT = Resource(
    label="event",
    kind="event",
    path="events",
    fields={
        "receive_time": Field("receiveTime", former={"phRecvTime": ()}, optional=True, decode=_moment),
        "event_type": _field("eventType", "Event Type"),
        "event_name": _field("eventName", "Event Name"),
        "parser": _field("parserName", "Event Parser Name"),
        "reporting_address": _field("reptDevIpAddr", "Reporting IP"),
        "reporting_name": _field("reptDevName", "Reporting Device"),
        "collector": _field("collectorId", "Collector ID"),
        "raw": _field("rawEventMsg", "Raw Event Log"),
    },
)


def prepare_event_info(params: dict[str, Any]) -> dict[str, Any]:
    """Add the start and end of the window in seconds since 1970. Raises InvalidOptions."""
    if params["token"] is None and params["client_id"] is None:
        require(params, "username", "password")
        if "/" not in params["username"]:
            raise InvalidOptions(
                "username names no organization, so FortiSIEM would refuse it",
                "set username to ORGANIZATION/USER, such as super/reader",
            )
    _check_numbers(params)
    _check_sources(params["sources"])
    present = int(now().timestamp())
    low = present - params["max_age"] if params["since"] is None else _seconds("since", params["since"])
    high = None if params["until"] is None else _seconds("until", params["until"])
    if low > (present + CLOCKS_DIFFER if high is None else high):
        raise InvalidOptions("since is after the end of the window", "set an earlier since")
    return {**params, "low": low, "high": high}


def _seconds(option: str, text: str) -> int:
    try:
        moment = read_moment(text)
        if not has_offset(text):
            raise InvalidOptions(
                f'{option} is "{text}", which has no time zone',
                f'set {option} to "{as_text(moment)}" if it is in UTC, or append the offset, such as +02:00',
            )
        return int(moment.timestamp())
    except (ValueError, OverflowError):
        raise InvalidOptions(
            f'{option} is "{text}", which is not a time', f"set {option} to a time like 2026-11-02T10:15:00Z"
        ) from None


def _check_numbers(params: Mapping[str, Any]) -> None:
    limits = {
        "limit": (1, LARGEST_LIMIT),
        "interval": (SHORTEST_INTERVAL, 3600),
        "query_timeout": (1, 3600),
        "max_age": (1, LONGEST_WINDOW),
        "wait": (0, LONGEST_WINDOW),
    }
    for option, (least, most) in limits.items():
        if not least <= params[option] <= most:
            raise InvalidOptions(
                f"{option} is {params[option]}, which is out of range", f"set it to {least} to {most}"
            )
    if not params["markers"]:
        raise InvalidOptions("markers is empty, so no event would be an alert", "set at least one text")


def _check_sources(sources: Sequence[Mapping[str, Any]]) -> None:
    if not sources:
        raise InvalidOptions("sources is empty, so there is nothing to look for", "set at least one source")
    names = [source["name"] for source in sources]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InvalidOptions(f"sources has {', '.join(twice)} more than once", "use each name once")
    for source in sources:
        if not source["addresses"] and not source["names"]:
            raise InvalidOptions(
                f"the source {source['name']} has no address and no name",
                "set addresses to its reporting IP in FortiSIEM, or names to its reporting device",
            )
        for address in source["addresses"] or ():
            _check_address(source["name"], address)
        for name in source["names"] or ():
            if UNQUOTABLE.search(name):
                raise InvalidOptions(
                    f"a name of the source {source['name']} has a character that a query cannot carry",
                    "use its reporting IP in addresses instead",
                )


def _check_address(source: str, address: str) -> None:
    try:
        valid = "%" not in address and bool(ipaddress.ip_address(address))
    except ValueError:
        valid = False
    if not valid:
        raise InvalidOptions(
            f'the source {source} has the address "{address}", which is not an IP address',
            "set addresses to its reporting IP in FortiSIEM, or names to its reporting device",
        )


def constraint(source: Mapping[str, Any]) -> str:
    """Return the constraint for the events of a source, without those that FortiSIEM writes itself."""
    parts = []
    if source["addresses"]:
        parts.append(f"reptDevIpAddr IN ({','.join(source['addresses'])})")
    if source["names"]:
        quoted = ",".join(f'"{name}"' for name in source["names"])
        parts.append(f"reptDevName IN ({quoted})")
    return f"({' OR '.join(parts)}) AND {NO_OWN_EVENTS}"


def read_events(task: Task, outcome: Outcome) -> None:
    """Report the events of each source, once every source has an alert or the wait ends."""
    end = time.monotonic() + task.options["wait"]
    waiting = list(task.options["sources"])
    found: dict[str, dict[str, Any]] = {}
    while True:
        is_last = time.monotonic() >= end
        window = _window(task)
        reply = _read(task, waiting, window, is_last)
        found.update({each["name"]: _summary(task, each, reply["sources"][each["name"]]) for each in waiting})
        waiting = [each for each in waiting if not _is_proved(task, found[each["name"]])]
        if is_last or not waiting:
            break
        time.sleep(min(task.options["interval"], max(0.0, end - time.monotonic())))
    outcome.values.update(
        sources=[found[each["name"]] for each in task.options["sources"]],
        window={name: _time(window[name]) for name in ("low", "high")},
        sees_events=reply["sees_events"],
        api=reply["api"],
    )


def _window(task: Task) -> dict[str, int]:
    end = task.options["high"]
    return {
        "low": task.options["low"],
        "high": int(now().timestamp()) + CLOCKS_DIFFER if end is None else end,
    }


def _time(seconds: int) -> str:
    return as_text(read_moment(seconds, "epoch_seconds"))


def _read(
    task: Task, sources: Sequence[Mapping[str, Any]], window: Mapping[str, int], is_last: bool
) -> dict[str, Any]:
    """Run the queries. Only the last reading needs the control query, which explains missing events."""
    query = {
        **window,
        "sources": {each["name"]: constraint(each) for each in sources},
        "control": NO_OWN_EVENTS if is_last else None,
        "control_low": max(window["low"], window["high"] - CONTROL_SECONDS),
        "limit": task.options["limit"],
    }
    reply: dict[str, Any] = task.appliance.ask(task.resource, query)
    return reply


def _is_proved(task: Task, summary: Mapping[str, Any]) -> bool:
    return bool(summary["alerts"] if task.options["text"] is None else summary["matching_alerts"])


def _summary(task: Task, source: Mapping[str, Any], reply: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the events of a source show, without those that are certainly older than asked for."""
    with attempting(f"reading the events of {source['name']}"):
        events = [complete(task.resource.from_wire, row) for row in reply["rows"]]
    markers, text = task.options["markers"], task.options["text"]
    earliest = _time(task.options["low"])
    events = [
        {**each, "alert": _contains(each["raw"], markers)}
        for each in events
        if OWN not in each["event_type"] and (each["receive_time"] or earliest) >= earliest
    ]
    alerts = [each for each in events if each["alert"]]
    matching = None if text is None else [each for each in alerts if _contains(each["raw"], [text])]
    others = [each for each in events if not each["alert"]]
    return {
        "name": source["name"],
        "addresses": source["addresses"] or [],
        "names": source["names"] or [],
        "total": reply["total"],
        "complete": _is_complete(reply, task.options["limit"]),
        "alerts": len(alerts),
        "matching_alerts": None if matching is None else len(matching),
        "other_events": len(others),
        "unparsed_events": sum(each["event_type"] in UNPARSED or not each["raw"] for each in others),
        "event_types": dict(Counter(each["event_type"] for each in events)),
        "newest_alert": _newest(alerts if matching is None else matching),
        "events": events if task.options["raw"] else [{**each, "raw": None} for each in events],
    }


def _contains(raw: str, texts: Sequence[str]) -> bool:
    return any(text.casefold() in raw.casefold() for text in texts)


def _is_complete(reply: Mapping[str, Any], limit: int) -> bool:
    """Return whether every event that matches was read."""
    rows, total = len(reply["rows"]), reply["total"]
    return rows < limit if total is None else rows >= total


def _newest(alerts: Sequence[Mapping[str, Any]]) -> str | None:
    return max((each["receive_time"] for each in alerts if each["receive_time"]), default=None)
