# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the events of a sensor show: options, constraints, alerts, times, and waiting."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.appliance import Appliance
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import InvalidOptions
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.moment import read_moment
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.task import Task
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortisiem import events
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortisiem.events import (
    EVENT,
    constraint,
    prepare_event_info,
    read_events,
)
from ansible_collections.otsec.defender_iot.plugins.modules.fortisiem_event_info import MODULE
from ansible_collections.otsec.defender_iot.tests.unit.fakes import do

NOW = read_moment("2026-11-02T12:00:00Z")
GIVEN = {
    "url": "siem.example",
    "username": "super/reader",
    "password": "secret",
    "since": "2026-11-02T10:15:00Z",
    "sources": [{"name": "s1", "addresses": ["192.0.2.11"]}],
}
CEF = (
    "<9>Nov 02 10:20:00 s1 CEF:0|Microsoft Defender for IoT|s1|24.1|Microsoft Defender for IoT Alert|Stop|8|"
)
ALERT = {"eventType": "Unknown_EventType", "rawEventMsg": CEF, "receiveTime": "2026-11-02T11:20:00+01:00"}
OTHER = {"eventType": "Syslog-Login", "rawEventMsg": "login of admin"}


@pytest.fixture(autouse=True)
def _fixed_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "now", lambda: NOW)


class Siem(Appliance):
    """Answers each question with the next replies of the sources. The last one stays."""

    def __init__(self, *replies: Any, sees: bool = True) -> None:
        self.replies = list(replies)
        self.sees = sees
        self.asked: list[dict[str, Any]] = []

    def ask(self, resource: Any, query: Any) -> Any:
        self.asked.append(query)
        rows = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        rows, total = rows if isinstance(rows, tuple) else (rows, len(rows))
        sources = {name: {"rows": rows, "total": total} for name in query["sources"]}
        sees = self.sees if query["control"] and not rows else None
        return {"sources": sources, "sees_events": sees, "api": "xml"}


def prepared(**given: Any) -> dict[str, Any]:
    """Return the options of a task as the module prepares them."""
    params, _hidden = MODULE.arguments.validate({**GIVEN, **given}, environment={})
    return prepare_event_info(params)


def result(siem: Siem, **given: Any) -> dict[str, Any]:
    """Return the result of the module."""
    return do(read_events, Task(EVENT, prepared(**given), siem, "siem-1", False))


def source(*rows: Any, **given: Any) -> dict[str, Any]:
    """Return the only source of a result."""
    (found,) = result(Siem(list(rows)), **given)["sources"]
    return found


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"username": "reader"}, "username names no organization, so FortiSIEM would refuse it"),
        ({"since": "yesterday"}, 'since is "yesterday", which is not a time'),
        ({"since": "2026-11-02T10:15"}, 'since is "2026-11-02T10:15", which has no time zone'),
        ({"until": "2026-11-02"}, 'until is "2026-11-02", which has no time zone'),
        ({"until": "x"}, 'until is "x", which is not a time'),
        ({"until": "2026-11-02T10:14:59Z"}, "since is after the end of the window"),
        ({"since": "2026-11-02T12:05:01Z"}, "since is after the end of the window"),
        ({"limit": 0}, "limit is 0, which is out of range"),
        ({"limit": 1001}, "limit is 1001, which is out of range"),
        ({"interval": 4}, "interval is 4, which is out of range"),
        ({"max_age": 0}, "max_age is 0, which is out of range"),
        ({"wait": -1}, "wait is -1, which is out of range"),
        ({"query_timeout": 0}, "query_timeout is 0, which is out of range"),
        ({"markers": []}, "markers is empty, so no event would be an alert"),
        ({"sources": []}, "sources is empty, so there is nothing to look for"),
        ({"sources": [{"name": "a"}]}, "the source a has no address and no name"),
        ({"sources": [{"name": "a", "names": ["a"]}] * 2}, "sources has a more than once"),
        (
            {"sources": [{"name": "a", "addresses": ["sensor"]}]},
            'the source a has the address "sensor", which is not an IP address',
        ),
        (
            {"sources": [{"name": "a", "addresses": ["fe80::1%eth0"]}]},
            'the source a has the address "fe80::1%eth0", which is not an IP address',
        ),
        *(
            (
                {"sources": [{"name": "a", "names": [name]}]},
                "a name of the source a has a character that a query cannot carry",
            )
            for name in ('a" OR eventType CONTAIN "', "a\\", "a\nb", "a\0")
        ),
    ],
)
def test_an_impossible_option_is_refused(given: Any, why: str) -> None:
    with pytest.raises(InvalidOptions) as raised:
        prepared(**given)
    assert raised.value.why == why
    assert raised.value.remedy


@pytest.mark.parametrize(
    "since", ["2026-11-02T10:15:00Z", "2026-11-02T12:15:00+02:00", "2026-11-02 10:15:00+00:00"]
)
def test_a_time_may_have_any_time_zone(since: str) -> None:
    assert prepared(since=since)["low"] == prepared()["low"]


