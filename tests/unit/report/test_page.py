# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The HTML page without a browser: its content, and what it must never contain."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from html.parser import HTMLParser
from typing import Any

import jsonschema
import pytest

from ansible_collections.otsec.defender_iot.plugins.plugin_utils._report.page import TEMPLATE, render
from ansible_collections.otsec.defender_iot.tests.support.report_documents import (
    HOSTILE,
    block,
    clean,
    document,
    fleet,
    hostile,
    left_behind,
    manual,
    proposal,
    small,
)


class Page(HTMLParser):
    """A parsed page: its elements, and the text of each script and style."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.inmost = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.inmost = tag

    def handle_endtag(self, tag: str) -> None:
        self.inmost = ""

    def handle_data(self, data: str) -> None:
        self.texts.append((self.inmost, data))

    def all_of(self, tag: str) -> list[dict[str, str | None]]:
        """Return the attributes of every element with a tag."""
        return [attributes for name, attributes in self.elements if name == tag]

    def inside(self, tag: str) -> list[str]:
        """Return the texts of every element with a tag."""
        return [text for name, text in self.texts if name == tag]

    @property
    def policy(self) -> str:
        """The content security policy."""
        (found,) = (each for each in self.all_of("meta") if each.get("http-equiv"))
        return found["content"] or ""


def inlined(page: str) -> Any:
    """Return the report in a page's data."""
    return json.loads(Page(page).inside("script")[0])


@pytest.mark.parametrize("make", [small, clean, manual, fleet])
def test_a_page_contains_its_report(make: Callable[[], dict[str, Any]]) -> None:
    assert inlined(render(make())) == make()


@pytest.mark.parametrize("make", [small, clean, manual, fleet])
def test_the_reports_of_these_tests_are_valid(make: Callable[[], dict[str, Any]]) -> None:
    jsonschema.validate(make(), json.loads(TEMPLATE.with_name("schema.json").read_text()))


def test_the_same_report_gives_the_same_page() -> None:
    assert render(small()) == render(small())


def test_hostile_texts_make_no_element() -> None:
    harmless, page = Page(render(small())), Page(render(hostile()))
    assert page.all_of("img") == []
    assert len(page.all_of("script")) == len(harmless.all_of("script")) == 2
    assert page.inside("script")[1] == harmless.inside("script")[1]


@pytest.mark.parametrize("name", ["image", "script", "comment", "quote", "arabic", "long", "prototype"])
def test_a_hostile_text_is_unchanged(name: str) -> None:
    text = HOSTILE[name]
    found = {each["appliance"] for each in inlined(render(hostile()))["appliances"]}
    assert {text, f"s {text}"} <= found


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\u202egpj.etagitrof", "[U+202E]gpj.etagitrof"),
        ("\u061cfgt\u00ad\u3164\ufe0f", "[U+061C]fgt[U+00AD][U+3164][U+FE0F]"),
        ("line\u2028and\u2029paragraph", "line[U+2028]and[U+2029]paragraph"),
        ("half \udcff of it", "half [U+DCFF] of it"),
        ("bell\a", "bell[U+0007]"),
        ("two\nlines\tof it", "two\nlines\tof it"),
    ],
)
def test_an_invisible_character_is_spelled_out(text: str, shown: str) -> None:
    page = render({**small(), "playbook": text})
    assert inlined(page)["playbook"] == shown
    assert page.encode()


def test_the_policy_allows_the_page_s_own_script_and_style_and_nothing_else() -> None:
    page = Page(render(hostile()))
    texts = {"script": page.inside("script")[1], "style": page.inside("style")[0]}
    own = {
        kind: "sha256-" + b64encode(sha256(text.encode()).digest()).decode() for kind, text in texts.items()
    }
    assert page.policy.split("; ") == [
        "default-src 'none'",
        f"style-src '{own['style']}'",
        f"script-src '{own['script']}'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
    ]


