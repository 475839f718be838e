# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stored key that may be void: how a run leaves that doubt, and how the next one settles it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import (
    ApplianceError,
    InvalidOptions,
    Locked,
    NotFound,
    Overtaken,
    Refused,
    SecretStoreError,
    Unreachable,
    Unsupported,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.resource import Field, Resource
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.task import Outcome, Task
from ansible_collections.otsec.defender_iot.plugins.module_utils._minting.mint import (
    converge_parent,
    mint,
    prepare_secret,
)
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._secrets import entry
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._secrets.entry import StoreEntry
from ansible_collections.otsec.defender_iot.tests.unit.fakes import (
    ESCROW,
    INVALID,
    MINTED,
    REF,
    UNKNOWN,
    VALID,
    MemoryAppliance,
    MemoryEntry,
    begun,
    do,
    raising,
    secret,
)
from ansible_collections.otsec.defender_iot.tests.unit.memory_store import MemoryStore
from ansible_collections.otsec.defender_iot.tests.unit.minting.scene import (
    ADMIN,
    KEY,
    OPTIONS,
    TOKEN,
    Scene,
    row,
)

READING = ["store read", "appliance read", "appliance probe old"]
MINTING = ["store reserve", "appliance mint", "store persist", "appliance probe minted-value"]
ANEW = [*MINTING, "store commit, verified"]
DOUBTED = "an earlier run may have made the stored one void"
CONFIRMED = "an earlier run left the stored one in doubt, and the appliance accepts it"
LOST = "an earlier run was interrupted, and any value it minted is lost"

LEFT: dict[str, dict[str, Any]] = {
    "a doubt": {"doubted": True},
    "a reservation": {"pending": begun()},
    "both": {"doubted": True, "pending": begun()},
}


# --- settling -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("left", LEFT.values(), ids=LEFT)
@pytest.mark.parametrize("check_mode", [True, False])
def test_a_doubted_key_that_the_appliance_accepts_is_confirmed(left: Any, check_mode: bool) -> None:
    scene = Scene(KEY, ADMIN, check_mode=check_mode, value="old", **left)
    result = scene.play()
    assert scene.events == [*READING, *([] if check_mode else ["store confirm"])]
    assert (result["changed"], result["minted"], result["reason"]) == (True, False, CONFIRMED)
    if not check_mode:
        assert (scene.keeper.current.value, scene.keeper.pending, scene.keeper.doubted) == (
            "old",
            None,
            False,
        )
        scene.events.clear()
        assert not scene.play()["changed"]


@pytest.mark.parametrize("verdict", [INVALID, UNKNOWN])
@pytest.mark.parametrize(
    ("left", "reason"), [(left, LOST if "pending" in left else DOUBTED) for left in LEFT.values()], ids=LEFT
)
@pytest.mark.parametrize("check_mode", [True, False])
def test_a_doubted_key_that_is_not_proved_valid_is_replaced(
    left: Any, reason: str, verdict: Any, check_mode: bool
) -> None:
    probing = {"verdicts": [verdict, VALID]}
    scene = Scene(KEY, ADMIN, check_mode=check_mode, appliance=probing, value="old", **left)
    result = scene.play()
    assert scene.events == [*READING, *([] if check_mode else ANEW)]
    assert (result["changed"], result["minted"], result["reason"]) == (True, not check_mode, reason)
    assert scene.keeper.doubted is (check_mode and "doubted" in left)


@pytest.mark.parametrize("status", [403, 429, 500])
@pytest.mark.parametrize("left", LEFT.values(), ids=LEFT)
@pytest.mark.parametrize("check_mode", [True, False])
def test_a_doubted_key_is_not_replaced_because_an_answer_proves_nothing(
    left: Any, status: int, check_mode: bool
) -> None:
    probing = {"verdicts": [("unknown", status), ("unknown", status), VALID]}
    scene = Scene(KEY, ADMIN, check_mode=check_mode, appliance=probing, value="old", **left)
    with pytest.raises(ApplianceError) as caught:
        scene.play()
    assert caught.value.status == status
    assert scene.events == READING
    scene.task = replace(scene.task, options={**scene.task.options, "recreate": "always"})
    assert scene.play()["minted"] is not check_mode


@pytest.mark.parametrize("left", LEFT.values(), ids=LEFT)
def test_a_doubted_key_that_is_due_is_replaced_for_that_reason(left: Any) -> None:
    scene = Scene(KEY, ADMIN, params={"rotation_id": "2"}, value="old", **left)
    assert scene.play()["reason"] == "rotation_id is 2"
    assert scene.events == [*READING, *ANEW]


