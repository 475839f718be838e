# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the XML of an export, and changes attributes at their place.

Every byte that is not changed stays as the Console wrote it. What Forescout's own reader does with another
form of the same document is not known. A serialiser would write another form, and tells no positions, so this
reads with expat. Pure: standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

from .._engine.errors import InvalidOptions

LARGEST = 4 * 1024 * 1024
"""Maximum size in bytes. Published exports are far below 1 MiB."""

DEEPEST = 100
"""Maximum depth of elements. Nested conditions of published exports reach about 15."""

ANOTHER = "export the policy again in the Console"

ATTRIBUTE = re.compile(rb"\s+([^\s=]+)\s*=\s*(\"[^\"]*\"|'[^']*')")
NAME_OF_TAG = re.compile(rb"<[^\s/>]+")
END_OF_TAG = re.compile(rb"\s*/?>")
ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
ESCAPES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}
)


@dataclass
class Element:
    """One element. ``start`` is the position of its first byte."""

    tag: str
    attributes: Mapping[str, str]
    start: int
    children: list[Element] = field(default_factory=list)
    text: str = ""

    def walk(self) -> Iterator[Element]:
        """Yield the element and all elements inside, in the order of the document."""
        yield self
        for child in self.children:
            yield from child.walk()

    def all(self, *tags: str) -> list[Element]:
        """Return the elements inside with one of these tags, in the order of the document."""
        return [each for each in self.walk() if each.tag in tags]

    def named(self, tag: str) -> list[Element]:
        """Return the direct children with a tag."""
        return [each for each in self.children if each.tag == tag]


Values = Mapping[tuple[int, str], str]
"""New values of attributes, by the start of their element and their name."""


def read_document(content: bytes) -> Element:
    """Return the root element. Raises InvalidOptions for anything but a plain XML document in UTF-8."""
    if len(content) > LARGEST:
        raise InvalidOptions(f"it is larger than {LARGEST >> 20} MiB", ANOTHER)
    if not _is_utf_8(content):
        raise InvalidOptions("its bytes are not UTF-8, as those of every export are", ANOTHER)
    return _Reader().read(content)


def _is_utf_8(content: bytes) -> bool:
    """Return whether a document is UTF-8. UTF-16, which expat detects by its zero bytes, may look like it."""
    try:
        return "\0" not in content.decode("utf-8")
    except UnicodeDecodeError:
        return False


class _Reader:
    """Builds the elements, and refuses what no export has before it has an effect."""

    def __init__(self) -> None:
        # The declared encoding is checked. It must not decide how the bytes are read.
        self.parser = expat.ParserCreate("UTF-8")
        self.parser.buffer_text = True
        self.open = [Element("", {}, 0)]
        handlers: dict[str, Callable[..., None]] = {
            "XmlDeclHandler": self._declare,
            "StartDoctypeDeclHandler": self._refuse_doctype,
            "StartElementHandler": self._start,
            "EndElementHandler": self._end,
            "CharacterDataHandler": self._text,
        }
        for name, handler in handlers.items():
            setattr(self.parser, name, handler)

    def read(self, content: bytes) -> Element:
        try:
            self.parser.Parse(content, True)
        except expat.ExpatError as error:
            what = expat.errors.messages.get(error.code, "")
            raise InvalidOptions(
                f"it is not a whole XML document ({what} in line {error.lineno})", ANOTHER
            ) from None
        return self.open[0].children[0]

    def _declare(self, version: str, encoding: str | None, standalone: int) -> None:
        if (encoding or "utf-8").lower() != "utf-8":
            raise InvalidOptions("it declares another encoding than UTF-8", ANOTHER)

    def _refuse_doctype(self, *about: Any) -> None:
        raise InvalidOptions("it declares a document type, which no export does", ANOTHER)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if len(self.open) > DEEPEST:
            raise InvalidOptions(f"its elements are nested more than {DEEPEST} deep", ANOTHER)
        element = Element(tag, attributes, self.parser.CurrentByteIndex)
        self.open[-1].children.append(element)
        self.open.append(element)

    def _end(self, tag: str) -> None:
        self.open.pop()

    def _text(self, text: str) -> None:
        self.open[-1].text += text.strip()


def with_values(content: bytes, values: Values) -> bytes:
    """Return a document with other values of attributes. An attribute that is missing is added.

    Raises InvalidOptions for a value with characters that XML cannot contain.
    """
    edits = [_edit(content, start, name, value) for (start, name), value in values.items()]
    return spliced(content, edits)


def spliced(content: bytes, edits: Sequence[tuple[int, int, bytes]]) -> bytes:
    """Return a document with parts replaced, each given by its start, its end and its new bytes."""
    for start, end, new in sorted(edits, reverse=True):
        content = content[:start] + new + content[end:]
    return content


def span(content: bytes, element: Element) -> tuple[int, int]:
    """Return the start and the end of an element without children."""
    closing, end = f"</{element.tag}".encode(), _attributes(content, element.start)[1]
    if content[end - 2 : end] != b"/>":
        end = content.index(b">", content.index(closing, end)) + 1
    return element.start, end


def attribute(name: str, value: str) -> bytes:
    """Return an attribute in the form that exports have."""
    if ILLEGAL.search(value):
        raise InvalidOptions(
            "the value has a control character, which XML cannot contain", "remove the character"
        )
    return f'{name}="{value.translate(ESCAPES)}"'.encode()


def _edit(content: bytes, start: int, name: str, value: str) -> tuple[int, int, bytes]:
    new = attribute(name, value)
    places, _end = _attributes(content, start)
    if name in places:
        return (*places[name], new)
    after = _end_of(NAME_OF_TAG, content, start)
    return after, after, b" " + new


def _attributes(content: bytes, start: int) -> tuple[dict[str, tuple[int, int]], int]:
    """Return the place of each attribute of a start tag, and the end of the tag."""
    places: dict[str, tuple[int, int]] = {}
    position = _end_of(NAME_OF_TAG, content, start)
    while found := ATTRIBUTE.match(content, position):
        places[found[1].decode()] = (found.start(1), found.end())
        position = found.end()
    return places, _end_of(END_OF_TAG, content, position)


def _end_of(part: re.Pattern[bytes], content: bytes, start: int) -> int:
    """Return the end of a part of a tag that the parser has read at this place."""
    return next(part.finditer(content, start)).end()
