# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records that an operator wrote or edited: incomplete, inconsistent, or missing."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import SecretStoreError
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.task import Task
from ansible_collections.otsec.defender_iot.plugins.module_utils._minting.mint import adopt, mint
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._secrets import entry
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._secrets.entry import StoreEntry
from ansible_collections.otsec.defender_iot.tests.unit.fakes import MemoryAppliance, do
from ansible_collections.otsec.defender_iot.tests.unit.memory_store import MemoryStore
from ansible_collections.otsec.defender_iot.tests.unit.minting.scene import OPTIONS, TOKEN, row

REF = "memory:key"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def keeper_of(record: Any) -> StoreEntry:
    """Keep the secret of this record."""
    return StoreEntry(REF, MemoryStore(record), set(), DataLoader())


def current(record: Any) -> Any:
    """Return the current secret of this record."""
    return keeper_of(record).read().current


def test_a_value_that_an_operator_stored_is_enough() -> None:
    held = keeper_of({"value": "manual"}).read()
    secret = held.current
    assert (held.pending, held.previous) == (None, None)
    assert (secret.value, secret.id, secret.created_at, secret.rotation_id) == ("manual", None, None, None)
    assert (secret.verified_at, secret.delivered) == (None, {})


def test_a_value_that_an_operator_stored_can_be_verified_and_delivered() -> None:
    keeper = keeper_of({"value": "manual", "note": "from the console"})
    mark = keeper.read().current.fingerprint
    keeper.delivered("box/settings", mark, "2026-11-02T10:15:00Z")
    secret = keeper.prove()
    assert TIME.fullmatch(secret.verified_at)
    assert (secret.value, secret.fingerprint, secret.delivered) == ("manual", mark, {"box/settings": mark})
    assert keeper.store.record["note"] == "from the console"


def test_another_value_put_in_by_an_operator_is_not_verified() -> None:
    keeper = keeper_of({"value": "first"})
    keeper.read()
    assert keeper.prove().verified_at
    keeper.store.record["value"] = "manual"
    assert keeper.read().current.verified_at is None


def test_a_reservation_given_up_leaves_the_fingerprint_of_a_value_that_an_operator_stored() -> None:
    keeper = keeper_of({"value": "manual"})
    keeper.read()
    proved = keeper.prove()
    keeper.reserve([])
    keeper.release()
    assert keeper.read().current == proved


PENDING = {"since": "then", "owner": "process 7 on elsewhere", "known": []}


@pytest.mark.parametrize("pending", [PENDING, {**PENDING, "value": "other"}], ids=["reserved", "stored"])
@pytest.mark.parametrize("previous", [{}, {"previous": {"value": "old", "id": 1}}])
def test_adopting_proves_the_current_value_and_leaves_all_else(pending: Any, previous: Any) -> None:
    record = {"value": "manual", "id": 2, "pending": pending, **previous}
    keeper = keeper_of(record)
    assert do(adopt, Task(TOKEN, OPTIONS, MemoryAppliance(), "box", False, {"secret_ref": keeper}))[
        "verified_at"
    ]
    verified = keeper.store.record.pop("verified")
    assert keeper.store.record.pop("belongs_to") == {"host": "box", "address": "", "name": "a"}
    assert keeper.store.record == record
    assert TIME.fullmatch(verified["at"])


def test_an_empty_rotation_id_is_none() -> None:
    job = Task(
        TOKEN,
        {**OPTIONS, "rotation_id": ""},
        MemoryAppliance(made=row(9), id_=9),
        "box",
        False,
        {"secret_ref": keeper_of(None)},
    )
    assert do(mint, job)["minted"]
    assert not do(mint, job)["changed"]


def test_every_value_that_is_met_is_hidden_from_results() -> None:
    keeper = keeper_of({"value": "one", "pending": {"value": "two"}, "previous": {"value": "three"}})
    keeper.read()
    assert keeper.hidden == {"one", "two", "three"}


