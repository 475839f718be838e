# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The addresses of appliances and of the control node, which are never blocked."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from ansible.errors import AnsibleError
from ansible.utils.display import Display
from jinja2.exceptions import UndefinedError

from .._inventory.groups import DECOMMISSIONED
from .._respond.addresses import Address, Network, read_address
from .._respond.rules import read_networks

GROUPS = {
    "fortigates": "a FortiGate",
    "sensors": "a sensor",
    "management_consoles": "a management console",
    "forescouts": "a Forescout platform",
    "fortisiems": "a FortiSIEM",
}
URLS = ("respond_url", "fortigate_response_url", "fortigate_access_url", "sensor_tokens_url")
ADDRESSES = ("ansible_host", *URLS, "forescout_module_url")
PROTECTED = "fortigate_response_protected"

HostVars = Mapping[str, Mapping[str, Any]]

display = Display()


def appliances(groups: Mapping[str, Iterable[str]], hostvars: HostVars) -> dict[str, str]:
    """Return each address of an appliance that the inventory states, with what it is.

    If it states none for an appliance, these are its names.
    """
    found: dict[str, str] = {}
    for group, what in GROUPS.items():
        for host in groups.get(group, ()):
            names = [name for name in _names(host, hostvars[host]) if name]
            addresses = [str(each) for each in map(read_address, names) if each is not None]
            found |= dict.fromkeys(addresses or names, _label(host, what))
    return found


def appliance_at(address: Any, groups: Mapping[str, Iterable[str]], hostvars: HostVars) -> str:
    """Return which appliance of the inventory states this address, "" if none does. Resolves no names.

    Another host's variable that cannot be evaluated causes a warning only, because a block may be urgent.
    """
    wanted = _single(str(address))
    gone = set(groups.get(DECOMMISSIONED, ()))
    for group, what in GROUPS.items() if wanted else ():
        for host in groups.get(group, ()):
            if host not in gone and wanted in map(
                read_address, _names(host, _evaluated(host, hostvars[host]))
            ):
                return _label(host, what)
    return ""


def infrastructure(stated: Mapping[str, str], hostvars: HostVars, site: Iterable[str]) -> dict[Network, str]:
    """Return the networks that are protected without being listed in a rule, each with what it is.

    ``stated`` is the result of ``appliances``; its names are resolved. In addition, these are the addresses
    of the hosts of the site that the inventory states by name, those of the control node, and what the
    FortiGates protect.
    """
    found: dict[Network, str] = {
        ipaddress.ip_network(each): what for name, what in stated.items() for each in _addresses(name)
    }
    for host in site:
        variables = hostvars[host]
        for name in _names(host, variables):
            for each in _resolved(name):
                found.setdefault(ipaddress.ip_network(each), f"the address of {host}")
        texts = map(str, variables.get(PROTECTED) or ())
        found |= read_networks(PROTECTED, texts, f"{PROTECTED} of {host} has it")
    for own in list(_addresses_towards(list(found))):
        found.setdefault(own, "an address of the control node")
    return found


def _label(host: str, what: str) -> str:
    return f"the address of {host}, {what}"


def _single(text: str) -> Address | None:
    """Return an address that may have the mask of a single host, None for anything else."""
    try:
        found = ipaddress.ip_interface(text.strip())
    except ValueError:
        return None
    return read_address(str(found.ip)) if found.network.num_addresses == 1 else None


def _evaluated(host: str, variables: Mapping[str, Any]) -> dict[str, str]:
    """Return the addresses of a host whose templates can be evaluated, and warn about the others."""
    found: dict[str, str] = {}
    for name in ADDRESSES:
        try:
            found[name] = str(variables.get(name) or "")
        except (AnsibleError, UndefinedError):
            display.warning(f"{host}: {name} cannot be evaluated, so its address is not known")
    return found


def _names(host: str, variables: Mapping[str, Any]) -> Iterator[str]:
    """Yield the addresses and names by which a host is known."""
    yield str(host)
    for name in ADDRESSES:
        text = str(variables.get(name) or "")
        with suppress(ValueError):
            yield (urlsplit(text).hostname or "") if "://" in text else text


def _addresses(name: str) -> list[Address]:
    """Return an address, or those of a name."""
    address = read_address(name)
    return _resolved(name) if address is None else [address]


def _resolved(name: str) -> list[Address]:
    """Return the addresses of a name, none if it cannot be resolved: then nothing connects to it either."""
    try:
        rows = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM) if name else []
    except (OSError, UnicodeError):
        return []
    found = (read_address(str(row[4][0])) for row in rows)
    return [each for each in found if each is not None]


def _addresses_towards(networks: Iterable[Network]) -> Iterator[Network]:
    """Yield the addresses from which this machine would connect to these hosts. Nothing is sent."""
    for each in networks:
        family = socket.AF_INET if each.version == 4 else socket.AF_INET6
        with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((str(each.network_address), 9))
            address = read_address(str(probe.getsockname()[0]))
            if address is not None:
                yield ipaddress.ip_network(address)
