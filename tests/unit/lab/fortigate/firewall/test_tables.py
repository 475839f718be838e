# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The firewall tables of the lab: fields, defaults, seeds, queries, names and rights."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from defender_iot_lab.fortigate.firewall.options import FirewallOptions

from .conftest import CMDB, DENY, members_of

LOOKUP = "/api/v2/monitor/firewall/policy-lookup"
SESSIONS = "/api/v2/monitor/firewall/session"


def test_the_seeds(firewall: Any) -> None:
    names = {table: [row["name"] for row in firewall.rows(table)] for table in ("address", "address6")}
    assert all({"all", "none"} <= set(found) for found in names.values())
    assert firewall.row("address/none")["subnet"] == "0.0.0.0 255.255.255.255"
    foreign = [row["name"] for row in firewall.rows("addrgrp?filter=name=@Defender-IoT-blocked")]
    assert foreign == ["plant-defender-iot-blocked-old"]
    assert firewall.order() == [1, 2, 4, 5, 7]
    assert firewall.row("policy/2")["dstaddr"][0]["name"] == "historian"
    uuids = [row["uuid"] for table in ("address", "policy") for row in firewall.rows(table)]
    assert len(set(uuids)) == len(uuids)


def test_an_address_reads_as_recorded_ones_do(firewall: Any) -> None:
    firewall.host("a", "192.0.2.7")
    row = firewall.row("address/a")
    assert list(row)[:5] == ["name", "q_origin_key", "uuid", "subnet", "type"]
    assert (row["subnet"], row["type"], row["comment"]) == ("192.0.2.7 255.255.255.255", "ipmask", "")
    assert row["dirty"] == "dirty"
    assert not {"start-ip", "end-ip", "fqdn"} & row.keys()
    assert {"start-ip", "end-ip"} <= firewall.row("address/spare").keys()
    assert "subnet" not in firewall.row("address/vendor")
    firewall.done("POST", "address6", {"name": "v6", "ip6": "2001:DB8:0:0::7/128"})
    assert (firewall.row("address6/v6")["ip6"], firewall.row("address6/v6")["end-ip"]) == (
        "2001:db8::7/128",
        "::",
    )


@pytest.mark.parametrize(
    ("version", "path", "present", "absent"),
    [
        ("6.2.7", "policy/1", {"srcaddr"}, {"srcaddr6", "policy-expiry", "uuid-idx"}),
        ("6.2.7", "addrgrp/plant-networks", {"exclude"}, {"type", "category", "fabric-object"}),
        ("6.4.14", "policy/1", {"srcaddr6"}, {"policy-expiry", "policy-behaviour-type"}),
        ("6.4.14", "addrgrp/plant-networks", {"type", "fabric-object"}, {"category"}),
        ("7.0.0", "addrgrp/plant-networks", {"category"}, set()),
        ("7.0.6", "address/all", {"macaddr"}, {"dirty"}),
        ("7.2.0", "policy/1", {"policy-expiry", "uuid-idx"}, {"policy-expiry-date-utc", "srcaddr6-negate"}),
        ("7.2.8", "policy/1", {"policy-expiry-date-utc", "ip-version-type"}, set()),
        ("7.2.8", "addrgrp6/plant-defender-iot-blocked-old", {"member"}, {"exclude", "category"}),
        ("7.4.0", "addrgrp6/plant-defender-iot-blocked-old", {"exclude", "exclude-member"}, {"type"}),
    ],
)
def test_fields_follow_the_version(
    lab: Any, firewall: Any, version: str, path: str, present: set[str], absent: set[str]
) -> None:
    lab.options("fgt", version=version)
    names = firewall.row(path).keys()
    assert present <= names
    assert not absent & names


def test_defaults_of_a_policy(firewall: Any) -> None:
    firewall.group("all")
    number = firewall.done("POST", "policy", {**DENY, "action": "deny"})["mkey"]
    row = firewall.row(f"policy/{number}")
    assert (row["q_origin_key"], row["status"], row["srcaddr6"]) == (number, "enable", [])
    assert (row["logtraffic"], row["match-vip"]) == ("disable", "enable")
    assert row["srcaddr"] == [{"name": "blocked", "q_origin_key": "blocked"}]
    assert firewall.rows("policy?action=default")["action"] == "deny"  # type: ignore[call-overload]


