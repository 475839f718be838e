# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens to a FortiGate from outside its API: packets, FortiManager, a second writer, a reboot."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from ansible_collections.otsec.defender_iot.tests.support.patience import STEP_SECONDS

from .conftest import CMDB, DENY, members_of

LOOKUP = "/api/v2/monitor/firewall/policy-lookup"
GROUP = f"{CMDB}/firewall/addrgrp/blocked"


def command(lab: Any, name: str, **body: Any) -> Any:
    """Send a command to the FortiGate by the control port."""
    return lab.control("POST", f"/appliances/fgt/commands/{name}", body)


def verdict(lab: Any, source: str, destination: str, **more: Any) -> tuple[str, int | None]:
    """Return the action and the deciding policy for a packet."""
    found = command(lab, "packet", source=source, destination=destination, **more)
    return found["action"], found["policy"]


def test_the_effect_of_a_block_list(lab: Any, blocking: Any) -> None:
    assert verdict(lab, "192.0.2.7", "198.51.100.21") == ("deny", 8)
    assert verdict(lab, "192.0.2.9", "198.51.100.21") == ("accept", 1)
    assert verdict(lab, "198.51.100.21", "192.0.2.7") == ("accept", 4)
    assert verdict(lab, "192.0.2.7", "192.0.2.254") == ("accept", None)
    assert verdict(lab, "2001:db8:2::7", "2001:db8:51::7") == ("accept", 5)
    assert verdict(lab, "192.0.2.7", "198.51.100.21", established=True) == ("deny", 8)
    blocking.done("DELETE", "addrgrp/blocked/member/a")
    assert verdict(lab, "192.0.2.7", "198.51.100.21") == ("accept", 1)


@pytest.mark.parametrize(("match_vip", "decision"), [("enable", ("deny", 8)), ("disable", ("accept", 2))])
def test_a_block_list_above_a_vip(lab: Any, blocking: Any, match_vip: str, decision: tuple[str, int]) -> None:
    blocking.done("PUT", "policy/8", {"action": "deny", "match-vip": match_vip})
    blocking.done("POST", "addrgrp/blocked/member", {"name": blocking.host("c", "203.0.113.9")})
    assert verdict(lab, "203.0.113.9", "203.0.113.80") == decision


@pytest.mark.parametrize(("matches", "action"), [("none", "accept"), ("all", "deny")])
def test_an_empty_group_in_a_policy(lab: Any, blocking: Any, matches: str, action: str) -> None:
    lab.options("fgt", empty_group_matches=matches)
    blocking.done("PUT", "addrgrp/blocked", {"member": []})
    assert verdict(lab, "192.0.2.7", "198.51.100.21")[0] == action


@pytest.mark.parametrize(
    "switches",
    [{"session_check": "check-new"}, {"member_edit_reevaluates": False}, {"ngfw_mode": "policy-based"}],
)
def test_switches_that_let_a_session_live_on(lab: Any, blocking: Any, switches: Any) -> None:
    lab.options("fgt", **switches)
    assert verdict(lab, "192.0.2.7", "198.51.100.21", established=True)[0] == "accept"


@pytest.mark.parametrize("without", ["policy_0", "no_success"])
def test_policy_lookup(lab: Any, blocking: Any, without: str) -> None:
    lab.options("fgt", lookup_without_match=without)

    def found(source: str, destination: str) -> Any:
        query = f"?srcintf=lan&sourceip={source}&dest={destination}&protocol=6&destport=502"
        return blocking.done("GET", LOOKUP + query)["results"]

    assert found("192.0.2.7", "198.51.100.21") == {"success": True, "policy_id": 8}
    assert found("192.0.2.9", "198.51.100.21") == {"success": True, "policy_id": 1}
    expected = {"policy_0": {"success": True, "policy_id": 0}, "no_success": {"success": False}}[without]
    assert found("192.0.2.9", "203.0.113.1") == expected
    lab.options("fgt", version="7.6.5")
    more = {"match": True, "matched_policy_type": "policy", "policy_action": "deny"}
    assert found("192.0.2.7", "198.51.100.21") == {"success": True, "policy_id": 8, **more}
    assert blocking("GET", LOOKUP + "?srcintf=lan").status_code == 424
    assert blocking.refused("GET", LOOKUP + "?srcintf=lan&dest=nowhere&protocol=6") == (500, -8)


@pytest.mark.parametrize("deletes", [True, False])
def test_a_package_of_fortimanager_replaces_the_policies(lab: Any, blocking: Any, deletes: bool) -> None:
    lab.options("fgt", install_deletes=deletes)
    blocking.done("DELETE", "policy/4")
    deleted = command(lab, "install")["deleted"]
    unused = {"addrgrp/blocked", "addrgrp/plant-networks", "address/a", "address/b", "address/spare"}
    assert deleted[0] == "policy/8"
    assert unused & set(deleted) == (unused if deletes else set())
    assert blocking.order() == [1, 2, 4, 5, 7]
    assert blocking("GET", "addrgrp/blocked").status_code == (404 if deletes else 200)
    assert blocking("GET", "address/all").status_code == 200
    assert blocking("GET", "address/a").status_code == (404 if deletes else 200)


