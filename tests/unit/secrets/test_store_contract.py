# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The contract of all secret stores, tested on each backend's own program or server."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import (
    Overtaken,
    SecretStoreError,
)
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._secrets.store import (
    BACKENDS,
    Store,
    open_store,
)
from ansible_collections.otsec.defender_iot.tests.support import store_program
from ansible_collections.otsec.defender_iot.tests.support.fake_key_vault import FakeKeyVault
from ansible_collections.otsec.defender_iot.tests.support.fake_vault import FakeVault
from ansible_collections.otsec.defender_iot.tests.unit.memory_store import MemoryStore

VALUE = "s3cr3t"
VALUES = (VALUE, "1e3", "0777", "yes", "12:30:00", " é\u2028\"'\\ #: \U0001f511\x7f\n")
RECORD = {
    "value": VALUE,
    "created_at": "2026-11-02T09:30:00Z",
    "pending": {"since": "2026-11-02T09:30:00Z", "value": "p3nd1ng"},
    "verified": {"at": "2026-11-02T09:30:00Z", "fingerprint": "0123456789ab"},
    "delivered": {"forescout/a": "0123456789ab"},
}
EMPTY = (None, None)
# None of these is a record, neither in YAML nor in JSON.
GARBAGE = (
    *("", VALUE, f"- {VALUE}", f'["{VALUE}"]', f'"{VALUE}"'),
    *(f"{{{VALUE}", f"{{value: {VALUE}", "a: \0"),
)


@dataclass(frozen=True)
class Backend:
    """One secret in a store, and the differences that the contract allows."""

    open: Callable[[], Store]
    """Open the same secret again, as each run does."""
    place: str
    """The name of the secret in messages."""
    plant: Callable[[str], object]
    """Store a text in place of the record."""
    complaint: str
    """A regular expression for the error message of reading such a text."""
    compare_and_set: bool = True
    after_deletion: dict[str, Any] | None = None
    """The record that a deleted secret reads as."""


@pytest.fixture
def vault_file(tmp_path: Path, vault_loader: Callable[..., DataLoader]) -> Backend:
    """Return a file that ansible-vault encrypts."""
    location = tmp_path / "secrets" / "fgt" / "key"
    file = location.with_suffix(".yml")
    loader = vault_loader("right")

    def plant(text: str) -> None:
        file.parent.mkdir(parents=True)
        file.write_bytes(loader._vault.encrypt(text, secret=loader._vault.secrets[0][1]))

    return Backend(
        lambda: open_store(f"vault_file:{location}", loader, {}),
        str(file),
        plant,
        r"key\.yml does not contain a YAML mapping",
    )


@pytest.fixture
def sops(tmp_path: Path, _sops_environment: None, rule: Callable[..., Path]) -> Backend:
    """Return a file that a real sops encrypts."""
    rule()
    location = tmp_path / "secrets" / "fgt" / "key"
    file = location.with_suffix(".sops.yml")

    def plant(text: str) -> None:
        file.parent.mkdir(parents=True)
        file.write_text(text)

    return Backend(
        lambda: open_store(f"sops:{location}", DataLoader(), {}),
        str(file),
        plant,
        "sops cannot decrypt its content",
    )


@pytest.fixture
def hashi_vault(fake_vault: FakeVault) -> Backend:
    """Return a secret in a HashiCorp Vault."""
    settings = {"url": fake_vault.url, "ca_path": fake_vault.ca_path, "token": fake_vault.token}
    place = "secret/ot/fgt-01"

    def plant(text: Any) -> None:
        fake_vault.put(place, text)

    return Backend(
        lambda: open_store(f"hashi_vault:{place}", DataLoader(), {"hashi_vault": settings}),
        place,
        plant,
        'check that one is mounted at "secret"',
    )


@pytest.fixture
def azure_key_vault(fake_key_vault: FakeKeyVault) -> Backend:
    """Return a secret in an Azure Key Vault, which has no compare-and-set."""
    settings = {"azure_key_vault": fake_key_vault.settings()}
    return Backend(
        lambda: open_store("azure_key_vault:fgt/key", DataLoader(), settings),
        f"the secret fgt--key in {fake_key_vault.url}",
        lambda text: fake_key_vault.put("fgt--key", text),
        r'does not contain a JSON object; set the secret to a JSON object such as \{"value": "\.\.\."\}$',
        compare_and_set=False,
        # A deleted secret would block its name.
        after_deletion={},
    )


def program(folder: Path, *habit: str, compare_and_set: bool) -> Backend:
    """Return a secret of a program that keeps JSON files."""
    argv = [sys.executable, store_program.__file__, str(folder), *habit]
    settings = {"command": {"argv": argv, "compare_and_set": compare_and_set}}
    return Backend(
        lambda: open_store("command:fgt/key", DataLoader(), settings),
        "fgt/key",
        (folder / "fgt-key.json").write_text,
        "failed to read fgt/key|did not follow the protocol when it was called to read fgt/key",
        compare_and_set=compare_and_set,
    )


