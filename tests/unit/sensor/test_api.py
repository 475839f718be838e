# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documented API: every spelling of a field, every filter, and the answers that count."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import (
    ApplianceError,
    InvalidOptions,
    Locked,
    Refused,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.task import Task
from ansible_collections.otsec.defender_iot.plugins.module_utils._module.run import provenance
from ansible_collections.otsec.defender_iot.plugins.module_utils._sensor.api import SensorApi
from ansible_collections.otsec.defender_iot.plugins.module_utils._sensor.data import (
    ALERT,
    CONNECTION,
    DEVICE,
    ENGINES,
    LACKS_V2,
    SEVERITIES,
    check_connection,
    prepare_alert_info,
    prepare_device_info,
    read_alerts,
    read_devices,
)
from ansible_collections.otsec.defender_iot.tests.unit.fakes import CONNECTION as OPTIONS
from ansible_collections.otsec.defender_iot.tests.unit.fakes import Wire, answer, do

PARAMS = {
    **OPTIONS,
    **{"api": "sensor", "token": "t0ken", "username": None, "password": None, "fields": None},
}
ALERTS_ASKED = {
    "state": None,
    "type": None,
    "since": None,
    "until": None,
    "severities": None,
    "engines": None,
    "fields": None,
}
OF_A_SENSOR = {**ALERTS_ASKED, "token": "t0ken", "api": "sensor", "api_version": "v1"}
CHECK = {"check": "token", "negative_control": False}
LEAST = {"id": 12, "name": "plc", "type": "PLC"}
ALERT_ROW = {
    "id": 101,
    "time": 1740000000123,
    "title": "Stop",
    "message": "it stopped",
    "severity": "Critical",
    "engine": "Policy Violation",
}


def job(resource: Any, *answers: Any, **params: Any) -> Task:
    """Make a task on a sensor over a wire in memory."""
    given = {**PARAMS, **params}
    api = SensorApi(given)
    api.http = Wire(*answers)
    return Task(resource, given, api, "sensor-1", False)


def device(**fields: Any) -> dict[str, Any]:
    """Read one device."""
    (found,) = do(read_devices, job(DEVICE, answer(200, [{**LEAST, **fields}])))["devices"]
    return found


@pytest.mark.parametrize(
    ("wire", "read"),
    [
        ({"ipAddresses": ["192.0.2.1"]}, {"ip_addresses": ["192.0.2.1"]}),
        ({"ipAddress": ["192.0.2.1"]}, {"ip_addresses": ["192.0.2.1"]}),
        ({"ipAddress": "192.0.2.1"}, {"ip_addresses": ["192.0.2.1"]}),
        ({"ipAddresses": None}, {"ip_addresses": []}),
        ({}, {"ip_addresses": [], "mac_addresses": [], "protocols": [], "firmware": [], "vendor": None}),
        (
            {"protocols": [{"id": 1, "name": "S7", "addresses": ["192.0.2.1"]}]},
            {"protocols": [{"id": 1, "name": "S7", "addresses": ["192.0.2.1"]}]},
        ),
        (
            {"protocols": {"id": 1, "name": "S7", "ipAddresses": ["192.0.2.1"]}},
            {"protocols": [{"id": 1, "name": "S7", "addresses": ["192.0.2.1"]}]},
        ),
        ({"protocols": None, "firmware": None}, {"protocols": [], "firmware": []}),
        ({"protocols": "N/A", "firmware": "N/A"}, {"protocols": [], "firmware": []}),
        ({"ipAddresses": "N/A", "macAddresses": ["N/A"]}, {"ip_addresses": [], "mac_addresses": []}),
        ({"vendor": "N/A", "operatingSystem": "N/A"}, {"vendor": None, "operating_system": None}),
        ({"hasDynamicAddress": True}, {"has_dynamic_address": True}),
        ({"sensorId": 3, "zoneId": 2, "siteId": 1}, {"sensor_id": 3, "zone_id": 2, "site_id": 1}),
    ],
)
def test_a_device_is_read_in_every_spelling(wire: Any, read: Any) -> None:
    found = device(**wire)
    assert {name: found[name] for name in read} == read


