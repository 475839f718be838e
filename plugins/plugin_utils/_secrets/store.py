# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secret stores keep one-time secrets, one record for each reference."""

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
"""The class of each backend, in the module of the same name, which is imported on first use."""

STORE_SETTINGS = "defender_iot_secret_stores"
"""The variable with the settings of each backend, by its name."""


class Store(Protocol):
    """One record in a store. Every method may raise SecretStoreError.

    The constructor takes the location in the reference, the backend's settings and Ansible's loader, and
    raises InvalidOptions. With ``compare_and_set``, two writers cannot overwrite each other.
    """

    compare_and_set: bool

    def read(self) -> tuple[Record | None, str | None]:
        """Return the record and its version. Both are None only if a readable store has none."""

    def write(self, record: Record, expected: str | None) -> str:
        """Replace the version that was read (None: no record); return the new one. Raises Overtaken."""

    def delete(self, expected: str | None) -> None:
        """Remove the version that was read. Raises Overtaken."""


def open_store(ref: str, loader: DataLoader, settings: Mapping[str, Any]) -> Store:
    """Return the store of a reference ``BACKEND:LOCATION``. Raises InvalidOptions.

    ``settings`` is the value of the variable STORE_SETTINGS.
    """
    backend, colon, location = ref.partition(":")
    if not colon or backend not in BACKENDS or not location:
        known = ", ".join(sorted(BACKENDS))
        raise InvalidOptions(
            f'"{ref}" is not a secret reference',
            f"use BACKEND:LOCATION with one of the backends {known}",
        )
    opened: Store = store_class(backend)(location, settings.get(backend) or {}, loader)
    return opened


def store_class(backend: str) -> Any:
    """Return the class of a backend, and import it if it was not yet."""
    return getattr(import_module(f".stores.{backend}", __package__), BACKENDS[backend])