def test_the_message_about_a_time_without_a_time_zone_has_the_form_to_use() -> None:
    with pytest.raises(InvalidOptions) as raised:
        prepared(since="2026-11-02 10:15")
    assert raised.value.remedy == (
        'set since to "2026-11-02T10:15:00Z" if it is in UTC, or append the offset, such as +02:00'
    )


def test_the_window_is_a_day_by_default() -> None:
    assert prepared(since=None)["low"] == NOW.timestamp() - 86400
    assert prepared(since=None, max_age=60)["low"] == NOW.timestamp() - 60


def test_a_login_needs_a_name_with_a_password_or_a_token() -> None:
    login: dict[str, Any] = {"username": None, "password": None}
    with pytest.raises(InvalidOptions, match="one of the following is required: token, client_id, username"):
        prepared(**login)
    assert prepared(**login, token="t")["low"] == 1793614500
    assert prepared(**login, client_id="c", client_secret="s")["token"] is None


def test_the_options_come_from_the_environment() -> None:
    names = ("URL", "CLIENT_ID", "CLIENT_SECRET", "CA_PATH")
    environment = {f"FORTISIEM_{name}": name.lower() for name in names}
    given = {"sources": GIVEN["sources"], "since": GIVEN["since"]}
    params, hidden = MODULE.arguments.validate(given, environment=environment)
    assert {name: params[name.lower()] for name in names} == {name: name.lower() for name in names}
    assert hidden == {"client_secret"}


OWN = 'eventType NOT CONTAIN "PH_"'


@pytest.mark.parametrize(
    ("addresses", "names", "expected"),
    [
        (["192.0.2.11"], None, f"(reptDevIpAddr IN (192.0.2.11)) AND {OWN}"),
        (["192.0.2.11", "2001:db8::1"], [], f"(reptDevIpAddr IN (192.0.2.11,2001:db8::1)) AND {OWN}"),
        (None, ["ot 1", "ö"], f'(reptDevName IN ("ot 1","ö")) AND {OWN}'),
        (["192.0.2.11"], ["a"], f'(reptDevIpAddr IN (192.0.2.11) OR reptDevName IN ("a")) AND {OWN}'),
    ],
)
def test_a_source_is_one_constraint(addresses: Any, names: Any, expected: str) -> None:
    assert constraint({"addresses": addresses, "names": names}) == expected


def test_the_question_has_the_window_and_a_short_control_window() -> None:
    siem = Siem([])
    reply = result(siem)
    assert siem.asked == [
        {
            "low": 1793614500,
            "high": 1793621100,
            "sources": {"s1": f"(reptDevIpAddr IN (192.0.2.11)) AND {OWN}"},
            "control": OWN,
            "control_low": 1793620200,
            "limit": 100,
        }
    ]
    assert reply["window"] == {"low": "2026-11-02T10:15:00Z", "high": "2026-11-02T12:05:00Z"}
    siem = Siem([])
    result(siem, until="2026-11-02T10:20:00Z")
    assert (siem.asked[0]["control_low"], siem.asked[0]["high"]) == (1793614500, 1793614800)


@pytest.mark.parametrize("event_type", ["CyberX-Anomaly", "Unknown_EventType", "Microsoft-Generic", ""])
@pytest.mark.parametrize(
    "raw", [CEF, "CEF:0|CyberX|Sensor|2.3.4|", "LEEF:1.0|MICROSOFT DEFENDER FOR IOT|", "x cyberx y"]
)
def test_an_alert_is_found_by_its_text_whatever_its_type(event_type: str, raw: str) -> None:
    found = source({"eventType": event_type, "rawEventMsg": raw})
    assert (found["alerts"], found["other_events"]) == (1, 0)
    assert found["event_types"] == {event_type: 1}
    assert found["events"][0]["raw"] is None


@pytest.mark.parametrize(
    ("row", "others", "unparsed"),
    [
        (OTHER, 1, 0),
        ({**OTHER, "eventType": "Unknown_EventType"}, 1, 1),
        ({"rawEventMsg": "text"}, 1, 1),
        ({"eventType": "Syslog-Login"}, 1, 1),
        ({**ALERT, "eventType": "PH_DEV_MON_CUSTOM"}, 0, 0),
    ],
)
def test_what_is_no_alert_is_counted_by_what_it_can_prove(row: Any, others: int, unparsed: int) -> None:
    found = source(row)
    assert (found["alerts"], found["other_events"], found["unparsed_events"]) == (0, others, unparsed)


