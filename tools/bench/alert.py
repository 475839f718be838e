# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measures the time from an alert to its block with ansible-rulebook: `make bench-alert`."""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.support.lab import running_lab
from tests.support.patience import wait_for
from tests.support.rulebook import APPLIANCES, PCS, Plant, RulebookNode, RunningRulebook
from tests.support.servers import LOOPBACK, free_port
from tests.support.workspace import ROOT

ROUNDS = 5
NEVER = 86400
POLL_SECONDS = 10
PARTS = ("event", "start", "decide", "write", "total")


def main() -> None:
    """Print a table with the medians and the spread of several rounds."""
    print(f"load before the first run: {os.getloadavg()[0]:.2f}")
    print(f"| rulebook | {' | '.join(PARTS)} |\n|---|{'---:|' * len(PARTS)}")
    with TemporaryDirectory() as folder, running_lab(Path(folder), APPLIANCES) as lab:
        plant = Plant(RulebookNode(Path(folder) / "node", ROOT / ".cache" / "tree", lab))
        print(_row("`respond`", _by_polls(plant)))
        print(_row("`respond_doorbell`", _by_syslog(plant)))


def _by_polls(plant: Plant) -> list[list[float]]:
    options = {"sensors": plant.sensors, "poll_seconds": POLL_SECONDS, "tick_seconds": NEVER}
    with plant.node.rulebook("respond", **options) as rulebook:
        rulebook.wait_for_runs(2)
        return [_measure(plant, rulebook, lambda _alert: None, polls=1) for _ in range(ROUNDS)]


def _by_syslog(plant: Plant) -> list[list[float]]:
    port = free_port()

    def ring(alert: int) -> None:
        plant.command("sensor", "forward", port=port, alert=alert)

    options = {"webhook_token": "unused", "webhook_port": free_port(), "tick_seconds": NEVER}
    syslog = {"syslog_host": LOOPBACK, "syslog_port": port}
    with plant.node.rulebook("respond_doorbell", **options, **syslog) as rulebook:
        rulebook.wait_for_runs(1)
        return [_measure(plant, rulebook, ring, polls=0) for _ in range(ROUNDS)]


def _measure(plant: Plant, rulebook: RunningRulebook, ring: Callable[[int], None], polls: int) -> list[float]:
    """Return the seconds of each part for one alert. `polls` are the sensor's calls before the run."""
    address = next(iter(PCS))
    plant.lab.forget_calls()
    runs, raised = len(rulebook.codes), time.time()
    alert = plant.infect(address)
    ring(alert)
    wait_for(lambda: plant.is_blocked(address))
    rulebook.wait_for_runs(runs + 1)
    parts = _parts(plant.lab.calls(), raised, polls)
    plant.command("sensor", "verdict", alert=alert, verdict="close")
    ring(alert)
    wait_for(lambda: not plant.is_blocked(address))
    rulebook.wait_for_runs(runs + 2)
    if any(rulebook.codes):
        sys.exit(f"a run failed:\n{rulebook.text}")
    return parts


def _parts(calls: list[dict[str, Any]], raised: float, polls: int) -> list[float]:
    """Split the time at the poll, at the first request of the run, and at the first and last write."""
    requests = [call["time"] for call in calls]
    writes = [call["time"] for call in calls if call["write"]]
    event = requests[0] if polls else raised
    moments = [raised, event, requests[polls], writes[0], writes[-1]]
    parts = [later - earlier for earlier, later in pairwise(moments)]
    return [*parts, writes[-1] - raised]


def _row(name: str, rounds: list[list[float]]) -> str:
    columns = [sorted(column) for column in zip(*rounds, strict=True)]
    cells = [f"{statistics.median(each):.1f} ({each[0]:.1f}-{each[-1]:.1f})" for each in columns]
    return f"| {name} | {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
