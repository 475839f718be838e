# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Results: none has the value unless the task asks for it, and then only in one place."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._minting.mint import adopt
from ansible_collections.otsec.defender_iot.tests.unit.fakes import MINTED, begun, do, secret
from ansible_collections.otsec.defender_iot.tests.unit.minting.scene import (
    ADMIN,
    KEY,
    TOKEN,
    Scene,
    row,
    rows,
)

ASKED = {"return_secret": True}
OLD = {"value": "s3cr3t-old", "id": 1}
PREVIOUS = secret("s3cr3t-older", id=2)
USED = {1: row(1, used="today"), 2: row(2)}
PATHS = {
    # what happens: (resource, objects, stored, options, value in the end, value in check mode)
    "minted": (TOKEN, {}, {}, {}, MINTED, None),
    "kept": (TOKEN, rows(1), OLD, {}, "s3cr3t-old", "s3cr3t-old"),
    "replaced": (TOKEN, rows(1), OLD, {"recreate": "always"}, MINTED, None),
    "retired": (
        TOKEN,
        USED,
        {**OLD, "previous": PREVIOUS},
        {"previous": "absent"},
        "s3cr3t-old",
        "s3cr3t-old",
    ),
    "finished": (
        TOKEN,
        rows(1, 5),
        {**OLD, "pending": begun(secret("s3cr3t-new", id=5), [1])},
        {},
        "s3cr3t-new",
        "s3cr3t-new",
    ),
    "given up": (
        TOKEN,
        rows(1, 5),
        {**OLD, "pending": begun(None, [1])},
        {},
        "s3cr3t-old",
        "s3cr3t-old",
    ),
    "removed": (TOKEN, rows(1), OLD, {"state": "absent"}, None, None),
    "a key": (KEY, ADMIN, {}, {}, MINTED, None),
    "a key that replaces another": (
        KEY,
        ADMIN,
        {"value": "s3cr3t-old"},
        {"recreate": "always"},
        MINTED,
        None,
    ),
}


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize(
    ("resource", "objects", "stored", "params", "value", "predicted"), PATHS.values(), ids=PATHS
)
def test_a_value_is_returned_only_if_asked_for_and_only_the_current_one(
    resource: Any, objects: Any, stored: Any, params: Any, value: Any, predicted: Any, check_mode: bool
) -> None:
    wanted = predicted if check_mode else value
    for asked in ({}, {"return_secret": False}, ASKED):
        scene = Scene(resource, objects, check_mode=check_mode, params={**params, **asked}, **stored)
        result = scene.play()
        assert result.pop("value", None) == (wanted if asked is ASKED else None)
        said = json.dumps([result, scene.warnings])
        assert "s3cr3t" not in said
        assert MINTED not in said


@pytest.mark.parametrize("verified_at", [None, "then"])
@pytest.mark.parametrize("asked", [{}, ASKED])
def test_an_adopted_value_is_returned_only_if_asked_for(asked: Any, verified_at: Any) -> None:
    scene = Scene(TOKEN, params=asked, value="s3cr3t", verified_at=verified_at)
    result = do(adopt, scene.task)
    assert result.pop("value", None) == ("s3cr3t" if asked else None)
    assert "s3cr3t" not in json.dumps([result, scene.warnings])
