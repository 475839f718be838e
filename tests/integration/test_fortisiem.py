# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Alerts on their way from the lab's sensors to its FortiSIEM, with each switch of it, and in playbooks."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import jsonschema
import pytest
import yaml

from ansible_collections.otsec.defender_iot.plugins.filter.fortisiem import fortisiem_verdict
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import ApplianceError
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.task import Outcome, Task
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortisiem.api import FortiSiem
from ansible_collections.otsec.defender_iot.plugins.modules.fortisiem_event_info import MODULE
from ansible_collections.otsec.defender_iot.tests.support.lab import Lab
from ansible_collections.otsec.defender_iot.tests.support.leaks import files_with
from ansible_collections.otsec.defender_iot.tests.support.patience import wait_for
from ansible_collections.otsec.defender_iot.tests.support.report_documents import states_of_calls
from ansible_collections.otsec.defender_iot.tests.support.workspace import ROOT, Workspace

SIEM, SENSOR, ADDRESS = "fortisiem-01", "sensor-north-01", "192.0.2.11"
NO_RECEIVER, MISSPELT = "fortisiem-silent", "fortisiem-misspelt"
ALERT = 101
SOURCES = [{"name": SENSOR, "addresses": [ADDRESS]}]
NAT_ADDRESS = "203.0.113.200"
SCHEMA = json.loads((ROOT / "plugins/plugin_utils/_report/schema.json").read_text())


def forward(lab: Lab, **more: Any) -> None:
    """Forward an alert of the sensor to the FortiSIEM, and wait until it has arrived."""
    before = len(lab.state(SIEM)["events"])
    ports = lab.appliances[SIEM]["syslog"]
    body = {"alert": ALERT, "port": ports[more.get("transport", "udp")], **more}
    lab.control("POST", f"/appliances/{SENSOR}/commands/forward", body)
    wait_for(lambda: len(lab.state(SIEM)["events"]) > before)


def event(lab: Lab, **attributes: str) -> None:
    """Store another event of the sensor."""
    body = {"reptDevIpAddr": ADDRESS, **attributes}
    lab.control("POST", f"/appliances/{SIEM}/commands/event", body)


def reading(lab: Lab, **given: Any) -> dict[str, Any]:
    """Return the result of the module in this process."""
    place = lab.appliances[SIEM]
    login = {name: place["credentials"][name] for name in ("username", "password")}
    options = {"url": place["url"], "ca_path": lab.ca_path, "sources": SOURCES, **login, **given}
    params, _hidden = MODULE.arguments.validate(options, environment={})
    outcome = Outcome()
    with closing(FortiSiem(MODULE.prepare(params))) as siem:
        MODULE.work(Task(MODULE.resource, siem.params, siem, SIEM, False), outcome)
    return outcome.values


def state(lab: Lab, **given: Any) -> str:
    """Return the state of the verdict."""
    return str(fortisiem_verdict(reading(lab, **given))["state"])


def client(lab: Lab) -> dict[str, Any]:
    """Return the client credentials as a login."""
    known = lab.appliances[SIEM]["credentials"]
    return {
        "username": None,
        "password": None,
        **{name: known[name] for name in ("client_id", "client_secret")},
    }


BARE = {"submit_form": "bare", "progress_form": "bare", "events_form": "bare"}
JSON = {"json_interface": "present"}
SUBMIT = "/phoenix/rest/query/eventQuery"


@pytest.mark.parametrize(
    "switches",
    [
        {},
        {"submit_form": "bare"},
        {"progress_form": "bare"},
        {"events_form": "bare"},
        BARE,
        JSON,
        {"json_interface": "absent_405"},
        {"json_interface": "web_page"},
        {"content_type": "refused_255"},
        {"polls": 2},
        {"not_ready": 404},
        {"not_ready": 503},
        {"early_fetch": "error", "polls": 2},
        {"early_fetch": "partial", "polls": 2},
        {"third_part": "end"},
        {"receive_time": False},
        {**JSON, "third_part": "end"},
        {**JSON, "json_time": "milliseconds"},
        {**JSON, "json_time": "iso8601"},
        {**JSON, "renamed_columns": True},
        {**JSON, "not_ready": 404},
        {"illegal_characters": "raw"},
        {"illegal_characters": "references"},
        {"ignores_case": True},
        {"event_type": "cyberx"},
        {"event_type": "unknown"},
        {"event_type": "other"},
    ],
    ids=str,
)
def test_the_verdict_is_the_same_with_every_switch(lab: Lab, switches: dict[str, Any]) -> None:
    lab.switch(SIEM, **switches)
    assert state(lab) == "unknown"
    forward(lab)
    lab.forget_calls()
    assert state(lab) == "working"
    posts = [call for call in lab.calls(SIEM) if call["method"] == "POST" and call["status"] == 200]
    assert len(posts) <= 2
    assert {call["method"] for call in lab.calls(SIEM)} == {"POST", "GET"}


