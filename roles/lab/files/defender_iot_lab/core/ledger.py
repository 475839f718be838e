# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every secret the lab has ever issued or been given, so that tests can search for leaks."""

from __future__ import annotations

import string
from dataclasses import dataclass, field
from random import Random
from typing import Any

ALPHANUMERIC = string.ascii_letters + string.digits
HEXADECIMAL = "0123456789abcdef"
REDACTED = "<redacted>"


GIVEN = "module_token"
"""The kind of secrets that an appliance is given and has not made."""


@dataclass(frozen=True)
class Secret:
    """One secret value and where it belongs."""

    appliance: str
    kind: str
    value: str


@dataclass
class Ledger:
    """The secrets of all appliances, in order of appearance."""

    secrets: dict[str, Secret] = field(default_factory=dict)

    def note(self, secret: Secret) -> None:
        """Remember a secret; an empty value is none."""
        if secret.value:
            self.secrets.setdefault(secret.value, secret)

    def forget_given(self) -> None:
        """Forget the secrets that somebody gave to an appliance; what appliances have made stays a secret."""
        self.secrets = {value: each for value, each in self.secrets.items() if each.kind != GIVEN}

    def redacted(self, value: Any) -> Any:
        """Return a copy of a JSON value in which every secret is replaced."""
        if isinstance(value, dict):
            return {key: self.redacted(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.redacted(item) for item in value]
        return REDACTED if isinstance(value, str) and value in self.secrets else value


class Mint:
    """Makes the secrets of one appliance, the same ones for the same seed."""

    def __init__(self, appliance: str, seed: int, ledger: Ledger) -> None:
        self._source = f"{seed}/{appliance}"
        self.random = Random(self._source)
        self._appliance = appliance
        self._ledger = ledger

    def apart(self, purpose: str) -> Random:
        """Return a source of chance for one purpose, the same again each time, that changes no secret."""
        return Random(f"{self._source}/{purpose}")

    def issue(self, kind: str, length: int, alphabet: str = ALPHANUMERIC) -> str:
        """Make a new secret and remember it."""
        return self.note(kind, self.make(length, alphabet))

    def make(self, length: int, alphabet: str = ALPHANUMERIC) -> str:
        """Make a part of a secret."""
        return "".join(self.random.choices(alphabet, k=length))

    def note(self, kind: str, value: str) -> str:
        """Remember a secret that somebody else made, and return it."""
        self._ledger.note(Secret(self._appliance, kind, value))
        return value
