# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verdict about an integration follows from its evidence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.filter.verdict import (
    IN_PLACE,
    FilterModule,
    forescout_verdict,
    fortinet_verdict,
    verdict_table,
    verification,
)

UNREAD = [
    ({"failed": True, "msg": "fgt: no"}, "fgt: no"),
    ({"unreachable": True, "msg": "fgt: no answer"}, "fgt: no answer"),
    ({"skipped": True}, "no response"),
    ({}, "no response"),
]


def access(**actions: str) -> dict[str, Any]:
    """Make the result of checking the access to a FortiGate. Kinds that are not named need no action."""
    done = {kind: actions.get(kind, "none") for kind in ("profile", "admin", "key")}
    return {
        "objects": [
            {"kind": kind, "name": "defender-iot", "action": action, "changed": action != "none"}
            for kind, action in done.items()
        ]
    }


def accepted(is_accepted: bool | None, **actions: str) -> dict[str, Any]:
    """Make such a result with the answer of the FortiGate to the key."""
    result = access(**actions)
    result["objects"][-1]["accepted"] = is_accepted
    return result


@pytest.mark.parametrize(("result", "why"), UNREAD)
def test_fortinet_is_unknown_while_the_access_is_unread(result: Any, why: str) -> None:
    assert fortinet_verdict(result) == {
        "state": "unknown",
        "outcome": "unreadable",
        "since": None,
        "level": None,
        "evidence": f"the FortiGate could not be read: {why}",
        "levels": [],
    }


@pytest.mark.parametrize(
    ("found", "state", "evidence"),
    [
        (access(admin="create", key="mint"), "never_called", "the REST API administrator does not exist"),
        (access(key="mint"), "never_called", "the store contains no API key"),
        (access(), "unknown", f"{IN_PLACE}; the key of defender-iot was not tried, or the answer proves"),
        (accepted(True), "unknown", f"{IN_PLACE}; the FortiGate accepts the key;"),
        (accepted(None), "unknown", f"{IN_PLACE}; the key of defender-iot was not tried, or the answer"),
        (accepted(False), "unknown", "the FortiGate rejects the stored API key of defender-iot;"),
        (
            accepted(False, profile="update"),
            "unknown",
            "not in the desired state: profile defender-iot; the FortiGate rejects the stored API key of",
        ),
        ({"objects": access()["objects"][:2]}, "unknown", "the REST API administrator is in place, and its"),
        (access(profile="update"), "unknown", "not in the desired state: profile defender-iot;"),
        (access(key="update"), "unknown", "not in the desired state: key defender-iot;"),
    ],
)
def test_the_fortinet_verdict_follows_from_administrator_and_key(
    found: Any, state: str, evidence: str
) -> None:
    verdict = fortinet_verdict(found)
    assert verdict["state"] == state
    assert verdict["evidence"].startswith(evidence)


MADE = "2026-11-02T09:00:00Z"
CHANGED = "2026-11-02T10:00:00Z"
USED = "2026-11-02T10:15:00Z"
PLATFORM = {"changed": False, "verified_at": None, "created_at": MADE, "delivered_at": CHANGED}
MANUAL = {"changed": False, "steps": ["..."], "verified_at": None, "created_at": MADE}
NEVER = "Used is N/A: no call with this token was ever received"


def seen(*times: Any, description: str = "forescout") -> dict[str, Any]:
    """Make the sensor's list of tokens, one for each time of last use."""
    return {"tokens": [{"description": description, "id": n, "used": used} for n, used in enumerate(times)]}


def host(updated_at: str | None, *missing: str) -> dict[str, Any]:
    """Make a result of the Web API, with labels and reference host."""
    known = {"ip": "192.0.2.1", "id": "7", "updated_at": updated_at}
    return {"missing_labels": list(missing), "ambiguous_labels": [], "host": known}


def judged(tokens: Any = None, platform: Any = None, **more: Any) -> dict[str, Any]:
    """Return the verdict about a Forescout platform. By default it works."""
    return forescout_verdict(
        seen(USED) if tokens is None else tokens,
        PLATFORM if platform is None else platform,
        "forescout",
        **more,
    )


def reached(verdict: dict[str, Any]) -> list[bool | None]:
    """Return whether each level was reached."""
    return [level["reached"] for level in verdict["levels"]]


def test_a_verdict_names_every_level() -> None:
    names = [(level["level"], level["name"]) for level in judged()["levels"]]
    assert names == [
        ("L0", "stored"),
        ("L1", "running"),
        ("L2", "installed"),
        ("L3", "supplied"),
        ("L4", "called"),
    ]


