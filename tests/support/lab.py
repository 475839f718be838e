# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A running lab for tests: its appliances, its recorded calls, and its switches."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import requests

from .patience import STEP_SECONDS, wait_for

FILES = Path(__file__).resolve().parents[2] / "roles" / "lab" / "files"


class Lab:
    """A client of a running lab: of its control port and of its appliances."""

    def __init__(self, record: dict[str, Any]) -> None:
        """`record` is the content of `lab.json`."""
        self.appliances: dict[str, dict[str, Any]] = record["appliances"]
        self.ca_path: str = record["ca_path"]
        self.client = {name: record[name] for name in ("client_cert", "client_key")}
        self._control = record["control"]
        self._session = _session()
        self._control_session = _session()
        self._control_session.headers["Authorization"] = f"Bearer {record['control_token']}"

    def close(self) -> None:
        """Close the connections, because the lab waits for them when it ends."""
        self._session.close()
        self._control_session.close()

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Call the control port."""
        url = self._control + path
        answer = self._control_session.request(method, url, json=body, timeout=STEP_SECONDS)
        assert answer.ok, answer.text
        return answer.json() if answer.content else None

    def reset(self) -> None:
        """Restore the initial state, except ports and credentials."""
        self.control("POST", "/reset")

    def switch(self, appliance: str, **options: Any) -> None:
        """Change options of one appliance."""
        self.control("POST", f"/appliances/{appliance}/options", options)

    def fault(self, appliance: str, kind: str, match: dict[str, str] | None = None, **more: Any) -> None:
        """Make every request to an appliance, or every matching one, fail."""
        fault = {"kind": kind, **more}
        self.control(
            "POST", "/faults", {"appliance": appliance, "match": match or {}, "times": None, "fault": fault}
        )

    def calls(self, *appliances: str) -> list[dict[str, Any]]:
        """Return the recorded calls of some appliances, or of all."""
        only = f"?appliance={appliances[0]}" if len(appliances) == 1 else ""
        calls = self.control("GET", f"/calls{only}")
        return [call for call in calls if not appliances or call["appliance"] in appliances]

    def forget_calls(self) -> None:
        """Delete the recorded calls."""
        self.control("DELETE", "/calls")

    def connections(self) -> dict[str, int]:
        """Return the number of TLS connections of each appliance."""
        return {name: each["connections"] for name, each in self.control("GET", "/counters").items()}

    def state(self, appliance: str) -> dict[str, Any]:
        """Return the state of an appliance, with redacted secrets."""
        return self.control("GET", f"/state?appliance={appliance}")["appliances"][appliance]

    def tables(self, appliance: str) -> dict[str, Any]:
        """Return the configuration of a FortiGate."""
        return self.state(appliance)["tables"]

    def secrets(self) -> list[dict[str, str]]:
        """Return every secret that the lab has issued or received."""
        return self.control("GET", "/secrets")

    def call(self, appliance: str, method: str, path: str, **arguments: Any) -> requests.Response:
        """Call an appliance, with the arguments of `requests`."""
        url = self.appliances[appliance]["url"] + path
        return self._session.request(
            method, url, verify=self.ca_path, timeout=STEP_SECONDS, allow_redirects=False, **arguments
        )

    def cmdb(self, fortigate: str, method: str, path: str, body: Any = None) -> Any:
        """Read or write the configuration of a FortiGate as `automation`. Return the results."""
        known = self.appliances[fortigate]["credentials"]
        headers = {"Authorization": f"Bearer {known['token']}", "X-Admin-Passwd": known["password"]}
        answer = self.call(fortigate, method, f"/api/v2/cmdb/system/{path}", headers=headers, json=body)
        assert answer.ok, answer.text
        return answer.json().get("results")

    def firewall(self, fortigate: str, method: str, path: str, body: Any = None) -> Any:
        """Read or write the firewall tables of a FortiGate as `automation`. Return the results."""
        headers = {"Authorization": f"Bearer {self.appliances[fortigate]['credentials']['token']}"}
        answer = self.call(fortigate, method, f"/api/v2/cmdb/firewall/{path}", headers=headers, json=body)
        assert answer.ok, answer.text
        return answer.json().get("results")

    def packet(self, fortigate: str, source: str, destination: str, **more: Any) -> dict[str, Any]:
        """Return whether a packet passes, and by which policy."""
        packet = {"source": source, "destination": destination, **more}
        return dict(self.control("POST", f"/appliances/{fortigate}/commands/packet", packet))

    def make_token(self, sensor: str, description: str) -> str:
        """Create an access token in a sensor's web interface, like an operator. Return its value."""
        place = self.appliances[sensor]
        with requests.Session() as web:
            web.trust_env = False
            web.verify = self.ca_path
            web.get(place["url"] + "/", timeout=STEP_SECONDS)

            def post(path: str, body: Any) -> requests.Response:
                headers = {"X-CSRFToken": web.cookies["csrftoken"]}
                answer = web.post(place["url"] + path, json=body, headers=headers, timeout=STEP_SECONDS)
                assert answer.ok, answer.text
                return answer

            post("/api/authentication/login", place["credentials"])
            return str(post("/__lab__/tokens", {"description": description}).json()["token"])

    def endpoint_map(self, appliance: str) -> dict[str, Any]:
        """Return the true endpoint map of a sensor or a Forescout platform."""
        return dict(self.control("GET", f"/appliances/{appliance}/endpoint_map"))

    def web_api(self, forescout: str, path: str) -> Any:
        """Read the documented Web API of a Forescout platform."""
        login = self.appliances[forescout]["credentials"]
        token = self.call(forescout, "POST", "/api/login", data=login).text
        answer = self.call(forescout, "GET", f"/api/{path}", headers={"Authorization": token})
        assert answer.ok, answer.text
        return answer.json()


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    return session


@contextmanager
def running_lab(directory: Path, appliances: list[dict[str, Any]], seed: int = 1) -> Iterator[Lab]:
    """Run a lab in a separate process, and stop it at the end."""
    config = directory / "config.json"
    config.write_text(json.dumps({"appliances": appliances, "seed": seed}))
    command = [sys.executable, "-m", "defender_iot_lab", "run"]
    arguments = ["--config", str(config), "--directory", str(directory)]
    process = subprocess.Popen([*command, *arguments], env={**os.environ, "PYTHONPATH": str(FILES)})
    try:
        record = directory / "lab.json"
        wait_for(lambda: record.exists() or process.poll() is not None)
        with closing(Lab(json.loads(record.read_text()))) as lab:
            yield lab
    finally:
        process.terminate()
        process.wait(STEP_SECONDS)
