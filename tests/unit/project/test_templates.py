# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The parts of an endpoint map: templates with placeholders, and pointers into answers."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._wire.web_interface import fill, pointed


@pytest.mark.parametrize(
    ("template", "filled"),
    [
        ("/tokens/{id}", "/tokens/7"),
        ("{id}{id}", "77"),
        ("{ID} {} {a b}", "{ID} {} {a b}"),
        ({"a": "{id}", "b": {"c": ["{name}", "x"]}}, {"a": 7, "b": {"c": ["{id}", "x"]}}),
        ({"a": "{id} "}, {"a": "7 "}),
        ({"{id}": 1}, {"{id}": 1}),
        ([1, None, True, "{id}"], [1, None, True, 7]),
        ("", ""),
    ],
)
def test_values_are_put_into_their_places_once_at_any_depth(template: Any, filled: Any) -> None:
    assert fill(template, {"id": 7, "name": "{id}"}) == filled


DOCUMENT = {"a": {"b": [10, {"c": 20}]}, "": "empty", "x/y": "slash", "x~y": "tilde", "~1": "both", "n": None}


@pytest.mark.parametrize(
    ("pointer", "found"),
    [
        ("", DOCUMENT),
        ("/a/b/0", 10),
        ("/a/b/1/c", 20),
        ("/", "empty"),
        ("/x~1y", "slash"),
        ("/x~0y", "tilde"),
        ("/~01", "both"),
        ("/n", None),
    ],
)
def test_a_pointer_finds_its_value(pointer: str, found: Any) -> None:
    assert pointed(DOCUMENT, pointer) == found


@pytest.mark.parametrize("pointer", ["/b", "/a/b/2", "/a/b/0/c", "/n/a", "/x/y", "/ a", "/a/"])
def test_a_pointer_to_nothing_is_an_error(pointer: str) -> None:
    with pytest.raises(LookupError):
        pointed(DOCUMENT, pointer)


@pytest.mark.parametrize("index", ["-1", "-", "", "b", "1.0", "+1", " 1"])
def test_a_list_is_counted_from_its_beginning_only(index: str) -> None:
    with pytest.raises(LookupError):
        pointed(DOCUMENT, f"/a/b/{index}")
