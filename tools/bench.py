# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measures what a task costs, against a task that does nothing: `tools/run python tools/bench.py`.

Both playbooks run in turn, so that whatever else the machine does burdens both alike. CPU is user and system
time of the whole playbook run, workers included, divided by its host-tasks.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median

from lab import ROOT, Lab, environment

FOLDER = ROOT / ".cache/bench"
APPLIANCES, TASKS, FORKS, ROUNDS = 50, 2, 10, 5
PLAYBOOKS = {"empty action task": "floor", "objects in sync": "objects"}


@dataclass(frozen=True)
class Run:
    """One playbook run: CPU and wall time in seconds."""

    cpu: float
    wall: float


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    inventory = FOLDER / "inventory.json"
    hosts = {f"fgt-{number:03}": {"ansible_host": f"192.0.2.{number}"} for number in range(1, APPLIANCES + 1)}
    inventory.write_text(json.dumps({"all": {"children": {"fortigates": {"hosts": hosts}}}}))
    lab = Lab(FOLDER, inventory)
    print(f"==> {APPLIANCES} FortiGates, {TASKS} tasks, {FORKS} forks, {ROUNDS} rounds", flush=True)
    lab.start()
    try:
        play(lab, "objects")
        before = lab.ask("/counters")
        runs = measure(lab)
        after = lab.ask("/counters")
    finally:
        lab.stop()
    report(
        runs, {key: total(after, key) - total(before, key) for key in ("requests", "connections", "writes")}
    )


def measure(lab: Lab) -> dict[str, list[Run]]:
    """Run the playbooks in turn."""
    runs: dict[str, list[Run]] = {name: [] for name in PLAYBOOKS}
    for number in range(1, ROUNDS + 1):
        for name, playbook in PLAYBOOKS.items():
            runs[name].append(play(lab, playbook))
        print(f"    round {number} of {ROUNDS}", flush=True)
    return runs


def play(lab: Lab, playbook: str) -> Run:
    """Run one playbook to its end."""
    command = [
        "ansible-playbook",
        str(Path(__file__).parent / "bench" / f"{playbook}.yml"),
        "--forks",
        str(FORKS),
    ]
    command += ["-i", str(lab.inventory), "-i", str(lab.folder / "lab/inventory.yml")]
    used, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(command, env=environment(), check=False, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Run(now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime, time.monotonic() - started)


def total(counters: dict[str, dict[str, int]], key: str) -> int:
    """Add a counter up over all appliances."""
    return sum(appliance[key] for appliance in counters.values())


def report(runs: dict[str, list[Run]], counted: dict[str, int]) -> None:
    """Print medians and spread, and how the two compare."""
    versions = ", ".join(f"{name} {version(name)}" for name in ("ansible-core", "requests"))
    print(f"\nPython {platform.python_version()}, {versions}, {os.cpu_count()} cores\n")
    print(f"{'':22}{'CPU ms per task':>24}{'wall s':>10}")
    cost = {}
    for name, measured in runs.items():
        each = sorted(run.cpu / (APPLIANCES * TASKS) * 1000 for run in measured)
        cost[name] = median(each)
        spread = f"{cost[name]:.1f} ({each[0]:.1f}-{each[-1]:.1f})"
        print(f"{name:22}{spread:>24}{median(run.wall for run in measured):>10.1f}")
    ratio = cost["objects in sync"] / cost["empty action task"]
    per_task = {key: number / (ROUNDS * APPLIANCES * TASKS) for key, number in counted.items()}
    print(f"\nAn object in sync costs {ratio:.2f} times an empty action task (the goal is at most 3), with")
    print(", ".join(f"{number:g} {key}" for key, number in per_task.items()) + " per task.")


if __name__ == "__main__":
    main()
