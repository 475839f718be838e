# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The alerts of the lab's sensor: their life, their clock, what they name, and their syslog messages."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from defender_iot_lab.core.options import ConfigurationError
from defender_iot_lab.sensor import cef

from ansible_collections.otsec.defender_iot.tests.support.patience import STEP_SECONDS

ALERTS = "/api/v1/alerts"
MALWARE = {"title": "Suspicion of Conficker Malware", "engine": "Malware", "sourceDevice": 33}
DAY = 86400


@pytest.fixture
def api(sensor: Any) -> Any:
    """The sensor, called with an access token."""
    made = sensor("POST", "/__lab__/tokens", json={"description": "Ansible"}).json()["token"]

    def get(path: str) -> Any:
        return sensor("GET", path, headers={"Authorization": made})

    return get


def command(lab: Any, name: str, **body: Any) -> Any:
    """Send a command to the sensor by the control port."""
    return lab.control("POST", f"/appliances/sensor/commands/{name}", body)


def raised(lab: Any, **fields: Any) -> int:
    """Detect malware from a device. Return the id of its alert."""
    return command(lab, "traffic", **MALWARE, **fields)["alert"]


def ids(api: Any, state: str) -> list[int]:
    """Return the ids of the alerts that commands have raised, by state."""
    return [each["id"] for each in api(f"{ALERTS}?state={state}").json() if each["id"] > 103]


# --- life ---------------------------------------------------------------------------------------------------


def test_repeated_traffic_moves_only_the_last_detection_of_a_new_alert(lab: Any, api: Any) -> None:
    number = raised(lab)
    lab.control("POST", "/clock", {"advance": 3600})
    (first,) = [each["time"] for each in api(ALERTS).json() if each["id"] == number]
    assert command(lab, "traffic", alert=number) == {"alert": number, "new": False}
    assert [each["time"] for each in api(ALERTS).json() if each["id"] == number] == [first]
    lab.options("sensor", alert_time="last")
    (last,) = [each["time"] for each in api(ALERTS).json() if each["id"] == number]
    assert last - first >= 3_600_000


def test_traffic_after_a_closed_alert_raises_a_new_one(lab: Any, api: Any) -> None:
    number = raised(lab)
    assert ids(api, "unhandled") == [number]
    assert command(lab, "verdict", alert=number, verdict="close") == {"state": "closed"}
    assert (ids(api, "unhandled"), ids(api, "handled")) == ([], [number])
    assert command(lab, "traffic", alert=number) == {"alert": number + 1, "new": True}
    assert (ids(api, "unhandled"), ids(api, "handled")) == ([number + 1], [number])


@pytest.mark.parametrize("verdict", ["learn", "mute"])
def test_accepted_traffic_raises_no_alert(lab: Any, api: Any, verdict: str) -> None:
    number = raised(lab)
    command(lab, "verdict", alert=number, verdict=verdict)
    assert command(lab, "traffic", alert=number) == {"alert": None, "new": False}
    assert ids(api, "unhandled") == []


@pytest.mark.parametrize(
    ("handled_by", "handled"),
    [
        ("all", ["close", "learn", "mute"]),
        ("close_and_learn", ["close", "learn"]),
        ("close", ["close"]),
    ],
)
def test_what_counts_as_handled(lab: Any, api: Any, handled_by: str, handled: list[str]) -> None:
    lab.options("sensor", handled_by=handled_by)
    numbers = {}
    for device, verdict in enumerate(("close", "learn", "mute")):
        numbers[verdict] = raised(lab, destinationDevice=device)
        command(lab, "verdict", alert=numbers[verdict], verdict=verdict)
    assert ids(api, "handled") == [numbers[each] for each in handled]


def test_an_operator_edits_the_severity(lab: Any, api: Any) -> None:
    number = raised(lab)
    assert command(lab, "edit_alert", alert=number, severity="Minor") == {"severity": "Minor"}
    assert [each["severity"] for each in api(ALERTS).json() if each["id"] == number] == ["Minor"]


def test_alerts_are_kept_for_90_days(lab: Any, api: Any) -> None:
    raised(lab)
    lab.control("POST", "/clock", {"advance": 91 * DAY})
    assert ids(api, "unhandled") == []
    assert len(api(ALERTS).json()) == 3


def test_thousands_of_old_alerts_come_in_one_answer(lab: Any, api: Any) -> None:
    lab.options("sensor", old_alerts=3000)
    assert len(api(f"{ALERTS}?state=handled").json()) == 3001
    assert raised(lab) == 13_000


@pytest.mark.parametrize("order", ["ascending", "descending", "mixed"])
def test_alerts_come_in_any_order(lab: Any, api: Any, order: str) -> None:
    lab.options("sensor", old_alerts=50, alert_order=order)
    times = [each["time"] for each in api(ALERTS).json()]
    assert (times == sorted(times)) is (order == "ascending")
    assert (times == sorted(times, reverse=True)) is (order == "descending")


