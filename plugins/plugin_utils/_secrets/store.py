# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secret stores: where one-time secrets live. A store holds one record for each reference."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Protocol

from ansible.parsing.dataloader import DataLoader

from ...module_utils._engine.errors import InvalidOptions

Record = dict[str, Any]

BACKENDS = {
    "azure_key_vault": "AzureKeyVault",
    "command": "Command",
    "hashi_vault": "HashiVault",
    "sops": "Sops",
    "vault_file": "VaultFile",
}
"""The class of each backend, in the file of its name: imported only when it is used."""

STORE_SETTINGS = "defender_iot_secret_stores"
"""The variable that holds the settings of the backends, by their names."""


class Store(Protocol):
    """One record in a store. Every method may raise SecretStoreError.

    Opened with the location that a reference names, the settings of its backend, and Ansible's loader;
    that raises InvalidOptions. ``compare_and_set`` says whether two writers cannot overwrite each other.
    """

    compare_and_set: bool

    def read(self) -> tuple[Record | None, str | None]:
        """Return the record and its version, None and None if the store is readable and holds none."""

    def write(self, record: Record, expected: str | None) -> str:
        """Replace the version that was read, None for nothing; return the new version."""

    def delete(self, expected: str | None) -> None:
        """Remove the version that was read."""


def open_store(ref: str, loader: DataLoader, settings: Mapping[str, Any]) -> Store:
    """Return the store that a reference ``BACKEND:LOCATION`` points into. Raises InvalidOptions.

    ``settings`` holds those of every backend by its name, as the variable STORE_SETTINGS.
    """
    backend, colon, location = ref.partition(":")
    if not colon or backend not in BACKENDS or not location:
        known = ", ".join(sorted(BACKENDS))
        raise InvalidOptions(
            f'a secret reference is BACKEND:LOCATION with one of the backends {known}, not "{ref}"'
        )
    opened: Store = getattr(import_module(f".stores.{backend}", __package__), BACKENDS[backend])(
        location, settings.get(backend) or {}, loader
    )
    return opened
