# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records: how each step of a minting changes one, as pure functions."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.belonging import Belonging
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.moment import read_moment
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.secret import fingerprint
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._secrets import record as records

SALT = "0123456789abcdef"
THEN = "2026-01-01T00:00:00Z"
NOW = "2026-11-22T09:30:00Z"
OLD = {"value": "old", "id": 1, "created_at": "then", "rotation_id": "1"}
NEW = {"value": "new", "id": 2, "created_at": NOW, "rotation_id": "2"}
BEGUN = {"since": NOW, "owner": {"pid": 7, "host": "here"}, "known": [1]}
CURRENT = {"salt": SALT, **OLD, "note": "mine"}
RESERVED = {**CURRENT, "pending": BEGUN}
PERSISTED = {**CURRENT, "pending": {**BEGUN, **NEW}}
PROVED = {"at": NOW, "fingerprint": fingerprint(SALT, "new")}
OWNER = {"pid": 7, "host": "here"}
DOUBT = {"since": NOW, "id": "2"}
OWNED = Belonging("fgt", "fgt.example", "a", ("S1",))
BELONGS_TO = {"host": "fgt", "address": "fgt.example", "name": "a", "serials": ["S1"]}
EARLIER = {"since": NOW, "id": "1"}


@pytest.fixture(autouse=True)
def _stopped_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "now", lambda: read_moment(NOW))


