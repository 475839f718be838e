# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs that go wrong at a chosen step of a chosen host: killed, held up, or with a store that breaks."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from .patience import wait_for
from .workspace import Run


@dataclass(frozen=True)
class Rule:
    """What goes wrong at one of some steps.

    A step is ``write N`` or ``delete N``, the task's Nth such call of the store, or a method and the
    beginning of a path. It goes wrong ``before``, ``half`` (a write has made its temporary file) or
    ``after``. Then the process waits (``stop``), kills itself (``die``), finds the disk full (``full``) or
    mounted for reading alone (``read_only``), is not allowed to write (``denied``), gets no answer
    (``lose``), or the store says yes and keeps what it had (``forget``).
    """

    steps: tuple[str, ...]
    phase: str
    act: str


class Sabotage:
    """The rules of one run, and the processes that have stopped by them."""

    def __init__(self, folder: Path, rules: Mapping[str, Rule]) -> None:
        """Take a new folder, and the rule of each host."""
        folder.mkdir()
        self.marks = folder / "stopped"
        self.marks.mkdir()
        self.rules = rules
        self.file = folder / "rules.json"
        self.file.write_text(json.dumps({host: asdict(rule) for host, rule in rules.items()}))

    @property
    def environment(self) -> dict[str, str]:
        """Return what makes a run obey the rules, with the callback plugin saboteur."""
        return {
            "SABOTAGE_FILE": str(self.file),
            "SABOTAGE_FOLDER": str(self.marks),
        }

    def wait_until_stopped(self, *hosts: str) -> None:
        """Wait until all hosts, or those named, stand at their step."""
        marks = [self.marks / host for host in hosts or self.rules]
        wait_for(lambda: all(mark.exists() for mark in marks))

    def let_go(self, *hosts: str) -> None:
        """Let hosts that have stopped go on."""
        for host in hosts or self.rules:
            (self.marks / host).unlink(missing_ok=True)

    def leave_zombies(self) -> None:
        """Kill the workers that have stopped, and keep their run from reaping them."""
        for worker, run in self._stopped():
            os.kill(run, signal.SIGSTOP)
            os.kill(worker, signal.SIGKILL)
            stat = Path(f"/proc/{worker}/stat")
            wait_for(lambda stat=stat: stat.read_text().rpartition(")")[2].split()[0] == "Z")

    def _stopped(self) -> list[tuple[int, int]]:
        """Return the PID of each worker that has stopped, and of its run."""
        marks = [path.read_text().split() for path in self.marks.iterdir() if not path.suffix]
        return [(int(worker), int(run)) for worker, run in marks]

    def kill(self) -> None:
        """Kill the run with all its workers, as a power failure does."""
        runs = {run for _worker, run in self._stopped()}
        doomed = [*runs, *(worker for run in runs for worker in _children(run))]
        for process in doomed:
            os.kill(process, signal.SIGKILL)
        wait_for(lambda: not any(_is_alive(process) for process in doomed))


class Background:
    """A run that goes on while the test does something else."""

    def __init__(self, run: Callable[[], Run]) -> None:
        """Start it."""
        self._pool = ThreadPoolExecutor(1)
        self._future: Future[Run] = self._pool.submit(run)

    def wait(self) -> Run:
        """Return the finished run."""
        try:
            return self._future.result()
        finally:
            self._pool.shutdown()


def _children(process: int) -> list[int]:
    """Return the processes that one has started."""
    children = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = path.read_text().rpartition(")")[2].split()[1]
        except OSError:
            continue
        if int(parent) == process:
            children.append(int(path.parent.name))
    return children


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