def test_a_minted_value_is_hidden_even_if_it_cannot_be_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entry.time, "sleep", lambda _seconds: None)
    keeper = keeper_of(None)
    keeper.store.writes = ["fails"] * 4
    with pytest.raises(SecretStoreError):
        keeper.persist("s3cr3t", None, None)
    assert keeper.hidden == {"s3cr3t"}


@pytest.mark.parametrize("empty", [None, {}, {"note": "to do"}, {"pending": {"value": "new"}}])
def test_a_record_without_a_value_is_no_secret(empty: Any) -> None:
    assert current(empty) is None


def test_a_record_with_an_empty_value_is_an_error_and_not_absent() -> None:
    with pytest.raises(SecretStoreError, match="the record has an empty value"):
        keeper_of({"value": ""}).read()


@pytest.mark.parametrize("name", ["pending", "previous", "verified", "delivered", "delivered_at"])
def test_a_part_that_is_left_empty_is_as_good_as_none(name: str) -> None:
    held = keeper_of({"value": "manual", name: None}).read()
    assert (held.current.value, held.pending, held.previous) == ("manual", None, None)
    assert (held.current.verified_at, held.current.delivered) == (None, {})


def test_a_reservation_of_which_only_the_time_is_known_is_one_of_another_run() -> None:
    held = keeper_of({"pending": {"since": "2026-11-02T09:30:00Z"}, "value": "old"}).read()
    assert (held.pending.secret, held.pending.known, held.pending.owner) == (None, (), "another run")
    assert (held.pending.is_minting, held.current.value) == (False, "old")


def test_a_time_that_yaml_takes_for_a_date_is_shown_as_text() -> None:
    assert current({"value": "v", "created_at": date(2026, 11, 2)}).created_at == "2026-11-02"


def test_the_longest_salt_is_accepted() -> None:
    assert current({"value": "v", "salt": "x" * 16}).salt == "x" * 16


MALFORMED = {
    "value is a number": {"value": 123},
    "value is missing": {"value": None},
    "value is a list": {"value": ["s3cr3t"]},
    "salt is a number": {"value": "s3cr3t", "salt": 1},
    "salt is too long": {"value": "s3cr3t", "salt": "x" * 17},
    "pending is a text": {"value": "s3cr3t", "pending": "yes"},
    "pending value is a number": {"value": "s3cr3t", "pending": {"value": 123}},
    "pending knows a number": {"value": "s3cr3t", "pending": {"since": "then", "known": 5}},
    "previous is a list": {"value": "s3cr3t", "previous": ["s3cr3t"]},
    "verified is a text": {"value": "s3cr3t", "verified": "yes"},
    "delivered is a list": {"value": "s3cr3t", "delivered": ["a/settings"]},
    "consumers is a mapping": {"value": "s3cr3t", "consumers": {"a/settings": 1}},
    "its times are a list": {"value": "s3cr3t", "delivered_at": ["a/settings"]},
}


@pytest.mark.parametrize("record", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_record_is_not_used(record: Any) -> None:
    keeper = keeper_of(record)
    with pytest.raises(SecretStoreError) as caught:
        keeper.read()
    assert caught.value.sentence("box") == (
        f"box: reading the secret {REF} failed: the stored value is not a record of a secret; "
        "store a mapping with the key value there"
    )
    assert keeper.store.record == record


@pytest.mark.parametrize("record", MALFORMED.values(), ids=MALFORMED)
@pytest.mark.parametrize("work", [mint, adopt])
def test_a_malformed_record_is_neither_overwritten_nor_a_reason_to_mint(record: Any, work: Any) -> None:
    keeper, api = keeper_of(record), MemoryAppliance()
    with pytest.raises(SecretStoreError):
        do(work, Task(TOKEN, OPTIONS, api, "box", False, {"secret_ref": keeper}))
    assert (keeper.store.record, keeper.store.events, api.events) == (record, ["store read"], [])
