# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Block lists from any state to any desired state."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import (
    Conflict,
    InvalidOptions,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.task import Outcome
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.address import (
    FAMILIES,
    OWNERS,
    comment,
    member_address,
)
from ansible_collections.otsec.defender_iot.tests.unit.fortigate.memory_gate import (
    GROUP,
    IPV4,
    IPV6,
    LATER,
    PAST,
    SOON,
    Gate,
    Killed,
    entry,
    item,
    keep_into,
)

settings.register_profile("repeatable", derandomize=True, database=None, deadline=None)
settings.load_profile("repeatable")

ADDRESSES = [f"192.0.2.{number}" for number in range(1, 6)] + [
    f"2001:db8::{number}" for number in range(1, 4)
]
ADDRESS = st.sampled_from(ADDRESSES)
UNTIL = st.sampled_from([PAST, SOON, LATER])
PROTECTED = st.sampled_from([[], ["192.0.2.2"], ["192.0.2.4/31"], ["2001:db8::/64"]])
FOREIGN: dict[str, dict[str, str]] = {
    "printer": {},
    "blocked-printer": {},
    "not-blocked-192.0.2.9": {},
    "blocked-192.0.2.9": {},
    # Two objects of one host: the second one has the name of no entry.
    "duplicate": {"subnet": "192.0.2.1 255.255.255.255"},
    "Blocked-192.0.2.2": {"subnet": "192.0.2.2 255.255.255.255"},
    "blocked-192.0.2.003": {"subnet": "192.0.2.3 255.255.255.255"},
}
DUPLICATE6 = ("blocked-2001-db8-0--1", {"ip6": "2001:db8::1/128"})


@st.composite
def gates(draw: st.DrawFn) -> Gate:
    """Make a FortiGate with entries, leftovers, and objects of others in every place."""
    gate = Gate()
    gate.accepts_empty_group = draw(st.booleans())
    for family in FAMILIES:
        if draw(st.booleans()):
            gate.put_group(family=family, ours=draw(st.booleans()))
    for address in draw(st.sets(ADDRESS)):
        family = IPV6 if ":" in address else IPV4
        has_group = GROUP in gate.tables[family.groups.path]
        made = entry(
            address, draw(UNTIL), owner=draw(st.sampled_from(OWNERS)), reason=draw(st.text(max_size=5))
        )
        gate.put_entry(made, is_member=has_group and draw(st.booleans()))
    for name in draw(st.sets(st.sampled_from(sorted(FOREIGN)))):
        _add_stranger(draw, gate, IPV4, name, FOREIGN[name])
    if draw(st.booleans()):
        _add_stranger(draw, gate, IPV6, *DUPLICATE6)
    rows = [gate.tables[family.groups.path].get(GROUP) for family in FAMILIES]
    for row in filter(None, rows):
        if len(row["member"]) > 1 and draw(st.booleans()):
            row["member"].remove({"name": "none"})
    if draw(st.booleans()):
        # Full, or nearly. Real groups take hundreds of members. One that takes a single member cannot replace
        # it, because it is never empty.
        gate.cap = max([2, *(len(row["member"]) for row in rows if row)]) + draw(st.integers(0, 2))
    return gate


def _add_stranger(draw: st.DrawFn, gate: Gate, family: Any, name: str, value: dict[str, str]) -> None:
    gate.put_address(
        name, family, comment=draw(st.sampled_from(["", "x", comment(entry("192.0.2.8"))])), **value
    )
    if GROUP in gate.tables[family.groups.path] and draw(st.booleans()):
        gate.tables[family.groups.path][GROUP]["member"].append({"name": name})


WANTED = st.dictionaries(ADDRESS, UNTIL, max_size=6)
OPTIONS = st.fixed_dictionaries(
    {
        "mode": st.sampled_from(["merged", "exact"]),
        "owner": st.sampled_from(OWNERS),
        "protected": PROTECTED,
        "max_entries": st.sampled_from([2, 100]),
        "max_new": st.sampled_from([1, 10]),
        "state": st.sampled_from(["present", "present", "absent", "released"]),
    }
)


def blocked(gate: Gate) -> dict[str, Any]:
    """Return the entries in the groups, by address."""
    found = {}
    for family in FAMILIES:
        for name in gate.members(family):
            address = member_address(GROUP, name)
            row = gate.tables[family.objects.path].get(name, {})
            if address and row["comment"].startswith("defender-iot v1") and name not in FOREIGN:
                fields = dict(part.split("=", 1) for part in row["comment"].split("; ")[1:])
                found[str(address)] = (fields["until"], fields["owner"])
    return found


def strangers(gate: Gate) -> Any:
    """Return everything that is not of the collection."""
    rows = [
        gate.tables[family.objects.path].get(name)
        for family in FAMILIES
        for name in (*FOREIGN, DUPLICATE6[0], "none", "all")
    ]
    members = [*gate.members(), *gate.members(IPV6)]
    return copy.deepcopy(rows), [name for name in members if name in (*FOREIGN, DUPLICATE6[0])]


def run(gate: Gate, wanted: dict[str, str], options: dict[str, Any]) -> dict[str, Any] | None:
    """Run one task. Return its result, None if it was refused before any change."""
    outcome = Outcome()
    try:
        keep_into(outcome, gate, *(item(address, until) for address, until in wanted.items()), **options)
    except (Conflict, InvalidOptions):
        # A part that cannot be carried out fails the task at its end.
        return outcome.result() if "entries" in outcome.values else None
    return outcome.result()


