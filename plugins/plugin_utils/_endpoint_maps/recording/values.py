# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Follow values: which earlier answer gave what a later request sends. Names mean nothing here.

A place is one as ``_wire/places.py`` reads it. Pure.
"""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from html import unescape
from itertools import pairwise
from typing import Any
from urllib.parse import unquote

from ....module_utils._wire.places import from_base64, tags, without_quotes
from .har import Exchange, scalars

Place = dict[str, str]

SHORTEST = 4
"""Shorter values are equal by chance."""

SHORTEST_WORD = 8
LONG_WORD = 12
NUMBER = 6
WORD = re.compile(r"[A-Za-z]+([ _.-][A-Za-z]+)*")
DIGITS = re.compile(r"\d+")
PARTS = re.compile(r"[\s,;:=&\"'<>(){}\[\]|/?]+")
OPAQUE = re.compile(r"[A-Za-z0-9+/=_~-]{8,}")
HEX = re.compile(r"[0-9a-fA-F-]+")
CONSTANTS = ("XMLHttpRequest",)
ENCODED = re.compile(r"[A-Za-z0-9+/_-]{4,}={0,2}")
ENCODED_PART = re.compile(r"[A-Za-z0-9+_-]{4,}={0,2}")
"""What may be encoded: a slash is a part of it, or separates it from other parts of a path."""

ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")
"""A character as JSON and JavaScript may write it."""

COMPRESSED = ("eJ", "eN", "eA", "eF", "H4sI")
"""How base64 of compressed data begins: of zlib at each level, and of gzip."""

AUTOMATIC = 47
"""Makes zlib detect its own header or that of gzip."""

LONGEST = 100_000
RUN = re.compile(r"[A-Za-z0-9_-]+")
TAG = re.compile(r"<(?:meta|input)\b[^>]*>", re.IGNORECASE)

NOT_SESSION = frozenset(
    {
        *(
            "age",
            "alt-svc",
            "cache-control",
            "connection",
            "date",
            "expires",
            "keep-alive",
            "last-modified",
        ),
        *("pragma", "server", "set-cookie", "strict-transport-security", "vary", "via", "x-powered-by"),
        *(
            "accept-ranges",
            "transfer-encoding",
            "x-frame-options",
            "x-content-type-options",
            "x-xss-protection",
        ),
        *("permissions-policy", "referrer-policy", "location", "allow"),
    }
)
"""Headers of an answer that no request repeats as a session's value."""


@dataclass(frozen=True)
class Source:
    """A value that an answer gave: the text that is sent, and the place where the answer has it."""

    exchange: Exchange
    text: str
    place: Place


def candidates(piece: str) -> list[str]:
    """Return the parts of a text that may be a value on their own, the longest first."""
    parts = {piece, *piece.split(), *PARTS.split(piece), *re.split(r"[\s,;&\"'()]+", piece)}
    return sorted((each for each in parts if len(each) >= SHORTEST), key=len, reverse=True)


def given(
    exchange: Exchange, text: str, is_excluded: Callable[[Exchange, str], bool], *, is_strong: bool
) -> Source | None:
    """Return where an answer has a text that is sent later, perhaps decoded; None where it has it nowhere.

    ``is_strong``: a value counts even if it is an ordinary word, because the login gave it or a header sends
    it. JSON pointers for which ``is_excluded`` is true are ignored.
    """
    if not any(_may_be_session(text, place, is_strong=is_strong) for place in ({}, {"pointer": ""})):
        return None
    for place, value in _places(exchange, text, is_strong=is_strong):
        if "pointer" in place and is_excluded(exchange, place["pointer"]):
            continue
        for decode, sent in _sendable(value):
            if sent == text and _may_be_session(text, place, is_strong=is_strong):
                return Source(exchange, text, {**place, **decode})
    return None


def shows(exchange: Exchange, text: str) -> bool:
    """Return whether an answer has a text anywhere at all, in whatever form."""
    return text in (exchange.text or "") or any(text in value for value in exchange.answer_headers.values())


def cookie_given(exchange: Exchange, text: str) -> Place | None:
    """Return the cookie of a request that the same request sends as this text too, perhaps decoded."""
    for name, value in exchange.cookies.items():
        for decode, sent in _sendable(value):
            if sent == text:
                return {"cookie": name, **decode}
    return None


def has(exchange: Exchange, place: Place) -> bool:
    """Return whether an answer has a header, a meta tag or an input."""
    if "header" in place:
        return place["header"] in exchange.answer_headers
    return any((kind, name) in _tags(exchange.text or "") for kind, name in place.items())


