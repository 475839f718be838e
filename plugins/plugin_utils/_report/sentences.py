# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a report says in sentences: on the console, and of one appliance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .document import CHANGES

SHOWN = 20
STATE_WORDS = {"failed": "failed", "unreachable": "could not be reached", "not_done": "was not done"}
TO_CHANGE = {**{action: f"to {action}" for action in CHANGES}, "any": "to change"}
CHANGED = {
    **dict(zip(CHANGES, ("created", "updated", "deleted", "minted", "rotated"), strict=True)),
    "any": "changed",
}


def counted(document: Mapping[str, Any]) -> str:
    """Count what differs, such as "2 to create, 1 to rotate"."""
    words, counts = CHANGED if document["mode"] == "apply" else TO_CHANGE, document["counts"]
    found = [f"{counts[action]} {words[action]}" for action in CHANGES if counts[action]]
    return ", ".join(found) or f"nothing {words['any']}"


def headline(document: Mapping[str, Any]) -> str:
    """Say in one sentence what the run has found."""
    looked = sum(row["state"] == "looked_at" for row in document["appliances"])
    unseen = sum(not each["previewable"] for each in document["objects"])
    blind = f"; {unseen} that nothing can read" if unseen else ""
    return (
        f"{document['state']}: {looked} of {len(document['appliances'])} appliances looked at, "
        f"{counted(document)}{blind}"
    )


def summary(document: Mapping[str, Any]) -> list[str]:
    """Return the lines for the console: the headline, and by name what was not done."""
    missing = [row for row in document["appliances"] if row["state"] != "looked_at"]
    lines = [f"  {row['appliance']} {STATE_WORDS[row['state']]}: {row['message']}" for row in missing]
    notes = [
        f"  {each['appliance']}: {each['kind']} {each['name']} is {each['message']}"
        for each in kept(document)
    ]
    return [
        headline(document),
        *shortened(lines, "  and {} more appliances, see the report"),
        *shortened(notes, "  and {} more that were kept, see the report"),
    ]


def kept(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return what nothing declares any more and nothing deletes."""
    return [each for each in document["objects"] if each["action"] == "none" and each["message"]]


def shortened(lines: Sequence[str], more: str, limit: int = SHOWN) -> list[str]:
    """Return the first lines, and if there are more, how many."""
    rest = len(lines) - limit
    return [*lines[:limit], *([more.format(rest)] if rest > 0 else [])]
