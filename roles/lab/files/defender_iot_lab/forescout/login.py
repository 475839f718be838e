# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two logins of a mock Forescout: one account, separate tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..core.clock import Clock


@dataclass(frozen=True)
class Login:
    """One login: its account, and the expiry of each token that it has issued."""

    credentials: dict[str, str]
    clock: Clock
    tokens: dict[str, float] = field(default_factory=dict)

    @property
    def username(self) -> str:
        return self.credentials["username"]

    def fits(self, fields: Mapping[str, str]) -> bool:
        """Return whether these fields have the right name and password."""
        return {name: fields.get(name) for name in ("username", "password")} == self.credentials

    def admit(self, token: str, seconds: float) -> None:
        """Accept a token for a number of seconds."""
        self.tokens[token] = self.clock.now() + seconds

    def admits(self, token: str) -> bool:
        """Return whether a token was issued and has not expired."""
        return self.tokens.get(token, 0) > self.clock.now()
