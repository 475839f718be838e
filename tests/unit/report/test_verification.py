# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The outcome of a verification: unknown outranks not verified, which outranks verified."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.plugin_utils._report.verification import outcome


def verdict(name: str, state: str, found: str) -> dict[str, Any]:
    """Make the verdict about one appliance."""
    return {"appliance": name, "verdict": {"state": state, "outcome": found}}


WORKS = verdict("c1", "working", "verified")
IN_PLACE = verdict("f1", "unknown", "not_provable")
NEVER = verdict("c2", "never_called", "not_verified")
BLIND = verdict("f2", "unknown", "unreadable")


@pytest.mark.parametrize(
    ("verdicts", "unread", "expected"),
    [
        (
            [WORKS, IN_PLACE],
            [],
            ("verified", "verified: 1 working, 1 in the desired state, which cannot be proved to work"),
        ),
        ([WORKS, NEVER], [], ("not_verified", "not verified: c2 (never_called)")),
        ([WORKS, NEVER, BLIND], [], ("unknown", "unknown: could not be read: f2 (unknown)")),
        ([WORKS], ["s1"], ("unknown", "unknown: could not be read: s1")),
        ([], [], ("unknown", "unknown: no FortiGate, Forescout platform or FortiSIEM was verified")),
    ],
)
def test_the_worst_verdict_is_the_outcome(verdicts: Any, unread: Any, expected: Any) -> None:
    assert outcome(verdicts, unread) == expected


def test_a_message_lists_ten_appliances() -> None:
    _state, sentence = outcome([], [f"s{number:02}" for number in range(12)])
    assert sentence.endswith("s08, s09 and 2 more")
