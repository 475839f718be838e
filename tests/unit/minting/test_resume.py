# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""After an interruption: an unfinished minting is completed, or cleaned up before going on."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import (
    ApplianceError,
    NotFound,
    Refused,
    Unreachable,
)
from ansible_collections.otsec.defender_iot.tests.unit.fakes import (
    INVALID,
    MINTED,
    UNKNOWN,
    VALID,
    begun,
    mark,
    secret,
)
from ansible_collections.otsec.defender_iot.tests.unit.minting.scene import (
    ADMIN,
    KEY,
    TOKEN,
    Scene,
    ago,
    rows,
)

LISTING = ["store read", "appliance table"]
READING = ["store read", "appliance read"]
MINTING = ["store reserve", "appliance mint", "store persist"]
INTERRUPTED = "an earlier run was interrupted"
LOST = "an earlier run was interrupted, and any value it minted is lost"
SAVED = secret("saved", id=5, created_at=ago(minutes=10), rotation_id="2")


def said(result: dict[str, Any]) -> tuple[Any, ...]:
    """Return what a result says in three words."""
    return result["changed"], result["minted"], result["reason"]


@pytest.mark.parametrize("stored", [{}, {"value": "old", "id": 1}], ids=["first", "rotation"])
@pytest.mark.parametrize("check_mode", [True, False])
def test_a_token_whose_value_was_stored_becomes_current_untried(stored: Any, check_mode: bool) -> None:
    scene = Scene(TOKEN, rows(1, 5), check_mode=check_mode, pending=begun(SAVED, [1]), **stored)
    result = scene.play()
    assert scene.events == [*LISTING, *([] if check_mode else ["store commit"])]
    assert said(result) == (True, False, INTERRUPTED)
    assert result["fingerprint"] == result["diff"]["after"]["fingerprint"] == mark("saved")
    assert result["previous"] == (mark("old") if stored else None)
    if not check_mode:
        assert (scene.keeper.current.value, scene.keeper.current.id) == ("saved", 5)
        assert scene.keeper.previous == (secret("old", id=1, created_at="then") if stored else None)
    assert scene.ids == [1, 5]


@pytest.mark.parametrize("verdict", [VALID, UNKNOWN, ("unknown", 429)])
@pytest.mark.parametrize("check_mode", [True, False])
def test_a_key_whose_value_was_stored_becomes_current_unless_refused(verdict: Any, check_mode: bool) -> None:
    probing = {"verdicts": [verdict]}
    scene = Scene(KEY, ADMIN, check_mode=check_mode, appliance=probing, pending=begun(secret("saved")))
    result = scene.play()
    finish = [] if check_mode else ["store commit"]
    assert [each.removesuffix(", verified") for each in scene.events] == [
        *READING,
        "appliance probe saved",
        *finish,
    ]
    assert said(result) == (True, False, INTERRUPTED)
    assert result["verified_at"] == ("now" if verdict is VALID and not check_mode else None)


def test_a_stored_key_that_gets_no_answer_stays_pending() -> None:
    errors = {"probe": Unreachable("no answer")}
    scene = Scene(KEY, ADMIN, errors=errors, pending=begun(secret("saved")))
    with pytest.raises(Unreachable):
        scene.play()
    assert scene.events == [*READING, "appliance probe saved"]


@pytest.mark.parametrize("value", [None, secret("saved")], ids=["lost", "refused"])
@pytest.mark.parametrize("check_mode", [True, False])
def test_a_key_that_was_lost_or_is_refused_is_minted_anew_whatever_is_current(
    value: Any, check_mode: bool
) -> None:
    probing = {"verdicts": [INVALID, VALID]}
    pending = begun(value)
    scene = Scene(KEY, ADMIN, check_mode=check_mode, appliance=probing, value="old", pending=pending)
    result = scene.play()
    anew = [*MINTING, "appliance probe minted-value", "store commit, verified"]
    probed = f"appliance probe {value.value if value else 'old'}"
    assert scene.events == [*READING, probed, *([] if check_mode else anew)]
    assert said(result) == (True, not check_mode, LOST)


