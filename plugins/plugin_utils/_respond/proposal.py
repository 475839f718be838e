# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run's proposal: Markdown for a pull request, and the entries as YAML for Git."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from .._text.markdown import code, fitted
from .entries import OWNER

TITLES = {
    "decided": "proposal",
    "capped": "a cap stopped every new block",
    "unreadable": "not everything could be read",
}
SECTIONS = {
    "block": "To block",
    "release": "To release",
    "renew": "To renew",
    "keep": "To keep",
    "none": "Matched, but not blocked",
}
HEADER = "| address | sensor | alert | device | reason |\n|---|---|---|---|---|\n"


def as_markdown(document: Mapping[str, Any]) -> str:
    """Return a document as Markdown that fits into a comment. It says how many parts were omitted."""
    counts = document["counts"]
    numbers = ", ".join(f"{counts[each]} to {each}" for each in ("block", "renew", "keep", "release"))
    head = [
        f"## Defender for IoT: {TITLES[document['outcome']]}",
        "",
        f"Site {code(document['site'] or 'without a name')}: {numbers}.",
        "",
        f"{document['generated_at']}, mode {document['mode']}, exit code {document['exit_code']}.",
        "",
    ]
    return fitted(head, [*_warnings(document), *_sections(document)], "decisions.json")


def as_yaml(document: Mapping[str, Any]) -> str:
    """Return the wanted entries as options of `fortigate_block_list`."""
    entries = [
        {name: value for name, value in each.items() if name != "owner"} for each in document["entries"]
    ]
    options = {"owner": OWNER, "mode": "exact", "entries": entries}
    return "---\n" + yaml.safe_dump(options, sort_keys=False, width=110, allow_unicode=False)


def _warnings(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield what went wrong, which matters more than any decision."""
    if document["exceeded"]:
        lines = "".join(f"- {code(each)}\n" for each in document["exceeded"])
        yield f"**Nothing new is blocked**, because a cap is exceeded:\n\n{lines}\n"
    if document["unread"]:
        lines = "".join(f"- {code(each['sensor'])}: {each['answer']}\n" for each in document["unread"])
        yield f"**Not read**, or empty:\n\n{lines}\n"


def _sections(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield a table for each decision, and the number of alerts that no rule matches."""
    decisions = document["decisions"]
    for decision, title in SECTIONS.items():
        rows = [each for each in decisions if each["decision"] == decision and each["matched"]]
        yield from _table(title, rows)
    unmatched = sum(not each["matched"] for each in decisions)
    if unmatched:
        yield f"\nAlerts that no rule matches: {unmatched}.\n"


def _table(title: str, rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if rows:
        yield f"\n### {title}\n\n{HEADER}"
    for row in rows:
        cells = (row[name] for name in ("address", "sensor", "alert", "device", "reason"))
        yield f"| {' | '.join('' if each is None else code(each) for each in cells)} |\n"
