# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documented API of the lab's sensor, with each switch."""

from __future__ import annotations

from typing import Any

import pytest

API = "/api/v1"
VALIDATION = "/api/external/authentication/validation"
SET = "/api/external/authentication/set_password"


@pytest.fixture
def api(sensor: Any) -> Any:
    """The sensor, called with an access token."""
    made = sensor("POST", "/__lab__/tokens", json={"description": "Ansible"}).json()["token"]

    def get(path: str) -> Any:
        return sensor("GET", path, headers={"Authorization": made})

    return get


@pytest.mark.parametrize(
    ("family", "addresses", "protocol", "slot", "dynamic"),
    [
        ("22.x", "ipAddresses", "ipAddresses", None, True),
        ("10.x", "ipAddresses", "addresses", "N/A", False),
        ("2018", "ipAddress", "addresses", "N/A", False),
    ],
)
def test_families_of_versions_spell_devices_differently(
    lab: Any, api: Any, family: str, addresses: str, protocol: str, slot: Any, dynamic: bool
) -> None:
    lab.options("sensor", family=family)
    device = api(f"{API}/devices").json()[0]
    assert device[addresses] == ["198.51.100.12"]
    assert protocol in device["protocols"][0]
    assert device["firmware"][0]["slot"] == slot
    assert ("hasDynamicAddress" in device) is dynamic


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("", [101, 102, 103]),
        ("?state=handled", [102]),
        ("?state=unhandled", [101, 103]),
        ("?state=whatever", [101, 102, 103]),
        ("?type=disconnections", [103]),
        ("?type=unexpected%20new%20devices", [102]),
        ("?type=whatever", [101, 102, 103]),
        ("?fromTime=1740000000001", [102, 103]),
        ("?toTime=1740000000000", [101]),
        ("?fromTime=9999999999999", []),
    ],
)
def test_alerts_are_filtered(api: Any, query: str, ids: list[int]) -> None:
    assert [alert["id"] for alert in api(f"{API}/alerts{query}").json()] == ids


def test_one_alert_has_the_spelling_of_the_sample(api: Any) -> None:
    spellings = [
        {"additionalinformation", "additionalInformation"} & alert.keys()
        for alert in api(f"{API}/alerts").json()
    ]
    assert spellings == [{"additionalInformation"}, {"additionalinformation"}, {"additionalInformation"}]


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("devices/cves", ["CVE-2019-0708", "CVE-2015-0987"]),
        ("devices/cves?top=0", []),
        ("devices/198.51.100.12/cves", ["CVE-2015-0987"]),
    ],
)
def test_cves_come_by_score(api: Any, path: str, found: list[str]) -> None:
    assert [cve["cveId"] for cve in api(f"{API}/{path}").json()] == found


@pytest.mark.parametrize(
    ("query", "count"), [("", 2), ("?discoveredAfter=1740000000001", 0), ("?discoveredBefore=1", 0)]
)
def test_connections_are_filtered_by_time(api: Any, query: str, count: int) -> None:
    assert len(api(f"{API}/devices/connections{query}").json()) == count


def test_events_of_three_days_at_most_and_the_same_answer_for_an_hour(lab: Any, api: Any) -> None:
    first = api(f"{API}/events?minutesTimeFrame=99999").json()
    assert [event["type"] for event in first] == ["USER_LOGIN"]
    lab.control("POST", "/clock", {"advance": 60})
    assert api(f"{API}/events?minutesTimeFrame=99999").json() == first
    lab.control("POST", "/clock", {"advance": 3600})
    assert api(f"{API}/events?minutesTimeFrame=99999").json() != first


@pytest.mark.parametrize("report", ["devices", "security", "operational", "mitigation"])
def test_vulnerability_reports(api: Any, report: str) -> None:
    assert api(f"{API}/reports/vulnerabilities/{report}").json()


def test_a_capture_is_not_for_an_ordinary_token(api: Any) -> None:
    assert api("/api/v2/alerts/pcap/101").json() == {"error": "PCAP file is not available"}


def test_a_management_console_has_the_same_under_another_path(lab: Any, api: Any) -> None:
    lab.options("sensor", console=True)
    (device, *_others) = api("/external/v1/devices").json()
    assert (device["sensorId"], device["zoneId"], device["siteId"]) == (1, 1, 1)
    first, second = (api(f"/external/{version}/alerts").json()[0] for version in ("v1", "v2"))
    assert "handled" in first
    assert "remediationSteps" not in first
    assert second["sourceDeviceAddress"] == "198.51.100.33"
    assert api("/api/v1/devices").headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("status", [401, 200, 403, 429])
def test_a_refused_password_has_a_body_and_any_status(lab: Any, status: int) -> None:
    lab.options("sensor", failed_check=status)
    client = lab.client("sensor")
    answer = client("POST", VALIDATION, json={**client.credentials, "password": "wrong"})
    assert answer.status_code == status
    assert answer.json() == {"error": {"userDisplayErrorMessage": "Credentials validation failed"}}


def test_a_management_console_checks_passwords_too(lab: Any) -> None:
    lab.options("sensor", console=True)
    client = lab.client("sensor")
    answer = client("POST", "/external/authentication/validation", json=client.credentials)
    assert answer.json() == {"msg": "Authentication succeeded."}


def test_a_password_is_changed(lab: Any) -> None:
    client = lab.client("sensor")
    new = {**client.credentials, "new_password": "another-password"}
    assert client("POST", SET, json={**new, "password": "wrong"}).json()["error"]
    assert "policy" in client("POST", SET, json={**new, "new_password": "short"}).text
    assert client("POST", SET, json=new).json() == {"msg": "Password has been replaced"}
    assert "error" in client("POST", VALIDATION, json=client.credentials).json()


def test_an_administrator_changes_only_passwords_of_users_that_exist(lab: Any) -> None:
    client = lab.client("sensor")
    body = {
        "admin_username": client.credentials["username"],
        "admin_password": client.credentials["password"],
        "username": "unknown",
        "new_password": "another-password",
    }
    assert "doesn't exist" in client("POST", f"{SET}_by_admin", json=body).text
