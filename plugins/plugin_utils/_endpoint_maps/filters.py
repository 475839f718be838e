# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recognize the parameters of a list that may leave tokens out. Only their names and values tell."""

from __future__ import annotations

import re

from .places_sent import sent_places
from .recording import Exchange
from .token_rows import name_of

NAMES = re.compile(
    r"q|query|search|filter|scope|state|status|type|kind|owner|user|mine|since|until|after|before|from|to"
    r"|start|end|(start|end|from|to|created|modified).*(date|time|at)|.*(search|filter|scope|status)"
)
DATE = re.compile(r"[12]\d{3}-\d\d-\d\d.*")
WHOLE = ("", "*", "%", "all", "any", "0", "1", "true", "false", "null")
"""Values that leave nothing out, or that paging uses."""


def filtering(exchange: Exchange) -> list[str]:
    """Return the parameters of a list's request that may leave tokens out, such as ``scope=mine``."""
    found = []
    for (kind, name), value in sent_places(exchange):
        key = re.sub(r"[^a-z]", "", name_of(name).lower())
        is_code = "{" in value
        if kind == "path" or is_code or value.lower() in WHOLE or value.isdecimal():
            continue
        if NAMES.fullmatch(key) or DATE.fullmatch(value):
            found.append(f"{name_of(name)}={value}")
    return found
