# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a minted secret hangs on: which entry is whose, and lists that lag behind."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine import minted
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import (
    ApplianceError,
    Conflict,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.minted import OnParent, Standalone
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.secret import StoredSecret
from ansible_collections.otsec.defender_iot.tests.unit.engine.scene import (
    ADMIN,
    KEY,
    TOKEN,
    Scene,
    ago,
    row,
    rows,
)
from ansible_collections.otsec.defender_iot.tests.unit.fakes import begun, secret


def tokens(objects: Any, **more: Any) -> tuple[Scene, Standalone]:
    """Read the tokens of an appliance."""
    scene = Scene(TOKEN, objects, **more)
    return scene, Standalone(scene.job)


def test_a_token_is_found_by_its_exact_name() -> None:
    subject = tokens({1: row(1, name="A"), 2: row(2, name="a "), 3: row(3)})[1]
    assert (subject.known(), subject.exists()) == (["3"], True)


def test_reading_names_the_attempt_and_refuses_half_a_row() -> None:
    for objects in ({1: {"name": "a"}}, {1: {"id": 1, "used": None}}):
        with pytest.raises(ApplianceError) as caught:
            tokens(objects)
        assert caught.value.sentence("box").startswith('box: reading token "a" failed: the answer lacks')


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize("seconds", [0, 60, 110])
def test_a_token_made_moments_ago_may_not_be_listed_yet(seconds: int, check_mode: bool) -> None:
    scene = Scene(TOKEN, check_mode=check_mode, value="old", id=1, created_at=ago(seconds=seconds))
    with pytest.raises(ApplianceError) as caught:
        scene.play()
    assert caught.value.sentence("box") == (
        'box: reading token "a" failed: it was made moments ago and is not listed yet: '
        "run again in two minutes"
    )
    assert scene.events == ["store held", "appliance table"]


@pytest.mark.parametrize(
    "made",
    [ago(seconds=121), ago(days=1), None, "then", "2026-11-02"],
    ids=["121 seconds", "a day", "none", "a word", "a date"],
)
def test_a_token_that_should_be_listed_by_now_is_gone(made: str | None) -> None:
    subject = tokens({})[1]
    assert subject.why_mint(StoredSecret(secret("old", id=1, created_at=made))) == "the appliance has none"


@pytest.mark.parametrize("check_mode", [True, False])
def test_of_several_tokens_none_is_guessed_to_be_ours(check_mode: bool) -> None:
    scene = Scene(TOKEN, rows(4, 7), check_mode=check_mode, value="by hand")
    with pytest.raises(Conflict) as caught:
        scene.play()
    assert str(caught.value) == 'token "a" exists 2 times (ids 4, 7): delete all but one'


def test_a_known_id_tells_ours_among_several_and_names_the_others() -> None:
    scene, subject = tokens(rows(3, 4, 7))
    assert subject.why_mint(StoredSecret(secret("old", id=7), previous=secret("older", id=3))) is None
    (note,) = scene.job.notes
    assert note.startswith('token "a" exists besides as 4, whose value is not in the store')


@pytest.mark.parametrize("current", [secret("old", id=7), secret("by hand")])
def test_there_are_no_others_to_name(current: Any) -> None:
    scene, subject = tokens(rows(7))
    assert subject.why_mint(StoredSecret(current)) is None
    assert scene.job.notes == []


def test_the_only_token_is_that_of_a_value_without_an_id() -> None:
    assert tokens(rows(4))[1].why_mint(StoredSecret(secret("by hand"))) is None


@pytest.mark.parametrize(
    ("used", "in_use"), [(None, False), ("", False), ("2026-11-02", True), (1762000000, True)]
)
def test_a_token_is_in_use_when_its_own_row_shows_a_time(used: Any, in_use: bool) -> None:
    subject = tokens({1: row(1, used=used), 2: row(2, used="today")})[1]
    assert subject.is_in_use(StoredSecret(secret("old", id=1))) is in_use
    assert not subject.is_in_use(StoredSecret(secret("gone", id=3)))
    assert not subject.is_in_use(StoredSecret())


@pytest.mark.parametrize(
    ("known", "left"), [([], []), ([1], [1]), ([1, 5], [1, 5]), ([1, 5, 6, 8], [1, 5, 6])]
)
def test_only_what_was_not_there_before_is_cleared_away(known: list[int], left: list[int]) -> None:
    scene, subject = tokens(rows(1, 5, 6))
    subject.clear(StoredSecret(pending=begun(None, known)))
    assert (scene.ids, subject.known()) == (left, [str(id_) for id_ in left])


@pytest.mark.parametrize("known", [[], [6]])
def test_the_current_token_is_never_cleared_away(known: list[int]) -> None:
    scene, subject = tokens(rows(1, 5, 6))
    subject.clear(StoredSecret(secret("old", id=1), begun(None, known)))
    assert scene.ids == [1, *known]


@pytest.mark.parametrize(("listed", "stored"), [(7, "7"), ("7", 7), (7, 7), ("7", "7")])
def test_ids_are_the_same_as_numbers_and_as_text(listed: Any, stored: Any) -> None:
    subject = tokens(rows(listed))[1]
    held = StoredSecret(secret("old", id=stored))
    assert (subject.why_mint(held), subject.outlives(held)) == (None, held.current)
    assert subject.undo(stored) is False


@pytest.mark.parametrize(
    ("objects", "current", "outlives"),
    [(rows(1), 1, True), (rows(2), 1, False), ({}, 1, False), (rows(1), None, True), ({}, None, False)],
)
def test_a_token_outlives_another_while_it_is_listed(objects: Any, current: Any, outlives: bool) -> None:
    held = StoredSecret(secret("old", id=current))
    assert tokens(objects)[1].outlives(held) == (held.current if outlives else None)


def test_a_token_without_an_id_is_told_from_the_previous_and_from_what_was_made_since() -> None:
    previous = secret("older", id=1)
    assert tokens(rows(1, 4))[1].why_mint(StoredSecret(secret("by hand"), previous=previous)) is None
    held = StoredSecret(secret("by hand"), begun(None, [4]))
    assert tokens(rows(4, 5))[1].outlives(held) == held.current


@pytest.mark.parametrize(
    ("made", "found"), [(rows(9), "9"), (rows("9"), "9"), ({}, None), (rows(8, 9), None)]
)
def test_a_token_minted_without_an_id_in_the_answer_is_the_one_that_is_new(made: Any, found: Any) -> None:
    scene, subject = tokens(rows(1))
    scene.api.objects.update(made)
    assert subject.found_id() == found


def test_an_id_that_cannot_be_looked_up_is_unknown() -> None:
    scene, subject = tokens(rows(1))
    scene.api.errors = {"table": ApplianceError("no")}
    assert subject.found_id() is None


@pytest.mark.parametrize(
    ("saved", "verdict"), [(5, "unknown"), ("5", "unknown"), (None, "unknown"), (6, "invalid")]
)
def test_a_stored_token_is_good_when_it_is_listed(saved: Any, verdict: str) -> None:
    subject = tokens(rows(1, 5))[1]
    assert subject.judged(begun(secret("saved", id=saved, created_at=ago(minutes=9)), [1])) == verdict
    assert (subject.finished == "5") is (verdict == "unknown")


@pytest.mark.parametrize(
    ("objects", "previous", "left"),
    [
        (rows(1, 2), 1, [2]),
        (rows(1, 2), "1", [2]),
        (rows(1, 2), None, [2]),
        (rows(2), None, [2]),
        (rows(1, 2, 3), None, [1, 2, 3]),
        (rows(2, 3), 1, [2, 3]),
    ],
)
def test_retiring_deletes_the_previous_token_and_never_the_current(
    objects: Any, previous: Any, left: list[int]
) -> None:
    scene, subject = tokens(objects)
    subject.retire(StoredSecret(secret("old", id=2), previous=secret("older", id=previous)))
    assert scene.ids == left


@pytest.mark.parametrize(
    ("made", "id_", "undone"),
    [(rows(9), 9, True), (rows(9), None, True), (rows(8, 9), None, True), ({}, 9, False), ({}, None, False)],
)
def test_undoing_deletes_what_was_not_there_before(made: Any, id_: Any, undone: bool) -> None:
    scene, subject = tokens(rows(1))
    scene.api.objects.update(made)
    assert subject.undo(id_) is undone
    assert scene.ids == [1]


def test_undoing_leaves_a_token_of_another_name_that_somebody_makes_meanwhile() -> None:
    scene, subject = tokens({})
    scene.api.objects.update({8: row(8, name="b"), 9: row(9)})
    assert subject.undo(None)
    assert scene.ids == [8]


@pytest.mark.parametrize("objects", [ADMIN, {}])
def test_a_secret_on_a_parent_has_nothing_of_its_own_to_delete(objects: Any) -> None:
    scene = Scene(KEY, objects)
    subject = OnParent(scene.job)
    subject.clear(StoredSecret(pending=begun()))
    subject.retire(StoredSecret(previous=secret("old")))
    subject.delete_all(StoredSecret())
    assert (subject.undo(None), subject.exists(), subject.known()) == (False, False, [])
    held = StoredSecret(secret("old"))
    assert (subject.survivor(held), subject.outlives(held), subject.found_id()) == (None, None, None)
    assert not subject.is_in_use(held)
    assert scene.events == ["appliance read"]


OLD = {"created_at": ago(days=10), "rotation_id": "1"}
DUE = {
    # what is asked for: (options, what is known of the value, reason)
    "nothing": ({}, OLD, None),
    "another": ({"recreate": "always"}, OLD, "recreate is always"),
    "another rotation": ({"rotation_id": "2"}, OLD, "rotation_id is 2"),
    "the first rotation of a value by hand": ({"rotation_id": "2"}, {}, "rotation_id is 2"),
    "no rotation": ({"rotation_id": ""}, {}, None),
    "no rotation any more": ({"rotation_id": ""}, OLD, None),
    "the same rotation": ({"rotation_id": "1"}, OLD, None),
    "a younger one": ({"max_age": 9}, OLD, "it is older than 9 days"),
    "one as old": ({"max_age": 11}, OLD, None),
    "a younger one, age unknown": ({"max_age": 9}, {}, None),
    "a younger one, age not readable": ({"max_age": 9}, {"created_at": "last week"}, None),
    "all of it": (
        {"recreate": "always", "rotation_id": "2", "max_age": 9},
        OLD,
        "recreate is always",
    ),
    "rotation and age": ({"rotation_id": "2", "max_age": 9}, OLD, "rotation_id is 2"),
}


@pytest.mark.parametrize(("params", "known", "reason"), DUE.values(), ids=DUE)
def test_a_good_value_is_replaced_for_one_reason_at_a_time(params: Any, known: Any, reason: Any) -> None:
    job = Scene(TOKEN, params=params).job
    assert minted.due(job, secret("old", **known)) == reason
