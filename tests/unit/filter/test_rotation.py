# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A rotation that was due and was not done is named."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.filter.rotation import FilterModule, unfinished_rotations

WHY = "not rotated: the store does not have it"
NOTHING = {"failed": True, "msg": "no"}


def entry(kind: str, name: str, **more: Any) -> dict[str, Any]:
    """Make an object's entry in a result."""
    return {"kind": kind, "name": name, "action": "none", "changed": False, **more}


def late(kind: str, name: str) -> dict[str, Any]:
    """Make the entry of a secret that is due and was not replaced."""
    return entry(kind, name, reason=WHY, overdue=True)


RESULTS: dict[str, tuple[dict[str, Any], list[str]]] = {
    # registered results: the sentences about the host
    "none": ({}, []),
    "failures": ({"__fortigate_access_result": NOTHING, "__sensor_tokens_kept": {"results": [NOTHING]}}, []),
    "keys": (
        {
            "__fortigate_access_result": {
                "objects": [entry("admin", "a"), late("key", "a"), entry("key", "b")]
            }
        },
        [f"h: key a is {WHY}"],
    ),
    "tokens": (
        {"__sensor_tokens_kept": {"results": [{"objects": [late("token", name)]} for name in "ab"]}},
        [f"h: token a is {WHY}", f"h: token b is {WHY}"],
    ),
    "settings": (
        {"__forescout_module_result": {"objects": [late("settings", "m")]}},
        [f"h: settings m is {WHY}"],
    ),
    "a difference": ({"__forescout_module_result": {"objects": [entry("settings", "m", reason=WHY)]}}, []),
    "a token that is still to be retired": (
        {"__sensor_tokens_kept": {"results": [{"objects": [entry("token", "a")], "previous": "0c7e"}]}},
        [],
    ),
    "a token that was not retired": (
        {
            "__sensor_tokens_retired": {
                "results": [
                    {"objects": [entry("token", "a")], "previous": "0c7e"},
                    {"objects": [entry("token", "b")], "previous": None},
                    {"skipped": True},
                ]
            }
        },
        ["h: the previous token a is still valid"],
    ),
}


@pytest.mark.parametrize(("variables", "sentences"), RESULTS.values(), ids=RESULTS)
def test_what_a_rotation_has_not_done(variables: Any, sentences: list[str]) -> None:
    assert unfinished_rotations(["h", "other"], {"h": variables, "other": {}}) == sentences


def test_ansible_finds_the_filter_by_name() -> None:
    assert FilterModule().filters() == {"unfinished_rotations": unfinished_rotations}
