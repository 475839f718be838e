# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The settings of a platform that is decommissioned: both are cleared, whatever the store has."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.task import Task
from ansible_collections.otsec.defender_iot.plugins.module_utils._forescout.module_settings import (
    SETTINGS,
    configure,
)
from ansible_collections.otsec.defender_iot.tests.unit.fakes import MemoryAppliance, do


def clearing(address: str, *, check_mode: bool = False, **options: Any) -> Task:
    """Make a task that clears the settings of a platform with an address."""
    api = MemoryAppliance({None: {"server_address": address}}, check_mode=check_mode)
    options = {"transport": "rest", "state": "absent", "rotate_only": False, **options}
    return Task(SETTINGS, options, api, "ct", check_mode)


@pytest.mark.parametrize("check_mode", [True, False])
def test_both_settings_are_cleared_as_predicted(check_mode: bool) -> None:
    job = clearing("192.0.2.1", check_mode=check_mode)
    result = do(configure, job)
    assert result["changed"]
    (entry,) = result["objects"]
    assert (entry["action"], entry["before"], entry["after"]) == (
        "update",
        {"server_address": "192.0.2.1"},
        {"server_address": ""},
    )
    assert job.appliance.bodies == ([] if check_mode else [{"server_address": "", "access_token": ""}])


def test_cleared_settings_are_not_written_again() -> None:
    job = clearing("")
    assert not do(configure, job)["changed"]
    assert job.appliance.bodies == []


def test_a_rotation_clears_nothing() -> None:
    job = clearing("192.0.2.1", rotate_only=True)
    result = do(configure, job)
    assert (result["changed"], job.appliance.bodies) == (False, [])
    assert "it differs in server_address" in result["warnings"][0]


def test_an_operator_clears_the_settings_by_the_returned_steps() -> None:
    job = clearing("192.0.2.1", transport="manual")
    result = do(configure, job)
    assert not result["changed"]
    assert result["objects"][0]["action"] == "unknown"
    assert [step.partition(" of ct ")[0] for step in result["steps"]] == [
        "Sign in to the Forescout Console",
        "Clear Server Address and Access Token.",
        "Select Apply.",
    ]
    assert job.appliance.events == []
