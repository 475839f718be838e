# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The owner of a minting: a process that is dead is recognised at once, one that may live is waited for."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.moment import as_text, read_moment
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._secrets import owner
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._secrets.owner import (
    Owner,
    assumed_until,
    may_be_minting,
    name_of,
    this_process,
)
from ansible_collections.otsec.defender_iot.tests.support.patience import wait_for
from ansible_collections.otsec.defender_iot.tests.unit.fakes import raising

HERE = socket.gethostname()
KERNEL_THREAD = 0x200000
"""The flag PF_KTHREAD, in the field 9 of a process's stat file."""

IDLE = [sys.executable, "-c", "input()"]


def ago(**time: float) -> str:
    """Return a time in the past as records hold it."""
    return (datetime.now(UTC) - timedelta(**time)).strftime("%Y-%m-%dT%H:%M:%SZ")


def stat_of(pid: int) -> list[str]:
    """Return the fields of a process's stat file, from the third one on."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def owner_of(pid: int, **changes: Any) -> Owner:
    """Return another process of this namespace as an owner."""
    return {**this_process(), "pid": pid, "start_time": int(stat_of(pid)[19]), **changes}


@pytest.fixture
def other() -> Iterator[int]:
    """A process that lives as long as the test."""
    with subprocess.Popen(IDLE, stdin=subprocess.PIPE) as process:
        yield process.pid
        process.communicate()


@pytest.fixture
def proc(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty folder in the place of /proc, as on a system without it."""
    monkeypatch.setattr(owner, "PROC", tmp_path)
    return tmp_path


def test_a_process_is_known_by_host_boot_namespace_pid_and_start_time() -> None:
    assert this_process() == {
        "host": HERE,
        "boot": Path("/proc/sys/kernel/random/boot_id").read_text().strip(),
        "pid_namespace": str(Path("/proc/self/ns/pid").readlink()),
        "pid": os.getpid(),
        "start_time": int(stat_of(os.getpid())[19]),
    }


@pytest.mark.usefixtures("proc")
def test_without_proc_a_process_is_known_by_host_and_pid() -> None:
    assert this_process() == {"host": HERE, "pid": os.getpid()}


@pytest.mark.parametrize(
    ("known", "name"),
    [
        ({"pid": 7, "host": "elsewhere"}, "process 7 on elsewhere"),
        ({}, "another run"),
        ("process 7", "another run"),
        (None, "another run"),
    ],
)
def test_an_owner_is_named_by_pid_and_host(known: Any, name: str) -> None:
    assert name_of(known) == name


def test_this_process_never_waits_for_itself() -> None:
    assert not may_be_minting(this_process(), ago(seconds=1))


@pytest.mark.parametrize(
    "since",
    [ago(seconds=1), ago(hours=5), ago(days=-365), None],
    ids=["a second", "five hours", "a year ahead", "unknown"],
)
def test_a_living_process_is_minting_as_long_as_it_lives(other: int, since: Any) -> None:
    assert may_be_minting(owner_of(other), since)
    assert assumed_until(owner_of(other), since) is None


def test_a_process_with_parentheses_and_spaces_in_its_name_is_recognised(tmp_path: Path) -> None:
    program = tmp_path / "a) R 1 (b"
    program.symlink_to(sys.executable)
    with subprocess.Popen([str(program), "-c", "input()"], stdin=subprocess.PIPE) as process:
        wait_for(lambda: "a) R 1" in Path(f"/proc/{process.pid}/stat").read_text())
        assert may_be_minting(owner_of(process.pid), ago(hours=5))
        process.communicate()


def test_a_process_that_ended_is_dead_at_once() -> None:
    with subprocess.Popen(IDLE, stdin=subprocess.PIPE) as process:
        known = owner_of(process.pid)
        process.communicate()
    assert not may_be_minting(known, ago(seconds=1))


def test_a_zombie_is_dead_at_once() -> None:
    with subprocess.Popen(IDLE, stdin=subprocess.PIPE) as process:
        known = owner_of(process.pid)
        assert process.stdin is not None
        process.stdin.close()
        wait_for(lambda: stat_of(process.pid)[0] == "Z")
        assert not may_be_minting(known, ago(seconds=1))


def test_a_process_with_a_reused_pid_is_another_one(other: int) -> None:
    started = int(stat_of(other)[19])
    assert not may_be_minting(owner_of(other, start_time=started - 1), ago(seconds=1))