def test_the_schema_has_the_limits(lab: Any, firewall: Any) -> None:
    schema: Any = firewall.rows("addrgrp?action=schema")
    assert (schema["q_type"], schema["mkey_type"], schema["max_table_size_global"]) == (34, "string", 25000)
    assert schema["children"]["member"]["max_table_size_item"] == 5000
    policy: Any = firewall.rows("policy?action=schema")
    assert (policy["mkey"], policy["mkey_type"]) == ("policyid", "integer")
    groups6: Any = firewall.rows("addrgrp6?action=schema")
    assert groups6["children"]["member"]["max_table_size_item"] == 0
    lab.options("fgt", version="6.4.14")
    schema = firewall.rows("addrgrp?action=schema")
    assert schema["children"]["member"]["max_table_size_item"] == 600


def test_names_are_unique_among_addresses_groups_and_vips(firewall: Any) -> None:
    firewall.group("all")
    for table, name in (
        ("address", "blocked"),
        ("address", "historian"),
        ("address", "all"),
        ("addrgrp", "all"),
        ("addrgrp", "historian"),
        ("addrgrp", "blocked"),
    ):
        assert firewall.refused("POST", table, {"name": name, "member": members_of("none")}) == (500, -5)
    firewall.done("POST", "address6", {"name": "blocked"})
    assert firewall.refused("POST", "addrgrp6", {"name": "blocked", "member": members_of("all")}) == (500, -5)


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("address", {"name": "it's"}, -651),
        ("address", {"name": "x", "comment": "<b>"}, -651),
        ("address", {"name": "x" * 80}, -1),
        ("address", {"name": "x", "comment": "x" * 256}, -1),
        ("address", {"name": "x", "subnet": "192.0.2.300/32"}, -8),
        ("address", {"name": "x", "start-ip": "::1"}, -8),
        ("address", {"name": "x", "start-ip": "one"}, -8),
        ("address", {"name": "x", "uuid": "one"}, -651),
        ("address", {"name": "x", "associated-interface": "dmz"}, -3),
        ("addrgrp", {"name": "x", "member": members_of("missing")}, -3),
        ("addrgrp", {"name": "x", "member": members_of("x")}, -3),
        ("policy", {**DENY, "srcaddr": members_of("missing")}, -3),
        ("policy", {**DENY, "srcaddr": members_of("historian")}, -3),
        ("policy", {**DENY, "service": members_of("missing")}, -3),
        ("policy", {**DENY, "srcintf": members_of("missing")}, -3),
        ("policy", {**DENY, "schedule": "missing"}, -3),
        ("policy", {**DENY, "schedule": ""}, -56),
        ("policy", {**DENY, "dstaddr": []}, -56),
        ("policy", {**DENY, "srcaddr6": members_of("all")}, -56),
        ("policy", {**DENY, "name": "x" * 36}, -1),
        ("policy", {**DENY, "comments": "x" * 1024}, -1),
        ("policy", {**DENY, "policyid": 1}, -5),
        ("policy", {**DENY, "action": "accept", "match-vip": "enable"}, -651),
    ],
)
def test_error_codes(firewall: Any, path: str, body: Any, code: int) -> None:
    firewall.group("all")
    before = firewall.done("GET", path)
    assert firewall.refused("POST", path, body) == (500, code)
    after = firewall.done("GET", path)
    assert (after["results"], after["revision"]) == (before["results"], before["revision"])


