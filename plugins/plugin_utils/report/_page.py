# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as one HTML page that needs nothing else: no server, no network, no second file.

What appliances say about themselves is hostile text here. It reaches the page escaped or as data, and the page
allows no script and no style but its own two, by their hashes. Pure but for reading the template beside it.
Private to this collection: may change at any time.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

TEMPLATE = Path(__file__).with_name("page.html")
DIFFERENCES = ("create", "update", "delete", "mint", "rotate")
# A string of JSON may write any character so; without these three no element of HTML begins or ends in one.
HARMLESS = str.maketrans({character: f"\\u{ord(character):04x}" for character in "<>&"})


def render(document: Mapping[str, Any]) -> str:
    """Return a report as an HTML page; the same report gives the same page."""
    source = TEMPLATE.read_text(encoding="utf-8")
    template = Environment(autoescape=True, undefined=StrictUndefined).from_string(source)
    page = template.render(
        report=document,
        policy=_policy(source),
        sentences=_sentences(document),
        left_out=_left_out(document),
        data=Markup(json.dumps(document, separators=(",", ":")).translate(HARMLESS)),  # noqa: S704
    )
    # An appliance may send what is no text, and Ansible keeps such bytes as characters that no file can hold.
    return page.encode("utf-8", "replace").decode("utf-8")


def _policy(source: str) -> str:
    """Return the content security policy that allows the template's own script and style alone."""
    hashes = {kind: _hash(text) for kind, text in re.findall(r"<(script|style)>(.*?)</\1>", source, re.DOTALL)}
    own = [f"{kind}-src '{value}'" for kind, value in hashes.items()]
    return "; ".join(["default-src 'none'", *own, "img-src data:", "base-uri 'none'", "form-action 'none'"])


def _hash(text: str) -> str:
    """Return the hash of a script or style as a policy names it."""
    return "sha256-" + b64encode(sha256(text.encode()).digest()).decode()


def _sentences(document: Mapping[str, Any]) -> list[str]:
    """Say in words what was found."""
    counts, appliances = document["counts"], document["appliances"]
    differ = [each for each in document["objects"] if each["action"] in DIFFERENCES]
    done = document["mode"] == "apply"
    said = []
    if differ:
        what = _number(len(differ), "object was changed", "objects were changed") if done else ""
        what = what or _number(len(differ), "object differs", "objects differ")
        where = len({each["appliance"] for each in differ})
        said.append(f"{what}, on {where:,} of {_number(len(appliances), 'appliance', 'appliances')}.")
    if left_out := _left_out(document):
        number = _number(len(left_out), "appliance was", "appliances were")
        said.append(f"{number} not looked at: nothing is known there.")
    if counts["none"]:
        every = "All " if counts["none"] == sum(counts.values()) else ""
        said.append(every + _number(counts["none"], "object is as declared.", "objects are as declared."))
    return said


def _left_out(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the appliances that were not looked at."""
    return [each for each in document["appliances"] if each["state"] != "looked_at"]


def _number(number: int, one: str, many: str) -> str:
    """Count something in words."""
    return f"{number:,} {one if number == 1 else many}"