@pytest.mark.parametrize("form", ["current", "sensor_2018", "console_2018", "leef"])
@pytest.mark.parametrize(
    ("transport", "framing"), [("udp", "newline"), ("tcp", "newline"), ("tcp", "octet_count")]
)
def test_an_alert_arrives_in_every_form_with_a_header(
    lab: Lab, form: str, transport: str, framing: str
) -> None:
    forward(lab, form=form, transport=transport, framing=framing)
    assert state(lab, text="unauthorized plc") == "working"
    assert state(lab, text="another alert") == "unknown"


@pytest.mark.parametrize("form", ["text", "object"])
def test_a_form_without_a_header_is_never_an_alert_and_never_none(lab: Lab, form: str) -> None:
    forward(lab, form=form)
    assert state(lab) == "unknown"
    assert state(lab, markers=["PLC Programming"]) == "working"


@pytest.mark.parametrize("illegal", ["replaced", "raw", "references"])
@pytest.mark.parametrize("interface", [{}, JSON], ids=str)
def test_any_bytes_of_a_message_are_read(lab: Lab, illegal: str, interface: Any) -> None:
    lab.switch(SIEM, illegal_characters=illegal, **interface)
    head = b"<9>Nov 27 09:15:02 sensor-north-01 CEF:0|CyberX|"
    message = head + b'|=\\"<&>]]>\x00\x01\x1f\xff\xfe\xc3(' + b"x" * 8192
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.sendto(message, ("127.0.0.1", lab.appliances[SIEM]["syslog"]["udp"]))
    wait_for(lambda: lab.state(SIEM)["events"])
    (source,) = reading(lab, raw=True)["sources"]
    assert source["alerts"] == 1
    assert '|=\\"<&>]]>' in source["events"][0]["raw"]
    assert source["events"][0]["raw"].endswith("x" * 8192)


@pytest.mark.parametrize(
    ("reporting", "source", "found"),
    [
        ("sensor", {"addresses": [ADDRESS]}, True),
        ("sensor", {"names": [SENSOR]}, True),
        ("sensor", {"addresses": [NAT_ADDRESS]}, False),
        ("nat", {"addresses": [ADDRESS]}, False),
        ("nat", {"addresses": [ADDRESS, NAT_ADDRESS]}, True),
        ("relay", {"addresses": [ADDRESS]}, False),
        ("relay", {"names": [SENSOR]}, True),
    ],
)
def test_a_sensor_is_found_by_its_reporting_device(
    lab: Lab, reporting: str, source: dict[str, Any], found: bool
) -> None:
    lab.switch(SIEM, reporting=reporting)
    forward(lab)
    verdict = state(lab, sources=[{"name": SENSOR, **source}])
    assert verdict == ("working" if found else "unknown")


@pytest.mark.parametrize(
    ("user", "role", "verdict"),
    [
        ("super", "all", "never_called"),
        ("plant", "all", "never_called"),
        ("office", "all", "unknown"),
        ("super", "hides_sensors", "unknown"),
        ("super", "hides_all", "unknown"),
    ],
)
def test_never_called_needs_an_account_that_sees_other_events_of_the_sensor(
    lab: Lab, user: str, role: str, verdict: str
) -> None:
    lab.switch(SIEM, role=role)
    event(lab, eventType="Syslog-Login", rawEventMsg="login of admin")
    assert state(lab, username=f"{user}/reader") == verdict


def test_events_of_fortisiem_itself_never_count(lab: Lab) -> None:
    event(lab, eventType="PH_DEV_MON_CYBERX", rawEventMsg="CyberX Defender for IoT")
    (source,) = reading(lab)["sources"]
    assert (source["total"], source["alerts"]) == (0, 0)
    assert state(lab) == "unknown"


def test_an_event_that_is_not_parsed_may_be_an_alert(lab: Lab) -> None:
    event(lab, eventType="Unknown_EventType", rawEventMsg="something")
    assert state(lab) == "unknown"


def test_only_the_newest_events_are_read(lab: Lab) -> None:
    for number in range(3):
        event(lab, eventType="Syslog-Login", rawEventMsg=f"login {number}")
    verdict = fortisiem_verdict(reading(lab, limit=2))
    assert verdict["state"] == "unknown"
    assert "no alert among the newest 2 events" in verdict["evidence"]


