# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The IP addresses of inventory hosts, for options that accept no host names."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any


def trusted_hosts(hosts: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the IP address of each host, or its inventory name, which FortiGate options refuse."""
    return [_address(host) for host in hosts]


def trusted_hosts_by_site(hosts: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return the same for the hosts of each ``defender_iot_site``. Hosts without one have an empty site."""
    sites: dict[str, list[str]] = {}
    for host in hosts:
        sites.setdefault(str(host.get("defender_iot_site", "")), []).append(_address(host))
    return sites


def addresses_by_host(hosts: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the same by inventory name."""
    return {str(host["inventory_hostname"]): _address(host) for host in hosts}


def _address(host: Mapping[str, Any]) -> str:
    address = str(host.get("ansible_host", ""))
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return str(host["inventory_hostname"])
    return address


class FilterModule:
    """The collection's filters."""

    def filters(self) -> dict[str, Any]:
        """Return the filters by name."""
        return {
            "addresses_by_host": addresses_by_host,
            "trusted_hosts": trusted_hosts,
            "trusted_hosts_by_site": trusted_hosts_by_site,
        }
