# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The REST API administrator of a FortiGate, shared by its modules.

Field names and defaults: FortiOS CMDB schema of system/api-user, the same from 6.0 to 7.6 (documented).
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Union

from .._engine.errors import InvalidOptions
from .._engine.resource import Field, Resource
from .admin_profile import PROFILE

ROOT = "root"
"""The management VDOM, unless the FortiGate names another."""

NAME_HOSTS = "set trusted_hosts to the hosts that connect"

SINGLE = " 255.255.255.255"
"""The mask of a single host, as FortiOS returns it."""

Interface = Union[ipaddress.IPv4Interface, ipaddress.IPv6Interface]


@lru_cache(maxsize=4096)  # several steps of a task compare the same hundreds of hosts
def network(host: str) -> str:
    """Return an address or network in CIDR notation, ``192.0.2.10/32`` for a single host.

    FortiOS returns IPv4 as "address mask" (observed). Host bits below the mask are dropped: what FortiOS
    stores for them is not documented, and both forms mean the same network. Any other text is returned
    unchanged, because the existing configuration must be readable. prepare_api_admin refuses it in an option.
    """
    address = host.removesuffix(SINGLE if " " in host else "/32")
    if _is_ipv4(address):
        return f"{address}/32"
    try:
        parsed = _interface(host)
    except ValueError:
        return host
    return host if _has_zone(host) or _has_wildcard_mask(host, parsed) else str(parsed.network)


def _is_ipv4(text: str) -> bool:
    """Return whether a text is an IPv4 address, faster than ipaddress: there may be hundreds."""
    try:
        socket.inet_pton(socket.AF_INET, text)
    except (OSError, ValueError):
        return False
    return True


def _interface(host: str) -> Interface:
    """Parse an address with its mask. Raises ValueError."""
    return ipaddress.ip_interface(host.strip().replace(" ", "/"))


def _has_zone(host: str) -> bool:
    return "%" in host


def _has_wildcard_mask(host: str, parsed: Interface) -> bool:
    """Return whether the mask is a wildcard mask of an access list, which Python accepts as a netmask."""
    mask = host.strip().replace(" ", "/").partition("/")[2]
    return "." in mask and ipaddress.ip_address(mask) != parsed.netmask


def networks(hosts: Iterable[str]) -> list[str]:
    """Return the trusted hosts sorted and without duplicates: order and repetition have no meaning."""
    return sorted({network(host) for host in hosts})


def prepare_api_admin(params: dict[str, Any]) -> dict[str, Any]:
    """Raise InvalidOptions for trusted hosts that are malformed, ambiguous, or open to every source."""
    hosts = params.get("trusted_hosts")
    if hosts is not None and not hosts:
        raise InvalidOptions(
            "trusted_hosts is empty, which opens a REST API administrator to every source", NAME_HOSTS
        )
    if not all(map(_is_ipv4, hosts or ())):  # Single hosts together never cover a whole address space.
        _refuse_open_together([_parse(host) for host in hosts or ()])
    return params


def _parse(host: str) -> Interface:
    """Return the network of a host. Raises InvalidOptions if it is none, or ambiguous."""
    try:
        parsed = _interface(host)
    except ValueError:
        raise InvalidOptions(
            f'trusted_hosts: "{host}" is not an IP address or network',
            "write an address, or for a host of the inventory, set its ansible_host to its IP address",
        ) from None
    if parsed.network.prefixlen == 0:
        raise InvalidOptions(f'trusted_hosts: "{host}" would trust every source', NAME_HOSTS)
    choice = f"write {parsed.ip} for this host alone, or {parsed.network} for its whole network"
    if _has_zone(host):
        bare = host.partition("%")[0].strip()
        raise InvalidOptions(
            f'trusted_hosts: "{host}" has a zone, which names an interface of one machine',
            f"write {bare} for this address on any interface, or the host's address outside its own link",
        )
    if _has_wildcard_mask(host, parsed):
        raise InvalidOptions(f'trusted_hosts: "{host}" has a wildcard mask', choice)
    if parsed.ip != parsed.network.network_address:
        raise InvalidOptions(f'trusted_hosts: "{host}" is an address inside a network', choice)
    return parsed


