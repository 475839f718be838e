# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs that fail at a chosen step of a chosen host: killed, stopped, or with a failing store."""

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
    """A fault at one of some steps.

    A step is ``write N`` or ``delete N``, the task's Nth such call of the store, or a method and the
    beginning of a path. The phase is ``before``, ``half`` (a write has created its temporary file) or
    ``after``. The act: the process waits (``stop``), kills itself (``die``), finds the disk full (``full``)
    or mounted read-only (``read_only``), may not write (``denied``), gets no answer (``lose``), or the store
    reports success and keeps its content (``forget``).
    """

    steps: tuple[str, ...]
    phase: str
    act: str


class Sabotage:
    """The rules of one run, and the processes that they have stopped."""

    def __init__(self, folder: Path, rules: Mapping[str, Rule]) -> None:
        """`rules` has the rule of each host."""
        folder.mkdir()
        self.marks = folder / "stopped"
        self.marks.mkdir()
        self.rules = rules
        self.file = folder / "rules.json"
        self.file.write_text(json.dumps({host: asdict(rule) for host, rule in rules.items()}))

    @property
    def environment(self) -> dict[str, str]:
        """The environment in which the callback plugin saboteur applies the rules."""
        return {
            "SABOTAGE_FILE": str(self.file),
            "SABOTAGE_FOLDER": str(self.marks),
        }

    def wait_until_stopped(self, *hosts: str) -> None:
        """Wait until all hosts, or these, have stopped at their step."""
        marks = [self.marks / host for host in hosts or self.rules]
        wait_for(lambda: all(mark.exists() for mark in marks))

    def let_go(self, *hosts: str) -> None:
        """Continue stopped hosts."""
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
        """Kill the run with all its workers, like a power failure."""
        runs = {run for _worker, run in self._stopped()}
        doomed = [*runs, *(worker for run in runs for worker in _children(run))]
        for process in doomed:
            os.kill(process, signal.SIGKILL)
        wait_for(lambda: not any(_is_alive(process) for process in doomed))


class Background:
    """A run in the background."""

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
    """Return the child processes of a process."""
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
