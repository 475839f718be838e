# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verdict about the policies of a Forescout platform: working, never_called or unknown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Result = Mapping[str, Any]
Verdict = dict[str, Any]

STATES = ("never_called", "unknown", "working")
"""The states, the worst first."""

OUTCOMES = ("unreadable", "not_verified", "not_provable", "verified")
"""The outcomes, the worst first."""

NAMES = ("exists", "current", "matches")
"""The levels from P0 to P2."""


def forescout_policies_verdict(made: Sequence[Result], listed: Result) -> Verdict:
    """Return the verdict about a platform: that about its worst policy.

    ``made`` are the results of the files to import, ``listed`` that of the platform's policies. ``policies``
    has the verdict about each policy by name.
    """
    for result in (*made, listed):
        if _went_wrong(result):
            return {**_unreadable(str(result.get("msg", "no response"))), "policies": {}}
    if "policies" not in listed:
        return {**_unreadable("no account of the Web API is set"), "policies": {}}
    policies = {each["policy"]["name"]: _of_policy(each["policy"], listed["policies"]) for each in made}
    state = min((each["state"] for each in policies.values()), key=STATES.index)
    outcome = min((each["outcome"] for each in policies.values()), key=OUTCOMES.index)
    worst = {name: each for name, each in policies.items() if each["state"] == state}
    evidence = "; ".join(f"{name}: {each['evidence']}" for name, each in worst.items())
    levels = [each["level"] for each in worst.values()]
    level = None if None in levels else min(levels)
    return {**_verdict(state, outcome, evidence), "level": level, "policies": policies}


def _of_policy(policy: Result, rows: Sequence[Result]) -> Verdict:
    """Return the verdict about one policy. No matching host proves nothing."""
    found = [row for row in rows if row["name"] == policy["name"]]
    if not found:
        return _verdict("never_called", "not_verified", "the platform has no policy of this name", False)
    if len(found) > 1:
        evidence = f"the platform has {len(found)} policies of this name, and one of them may be another"
        return _verdict("unknown", "not_verified", evidence, True, None)
    if found[0]["digest"] != policy["digest"]:
        return _verdict("unknown", "not_verified", _difference(found[0], policy), True, False)
    hosts = {rule["name"]: rule["hosts"] for rule in found[0]["rules"][1:] or found[0]["rules"]}
    if any(hosts.values()):
        counts = [f"{_hosts(number)} {name}" for name, number in hosts.items() if number]
        return _verdict("working", "verified", ", ".join(counts), True, True, True)
    evidence = (
        "the platform has the file imported last, and no host matches: no host may fit, or the policy is off"
    )
    return _verdict("unknown", "not_provable", evidence, True, True, None)


def _hosts(number: int) -> str:
    return f"{number} host matches" if number == 1 else f"{number} hosts match"


def _difference(row: Result, policy: Result) -> str:
    if row["digest"] is None:
        return "its description has no digest, so an operator created it, or the Web API does not show it"
    return f"the platform has the file with the digest {row['digest']}, not {policy['digest']}"


def _went_wrong(result: Result) -> bool:
    return any(result.get(name) for name in ("failed", "unreachable"))


def _unreadable(why: str) -> Verdict:
    return _verdict("unknown", "unreadable", f"the policies could not be read: {why}")


def _verdict(state: str, outcome: str, evidence: str, *levels: bool | None) -> Verdict:
    proved = [f"P{number}" for number, reached in enumerate(levels) if reached]
    return {
        "state": state,
        "outcome": outcome,
        "since": None,
        "level": max(proved, default=None),
        "evidence": evidence,
        "levels": [
            {"level": f"P{number}", "name": NAMES[number], "reached": reached, "evidence": evidence}
            for number, reached in enumerate(levels)
        ],
    }


class FilterModule:
    """The collection's filters."""

    def filters(self) -> dict[str, Any]:
        """Return the filters by name."""
        return {"forescout_policies_verdict": forescout_policies_verdict}
