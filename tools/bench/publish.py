# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes the measured parts of the documentation from all stored runs.

`make bench` and `make bench-chain` do it. After a change of the files in tools/bench/runs, run
`tools/run python -m tools.bench.publish`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from statistics import median
from textwrap import fill
from typing import Any

from ..lab import ROOT
from .contestants import BY_KEY, CONTESTANTS
from .plan import LATENCY, SIZES, Case, cases
from .plot import Chart, number, plot
from .runs import RUNS, stored
from .targets import BENCH, CHAIN, IN_SYNC, Target

Runs = list[dict[str, Any]]
NOT_MEASURED = "No run is stored yet."
QUANTITIES = ("cpu", "wall", "memory")
COUNTED = ("requests", "connections", "writes")
UNITS = ("wall s", "memory MB", "requests", "TLS handshakes", "writes")
STEPS = {
    "predict": "predict (`site --check`)",
    "rollout": "roll out while a site fails",
    "retry": "the site again (`--limit @retry`)",
    "floor": "an empty task for each appliance",
    **{name: f"{title}, in sync" for name, title in IN_SYNC.items()},
    "verify": "`verify`",
    "few": "`site`, in sync, on the small fleet",
}
README_KEYS = ("role", "uri", "fortinet", "floor")


def main() -> None:
    publish(RUNS, ROOT)


def publish(runs: Path, place: Path) -> None:
    """Write the pages and pictures below a folder, with the runs of another."""
    for name, text in pages(stored("bench", runs), stored("chain", runs)).items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text)
    print(f"==> written: {place.relative_to(ROOT) / 'docs/performance.md'}", flush=True)


def pages(bench: Runs, chain: Runs) -> dict[str, str]:
    """Return the pages and pictures by their paths, with the runs of both benchmarks."""
    parts = {
        "README.md": [("speed", _speed(bench))],
        "docs/performance.md": [
            ("bench", _summary(bench, BENCH, "![CPU of each contestant](images/performance.svg)")),
            ("chain", _summary(chain, CHAIN, "![CPU of the whole chain](images/chain.svg)")),
        ],
        "docs/performance_details.md": [("bench", _bench_tables(bench)), ("chain", _chain_table(chain))],
    }
    found = {}
    for name, measured in parts.items():
        text = (ROOT / name).read_text()
        for part, content in measured:
            text = inserted(text, part, content)
        found[name] = text
    if bench:
        found["docs/images/performance.svg"] = plot(_bench_charts(bench), "Cost of each contestant")
    if chain:
        found["docs/images/chain.svg"] = plot(_chain_charts(chain), "Cost of the whole chain")
    return found


def inserted(document: str, part: str, content: str) -> str:
    """Return a document with a measured part replaced."""
    begin, end = (f"<!-- measured, {part}: {edge} -->" for edge in ("begin", "end"))
    before, rest = document.split(begin)
    return f"{before}{begin}\n\n{content}\n\n{end}{rest.split(end)[1]}"


def print_targets(targets: Iterable[Target], run: Mapping[str, Any]) -> None:
    """Print the goals of one run and whether they are met."""
    for target in targets:
        value = target.value(run)
        met = "met" if target.met([value]) else "MISSED"
        print(f"{met:8}{target.text}: {number(value)}, goal {target.goal}", flush=True)


def spread(values: list[float]) -> str:
    """Return the median, with minimum and maximum if they differ."""
    typical, least, most = map(number, (median(values), min(values), max(values)))
    return typical if least == most else f"{typical} ({least}-{most})"


def table(headings: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table in Markdown. The first column has texts, the others numbers."""
    lines = [list(headings)]
    lines += [["---"] + ["---:"] * (len(lines[0]) - 1), *map(list, rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _summary(runs: Runs, targets: Iterable[Target], picture: str) -> str:
    if not runs:
        return NOT_MEASURED
    rows = []
    for target in targets:
        values = [target.value(run) for run in runs]
        met = "met" if target.met(values) else "**missed**"
        rows.append([target.text, target.goal, spread(values), met])
    return "\n\n".join([table(("target", "goal", "measured", "in the worst run"), rows), picture])


def _machines(runs: Runs) -> str:
    return "\n".join(
        f"- {run['date']}, commit {run['commit']}, {run['minutes']:g} minutes, "
        f"load before the run {run['load']:g}: {run['machine']}"
        for run in runs
    )


def _bench_tables(runs: Runs) -> str:
    if not runs:
        return NOT_MEASURED
    parts = [_machines(runs)]
    for case in _plan(runs):
        rows = (
            _row(each.name, [run["figures"][case.key][each.key] for run in runs])
            for each in CONTESTANTS
            if each.key in case.rounds
        )
        parts += [f"### {case.title}", table(("", "CPU ms", *UNITS), rows)]
    return "\n\n".join(parts)


def _chain_table(runs: Runs) -> str:
    if not runs:
        return NOT_MEASURED
    few, whole = runs[-1]["sizes"]
    fleet = f"{whole:,} appliances, Ansible's default of 5 forks. The small fleet has {few:,} appliances."
    rows = (_row(title, [run["figures"][name] for run in runs]) for name, title in STEPS.items())
    return "\n\n".join([_machines(runs), fleet, table(("run", "CPU s", *UNITS), rows)])


def _row(title: str, measured: list[Mapping[str, float]]) -> list[str]:
    spreads = [spread([each[quantity] for each in measured]) for quantity in QUANTITIES]
    counted = [f"{median(each[quantity] for each in measured):,g}" for quantity in COUNTED]
    return [title, *spreads, *counted]


def _speed(runs: Runs) -> str:
    """Return the sentence of the README."""
    if not runs:
        return NOT_MEASURED
    costs = [f"{BY_KEY[key].name} {number(_typical(runs, 'some', key))} ms" for key in README_KEYS]
    return fill(f"CPU for each object, {SIZES[1]} mock FortiGates in sync: {', '.join(costs)}.", width=120)


def _bench_charts(runs: Runs) -> Iterator[Chart]:
    plan = {case.key: case for case in _plan(runs)}
    own = frozenset(each.name for each in CONTESTANTS if each.own)
    for title, key, quantity in (
        ("CPU, ms for each object", "some", "cpu"),
        ("memory of all processes, MB", "some", "memory"),
        (f"wall time with {LATENCY} ms latency, s", "slowed", "wall"),
    ):
        case = plan[key]
        bars = {
            each.name: _typical(runs, key, each.key, quantity)
            for each in CONTESTANTS
            if each.key in case.rounds
        }
        yield Chart(f"{title}, {case.size} FortiGates in sync", bars, own)


def _chain_charts(runs: Runs) -> Iterator[Chart]:
    names = ("floor", *IN_SYNC)
    titles = {"floor": "an empty task", **IN_SYNC}
    own = frozenset(IN_SYNC.values())
    for title, quantity in (("CPU, s", "cpu"), ("wall time, s", "wall"), ("memory, MB", "memory")):
        bars = {titles[name]: median(run["figures"][name][quantity] for run in runs) for name in names}
        yield Chart(f"{title}, {runs[-1]['sizes'][1]:,} appliances in sync", bars, own)


def _typical(runs: Runs, case: str, contestant: str, quantity: str = "cpu") -> float:
    return median(run["figures"][case][contestant][quantity] for run in runs)


def _plan(runs: Runs) -> list[Case]:
    return cases(*runs[-1]["sizes"])


if __name__ == "__main__":
    main()
