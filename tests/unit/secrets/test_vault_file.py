# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The vault file: encrypted, private, and replaced atomically."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import (
    InvalidOptions,
    Overtaken,
    SecretStoreError,
)
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._secrets import file_store
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._secrets.store import BACKENDS, open_store
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._secrets.stores.vault_file import VaultFile
from ansible_collections.otsec.defender_iot.tests.support.irregular import IRREGULAR, not_blocking

Loader = Callable[..., DataLoader]
RECORD = {"value": "s3cr3t", "created_at": "2026-11-02T09:30:00Z"}


# What the operating system may refuse: the call, the error number, and the message.
REFUSALS = {
    "read-only file": (
        os,
        "open",
        errno.EROFS,
        "written: read-only file system; mount the file system writable",
    ),
    "not ours": (os, "open", errno.EACCES, "written: permission denied; allow the account that runs Ansible"),
    "immutable": (Path, "replace", errno.EPERM, "written: operation not permitted; allow the account that"),
    "full": (os, "fsync", errno.ENOSPC, "written: no space left on device; free disk space"),
    "over quota": (os, "fsync", errno.EDQUOT, "written: disk quota exceeded; free disk space"),
    "broken": (os, "fsync", errno.EIO, "written: input/output error; check the path"),
    "not to be read": (
        file_store,
        "open_regular",
        errno.EACCES,
        "read: permission denied; allow the account that",
    ),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of the secret."""
    return tmp_path / "secrets" / "fgt" / "key.yml"


@pytest.fixture
def store(path: Path, vault_loader: Loader) -> VaultFile:
    """Open the store of that secret."""
    return VaultFile(str(path.with_suffix("")), {}, vault_loader("right"))


def beside(path: Path) -> list[str]:
    """Return the names of the files in the secret's folder."""
    return sorted(file.name for file in path.parent.iterdir())


def planted(path: Path, content: bytes) -> None:
    """Write the secret's file."""
    path.parent.mkdir(parents=True)
    path.write_bytes(content)


def test_an_unknown_setting_is_refused(path: Path, vault_loader: Loader) -> None:
    with pytest.raises(
        InvalidOptions, match='has no setting "folder"; use only the settings persistent_folder'
    ):
        VaultFile(str(path.with_suffix("")), {"folder": "/srv"}, vault_loader("right"))


def test_a_file_is_encrypted_and_for_its_owner_only(store: VaultFile, path: Path) -> None:
    store.write(RECORD, None)
    assert path.read_bytes().startswith(b"$ANSIBLE_VAULT;1.")
    assert b"s3cr3t" not in path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_rewritten_file_is_always_private(store: VaultFile, path: Path) -> None:
    version = store.write(RECORD, None)
    path.chmod(0o644)
    store.write({"value": "new"}, version)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_each_write_replaces_the_file_and_leaves_no_other_file(store: VaultFile, path: Path) -> None:
    version = store.write(RECORD, None)
    store.write({"value": "new"}, version)
    assert beside(path) == ["key.yml"]


def test_an_overtaken_change_leaves_no_other_file(store: VaultFile, path: Path) -> None:
    before = store.write(RECORD, None)
    store.write({"value": "theirs"}, before)
    for expected in (before, None):
        for change in (partial(store.write, {"value": "mine"}, expected), partial(store.delete, expected)):
            with pytest.raises(Overtaken):
                change()
    assert beside(path) == ["key.yml"]


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
def test_a_refused_write_is_reported_and_keeps_the_old_file(
    store: VaultFile, path: Path, monkeypatch: pytest.MonkeyPatch, refusal: tuple[object, str, int, str]
) -> None:
    version = store.write(RECORD, None)
    place, name, number, message = refusal

    def refuse(*_arguments: object, **_options: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(place, name, refuse)
        with pytest.raises(SecretStoreError, match=rf"key\.yml cannot be {message}"):
            store.write({"value": "new"}, version)
    assert store.read() == (RECORD, version)
    assert beside(path) == ["key.yml"]


def test_a_folder_that_cannot_be_created_is_reported(
    store: VaultFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object, **_options: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(SecretStoreError, match=r"key\.yml cannot be written: read-only file system; mount"):
        store.write(RECORD, None)


def test_every_missing_folder_is_private(store: VaultFile, path: Path, tmp_path: Path) -> None:
    store.write(RECORD, None)
    folders = [each for each in path.parents if each.is_relative_to(tmp_path) and each != tmp_path]
    assert [stat.S_IMODE(each.stat().st_mode) for each in folders] == [0o700, 0o700]


USES: dict[str, Callable[[VaultFile], object]] = {
    "read": lambda store: store.read(),
    "write": lambda store: store.write({"value": "new"}, None),
    "delete": lambda store: store.delete(None),
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
@pytest.mark.parametrize("kind", IRREGULAR)
def test_only_a_regular_file_is_used(
    store: VaultFile, path: Path, kind: str, use: Callable[[VaultFile], object]
) -> None:
    path.parent.mkdir(parents=True)
    IRREGULAR[kind](path)
    remedy = "remove .*, or use another path"
    with (
        not_blocking(),
        pytest.raises(SecretStoreError, match=f"cannot be read: it is {kind}, not a regular file; {remedy}"),
    ):
        use(store)
    assert beside(path) == ["key.yml"]


@pytest.mark.parametrize("use", USES.values(), ids=USES)
@pytest.mark.parametrize("target", ["an old secret", "nothing"])
def test_a_link_is_refused_so_that_no_old_secret_survives(
    store: VaultFile, path: Path, target: str, use: Callable[[VaultFile], object]
) -> None:
    elsewhere = path.parent / "elsewhere.yml"
    if target == "nothing":
        path.parent.mkdir(parents=True)
    else:
        store.write(RECORD, None)
        path.rename(elsewhere)
    path.symlink_to(elsewhere)
    with pytest.raises(
        SecretStoreError, match="cannot be read: it is a symbolic link, not a regular file; use"
    ):
        use(store)
    assert path.is_symlink()
    assert elsewhere.exists() is (target != "nothing")


def test_a_folder_may_be_a_link(path: Path, tmp_path: Path, vault_loader: Loader) -> None:
    (tmp_path / "link").symlink_to(path.parent)
    path.parent.mkdir(parents=True)
    VaultFile(str(tmp_path / "link" / "key"), {}, vault_loader("right")).write(RECORD, None)
    assert path.is_file()


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_a_pipe_in_place_of_the_folder_does_not_block(
    store: VaultFile, path: Path, use: Callable[[VaultFile], object]
) -> None:
    path.parent.parent.mkdir()
    os.mkfifo(path.parent)
    with not_blocking(), pytest.raises(SecretStoreError, match=r"key\.yml cannot be "):
        use(store)


@pytest.mark.parametrize("kind", IRREGULAR)
def test_a_temporary_file_that_is_not_regular_does_not_block(store: VaultFile, path: Path, kind: str) -> None:
    path.parent.mkdir(parents=True)
    IRREGULAR[kind](path.with_name(f".{path.name}.tmp"))
    with not_blocking():
        if kind == "a directory":
            with pytest.raises(SecretStoreError, match=r"key\.yml cannot be written: "):
                store.write(RECORD, None)
        else:
            store.write(RECORD, None)
            assert beside(path) == ["key.yml"]


def test_the_temporary_file_of_a_killed_run_is_removed(store: VaultFile, path: Path) -> None:
    left = path.with_name(f".{path.name}.tmp")
    left.parent.mkdir(parents=True, exist_ok=True)
    left.write_text("half")
    left.chmod(0o644)
    store.write({"value": "fresh"}, None)
    assert list(path.parent.iterdir()) == [path]
    assert path.stat().st_mode & 0o777 == 0o600
    assert store.read()[0] == {"value": "fresh"}


def test_a_deleted_record_leaves_no_file(store: VaultFile, path: Path) -> None:
    store.delete(store.write(RECORD, None))
    assert beside(path) == []


def test_another_password_does_not_open_it(store: VaultFile, path: Path, vault_loader: Loader) -> None:
    store.write(RECORD, None)
    other = VaultFile(str(path.with_suffix("")), {}, vault_loader("wrong"))
    with pytest.raises(SecretStoreError, match="none of this run's vault passwords decrypts it"):
        other.read()


def test_any_password_of_the_run_opens_it(store: VaultFile, path: Path, vault_loader: Loader) -> None:
    store.write(RECORD, None)
    assert VaultFile(str(path.with_suffix("")), {}, vault_loader("new", "right")).read()[0] == RECORD


@pytest.mark.parametrize(
    "content", [b"value: s3cr3t\n", b"", b"$ANSIBLE_VAULT;1.1;AES256\n00\n", b"\xff\xfe"]
)
def test_a_file_that_is_not_a_vault_file_is_not_an_empty_store(
    store: VaultFile, path: Path, content: bytes
) -> None:
    planted(path, content)
    with pytest.raises(SecretStoreError, match="cannot be decrypted: it is not a vault file") as caught:
        store.read()
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize("content", ["value: s3cr3t\n", '{"value": "s3cr3t"}', "# mine\nvalue: 's3cr3t'\n"])
def test_a_record_that_a_person_wrote_is_read(store: VaultFile, path: Path, content: str) -> None:
    planted(path, store.vault.encrypt(content))
    assert store.read()[0] == {"value": "s3cr3t"}


def test_a_record_with_a_date_is_written_again(store: VaultFile, path: Path) -> None:
    planted(path, store.vault.encrypt("value: s3cr3t\nmine: 2026-12-01\n"))
    record, version = store.read()
    store.write({**(record or {}), "value": "new"}, version)
    assert store.read()[0] == {"value": "new", "mine": "2026-12-01"}


@pytest.mark.parametrize("content", ["[]", '"s3cr3t"', "- s3cr3t\n", "{value: s3cr3t", ""])
def test_a_file_without_a_mapping_is_not_an_empty_store(store: VaultFile, path: Path, content: str) -> None:
    planted(path, store.vault.encrypt(content))
    with pytest.raises(SecretStoreError, match="does not contain a YAML mapping") as caught:
        store.read()
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize("value", ["quoted \"'", "two\nlines", "tab\t", "\u00e9 \U0001f512", "yes", "1"])
def test_a_written_record_is_yaml(store: VaultFile, path: Path, value: str) -> None:
    store.write({"value": value}, None)
    assert store.read()[0] == {"value": value}
    assert yaml.safe_load(store.vault.decrypt(path.read_bytes())) == {"value": value}


def test_an_unreadable_file_is_not_an_empty_store(store: VaultFile, path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(SecretStoreError, match=r"key\.yml cannot be read: it is a directory"):
        store.read()


def test_a_folder_that_is_a_file_is_an_error(store: VaultFile, path: Path) -> None:
    planted(path.parent, b"")
    with pytest.raises(SecretStoreError, match=r"key\.yml cannot be read: not a directory"):
        store.read()
    with pytest.raises(SecretStoreError, match=r"key\.yml cannot be written: "):
        store.write(RECORD, None)


def test_without_a_vault_password_there_is_no_store(vault_loader: Loader) -> None:
    with pytest.raises(InvalidOptions, match="the run has no vault password"):
        VaultFile("/srv/secrets/x", {}, vault_loader())


@pytest.mark.parametrize(
    ("ref", "place"),
    [
        ("vault_file:/srv/x", "/srv/x.yml"),
        ("vault_file:/srv/a:b", "/srv/a:b.yml"),
        ("vault_file:/srv/x.yml", "/srv/x.yml.yml"),
    ],
)
def test_a_reference_names_a_path_without_its_ending(vault_loader: Loader, ref: str, place: str) -> None:
    assert open_store(ref, vault_loader("right"), {}).path == Path(place)


@pytest.mark.parametrize("location", ["x", "secrets/x", "./x", "../x"])
def test_a_relative_reference_is_refused(vault_loader: Loader, location: str) -> None:
    with pytest.raises(InvalidOptions) as caught:
        open_store(f"vault_file:{location}", vault_loader("right"), {})
    assert str(caught.value) == (
        f'vault_file needs an absolute path, not "{location}"; use a path such as inventory_dir/.secrets/NAME'
    )


@pytest.mark.parametrize(
    "ref", ["", "x", "/srv/x", "vault_file", "vault_file:", ":x", "keychain:x", "VAULT_FILE:x"]
)
def test_a_reference_to_no_known_backend_is_refused(vault_loader: Loader, ref: str) -> None:
    with pytest.raises(InvalidOptions) as caught:
        open_store(ref, vault_loader("right"), {})
    known = ", ".join(sorted(BACKENDS))
    assert str(caught.value) == (
        f'"{ref}" is not a secret reference; use BACKEND:LOCATION with one of the backends {known}'
    )
