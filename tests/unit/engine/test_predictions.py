# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check mode refuses names of objects that neither exist nor are predicted, as a real run does."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.apply import converge
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import (
    ApplianceError,
    Locked,
    NotFound,
    Refused,
    Unreachable,
    Unsupported,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.predictions import Predictions
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.resource import Field, Resource
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.task import Outcome, Task
from ansible_collections.otsec.defender_iot.plugins.module_utils._minting.mint import mint
from ansible_collections.otsec.defender_iot.tests.unit.fakes import MemoryAppliance, MemoryEntry

COLOUR = Resource(label="colour", kind="colour", path="colours", fields={"name": Field("name")})
PLACES = Field("places", type="list", elements="str", optional=True, default=[], refers_to=COLOUR)
THING = Resource(
    label="thing",
    kind="thing",
    path="things",
    fields={
        "name": Field("name", required=True),
        "colour": Field("colour", optional=True, default="", refers_to=COLOUR),
        "places": PLACES,
    },
)
KEY = Resource(label="key", kind="key", path="things", fields={"name": Field("name")}, on_parent=True)


class Box(MemoryAppliance):
    """Has things and colours."""

    def __init__(self, *colours: str, things: Any = None, **noted: Any) -> None:
        super().__init__(things or {}, **noted)
        self.colours = [{"name": name} for name in colours]

    def table(self, resource: Any) -> Any:
        self._note("table", f" {resource.path}")
        return self.colours


def run(box: Box, predictions: Predictions | None = None, **options: Any) -> Outcome:
    """Converge the thing "a"."""
    outcome = Outcome()
    given = {"name": "a", "state": "present", **options}
    task = Task(THING, given, box, "box", box.check_mode, predictions=predictions or Predictions())
    converge(task, outcome)
    return outcome


RED = {"a": {"name": "a", "colour": "red", "places": ["red"]}}
REFUSED = {
    # what is named: (existing things, options, message)
    "one": (
        None,
        {"colour": "blue"},
        'creating thing "a" failed: the colour "blue" in colour does not exist',
    ),
    "one of several": (None, {"places": ["red", "blue"]}, 'the colour "blue" in places does not exist'),
    "on update": (RED, {"colour": "blue"}, 'updating thing "a" failed: the colour "blue" in colour'),
}


@pytest.mark.parametrize(("things", "options", "says"), REFUSED.values(), ids=REFUSED)
def test_a_name_without_an_object_is_refused_in_check_mode(things: Any, options: Any, says: str) -> None:
    with pytest.raises(NotFound) as caught:
        run(Box("red", things=things, check_mode=True), **options)
    assert says in caught.value.sentence("box")
    assert caught.value.remedy.startswith("create the colour first, or correct ")


@pytest.mark.parametrize(
    ("things", "options"),
    [
        (None, {"colour": "red", "places": ["red"]}),
        (None, {"colour": "", "places": []}),
        (None, {}),
        (RED, {"colour": "red", "places": ["red"]}),
        (RED, {"colour": "", "places": []}),
        (RED, {"state": "absent"}),
    ],
)
def test_existing_objects_and_no_names_are_accepted(things: Any, options: Any) -> None:
    run(Box("red", things=things, check_mode=True), **options)


def test_a_table_is_read_only_for_a_name_that_would_be_sent() -> None:
    in_sync = Box(things=RED, check_mode=True)
    assert not run(in_sync, colour="red", places=["red"]).changed
    assert in_sync.events == ["appliance read"]
    real = Box()
    run(real, colour="blue")
    assert "appliance table colours" not in real.events


@pytest.mark.parametrize(
    "error", [Refused("no"), NotFound("no"), Unsupported("no"), ApplianceError("broken")]
)
def test_a_table_that_cannot_be_read_proves_nothing(error: ApplianceError) -> None:
    assert run(Box(check_mode=True, errors={"table": error}), colour="blue").changed
    assert run(Box(check_mode=True), colour="blue").changed


@pytest.mark.parametrize("error", [Locked("wait"), Unreachable("gone")])
def test_an_appliance_that_no_longer_answers_ends_the_task(error: ApplianceError) -> None:
    with pytest.raises(type(error)) as caught:
        run(Box(check_mode=True, errors={"table": error}), colour="blue")
    assert caught.value.attempt == "reading every colour"


def test_a_predicted_object_may_be_named_and_a_predicted_deletion_ends_that() -> None:
    predictions = Predictions()
    predictions.note("colours", "blue", exists=True)
    box = Box("red", check_mode=True)
    run(box, predictions, colour="blue")
    assert "appliance table colours" not in box.events
    predictions.note("colours", "red", exists=False)
    with pytest.raises(NotFound, match='the colour "red"'):
        run(Box("red", check_mode=True), predictions, colour="red")


@pytest.mark.parametrize("check_mode", [True, False])
def test_only_check_mode_predicts(check_mode: bool) -> None:
    predictions = Predictions()
    box = Box(check_mode=check_mode)
    run(box, predictions)
    assert predictions.exists("things", "a") is (True if check_mode else None)
    gone = Box(things=RED, check_mode=check_mode)
    run(gone, predictions, state="absent")
    assert predictions.exists("things", "a") is (False if check_mode else None)
    assert predictions.exists("things", "b") is None
    assert predictions.exists("colours", "a") is None


@pytest.mark.parametrize("things", [None, RED])
def test_a_real_write_ends_a_prediction(things: Any) -> None:
    predictions = Predictions()
    predictions.note("things", "a", exists=False)
    run(Box(things=things), predictions, colour="blue")
    assert predictions.exists("things", "a") is None


def minted(predictions: Predictions) -> tuple[Outcome, MemoryAppliance]:
    """Predict the key of a thing that does not exist."""
    outcome, box = Outcome(), MemoryAppliance(check_mode=True)
    entry = {"secret_ref": MemoryEntry(check_mode=True)}
    options = {"name": "a", "state": "present", "recreate": "never", "rotation_id": None, "max_age": None}
    mint(Task(KEY, options, box, "box", True, entry, predictions=predictions), outcome)
    return outcome, box


def test_a_key_is_predicted_for_a_predicted_object_only() -> None:
    predictions = Predictions()
    with pytest.raises(NotFound, match="the object it belongs to does not exist"):
        minted(predictions)
    predictions.note("things", "a", exists=True)
    outcome, _box = minted(predictions)
    assert (outcome.changed, outcome.warnings) == (True, [])
