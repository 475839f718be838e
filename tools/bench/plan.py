# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The measured cases, each with the number of runs of its contestants."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .contestants import CONTESTANTS, Contestant

SIZES = (1, 50, 1000)
LATENCY = 40
BLOCKED = 600


@dataclass(frozen=True)
class Case:
    """A number of FortiGates in one state. Latency in milliseconds.

    `rounds` has the number of runs of each contestant.
    """

    key: str
    state: str
    size: int
    rounds: Mapping[str, int]
    latency: int = 0

    @property
    def title(self) -> str:
        fleet = "1 FortiGate" if self.size == 1 else f"{self.size:,} FortiGates"
        return f"{fleet}, {self.state}" + (f", {self.latency} ms latency" if self.latency else "")

    def runs(self) -> Iterator[Contestant]:
        """Yield the contestants of all runs, in turn, so that all see the same machine."""
        most = max(self.rounds.values())
        for number in range(most):
            for each in CONTESTANTS:
                rounds = self.rounds.get(each.key, 0)
                if number * rounds % most < rounds:
                    yield each


def cases(one: int, some: int, most: int) -> list[Case]:
    """Return all cases for three numbers of FortiGates.

    Those in sync come first, because they share the API keys that are minted before.
    """
    whole = ("floor", "tasks", "role", "keys", "bare")
    writing = dict.fromkeys(("tasks", "role", "bare"), 2)
    foreign = {"uri": 1, "fortinet": 1}
    return [
        Case("one", "in sync", one, {**dict.fromkeys(whole, 2), **foreign}),
        Case("some", "in sync", some, {**dict.fromkeys(whole, 5), **foreign}),
        Case("slowed", "in sync", some, {**writing, "fortinet": 1}, latency=LATENCY),
        Case("most", "in sync", most, dict.fromkeys(("floor", "role", "keys", "bare"), 1)),
        Case("create", "to create", some, writing),
        Case("drifted", "drifted", some, writing),
        Case(
            "block",
            f"block list of {BLOCKED} entries in sync",
            some,
            {"block": 3, "bare_block": 3},
        ),
    ]
