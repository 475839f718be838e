# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Overlapping tokens: the previous one is kept until the current one was used; and state: absent."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import Conflict, Refused
from ansible_collections.otsec.defender_iot.tests.unit.fakes import UNKNOWN, begun, mark, secret
from ansible_collections.otsec.defender_iot.tests.unit.minting.scene import (
    ADMIN,
    KEY,
    TOKEN,
    Scene,
    ago,
    row,
    rows,
)

LISTING = ["store read", "appliance table"]
PREVIOUS = secret("older", id=1)
ENDING = {"previous": "absent"}
CURRENT = {"value": "old", "id": 2, "previous": PREVIOUS}
USED = {1: row(1, used="yesterday"), 2: row(2, used="today")}


def test_a_rotation_keeps_the_previous_token_on_both_sides() -> None:
    scene = Scene(TOKEN, rows(1), params={"recreate": "always"}, value="older", id=1)
    result = scene.play()
    assert scene.ids == [1, 9]
    assert scene.keeper.previous.value == "older"
    assert result["previous"] == result["diff"]["before"]["fingerprint"] == mark("older")


@pytest.mark.parametrize("objects", [rows(1), {}])
def test_check_mode_predicts_the_previous_token(objects: Any) -> None:
    older = {"params": {"recreate": "always"}, "value": "older", "id": 1}
    predicted = Scene(TOKEN, objects, check_mode=True, **older).play()
    result = Scene(TOKEN, objects, **older).play()
    assert predicted["previous"] == result["previous"] == (mark("older") if objects else None)


@pytest.mark.parametrize(("previous", "changed"), [("absent", True), ("keep", False)])
def test_check_mode_predicts_the_end_of_a_token_that_it_has_only_predicted_to_be_replaced(
    previous: str, changed: bool
) -> None:
    params = {"rotation_id": "2", "replaced": True, "previous": previous}
    scene = Scene(TOKEN, rows(1), check_mode=True, params=params, value="older", id=1)
    result = scene.play()
    (reported,) = result["objects"]
    assert (result["changed"], reported["action"]) == (changed, "update" if changed else "none")
    assert reported.get("before") == ({"previous": mark("older")} if changed else None)
    assert result["previous"] == (None if changed else mark("older"))
    assert scene.events == ["store read"]


def test_a_real_run_sees_in_the_store_what_was_replaced() -> None:
    scene = Scene(TOKEN, USED, params={**ENDING, "replaced": True}, **CURRENT)
    assert scene.play()["changed"]
    assert scene.keeper.previous is None


def test_a_rotation_whose_answer_has_no_id_finds_it_in_the_list() -> None:
    params = {"rotation_id": "2"}
    scene = Scene(TOKEN, rows(1), params=params, appliance={"id_": None}, value="older", id=1)
    assert scene.play()["minted"]
    assert (scene.keeper.current.id, scene.keeper.previous.id) == ("9", 1)
    assert not scene.play()["changed"]


def test_a_key_replaces_the_one_before_so_that_there_is_no_previous() -> None:
    scene = Scene(KEY, ADMIN, params={"recreate": "always"}, appliance={"verdicts": [UNKNOWN]}, value="old")
    assert "previous" not in scene.play()
    assert scene.keeper.previous is None


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize("params", [{}, {"previous": "keep"}])
def test_a_previous_token_stays_until_the_task_ends_it(params: Any, check_mode: bool) -> None:
    scene = Scene(TOKEN, USED, check_mode=check_mode, params=params, **CURRENT)
    result = scene.play()
    assert (result["changed"], result["previous"], scene.events) == (False, mark("older"), LISTING)


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_previous_token_ends_once_the_current_one_was_used(check_mode: bool) -> None:
    scene = Scene(TOKEN, USED, check_mode=check_mode, params=ENDING, **CURRENT)
    result = scene.play()
    assert scene.events == [*LISTING, *([] if check_mode else ["appliance delete 1", "store retire"])]
    assert (result["changed"], result["minted"], result["reason"]) == (
        True,
        False,
        "the current one is in use",
    )
    assert (result["previous"], result["fingerprint"]) == (None, mark("old"))
    assert scene.ids == ([1, 2] if check_mode else [2])


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_previous_token_stays_while_only_it_was_used(check_mode: bool) -> None:
    tokens = {1: row(1, used="today"), 2: row(2)}
    scene = Scene(TOKEN, tokens, check_mode=check_mode, params=ENDING, **CURRENT)
    result = scene.play()
    assert (scene.events, result["changed"], result["previous"]) == (LISTING, False, mark("older"))
    assert scene.warnings == ['the previous token "a" is kept because the current one was never used']


