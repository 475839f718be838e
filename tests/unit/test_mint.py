# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Minting: the order of events between store and appliance, and what a failure at each of them leaves."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._converge import Job
from ansible_collections.otsec.defender_iot.plugins.module_utils._errors import (
    ApplianceError,
    Conflict,
    Locked,
    NotFound,
    Refused,
    SecretStoreError,
    Unreachable,
    Unsupported,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._mint import mint
from ansible_collections.otsec.defender_iot.plugins.module_utils._resource import Field, Resource
from ansible_collections.otsec.defender_iot.plugins.module_utils._secrets import (
    KNOWN_AFTER_APPLY,
)
from ansible_collections.otsec.defender_iot.tests.unit.fakes import MemoryAppliance, MemoryKeeper, mark

FIELDS = {"name": Field("name")}
TOKEN = Resource(kind="token", noun="token", path="tokens", fields=FIELDS)
KEY = Resource(kind="key", noun="key", path="admins", fields=FIELDS, on_parent=True)
THERE = {"a": {"name": "a"}}
READING = ["store stored", "appliance read"]
MINTING = ["store reserve", "appliance mint", "store persist"]


class Scene:
    """One task on an appliance and a store that write into one list of events."""

    def __init__(
        self,
        resource: Resource,
        objects: Any = None,
        *,
        check_mode: bool = False,
        params: Any = None,
        errors: Any = None,
        verdict: str = "valid",
        **secret: Any,
    ) -> None:
        self.events: list[str] = []
        shared = {"check_mode": check_mode, "events": self.events, "errors": errors}
        self.api = MemoryAppliance(objects, verdict=verdict, **shared)
        self.keeper = MemoryKeeper(**secret, **shared)
        options = {"name": "a", "recreate": "never", **(params or {})}
        self.job = Job(resource, options, self.api, check_mode, "box", {"secret_ref": self.keeper})


def test_a_key_is_tried_once_before_it_becomes_current() -> None:
    scene = Scene(KEY, THERE)
    mint(scene.job)
    assert scene.events == [*READING, *MINTING, "appliance probe", "store commit, verified"]


def test_a_key_whose_trial_proves_nothing_becomes_current_unverified() -> None:
    scene = Scene(KEY, THERE, verdict="unknown")
    mint(scene.job)
    assert scene.events == [*READING, *MINTING, "appliance probe", "store commit"]


def test_a_key_that_is_refused_right_after_minting_stays_pending() -> None:
    scene = Scene(KEY, THERE, verdict="invalid")
    with pytest.raises(Refused) as caught:
        mint(scene.job)
    assert caught.value.sentence("box") == (
        'box: trying key "a" was refused (401): it was just minted and is stored as pending, '
        "but is not accepted"
    )
    assert scene.events == [*READING, *MINTING, "appliance probe"]


def test_a_token_is_not_tried_for_that_would_set_its_time_of_use() -> None:
    scene = Scene(TOKEN)
    mint(scene.job)
    assert scene.events == [*READING, *MINTING, "store commit"]


RECREATE = {each: {"recreate": each} for each in ("never", "invalid", "always")}
REFUSED_ONE = "the appliance refuses the stored one"
WHY = {
    # what it is: (resource, objects, stored, params, verdict, reason, tried before the decision)
    "no token": (TOKEN, {}, None, {}, "valid", "the appliance has none", False),
    "no token, an old value stored": (TOKEN, {}, "old", {}, "valid", "the appliance has none", False),
    "token and value": (TOKEN, THERE, "old", {}, "valid", None, False),
    "no key stored": (KEY, THERE, None, {}, "valid", "the store holds none", False),
    "no key stored, recreate invalid": (
        KEY,
        THERE,
        None,
        RECREATE["invalid"],
        "valid",
        "the store holds none",
        False,
    ),
    "key stored": (KEY, THERE, "old", RECREATE["never"], "invalid", None, False),
    "key stored, accepted": (KEY, THERE, "old", RECREATE["invalid"], "valid", None, True),
    "key stored, no proof": (KEY, THERE, "old", RECREATE["invalid"], "unknown", None, True),
    "key stored, refused": (KEY, THERE, "old", RECREATE["invalid"], "invalid", REFUSED_ONE, True),
    "key stored, another wanted": (
        KEY,
        THERE,
        "old",
        RECREATE["always"],
        "valid",
        "recreate is always",
        False,
    ),
}


@pytest.mark.parametrize(
    ("resource", "objects", "stored", "params", "verdict", "reason", "tried"), WHY.values(), ids=WHY
)
def test_check_mode_says_whether_and_why_a_secret_is_minted_and_only_reads(
    resource: Resource, objects: Any, stored: Any, params: Any, verdict: str, reason: Any, tried: bool
) -> None:
    scene = Scene(resource, objects, check_mode=True, params=params, verdict=verdict, value=stored)
    result = mint(scene.job)
    assert scene.events == [*READING, *(["appliance probe"] if tried else [])]
    assert (result["changed"], result["minted"], result["reason"]) == (reason is not None, False, reason)
    before = {"fingerprint": mark(stored)} if stored else {}
    assert result["diff"]["before"] == before
    assert result["diff"]["after"] == ({"fingerprint": KNOWN_AFTER_APPLY} if reason else before)


@pytest.mark.parametrize(
    ("resource", "objects", "stored", "params", "verdict", "reason", "tried"),
    [row for row in WHY.values() if row[5] != REFUSED_ONE],
    ids=[name for name, row in WHY.items() if row[5] != REFUSED_ONE],
)
def test_a_run_mints_where_check_mode_says_so(
    resource: Resource, objects: Any, stored: Any, params: Any, verdict: str, reason: Any, tried: bool
) -> None:
    scene = Scene(resource, objects, params=params, verdict=verdict, value=stored)
    result = mint(scene.job)
    assert ("appliance mint" in scene.events) == result["minted"] == result["changed"] == (reason is not None)
    assert result["reason"] == reason
    current = "minted-value" if reason else stored
    assert scene.keeper.secret.value == current
    assert result["fingerprint"] == result["diff"]["after"]["fingerprint"] == mark(current)
    assert "minted-value" not in json.dumps(result)


def test_a_refused_key_is_replaced_and_the_new_one_judged_by_itself() -> None:
    scene = Scene(KEY, THERE, params=RECREATE["invalid"], value="old")
    verdicts = iter([("invalid", 401), ("valid", 200)])
    scene.api.probe = lambda resource, key, secret: next(verdicts)
    result = mint(scene.job)
    assert (result["minted"], result["reason"]) == (True, "the appliance refuses the stored one")
    assert scene.events == [*READING, *MINTING, "store commit, verified"]


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_token_whose_value_nobody_has_is_a_conflict(check_mode: bool) -> None:
    scene = Scene(TOKEN, THERE, check_mode=check_mode)
    with pytest.raises(Conflict, match="Store the value if you have it, or delete the object"):
        mint(scene.job)
    assert scene.events == READING


@pytest.mark.parametrize("stored", [None, "old"])
def test_a_key_without_its_admin_is_an_error_in_a_run(stored: Any) -> None:
    scene = Scene(KEY, {}, value=stored)
    with pytest.raises(NotFound, match="create that first") as caught:
        mint(scene.job)
    assert (caught.value.attempt, caught.value.path) == ('minting key "a"', None)
    assert scene.events == READING


def test_a_key_without_its_admin_is_predicted_in_check_mode_with_a_note() -> None:
    scene = Scene(KEY, {}, check_mode=True)
    result = mint(scene.job)
    assert (result["changed"], result["reason"]) == (True, "the object it belongs to is new")
    assert scene.job.notes == ['key "a" is predicted as if an earlier task creates the object it belongs to']


@pytest.mark.parametrize(
    "error", [Refused("no", status=403), Locked("wait", status=429), Unsupported("never heard")]
)
def test_a_minting_that_clearly_did_not_happen_releases_the_reservation(error: ApplianceError) -> None:
    scene = Scene(KEY, THERE, errors={"mint": error})
    with pytest.raises(type(error)) as caught:
        mint(scene.job)
    assert scene.events == [*READING, "store reserve", "appliance mint", "store release"]
    assert caught.value.attempt == 'minting key "a"'


@pytest.mark.parametrize("error", [Unreachable("broke off"), ApplianceError("half an answer", status=200)])
def test_a_minting_of_unknown_outcome_leaves_the_reservation(error: ApplianceError) -> None:
    scene = Scene(KEY, THERE, errors={"mint": error})
    with pytest.raises(type(error)):
        mint(scene.job)
    assert scene.events == [*READING, "store reserve", "appliance mint"]


@pytest.mark.parametrize("verb", ["stored", "read", "reserve"])
def test_nothing_is_minted_while_store_or_appliance_fail(verb: str) -> None:
    scene = Scene(KEY, THERE, errors={verb: SecretStoreError("broken")})
    with pytest.raises(SecretStoreError):
        mint(scene.job)
    assert scene.events[-1].endswith(verb)
    assert scene.events == [*READING, "store reserve"][: len(scene.events)]


def test_a_value_that_could_not_be_kept_is_reported_with_what_to_do() -> None:
    scene = Scene(KEY, THERE, errors={"persist": SecretStoreError("no space left")})
    with pytest.raises(SecretStoreError) as caught:
        mint(scene.job)
    said = caught.value.sentence("box")
    assert "no space left" in said
    assert "is lost: mend the store and run again" in said
    assert "minted-value" not in said
    assert scene.events == [*READING, *MINTING]


@pytest.mark.parametrize(
    ("resource", "verdict", "finish"),
    [
        (TOKEN, "valid", ["store commit"]),
        (KEY, "valid", ["appliance probe", "store commit, verified"]),
        (KEY, "unknown", ["appliance probe", "store commit"]),
    ],
)
@pytest.mark.parametrize("check_mode", [True, False])
def test_an_interrupted_minting_is_finished_without_minting_again(
    resource: Resource, verdict: str, finish: list[str], check_mode: bool
) -> None:
    scene = Scene(resource, THERE, check_mode=check_mode, verdict=verdict, value="old", pending=True)
    result = mint(scene.job)
    assert scene.events == [*READING, *([] if check_mode else finish)]
    said = result["changed"], result["minted"], result["reason"]
    assert said == (True, False, "an earlier run was interrupted")


@pytest.mark.parametrize(
    ("objects", "stored", "writes", "changed"),
    [
        (THERE, "old", ["appliance delete", "store forget"], True),
        (THERE, None, ["appliance delete", "store forget"], True),
        ({}, "old", ["store forget"], True),
        ({}, None, ["store forget"], False),
    ],
)
@pytest.mark.parametrize("check_mode", [True, False])
def test_absent_removes_the_object_first_and_then_its_secret(
    objects: Any, stored: Any, writes: list[str], changed: bool, check_mode: bool
) -> None:
    scene = Scene(TOKEN, objects, check_mode=check_mode, params={"state": "absent"}, value=stored)
    result = mint(scene.job)
    assert scene.events == [*READING, *([] if check_mode else writes)]
    assert (result["changed"], result["fingerprint"], result["diff"]["after"]) == (changed, None, {})


def test_a_secret_is_kept_when_its_object_could_not_be_deleted() -> None:
    scene = Scene(TOKEN, THERE, params={"state": "absent"}, errors={"delete": Refused("no")}, value="old")
    with pytest.raises(Refused):
        mint(scene.job)
    assert scene.events == [*READING, "appliance delete"]
