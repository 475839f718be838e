# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Markdown report in the parsers of GitHub (cmark-gfm) and GitLab (comrak, with every extension).

Their filters for mentions and references run on the parsed page and skip code, so nothing of an appliance's
text may be outside of code.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import cmarkgfm
import comrak
import pytest
from cmarkgfm.cmark import Options
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.otsec.defender_iot.plugins.plugin_utils._report import markdown
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._report.document import (
    Appliance,
    LeftBehind,
    Origin,
    Outcome,
    document,
)
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._text.characters import visible
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._text.markdown import code

HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "a|b\n# heading\n",
    "|",
    "a||b | c\\|d \\",
    "\\`@user",
    "`" * 100 + "@user",
    "</code></summary></details>",
    "[click](https://evil.example) ![x](https://evil.example/x.png)",
    "@everyone @org/team #1 !34 GH-7 org/repo#7 $5 %6 &7 ~8 ^9",
    "1f2a4fb 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b org/repo@1f2a4fb",
    "www.evil.example https://evil.example mailto:a@evil.example a@evil.example",
    ":tada: $x$ $`x`$ `code` **bold** ~~x~~ ==x== [[wiki]] [^1] [x]: /y",
    "&#64;user &commat;user &amp;",
    "/close",
    "- [ ] task",
    "Fixes #1",
    "\u202egpj.\u2066a\u200bb\u00ad \ud800 \x00\x1b[31m",
]
TABLE = {"table", "thead", "tbody", "tr", "th", "td"}
OWN_TAGS = {"h2", "h3", "p", "strong", "ul", "li", "details", "summary", "code", *TABLE}
REFERENCES = re.compile(r"[@#!$%&~^:]\w|GH-\d|\b[0-9a-f]{7,}\b|://|www\.", re.IGNORECASE)


def github(text: str) -> str:
    """Return the page that GitHub's parser makes of a text."""
    options = Options.CMARK_OPT_UNSAFE | Options.CMARK_OPT_FOOTNOTES
    return str(cmarkgfm.github_flavored_markdown_to_html(text, options=options))


def gitlab(text: str) -> str:
    """Return the page that GitLab's parser makes of a text."""
    extensions = comrak.ExtensionOptions()
    for name in dir(extensions):
        if not name.startswith("header_id") and getattr(extensions, name) is False:
            setattr(extensions, name, True)
    render = comrak.RenderOptions()
    render.unsafe_ = True
    return str(comrak.render_markdown(text, extension_options=extensions, render_options=render))


PARSERS = {"github": github, "gitlab": gitlab}


def report(text: str) -> dict[str, Any]:
    """Return a report with this text in every place that an appliance or an operator can fill."""
    change = {"kind": text, "name": text, "action": "update", "changed": True, "reason": text}
    objects = [
        {**change, "before": {text: "old"}, "after": {text: text}},
        {"kind": "token", "name": text, "action": "none", "changed": False, "reason": text},
        {"kind": "settings", "name": text, "action": "unknown", "previewable": False, "reason": text},
    ]
    outcomes = [
        Outcome("fgt", "checked", None, objects, "documented"),
        Outcome(f"z {text}", "failed", f"{text} says no"),
    ]
    appliances = [Appliance("fgt", "fortigate", text), Appliance(f"z {text}", "fortigate", text)]
    origin = Origin(text, "otsec.defender_iot 0.1.0", "2026-11-22T10:15:04Z")
    left_behind = LeftBehind(f"vault_file:{text}", [text])
    consoles = [Appliance(text, "console", address="192.0.2.1")]
    return document(origin, appliances, outcomes, {}, left_behind=left_behind, consoles=consoles)


def without_code(page: str) -> str:
    """Return a page in which each code is replaced by one sign."""
    return re.sub(r"<code>[^<]*</code>", "§", page)


def cells(page: str) -> list[str]:
    """Return the texts of the table cells."""
    return [unescape(re.sub("<[^>]*>", "", cell)) for cell in re.findall("<td>(.*?)</td>", page, re.DOTALL)]


def shown(text: str) -> str:
    """Return the text as a reader should see it."""
    return " ".join(visible(text).split()).replace("`", "[U+0060]").replace("|", "[U+007C]")


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("parser", PARSERS)
def test_nothing_of_an_appliance_s_text_is_outside_of_code(parser: str, text: str) -> None:
    render = PARSERS[parser]
    page = render(markdown.render(report(text)))
    assert without_code(page) == without_code(render(markdown.render(report("x"))))
    assert set(re.findall(r"<(\w+)", page)) == OWN_TAGS
    outside = unescape(re.sub("<[^>]*>", "\n", without_code(page)))
    assert not REFERENCES.search(outside.replace("2026-11-22T10:15:04Z", ""))


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("parser", PARSERS)
def test_a_text_is_shown_in_full(parser: str, text: str) -> None:
    found = cells(PARSERS[parser](markdown.render(report(text))))
    assert found[-3:] == [shown(text), "old", shown(text)]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_line_begins_with_a_command(text: str) -> None:
    lines = markdown.render(report(text)).splitlines()
    assert not [line for line in lines if line.lstrip().startswith("/")]


@pytest.mark.parametrize("render", PARSERS.values(), ids=PARSERS)
@given(text=st.text(st.sampled_from("`|\\@#<>&*_[]()!~$:/.- \n\r\tab1\u202e\u200b\ud800"), min_size=1))
def test_any_text_stays_in_its_cell_and_in_code(render: Callable[[str], str], text: str) -> None:
    cell = code(text)
    page = render(f"| a | b |\n|---|---|\n| {cell} | {cell} |\n")
    assert cells(page) == [shown(text), shown(text)]
    assert without_code(page).count("§") == (2 if shown(text) else 0)
    assert not re.search(r"<(?!/?(?:table|thead|tbody|tr|th|td|code)>)", page)
