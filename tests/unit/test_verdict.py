# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verdicts: what the evidence allows to be said about an integration."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.filter.verdict import (
    FilterModule,
    forescout_verdict,
    fortinet_verdict,
)

UNREAD = [
    ({"failed": True, "msg": "fgt: no"}, "fgt: no"),
    ({"unreachable": True, "msg": "fgt: no answer"}, "fgt: no answer"),
    ({"skipped": True}, "no answer"),
    ({}, "no answer"),
]


def access(**actions: str) -> dict[str, Any]:
    """Make the result of looking at the access to a FortiGate; what is not named is as declared."""
    done = {kind: actions.get(kind, "none") for kind in ("profile", "admin", "key")}
    return {
        "objects": [
            {"kind": kind, "name": "defender-iot", "action": action, "changed": action != "none"}
            for kind, action in done.items()
        ]
    }


@pytest.mark.parametrize(("result", "why"), UNREAD)
def test_fortinet_is_unknown_while_the_access_is_unread(result: Any, why: str) -> None:
    assert fortinet_verdict(result) == {
        "state": "unknown",
        "evidence": f"the FortiGate could not be read: {why}",
    }


@pytest.mark.parametrize(
    ("found", "state", "evidence"),
    [
        (access(admin="create", key="create"), "never_called", "the API admin does not exist"),
        (access(key="create"), "never_called", "the store holds no API key"),
        (access(), "unknown", "API admin and key are in place"),
        (access(profile="update"), "unknown", "not as declared: profile defender-iot;"),
        (access(key="update"), "unknown", "not as declared: key defender-iot;"),
    ],
)
def test_fortinet_is_judged_by_admin_and_key(found: Any, state: str, evidence: str) -> None:
    verdict = fortinet_verdict(found)
    assert verdict["state"] == state
    assert verdict["evidence"].startswith(evidence)


USED = "2026-11-02T10:15:00Z"
PLATFORM = {"changed": False, "verified_at": None}


def seen(*times: Any, description: str = "forescout") -> dict[str, Any]:
    """Make the sensor's list of tokens, one for each time of last use."""
    return {"tokens": [{"description": description, "id": n, "used": used} for n, used in enumerate(times)]}


@pytest.mark.parametrize("result", [result for result, _why in UNREAD])
def test_forescout_is_unknown_while_the_tokens_are_unread(result: Any) -> None:
    verdict = forescout_verdict(result, PLATFORM, "forescout")
    assert verdict["state"] == "unknown"
    assert "could not be read" in verdict["evidence"]


@pytest.mark.parametrize(
    ("tokens", "platform", "state", "evidence"),
    [
        (seen(), PLATFORM, "never_called", 'the sensor has 0 tokens described "forescout"'),
        ({"changed": False}, PLATFORM, "never_called", 'the sensor has 0 tokens described "forescout"'),
        (
            seen(USED, description="x"),
            PLATFORM,
            "never_called",
            'the sensor has 0 tokens described "forescout"',
        ),
        (seen(USED, USED), PLATFORM, "unknown", 'the sensor has 2 tokens described "forescout"'),
        (seen(None), PLATFORM, "never_called", "Used is N/A: no call with this token was ever received"),
        (
            seen(None),
            {"changed": True},
            "never_called",
            "Used is N/A: no call with this token was ever received",
        ),
        (
            seen(USED),
            {"changed": True},
            "unknown",
            f"Used is {USED}, but the platform does not hold what is declared",
        ),
        (seen(USED), PLATFORM, "working", f"Used is {USED}"),
        (seen(USED), {}, "working", f"Used is {USED}"),
    ],
)
def test_forescout_is_judged_by_the_used_column(
    tokens: Any, platform: Any, state: str, evidence: str
) -> None:
    assert forescout_verdict(tokens, platform, "forescout") == {"state": state, "evidence": evidence}


@pytest.mark.parametrize(
    ("used", "verified_at", "state"),
    [
        ("2026-11-02T10:15:01+00:00", "2026-11-02T10:15:00+00:00", "working"),
        ("2026-11-02T10:15:00+00:00", "2026-11-02T10:15:00+00:00", "unknown"),
        ("2026-11-02T10:14:59+00:00", "2026-11-02T10:15:00+00:00", "unknown"),
        ("2026-11-02T10:15:01", "2026-11-02T10:15:00+00:00", "working"),
        ("2026-11-02 10:14:59", "2026-11-02T10:15:00+00:00", "unknown"),
        ("2026-11-02T11:15:00+01:00", "2026-11-02T10:15:00+00:00", "unknown"),
        ("2 minutes ago", "2026-11-02T10:15:00+00:00", "unknown"),
    ],
)
def test_a_use_that_may_be_the_proving_call_proves_nothing(used: str, verified_at: str, state: str) -> None:
    verdict = forescout_verdict(seen(used), {"changed": False, "verified_at": verified_at}, "forescout")
    assert verdict["state"] == state


def test_ansible_finds_both_filters_by_name() -> None:
    assert FilterModule().filters() == {
        "fortinet_verdict": fortinet_verdict,
        "forescout_verdict": forescout_verdict,
    }
