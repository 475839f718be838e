# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who uses which access token of which sensor."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.filter.consumers import consumed_tokens, token_consumers

JUDGED = {"integration": "forescout", "verdict": {"state": "working"}}
PLATFORMS = {
    # variables of a platform: what it consumes
    "names no sensor": ({}, []),
    "names none for now": ({"forescout_module_sensor": ""}, []),
    "names its sensor": (
        {"forescout_module_sensor": "s1"},
        [{"sensor": "s1", "description": "forescout", "works": False}],
    ),
    "uses another token": (
        {"forescout_module_sensor": "s1", "forescout_module_token_description": "site-a"},
        [{"sensor": "s1", "description": "site-a", "works": False}],
    ),
    "works": (
        {"forescout_module_sensor": "s1", "forescout_module_verdict": JUDGED},
        [{"sensor": "s1", "description": "forescout", "works": True}],
    ),
    "was judged not to": (
        {"forescout_module_sensor": "s1", "forescout_module_verdict": {"verdict": {"state": "unknown"}}},
        [{"sensor": "s1", "description": "forescout", "works": False}],
    ),
}


@pytest.mark.parametrize(("variables", "consumers"), PLATFORMS.values(), ids=PLATFORMS)
def test_a_platform_tells_what_it_uses(variables: Any, consumers: Any) -> None:
    assert token_consumers([variables]) == consumers


def test_a_token_that_two_platforms_use_is_one_token() -> None:
    consumers = token_consumers(
        {"forescout_module_sensor": sensor, "forescout_module_token_description": description}
        for sensor, description in [("s1", "b"), ("s1", "a"), ("s2", "c"), ("s1", "b")]
    )
    assert consumed_tokens(consumers, "s1") == [{"description": "b"}, {"description": "a"}]
    assert consumed_tokens(consumers, "s3") == []


def test_where_nobody_is_known_to_use_any_there_is_one_token() -> None:
    assert consumed_tokens([], "s1") == [{"description": "forescout"}]