def test_a_kernel_thread_with_a_reused_pid_is_another_process() -> None:
    # PID 2 is kthreadd, the parent of all kernel threads, in the initial PID namespace only.
    if not Path("/proc/2/stat").exists() or not int(stat_of(2)[6]) & KERNEL_THREAD:
        pytest.skip("PID 2 is no kernel thread, as in every PID namespace but the initial one")
    assert not may_be_minting({**this_process(), "pid": 2}, ago(seconds=1))


def test_a_pid_that_no_process_can_have_is_dead_at_once() -> None:
    assert not may_be_minting({**this_process(), "pid": 10**20}, ago(seconds=1))


def test_a_process_of_another_user_may_live(monkeypatch: pytest.MonkeyPatch, other: int) -> None:
    known = owner_of(other)
    monkeypatch.setattr(owner.os, "kill", raising(PermissionError()))
    assert may_be_minting(known, ago(hours=5))


WAITED_FOR = [
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
]


@pytest.mark.parametrize(
    "unknown",
    [
        {"boot": "another"},
        {"pid_namespace": "pid:[1]"},
        {"host": "elsewhere"},
        {"pid": "7"},
        {"pid": None},
        {"pid": 0},
        {"pid": -1},
    ],
    ids=str,
)
@pytest.mark.parametrize(("since", "is_minting"), WAITED_FOR)
def test_an_owner_that_cannot_be_identified_is_waited_for_a_quarter_of_an_hour(
    unknown: dict[str, Any], since: Any, is_minting: bool
) -> None:
    began = ago(seconds=since) if isinstance(since, int) else since
    assert may_be_minting({**this_process(), **unknown}, began) is is_minting
    quarter = timedelta(minutes=15)
    until = as_text(read_moment(began) + quarter) if isinstance(since, int) else None
    assert assumed_until({**this_process(), **unknown}, began) == until


@pytest.mark.parametrize("known", ["process 1 on elsewhere", "another run", "", None, {}, 7, []])
@pytest.mark.parametrize(("since", "is_minting"), WAITED_FOR)
def test_an_owner_in_another_form_is_waited_for_too(known: Any, since: Any, is_minting: bool) -> None:
    began = ago(seconds=since) if isinstance(since, int) else since
    assert may_be_minting(known, began) is is_minting


def test_an_owner_without_a_start_time_may_live(other: int) -> None:
    known = owner_of(other)
    del known["start_time"]
    assert may_be_minting(known, ago(seconds=1))
    assert not may_be_minting(known, ago(hours=5))


@pytest.mark.usefixtures("proc")
def test_without_proc_a_dead_process_is_recognised_and_a_living_pid_waited_for(other: int) -> None:
    with subprocess.Popen(IDLE, stdin=subprocess.PIPE) as process:
        process.communicate()
    assert not may_be_minting({"host": HERE, "pid": process.pid}, ago(seconds=1))
    assert may_be_minting({"host": HERE, "pid": other}, ago(seconds=1))
    assert not may_be_minting({"host": HERE, "pid": other}, ago(hours=5))


def test_the_proc_of_another_namespace_proves_nothing(proc: Path, other: int) -> None:
    for pid in ("self", str(other)):
        (proc / pid).mkdir()
        (proc / pid / "stat").write_text(f"1 (x) {' '.join(['R', *['0'] * 18, '4711', '0'])}")
    here = this_process()
    assert here["start_time"] == 4711
    known = {**here, "pid": other, "start_time": 1}
    assert may_be_minting(known, ago(seconds=1))
    assert not may_be_minting(known, ago(hours=5))


@pytest.mark.parametrize("content", ["", "7 (x", "7 (x) R 1 2"])
def test_a_stat_file_in_another_form_proves_nothing(proc: Path, other: int, content: str) -> None:
    (proc / str(other)).mkdir()
    (proc / str(other) / "stat").write_text(content)
    (proc / "self").symlink_to(str(os.getpid()))
    known = {**this_process(), "pid": other, "start_time": 1}
    assert may_be_minting(known, ago(seconds=1))
    assert not may_be_minting(known, ago(hours=5))


def test_a_time_of_another_form_is_no_time() -> None:
    assert not may_be_minting("another run", 7)