@pytest.mark.parametrize(
    ("wire", "version", "slot"),
    [
        ({"firmwareVersion": "2.0", "slot": "N/A"}, "2.0", None),
        ({"firmwareVersion": 2.5, "slot": None}, "2.5", None),
        ({"firmwareVersion": "N/A", "slot": "3"}, None, "3"),
        ({}, None, None),
    ],
)
def test_firmware_is_read_with_every_form_of_an_empty_field(wire: Any, version: Any, slot: Any) -> None:
    (firmware,) = device(firmware=[wire])["firmware"]
    assert (firmware["firmware_version"], firmware["slot"]) == (version, slot)
    assert len(firmware) == 8


def test_the_eight_properties_of_forescout_and_no_invented_risk() -> None:
    found = device(vendor="ACME", authorized=True, protocols=[{"name": "S7"}])["forescout"]
    assert len(found) == 8
    assert (found["vendor"], found["authorized"], found["protocols"]) == ("ACME", True, ["S7"])
    assert found["risk_level"] is None


def test_only_the_fields_that_are_asked_for_are_returned() -> None:
    device_task = job(DEVICE, answer(200, [LEAST]), fields=["id", "type"])
    assert do(read_devices, device_task)["devices"] == [{"id": 12, "type": "PLC"}]
    alert_task = job(
        ALERT, answer(200, [ALERT_ROW]), **{**ALERTS_ASKED, "fields": ["id"], "engines": ["malware"]}
    )
    assert do(read_alerts, alert_task)["alerts"] == []
    alert_task = job(ALERT, answer(200, [ALERT_ROW]), **{**ALERTS_ASKED, "fields": ["id"]})
    assert do(read_alerts, alert_task)["alerts"] == [{"id": 101}]


def test_of_the_vulnerability_report_only_the_score_is_kept() -> None:
    report = [
        {"ipAddresses": ["192.0.2.1"], "securityScore": 64, "vulnerabilities": {"plainTextPasswords": ["p"]}}
    ]
    devices = [{**LEAST, "ipAddresses": ["192.0.2.1"]}, {**LEAST, "id": 13, "ipAddress": "192.0.2.2"}]
    task = job(DEVICE, answer(200, devices), answer(200, report), security_scores=True)
    found = do(read_devices, task)["devices"]
    assert [each["security_score"] for each in found] == [64, None]
    assert task.appliance.http.requests[1] == ("GET", "/api/v1/reports/vulnerabilities/devices")
    assert "plainTextPasswords" not in str(found)


@pytest.mark.parametrize(
    ("of_device", "in_report", "score"),
    [
        ({"ipAddresses": ["192.0.2.1"]}, {"ipAddresses": ["192.0.2.2", "192.0.2.1"]}, 64),
        ({"ipAddress": "192.0.2.1"}, {"ipAddresses": "192.0.2.1"}, 64),
        ({"ipAddresses": ["192.0.2.1"]}, {"ipAddress": "192.0.2.1"}, 64),
        ({"ipAddresses": ["192.0.2.1"]}, {"ipAddresses": [["192.0.2.1"]]}, None),
        ({"ipAddresses": [{"v4": "192.0.2.1"}]}, {"ipAddresses": ["192.0.2.1"]}, None),
        ({"ipAddresses": None}, {"ipAddresses": None}, None),
        ({}, {}, None),
    ],
)
def test_a_score_is_found_by_any_address_in_every_spelling(
    of_device: Any, in_report: Any, score: Any
) -> None:
    devices, report = [{**LEAST, **of_device}], [{**in_report, "securityScore": 64}]
    task = job(DEVICE, answer(200, devices), answer(200, report), security_scores=True)
    assert do(read_devices, task)["devices"][0]["security_score"] == score


@pytest.mark.parametrize("lacking", ["id", "name", "type"])
def test_a_device_without_what_every_version_has_is_an_error(lacking: str) -> None:
    row = {name: value for name, value in LEAST.items() if name != lacking}
    with pytest.raises(ApplianceError, match=f'lacks a usable "{lacking}"'):
        do(read_devices, job(DEVICE, answer(200, [row])))


@pytest.mark.parametrize("asking", [prepare_device_info, prepare_alert_info])
def test_without_a_token_nothing_can_be_asked(asking: Any) -> None:
    with pytest.raises(InvalidOptions, match="missing required arguments: token"):
        asking({"token": None})