STEPS = {
    # what is done: (step, arguments, before, after)
    "reserving nothing": (
        records.reserved,
        (SALT, OWNER, []),
        {},
        {"salt": SALT, "pending": {**BEGUN, "known": []}},
    ),
    "reserving beside a value": (records.reserved, ("another salt", OWNER, (1,)), CURRENT, RESERVED),
    "reserving once more": (records.reserved, ("another salt", OWNER, [1]), PERSISTED, RESERVED),
    "reserving beside a value stored manually": (
        records.reserved,
        (SALT, OWNER, [1]),
        {"value": "v"},
        {"value": "v", "pending": BEGUN},
    ),
    "releasing the only thing": (records.released, (), {"salt": SALT, "pending": BEGUN}, {}),
    "releasing beside a value": (records.released, (), RESERVED, CURRENT),
    "releasing a stored value": (records.released, (), PERSISTED, CURRENT),
    "releasing nothing": (records.released, (), {}, {}),
    "doubting": (records.doubted, (DOUBT,), CURRENT, {**CURRENT, "doubt": DOUBT}),
    "doubting without a value": (records.doubted, (DOUBT,), {}, {"doubt": DOUBT}),
    "doubting once more": (
        records.doubted,
        (DOUBT,),
        {**CURRENT, "doubt": EARLIER},
        {**CURRENT, "doubt": DOUBT},
    ),
    "ending a doubt": (records.doubted, (None,), {**CURRENT, "doubt": DOUBT}, CURRENT),
    "ending a doubt without a value": (records.doubted, (None,), {"salt": SALT, "doubt": DOUBT}, {}),
    "settling a doubt": (records.settled, (DOUBT,), {**CURRENT, "doubt": DOUBT}, CURRENT),
    "settling an earlier doubt": (
        records.settled,
        (EARLIER,),
        {**CURRENT, "doubt": DOUBT},
        {**CURRENT, "doubt": DOUBT},
    ),
    "settling no doubt": (records.settled, (None,), CURRENT, CURRENT),
    "confirming": (
        records.confirmed,
        (),
        {"salt": SALT, **NEW, "pending": BEGUN},
        {"salt": SALT, **NEW, "verified": PROVED},
    ),
    "persisting": (records.persisted, ("new", 2, "2"), RESERVED, PERSISTED),
    "persisting what has no id": (
        records.persisted,
        ("new", None, None),
        {"pending": BEGUN},
        {"pending": {**BEGUN, "value": "new", "created_at": NOW}},
    ),
    "committing the first": (
        records.committed,
        (False, None, False),
        {"salt": SALT, "pending": {**BEGUN, **NEW}},
        {"salt": SALT, **NEW},
    ),
    "committing a rotation": (
        records.committed,
        (False, 2, True),
        PERSISTED,
        {"salt": SALT, **NEW, "note": "mine", "previous": OLD},
    ),
    "committing a proved rotation": (
        records.committed,
        (True, None, True),
        PERSISTED,
        {"salt": SALT, **NEW, "note": "mine", "previous": OLD, "verified": PROVED},
    ),
    "committing what replaces the current one": (
        records.committed,
        (False, None, False),
        PERSISTED,
        {"salt": SALT, **NEW, "note": "mine"},
    ),
    "committing beside an older one": (
        records.committed,
        (False, None, False),
        {**PERSISTED, "previous": {"value": "older"}},
        {"salt": SALT, **NEW, "note": "mine", "previous": {"value": "older"}},
    ),
    "committing with an id found later": (
        records.committed,
        (False, "2", False),
        {"salt": SALT, "pending": {**BEGUN, "value": "new"}},
        {"salt": SALT, "value": "new", "id": "2"},
    ),
    "committing the next without an id": (
        records.committed,
        (False, None, True),
        {"salt": SALT, **OLD, "pending": {**BEGUN, "value": "new"}},
        {"salt": SALT, "value": "new", "previous": OLD},
    ),
    "noting a proof": (
        records.proved,
        (),
        {"salt": SALT, **NEW},
        {"salt": SALT, **NEW, "verified": PROVED},
    ),
    "noting a proof of a value stored manually": (
        records.proved,
        (),
        {"value": "new"},
        {"value": "new", "verified": {"at": NOW, "fingerprint": fingerprint("", "new")}},
    ),
    "recording the owner": (records.bound, (OWNED,), CURRENT, {**CURRENT, "belongs_to": BELONGS_TO}),
    "recording another unit": (
        records.bound,
        (replace(OWNED, address="new.example", serials=("S0",)),),
        {**CURRENT, "belongs_to": BELONGS_TO},
        {**CURRENT, "belongs_to": {**BELONGS_TO, "address": "new.example", "serials": ["S0", "S1"]}},
    ),
    "recording an owner without a serial number": (
        records.bound,
        (replace(OWNED, serials=()),),
        {"value": "v"},
        {"value": "v", "belongs_to": {"host": "fgt", "address": "fgt.example", "name": "a"}},
    ),
    "ending a doubt of an owner without a value": (
        records.doubted,
        (None,),
        {"doubt": DOUBT, "belongs_to": BELONGS_TO},
        {},
    ),
    "retiring": (records.retired, (), {**CURRENT, "previous": NEW}, CURRENT),
    "retiring nothing": (records.retired, (), CURRENT, CURRENT),
    "noting a consumer": (
        records.consumed,
        ("a/settings",),
        {**CURRENT, "consumers": ["b/settings"]},
        {**CURRENT, "consumers": ["a/settings", "b/settings"]},
    ),
    "noting it again": (
        records.consumed,
        ("b/settings",),
        {**CURRENT, "consumers": ["b/settings"]},
        {**CURRENT, "consumers": ["b/settings"]},
    ),
    "noting a consumer of what is gone": (records.consumed, ("a/settings",), {}, {}),
    "forgetting a consumer": (
        records.abandoned,
        (["a/settings"],),
        {
            **CURRENT,
            "consumers": ["a/settings", "b/settings"],
            "delivered": {"a/settings": "1", "b/settings": "1"},
            "delivered_at": {"a/settings": NOW, "b/settings": NOW},
        },
        {
            **CURRENT,
            "consumers": ["b/settings"],
            "delivered": {"b/settings": "1"},
            "delivered_at": {"b/settings": NOW},
        },
    ),
    "forgetting a consumer of what has none": (records.abandoned, (["a/settings"],), CURRENT, CURRENT),
    "delivering": (
        records.delivered,
        ("a", "1", NOW),
        CURRENT,
        {**CURRENT, "delivered": {"a": "1"}, "delivered_at": {"a": NOW}},
    ),
    "delivering to another": (
        records.delivered,
        ("b", "2", NOW),
        {"value": "v", "delivered": {"a": "1"}, "delivered_at": {"a": THEN}},
        {"value": "v", "delivered": {"a": "1", "b": "2"}, "delivered_at": {"a": THEN, "b": NOW}},
    ),
    "delivering what is gone": (records.delivered, ("a", "1", NOW), {}, {}),
    "delivering again": (
        records.delivered,
        ("a", "2", NOW),
        {"value": "v", "delivered": {"a": "1"}, "delivered_at": {"a": THEN}},
        {"value": "v", "delivered": {"a": "2"}, "delivered_at": {"a": NOW}},
    ),
    "delivering where the list is left empty": (
        records.delivered,
        ("a", "1", NOW),
        {"value": "v", "delivered": None, "delivered_at": None},
        {"value": "v", "delivered": {"a": "1"}, "delivered_at": {"a": NOW}},
    ),
}


@pytest.mark.parametrize(("step", "arguments", "before", "after"), STEPS.values(), ids=STEPS)
def test_each_step_returns_another_record_and_leaves_the_one_it_was_given(
    step: Any, arguments: Any, before: Any, after: Any
) -> None:
    given = copy.deepcopy(before)
    assert step(given, *arguments) == after
    assert given == before


