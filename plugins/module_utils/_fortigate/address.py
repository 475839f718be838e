# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The address object of a blocked host: its tables, its name, and its comment, which has the entry's data.

Field names: FortiOS CMDB schemas of firewall/address, address6, addrgrp and addrgrp6, 6.4 to 7.6.5
(documented).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Union
from urllib.parse import quote, unquote

from .._engine.moment import as_text, moment_or_none, read_moment
from .._engine.resource import Field, Incomplete, Resource

Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]
Network = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]

OWNERS = ("manual", "respond")

HEADER = "defender-iot v1"
"""The beginning of a comment, with the version of its format."""

LONGEST_COMMENT = 255
"""Characters of a comment (documented)."""

READABLE = " ._:,/@+-()"
"""What a comment has as it is, besides letters and digits of ASCII.

FortiOS forbids both quotation marks and both angle brackets in texts (documented). They, the semicolon and
the equals sign, which separate the fields, and everything else are percent-encoded.
"""

GROUP_COMMENT = f"{HEADER}; made by otsec.defender_iot"
"""The comment of a group or a policy that the collection has created."""

PLACEHOLDER = "none"
"""The built-in address that no packet has, because FortiOS before 7.2.0 accepts no empty group (observed).

That every release has it in both families is assumed.
"""

BUILT_IN = "all"
"""The built-in address that a table has in both families, so that an answer without it is no whole table."""

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")

TIME_OF_DAY = re.compile(r"[Tt ]\d\d")
"""What a date alone lacks. Python would take it for midnight."""

MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")
"""IPv4 addresses written as IPv6. No packet on the network has one."""

BROADCAST = ipaddress.ip_address("255.255.255.255")


def _named(label: str, kind: str, path: str) -> Resource:
    return Resource(label=label, kind=kind, path=path, fields={"name": Field("name")}, key_in_path=True)


@dataclass(frozen=True)
class Family:
    """The tables of one address family. ``value`` is the field with the address of an object."""

    version: int
    objects: Resource
    groups: Resource
    vips: Resource
    type: str
    value: str


FAMILIES = (
    Family(
        4,
        _named("address", "address", "firewall/address"),
        _named("address group", "group", "firewall/addrgrp"),
        _named("virtual IP", "vip", "firewall/vip"),
        "ipmask",
        "subnet",
    ),
    Family(
        6,
        _named("IPv6 address", "address6", "firewall/address6"),
        _named("IPv6 address group", "group6", "firewall/addrgrp6"),
        _named("IPv6 virtual IP", "vip6", "firewall/vip6"),
        "ipprefix",
        "ip6",
    ),
)
"""IPv4 and IPv6, which cannot be in one group (documented)."""


@dataclass(frozen=True)
class Entry:
    """A blocked host. ``until`` and ``since`` are texts in UTC to the second, so that they sort as times.

    ``source`` names the alert, ``owner`` is one of OWNERS.
    """

    address: Address
    until: str
    since: str
    owner: str
    approved_by: str = ""
    source: str = ""
    reason: str = ""

    def shown(self) -> dict[str, str]:
        """Return the entry for results and diffs."""
        return {each.name: str(getattr(self, each.name)) for each in fields(self)}


def new_entry(address: Address, want: Mapping[str, str], owner: str, now: str) -> Entry:
    """Return the entry of a host that is added. What is declared outweighs ``owner`` and ``now``."""
    values: dict[str, Any] = {"since": now, "owner": owner, **want}
    return Entry(address=address, **values)


IN_COMMENT = [each.name for each in fields(Entry) if each.name != "address"]
"""The fields in a comment, in their order."""


def comment(entry: Entry) -> str:
    """Return the comment with an entry's data, without the fields that are empty."""
    parts = [(name, getattr(entry, name)) for name in IN_COMMENT]
    return "; ".join([HEADER, *(f"{name}={quote(value, safe=READABLE)}" for name, value in parts if value)])


