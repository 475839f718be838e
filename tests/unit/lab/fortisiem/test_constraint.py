# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The constraints that the lab's FortiSIEM evaluates."""

from __future__ import annotations

import pytest
from defender_iot_lab.fortisiem.constraint import ConstraintError, Parser

EVENT = {"ip": "192.0.2.11", "type": "CyberX-Anomaly", "raw": 'a "text" & more', "severity": "8"}


def matching(source: str, *, ignores_case: bool = False) -> bool:
    """Return whether the event matches."""
    return Parser(source, frozenset({*EVENT, "absent"}), ignores_case).parse()(EVENT)


@pytest.mark.parametrize(
    ("source", "matches"),
    [
        ("ip = 192.0.2.11", True),
        ("ip = 192.0.2.1", False),
        ('type = "CyberX-Anomaly"', True),
        ("ip IN (192.0.2.1, 192.0.2.11)", True),
        ("ip IN (192.0.2.1)", False),
        ('type CONTAIN "Anomaly"', True),
        ('type CONTAIN "anomaly"', False),
        ('type NOT CONTAIN "PH_"', True),
        ('absent NOT CONTAIN "PH_"', True),
        ('absent CONTAIN "PH_"', False),
        ("severity >= 8", True),
        ("severity >= 9", False),
        ("absent >= 0", False),
        ("ip = 1.1.1.1 OR ip = 192.0.2.11 AND severity = 8", True),
        ("(ip = 1.1.1.1 OR ip = 192.0.2.11) AND severity = 7", False),
        ("((ip=192.0.2.11))", True),
    ],
)
def test_a_constraint_is_evaluated(source: str, matches: bool) -> None:
    assert matching(source) is matches


def test_contain_may_ignore_case() -> None:
    assert matching('type CONTAIN "ANOMALY"', ignores_case=True)


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("", "the constraint ends too early"),
        ("ip", "the constraint ends too early"),
        ("colour = red", "unknown attribute colour"),
        ("ip LIKE x", "unknown operator LIKE"),
        ("ip NOT IN (x)", "unexpected IN after NOT"),
        ("ip = 1.1.1.1 ip = 2.2.2.2", "unexpected ip"),
        ("(ip = 1.1.1.1", ") is missing"),
        ("ip IN 1.1.1.1", "( is missing"),
        ("ip = )", "unexpected )"),
        ("severity >= x", "x is not a number"),
        ('type = "a', "unexpected character at 6"),
        ('type = "a\\"b"', "unexpected character at 6"),
        ("ip = 1.1.1.1; DROP", "unexpected character at 12"),
    ],
)
def test_anything_else_is_refused(source: str, why: str) -> None:
    with pytest.raises(ConstraintError) as raised:
        matching(source)
    assert str(raised.value) == why
