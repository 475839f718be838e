# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The input of a draft, which is what the operator typed and saw, and the draft itself."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any

from .reasons import REASONS


@dataclass(frozen=True)
class RecordedSession:
    """The values that the operator typed and saw in the browser. ``never_used`` is the text of *Used*."""

    product: str
    username: str
    password: str
    token: str
    description: str = ""
    server_address: str = ""
    never_used: str = "N/A"
    version: str = ""

    @property
    def basic(self) -> str:
        """Return what HTTP's basic authentication makes of the account."""
        return base64.b64encode(f"{self.username}:{self.password}".encode()).decode()


@dataclass
class Draft:
    """A possibly incomplete map, the requests ``found`` in the recording, and what is ``missing``.

    ``skipped`` counts the entries of the recording that could not be read.
    """

    endpoints: dict[str, Any]
    found: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    skipped: int = 0

    def miss(self, part: str, reason: str, **about: str) -> None:
        """Note once that a part is missing, and why: a key of ``REASONS``."""
        sentence = REASONS[reason].sentence(part, **about)
        if sentence not in self.missing:
            self.missing.append(sentence)

    def misses(self, part: str) -> bool:
        """Return whether a part, or a part of it, is noted as missing."""
        return any(each.split(":")[0].startswith(part) for each in self.missing)
