# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as one HTML page that needs nothing else: no server, no network, no second file.

What appliances say about themselves is hostile text here. It reaches the page escaped or as data, and the
page allows no script and no style but its own two, by their hashes. Pure but for reading the template beside
it.
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

from .document import CHANGES

TEMPLATE = Path(__file__).with_name("page.html")
# A string of JSON may write any character so; without these three no element of HTML begins or ends in one.
HARMLESS = str.maketrans({character: f"\\u{ord(character):04x}" for character in "<>&"})

# Control characters, those that turn the direction of text (and make one name look like another), those
# without width, and halves of characters, as which Ansible keeps bytes that are no text and no file can hold.
UNSEEN = {
    number: f"[U+{number:04X}]"
    for first, last in (
        (0x00, 0x08), (0x0B, 0x1F), (0x7F, 0x9F), (0x200B, 0x200F), (0x2028, 0x202E), (0x2060, 0x2069),
        (0xD800, 0xDFFF), (0xFEFF, 0xFEFF),
    )
    for number in range(first, last + 1)
}  # fmt: skip


def render(document: Mapping[str, Any]) -> str:
    """Return a report as an HTML page; the same report gives the same page."""
    source = TEMPLATE.read_text(encoding="utf-8")
    template = Environment(autoescape=True, undefined=StrictUndefined).from_string(source)
    report = _seen(document)
    return template.render(
        report=report,
        policy=_policy(source),
        sentences=_sentences(report),
        left_out=_left_out(report),
        data=Markup(json.dumps(report, separators=(",", ":")).translate(HARMLESS)),  # noqa: S704
    )


def _seen(value: Any) -> Any:
    """Write out the characters of all texts that nobody would see."""
    if isinstance(value, str):
        return value.translate(UNSEEN)
    if isinstance(value, Mapping):
        return {_seen(name): _seen(each) for name, each in value.items()}
    return [_seen(each) for each in value] if isinstance(value, (list, tuple)) else value


def _policy(source: str) -> str:
    """Return the content security policy that allows the template's own script and style alone."""
    hashes = {
        kind: _hash(text) for kind, text in re.findall(r"<(script|style)>(.*?)</\1>", source, re.DOTALL)
    }
    own = [f"{kind}-src '{value}'" for kind, value in hashes.items()]
    return "; ".join(["default-src 'none'", *own, "img-src data:", "base-uri 'none'", "form-action 'none'"])


def _hash(text: str) -> str:
    """Return the hash of a script or style as a policy names it."""
    return "sha256-" + b64encode(sha256(text.encode()).digest()).decode()


def _sentences(document: Mapping[str, Any]) -> list[str]:
    """Say in words what was found."""
    counts, appliances = document["counts"], document["appliances"]
    differ = [each for each in document["objects"] if each["action"] in CHANGES]
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
    if silent := [each for each in document["edges"] if each["state"] == "never_called"]:
        said.append(_number(len(silent), "integration was never called.", "integrations were never called."))
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
