# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One ansible-vault-encrypted YAML file for each secret, on the control node.

Private to this collection: may change at any time.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from ansible import constants
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultLib, match_encrypt_secret

from ...module_utils._errors import InvalidOptions, SecretStoreError

NO_IDENTITY = (
    "no vault password is given, so stored secrets can be neither read nor written: run with "
    "--vault-password-file or --vault-id, or set ANSIBLE_VAULT_PASSWORD_FILE"
)


class VaultFile:
    """The file LOCATION.yml, encrypted with the vault identity of the run; its version is a digest."""

    compare_and_set = True

    def __init__(self, location: str, settings: Mapping[str, Any], loader: DataLoader) -> None:
        """Take an absolute path without its ending; there are no settings.

        Raises InvalidOptions for a relative path, which would depend on where the playbook lies, and
        when the run has no vault identity.
        """
        self.path = Path(f"{location}.yml")
        if not self.path.is_absolute():
            raise InvalidOptions(
                f'vault_file needs an absolute path, for example one below inventory_dir, not "{location}"'
            )
        self.vault: VaultLib = loader._vault
        if not self.vault.secrets:
            raise InvalidOptions(NO_IDENTITY)

    def read(self) -> tuple[dict[str, Any] | None, str | None]:
        """Return the decrypted record and its version."""
        content = self._bytes()
        return (None, None) if content is None else (self._decrypted(content), _version(content))

    def write(self, record: dict[str, Any], expected: str | None) -> str:
        """Write atomically, with mode 0600, unless someone else wrote since."""
        content = self._encrypted(record)
        with self._failing_plainly("written"):
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._locked(expected):
                self._replace(content)
        return _version(content)

    def delete(self, expected: str | None) -> None:
        """Remove the file, unless someone else wrote since."""
        with self._failing_plainly("removed"), self._locked(expected):
            self.path.unlink(missing_ok=True)

    def _bytes(self) -> bytes | None:
        with self._failing_plainly("read"):
            try:
                return self.path.read_bytes()
            except FileNotFoundError:
                return None

    def _decrypted(self, content: bytes) -> dict[str, Any]:
        try:
            record = yaml.safe_load(self.vault.decrypt(content))
        except AnsibleError:
            raise SecretStoreError(
                f"{self.path} cannot be decrypted: it is not a vault file, or not encrypted with one of this "
                "run's vault passwords"
            ) from None
        except yaml.YAMLError:
            record = None
        if not isinstance(record, dict):
            raise SecretStoreError(f"{self.path} does not hold a YAML mapping")
        return record

    def _encrypted(self, record: dict[str, Any]) -> bytes:
        identity, secret = match_encrypt_secret(self.vault.secrets, constants.DEFAULT_VAULT_ENCRYPT_IDENTITY)
        content = self.vault.encrypt(yaml.safe_dump(record, sort_keys=True), secret=secret, vault_id=identity)
        return bytes(content)

    @contextmanager
    def _locked(self, expected: str | None) -> Iterator[None]:
        """Hold the folder's lock and compare before anything is set."""
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            content = self._bytes()
            if (None if content is None else _version(content)) != expected:
                raise SecretStoreError(f"{self.path} was changed by someone else meanwhile: run again")
            yield
            os.fsync(folder)
        finally:
            os.close(folder)

    def _replace(self, content: bytes) -> None:
        descriptor, temporary = tempfile.mkstemp(dir=self.path.parent, prefix=".", suffix=".tmp")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(self.path)
        except BaseException:
            Path(temporary).unlink()
            raise

    @contextmanager
    def _failing_plainly(self, doing: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise SecretStoreError(
                f"{self.path} cannot be {doing}: {(error.strerror or str(error)).lower()}"
            ) from None


def _version(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
