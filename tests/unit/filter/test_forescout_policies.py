# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verdict about policies: what the list of a platform proves, refutes and leaves open."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.filter.forescout_policies import (
    FilterModule,
    forescout_policies_verdict,
)
from ansible_collections.otsec.defender_iot.plugins.filter.verdict import verification

OURS, THEIRS = "0123456789abcdef", "fedcba9876543210"


def made(name: str = "P") -> dict[str, Any]:
    """Return the result of a file to import."""
    return {"policy": {"name": name, "digest": OURS}}


def row(name: str = "P", digest: str | None = OURS, hosts: int = 0, **rules: int) -> dict[str, Any]:
    """Return a policy of the platform. All hosts match its own rule, if it has sub-rules."""
    own = {"name": name, "hosts": 9 if rules else hosts}
    subs = [{"name": rule, "hosts": number} for rule, number in rules.items()]
    return {"name": name, "digest": digest, "rules": [own, *subs]}


@pytest.mark.parametrize(
    ("rows", "state", "outcome", "level", "evidence"),
    [
        ([], "never_called", "not_verified", None, "no policy of this name"),
        ([row("Q")], "never_called", "not_verified", None, "no policy of this name"),
        ([row(hosts=3), row()], "unknown", "not_verified", "P0", "2 policies of this name"),
        ([row(digest=None, hosts=3)], "unknown", "not_verified", "P0", "its description has no digest"),
        ([row(digest=THEIRS, hosts=3)], "unknown", "not_verified", "P0", f"digest {THEIRS}, not {OURS}"),
        ([row()], "unknown", "not_provable", "P1", "no host matches"),
        ([row(old=0, new=0)], "unknown", "not_provable", "P1", "no host matches"),
        ([row(hosts=3)], "working", "verified", "P2", "3 hosts match P"),
        ([row(old=2, other=0, new=1)], "working", "verified", "P2", "2 hosts match old, 1 host matches new"),
    ],
)
def test_a_policy_is_judged_by_what_the_platform_lists(
    rows: Any, state: str, outcome: str, level: str | None, evidence: str
) -> None:
    verdict = forescout_policies_verdict([made()], {"policies": rows})
    assert (verdict["state"], verdict["outcome"], verdict["level"]) == (state, outcome, level)
    assert verdict["evidence"].startswith("P: ")
    assert evidence in verdict["evidence"]
    assert verdict["policies"]["P"]["state"] == state


def test_the_levels_end_where_nothing_is_known() -> None:
    levels = forescout_policies_verdict([made()], {"policies": [row()]})["policies"]["P"]["levels"]
    assert [(each["level"], each["name"], each["reached"]) for each in levels] == [
        ("P0", "exists", True),
        ("P1", "current", True),
        ("P2", "matches", None),
    ]


def test_the_worst_policy_decides() -> None:
    verdict = forescout_policies_verdict(
        [made("P"), made("Q"), made("R")], {"policies": [row("P", hosts=1), row("Q"), row("R", digest=None)]}
    )
    assert (verdict["state"], verdict["outcome"], verdict["level"]) == ("unknown", "not_verified", "P0")
    assert verdict["evidence"].startswith("Q: ")
    assert "; R: " in verdict["evidence"]
    assert verdict["policies"]["P"]["state"] == "working"
    absent = forescout_policies_verdict([made("P"), made("S")], {"policies": [row("P", hosts=1)]})
    assert (absent["state"], absent["level"]) == ("never_called", None)


@pytest.mark.parametrize(
    ("first", "listed", "why"),
    [
        ({"failed": True, "msg": "no file"}, {"skipped": True}, "no file"),
        ({"unreachable": True}, {"skipped": True}, "no response"),
        (made(), {"failed": True, "msg": "403"}, "403"),
        (made(), {"skipped": True}, "no account of the Web API is set"),
        (made(), {}, "no account of the Web API is set"),
    ],
)
def test_what_could_not_be_read_is_unknown(first: Any, listed: Any, why: str) -> None:
    verdict = forescout_policies_verdict([first], listed)
    assert (verdict["state"], verdict["outcome"], verdict["policies"]) == ("unknown", "unreadable", {})
    assert verdict["evidence"] == f"the policies could not be read: {why}"


def test_a_platform_with_policies_has_two_verdicts() -> None:
    about = {"appliance": "fs"}
    groups = {"forescouts": ["fs"]}
    both = {"forescout_module_verdict": about, "forescout_policies_verdict": {**about, "integration": "p"}}
    found = verification(["fs"], groups, {"fs": both})
    assert (len(found["verdicts"]), found["unread"]) == (2, [])
    declared = {"forescout_module_verdict": about, "forescout_policies_policies": [{"src": "x"}]}
    found = verification(["fs"], groups, {"fs": declared})
    assert (len(found["verdicts"]), found["unread"]) == (1, ["fs"])


def test_ansible_finds_the_filter_by_name() -> None:
    assert FilterModule().filters() == {"forescout_policies_verdict": forescout_policies_verdict}