def test_a_package_may_have_the_block_list(lab: Any, blocking: Any) -> None:
    deleted = command(lab, "install", keep=[DENY["name"]], vdom="root")["deleted"]
    assert "addrgrp/plant-networks" in deleted
    assert not {"policy/8", "addrgrp/blocked", "address/a"} & set(deleted)
    assert blocking.order() == [8, 1, 2, 4, 5, 7]
    assert blocking.members() == ["a", "b"]


def test_a_second_writer_between_a_read_and_a_write(lab: Any, blocking: Any) -> None:
    before = blocking.done("GET", "addrgrp")["revision"]
    writer = {"method": "PUT", "path": GROUP, "body": {"member": members_of("none")}}
    assert command(lab, "second_writer", **writer, after_path=GROUP) == {"waiting": 1}
    blocking.done("GET", "address")
    assert blocking.members() == ["a", "b"]
    assert blocking.members() == ["none"]
    assert blocking.done("GET", "addrgrp")["revision"] != before
    state = lab.control("GET", "/state")["appliances"]["fgt"]["second_writers"]
    assert [each["status"] for each in state] == [200]
    writer = {"method": "PUT", "path": "/api/v2/cmdb/firewall/policy/8?action=move&after=1"}
    command(lab, "second_writer", **writer, after_method="PUT")
    blocking.done("PUT", "addrgrp/blocked", {"comment": "x"})
    assert blocking.order()[:2] == [1, 8]
    assert {call["principal"] for call in lab.calls("fgt")} == {"automation"}


@pytest.mark.parametrize("saving", ["automatic", "manual"])
def test_a_reboot_may_lose_what_was_not_saved(lab: Any, fgt: Any, firewall: Any, saving: str) -> None:
    firewall.host("before", "192.0.2.7")
    lab.options("fgt", cfg_save=saving)
    firewall.host("after", "192.0.2.8")
    assert command(lab, "reboot") == {"cfg_save": saving}
    assert firewall("GET", "address/before").status_code == 200
    assert firewall("GET", "address/after").status_code == (404 if saving == "manual" else 200)


def test_a_reboot_ends_sessions(lab: Any) -> None:
    client = lab.client("fgt")
    login = {"username": client.credentials["username"], "secretkey": client.credentials["password"]}
    client("POST", "/logincheck", data={**login, "ajax": "1"})
    assert client("GET", f"{CMDB}/firewall/address").status_code == 200
    command(lab, "reboot")
    assert client("GET", f"{CMDB}/firewall/address").status_code == 401


@pytest.mark.parametrize(
    ("path", "status", "reason"),
    [
        ("fgt/commands/fly", 400, "fgt has no command 'fly'"),
        ("sensor/commands/reboot", 400, "sensor has no command 'reboot'"),
        ("none/commands/reboot", 404, None),
        ("fgt/commands/packet", 400, "missing 2 required"),
    ],
)
def test_commands_that_do_not_exist(lab: Any, path: str, status: int, reason: str | None) -> None:
    url = f"{lab.record['control']}/appliances/{path}"
    answer = lab.session.post(url, json={}, timeout=STEP_SECONDS)
    assert answer.status_code == status
    assert reason is None or reason in answer.json()["error"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"source": "nowhere", "destination": "192.0.2.1"}, "value parse error before 'nowhere'"),
        ({"vdom": "plant"}, "there is no VDOM 'plant'"),
    ],
)
def test_packets_that_do_not_exist(lab: Any, body: dict[str, str], reason: str) -> None:
    url = f"{lab.record['control']}/appliances/fgt/commands/packet"
    answer = lab.session.post(url, json=body, timeout=STEP_SECONDS)
    assert answer.status_code == 400
    assert reason in answer.json()["error"]


def test_faults_of_a_batch(lab: Any, firewall: Any) -> None:
    def fault(kind: str, **details: Any) -> None:
        match = {"method": "POST", "path_prefix": f"{CMDB}/firewall/address"}
        body = {"appliance": "fgt", "match": match, "fault": {"kind": kind, **details}}
        lab.control("POST", "/faults", body)

    fault("status", status=500, skip=2)
    statuses = [firewall("POST", "address", {"name": f"h{number}"}).status_code for number in range(4)]
    assert statuses == [200, 200, 500, 200]
    fault("html", status=401)
    fault("status", status=429)
    assert [firewall("POST", "address", {"name": "x"}).status_code for _time in range(2)] == [401, 429]
    fault("drop", after=True)
    with pytest.raises(requests.ConnectionError):
        firewall("POST", "address", {"name": "lost-answer"})
    names = [row["name"] for row in firewall.rows("address?filter=name=@h,name=@lost&format=name")]
    assert [name for name in names if name in ("h0", "h1", "h2", "h3", "lost-answer")] == [
        "h0",
        "h1",
        "h3",
        "lost-answer",
    ]
