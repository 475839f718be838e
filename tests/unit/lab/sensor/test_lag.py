# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sensor of the lab with a delayed token list."""

from __future__ import annotations

from typing import Any

TOKENS = "/__lab__/tokens"


def listed(sensor: Any) -> list[int]:
    """Return the identifiers in the token list."""
    return [token["id"] for token in sensor("GET", TOKENS).json()["tokens"]]


def test_a_new_token_is_listed_at_once_unless_the_list_lags(lab: Any, sensor: Any) -> None:
    sensor("POST", TOKENS, json={"description": "Forescout"})
    assert listed(sensor) == [1]
    lab.options("sensor", list_lag=60)
    assert listed(sensor) == []
    lab.control("POST", "/clock", {"advance": 61})
    assert listed(sensor) == [1]


def test_a_token_that_is_not_listed_yet_works_and_can_be_deleted(lab: Any, sensor: Any) -> None:
    lab.options("sensor", list_lag=60)
    value = sensor("POST", TOKENS, json={"description": "Forescout"}).json()["token"]
    assert sensor("GET", "/api/v1/alerts", headers={"Authorization": value}).status_code == 200
    assert sensor("DELETE", f"{TOKENS}/1").status_code == 204
    assert sensor("GET", "/api/v1/alerts", headers={"Authorization": value}).status_code == 401
