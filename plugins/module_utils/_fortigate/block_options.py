# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of a block list, and the checks before the first request."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from .._engine.errors import InvalidOptions
from .._engine.moment import as_text, now
from .._engine.resource import Field, Resource
from .._module.arguments import STATE, Spec
from .address import (
    GROUP_NAME,
    LONGEST_COMMENT,
    MAPPED,
    OWNERS,
    Address,
    Network,
    comment,
    new_entry,
    parse_host,
    parse_time,
)

Params = dict[str, Any]

BLOCK_LIST = Resource(
    label="block list",
    kind="block_list",
    path="firewall/addrgrp",
    key="group",
    fields={"group": Field("name", option_default="defender-iot-blocked")},
)
ENTRY_OPTIONS: Spec = {
    "address": {"type": "str", "required": True},
    "until": {"type": "str", "required": True},
    "reason": {"type": "str"},
    "source": {"type": "str"},
    "approved_by": {"type": "str"},
    "since": {"type": "str"},
    "owner": {"type": "str", "choices": list(OWNERS)},
}

TEXTS = ("reason", "source", "approved_by")

BLOCK_LIST_OPTIONS: Spec = {
    "state": {**STATE["state"], "choices": ["present", "released", "absent"]},
    **BLOCK_LIST.argument_spec(),
    "entries": {"type": "list", "elements": "dict", "options": ENTRY_OPTIONS},
    "mode": {"type": "str", "choices": ["merged", "exact"], "default": "merged"},
    "owner": {"type": "str", "choices": list(OWNERS), "default": "manual"},
    "protected": {"type": "list", "elements": "str", "default": []},
    "max_entries": {"type": "int", "default": 100},
    "max_new": {"type": "int", "default": 10},
    "clock_tolerance": {"type": "int", "default": 300},
}


def prepare_group(params: Params) -> Params:
    """Raise InvalidOptions for a group whose name, with an address, is no name of an object."""
    if not GROUP_NAME.fullmatch(params["group"]):
        raise InvalidOptions(
            f'group is "{params["group"]}", which cannot begin the names of its address objects',
            "use at most 39 letters, digits, dots, hyphens and underscores",
        )
    return params


def prepare_block_list(params: Params) -> Params:
    """Check every entry before the first request. Raises InvalidOptions.

    Adds ``now``, the time of the whole task, and ``wanted`` and ``networks``, the entries and ``protected``.
    """
    prepare_group(params)
    networks = [_network(text) for text in params["protected"]]
    time = as_text(now())
    wanted: dict[Address, dict[str, str]] = {}
    for number, item in enumerate(params["entries"] or [], 1):
        try:
            address, want = _wanted(item, params["owner"], time, networks)
            if address in wanted:
                raise InvalidOptions(f"{address} is listed twice", "list it once")
        except InvalidOptions as error:
            raise InvalidOptions(f"entries, item {number}: {error.why}", error.remedy) from None
        wanted[address] = want
    return {**params, "now": time, "wanted": wanted, "networks": networks}


def _network(text: str) -> Network:
    try:
        network = ipaddress.ip_network(text.strip() if "%" not in text else "")
    except ValueError:
        raise InvalidOptions(
            f'protected: "{text}" is not an IP address or network',
            "write an IP address, or a network without host bits, as in 192.0.2.0/24",
        ) from None
    if isinstance(network, ipaddress.IPv6Network) and network.subnet_of(MAPPED):
        raise InvalidOptions(
            f'protected: "{text}" is an IPv4 address or network written as IPv6, which protects nothing',
            "write it as IPv4, as in 192.0.2.0/24",
        )
    return network


def _wanted(
    item: Mapping[str, Any], owner: str, time: str, networks: list[Network]
) -> tuple[Address, dict[str, str]]:
    try:
        address = parse_host(item["address"])
    except ValueError as error:
        raise InvalidOptions(
            f'address "{item["address"]}" {error}', "set it to the IP address of one host"
        ) from None
    given = {name: item[name].strip() for name in TEXTS if item[name] is not None}
    times = {name: _time(name, item[name]) for name in ("until", "since") if item[name] is not None}
    want = {**given, **times, **({"owner": item["owner"]} if item["owner"] else {})}
    _refuse_protected(address, want["until"], time, networks)
    if want.get("since", time) > time:
        raise InvalidOptions(f'since "{item["since"]}" is in the future', "correct or remove it")
    length = len(comment(new_entry(address, want, owner, time)))
    if length > LONGEST_COMMENT:
        raise InvalidOptions(
            f"its comment on the FortiGate would have {length} characters, at most {LONGEST_COMMENT} are "
            "possible (a character other than a letter, a digit or common punctuation counts as 3 or more)",
            "shorten reason, source or approved_by",
        )
    return address, want


def _time(option: str, text: str) -> str:
    try:
        return parse_time(text)
    except ValueError:
        raise InvalidOptions(
            f'{option} "{text}" is not a time of a day', "write it in ISO 8601, as in 2026-12-01T06:00:00Z"
        ) from None


def _refuse_protected(address: Address, until: str, time: str, networks: list[Network]) -> None:
    """Raise InvalidOptions for an address that must not be blocked. Releasing it is no harm."""
    within = next((network for network in networks if address in network), None)
    if within is not None and until > time:
        raise InvalidOptions(
            f"address {address} is protected by {within}, so nothing was changed",
            "remove the entry, or the network from protected",
        )
