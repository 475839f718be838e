# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Versions: which ones have a feature, and which ones a text matches."""

from __future__ import annotations

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.version import fits, since, within


@pytest.mark.parametrize(
    ("version", "versions", "fit"),
    [
        ("24.1.5", "24.1", True),
        ("24.1.5", "24", True),
        ("24.10.0", "24.1", False),
        ("24.1.5", ">=22.3,<25", True),
        ("24.1.5", ">= 24.1.5, <= 24.1.5", True),
        ("24.1.5", ">24.1.5", False),
        ("25.0", ">=22.3,<25", False),
        ("9.1.5-build7", "<10", True),
        ("unknown", "24.1", False),
        ("24.1", "lab", False),
    ],
)
def test_versions_are_compared_number_by_number(version: str, versions: str, fit: bool) -> None:
    assert fits(version, versions) is fit


@pytest.mark.parametrize(
    ("version", "there"),
    [("6.4.5", False), ("6.4.6", True), ("6.10.0", True), ("7.0.0", False), ("7.0.1", True), ("7.6.5", True)],
)
def test_something_may_come_go_and_come_again(version: str, there: bool) -> None:
    assert within(version, since("6.4.6", "7.0.0") + since("7.0.1")) is there


def test_what_names_no_versions_is_in_all() -> None:
    assert within("7.4.1", ())