def _refuse_open_together(hosts: list[Interface]) -> None:
    """Raise InvalidOptions for networks that together cover all of IPv4 or all of IPv6."""
    for version in (4, 6):
        parts: list[Any] = [host.network for host in hosts if host.version == version]
        if any(whole.prefixlen == 0 for whole in ipaddress.collapse_addresses(parts)):
            raise InvalidOptions(
                f"trusted_hosts: {' and '.join(map(str, parts))} together would trust every IPv{version} "
                "source",
                NAME_HOSTS,
            )


def trusted_hosts(table: list[dict[str, Any]]) -> list[str]:
    """Read the table of the API. Only the family that ``type`` selects counts.

    An IPv4 entry also reads back with the IPv6 default ``::/0``, and the reverse (assumed).
    """
    return [row[row.get("type", "ipv4-trusthost")] for row in table]


def _to_table(hosts: list[str]) -> list[dict[str, Any]]:
    return [_entry(number, ipaddress.ip_network(host)) for number, host in enumerate(hosts, start=1)]


def _entry(number: int, host: Any) -> dict[str, Any]:
    if host.version == 4:
        return {
            "id": number,
            "type": "ipv4-trusthost",
            "ipv4-trusthost": f"{host.network_address} {host.netmask}",
        }
    return {"id": number, "type": "ipv6-trusthost", "ipv6-trusthost": str(host)}


def _fold_pki(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """Merge the PKI toggle and its group: no group while the toggle is off."""
    return raw if raw.get("peer-auth") == "enable" else {**raw, "peer-group": ""}


def _unfold_pki(body: dict[str, Any]) -> dict[str, Any]:
    if "peer-group" not in body:
        return body
    return {**body, "peer-auth": "enable" if body["peer-group"] else "disable"}


def warn_of_management_vdom(admin: Mapping[str, Any], management: str | None) -> Iterator[str]:
    """Yield a warning if an administrator has no access to the management VDOM.

    FortiOS handles requests without ``vdom`` in the management VDOM, and refuses an administrator that has no
    access to it (documented).
    """
    vdoms = admin.get("vdoms")
    if vdoms and (management or ROOT) not in vdoms:
        yield (
            f'has no access to the management VDOM "{management or ROOT}": FortiOS refuses its requests that '
            "name no VDOM, unless its profile has scope: global"
        )


VDOM = Resource(label="VDOM", kind="vdom", path="system/vdom", fields={"name": Field("name")})

ADMIN = Resource(
    label="REST API administrator",
    kind="admin",
    path="system/api-user",
    key_in_path=True,
    create_requires=frozenset({"profile", "trusted_hosts"}),
    guarded=frozenset({"profile", "trusted_hosts", "vdoms", "pki_group", "schedule"}),
    fields={
        "name": Field("name", required=True, max_length=35),
        "comments": Field("comments", default="", optional=True, max_length=255),
        "profile": Field("accprofile", max_length=35, refers_to=PROFILE),
        "trusted_hosts": Field(
            "trusthost",
            type="list",
            elements="str",
            normalise=networks,
            decode=trusted_hosts,
            encode=_to_table,
        ),
        "vdoms": Field(
            "vdom",
            type="list",
            elements="str",
            default=[],
            optional=True,
            normalise=lambda names: sorted(set(names)),
            decode=lambda table: [row["name"] for row in table],
            encode=lambda names: [{"name": name} for name in names],
            refers_to=VDOM,
        ),
        "cors_allow_origin": Field("cors-allow-origin", default="", optional=True, max_length=269),
        "pki_group": Field("peer-group", option_default="", default="", optional=True, max_length=35),
        "schedule": Field("schedule", default="", optional=True, max_length=35),
    },
    prepare=prepare_api_admin,
    warn=warn_of_management_vdom,
    fold=_fold_pki,
    unfold=_unfold_pki,
)
