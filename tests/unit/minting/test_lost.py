# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A store that fails during a minting: retries, the escrow file, undoing, and the message."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import (
    Overtaken,
    Refused,
    SecretStoreError,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.resource import Resource
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.task import Task
from ansible_collections.otsec.defender_iot.plugins.module_utils._minting.mint import mint
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._secrets import entry
from ansible_collections.otsec.defender_iot.tests.unit.fakes import (
    ESCROW,
    MINTED,
    REF,
    MemoryAppliance,
    do,
)
from ansible_collections.otsec.defender_iot.tests.unit.memory_store import MemoryStore
from ansible_collections.otsec.defender_iot.tests.unit.minting.scene import (
    ADMIN,
    KEY,
    OPTIONS,
    TOKEN,
    Scene,
    row,
    rows,
)

LISTING = ["store read", "appliance table"]
READING = ["store read", "appliance read"]
MINTING = ["store reserve", "appliance mint", "store persist", "store escrow"]
AGAIN = ["appliance delete 9", "store read", "store release"]
WRITING = ["store write"]
TRIES = WRITING * 4


def broken() -> dict[str, Exception]:
    """Make a store refuse the value."""
    return {"persist": SecretStoreError("no space left")}


@pytest.mark.parametrize(
    ("made", "id_", "undoing", "undone"),
    [
        (row(9), 9, AGAIN, True),
        (row(9), None, ["appliance table", *AGAIN], True),
        (None, 9, AGAIN[:1], False),
        (None, None, ["appliance table"], False),
    ],
    ids=["known by its id", "known by the difference", "gone already", "not listed yet"],
)
def test_a_token_whose_value_could_not_be_stored_is_saved_and_deleted_again(
    made: Any, id_: Any, undoing: list[str], undone: bool
) -> None:
    appliance = {"made": made, "id_": id_}
    scene = Scene(TOKEN, rows(1), params={"recreate": "always"}, appliance=appliance, value="old", id=1)
    scene.keeper.errors = broken()
    with pytest.raises(SecretStoreError) as caught:
        scene.play()
    assert scene.events == [*LISTING, *MINTING, *undoing]
    assert scene.ids == [1]
    assert ("it was deleted on the appliance" in caught.value.reason) is undone
    assert ("ansible-vault view" in caught.value.reason) is not undone
    assert (scene.keeper.pending is None) is undone


def test_a_token_that_cannot_be_deleted_again_is_no_second_error() -> None:
    scene = Scene(TOKEN, errors={**broken(), "delete": Refused("no")})
    with pytest.raises(SecretStoreError, match="no space left") as caught:
        scene.play()
    assert scene.events == [*LISTING, *MINTING, "appliance delete 9"]
    assert "deleted it again" not in caught.value.reason


def test_a_key_whose_value_could_not_be_stored_is_saved_and_cannot_be_undone() -> None:
    scene = Scene(KEY, ADMIN, errors=broken())
    with pytest.raises(SecretStoreError) as caught:
        scene.play()
    assert scene.events == [*READING, *MINTING]
    assert caught.value.sentence("box") == (
        'box: the task failed: no space left, and the minted key "a" is not in the store: its value was '
        f"saved, encrypted, in {ESCROW}; fix the store of {REF}, and run again to mint a new one "
        f"(until then, ansible-vault view {ESCROW} shows the saved one)"
    )


@pytest.mark.parametrize("resource", [TOKEN, KEY])
def test_a_value_that_cannot_be_saved_either_is_said_to_be_lost(resource: Resource) -> None:
    scene = Scene(resource, ADMIN if resource is KEY else {}, errors=broken(), escrowed=None)
    with pytest.raises(SecretStoreError) as caught:
        scene.play()
    assert "its value could not be saved" in caught.value.reason
    assert "ansible-vault view" not in caught.value.reason


@pytest.mark.parametrize("resource", [TOKEN, KEY])
def test_the_value_is_in_no_message(resource: Resource) -> None:
    scene = Scene(resource, ADMIN if resource is KEY else {}, errors=broken())
    with pytest.raises(SecretStoreError) as caught:
        scene.play()
    assert MINTED not in caught.value.sentence("box") + str(caught.value) + repr(caught.value.failure)