@pytest.mark.parametrize(
    ("record", "owner"),
    [
        (CURRENT, None),
        ({"belongs_to": None}, None),
        ({"belongs_to": BELONGS_TO}, OWNED),
        ({"belongs_to": {"name": "a"}}, Belonging("", "", "a")),
    ],
)
def test_the_owner_of_a_record(record: Any, owner: Any) -> None:
    assert records.belonging(record) == owner


@pytest.mark.parametrize("part", ["current", "pending", "previous"])
def test_a_part_of_a_record_is_a_secret_with_all_that_is_known_of_it(part: str) -> None:
    record = {"salt": SALT, "delivered": {"a": "1"}, **(NEW if part == "current" else {part: NEW})}
    found = records.secret("x:y", record, part)
    assert (found.ref, found.value, found.salt, found.id) == ("x:y", "new", SALT, 2)
    assert (found.created_at, found.rotation_id, found.delivered) == (NOW, "2", {"a": "1"})
    assert found.verified_at is None


@pytest.mark.parametrize(
    ("record", "part"),
    [
        ({}, "current"),
        ({"value": ""}, "current"),
        ({"pending": NEW}, "current"),
        (CURRENT, "pending"),
        (RESERVED, "pending"),
        ({"pending": None}, "pending"),
        (CURRENT, "previous"),
        ({"previous": None}, "previous"),
    ],
)
def test_a_part_without_a_value_is_no_secret(record: Any, part: str) -> None:
    assert records.secret("x:y", record, part) is None


def test_a_proof_belongs_to_one_value_wherever_that_moves() -> None:
    record = {"salt": SALT, **OLD, "verified": PROVED, "pending": NEW}
    assert records.secret("x:y", record, "current").verified_at is None
    assert records.secret("x:y", record, "pending").verified_at == NOW
    moved = records.committed(record, verified=False, id_=None, keep_previous=True)
    assert records.secret("x:y", moved, "current").verified_at == NOW
    assert records.secret("x:y", moved, "previous").verified_at is None


@pytest.mark.parametrize(
    ("value", "shown"), [(date(2026, 11, 2), "2026-11-02"), (2026, "2026"), (None, None), ("", None)]
)
def test_what_an_operator_wrote_as_a_date_or_a_number_is_text(value: Any, shown: Any) -> None:
    found = records.secret("x:y", {"value": "v", "created_at": value, "rotation_id": value}, "current")
    assert (found.created_at, found.rotation_id) == (shown, shown)


FORMS = {
    # what it is: (record, well formed)
    "nothing": ({}, True),
    "a value": ({"value": "v"}, True),
    "every part": ({**PERSISTED, "previous": OLD, "verified": PROVED, "delivered": {"a": "1"}}, True),
    "empty parts": ({"pending": None, "previous": {}, "verified": None, "delivered": {}}, True),
    "the longest salt": ({"value": "v", "salt": "x" * 16}, True),
    "a salt of two-byte letters": ({"value": "v", "salt": "é" * 9}, False),
    "a salt too long": ({"value": "v", "salt": "x" * 17}, False),
    "a salt that is a number": ({"value": "v", "salt": 1}, False),
    "a value that is a number": ({"value": 1}, False),
    "a value that is nothing": ({"value": None}, False),
    "a value that is a list": ({"value": ["v"]}, False),
    "pending as text": ({"pending": "yes"}, False),
    "pending with a number": ({"pending": {"value": 1}}, False),
    "pending with a number as what was there": ({"pending": {"known": 5}}, False),
    "previous as a list": ({"previous": ["v"]}, False),
    "previous with a number": ({"previous": {"value": 1}}, False),
    "verified as text": ({"verified": "yes"}, False),
    "delivered as a list": ({"delivered": ["a"]}, False),
    "an owner": ({"belongs_to": BELONGS_TO}, True),
    "trusted hosts": ({"trusted": {"192.0.2.11/32": "sensor"}}, True),
    "no trusted hosts": ({"trusted": None}, True),
    "trusted hosts as a list": ({"trusted": ["192.0.2.11/32"]}, False),
    "a trusted host with a number": ({"trusted": {"192.0.2.11/32": 1}}, False),
    "no owner": ({"belongs_to": None}, True),
    "an owner as text": ({"belongs_to": "fgt"}, False),
    "an owner that is a number": ({"belongs_to": {**BELONGS_TO, "host": 1}}, False),
    "an owner with one serial number": ({"belongs_to": {**BELONGS_TO, "serials": "S1"}}, False),
    "an owner with a number as serial number": ({"belongs_to": {**BELONGS_TO, "serials": [1]}}, False),
}


@pytest.mark.parametrize(("record", "well_formed"), FORMS.values(), ids=FORMS)
def test_what_can_be_a_record_is_told_from_what_cannot(record: Any, well_formed: bool) -> None:
    assert records.is_well_formed(record) is well_formed
