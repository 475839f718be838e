# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Policies: numbers, order, names, and settings that depend on the version or the mode."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import DENY


@pytest.fixture
def denying(firewall: Any) -> Any:
    """Firewall tables with a policy 8 that denies, at the end."""
    firewall.group("all")
    assert firewall.done("POST", "policy", DENY)["mkey"] == 8
    return firewall


def test_numbers(denying: Any) -> None:
    for number, assigned in ((0, 9), (20, 20), ("30", 30)):
        name = f"policy {assigned}"
        assert denying.done("POST", "policy", {**DENY, "policyid": number, "name": name})["mkey"] == assigned
    assert denying.order() == [1, 2, 4, 5, 7, 8, 9, 20, 30]
    assert denying.refused("PUT", "policy/0", {}) == (405, None)
    assert denying.refused("GET", "policy/3") == (404, None)
    assert denying.done("POST", "policy/8?action=clone&nkey=0")["mkey"] == 31
    assert (denying.row("policy/31")["name"], denying.row("policy/31")["action"]) == ("", "deny")
    assert denying.row("policy/31")["uuid"] != denying.row("policy/8")["uuid"]


def test_a_move_is_in_the_query(denying: Any) -> None:
    assert denying.done("PUT", "policy/8?action=move&before=1", {})["revision_changed"]
    assert denying.order() == [8, 1, 2, 4, 5, 7]
    denying.done("PUT", "policy/8?action=move&after=2")
    assert denying.order() == [1, 2, 8, 4, 5, 7]
    in_body = denying.done("PUT", "policy/8", {"action": "deny", "before": 1})
    assert not in_body["revision_changed"]
    assert denying.order() == [1, 2, 8, 4, 5, 7]
    assert not denying.done("PUT", "policy/8?action=move&before=8")["revision_changed"]
    assert denying.refused("PUT", "policy/99?action=move&before=1") == (404, None)


@pytest.mark.parametrize("status", [500, 404])
@pytest.mark.parametrize("query", ["before=99", "after=0", ""])
def test_a_move_beside_an_unknown_policy(lab: Any, denying: Any, status: int, query: str) -> None:
    lab.options("fgt", unknown_neighbour=status)
    code = -3 if status == 500 else None
    assert denying.refused("PUT", f"policy/8?action=move&{query}") == (status, code)
    assert denying.order() == [1, 2, 4, 5, 7, 8]


@pytest.mark.parametrize("counts", [True, False])
def test_a_move_may_not_count_as_a_change(lab: Any, denying: Any, counts: bool) -> None:
    lab.options("fgt", move_changes_revision=counts)
    assert denying.done("PUT", "policy/8?action=move&before=1")["revision_changed"] is counts
    assert denying.order()[0] == 8


@pytest.mark.parametrize("treatment", ["refuse", "accept"])
def test_a_name_that_is_taken(lab: Any, denying: Any, treatment: str) -> None:
    lab.options("fgt", duplicate_policy_name=treatment)
    if treatment == "refuse":
        assert denying.refused("POST", "policy", DENY) == (500, -5)
    else:
        denying.done("POST", "policy", DENY)
    denying.done("PUT", "policy/8", {"name": DENY["name"]})


@pytest.mark.parametrize(
    ("version", "since", "default"),
    [
        ("7.2.2", "7.2.3", "disable"),
        ("7.2.3", "7.2.3", "enable"),
        ("7.2.3", "7.2.4", "disable"),
        ("7.2.4", "7.2.4", "enable"),
    ],
)
def test_match_vip_became_the_default(
    lab: Any, firewall: Any, version: str, since: str, default: str
) -> None:
    lab.options("fgt", version=version, match_vip_since=since)
    firewall.group("all")
    number = firewall.done("POST", "policy", DENY)["mkey"]
    assert firewall.row(f"policy/{number}")["match-vip"] == default


@pytest.mark.parametrize("mode", ["profile-based", "policy-based"])
def test_the_ngfw_mode_decides_whether_policies_deny(lab: Any, firewall: Any, mode: str) -> None:
    lab.options("fgt", ngfw_mode=mode)
    firewall.group("all")
    number = firewall.done("POST", "policy", DENY)["mkey"]
    row = firewall.row(f"policy/{number}")
    assert ("action" in row, "schedule" in row) == (mode == "profile-based",) * 2


@pytest.mark.parametrize("treatment", ["allow", "missing", "forbid"])
def test_references_to_objects_that_the_caller_may_not_read(
    lab: Any, firewall: Any, caller: Any, treatment: str
) -> None:
    lab.options("fgt", references_without_right=treatment)
    firewall.group("all")
    limited = caller(address="read-write", policy="read-write")
    expected = {"allow": (200, None), "missing": (500, -3), "forbid": (403, None)}[treatment]
    answer = limited("POST", "policy", DENY)
    assert (answer.status_code, answer.json().get("error")) == expected


@pytest.mark.parametrize("treatment", ["refuse", "trim", "empty"])
def test_a_read_without_the_right(lab: Any, caller: Any, treatment: str) -> None:
    lab.options("fgt", forbidden_read=treatment)
    answer = caller(address="read-write")("GET", "policy?count=1")
    assert answer.status_code == (403 if treatment == "refuse" else 200)
    trimmed = {"refuse": None, "trim": [{"policyid": 1, "q_origin_key": 1}], "empty": []}
    assert answer.json().get("results") == trimmed[treatment]
