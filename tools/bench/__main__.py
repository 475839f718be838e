# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measures this collection against its alternatives: `make bench`.

`tools/run python -m tools.bench 1 2 3 4` is a trial with these numbers of FortiGates. It writes its results
to .cache/bench.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time

from ..lab import ROOT
from .contestants import CONTESTANTS, Contestant
from .fleet import Fleet
from .machine import surroundings
from .measure import UnexpectedExit, cost
from .objects import OBJECTS
from .plan import SIZES, Case, cases
from .plot import plot
from .report import inserted, report
from .results import Results, Run
from .targets import targets

FOLDER = ROOT / ".cache/bench"
DOCUMENT = ROOT / "docs/performance.md"


def main() -> None:
    """Measure all cases and write the results."""
    sizes = tuple(map(int, sys.argv[1:])) or SIZES
    plan, load = cases(*sizes), os.getloadavg()[0]
    started = time.monotonic()
    fleet = Fleet(FOLDER, max(sizes))
    print(f"==> a lab of {max(sizes):,} FortiGates", flush=True)
    fleet.start()
    try:
        results = measured(fleet, plan)
    finally:
        fleet.stop()
    text = report(results, plan, targets(results, plan), surroundings(load))
    place = DOCUMENT.parent if sizes == SIZES else FOLDER
    (place / "images").mkdir(exist_ok=True)
    (place / "images/performance.svg").write_text(plot(results, plan))
    (place / "performance.md").write_text(inserted(DOCUMENT.read_text(), text, "make bench"))
    minutes = (time.monotonic() - started) / 60
    print(f"==> {place.relative_to(ROOT)}/performance.md, after {minutes:.1f} minutes", flush=True)


def measured(fleet: Fleet, plan: list[Case]) -> Results:
    """Run all cases in order."""
    results = Results()
    print("==> each contestant once, not measured, to compile its Python files", flush=True)
    for contestant in CONTESTANTS:
        one_run(fleet, plan[0], contestant)
    for case in plan:
        print(f"==> {case.title}", flush=True)
        for number, contestant in enumerate(case.runs()):
            if number == 0 or case.state != "in sync":  # every run keeps that state
                fleet.prepare(case.state, case.size)
            run = one_run(fleet, case, contestant)
            results.add(case, contestant.key, run)
            print(f"    {contestant.key:9}{run.cpu:9.1f} ms{run.wall:8.1f} s{run.memory:8.0f} MB", flush=True)
    return results


def one_run(fleet: Fleet, case: Case, contestant: Contestant) -> Run:
    """Declare the objects with one contestant and check them."""
    fleet.count(case.latency)
    log = FOLDER / f"{contestant.key}.log"
    command = contestant.command(fleet.inventory(case.size))
    # A separate folder, so that no run reuses the sockets of the daemons of an earlier run.
    with tempfile.TemporaryDirectory(prefix="fgt") as sockets:
        try:
            spent = cost(command, contestant.environment(sockets), log)
        except UnexpectedExit as error:
            sys.exit(f"{case.title}: {contestant.name}: {error}")
    counted = fleet.counted(case.size)
    if not contestant.idle:
        fleet.check(case.size)
    return Run(spent.cpu / (case.size * len(OBJECTS)) * 1000, spent.wall, spent.memory, **counted)


if __name__ == "__main__":
    main()