class Whole:
    """A task on a real entry. Its store fails as scripted, and its pauses take no time."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, loader: DataLoader, tokens: Any, **store: Any
    ) -> None:
        self.events: list[str] = []
        self.slept: list[float] = []
        self.saved: list[str] = []
        monkeypatch.setattr(entry.time, "sleep", self.slept.append)
        monkeypatch.setattr(entry, "write_escrow", self._save)
        self.store = MemoryStore(**store, events=self.events)
        self.api = MemoryAppliance(tokens, made=row(9), id_=9, events=self.events)
        self.hidden: set[str] = set()
        keeper = entry.StoreEntry(REF, self.store, self.hidden, loader)
        self.task = Task(TOKEN, OPTIONS, self.api, "box", False, {"secret_ref": keeper})

    def _save(self, ref: str, value: str, loader: DataLoader) -> str:
        self.events.append("escrow")
        self.saved.append(value)
        return ESCROW

    def play(self) -> dict[str, Any]:
        """Carry the task out."""
        return do(mint, self.task)


@pytest.fixture
def whole(monkeypatch: pytest.MonkeyPatch, vault_loader: Callable[..., DataLoader]) -> Callable[..., Whole]:
    """Make a task on a real keeper."""
    return lambda tokens=None, **store: Whole(monkeypatch, vault_loader("right"), tokens, **store)


PROVING = ["store read", "appliance table", "store write", "store read"]
BEGINNING = [*PROVING, "appliance mint"]
KEPT = ["store read", "store write"]


def test_the_store_is_written_before_the_minting_and_read_back_after_it(whole: Callable[..., Whole]) -> None:
    task = whole()
    task.play()
    assert task.events == [*BEGINNING, "store write", "store read", "store write"]
    assert (task.store.record["value"], task.store.record["id"]) == (MINTED, 9)
    assert "pending" not in task.store.record
    assert MINTED in task.hidden


SURVIVED: dict[str, tuple[Sequence[str], Sequence[str], list[str], int]] = {
    # what goes wrong: (writes, reads, events of storing, pauses)
    "first write": (["ok", "fails"], [], [*WRITING * 2, *KEPT], 1),
    "two writes": (["ok", "fails", "fails"], [], [*WRITING * 3, *KEPT], 2),
    "three writes": (["ok", "fails", "fails", "fails"], [], [*WRITING * 4, *KEPT], 3),
    "the answer of a write": (["ok", "lost"], [], [*WRITING * 2, "store read", *KEPT], 1),
    "every other read": (
        ["ok"],
        ["ok", "ok", "fails", "ok"],
        ["store write", "store read", *KEPT],
        1,
    ),
    "a write that lies once": (["ok", "lies"], [], ["store write", "store read", "store write", *KEPT], 1),
}


@pytest.mark.parametrize(("writes", "reads", "storing", "pauses"), SURVIVED.values(), ids=SURVIVED)
def test_a_store_that_recovers_in_time_costs_nothing(
    whole: Callable[..., Whole], writes: Any, reads: Any, storing: list[str], pauses: int
) -> None:
    task = whole(writes=writes, reads=reads)
    result = task.play()
    assert task.events == [*BEGINNING, *storing]
    assert task.slept == [0.2, 1.0, 3.0][:pauses]
    assert (result["minted"], task.store.record["value"], task.saved) == (True, MINTED, [])


UNDOING = ["escrow", "appliance delete 9", "store read"]


@pytest.mark.parametrize(
    ("writes", "reads", "storing"),
    [
        (["ok", *["fails"] * 4], [], TRIES),
        (["ok", *["lies"] * 4], [], ["store write", "store read"] * 4),
        (["ok"], ["ok", "ok", *["fails"] * 4], ["store write", *["store read"] * 4]),
    ],
    ids=["refuses", "lies", "cannot be read"],
)
def test_a_store_that_stays_broken_leaves_an_escrow_and_no_token(
    whole: Callable[..., Whole], writes: list[str], reads: list[str], storing: list[str]
) -> None:
    task = whole(writes=writes, reads=reads)
    with pytest.raises(SecretStoreError) as caught:
        task.play()
    assert task.events == [*BEGINNING, *storing, *UNDOING, "store delete"]
    assert (task.slept, task.saved, task.api.objects) == ([0.2, 1.0, 3.0], [MINTED], {})
    assert MINTED not in caught.value.sentence("box")
    assert task.store.record is None
    assert task.play()["minted"]


@pytest.mark.parametrize(("writes", "reads"), [(["fails"], []), ([], ["fails"])])
def test_a_reservation_that_cannot_be_withdrawn_is_no_second_error(
    whole: Callable[..., Whole], writes: list[str], reads: list[str]
) -> None:
    task = whole(writes=["ok", *["fails"] * 4, *writes], reads=["ok", "ok", *reads])
    with pytest.raises(SecretStoreError, match="no space left"):
        task.play()
    assert "pending" in task.store.record
    assert task.play()["minted"]


def test_a_record_that_another_run_wrote_is_not_overwritten(whole: Callable[..., Whole]) -> None:
    task = whole(meddling=[None, lambda store: store.replace({"value": "theirs"})])
    with pytest.raises(Overtaken):
        task.play()
    assert task.events == [*BEGINNING, "store write", "store read", *UNDOING[:-1]]
    assert (task.store.record, task.saved, task.slept) == ({"value": "theirs"}, [MINTED], [])


def test_a_store_that_refuses_the_reservation_mints_nothing(whole: Callable[..., Whole]) -> None:
    task = whole(writes=["fails"])
    with pytest.raises(SecretStoreError):
        task.play()
    assert task.events == ["store read", "appliance table", "store write"]


def test_a_store_that_keeps_no_reservation_mints_nothing(whole: Callable[..., Whole]) -> None:
    task = whole(writes=["lies"])
    with pytest.raises(SecretStoreError, match="the written record does not read back"):
        task.play()
    assert task.events == PROVING


def test_what_a_consumer_was_given_meanwhile_is_no_lost_reservation(whole: Callable[..., Whole]) -> None:
    task = whole(record={"value": "old", "id": 1}, tokens=rows(1))
    task.task = replace(task.task, options={**OPTIONS, "recreate": "always"})
    keep = task.store.write

    def then_a_consumer_gets_it(record: Any, expected: str | None) -> str:
        version = keep(record, expected)
        if "value" not in record.get("pending", {"value": ""}):
            task.store.replace({**record, "delivered": {"forescout": "mark"}})
        return version

    task.store.write = then_a_consumer_gets_it  # type: ignore[method-assign]
    assert task.play()["minted"]
    assert task.store.record["delivered"] == {"forescout": "mark"}


def test_a_store_that_breaks_before_the_commit_keeps_the_value_pending(whole: Callable[..., Whole]) -> None:
    task = whole(writes=["ok", "ok", "fails"])
    with pytest.raises(SecretStoreError):
        task.play()
    assert task.store.record["pending"]["value"] == MINTED
    task.events.clear()
    assert task.play()["reason"] == "an earlier run was interrupted"
    assert task.events == ["store read", "appliance table", "store write"]
    assert task.store.record["value"] == MINTED
