# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The settings of Forescout's module: both fields are cleared before a move to another sensor."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._forescout.module_settings import (
    SETTINGS,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._forescout.web import Forescout
from ansible_collections.otsec.defender_iot.tests.unit.fakes import CONNECTION, Wire, answer

MAP = {
    "login": {"steps": [], "headers": {"Authorization": "{token}"}},
    "settings": {
        "read": {
            "method": "GET",
            "path": "/module",
            "success": [200],
            "fields": {"server_address": "/address"},
        },
        "update": {
            "method": "PUT",
            "path": "/module",
            "json": {"address": "{server_address}", "token": "{access_token}"},
            "success": [200],
        },
    },
}
WANTED = {"address": "192.0.2.2", "token": "new"}
EMPTY = {"address": "", "token": ""}


def test_an_etag_is_read_again_before_the_second_change() -> None:
    settings: Any = copy.deepcopy(MAP["settings"])
    settings["read"]["capture"] = {"etag": {"header": "ETag"}}
    settings["update"]["headers"] = {"If-Match": "{etag}"}
    params = {"token": "t", "username": None, "password": None, "endpoint_map": {**MAP, "settings": settings}}
    api = Forescout({**CONNECTION, **params})
    first, second = (
        answer(200, {"address": held}, ETag=etag) for held, etag in (("192.0.2.1", "one"), ("", "two"))
    )
    api.web.http = Wire(first, answer(200, {}), second, answer(200, {}))
    api.update(SETTINGS, None, {"server_address": "192.0.2.2", "access_token": "new"})
    sent = [content["headers"] for content in api.web.http.contents]
    assert [headers["If-Match"] for headers in sent if "If-Match" in headers] == ["one", "two"]


def written(held: Any, body: dict[str, str]) -> list[Any]:
    """Write a body to a platform that has an address, and return the bodies that were sent."""
    params = {**CONNECTION, "token": "t", "username": None, "password": None, "endpoint_map": MAP}
    api = Forescout(params)
    api.web.http = Wire(answer(200, {"address": held}), *[answer(200, {})] * 2)
    api.update(SETTINGS, None, body)
    return [content["json"] for content in api.web.http.contents if "json" in content]


@pytest.mark.parametrize(
    ("held", "bodies"),
    [
        ("192.0.2.1", [EMPTY, WANTED]),
        ("192.0.2.2", [WANTED]),
        ("", [WANTED]),
        (None, [WANTED]),
    ],
    ids=["another sensor", "the same sensor", "no sensor", "nothing"],
)
def test_both_fields_are_cleared_only_before_a_move_to_another_sensor(held: Any, bodies: Any) -> None:
    assert written(held, {"server_address": "192.0.2.2", "access_token": "new"}) == bodies


def test_both_fields_are_cleared_by_one_request() -> None:
    assert written("192.0.2.1", {"server_address": "", "access_token": ""}) == [EMPTY]
