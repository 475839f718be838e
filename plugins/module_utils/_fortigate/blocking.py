# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps the block list of a FortiGate: checks the clock and the limits, and carries out the plan."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Any

from .._engine.apply import DOING, apply
from .._engine.errors import ApplianceError, Conflict, Refused, attempting
from .._engine.moment import as_text, read_moment
from .._engine.resource import Field, Resource
from .._engine.task import Outcome, Task, complete, difference, object_entry
from .address import FAMILIES, Address, Entry, Family, object_name, own_entry
from .block_list import (
    Listing,
    Request,
    Step,
    Write,
    added,
    entries_after,
    members_after,
    plan_list,
    refusal,
)
from .block_listing import UNREADABLE, read_listing, read_listings
from .block_warnings import warnings_about

Params = dict[str, Any]

ROUNDS = 5
"""How often a list is read and planned in one task, if others write it too."""

OVERTAKEN_CODES = (-3, -5, -15, -23)
OVERTAKEN_STATUSES = (404, 405)
"""Refusals that another writer explains: an object has appeared, vanished, or come into use meanwhile."""

ENTRY = Resource(
    label="blocked address", kind="entry", path="firewall/address", fields={"name": Field("name")}
)
TABLES = tuple(table for each in FAMILIES for table in (each.objects, each.groups, each.vips))
KINDS = {resource.kind: resource for resource in (ENTRY, *TABLES)}

POLICIES_OF_GROUP = "firewall/policy/srcaddr"
"""The path under which check mode predicts that no policy of the collection uses a group any more."""


def keep_block_list(task: Task, outcome: Outcome) -> None:
    """Bring the block list to the desired state, in both address families."""
    request = _request(task)
    listings = read_listings(task)
    if not request.releases_all:
        request = _check_clock(listings, request, task.options["clock_tolerance"], outcome)
    steps = plan_list(listings, request)
    _refuse_what_does_not_fit(task, listings, steps)
    change = ListChange(task, outcome, request, listings, steps)
    if steps:
        apply(task, change)
    _report(change, [] if steps else [object_entry(task, "none", {}, {})])
    with attempting(f"managing the {task.title}"):
        refused = refusal(change.listings, request)
        if refused:
            raise refused


def _report(change: ListChange, in_sync: list[Params]) -> None:
    """Report the list, and what the task leaves unchanged although operators may expect something else."""
    task, outcome, group = change.task, change.outcome, change.request.group
    left = [address for listing in change.listings for address in listing.unreadable(group)]
    outcome.objects = [*in_sync, *change.objects, *(_unreadable_entry(task, each) for each in left)]
    outcome.values.update(
        entries=entries_after(change.listings, change.predicted),
        foreign=_foreign_after(change),
    )
    for listing in change.listings:
        outcome.warnings += warnings_about(task, listing, change.request)


def _unreadable_entry(task: Task, address: Address) -> Params:
    """Return the object that lets the report show a host which no run releases."""
    about = replace(task, resource=ENTRY, options={"name": str(address)})
    return object_entry(about, "none", {}, {}, reason=f"still blocked: {UNREADABLE}")


def _foreign_after(change: ListChange) -> list[dict[str, str]]:
    names = {
        object_name(change.request.group, ipaddress.ip_address(step.name))
        for step in change.predicted
        if step.kind == ENTRY.kind
    }
    return [
        dict(each) for listing in change.listings for each in listing.foreign if each["name"] not in names
    ]


def _check_clock(listings: list[Listing], request: Request, tolerance: int, outcome: Outcome) -> Request:
    """Raise Conflict if the clocks differ, because a wrong clock releases entries too early or too late.

    A task that only releases what it declares needs no clock. It then releases nothing else that has expired.
    """
    skew = listings[0].skew
    if skew is None:
        outcome.warnings.append(
            "the FortiGate states no time, so the clock of the control node alone decides which entries have "
            "expired"
        )
    elif abs(skew) > tolerance:
        side = "ahead of" if skew > 0 else "behind"
        differ = (
            f"the FortiGate's clock is {abs(round(skew))} s {side} the control node's, but clock_tolerance "
            f"is {tolerance} s"
        )
        if not _only_releases(request, skew):
            raise Conflict(
                f"{differ}, so nothing was changed", "set both clocks, or increase clock_tolerance"
            )
        outcome.warnings.append(f"{differ}, so only the declared hosts were released; set both clocks")
        return replace(request, ignores_expiry=True)
    return request


def _only_releases(request: Request, skew: float) -> bool:
    """Return whether every declared time is in the past by both clocks."""
    earlier = read_moment(request.now) + timedelta(seconds=min(skew, 0))
    is_past = all(want["until"] <= as_text(earlier) for want in request.wanted.values())
    return bool(request.wanted) and is_past and not request.is_exact


def _request(task: Task) -> Request:
    options = task.options
    return Request(
        group=options["group"],
        wanted=options["wanted"],
        owner=options["owner"],
        now=options["now"],
        is_exact=options["mode"] == "exact",
        releases_all=options["state"] != "present",
        is_absent=options["state"] == "absent",
        is_released=task.predictions.exists(POLICIES_OF_GROUP, options["group"]) is False,
        protected=options["networks"],
        max_entries=options["max_entries"],
        max_new=options["max_new"],
    )


def _refuse_what_does_not_fit(task: Task, listings: list[Listing], steps: list[Step]) -> None:
    """Raise Conflict if a group would have too many members, or if its name belongs to a virtual IP."""
    for listing in listings:
        own = [step for step in steps if step.family is listing.family]
        if added(own):
            _refuse_full_group(task, listing, own)
        if any(step.kind == listing.family.groups.kind and step.action == "create" for step in own):
            _refuse_name_of_vip(task, listing.family)


