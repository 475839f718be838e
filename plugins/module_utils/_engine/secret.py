# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A one-time secret in the engine: its reference, its fingerprint, and its entry in a store."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from .belonging import Belonging

KNOWN_AFTER_APPLY = "(known after apply)"
ANOTHER_VALUE = "(another value)"


def fingerprint(salt: str, value: str) -> str:
    """Return 12 hexadecimal digits that distinguish values of a secret and reveal nothing about them.

    The salt, up to 16 characters, is in the record. The record's location cannot be the salt, because it
    differs between clones.
    """
    return hashlib.blake2b(value.encode(), salt=salt.encode(), digest_size=6).hexdigest()


@dataclass(frozen=True)
class Secret:
    """One value of a secret.

    ``id`` is the appliance's name for it, None if unknown. ``verified_at`` is when the appliance accepted it,
    None if it was never tried. ``delivered`` has, for each consumer, the fingerprint of the last delivered
    value, and ``delivered_at`` the start of that delivery. ``consumers`` are all that it was ever assigned
    to, including those that an operator configured.
    """

    ref: str
    value: str
    salt: str
    id: Any = None
    created_at: str | None = None
    rotation_id: str | None = None
    verified_at: str | None = None
    delivered: Mapping[str, str] = field(default_factory=dict)
    delivered_at: Mapping[str, str] = field(default_factory=dict)
    consumers: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        """Distinguishes this value from others without revealing it."""
        return fingerprint(self.salt, self.value)


@dataclass(frozen=True)
class Pending:
    """An unfinished minting. ``secret`` is None until the value is stored.

    ``known`` are the ids on the appliance before it. ``owner`` names the process that began it.
    ``is_minting``: that process may still be minting. ``until`` is when it counts as interrupted, None if it
    is known to run.
    """

    secret: Secret | None
    known: tuple[Any, ...]
    owner: str
    is_minting: bool
    until: str | None = None


@dataclass(frozen=True)
class StoredSecret:
    """The values of a secret in a store. ``previous`` is kept until the current value is verified.

    ``is_doubted``: an earlier run may have made the current value void. ``belongs_to`` is None in records
    that an operator or an older version of the collection wrote. ``trusted`` has the trusted hosts of the
    secret's object that came from the inventory, see SecretEntry.remember_trusted, None if none was recorded.
    """

    current: Secret | None = None
    pending: Pending | None = None
    previous: Secret | None = None
    is_doubted: bool = False
    belongs_to: Belonging | None = None
    trusted: Mapping[str, str] | None = None


def shown(ref: str, secret: Secret | None) -> dict[str, str | None]:
    """Return what a result may show of a secret, None for what is unknown."""
    return {
        "secret_ref": ref,
        "fingerprint": secret.fingerprint if secret else None,
        "created_at": secret.created_at if secret else None,
        "verified_at": secret.verified_at if secret else None,
    }


class SecretEntry(Protocol):
    """The entry of one secret in a store, on the control node. Every method may raise SecretStoreError.

    A write replaces the record that was read. If another run wrote in between, it raises Overtaken.
    """

    ref: str

    def read(self) -> StoredSecret:
        """Return the stored values, none if the store is readable and empty."""

    def claim(self, owner: Belonging) -> None:
        """Have every later write record what the secret belongs to."""

    def bind(self, owner: Belonging) -> None:
        """Record now what the secret belongs to."""

    def reserve(self, known: Sequence[Any]) -> None:
        """Prove that the store is writable by writing a pending record beside the current value."""

    def release(self, *, doubted: bool = False) -> None:
        """Remove the pending record: nothing was minted, or the minted secret was deleted.

        ``doubted``: the current value may be void nevertheless.
        """

    def doubt(self) -> None:
        """Record that the current value may be void, which also proves that the store is writable.

        Writes nothing if this entry has a reservation, which already marks the value as doubtful.
        """

    def trust(self) -> None:
        """Take the last doubt back: what would have made the current value void was not done."""

    def confirm(self) -> None:
        """Record that the appliance accepts the current value, despite a doubt or an unfinished minting.

        Settles only the doubts that were in the record when it was read, as commit does.
        """

    def persist(self, value: str, id_: Any, rotation_id: str | None) -> Secret:
        """Store a minted value as pending, read it back and compare. Retry failures."""

    def escrow(self, value: str) -> str | None:
        """Save a value that the store refuses in an encrypted file. Return its path, None on failure."""

    def commit(self, *, verified: bool, id_: Any, keep_previous: bool) -> Secret:
        """Make the pending value current. ``keep_previous``: keep the old value, which is still valid."""

    def prove(self) -> Secret:
        """Record that the appliance accepted the current value."""

    def retire(self) -> None:
        """Drop the previous value."""

    def consumed(self, consumer: str) -> None:
        """Record that the secret is assigned to the consumer."""

    def abandoned(self, consumers: Collection[str]) -> None:
        """Record that the secret is no longer assigned to the consumers."""

    def delivered(self, consumer: str, fingerprint: str, at: str) -> None:
        """Record which value was delivered to the consumer, and when that began."""

    def others(self, host: str) -> Iterator[tuple[str, Belonging]]:
        """Yield the place of each secret of the same name of another host, and what it belongs to.

        Only some stores can be listed, and only if the roles' default references are used. A record that this
        run cannot read is left out.
        """

    def remember_trusted(self, hosts: Mapping[str, str]) -> None:
        """Record the trusted hosts of the secret's object, each with the inventory name that it came from.

        An empty name means that the origin is unknown. A record without a value is not written.
        """

    def forget(self) -> None:
        """Remove the record: the secret no longer grants access."""
