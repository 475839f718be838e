# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the playbook block refuses before its first request."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
import yaml
from ansible.plugins.filter.core import to_datetime
from ansible.plugins.test.core import match, search
from jinja2 import Environment

PLAYBOOK = Path(__file__).parents[3] / "playbooks/block.yml"


def conditions() -> Iterator[str]:
    """Yield the conditions about the values of the variables, in their order."""
    for task in yaml.safe_load(PLAYBOOK.read_text())[0]["tasks"]:
        that = task.get("ansible.builtin.assert", {}).get("that", [])
        found = [that] if isinstance(that, str) else that
        yield from (each for each in found if " is defined" not in each)


def is_accepted(until: str, reason: str, **lost: str) -> bool:
    environment = Environment(autoescape=True)
    environment.filters["to_datetime"] = to_datetime
    environment.tests.update(match=match, search=search)
    return all(
        environment.compile_expression(each)(until=until, reason=reason, now=datetime.now, **lost)
        for each in conditions()
    )


@pytest.mark.parametrize("until", ["2099-12-01T06:00:00Z", "2099-12-01T06:00:00+02:00"])
def test_a_time_in_the_future_with_its_zone_is_accepted(until: str) -> None:
    assert is_accepted(until, "worm on hmi-3")


@pytest.mark.parametrize(
    "until",
    [
        *("2099-12-01", "2099-12-01T06:00:00", "2099-12-01 06:00", "tomorrow", "", "2020-01-01T00:00:00Z"),
        *(
            "2099-13-01T06:00:00Z",
            "2099-12-32T06:00:00Z",
            "2099-12-01T24:00:00Z",
            "2099-12-01T06:00:00+24:00",
        ),
    ],
)
def test_a_time_that_is_past_or_incomplete_is_refused(until: str) -> None:
    assert not is_accepted(until, "worm")


@pytest.mark.parametrize("reason", ["", " "])
def test_an_empty_reason_is_refused(reason: str) -> None:
    assert not is_accepted("2099-12-01T06:00:00Z", reason)


def test_a_word_that_ansible_has_split_off_is_not_lost() -> None:
    assert not is_accepted("2099-12-01T06:00:00Z", "a", _raw_params="worm on hmi-3")
