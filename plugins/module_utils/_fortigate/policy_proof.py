# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Determines whether the policies of a block list take effect: by their fields, their places and a lookup."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._engine.errors import ApplianceError, Conflict, Locked, TaskError, Unreachable, attempting
from .._engine.task import Task
from .address import FAMILIES, Address, member_address
from .block_listing import excluded
from .policy import (
    CENTRAL_MANAGEMENT,
    LOOKUP,
    TOWARDS,
    Row,
    defects,
    desired_policies,
    number,
    permits_above,
)

PORT = "443"
"""The port of the packet that is looked up. The policies deny every service."""

NOT_STOPPED = (
    "no policy stops packets to the FortiGate itself, within a network segment, of an explicit proxy or of "
    "multicast, and open sessions may go on"
)
"""The limits of the best verdict. The guide about block lists names their sources."""


@dataclass(frozen=True)
class Verdict:
    """Whether a policy takes effect: ``effective``, ``ineffective`` or ``unknown``, with the reason."""

    verdict: str
    reason: str


NO_POLICY = "the answer has no policy, so there is none, or the account may not read policies"

WORST_FIRST = ("ineffective", "unknown", "effective")


def determine_verdict(task: Task, rows: Sequence[Row]) -> Verdict:
    """Return the verdict about all policies that must exist, which is that of the worst one."""
    wanted = {name: want for name, want in desired_policies(task.options).items() if want is not None}
    if not wanted:
        return Verdict("ineffective", "state is absent, so no policy denies")
    if not rows:
        return Verdict("unknown", NO_POLICY)
    found = [_verdict(task, rows, name, want) for name, want in wanted.items()]
    if all(each.verdict != "ineffective" for each in found):
        found = [*_about_groups(task), *found]
    return min(found, key=lambda each: WORST_FIRST.index(each.verdict))


def verdict_of_failure(task: Task, rows: Sequence[Row], error: TaskError) -> Verdict:
    """Return the verdict of a task that failed. ``rows`` are the policies as they still are, if known."""
    if isinstance(error, Conflict):
        return Verdict("ineffective", error.why)
    wanted = desired_policies(task.options).items()
    found = (defects(rows, name, want) for name, want in wanted if rows and want is not None)
    defect = next(filter(None, found), None)
    if defect is not None:
        return Verdict("ineffective", defect)
    return Verdict("unknown", f"{error.attempt} failed: {error.why}")


def _about_groups(task: Task) -> Iterator[Verdict]:
    """Yield a verdict about each group that does not block all of its members, or cannot be read."""
    group = task.options["group"]
    for family in FAMILIES:
        try:
            with attempting(f"reading the {family.groups.title(group)}"):
                row = task.appliance.read(family.groups, group)
        except (Locked, Unreachable):
            raise
        except ApplianceError as error:
            yield Verdict("unknown", f"{error.attempt} failed: {error.why}")
        else:
            yield from _about_group(family.groups.title(group), row)


def _about_group(title: str, row: Mapping[str, Any] | None) -> Iterator[Verdict]:
    if row is None:
        yield Verdict("unknown", f"the {title} does not exist, or the account may not read it")
    elif excluded(row) is not None:
        names = ", ".join(excluded(row) or ["no member"])
        yield Verdict("ineffective", f"the {title} has exclusions ({names})")


def _verdict(task: Task, rows: Sequence[Row], name: str, want: Mapping[str, Any]) -> Verdict:
    defect = defects(rows, name, want)
    if defect:
        return Verdict("ineffective", defect)
    permits = list(permits_above(rows, name))
    if task.options["proof"]:
        return _proven(task, rows, name, permits)
    if permits:
        return Verdict("unknown", f'{_listed(permits)} before "{name}" may permit packets of a blocked host')
    return Verdict(
        "unknown", f'no packet was looked up, because proof is not set, but nothing before "{name}" permits'
    )


def _listed(permits: list[str]) -> str:
    """Name the first policies of a list that may be long."""
    more = f" and {len(permits) - 3} more" if len(permits) > 3 else ""
    noun = "policies" if len(permits) > 1 else "policy"
    return f"the {noun} {', '.join(permits[:3])}{more}"


def _proven(task: Task, rows: Sequence[Row], name: str, permits: list[str]) -> Verdict:
    """Let the FortiGate look up the policy for a packet from a blocked host, or towards it."""
    try:
        with attempting("looking up the policy of a packet"):
            blocked = _blocked_host(task)
            if blocked is None:
                return Verdict("unknown", "no host is blocked whose packet could be looked up")
            results = task.appliance.ask(LOOKUP, _packet(task, name, blocked))
    except (Locked, Unreachable):
        raise
    except ApplianceError as error:
        return Verdict("unknown", f"the policy lookup failed: {error.why}")
    return _judged(rows, name, results, blocked, permits)


def _judged(rows: Sequence[Row], name: str, results: Any, blocked: Address, permits: list[str]) -> Verdict:
    matching = results.get("policy_id") if isinstance(results, Mapping) else None
    if isinstance(matching, bool) or not isinstance(matching, int):
        return Verdict("unknown", "the answer to the policy lookup names no policy")
    own = next(row for row in rows if row.get("name") == name)
    if str(matching) != number(own):
        other = next((row.get("name") for row in rows if row.get("policyid") == matching), None)
        return Verdict(
            "ineffective", f"a packet of {blocked} matches policy {matching}{_quoted(other)} instead"
        )
    note = f", but {_listed(permits)} before it may permit other packets" if permits else ""
    return Verdict("effective", f'a packet of {blocked} matches the policy "{name}"{note}; {NOT_STOPPED}')


def _quoted(name: Any) -> str:
    return f' "{name}"' if name else ""


def _blocked_host(task: Task) -> Address | None:
    """Return a host in the group, of the family of the destination."""
    destination = ipaddress.ip_address(task.options["proof"]["destination"])
    family = FAMILIES[destination.version == 6]
    group = task.appliance.read(family.groups, task.options["group"])
    return next(_hosts(task.options["group"], group or {}), None)


def _hosts(group: str, row: Mapping[str, Any]) -> Iterator[Address]:
    members = row.get("member")
    for member in members if isinstance(members, list) else []:
        address = member_address(group, str(member.get("name"))) if isinstance(member, dict) else None
        if address is not None:
            yield address


def _packet(task: Task, name: str, blocked: Address) -> dict[str, str]:
    """Return the query of the lookup: a TCP packet from the blocked host, or towards it."""
    proof = task.options["proof"]
    is_towards = name.endswith(TOWARDS) and name != task.options["name"]
    source, destination = (
        (proof["destination"], str(blocked)) if is_towards else (str(blocked), proof["destination"])
    )
    return {
        "srcintf": proof["destination_interface"] if is_towards else proof["interface"],
        "sourceip": source,
        "dest": destination,
        "protocol": "tcp",
        "sourceport": PORT,
        "destport": PORT,
        **({"ipv6": "true"} if blocked.version == 6 else {}),
    }


def is_managed_by_fortimanager(task: Task) -> bool:
    """Return whether the FortiGate says so. Without the permission to read it, nothing is known."""
    try:
        found = task.appliance.ask(CENTRAL_MANAGEMENT, {})
    except (Locked, Unreachable):
        raise
    except ApplianceError:
        return False
    return isinstance(found, Mapping) and found.get("type") == "fortimanager"
