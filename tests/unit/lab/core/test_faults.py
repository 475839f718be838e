# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults between an appliance and its client."""

from __future__ import annotations

from typing import Any

import pytest
import requests

PROFILES = "/api/v2/cmdb/system/accprofile"


def fault(lab: Any, kind: str, method: str = "GET", times: int | None = 1, **details: Any) -> None:
    """Add a fault of the FortiGate."""
    match = {"method": method, "path_prefix": "/api/v2/cmdb"}
    lab.control(
        "POST",
        "/faults",
        {"appliance": "fgt", "match": match, "times": times, "fault": {"kind": kind, **details}},
    )


def test_faults_that_keep_the_request_away(lab: Any, fgt: Any) -> None:
    fault(lab, "status", status=503, body={"a": 1})
    assert (fgt("GET", PROFILES).status_code, fgt("GET", PROFILES).status_code) == (503, 200)
    fault(lab, "status", status=429, headers={"Retry-After": "7"})
    assert fgt("GET", PROFILES).headers["retry-after"] == "7"
    fault(lab, "html")
    assert fgt("GET", PROFILES).headers["content-type"].startswith("text/html")
    fault(lab, "redirect", location="https://other.example/")
    assert fgt("GET", PROFILES).headers["location"] == "https://other.example/"
    fault(lab, "status", times=None)
    assert [fgt("GET", PROFILES).status_code for _time in range(3)] == [500] * 3
    lab.control("DELETE", "/faults")
    assert fgt("GET", PROFILES).status_code == 200


@pytest.mark.parametrize(("after", "created"), [(False, 404), (True, 200)])
def test_a_dropped_connection(lab: Any, fgt: Any, after: bool, created: int) -> None:
    fault(lab, "drop", "POST", after=after)
    with pytest.raises(requests.ConnectionError):
        fgt("POST", PROFILES, json={"name": "x"})
    assert fgt("GET", f"{PROFILES}/x").status_code == created
    assert [call["status"] for call in lab.calls("fgt")] == [None, created]


def test_truncated_answers(lab: Any, fgt: Any) -> None:
    fault(lab, "truncate")
    response = fgt("GET", PROFILES)
    assert len(response.content) == int(response.headers["content-length"])
    with pytest.raises(requests.JSONDecodeError):
        response.json()
    fault(lab, "truncate", close=True)
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        fgt("GET", PROFILES)


@pytest.mark.parametrize(("after", "created"), [(False, 404), (True, 200)])
def test_a_late_answer(lab: Any, fgt: Any, after: bool, created: int) -> None:
    fault(lab, "delay", "POST", seconds=2, after=after)
    url = fgt.url + PROFILES
    with pytest.raises(requests.Timeout):
        fgt.session.post(url, json={"name": "x"}, timeout=1)
    assert fgt("GET", f"{PROFILES}/x").status_code == created
    # The appliance still carries the request out. Wait, so that it does not disturb the next test.
    lab.wait_for(lambda: "POST" in [call["method"] for call in lab.calls("fgt")])
    assert fgt("GET", f"{PROFILES}/x").status_code == 200
