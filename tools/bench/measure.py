# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cost of one command: CPU, wall time and memory of all its processes, including daemons."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
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
# Reading the memory of 70 processes takes CPU time from the command.
PAUSE_PER_SAMPLE = 10
DAEMON_SECONDS = 20


@dataclass(frozen=True)
class Cost:
    """CPU and wall time in seconds, and peak memory (PSS, which counts a shared page once) in MB."""

    cpu: float
    wall: float
    memory: float


class UnexpectedExit(Exception):
    """A command ended with an unexpected exit code. The message names the code and the log."""


def cost(command: Sequence[str], environment: Mapping[str, str], log: Path, expected: int = 0) -> Cost:
    """Run a command to its end, as the only child of a new process.

    Raises UnexpectedExit if its exit code is not the expected one.
    """
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_cost, command, environment, log, expected).result()


def _cost(command: Sequence[str], environment: Mapping[str, str], log: Path, expected: int) -> Cost:
    # The daemon of a connection leaves its parents. As a child of this process its CPU is counted too.
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
        raise UnexpectedExit(f"the command exited with code {status}; read {log}")
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Cost(used.ru_utime + used.ru_stime, wall, memory)


def end_on_signals() -> None:
    """Let SIGTERM and SIGHUP end this program as Ctrl-C does, so that it stops its lab."""

    def end(number: int, _frame: object) -> None:
        sys.exit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)


class Watch:
    """Samples the memory of all processes below this one until `end`."""

    def __init__(self) -> None:
        self._most = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()

    def end(self) -> float:
        """Stop. Return the peak in MB."""
        self._ended.set()
        self._thread.join()
        return self._most / 1024

    def _sample(self) -> None:
        while not self._ended.is_set():
            started = time.monotonic()
            self._most = max(self._most, sum(_kilobytes(number) for number in _descendants()))
            self._ended.wait(max(SHORTEST_PAUSE, PAUSE_PER_SAMPLE * (time.monotonic() - started)))


def _descendants() -> Iterator[int]:
    children = defaultdict(list)
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            # The name before it may contain spaces and parentheses.
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            children[int(parent)].append(int(folder.name))
    waiting = [os.getpid()]
    while waiting:
        found = children[waiting.pop()]
        waiting += found
        yield from found


def _kilobytes(number: int) -> int:
    """Return the proportional set size of a process, 0 after its end."""
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