def _sendable(value: str) -> Iterator[tuple[dict[str, str], str]]:
    yield {}, value
    if "%" in value:
        yield {"decode": "percent"}, unquote(value)
    if value[:1] == '"':
        yield {"decode": "quotes"}, without_quotes(value)
    try:
        yield {"decode": "base64"}, from_base64(value)
    except ValueError:
        return


def _may_be_session(text: str, place: Place, *, is_strong: bool) -> bool:
    """Return whether a value is a session's rather than a word or a number that is the same by chance."""
    is_json = "pointer" in place and not is_strong
    if WORD.fullmatch(text):
        return len(text) >= (LONG_WORD if is_json else SHORTEST_WORD)
    if DIGITS.fullmatch(text):
        return len(text) >= (NUMBER if is_json else SHORTEST)
    return len(text) >= SHORTEST_WORD or not is_json


def _places(exchange: Exchange, text: str, *, is_strong: bool) -> Iterator[tuple[Place, str]]:
    """Yield the places of an answer that may have a text, each with the value there."""
    for name, value in exchange.set_cookies.items():
        yield {"cookie": name}, value
    for name, value in exchange.answer_headers.items():
        if name not in NOT_SESSION and not name.startswith(("content-", "access-control-", "sec-")):
            yield {"header": name}, value
    if not exchange.text or not may_hold(exchange.text, text):
        return
    for (kind, name), value in _tags(exchange.text).items():
        yield {kind: name}, value
    if not _may_be_session(text, {"pointer": ""}, is_strong=is_strong):
        return
    for pointer, value in scalars(exchange.answer):
        if isinstance(value, (str, int)) and not isinstance(value, bool):
            yield {"pointer": pointer}, str(value)


def longest_run(text: str) -> str:
    """Return the longest part of a text that JSON, HTML and forms have as it is."""
    return max(RUN.findall(text), key=len, default="")


def may_hold(answer: str, text: str) -> bool:
    """Return whether an answer is worth parsing: it contains the longest run of letters and digits of a text.

    JSON and HTML may escape every other character.
    """
    if longest_run(text) in answer:
        return True
    encoded = base64.b64encode(text.encode()).decode().rstrip("=")[: len(text)]
    return encoded in answer or encoded.replace("+", "-").replace("/", "_") in answer


@lru_cache(maxsize=64)
def _tags(page: str) -> dict[tuple[str, str], str]:
    return tags("".join(TAG.findall(page)))


def is_opaque(text: str) -> bool:
    """Return whether a text looks made by a machine: no word, no version, no date."""
    if text in CONSTANTS or not OPAQUE.fullmatch(text):
        return False
    letters, digits = sum(map(str.isalpha, text)), sum(map(str.isdigit, text))
    is_mixed = text != text.lower() and text != text.upper()
    if digits <= 1 and len(text) >= LONG_WORD and _changes(text, str.isupper) * 3 >= len(text):
        return True
    is_long = len(text) >= LONG_WORD and digits > 1 and letters > 1
    if is_long and (is_mixed or (HEX.fullmatch(text) is not None and digits > 2)):
        return True
    return _changes(text, str.isdigit) >= 4


def _changes(text: str, kind: Callable[[str], bool]) -> int:
    """Count how often letters or digits of one kind are followed by another."""
    kinds = [kind(each) for each in text if each.isalnum()]
    return sum(one != other for one, other in pairwise(kinds))


def decodings(text: str, depth: int = 3) -> set[str]:
    """Return a text and its decodings, and those of its words, decoded up to a few times."""
    found, waiting = {text}, [(text, depth)]
    while waiting:
        each, left = waiting.pop()
        if left:
            fresh = set(_decoded_once(each)) - found
            found |= fresh
            waiting += [(other, left - 1) for other in fresh]
    return found


def _decoded_once(text: str) -> Iterator[str]:
    yield unquote(text)
    yield unescape(text)
    yield ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)
    for word in {text, *ENCODED.findall(text), *ENCODED_PART.findall(text)}:
        for decode in (from_base64, _from_hex, _inflated):
            try:
                yield decode(word)
            except ValueError:
                continue


def _from_hex(text: str) -> str:
    return bytes.fromhex(text).decode()


def _inflated(text: str) -> str:
    """Decode base64 of what zlib or gzip has compressed. Raises ValueError for anything else."""
    if not text.startswith(COMPRESSED):
        raise ValueError
    packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars="-_" if {*"-_"} & {*text} else None)
    try:
        return zlib.decompressobj(AUTOMATIC).decompress(packed, LONGEST).decode()
    except zlib.error:
        raise ValueError from None


def texts(document: Any) -> Iterator[str]:
    """Yield every key and every value of a document as text."""
    if isinstance(document, dict):
        for name, part in document.items():
            yield str(name)
            yield from texts(part)
    elif isinstance(document, list):
        for part in document:
            yield from texts(part)
    elif document is not None:
        yield str(document)
