# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One ansible-vault-encrypted YAML file for each secret, on the control node."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml
from ansible import constants
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultLib, match_encrypt_secret

from ....module_utils._engine.errors import InvalidOptions, SecretStoreError
from ..file_store import FileStore
from ..settings import check_names

NO_IDENTITY = (
    "no vault password is given, so stored secrets can be neither read nor written: run with "
    "--vault-password-file or --vault-id, or set ANSIBLE_VAULT_PASSWORD_FILE"
)


class VaultFile(FileStore):
    """The file LOCATION.yml, encrypted with the vault identity of the run."""

    def __init__(self, location: str, settings: Mapping[str, Any], loader: DataLoader) -> None:
        """Take an absolute path without its ending, and the settings, of which none is for the store itself.

        Raises InvalidOptions for a relative path, other settings, and when the run has no vault identity.
        """
        super().__init__("vault_file", location, ".yml")
        check_names(settings, "vault_file", ("persistent_folder",))
        self.vault: VaultLib = loader._vault
        if not self.vault.secrets:
            raise InvalidOptions(NO_IDENTITY)

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
