# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A rotation replaces secrets, and only reports what else differs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import Conflict
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.resource import Field, Resource
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.rotate import (
    compare,
    rotate_delivery,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.task import Task
from ansible_collections.otsec.defender_iot.plugins.module_utils._minting.mint import adopt
from ansible_collections.otsec.defender_iot.tests.unit.fakes import (
    MemoryAppliance,
    MemoryEntry,
    begun,
    do,
    mark,
    secret,
)
from ansible_collections.otsec.defender_iot.tests.unit.minting.scene import ADMIN, KEY, TOKEN, Scene, rows

THING = Resource(
    label="thing",
    kind="thing",
    path="things",
    fields={"name": Field("name"), "size": Field("size"), "color": Field("color")},
    create_requires=frozenset({"size"}),
    guarded=frozenset({"size"}),
)
SETTINGS = Resource(
    label="settings",
    kind="settings",
    path="settings",
    fields={"address": Field("address"), "token": Field("token")},
    delivers="token",
    resend=frozenset({"address", "token"}),
    singleton=True,
)
MODES = pytest.mark.parametrize("check_mode", [False, True])
DUE = {"rotation_id": "q4", "rotate_only": True}


def note(why: str) -> str:
    """Return the reason of an object that a rotation does not change."""
    return f"not in the desired state ({why}), and a rotation does not change it"


@MODES
@pytest.mark.parametrize(
    ("have", "options", "why"),
    [
        (
            {"name": "a", "size": 1, "color": "red"},
            {"size": 2, "color": "blue"},
            "it differs in color and size",
        ),
        (None, {"size": 2}, "it does not exist"),
        ({"name": "a", "size": 1, "color": "red"}, {"state": "absent"}, "it still exists"),
        ({"name": "a", "size": 1, "color": "red"}, {"size": 1}, None),
    ],
    ids=["update", "create", "delete", "none"],
)
def test_a_difference_is_reported_and_not_changed(
    check_mode: bool, have: Any, options: Any, why: str | None
) -> None:
    appliance = MemoryAppliance({"a": have} if have else {}, own=True, check_mode=check_mode)
    result = do(compare, Task(THING, {"name": "a", **options}, appliance, "box", check_mode))
    (entry,) = result["objects"]
    assert (result["changed"], entry["action"], entry["changed"]) == (False, "none", False)
    assert entry.get("reason") == (note(why) if why else None)
    assert result.get("warnings", []) == ([f'thing "a" is {note(why)}'] if why else [])
    assert appliance.bodies == []


def test_an_object_that_cannot_be_created_does_not_stop_a_rotation() -> None:
    result = do(compare, Task(THING, {"name": "a"}, MemoryAppliance(), "box", False))
    assert not result["changed"]
    assert "size" in result["objects"][0]["reason"]


def platform(check_mode: bool, *, address: str = "s1", replaced: bool = False, **stored: Any) -> Any:
    """Deliver a token, of which the platform has an older one; return the result and the writes."""
    appliance = MemoryAppliance({None: {"address": "s1", "token": "?"}}, check_mode=check_mode)
    entry = MemoryEntry(
        "new",
        delivered={"box/settings": mark("old")},
        consumers=("box/settings",),
        check_mode=check_mode,
        **stored,
    )
    options = {"address": address, "token_replaced": replaced}
    task = Task(SETTINGS, options, appliance, "box", check_mode, {"token_ref": entry})
    return do(rotate_delivery, task), appliance.bodies


@MODES
@pytest.mark.parametrize(
    "case", [{"previous": secret("old")}, {"replaced": True}], ids=["stored", "predicted"]
)
def test_a_replaced_secret_is_delivered(check_mode: bool, case: dict[str, Any]) -> None:
    result, bodies = platform(check_mode, **case)
    assert result["objects"][0]["action"] == "update"
    assert bodies == ([] if check_mode else [{"address": "s1", "token": "new"}])


@MODES
@pytest.mark.parametrize(
    ("case", "why"),
    [
        ({"previous": secret("old"), "address": "s2"}, "it differs in address and token"),
        ({}, "it differs in token"),
    ],
    ids=["another address", "no rotation"],
)
def test_another_difference_keeps_the_delivery_back(check_mode: bool, case: dict[str, Any], why: str) -> None:
    result, bodies = platform(check_mode, **case)
    assert (result["changed"], bodies) == (False, [])
    assert result["objects"][0]["reason"] == note(why)
    assert result["settings"]["address"] == "s1"


def test_a_delivered_secret_is_no_change() -> None:
    appliance = MemoryAppliance({None: {"address": "s1", "token": "?"}})
    entry = MemoryEntry("new", delivered={"box/settings": mark("new")}, consumers=("box/settings",))
    task = Task(
        SETTINGS, {"address": "s1", "token_replaced": False}, appliance, "box", False, {"token_ref": entry}
    )
    result = do(rotate_delivery, task)
    assert (result["changed"], result["objects"][0]["action"], appliance.bodies) == (False, "none", [])


LEFT = {
    # resource, entries on the appliance, options, stored value and more: why it is not rotated
    "no token stored": (TOKEN, {}, {}, {}, "the store does not have it"),
    "no key stored": (KEY, ADMIN, {}, {}, "the store does not have it"),
    "no administrator": (KEY, {}, {}, {"value": "old"}, "the object that it belongs to does not exist"),
    "not listed": (TOKEN, {}, {}, {"value": "old", "id": 1}, "the appliance does not list it"),
    "first one interrupted": (TOKEN, {}, {}, {"pending": begun()}, "the store does not have it"),
    "absent token": (
        TOKEN,
        rows(1),
        {"state": "absent"},
        {"value": "old", "id": 1},
        "it is declared absent, but still exists",
    ),
    "absent key": (
        KEY,
        ADMIN,
        {"state": "absent"},
        {"value": "old"},
        "it is declared absent, but still exists",
    ),
}


@MODES
@pytest.mark.parametrize(("resource", "objects", "options", "stored", "why"), LEFT.values(), ids=LEFT)
def test_only_a_secret_that_exists_is_rotated(
    check_mode: bool, resource: Any, objects: Any, options: Any, stored: Any, why: str
) -> None:
    scene = Scene(resource, objects, check_mode=check_mode, params={**DUE, **options}, **stored)
    result = scene.play()
    assert (result["changed"], result["reason"]) == (False, None)
    assert result["objects"][0]["reason"] == f"not rotated: {why}"
    assert result["warnings"] == [f'{resource.label} "a" is not rotated: {why}']
    is_there = bool(objects or "value" in stored)
    is_overdue = is_there and options.get("state") != "absent"
    assert result["objects"][0].get("overdue", False) is is_overdue
    assert {each.split()[1] for each in scene.events} <= {"read", "table"}


@pytest.mark.parametrize("resource", [TOKEN, KEY], ids=["token", "key"])
def test_nothing_is_said_of_an_absent_secret_that_does_not_exist(resource: Any) -> None:
    result = Scene(resource, {}, params={**DUE, "state": "absent"}).play()
    assert "reason" not in result["objects"][0] or result["objects"][0]["reason"] is None


@pytest.mark.parametrize(
    ("resource", "objects", "stored"),
    [
        (TOKEN, rows(1), {"id": 1}),
        (KEY, ADMIN, {}),
        (TOKEN, rows(1), {"id": 1, "pending": begun(None, ["1"])}),
        (KEY, ADMIN, {"pending": begun()}),
    ],
    ids=["token", "key", "interrupted token", "interrupted key"],
)
def test_a_secret_that_is_due_is_replaced(resource: Any, objects: Any, stored: Any) -> None:
    scene = Scene(resource, objects, params=DUE, value="old", **stored)
    assert scene.play()["changed"]
    assert "appliance mint" in scene.events


def test_a_token_that_is_not_listed_is_not_retired_either() -> None:
    scene = Scene(
        TOKEN, rows(1), params={**DUE, "previous": "absent"}, value="new", id=2, previous=secret("old", id=1)
    )
    assert not scene.play()["changed"]
    assert scene.ids == [1]


@MODES
@pytest.mark.parametrize("value", ["old", None])
def test_a_token_without_a_map_is_left_to_an_operator(check_mode: bool, value: str | None) -> None:
    scene = Scene(TOKEN, {}, check_mode=check_mode, params=DUE, value=value)
    result = do(adopt, scene.task)
    assert result["warnings"] == [
        'token "a" is not rotated: without an endpoint map, an operator must replace it'
    ]
    assert scene.events == ["store read"]
    assert result["objects"][0].get("overdue", False) is (value is not None)


@pytest.mark.parametrize("resource", [TOKEN, KEY], ids=["token", "key"])
@pytest.mark.parametrize(
    ("options", "overdue"), [({}, False), ({"rotation_id": "2"}, True), ({"max_age": 9}, True)]
)
def test_a_secret_that_only_the_appliance_has_is_due_if_anything_asks_for_its_rotation(
    resource: Any, options: Any, overdue: bool
) -> None:
    objects = rows(1) if resource is TOKEN else ADMIN
    result = Scene(resource, objects, params={"rotate_only": True, **options}).play()
    assert result["objects"][0].get("overdue", False) is overdue


@pytest.mark.parametrize(
    ("made", "id_", "wanted", "refused"),
    [
        (1, "1", "2", True),
        (1, "2", "2", False),
        (1, None, "2", False),
        (1, "1", None, False),
        (-1, "1", "2", False),
        (3600, "1", "2", False),
    ],
    ids=["during this run", "same text", "no text", "none is wanted", "before this run", "in the future"],
)
@pytest.mark.parametrize("resource", [TOKEN, KEY], ids=["token", "key"])
@MODES
def test_two_rotations_at_once_do_not_replace_each_other_s_secret(
    check_mode: bool, resource: Any, made: int, id_: Any, wanted: Any, refused: bool
) -> None:
    began = datetime.now(UTC) - timedelta(seconds=60)
    at = (began + timedelta(seconds=made)).strftime("%Y-%m-%dT%H:%M:%SZ")
    objects = rows(1) if resource is TOKEN else ADMIN
    scene = Scene(
        resource,
        objects,
        check_mode=check_mode,
        params={"rotation_id": wanted},
        value="old",
        id=1,
        created_at=at,
        rotation_id=id_,
    )
    scene.task = replace(scene.task, began=began)
    if not refused:
        scene.play()
        return
    with pytest.raises(Conflict, match="another run has replaced it under rotation_id 1 since"):
        scene.play()
    assert {each.split()[1] for each in scene.events} <= {"read", "table"}


def test_without_a_rotation_a_missing_token_is_an_error() -> None:
    with pytest.raises(Conflict):
        do(adopt, Scene(TOKEN, {}).task)
