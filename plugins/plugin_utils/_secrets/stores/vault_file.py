# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One YAML file for each secret on the control node, encrypted with ansible-vault."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import yaml
from ansible import constants
from ansible.errors import AnsibleError
from ansible.module_utils.common.yaml import yaml_load
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultLib, match_encrypt_secret

from ....module_utils._engine.errors import InvalidOptions, SecretStoreError
from ..file_store import FileStore
from ..settings import check_names


class VaultFile(FileStore):
    """The file LOCATION.yml, encrypted with the run's vault identity."""

    def __init__(self, location: str, settings: Mapping[str, Any], loader: DataLoader) -> None:
        """``location`` is an absolute path without its ending.

        Raises InvalidOptions for a relative path, unknown settings, or a run without a vault identity.
        """
        super().__init__("vault_file", location, ".yml")
        check_names(settings, "vault_file", ("persistent_folder",))
        self.vault: VaultLib = loader._vault
        if not self.vault.secrets:
            raise InvalidOptions(
                "the run has no vault password, so secrets in files can be neither read nor written",
                "run with --vault-password-file or --vault-id, or set ANSIBLE_VAULT_PASSWORD_FILE",
            )

    def _decrypted(self, content: bytes) -> dict[str, Any]:
        try:
            record = _parsed(self.vault.decrypt(content))
        except AnsibleError:
            raise SecretStoreError(
                f"{self.path} cannot be decrypted: it is not a vault file, or none of this run's vault "
                "passwords decrypts it",
                "run with the vault password that encrypted the file",
            ) from None
        except yaml.YAMLError:
            record = None
        if not isinstance(record, dict):
            raise SecretStoreError(
                f"{self.path} does not contain a YAML mapping",
                "restore the file from a backup, or write a mapping with the key value",
            )
        return record

    def _encrypted(self, record: dict[str, Any]) -> bytes:
        identity, secret = match_encrypt_secret(self.vault.secrets, constants.DEFAULT_VAULT_ENCRYPT_IDENTITY)
        # JSON is YAML too, and is read in a tenth of the time if the record has hundreds of trusted hosts.
        text = json.dumps(record, indent=2, sort_keys=True, ensure_ascii=False, default=str)
        return bytes(self.vault.encrypt(text, secret=secret, vault_id=identity))


def _parsed(text: bytes) -> Any:
    """Parse a record. One that a person wrote is YAML. Raises YAMLError."""
    try:
        return json.loads(text)
    except ValueError:
        return yaml_load(text)
