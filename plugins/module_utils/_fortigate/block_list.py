# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans the block list of a FortiGate. Pure: it compares both lists and returns steps."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .._engine.errors import Conflict
from .._engine.resource import Resource
from .address import (
    GROUP_COMMENT,
    LONGEST_COMMENT,
    PLACEHOLDER,
    Address,
    Entry,
    Family,
    Network,
    comment,
    member_address,
    new_entry,
    object_body,
    object_name,
)


@dataclass(frozen=True)
class Request:
    """What a task wants. ``wanted`` has the declared fields of each entry; ``now`` is a text in UTC.

    ``owner`` is that of entries which declare none.

    ``releases_all`` releases every entry, ``is_absent`` also removes the groups. ``is_released``: an earlier
    task is predicted to delete the policies that use the groups. ``ignores_expiry``: no entry is released
    because of its own ``until``, because the clocks differ.
    """

    group: str
    wanted: Mapping[Address, Mapping[str, str]]
    owner: str
    now: str
    is_exact: bool = False
    releases_all: bool = False
    is_absent: bool = False
    ignores_expiry: bool = False
    is_released: bool = False
    protected: Sequence[Network] = ()
    max_entries: int = 100
    max_new: int = 10

    def is_past(self, until: str) -> bool:
        return until <= self.now

    def protects(self, address: Address) -> bool:
        return any(address in network for network in self.protected)


@dataclass(frozen=True)
class Known:
    """An address object of the collection. ``uses`` counts the objects that refer to it, the group included.

    One that is not a member of the group blocks nothing: an interrupted run left it.
    """

    entry: Entry
    is_member: bool
    uses: int


@dataclass(frozen=True)
class Listing:
    """The group of one address family, its members, and the objects whose names begin with the group's.

    ``foreign`` has the members and objects that are not of the collection, each with what it is, ``taken``
    the names of all other address objects that were read. ``uses`` counts the objects that refer to the
    group. ``excluded`` are the exclusions of the group, None if they are disabled. ``revisions`` change with
    every write of either table, ``skew`` are the seconds by which the FortiGate's clock is ahead, None if
    unknown.
    """

    family: Family
    exists: bool = False
    is_ours: bool = False
    uses: int = 0
    members: frozenset[str] = frozenset()
    objects: Mapping[str, Known] = field(default_factory=dict)
    foreign: Sequence[Mapping[str, str]] = ()
    taken: frozenset[str] = frozenset()
    excluded: Sequence[str] | None = None
    revisions: tuple[str | None, ...] = ()
    skew: float | None = None

    def entries(self) -> dict[Address, Entry]:
        """Return the entries that are in the group."""
        return {known.entry.address: known.entry for known in self.objects.values() if known.is_member}

    def guests(self) -> frozenset[str]:
        """Return the members that are neither of the collection nor the placeholder."""
        own = {name for name, known in self.objects.items() if known.is_member}
        return self.members - own - {PLACEHOLDER}

    def unreadable(self, group: str) -> dict[Address, str]:
        """Return the guests with the name of an entry, by its address. Others have changed their objects."""
        found = {member_address(group, name): name for name in sorted(self.guests())}
        return {address: name for address, name in found.items() if address is not None}


@dataclass(frozen=True)
class Write:
    """One request: a verb of the appliance on a table, and its arguments."""

    verb: str
    resource: Resource
    arguments: tuple[Any, ...]


@dataclass(frozen=True)
class Step:
    """The writes about one entry or group, at most two.

    ``checked`` is the table whose object must still be ``expected`` before a release.
    """

    kind: str
    name: str
    action: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    writes: tuple[Write, ...]
    family: Family
    expected: Entry | None = None

    @property
    def releases(self) -> bool:
        return self.expected is not None


def plan_list(listings: Sequence[Listing], request: Request, earlier: Collection[Address] = ()) -> list[Step]:
    """Plan all address families. Raises Conflict before any step if a limit would be exceeded.

    ``earlier`` are the addresses that this task has already added.
    """
    steps = [step for listing in listings for step in _plan(listing, request)]
    _refuse_too_many(listings, steps, request, earlier)
    return steps


def _plan(listing: Listing, request: Request) -> Iterator[Step]:
    _refuse_taken_group(listing, request)
    if not listing.exists and not request.releases_all:
        body = {"name": request.group, "comment": GROUP_COMMENT, "member": [{"name": PLACEHOLDER}]}
        yield _group_step(listing, request, "create", ("create", request.group, body))
    yield from _releases(listing, request)
    yield from _wanted_steps(listing, request)
    if request.is_absent and _is_removable(listing, request):
        yield _group_step(listing, request, "delete", ("delete", request.group))


