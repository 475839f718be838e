# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Versions of firmware: which of them have something, and which a text such as ``>=24.1,<25`` means."""

from __future__ import annotations

import re
from typing import Optional

CLAUSE = re.compile(r"(>=|<=|>|<)?\s*(\d+(?:\.\d+)*)")

Spans = tuple[tuple[str, Optional[str]], ...]
"""Versions as pairs of the first that has something and the first that has it no more, None for never."""


def since(first: str, before: str | None = None) -> Spans:
    """Return the versions from one on, up to but not including another."""
    return ((first, before),)


def within(version: str, spans: Spans) -> bool:
    """Say whether a version is among some; no spans mean all versions."""
    has = _numbers(version)
    return not spans or any(
        _numbers(first) <= has and (before is None or has < _numbers(before)) for first, before in spans
    )


def in_words(spans: Spans) -> str:
    """Say in a sentence which versions have something."""
    parts = [f"from {first}" + (f" until before {before}" if before else "") for first, before in spans]
    return f"exists {' and '.join(parts)}"


def fits(version: str, versions: str) -> bool:
    """Say whether an appliance's version is among a map's, such as ``>=24.1,<25`` or ``24.1``.

    A number alone stands for all versions that begin with it.
    """
    has = _numbers(version)
    for clause in versions.split(","):
        found = CLAUSE.fullmatch(clause.strip())
        if found is None or not has:
            return False
        bound = _numbers(found[2])
        kept = {
            ">=": has >= bound,
            "<=": has <= bound,
            ">": has > bound,
            "<": has < bound,
            None: has[: len(bound)] == bound,
        }
        if not kept[found[1]]:
            return False
    return True


def _numbers(version: str) -> tuple[int, ...]:
    found = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in found[0].split(".")) if found else ()
