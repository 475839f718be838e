# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The keeper: what a record in the store means, from pending to verified to delivered."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from copy import copy
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.belonging import Belonging
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import (
    Overtaken,
    SecretStoreError,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.secret import StoredSecret
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._secrets import entry
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._secrets.entry import StoreEntry
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._secrets.owner import name_of, this_process
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._secrets.stores.vault_file import VaultFile
from ansible_collections.otsec.defender_iot.tests.unit.memory_store import MemoryStore

REF = "vault_file:key"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
Loader = Callable[..., DataLoader]


@pytest.fixture
def store(tmp_path: Path, vault_loader: Loader) -> VaultFile:
    """Open a real store in the test's folder."""
    return VaultFile(str(tmp_path / "key"), {}, vault_loader("right"))


@pytest.fixture
def keeper(store: VaultFile, vault_loader: Loader) -> StoreEntry:
    """Keep the secret in that store."""
    return StoreEntry(REF, store, set(), vault_loader("right"))


@pytest.fixture(autouse=True)
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Take no time for pauses, and note them."""
    pauses: list[float] = []
    monkeypatch.setattr(entry.time, "sleep", pauses.append)
    return pauses


def minted(keeper: StoreEntry, value: str = "first", *, verified: bool = False, keep: bool = True) -> Any:
    """Carry a value through all its stages."""
    keeper.read()
    keeper.reserve([])
    keeper.persist(value, None, None)
    return keeper.commit(verified=verified, id_=None, keep_previous=keep)


def raw(store: VaultFile) -> bytes | None:
    """Return the file as it is."""
    return store.path.read_bytes() if store.path.exists() else None


def test_an_empty_store_holds_nothing(keeper: StoreEntry) -> None:
    assert keeper.read() == StoredSecret()


def test_a_reservation_says_who_began_and_what_was_there(keeper: StoreEntry, store: VaultFile) -> None:
    keeper.read()
    keeper.reserve([4, "x"])
    assert TIME.fullmatch(store.read()[0]["pending"]["since"])
    pending = keeper.read().pending
    assert (pending.secret, pending.known, pending.owner) == (None, (4, "x"), name_of(this_process()))
    assert not pending.is_minting


def test_the_next_write_records_what_the_secret_belongs_to(keeper: StoreEntry, store: VaultFile) -> None:
    minted(keeper)
    owner = Belonging("fgt", "fgt.example", "a", ("S1",))
    before = raw(store)
    keeper.claim(owner)
    keeper.retire()
    assert raw(store) == before
    assert keeper.read().belongs_to is None
    keeper.prove()
    assert keeper.read().belongs_to == owner
    keeper.bind(Belonging("fgt", "fgt.example", "a", ("S2",)))
    assert keeper.read().belongs_to.serials == ("S1", "S2")
    keeper.forget()
    assert keeper.read() == StoredSecret()


def test_the_trusted_hosts_of_a_stored_key_are_remembered(keeper: StoreEntry, store: VaultFile) -> None:
    hosts = {"192.0.2.11/32": "sensor"}
    keeper.read()
    keeper.remember_trusted(hosts)
    assert raw(store) is None
    minted(keeper)
    assert keeper.read().trusted is None
    keeper.remember_trusted(hosts)
    assert keeper.read().trusted == hosts
    before = raw(store)
    keeper.remember_trusted(hosts)
    assert raw(store) == before


def test_the_records_that_other_hosts_had_before_the_run_are_listed(
    tmp_path: Path, keeper: StoreEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    opener = keeper.store

    def at(host: str, name: str = "a") -> StoreEntry:
        store = copy(opener)
        store.path = tmp_path / ".secrets" / host / f"{name}.yml"
        return StoreEntry(f"vault_file:{host}", store, set(), keeper.loader)

    assert list(at("fgt").others("fgt")) == []
    for host, name in (("old", "a"), ("fgt", "a"), ("old", "b")):
        entry = at(host, name)
        entry.claim(Belonging(host, f"{host}.example", name))
        minted(entry)
    pending = at("begun")
    pending.claim(Belonging("begun", "begun.example", "a"))
    pending.read()
    pending.reserve([])
    (tmp_path / ".secrets" / "broken").mkdir()
    (tmp_path / ".secrets" / "broken" / "a.yml").write_text("no vault file")
    (tmp_path / ".secrets" / "readme").write_text("")
    place = str(tmp_path / ".secrets" / "old" / "a.yml")
    assert list(at("fgt").others("fgt")) == []
    monkeypatch.setattr(f"{StoreEntry.__module__}.LOADED", time.time() + 1)
    assert list(at("fgt").others("fgt")) == [(place, Belonging("old", "old.example", "a"))]
    assert list(at("fgt").others("another")) == []
    entry = StoreEntry("memory:x", MemoryStore(), set(), keeper.loader)
    assert list(entry.others("fgt")) == []


def test_a_reservation_of_another_process_may_still_be_going_on(
    keeper: StoreEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper.read()
    monkeypatch.setattr(entry, "this_process", lambda: {"pid": 7, "host": "elsewhere"})
    keeper.reserve([])
    assert keeper.read().pending.is_minting


def test_a_reservation_leaves_the_current_value_as_it_was(keeper: StoreEntry) -> None:
    secret = minted(keeper)
    keeper.reserve([1])
    assert keeper.read().current == secret


def test_a_released_reservation_leaves_no_file(keeper: StoreEntry, store: VaultFile) -> None:
    keeper.read()
    keeper.reserve([])
    keeper.release()
    assert raw(store) is None


def test_a_released_reservation_leaves_the_value_as_it_was(keeper: StoreEntry) -> None:
    secret = minted(keeper)
    keeper.reserve([])
    keeper.release()
    assert keeper.read() == StoredSecret(secret)


def test_a_reservation_of_another_process_is_not_released(
    keeper: StoreEntry, store: VaultFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper.read()
    keeper.reserve([])
    monkeypatch.setattr(entry, "this_process", lambda: {"pid": 7, "host": "elsewhere"})
    with pytest.raises(Overtaken, match="another run began to mint it"):
        keeper.release()
    assert "pending" in store.read()[0]


@pytest.mark.parametrize("doubted", [True, False])
def test_a_released_reservation_may_leave_a_doubt_about_the_value(keeper: StoreEntry, doubted: bool) -> None:
    secret = minted(keeper)
    keeper.reserve([])
    keeper.release(doubted=doubted)
    assert keeper.read() == StoredSecret(secret, is_doubted=doubted)


def test_without_a_value_there_is_nothing_to_doubt(keeper: StoreEntry, store: VaultFile) -> None:
    keeper.read()
    keeper.reserve([])
    keeper.release(doubted=True)
    assert raw(store) is None


def test_a_doubt_stays_until_the_value_is_confirmed(keeper: StoreEntry, store: VaultFile) -> None:
    minted(keeper)
    keeper.doubt()
    assert TIME.fullmatch(store.read()[0]["doubt"]["since"])
    assert keeper.read().is_doubted
    keeper.confirm()
    stored = keeper.read()
    assert (stored.is_doubted, stored.current.value, bool(stored.current.verified_at)) == (
        False,
        "first",
        True,
    )


def test_a_doubt_stays_until_another_value_is_minted(keeper: StoreEntry) -> None:
    minted(keeper)
    keeper.doubt()
    minted(keeper, "second")
    assert not keeper.read().is_doubted


def test_a_doubt_that_came_up_during_a_minting_outlives_it(keeper: StoreEntry, vault_loader: Loader) -> None:
    minted(keeper)
    keeper.read()
    keeper.reserve([])
    other = StoreEntry(REF, keeper.store, set(), vault_loader("right"))
    other._is_own_pending = lambda: False  # type: ignore[method-assign]
    other.doubt()
    keeper.persist("second", None, None)
    keeper.commit(verified=True, id_=None, keep_previous=False)
    stored = keeper.read()
    assert (stored.current.value, stored.is_doubted) == ("second", True)


def test_a_reservation_that_mints_nothing_keeps_an_earlier_doubt(keeper: StoreEntry) -> None:
    minted(keeper)
    keeper.doubt()
    keeper.read()
    keeper.reserve([])
    keeper.release()
    assert keeper.read().is_doubted


def test_the_own_reservation_is_a_doubt_already(keeper: StoreEntry, store: VaultFile) -> None:
    keeper.read()
    keeper.reserve([])
    before = raw(store)
    keeper.doubt()
    assert raw(store) == before


@pytest.mark.parametrize("earlier", [True, False])
def test_a_doubt_is_taken_back_to_what_was_known_before(
    keeper: StoreEntry, vault_loader: Loader, earlier: bool
) -> None:
    minted(keeper)
    if earlier:
        StoreEntry(REF, keeper.store, set(), vault_loader("right")).doubt()
    keeper.doubt()
    keeper.trust()
    assert keeper.read().is_doubted is earlier


def test_a_doubt_of_another_run_is_not_taken_back(keeper: StoreEntry, vault_loader: Loader) -> None:
    minted(keeper)
    keeper.doubt()
    StoreEntry(REF, keeper.store, set(), vault_loader("right")).doubt()
    keeper.trust()
    assert keeper.read().is_doubted


def test_a_doubt_without_a_value_that_is_taken_back_leaves_no_file(
    keeper: StoreEntry, store: VaultFile
) -> None:
    keeper.doubt()
    assert keeper.read() == StoredSecret(is_doubted=True)
    keeper.trust()
    assert raw(store) is None


def test_a_store_that_does_not_keep_a_doubt_is_an_error(vault_loader: Loader) -> None:
    keeper = StoreEntry("memory:key", MemoryStore(writes=["lies"]), set(), vault_loader("right"))
    with pytest.raises(SecretStoreError, match="does not read back"):
        keeper.doubt()


def test_a_persisted_value_is_pending_beside_the_current_one(keeper: StoreEntry) -> None:
    first = minted(keeper)
    keeper.reserve([1])
    second = keeper.persist("second", 2, "2026")
    held = keeper.read()
    assert (held.current, held.pending.secret, held.pending.known) == (first, second, (1,))
    assert (second.ref, second.value, second.id, second.rotation_id) == (REF, "second", 2, "2026")
    assert second.verified_at is None
    assert TIME.fullmatch(second.created_at)


@pytest.mark.parametrize("verified", [True, False])
def test_a_committed_value_is_the_current_one(keeper: StoreEntry, verified: bool) -> None:
    secret = minted(keeper, verified=verified)
    assert keeper.read() == StoredSecret(secret)
    assert secret.value == "first"
    assert bool(secret.verified_at and TIME.fullmatch(secret.verified_at)) is verified


@pytest.mark.parametrize("verified", [True, False])
@pytest.mark.parametrize("keep", [True, False])
def test_the_value_before_is_kept_where_it_is_still_good(
    keeper: StoreEntry, verified: bool, keep: bool
) -> None:
    first = minted(keeper)
    second = minted(keeper, "second", verified=verified, keep=keep)
    assert keeper.read() == StoredSecret(second, previous=first if keep else None)


@pytest.mark.parametrize(("made", "found", "id_"), [(2, None, 2), (None, "2", "2"), (None, None, None)])
def test_a_committed_value_has_the_id_of_the_answer_or_one_found_later(
    keeper: StoreEntry, made: Any, found: Any, id_: Any
) -> None:
    keeper.read()
    keeper.reserve([])
    keeper.persist("first", made, None)
    assert keeper.commit(verified=False, id_=found, keep_previous=False).id == id_


def test_without_a_pending_value_there_is_nothing_to_commit(keeper: StoreEntry, store: VaultFile) -> None:
    for begin in (keeper.read, lambda: keeper.reserve([])):
        begin()
        before = raw(store)
        with pytest.raises(SecretStoreError, match="no pending value") as caught:
            keeper.commit(verified=True, id_=None, keep_previous=False)
        assert (caught.value.attempt, raw(store)) == (f"storing the secret {REF}", before)


def test_the_current_value_is_proved_and_nothing_else_changes(keeper: StoreEntry) -> None:
    first = minted(keeper)
    second = minted(keeper, "second")
    proved = keeper.prove()
    assert TIME.fullmatch(proved.verified_at)
    assert keeper.read() == StoredSecret(proved, previous=first)
    assert (proved.value, proved.fingerprint) == ("second", second.fingerprint)


def test_a_retired_value_is_gone(keeper: StoreEntry, store: VaultFile) -> None:
    minted(keeper)
    second = minted(keeper, "second")
    keeper.retire()
    assert keeper.read() == StoredSecret(second)
    assert "first" not in str(store.read()[0])


def test_proof_of_one_value_is_no_proof_of_the_next(keeper: StoreEntry) -> None:
    assert minted(keeper, "first", verified=True).verified_at
    assert minted(keeper, "second").verified_at is None


def test_a_fingerprint_tells_values_apart_and_stays_with_its_value(keeper: StoreEntry) -> None:
    first = minted(keeper)
    keeper.reserve([])
    pending = keeper.persist("second", None, None)
    second = keeper.commit(verified=True, id_=None, keep_previous=True)
    held = keeper.read()
    assert re.fullmatch("[0-9a-f]{12}", second.fingerprint)
    assert second.fingerprint == pending.fingerprint == held.current.fingerprint
    assert first.fingerprint == held.previous.fingerprint != second.fingerprint


def test_the_same_value_has_another_fingerprint_in_another_record(
    keeper: StoreEntry, vault_loader: Loader
) -> None:
    other = StoreEntry("memory:other", MemoryStore(), set(), vault_loader("right"))
    assert minted(keeper).fingerprint != minted(other).fingerprint


def test_what_was_delivered_outlives_a_new_value(keeper: StoreEntry) -> None:
    first = minted(keeper)
    keeper.delivered("a/settings", first.fingerprint, "2026-11-02T10:15:00Z")
    second = minted(keeper, "second")
    assert second.delivered == {"a/settings": first.fingerprint}
    assert second.fingerprint != first.fingerprint


def test_a_forgotten_secret_leaves_no_file(keeper: StoreEntry, store: VaultFile) -> None:
    minted(keeper)
    keeper.forget()
    assert (raw(store), keeper.read()) == (None, StoredSecret())


@pytest.mark.parametrize(
    "again",
    [
        lambda keeper: keeper.release(),
        lambda keeper: keeper.delivered("a/settings", "111111111111", "2026-11-02T10:15:00Z"),
        lambda keeper: keeper.retire(),
        lambda keeper: keeper.read(),
    ],
    ids=["release", "delivered", "retire", "held"],
)
def test_a_record_that_would_stay_the_same_is_not_rewritten(
    keeper: StoreEntry, store: VaultFile, again: Any
) -> None:
    minted(keeper, verified=True)
    keeper.delivered("a/settings", "111111111111", "2026-11-02T10:15:00Z")
    before = raw(store)
    again(keeper)
    assert raw(store) == before


@pytest.mark.parametrize("verb", ["release", "forget", "retire"])
def test_nothing_to_remove_is_no_error(keeper: StoreEntry, store: VaultFile, verb: str) -> None:
    keeper.read()
    getattr(keeper, verb)()
    assert raw(store) is None


@pytest.mark.parametrize(
    ("act", "attempt"),
    [
        (lambda keeper: keeper.read(), "reading the secret vault_file:key"),
        (lambda keeper: keeper.reserve([]), "storing the secret vault_file:key"),
        (lambda keeper: keeper.forget(), "storing the secret vault_file:key"),
    ],
    ids=["held", "reserve", "forget"],
)
def test_a_store_that_breaks_is_named_by_its_reference(keeper: StoreEntry, act: Any, attempt: str) -> None:
    minted(keeper)
    keeper.store = MemoryStore(reads=["fails"], writes=["fails"])
    with pytest.raises(SecretStoreError) as caught:
        act(keeper)
    assert caught.value.attempt == attempt