@pytest.mark.parametrize("left", LEFT.values(), ids=LEFT)
def test_a_doubted_key_without_its_parent_is_not_probed(left: Any) -> None:
    scene = Scene(KEY, {}, value="old", **left)
    with pytest.raises(NotFound):
        scene.play()
    assert scene.events == READING[:2]


@pytest.mark.parametrize("left", LEFT.values(), ids=LEFT)
def test_without_a_value_there_is_nothing_to_prove(left: Any) -> None:
    scene = Scene(KEY, ADMIN, **left)
    assert scene.play()["minted"]
    assert scene.events == [*READING[:2], *ANEW]


@pytest.mark.parametrize(("verdict", "minted"), [(VALID, False), (UNKNOWN, True)])
def test_a_doubted_value_that_is_still_pending_is_proved_or_replaced(verdict: Any, minted: bool) -> None:
    probing = {"verdicts": [verdict, VALID]}
    pending = begun(secret("saved"))
    scene = Scene(KEY, ADMIN, appliance=probing, value="old", pending=pending, doubted=True)
    assert scene.play()["minted"] is minted
    assert scene.events[2] == "appliance probe saved"


def test_a_record_with_a_doubt_is_removed_with_the_secret() -> None:
    scene = Scene(KEY, ADMIN, params={"state": "absent"}, doubted=True)
    scene.play()
    assert scene.events[-1] == "store forget"


# --- a minting whose outcome is unknown ---------------------------------------------------------------------

NOT_DONE = [Refused("no", status=403), Locked("wait"), Unsupported("never"), InvalidOptions("not sendable")]


@pytest.mark.parametrize("error", NOT_DONE)
@pytest.mark.parametrize("left", [{"pending": begun()}, {"pending": begun(secret("saved"))}])
def test_a_refused_minting_keeps_the_doubt_of_the_interrupted_run(error: Exception, left: Any) -> None:
    probing = {"verdicts": [INVALID, INVALID, VALID]}
    scene = Scene(KEY, ADMIN, appliance=probing, errors={"mint": error}, value="old", **left)
    with pytest.raises(type(error)):
        scene.play()
    assert scene.events[-1] == "store release, doubted"
    scene.api.errors = {}
    assert scene.play()["reason"] == DOUBTED


def test_a_reservation_that_cannot_be_released_does_not_hide_the_refusal() -> None:
    errors = {"mint": Refused("no"), "release": SecretStoreError("no space left")}
    scene = Scene(KEY, ADMIN, errors=errors)
    with pytest.raises(Refused, match="no"):
        scene.play()
    assert scene.keeper.pending is not None


@pytest.mark.parametrize("error", [ApplianceError("no reason", status=500), Unreachable("broke off")])
@pytest.mark.parametrize("broken", [{}, {"doubt": SecretStoreError("no space left")}])
def test_an_unclear_answer_keeps_the_reservation_and_the_next_run_proves_the_value(
    error: ApplianceError, broken: dict[str, Exception]
) -> None:
    scene = Scene(KEY, ADMIN, errors={"mint": error, **broken}, params={"recreate": "always"}, value="old")
    with pytest.raises(type(error)):
        scene.play()
    assert scene.events[-1] == "store doubt"
    assert scene.keeper.pending is not None
    scene.events.clear()
    scene.task = Task(KEY, OPTIONS, scene.api, "box", False, scene.task.secrets)
    assert scene.play()["reason"] == CONFIRMED
    assert scene.events == [*READING, "store confirm"]


# --- another run was faster ---------------------------------------------------------------------------------