def test_a_reset_forgets_what_commands_have_done(lab: Any, api: Any) -> None:
    raised(lab)
    command(lab, "delete_device", device=12)
    lab.control("POST", "/reset")
    state = lab.control("GET", "/state")["appliances"]["sensor"]["alerts"]
    assert [each["id"] for each in state] == [101, 102, 103]


# --- clock --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hours", [-30, 7])
def test_a_wrong_clock_is_in_the_alerts_and_in_the_date_header(lab: Any, api: Any, hours: int) -> None:
    lab.options("sensor", clock_error=hours * 3600)
    number = raised(lab)
    answer = api(ALERTS)
    (at,) = [each["time"] for each in answer.json() if each["id"] == number]
    stated = parsedate_to_datetime(answer.headers["date"]).timestamp()
    ahead = stated - lab.control("POST", "/clock", {"advance": 0})["time"]
    assert abs(at / 1000 - stated) < STEP_SECONDS
    assert abs(ahead - hours * 3600) < STEP_SECONDS


def test_a_sensor_may_not_state_its_time(lab: Any, api: Any) -> None:
    lab.options("sensor", date_header=False)
    assert "date" not in api(ALERTS).headers


# --- answers ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("switch", "status", "kind"),
    [
        ("page", 200, "text/html"),
        ("added_fields", 200, "application/json"),
        ("as_v1", 200, "application/json"),
        ("not_found", 404, "application/json"),
    ],
)
def test_the_second_version_of_the_alerts(lab: Any, api: Any, switch: str, status: int, kind: str) -> None:
    lab.options("sensor", alerts_v2=switch)
    answer = api("/api/v2/alerts?state=unhandled")
    assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (status, kind)
    if switch == "added_fields":
        first, last = answer.json()
        assert first["sourceDeviceAddress"] == "198.51.100.33"
        assert first["destinationDeviceAddress"] == "198.51.100.12"
        assert "sensorName" not in first
        assert last["destinationDeviceAddress"] is None
    if switch == "as_v1":
        assert "sourceDeviceAddress" not in answer.json()[0]
    assert api("/api/v2/devices").headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("name", ["alerts", "devices"])
@pytest.mark.parametrize("wrong", ["empty", "html", "error"])
def test_wrong_answers_with_status_200(lab: Any, api: Any, name: str, wrong: str) -> None:
    lab.options("sensor", **{f"{name}_answer": wrong})
    answer = api(f"/api/v1/{name}")
    assert answer.status_code == 200
    assert (
        answer.text
        == {
            "empty": "[]",
            "html": "<html><body>Please wait</body></html>",
            "error": '{"error":"Operation failed"}',
        }[wrong]
    )
    assert len(api(f"/api/v1/{'devices' if name == 'alerts' else 'alerts'}").json()) == 3
    assert len(api("/api/v1/reports/vulnerabilities/devices").json()) == 1


@pytest.mark.parametrize("address", ["192.0.2.9", "00:00:5e:00:53:09", "2001:db8::9", None, "junk"])
def test_the_address_field_has_any_text(lab: Any, api: Any, address: Any) -> None:
    lab.options("sensor", alerts_v2="added_fields")
    raised(lab, addresses={"source": address})
    assert api("/api/v2/alerts").json()[-1]["sourceDeviceAddress"] == address


# --- devices ------------------------------------------------------------------------------------------------


def test_the_recorded_population(lab: Any, api: Any) -> None:
    lab.options("sensor", inventory="recorded", alerts_v2="added_fields")
    devices = {each["id"]: each for each in api("/api/v1/devices").json()}
    assert devices[506]["ipAddresses"] is None
    assert len(devices[508]["ipAddresses"]) == 2
    assert len(devices[509]["ipAddresses"]) == 21
    assert devices[512]["name"] in devices[501]["ipAddresses"]
    alerts = {each["id"]: each for each in api("/api/v2/alerts").json()}
    assert alerts[615]["sourceDevice"] not in devices
    assert alerts[615]["sourceDeviceAddress"] is None
    assert alerts[610]["sourceDevice"] is None
    assert [each["id"] for each in api(f"{ALERTS}?state=handled").json()] == [604, 609]


def test_a_device_is_edited_and_deleted(lab: Any, api: Any) -> None:
    command(lab, "edit_device", device=21, type="Workstation", ipAddresses=["198.51.100.99"])
    command(lab, "delete_device", device=12)
    devices = api("/api/v1/devices").json()
    assert [(each["id"], each["type"]) for each in devices] == [
        (21, "Workstation"),
        (33, "Engineering Station"),
    ]
    assert devices[0]["ipAddresses"] == ["198.51.100.99"]


# --- syslog -------------------------------------------------------------------------------------------------