@pytest.mark.parametrize(
    ("given", "query"), [(None, {}), (True, {"authorized": "true"}), (False, {"authorized": "false"})]
)
def test_devices_are_asked_for_by_whether_they_are_authorized(given: Any, query: Any) -> None:
    task = job(DEVICE, answer(200, []), **prepare_device_info({"token": "t0ken", "authorized": given}))
    assert do(read_devices, task)["devices"] == []
    assert task.appliance.http.contents[0] == {"headers": {"Authorization": "t0ken"}, "params": query}


@pytest.mark.parametrize(
    ("asked", "query"),
    [
        ({}, {}),
        ({"state": "handled"}, {"state": "handled"}),
        ({"type": "unexpected_new_devices"}, {"type": "unexpected new devices"}),
        ({"since": "2026-11-02T10:15:00Z"}, {"fromTime": "1793614500000"}),
        ({"since": "2026-11-02T10:15:00"}, {"fromTime": "1793614500000"}),
        ({"until": "2026-11-02T11:15:00+01:00"}, {"toTime": "1793614500000"}),
    ],
)
def test_alerts_are_asked_for_by_state_type_and_time(asked: Any, query: Any) -> None:
    made = prepare_alert_info({**OF_A_SENSOR, **asked})
    assert made["query"] == query


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (
            {"since": "yesterday"},
            'since is "yesterday", which is not a time; set since to a time like 2026-11-02T10:15:00Z',
        ),
        ({"until": ""}, 'until is "", which is not a time'),
    ],
)
def test_invalid_filters_are_refused_before_the_first_request(asked: Any, says: str) -> None:
    with pytest.raises(InvalidOptions, match=says):
        prepare_alert_info({**OF_A_SENSOR, **asked})


@pytest.mark.parametrize("spelling", ["additionalInformation", "additionalinformation"])
def test_an_alert_is_read_in_both_spellings(spelling: str) -> None:
    row = {**ALERT_ROW, spelling: {"description": "d", "information": []}}
    (found,) = do(read_alerts, job(ALERT, answer(200, [row]), **ALERTS_ASKED))["alerts"]
    assert found["additional_information"] == {"description": "d", "information": []}
    assert (found["severity"], found["engine"]) == ("critical", "policy_violation")
    assert found["time"] == "2025-02-19T21:20:00.123Z"


DOCUMENTED = {
    "severity": ["Critical", "Major", "Minor", "Warning"],
    "engine": ["Protocol Violation", "Policy Violation", "Malware", "Anomaly", "Operational"],
}


@pytest.mark.parametrize(
    ("field", "written"),
    [
        (field, spelled(word))
        for field, words in DOCUMENTED.items()
        for word in words
        for spelled in (str, str.upper, lambda word: word.lower().replace(" ", "_"))
    ],
)
def test_every_documented_severity_and_engine_is_found_by_its_option(field: str, written: str) -> None:
    option, choices = {"severity": ("severities", SEVERITIES), "engine": ("engines", ENGINES)}[field]
    (word,) = [each for each in choices if each.replace("_", " ") == written.lower().replace("_", " ")]
    task = job(ALERT, answer(200, [{**ALERT_ROW, field: written}]), **{**ALERTS_ASKED, option: [word]})
    assert [alert[field] for alert in do(read_alerts, task)["alerts"]] == [word]


@pytest.mark.parametrize(("field", "value"), [("severity", None), ("severity", "Notice"), ("engine", 7)])
def test_an_unknown_severity_or_engine_is_shown_as_it_is_and_fits_no_filter(field: str, value: Any) -> None:
    row = {**ALERT_ROW, field: value}
    (alert,) = do(read_alerts, job(ALERT, answer(200, [row]), **ALERTS_ASKED))["alerts"]
    assert alert[field] == (value.lower() if isinstance(value, str) else value)
    every = {"severities": SEVERITIES, "engines": ENGINES}
    assert do(read_alerts, job(ALERT, answer(200, [row]), **{**ALERTS_ASKED, **every}))["alerts"] == []


@pytest.mark.parametrize("value", [1740000000123, "1740000000123", 1740000000123.0])
def test_the_time_of_an_alert_may_be_a_number_or_its_text(value: Any) -> None:
    (alert,) = do(read_alerts, job(ALERT, answer(200, [{**ALERT_ROW, "time": value}]), **ALERTS_ASKED))[
        "alerts"
    ]
    assert alert["time"] == "2025-02-19T21:20:00.123Z"


