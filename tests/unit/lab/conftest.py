# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One lab for all tests of this folder. Every test starts from its initial state."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from ansible_collections.otsec.defender_iot.tests.support.patience import STEP_SECONDS, wait_for

PACKAGE = Path(__file__).parents[3] / "roles" / "lab" / "files"
CONFIG: dict[str, Any] = {
    "seed": 1,
    "appliances": [
        {"name": "fgt", "kind": "fortigate", "address": "192.0.2.1"},
        {"name": "fgt_expired", "kind": "fortigate", "address": "192.0.2.2", "certificate": "expired"},
        {"name": "fgt-wrong", "kind": "fortigate", "address": "192.0.2.3", "certificate": "wrong_name"},
        {"name": "fgt-untrusted", "kind": "fortigate", "address": "192.0.2.4", "certificate": "untrusted"},
        {"name": "sensor", "kind": "sensor", "address": "192.0.2.10"},
        {"name": "sensor-expired", "kind": "sensor", "address": "192.0.2.11", "certificate": "expired"},
        {
            "name": "forescout",
            "kind": "forescout",
            "address": "192.0.2.20",
            "options": {"poll_interval": 0.2},
        },
        {"name": "siem", "kind": "fortisiem", "address": "192.0.2.30"},
    ],
}


class Client:
    """A client of one appliance."""

    def __init__(self, url: str, ca_path: str, credentials: dict[str, str]) -> None:
        self.url = url
        self.credentials = credentials
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = ca_path

    def __call__(self, method: str, path: str, **arguments: Any) -> requests.Response:
        return self.session.request(
            method, self.url + path, timeout=STEP_SECONDS, **{"allow_redirects": False, **arguments}
        )


class LabClient:
    """A client of a running lab's control port, made from `lab.json`."""

    wait_for = staticmethod(wait_for)

    def __init__(self, record: dict[str, Any]) -> None:
        self.record = record
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["Authorization"] = f"Bearer {record['control_token']}"

    def control(self, method: str, path: str, body: Any = None) -> Any:
        response = self.session.request(
            method, self.record["control"] + path, json=body, timeout=STEP_SECONDS
        )
        assert response.ok, response.text
        return response.json() if response.content else None

    def client(self, name: str) -> Client:
        appliance = self.record["appliances"][name]
        return Client(appliance["url"], self.record["ca_path"], appliance["credentials"])

    def options(self, name: str, **switches: Any) -> None:
        self.control("POST", f"/appliances/{name}/options", switches)

    def calls(self, name: str) -> list[dict[str, Any]]:
        return self.control("GET", f"/calls?appliance={name}")


@pytest.fixture(scope="session")
def command() -> list[str]:
    """The command line of the lab."""
    pytest.importorskip("uvicorn")
    pytest.importorskip("trustme")
    return [sys.executable, "-m", "defender_iot_lab"]


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    """The environment in which Python finds the lab."""
    return {**os.environ, "PYTHONPATH": str(PACKAGE), "PYTHONDONTWRITEBYTECODE": "1"}


@pytest.fixture(scope="session")
def running_lab(
    command: list[str], environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LabClient]:
    """A lab, shared by all tests."""
    directory = tmp_path_factory.mktemp("lab")
    config = directory / "config.json"
    config.write_text(json.dumps(CONFIG))
    arguments = [*command, "run", "--config", str(config), "--directory", str(directory)]
    process = subprocess.Popen(arguments, env=environment)
    try:
        record = directory / "lab.json"
        wait_for(record.exists)
        yield LabClient(json.loads(record.read_text()))
    finally:
        process.terminate()
        assert process.wait(STEP_SECONDS) == 0
    assert not record.exists()


@pytest.fixture
def lab(running_lab: LabClient) -> LabClient:
    """The lab in its initial state."""
    running_lab.control("POST", "/reset")
    return running_lab


@pytest.fixture
def fgt(lab: LabClient) -> Client:
    """A FortiGate, called with the key of its REST API administrator."""
    client = lab.client("fgt")
    client.session.headers["Authorization"] = f"Bearer {client.credentials['token']}"
    return client


@pytest.fixture
def sensor(lab: LabClient) -> Client:
    """A sensor, logged in to its web interface."""
    client = lab.client("sensor")
    client("GET", "/")
    headers = {"X-CSRFToken": client.session.cookies["csrftoken"]}
    assert client("POST", "/api/authentication/login", json=client.credentials, headers=headers).ok
    client.session.headers["X-CSRFToken"] = client.session.cookies["csrftoken"]
    return client


@pytest.fixture
def forescout(lab: LabClient) -> Client:
    """A Forescout, called with an OAuth token."""
    client = lab.client("forescout")
    form = {**client.credentials, "grant_type": "password", "client_id": "fs-oauth-client"}
    token = client("POST", "/fsum/oauth2.0/token", data=form).json()["access_token"]
    client.session.headers["Authorization"] = f"Bearer {token}"
    return client
