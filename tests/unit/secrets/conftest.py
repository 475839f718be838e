# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The servers and keys of the secret stores, for more than one test module."""

from __future__ import annotations

import os
import platform
import sys
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.otsec.defender_iot.plugins.plugin_utils._secrets.stores import azure_key_vault
from ansible_collections.otsec.defender_iot.tests.support.age import key_pair
from ansible_collections.otsec.defender_iot.tests.support.fake_key_vault import (
    FakeKeyVault,
    Switches,
    running_key_vault,
)
from ansible_collections.otsec.defender_iot.tests.support.fake_vault import FakeVault, running_vault


@pytest.fixture
def _no_vault_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unset the environment variables of HashiCorp Vault."""
    for name in [name for name in os.environ if name.startswith("VAULT_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def fake_vault(tmp_path: Path, _no_vault_variables: None) -> Iterator[FakeVault]:
    """Run an empty HashiCorp Vault."""
    with running_vault(tmp_path) as vault:
        yield vault


@pytest.fixture(scope="session")
def running_fake_key_vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeKeyVault]:
    """Run one Key Vault for all tests."""
    with running_key_vault(tmp_path_factory.mktemp("vault")) as vault:
        yield vault


@pytest.fixture
def fake_key_vault(running_fake_key_vault: FakeKeyVault, monkeypatch: pytest.MonkeyPatch) -> FakeKeyVault:
    """Return an empty Key Vault without a login; no proxy, no waiting between retries."""
    vault = running_fake_key_vault
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(azure_key_vault, "BACKOFF_SECONDS", 0.01)
    for each in (vault.versions, vault.deleted, vault.tokens, vault.calls, vault.bodies):
        each.clear()
    vault.switches = Switches()
    return vault


@pytest.fixture(scope="session")
def age_keys() -> tuple[str, str]:
    """Make an identity and its recipient."""
    return key_pair()


@pytest.fixture
def _sops_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, age_keys: tuple[str, str]) -> None:
    """Put sops on PATH, with the identity as its only key."""
    if sys.platform == "linux" and platform.machine() != "x86_64":
        pytest.skip("PyPI has no sops for this machine")
    for name in [name for name in os.environ if name.startswith("SOPS_")]:
        monkeypatch.delenv(name)
    (tmp_path / "identity").write_text(age_keys[0])
    monkeypatch.setenv("SOPS_AGE_KEY_FILE", str(tmp_path / "identity"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", sysconfig.get_path("scripts"), prepend=os.pathsep)


@pytest.fixture
def rule(tmp_path: Path, age_keys: tuple[str, str]) -> Callable[..., Path]:
    """Write a creation rule of sops into a folder."""

    def write(folder: Path = tmp_path, name: str = ".sops.yaml", **more: Any) -> Path:
        file = folder / name
        each = {"path_regex": r"secrets/.*\.sops\.yml$", "age": age_keys[1], **more}
        file.write_text(yaml.safe_dump({"creation_rules": [each]}))
        return file

    return write
