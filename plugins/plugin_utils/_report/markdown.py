# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as Markdown, for a comment on a pull request."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from .._text.markdown import code, fitted, html_code
from .document import CHANGES, by_appliance
from .sentences import STATE_WORDS, headline, integrations, kept, left_behind, retired_client

LONG = 200
"""Maximum number of characters of one value."""

TITLES = {"clean": "clean", "changed": "changed", "drift": "drift", "unknown": "not everything was checked"}


def render(document: Mapping[str, Any]) -> str:
    """Return a report as Markdown that fits into a comment. It says how many parts were omitted."""
    head = [
        f"## Defender for IoT: {TITLES[document['state']]}",
        "",
        "; ".join(filter(None, [headline(document), integrations(document)])) + ".",
        "",
        f"Playbook {code(document['playbook'])}, {document['generated_at']}, "
        f"mode {document['mode']}, exit code {document['exit_code']}.",
        "",
    ]
    blocks = [
        *_unchecked(document),
        *_kept(document),
        *_left(document),
        *_retired(document),
        *_sites(document),
        *_details(document),
    ]
    return fitted(head, blocks, "report.json")


def _unchecked(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the appliances whose state is unknown."""
    unchecked = [row for row in document["appliances"] if row["state"] != "checked"]
    if unchecked:
        yield "**Not checked**, so neither clean nor drifted:\n\n"
    for row in unchecked:
        yield f"- {code(row['appliance'])} {STATE_WORDS[row['state']]}: {code(row['message'])}\n"


def _kept(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the objects that are left unchanged for a reason."""
    found = kept(document)
    if found:
        yield "\n**Left unchanged**, with the reason:\n\n"
    for each in found:
        yield f"- {_name(each)} is {code(each['message'])}\n"


def _left(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the hosts that were only removed from the inventory."""
    if document["left_behind"]:
        yield "\n**Left behind**, not in the inventory any more:\n\n"
    for each in document["left_behind"]:
        yield f"- {code(each['host'])}: {code(left_behind(each))}\n"


def _retired(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the trusted hosts that are of a retired product."""
    if document["retired_clients"]:
        yield "\n**Access of a retired product**:\n\n"
    for each in document["retired_clients"]:
        yield f"- {code(each['host'])} is {code(retired_client(each))}\n"


def _sites(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield a table for each site, appliances with changes first."""
    objects = by_appliance(document)
    for site, rows in groupby(document["appliances"], itemgetter("site")):
        title = code(site) if site else "no site"
        column = "would change" if document["mode"] == "check" else "changed"
        yield f"\n### Site: {title}\n\n| appliance | {column} |\n|---|---|\n"
        summaries = [(row, _summary(row, objects[row["appliance"]])) for row in rows]
        yield from (f"| {code(row['appliance'])} | {text} |\n" for row, text in summaries if text)
        unchanged = sum(not text for _row, text in summaries)
        if unchanged:
            yield f"| {unchanged} of {len(summaries)} | nothing |\n"


def _summary(row: Mapping[str, Any], objects: Sequence[Mapping[str, Any]]) -> str:
    """Return what differs on one appliance, an empty text if nothing does."""
    changes = [each for each in objects if each["action"] in CHANGES]
    summaries = [f"{each['action']} {_object(each)}" for each in changes]
    return ", ".join([*(["unknown"] if row["state"] != "checked" else []), *summaries])


def _details(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield each object's differences in a collapsed section."""
    for each in document["objects"]:
        if each["action"] in CHANGES:
            title = f"{each['appliance']}: {each['action']} {each['kind']} {each['name']}"
            rows = "".join(
                f"| {code(row['field'])} | {_value(row['before'])} | {_value(row['after'])} |\n"
                for row in each["fields"]
            )
            reason = f"{code(each['message'])}\n\n" if each["message"] else ""
            table = f"| field | before | after |\n|---|---|---|\n{rows}\n" if rows else ""
            yield f"\n<details><summary>{html_code(title)}</summary>\n\n{reason}{table}</details>\n"
        elif each["action"] == "not_provable":
            yield f"\n{_name(each)} is not provable: {code(each['message'])}\n"


def _value(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return code(text if len(text) <= LONG else f"{text[:LONG]} ...")


def _name(each: Mapping[str, Any]) -> str:
    return f"{code(each['appliance'])}: {_object(each)}"


def _object(each: Mapping[str, Any]) -> str:
    return code(f"{each['kind']} {each['name']}")
