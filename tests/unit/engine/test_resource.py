# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Resources: from options to the desired state, from the wire to the current state, and back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.resource import (
    Field,
    Incomplete,
    Resource,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._forescout.hosts import HOST
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.admin_profile import PROFILE
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.api_admin import ADMIN
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.api_key import KEY
from ansible_collections.otsec.defender_iot.plugins.module_utils._sensor.access_token import TOKEN

PLAIN = Field("wire")
LEVEL = Field("level", default="low", optional=True)
NUMBER = Field("number", normalise=str.lower, decode=str, encode=int)
PARENT = Field(
    "parent", children={"a": Field("x-a", default="none"), "b": Field("x-b", default="none", optional=True)}
)


@pytest.mark.parametrize(
    ("field", "said", "wanted"),
    [
        (PLAIN, "As Is", "As Is"),
        (replace(PLAIN, normalise=sorted), ["b", "a"], ["a", "b"]),
        (PARENT, {"a": "all", "b": "none"}, {"a": "all", "b": "none"}),
        (PARENT, {"a": "all", "b": None}, {"a": "all"}),
        (PARENT, {"a": "all"}, {"a": "all"}),
        (PARENT, {}, {}),
        (replace(PARENT, children={"a": replace(PLAIN, normalise=str.upper)}), {"a": "x"}, {"a": "X"}),
    ],
)
def test_a_field_wants_what_was_said_normalised(field: Field, said: Any, wanted: Any) -> None:
    assert field.desired(said) == wanted


@pytest.mark.parametrize(
    ("field", "raw", "held"),
    [
        (PLAIN, {"wire": "v", "other": 1}, "v"),
        (PLAIN, {"wire": None}, None),
        (LEVEL, {"level": "high"}, "high"),
        (LEVEL, {}, "low"),
        (NUMBER, {"number": 7}, "7"),
        (PARENT, {"parent": {"x-a": "all", "x-b": "all", "x-c": "all"}}, {"a": "all", "b": "all"}),
        (PARENT, {"parent": {"x-a": "all"}}, {"a": "all", "b": "none"}),
        (replace(PARENT, optional=True), {}, None),
    ],
)
def test_a_field_is_read_from_its_place_on_the_wire(field: Field, raw: Any, held: Any) -> None:
    assert field.from_wire(raw) == held


@pytest.mark.parametrize(
    ("field", "raw", "missing"),
    [
        (PLAIN, {}, "wire"),
        (replace(PLAIN, default="d"), {"Wire": "v"}, "wire"),
        (PARENT, {}, "parent"),
        (PARENT, {"parent": {"x-b": "all"}}, "x-a"),
    ],
)
def test_a_field_that_every_version_has_must_not_be_missing(field: Field, raw: Any, missing: str) -> None:
    with pytest.raises(Incomplete) as caught:
        field.from_wire(raw)
    assert str(caught.value) == missing


@pytest.mark.parametrize(
    ("field", "value", "wire"),
    [
        (PLAIN, "v", "v"),
        (NUMBER, "7", 7),
        (PARENT, {"a": "all", "b": "none"}, {"x-a": "all", "x-b": "none"}),
        (PARENT, {"b": "none"}, {"x-b": "none"}),
        (PARENT, {}, {}),
    ],
)
def test_a_field_is_sent_in_the_form_of_the_wire(field: Field, value: Any, wire: Any) -> None:
    assert field.to_wire(value) == wire


@pytest.mark.parametrize(
    ("field", "value", "kept"),
    [
        (LEVEL, "low", None),
        (LEVEL, "high", "high"),
        (PLAIN, "v", "v"),
        (PARENT, {"a": "all", "b": "none"}, {"a": "all"}),
        (PARENT, {"a": "none", "b": "none"}, None),
        (PARENT, {}, None),
    ],
)
def test_a_default_need_not_be_sent(field: Field, value: Any, kept: Any) -> None:
    assert field.without_defaults(value) == kept


@pytest.mark.parametrize(
    ("field", "value", "had", "sent"),
    [
        (PARENT, {"a": "all", "b": "none"}, {"a": "none", "b": "none"}, {"a": "all"}),
        (PARENT, {"a": "none", "b": "none"}, {"a": "all", "b": "all"}, {"a": "none", "b": "none"}),
        (PARENT, {"a": "none", "b": "all"}, {"a": "none", "b": "none"}, {"a": "none", "b": "all"}),
        (PARENT, {"a": "all", "b": "all"}, {"a": "none", "b": "all"}, {"a": "all", "b": "all"}),
        (LEVEL, "low", "high", "low"),
    ],
)
def test_an_update_does_not_name_what_the_appliance_may_never_have_heard_of(
    field: Field, value: Any, had: Any, sent: Any
) -> None:
    assert field.without_unknown(value, had) == sent


@pytest.mark.parametrize(
    ("field", "spec"),
    [
        (PLAIN, {"type": "str"}),
        (LEVEL, {"type": "str"}),
        (replace(LEVEL, choices=["low", "high"]), {"type": "str", "choices": ["low", "high"]}),
        (replace(PLAIN, required=True), {"type": "str", "required": True}),
        (replace(PLAIN, type="list", elements="str"), {"type": "list", "elements": "str"}),
        (replace(PLAIN, option_default=""), {"type": "str", "default": ""}),
        (replace(PLAIN, type="int", option_default=0), {"type": "int", "default": 0}),
        (replace(PLAIN, type="bool", option_default=False), {"type": "bool", "default": False}),
        (PARENT, {"type": "dict", "options": {"a": {"type": "str"}, "b": {"type": "str"}}}),
        (
            replace(PARENT, children={"a": replace(PLAIN, choices=["x"])}),
            {"type": "dict", "options": {"a": {"type": "str", "choices": ["x"]}}},
        ),
    ],
)
def test_a_field_describes_its_option(field: Field, spec: Any) -> None:
    assert field.option_spec() == spec


