# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files of ``key=value`` lines in the two observed styles: raw, and escaped as in Java.

The raw style (observed on 8.5.2) uses everything after the first ``=`` unchanged. The escaped style (observed
on 9.x) puts a backslash before ``: = # !`` and itself, and writes non-ASCII characters as ``\\uXXXX``. Pure:
standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

BLANK = " \t\f"
PAIR = re.compile(r"[ \t\f]*((?:\\.|[^\\=: \t\f])*)[ \t\f]*[=:]?[ \t\f]*(.*)", re.DOTALL)
ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
LETTERS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}
SPECIAL = re.compile(r"[\\:=#!]|^ ")


def parsed(text: str, escaped: bool) -> dict[str, str]:
    """Return the properties. The last of two with the same key counts, as in Java."""
    return dict(_pair(line, escaped) for line in _lines(text, escaped) if not _is_comment(line))


def with_value(text: str, key: str, value: str, escaped: bool) -> str:
    """Return the text with one property set, at its old place if it has one, and the rest unchanged.

    ``value`` is printable ASCII.
    """
    fresh = f"{_escape(key) if escaped else key}={_escape(value) if escaped else value}"
    kept: list[str] = []
    for line in _lines(text, escaped):
        ours = not _is_comment(line) and _pair(line, escaped)[0] == key
        if not ours or fresh not in kept:
            kept.append(fresh if ours else line)
    return "".join(f"{line}\n" for line in (kept if fresh in kept else [*kept, fresh]))


def _lines(text: str, escaped: bool) -> Iterator[str]:
    """Yield the lines. An escaped line continues in the next one if its last backslash escapes the break."""
    joined = ""
    for line in text.split("\n") if not text.endswith("\n") else text[:-1].split("\n"):
        joined += line
        backslashes = len(line) - len(line.rstrip("\\"))
        if escaped and backslashes % 2 and not _is_comment(joined):
            joined += "\n"
            continue
        yield joined
        joined = ""
    if joined:
        yield joined.rstrip("\n")


def _is_comment(line: str) -> bool:
    return line.lstrip(BLANK)[:1] in ("", "#", "!")


def _pair(line: str, escaped: bool) -> tuple[str, str]:
    if escaped:
        match = PAIR.match(re.sub(r"\\\n[ \t\f]*", "", line))
        key, value = match.groups() if match else (line, "")
        return _unescape(key), _unescape(value)
    key, _equals, value = line.partition("=")
    return key.strip(BLANK), value.lstrip(BLANK) if key.endswith(tuple(BLANK)) else value


def _unescape(text: str) -> str:
    def plain(match: re.Match[str]) -> str:
        return chr(int(match[1], 16)) if match[1] else LETTERS.get(match[2], match[2])

    return ESCAPE.sub(plain, text)


def _escape(text: str) -> str:
    return SPECIAL.sub(lambda match: "\\" + match[0], text)
