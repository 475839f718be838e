# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Delivering a stored secret to an object: it is compared and shown only by its fingerprint."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.apply import converge
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import (
    ApplianceError,
    NotFound,
    Refused,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.resource import Field, Resource
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.secret import (
    KNOWN_AFTER_APPLY,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.task import (
    Task,
    list_objects,
)
from ansible_collections.otsec.defender_iot.tests.unit.fakes import (
    REF,
    MemoryAppliance,
    MemoryEntry,
    do,
    mark,
)

SETTINGS = Resource(
    label="settings",
    kind="settings",
    path="settings",
    fields={"server": Field("server"), "token": Field("token")},
    delivers="token",
    resend=frozenset({"server", "token"}),
    singleton=True,
)
MARK = mark("s3cr3t")
OLD = mark("older")
DELIVERED = {"box/settings": MARK}
ROW = {"server": "1"}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def deliver(api: MemoryAppliance, keeper: MemoryEntry, server: str = "1", **more: Any) -> dict[str, Any]:
    """Give server and secret to the settings."""
    params = {"server": server, "token_ref": REF, **more}
    return do(converge, Task(SETTINGS, params, api, "box", api.check_mode, {"token_ref": keeper}))


@pytest.mark.parametrize(
    ("delivered", "server", "before"),
    [
        ({}, "1", {"server": "1", "token": None}),
        ({"other/settings": MARK}, "1", {"server": "1", "token": None}),
        ({"box/settings": OLD}, "1", {"server": "1", "token": OLD}),
        (DELIVERED, "2", {"server": "1", "token": MARK}),
    ],
    ids=[
        "never delivered",
        "delivered to another",
        "an older one delivered",
        "delivered, its neighbour differs",
    ],
)
@pytest.mark.parametrize("check_mode", [True, False])
def test_a_secret_is_sent_when_it_or_its_neighbour_differs(
    delivered: Any, server: str, before: Any, check_mode: bool
) -> None:
    api = MemoryAppliance({None: ROW}, check_mode=check_mode)
    keeper = MemoryEntry("s3cr3t", delivered=delivered, check_mode=check_mode)
    result = deliver(api, keeper, server)
    assert result["changed"]
    assert result["diff"]["before"] == before
    assert result["diff"]["after"] == result["settings"] == {"server": server, "token": MARK}
    assert api.bodies == ([] if check_mode else [{"server": server, "token": "s3cr3t"}])
    assert keeper.current.delivered == (delivered if check_mode else {**delivered, "box/settings": MARK})
    assert "s3cr3t" not in json.dumps(result)


@pytest.mark.parametrize("check_mode", [False, True])
def test_who_is_told_to_use_a_secret_is_noted_before_it_learns_it(check_mode: bool) -> None:
    events: list[str] = []
    api = MemoryAppliance({None: ROW}, check_mode=check_mode, events=events)
    keeper = MemoryEntry("s3cr3t", check_mode=check_mode, events=events)
    deliver(api, keeper)
    deliver(api, keeper)
    assert keeper.current.consumers == (() if check_mode else ("box/settings",))
    assert events.count("store consumed") == (0 if check_mode else 1)
    assert check_mode or events.index("store consumed") < events.index("appliance update")


def test_a_delivered_secret_is_not_sent_again() -> None:
    api, keeper = MemoryAppliance({None: ROW}), MemoryEntry("s3cr3t")
    assert deliver(api, keeper)["changed"]
    api.events.clear()
    assert not deliver(api, keeper)["changed"]
    assert api.events == ["appliance read"]


def test_a_result_says_where_the_secret_is_kept_and_its_fingerprint() -> None:
    result = deliver(MemoryAppliance({None: ROW}), MemoryEntry("s3cr3t", delivered=DELIVERED))
    said = {name: result[name] for name in ("secret_ref", "fingerprint", "created_at", "verified_at")}
    assert said == {"secret_ref": REF, "fingerprint": MARK, "created_at": "then", "verified_at": None}


def test_a_result_says_since_when_the_object_has_the_secret_that_is_stored() -> None:
    keeper = MemoryEntry("s3cr3t", delivered={"box/settings": "older"}, delivered_at={"box/settings": "then"})
    api = MemoryAppliance({None: ROW})
    delivered = deliver(api, keeper)["delivered_at"]
    assert TIME.fullmatch(delivered)
    assert deliver(api, keeper)["delivered_at"] == delivered
    in_check_mode = MemoryEntry(
        "s3cr3t", delivered={"box/settings": "older"}, delivered_at={"box/settings": "then"}, check_mode=True
    )
    assert deliver(MemoryAppliance({None: ROW}, check_mode=True), in_check_mode)["delivered_at"] is None


@pytest.mark.parametrize("errors", [{"update": Refused("no")}, {}], ids=["refused", "kept something else"])
def test_a_secret_counts_as_delivered_only_after_reading_back(errors: Any) -> None:
    api, keeper = MemoryAppliance({None: ROW}, errors=errors, keeps={"server": "3"}), MemoryEntry("s3cr3t")
    with pytest.raises(ApplianceError):
        deliver(api, keeper, "2")
    assert keeper.current.delivered == {}


def test_a_missing_secret_stops_a_run_before_the_appliance_is_touched() -> None:
    api = MemoryAppliance({None: ROW})
    with pytest.raises(NotFound) as caught:
        deliver(api, MemoryEntry())
    assert caught.value.sentence("box") == (
        f"box: configuring settings failed: the store has no secret under {REF}; "
        "store or mint the secret first"
    )
    assert api.events == []


def test_in_check_mode_a_missing_secret_is_one_that_is_yet_to_come() -> None:
    result = deliver(MemoryAppliance({None: ROW}, check_mode=True), MemoryEntry(check_mode=True))
    assert result["changed"]
    assert result["settings"]["token"] == KNOWN_AFTER_APPLY
    assert result["fingerprint"] is None


def test_reading_a_singleton_returns_it_without_its_secret() -> None:
    api = MemoryAppliance({None: {**ROW, "token": "s3cr3t"}}, check_mode=True)
    assert do(list_objects, Task(SETTINGS, {}, api, "box", True)) == {
        "changed": False,
        "settings": {"server": "1"},
    }


@pytest.mark.parametrize(("check_mode", "changed"), [(True, True), (False, False)])
def test_a_secret_that_an_earlier_task_would_replace_is_predicted_to_be_given(
    check_mode: bool, changed: bool
) -> None:
    api = MemoryAppliance({None: ROW}, check_mode=check_mode)
    keeper = MemoryEntry("s3cr3t", delivered=DELIVERED, check_mode=check_mode)
    result = deliver(api, keeper, token_replaced=True)
    assert result["changed"] is changed
    assert result["settings"]["token"] == (KNOWN_AFTER_APPLY if changed else MARK)
