# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the block list of a FortiGate: its groups, its entries, and what else is in the groups."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from .._engine.appliance import Appliance
from .._engine.errors import ApplianceError, attempting
from .._engine.moment import clock_skew
from .._engine.resource import Incomplete
from .._engine.task import Outcome, Task, complete
from .address import BUILT_IN, FAMILIES, GROUP_COMMENT, Family, member_address, own_entry
from .block_list import Known, Listing, entries_after

GUEST = "a member that was not made by this collection"
UNREADABLE = "a member with the name of an entry, but another comment or address, so it blocks until removed"
"""What else is in a group."""


def list_block_list(task: Task, outcome: Outcome) -> None:
    """Report the entries, and what else is in the group or has its name."""
    listings = read_listings(task)
    outcome.values.update(
        exists=any(listing.exists for listing in listings),
        entries=entries_after(listings, ()),
        foreign=[dict(each) for listing in listings for each in listing.foreign],
    )


def read_listings(task: Task) -> list[Listing]:
    with attempting(f"reading the {task.title}"):
        return [read_listing(task.appliance, family, task.key) for family in FAMILIES]


def read_listing(appliance: Appliance, family: Family, group: str) -> Listing:
    """Read the group and its objects. Raises ApplianceError if the account sees only a part of them."""
    groups = appliance.search(family.groups, group)
    skew = clock_skew(groups["date"])
    objects = appliance.search(family.objects, group)
    row = next((row for row in groups["rows"] if row.get("name") == group), None)
    if row is None:
        _require_readable(appliance, family)
    members = frozenset() if row is None else complete(_members, row)
    own, others = _divided(family, group, objects["rows"], members)
    return Listing(
        family,
        exists=row is not None,
        is_ours=row is not None and row.get("comment") == GROUP_COMMENT,
        uses=_count(row or {}),
        members=members,
        objects=own,
        foreign=list(_foreign(family, group, members, own, others)),
        taken=others,
        excluded=excluded(row or {}),
        revisions=(groups["revision"], objects["revision"]),
        skew=skew,
    )


def _require_readable(appliance: Appliance, family: Family) -> None:
    """Raise ApplianceError if the table seems to be empty, as for an account that may not read it.

    A group that exists shows that the tables can be read.
    """
    rows = appliance.search(family.objects, BUILT_IN)["rows"]
    if not any(row.get("name") == BUILT_IN for row in rows):
        raise ApplianceError(
            f'the answer lacks the built-in {family.objects.label} "{BUILT_IN}", so the account may see no '
            "objects at all",
            "use an account that may read all addresses",
        )


def excluded(row: Mapping[str, Any]) -> list[str] | None:
    """Return the names that the group excludes, None if exclusion is disabled.

    Groups have it since 6.2.0, IPv6 groups since 7.4.0 (documented).
    """
    found = row.get("exclude-member")
    rows = found if isinstance(found, list) else []
    is_enabled = row.get("exclude") == "enable"
    return [str(each.get("name")) for each in rows if isinstance(each, dict)] if is_enabled else None


def _members(row: Mapping[str, Any]) -> frozenset[str]:
    """Return the names in a group. Raises Incomplete."""
    found = row.get("member")
    if not isinstance(found, list):
        raise Incomplete("member")
    try:
        return frozenset(str(each["name"]) for each in found)
    except (KeyError, TypeError):
        raise Incomplete("member") from None


def _divided(
    family: Family, group: str, rows: list[Mapping[str, Any]], members: frozenset[str]
) -> tuple[dict[str, Known], frozenset[str]]:
    """Return the objects of the collection by name, and the names of all others."""
    own: dict[str, Known] = {}
    others: set[str] = set()
    for row in rows:
        name = str(row.get("name"))
        is_candidate = name.startswith(f"{group}-")
        entry = complete(partial(own_entry, family, group), row) if is_candidate else None
        if entry is None:
            others.add(name)
        else:
            own[name] = Known(entry, name in members, _count(row))
    hidden = [name for name in members - own.keys() - others if member_address(group, name)]
    if hidden:
        raise ApplianceError(
            f'the group has the member "{min(hidden)}", but the answer lacks that object, so the account may '
            "see only a part of the objects",
            "use an account that may read all addresses",
        )
    return own, frozenset(others)


def _count(row: Mapping[str, Any]) -> int:
    """Return the number of references to an object, 0 if the FortiGate does not state it."""
    count = row.get("q_ref")
    return count if isinstance(count, int) else 0


def _foreign(
    family: Family, group: str, members: frozenset[str], own: Mapping[str, Known], others: frozenset[str]
) -> Iterator[dict[str, str]]:
    """Yield what is in the group or has its name, but is no entry."""
    listing = Listing(family, members=members, objects=own)
    unreadable = listing.unreadable(group).values()
    for name in sorted(listing.guests()):
        yield _stranger(family, name, UNREADABLE if name in unreadable else GUEST)
    for name in sorted(others - members):
        if name.startswith(f"{group}-"):
            yield _stranger(family, name, "an object whose comment or address is not that of an entry")
    for name in sorted(name for name, known in own.items() if not known.is_member):
        yield _stranger(family, name, "an object of an entry that is not in the group")


def _stranger(family: Family, name: str, reason: str) -> dict[str, str]:
    return {"name": name, "family": f"IPv{family.version}", "reason": reason}
