# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The former consumers of a secret leave its record, and nothing else changes."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.task import Outcome
from ansible_collections.otsec.defender_iot.plugins.module_utils._minting.consumers import abandon
from ansible_collections.otsec.defender_iot.tests.unit.minting.scene import TOKEN, Scene, rows

BOTH = {"consumers": ("a/settings",), "delivered": {"a/settings": "1", "b/settings": "1"}}


def abandoned(*hosts: str, changed: bool = False, **scene: Any) -> tuple[Scene, dict[str, Any]]:
    """Remove hosts from the consumers. Return the scene and the result."""
    played = Scene(TOKEN, rows(1), **scene)
    outcome = Outcome(changed, objects=[{"action": "rotate"}] if changed else None)
    abandon(played.task, outcome, hosts)
    return played, outcome.result()


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_former_consumer_leaves_the_record(check_mode: bool) -> None:
    scene, result = abandoned("a", check_mode=check_mode, value="v", **BOTH)
    (entry,) = result["objects"]
    assert (entry["action"], entry["reason"]) == ("update", "no longer used by a")
    assert entry["before"] == {"consumers": ["a/settings", "b/settings"]}
    assert entry["after"] == result["diff"]["after"] == {"consumers": ["b/settings"]}
    kept = scene.keeper.read().current
    assert set(kept.delivered) == ({"a/settings", "b/settings"} if check_mode else {"b/settings"})
    assert "store abandoned" not in scene.events if check_mode else "store abandoned" in scene.events


@pytest.mark.parametrize("stored", [{}, {"value": "v"}, {"value": "v", "consumers": ("b/settings",)}])
def test_without_such_a_consumer_nothing_is_written(stored: dict[str, Any]) -> None:
    scene, result = abandoned("a", **stored)
    assert result == {"changed": False}
    assert scene.events == ["store read"]


def test_another_change_of_the_same_task_stays_reported() -> None:
    _scene, result = abandoned("a", changed=True, value="v", **BOTH)
    assert result["objects"] == [{"action": "rotate"}]
