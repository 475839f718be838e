# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan: the change for every pair of current and desired state."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import Conflict
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.plan import Plan, overlay, plan
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.resource import Field, Resource

RIGHTS = {"read": Field("r", default="none"), "write": Field("w", default="none")}
THING = Resource(
    label="thing",
    kind="thing",
    path="things",
    fields={
        "name": Field("name"),
        "comment": Field("comment", default=""),
        "hosts": Field("hosts", default=[]),
        "rights": Field("rights", children=RIGHTS),
        "token": Field("token"),
    },
)
HAVE = {"name": "a", "comment": "c", "hosts": ["1", "2"], "rights": {"read": "all", "write": "none"}}
NAME = {"name": "a"}

TABLE = {
    # what it is: (have, want, state, action, after, send)
    "nothing there, wanted": (
        None,
        {**NAME, "comment": "c"},
        "present",
        "create",
        {**NAME, "comment": "c"},
        None,
    ),
    "nothing there, default wanted": (
        None,
        {**NAME, "comment": "", "hosts": []},
        "present",
        "create",
        {**NAME, "comment": "", "hosts": []},
        NAME,
    ),
    "nothing there, default rights wanted": (
        None,
        {**NAME, "rights": {"read": "none", "write": "none"}},
        "present",
        "create",
        {**NAME, "rights": {"read": "none", "write": "none"}},
        NAME,
    ),
    "nothing there, one right wanted beside a default": (
        None,
        {**NAME, "rights": {"read": "none", "write": "all"}},
        "present",
        "create",
        {**NAME, "rights": {"read": "none", "write": "all"}},
        {**NAME, "rights": {"write": "all"}},
    ),
    "nothing there, not wanted": (None, NAME, "absent", "keep", {}, {}),
    "equal, wanted": (HAVE, HAVE, "present", "keep", HAVE, {}),
    "equal, not wanted": (HAVE, HAVE, "absent", "delete", {}, {}),
    "differing, wanted": (
        HAVE,
        {**NAME, "comment": "d"},
        "present",
        "update",
        {**HAVE, "comment": "d"},
        {"comment": "d"},
    ),
    "differing, not wanted": (HAVE, {**NAME, "comment": "d"}, "absent", "delete", {}, {}),
    "back to the default": (
        HAVE,
        {"comment": ""},
        "present",
        "update",
        {**HAVE, "comment": ""},
        {"comment": ""},
    ),
    "more there than said": (HAVE, NAME, "present", "keep", HAVE, {}),
    "more there than said, not wanted": (HAVE, NAME, "absent", "delete", {}, {}),
    "a field said that is not there": (
        NAME,
        {**NAME, "comment": "c"},
        "present",
        "update",
        {**NAME, "comment": "c"},
        {"comment": "c"},
    ),
    "two of three differ": (
        HAVE,
        {**NAME, "comment": "d", "hosts": []},
        "present",
        "update",
        {**HAVE, "comment": "d", "hosts": []},
        {"comment": "d", "hosts": []},
    ),
    "one right equal": (HAVE, {"rights": {"read": "all"}}, "present", "keep", HAVE, {}),
    "one right differs, so its neighbours go along": (
        HAVE,
        {"rights": {"write": "all"}},
        "present",
        "update",
        {**HAVE, "rights": {"read": "all", "write": "all"}},
        {"rights": {"read": "all", "write": "all"}},
    ),
    "no right said": (HAVE, {"rights": {}}, "present", "keep", HAVE, {}),
    "a list with less is another list": (
        HAVE,
        {"hosts": ["1"]},
        "present",
        "update",
        {**HAVE, "hosts": ["1"]},
        {"hosts": ["1"]},
    ),
    "a list in another order is another list": (
        HAVE,
        {"hosts": ["2", "1"]},
        "present",
        "update",
        {**HAVE, "hosts": ["2", "1"]},
        {"hosts": ["2", "1"]},
    ),
}