@pytest.mark.parametrize("value", [None, "yesterday", [], 1e30])
def test_a_time_that_is_none_is_an_error_in_a_sentence(value: Any) -> None:
    with pytest.raises(ApplianceError, match='lacks a usable "time"'):
        do(read_alerts, job(ALERT, answer(200, [{**ALERT_ROW, "time": value}]), **ALERTS_ASKED))


@pytest.mark.parametrize(
    ("asked", "ids"),
    [
        ({}, [1, 2]),
        ({"severities": ["minor"]}, [2]),
        ({"engines": ["policy_violation"]}, [1]),
        ({"severities": ["minor"], "engines": ["policy_violation"]}, []),
        ({"severities": []}, []),
    ],
)
def test_severity_and_engine_are_filtered_here(asked: Any, ids: list[int]) -> None:
    rows = [{**ALERT_ROW, "id": 1}, {**ALERT_ROW, "id": 2, "severity": "Minor", "engine": "Malware"}]
    result = do(read_alerts, job(ALERT, answer(200, rows), **{**ALERTS_ASKED, **asked}))
    assert [alert["id"] for alert in result["alerts"]] == ids


@pytest.mark.parametrize(
    ("api", "version", "path"),
    [
        ("sensor", None, "/api/v1/alerts"),
        ("sensor", "v2", "/api/v2/alerts"),
        ("management_console", "v1", "/external/v1/alerts"),
        ("management_console", "v2", "/external/v2/alerts"),
    ],
)
def test_a_management_console_is_asked_under_its_own_path(api: str, version: Any, path: str) -> None:
    task = job(ALERT, answer(200, []), **ALERTS_ASKED, api=api, api_version=version)
    do(read_alerts, task)
    assert task.appliance.http.requests == [("GET", path)]


@pytest.mark.parametrize(
    ("api", "version", "found"),
    [
        ("sensor", "v1", "documented"),
        ("sensor", "v2", "assumed"),
        ("management_console", "v2", "documented"),
    ],
)
def test_the_second_version_of_a_sensor_is_assumed(api: str, version: str, found: str) -> None:
    assert provenance(prepare_alert_info({**OF_A_SENSOR, "api": api, "api_version": version})) == found


ABSENT = [answer(404, ""), answer(200, "<html>", "text/html"), answer(200, {"error": "no such call"})]


@pytest.mark.parametrize("absent", ABSENT)
def test_a_sensor_without_the_second_version_is_read_in_the_first(absent: Any) -> None:
    task = job(ALERT, absent, answer(200, [ALERT_ROW]), **ALERTS_ASKED, api="sensor", api_version="v2")
    result = do(read_alerts, task)
    assert [each["id"] for each in result["alerts"]] == [ALERT_ROW["id"]]
    assert result["warnings"] == [LACKS_V2]
    assert task.appliance.http.requests == [("GET", "/api/v2/alerts"), ("GET", "/api/v1/alerts")]


@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        (answer(401, {"error": "no"}), Refused, "the access token is not accepted; check"),
        (answer(429, ""), Locked, "; wait, then run again"),
        (answer(500, ""), ApplianceError, "the answer is not the documented one"),
    ],
)
def test_no_other_answer_means_that_a_sensor_lacks_the_second_version(
    given: Any, error: Any, says: str
) -> None:
    task = job(ALERT, given, **ALERTS_ASKED, api="sensor", api_version="v2")
    with pytest.raises(error, match=says):
        do(read_alerts, task)
    assert task.appliance.http.requests == [("GET", "/api/v2/alerts")]


def test_a_console_without_the_second_version_is_an_error() -> None:
    with pytest.raises(ApplianceError):
        do(read_alerts, job(ALERT, ABSENT[0], **ALERTS_ASKED, api="management_console", api_version="v2"))


