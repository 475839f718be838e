# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Invisible characters, against the categories of the Unicode database."""

from __future__ import annotations

import sys
import unicodedata

import pytest

from ansible_collections.otsec.defender_iot.plugins.plugin_utils._text.characters import visible

# Prepended marks, such as the Arabic number sign, are format characters that a font shows.
SHOWN = {chr(n) for n in (*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD)}


def test_every_control_and_format_character_is_spelled_out() -> None:
    hidden = {
        chr(number)
        for number in range(sys.maxunicode + 1)
        if unicodedata.category(chr(number)) in ("Cc", "Cf", "Cs", "Zl", "Zp")
    }
    assert {each for each in hidden if visible(each) == each} == {"\t", "\n", *(SHOWN & hidden)}


@pytest.mark.parametrize(
    "text", ["fgt-01", "جدار", "קיר", "한글", "🔥 e\u0301", "a\tb\nc", "a\r\nb", "a\u00a0b"]
)
def test_visible_text_is_unchanged(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\rb", "a[U+000D]b"),
        ("\u202egpj", "[U+202E]gpj"),
        ("\u061cx\u2066y\u2069", "[U+061C]x[U+2066]y[U+2069]"),
        ("f\u200bg\u00adt\u3164", "f[U+200B]g[U+00AD]t[U+3164]"),
        ("v\ufe0f\U000e0041", "v[U+FE0F][U+E0041]"),
        ("\ud800", "[U+D800]"),
    ],
)
def test_an_invisible_character_becomes_its_code_point(text: str, shown: str) -> None:
    assert visible(text) == shown
