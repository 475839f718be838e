# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdict for a packet: the first matching policy decides. Pure: rows in, verdict out.

Documented: the order, the implicit deny, VIPs before policies, `match-vip`, traffic to the FortiGate itself,
and the re-evaluation of sessions. Assumed: replies belong to the session of the initiator. Schedules and
expiry dates are not evaluated. Addresses without an IP address match nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from ..tables.attribute import Row
from .options import FirewallOptions

ANY = "any"
ALL_SERVICES = "ALL"
IMPLICIT = 0
"""The number of the implicit policy, which denies."""


@dataclass(frozen=True)
class Packet:
    """A packet of a session from `source` to `destination`, after the VIP named `vip` if it has one.

    `established`: the session was accepted before the last change. `reply`: the packet goes back to `source`.
    `local_in`: the destination is the FortiGate itself.
    """

    source: str
    destination: str
    source_interface: str
    destination_interface: str
    port: int | None = None
    vip: str | None = None
    established: bool = False
    reply: bool = False
    local_in: bool = False

    @property
    def family(self) -> str:
        """The suffix of the IPv6 fields, empty for IPv4."""
        return "6" if ip_address(self.source).version == 6 else ""


@dataclass(frozen=True)
class Verdict:
    """Whether a packet passes, and the policy that decides. None: no policy was asked."""

    action: str
    policy: int | None
    reason: str


@dataclass(frozen=True)
class RuleBase:
    """The policies in their order, the objects that they name, and the behaviour of the firmware.

    `addresses` and `groups` map the suffix of the IP version to rows by name. `match_vip_on_deny_only` is
    true from 6.4.3 on (documented).
    """

    policies: Sequence[Row]
    addresses: Mapping[str, Mapping[str, Row]]
    groups: Mapping[str, Mapping[str, Row]]
    services: Mapping[str, Row]
    options: FirewallOptions = FirewallOptions()  # noqa: RUF009 - frozen
    match_vip_on_deny_only: bool = True

    def verdict(self, packet: Packet) -> Verdict:
        """Return the verdict for a packet."""
        if packet.local_in:
            return Verdict("accept", None, "policies do not apply to traffic to the FortiGate itself")
        if packet.reply and not packet.established:
            return Verdict("deny", None, "a reply needs an established session")
        policy = next((each for each in self.policies if self.matches(each, packet)), None)
        if packet.established and not self._reevaluates(policy, packet):
            return Verdict("accept", None, "the session is older than the change and is not re-evaluated")
        if policy is None:
            return Verdict("deny", IMPLICIT, "no policy matches")
        # In the policy-based NGFW mode, a policy has no action (documented).
        action = "accept" if self.options.ngfw_mode == "policy-based" else str(policy["action"])
        return Verdict(action, policy["policyid"], f"policy {policy['policyid']} matches")

    def matches(self, policy: Row, packet: Packet) -> bool:
        """Return whether a policy matches the first packet of a session."""
        return (
            policy["status"] == "enable"
            and _names(policy["srcintf"]) & {ANY, packet.source_interface} != set()
            and _names(policy["dstintf"]) & {ANY, packet.destination_interface} != set()
            and self._serves(policy, packet.port)
            and self._matches_side(policy, "srcaddr", packet, packet.source)
            and self._matches_destination(policy, packet)
        )

    def _serves(self, policy: Row, port: int | None) -> bool:
        services = _names(policy["service"])
        ports = {self.services[name].get("tcp-portrange") for name in services if name in self.services}
        return ALL_SERVICES in services or (port is not None and str(port) in ports)

    def _matches_destination(self, policy: Row, packet: Packet) -> bool:
        """After a VIP, match the policies that name it, and those with `match-vip` (documented)."""
        if packet.vip is None:
            return self._matches_side(policy, "dstaddr", packet, packet.destination)
        if packet.vip in _names(policy["dstaddr"]):
            return True
        applies = policy.get("action") == "deny" or not self.match_vip_on_deny_only
        by_address = self._matches_side(policy, "dstaddr", packet, packet.destination)
        return applies and policy.get("match-vip") == "enable" and by_address

    def _matches_side(self, policy: Row, field: str, packet: Packet, address: str) -> bool:
        field += packet.family
        names = _names(policy.get(field, []))
        if not names:
            return False
        found = self._any_contains(names, packet.family, ip_address(address))
        return found is not (policy.get(f"{field}-negate") == "enable")

    def _any_contains(self, names: set[str], family: str, address: IPv4Address | IPv6Address) -> bool:
        return any(self._contains(name, family, address) for name in names)

    def _contains(self, name: str, family: str, address: IPv4Address | IPv6Address) -> bool:
        """Return whether an address or a group contains an address."""
        group = self.groups[family].get(name)
        if group is None:
            row = self.addresses[family].get(name)
            return row is not None and _within(row, address)
        members = _names(group["member"])
        if not members:
            return self.options.empty_group_matches == "all"
        excluded = _names(group["exclude-member"]) if group.get("exclude") == "enable" else set()
        inside = self._any_contains(members, family, address)
        return inside and not self._any_contains(excluded, family, address)

    def _reevaluates(self, policy: Row | None, packet: Packet) -> bool:
        """Return whether a change ends a session that its rules no longer allow.

        The change is assumed to be that of the members, if the deciding policy names a group.
        """
        if self.options.session_check == "check-new":
            return False
        fields = (f"srcaddr{packet.family}", f"dstaddr{packet.family}")
        named = set().union(*(_names((policy or {}).get(field, [])) for field in fields))
        by_group = not named.isdisjoint(self.groups[packet.family])
        return self.options.member_edit_reevaluates or not by_group


def _names(rows: Sequence[Row]) -> set[str]:
    return {row["name"] for row in rows}


def _within(row: Row, address: IPv4Address | IPv6Address) -> bool:
    match row["type"]:
        case "ipmask":
            return address in ip_network(row["subnet"].replace(" ", "/"), strict=False)
        case "ipprefix":
            return address in ip_network(row["ip6"], strict=False)
        case "iprange":
            return int(ip_address(row["start-ip"])) <= int(address) <= int(ip_address(row["end-ip"]))
    return False
