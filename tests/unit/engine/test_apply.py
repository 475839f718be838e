# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Converging: the steps of a run, the same predicted in check mode, and the read-back of each write."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.apply import converge
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import (
    ApplianceError,
    Conflict,
    Refused,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.resource import Field, Resource
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.task import (
    Task,
    list_objects,
)
from ansible_collections.otsec.defender_iot.tests.unit.fakes import MemoryAppliance, do

THING = Resource(
    label="thing",
    kind="thing",
    path="things",
    fields={
        "name": Field("id"),
        "comment": Field("note", default="", optional=True),
        "hosts": Field("hosts", default=[], optional=True, normalise=sorted),
    },
    facts={"used": Field("last-used", optional=True)},
)
RAW = {"id": "a", "note": "c", "hosts": ["2", "1"], "vendor": "x"}
HELD = {"name": "a", "comment": "c", "hosts": ["1", "2"]}


def job(api: MemoryAppliance, **params: Any) -> Task:
    """Make a task about thing "a"."""
    return Task(THING, {"name": "a", "state": "present", **params}, api, "box", api.check_mode)


CASES = {
    # what it is: (objects, params, changed, before, after, writes, bodies, thing)
    "create": (
        {},
        {"comment": "c"},
        True,
        {},
        {"name": "a", "comment": "c"},
        ["create", "read"],
        [{"id": "a", "note": "c"}],
    ),
    "keep": ({"a": RAW}, {"comment": "c", "hosts": ["1", "2"]}, False, HELD, HELD, [], []),
    "update": (
        {"a": RAW},
        {"comment": "d"},
        True,
        HELD,
        {**HELD, "comment": "d"},
        ["update", "read"],
        [{"note": "d"}],
    ),
    "delete": ({"a": RAW}, {"state": "absent"}, True, HELD, {}, ["delete"], [None]),
    "nothing to delete": ({}, {"state": "absent"}, False, {}, {}, [], []),
}


@pytest.mark.parametrize(
    ("objects", "params", "changed", "before", "after", "writes", "bodies"), CASES.values(), ids=CASES
)
def test_a_run_reads_then_writes_what_differs_then_reads_back(
    objects: Any, params: Any, changed: bool, before: Any, after: Any, writes: list[str], bodies: Any
) -> None:
    api = MemoryAppliance(objects)
    result = do(converge, job(api, **params))
    assert api.events == [f"appliance {verb}" for verb in ["read", *writes]]
    assert api.bodies == bodies
    action = {"create": "create", "update": "update", "delete": "delete"}.get((writes or [""])[0], "none")
    sides = {"before": before, "after": after} if changed else {}
    assert result == {
        "changed": changed,
        "objects": [{"kind": "thing", "name": "a", "action": action, "changed": changed, **sides}],
        "diff": {
            "before_header": 'box: thing "a"',
            "after_header": 'box: thing "a"',
            "before": before,
            "after": after,
        },
        "thing": before if params.get("state") == "absent" else after,
    }


@pytest.mark.parametrize(("objects", "params"), [case[:2] for case in CASES.values()], ids=CASES)
def test_check_mode_says_what_a_run_does_and_only_reads(objects: Any, params: Any) -> None:
    checked = MemoryAppliance(objects, check_mode=True)
    assert do(converge, job(checked, **params)) == do(converge, job(MemoryAppliance(objects), **params))
    assert checked.events == ["appliance read"]


@pytest.mark.parametrize(("objects", "params"), [case[:2] for case in CASES.values()], ids=CASES)
def test_a_second_run_keeps_what_the_first_made(objects: Any, params: Any) -> None:
    api = MemoryAppliance(objects)
    do(converge, job(api, **params))
    api.events.clear()
    again = do(converge, job(api, **params))
    assert (again["changed"], again["diff"]["before"]) == (False, again["diff"]["after"])
    assert api.events == ["appliance read"]


@pytest.mark.parametrize(
    ("objects", "keeps", "named"),
    [
        ({"a": RAW}, {"note": "other"}, "comment"),
        ({}, {"note": "other", "id": "A"}, "comment and name"),
    ],
)
def test_what_reads_back_different_is_an_error(objects: Any, keeps: Any, named: str) -> None:
    with pytest.raises(ApplianceError) as caught:
        do(converge, job(MemoryAppliance(objects, keeps=keeps), comment="d"))
    assert caught.value.sentence("box") == (
        f'box: writing thing "a" failed: it was accepted, but {named} read back different from '
        "what was sent; run again with --check --diff to see the difference"
    )


def test_what_was_not_asked_for_may_have_changed_meanwhile() -> None:
    api = MemoryAppliance({"a": RAW}, keeps={"hosts": []})
    assert do(converge, job(api, comment="d"))["changed"]


@pytest.mark.parametrize(
    ("verb", "objects", "params", "attempt"),
    [
        ("read", {"a": RAW}, {}, "reading"),
        ("create", {}, {}, "creating"),
        ("update", {"a": RAW}, {"comment": "d"}, "updating"),
        ("delete", {"a": RAW}, {"state": "absent"}, "deleting"),
    ],
)
def test_a_refused_verb_is_named_and_ends_the_run(verb: str, objects: Any, params: Any, attempt: str) -> None:
    api = MemoryAppliance(objects, errors={verb: Refused("no", status=403)})
    with pytest.raises(Refused) as caught:
        do(converge, job(api, **params))
    assert caught.value.sentence("box") == f'box: {attempt} thing "a" failed (403): no'
    assert api.events[-1] == f"appliance {verb}"


def test_an_incomplete_object_is_never_compared() -> None:
    api = MemoryAppliance({"a": {"note": "c"}})
    with pytest.raises(ApplianceError, match=r'the answer lacks a usable "id"'):
        do(converge, job(api, comment="d"))
    assert api.events == ["appliance read"]


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_conflict_is_found_in_check_mode_too(check_mode: bool) -> None:
    needy = replace(THING, create_requires=frozenset({"hosts"}))
    with pytest.raises(Conflict, match="thing does not exist, and creating it requires hosts; set hosts"):
        do(converge, replace(job(MemoryAppliance(check_mode=check_mode)), resource=needy))


@pytest.mark.parametrize(
    ("names", "found"),
    [(None, ["a", "b"]), (["b"], ["b"]), (["c"], []), ([], [])],
)
def test_reading_returns_every_object_or_the_named_ones(names: Any, found: list[str]) -> None:
    api = MemoryAppliance({"a": RAW, "b": {**RAW, "id": "b", "last-used": 5}}, check_mode=True)
    result = do(list_objects, Task(THING, {"names": names}, api, "box", True))
    rows = {"a": {**HELD, "used": None}, "b": {**HELD, "name": "b", "used": 5}}
    assert result == {"changed": False, "things": [rows[name] for name in found]}
    assert api.events == ["appliance table"]


def test_reading_an_incomplete_row_is_an_error() -> None:
    with pytest.raises(ApplianceError) as caught:
        do(list_objects, Task(THING, {}, MemoryAppliance({"a": RAW, "b": {}}), "box", False))
    said = caught.value.sentence("box")
    assert said.startswith('box: reading every thing failed: the answer lacks a usable "id"')


@pytest.mark.parametrize("hosts", [None, 7, ["1", None]])
def test_a_field_of_a_wrong_form_is_an_error_and_not_a_default(hosts: Any) -> None:
    api = MemoryAppliance({"a": {**RAW, "hosts": hosts}})
    for run in (converge, list_objects):
        with pytest.raises(ApplianceError, match=r'the answer lacks a usable "hosts"'):
            do(run, job(api, comment="d"))
    assert api.bodies == []


GUARDED = replace(THING, guarded=frozenset({"hosts"}), fixed=frozenset({"root"}))
LOCKS_OUT = 'thing "a" may be the account that this task logs in with'
CHANGES = {
    # what is done: (params, whether it can lock the account out)
    "a guarded option": ({"hosts": ["3"]}, True),
    "another option": ({"comment": "d"}, False),
    "nothing": ({"hosts": ["1", "2"]}, False),
    "deleting": ({"state": "absent"}, True),
}


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize(("params", "dangerous"), CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("allowed", [True, False])
def test_an_account_does_not_lock_itself_out(
    params: Any, dangerous: bool, own: bool, allowed: bool, check_mode: bool
) -> None:
    api = MemoryAppliance({"a": RAW}, own=own, check_mode=check_mode)
    task = replace(job(api, allow_self_change=allowed, **params), resource=GUARDED)
    if own and dangerous and not allowed:
        with pytest.raises(Conflict, match=LOCKS_OUT):
            do(converge, task)
        assert api.bodies == []
    else:
        do(converge, task)


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize("params", [{"comment": "d"}, {"state": "absent"}])
def test_what_is_fixed_cannot_be_changed(params: Any, check_mode: bool) -> None:
    api = MemoryAppliance({"root": {**RAW, "id": "root"}}, check_mode=check_mode)
    task = replace(job(api, **{"name": "root", **params}), resource=GUARDED)
    with pytest.raises(Conflict, match='thing "root" is built in and cannot be changed'):
        do(converge, task)


def test_what_is_fixed_may_be_as_it_is() -> None:
    api = MemoryAppliance({"root": {**RAW, "id": "root"}})
    assert not do(converge, replace(job(api, name="root", comment="c"), resource=GUARDED))["changed"]


@pytest.mark.parametrize(
    ("check_mode", "uses", "released", "noted"),
    [(True, 0, 0, False), (True, 2, 0, True), (True, 2, 1, True), (True, 2, 2, False), (False, 2, 0, False)],
)
def test_check_mode_says_what_still_uses_an_object(
    check_mode: bool, uses: int, released: int, noted: bool
) -> None:
    api = MemoryAppliance({"a": RAW}, uses=uses, check_mode=check_mode)
    task = replace(job(api, state="absent"), resource=GUARDED, released=released)
    result = do(converge, task)
    assert result["changed"]
    said = f"{uses - released} objects on the appliance still refer to it"
    warnings = result.get("warnings", [])
    assert [note for note in warnings if said in note] == (warnings if noted else [])
    assert bool(warnings) is noted
