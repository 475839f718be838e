# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The results of the measured runs."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from statistics import median

from .plan import Case


@dataclass(frozen=True)
class Run:
    """One run: CPU in ms for each object, wall time in s, memory in MB, and the counters of one FortiGate."""

    cpu: float
    wall: float
    memory: float
    requests: float
    connections: float
    writes: float


class Results:
    """All runs, by case and contestant. A quantity is a field of a run."""

    def __init__(self) -> None:
        self._runs: dict[tuple[Case, str], list[Run]] = defaultdict(list)

    def add(self, case: Case, contestant: str, run: Run) -> None:
        self._runs[case, contestant].append(run)

    def values(self, case: Case, contestant: str, quantity: str) -> list[float]:
        """Return one quantity of each run, sorted, empty without a run."""
        return sorted(getattr(run, quantity) for run in self._runs.get((case, contestant), []))

    def typical(self, case: Case, contestant: str, quantity: str) -> float:
        """Return the median of one quantity."""
        return median(self.values(case, contestant, quantity))
