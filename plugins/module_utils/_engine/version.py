# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Firmware versions: which ones have a feature, and which ones a text such as ``>=24.1,<25`` matches."""

from __future__ import annotations

import re
from typing import Optional

CLAUSE = re.compile(r"(>=|<=|>|<)?\s*(\d+(?:\.\d+)*)")

Spans = tuple[tuple[str, Optional[str]], ...]
"""Pairs of the first version with a feature and the first version without it, None if it still exists."""


def since(first: str, before: str | None = None) -> Spans:
    """Return the versions from ``first`` up to, but not including, ``before``."""
    return ((first, before),)


def within(version: str, spans: Spans) -> bool:
    """Return whether the spans include a version. No spans include every version."""
    has = _numbers(version)
    return not spans or any(
        _numbers(first) <= has and (before is None or has < _numbers(before)) for first, before in spans
    )


def in_words(spans: Spans) -> str:
    """Return a clause that names the versions, such as ``exists from 6.4.0 (removed in 7.4.2)``."""
    parts = [f"from {first}" + (f" (removed in {before})" if before else "") for first, before in spans]
    return f"exists {' and '.join(parts)}"


def fits(version: str, versions: str) -> bool:
    """Return whether a version matches a text such as ``>=24.1,<25`` or ``24.1``.

    A number alone matches all versions that begin with it.
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
