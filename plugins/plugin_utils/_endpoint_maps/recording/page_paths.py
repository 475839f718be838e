# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recognize pages that are requested by a part of the path, such as ``/tokens/page/2`` or ``/list/0/10``."""

from __future__ import annotations

import re
from collections.abc import Iterator

NAMED = re.compile(
    r"pages?|pagenumber|p|offset|skip|start|from|limit|size|end|to|top|take|count", re.IGNORECASE
)
NUMBER = re.compile(r"\d{1,6}")


def numbered_parts(path: str) -> Iterator[tuple[str, str]]:
    """Yield the numbers of a path, without its query, that may be a position or a size, by their names.

    These are the numbers after a word for it, and two numbers in sequence, of which the second is a limit. A
    name is ``#``, the position in the path, and the word before it.
    """
    parts = path.split("/")
    for at in range(1, len(parts)):
        before = parts[at - 1]
        if not NUMBER.fullmatch(parts[at]):
            continue
        if NUMBER.fullmatch(before):
            yield f"#{at} limit", parts[at]
        elif NAMED.fullmatch(before) or NUMBER.fullmatch("".join(parts[at + 1 : at + 2])):
            yield f"#{at} {before}", parts[at]


def same_pages(path: str) -> str:
    """Return a path without what may be a position or a size, which is the same for all pages of a list."""
    for name, _value in numbered_parts(path):
        path = with_part(path, name, "*")
    return path


def with_part(path: str, name: str, value: str) -> str:
    """Return a path in which the part of this name has another value."""
    parts = path.split("/")
    parts[int(name[1:].partition(" ")[0])] = value
    return "/".join(parts)