@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        (answer(401, {"error": "no"}), Refused, "the access token is not accepted"),
        (answer(403, {}), Refused, "the access token is not accepted"),
        (
            answer(429, "", **{"Retry-After": "7"}),
            Locked,
            "nothing was tried a second time; wait 7 s, then run again",
        ),
        (answer(429, ""), Locked, "; wait, then run again"),
        (answer(404, ""), ApplianceError, "not the documented one"),
        (answer(500, {"error": "Operation failed"}), ApplianceError, "check its event log"),
        (
            answer(200, {"error": "Operation failed"}),
            ApplianceError,
            r"an error instead of a list \(Operation failed\)",
        ),
        (
            answer(200, {"error": {"userDisplayErrorMessage": "no\nlicence"}}),
            ApplianceError,
            r"an error instead of a list \(nolicence\)",
        ),
        (answer(200, {"devices": []}), ApplianceError, "without a JSON array of objects"),
        (answer(200, [1]), ApplianceError, "without a JSON array of objects"),
        (answer(200, ""), ApplianceError, "an empty body where JSON was expected"),
        (answer(200, "<html>", "text/html"), ApplianceError, "an HTML page where JSON was expected"),
    ],
)
def test_nothing_but_200_with_an_array_of_objects_is_an_answer(given: Any, error: Any, says: str) -> None:
    with pytest.raises(error, match=says):
        do(read_devices, job(DEVICE, given))


def test_an_accepted_token_is_reported_with_the_moment() -> None:
    result = do(check_connection, job(CONNECTION, answer(200, []), **CHECK))
    assert (result["accepted"], result["status"], result["changed"]) == (True, 200, False)
    assert result["checked_at"].endswith("Z")


@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        (answer(401, {}), Refused, "the access token is not accepted, and it is not tried again"),
        (answer(403, {}), Refused, "it is not tried again"),
        (answer(429, ""), Locked, "nothing was tried a second time"),
        (answer(200, {}), ApplianceError, "so it is not known whether it is accepted"),
        (answer(200, ""), ApplianceError, "so it is not known whether it is accepted"),
        (answer(200, "<html>"), ApplianceError, "so it is not known whether it is accepted"),
        (answer(500, []), ApplianceError, "so it is not known whether it is accepted"),
    ],
)
def test_a_token_that_is_not_clearly_accepted_fails_after_one_try(given: Any, error: Any, says: str) -> None:
    task = job(CONNECTION, given, **CHECK)
    with pytest.raises(error, match=says):
        do(check_connection, task)
    assert len(task.appliance.http.requests) == 1


def test_the_negative_control_takes_a_token_that_does_not_exist() -> None:
    asked = {**CHECK, "negative_control": True}
    task = job(CONNECTION, answer(200, []), answer(401, {}), **asked)
    assert do(check_connection, task)["accepted"]
    tried = [content["headers"]["Authorization"] for content in task.appliance.http.contents]
    assert tried[0] == "t0ken"
    assert tried[1] != "t0ken"
    with pytest.raises(ApplianceError, match="accepted like the real one"):
        do(check_connection, job(CONNECTION, answer(200, []), answer(200, []), **asked))


@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        (answer(200, {"msg": "Authentication succeeded."}), None, ""),
        (answer(200, {"error": {"userDisplayErrorMessage": "no"}}), Refused, "the password is not accepted"),
        (answer(401, {"error": {}}), Refused, "it is not tried again"),
        (answer(500, {"msg": "?"}), ApplianceError, "so it is not known whether it is accepted"),
        (answer(401, "<html>"), ApplianceError, "so it is not known whether it is accepted"),
        (answer(200, []), ApplianceError, "so it is not known whether it is accepted"),
        (answer(200, {}), ApplianceError, "so it is not known whether it is accepted"),
        (answer(429, {"error": {}}), Locked, "nothing was tried a second time"),
    ],
)
def test_a_password_is_tried_once_and_judged_by_the_documented_bodies(
    given: Any, error: Any, says: str
) -> None:
    task = job(CONNECTION, given, check="credentials", username="admin", password="s3cr3t")
    if error is None:
        assert do(check_connection, task)["accepted"]
    else:
        with pytest.raises(error, match=says):
            do(check_connection, task)
    assert task.appliance.http.requests == [("POST", "/api/external/authentication/validation")]
    assert task.appliance.http.contents == [{"json": {"username": "admin", "password": "s3cr3t"}}]


def test_closing_closes_the_connection() -> None:
    task = job(CONNECTION)
    task.appliance.close()
    assert task.appliance.http.closed