def test_a_previous_token_that_is_gone_already_is_dropped_from_the_store() -> None:
    scene = Scene(TOKEN, {2: row(2, used="today")}, params=ENDING, **CURRENT)
    assert scene.play()["changed"]
    assert scene.events == [*LISTING, "store retire"]


def test_a_previous_token_that_could_not_be_deleted_stays_in_the_store() -> None:
    scene = Scene(TOKEN, USED, params=ENDING, errors={"delete": Refused("no")}, **CURRENT)
    with pytest.raises(Refused):
        scene.play()
    assert scene.events == [*LISTING, "appliance delete 1"]
    assert scene.keeper.previous == PREVIOUS


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_previous_token_ends_and_another_is_minted_where_the_current_one_is_gone(check_mode: bool) -> None:
    scene = Scene(TOKEN, rows(1), check_mode=check_mode, params=ENDING, **CURRENT)
    result = scene.play()
    assert (result["changed"], result["reason"], result["previous"]) == (
        True,
        "the appliance has none",
        None,
    )
    assert scene.ids == ([1] if check_mode else [9])


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_previous_token_ends_and_the_current_one_is_rotated_where_that_is_due(check_mode: bool) -> None:
    params = {**ENDING, "max_age": 90}
    scene = Scene(TOKEN, USED, check_mode=check_mode, params=params, **CURRENT, created_at=ago(days=91))
    result = scene.play()
    assert (result["minted"], result["reason"]) == (not check_mode, "it is older than 90 days")
    assert result["previous"] == mark("old")
    if not check_mode:
        assert (scene.ids, scene.keeper.previous.value) == ([2, 9], "old")


def test_without_a_previous_token_its_end_changes_nothing() -> None:
    scene = Scene(TOKEN, USED, params=ENDING, value="old", id=2)
    assert not scene.play()["changed"]
    assert scene.events == LISTING


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize("params", [{"recreate": "always"}, {"rotation_id": "3"}])
def test_a_second_rotation_waits_for_the_end_of_the_first(params: Any, check_mode: bool) -> None:
    scene = Scene(TOKEN, USED, check_mode=check_mode, params=params, **CURRENT)
    with pytest.raises(Conflict) as caught:
        scene.play()
    assert str(caught.value) == (
        'token "a" still has a previous value; end that rotation first (previous: absent)'
    )
    assert scene.events == LISTING


GONE = {"state": "absent"}
ABSENT = {
    # what there is: (tokens, stored, writes, changed)
    "both": (rows(1), {"value": "old", "id": 1}, ["appliance delete 1", "store forget"], True),
    "a token only": (rows(1), {}, ["appliance delete 1", "store forget"], True),
    "a value only": ({}, {"value": "old", "id": 1}, ["store forget"], True),
    "neither": ({}, {}, [], False),
    "a reservation only": ({}, {"pending": begun()}, ["store forget"], True),
    "two, one of them previous": (
        rows(1, 2),
        CURRENT,
        ["appliance delete 1", "appliance delete 2", "store forget"],
        True,
    ),
}


@pytest.mark.parametrize(("tokens", "stored", "writes", "changed"), ABSENT.values(), ids=ABSENT)
@pytest.mark.parametrize("check_mode", [True, False])
def test_absent_removes_every_token_first_and_then_the_secret(
    tokens: Any, stored: Any, writes: list[str], changed: bool, check_mode: bool
) -> None:
    scene = Scene(TOKEN, tokens, check_mode=check_mode, params=GONE, **stored)
    result = scene.play()
    assert scene.events == [*LISTING, *([] if check_mode else writes)]
    assert (result["changed"], result["fingerprint"], result["previous"]) == (changed, None, None)
    assert result["diff"]["after"] == {}


def test_absent_leaves_tokens_of_another_name() -> None:
    scene = Scene(TOKEN, {1: row(1), 2: row(2, name="b")}, params=GONE, value="old", id=1)
    scene.play()
    assert scene.ids == [2]


def test_a_secret_is_kept_when_its_token_could_not_be_deleted() -> None:
    scene = Scene(TOKEN, rows(1), params=GONE, errors={"delete": Refused("no")}, value="old", id=1)
    with pytest.raises(Refused):
        scene.play()
    assert scene.events == [*LISTING, "appliance delete 1"]
