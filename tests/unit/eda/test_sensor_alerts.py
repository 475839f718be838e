# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The event source that polls sensors, against a real HTTPS server."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.tests.support import event_sources
from ansible_collections.otsec.defender_iot.tests.support.certificates import Certificates
from ansible_collections.otsec.defender_iot.tests.support.event_sources import Events
from ansible_collections.otsec.defender_iot.tests.support.servers import http
from ansible_collections.otsec.defender_iot.tests.support.wire import SECRET, appliance

INTERVAL = 20
HTML = http(b"<html>Sign in</html>", "Content-Type: text/html")
REFUSED = http(b"{}", status="401 Unauthorized")
FAILED = http(b"", status="500 Internal Server Error")
BUSY = http(b"", "Retry-After: 9", status="429 Too Many Requests")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


def alerts(*numbers: int) -> bytes:
    """Return a sensor's answer with unhandled alerts."""
    return http(json.dumps([{"id": number, "title": "Port Scan"} for number in numbers]).encode())


class Polls:
    """Polls a server with one answer after the other, and records the pauses and the events in between."""

    def __init__(self, certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> None:
        self.certificates = certificates
        self.monkeypatch = monkeypatch
        self.pauses: list[float] = []
        self.requests: list[tuple[str, dict[str, str]]] = []

    def entry(self, url: str, **more: Any) -> dict[str, Any]:
        return {"name": "s1", "url": url, "token": SECRET, "ca_path": self.certificates.ca_path, **more}

    def run(self, *answers: bytes, act: Callable[[], None] = lambda: None, **args: Any) -> list[int]:
        """Return the number of events after each answer. `act` is called before each poll but the first."""
        counts: list[int] = []
        self.events = Events()
        with appliance(self.certificates, answers[0]) as server:

            async def pause(seconds: float) -> None:
                self.pauses.append(seconds)
                counts.append(len(self.events.events))
                if len(counts) == len(answers):
                    raise asyncio.CancelledError
                server.answer = answers[len(counts)]
                act()

            self.monkeypatch.setattr(asyncio, "sleep", pause)
            options = {"sensors": [self.entry(server.url)], "interval": INTERVAL, **args}
            with pytest.raises(asyncio.CancelledError):
                asyncio.run(event_sources.load("sensor_alerts")["main"](self.events, options))
            self.requests = server.requests
        return counts


@pytest.fixture
def polls(certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> Polls:
    return Polls(certificates, monkeypatch)


def test_an_event_says_that_something_changed_and_nothing_else(polls: Polls) -> None:
    assert polls.run(alerts(7, 8)) == [1]
    (event,) = polls.events.events
    moment = event["sensor_alerts"].pop("at")
    assert event == {"sensor_alerts": {"sensor": "s1", "unhandled": 2}}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", moment)
    ((line, headers),) = polls.requests
    assert line == "GET /api/v1/alerts?state=unhandled HTTP/1.1"
    assert headers["authorization"] == SECRET


@pytest.mark.parametrize(
    ("answers", "counts"),
    [
        pytest.param([alerts(), alerts(), alerts(1)], [1, 1, 2], id="a new alert"),
        pytest.param([alerts(1), alerts(1), alerts()], [1, 1, 2], id="a handled alert"),
        pytest.param([alerts(1, 2), alerts(2, 1)], [1, 1], id="another order"),
        pytest.param([alerts(1), alerts(2)], [1, 2], id="the same number of other alerts"),
        pytest.param([alerts(1), HTML, alerts(1)], [1, 1, 1], id="a web page is no empty list"),
        pytest.param([alerts(1), http(b'{"error": "no"}'), alerts(1)], [1, 1, 1], id="an error in JSON"),
        pytest.param([alerts(1), http(b"[1]"), alerts(1)], [1, 1, 1], id="not objects"),
        pytest.param([alerts(1), FAILED, alerts(2)], [1, 1, 2], id="a change during an outage"),
        pytest.param([http(b'[{"ID": 1}]'), alerts(1)], [1, 1], id="both spellings of the number"),
        pytest.param([http(b"[{}]"), alerts()], [1, 2], id="an alert without a number"),
    ],
)
def test_every_change_of_the_unhandled_alerts_is_one_event(
    polls: Polls, answers: list[bytes], counts: list[int]
) -> None:
    assert polls.run(*answers) == counts


def test_an_outage_is_one_warning_and_growing_pauses(polls: Polls, caplog: pytest.LogCaptureFixture) -> None:
    outage = [FAILED, REFUSED, BUSY, HTML, FAILED, FAILED, FAILED]
    polls.run(alerts(), *outage, alerts(), FAILED, alerts())
    assert polls.pauses == [20, 40, 80, 160, 320, 640, 900, 900, 20, 40, 20]
    failed = "s1: reading the unhandled alerts failed (500): the answer is not the documented one"
    assert [record.getMessage() for record in caplog.records] == [
        f"{failed}; check its event log; polling goes on",
        "s1: its alerts can be read again",
    ] * 2
    assert {record.levelname for record in caplog.records} == {"WARNING"}


def test_pauses_never_shrink_below_the_interval(polls: Polls) -> None:
    polls.run(FAILED, FAILED, interval=3600)
    assert polls.pauses == [3600, 3600]


def test_the_certificate_is_verified_unless_told_otherwise(
    certificates: Certificates, polls: Polls, caplog: pytest.LogCaptureFixture
) -> None:
    polls.certificates = certificates
    counts = {}
    for name, more in {
        "another CA": {"ca_path": None},
        "a pin": {"ca_path": None, "cert_fingerprint": "00" * 32},
        "not verified": {"ca_path": None, "validate_certs": False},
    }.items():
        polls.entry = lambda url, more=more: {"name": "s1", "url": url, "token": SECRET, **more}  # type: ignore[method-assign]
        counts[name] = polls.run(alerts(1))
    assert counts == {"another CA": [0], "a pin": [0], "not verified": [1]}
    first, second = (record.getMessage() for record in caplog.records)
    assert "certificate is not accepted" in first
    assert "not the one in cert_fingerprint" in second


def test_a_restart_repeats_no_event(polls: Polls, tmp_path: Path) -> None:
    state = str(tmp_path / "state.json")
    assert polls.run(alerts(1), state_file=state) == [1]
    assert polls.run(alerts(1), state_file=state) == [0]
    assert polls.run(alerts(1, 2), state_file=state) == [1]
    content = (tmp_path / "state.json").read_text()
    assert SECRET not in content
    assert list(json.loads(content)["sensors"]) == ["s1"]
    assert [path.name for path in tmp_path.iterdir()] == ["state.json"]


def test_a_sensor_that_is_not_polled_any_more_is_forgotten(polls: Polls, tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    state.write_text('{"version": 1, "sensors": {"gone": "x"}}')
    polls.run(alerts(1), state_file=str(state))
    assert list(json.loads(state.read_text())["sensors"]) == ["s1"]


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"sensors": 7}', '{"sensors": null}', "\x00"])
def test_a_damaged_state_file_counts_as_empty(
    polls: Polls, tmp_path: Path, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    state = tmp_path / "state.json"
    state.write_text(content)
    assert polls.run(alerts(1), alerts(1), state_file=str(state)) == [1, 1]
    (record,) = caplog.records
    assert record.getMessage() == f"state_file cannot be read and counts as empty: {state}"
    assert list(json.loads(state.read_text())["sensors"]) == ["s1"]


def test_a_state_file_that_cannot_be_written_is_one_warning(
    polls: Polls, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    state = str(tmp_path / "missing" / "state.json")
    assert polls.run(alerts(1), alerts(2), alerts(2), state_file=state) == [1, 2, 2]
    (record,) = caplog.records
    assert "state_file cannot be written (No such file or directory)" in record.getMessage()


SENSOR = {"name": "s1", "url": "https://192.0.2.1", "token": SECRET}


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        ({}, "sensors is not a list of dictionaries; set name, url and token of each sensor"),
        ({"sensors": []}, "sensors is not a list of dictionaries"),
        ({"sensors": ["s1"]}, "sensors is not a list of dictionaries"),
        ({"sensors": SENSOR}, "sensors is not a list of dictionaries"),
        (
            {"sensors": [SENSOR], "intervall": 60},
            "unsupported option intervall; use sensors, interval, state_file",
        ),
        ({"sensors": [SENSOR], "interval": 9}, "interval is not a number of at least 10 seconds; correct it"),
        ({"sensors": [SENSOR], "interval": "60"}, "interval is not a number"),
        (
            {"sensors": [SENSOR, SENSOR]},
            "two sensors have the same name; give each its name in the inventory",
        ),
        (
            {"sensors": [{"name": "s1", "url": "https://192.0.2.1"}]},
            "sensor 1: missing required arguments: token",
        ),
        ({"sensors": [{**SENSOR, "token": ""}]}, "sensor 1: missing required arguments: token"),
        ({"sensors": [SENSOR, {**SENSOR, "name": ""}]}, "sensor 2: missing required arguments: name"),
        ({"sensors": [{**SENSOR, "url": "http://192.0.2.1"}]}, "sensor 1: url is not an https address"),
        ({"sensors": [{**SENSOR, "ca_pat": "x"}]}, "sensor 1: unsupported option ca_pat; use ca_path"),
        ({"sensors": [{**SENSOR, "password": SECRET}]}, "sensor 1: unsupported option password; remove it"),
        ({"sensors": [{**SENSOR, "ca_path": "/none.pem"}]}, "sensor 1: ca_path names no file on this host"),
        (
            {"sensors": [{**SENSOR, "token_file": "/x"}]},
            "token and token_file are both set; remove one of them",
        ),
        (
            {"sensors": [{**SENSOR, "token": None, "token_file": "/none"}]},
            "sensor 1: token_file cannot be read or is empty: /none; write the access token into it",
        ),
        ({"sensors": [{**SENSOR, "timeout": 0}]}, "sensor 1: timeout is 0, which is out of range"),
    ],
)
def test_invalid_options_end_the_source_before_a_request(args: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(reason)}") as caught:
        asyncio.run(event_sources.load("sensor_alerts")["main"](Events(), args))
    assert SECRET not in str(caught.value)


def test_requests_is_required(monkeypatch: pytest.MonkeyPatch) -> None:
    source = event_sources.load("sensor_alerts")
    monkeypatch.setattr(source["https"], "REQUESTS_IMPORT_ERROR", "traceback")
    with pytest.raises(
        ValueError, match=r"^the Python package requests is missing in this environment; install it$"
    ):
        asyncio.run(source["main"](Events(), {"sensors": [SENSOR]}))


def test_a_named_pipe_in_place_of_a_file_is_refused_or_counts_as_empty(
    polls: Polls, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert polls.run(alerts(1), state_file=str(pipe)) == [1]
    assert f"state_file cannot be read and counts as empty: {pipe}" in caplog.text
    other = tmp_path / "token"
    os.mkfifo(other)
    args = {"sensors": [{**SENSOR, "token": None, "token_file": str(other)}]}
    with pytest.raises(ValueError, match="token_file cannot be read or is empty"):
        asyncio.run(event_sources.load("sensor_alerts")["main"](Events(), args))


def test_a_rotated_token_is_read_from_its_file(
    polls: Polls, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "token"
    file.write_text("first\n")
    tokens = iter(["second\n", "", "third\n"])
    ca_path = polls.certificates.ca_path
    polls.entry = lambda url: {"name": "s1", "url": url, "token_file": str(file), "ca_path": ca_path}  # type: ignore[method-assign]
    polls.run(*[alerts(1)] * 4, act=lambda: file.write_text(next(tokens)))
    assert [headers["authorization"] for _line, headers in polls.requests] == ["first", "second", "third"]
    missing, again = (record.getMessage() for record in caplog.records)
    assert f"token_file cannot be read or is empty: {file}; write the access token into it" in missing
    assert again == "s1: its alerts can be read again"


def test_the_environment_has_a_token_for_sensors_without_one(
    polls: Polls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENSOR_TOKEN", "of-all")
    ca_path = polls.certificates.ca_path
    polls.entry = lambda url: {"name": "s1", "url": url, "ca_path": ca_path}  # type: ignore[method-assign]
    assert polls.run(alerts(1)) == [1]
    assert polls.requests[0][1]["authorization"] == "of-all"


def test_one_sensor_that_fails_does_not_delay_another(certificates: Certificates) -> None:
    async def until_two(events: Events) -> None:
        while len(events.events) < 2:
            await asyncio.sleep(0.01)

    with appliance(certificates, alerts(1)) as one, appliance(certificates, FAILED) as two:
        ca = {"token": SECRET, "ca_path": certificates.ca_path}
        sensors = [
            {"name": name, "url": each.url, **ca} for name, each in (("a", one), ("b", two), ("c", one))
        ]
        events = event_sources.run("sensor_alerts", {"sensors": sensors}, until_two).events
    assert sorted(event["sensor_alerts"]["sensor"] for event in events) == ["a", "c"]
