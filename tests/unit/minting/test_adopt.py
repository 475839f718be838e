# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Adopting: a secret that an operator stored is verified once, by a documented call."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import (
    ApplianceError,
    Conflict,
    Unreachable,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.resource import Field, Resource
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.task import Outcome, Task
from ansible_collections.otsec.defender_iot.plugins.module_utils._minting.mint import adopt
from ansible_collections.otsec.defender_iot.tests.unit.fakes import (
    INVALID,
    REF,
    UNKNOWN,
    VALID,
    MemoryAppliance,
    MemoryEntry,
    begun,
    do,
    mark,
    secret,
)

TOKEN = Resource(label="token", kind="token", path="tokens", fields={"name": Field("name")})
MARK = mark("manual")


def scene(
    *, verdict: tuple[str, int | None] = VALID, check_mode: bool = False, errors: Any = None, **secret: Any
) -> Task:
    """Make a task on an appliance and a store that write into one list of events."""
    events: list[str] = []
    keeper = MemoryEntry(**secret, check_mode=check_mode, events=events)
    api = MemoryAppliance(verdicts=[verdict], check_mode=check_mode, events=events, errors=errors)
    return Task(TOKEN, {"name": "a"}, api, "box", check_mode, {"secret_ref": keeper})


def test_a_stored_secret_is_tried_once_and_noted_as_verified() -> None:
    job = scene(value="manual")
    result = do(adopt, job)
    assert job.appliance.events == ["store read", "appliance probe manual", "store prove"]
    assert (result["changed"], result["minted"], result["fingerprint"]) == (True, False, MARK)
    assert result["verified_at"] == "now"


def test_the_trial_is_noted_because_it_sets_the_time_of_use() -> None:
    job = scene(value="manual")
    assert do(adopt, job)["warnings"] == [
        'verifying token "a" used it, so its time of last use does not prove another caller'
    ]


def test_a_verified_secret_is_not_tried_again() -> None:
    job = scene(value="manual", verified_at="then")
    result = do(adopt, job)
    assert job.appliance.events == ["store read"]
    assert (result["changed"], result["diff"]["before"]) == (False, result["diff"]["after"])


@pytest.mark.parametrize(("days", "tried"), [(0.5, False), (2, True), (365, True)])
def test_a_secret_that_was_verified_in_the_future_is_tried_again(days: float, tried: bool) -> None:
    at = (datetime.now(UTC) + timedelta(days=days)).isoformat()
    job = scene(value="manual", verified_at=at)
    assert do(adopt, job)["changed"] is tried
    assert ("store prove" in job.appliance.events) is tried


def test_check_mode_says_that_a_secret_would_be_verified_and_does_not_try_it() -> None:
    job = scene(value="manual", check_mode=True)
    result = do(adopt, job)
    assert job.appliance.events == ["store read"]
    assert (result["changed"], result["fingerprint"], result["verified_at"]) == (True, MARK, None)


@pytest.mark.parametrize("check_mode", [True, False])
def test_an_empty_store_is_a_conflict_that_says_what_to_do(check_mode: bool) -> None:
    job = scene(check_mode=check_mode)
    with pytest.raises(
        Conflict, match=r"generate it in the appliance's web interface and store its value there"
    ) as caught:
        do(adopt, job)
    assert REF in str(caught.value)
    assert job.appliance.events == ["store read"]


REJECTED = "the appliance rejects it; store a value that the appliance accepts"
NOTHING_PROVED = "the appliance's answer proves nothing; check the appliance, and run again"


@pytest.mark.parametrize(
    ("verdict", "found"),
    [
        (INVALID, f" (401): {REJECTED}"),
        (("invalid", 403), f" (403): {REJECTED}"),
        (UNKNOWN, f": {NOTHING_PROVED}"),
        (("unknown", 429), f" (429): {NOTHING_PROVED}"),
        (("unknown", 500), f" (500): {NOTHING_PROVED}"),
    ],
)
def test_a_secret_that_is_not_accepted_stays_unverified(verdict: tuple[str, int | None], found: str) -> None:
    job = scene(value="manual", verdict=verdict)
    outcome = Outcome()
    with pytest.raises(ApplianceError) as caught:
        adopt(job, outcome)
    assert caught.value.sentence("box") == f'box: verifying token "a" failed{found}'
    assert job.appliance.events == ["store read", "appliance probe manual"]
    assert outcome == Outcome()


def test_an_appliance_out_of_reach_leaves_a_secret_as_it_was() -> None:
    job = scene(value="manual", errors={"probe": Unreachable("no answer")})
    with pytest.raises(Unreachable) as caught:
        do(adopt, job)
    assert caught.value.attempt == 'verifying token "a"'
    assert job.secrets["secret_ref"].current.verified_at is None


def removal(verdicts: list[tuple[str, int | None]], *, check_mode: bool = False, **kept: Any) -> Task:
    """Make a task that removes an adopted secret."""
    events: list[str] = []
    keeper = MemoryEntry(**kept, check_mode=check_mode, events=events)
    api = MemoryAppliance(verdicts=verdicts, check_mode=check_mode, events=events)
    return Task(TOKEN, {"name": "a", "state": "absent"}, api, "box", check_mode, {"secret_ref": keeper})


def test_a_secret_that_an_operator_has_revoked_is_removed_from_the_store() -> None:
    job = removal([INVALID], value="manual")
    result = do(adopt, job)
    assert job.appliance.events == ["store read", "appliance probe manual", "store forget"]
    assert result["changed"]
    assert result["objects"][0]["action"] == "delete"
    assert (result["fingerprint"], result["diff"]["after"]) == (None, {})


def test_every_stored_value_must_be_revoked() -> None:
    parts = {"previous": secret("old"), "pending": begun(secret("new"))}
    job = removal([INVALID, INVALID, VALID], value="manual", **parts)
    with pytest.raises(ApplianceError):
        do(adopt, job)
    probed = [event for event in job.appliance.events if "probe" in event]
    assert probed == [f"appliance probe {value}" for value in ("manual", "new", "old")]
    assert "store forget" not in job.appliance.events


def test_check_mode_predicts_the_removal_and_does_not_try_the_secret() -> None:
    job = removal([INVALID], value="manual", check_mode=True)
    assert do(adopt, job)["changed"]
    assert job.appliance.events == ["store read"]


def test_the_removal_of_a_secret_that_is_not_stored_changes_nothing() -> None:
    job = removal([])
    assert not do(adopt, job)["changed"]
    assert job.appliance.events == ["store read"]


STILL_VALID = (
    "the appliance still accepts the stored value, and no public interface revokes it; "
    "delete it in the appliance's web interface, and run again"
)


@pytest.mark.parametrize(
    ("verdict", "found"),
    [
        (VALID, f" (200): {STILL_VALID}"),
        (("invalid", 403), f" (403): {NOTHING_PROVED}"),
        (UNKNOWN, f": {NOTHING_PROVED}"),
        (("unknown", 500), f" (500): {NOTHING_PROVED}"),
    ],
)
def test_a_secret_stays_in_the_store_unless_the_appliance_clearly_rejects_it(
    verdict: tuple[str, int | None], found: str
) -> None:
    job = removal([verdict], value="manual")
    with pytest.raises(ApplianceError) as caught:
        do(adopt, job)
    assert caught.value.sentence("box") == f'box: removing token "a" from the store failed{found}'
    assert "store forget" not in job.appliance.events
