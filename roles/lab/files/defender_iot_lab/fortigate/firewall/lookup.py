# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packets through the firewall of one VDOM: the policy lookup of FortiOS, and the verdict for tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from ipaddress import ip_address, ip_network
from typing import Any

from ..tables.attribute import Row
from ..tables.refusal import BAD_ADDRESS, Refusal, invalid
from .oracle import IMPLICIT, Packet, RuleBase
from .seeds import NETWORKS, OWN_ADDRESSES
from .vdom import Firewall

REQUIRED = ("srcintf", "dest", "protocol")
"""The parameters that a lookup needs (documented)."""


def look_up(firewall: Firewall, query: Mapping[str, str]) -> Row:
    """Return the results of `policy-lookup`. The status for a missing parameter is assumed.

    The keys of the results are in a schema of 7.6.5; older clients read only two of them. The results of a
    packet that no policy matches are unknown, so there is an option.
    """
    if any(name not in query for name in REQUIRED):
        raise Refusal(status=424)
    packet = routed(
        firewall,
        source=query.get("sourceip") or "0.0.0.0",  # noqa: S104 - no socket
        destination=query["dest"],
        source_interface=query["srcintf"],
        port=int(query["destport"]) if query.get("destport", "").isdigit() else None,
    )
    verdict = rule_base(firewall).verdict(packet)
    policy = verdict.policy or IMPLICIT
    if policy == IMPLICIT and firewall.options.lookup_without_match == "no_success":
        return {"success": False}
    newer = {"match": policy != IMPLICIT, "matched_policy_type": "policy", "policy_action": verdict.action}
    return {"success": True, "policy_id": policy, **(newer if firewall.version >= (7, 6) else {})}


def judge(firewall: Firewall, packet: Mapping[str, Any]) -> dict[str, Any]:
    """Return the verdict for a packet with the arguments of `routed`."""
    return asdict(rule_base(firewall).verdict(routed(firewall, **packet)))


def routed(
    firewall: Firewall, source: str, destination: str, source_interface: str | None = None, **more: Any
) -> Packet:
    """Return a packet with its interfaces and, if the destination is that of a VIP, the mapped one."""
    for address in (source, destination):
        try:
            ip_address(address)
        except ValueError:
            raise invalid(address, BAD_ADDRESS) from None
    vip = next((row for row in firewall.vips.rows.values() if row["extip"] == destination), None)
    target = vip["mappedip"][0]["range"] if vip else destination
    return Packet(
        source=source,
        destination=target,
        source_interface=source_interface or interface_of(source),
        destination_interface=interface_of(target),
        vip=vip["name"] if vip else None,
        local_in=destination in OWN_ADDRESSES,
        **more,
    )


def interface_of(address: str) -> str:
    """Return the interface to the longest network with an address."""
    host = ip_address(address)
    networks = [(ip_network(each), name) for name, pair in NETWORKS.items() for each in pair]
    return max((network.prefixlen, name) for network, name in networks if host in network)[1]


def rule_base(firewall: Firewall) -> RuleBase:
    """Return the rules that the rows of a VDOM make."""
    return RuleBase(
        policies=list(firewall.policies.rows.values()),
        addresses={"": firewall.addresses.rows, "6": firewall.addresses6.rows},
        groups={"": firewall.groups.rows, "6": firewall.groups6.rows},
        services=firewall.tables["firewall.service.custom"].rows,
        options=firewall.options,
        match_vip_on_deny_only=firewall.policies.deny_only,
    )
