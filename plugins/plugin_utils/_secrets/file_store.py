# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the stores with one encrypted file for each secret have in common."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ...module_utils._engine.errors import InvalidOptions, Overtaken, SecretStoreError

REMEDIES = {
    errno.EACCES: "give the account that runs Ansible the right to it",
    errno.EPERM: "give the account that runs Ansible the right to it",
    errno.EROFS: "mount it writable, or name another store",
    errno.ENOSPC: "make room there",
    errno.EDQUOT: "make room there",
}
"""What to do about a reason that does not say it itself."""


class FileStore(ABC):
    """One file, written as a whole or not at all; its version is a digest of its bytes."""

    compare_and_set = True

    def __init__(self, backend: str, location: str, ending: str) -> None:
        """Take an absolute path without its ending.

        Raises InvalidOptions for a relative path, which would depend on where the playbook lies.
        """
        self.path = Path(f"{location}{ending}")
        if not self.path.is_absolute():
            raise InvalidOptions(
                f'{backend} needs an absolute path, for example inventory_dir/.secrets/NAME, not "{location}"'
            )

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

    @abstractmethod
    def _decrypted(self, content: bytes) -> dict[str, Any]:
        """Return the record that the file holds."""

    @abstractmethod
    def _encrypted(self, record: dict[str, Any]) -> bytes:
        """Return what the file is to hold."""

    def _bytes(self) -> bytes | None:
        with self._failing_plainly("read"):
            try:
                return self.path.read_bytes()
            except FileNotFoundError:
                return None

    @contextmanager
    def _locked(self, expected: str | None) -> Iterator[None]:
        """Hold the folder's lock and compare before anything is set."""
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            content = self._bytes()
            if (None if content is None else _version(content)) != expected:
                raise Overtaken(f"{self.path} was changed by someone else meanwhile: run again")
            yield
            os.fsync(folder)
        finally:
            os.close(folder)

    def _replace(self, content: bytes) -> None:
        """Write beside the file and rename; under the lock, such a file is what a killed run has left."""
        temporary = self.path.with_name(f".{self.path.name}.tmp")
        temporary.unlink(missing_ok=True)
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self.path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise

    @contextmanager
    def _failing_plainly(self, doing: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            remedy = f"; {REMEDIES[error.errno]}" if error.errno in REMEDIES else ""
            raise SecretStoreError(f"{self.path} cannot be {doing}: {why}{remedy}") from None


def _version(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
