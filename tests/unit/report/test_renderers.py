# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as Markdown and as JUnit: content, size limit, and harmless names."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

import pytest

from ansible_collections.otsec.defender_iot.plugins.plugin_utils._report import junit, markdown
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._report.document import (
    Appliance,
    Origin,
    Outcome,
    document,
)

HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "a|b\n# heading\n",
    "</summary></details>",
    "[click](https://evil.example)",
    "@everyone #1 :tada: `code` **bold** $x$",
    "www.evil.example",
    "]]> &amp; <!-- \x00\x1b[31m \ud800 \uffff",
    "\u202egpj.\u2066a\u200bb",
]


def report(
    name: str = "defender-iot", appliances: int = 1, value: Any = "new", **states: str
) -> dict[str, Any]:
    """Return the report of a run in check mode in which every appliance would change."""
    names = [f"fgt-{number:04}" for number in range(appliances)]
    entry = {"kind": "profile", "name": name, "action": "update", "changed": True}
    changed = {**entry, "before": {name: "old"}, "after": {name: value}}
    outcomes = [Outcome(each, "checked", None, [changed], "documented") for each in names]
    outcomes += [Outcome(each, state, f"{name} says no") for each, state in states.items()]
    known = [Appliance(each, "fortigate", name) for each in (*names, *states)]
    return document(Origin("drift", "otsec.defender_iot 0.1.0", "2026-11-22T10:15:04Z"), known, outcomes, {})


def cases(text: str) -> dict[tuple[str, str], str | None]:
    """Return the one child of each test case, by appliance and name."""
    root = ElementTree.fromstring(text)  # noqa: S314 our own output
    return {
        (case.get("classname", ""), case.get("name", "")): case[0].tag if len(case) else None
        for case in root.iter("testcase")
    }


@pytest.mark.parametrize("name", HOSTILE)
def test_texts_from_appliances_are_plain_text_in_junit(name: str) -> None:
    found = cases(junit.render(report(name, value=name, broken="failed")))
    assert sorted(filter(None, found.values())) == ["error", "failure"]
    assert {appliance for appliance, _name in found} == {"fgt-0000", "broken"}


def test_invisible_characters_are_spelled_out_in_junit() -> None:
    text = junit.render(report("\u202egpj.\u2066a\u200bb"))
    assert "profile [U+202E]gpj.[U+2066]a[U+200B]b" in text
    assert not re.search("[\u200b\u202e\u2066]", text)


def test_markdown_has_a_table_for_each_site_and_collapsed_fields() -> None:
    text = markdown.render(report())
    assert "### Site: `defender-iot`" in text
    assert "| `fgt-0000` | update `profile defender-iot` |" in text
    assert "<summary><code>fgt&#45;0000&#58; update profile defender&#45;iot</code></summary>" in text
    assert "| `defender-iot` | `old` | `new` |" in text


def test_markdown_names_unchecked_appliances_first() -> None:
    text = markdown.render(report(gone="unreachable"))
    assert "- `gone` was unreachable: `defender-iot says no`" in text
    assert text.index("- `gone`") < text.index("### Site")
    assert "| `gone` | unknown |" in text


def test_markdown_fits_into_a_comment_and_says_what_was_omitted() -> None:
    text = markdown.render(report(appliances=1000, value="x" * 1000))
    assert len(text) <= 65_536
    omitted = re.search(r"\*\*Omitted to limit the size:\*\* (\d+) of (\d+) parts", text)
    assert omitted is not None
    assert int(omitted[2]) == 1000 + 1 + 1000
    assert int(omitted[2]) - int(omitted[1]) == 1001 + text.count("<details>")


def test_junit_counts_drift_as_failure_and_what_is_unknown_as_error() -> None:
    text = junit.render(report(gone="unreachable"))
    assert cases(text) == {("fgt-0000", "profile defender-iot"): "failure", ("gone", "fortigate"): "error"}
    (suite,) = ElementTree.fromstring(text)  # noqa: S314 our own output
    assert {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "2",
        "failures": "1",
        "errors": "1",
        "skipped": "0",
    }
    assert 'defender-iot: "old" -&gt; "new"' in text


def test_junit_has_a_case_for_an_appliance_on_which_nothing_is_declared() -> None:
    quiet = document(
        Origin("site", "otsec.defender_iot 0.1.0", "2026-11-22T10:15:04Z"),
        [Appliance("sensor", "sensor")],
        [Outcome("sensor", "checked")],
        {},
    )
    assert cases(junit.render(quiet)) == {("sensor", "sensor"): None}


def test_hosts_that_are_left_behind_are_in_both_files_with_the_command() -> None:
    found = {
        **report(),
        "left_behind": [{"host": "fgt-old", "secrets": "store/fgt-old", "command": "run it"}],
    }
    assert cases(junit.render(found))["fgt-old", "left behind"] == "skipped"
    text = markdown.render(found)
    assert "**Left behind**, not in the inventory any more:" in text
    assert "- `fgt-old`: `its secrets are in store/fgt-old; add it to its group" in text
    assert "and run run it`" in text


def test_markdown_says_that_an_access_serves_a_retired_product() -> None:
    found = {**report(), "retired_clients": [{"host": "console", "fortigates": ["fgt-0000"]}]}
    assert "- `console` is `a trusted host of fgt-0000. Microsoft retired" in markdown.render(found)