def test_events_before_the_window_do_not_count(lab: Lab) -> None:
    forward(lab)
    lab.control("POST", "/clock", {"advance": 7200})
    assert state(lab, since="2026-01-01T00:00:00Z") == "working"
    received = lab.state(SIEM)["events"][0]["time"]
    later = datetime.fromtimestamp(int(received) + 1, UTC).isoformat()
    assert state(lab, since=later) == "unknown"


# --- what fails --------------------------------------------------------------------------------------------


def failure(lab: Lab, **given: Any) -> ApplianceError:
    """Return the error of a reading."""
    with pytest.raises(ApplianceError) as raised:
        reading(lab, **given)
    return raised.value


@pytest.mark.parametrize("body", ["html", "json", "empty"])
@pytest.mark.parametrize(
    "given", [{"username": "unknown/reader"}, {"username": "super/x"}, {"password": "wrong"}]
)
def test_a_refused_login_is_tried_once(lab: Lab, body: str, given: dict[str, str]) -> None:
    lab.switch(SIEM, unauthorized=body)
    error = failure(lab, **given)
    assert "not accepted, and the login is not repeated" in error.why
    assert len(lab.calls(SIEM)) == 1


@pytest.mark.parametrize("expires_in", [3600, 15])
def test_client_credentials_are_one_token(lab: Lab, expires_in: int) -> None:
    lab.switch(SIEM, expires_in=expires_in, **JSON)
    forward(lab)
    assert state(lab, **client(lab)) == "working"
    assert [call["path"] for call in lab.calls(SIEM)].count("/phoenix/rest/pub/security/oauth/token") == 1
    error = failure(lab, **client(lab))
    assert "Only one request per client in 5 seconds" in error.why


@pytest.mark.parametrize(
    ("switches", "why"),
    [
        ({"client": "expired"}, "The client has expired"),
        ({"client": "revoked"}, "has been revoked"),
        ({"client": "unauthorized"}, "is not authorized"),
        ({"token_endpoint": "absent"}, "it has no token endpoint"),
        ({"token_seconds": 0}, "it does not accept the access token"),
    ],
)
def test_a_refused_token_is_tried_once(lab: Lab, switches: dict[str, Any], why: str) -> None:
    lab.switch(SIEM, **switches)
    assert why in failure(lab, **client(lab)).why
    assert len(lab.calls(SIEM)) <= 2


@pytest.mark.parametrize(
    ("switches", "why"),
    [
        ({"polls": 0}, "has not finished within 1 s and is at"),
        ({**BARE, "polls": 0}, "has not finished within 1 s and is at"),
        ({**JSON, "polls": 0}, "has not finished within 1 s and is at"),
    ],
)
def test_a_query_that_never_finishes_is_no_result(lab: Lab, switches: dict[str, Any], why: str) -> None:
    lab.switch(SIEM, **switches)
    assert why in failure(lab, query_timeout=1).why


@pytest.mark.parametrize("step", ["progress", "events"])
@pytest.mark.parametrize(
    ("switch", "why"),
    [
        ("404", "it has no such interface, or the query has expired"),
        ("error", "it refuses the query (unknown query)"),
        ("500", "the answer is not the documented one"),
    ],
)
def test_a_query_that_fortisiem_has_lost_is_no_result(lab: Lab, step: str, switch: str, why: str) -> None:
    lab.switch(SIEM, unknown_query=switch)
    lab.fault(SIEM, "status", {"path_prefix": SUBMIT}, status=200, body="1,2")
    if step == "events":
        lab.fault(SIEM, "status", {"path_prefix": "/phoenix/rest/query/progress"}, status=200, body="100")
    error = failure(lab, api="xml", query_timeout=1)
    expected = "the query has not finished within 1 s" if (step, switch) == ("progress", "404") else why
    assert expected in error.why


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("<!DOCTYPE r [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><r>&x;</r>", "declares a document type"),
        ("<response><result>", "not a whole XML document"),
        ("<html><body>Please wait</body></html>", "not the documented one"),
        (
            "<response><error code='255'><description>no</description></error></response>",
            "refuses the query (no)",
        ),
    ],
)
@pytest.mark.parametrize("step", ["eventQuery", "progress", "events"])
def test_wrong_xml_in_every_step_is_one_sentence(lab: Lab, step: str, body: str, why: str) -> None:
    lab.fault(SIEM, "status", {"path_prefix": f"/phoenix/rest/query/{step}"}, status=200, body=body)
    error = failure(lab, api="xml")
    assert why in error.why
    assert "\n" not in error.sentence(SIEM)


def test_a_redirect_is_refused(lab: Lab) -> None:
    lab.fault(SIEM, "redirect")
    assert "which is not followed" in failure(lab).why


# --- playbooks ---------------------------------------------------------------------------------------------


