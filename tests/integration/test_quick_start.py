# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every command of the quick start from its second step on, on mock appliances."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ansible_collections.otsec.defender_iot.tests.support.walk import Walk, recap
from ansible_collections.otsec.defender_iot.tests.support.workspace import ROOT

PAGE = (ROOT / "docs/quick_start.md").read_text()
ON_MOCKS = PAGE.partition("### 2.")[2].partition("## On your appliances")[0]


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    """The page, followed once for all tests."""
    walk = Walk(tmp_path_factory.mktemp("quick-start"), ON_MOCKS)
    try:
        walk.go()
        yield walk
    finally:
        walk.clean_up()


def test_what_is_predicted_is_done_once_and_then_nothing(walk: Walk) -> None:
    predicted, both = recap(walk.after("--check --diff")), walk.after("otsec.defender_iot.site\n")
    first, second = both.split("PLAY RECAP")[:2], recap(both)
    assert recap("PLAY RECAP".join(first)) == predicted
    assert sorted(predicted.values()) == [0, 1, 1, 1, 1, 1]
    assert set(second.values()) == {0}


def test_the_diff_that_the_page_shows_is_the_one_that_is_printed(walk: Walk) -> None:
    shown = ON_MOCKS.partition("```diff\n")[2].partition("```")[0].strip()
    assert shown in walk.after("--check --diff")


def test_the_page_ends_with_verdicts(walk: Walk) -> None:
    assert "fgt-north-01  unknown  -" in walk.after("otsec.defender_iot.verify")


def test_nothing_is_left_but_the_inventory(walk: Walk) -> None:
    assert [path.name for path in (walk.folder / "plant").iterdir()] == ["inventory"]
