# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The escrow: a value that its store refuses, in an encrypted file on the control node."""

from __future__ import annotations

import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible import constants
from ansible.parsing.dataloader import DataLoader

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.moment import read_moment
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._secrets import escrow
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._secrets.escrow import write_escrow

REF = "vault_file:/srv/secrets/fgt-north-01/automation"
NOW = "2026-11-22T09:30:00Z"
Loader = Callable[..., DataLoader]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have Ansible's home in the test's folder, and the clock stopped."""
    monkeypatch.setattr(constants, "ANSIBLE_HOME", str(tmp_path))
    monkeypatch.setattr(escrow, "now", lambda: read_moment(NOW))
    return tmp_path / "defender_iot_escrow"


def mode(path: Path) -> int:
    """Return who may do what with a file."""
    return stat.S_IMODE(path.stat().st_mode)


def test_a_value_is_saved_with_what_it_belongs_to(folder: Path, vault_loader: Loader) -> None:
    loader = vault_loader("right")
    path = write_escrow(REF, "s3cr3t", loader)
    name = r"vault-file-srv-secrets-fgt-north-01-automation-2026-11-22T09-30-00Z-[0-9a-f]{8}\.yml"
    assert path.parent == folder
    assert re.fullmatch(name, path.name)
    assert yaml.safe_load(loader._vault.decrypt(path.read_bytes())) == {
        "secret_ref": REF,
        "value": "s3cr3t",
        "created_at": NOW,
    }


def test_every_missing_folder_is_private(tmp_path: Path, vault_loader: Loader, monkeypatch: Any) -> None:
    monkeypatch.setattr(constants, "ANSIBLE_HOME", str(tmp_path / "new" / "home"))
    path = write_escrow(REF, "s3cr3t", vault_loader("right"))
    assert [mode(folder) for folder in list(path.parents)[:3]] == [0o700, 0o700, 0o700]


def test_nobody_else_can_read_it_and_nothing_of_it_is_in_the_clear(vault_loader: Loader) -> None:
    path = write_escrow(REF, "s3cr3t", vault_loader("right"))
    assert (mode(path), mode(path.parent)) == (0o600, 0o700)
    content = path.read_bytes()
    assert content.startswith(b"$ANSIBLE_VAULT;")
    assert b"s3cr3t" not in content


def test_a_file_that_is_there_already_is_never_overwritten(
    vault_loader: Loader, monkeypatch: pytest.MonkeyPatch
) -> None:
    loader = vault_loader("right")
    monkeypatch.setattr(escrow.secrets, "token_hex", lambda _bytes: "same")
    first = write_escrow(REF, "first", loader)
    before = first.read_bytes()
    assert write_escrow(REF, "second", loader) is None
    assert first.read_bytes() == before


@pytest.mark.parametrize("other", [REF, "vault_file:/srv/secrets/fgt-north/01-automation"])
def test_two_values_in_the_same_second_are_both_saved(vault_loader: Loader, other: str) -> None:
    loader = vault_loader("right")
    paths = write_escrow(REF, "first", loader), write_escrow(other, "second", loader)
    values = [yaml.safe_load(loader._vault.decrypt(path.read_bytes()))["value"] for path in paths]
    assert values == ["first", "second"]


@pytest.mark.parametrize("ref", ["x:../../up", "x:/etc/passwd", "x:a b/ä;$(id)", "x:" + "long/" * 100, "x"])
def test_no_reference_leads_out_of_the_folder(folder: Path, vault_loader: Loader, ref: str) -> None:
    path = write_escrow(ref, "s3cr3t", vault_loader("right"))
    assert path.parent == folder
    assert path.is_file()


def test_without_a_vault_identity_nothing_is_written(folder: Path, vault_loader: Loader) -> None:
    assert write_escrow(REF, "s3cr3t", vault_loader()) is None
    assert not folder.exists()


@pytest.mark.parametrize("secrets", [None, []])
def test_a_loader_that_knows_no_secrets_is_no_crash(folder: Path, secrets: Any) -> None:
    loader = DataLoader()
    loader._vault.secrets = secrets
    assert write_escrow(REF, "s3cr3t", loader) is None
    assert not folder.exists()


def test_a_folder_that_cannot_be_made_is_no_crash(folder: Path, vault_loader: Loader) -> None:
    folder.write_text("in the way")
    assert write_escrow(REF, "s3cr3t", vault_loader("right")) is None
