# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Draws bars as SVG, without a library."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from xml.sax.saxutils import escape

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


@dataclass(frozen=True)
class Chart:
    """Bars by their labels, with a scale of its own that begins at 0. `own` are those of the collection."""

    title: str
    bars: Mapping[str, float]
    own: frozenset[str]


def plot(charts: Iterable[Chart], label: str) -> str:
    """Return the charts below each other as SVG."""
    parts: list[str] = []
    top = 10
    for chart in charts:
        parts.append(f'<text class="title" x="16" y="{top + 18}">{escape(chart.title)}</text>')
        top += 30
        most = max(chart.bars.values())
        for name, value in chart.bars.items():
            parts.append(_bar(name, value, value / most, top, "own" if name in chart.own else "other"))
            top += LINE
        top += 14
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" width="{WIDTH}" height="{top}" '
        f'role="img" aria-label="{escape(label)}">\n<style>{STYLE}</style>\n'
        f'<rect class="page" width="{WIDTH}" height="{top}" rx="6"/>\n{body}\n</svg>\n'
    )


def number(value: float) -> str:
    """Return a number with three digits, or without decimals from 100 on."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _bar(name: str, value: float, share: float, top: int, kind: str) -> str:
    width = max(1.0, share * LONGEST)
    label = escape(name.replace("`", ""))
    return (
        f'<text x="{LEFT - 8}" y="{top + 14}" text-anchor="end">{label}</text>'
        f'<rect class="{kind}" x="{LEFT}" y="{top + 2}" width="{width:.1f}" height="{LINE - 8}"/>'
        f'<text x="{LEFT + width + 6:.1f}" y="{top + 14}">{number(value)}</text>'
    )
