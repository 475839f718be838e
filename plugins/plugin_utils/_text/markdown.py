# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Texts from appliances in Markdown, and Markdown that fits into a comment on a pull request.

Texts from appliances are shown as code. Sites look for mentions, references and links in the rendered text,
where an escaped character is an ordinary one again, but not in code: GitHub (observed, github/cmark-gfm#181),
GitLab (source of its ReferenceFilter), Gitea (documented in its guide "Automatically linked references").
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .characters import visible

LIMIT = 60_000
"""Maximum number of characters. GitHub allows 65,536 in a comment, and pipelines may add text."""

SPELLED_OUT = str.maketrans({"`": "[U+0060]", "|": "[U+007C]"})
"""A backtick can end code, and a pipe ends the cell of a table, even in code."""


def code(text: Any) -> str:
    """Return a text as code on one line."""
    shown = flat(text).translate(SPELLED_OUT)
    return f"`{shown}`" if shown else ""


def html_code(text: Any) -> str:
    """Return a text as code in an HTML block. Only letters, digits and spaces are literal."""
    literal = "".join(each if each.isalnum() or each == " " else f"&#{ord(each)};" for each in flat(text))
    return f"<code>{literal}</code>"


def flat(text: Any) -> str:
    """Return a text on one line, with each invisible character as its code point."""
    return " ".join(visible(str(text)).split())


def fitted(head: Sequence[str], blocks: Sequence[str], complete: str) -> str:
    """Join the lines of the head and the blocks that fit. The most important blocks come first.

    If some do not fit, the text ends with their number and the name of the file that is complete.
    """
    text, omitted = "\n".join(head) + "\n", 0
    for block in blocks:
        if omitted or len(text) + len(block) > LIMIT:
            omitted += 1
        else:
            text += block
    if omitted:
        text += (
            f"\n**Omitted to limit the size:** {omitted} of {len(blocks)} parts. `{complete}` is complete.\n"
        )
    return text
