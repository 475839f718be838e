# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Minting: the order of events between store and appliance, and the state after a failure of each."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import (
    ApplianceError,
    Conflict,
    Locked,
    NotFound,
    Refused,
    SecretStoreError,
    Unreachable,
    Unsupported,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.resource import Resource
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.secret import KNOWN_AFTER_APPLY
from ansible_collections.otsec.defender_iot.tests.unit.fakes import (
    INVALID,
    MINTED,
    UNKNOWN,
    VALID,
    begun,
    mark,
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
TRYING = "appliance probe minted-value"


def test_a_token_is_not_tried_for_that_would_set_its_time_of_use() -> None:
    scene = Scene(TOKEN)
    scene.play()
    assert scene.events == [*LISTING, *MINTING, "store commit"]


@pytest.mark.parametrize(
    ("verdict", "commit"),
    [(VALID, "store commit, verified"), (UNKNOWN, "store commit"), (("unknown", 429), "store commit")],
)
def test_a_key_is_tried_once_before_it_becomes_current(verdict: Any, commit: str) -> None:
    scene = Scene(KEY, ADMIN, appliance={"verdicts": [verdict]})
    scene.play()
    assert scene.events == [*READING, *MINTING, TRYING, commit]


def test_a_key_that_is_refused_right_after_minting_stays_pending() -> None:
    scene = Scene(KEY, ADMIN, appliance={"verdicts": [INVALID]})
    with pytest.raises(Refused) as caught:
        scene.play()
    assert caught.value.sentence("box") == (
        'box: verifying key "a" failed (401): the appliance rejects the new value, which is stored as '
        "pending; run again to mint another one"
    )
    assert scene.events == [*READING, *MINTING, TRYING]
    assert scene.keeper.pending.secret.value == MINTED


def test_a_key_that_could_not_be_tried_for_want_of_an_answer_stays_pending() -> None:
    scene = Scene(KEY, ADMIN, errors={"probe": Unreachable("no answer")})
    with pytest.raises(Unreachable):
        scene.play()
    assert scene.events == [*READING, *MINTING, TRYING]
    assert scene.keeper.pending.secret.value == MINTED


def test_a_token_keeps_its_id_and_the_rotation_it_was_made_for() -> None:
    scene = Scene(TOKEN, params={"rotation_id": "2026"})
    scene.play()
    assert (scene.keeper.current.id, scene.keeper.current.rotation_id) == (9, "2026")


def test_a_reservation_names_the_tokens_that_were_there_before() -> None:
    scene = Scene(TOKEN, rows(1), value="old", id=1, params={"recreate": "always"})
    scene.api.errors = {"mint": Unreachable("broke off")}
    with pytest.raises(Unreachable):
        scene.play()
    assert scene.keeper.pending.known == ("1",)


NEVER, TRIED, ALWAYS = ({"recreate": each} for each in ("never", "invalid", "always"))
AGED = {"max_age": 90}
OLD = {"value": "old", "id": 1}
WHY = {
    # what it is: (resource, objects, stored, params, reason)
    "no token": (TOKEN, {}, {}, {}, "the appliance has none"),
    "no token, an old value stored": (TOKEN, {}, OLD, {}, "the appliance has none"),
    "another token than the stored one": (TOKEN, rows(2), OLD, {}, "the appliance has none"),
    "token and value": (TOKEN, rows(1), OLD, {}, None),
    "token, always another": (TOKEN, rows(1), OLD, ALWAYS, "recreate is always"),
    "token, another rotation": (TOKEN, rows(1), OLD, {"rotation_id": "2"}, "rotation_id is 2"),
    "token, the same rotation": (TOKEN, rows(1), {**OLD, "rotation_id": "2"}, {"rotation_id": "2"}, None),
    "token, no rotation asked for": (TOKEN, rows(1), {**OLD, "rotation_id": "2"}, {}, None),
    "token, too old": (TOKEN, rows(1), {**OLD, "created_at": ago(days=91)}, AGED, "it is older than 90 days"),
    "token, not too old": (TOKEN, rows(1), {**OLD, "created_at": ago(days=89)}, AGED, None),
    "token, of unknown age": (TOKEN, rows(1), OLD, AGED, None),
    "no key stored": (KEY, ADMIN, {}, NEVER, "the store has none"),
    "no key stored, none to try": (KEY, ADMIN, {}, TRIED, "the store has none"),
    "key stored": (KEY, ADMIN, {"value": "old"}, NEVER, None),
    "key stored, always another": (KEY, ADMIN, {"value": "old"}, ALWAYS, "recreate is always"),
    "key stored, another rotation": (
        KEY,
        ADMIN,
        {"value": "old"},
        {"rotation_id": "2"},
        "rotation_id is 2",
    ),
}


@pytest.mark.parametrize(("resource", "objects", "stored", "params", "reason"), WHY.values(), ids=WHY)
def test_a_run_does_what_check_mode_says_and_check_mode_only_reads(
    resource: Resource, objects: Any, stored: Any, params: Any, reason: str | None
) -> None:
    checked = Scene(resource, objects, check_mode=True, params=params, **stored)
    ran = Scene(resource, objects, params=params, **stored)
    predicted, result = checked.play(), ran.play()
    assert checked.events == (READING if resource is KEY else LISTING)
    for said in (predicted, result):
        assert (said["changed"], said["reason"]) == (reason is not None, reason)
        assert said["diff"]["before"] == ({"fingerprint": mark("old")} if stored else {})
    assert (predicted["minted"], result["minted"]) == (False, reason is not None)
    current = MINTED if reason else "old"
    assert ran.keeper.current.value == current
    after = {"fingerprint": KNOWN_AFTER_APPLY} if reason else {"fingerprint": mark("old")}
    assert predicted["diff"]["after"] == after
    assert result["fingerprint"] == result["diff"]["after"]["fingerprint"] == mark(current)
    assert not any(value in json.dumps([predicted, result]) for value in (MINTED, '"old"'))


@pytest.mark.parametrize(
    ("verdict", "reason", "note"),
    [
        (VALID, None, []),
        (INVALID, "the appliance rejects the stored one", []),
        (UNKNOWN, None, ['key "a" could not be tried from here, which proves nothing, so it is kept']),
        (("unknown", 403), None, ['key "a" was answered with 403, which proves nothing, so it is kept']),
        (("unknown", 429), None, ['key "a" was answered with 429, which proves nothing, so it is kept']),
        (("unknown", 500), None, ['key "a" was answered with 500, which proves nothing, so it is kept']),
    ],
)
@pytest.mark.parametrize("check_mode", [True, False])
def test_only_a_clear_refusal_of_the_stored_key_mints_another(
    verdict: Any, reason: str | None, note: list[str], check_mode: bool
) -> None:
    probing = {"verdicts": [verdict, VALID]}
    scene = Scene(KEY, ADMIN, check_mode=check_mode, params=TRIED, appliance=probing, value="old")
    result = scene.play()
    rest = [*MINTING, TRYING, "store commit, verified"] if reason and not check_mode else []
    assert scene.events == [*READING, "appliance probe old", *rest]
    assert (result["changed"], result["reason"], scene.warnings) == (reason is not None, reason, note)


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_stored_key_that_gets_no_answer_ends_the_task(check_mode: bool) -> None:
    errors = {"probe": Unreachable("no answer within 30 s")}
    scene = Scene(KEY, ADMIN, check_mode=check_mode, params=TRIED, errors=errors, value="old")
    with pytest.raises(Unreachable) as caught:
        scene.play()
    assert caught.value.sentence("box") == 'box: verifying key "a" failed: no answer within 30 s'
    assert scene.events == [*READING, "appliance probe old"]


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_token_without_a_stored_value_is_a_conflict(check_mode: bool) -> None:
    scene = Scene(TOKEN, rows(1), check_mode=check_mode)
    with pytest.raises(Conflict, match="store the value if you have it, or delete the object"):
        scene.play()
    assert scene.events == LISTING


@pytest.mark.parametrize("stored", [None, "old"])
def test_a_key_without_its_admin_is_an_error_in_a_run(stored: Any) -> None:
    scene = Scene(KEY, {}, value=stored)
    with pytest.raises(NotFound, match="create that object first") as caught:
        scene.play()
    assert (caught.value.attempt, caught.value.path) == ('minting key "a"', None)
    assert scene.events == READING


NO = [Refused("no", status=403), Locked("wait", status=429), Unsupported("never heard")]


@pytest.mark.parametrize("error", NO)
def test_a_minting_that_clearly_did_not_happen_releases_the_reservation(error: ApplianceError) -> None:
    scene = Scene(KEY, ADMIN, errors={"mint": error})
    with pytest.raises(type(error)) as caught:
        scene.play()
    assert scene.events == [*READING, "store reserve", "appliance mint", "store release"]
    assert caught.value.attempt == 'minting key "a"'


@pytest.mark.parametrize("error", [Unreachable("broke off"), ApplianceError("half an answer", status=200)])
@pytest.mark.parametrize(("resource", "reading"), [(TOKEN, LISTING), (KEY, READING)])
def test_a_minting_of_unknown_outcome_leaves_the_reservation(
    resource: Resource, reading: list[str], error: ApplianceError
) -> None:
    scene = Scene(resource, ADMIN if resource is KEY else {}, errors={"mint": error})
    with pytest.raises(type(error)):
        scene.play()
    doubt = ["store doubt"] if resource is KEY else []
    assert scene.events == [*reading, "store reserve", "appliance mint", *doubt]
    assert scene.keeper.pending is not None


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize("verb", ["store read", "table", "reserve"])
def test_nothing_is_minted_while_store_or_appliance_fail(verb: str, check_mode: bool) -> None:
    scene = Scene(TOKEN, check_mode=check_mode, errors={verb: SecretStoreError("broken")})
    if check_mode and verb == "reserve":
        assert scene.play()["changed"]
        return
    with pytest.raises(SecretStoreError):
        scene.play()
    assert scene.events[-1].endswith(verb)
    assert scene.events == [*LISTING, "store reserve"][: len(scene.events)]


ADVICE = {
    None: "; run again when it has ended",
    "2026-11-28T03:15:00Z": (
        ", and it cannot be seen from here whether it still runs; run again when it has ended; "
        "if it was killed, run again after 2026-11-28T03:15:00Z, which completes its work"
    ),
}


@pytest.mark.parametrize("until", ADVICE)
@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize("params", [{}, {"state": "absent"}])
@pytest.mark.parametrize("resource", [TOKEN, KEY])
def test_nothing_is_done_while_another_process_is_minting(
    resource: Resource, params: Any, check_mode: bool, until: str | None
) -> None:
    pending = replace(begun(is_minting=True), until=until)
    scene = Scene(resource, check_mode=check_mode, params=params, pending=pending)
    with pytest.raises(SecretStoreError) as caught:
        scene.play()
    assert caught.value.sentence("box") == (
        f'box: minting {resource.label} "a" failed: process 7 on elsewhere is minting it, '
        f"according to vault_file:/srv/secrets/x{ADVICE[until]}"
    )
    assert scene.events == ["store read"]


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_key_that_may_be_the_one_in_use_is_not_replaced(check_mode: bool) -> None:
    scene = Scene(KEY, ADMIN, check_mode=check_mode, appliance={"own": True})
    with pytest.raises(Conflict, match='key "a" may be the account that this task logs in with'):
        scene.play()
    assert scene.events == READING
    allowed = Scene(KEY, ADMIN, params={"allow_self_change": True}, appliance={"own": True})
    assert allowed.play()["minted"]
