# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The keeper: what a record in the store means, from pending to verified to delivered."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader

from ansible_collections.otsec.defender_iot.plugins.module_utils._errors import SecretStoreError
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._keeper import StoreKeeper
from ansible_collections.otsec.defender_iot.plugins.plugin_utils.stores.vault_file import VaultFile

REF = "vault_file:key"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@pytest.fixture
def store(tmp_path: Path, vault_loader: Callable[..., DataLoader]) -> VaultFile:
    """Open a real store in the test's folder."""
    return VaultFile(str(tmp_path / "key"), {}, vault_loader("right"))


@pytest.fixture
def keeper(store: VaultFile) -> StoreKeeper:
    """Keep the secret in that store."""
    return StoreKeeper(REF, store, set())


def minted(keeper: StoreKeeper, value: str = "first", *, verified: bool = False) -> Any:
    """Carry a value through all its stages."""
    keeper.reserve()
    keeper.persist(value)
    return keeper.commit(verified=verified)


def raw(store: VaultFile) -> bytes | None:
    """Return the file as it is."""
    return store.path.read_bytes() if store.path.exists() else None


def test_an_empty_store_holds_no_secret(keeper: StoreKeeper) -> None:
    assert keeper.stored() is None


def test_a_reservation_is_written_but_is_no_secret(keeper: StoreKeeper, store: VaultFile) -> None:
    keeper.reserve()
    assert "since" in store.read()[0]["pending"]
    assert keeper.stored() is None


def test_a_reservation_beside_a_value_says_that_the_value_may_be_gone(keeper: StoreKeeper) -> None:
    minted(keeper)
    keeper.reserve()
    assert keeper.stored() is None


def test_a_released_reservation_leaves_no_file(keeper: StoreKeeper, store: VaultFile) -> None:
    keeper.reserve()
    keeper.release()
    assert raw(store) is None


def test_a_released_reservation_leaves_the_value_as_it_was(keeper: StoreKeeper) -> None:
    secret = minted(keeper)
    keeper.reserve()
    keeper.release()
    assert keeper.stored() == secret


def test_a_persisted_value_is_pending(keeper: StoreKeeper) -> None:
    keeper.reserve()
    secret = keeper.persist("first")
    assert secret == keeper.stored()
    assert (secret.ref, secret.value, secret.pending, secret.verified_at) == (REF, "first", True, None)
    assert TIME.fullmatch(secret.created_at)


def test_a_pending_value_goes_before_the_one_it_replaces(keeper: StoreKeeper, store: VaultFile) -> None:
    minted(keeper, "first")
    keeper.reserve()
    keeper.persist("second")
    assert (keeper.stored().value, keeper.stored().pending) == ("second", True)
    assert store.read()[0]["value"] == "first"


@pytest.mark.parametrize("verified", [True, False])
def test_a_committed_value_is_the_current_one(keeper: StoreKeeper, store: VaultFile, verified: bool) -> None:
    secret = minted(keeper, verified=verified)
    assert secret == keeper.stored()
    assert (secret.value, secret.pending) == ("first", False)
    assert bool(secret.verified_at and TIME.fullmatch(secret.verified_at)) is verified
    assert "pending" not in store.read()[0]


def test_proof_of_one_value_is_no_proof_of_the_next(keeper: StoreKeeper) -> None:
    assert minted(keeper, "first", verified=True).verified_at
    assert minted(keeper, "second").verified_at is None


def test_a_fingerprint_tells_values_apart_and_stays_with_its_value(keeper: StoreKeeper) -> None:
    keeper.reserve()
    pending = keeper.persist("first")
    current = keeper.commit(verified=True)
    assert re.fullmatch("[0-9a-f]{12}", current.fingerprint)
    assert current.fingerprint == pending.fingerprint == keeper.stored().fingerprint
    assert minted(keeper, "second").fingerprint != current.fingerprint