def test_a_used_object_is_not_deleted(lab: Any, blocking: Any) -> None:
    answer = blocking("DELETE", "address/a").json()
    assert (answer["error"], answer["cli_error"]) == (
        -23,
        ["The entry is used by other 1 entries", "Command fail. Return code -23"],
    )
    assert blocking.refused("DELETE", "addrgrp/blocked") == (500, -23)
    assert blocking.row("addrgrp/blocked?with_meta=1")["q_ref"] == 1
    assert blocking.row("address/all?with_meta=1")["q_ref"] == 3
    meta = blocking.row("policy/1?with_meta=1")
    assert (meta["q_type"], meta["q_static"], meta["q_mkey_type"], meta["q_ref"]) == (56, False, "integer", 0)
    assert blocking.row("address/none?with_meta=1")["q_static"] is True
    blocking.done("DELETE", "addrgrp/blocked/member/a")
    blocking.done("DELETE", "address/a")
    assert blocking.refused("DELETE", "address/a") == (404, None)


def test_a_delete_without_a_name_purges_what_is_not_used(blocking: Any) -> None:
    blocking.host("unused", "192.0.2.9")
    answer = blocking.done("DELETE", "address")
    assert answer["revision_changed"]
    assert "mkey" not in answer
    left = [row["name"] for row in blocking.rows("address")]
    assert left == ["all", "none", "lan-net", "ot-net", "old-defender-iot-blocked-host", "a", "b"]
    assert blocking("DELETE", f"{CMDB}/system/accprofile").status_code == 405
    assert blocking("DELETE", "vip").status_code == 405


def test_queries(lab: Any, firewall: Any) -> None:
    firewall.host("A-host", "192.0.2.7")
    assert [row["name"] for row in firewall.rows("address?filter=name==a-HOST")] == ["A-host"]
    assert firewall.rows("address?filter=name==a-host&format=name|subnet") == [
        {"name": "A-host", "q_origin_key": "A-host", "subnet": "192.0.2.7 255.255.255.255"}
    ]
    assert [row["policyid"] for row in firewall.rows("policy?filter=action==accept&start=1&count=2")] == [
        2,
        4,
    ]
    named = firewall.row("policy/2?datasource=1")["dstaddr"]
    assert named == [
        {"name": "historian", "q_origin_key": "historian", "datasource": "firewall.vip"},
    ]
    lab.options("fgt", answer_limit=2)
    answer = firewall.done("GET", "policy")
    assert len(answer["results"]) == 2
    assert (answer["size"], answer["matched_count"], answer["next_idx"], answer["limit_reached"]) == (
        5,
        5,
        1,
        True,
    )
    assert not firewall.done("GET", "policy/1")["limit_reached"]


def test_a_revision_changes_with_each_write_of_its_table_only(firewall: Any) -> None:
    before = {table: firewall.done("GET", table)["revision"] for table in ("address", "addrgrp", "policy")}
    firewall.host("a", "192.0.2.7")
    firewall.done("DELETE", "address/a")
    after = {table: firewall.done("GET", table)["revision"] for table in before}
    assert [table for table in before if before[table] != after[table]] == ["address"]
    firewall.host("a", "192.0.2.7")
    assert not firewall.done("PUT", "address/a", {"subnet": "192.0.2.7 255.255.255.255"})["revision_changed"]


def test_each_vdom_has_its_own_tables(lab: Any, firewall: Any) -> None:
    lab.options("fgt", multi_vdom=True, vdoms=["root", "ot"])
    firewall.done("POST", "address?vdom=ot", {"name": "a"})
    sizes = {answer["vdom"]: answer["size"] for answer in firewall("GET", "address?vdom=*").json()}
    assert sizes["ot"] == sizes["root"] + 1
    assert firewall("GET", "address/a").status_code == 404
    assert firewall.row("address/a?vdom=ot")["name"] == "a"
    lab.options("fgt", vdoms=["root", "ot", "new"])
    assert firewall.row("address/a?vdom=ot")["name"] == "a"
    tables = lab.control("GET", "/state")["appliances"]["fgt"]["tables"]["firewall"]
    assert list(tables) == ["root", "ot", "new"]