def hosts(lab: Lab) -> dict[str, dict[str, Any]]:
    """Return the variables of five inventory hosts, all of them the FortiSIEM of the lab.

    The account of the second sees nothing, that of the third is refused. The fourth names no receiver, the
    fifth a sensor that does not exist.
    """
    place = lab.appliances[SIEM]
    shared = {
        "fortisiem_events_url": place["url"],
        "fortisiem_events_ca_path": lab.ca_path,
        "fortisiem_events_password": place["credentials"]["password"],
        "fortisiem_events_sensors": [SENSOR],
        "fortisiem_events_receiver": "192.0.2.41",
    }
    silent = {**shared, "fortisiem_events_username": "super/reader", "fortisiem_events_receiver": ""}
    users = {SIEM: "super/reader", "fortisiem-office": "office/reader", "fortisiem-refused": "unknown/reader"}
    found = {name: {**shared, "fortisiem_events_username": user} for name, user in users.items()}
    misspelt = {**found[SIEM], "fortisiem_events_addresses": {"sensor-nroth-01": [ADDRESS]}}
    return {**found, NO_RECEIVER: silent, MISSPELT: misspelt}


def inventory(node: Workspace, *names: str) -> None:
    """Write the inventory with these FortiSIEMs, and the sensor in a group that no playbook uses."""
    members = {name: variables for name, variables in hosts(node.lab).items() if name in names}
    children = {
        "fortisiems": {"hosts": members},
        "others": {"hosts": {SENSOR: {"ansible_host": ADDRESS}}},
    }
    (node.inputs / "inventory.yml").write_text(yaml.safe_dump({"all": {"children": children}}))


def test_the_playbook_shows_the_steps_and_waits_for_the_test_message(workspace: Workspace) -> None:
    lab = workspace.lab
    inventory(workspace, SIEM, NO_RECEIVER, MISSPELT)

    def operator() -> None:
        wait_for(lambda: lab.calls(SIEM))
        forward(lab)

    following = threading.Thread(target=operator)
    following.start()
    run = workspace.playbook("otsec.defender_iot.fortisiem", "--extra-vars=fortisiem_events_interval=5")
    following.join()
    assert run.code == 2
    assert f"{NO_RECEIVER}: fortisiem_events_receiver is " in run.output
    assert (
        f"{MISSPELT}: fortisiem_events_addresses or fortisiem_events_names has sensor-nroth-01" in run.output
    )
    assert "Set Host to ," not in run.output
    assert "Set Host to 192.0.2.41, Port to 514, and the time zone." in run.output
    assert "Send Test Message" in run.output
    (result,) = run.of(SIEM, "fortisiem_event_info")
    assert result.data["sources"][0]["alerts"] == 1
    assert run.changes == []
    secrets = [secret["value"] for secret in lab.secrets()]
    assert [value for value in secrets if value in run.output] == []
    assert files_with(secrets, workspace.folder / "home") == []


def test_verify_and_drift_judge_every_fortisiem(workspace: Workspace) -> None:
    lab = workspace.lab
    forward(lab)
    inventory(workspace, *(name for name in hosts(lab) if name not in (NO_RECEIVER, MISSPELT)))
    verdicts = workspace.folder / "verdicts.json"
    run = workspace.playbook(
        "otsec.defender_iot.verify", f"--extra-vars=defender_iot_verdict_file={verdicts}"
    )
    assert run.code == 4, run.output
    found = {each["appliance"]: each["verdict"] for each in json.loads(verdicts.read_text())}
    assert {name: (each["state"], each["outcome"]) for name, each in found.items()} == {
        SIEM: ("working", "verified"),
        "fortisiem-office": ("unknown", "not_verified"),
        "fortisiem-refused": ("unknown", "unreadable"),
    }
    assert found[SIEM]["sensors"][SENSOR]["level"] == "S3"
    assert "the account sees no event of any device" in found["fortisiem-office"]["evidence"]
    assert "username or password is not accepted" in found["fortisiem-refused"]["evidence"]
    run = workspace.playbook("otsec.defender_iot.drift")
    report = json.loads((workspace.folder / "defender_iot_report/report.json").read_text())
    jsonschema.validate(report, SCHEMA)
    assert (run.code, report["state"]) == (4, "unknown")
    rows = {row["appliance"]: (row["kind"], row["state"]) for row in report["appliances"]}
    assert rows == {
        SIEM: ("fortisiem", "checked"),
        "fortisiem-office": ("fortisiem", "checked"),
        "fortisiem-refused": ("fortisiem", "failed"),
    }
    assert states_of_calls(report) == {(SENSOR, SIEM): "working", (SENSOR, "fortisiem-office"): "unknown"}