def is_protected(address: str, options: dict[str, Any]) -> bool:
    from ipaddress import ip_address, ip_network

    return any(ip_address(address) in ip_network(each) for each in options["protected"])


def expected(before: dict[str, Any], wanted: dict[str, str], options: dict[str, Any]) -> dict[str, Any]:
    """Return the entries that must be in the groups afterwards."""
    if options["state"] != "present":
        return {}
    owner, after = options["owner"], {}
    for address, (until, theirs) in before.items():
        want = wanted.get(address)
        if is_protected(address, options):
            continue
        if options["mode"] == "exact" and theirs == owner and want in (None, PAST):
            continue
        if options["mode"] == "merged" and (want or until) == PAST:
            continue
        if want in (None, PAST):
            after[address] = (until, theirs)
        else:
            after[address] = (want if theirs == owner else max(until, want), theirs)
    new = {address: (until, owner) for address, until in wanted.items() if until != PAST}
    return {**new, **after}


@settings(max_examples=150)
@given(gates(), WANTED, OPTIONS)
def test_the_result_is_what_was_asked_for_and_the_second_run_is_silent(
    gate: Gate, wanted: dict[str, str], options: dict[str, Any]
) -> None:
    before, others, tables = blocked(gate), strangers(gate), copy.deepcopy(gate.tables)
    result = run(gate, wanted, options)
    assert strangers(gate) == others
    if result is None:
        assert gate.tables == tables
        return
    after = blocked(gate)
    assert after == expected(before, wanted, options)
    assert {each["address"]: (each["until"], each["owner"]) for each in result["entries"]} == after
    new = after.keys() - before.keys()
    assert len(new) <= options["max_new"]
    assert not new or len(after) <= options["max_entries"]
    assert not any(is_protected(address, options) for address in after)
    assert all(len(gate.members(family)) <= (gate.cap or 600) for family in FAMILIES)
    assert all(row["member"] for family in FAMILIES for row in gate.tables[family.groups.path].values())
    count = gate.writes
    again = run(gate, wanted, options)
    assert again is not None
    assert again["changed"] is False
    assert gate.writes == count


@settings(max_examples=30)
@given(gates(), WANTED, OPTIONS, st.sampled_from(["2001:DB8:0::1", "2001:db8::1/128", " 2001:db8::1 "]))
def test_a_host_that_is_listed_twice_in_whatever_spelling_changes_nothing(
    gate: Gate, wanted: dict[str, str], options: dict[str, Any], spelling: str
) -> None:
    tables = copy.deepcopy(gate.tables)
    assert run(gate, {**wanted, "2001:db8::1": SOON, spelling: SOON}, options) is None
    assert gate.tables == tables


@settings(max_examples=100)
@given(gates(), WANTED, OPTIONS)
def test_check_mode_equals_the_deed(gate: Gate, wanted: dict[str, str], options: dict[str, Any]) -> None:
    twin = copy.deepcopy(gate)
    twin.check_mode = True
    predicted, real = run(twin, wanted, options), run(gate, wanted, options)
    assert twin.writes == 0
    assert (predicted is None) is (real is None)
    if predicted is None or real is None:
        return
    for result in (predicted, real):
        result.pop("foreign")
        for each in [
            *result["entries"],
            *(side for o in result["objects"] for side in (o.get("after"),) if side),
        ]:
            each.pop("since", None)
        result.pop("diff", None)
    assert predicted == real


@settings(max_examples=100)
@given(gates(), WANTED, OPTIONS, st.integers(0, 12))
def test_a_run_that_is_killed_anywhere_is_completed_by_the_next(
    gate: Gate, wanted: dict[str, str], options: dict[str, Any], number: int
) -> None:
    others, before = strangers(gate), blocked(gate)
    options = {**options, "max_new": 10, "max_entries": 100}
    gate.cap = 600

    def kill(count: int) -> None:
        assert strangers(gate) == others
        protected = {address for address in blocked(gate) if is_protected(address, options)}
        assert protected <= before.keys()
        if count == number:
            raise Killed

    gate.hook = kill
    try:
        result = run(gate, wanted, options)
    except Killed:
        gate.hook = lambda count: None
        result = run(gate, wanted, options)
    assert strangers(gate) == others
    if result is None:
        return
    assert blocked(gate) == expected(before, wanted, options)


@settings(max_examples=100)
@given(gates(), WANTED, WANTED, st.integers(0, 8))
def test_two_controllers_at_once_end_with_the_union(
    gate: Gate, ours: dict[str, str], theirs: dict[str, str], number: int
) -> None:
    ours = {address: until for address, until in ours.items() if until != PAST}
    theirs = {address: until for address, until in theirs.items() if until != PAST}
    options: dict[str, Any] = {
        "mode": "merged",
        "protected": [],
        "max_new": 10,
        "max_entries": 100,
        "state": "present",
    }

    others = []
    gate.cap = 600

    def other(count: int) -> None:
        if count == number:
            gate.hook = lambda _count: None
            others.append(run(gate, theirs, {**options, "owner": "respond"}))

    gate.hook = other
    result = run(gate, ours, {**options, "owner": "manual"})
    if result is not None and not others:
        others.append(run(gate, theirs, {**options, "owner": "respond"}))
    if result is None or others == [None]:
        return
    found = blocked(gate)
    assert ours.keys() | theirs.keys() <= found.keys()
    for family in FAMILIES:
        assert len(gate.members(family)) == len(set(gate.members(family)))
