# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of a one-time secret: tables of stored values, entries, options, and the steps."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import (
    ApplianceError,
    Conflict,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.secret import StoredSecret
from ansible_collections.otsec.defender_iot.plugins.module_utils._minting.key_plan import ApiKeyOfAdmin
from ansible_collections.otsec.defender_iot.plugins.module_utils._minting.secret_change import read_entries
from ansible_collections.otsec.defender_iot.plugins.module_utils._minting.secret_plan import (
    plan_predicted_retirement,
    plan_secret,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._minting.secret_steps import (
    INTERRUPTED,
    LOST,
    RotationOptions,
    SecretPlan,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._minting.token_plan import TokenEntries
from ansible_collections.otsec.defender_iot.tests.unit.fakes import REF, begun, secret
from ansible_collections.otsec.defender_iot.tests.unit.minting.scene import TOKEN, Scene, ago, row, rows

OLD = secret("old", id=1)
NEW = secret("new", id=2)
SAVED = secret("saved", id=5, created_at=ago(minutes=9))
MINTING = ["mint", "persist", "commit"]


def entries(found: dict[Any, Any]) -> TokenEntries:
    """Make the entries that an appliance lists."""
    return TokenEntries('token "a"', REF, tuple(found.values()))


def steps(plan: SecretPlan) -> list[str]:
    """Return each step as its verb and what it is about."""
    about = {
        "revoke": lambda each: f" {each.entry['id']}",
        "reserve": lambda each: f" {','.join(each.known)}",
    }
    extra = {"commit": lambda each: " and keep" if each.keep_previous else ""}
    return [
        (step.verb + {**about, **extra}.get(step.verb, lambda _step: "")(step)).strip() for step in plan.steps
    ]


def planned(stored: StoredSecret, owner: Any, **options: Any) -> SecretPlan:
    """Plan now."""
    return plan_secret(stored, owner, RotationOptions.of(options), datetime.now(UTC))


USED = {1: row(1), 2: row(2, used="2026-11-02")}
PREVIOUS = StoredSecret(NEW, previous=OLD)
ENDING = {"previous": "absent"}
GONE = {"state": "absent"}
TOKENS = {
    # what there is and what is asked for: (stored, listed, options, steps, reason)
    "nothing": (StoredSecret(), {}, {}, ["reserve", *MINTING], "the appliance has none"),
    "in sync": (StoredSecret(OLD), rows(1), {}, [], None),
    "stored manually, and the only one": (StoredSecret(secret("old")), rows(4), {}, [], None),
    "deleted on the appliance": (StoredSecret(OLD), {}, {}, ["reserve", *MINTING], "the appliance has none"),
    "replaced by another": (
        StoredSecret(OLD),
        rows(2),
        {},
        ["reserve 2", *MINTING],
        "the appliance has none",
    ),
    "due": (
        StoredSecret(OLD),
        rows(1),
        {"recreate": "always"},
        ["reserve 1", "mint", "persist", "commit and keep"],
        "recreate is always",
    ),
    "not the previous one": (StoredSecret(secret("manual"), previous=OLD), rows(1, 4), {}, [], None),
    "previous, current used": (PREVIOUS, USED, ENDING, ["revoke 1", "retire"], "the current one is in use"),
    "previous, current never used": (PREVIOUS, rows(1, 2), ENDING, [], None),
    "previous gone, current used": (
        PREVIOUS,
        {2: USED[2]},
        ENDING,
        ["retire"],
        "the current one is in use",
    ),
    "previous, current gone": (
        PREVIOUS,
        rows(1),
        ENDING,
        ["revoke 1", "retire", "reserve", *MINTING],
        "the appliance has none",
    ),
    "previous, current used and due": (
        PREVIOUS,
        USED,
        {**ENDING, "recreate": "always"},
        ["revoke 1", "retire", "reserve 2", "mint", "persist", "commit and keep"],
        "recreate is always",
    ),
    "interrupted before minting": (
        StoredSecret(OLD, begun(None, [1])),
        rows(1),
        {},
        ["reserve 1", "release"],
        INTERRUPTED,
    ),
    "interrupted, minted and lost": (
        StoredSecret(OLD, begun(None, [1])),
        rows(1, 5),
        {},
        ["reserve 1", "revoke 5", "release"],
        INTERRUPTED,
    ),
    "interrupted, the first one lost": (
        StoredSecret(None, begun()),
        rows(5),
        {},
        ["reserve", "revoke 5", "reserve", *MINTING],
        LOST,
    ),
    "interrupted, others are older": (
        StoredSecret(None, begun(None, [1, 6])),
        rows(1, 5, 6),
        {},
        ["reserve 1,6", "revoke 5", "reserve 1,6", *MINTING],
        LOST,
    ),
    "interrupted, the current one not known before": (
        StoredSecret(OLD, begun(None, [6])),
        rows(1, 5, 6),
        {},
        ["reserve 6", "revoke 5", "release"],
        INTERRUPTED,
    ),
    "interrupted, stored and listed": (
        StoredSecret(None, begun(SAVED)),
        rows(5),
        {},
        ["commit"],
        INTERRUPTED,
    ),
    "interrupted, stored beside the current": (
        StoredSecret(OLD, begun(SAVED, [1])),
        rows(1, 5),
        {},
        ["commit and keep"],
        INTERRUPTED,
    ),
    "interrupted, stored and not listed": (
        StoredSecret(None, begun(SAVED, [1])),
        rows(1),
        {},
        ["reserve 1", "reserve 1", *MINTING],
        LOST,
    ),
    "interrupted and due": (
        StoredSecret(OLD, begun(None, [1])),
        rows(1),
        {"recreate": "always"},
        ["reserve 1", "release", "reserve 1", "mint", "persist", "commit and keep"],
        "recreate is always",
    ),
    "absent, nothing there": (StoredSecret(), {}, GONE, [], None),
    "absent, value only": (StoredSecret(OLD), {}, GONE, ["forget"], None),
    "absent, both": (StoredSecret(OLD), rows(1), GONE, ["revoke 1", "forget"], None),
    "absent, of an operator": (StoredSecret(), rows(3), GONE, ["revoke 3", "forget"], None),
    "absent, current and previous": (PREVIOUS, USED, GONE, ["revoke 1", "revoke 2", "forget"], None),
}


@pytest.mark.parametrize(("stored", "listed", "options", "taken", "reason"), TOKENS.values(), ids=TOKENS)
def test_the_steps_for_a_token(stored: Any, listed: Any, options: Any, taken: Any, reason: Any) -> None:
    plan = planned(stored, entries(listed), **options)
    assert (steps(plan), plan.reason) == (taken, reason)


REFUSED_AFTER_CLEARING = {
    # what cannot follow, and what is cleared away all the same: (stored, listed, options, steps)
    "a rotation not ended": (
        StoredSecret(NEW, begun(None, [1, 2]), OLD),
        {**USED, 3: row(3)},
        {"rotation_id": "2"},
        ["reserve 1,2", "revoke 3", "release"],
    ),
    "several without an id": (
        StoredSecret(secret("manual"), begun(None, [4, 7])),
        rows(4, 7, 9),
        {},
        ["reserve 4,7", "revoke 9", "release"],
    ),
    "no value beside a previous one": (
        StoredSecret(None, previous=OLD),
        rows(1, 3),
        ENDING,
        ["revoke 1", "retire"],
    ),
}


@pytest.mark.parametrize(
    ("stored", "listed", "options", "taken"), REFUSED_AFTER_CLEARING.values(), ids=REFUSED_AFTER_CLEARING
)
def test_what_is_left_is_cleared_away_even_if_nothing_may_follow(
    stored: Any, listed: Any, options: Any, taken: Any
) -> None:
    plan = planned(stored, entries(listed), **options)
    assert (steps(plan), type(plan.refusal)) == (taken, Conflict)


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_refusal_is_raised_after_the_steps_and_in_check_mode_too(check_mode: bool) -> None:
    listed = {**USED, 3: row(3)}
    stored = {"value": "new", "id": 2, "pending": begun(None, [1, 2]), "previous": OLD}
    scene = Scene(TOKEN, listed, check_mode=check_mode, params={"rotation_id": "2"}, **stored)
    with pytest.raises(Conflict, match="still has a previous value"):
        scene.play()
    assert scene.ids == ([1, 2, 3] if check_mode else [1, 2])
    assert (scene.keeper.pending is None) is not check_mode


KEY_MINTING = ["mint", "persist", "verify", "commit"]
THERE = {"exists": True, "is_new": False}
REFUSED = {**THERE, "verdict": "invalid", "status": 401}
TRIED = {"recreate": "invalid"}
KEYS = {
    # what there is and what is asked for: (stored, object, options, steps, reason)
    "nothing": (StoredSecret(), THERE, {}, ["reserve", *KEY_MINTING], "the store has none"),
    "in sync": (StoredSecret(OLD), THERE, {}, [], None),
    "a new object": (
        StoredSecret(OLD),
        {"exists": True, "is_new": True},
        {},
        ["reserve", *KEY_MINTING],
        "the object it belongs to is new",
    ),
    "no object": (
        StoredSecret(OLD),
        {"exists": False, "is_new": False},
        {},
        ["require_parent", "reserve", *KEY_MINTING],
        "the object it belongs to is new",
    ),
    "refused": (
        StoredSecret(OLD),
        REFUSED,
        TRIED,
        ["reserve", *KEY_MINTING],
        "the appliance rejects the stored one",
    ),
    "rejected, but not to be probed": (StoredSecret(OLD), REFUSED, {}, [], None),
    "not provable": (StoredSecret(OLD), THERE, TRIED, [], None),
    "not provable, but due": (
        StoredSecret(OLD),
        THERE,
        {**TRIED, "rotation_id": "2"},
        ["reserve", *KEY_MINTING],
        "rotation_id is 2",
    ),
    "interrupted, lost": (StoredSecret(OLD, begun()), THERE, {}, ["reserve", *KEY_MINTING], LOST),
    "interrupted, stored": (
        StoredSecret(OLD, begun(SAVED)),
        {**THERE, "verdict": "valid", "status": 200},
        {},
        ["commit"],
        INTERRUPTED,
    ),
    "interrupted, stored, not provable": (
        StoredSecret(OLD, begun(SAVED)),
        THERE,
        {},
        ["commit"],
        INTERRUPTED,
    ),
    "interrupted, stored and refused": (
        StoredSecret(OLD, begun(SAVED)),
        REFUSED,
        {},
        ["reserve", *KEY_MINTING],
        LOST,
    ),
    "absent": (StoredSecret(OLD), THERE, GONE, ["forget"], None),
    "absent, nothing stored": (StoredSecret(), THERE, GONE, [], None),
}


@pytest.mark.parametrize(("stored", "admin", "options", "taken", "reason"), KEYS.values(), ids=KEYS)
def test_the_steps_for_a_key(stored: Any, admin: Any, options: Any, taken: Any, reason: Any) -> None:
    plan = planned(stored, ApiKeyOfAdmin('key "a"', **admin), **options)
    assert (steps(plan), plan.reason) == (taken, reason)
    assert not any(step.keep_previous for step in plan.steps)


@pytest.mark.parametrize(("previous", "taken"), [("keep", []), ("absent", ["retire"])])
def test_the_steps_after_a_predicted_replacement(previous: str, taken: list[str]) -> None:
    plan = plan_predicted_retirement(StoredSecret(OLD), RotationOptions(previous=previous, replaced=True))
    assert (steps(plan), plan.retired, plan.after) == (taken, OLD, None)


CONFLICTS = {
    # what cannot be distinguished or would be lost: (stored, listed, options, sentence)
    "several without an id": (
        StoredSecret(secret("manual")),
        rows(4, 7),
        {},
        'token "a" exists 2 times (ids 4, 7); delete all but one',
    ),
    "no value in the store": (
        StoredSecret(),
        rows(4),
        {},
        'token "a" exists, but the store has nothing under',
    ),
    "a rotation not ended": (
        PREVIOUS,
        rows(1, 2),
        {"recreate": "always"},
        'token "a" still has a previous value; end that rotation first (previous: absent)',
    ),
    "others to delete": (StoredSecret(OLD), rows(1, 3), GONE, 'token "a" exists 2 times (ids 1, 3)'),
}


@pytest.mark.parametrize(("stored", "listed", "options", "sentence"), CONFLICTS.values(), ids=CONFLICTS)
def test_what_needs_an_operator(stored: Any, listed: Any, options: Any, sentence: str) -> None:
    with pytest.raises(Conflict) as caught:
        planned(stored, entries(listed), **options)
    assert str(caught.value).startswith(sentence)


def test_a_known_id_tells_ours_among_several_and_names_the_others() -> None:
    (note,) = planned(
        StoredSecret(secret("old", id=7), previous=secret("older", id=3)), entries(rows(3, 4, 7))
    ).notes
    assert note.startswith('token "a" also exists with the ids 4, whose values are not in the store')


@pytest.mark.parametrize("current", [secret("old", id=7), secret("manual")])
def test_there_are_no_others_to_name(current: Any) -> None:
    assert planned(StoredSecret(current), entries(rows(7))).notes == ()


@pytest.mark.parametrize(("listed", "stored"), [(7, "7"), ("7", 7), (7, 7), ("7", "7")])
def test_ids_are_the_same_as_numbers_and_as_text(listed: Any, stored: Any) -> None:
    assert planned(StoredSecret(secret("old", id=stored)), entries(rows(listed))).steps == ()


@pytest.mark.parametrize("saved", [5, "5", None])
def test_an_interrupted_token_gets_the_id_that_it_is_listed_with(saved: Any) -> None:
    fresh = secret("saved", id=saved, created_at=ago(minutes=9))
    (commit,) = planned(StoredSecret(None, begun(fresh, [1])), entries(rows(1, 5))).steps
    assert str(commit.id) == "5"


@pytest.mark.parametrize(
    ("previous", "left"),
    [(1, ["revoke 1"]), ("1", ["revoke 1"]), (None, ["revoke 1"]), (7, [])],
)
def test_only_the_previous_token_is_revoked(previous: Any, left: list[str]) -> None:
    stored = StoredSecret(NEW, previous=secret("older", id=previous))
    assert steps(planned(stored, entries(USED), **ENDING)) == [*left, "retire"]


@pytest.mark.parametrize("used", ["", None])
def test_a_previous_token_without_an_id_is_not_guessed_among_several(used: Any) -> None:
    listed = {**USED, 3: row(3, used=used)}
    stored = StoredSecret(NEW, previous=secret("older"))
    assert steps(planned(stored, entries(listed), **ENDING)) == ["retire"]


@pytest.mark.parametrize("seconds", [0, 60, 110])
@pytest.mark.parametrize("pending", [None, begun(None, [])])
def test_a_token_made_moments_ago_may_not_be_listed_yet(seconds: int, pending: Any) -> None:
    made = secret("old", id=1, created_at=ago(seconds=seconds))
    stored = StoredSecret(made) if pending is None else StoredSecret(None, begun(made))
    with pytest.raises(ApplianceError) as caught:
        planned(stored, entries({}))
    assert caught.value.sentence("box") == (
        'box: reading token "a" failed: it was created moments ago and is not listed yet; '
        "run again in two minutes"
    )


@pytest.mark.parametrize(
    "made",
    [ago(seconds=121), ago(days=1), ago(hours=-3), ago(days=-365), None, "then", "2026-11-02"],
    ids=["121 seconds", "a day", "3 hours ahead", "a year ahead", "none", "a word", "a date"],
)
def test_a_token_that_should_be_listed_by_now_is_gone(made: str | None) -> None:
    stored = StoredSecret(secret("old", id=1, created_at=made))
    assert planned(stored, entries({})).reason == "the appliance has none"


def test_a_token_is_found_by_its_exact_name() -> None:
    scene = Scene(TOKEN, {1: row(1, name="A"), 2: row(2, name="a "), 3: row(3)})
    assert read_entries(scene.task).ids == ("3",)


def test_reading_names_the_attempt_and_refuses_half_a_row() -> None:
    for objects in ({1: {"name": "a"}}, {1: {"id": 1, "used": None}}):
        with pytest.raises(ApplianceError) as caught:
            read_entries(Scene(TOKEN, objects).task)
        assert caught.value.sentence("box").startswith('box: reading token "a" failed: the answer lacks')


KNOWN = {"created_at": ago(days=10), "rotation_id": "1"}
DUE = {
    # what is asked for: (options, what is known of the value, reason)
    "nothing": ({}, KNOWN, None),
    "another": ({"recreate": "always"}, KNOWN, "recreate is always"),
    "another rotation": ({"rotation_id": "2"}, KNOWN, "rotation_id is 2"),
    "the first rotation of a value manual": ({"rotation_id": "2"}, {}, "rotation_id is 2"),
    "no rotation": ({"rotation_id": ""}, {}, None),
    "no rotation any more": ({"rotation_id": ""}, KNOWN, None),
    "the same rotation": ({"rotation_id": "1"}, KNOWN, None),
    "a younger one": ({"max_age": 9}, KNOWN, "it is older than 9 days"),
    "one as old": ({"max_age": 11}, KNOWN, None),
    "a younger one, age unknown": ({"max_age": 9}, {}, None),
    "a younger one, age not readable": ({"max_age": 9}, {"created_at": "last week"}, None),
    "one of another clock": ({"max_age": 9}, {"created_at": ago(days=-8)}, None),
    "one of a wrong clock": (
        {"max_age": 9},
        {"created_at": "2126-11-02T09:00:00Z"},
        "its age is unknown because its created_at, 2126-11-02T09:00:00Z, is in the future",
    ),
    "all of it": (
        {"recreate": "always", "rotation_id": "2", "max_age": 9},
        KNOWN,
        "recreate is always",
    ),
    "rotation and age": ({"rotation_id": "2", "max_age": 9}, KNOWN, "rotation_id is 2"),
}


@pytest.mark.parametrize(("options", "known", "reason"), DUE.values(), ids=DUE)
def test_a_good_value_is_replaced_for_one_reason_at_a_time(options: Any, known: Any, reason: Any) -> None:
    assert RotationOptions.of(options).why_due(secret("old", **known), datetime.now(UTC)) == reason