@pytest.mark.parametrize(("have", "want", "state", "action", "after", "send"), TABLE.values(), ids=TABLE)
def test_the_step_follows_from_have_want_and_state(
    have: Any, want: Any, state: str, action: str, after: Any, send: Any
) -> None:
    assert plan(THING, have, want, state) == Plan(action, have or {}, after, want if send is None else send)


@pytest.mark.parametrize(("have", "want", "state"), [row[:3] for row in TABLE.values()], ids=TABLE)
def test_planning_leaves_its_inputs_alone(have: Any, want: Any, state: str) -> None:
    before = copy.deepcopy((have, want))
    plan(THING, have, want, state)
    assert (have, want) == before


@pytest.mark.parametrize(
    ("have", "want", "state"),
    [row[:3] for row in TABLE.values() if row[2] == "present"],
    ids=[name for name, row in TABLE.items() if row[2] == "present"],
)
def test_what_a_step_arrives_at_needs_no_further_step(have: Any, want: Any, state: str) -> None:
    assert plan(THING, plan(THING, have, want, state).after, want, state).action == "keep"


@pytest.mark.parametrize(
    ("action", "changed"), [("keep", False), ("create", True), ("update", True), ("delete", True)]
)
def test_every_step_but_keep_is_a_change(action: str, changed: bool) -> None:
    assert Plan(action, {}, {}, {}).changed is changed


TWINS = replace(THING, resend=frozenset({"comment", "token"}))
DELIVERED = {**HAVE, "token": "t"}


@pytest.mark.parametrize(
    ("have", "want", "send"),
    [
        (DELIVERED, {"comment": "c", "token": "t"}, {}),
        (DELIVERED, {"comment": "d", "token": "t"}, {"comment": "d", "token": "t"}),
        (DELIVERED, {"comment": "c", "token": "u"}, {"comment": "c", "token": "u"}),
        (DELIVERED, {"hosts": [], "token": "t"}, {"hosts": [], "token": "t"}),
        (DELIVERED, {"hosts": []}, {"hosts": []}),
        ({**HAVE, "token": None}, {"comment": "c", "token": "t"}, {"comment": "c", "token": "t"}),
        (None, {"comment": "", "token": "t"}, {"token": "t"}),
    ],
)
def test_resent_fields_go_along_with_every_write_that_says_them(have: Any, want: Any, send: Any) -> None:
    assert plan(TWINS, have, want, "present").send == send


NEEDY = replace(THING, create_requires=frozenset({"hosts", "comment"}))


@pytest.mark.parametrize(
    ("want", "named"),
    [(NAME, "comment and hosts"), ({**NAME, "hosts": []}, "comment"), ({**NAME, "comment": ""}, "hosts")],
)
def test_creating_without_a_required_field_is_a_conflict(want: Any, named: str) -> None:
    with pytest.raises(Conflict) as caught:
        plan(NEEDY, None, want, "present")
    assert str(caught.value) == f"thing does not exist, and creating it requires {named}; set {named}"


@pytest.mark.parametrize(
    ("have", "want", "state", "action"),
    [
        (None, {**NAME, "hosts": [], "comment": ""}, "present", "create"),
        (None, NAME, "absent", "keep"),
        (HAVE, NAME, "present", "keep"),
        (HAVE, NAME, "absent", "delete"),
    ],
)
def test_only_a_create_needs_the_required_fields(have: Any, want: Any, state: str, action: str) -> None:
    assert plan(NEEDY, have, want, state).action == action


@pytest.mark.parametrize(
    ("have", "want", "result"),
    [
        ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"c": 3}}, {"a": {"b": 1, "c": 3}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": 1}, {"a": {"b": 2}}, {"a": {"b": 2}}),
        ({"a": {"b": 2}}, {"a": 1}, {"a": 1}),
        (None, {"a": 1}, {"a": 1}),
    ],
)
def test_only_mappings_are_laid_over_each_other(have: Any, want: Any, result: Any) -> None:
    assert overlay(have, want) == result