def _refuse_full_group(task: Task, listing: Listing, steps: list[Step]) -> None:
    with attempting(f"reading the limits of the {task.title}"):
        limit = task.appliance.capacity(listing.family.groups, "member")
    count = members_after(listing, steps)
    if limit is not None and count > limit:
        raise Conflict(
            f'the {listing.family.groups.label} "{task.key}" would have {count} members, the placeholder '
            f"included, but this FortiGate allows {limit}, so nothing was changed",
            "release entries, or remove other members from the group",
        )


def _refuse_name_of_vip(task: Task, family: Family) -> None:
    try:
        with attempting(f"checking whether the name of the {task.title} is free"):
            vip = task.appliance.read(family.vips, task.key)
    except Refused as error:
        if error.status != 403:
            raise
        # This account may not read virtual IPs. FortiOS then refuses a name that one of them has.
        return
    if vip is not None:
        raise Conflict(
            f'a {family.vips.label} has the name of the group "{task.key}", and names are unique among '
            "addresses, address groups and virtual IPs",
            "rename it on the FortiGate, or set another group",
        )


class _Overtaken(Exception):
    """Another writer has changed the list since it was read."""


@dataclass
class ListChange:
    """The steps of one task. ``predicted`` are those that ``listings`` do not show yet."""

    task: Task
    outcome: Outcome
    request: Request
    listings: list[Listing]
    steps: list[Step]
    predicted: list[Step] = field(default_factory=list)
    new: set[Address] = field(default_factory=set)
    objects: list[Params] = field(default_factory=list)
    before: Params = field(default_factory=dict)
    after: Params = field(default_factory=dict)

    def foresee(self) -> None:
        """Report the steps, and predict which groups exist afterwards."""
        self._begin()
        self.predicted = self.steps
        self.outcome.changed = True
        for step in self.steps:
            if step.kind != ENTRY.kind and step.action != "update":
                exists = step.action == "create"
                self.task.predictions.note(step.family.groups.path, step.name, exists=exists)
            self._note(step)

    def carry_out(self) -> None:
        """Carry out the steps, read again, and repeat until the list is as desired."""
        self._begin()
        steps = self.steps
        for _round in range(ROUNDS):
            error = self._carry_out(steps)
            self.listings = read_listings(self.task)
            left = plan_list(self.listings, self.request, self.new)
            if not left:
                return
            if error and left == steps:
                raise error
            steps = left
        raise ApplianceError(
            f"the {self.task.title} reads back different from what was written, {ROUNDS} times",
            "check whether another program changes the same group, and run again",
        )

    def _carry_out(self, steps: list[Step]) -> Refused | None:
        """Carry out steps, up to the first one that another writer has overtaken. Return its refusal."""
        try:
            self._refuse_changed_tables(steps)
            for step in steps:
                self._carry_out_step(step)
        except _Overtaken:
            return None
        except Refused as error:
            if error.code not in OVERTAKEN_CODES and error.status not in OVERTAKEN_STATUSES:
                raise
            return error
        return None

    def _refuse_changed_tables(self, steps: list[Step]) -> None:
        """Raise _Overtaken if a table from which entries are to be released was written since it was read."""
        families = {step.family.version for step in steps if step.releases}
        for listing in self.listings:
            if listing.family.version in families:
                with attempting(f"reading the {self.task.title}"):
                    fresh = read_listing(self.task.appliance, listing.family, self.task.key)
                if fresh.revisions != listing.revisions:
                    raise _Overtaken

    def _carry_out_step(self, step: Step) -> None:
        title = KINDS[step.kind].title(step.name)
        with attempting(f"{DOING[step.action]} {title}"):
            for write in step.writes:
                if write.verb == "delete" and step.expected is not None:
                    self._require_unchanged(step, step.expected)
                self._send(write)
            if step.expected is not None and step.writes[-1].verb == "remove":
                self._require_unchanged(step, step.expected)
        self.task.predictions.forget(step.family.groups.path, step.name)
        self._note(step)

    def _send(self, write: Write) -> None:
        getattr(self.task.appliance, write.verb)(write.resource, *write.arguments)
        self.outcome.changed = True

    def _require_unchanged(self, step: Step, expected: Entry) -> None:
        """Raise _Overtaken if another writer has changed an entry, such as its ``until``.

        It is read after its member was removed, because no request can do both. A member that was removed is
        then added again: from here on, another writer's addition makes FortiOS refuse to delete the object.
        """
        family, name = step.family, object_name(self.request.group, expected.address)
        rows = self.task.appliance.search(family.objects, name)["rows"]
        row = next((row for row in rows if row.get("name") == name), None)
        if row is not None and complete(partial(own_entry, family, self.request.group), row) == expected:
            return
        if row is not None and step.writes[0].verb == "remove":
            self._send(Write("add", family.groups, step.writes[0].arguments))
        raise _Overtaken

    def _begin(self) -> None:
        """Let the result show each step as soon as it is done, because the task may fail later."""
        self.outcome.objects = self.objects
        self.outcome.diff = {**difference(self.task, {}, {}), "before": self.before, "after": self.after}

    def _note(self, step: Step) -> None:
        task = replace(self.task, resource=KINDS[step.kind], options={"name": step.name})
        self.objects.append(object_entry(task, step.action, step.before, step.after))
        place = step.name if step.kind == ENTRY.kind else task.title
        if step.before:
            self.before.setdefault(place, dict(step.before))
        self.after.pop(place, None)
        if step.after:
            self.after[place] = dict(step.after)
        self.new.update(ipaddress.ip_address(each.name) for each in added([step]))
