# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Common parts of the invented web interfaces: random names, and pages that use them."""

from __future__ import annotations

import json
import string
from dataclasses import asdict
from pathlib import Path
from random import Random
from typing import Any


def page(path: Path, names: Any) -> str:
    """Return a page with the names of a dataclass filled in."""
    return path.read_text(encoding="utf-8").replace("__NAMES__", json.dumps(asdict(names)))


class Words:
    """Generates unique random words."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._made: set[str] = set()

    def __call__(self) -> str:
        word = "".join(self._random.choices(string.ascii_lowercase, k=8))
        if word in self._made:
            return self()
        self._made.add(word)
        return word