def test_the_same_value_has_another_fingerprint_in_another_record(
    keeper: StoreKeeper, tmp_path: Path, vault_loader: Callable[..., DataLoader]
) -> None:
    other = StoreKeeper(
        "vault_file:other", VaultFile(str(tmp_path / "other"), {}, vault_loader("right")), set()
    )
    assert minted(keeper).fingerprint != minted(other).fingerprint


def test_every_consumer_is_remembered_with_what_it_was_given(keeper: StoreKeeper) -> None:
    minted(keeper)
    keeper.delivered("a/settings", "111111111111")
    keeper.delivered("b/settings", "222222222222")
    keeper.delivered("a/settings", "333333333333")
    assert keeper.stored().delivered == {"a/settings": "333333333333", "b/settings": "222222222222"}


def test_what_was_delivered_outlives_a_new_value(keeper: StoreKeeper) -> None:
    first = minted(keeper)
    keeper.delivered("a/settings", first.fingerprint)
    second = minted(keeper, "second")
    assert second.delivered == {"a/settings": first.fingerprint}
    assert second.fingerprint != first.fingerprint


def test_what_was_delivered_while_pending_outlives_the_commit(keeper: StoreKeeper) -> None:
    keeper.reserve()
    mark = keeper.persist("first").fingerprint
    keeper.delivered("a/settings", mark)
    assert keeper.commit(verified=False).delivered == {"a/settings": mark}


def test_a_forgotten_secret_leaves_no_file(keeper: StoreKeeper, store: VaultFile) -> None:
    minted(keeper)
    keeper.forget()
    assert raw(store) is None
    assert keeper.stored() is None


@pytest.mark.parametrize(
    "again",
    [
        lambda keeper: keeper.release(),
        lambda keeper: keeper.delivered("a/settings", "111111111111"),
        lambda keeper: keeper.commit(verified=False),
        lambda keeper: keeper.stored(),
    ],
    ids=["release", "delivered", "commit", "stored"],
)
def test_a_record_that_would_stay_the_same_is_not_rewritten(
    keeper: StoreKeeper, store: VaultFile, again: Any
) -> None:
    minted(keeper, verified=True)
    keeper.delivered("a/settings", "111111111111")
    before = raw(store)
    again(keeper)
    assert raw(store) == before


@pytest.mark.parametrize("verb", ["release", "forget"])
def test_nothing_to_remove_is_no_error(keeper: StoreKeeper, store: VaultFile, verb: str) -> None:
    getattr(keeper, verb)()
    assert raw(store) is None


def test_every_value_that_is_met_is_hidden_from_results(keeper: StoreKeeper, store: VaultFile) -> None:
    store.write({"value": "by hand"}, None)
    keeper.stored()
    assert keeper.hidden == {"by hand"}
    minted(keeper, "second")
    assert keeper.hidden >= {"by hand", "second"}


@pytest.mark.parametrize(
    ("verb", "arguments", "attempt"),
    [
        ("stored", (), "reading the secret vault_file:key"),
        ("reserve", (), "reading the secret vault_file:key"),
        ("persist", ("new",), "reading the secret vault_file:key"),
        ("forget", (), "reading the secret vault_file:key"),
    ],
)
def test_a_broken_store_is_named_by_its_reference(
    keeper: StoreKeeper, store: VaultFile, verb: str, arguments: Any, attempt: str
) -> None:
    store.path.write_text("not a vault file")
    with pytest.raises(SecretStoreError) as caught:
        getattr(keeper, verb)(*arguments)
    assert caught.value.attempt == attempt
    assert store.path.read_text() == "not a vault file"


def test_a_store_that_cannot_be_written_is_found_out_by_reserving(
    vault_loader: Callable[..., DataLoader],
) -> None:
    keeper = StoreKeeper(
        "vault_file:/proc/none/key", VaultFile("/proc/none/key", {}, vault_loader("right")), set()
    )
    assert keeper.stored() is None
    with pytest.raises(SecretStoreError) as caught:
        keeper.reserve()
    assert caught.value.attempt == "storing the secret vault_file:/proc/none/key"
