# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The goals, and what one run measured for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .plan import BLOCKED, LATENCY, SIZES

Run = Mapping[str, Any]


@dataclass(frozen=True)
class Target:
    """A goal, as a minimum or a maximum, and how to take its value from a run."""

    text: str
    value: Callable[[Run], float]
    least: float | None = None
    most: float | None = None
    unit: str = "times"

    def worst(self, values: Sequence[float]) -> float:
        return max(values) if self.least is None else min(values)

    def met(self, values: Sequence[float]) -> bool:
        """Return whether the worst value meets the goal."""
        worst = self.worst(values)
        return (self.least is None or worst >= self.least) and (self.most is None or worst <= self.most)

    @property
    def goal(self) -> str:
        bound = f"at most {self.most:g}" if self.least is None else f"at least {self.least:g}"
        return f"{bound} {self.unit}".strip()


def of(case: str, contestant: str, quantity: str = "cpu") -> Callable[[Run], float]:
    return lambda run: run["figures"][case][contestant][quantity]


def ratio(more: Callable[[Run], float], less: Callable[[Run], float]) -> Callable[[Run], float]:
    return lambda run: more(run) / less(run)


_, SOME, MOST = (f"{size:,}" for size in SIZES)
ROLE, KEYS, TASKS = (of("some", key) for key in ("role", "keys", "tasks"))
BENCH = (
    Target("CPU against an empty task, role", ratio(ROLE, of("some", "floor")), most=1.7),
    Target(
        "CPU against an empty task, one task for each object", ratio(TASKS, of("some", "floor")), most=2.2
    ),
    Target("CPU against `requests` in threads, role", ratio(ROLE, of("some", "bare")), most=12),
    Target(f"CPU with API keys against without, {SOME} FortiGates", ratio(KEYS, ROLE), most=1.5),
    Target(
        f"CPU with API keys against without, {MOST} FortiGates",
        ratio(of("most", "keys"), of("most", "role")),
        most=1.5,
    ),
    Target(f"CPU at {MOST} FortiGates against {SOME}, role", ratio(of("most", "role"), ROLE), most=1.15),
    Target(
        f"CPU at {MOST} FortiGates against {SOME}, with API keys", ratio(of("most", "keys"), KEYS), most=1.15
    ),
    Target(f"memory at {MOST} FortiGates, with API keys", of("most", "keys", "memory"), most=300, unit="MB"),
    Target("CPU of `fortinet.fortios` against the role", ratio(of("some", "fortinet"), ROLE), least=30),
    Target("CPU of `uri` against the role", ratio(of("some", "uri"), ROLE), least=12),
    Target(
        "memory of `fortinet.fortios` against the role",
        ratio(of("some", "fortinet", "memory"), of("some", "role", "memory")),
        least=15,
    ),
    Target(
        f"wall time of `fortinet.fortios` against the role, with {LATENCY} ms latency",
        ratio(of("slowed", "fortinet", "wall"), of("slowed", "role", "wall")),
        least=10,
    ),
    Target("TLS handshakes with each FortiGate, role", of("some", "role", "connections"), most=1, unit=""),
    Target(
        "requests to each FortiGate, one for each table, role",
        of("some", "role", "requests"),
        most=2,
        unit="",
    ),
    Target(
        f"requests to each FortiGate, one for each table, block list of {BLOCKED} entries",
        of("block", "block", "requests"),
        most=4,
        unit="",
    ),
    Target("deciding on 10,000 alerts and 5,000 devices", of("decide", "decide"), most=2, unit="CPU s"),
)


def step(name: str, quantity: str = "cpu") -> Callable[[Run], float]:
    return lambda run: run["figures"][name][quantity]


def per_appliance(name: str, size: int) -> Callable[[Run], float]:
    return lambda run: run["figures"][name]["cpu"] / run["sizes"][size]


IN_SYNC = {"site": "`site`", "check": "`site --check`", "drift": "`drift`"}
CHAIN = (
    *(
        Target(f"CPU against an empty task, {title}", ratio(step(name), step("floor")), most=2.5)
        for name, title in IN_SYNC.items()
    ),
    *(
        Target(f"memory, {title}", step(name, "memory"), most=300, unit="MB")
        for name, title in IN_SYNC.items()
    ),
    Target(
        "CPU for each appliance of the whole fleet against a small one, `site`",
        ratio(per_appliance("site", 1), per_appliance("few", 0)),
        most=1.1,
    ),
)