def test_rows_with_the_names_of_the_pages_are_read() -> None:
    row = {
        "Event Type": "CyberX-Anomaly",
        "Event Name": "Alert",
        "Event Parser Name": "CyberXParser",
        "Reporting IP": "192.0.2.11",
        "Reporting Device": "s1",
        "Collector ID": 10000,
        "Raw Event Log": CEF,
    }
    assert source(row, raw=True)["events"] == [
        {
            "receive_time": None,
            "event_type": "CyberX-Anomaly",
            "event_name": "Alert",
            "parser": "CyberXParser",
            "reporting_address": "192.0.2.11",
            "reporting_name": "s1",
            "collector": "10000",
            "raw": CEF,
            "alert": True,
        }
    ]


@pytest.mark.parametrize(
    ("wire", "read"),
    [
        ({"receiveTime": "2026-11-02T11:20:00+01:00"}, "2026-11-02T10:20:00Z"),
        ({"receiveTime": "2026-11-02T10:20:00Z", "phRecvTime": "x"}, "2026-11-02T10:20:00Z"),
        ({"receiveTime": "2026-11-02T11:20:00"}, None),
        ({"phRecvTime": "Mon Nov 02 15:50:00 IST 2026"}, None),
        ({"phRecvTime": 1793614800000}, "2026-11-02T10:20:00Z"),
        ({"phRecvTime": "1793614800"}, "2026-11-02T10:20:00Z"),
        ({"phRecvTime": "9" * 30}, None),
        ({"phRecvTime": None}, None),
        ({}, None),
    ],
)
def test_a_time_counts_only_if_its_zone_is_certain(wire: Any, read: Any) -> None:
    row = {"eventType": "x", "rawEventMsg": CEF, **wire}
    assert source(row)["newest_alert"] == read


def test_an_event_that_is_certainly_older_than_asked_for_is_left_out() -> None:
    zoned = {**ALERT, "receiveTime": "2026-11-02T10:16:00Z"}
    assert source(zoned, since="2026-11-02T10:16:00Z")["alerts"] == 1
    assert source(zoned, since="2026-11-02T10:16:01Z")["alerts"] == 0
    local = {**ALERT, "receiveTime": "2026-11-02 10:16:00"}
    assert source(local, since="2026-11-02T10:16:01Z")["alerts"] == 1


def test_the_newest_alert_is_that_with_the_text() -> None:
    older = {**ALERT, "rawEventMsg": f"{CEF} test 7", "receiveTime": "2026-11-02T10:16:00Z"}
    found = source(ALERT, older, text="TEST 7")
    assert (found["alerts"], found["matching_alerts"]) == (2, 1)
    assert found["newest_alert"] == "2026-11-02T10:16:00Z"
    assert source(ALERT)["matching_alerts"] is None


@pytest.mark.parametrize(
    ("rows", "total", "limit", "complete"),
    [(2, 2, 2, True), (2, 3, 2, False), (2, None, 2, False), (1, None, 2, True), (0, 0, 2, True)],
)
def test_a_reading_is_complete_only_if_nothing_is_left(
    rows: int, total: Any, limit: int, complete: bool
) -> None:
    (found,) = result(Siem(([OTHER] * rows, total)), limit=limit)["sources"]
    assert found["complete"] is complete


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """The pauses, which pass at once."""
    pauses: list[float] = []
    monkeypatch.setattr(events.time, "sleep", pauses.append)
    monkeypatch.setattr(events.time, "monotonic", lambda: 100 + sum(pauses))
    return pauses


def test_waiting_ends_with_the_first_alert_of_every_source(clock: list[float]) -> None:
    siem = Siem([], [ALERT])
    found = result(siem, wait=60)
    assert found["sources"][0]["alerts"] == 1
    assert clock == [10]
    assert [each["control"] for each in siem.asked] == [None, None]


def test_only_the_last_reading_has_the_control_query(clock: list[float]) -> None:
    siem = Siem([], sees=False)
    assert result(siem, wait=25)["sees_events"] is False
    assert clock == [10, 10, 5]
    assert [bool(each["control"]) for each in siem.asked] == [False, False, False, True]


def test_waiting_for_a_text_goes_on_without_it(clock: list[float]) -> None:
    siem = Siem([ALERT], [{**ALERT, "rawEventMsg": f"{CEF} test 7"}])
    assert result(siem, wait=60, text="test 7")["sources"][0]["matching_alerts"] == 1
    assert clock == [10]


def test_a_source_with_an_alert_is_not_read_again(clock: list[float]) -> None:
    class Halves(Siem):
        def ask(self, resource: Any, query: Any) -> Any:
            self.asked.append(query)
            rows = {"s1": [ALERT], "s2": [ALERT] if len(self.asked) > 1 else []}
            sources = {name: {"rows": rows[name], "total": 1} for name in query["sources"]}
            return {"sources": sources, "sees_events": None, "api": "xml"}

    siem = Halves()
    given = [{"name": name, "names": [name]} for name in ("s1", "s2")]
    found = result(siem, wait=60, sources=given)
    assert [list(each["sources"]) for each in siem.asked] == [["s1", "s2"], ["s2"]]
    assert [each["name"] for each in found["sources"]] == ["s1", "s2"]
