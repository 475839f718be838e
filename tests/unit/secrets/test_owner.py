# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who is minting: a run that died is told from one that is still at it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.plugin_utils._secrets import owner
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._secrets.owner import (
    may_be_minting,
    this_process,
)
from ansible_collections.otsec.defender_iot.tests.unit.fakes import raising

HERE = socket.gethostname()


def ago(**time: float) -> str:
    """Return a time in the past as records hold it."""
    return (datetime.now(UTC) - timedelta(**time)).strftime("%Y-%m-%dT%H:%M:%SZ")


def gone() -> int:
    """Return the number of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def test_a_process_is_named_with_its_machine() -> None:
    assert this_process() == f"process {os.getpid()} on {HERE}"


def test_this_very_process_never_waits_for_itself() -> None:
    assert not may_be_minting(this_process(), ago(seconds=1))


def test_a_living_process_on_this_machine_is_at_work() -> None:
    assert may_be_minting(f"process {os.getppid()} on {HERE}", ago(seconds=1))


@pytest.mark.parametrize(
    "since",
    [ago(minutes=16), ago(days=-365), "2020-01-01T00:00:00Z", None],
    ids=["late", "ahead", "old", "none"],
)
def test_the_number_of_a_process_may_have_been_given_to_another(since: Any) -> None:
    assert not may_be_minting(f"process {os.getppid()} on {HERE}", since)


def test_a_number_that_no_process_can_have_is_not_waited_for() -> None:
    assert not may_be_minting(f"process {10**20} on {HERE}", ago(seconds=1))


def test_a_process_of_another_user_is_at_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owner.os, "kill", raising(PermissionError()))
    assert may_be_minting(f"process 1 on {HERE}", ago(seconds=1))


@pytest.mark.parametrize("since", [ago(seconds=1), ago(days=1), None], ids=["now", "old", "none"])
def test_a_process_that_died_on_this_machine_is_not_waited_for(since: Any) -> None:
    assert not may_be_minting(f"process {gone()} on {HERE}", since)


@pytest.mark.parametrize(
    "owner",
    ["process 1 on elsewhere", "process x on " + HERE, "another run", "", "process 1", HERE],
)
@pytest.mark.parametrize(
    ("since", "is_minting"),
    [
        (1, True),
        (14 * 60, True),
        (16 * 60, False),
        (24 * 3600, False),
        (-14 * 60, True),
        (-16 * 60, False),
        (-365 * 24 * 3600, False),
        (None, False),
        ("", False),
        ("just now", False),
    ],
)
def test_any_other_owner_is_waited_for_a_quarter_of_an_hour(owner: str, since: Any, is_minting: bool) -> None:
    began = ago(seconds=since) if isinstance(since, int) else since
    assert may_be_minting(owner, began) is is_minting


def test_a_time_of_another_form_is_no_time() -> None:
    assert not may_be_minting("another run", 7)
