# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The measured parts of docs/performance.md."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median

from .contestants import CONTESTANTS, FORKS
from .plan import Case
from .results import Results
from .targets import Target

HEADINGS = ("", "runs", "CPU ms", "wall s", "memory MB", "requests", "TLS handshakes", "writes")
COUNTED = ("requests", "connections", "writes")


def report(results: Results, plan: list[Case], aims: list[Target], surroundings: list[str]) -> str:
    """Return the measured part as Markdown."""
    parts = [
        "\n".join(surroundings),
        "![CPU, memory and wall time of each contestant](images/performance.svg)",
        "## Targets",
        table(("target", "goal", "measured", ""), (_aim(each) for each in aims)),
        "## Measurements",
        f"{FORKS} forks or threads. Medians (minimum-maximum). CPU per object; requests, "
        "TLS handshakes and writes per FortiGate.",
    ]
    for case in plan:
        parts += [f"### {case.title}", table(HEADINGS, _rows(results, case))]
    return "\n\n".join(parts)


def inserted(document: str, measured: str, command: str) -> str:
    """Return a document with the measured part of this command replaced."""
    begin, end = (f"<!-- measured by {command}: {edge} -->" for edge in ("begin", "end"))
    before, rest = document.split(begin)
    return f"{before}{begin}\n\n{measured}\n\n{end}{rest.split(end)[1]}"


def _rows(results: Results, case: Case) -> Iterable[list[str]]:
    for each in CONTESTANTS:
        if not case.rounds(each):
            continue
        spreads = [spread(results.values(case, each.key, quantity)) for quantity in ("cpu", "wall", "memory")]
        counted = [f"{results.typical(case, each.key, quantity):g}" for quantity in COUNTED]
        yield [each.name, str(case.rounds(each)), *spreads, *counted]


def spread(values: list[float]) -> str:
    """Return the median of sorted values, with minimum and maximum if there are several."""
    typical = number(median(values))
    return typical if len(values) == 1 else f"{typical} ({number(values[0])}-{number(values[-1])})"


def number(value: float) -> str:
    """Return a number with three digits, or without decimals from 100 on."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _aim(target: Target) -> list[str]:
    bound = f"at least {target.least:g}" if target.least is not None else f"at most {target.most:g}"
    shown = number(target.measured) if target.unit else f"{target.measured:g}"
    met = "met" if target.met else "**missed**"
    return [target.text, f"{bound} {target.unit}".strip(), f"{shown} {target.unit}".strip(), met]


def table(headings: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table in Markdown. The first column has texts, the others numbers."""
    lines = [list(headings)]
    lines += [["---"] + ["---:"] * (len(lines[0]) - 1), *map(list, rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
