# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measures this collection against its alternatives: `make bench`.

A run is stored in tools/bench/runs, and the published pages are written from all stored runs.
`tools/run python -m tools.bench 1 2 3` is a trial with these numbers of FortiGates. It writes to
.cache/bench.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import defaultdict
from dataclasses import asdict, dataclass
from statistics import median

from ..lab import ROOT
from .blocks import decision_seconds
from .contestants import BY_KEY, Contestant
from .fleet import Fleet
from .measure import UnexpectedExit, cost, end_on_signals
from .objects import OBJECTS
from .plan import SIZES, Case, cases
from .publish import print_targets, publish
from .runs import RUNS, Record
from .targets import BENCH

FOLDER = ROOT / ".cache/bench"


@dataclass(frozen=True)
class Run:
    """One run: CPU in ms for each object, wall time in s, memory in MB, and the counters of one FortiGate."""

    cpu: float
    wall: float
    memory: float
    requests: float
    connections: float
    writes: float


def main() -> None:
    """Measure all cases, store the figures, and write the pages."""
    end_on_signals()
    sizes = tuple(map(int, sys.argv[1:])) or SIZES
    record = Record("bench", list(sizes))
    fleet = Fleet(FOLDER, max(sizes))
    print(f"==> a lab of {max(sizes):,} FortiGates", flush=True)
    try:
        fleet.start()
        figures = measured(fleet, cases(*sizes))
    finally:
        fleet.stop()
        fleet.forget_keys()
    figures["decide"] = {"decide": {"cpu": decision_seconds()}}
    place = ROOT if sizes == SIZES else FOLDER
    stored = record.store(figures, RUNS if place == ROOT else FOLDER / "runs")
    print_targets(BENCH, json.loads(stored.read_text()))
    publish(stored.parent, place)


def measured(fleet: Fleet, plan: list[Case]) -> dict[str, dict[str, dict[str, float]]]:
    """Run all cases in order. Return the medians of each contestant's runs."""
    figures = {}
    most = max(plan, key=lambda case: case.size)
    print(f"==> not measured: each contestant once, and the API keys of {most.size:,} FortiGates", flush=True)
    fleet.prepare(most)
    one_run(fleet, most, BY_KEY["keys"])
    for contestant in {each.key: each for each in plan[0].runs()}.values():
        one_run(fleet, plan[0], contestant)
    for case in plan:
        print(f"==> {case.title}", flush=True)
        runs = defaultdict(list)
        for number, contestant in enumerate(case.runs()):
            # Every run keeps a fleet in sync.
            if case.state in ("to create", "drifted") or (case.key == "block" and number == 0):
                fleet.prepare(case)
            run = one_run(fleet, case, contestant)
            runs[contestant.key].append(asdict(run))
            print(
                f"    {contestant.key:10}{run.cpu:9.1f} ms{run.wall:8.1f} s{run.memory:8.0f} MB", flush=True
            )
        figures[case.key] = {key: _medians(each) for key, each in runs.items()}
    return figures


def one_run(fleet: Fleet, case: Case, contestant: Contestant) -> Run:
    """Declare the objects with one contestant and check them."""
    fleet.count(case.latency)
    log = FOLDER / f"{contestant.key}.log"
    command = contestant.command(fleet.inventory(case))
    # A separate folder, so that no run reuses the sockets of the daemons of an earlier run.
    with tempfile.TemporaryDirectory(prefix="fgt") as sockets:
        try:
            spent = cost(command, contestant.environment(sockets), log)
        except UnexpectedExit as error:
            sys.exit(f"{case.title}: {contestant.name}: {error}")
    counted = fleet.counted(case.size)
    if not contestant.idle:
        fleet.check(case)
    return Run(spent.cpu / (case.size * len(OBJECTS)) * 1000, spent.wall, spent.memory, **counted)


def _medians(runs: list[dict[str, float]]) -> dict[str, float]:
    return {quantity: median(run[quantity] for run in runs) for quantity in runs[0]} | {"runs": len(runs)}


if __name__ == "__main__":
    main()
