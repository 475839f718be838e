# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The entry of one secret: reads its record from a store and writes it by compare-and-set."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ansible.parsing.dataloader import DataLoader

from ...module_utils._engine.belonging import Belonging
from ...module_utils._engine.errors import Overtaken, SecretStoreError, attempting
from ...module_utils._engine.secret import Pending, Secret, StoredSecret
from . import record as records
from .escrow import write_escrow
from .file_store import FileStore
from .owner import assumed_until, may_be_minting, name_of, this_process
from .store import Record, Store

Edit = Callable[[Record], Record]

PAUSES = (0.2, 1.0, 3.0)
"""Seconds between the attempts to store a value that exists nowhere else."""

TURNS = 30
"""Attempts to add what many hosts may add to one record at once, such as the platforms of one token."""

LOADED = time.time()
"""When Ansible's main process, which forks the workers, loaded this module."""


class StoreEntry:
    """One secret in a store. Adds every value to ``hidden``, the values that no result may show."""

    def __init__(self, ref: str, store: Store, hidden: set[str], loader: DataLoader) -> None:
        self.ref = ref
        self.store = store
        self.hidden = hidden
        self.loader = loader
        self.record: Record = {}
        self.owner: Belonging | None = None
        self.version: str | None = None
        self.known_doubt: Any = None
        self.own_doubt: Any = None
        self.replaced_doubt: Any = None

    def read(self) -> StoredSecret:
        self._load()
        self.known_doubt = self.record.get("doubt")
        return StoredSecret(
            self._secret("current"),
            self._pending(),
            self._secret("previous"),
            bool(self.known_doubt),
            records.belonging(self.record),
            self.record.get("trusted"),
        )

    def _load(self) -> None:
        with attempting(f"reading the secret {self.ref}"):
            record, self.version = self.store.read()
            if record is not None and not records.is_well_formed(record):
                raise SecretStoreError(
                    "the stored value is not a record of a secret", "store a mapping with the key value there"
                )
            if record and record.get("value") == "":
                raise SecretStoreError(
                    "the record has an empty value, which may be lost",
                    "store the value there, or delete the record if the secret may be replaced",
                )
        self.record = record or {}

    def claim(self, owner: Belonging) -> None:
        self.owner = owner

    def bind(self, owner: Belonging) -> None:
        self._amend(lambda record: records.bound(record, owner), about_minting=False)

    def reserve(self, known: Sequence[str]) -> None:
        """Write a pending record beside the current value, and read it back: a store may not keep it."""
        self._write(records.reserved(self.record, secrets.token_hex(8), this_process(), known))
        self._require_kept("pending")

    def release(self, *, doubted: bool = False) -> None:
        """Remove this run's pending record, and the whole record if it has no value."""
        if self.record.get("pending") and not self._is_own_pending():
            with attempting(f"storing the secret {self.ref}"):
                raise Overtaken("another run began to mint it", "run again when that run has ended")
        doubt = records.new_doubt(secrets.token_hex(8))

        def edit(record: Record) -> Record:
            kept = records.released(record)
            return records.doubted(kept, doubt) if kept and doubted else kept

        self._amend(edit)

    def doubt(self) -> None:
        """Write a doubt beside the current value, and read it back: a store may not keep it."""
        self._load()
        self.replaced_doubt = self.record.get("doubt")
        if self._is_own_pending():
            return
        self.own_doubt = records.new_doubt(secrets.token_hex(8))
        self._amend(lambda record: records.doubted(record, self.own_doubt), about_minting=False)
        self._require_kept("doubt")

    def trust(self) -> None:
        """Take the last doubt back, unless another one was recorded since."""

        def edit(record: Record) -> Record:
            is_own = record.get("doubt") == self.own_doubt
            return records.doubted(record, self.replaced_doubt) if is_own else record

        self._amend(edit, about_minting=False)

    def confirm(self) -> None:
        self._write(records.settled(records.confirmed(self.record), self.known_doubt))

    def persist(self, value: str, id_: Any, rotation_id: str | None) -> Secret:
        """Store the value as pending, read it back and compare. Retry failures a few times."""
        self.hidden.add(value)

        def edit(record: Record) -> Record:
            return records.persisted(record, value, id_, rotation_id)

        for pause in PAUSES:
            try:
                return self._stored(edit, value)
            except Overtaken:
                raise
            except SecretStoreError:
                time.sleep(pause)
        return self._stored(edit, value)

    def escrow(self, value: str) -> str | None:
        """Save a value in its own file, encrypted for this run's vault identity."""
        path: Path | None = write_escrow(self.ref, value, self.loader)
        return str(path) if path else None

    def commit(self, *, verified: bool, id_: Any, keep_previous: bool) -> Secret:
        if self._pending_value() is None:
            with attempting(f"storing the secret {self.ref}"):
                raise SecretStoreError(
                    "the record was changed during this run and has no pending value", "run again"
                )
        self._amend(
            lambda record: records.settled(
                records.committed(record, verified, id_, keep_previous), self.known_doubt
            )
        )
        return self._current()

    def prove(self) -> Secret:
        self._write(records.proved(self.record))
        return self._current()

    def retire(self) -> None:
        self._amend(records.retired)

    def consumed(self, consumer: str) -> None:
        """Record that the secret is assigned to the consumer. Two consumers may write at once."""
        self._amend(lambda record: records.consumed(record, consumer), about_minting=False)

    def abandoned(self, consumers: Collection[str]) -> None:
        """Record that the secret is no longer assigned to the consumers."""
        self._amend(lambda record: records.abandoned(record, consumers), about_minting=False)

    def delivered(self, consumer: str, fingerprint: str, at: str) -> None:
        """Record which value was delivered to the consumer, and when. Two consumers may write at once."""
        self._amend(lambda record: records.delivered(record, consumer, fingerprint, at), about_minting=False)

    def others(self, host: str) -> Iterator[tuple[str, Belonging]]:
        # Records of this run need not be read: hosts of one run are compared before they mint. To read them
        # would cost a key derivation for each pair of hosts.
        for store in self.store.siblings(host, LOADED) if isinstance(self.store, FileStore) else ():
            with suppress(SecretStoreError):
                record = store.read()[0] or {}
                owner = records.belonging(record) if records.is_well_formed(record) else None
                if owner is not None and "value" in record:
                    yield str(store.path), owner

    def remember_trusted(self, hosts: Mapping[str, str]) -> None:
        self._amend(lambda record: records.trusting(record, hosts), about_minting=False)

    def forget(self) -> None:
        self._write({})

    def _stored(self, edit: Edit, value: str) -> Secret:
        """Write and read back. If only the answer to a write got lost, a retry finds a changed record."""
        before = self.record, self.version
        if self._pending_value() != value:
            self._amend_or_have(edit, value)
        self._load()
        after = self._secret("pending")
        if after is not None and after.value == value:
            return after
        kept_the_old = (self.record, self.version) == before
        with attempting(f"storing the secret {self.ref}"):
            raise (SecretStoreError if kept_the_old else Overtaken)(
                "the record reads back different from what was written",
                "check that the store keeps what is written, and run again" if kept_the_old else "run again",
            )

    def _amend_or_have(self, edit: Edit, value: str) -> None:
        try:
            self._amend(edit)
        except Overtaken:
            if self._pending_value() != value:
                raise

    def _is_own_pending(self) -> bool:
        return (self.record.get("pending") or {}).get("owner") == this_process()

    def _pending_value(self) -> str | None:
        return (self.record.get("pending") or {}).get("value")

    def _current(self) -> Secret:
        secret = self._secret("current")
        if secret is None:
            with attempting(f"storing the secret {self.ref}"):
                raise SecretStoreError(
                    "the record was changed during this run and has no current value", "run again"
                )
        return secret

    def _amend(self, edit: Edit, about_minting: bool = True) -> None:
        """Write a change. Another run's write in between is kept, unless both concern minting: Overtaken."""
        for pause in PAUSES if about_minting else (secrets.randbelow(1000) / 1000 for _turn in range(TURNS)):
            pending = self.record.get("pending")
            try:
                return self._write(edit(self.record))
            except Overtaken:
                self._load()
                if about_minting and self.record.get("pending") != pending:
                    raise
                time.sleep(pause)
        return self._write(edit(self.record))

    def _require_kept(self, part: str) -> None:
        """Read a written part back. Raises SecretStoreError."""
        written = self.record[part]
        self._load()
        if self.record.get(part) != written:
            with attempting(f"storing the secret {self.ref}"):
                raise SecretStoreError(
                    "the written record does not read back",
                    "check that the store keeps what is written, and run again",
                )

    def _write(self, record: Record) -> None:
        """Compare and set. An unchanged record is not written, an empty one is removed."""
        if record == self.record:
            return
        if record and self.owner:
            record = records.bound(record, self.owner)
        with attempting(f"storing the secret {self.ref}"):
            if record:
                self.version = self.store.write(record, self.version)
            else:
                self.store.delete(self.version)
                self.version = None
        self.record = record

    def _secret(self, part: str) -> Secret | None:
        secret = records.secret(self.ref, self.record, part)
        if secret is not None:
            self.hidden.add(secret.value)
        return secret

    def _pending(self) -> Pending | None:
        pending = self.record.get("pending")
        if not pending:
            return None
        owner, since = pending.get("owner"), pending.get("since")
        known = tuple(pending.get("known") or ())
        is_minting, until = may_be_minting(owner, since), assumed_until(owner, since)
        return Pending(self._secret("pending"), known, name_of(owner), is_minting, until)
