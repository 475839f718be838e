# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The base class of the stores that keep each secret in one encrypted file."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from pathlib import Path
from typing import Any

from ...module_utils._engine.errors import InvalidOptions, Overtaken, SecretStoreError
from ...module_utils._engine.files import make_private_folder, open_regular
from .program import os_reason

REMEDIES = {
    errno.EACCES: "allow the account that runs Ansible to access it",
    errno.EPERM: "allow the account that runs Ansible to access it",
    errno.EROFS: "mount the file system writable, or use another secret store",
    errno.ENOSPC: "free disk space and run again",
    errno.EDQUOT: "free disk space and run again",
    errno.EISDIR: "remove the directory, or use another path",
    errno.EINVAL: "remove it, or use another path",
    errno.ELOOP: "use the path that it points to, or replace it with the file",
}
REMEDY = "check the path and its file system, and run again"


class FileStore(ABC):
    """One regular file, replaced atomically. Its version is a digest of its bytes.

    A symbolic link is refused: replacing it would leave the old secret in the file that it points to.
    """

    compare_and_set = True

    def __init__(self, backend: str, location: str, ending: str) -> None:
        """``location`` is an absolute path without its ending.

        Raises InvalidOptions for a relative path: its meaning would depend on the playbook's folder.
        """
        self.path = Path(f"{location}{ending}")
        if not self.path.is_absolute():
            raise InvalidOptions(
                f'{backend} needs an absolute path, not "{location}"',
                "use a path such as inventory_dir/.secrets/NAME",
            )

    def read(self) -> tuple[dict[str, Any] | None, str | None]:
        """Return the decrypted record and its version."""
        content = self._bytes()
        return (None, None) if content is None else (self._decrypted(content), _version(content))

    def write(self, record: dict[str, Any], expected: str | None) -> str:
        """Replace the file atomically, with mode 0600. Raises Overtaken."""
        content = self._encrypted(record)
        with self._store_errors("written"):
            make_private_folder(self.path.parent)
            with self._locked(expected):
                self._replace(content)
        return _version(content)

    def delete(self, expected: str | None) -> None:
        """Remove the file. Raises Overtaken."""
        with self._store_errors("removed"), self._locked(expected):
            self.path.unlink(missing_ok=True)

    def siblings(self, host: str, before: float) -> Iterator[FileStore]:
        """Yield the files of this name in the folders of other hosts, if this one is in its host's folder.

        Only files that were last written before a time, in seconds since the epoch.
        """
        own = self.path.parent
        with self._store_errors("compared with those of other hosts"):
            folders = sorted(own.parent.iterdir()) if own.name == host and own.parent.is_dir() else []
            paths = [each / self.path.name for each in folders if each.is_dir() and each.name != host]
            paths = [path for path in paths if path.exists() and path.stat().st_mtime < before]
        for path in paths:
            other = copy(self)
            other.path = path
            yield other

    @abstractmethod
    def _decrypted(self, content: bytes) -> dict[str, Any]:
        """Return the record in the file's content."""

    @abstractmethod
    def _encrypted(self, record: dict[str, Any]) -> bytes:
        """Return the file's content for a record."""

    def _bytes(self) -> bytes | None:
        with self._store_errors("read"):
            try:
                with open_regular(self.path, follow_links=False) as file:
                    return file.read()
            except FileNotFoundError:
                return None

    @contextmanager
    def _locked(self, expected: str | None) -> Iterator[None]:
        """Lock the folder, and compare the file's version with the expected one before the change."""
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            content = self._bytes()
            if (None if content is None else _version(content)) != expected:
                raise Overtaken(f"{self.path} was changed after this run read it", "run again")
            yield
            os.fsync(folder)
        finally:
            os.close(folder)

    def _replace(self, content: bytes) -> None:
        """Write a temporary file and rename it. One that exists already is the leftover of a killed run."""
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
    def _store_errors(self, verb: str) -> Iterator[None]:
        """Raise each OSError as a SecretStoreError: the file cannot be ``verb`` (a past participle)."""
        try:
            yield
        except OSError as error:
            why = f"{self.path} cannot be {verb}: {os_reason(error)}"
            raise SecretStoreError(why, REMEDIES.get(error.errno or 0, REMEDY)) from None


def _version(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
