# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests to the firewall tables of the lab's FortiGate."""

from __future__ import annotations

from typing import Any

import pytest

CMDB = "/api/v2/cmdb"
GENERATE = "/api/v2/monitor/system/api-user/generate-key"
DENY = {
    "name": "defender-iot-blocked",
    "srcintf": [{"name": "any"}],
    "dstintf": [{"name": "any"}],
    "srcaddr": [{"name": "blocked"}],
    "dstaddr": [{"name": "all"}],
    "service": [{"name": "ALL"}],
    "schedule": "always",
    "action": "deny",
}


class Firewall:
    """The firewall tables of one FortiGate, used by one caller."""

    def __init__(self, fgt: Any, headers: dict[str, str] | None = None) -> None:
        self.fgt = fgt
        self.headers = headers

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Send a request below `cmdb/firewall` and return the response."""
        path = path if path.startswith("/") else f"{CMDB}/firewall/{path}"
        return self.fgt(method, path, json=body, headers={**(self.headers or {}), **headers})

    def done(self, method: str, path: str, body: Any = None, **headers: str) -> dict[str, Any]:
        """Send a request, check the success, and return the envelope."""
        response = self(method, path, body, **headers)
        assert response.status_code == 200, response.text
        return response.json()

    def refused(self, method: str, path: str, body: Any = None) -> tuple[int, int | None]:
        """Send a request, check the refusal, and return its status and code."""
        response = self(method, path, body)
        assert response.status_code != 200, response.text
        return response.status_code, response.json().get("error")

    def rows(self, path: str) -> list[dict[str, Any]]:
        """Return the rows at a path."""
        return self.done("GET", path)["results"]

    def row(self, path: str) -> dict[str, Any]:
        """Return the one row at a path."""
        (row,) = self.rows(path)
        return row

    def host(self, name: str, address: str) -> str:
        """Create the IPv4 address of a host and return its name."""
        return self.done("POST", "address", {"name": name, "subnet": f"{address}/32"})["mkey"]

    def group(self, *members: str, name: str = "blocked") -> str:
        """Create a group and return its name."""
        return self.done("POST", "addrgrp", {"name": name, "member": members_of(*members)})["mkey"]

    def members(self, name: str = "blocked") -> list[str]:
        """Return the names of a group's members."""
        return [each["name"] for each in self.row(f"addrgrp/{name}")["member"]]

    def order(self) -> list[int]:
        """Return the numbers of the policies in their order."""
        return [row["policyid"] for row in self.rows("policy")]


def members_of(*names: str) -> list[dict[str, str]]:
    """Return a list of names as in a body."""
    return [{"name": name} for name in names]


@pytest.fixture
def firewall(fgt: Any) -> Firewall:
    """The firewall tables, used by a caller with all rights."""
    return Firewall(fgt)


@pytest.fixture
def blocking(firewall: Firewall) -> Firewall:
    """Firewall tables with two blocked hosts in a group, and a policy at the top that denies them."""
    firewall.group(firewall.host("a", "192.0.2.7"), firewall.host("b", "192.0.2.8"))
    number = firewall.done("POST", "policy", {**DENY, "match-vip": "enable"})["mkey"]
    firewall.done("PUT", f"policy/{number}?action=move&before=1")
    return firewall


@pytest.fixture
def caller(fgt: Any) -> Any:
    """Return the firewall tables as used by a new administrator with these rights only."""

    def make(**rights: str) -> Firewall:
        profile = {"name": "limited", "fwgrp": "custom", "fwgrp-permission": rights}
        for path, body in (
            ("accprofile", profile),
            ("api-user", {"name": "limited", "accprofile": "limited"}),
        ):
            assert fgt("POST", f"{CMDB}/system/{path}", json=body).status_code == 200
        answer = fgt("POST", GENERATE, json={"api-user": "limited"}).json()
        return Firewall(fgt, {"Authorization": f"Bearer {answer['results']['access_token']}"})

    return make
