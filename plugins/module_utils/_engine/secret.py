# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A one-time secret as the engine sees it: a reference, a fingerprint, and its entry in a store."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

KNOWN_AFTER_APPLY = "(known after apply)"
ANOTHER_VALUE = "(another value)"


def fingerprint(salt: str, value: str) -> str:
    """Return 12 hexadecimal digits that tell one value of a secret from another, and nothing about it.

    The salt, up to 16 characters, belongs to the record, not to its place, which differs from clone to clone.
    """
    return hashlib.blake2b(value.encode(), salt=salt.encode(), digest_size=6).hexdigest()


@dataclass(frozen=True)
class Secret:
    """One value of a secret.

    ``id`` is the appliance's own name for it, None where none is known. ``verified_at`` is when the appliance
    accepted it, None if it was never tried. ``delivered`` holds, for each consumer, the fingerprint of the
    value that was last given to it, and ``delivered_at`` when that began. ``consumers`` are all that it
    was ever assigned to, those too that got it from an operator.
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
        """Tell this value from another without showing it."""
        return fingerprint(self.salt, self.value)


@dataclass(frozen=True)
class Pending:
    """A minting that has begun; ``secret`` is None until its value was stored.

    ``known`` are the ids that the appliance held before. ``owner`` is the process that began it, and
    ``is_minting`` says that it may still be minting.
    """

    secret: Secret | None
    known: tuple[Any, ...]
    owner: str
    is_minting: bool


@dataclass(frozen=True)
class StoredSecret:
    """What a store holds of a secret. ``previous`` is kept until the current value has proved itself."""

    current: Secret | None = None
    pending: Pending | None = None
    previous: Secret | None = None


def shown(ref: str, secret: Secret | None) -> dict[str, str | None]:
    """Return what a result may say about a secret; None where nothing is known."""
    return {
        "secret_ref": ref,
        "fingerprint": secret.fingerprint if secret else None,
        "created_at": secret.created_at if secret else None,
        "verified_at": secret.verified_at if secret else None,
    }


class SecretEntry(Protocol):
    """Holds one secret in a store on the control node. Every method may raise SecretStoreError.

    What is written replaces what was read: somebody else's write in between is an error, never overwritten.
    """

    ref: str

    def read(self) -> StoredSecret:
        """Return what the store holds, nothing if it is readable and empty."""

    def reserve(self, known: Sequence[Any]) -> None:
        """Prove that the store can be written, by a pending record beside the current value."""

    def release(self) -> None:
        """Withdraw the pending record: nothing was minted, or what was minted is gone."""

    def persist(self, value: str, id_: Any, rotation_id: str | None) -> Secret:
        """Store a minted value as pending, read it back and compare; try more than once."""

    def escrow(self, value: str) -> str | None:
        """Keep a value that the store refuses in an encrypted file; return its path, None if that fails."""

    def commit(self, *, verified: bool, id_: Any, keep_previous: bool) -> Secret:
        """Make the pending value the current one, and the current one the previous if that is still good."""

    def prove(self) -> Secret:
        """Note that the appliance has accepted the current value."""

    def retire(self) -> None:
        """Drop the previous value."""

    def consumed(self, consumer: str) -> None:
        """Note that the secret is assigned to the consumer."""

    def delivered(self, consumer: str, fingerprint: str, at: str) -> None:
        """Note which value the consumer was given, and when that began."""

    def forget(self) -> None:
        """Remove the secret: what it opened is gone."""
