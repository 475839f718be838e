# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The initial firewall configuration of each VDOM: built-in objects and those of an invented administrator.

`lan` and `ot` are two networks of a plant, `wan1` leads to everything else. The administrator's objects have
`defender-iot-blocked` within their names, so that a search for it finds them too.
"""

from __future__ import annotations

from ..tables.attribute import Row

ANY = "any"
"""The name in a policy for every interface. It is not in the table of interfaces."""

NETWORKS = {
    "lan": ("192.0.2.0/24", "2001:db8:2::/48"),
    "ot": ("198.51.100.0/24", "2001:db8:51::/48"),
    "wan1": ("0.0.0.0/0", "::/0"),
}
"""The networks behind each interface."""

OWN_ADDRESSES = ("192.0.2.254", "198.51.100.254", "203.0.113.254", "2001:db8:2::fe", "2001:db8:51::fe")
"""The FortiGate's own addresses."""

OLD = "old-defender-iot-blocked-host"
OLD_GROUP = "plant-defender-iot-blocked-old"


def names(*values: str) -> list[Row]:
    """Return a list of names as stored."""
    return [{"name": value} for value in values]


def seeds(vdom: str) -> dict[str, list[Row]]:
    """Return the initial rows of each table of a VDOM. Their defaults and UUIDs are still missing."""
    return {
        "firewall.address": [
            {"name": "all", "subnet": "0.0.0.0 0.0.0.0"},
            {"name": "none", "subnet": "0.0.0.0 255.255.255.255"},
            {"name": "lan-net", "subnet": "192.0.2.0 255.255.255.0"},
            {"name": "ot-net", "subnet": "198.51.100.0 255.255.255.0"},
            {"name": "vendor", "type": "fqdn", "fqdn": "support.example.com"},
            {"name": "spare", "type": "iprange", "start-ip": "192.0.2.240", "end-ip": "192.0.2.243"},
            {"name": OLD, "subnet": "203.0.113.66 255.255.255.255", "comment": "blocked manually"},
        ],
        "firewall.address6": [
            {"name": "all", "ip6": "::/0"},
            {"name": "none", "ip6": "::/128"},
            {"name": OLD, "ip6": "2001:db8:bad::66/128", "comment": "blocked manually"},
        ],
        "firewall.addrgrp": [
            {"name": OLD_GROUP, "member": names(OLD), "comment": "kept by the plant's administrator"},
            {"name": "plant-networks", "member": names("lan-net", "ot-net")},
        ],
        "firewall.addrgrp6": [{"name": OLD_GROUP, "member": names(OLD)}],
        "firewall.vip": [
            {
                "name": "historian",
                "extip": "203.0.113.80",
                "extintf": "wan1",
                "mappedip": [{"range": "198.51.100.80"}],
            }
        ],
        "firewall.policy": [
            _accept(1, "lan-to-ot", "lan", "ot", names("lan-net"), names("ot-net")),
            _accept(2, "internet-to-historian", "wan1", "ot", names("all"), names("historian")),
            _accept(4, "ot-to-lan", "ot", "lan", names("ot-net"), names("lan-net")),
            {
                **_accept(5, "lan-to-ot-v6", "lan", "ot", [], []),
                "srcaddr6": names("all"),
                "dstaddr6": names("all"),
            },
            {**_accept(7, "", ANY, "wan1", names(OLD_GROUP), names("all")), "status": "disable"},
        ],
        "firewall.service.custom": [
            {"name": "ALL", "protocol": "IP"},
            {"name": "HTTPS", "tcp-portrange": "443"},
            {"name": "MODBUS", "tcp-portrange": "502"},
        ],
        "firewall.schedule.recurring": [
            {"name": "always", "day": "sunday monday tuesday wednesday thursday friday saturday"},
            {"name": "none", "day": "none"},
        ],
        "system.interface": [
            {"name": "lan", "vdom": vdom, "ip": "192.0.2.254 255.255.255.0"},
            {"name": "ot", "vdom": vdom, "ip": "198.51.100.254 255.255.255.0"},
            {"name": "wan1", "vdom": vdom, "ip": "203.0.113.254 255.255.255.0"},
        ],
    }


def _accept(number: int, name: str, source: str, destination: str, src: list[Row], dst: list[Row]) -> Row:
    return {
        "policyid": number,
        "name": name,
        "srcintf": names(source),
        "dstintf": names(destination),
        "srcaddr": src,
        "dstaddr": dst,
        "action": "accept",
        "service": names("ALL"),
        "schedule": "always",
        "logtraffic": "all",
        "match-vip": "disable",
    }
