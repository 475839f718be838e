# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control port: journal, counters, secrets, reset."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from ansible_collections.otsec.defender_iot.tests.support.patience import STEP_SECONDS

PROFILES = "/api/v2/cmdb/system/accprofile"
GENERATE = "/api/v2/monitor/system/api-user/generate-key"


def test_calls_and_counters(lab: Any, fgt: Any) -> None:
    fgt("GET", PROFILES)
    fgt("POST", PROFILES, json={"name": "secret-in-body"})
    fgt("POST", GENERATE, json={"api-user": "automation"})
    calls = lab.calls("fgt")
    assert [call["write"] for call in calls] == [False, True, True]
    assert len({call["connection"] for call in calls}) == 1
    assert {call["principal"] for call in calls} == {"automation"}
    assert "secret-in-body" not in json.dumps(calls)
    assert lab.control("GET", "/counters")["fgt"] == {"requests": 3, "connections": 1, "writes": 2}
    lab.control("DELETE", "/calls")
    assert lab.calls("fgt") == []


def test_secrets_are_known_and_never_shown_elsewhere(lab: Any, fgt: Any, sensor: Any, forescout: Any) -> None:
    key = fgt("POST", GENERATE, json={"api-user": "automation"}).json()["results"]["access_token"]
    token = sensor("POST", "/__lab__/tokens", json={"description": "x"}).json()["token"]
    forescout("PUT", "/__lab__/module", json={"accessToken": token})
    secrets = {secret["value"] for secret in lab.control("GET", "/secrets")}
    logins = {fgt.credentials["password"], fgt.credentials["token"], sensor.credentials["password"]}
    assert {key, token} | logins <= secrets
    shown = json.dumps([lab.control("GET", "/state"), lab.control("GET", "/calls")])
    assert not [secret for secret in secrets if secret in shown]
    assert "<redacted>" in shown


def test_nonsense_is_refused(lab: Any) -> None:
    for path, body in [
        ("/faults", {"fault": {"kind": "nonsense"}}),
        ("/faults", {"fault": {"kind": "drop", "speed": 1}}),
        ("/appliances/fgt/options", {"colour": "red"}),
        ("/appliances/fgt/options", {"put_missing": 200}),
        ("/appliances/fgt/options", {"version": "seven"}),
        ("/appliances/sensor/options", {"nat": "nowhere"}),
    ]:
        response = lab.session.post(lab.record["control"] + path, json=body, timeout=STEP_SECONDS)
        assert response.status_code == 400
        assert response.json()["error"]


def test_reset(lab: Any, fgt: Any) -> None:
    fgt("POST", PROFILES, json={"name": "x"})
    lab.options("fgt", version="7.2.8")
    lab.control("POST", "/clock", {"advance": 3600})
    lab.control("POST", "/reset")
    assert lab.calls("fgt") == []
    assert fgt("GET", f"{PROFILES}/x").status_code == 404
    assert fgt("GET", PROFILES).json()["version"] == "v7.4.5"


@pytest.mark.parametrize("name", ["fgt_expired", "fgt-wrong", "fgt-untrusted"])
def test_bad_certificates(lab: Any, name: str) -> None:
    with pytest.raises(requests.exceptions.SSLError):
        lab.client(name)("GET", "/")
    assert lab.control("GET", "/counters")[name]["connections"] == 0
