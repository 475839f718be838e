# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lookups that list the stored secrets and their hosts."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible import constants
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.secret import fingerprint
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._secrets.stores.vault_file import VaultFile

LOOKUPS = "ansible_collections.otsec.defender_iot.plugins.lookup"
USED = {
    "value": "new",
    "previous": {"value": "old"},
    "consumers": ["ct-1/settings", "ct-3/settings"],
    "delivered": {
        "ct-1/settings": fingerprint("", "new"),
        "ct-2/settings": fingerprint("", "old"),
        "ct-4/settings": "another",
    },
}
Stored = Callable[..., list[dict[str, Any]]]


def lookup(name: str, loader: DataLoader, templar: Templar) -> Any:
    """Make a lookup as Ansible's plugin loader does. The loader finds no collections in unit tests."""
    own = name.removeprefix("otsec.defender_iot.")
    file = importlib.import_module(f"{LOOKUPS}.{own}")
    options = yaml.safe_load(file.DOCUMENTATION)["options"]
    constants.config.initialize_plugin_configuration_definitions("lookup", name, options)
    made = file.LookupModule(loader, templar)
    made._load_name = name
    return made


@pytest.fixture
def store(tmp_path: Path, vault_loader: Callable[..., DataLoader]) -> Path:
    """Fill a folder with a secret, a pending record, and a file that is not encrypted."""
    records = {"a": {"value": "s3cr3t"}, "begun": {"pending": {"owner": {}}}, "used": USED}
    for name, record in records.items():
        VaultFile(str(tmp_path / name), {}, vault_loader("right")).write(record, None)
    (tmp_path / "broken.yml").write_text("value: s3cr3t\n")
    return tmp_path


@pytest.fixture
def stored(store: Path, vault_loader: Callable[..., DataLoader]) -> Stored:
    """Return a call of the lookup with the given vault passwords."""

    def ask(*names: str, by: str = "right") -> list[dict[str, Any]]:
        loader = vault_loader(by)
        asked = lookup("otsec.defender_iot.stored_secrets", loader, Templar(loader=loader, variables={}))
        return list(asked.run(list(names), {}, store=f"vault_file:{store}"))

    return ask


def test_names_with_a_current_secret_are_returned_in_their_order(stored: Stored, store: Path) -> None:
    (store / "b.yml").write_bytes((store / "a.yml").read_bytes())
    assert stored("b", "missing", "begun", "a") == [{"name": name, "consumers": {}} for name in "ba"]
    assert stored() == []


def test_every_consumer_is_named_with_the_value_that_it_was_last_given(stored: Stored) -> None:
    consumers = {"ct-1": "current", "ct-2": "previous", "ct-3": "unknown", "ct-4": "unknown"}
    assert stored("used") == [{"name": "used", "consumers": consumers}]


@pytest.mark.parametrize(("name", "by"), [("broken", "right"), ("a", "wrong")])
def test_a_store_that_cannot_be_read_is_an_error(stored: Stored, name: str, by: str) -> None:
    with pytest.raises(AnsibleError, match="cannot be decrypted"):
        stored("missing", name, by=by)


def hosts(*stores: str) -> list[str]:
    """Return what the lookup of hosts finds."""
    loader = DataLoader()
    asked = lookup("otsec.defender_iot.stored_hosts", loader, Templar(loader=loader, variables={}))
    return list(asked.run(list(stores), {}))


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """Fill a folder with the folders of hosts."""
    for name in ("b/key.yml", "a/key.sops.yml", "c/notes.txt", "d/.key.yml.tmp", "loose.yml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def test_the_hosts_in_stores_of_files_are_listed(folders: Path) -> None:
    assert hosts(f"vault_file:{folders}") == ["a", "b"]
    assert hosts(f"sops:{folders}") == ["a"]
    assert hosts(f"sops:{folders}", f"vault_file:{folders / 'missing'}") == ["a"]


def test_other_stores_list_nothing() -> None:
    assert hosts("hashi_vault:ot/defender-iot", "command:x") == []


def test_a_store_that_cannot_be_listed_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(AnsibleError, match=r"cannot be listed: .*; check the folder, and run again"):
        hosts(f"vault_file:{tmp_path / 'file'}")
