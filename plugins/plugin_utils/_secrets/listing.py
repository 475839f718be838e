# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which hosts have secrets in a store. Only stores of files can be listed."""

from __future__ import annotations

from pathlib import Path

from ...module_utils._engine.errors import SecretStoreError
from .program import os_reason

ENDINGS = {"vault_file": ".yml", "sops": ".sops.yml"}
"""The end of a file's name with one secret, by backend."""


def stored_hosts(store: str) -> list[str] | None:
    """Return the hosts with secrets in a store ``BACKEND:FOLDER``, None if the backend lists nothing.

    Raises SecretStoreError for a folder that cannot be read, because it must not count as empty.
    """
    backend, _colon, location = store.partition(":")
    if backend not in ENDINGS:
        return None
    try:
        return sorted(folder.name for folder in _folders(Path(location)) if _has_secret(folder, backend))
    except OSError as error:
        raise SecretStoreError(
            f"{location} cannot be listed: {os_reason(error)}", "check the folder, and run again"
        ) from None


def _folders(place: Path) -> list[Path]:
    return [each for each in place.iterdir() if each.is_dir()] if place.exists() else []


def _has_secret(folder: Path, backend: str) -> bool:
    names = [each.name for each in folder.iterdir()]
    return any(name.endswith(ENDINGS[backend]) and not name.startswith(".") for name in names)
