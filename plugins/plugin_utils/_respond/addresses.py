# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Addresses and networks, in options and as sensors report them."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

BROADCAST = ipaddress.ip_address("255.255.255.255")

NO_HOST = {
    "is_unspecified": "the unspecified address",
    "is_loopback": "a loopback address",
    "is_multicast": "a multicast address",
    "is_link_local": "a link-local address, which no FortiGate routes",
    "ipv4_mapped": "an IPv4 address written as IPv6",
}
"""Attributes of addresses that are no hosts of a network, and what they are in words."""


@lru_cache(maxsize=65536)
def read_address(text: str) -> Address | None:
    """Return an IP address, None for anything else, such as a MAC address or a text with a zone."""
    try:
        found = ipaddress.ip_address(text.strip())
    except ValueError:
        return None
    return None if getattr(found, "scope_id", None) else found


def address_in(value: Any) -> Address | None:
    """Return the IP address in a field of an answer, which may have any type."""
    return read_address(value) if isinstance(value, str) else None


def not_a_host(address: Address) -> str | None:
    """Return what an address is if it is no single host on the network, None if it is one."""
    if address == BROADCAST:
        return "the broadcast address"
    return next((words for name, words in NO_HOST.items() if getattr(address, name, None)), None)


class Networks:
    """Finds the network of an address, with one lookup for each length of a prefix."""

    def __init__(self, labels: Mapping[Network, str]) -> None:
        self._labels = labels
        self._lengths = sorted({(each.version, each.prefixlen) for each in labels}, reverse=True)

    def label(self, address: Address) -> str | None:
        """Return the label of the smallest network with an address, None if there is none."""
        found = self.network(address)
        return None if found is None else self._labels[found]

    def network(self, address: Address) -> Network | None:
        """Return the smallest network with an address, None if there is none."""
        for version, length in self._lengths:
            if version == address.version:
                network = ipaddress.ip_network((address, length), strict=False)
                if network in self._labels:
                    return network
        return None
