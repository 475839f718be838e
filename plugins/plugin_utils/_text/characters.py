# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Characters that a reader cannot see, and that can make one name look like another."""

from __future__ import annotations

import re

INVISIBLE = re.compile(
    "["
    # Control characters, but not the tab and the line feed; surrogates, as which Ansible keeps bytes that are
    # not UTF-8.
    "\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ud800-\udfff"
    # Line and paragraph separators, interlinear annotations, and the blank Braille pattern.
    "\u2028\u2029\ufff9-\ufffb\u2800"
    # Unicode's property Default_Ignorable_Code_Point (DerivedCoreProperties.txt): characters without width,
    # those that change the direction of text, variation selectors, tags. And hieroglyph format controls.
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    "]|\r(?!\n)"
)


def visible(text: str) -> str:
    """Return a text in which each invisible character is replaced by its code point, such as [U+202E]."""
    return INVISIBLE.sub(lambda found: f"[U+{ord(found[0]):04X}]", text)
