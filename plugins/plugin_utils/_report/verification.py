# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The outcome of a verification, for the exit code of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

SHOWN = 10
"""Maximum number of appliances in a message."""


def outcome(verdicts: Sequence[Mapping[str, Any]], unread: Sequence[str]) -> tuple[str, str]:
    """Return the state and a sentence. The state is unknown if any appliance has no result."""
    by_outcome: dict[str, list[str]] = {"unreadable": list(unread)}
    for each in verdicts:
        found = each["verdict"]
        by_outcome.setdefault(found["outcome"], []).append(f"{each['appliance']} ({found['state']})")
    if by_outcome["unreadable"]:
        return "unknown", f"unknown: could not be read: {_listed(by_outcome['unreadable'])}"
    if not verdicts:
        return "unknown", "unknown: no FortiGate, Forescout platform or FortiSIEM was verified"
    if "not_verified" in by_outcome:
        return "not_verified", f"not verified: {_listed(by_outcome['not_verified'])}"
    proved, unproved = (len(by_outcome.get(name, ())) for name in ("verified", "not_provable"))
    return (
        "verified",
        f"verified: {proved} working, {unproved} in the desired state, which cannot be proved to work",
    )


def _listed(names: Sequence[str]) -> str:
    rest = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {rest} more" if rest > 0 else "")
