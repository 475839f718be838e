# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One YAML file for each secret on the control node, encrypted with SOPS."""

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
from ..program import find_program, json_object, os_reason, quotation, run_program, values
from ..settings import check_names

SECONDS = 60
"""Time limit of one call: the keys can be in a cloud, whose login takes time."""

FAILURES = {
    51: ("it was changed after sops encrypted it (MAC mismatch)", "restore the file from a backup"),
    128: (
        "none of the keys that it is encrypted for is available",
        "give the run a key that decrypts, because a key that only encrypts is not enough",
    ),
}
"""Exit statuses of sops with a meaning of their own: the reason and the remedy."""
NOT_DECRYPTED = ("sops cannot decrypt its content", "check that sops encrypted the file, and run again")


class Sops(FileStore):
    """The file LOCATION.sops.yml, encrypted by the creation rule for its path, with sops 3.9 or newer.

    sops determines the decryption keys as usual: from the file and the environment.
    """

    def __init__(self, location: str, settings: Mapping[str, Any], loader: DataLoader) -> None:
        """``location`` is an absolute path without its ending; the settings are ``binary`` and ``config``.

        Raises InvalidOptions for a relative path, a missing program, or a missing configuration.
        """
        super().__init__("sops", location, ".sops.yml")
        check_names(settings, "sops", ("binary", "config", "persistent_folder"))
        self.config = _config(settings.get("config"), self.path)
        self.binary = find_program(settings.get("binary", "sops"), "sops")

    def _decrypted(self, content: bytes) -> dict[str, Any]:
        process = self._run("decrypt", "yaml", "json", content)
        if process.returncode:
            # The message of sops is not quoted: it repeats the content of a file that sops did not encrypt.
            reason, remedy = FAILURES.get(process.returncode, NOT_DECRYPTED)
            why = f"{self.path} cannot be decrypted (exit code {process.returncode}): {reason}"
            raise SecretStoreError(why, remedy)
        record = json_object(process.stdout)
        if record is None:
            raise SecretStoreError(
                f"{self.path} does not contain a YAML mapping",
                "restore the file from a backup, or write a mapping with the key value",
            )
        return record

    def _encrypted(self, record: dict[str, Any]) -> bytes:
        """Encrypt, then decrypt as a proof that this run has the key, before anything is minted."""
        # Not as YAML: sops reads some texts that PyYAML does not quote, such as 1e3, as numbers.
        given = json.dumps(record, sort_keys=True, ensure_ascii=False).encode()
        process = self._run("encrypt", "json", "yaml", given, "--filename-override", str(self.path))
        if process.returncode:
            quoted = quotation(process.stderr.decode(errors="replace"), values(record))
            raise SecretStoreError(
                f"{self.path} cannot be encrypted (exit code {process.returncode}){quoted}",
                "check the creation rule for this path in .sops.yaml",
            )
        if set(values(record)) & set(values(yaml.safe_load(process.stdout))):
            raise SecretStoreError(
                f"{self.path} was not written: its creation rule leaves the value in clear text",
                "change the creation rule so that it encrypts the key value",
            )
        if self._decrypted(process.stdout) != record:
            raise SecretStoreError(
                f"{self.path} was not written: sops decrypts it to a different record",
                "check the version and the configuration of sops",
            )
        return process.stdout

    def _run(
        self, verb: str, given_as: str, wanted_as: str, given: bytes, *more: str
    ) -> subprocess.CompletedProcess[bytes]:
        """Run sops with the content on standard input: clear text is in no file and no argument."""
        config = ["--config", self.config] if self.config else []
        types = ["--input-type", given_as, "--output-type", wanted_as]
        try:
            return run_program([self.binary, *config, verb, *types, *more, "/dev/stdin"], given, SECONDS)
        except subprocess.TimeoutExpired:
            raise SecretStoreError(
                f"sops did not {verb} {self.path} within {SECONDS} seconds",
                "check that the key service is reachable, and run again",
            ) from None
        except OSError as error:
            raise SecretStoreError(
                f"{self.binary} cannot be run: {os_reason(error)}", "check that the program is executable"
            ) from None


def _config(given: Any, path: Path) -> str | None:
    """Return the file of creation rules, None if there is none.

    By default it is the nearest .sops.yaml above the secret. sops itself searches above the working
    directory, which depends on how the run was started.
    """
    if given is None:
        above = (folder / ".sops.yaml" for folder in path.parents)
        return os.environ.get("SOPS_CONFIG") or next((str(each) for each in above if each.is_file()), None)
    if not isinstance(given, str) or not Path(given).is_absolute() or not Path(given).is_file():
        raise InvalidOptions(
            f'the setting config of the secret store sops is not the absolute path of a file: "{given}"',
            "set the absolute path of a .sops.yaml",
        )
    return given