@pytest.fixture
def command(tmp_path: Path) -> Backend:
    """Return a program without versions, which compares nothing."""
    return program(tmp_path, compare_and_set=False)


@pytest.fixture
def command_with_versions(tmp_path: Path) -> Backend:
    """Return a program with compare-and-set."""
    return program(tmp_path, "versions", compare_and_set=True)


@pytest.fixture
def memory() -> Backend:
    """Return the store of the engine's tests, which must behave like a real one."""
    store = MemoryStore()

    def plant(text: str) -> None:
        store.replace(text)
        store.reads.append("fails")

    return Backend(lambda: store, "it", plant, "cannot be read")


@pytest.fixture(params=[*BACKENDS, "command_with_versions", "memory"])
def backend(request: pytest.FixtureRequest) -> Backend:
    """Return each backend in turn; one without a fixture of its name fails."""
    found: Backend = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def store(backend: Backend) -> Store:
    """Open the secret."""
    return backend.open()


@pytest.mark.parametrize("name", BACKENDS)
def test_a_reference_opens_the_store_of_its_backend(name: str, request: pytest.FixtureRequest) -> None:
    assert type(request.getfixturevalue(name).open()).__name__ == BACKENDS[name]


def test_a_store_declares_compare_and_set(backend: Backend) -> None:
    assert backend.open().compare_and_set is backend.compare_and_set


def test_a_missing_record_reads_as_none(store: Store) -> None:
    assert store.read() == EMPTY


@pytest.mark.parametrize("value", VALUES)
def test_a_record_is_read_as_it_was_written(backend: Backend, value: str) -> None:
    pending = {"value": value, "known": [1, "2"], "id": None}
    record = {**RECORD, "value": value, "salt": "", "pending": pending, "delivered": {}}
    version = backend.open().write(record, None)
    assert backend.open().read() == (record, version)


@pytest.mark.parametrize(
    "record", [RECORD, {"pending": {"since": "now"}}, {}], ids=["whole", "pending", "empty"]
)
def test_a_record_needs_no_value_yet(store: Store, record: dict[str, Any]) -> None:
    version = store.write(record, None)
    assert version is not None
    assert store.read() == (record, version)


def test_each_write_is_a_version_of_its_own(store: Store) -> None:
    version = store.write(RECORD, None)
    newer = store.write({"value": "new"}, version)
    assert newer != version
    assert store.read() == ({"value": "new"}, newer)


def test_a_deleted_record_reads_as_none_and_can_be_written_again(backend: Backend, store: Store) -> None:
    store.delete(store.write({"value": "new"}, store.write(RECORD, None)))
    record, version = store.read()
    assert record == backend.after_deletion
    assert (version is None) == (record is None)
    newer = store.write(RECORD, version)
    assert store.read() == (RECORD, newer)


@pytest.mark.parametrize("known", ["nothing", "the version before", "an unknown version"])
@pytest.mark.parametrize("verb", ["write", "delete"])
def test_a_record_of_another_writer_is_not_overwritten(
    backend: Backend, store: Store, verb: str, known: str
) -> None:
    before = store.write(RECORD, None)
    theirs = backend.open().write({"value": "theirs"}, before)
    expected = {"nothing": None, "the version before": before}.get(known, "7")
    with pytest.raises(Overtaken) as caught:
        store.write({"value": "mine"}, expected) if verb == "write" else store.delete(expected)
    assert str(caught.value) == f"{backend.place} was changed after this run read it; run again"
    assert store.read() == ({"value": "theirs"}, theirs)


def test_a_first_record_of_another_writer_is_not_overwritten(backend: Backend, store: Store) -> None:
    assert store.read() == EMPTY
    theirs = backend.open().write({"value": "theirs"}, None)
    for change in (lambda: store.write({"value": "mine"}, None), lambda: store.delete(None)):
        with pytest.raises(Overtaken, match="was changed after this run read it; run again"):
            change()
    assert store.read() == ({"value": "theirs"}, theirs)


def test_a_record_that_another_writer_removed_is_not_restored(backend: Backend, store: Store) -> None:
    version = store.write(RECORD, None)
    backend.open().delete(version)
    with pytest.raises(Overtaken, match="was changed after this run read it; run again"):
        store.write({"value": "mine"}, version)
    assert store.read()[0] == backend.after_deletion


@pytest.mark.parametrize("text", GARBAGE)
def test_an_invalid_record_is_not_an_empty_store(backend: Backend, text: str) -> None:
    backend.plant(text)
    with pytest.raises(SecretStoreError, match=backend.complaint) as caught:
        backend.open().read()
    assert VALUE not in str(caught.value)
    assert "\n" not in str(caught.value)
    # A traceback would also quote the error that caused this one.
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    with pytest.raises(SecretStoreError):
        backend.open().write(RECORD, None)
