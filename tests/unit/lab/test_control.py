# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control port: access, journal, counters, secrets, reset."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from ansible_collections.otsec.defender_iot.tests.support.patience import STEP_SECONDS

PROFILES = "/api/v2/cmdb/system/accprofile"
GENERATE = "/api/v2/monitor/system/api-user/generate-key"


@pytest.fixture
def call(lab: Any, fgt: Any) -> Iterator[Any]:
    """Call the control port with these headers only, after one recorded request to the FortiGate."""
    fgt("GET", PROFILES)
    with requests.Session() as session:
        session.trust_env = False

        def send(method: str, path: str, **headers: str) -> requests.Response:
            url = lab.record["control"] + path
            return session.request(method, url, headers=headers, timeout=STEP_SECONDS)

        yield send


REQUESTS = [("GET", "/secrets"), ("GET", "/no-such-path"), ("DELETE", "/calls"), ("POST", "/reset")]


@pytest.mark.parametrize(("method", "path"), REQUESTS)
@pytest.mark.parametrize("scheme", ["", "Bearer", "Bearer x{}", "Bearer {}x", "Bearer ä", "Basic {}", "{}"])
def test_a_request_without_the_token_is_refused(
    lab: Any, call: Any, method: str, path: str, scheme: str
) -> None:
    given = scheme.format(lab.record["control_token"]).encode().decode("latin-1")
    answer = call(method, path, **({"Authorization": given} if given else {}))
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert answer.json() == {
        "error": "the control token is missing or wrong; send control_token of lab.json as bearer token"
    }
    assert len(lab.calls("fgt")) == 1


@pytest.mark.parametrize("authorized", [True, False])
@pytest.mark.parametrize(("method", "path"), REQUESTS)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Host", "rebound.example"),
        ("Host", "rebound.example:{port}"),
        ("Host", "localhost:{port}"),
        ("Host", "127.0.0.1"),
        ("Host", ""),
        ("Origin", "https://rebound.example"),
        ("Origin", "http://rebound.example:{port}"),
        ("Origin", "https://127.0.0.1:{port}"),
        ("Origin", "null"),
        ("Origin", ""),
    ],
)
def test_a_request_that_a_web_page_may_have_sent_is_refused(
    lab: Any, call: Any, method: str, path: str, name: str, value: str, authorized: bool
) -> None:
    headers = {"Authorization": f"Bearer {lab.record['control_token']}"} if authorized else {}
    port = urlsplit(lab.record["control"]).port
    answer = call(method, path, **headers, **{name: value.format(port=port)})
    assert answer.status_code == 403
    assert f"the {name} header is not " in answer.json()["error"]
    assert len(lab.calls("fgt")) == 1


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_the_token_and_the_own_origin_are_accepted(lab: Any, call: Any, scheme: str) -> None:
    token = lab.record["control_token"]
    answer = call("GET", "/health", Authorization=f"{scheme} {token}", Origin=lab.record["control"])
    assert answer.json()["status"] == "ok"


def test_no_answer_contains_the_token(lab: Any, fgt: Any) -> None:
    fgt("GET", PROFILES)
    answers = [lab.control("GET", path) for path in ("/health", "/state", "/calls", "/counters", "/secrets")]
    assert lab.record["control_token"] not in json.dumps(answers)


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


def test_the_state_is_that_of_all_appliances_or_of_one(lab: Any) -> None:
    state = lab.control("GET", "/state")
    assert {"fgt", "sensor"} < state["appliances"].keys()
    one = lab.control("GET", "/state?appliance=fgt")
    assert one["appliances"] == {"fgt": state["appliances"]["fgt"]}


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
        ("/clock", {"advance": "soon"}),
        ("/appliances/fgt/options", {"colour": "red"}),
        ("/appliances/fgt/options", {"put_missing": 200}),
        ("/appliances/fgt/options", {"version": "seven"}),
        ("/appliances/sensor/options", {"nat": "nowhere"}),
    ]:
        response = lab.session.post(lab.record["control"] + path, json=body, timeout=STEP_SECONDS)
        assert response.status_code == 400
        assert response.json()["error"]


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("/faults", {"fault": {"kind": "drop", "speed": 1}}, "there is no key 'speed'; use kind, method, "),
        ("/faults", {"kind": "drop"}, "there is no key 'kind'; use appliance, fault, match, times"),
        ("/faults", {"match": {"host": "x"}, "fault": {"kind": "drop"}}, "there is no key 'host'; use kind"),
        ("/clock", {"advance": 1, "offset": 1}, "there is no key 'offset'; use advance"),
        ("/clock", {"add": 1, "by": 1}, "there is no key 'add' and no key 'by'; use advance"),
        ("/appliances/sensor/commands/verdict", {"alert": 101, "is": "x"}, "there is no key 'is'; use alert"),
    ],
)
def test_an_unknown_key_is_refused_with_the_known_ones(
    lab: Any, path: str, body: dict[str, Any], message: str
) -> None:
    response = lab.session.post(lab.record["control"] + path, json=body, timeout=STEP_SECONDS)
    assert response.status_code == 400
    assert message in response.json()["error"]


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
