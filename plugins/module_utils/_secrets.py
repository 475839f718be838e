# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A one-time secret as the engine sees it: a reference, a fingerprint, and a keeper that holds the value.

Pure: standard library only. Private to this collection: may change at any time.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Protocol

KNOWN_AFTER_APPLY = "(known after apply)"


def fingerprint(salt: str, value: str) -> str:
    """Return 12 hexadecimal digits that tell one value of a secret from another, and nothing about it.

    The salt, up to 16 characters, belongs to the record, not to its place, which differs from clone to clone.
    """
    return hashlib.blake2b(value.encode(), salt=salt.encode(), digest_size=6).hexdigest()


@dataclass(frozen=True)
class Secret:
    """A stored secret. ``pending`` until it was read back and, where that is harmless, tried once.

    ``verified_at`` is when the appliance accepted it, None if it was never tried. ``delivered`` holds, for
    each consumer, the fingerprint of the value that was last given to it.
    """

    ref: str
    value: str
    salt: str
    pending: bool
    created_at: str | None
    verified_at: str | None
    delivered: dict[str, str]

    @property
    def fingerprint(self) -> str:
        """Tell this value from another without showing it."""
        return fingerprint(self.salt, self.value)


def shown(ref: str, secret: Secret | None) -> dict[str, str | None]:
    """Return what a result may say about a secret; None where nothing is known."""
    return {
        "secret_ref": ref,
        "fingerprint": secret.fingerprint if secret else None,
        "created_at": secret.created_at if secret else None,
        "verified_at": secret.verified_at if secret else None,
    }


class Keeper(Protocol):
    """Holds one secret in a store on the control node. Every method may raise SecretStoreError."""

    ref: str

    def stored(self) -> Secret | None:
        """Return the secret, None if the store is readable and holds none."""

    def reserve(self) -> None:
        """Prove that the store can be written, by a pending record beside the current value."""

    def release(self) -> None:
        """Withdraw the pending record: nothing was minted."""

    def persist(self, value: str) -> Secret:
        """Store a minted value as pending, read it back and compare."""

    def commit(self, *, verified: bool) -> Secret:
        """Make the pending value the current one."""

    def delivered(self, consumer: str, fingerprint: str) -> None:
        """Note which value the consumer was given."""

    def forget(self) -> None:
        """Remove the secret: what it opened is gone."""
