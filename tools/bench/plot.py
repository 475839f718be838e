# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The diagram of the comparison, for light and dark pages."""

from __future__ import annotations

from xml.sax.saxutils import escape

from .contestants import CONTESTANTS
from .plan import LATENCY, Case
from .report import number
from .results import Results

LABELS = {each.key: each.name.replace("`", "") for each in CONTESTANTS}
WIDTH, LEFT, LONGEST, LINE = 760, 190, 480, 24
STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1f2328; }
  .title { font-weight: 600; }
  .page { fill: #ffffff; } .own { fill: #1a7f37; } .other { fill: #8c959f; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .page { fill: #0d1117; } .own { fill: #3fb950; } .other { fill: #6e7681; }
  }
"""


def plot(results: Results, plan: list[Case]) -> str:
    """Return the diagram as SVG: bars of three quantities, each with its own scale that begins at 0."""
    some = sorted({case.size for case in plan})[1]
    at_once, slowed = (
        next(case for case in plan if (case.state, case.size, case.latency) == ("in sync", some, latency))
        for latency in (0, LATENCY)
    )
    parts: list[str] = []
    top = 10
    for title, case, quantity in (
        (f"CPU, ms for each object, {some} FortiGates in sync", at_once, "cpu"),
        (f"memory of all processes, MB, {some} FortiGates in sync", at_once, "memory"),
        (f"wall time, s, {some} FortiGates in sync, {LATENCY} ms latency", slowed, "wall"),
    ):
        parts.append(f'<text class="title" x="16" y="{top + 18}">{escape(title)}</text>')
        top += 30
        values = {
            each.key: results.typical(case, each.key, quantity) for each in CONTESTANTS if case.rounds(each)
        }
        for key, value in values.items():
            parts.append(_bar(key, value, value / max(values.values()), top))
            top += LINE
        top += 14
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" width="{WIDTH}" height="{top}" '
        f'role="img" aria-label="Cost of each contestant">\n<style>{STYLE}</style>\n'
        f'<rect class="page" width="{WIDTH}" height="{top}" rx="6"/>\n{body}\n</svg>\n'
    )


def _bar(key: str, value: float, share: float, top: int) -> str:
    width = max(1.0, share * LONGEST)
    kind = "own" if key in ("tasks", "access", "role", "checked") else "other"
    return (
        f'<text x="{LEFT - 8}" y="{top + 14}" text-anchor="end">{LABELS[key]}</text>'
        f'<rect class="{kind}" x="{LEFT}" y="{top + 2}" width="{width:.1f}" height="{LINE - 8}"/>'
        f'<text x="{LEFT + width + 6:.1f}" y="{top + 14}">{number(value)}</text>'
    )
