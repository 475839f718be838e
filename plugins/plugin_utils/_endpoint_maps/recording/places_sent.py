# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The places of a request that have a value: the parts of its path, its query and its body."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, unquote

from .har import Exchange, scalars
from .values import longest_run

PlaceSent = tuple[str, str]
"""``path`` and a number, ``query`` and a name, or ``body`` and a JSON pointer."""

SHORTEST = 4
"""Shorter values are in other texts by chance."""


def sent_places(exchange: Exchange) -> Iterator[tuple[PlaceSent, str]]:
    """Yield every place of a request with its value as text."""
    path, _mark, query = exchange.path.partition("?")
    for number, part in enumerate(path.split("/")):
        yield ("path", str(number)), unquote(part)
    for name, value in parse_qsl(query, keep_blank_values=True):
        yield ("query", name), value
    for pointer, value in scalars(exchange.body):
        if value is not None and not isinstance(value, bool):
            yield ("body", pointer), str(value)


def has_value(text: str, value: Any) -> bool:
    """Return whether a text is a value, or has it as a word of a list, of code, or of a longer text."""
    wanted = str(value)
    if wanted not in text:
        return False
    if text == wanted or wanted in re.split(r"[\s,;|]+", text):
        return True
    may_be_part = "{" in text or len(wanted) >= SHORTEST or is_composite(text, wanted)
    return may_be_part and bool(re.search(rf"(?<![\w-]){re.escape(wanted)}(?![\w-])", text))


def is_composite(text: str, number: str) -> bool:
    """Return whether a text is made of a number and something else, such as ``Tokens(7)`` or ``7.json``."""
    if not number.isdecimal() or re.search(r"\s", text):
        return False
    return re.search(rf"(?<![\w.-]){number}(?![\w-]|\.\d)", text) is not None


def may_send(exchange: Exchange, value: Any) -> bool:
    """Return whether a request is worth taking apart: it contains the longest plain part of a value."""
    part = longest_run(str(value))
    return part in exchange.sent or part in unquote(exchange.path)


def _may_name(exchange: Exchange, value: Any) -> bool:
    """Return whether a request is worth taking apart to find a value as a word of its own."""
    text = str(value)
    if longest_run(text) != text:
        return may_send(exchange, text)
    before, after = (r"[\w.-]", r"[\w-]|\.\d") if text.isdecimal() else (r"[\w-]", r"[\w-]")
    word = re.compile(rf"{text}(?!{after})(?:(?<!{before}{text})|(?<=\\[bfnrt]{text}))")
    return bool(word.search(exchange.sent) or word.search(unquote(exchange.path)))


def addresses(exchange: Exchange, value: Any) -> bool:
    """Return whether a request names an object, in its path or in its body."""
    return _may_name(exchange, value) and any(
        has_value(text, value) for _place, text in sent_places(exchange)
    )