class Race:
    """A key and a real entry whose record another run replaces right before some writes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *meddling: Any, record: Any = None) -> None:
        self.events: list[str] = []
        monkeypatch.setattr(entry.time, "sleep", lambda _seconds: None)
        monkeypatch.setattr(entry, "write_escrow", lambda *_arguments: self.events.append("escrow") or ESCROW)
        self.store = MemoryStore(record, meddling=meddling, events=self.events)
        self.api = MemoryAppliance(ADMIN, verdicts=[VALID], events=self.events)
        self.task = self._task()

    def _task(self, **changes: Any) -> Task:
        keeper = StoreEntry(REF, self.store, set(), DataLoader())
        return Task(KEY, OPTIONS, self.api, "box", False, {"secret_ref": keeper}, **changes)

    def next_run(self, verdict: Any) -> dict[str, Any]:
        """Run once more, by a process that knows nothing of the first run."""
        self.api.verdicts = [verdict, VALID]
        return do(mint, self._task())


def steal(store: MemoryStore) -> None:
    """Write the value that another run has minted and verified."""
    store.replace({"value": "theirs"})


def reserve(store: MemoryStore) -> None:
    """Reserve as another run."""
    store.replace({"value": "old", "pending": {"owner": {"pid": 7, "host": "elsewhere"}, "known": []}})


BEFORE_PERSIST, BEFORE_COMMIT = (None, steal), (None, None, steal)


@pytest.mark.parametrize("meddling", [BEFORE_PERSIST, BEFORE_COMMIT], ids=["persist", "commit"])
@pytest.mark.parametrize(("verdict", "value"), [(VALID, "theirs"), (INVALID, MINTED), (UNKNOWN, MINTED)])
def test_the_key_of_a_faster_run_is_doubted_and_the_next_run_proves_or_replaces_it(
    monkeypatch: pytest.MonkeyPatch, meddling: Any, verdict: Any, value: str
) -> None:
    race = Race(monkeypatch, *meddling)
    with pytest.raises(Overtaken) as caught:
        do(mint, race.task)
    assert caught.value.why.endswith(
        f'and the minted key "a" is not in the store: its value was saved, encrypted, in {ESCROW}'
    )
    assert (
        caught.value.remedy
        == "run again: the stored value is tried, and replaced if it is rejected or cannot be tried"
    )
    assert race.store.record["value"] == "theirs"
    assert race.next_run(verdict)["changed"]
    assert race.store.record["value"] == value
    assert "doubt" not in race.store.record
    assert not race.next_run(VALID)["changed"]


def test_a_run_that_has_only_reserved_gets_a_doubt_that_its_own_key_does_not_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    race = Race(monkeypatch, None, reserve)
    with pytest.raises(Overtaken):
        do(mint, race.task)
    assert race.store.record["pending"]["owner"]["pid"] == 7
    assert race.store.record["doubt"]


def test_a_parent_on_which_another_run_may_have_minted_is_not_deleted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    race = Race(monkeypatch, *BEFORE_PERSIST)
    with pytest.raises(Overtaken):
        do(mint, race._task(parent_is_new=True))
    assert race.api.objects == ADMIN


def test_a_doubt_that_cannot_be_stored_is_in_the_message(monkeypatch: pytest.MonkeyPatch) -> None:
    race = Race(monkeypatch, *BEFORE_PERSIST)
    monkeypatch.setattr(StoreEntry, "doubt", raising(SecretStoreError("no space left")))
    with pytest.raises(Overtaken) as caught:
        do(mint, race.task)
    assert caught.value.remedy == ("run again with recreate: always, because the stored value may be void")


def test_a_token_of_a_faster_run_is_valid_beside_the_own_one_which_is_deleted() -> None:
    scene = Scene(TOKEN, errors={"persist": Overtaken("changed", "run again")})
    with pytest.raises(Overtaken):
        scene.play()
    assert scene.events[-2:] == ["store escrow", "appliance delete 9"]
    assert not scene.keeper.doubted


def test_a_token_that_was_overtaken_at_its_commit_is_named_by_the_next_run() -> None:
    scene = Scene(TOKEN, errors={"commit": Overtaken("changed", "run again")}, appliance={"made": row(9)})
    with pytest.raises(Overtaken) as caught:
        scene.play()
    assert (caught.value.why, caught.value.remedy) == ("changed", "run again")
    assert "store doubt" not in scene.events


# --- a parent that is created -------------------------------------------------------------------------------

PARENT = Resource(label="admin", kind="admin", path="admins", fields={"name": Field("name")})
CREATED = ["appliance create", "appliance read"]


def creating(**noted: Any) -> Task:
    """Create an object for whose predecessor the store has a key."""
    events: list[str] = []
    api = MemoryAppliance(events=events, **noted)
    keeper = MemoryEntry("old", events=events, errors=noted.get("errors"))
    return Task(PARENT, {"name": "a", "state": "present"}, api, "box", False, {"secret_ref": keeper})


def test_a_stored_key_is_doubted_before_its_parent_is_created() -> None:
    task = creating()
    do(converge_parent, task)
    assert task.appliance.events == ["appliance read", "store read", "store doubt", *CREATED]
    assert task.secrets["secret_ref"].doubted


def test_a_parent_is_not_created_if_its_store_cannot_be_written() -> None:
    task = creating(errors={"doubt": SecretStoreError("no space left")})
    with pytest.raises(SecretStoreError):
        do(converge_parent, task)
    assert task.appliance.objects == {}


@pytest.mark.parametrize("error", NOT_DONE)
def test_a_refused_creation_takes_the_doubt_back(error: Exception) -> None:
    task = creating(errors={"create": error})
    with pytest.raises(type(error)):
        do(converge_parent, task)
    assert task.appliance.events[-1] == "store trust"


def test_a_doubt_that_cannot_be_taken_back_does_not_hide_the_refusal() -> None:
    task = creating(errors={"create": Refused("no"), "trust": SecretStoreError("no space left")})
    with pytest.raises(Refused, match="no"):
        do(converge_parent, task)


@pytest.mark.parametrize("error", [ApplianceError("no reason", status=500), Unreachable("broke off")])
def test_a_creation_of_unknown_outcome_keeps_the_doubt(error: Exception) -> None:
    task = creating(errors={"create": error})
    with pytest.raises(type(error)):
        do(converge_parent, task)
    assert task.appliance.events[-1] == "appliance create"
    assert task.secrets["secret_ref"].doubted


@pytest.mark.parametrize("objects", [ADMIN, {"a": {"name": "a", "note": "x"}}])
def test_an_existing_parent_leaves_its_key_alone(objects: Any) -> None:
    task = creating(objects=objects)
    do(converge_parent, task)
    assert not task.secrets["secret_ref"].doubted


def test_a_parent_without_a_reference_is_created_as_any_object() -> None:
    task = creating()
    events = task.appliance.events
    do(converge_parent, Task(PARENT, task.options, task.appliance, "box", False))
    assert events == ["appliance read", *CREATED]


# --- a task of several steps --------------------------------------------------------------------------------


def early(scene: Scene, **changes: Any) -> Callable[[], Any]:
    """Prepare the key of a scene and reserve it; return the planned change."""
    task = Task(
        KEY, scene.task.options, scene.api, "box", scene.api.check_mode, scene.task.secrets, **changes
    )
    change = prepare_secret(task, Outcome(warnings=scene.warnings))
    change.reserve_early()
    return change


@pytest.mark.parametrize("check_mode", [True, False])
def test_an_early_reservation_is_not_written_twice(check_mode: bool) -> None:
    scene = Scene(KEY, {}, check_mode=check_mode, value="old")
    change: Any = early(scene, parent_is_new=True)
    assert scene.events == [*READING[:2], *([] if check_mode else ["store reserve"])]
    change.finish()
    assert scene.events[2:] == ([] if check_mode else ANEW)
    assert change.outcome.values["minted"] is not check_mode


def test_a_key_that_is_kept_is_not_reserved() -> None:
    scene = Scene(KEY, ADMIN, value="old")
    change: Any = early(scene)
    change.withdraw()
    assert scene.events == READING[:2]


@pytest.mark.parametrize(
    ("error", "doubt"),
    [(None, ", doubted"), (Unreachable("broke off"), ", doubted"), *((error, "") for error in NOT_DONE)],
)
def test_a_withdrawn_reservation_leaves_a_doubt_if_the_parent_may_have_been_created(
    error: Exception | None, doubt: str
) -> None:
    scene = Scene(KEY, {}, value="old")
    change: Any = early(scene, parent_is_new=True)
    if error is None:
        with change.creating_parent():
            pass
    else:
        with pytest.raises(type(error)), change.creating_parent():
            raise error
    change.withdraw()
    assert scene.events[-1] == f"store release{doubt}"


def test_a_reservation_that_cannot_be_withdrawn_is_no_second_error() -> None:
    scene = Scene(KEY, {}, value="old")
    change: Any = early(scene, parent_is_new=True)
    scene.keeper.errors = {"release": SecretStoreError("no space left")}
    change.withdraw()
    assert scene.keeper.pending is not None


def test_a_minting_that_failed_is_not_withdrawn() -> None:
    scene = Scene(KEY, {}, errors={"mint": Unreachable("broke off")}, value="old")
    change: Any = early(scene, parent_is_new=True)
    with pytest.raises(Unreachable):
        change.finish()
    change.withdraw()
    assert scene.events[-1] == "store doubt"


def test_a_key_refused_for_a_new_parent_leaves_the_doubt() -> None:
    scene = Scene(KEY, {}, errors={"mint": Refused("no")}, value="old")
    change: Any = early(scene, parent_is_new=True)
    with change.creating_parent():
        pass
    with pytest.raises(Refused):
        change.finish()
    assert scene.events[-1] == "store release, doubted"
