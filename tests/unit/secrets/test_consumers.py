# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Consumers: each notes which value it was given, several of them at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import (
    Overtaken,
    SecretStoreError,
)
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._secrets import entry
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._secrets.entry import StoreEntry
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._secrets.stores.vault_file import VaultFile
from ansible_collections.otsec.defender_iot.tests.unit.memory_store import MemoryStore

Loader = Callable[..., DataLoader]
AT = "2026-11-02T10:15:00Z"


@pytest.fixture(autouse=True)
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Take no time for pauses, and note them."""
    pauses: list[float] = []
    monkeypatch.setattr(entry.time, "sleep", pauses.append)
    return pauses


def consumer(meddling: Sequence[Any] = (), writes: Sequence[str] = ()) -> StoreEntry:
    """Read a stored secret as a consumer does."""
    store = MemoryStore({"value": "v"}, meddling=meddling, writes=writes)
    keeper = StoreEntry("memory:x", store, set(), DataLoader())
    keeper.read()
    store.events.clear()
    return keeper


def noting(name: str) -> Callable[[MemoryStore], None]:
    """Make another consumer that notes its delivery."""

    def note(store: MemoryStore) -> None:
        store.replace({**store.record, "delivered": {**store.record.get("delivered", {}), name: "2"}})

    return note


def test_every_consumer_is_remembered_with_what_it_was_given_last() -> None:
    keeper = consumer()
    keeper.delivered("a/settings", "1", AT)
    keeper.delivered("b/settings", "2", AT)
    keeper.delivered("a/settings", "3", AT)
    assert keeper.read().current.delivered == {"a/settings": "3", "b/settings": "2"}


@pytest.mark.parametrize("others", [1, 3, entry.TURNS])
def test_a_consumer_that_was_overtaken_reads_and_notes_again(slept: list[float], others: int) -> None:
    names = [f"b{number}" for number in range(others)]
    keeper = consumer([noting(name) for name in names])
    keeper.delivered("a", "1", AT)
    assert keeper.store.record["delivered"] == {**dict.fromkeys(names, "2"), "a": "1"}
    assert keeper.store.events == [*["store write", "store read"] * others, "store write"]
    assert len(slept) == others
    assert all(0 <= pause < 1 for pause in slept)


def test_a_consumer_that_is_overtaken_for_ever_gives_up_and_overwrites_nothing() -> None:
    others = entry.TURNS + 1
    keeper = consumer([noting(f"b{number}") for number in range(others)])
    with pytest.raises(Overtaken) as caught:
        keeper.delivered("a", "1", AT)
    assert caught.value.attempt == "storing the secret memory:x"
    assert "a" not in keeper.store.record["delivered"]
    assert len(keeper.store.record["delivered"]) == others


def test_a_store_that_fails_otherwise_is_not_tried_again(slept: list[float]) -> None:
    keeper = consumer(writes=["fails"])
    with pytest.raises(SecretStoreError):
        keeper.delivered("a", "1", AT)
    assert (keeper.store.events, slept) == (["store write"], [])


def test_a_delivery_noted_during_a_rotation_leaves_the_rotation_as_it_is() -> None:
    begun = {"value": "v", "salt": "s", "pending": {"since": "then", "value": "new"}}
    keeper = consumer([lambda store: store.replace(begun)])
    keeper.delivered("a", "1", AT)
    assert keeper.store.record == {**begun, "delivered": {"a": "1"}, "delivered_at": {"a": AT}}


def test_two_consumers_at_the_same_moment_are_both_remembered(tmp_path: Path, vault_loader: Loader) -> None:
    loader = vault_loader("right")
    VaultFile(str(tmp_path / "key"), {}, loader).write({"value": "v"}, None)
    both = [
        StoreEntry("vault_file:x", VaultFile(str(tmp_path / "key"), {}, loader), set(), loader)
        for _number in range(2)
    ]
    for keeper in both:
        keeper.read()
    threads = [
        threading.Thread(target=keeper.delivered, args=(name, "1", AT))
        for keeper, name in zip(both, "ab", strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert both[0].read().current.delivered == {"a": "1", "b": "1"}
