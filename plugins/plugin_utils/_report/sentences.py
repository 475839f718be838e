# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sentences of a report on the console and in a task's message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._text.characters import visible
from .document import CHANGES

SHOWN = 20
STATE_WORDS = {"failed": "failed", "unreachable": "was unreachable", "not_done": "was not done"}
TO_CHANGE = {**{action: f"to {action}" for action in CHANGES}, "any": "to change"}
CHANGED = {
    **dict(zip(CHANGES, ("created", "updated", "deleted", "minted", "rotated"), strict=True)),
    "any": "changed",
}


def counted(document: Mapping[str, Any]) -> str:
    """Return the numbers of changes, such as "2 to create, 1 to rotate"."""
    words, counts = CHANGED if document["mode"] == "apply" else TO_CHANGE, document["counts"]
    found = [f"{counts[action]} {words[action]}" for action in CHANGES if counts[action]]
    return ", ".join(found) or f"nothing {words['any']}"


def headline(document: Mapping[str, Any]) -> str:
    """Return the result of the run in one sentence."""
    checked = sum(row["state"] == "checked" for row in document["appliances"])
    not_provable = document["counts"]["not_provable"]
    note = f"; {not_provable} not provable" if not_provable else ""
    left = len(document["left_behind"])
    note += f"; {left} left behind" if left else ""
    return (
        f"{document['state']}: {checked} of {len(document['appliances'])} appliances checked, "
        f"{counted(document)}{note}"
    )


def integrations(document: Mapping[str, Any]) -> str:
    """Return the numbers of integrations by state, an empty text if there are none."""
    counts = document["edge_counts"]
    found = [f"{count} {state.replace('_', ' ')}" for state, count in counts.items() if count]
    return f"integrations: {', '.join(found)}" if found else ""


def summary(document: Mapping[str, Any]) -> list[str]:
    """Return the lines for the console: the headline, the integrations, then each unchecked appliance."""
    unchecked = [row for row in document["appliances"] if row["state"] != "checked"]
    lines = [f"  {row['appliance']} {STATE_WORDS[row['state']]}: {row['message']}" for row in unchecked]
    notes = [
        f"  {each['appliance']}: {each['kind']} {each['name']} is {each['message']}"
        for each in kept(document)
    ]
    retired = [f"  {each['host']} is {retired_client(each)}" for each in document["retired_clients"]]
    found = [
        headline(document),
        *filter(None, [integrations(document)]),
        *shortened(lines, "  and {} more appliances, see the report"),
        *shortened(notes, "  and {} more that were kept, see the report"),
        *shortened(
            [f"  {each['host']} is left behind: {left_behind(each)}" for each in document["left_behind"]],
            "  and {} more that are left behind, see the report",
        ),
        *shortened(retired, "  and {} more that are retired, see the report"),
    ]
    return [visible(line) for line in found]


def retired_client(each: Mapping[str, Any]) -> str:
    """Return why the access of a management console may be removed."""
    return (
        f"a trusted host of {', '.join(each['fortigates'])}. Microsoft retired the on-premises management "
        "console on 2025-01-01, so this access serves a retired product"
    )


def left_behind(each: Mapping[str, Any]) -> str:
    """Return where the secrets of a host are that is not in the inventory, and how to clean up."""
    return (
        f"its secrets are in {each['secrets']}; add it to its group and to the group decommissioned, and run "
        f"{each['command']}"
    )


def kept(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the objects that are left unchanged for a reason, such as one that is no longer declared."""
    return [each for each in document["objects"] if each["action"] == "none" and each["message"]]


def shortened(lines: Sequence[str], more: str, limit: int = SHOWN) -> list[str]:
    """Return the first lines, and a line with the number of the others if there are more."""
    rest = len(lines) - limit
    return [*lines[:limit], *([more.format(rest)] if rest > 0 else [])]
