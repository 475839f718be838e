# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Escrow: an encrypted file on the control node, for a value that its store refuses."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path

import yaml
from ansible import constants
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import match_encrypt_secret

from ...module_utils._engine.files import make_private_folder
from ...module_utils._engine.moment import as_text, now


def write_escrow(ref: str, value: str, loader: DataLoader) -> Path | None:
    """Encrypt a value for the run's vault identity and write it. Return None if that is not possible.

    The file, with mode 0600, is in the folder ``defender_iot_escrow`` of Ansible's home.
    """
    try:
        identity, secret = match_encrypt_secret(
            loader._vault.secrets, constants.DEFAULT_VAULT_ENCRYPT_IDENTITY
        )
        text = yaml.safe_dump({"secret_ref": ref, "value": value, "created_at": as_text(now())})
        content = loader._vault.encrypt(text, secret=secret, vault_id=identity)
        path = Path(constants.ANSIBLE_HOME, "defender_iot_escrow", _file_name(ref))
        make_private_folder(path.parent)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
    except (AnsibleError, OSError, TypeError):
        return None
    return path


def _file_name(ref: str) -> str:
    return (
        re.sub(r"[^A-Za-z0-9]+", "-", f"{ref}-{as_text(now())}-{secrets.token_hex(4)}").strip("-")[-200:]
        + ".yml"
    )