def test_the_page_needs_nothing_from_elsewhere() -> None:
    page = Page(render(small()))
    assert [each["href"] for each in page.all_of("link")] == ["data:,"]
    assert not [each for _tag, each in page.elements if {"src", "action", "style", "onclick"} & each.keys()]
    assert not re.search(r"@import|url\(|fetch\(|XMLHttpRequest|WebSocket", TEMPLATE.read_text())


def test_the_script_writes_no_html() -> None:
    script = Page(render(small())).inside("script")[1]
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|Function\(", script
    )


def test_the_findings_are_in_words_without_scripts() -> None:
    assert Page(render(small())).inside("li") == [
        "4 objects differ, on 3 of 8 appliances.",
        "1 appliance was not checked: the state is unknown.",
        "2 integrations were never called.",
        "9 objects are as declared.",
        "1 integration is not provable: no interface shows the calls.",
    ]
    assert Page(render(clean())).inside("li") == [
        "All 16 objects are as declared.",
        "5 integrations are not provable: no interface shows the calls.",
    ]
    assert Page(render(manual())).inside("li") == [
        "15 objects are as declared.",
        "1 object is not provable: no interface can read it.",
    ]


def test_a_run_that_changed_something_says_so() -> None:
    page = Page(render({**small(), "mode": "apply", "state": "changed"}))
    assert page.inside("h1") == ["Changed"]
    assert page.inside("li")[0] == "4 objects were changed, on 3 of 8 appliances."


def test_without_scripts_the_counts_and_unchecked_appliances_are_there() -> None:
    page = Page(render(small()))
    assert page.inside("th")[:8] == [action.replace("_", " ") for action in small()["counts"]]
    assert page.inside("td")[:8] == [str(number) for number in small()["counts"].values()]
    assert "fgt-south-01" in page.inside("bdi")


LEFT = {
    "2026-11-22T12:25:04Z": "2 h 10 min",
    "2026-11-22T10:16:03Z": "ended",
    "2026-11-22T10:16:04Z": "0 h 1 min",
    "2026-11-22T09:00:00Z": "ended",
    "2026-11-24T10:15:04Z": "48 h 0 min",
    "soon": "unknown",
}


@pytest.mark.parametrize(("until", "left"), LEFT.items(), ids=LEFT.values())
def test_a_blocked_host_has_the_time_that_is_left(until: str, left: str) -> None:
    page = Page(render(document([], [], [], blocks=[block("192.0.2.7", until)])))
    assert page.inside("time")[1:] == [left]
    assert "Blocked hosts" in page.inside("h2")


def test_the_page_has_the_proposals_and_none_of_these_parts_otherwise() -> None:
    page = Page(render(document([], [], [], proposals=[proposal("192.0.2.7")])))
    assert "192.0.2.7" in page.inside("bdi")
    assert "block" in page.inside("td")
    titles = page.inside("h2")
    assert ("Proposals" in titles, "Blocked hosts" in titles) == (True, False)
    assert not {"Proposals", "Blocked hosts"} & set(Page(render(small())).inside("h2"))


def test_a_report_without_appliances_is_a_page() -> None:
    page = Page(render(document([], [], [])))
    assert page.inside("h1") == ["Clean"]
    assert "All 0" not in render(document([], [], []))


def test_a_page_is_little_larger_than_its_data() -> None:
    for report in (small(), fleet()):
        data = json.dumps(report, separators=(",", ":"))
        assert len(render(report)) < len(data) + 80_000


def test_hosts_that_are_left_behind_are_listed_with_the_command() -> None:
    report = {**clean(), "left_behind": [left_behind("fgt-old")] * 2}
    text = render(report)
    assert text.count("<td><bdi>fgt-old</bdi></td>") == 4
    assert "<li>2 hosts are left behind: not in the inventory any more.</li>" in text
    assert 'id="left-behind"' not in render(clean())


def test_the_access_of_a_retired_product_is_a_finding() -> None:
    text = render({**clean(), "retired_clients": [{"host": "console", "fortigates": ["fgt"]}]})
    assert "<li>console is a trusted host of fgt. Microsoft retired the" in text
