# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verdicts for packets, without a network: order, VIPs, groups, sessions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from defender_iot_lab.fortigate.firewall.options import FirewallOptions
from defender_iot_lab.fortigate.firewall.oracle import Packet, RuleBase

LAN_TO_OT = Packet("192.0.2.7", "198.51.100.21", "lan", "ot")
TO_HISTORIAN = Packet("203.0.113.9", "198.51.100.80", "wan1", "ot", vip="historian")
HOSTS = {
    "all": {"type": "ipmask", "subnet": "0.0.0.0 0.0.0.0"},
    "host": {"type": "ipmask", "subnet": "192.0.2.7 255.255.255.255"},
    "outside": {"type": "ipmask", "subnet": "203.0.113.9 255.255.255.255"},
    "range": {"type": "iprange", "start-ip": "192.0.2.6", "end-ip": "192.0.2.8"},
    "fqdn": {"type": "fqdn", "fqdn": "support.example.com"},
}
HOSTS6 = {
    "all": {"type": "ipprefix", "ip6": "::/0"},
    "host": {"type": "ipprefix", "ip6": "2001:db8:2::7/128"},
}


def names(*values: str) -> list[dict[str, str]]:
    """Return a list of names as stored."""
    return [{"name": value} for value in values]


def policy(number: int, action: str = "deny", **more: Any) -> dict[str, Any]:
    """Return a policy from every source to every destination."""
    return {
        "policyid": number,
        "status": "enable",
        "srcintf": names("any"),
        "dstintf": names("any"),
        "srcaddr": names("all"),
        "dstaddr": names("all"),
        "srcaddr6": names("all"),
        "dstaddr6": names("all"),
        "service": names("ALL"),
        "action": action,
        "match-vip": "disable",
        **more,
    }


def rules(*policies: dict[str, Any], groups: Any = None, **more: Any) -> RuleBase:
    """Return a rule base with these policies and these members of IPv4 groups."""
    options = FirewallOptions(**more)
    rows = {name: {"member": names(*members)} for name, members in (groups or {}).items()}
    return RuleBase(
        policies=policies,
        addresses={"": HOSTS, "6": HOSTS6},
        groups={"": rows, "6": {}},
        services={"ALL": {}, "MODBUS": {"tcp-portrange": "502"}},
        options=options,
    )


def decided(base: RuleBase, packet: Packet) -> tuple[str, int | None]:
    """Return the action and the deciding policy."""
    verdict = base.verdict(packet)
    assert verdict.reason
    return verdict.action, verdict.policy


def test_the_first_match_decides() -> None:
    accept, deny = policy(1, "accept"), policy(2)
    assert decided(rules(accept, deny), LAN_TO_OT) == ("accept", 1)
    assert decided(rules(deny, accept), LAN_TO_OT) == ("deny", 2)
    assert decided(rules(), LAN_TO_OT) == ("deny", 0)
    assert decided(rules({**deny, "status": "disable"}, accept), LAN_TO_OT) == ("accept", 1)


@pytest.mark.parametrize(
    ("fields", "matches"),
    [
        ({"srcintf": names("lan")}, True),
        ({"srcintf": names("wan1")}, False),
        ({"dstintf": names("ot", "wan1")}, True),
        ({"dstintf": names("lan")}, False),
        ({"srcaddr": names("host")}, True),
        ({"srcaddr": names("outside")}, False),
        ({"srcaddr": names("outside", "range")}, True),
        ({"srcaddr": names("fqdn")}, False),
        ({"srcaddr": names("unknown")}, False),
        ({"srcaddr": names("host"), "srcaddr-negate": "enable"}, False),
        ({"srcaddr": names("outside"), "srcaddr-negate": "enable"}, True),
        ({"srcaddr": [], "dstaddr": []}, False),
        ({"dstaddr": names("host")}, False),
        ({"service": names("MODBUS")}, True),
        ({"service": names("unknown")}, False),
    ],
)
def test_what_a_policy_matches(fields: dict[str, Any], matches: bool) -> None:
    packet = replace(LAN_TO_OT, port=502)
    assert rules().matches(policy(1, **fields), packet) is matches


