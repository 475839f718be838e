# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A record that another run wrote is never overwritten, and never counts as this run's own."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import (
    Overtaken,
    SecretStoreError,
)
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._secrets import entry
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._secrets.entry import StoreEntry
from ansible_collections.otsec.defender_iot.tests.unit.memory_store import MemoryStore

REF = "memory:key"
THEIRS = {"value": "theirs"}
TAKEN = {"value": "old", "pending": {"since": "now", "owner": "process 7 on elsewhere", "known": []}}


@pytest.fixture(autouse=True)
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Take no time for pauses, and note them."""
    pauses: list[float] = []
    monkeypatch.setattr(entry.time, "sleep", pauses.append)
    return pauses


def reading(record: Any) -> StoreEntry:
    """Read a record that another run may write next."""
    keeper = StoreEntry(REF, MemoryStore(record), set(), DataLoader())
    keeper.read()
    return keeper


def reserved() -> StoreEntry:
    """Begin to replace a value."""
    keeper = reading({"value": "old"})
    keeper.reserve([])
    return keeper


@pytest.mark.parametrize("verb", ["release", "forget", "retire"])
def test_the_record_of_another_run_is_never_overwritten(verb: str) -> None:
    record = {"value": "old", "pending": {"since": "then"}, "previous": {"value": "older"}}
    keeper = reading(record)
    keeper.store.replace(THEIRS)
    with pytest.raises(Overtaken):
        getattr(keeper, verb)()
    assert keeper.store.record == THEIRS


@pytest.mark.parametrize("theirs", [THEIRS, TAKEN], ids=["another value", "their minting"])
def test_a_value_is_not_stored_over_the_record_of_another_run(slept: list[float], theirs: Any) -> None:
    keeper = reserved()
    keeper.store.replace(theirs)
    with pytest.raises(Overtaken):
        keeper.persist("new", 1, None)
    assert (keeper.store.record, slept) == (theirs, [])


@pytest.mark.parametrize("theirs", [THEIRS, TAKEN], ids=["another value", "their minting"])
def test_what_another_run_wrote_before_the_read_back_is_not_overwritten(
    monkeypatch: pytest.MonkeyPatch, slept: list[float], theirs: Any
) -> None:
    keeper = reserved()
    real = keeper.store.read

    def read() -> Any:
        monkeypatch.setattr(keeper.store, "read", real)
        keeper.store.replace(theirs)
        return real()

    monkeypatch.setattr(keeper.store, "read", read)
    with pytest.raises(Overtaken, match="reads back different from what was written"):
        keeper.persist("new", 1, None)
    assert (keeper.store.record, slept) == (theirs, [])


def test_a_value_is_not_committed_over_the_record_of_another_run() -> None:
    keeper = reserved()
    keeper.persist("new", 1, None)
    keeper.store.replace(TAKEN)
    with pytest.raises(Overtaken):
        keeper.commit(verified=False, id_=None, keep_previous=True)
    assert keeper.store.record == TAKEN


def test_a_delivery_noted_during_a_minting_is_no_obstacle_and_stays() -> None:
    keeper = reserved()
    keeper.store.replace({**keeper.store.record, "delivered": {"a": "1"}})
    assert keeper.persist("new", 1, None).value == "new"
    keeper.store.replace({**keeper.store.record, "delivered": {"b": "2"}})
    secret = keeper.commit(verified=False, id_=None, keep_previous=True)
    assert (secret.value, secret.delivered) == ("new", {"b": "2"})


def test_a_delivery_does_not_bring_back_a_secret_that_is_gone() -> None:
    keeper = reading({"value": "v"})
    keeper.store.meddling = [lambda store: store.replace(None)]
    keeper.delivered("a", "1", "2026-11-02T10:15:00Z")
    assert keeper.store.record is None


def test_a_store_that_keeps_another_value_is_caught(slept: list[float]) -> None:
    keeper = reading({"pending": {"value": "another"}})
    keeper.store.writes = ["lies"] * 4
    with pytest.raises(SecretStoreError, match="reads back different from what was written"):
        keeper.persist("new", 1, None)
    assert slept == [0.2, 1.0, 3.0]
