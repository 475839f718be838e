# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recognize one-time codes in what a sign-in sends, by their form and by their names."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

NUMBER = re.compile(r"\d{4,10}")
UNNAMED = re.compile(r"\d{6,8}|\d{3}[ -]\d{3}")
NAME = re.compile(r"mfa|[2t]fa|.*(passcode|otp|code|pin)", re.IGNORECASE)
DIGIT = re.compile(r"\d")


def is_short_number(text: str) -> bool:
    """Return whether a text can be a one-time code if nothing else explains it."""
    return NUMBER.fullmatch(text) is not None


def is_code(name: str, text: str) -> bool:
    """Return whether a value is probably a one-time code. Round numbers are settings."""
    is_named = NAME.fullmatch(name) and is_short_number(text)
    return bool(is_named or (UNNAMED.fullmatch(text) and not text.endswith("00")))


def are_digits(items: Collection[Any]) -> bool:
    """Return whether a list has the digits of a one-time code, one by one."""
    return 4 <= len(items) <= 10 and all(DIGIT.fullmatch(str(each)) for each in items)
