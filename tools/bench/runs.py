# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stored runs: one JSON file for each run of a benchmark, with its date, commit, machine and figures."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .machine import commit, machine

RUNS = Path(__file__).parent / "runs"
Figures = Mapping[str, Mapping[str, float]]
"""What was measured in one part of a run: by contestant or step, and then by quantity.

CPU in ms for each object or in s for each step, wall time in s, memory in MB.
"""


class Record:
    """A run of a benchmark that is being measured."""

    def __init__(self, benchmark: str, sizes: list[int]) -> None:
        self.benchmark, self.sizes = benchmark, sizes
        self.load = os.getloadavg()[0]
        self.commit = commit()
        self.started = time.time()

    def store(self, figures: Mapping[str, Any], folder: Path) -> Path:
        """Write the run to its file."""
        begun = time.gmtime(self.started)
        content = {
            "benchmark": self.benchmark,
            "date": time.strftime("%Y-%m-%d", begun),
            "minutes": round((time.time() - self.started) / 60, 1),
            "load": round(self.load, 2),
            "commit": self.commit,
            "machine": machine(),
            "sizes": self.sizes,
            "figures": _rounded(figures),
        }
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.benchmark}-{time.strftime('%Y%m%dT%H%M%SZ', begun)}.json"
        path.write_text(json.dumps(content, indent=1) + "\n")
        return path


def stored(benchmark: str, folder: Path = RUNS) -> list[dict[str, Any]]:
    """Return all runs of a benchmark, oldest first."""
    return [json.loads(path.read_text()) for path in sorted(folder.glob(f"{benchmark}-*.json"))]


def _rounded(figures: Any) -> Any:
    if isinstance(figures, Mapping):
        return {key: _rounded(value) for key, value in figures.items()}
    return float(f"{figures:.4g}")