def test_a_service_needs_a_port() -> None:
    assert not rules().matches(policy(1, service=names("MODBUS")), LAN_TO_OT)


def test_ipv6_uses_its_own_addresses() -> None:
    packet = Packet("2001:db8:2::7", "2001:db8:51::21", "lan", "ot")
    blocking = policy(1, srcaddr6=names("host"))
    assert decided(rules(blocking), packet) == ("deny", 1)
    assert decided(rules({**blocking, "srcaddr6": []}, policy(2, "accept")), packet) == ("accept", 2)
    old = {name: value for name, value in policy(1).items() if not name.endswith("6")}
    assert not rules().matches(old, packet)


@pytest.mark.parametrize(
    ("match_vip", "action", "deny_only", "matches"),
    [
        ("disable", "deny", True, False),
        ("enable", "deny", True, True),
        ("enable", "accept", True, False),
        ("enable", "accept", False, True),
    ],
)
def test_a_policy_for_all_destinations_and_a_vip(
    match_vip: str, action: str, deny_only: bool, matches: bool
) -> None:
    base = replace(rules(), match_vip_on_deny_only=deny_only)
    assert base.matches(policy(1, action, **{"match-vip": match_vip}), TO_HISTORIAN) is matches
    assert base.matches(policy(1, action, dstaddr=names("historian")), TO_HISTORIAN)
    assert not base.matches(policy(1, action, dstaddr=names("historian")), replace(TO_HISTORIAN, vip=None))


def test_groups_are_resolved() -> None:
    groups = {"inner": ["host"], "outer": ["outside", "inner"]}
    assert decided(rules(policy(1, srcaddr=names("outer")), groups=groups), LAN_TO_OT) == ("deny", 1)
    base = rules(policy(1, srcaddr=names("outer")), groups=groups)
    base.groups[""]["outer"] |= {"exclude": "enable", "exclude-member": names("host")}  # type: ignore[index]
    assert decided(base, LAN_TO_OT) == ("deny", 0)


@pytest.mark.parametrize(("matches", "decision"), [("none", ("accept", 2)), ("all", ("deny", 1))])
def test_an_empty_group(matches: str, decision: tuple[str, int]) -> None:
    deny = policy(1, srcaddr=names("blocked"))
    base = rules(deny, policy(2, "accept"), groups={"blocked": []}, empty_group_matches=matches)
    assert decided(base, LAN_TO_OT) == decision


@pytest.mark.parametrize(
    ("switches", "by_group", "action"),
    [
        ({}, True, "deny"),
        ({"session_check": "check-new"}, True, "accept"),
        ({"session_check": "check-new"}, False, "accept"),
        ({"member_edit_reevaluates": False}, True, "accept"),
        ({"member_edit_reevaluates": False}, False, "deny"),
    ],
)
@pytest.mark.parametrize("reply", [False, True])
def test_an_established_session(switches: dict[str, Any], by_group: bool, action: str, reply: bool) -> None:
    source = names("blocked" if by_group else "host")
    base = rules(policy(1, srcaddr=source), groups={"blocked": ["host"]}, **switches)
    packet = replace(LAN_TO_OT, established=True, reply=reply)
    assert decided(base, packet)[0] == action


def test_a_block_of_sources_leaves_sessions_to_them() -> None:
    base = rules(policy(1, srcaddr=names("host")), policy(2, "accept"))
    towards = Packet("198.51.100.21", "192.0.2.7", "ot", "lan")
    assert decided(base, towards) == ("accept", 2)
    assert decided(base, replace(towards, established=True, reply=True)) == ("accept", 2)
    assert decided(base, replace(towards, reply=True)) == ("deny", None)


def test_traffic_to_the_fortigate_meets_no_policy() -> None:
    assert decided(rules(policy(1)), replace(LAN_TO_OT, local_in=True)) == ("accept", None)


def test_policies_of_the_policy_based_mode_have_no_action() -> None:
    old = {name: value for name, value in policy(1).items() if name != "action"}
    assert decided(rules(old, ngfw_mode="policy-based"), LAN_TO_OT) == ("accept", 1)
