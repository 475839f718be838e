# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One SOPS-encrypted YAML file for each secret, on the control node."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible.parsing.dataloader import DataLoader

from ....module_utils._engine.errors import InvalidOptions, SecretStoreError
from ..file_store import FileStore
from ..program import find_program, json_object, plainly, quotation, run_program, values
from ..settings import check_names

SECONDS = 60
"""Keys may lie in a cloud, and its login may take a while."""

REASONS = {
    51: "it was altered after sops had encrypted it, for its MAC does not match",
    128: "none of the keys that it is encrypted for is here, and who can only encrypt can keep no secret",
}
"""What the exit statuses of sops mean that have a meaning of their own."""


class Sops(FileStore):
    """The file LOCATION.sops.yml, encrypted by the creation rule for its path, with sops 3.9 or newer.

    Which keys decrypt it, and where they are, sops finds out as ever: from the file and its environment.
    """

    def __init__(self, location: str, settings: Mapping[str, Any], loader: DataLoader) -> None:
        """Take an absolute path without its ending, and the settings ``binary`` and ``config``.

        Raises InvalidOptions for a relative path, and when there is no such program or configuration.
        """
        super().__init__("sops", location, ".sops.yml")
        check_names(settings, "sops", ("binary", "config", "persistent_folder"))
        self.config = _config(settings.get("config"), self.path)
        self.binary = find_program(settings.get("binary", "sops"), "sops")

    def _decrypted(self, content: bytes) -> dict[str, Any]:
        process = self._run("decrypt", "yaml", "json", content)
        if process.returncode:
            # Why, sops says itself, but of a file that it did not encrypt it quotes the content.
            reason = REASONS.get(process.returncode, "it is not a file that sops can decrypt")
            raise SecretStoreError(
                f"{self.path} cannot be decrypted (exit status {process.returncode}): {reason}"
            )
        record = json_object(process.stdout)
        if record is None:
            raise SecretStoreError(f"{self.path} does not hold a YAML mapping")
        return record

    def _encrypted(self, record: dict[str, Any]) -> bytes:
        """Encrypt, and decrypt again: before anything is minted a runner must prove that it has the key."""
        # Not as YAML, for sops would take some texts that PyYAML does not quote, such as 1e3, for numbers.
        given = json.dumps(record, sort_keys=True, ensure_ascii=False).encode()
        process = self._run("encrypt", "json", "yaml", given, "--filename-override", str(self.path))
        if process.returncode:
            said = quotation(process.stderr.decode(errors="replace"), values(record))
            raise SecretStoreError(
                f"{self.path} cannot be encrypted (exit status {process.returncode}){said}"
            )
        if set(values(record)) & set(values(yaml.safe_load(process.stdout))):
            raise SecretStoreError(
                f"{self.path} is not written: its creation rule leaves the value in clear text"
            )
        if self._decrypted(process.stdout) != record:
            raise SecretStoreError(f"{self.path} is not written: sops does not give back what it was given")
        return process.stdout

    def _run(
        self, verb: str, given_as: str, wanted_as: str, given: bytes, *more: str
    ) -> subprocess.CompletedProcess[bytes]:
        """Run sops on its standard input: clear text is in no file and no argument."""
        config = ["--config", self.config] if self.config else []
        types = ["--input-type", given_as, "--output-type", wanted_as]
        try:
            return run_program([self.binary, *config, verb, *types, *more, "/dev/stdin"], given, SECONDS)
        except subprocess.TimeoutExpired:
            raise SecretStoreError(f"sops did not {verb} {self.path} within {SECONDS} seconds") from None
        except OSError as error:
            raise SecretStoreError(f"{self.binary} cannot be run: {plainly(error)}") from None


def _config(given: Any, path: Path) -> str | None:
    """Return the file of creation rules, None if sops is to do with its environment alone.

    The nearest one above the secret: sops itself looks above the working directory, which may be any.
    """
    if given is None:
        above = (folder / ".sops.yaml" for folder in path.parents)
        return os.environ.get("SOPS_CONFIG") or next((str(each) for each in above if each.is_file()), None)
    if not isinstance(given, str) or not Path(given).is_absolute() or not Path(given).is_file():
        raise InvalidOptions(
            f'the setting config of the secret store sops is the absolute path of a file, not "{given}"'
        )
    return given