def entry_in(address: Address, text: str) -> Entry | None:
    """Return the entry of an address with this comment, None if the comment is not of this format."""
    header, *parts = text.strip().split("; ")
    pairs = [part.partition("=") for part in parts]
    found = {name: unquote(value) for name, _equals, value in pairs}
    if header != HEADER or not found.keys() <= set(IN_COMMENT) or len(found) < len(parts):
        return None
    if found.get("owner") not in OWNERS or not all(map(_is_time, map(found.get, ("until", "since")))):
        return None
    return Entry(address=address, **found)


def _is_time(text: str | None) -> bool:
    return text is not None and bool(TIME.fullmatch(text)) and moment_or_none(text) is not None


def parse_time(text: str) -> str:
    """Return an ISO 8601 time in UTC, to the second. Raises ValueError, also for a date without a time."""
    if not TIME_OF_DAY.search(text):
        raise ValueError(text)
    try:
        time = as_text(read_moment(text))
    except OverflowError:
        raise ValueError(text) from None
    if not TIME.fullmatch(time):
        raise ValueError(text)
    return time


def object_name(group: str, address: Address) -> str:
    """Return the name of the object: a colon is no safe character of a name."""
    return f"{group}-{address}".replace(":", "-")


def member_address(group: str, name: str) -> Address | None:
    """Return the address in the name of an object, None if the name is not of this form."""
    text = name.removeprefix(f"{group}-")
    try:
        found = ipaddress.ip_address(text if "." in text else text.replace("-", ":"))
    except ValueError:
        return None
    return found if object_name(group, found) == name else None


def object_body(family: Family, group: str, entry: Entry) -> dict[str, str]:
    """Return the address object of an entry. FortiOS returns IPv4 as "address mask" (observed)."""
    address = entry.address
    value = f"{address} 255.255.255.255" if family.version == 4 else f"{address}/128"
    return {
        "name": object_name(group, address),
        "type": family.type,
        family.value: value,
        "comment": comment(entry),
    }


def own_entry(family: Family, group: str, row: Mapping[str, Any]) -> Entry | None:
    """Return the entry of an address object, None if the object is not one of this collection.

    It is one if its comment has the format and its value is the address in its name. Raises Incomplete if the
    answer has no comment, which FortiOS returns for every type of address (observed).
    """
    if not isinstance(row.get("comment"), str):
        raise Incomplete("comment")
    address = _address_of(family, row)
    if address is None or object_name(group, address) != row.get("name"):
        return None
    return entry_in(address, row["comment"])


def _address_of(family: Family, row: Mapping[str, Any]) -> Address | None:
    """Return the host that an address object means. FortiOS omits the fields of other types (observed)."""
    if row.get("type", family.type) != family.type:
        return None
    try:
        network = ipaddress.ip_network(str(row.get(family.value)).replace(" ", "/"))
    except ValueError:
        return None
    is_host = network.prefixlen == network.max_prefixlen and network.version == family.version
    return network.network_address if is_host else None


def parse_host(text: str) -> Address:
    """Return the address of a host that can be blocked. Raises ValueError with the reason in words."""
    if not text.strip():
        raise ValueError("is empty")
    if "%" in text:
        raise ValueError("has a zone, which names an interface of one machine")
    try:
        found = ipaddress.ip_interface(text.strip())
    except ValueError:
        raise ValueError("is not an IP address") from None
    if found.network.prefixlen < found.network.max_prefixlen:
        raise ValueError("is a network, and only single hosts can be blocked")
    address: Address = found.ip
    for attribute, words in REFUSED.items():
        if getattr(address, attribute, None):
            raise ValueError(words)
    if address == BROADCAST:
        raise ValueError("is the broadcast address")
    return address


REFUSED = {
    "is_unspecified": "is the unspecified address",
    "is_loopback": "is a loopback address",
    "is_multicast": "is a multicast address",
    "ipv4_mapped": "is an IPv4 address written as IPv6",
}
"""Attributes of addresses that are no hosts on the network, and what they are in words."""

GROUP_NAME = re.compile(r"[A-Za-z0-9._-]{1,39}")
"""A name has at most 79 characters (documented), and an IPv6 address up to 39."""
