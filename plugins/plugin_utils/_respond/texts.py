# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Texts of appliances in reasons, and texts that fit into the comment of a FortiGate's address object."""

from __future__ import annotations

from functools import lru_cache
from typing import Any
from urllib.parse import quote

from .._text.markdown import flat

LONGEST_QUOTE = 80
"""Characters of an appliance's text in a reason."""

COMMENT_SPACE = 120
"""Characters for source, approver and reason together.

A comment has at most 255 (documented); the rest is the header, both times, the owner and the field names.
"""

READABLE = " ._:,/@+-()"
"""What a comment has as it is. Everything else but letters and digits is percent-encoded there."""


def quoted(text: Any) -> str:
    """Return a text of an appliance in quotation marks, shortened."""
    shown = flat(text)
    return f'"{shown if len(shown) <= LONGEST_QUOTE else f"{shown[:LONGEST_QUOTE]} ..."}"'


@lru_cache(maxsize=4096)
def length_in_comment(text: str) -> int:
    """Return how many characters a text takes in a comment."""
    return len(quote(text, safe=READABLE, errors="replace"))


def shortened(text: str, space: int) -> str:
    """Return the beginning of a text that takes at most this many characters in a comment."""
    used = 0
    for number, character in enumerate(text):
        used += length_in_comment(character)
        if used > space:
            return text[:number].rstrip()
    return text
