# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as one self-contained HTML page: it needs no server, no network and no second file.

Texts from appliances are hostile. They enter the page escaped or as data, and the page's policy allows only
its own script and style, by their hashes. Reads the template beside this file, and is otherwise pure.
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

from ...module_utils._engine.moment import moment_or_none
from .._text.characters import visible
from .document import CHANGES
from .sentences import retired_client

TEMPLATE = Path(__file__).with_name("page.html")
# JSON strings may escape any character. Without these three, no HTML element starts or ends in one.
JSON_ESCAPES = str.maketrans({character: f"\\u{ord(character):04x}" for character in "<>&"})


def render(document: Mapping[str, Any]) -> str:
    """Return a report as an HTML page. The same report always gives the same page."""
    source = TEMPLATE.read_text(encoding="utf-8")
    template = Environment(autoescape=True, undefined=StrictUndefined).from_string(source)
    report = _visible(document)
    return template.render(
        report=report,
        policy=_policy(source),
        sentences=_sentences(report),
        unchecked=_unchecked(report),
        left={each["until"]: _left(each["until"], report["generated_at"]) for each in report["blocks"]},
        data=Markup(json.dumps(report, separators=(",", ":")).translate(JSON_ESCAPES)),  # noqa: S704
    )


def _visible(value: Any) -> Any:
    """Return a value in whose texts each invisible character is replaced by its code point."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, Mapping):
        return {_visible(name): _visible(each) for name, each in value.items()}
    return [_visible(each) for each in value] if isinstance(value, (list, tuple)) else value


def _policy(source: str) -> str:
    """Return the content security policy that allows only the template's own script and style."""
    hashes = {
        kind: _hash(text) for kind, text in re.findall(r"<(script|style)>(.*?)</\1>", source, re.DOTALL)
    }
    own = [f"{kind}-src '{value}'" for kind, value in hashes.items()]
    return "; ".join(["default-src 'none'", *own, "img-src data:", "base-uri 'none'", "form-action 'none'"])


def _hash(text: str) -> str:
    """Return the hash of a script or style in the form of a policy."""
    return "sha256-" + b64encode(sha256(text.encode()).digest()).decode()


def _sentences(document: Mapping[str, Any]) -> list[str]:
    """Return the findings as sentences."""
    counts, appliances = document["counts"], document["appliances"]
    differ = [each for each in document["objects"] if each["action"] in CHANGES]
    done = document["mode"] == "apply"
    found = []
    if differ:
        what = _number(len(differ), "object was changed", "objects were changed") if done else ""
        what = what or _number(len(differ), "object differs", "objects differ")
        where = len({each["appliance"] for each in differ})
        found.append(f"{what}, on {where:,} of {_number(len(appliances), 'appliance', 'appliances')}.")
    if unchecked := _unchecked(document):
        number = _number(len(unchecked), "appliance was", "appliances were")
        found.append(f"{number} not checked: the state is unknown.")
    edges = document["edge_counts"]
    if silent := edges["never_called"]:
        found.append(_number(silent, "integration was never called.", "integrations were never called."))
    if counts["none"]:
        every = "All " if counts["none"] == sum(counts.values()) else ""
        found.append(every + _number(counts["none"], "object is as declared.", "objects are as declared."))
    if opaque := edges["not_provable"]:
        number = _number(opaque, "integration is", "integrations are")
        found.append(f"{number} not provable: no interface shows the calls.")
    if opaque := counts["not_provable"]:
        number = _number(opaque, "object is", "objects are")
        found.append(f"{number} not provable: no interface can read {'it' if opaque == 1 else 'them'}.")
    found += [f"{each['host']} is {retired_client(each)}." for each in document["retired_clients"]]
    if left := len(document["left_behind"]):
        found.append(_number(left, "host is", "hosts are") + " left behind: not in the inventory any more.")
    return found


def _unchecked(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the appliances that were not checked."""
    return [each for each in document["appliances"] if each["state"] != "checked"]


def _left(until: str, at: str) -> str:
    """Return the time until the end of a block as hours and minutes, rounded down."""
    end, start = moment_or_none(until), moment_or_none(at)
    if end is None or start is None:
        return "unknown"
    minutes = int((end - start).total_seconds() // 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes > 0 else "ended"


def _number(number: int, one: str, many: str) -> str:
    """Return a number with its noun."""
    return f"{number:,} {one if number == 1 else many}"