@pytest.fixture
def udp() -> Iterator[socket.socket]:
    """A UDP port that receives messages."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(STEP_SECONDS)
        yield receiver


@pytest.fixture
def tcp() -> Iterator[socket.socket]:
    """A TCP port that receives messages."""
    with socket.create_server(("127.0.0.1", 0)) as receiver:
        receiver.settimeout(STEP_SECONDS)
        yield receiver


@pytest.mark.parametrize(
    ("form", "begin", "contained"),
    [
        ("current", "CEF:0|Microsoft Defender for IoT/CyberX|sensor|", " src_ip=198.51.100.33"),
        ("sensor_2018", "CEF:0|CyberX|Sensor Agent|2.3.4|", " src_ip=198.51.100.33"),
        ("console_2018", "CEF:0|CyberX|CyberX Security Platform|2.8.1|", " src=198.51.100.33"),
    ],
)
def test_an_alert_is_forwarded_in_each_form(
    lab: Any, udp: socket.socket, form: str, begin: str, contained: str
) -> None:
    port = udp.getsockname()[1]
    assert command(lab, "forward", alert=101, port=port, form=form) == {"sent": 1}
    text = udp.recv(4096).decode()
    assert begin in text
    assert "|Unauthorized PLC Programming|10|msg=eng-laptop-3 wrote a program" in text
    assert contained in text
    assert text.endswith("\n")


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("leef", "LEEF:1.0|Microsoft Defender for IoT|Sensor|24.1.0|Microsoft Defender for IoT Alert|title="),
        ("text", "sensor, Unauthorized PLC Programming, Policy Violation, Critical, 198.51.100.33, "),
        ("object", "Sensor name: sensor, Title: Unauthorized PLC Programming, Message: eng-laptop-3 wrote"),
    ],
)
def test_an_alert_is_forwarded_in_other_forms_than_cef(
    lab: Any, udp: socket.socket, form: str, text: str
) -> None:
    command(lab, "forward", alert=101, port=udp.getsockname()[1], form=form)
    assert f" sensor {text}" in udp.recv(4096).decode()


def test_a_message_is_repeated_forged_and_without_addresses(lab: Any, udp: socket.socket) -> None:
    port = udp.getsockname()[1]
    command(lab, "forward", alert=101, port=port, copies=3, sensor="forged", without_addresses=True)
    received = {udp.recv(4096).decode() for _copy in range(3)}
    (text,) = received
    assert "|forged|" in text
    assert "src_ip" not in text


@pytest.mark.parametrize(
    ("framing", "begin", "end"), [("newline", b"<", b"\n"), ("octet_count", b"2", b"e"), ("none", b"<", b"e")]
)
def test_messages_are_framed_on_a_stream(
    lab: Any, tcp: socket.socket, framing: str, begin: bytes, end: bytes
) -> None:
    port = tcp.getsockname()[1]
    command(lab, "forward", alert=103, port=port, transport="tcp", framing=framing, copies=2)
    connection, _peer = tcp.accept()
    with connection, connection.makefile("rb") as stream:
        received = stream.read()
    assert (received[:1], received[-1:]) == (begin, end)
    assert received.count(b"CEF:0") == 2
    if framing == "octet_count":
        length, _space, rest = received.partition(b" ")
        assert rest[int(length) :].startswith(length + b" <")


# --- refusals -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "body", "message"),
    [
        ("fly", {}, "sensor has no command 'fly'"),
        ("traffic", {"alert": 999}, "there is no alert 999"),
        ("verdict", {"alert": 101, "verdict": "ignore"}, "the verdict is 'ignore'"),
        ("edit_device", {"device": 999}, "there is no device 999"),
        ("edit_device", {"device": 12, "colour": "red"}, "a device has no field 'colour'"),
        ("forward", {"alert": 101, "port": 9, "form": "xml"}, "the form is 'xml'"),
        ("forward", {"alert": 101, "port": 9, "transport": "pigeon"}, "transport is 'pigeon'"),
        ("forward", {"alert": 101, "port": 9, "transport": "tls"}, "the message was not sent"),
        ("forward", {"alert": 101, "port": 9, "framing": "line"}, "framing 'line'"),
        ("forward", {"alert": 101, "port": 9, "copies": 0}, "copies 0"),
        ("forward", {"alert": 101}, "the message was not sent"),
    ],
)
def test_commands_that_cannot_be_carried_out(lab: Any, name: str, body: Any, message: str) -> None:
    url = f"{lab.record['control']}/appliances/sensor/commands/{name}"
    answer = lab.session.post(url, json=body, timeout=STEP_SECONDS)
    assert answer.status_code == 400
    assert message in answer.json()["error"]


def test_a_port_that_nothing_listens_on_is_named_as_the_cause(tcp: socket.socket) -> None:
    port = tcp.getsockname()[1]
    tcp.close()
    with pytest.raises(ConfigurationError, match="send a port that listens"):
        cef.send("x", {"port": port, "transport": "tcp"})
