# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Warns of what a run leaves unchanged in a group, although operators expect something else of the list."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any

from .._engine.appliance import Appliance
from .._engine.errors import attempting
from .._engine.task import Task
from .address import Family, Network
from .block_list import Listing, Request, is_explicit, is_kept


def warnings_about(task: Task, listing: Listing, request: Request) -> Iterator[str]:
    """Yield a sentence for each obstacle in the group of one address family."""
    title = listing.family.groups.title(request.group)
    if listing.excluded is not None:
        names = ", ".join(listing.excluded) or "no member"
        yield (
            f"the {title} has exclusions ({names}), so it does not block every host on the list; disable "
            "exclude on the FortiGate to block them"
        )
    kept = is_kept(listing, request)
    if kept:
        yield f"the {title} was not deleted, because it {kept}"
    if request.releases_all:
        yield from _remaining(listing, request, title)
    else:
        yield from _unreadable(listing, request, title)
        yield from _covering(task, listing, request, title)


def _remaining(listing: Listing, request: Request, title: str) -> Iterator[str]:
    """Name the members of others, which a release of everything may be expected to include."""
    others = sorted(listing.guests() - set(listing.unreadable(request.group).values()))
    if others and not request.is_absent:
        yield f"the {title} still has members that were not made by this collection: {', '.join(others)}"


def _unreadable(listing: Listing, request: Request, title: str) -> Iterator[str]:
    for address, name in listing.unreadable(request.group).items():
        if not is_explicit(request, address):
            protected = ", although it is protected" if request.protects(address) else ""
            yield (
                f"{address} is blocked{protected}, and no run releases it, because the comment or address of "
                f'"{name}" was changed on the FortiGate; remove it from the {title}'
            )


def _covering(task: Task, listing: Listing, request: Request, title: str) -> Iterator[str]:
    """Name the members of others that block a protected address. Each costs a request."""
    if not request.protected:
        return
    for name in sorted(listing.guests() - set(listing.unreadable(request.group).values())):
        with attempting(f'reading the member "{name}" of the {title}'):
            networks = list(_networks_of(task.appliance, listing.family, name, set()))
        covered = [str(each) for each in request.protected if any(_overlap(each, one) for one in networks)]
        if covered:
            yield (
                f'the member "{name}" of the {title} was not made by this collection, and blocks addresses '
                f"in {', '.join(covered)}, although they are protected; remove it on the FortiGate"
            )


def _overlap(one: Network, other: Network) -> bool:
    return one.version == other.version and one.overlaps(other)


def _networks_of(appliance: Appliance, family: Family, name: str, seen: set[str]) -> Iterator[Network]:
    """Yield the networks of a member, which may be a group of further members."""
    seen.add(name)
    row = appliance.read(family.objects, name)
    if row is not None:
        yield from _networks(family, row)
        return
    group = appliance.read(family.groups, name)
    members = [str(each.get("name")) for each in (group or {}).get("member", ())]
    for member in members:
        if member not in seen:
            yield from _networks_of(appliance, family, member, seen)


def _networks(family: Family, row: Mapping[str, Any]) -> list[Network]:
    """Return the networks of an address object, none for a name, a country, or another type."""
    try:
        if row.get("type") == "iprange":
            ends = [ipaddress.ip_address(str(row.get(field))) for field in ("start-ip", "end-ip")]
            return list(ipaddress.summarize_address_range(*ends))
        if row.get("type", family.type) == family.type:
            return [ipaddress.ip_network(str(row.get(family.value)).replace(" ", "/"), strict=False)]
    except (TypeError, ValueError):
        pass
    return []