def fold(raw: Any) -> Any:
    """Read the toggle and its text as one."""
    return raw if raw["toggle"] == "on" else {**raw, "text": ""}


def unfold(body: dict[str, Any]) -> dict[str, Any]:
    """Send the toggle with the text."""
    return {**body, "toggle": "on" if body["text"] else "off"} if "text" in body else body


THING = Resource(
    label="thing",
    kind="thing",
    path="things",
    fields={
        "name": Field("id", max_length=4),
        "mode": Field("mode-x", default="simple"),
        "detail": Field("detail", default="", optional=True, only_if=("mode", "expert")),
        "text": Field("text", default="", optional=True, max_length=6),
        "token": Field("token"),
    },
    facts={"used": Field("last-used")},
    delivers="token",
    fold=fold,
    unfold=unfold,
)
RAW = {"id": "n", "mode-x": "expert", "detail": "d", "text": "t", "toggle": "on", "last-used": 5}


def test_every_field_but_a_secret_is_an_option() -> None:
    assert THING.argument_spec() == {o: {"type": "str"} for o in ("name", "mode", "detail", "text")}


@pytest.mark.parametrize(
    ("params", "wanted"),
    [
        ({"name": "n", "mode": None, "state": "present"}, {"name": "n"}),
        ({"name": "n", "text": ""}, {"name": "n", "text": ""}),
        ({"name": "n", "token": "t"}, {"name": "n", "token": "t"}),
        ({}, {}),
    ],
)
def test_what_is_left_out_is_not_wanted(params: Any, wanted: Any) -> None:
    assert THING.desired(params) == wanted


@pytest.mark.parametrize(
    ("change", "held"),
    [
        ({}, {"name": "n", "mode": "expert", "detail": "d", "text": "t"}),
        ({"token": "never shown"}, {"name": "n", "mode": "expert", "detail": "d", "text": "t"}),
        ({"toggle": "off"}, {"name": "n", "mode": "expert", "detail": "d", "text": ""}),
        ({"mode-x": "simple"}, {"name": "n", "mode": "simple", "text": "t"}),
    ],
)
def test_an_object_is_read_in_the_words_of_the_options(change: Any, held: Any) -> None:
    assert THING.from_wire({**RAW, **change}) == held


def test_a_description_adds_the_facts() -> None:
    assert THING.described(RAW) == {**THING.from_wire(RAW), "used": 5}


def test_a_missing_fact_is_incomplete_too() -> None:
    with pytest.raises(Incomplete, match="last-used"):
        THING.described({name: value for name, value in RAW.items() if name != "last-used"})


@pytest.mark.parametrize(
    ("values", "body"),
    [
        ({"mode": "expert"}, {"mode-x": "expert"}),
        ({"name": "n", "text": "t"}, {"id": "n", "text": "t", "toggle": "on"}),
        ({"text": ""}, {"text": "", "toggle": "off"}),
        ({"token": "t"}, {"token": "t"}),
        ({}, {}),
    ],
)
def test_a_body_carries_the_values_in_the_words_of_the_wire(values: Any, body: Any) -> None:
    assert THING.to_wire(values) == body


def test_what_is_sent_reads_back_as_what_was_wanted() -> None:
    wanted = {"name": "n", "mode": "expert", "detail": "d", "text": "t"}
    assert THING.from_wire(THING.to_wire(wanted)) == wanted


def test_a_create_sends_nothing_that_is_there_anyway() -> None:
    values = {"name": "n", "mode": "simple", "text": "", "detail": "d"}
    assert THING.without_defaults(values) == {"name": "n", "detail": "d"}


@pytest.mark.parametrize(
    ("params", "problems"),
    [
        ({"name": "four", "text": "sixsix"}, []),
        ({"name": None}, []),
        ({"name": "fiver"}, ["name has 5 characters, at most 4 are possible"]),
        (
            {"name": "fiver", "text": "seven77"},
            [
                "name has 5 characters, at most 4 are possible",
                "text has 7 characters, at most 6 are possible",
            ],
        ),
        ({"mode": "expert", "detail": "d"}, []),
        ({"mode": "simple", "detail": None}, []),
        ({"mode": "simple", "detail": "d"}, ["detail needs mode: expert"]),
        ({"detail": "d"}, ["detail needs mode: expert"]),
    ],
)
def test_what_cannot_be_right_is_said_before_any_request(params: Any, problems: list[str]) -> None:
    assert THING.problems(params) == problems


@pytest.mark.parametrize(("singleton", "title"), [(False, 'thing "n"'), (True, "thing")])
def test_only_an_object_among_several_is_named(singleton: bool, title: str) -> None:
    assert replace(THING, singleton=singleton).title("n") == title


PATHS = {"admin": ADMIN, "profile": PROFILE, "key": KEY, "host": HOST}


@pytest.mark.parametrize("name", [".", ".."])
@pytest.mark.parametrize("resource", PATHS.values(), ids=PATHS)
def test_a_name_that_leads_to_another_path_is_refused_as_an_option(resource: Resource, name: str) -> None:
    assert resource.problems({resource.key: name}) == [
        f'{resource.key} cannot be "{name}", which leads to another path'
    ]
    assert resource.problems({resource.key: f"{name}a"}) == []


def test_a_name_that_is_in_no_path_may_be_dots() -> None:
    assert TOKEN.problems({"description": ".."}) == []