def is_kept(listing: Listing, request: Request) -> str | None:
    """Return why a group of the collection stays although the list is absent, None if it does not."""
    if not (request.is_absent and listing.is_ours) or _is_removable(listing, request):
        return None
    if listing.guests():
        return "has members that were not made by this collection"
    return f"is still used by {listing.uses} objects"


def _is_removable(listing: Listing, request: Request) -> bool:
    is_free = listing.uses == 0 or request.is_released
    return listing.is_ours and not listing.guests() and is_free


def _is_released(known: Known, request: Request) -> bool:
    """Return whether an entry is no longer to be blocked."""
    entry = known.entry
    if request.releases_all or request.protects(entry.address):
        return True
    want = request.wanted.get(entry.address)
    if request.is_exact:
        is_wanted = want is not None and not request.is_past(want["until"])
        return entry.owner == request.owner and not is_wanted
    if want is None:
        return request.is_past(entry.until) and not request.ignores_expiry
    return request.is_past(want["until"])


def _releases(listing: Listing, request: Request) -> Iterator[Step]:
    """Release entries.

    The placeholder is added just before the last member is removed: until then, the group may be full.
    """
    released = [known for known in listing.objects.values() if _is_released(known, request)]
    members = [known for known in released if known.is_member]
    for known in [*(known for known in released if not known.is_member), *members[:-1]]:
        yield from _release(listing, known, request)
    if members and len(members) == len(listing.members):
        yield _group_step(listing, request, "update", ("add", request.group, PLACEHOLDER))
    for known in members[-1:]:
        yield from _release(listing, known, request)


def _group_step(listing: Listing, request: Request, action: str, write: tuple[Any, ...]) -> Step:
    verb, *arguments = write
    states: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
        "create": ({}, {"name": request.group, "member": [PLACEHOLDER]}),
        "update": ({"placeholder": False}, {"placeholder": True}),
        "delete": ({"name": request.group}, {}),
    }
    before, after = states[action]
    writes = (Write(verb, listing.family.groups, tuple(arguments)),)
    return Step(listing.family.groups.kind, request.group, action, before, after, writes, listing.family)


def _release(listing: Listing, known: Known, request: Request) -> Iterator[Step]:
    """Remove the member, then the object: the reverse is refused. An object that others use is left."""
    family, name = listing.family, object_name(request.group, known.entry.address)
    writes = []
    if known.is_member:
        writes.append(Write("remove", family.groups, (request.group, name)))
    if known.uses <= known.is_member:
        writes.append(Write("delete", family.objects, (name,)))
    if writes:
        before = known.entry.shown()
        yield Step(
            "entry", before["address"], "delete", before, {}, tuple(writes), family, expected=known.entry
        )


def _wanted_steps(listing: Listing, request: Request) -> Iterator[Step]:
    if request.releases_all:
        return
    for address, want in request.wanted.items():
        is_here = address.version == listing.family.version and not request.is_past(want["until"])
        if is_here and object_name(request.group, address) not in listing.taken:
            yield from _wanted_step(listing, address, want, request)


def _wanted_step(
    listing: Listing, address: Address, want: Mapping[str, str], request: Request
) -> Iterator[Step]:
    """Block a host, or bring the comment of its object up to date."""
    family, name = listing.family, object_name(request.group, address)
    known = listing.objects.get(name)
    is_blocked = known is not None and known.is_member
    is_kept = is_blocked or _is_leftover_of(known, _owner(want, request), request)
    have = known.entry if known and is_kept else None
    after = _merged(have, address, want, request)
    _refuse_long_comment(after)
    writes = []
    if known is None:
        writes.append(Write("create", family.objects, (name, object_body(family, request.group, after))))
    elif comment(known.entry) != comment(after):
        writes.append(Write("update", family.objects, (name, {"comment": comment(after)})))
    if not is_blocked:
        writes.append(Write("add", family.groups, (request.group, name)))
    if writes:
        before = known.entry.shown() if known and is_blocked else {}
        action = "update" if is_blocked else "create"
        yield Step("entry", str(address), action, before, after.shown(), tuple(writes), family)


def _refuse_long_comment(entry: Entry) -> None:
    """Raise Conflict if what is declared, together with what the FortiGate has, is too long."""
    length = len(comment(entry))
    if length > LONGEST_COMMENT:
        raise Conflict(
            f"the comment of {entry.address} would have {length} characters together with the values on the "
            f"FortiGate, at most {LONGEST_COMMENT} are possible",
            "declare reason, source and approved_by, and shorten them",
        )