def test_the_responder_needs_two_rights_to_keep_the_list(firewall: Any, caller: Any) -> None:
    firewall.group("none")
    firewall.done("POST", "policy", DENY)
    responder = caller(address="read-write", policy="read")
    responder.host("a", "192.0.2.7")
    responder.done("POST", "addrgrp/blocked/member", {"name": "a"})
    responder.done("DELETE", "addrgrp/blocked/member/none")
    assert responder.members() == ["a"]
    assert len(responder.rows("policy")) == 6
    query = "?srcintf=lan&sourceip=192.0.2.7&dest=198.51.100.21&protocol=6&destport=502"
    assert responder.done("GET", LOOKUP + query)["results"] == {"success": True, "policy_id": 1}
    assert responder("PUT", "policy/1", {"status": "disable"}).status_code == 403
    for method, path in (
        ("GET", "vip"),
        ("GET", f"{CMDB}/system/interface"),
        ("GET", f"{CMDB}/system/settings"),
        ("GET", f"{CMDB}/firewall.service/custom"),
        ("GET", f"{CMDB}/firewall.schedule/recurring"),
        ("GET", SESSIONS),
        ("POST", f"{SESSIONS}/clear_all"),
        ("POST", f"{SESSIONS}/close"),
    ):
        assert responder(method, path).status_code == 403, path


@pytest.mark.parametrize(
    ("rights", "statuses"),
    [
        ({}, [403, 403, 403, 403, 403]),
        ({"address": "read"}, [200, 403, 403, 403, 403]),
        ({"address": "read-write"}, [200, 200, 403, 403, 403]),
        ({"policy": "read"}, [403, 403, 200, 403, 200]),
        ({"policy": "read-write"}, [403, 403, 200, 200, 200]),
        ({"address": "read-write", "policy": "read-write"}, [200, 200, 200, 200, 200]),
    ],
)
def test_rights(caller: Any, rights: dict[str, str], statuses: list[int]) -> None:
    limited = caller(**rights)
    policy = {**DENY, "srcaddr": members_of("all")}
    lookup = f"{LOOKUP}?srcintf=lan&dest=198.51.100.21&protocol=6"
    assert [
        limited("GET", "addrgrp").status_code,
        limited("POST", "address", {"name": "a"}).status_code,
        limited("GET", "policy").status_code,
        limited("POST", "policy", policy).status_code,
        limited("GET", lookup).status_code,
    ] == statuses


def test_settings_and_sessions_need_the_right_to_the_system(fgt: Any, firewall: Any) -> None:
    settings: Any = firewall.done("GET", f"{CMDB}/system/settings")["results"]
    assert (settings["ngfw-mode"], settings["opmode"]) == ("profile-based", "nat")
    assert firewall("PUT", f"{CMDB}/system/settings", {}).status_code == 405
    assert firewall.done("GET", SESSIONS)["results"] == []
    firewall.done("POST", f"{SESSIONS}/close")
    assert firewall("DELETE", SESSIONS).status_code == 405


def test_answers_have_the_lab_s_time(lab: Any, firewall: Any) -> None:
    before = firewall("GET", "address/all").headers["Date"]
    lab.control("POST", "/clock", {"advance": 86400})
    after = firewall("GET", "address/all").headers["Date"]
    assert before != after
    assert after.endswith(" GMT")


def test_every_option_is_documented() -> None:
    page = (Path(__file__).parents[5] / "docs" / "lab.md").read_text()
    assert [item.name for item in fields(FirewallOptions) if f"`{item.name}`" not in page] == []


def test_a_caller_sees_only_its_vdoms(lab: Any, caller: Any) -> None:
    lab.options("fgt", multi_vdom=True, vdoms=["root", "ot"])
    limited = caller(address="read")
    assert limited("GET", "address?vdom=ot").status_code == 403
    assert limited("GET", "address?vdom=*").status_code == 403
    admin = f"{CMDB}/system/api-user/limited"
    assert limited.fgt("PUT", admin, json={"vdom": members_of("ot")}).status_code == 200
    assert [each["vdom"] for each in limited("GET", "address?vdom=*").json()] == ["ot"]
    assert limited("GET", "address").status_code == 403
