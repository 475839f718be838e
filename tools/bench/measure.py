# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one command takes: CPU, wall time and memory of all its processes, daemons included."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import resource
import signal
import subprocess
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
SHORTEST_PAUSE = 0.1
# Looking at the memory of 70 processes takes a while, and what it takes the command does not get.
PAUSE_PER_LOOK = 10
DAEMON_SECONDS = 20


@dataclass(frozen=True)
class Cost:
    """CPU and wall time in seconds, and the most memory in MB: PSS, in which a shared page counts once."""

    cpu: float
    wall: float
    memory: float


class WrongEnd(Exception):
    """A command ended otherwise than it should; the message says how, and where to read why."""


def cost(command: Sequence[str], environment: Mapping[str, str], log: Path, expected: int = 0) -> Cost:
    """Run a command to its end, below a fresh process that has no other children.

    Raises WrongEnd if it leaves with another status than the expected one.
    """
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_cost, command, environment, log, expected).result()


def _cost(command: Sequence[str], environment: Mapping[str, str], log: Path, expected: int) -> Cost:
    # A connection's daemon leaves its parents. It becomes a child of this process, and so its CPU is counted.
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    started = time.monotonic()
    with log.open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=dict(environment))
        watch = Watch()
        status = process.wait()
        wall = time.monotonic() - started
        memory = watch.end()
    _end_daemons()
    if status != expected:
        raise WrongEnd(f"it ended with status {status}, see {log}")
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Cost(used.ru_utime + used.ru_stime, wall, memory)


class Watch:
    """Looks at the memory of all processes below this one, again and again, until it is ended."""

    def __init__(self) -> None:
        self._most = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look_on, daemon=True)
        self._thread.start()

    def end(self) -> float:
        """Return the most that was seen at once, in MB."""
        self._ended.set()
        self._thread.join()
        return self._most / 1024

    def _look_on(self) -> None:
        while not self._ended.is_set():
            started = time.monotonic()
            self._most = max(self._most, sum(_kilobytes(number) for number in _descendants()))
            self._ended.wait(max(SHORTEST_PAUSE, PAUSE_PER_LOOK * (time.monotonic() - started)))


def _descendants() -> Iterator[int]:
    children = defaultdict(list)
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            # The name before it may hold blanks and parentheses.
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            children[int(parent)].append(int(folder.name))
    waiting = [os.getpid()]
    while waiting:
        found = children[waiting.pop()]
        waiting += found
        yield from found


def _kilobytes(number: int) -> int:
    """Return the proportional set size of a process; none once it has ended."""
    with suppress(OSError):
        for line in Path(f"/proc/{number}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0


def _end_daemons() -> None:
    deadline = time.monotonic() + DAEMON_SECONDS
    while True:
        for number in _descendants():
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGTERM if time.monotonic() < deadline else signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG) != (0, 0):
                pass
        except ChildProcessError:
            return
        time.sleep(0.05)