def _is_leftover_of(known: Known | None, owner: str, request: Request) -> bool:
    return known is not None and known.entry.owner == owner and not request.is_past(known.entry.until)


def _owner(want: Mapping[str, str], request: Request) -> str:
    return want.get("owner", request.owner)


def _merged(have: Entry | None, address: Address, want: Mapping[str, str], request: Request) -> Entry:
    """Return the entry after the task. Of another owner's entry, only a later ``until`` is taken over."""
    if have is None:
        return new_entry(address, want, request.owner, request.now)
    if have.owner != _owner(want, request):
        return replace(have, until=max(have.until, want["until"]))
    declared: dict[str, Any] = {**want, "since": have.since}
    return replace(have, **declared)


RENAME = "rename it on the FortiGate, or set another group"


def _refuse_taken_group(listing: Listing, request: Request) -> None:
    """Raise Conflict if another object has the name of the group."""
    if not request.releases_all and not listing.exists and request.group in listing.taken:
        raise Conflict(
            f'an {listing.family.objects.label} has the name of the group "{request.group}", and names are '
            "unique among addresses, address groups and virtual IPs",
            RENAME,
        )


def refusal(listings: Sequence[Listing], request: Request) -> Conflict | None:
    """Return why a part of the request cannot be carried out, None if all of it can.

    An object that is no entry is neither changed nor released, even if it has an entry's name. The plan omits
    it, so that everything else is done first.
    """
    stuck = [found for each in listings for found in _stuck(each, request)]
    if stuck:
        return Conflict(
            f"{' and '.join(map(str, stuck))} cannot be released, because the comment or address of the "
            "object was changed on the FortiGate, so it is no entry any more, and blocks until it is removed",
            f'remove it from the address group "{request.group}" on the FortiGate',
        )
    taken = [found for each in listings for found in _taken(each, request)]
    return Conflict(" and ".join(taken), RENAME) if taken else None


def _stuck(listing: Listing, request: Request) -> list[Address]:
    """Return the hosts to release that no run can release."""
    return [
        address
        for address in listing.unreadable(request.group)
        if request.releases_all or is_explicit(request, address)
    ]


def is_explicit(request: Request, address: Address) -> bool:
    """Return whether a task declares that a host is to be released, by a time in the past."""
    want = request.wanted.get(address)
    return want is not None and request.is_past(want["until"])


def _taken(listing: Listing, request: Request) -> list[str]:
    """Return a clause about each entry to add whose name an object of others has."""
    if request.releases_all:
        return []
    here = [each for each in request.wanted if each.version == listing.family.version]
    wanted = {object_name(request.group, each): each for each in here if not is_explicit(request, each)}
    return [
        f'the {listing.family.objects.label} "{name}" was not made by this collection, so {address} cannot '
        "be added"
        for name, address in wanted.items()
        if name in listing.taken
    ]


def added(steps: Iterable[Step]) -> list[Step]:
    """Return the steps that block another host."""
    return [step for step in steps if step.kind == "entry" and step.action == "create"]


def entries_after(listings: Sequence[Listing], steps: Iterable[Step]) -> list[dict[str, str]]:
    """Return the entries after the steps, sorted by their addresses."""
    found = {str(entry.address): entry.shown() for each in listings for entry in each.entries().values()}
    for step in steps:
        if step.kind == "entry":
            found.pop(step.name, None)
            found.update({step.name: dict(step.after)} if step.after else {})
    return [found[address] for address in sorted(found)]


def members_after(listing: Listing, steps: Iterable[Step]) -> int:
    """Return the number of members of the group after the steps."""
    writes = [write for step in steps for write in step.writes if write.resource == listing.family.groups]
    change = sum({"create": 1, "add": 1, "remove": -1}.get(write.verb, 0) for write in writes)
    return len(listing.members) + change


def _refuse_too_many(
    listings: Sequence[Listing], steps: list[Step], request: Request, earlier: Collection[Address]
) -> None:
    """Raise Conflict if new entries exceed a limit. A task that only releases is within every limit."""
    new = {step.name for step in added(steps)}
    if not new:
        return
    together = len(new | {str(address) for address in earlier})
    if together > request.max_new:
        raise _exceeded(f"it would add {_hosts(together)}", "max_new", request.max_new)
    count = len(entries_after(listings, steps))
    if count > request.max_entries:
        raise _exceeded(f"it would block {_hosts(count)}", "max_entries", request.max_entries)


def _hosts(count: int) -> str:
    return f"{count} host{'' if count == 1 else 's'}"


def _exceeded(what: str, option: str, limit: int) -> Conflict:
    return Conflict(
        f"{what}, but {option} is {limit}", f"check the entries, then remove some or increase {option}"
    )
