# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The forms of a password that a draft must not contain."""

from __future__ import annotations

import base64
import re
from collections.abc import Collection

from .values import is_opaque

SHORTEST_PART, LONGEST_PART = 4, 8
SHORTEST_WORD = 5
"""Shorter words are in a secret by chance."""

WORD = re.compile(r"[A-Za-z0-9]+")


def password_forms(password: str) -> set[str]:
    """Return a password, its encodings that a search does not decode, and its parts, in any case.

    A part has 8 characters, or half of the password's length if that is less, but at least 4, and not only
    letters: a word may be in a map by chance. ``values.decodings`` decodes percent-encoding, HTML and JSON
    escapes, base64, hexadecimal, and compressed data in base64.
    """
    data = password.encode()
    encoded = [base64.b85encode(data), base64.a85encode(data), base64.b32encode(data)]
    wide = base64.b64encode(password.encode("utf-16-le"))
    forms = {password, password[::-1], *(each.decode().rstrip("=") for each in (*encoded, wide))}
    size = max(SHORTEST_PART, min(LONGEST_PART, (len(password) + 1) // 2))
    parts = {password[start : start + size] for start in range(len(password) - size + 1)}
    forms |= {part for part in parts if not part.isalpha()}
    return {changed for form in forms for changed in (form, form.upper(), form.lower())}


def has_part(text: str, secrets: Collection[str]) -> bool:
    """Return whether a text has a part, but not all, of a secret that looks made by a machine."""
    words = [word for word in WORD.findall(text) if len(word) >= SHORTEST_WORD and not word.isalpha()]
    parts = [word for word in words if not word.isdecimal()]
    return any(
        part in secret for secret in secrets if is_opaque(secret) and secret not in text for part in parts
    )
