# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every secret that the lab has issued or received, so that tests can search for leaks."""

from __future__ import annotations

import string
from dataclasses import dataclass, field
from random import Random
from typing import Any

ALPHANUMERIC = string.ascii_letters + string.digits
HEXADECIMAL = "0123456789abcdef"
REDACTED = "<redacted>"


GIVEN = "module_token"
"""The kind of a secret that an appliance received from a client."""


@dataclass(frozen=True)
class Secret:
    """One secret value with its appliance and kind."""

    appliance: str
    kind: str
    value: str


@dataclass
class Ledger:
    """The secrets of all appliances, oldest first."""

    secrets: dict[str, Secret] = field(default_factory=dict)

    def note(self, secret: Secret) -> None:
        """Record a secret, unless its value is empty."""
        if secret.value:
            self.secrets.setdefault(secret.value, secret)

    def forget_given(self) -> None:
        """Delete the secrets that appliances received from clients. Those that they issued stay."""
        self.secrets = {value: each for value, each in self.secrets.items() if each.kind != GIVEN}

    def redacted(self, value: Any) -> Any:
        """Return a copy of a JSON value with every secret replaced."""
        if isinstance(value, dict):
            return {key: self.redacted(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.redacted(item) for item in value]
        return REDACTED if isinstance(value, str) and value in self.secrets else value


class Mint:
    """Generates the secrets of one appliance: the same seed gives the same secrets."""

    def __init__(self, appliance: str, seed: int, ledger: Ledger) -> None:
        self._source = f"{seed}/{appliance}"
        self.random = Random(self._source)
        self._appliance = appliance
        self._ledger = ledger

    def apart(self, purpose: str) -> Random:
        """Return a new generator for one purpose. Its numbers are always the same and change no secret."""
        return Random(f"{self._source}/{purpose}")

    def issue(self, kind: str, length: int, alphabet: str = ALPHANUMERIC) -> str:
        """Generate a secret and record it."""
        return self.note(kind, self.make(length, alphabet))

    def make(self, length: int, alphabet: str = ALPHANUMERIC) -> str:
        """Generate a part of a secret, without recording it."""
        return "".join(self.random.choices(alphabet, k=length))

    def note(self, kind: str, value: str) -> str:
        """Record a secret and return it."""
        self._ledger.note(Secret(self._appliance, kind, value))
        return value
