# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as JUnit XML: one test case for each object, which fails if the object differs."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any
from xml.etree import ElementTree as Tree

from .._text.characters import visible
from .document import CHANGES, by_appliance
from .sentences import left_behind

NO_XML = re.compile("[\ufffe\uffff]")
"""Characters that XML does not allow, without the invisible ones."""


def render(document: Mapping[str, Any]) -> str:
    """Return a report as JUnit XML: drift is a failure, unknown an error.

    What is not provable, and hosts that are left behind, are skipped.
    """
    root = Tree.Element("testsuites", name="Defender for IoT")
    objects = by_appliance(document)
    for site, rows in groupby(document["appliances"], itemgetter("site")):
        cases = [case for row in rows for case in _cases(document["mode"], row, objects[row["appliance"]])]
        root.append(_suite(site or "no site", cases, document))
    if document["left_behind"]:
        root.append(_suite("left behind", [_left(each) for each in document["left_behind"]], document))
    Tree.indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{Tree.tostring(root, encoding="unicode")}\n'


TAGS = {"failures": "failure", "errors": "error", "skipped": "skipped"}


def _suite(name: str, cases: Sequence[Tree.Element], document: Mapping[str, Any]) -> Tree.Element:
    """Return a suite with its counts."""
    counts = {kind: sum(case.find(tag) is not None for case in cases) for kind, tag in TAGS.items()}
    suite = Tree.Element("testsuite", name=_text(name), tests=str(len(cases)))
    suite.attrib.update({kind: str(count) for kind, count in counts.items()})
    suite.set("timestamp", _text(document["generated_at"]))
    suite.extend(cases)
    return suite


def _left(each: Mapping[str, Any]) -> Tree.Element:
    case = Tree.Element("testcase", classname=_text(each["host"]), name="left behind")
    Tree.SubElement(case, "skipped", message=_text(left_behind(each)))
    return case


def _cases(mode: str, row: Mapping[str, Any], objects: Sequence[Mapping[str, Any]]) -> Sequence[Tree.Element]:
    """Return the cases of one appliance's objects, and one for the appliance if it was not fully checked."""
    cases = [_case(mode, each) for each in objects if each["action"] != "unknown"]
    if row["state"] != "checked" or not cases:
        case = Tree.Element("testcase", classname=_text(row["appliance"]), name=_text(row["kind"]))
        if row["state"] != "checked":
            Tree.SubElement(case, "error", type=row["state"], message=_text(row["message"]))
        cases.append(case)
    return cases


def _case(mode: str, each: Mapping[str, Any]) -> Tree.Element:
    case = Tree.Element("testcase", classname=_text(each["appliance"]))
    case.set("name", _text(f"{each['kind']} {each['name']}"))
    if each["action"] in CHANGES and mode == "check":
        failure = Tree.SubElement(case, "failure", type=each["action"])
        failure.set("message", _text(each["message"] or f"{each['action']} {each['kind']} {each['name']}"))
        failure.text = _text("\n".join(_line(row) for row in each["fields"]))
    elif each["action"] == "not_provable":
        Tree.SubElement(case, "skipped", message=_text(f"not provable: {each['message']}"))
    return case


def _line(row: Mapping[str, Any]) -> str:
    before, after = (json.dumps(row[when], ensure_ascii=False) for when in ("before", "after"))
    return f"{row['field']}: {before} -> {after}"


def _text(text: Any) -> str:
    return NO_XML.sub("\N{REPLACEMENT CHARACTER}", visible(str(text)))
