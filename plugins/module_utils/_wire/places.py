# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values in an answer, by the places that an endpoint map names.

A place is a JSON pointer (RFC 6901), or a mapping with one of ``pointer``, ``header``, ``cookie``, ``meta``
(an HTML meta tag) and ``input`` (an HTML input), and perhaps ``decode``, a key of ``DECODERS``.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from html.parser import HTMLParser
from typing import Any, Optional
from urllib.parse import unquote

from .https import Response

Pair = tuple[str, Optional[str]]


def pointed(document: Any, pointer: str) -> Any:
    """Return what a JSON pointer (RFC 6901) points at. Raises LookupError."""
    for token in pointer.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        document = _item(document, name) if isinstance(document, list) else _member(document, name)
    return document


def _item(document: list[Any], name: str) -> Any:
    if not name.isdecimal():
        raise LookupError(name)
    return document[int(name)]


def _member(document: Any, name: str) -> Any:
    if not isinstance(document, Mapping):
        raise LookupError(name)
    return document[name]


class _Tags(HTMLParser):
    """Collects the values of meta tags and inputs, by kind and name."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[tuple[str, str], str] = {}

    def handle_starttag(self, tag: str, attrs: list[Pair]) -> None:
        """Keep the first value of each name, as a browser's query does."""
        given = dict(attrs)
        name, value = given.get("name"), given.get("content" if tag == "meta" else "value")
        if tag in ("meta", "input") and name and value is not None:
            self.found.setdefault((tag, name), value)


def tags(page: str) -> dict[tuple[str, str], str]:
    """Return the values of a page's meta tags and inputs, by (``meta`` or ``input``, name)."""
    reader = _Tags()
    reader.feed(page)
    return reader.found


def from_base64(text: str) -> str:
    """Decode base64 in either alphabet, padded or not. Raises ValueError where it is no text."""
    padded = text.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(padded + "=" * (-len(padded) % 4), validate=True).decode()
    except binascii.Error:
        raise ValueError("no base64") from None


def without_quotes(text: str) -> str:
    """Remove the double quotes around a text."""
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text


DECODERS: dict[str, Callable[[str], str]] = {
    "percent": unquote,
    "quotes": without_quotes,
    "base64": from_base64,
}
"""How a browser may change a value before it sends it."""


def decoded(place: Any, value: Any) -> Any:
    """Return a value as its place says that it is sent. Raises LookupError where it cannot be decoded."""
    if isinstance(place, str) or "decode" not in place:
        return value
    try:
        return DECODERS[place["decode"]](str(value))
    except ValueError:
        raise LookupError(place["decode"]) from None


def found_in(answer: Response, place: Any) -> Any:
    """Return the value at a place that is not a cookie.

    Raises LookupError where there is none, and ApplianceError where the answer has to be JSON and is not.
    """
    if isinstance(place, str):
        return pointed(answer.json(), place)
    if "pointer" in place:
        return decoded(place, pointed(answer.json(), place["pointer"]))
    if "header" in place:
        return decoded(place, answer.headers[place["header"]])
    kind = "meta" if "meta" in place else "input"
    return decoded(place, tags(answer.text)[kind, place[kind]])