def test_a_key_whose_admin_is_gone_is_an_error_that_writes_nothing() -> None:
    scene = Scene(KEY, {}, value="old", pending=begun(secret("saved")))
    with pytest.raises(NotFound):
        scene.play()
    assert scene.events == READING


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_first_token_that_was_lost_is_deleted_and_minted_anew(check_mode: bool) -> None:
    scene = Scene(TOKEN, rows(5), check_mode=check_mode, pending=begun())
    result = scene.play()
    anew = ["store reserve", "appliance delete 5", *MINTING, "store commit"]
    assert scene.events == [*LISTING, *([] if check_mode else anew)]
    assert said(result) == (True, not check_mode, LOST)
    assert scene.ids == ([5] if check_mode else [9])


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_rotation_that_was_lost_is_cleared_away_and_the_current_token_survives(check_mode: bool) -> None:
    scene = Scene(TOKEN, rows(1, 5, 6), check_mode=check_mode, value="old", id=1, pending=begun(None, [1]))
    result = scene.play()
    away = ["store reserve", "appliance delete 5", "appliance delete 6", "store release"]
    assert scene.events == [*LISTING, *([] if check_mode else away)]
    assert said(result) == (True, False, INTERRUPTED)
    assert result["fingerprint"] == mark("old")
    assert scene.ids == ([1, 5, 6] if check_mode else [1])
    assert scene.keeper.current.value == "old"


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_rotation_that_was_lost_is_begun_again_where_it_is_still_due(check_mode: bool) -> None:
    params = {"rotation_id": "2"}
    pending = begun(None, [1])
    scene = Scene(TOKEN, rows(1, 5), check_mode=check_mode, params=params, value="old", id=1, pending=pending)
    result = scene.play()
    anew = ["store reserve", "appliance delete 5", "store release", *MINTING, "store commit"]
    assert scene.events == [*LISTING, *([] if check_mode else anew)]
    assert said(result) == (True, not check_mode, "rotation_id is 2")
    if not check_mode:
        assert (scene.ids, scene.keeper.previous.value) == ([1, 9], "old")


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_stored_token_that_is_gone_from_the_appliance_is_given_up(check_mode: bool) -> None:
    scene = Scene(TOKEN, rows(1), check_mode=check_mode, value="old", id=1, pending=begun(SAVED, [1]))
    result = scene.play()
    assert scene.events == [*LISTING, *([] if check_mode else ["store reserve", "store release"])]
    assert (said(result), result["fingerprint"]) == ((True, False, INTERRUPTED), mark("old"))


def test_a_stored_token_without_an_id_that_is_gone_is_given_up() -> None:
    saved = secret("saved", created_at=ago(minutes=9))
    scene = Scene(TOKEN, rows(1), value="old", id=1, pending=begun(saved, [1]))
    assert said(scene.play()) == (True, False, INTERRUPTED)
    assert (scene.keeper.current.value, scene.keeper.previous) == ("old", None)


def test_a_stored_token_without_an_id_finds_it_in_the_list() -> None:
    saved = secret("saved", created_at=ago(minutes=9))
    scene = Scene(TOKEN, rows(1, 5), value="old", id=1, pending=begun(saved, [1]))
    scene.play()
    assert (scene.keeper.current.value, scene.keeper.current.id) == ("saved", "5")


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_current_token_without_an_id_is_told_from_what_was_lost(check_mode: bool) -> None:
    scene = Scene(TOKEN, rows(1, 5), check_mode=check_mode, value="old", pending=begun(None, [1]))
    assert said(scene.play()) == (True, False, INTERRUPTED)
    assert scene.ids == ([1, 5] if check_mode else [1])


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_stored_token_that_a_list_may_not_show_yet_is_waited_for(check_mode: bool) -> None:
    fresh = secret("saved", id=5, created_at=ago(seconds=5))
    scene = Scene(TOKEN, rows(1), check_mode=check_mode, value="old", id=1, pending=begun(fresh, [1]))
    with pytest.raises(ApplianceError, match="not listed yet; run again in two minutes"):
        scene.play()
    assert scene.events == LISTING


def test_what_cannot_be_cleared_away_keeps_the_reservation() -> None:
    scene = Scene(TOKEN, rows(5), errors={"delete": Refused("no")}, pending=begun())
    with pytest.raises(Refused) as caught:
        scene.play()
    assert caught.value.sentence("box") == 'box: deleting token "a" failed: no'
    assert scene.events == [*LISTING, "store reserve", "appliance delete 5"]


def test_after_an_interruption_nothing_is_left_to_do() -> None:
    for pending in (begun(SAVED), begun()):
        scene = Scene(TOKEN, rows(5), pending=pending)
        scene.play()
        scene.keeper.current = secret(scene.keeper.current.value, id=scene.ids[0], created_at="then")
        scene.events.clear()
        assert not scene.play()["changed"]
        assert scene.events == LISTING


def test_the_resumed_value_never_shows() -> None:
    for value in ("saved", MINTED):
        pending = begun(secret(value, id=5))
        assert value not in str(Scene(TOKEN, rows(5), pending=pending).play())
