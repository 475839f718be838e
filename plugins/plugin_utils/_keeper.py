# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The keeper of one secret: what a record in a store means.

A record holds ``value`` and, beside it, ``salt``, ``created_at``, ``verified`` and ``delivered``
(fingerprints of the value that was proved and of those that consumers have) and, while a new value is being
minted, ``pending``. An operator may write a record with nothing but ``value``, or replace the value alone.
Private to this collection: may change at any time.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any

from ..module_utils._errors import SecretStoreError, attempting
from ..module_utils._secrets import Secret, fingerprint
from .stores import Record, Store


class StoreKeeper:
    """Keeps one secret in a store; every value it meets is added to ``hidden``, what may never be shown."""

    def __init__(self, ref: str, store: Store, hidden: set[str]) -> None:
        """Take the reference and the store that it points into; nothing is read yet."""
        self.ref = ref
        self.store = store
        self.hidden = hidden

    def stored(self) -> Secret | None:
        """Return the secret. A value whose replacement was begun but not seen is no longer one."""
        record, _version = self._read()
        pending = (record or {}).get("pending")
        return (
            self._secret(record or {}, pending or {}) if pending else self._secret(record or {}, record or {})
        )

    def reserve(self) -> None:
        """Put a pending record beside the current value."""
        self._change(lambda record: {"salt": secrets.token_hex(8), **record, "pending": {"since": _now()}})

    def release(self) -> None:
        """Take the pending record away again, and the whole record if nothing else is in it."""
        self._change(_released)

    def persist(self, value: str) -> Secret:
        """Store the value as pending, read it back and compare."""
        self.hidden.add(value)
        self._change(
            lambda record: {**record, "pending": {"since": _now(), "value": value, "created_at": _now()}}
        )
        secret = self.stored()
        if secret is None or secret.value != value:
            with attempting(f"storing the secret {self.ref}"):
                raise SecretStoreError("it was written, but reads back different from what was written")
        return secret

    def commit(self, *, verified: bool) -> Secret:
        """Make the pending value the current one, or note that the current one was verified."""
        self._change(lambda record: _committed(record, verified))
        secret = self.stored()
        if secret is None:
            with attempting(f"storing the secret {self.ref}"):
                raise SecretStoreError("it was written, but nothing is there")
        return secret

    def delivered(self, consumer: str, fingerprint: str) -> None:
        """Note which value the consumer was given."""
        self._change(lambda record: _delivered(record, consumer, fingerprint))

    def forget(self) -> None:
        """Remove the record."""
        self._change(lambda record: {})

    def _read(self) -> tuple[Record | None, str | None]:
        with attempting(f"reading the secret {self.ref}"):
            record, version = self.store.read()
            if record is not None and not _is_well_formed(record):
                raise SecretStoreError("what is stored there is no record of a secret")
            return record, version

    def _change(self, edit: Any) -> None:
        """Compare and set: an unchanged record is not written, an empty one is removed."""
        record, version = self._read()
        changed = edit(record or {})
        if changed == (record or {}):
            return
        with attempting(f"storing the secret {self.ref}"):
            if changed:
                self.store.write(changed, version)
            else:
                self.store.delete(version)

    def _secret(self, record: Record, holder: Record) -> Secret | None:
        value = holder.get("value")
        if not value:
            return None
        self.hidden.add(value)
        salt, verified = record.get("salt", ""), record.get("verified") or {}
        proved = verified.get("fingerprint") == fingerprint(salt, value)
        return Secret(
            ref=self.ref,
            value=value,
            salt=salt,
            pending=holder is not record,
            created_at=str(holder["created_at"]) if holder.get("created_at") else None,
            verified_at=verified.get("at") if proved else None,
            delivered=dict(record.get("delivered") or {}),
        )


def _is_well_formed(record: Record) -> bool:
    mappings = [record.get(name) or {} for name in ("pending", "verified", "delivered")]
    if not all(isinstance(each, dict) for each in mappings):
        return False
    texts = [record.get("salt", ""), record.get("value", ""), mappings[0].get("value", "")]
    return all(isinstance(each, str) for each in texts) and len(texts[0].encode()) <= 16


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _without_pending(record: Record) -> Record:
    return {name: value for name, value in record.items() if name != "pending"}


def _released(record: Record) -> Record:
    kept = _without_pending(record)
    return kept if "value" in kept else {}


def _committed(record: Record, verified: bool) -> Record:
    current = {name: value for name, value in (record.get("pending") or record).items() if name != "since"}
    fresh = {**_without_pending(record), "salt": record.get("salt", ""), **current}
    if not verified:
        return fresh
    return {**fresh, "verified": {"at": _now(), "fingerprint": fingerprint(fresh["salt"], fresh["value"])}}


def _delivered(record: Record, consumer: str, fingerprint: str) -> Record:
    return {**record, "delivered": {**(record.get("delivered") or {}), consumer: fingerprint}}