@pytest.mark.parametrize("result", [result for result, _why in UNREAD])
def test_forescout_is_unknown_while_the_tokens_are_unread(result: Any) -> None:
    verdict = judged(result)
    assert (verdict["state"], verdict["level"]) == ("unknown", "L0")
    assert "could not be read" in verdict["evidence"]


@pytest.mark.parametrize("result", [result for result, _why in UNREAD])
@pytest.mark.parametrize("part", ["platform", "host"])
def test_what_is_unread_on_the_platform_is_neither_proved_nor_refuted(part: str, result: Any) -> None:
    levels = reached(judged(**{"platform": {"verified_at": None}, part: result}))
    assert levels[:4] == ([None] * 4 if part == "platform" else [True, None, None, None])


@pytest.mark.parametrize(
    ("tokens", "platform", "state", "evidence"),
    [
        (seen(), PLATFORM, "never_called", 'the sensor has 0 tokens with the description "forescout"'),
        (
            {"changed": False},
            PLATFORM,
            "never_called",
            'the sensor has 0 tokens with the description "forescout"',
        ),
        (
            seen(USED, description="x"),
            PLATFORM,
            "never_called",
            'the sensor has 0 tokens with the description "forescout"',
        ),
        (seen(USED, USED), PLATFORM, "unknown", 'the sensor has 2 tokens with the description "forescout"'),
        (seen(None), PLATFORM, "never_called", NEVER),
        (seen(None), {**PLATFORM, "changed": True}, "never_called", NEVER),
        (
            seen(USED),
            {**PLATFORM, "changed": True},
            "unknown",
            f"the platform does not have the declared settings; Used is {USED}",
        ),
        (seen(USED), PLATFORM, "working", f"Used is {USED}"),
        (seen(USED), MANUAL, "working", f"Used is {USED}"),
        (
            seen(USED),
            {"changed": False},
            "unknown",
            f"Used is {USED}, but the times of minting and delivery are not known",
        ),
        (seen(USED), {**PLATFORM, "running": False}, "unknown", f"the module does not run; Used is {USED}"),
        (seen(USED), {**PLATFORM, "running": True}, "working", f"Used is {USED}"),
    ],
)
def test_the_forescout_verdict_follows_from_the_used_column(
    tokens: Any, platform: Any, state: str, evidence: str
) -> None:
    verdict = judged(tokens, platform)
    assert (verdict["state"], verdict["evidence"]) == (state, evidence)


@pytest.mark.parametrize(
    ("used", "platform", "state", "called"),
    [
        ("2026-11-02T10:00:00Z", PLATFORM, "working", True),
        ("2026-11-02T09:59:59Z", PLATFORM, "unknown", False),
        ("2026-11-02T09:59:59Z", MANUAL, "working", True),
        ("2026-11-02T08:59:59Z", MANUAL, "unknown", False),
        ("2026-11-02T11:00:00+01:00", PLATFORM, "working", True),
        ("2026-11-02T11:00:00+02:00", PLATFORM, "unknown", False),
        ("2026-11-02 10:00:01", PLATFORM, "working", True),
        (1793613600, PLATFORM, "working", True),
        (1793613600000, PLATFORM, "working", True),
        ("1793613599999", PLATFORM, "unknown", False),
        ("2 minutes ago", PLATFORM, "unknown", None),
        ("9" * 30, PLATFORM, "unknown", None),
    ],
)
def test_a_use_counts_from_the_change_on(used: Any, platform: Any, state: str, called: bool | None) -> None:
    verdict = judged(seen(used), platform)
    assert (verdict["state"], reached(verdict)[4]) == (state, called)


AHEAD = (datetime.now(UTC) + timedelta(days=365)).isoformat()
ZONE = (datetime.now(UTC) + timedelta(hours=14)).isoformat()


@pytest.mark.parametrize(
    ("used", "platform", "more", "state", "called"),
    [
        (USED, {**PLATFORM, "delivered_at": AHEAD}, {}, "working", True),
        (USED, {**PLATFORM, "delivered_at": AHEAD}, {"changed_at": CHANGED}, "working", True),
        (USED, {**PLATFORM, "delivered_at": AHEAD, "created_at": AHEAD}, {}, "unknown", None),
        (USED, MANUAL, {"changed_at": AHEAD}, "working", True),
        (USED, {**PLATFORM, "verified_at": AHEAD}, {}, "unknown", None),
        (AHEAD, PLATFORM, {}, "unknown", None),
        (AHEAD, PLATFORM, {"max_age": 60}, "unknown", None),
        (AHEAD, {**PLATFORM, "verified_at": AHEAD}, {}, "unknown", None),
        (ZONE, PLATFORM, {"max_age": 60}, "working", True),
    ],
    ids=[
        "delivered, made before",
        "delivered, and said before",
        "delivered and made",
        "said, made before",
        "proved",
        "used",
        "used, and recently",
        "used and proved",
        "used in another zone",
    ],
)
def test_a_time_of_a_wrong_clock_neither_proves_nor_refutes(
    used: str, platform: Any, more: Any, state: str, called: bool | None
) -> None:
    verdict = judged(seen(used), platform, **more)
    assert (verdict["state"], reached(verdict)[4]) == (state, called)


