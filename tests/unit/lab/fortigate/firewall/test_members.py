# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Members of address groups: whole lists, single ones, limits and empty groups."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import members_of

MEMBER = "addrgrp/blocked/member"


def test_a_put_replaces_the_members(blocking: Any) -> None:
    blocking.done("PUT", "addrgrp/blocked", {"member": members_of("b", "none")})
    assert blocking.members() == ["b", "none"]


def test_an_object_instead_of_the_list_is_ignored(blocking: Any) -> None:
    answer = blocking.done("PUT", "addrgrp/blocked", {"member": {"name": "none"}})
    assert not answer["revision_changed"]
    assert blocking.members() == ["a", "b"]
    assert blocking.refused("PUT", "addrgrp/blocked", {"member": "none"}) == (500, -651)


def test_single_members(blocking: Any) -> None:
    blocking.host("c", "192.0.2.9")
    assert blocking.done("POST", MEMBER, {"name": "c"})["mkey"] == "c"
    assert [row["name"] for row in blocking.rows(MEMBER)] == ["a", "b", "c"]
    assert blocking.rows(f"{MEMBER}/c") == [{"name": "c", "q_origin_key": "c"}]
    assert blocking.done("DELETE", f"{MEMBER}/a")["revision_changed"]
    assert blocking.members() == ["b", "c"]
    assert blocking.refused("POST", MEMBER, {"name": "missing"}) == (500, -3)
    assert blocking.refused("GET", f"{MEMBER}/missing") == (404, None)
    assert blocking.refused("POST", "addrgrp/missing/member", {"name": "c"}) == (404, None)


@pytest.mark.parametrize("status", [200, 405])
def test_a_put_of_a_present_member(lab: Any, blocking: Any, status: int) -> None:
    lab.options("fgt", member_put=status)
    assert blocking("PUT", f"{MEMBER}/a", {"name": "a"}).status_code == status
    assert blocking.members() == ["a", "b"]


@pytest.mark.parametrize(("switch", "status"), [(-5, 500), (200, 200)])
def test_a_post_of_a_present_member(lab: Any, blocking: Any, switch: int, status: int) -> None:
    lab.options("fgt", member_twice=switch)
    answer = blocking("POST", MEMBER, {"name": "a"})
    assert (answer.status_code, answer.json().get("error")) == (status, -5 if status == 500 else None)
    assert answer.json()["revision_changed"] is False
    assert blocking.members() == ["a", "b"]


@pytest.mark.parametrize("status", [404, 200])
def test_a_delete_of_an_absent_member(lab: Any, blocking: Any, status: int) -> None:
    lab.options("fgt", absent_member=status)
    assert blocking("DELETE", f"{MEMBER}/none").status_code == status
    assert blocking.members() == ["a", "b"]


def test_a_group_may_be_empty_from_7_2_0(lab: Any, firewall: Any) -> None:
    lab.options("fgt", version="7.2.0")
    firewall.group()
    firewall.done("PUT", "addrgrp/blocked", {"member": members_of("none")})
    firewall.done("DELETE", f"{MEMBER}/none")
    assert firewall.members() == []


@pytest.mark.parametrize("table", ["addrgrp", "addrgrp6"])
@pytest.mark.parametrize("refusal", [-56, -651, "ignore"])
def test_a_group_may_not_be_empty_before(lab: Any, firewall: Any, table: str, refusal: int | str) -> None:
    lab.options("fgt", version="7.0.6", empty_group=refusal)
    code = -56 if refusal == "ignore" else refusal
    assert firewall.refused("POST", table, {"name": "g"}) == (500, code)
    firewall.done("POST", table, {"name": "g", "member": members_of("none")})
    answer = firewall("PUT", f"{table}/g", {"member": []})
    assert answer.status_code == (200 if refusal == "ignore" else 500)
    assert answer.json()["revision_changed"] is False
    assert [row["name"] for row in firewall.row(f"{table}/g")["member"]] == ["none"]


@pytest.mark.parametrize(
    ("switch", "status", "left"), [("refuse", 500, 1), ("ignore", 200, 1), ("accept", 200, 0)]
)
def test_the_last_member_by_its_own_path(
    lab: Any, firewall: Any, switch: str, status: int, left: int
) -> None:
    lab.options("fgt", version="7.0.6", last_member=switch)
    firewall.group("all", "none")
    firewall.done("DELETE", f"{MEMBER}/all")
    assert firewall("DELETE", f"{MEMBER}/none").status_code == status
    assert len(firewall.members()) == left


@pytest.mark.parametrize("code", [-4, -1])
def test_limits(lab: Any, blocking: Any, code: int) -> None:
    lab.options("fgt", member_limit=2, table_limit=len(blocking.rows("address")), full_code=code)
    schema: Any = blocking.rows("addrgrp?action=schema")
    assert schema["children"]["member"]["max_table_size_item"] == 2
    assert blocking.refused("POST", MEMBER, {"name": "none"}) == (500, code)
    assert blocking.refused("PUT", "addrgrp/blocked", {"member": members_of("a", "b", "none")}) == (500, code)
    assert blocking.refused("POST", "address", {"name": "one-too-many"}) == (500, code)
    assert blocking.refused("POST", "address", {"name": "a"}) == (500, -5)
    assert blocking.members() == ["a", "b"]


def test_groups_within_groups(blocking: Any) -> None:
    blocking.group("blocked", name="outer")
    blocking.group("outer", name="outermost")
    assert blocking.refused("POST", MEMBER, {"name": "outermost"}) == (500, -651)
    assert blocking.refused("POST", MEMBER, {"name": "blocked"}) == (500, -651)


@pytest.mark.parametrize("treatment", [-1, -72, "truncate"])
def test_a_text_that_is_too_long(lab: Any, firewall: Any, treatment: int | str) -> None:
    lab.options("fgt", overlong_text=treatment)
    body = {"name": "a", "comment": "x" * 256}
    if treatment == "truncate":
        firewall.done("POST", "address", body)
        assert firewall.row("address/a")["comment"] == "x" * 255
    else:
        assert firewall.refused("POST", "address", body) == (500, treatment)
