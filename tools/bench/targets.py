# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The goals and their measured values. Every ratio is one of medians of the same run of the benchmark."""

from __future__ import annotations

from dataclasses import dataclass

from .plan import LATENCY, Case
from .results import Results


@dataclass(frozen=True)
class Target:
    """A goal, as a minimum or a maximum, and the measured value."""

    text: str
    measured: float
    least: float | None = None
    most: float | None = None
    unit: str = ""

    @property
    def met(self) -> bool:
        """Whether the measured value meets the goal."""
        return (self.least is None or self.measured >= self.least) and (
            self.most is None or self.measured <= self.most
        )


def targets(results: Results, plan: list[Case]) -> list[Target]:
    sizes = sorted({case.size for case in plan})
    some, most = sizes[1], sizes[-1]
    in_sync = {(case.size, case.latency): case for case in plan if case.state == "in sync"}
    at_some, at_most, slowed = in_sync[some, 0], in_sync[most, 0], in_sync[some, LATENCY]

    def times(quantity: str, dear: str, cheap: str, case: Case = at_some) -> float:
        return results.typical(case, dear, quantity) / results.typical(case, cheap, quantity)

    def growth(contestant: str) -> float:
        return results.typical(at_most, contestant, "cpu") / results.typical(at_some, contestant, "cpu")

    def of_role(quantity: str) -> float:
        return results.typical(at_some, "role", quantity)

    found = []
    for key, how, fortinet, uri in (("tasks", "one task for each object", 30, 10), ("role", "role", 45, 15)):
        found += [
            Target(
                f"CPU below `fortinet.fortios`, {how}", times("cpu", "fortinet", key), fortinet, unit="times"
            ),
            Target(f"CPU below `uri`, {how}", times("cpu", "uri", key), uri, unit="times"),
            Target(
                f"memory below `fortinet.fortios`, {how}", times("memory", "fortinet", key), 15, unit="times"
            ),
            Target(
                f"wall time below `fortinet.fortios` with {LATENCY} ms latency, {how}",
                times("wall", "fortinet", key, slowed),
                10,
                unit="times",
            ),
            Target(f"CPU at {most:,} FortiGates against {some}, {how}", growth(key), most=1.15, unit="times"),
            Target(
                f"memory at {most:,} FortiGates, {how}",
                results.typical(at_most, key, "memory"),
                most=600,
                unit="MB",
            ),
        ]
    return [
        *found,
        Target("CPU against an empty action task", times("cpu", "tasks", "floor"), most=2.2, unit="times"),
        Target("TLS handshakes with each FortiGate, role", of_role("connections"), most=1),
        Target("requests to each FortiGate, which has two tables, role", of_role("requests"), most=2),
    ]