def test_a_value_of_a_wrong_clock_proves_no_supply() -> None:
    assert reached(judged(seen(None), host=host(AHEAD)))[3] is None
    assert reached(judged(seen(None), host=host(ZONE)))[3] is True


def test_never_called_does_not_begin_in_the_future() -> None:
    assert judged(seen(None), {**PLATFORM, "created_at": AHEAD})["since"] is None


def test_an_operator_can_give_the_time_of_the_change() -> None:
    assert judged(platform=MANUAL, changed_at="2026-11-02T10:15:00Z")["state"] == "working"
    assert judged(platform=MANUAL, changed_at="2026-11-02T10:15:01Z")["state"] == "unknown"
    assert judged(platform=MANUAL, changed_at="")["state"] == "working"


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
def test_a_use_that_may_be_the_verification_call_proves_nothing(
    used: str, verified_at: str, state: str
) -> None:
    assert judged(seen(used), {"changed": False, "verified_at": verified_at})["state"] == state


@pytest.mark.parametrize(("seconds", "state"), [(0, "working"), (3500, "working"), (3700, "unknown")])
def test_an_old_last_call_is_not_working(seconds: int, state: str) -> None:
    used = (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()
    verdict = judged(seen(used), {**PLATFORM, "delivered_at": "2020-01-01T00:00:00Z"}, max_age=3600)
    assert verdict["state"] == state
    assert ("more than 3600 s ago" in verdict["evidence"]) is (state == "unknown")


@pytest.mark.parametrize(
    ("tokens", "platform", "known", "state", "levels"),
    [
        ({}, PLATFORM, host(USED), "working", [True, None, True, True, None]),
        ({}, PLATFORM, host(CHANGED), "working", [True, None, True, True, None]),
        ({}, PLATFORM, host(MADE), "unknown", [True, None, True, False, None]),
        ({}, PLATFORM, host(None), "unknown", [True, None, True, False, None]),
        ({}, MANUAL, host(USED), "unknown", [None, None, True, None, None]),
        ({}, PLATFORM, {"missing_labels": []}, "unknown", [True, None, True, None, None]),
        ({}, PLATFORM, host(USED, "Vendor"), "unknown", [True, None, False, True, None]),
        (seen(USED), PLATFORM, host(USED, "Vendor"), "unknown", [True, None, False, True, True]),
        (seen(USED), PLATFORM, host(MADE), "working", [True, None, True, False, True]),
        (seen(None), PLATFORM, host(USED), "never_called", [True, None, True, True, False]),
        (seen(MADE), PLATFORM, host(USED), "unknown", [True, None, True, True, False]),
        ({}, {**PLATFORM, "changed": True}, host(USED), "unknown", [False, None, True, True, None]),
        ({}, {**PLATFORM, "running": False}, host(USED), "unknown", [True, False, True, True, None]),
        ({}, {**PLATFORM, "running": True}, host(USED), "working", [True, True, True, True, None]),
        ({}, {**PLATFORM, "running": None}, host(USED), "working", [True, None, True, True, None]),
        ({}, {**PLATFORM, "running": True}, None, "unknown", [True, True, None, None, None]),
    ],
)
def test_below_l3_nothing_works_and_what_is_refuted_is_not_outvoted(
    tokens: Any, platform: Any, known: Any, state: str, levels: Any
) -> None:
    verdict = judged(tokens, platform, host=known)
    assert (verdict["state"], reached(verdict)) == (state, levels)


@pytest.mark.parametrize(
    ("platform", "known", "level"),
    [
        (PLATFORM, None, "L4"),
        ({**PLATFORM, "changed": True}, None, None),
        (PLATFORM, host(USED, "Vendor"), "L0"),
        (PLATFORM, host(MADE), "L2"),
    ],
)
def test_the_level_is_the_highest_proved_below_what_is_refuted(platform: Any, known: Any, level: Any) -> None:
    assert judged(platform=platform, host=known)["level"] == level


@pytest.mark.parametrize(
    ("platform", "why"),
    [
        ({"failed": True, "msg": "no"}, "whether the module runs could not be read"),
        (PLATFORM, "this transport does not report whether the module runs"),
        ({**PLATFORM, "running": None}, "the platform does not report whether the module runs"),
        ({**PLATFORM, "running": True}, "the module runs"),
        ({**PLATFORM, "running": False}, "the module does not run"),
    ],
)
def test_the_evidence_of_running(platform: Any, why: str) -> None:
    assert judged(platform=platform)["levels"][1]["evidence"] == why


def test_since_is_the_newest_proof_or_when_the_token_was_made() -> None:
    assert judged(host=host("2026-11-02T10:16:00Z"))["since"] == "2026-11-02T10:16:00Z"
    assert judged(seen(None))["since"] == MADE
    assert judged({})["since"] is None


@pytest.mark.parametrize(
    ("verdict", "outcome"),
    [
        (fortinet_verdict(access()), "not_provable"),
        (fortinet_verdict(access(profile="update")), "not_verified"),
        (fortinet_verdict(accepted(True)), "not_provable"),
        (fortinet_verdict(accepted(False)), "not_verified"),
        (fortinet_verdict(access(key="mint")), "not_verified"),
        (fortinet_verdict(access(admin="create")), "not_verified"),
        (fortinet_verdict({"unreachable": True}), "unreadable"),
        (judged(), "verified"),
        (judged(seen(None)), "not_verified"),
        (judged({"skipped": True}), "not_verified"),
        (judged({}), "not_verified"),
        (judged({"failed": True}), "unreadable"),
        (judged(platform={"unreachable": True}), "unreadable"),
        (judged(platform={}), "unreadable"),
        (judged(host={"failed": True}), "unreadable"),
        (judged(host={"skipped": True}), "verified"),
    ],
)
def test_a_verdict_has_an_outcome_for_the_exit_code(verdict: dict[str, Any], outcome: str) -> None:
    assert verdict["outcome"] == outcome


def test_a_verification_collects_verdicts_and_what_could_not_be_read() -> None:
    groups = {
        "fortigates": ["f1", "f2", "f3"],
        "sensors": ["s1", "s2", "s3"],
        "forescouts": ["c1", "c2"],
        "fortisiems": ["m1", "m2"],
    }
    hostvars = {
        "f1": {"fortigate_access_verdict": {"appliance": "f1"}},
        "f2": {},
        "s1": {"sensor_tokens_seen": {"skipped": True}},
        "s2": {"sensor_tokens_seen": {"unreachable": True}},
        "s3": {},
        "c1": {"forescout_module_verdict": {"appliance": "c1"}},
        "c2": {},
        "m1": {"fortisiem_events_verdict": {"appliance": "m1"}},
        "m2": {},
    }
    hosts = ["localhost", "f1", "f2", "s1", "s2", "s3", "c1", "c2", "m1", "m2"]
    assert verification(hosts, groups, hostvars) == {
        "verdicts": [{"appliance": "f1"}, {"appliance": "c1"}, {"appliance": "m1"}],
        "unread": ["f2", "c2", "m2", "s2", "s3"],
    }
    assert verification(["f3"], {}, {}) == {"verdicts": [], "unread": []}
    groups["decommissioned"] = ["f2", "c1", "s2"]
    assert verification(hosts, groups, hostvars) == {
        "verdicts": [{"appliance": "f1"}, {"appliance": "m1"}],
        "unread": ["c2", "m2", "s3"],
    }


def test_the_verdicts_of_a_fleet_become_one_table_for_each_integration() -> None:
    fleet = [
        {"integration": "fortinet", "appliance": "fgt-b", "verdict": fortinet_verdict({})},
        {"integration": "forescout", "appliance": "forescout-01", "verdict": judged()},
        {"integration": "fortinet", "appliance": "a", "verdict": fortinet_verdict(access())},
    ]
    lines = verdict_table(fleet)
    assert [line.split()[0] for line in lines] == [
        "forescout",
        "appliance",
        "forescout-01",
        "fortinet",
        "appliance",
        "a",
        "fgt-b",
    ]
    assert lines[1] == "  appliance     state    level  since                 evidence"
    assert lines[2] == f"  forescout-01  working  L4     {USED}  Used is {USED}"
    assert lines[6].startswith("  fgt-b      unknown  -      -      the FortiGate could not be read")
    assert verdict_table([]) == []


def test_ansible_finds_the_filters_by_name() -> None:
    assert FilterModule().filters() == {
        "fortinet_verdict": fortinet_verdict,
        "forescout_verdict": forescout_verdict,
        "verdict_table": verdict_table,
        "verification": verification,
    }
