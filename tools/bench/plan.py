# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The measured cases and their numbers of runs: less than 20 minutes in total on two cores."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .contestants import CONTESTANTS, Contestant

SIZES = (1, 50, 500, 1000)
LATENCY = 40


@dataclass(frozen=True)
class Case:
    """A number of FortiGates in one state, and the runs of each contestant. Latency in milliseconds."""

    state: str
    size: int
    fast: int
    slow: int
    latency: int = 0

    @property
    def title(self) -> str:
        fleet = "1 FortiGate" if self.size == 1 else f"{self.size:,} FortiGates"
        return f"{fleet}, {self.state}" + (f", {self.latency} ms latency" if self.latency else "")

    def rounds(self, contestant: Contestant) -> int:
        """Return the number of runs of a contestant."""
        if contestant.brief and (self.latency or self.state != "in sync"):
            return 0
        return self.slow if contestant.slow else self.fast

    def runs(self) -> Iterator[Contestant]:
        """Yield the contestants of all runs, in turn, so that all see the same machine."""
        for number in range(self.fast):
            for each in CONTESTANTS:
                if number * self.rounds(each) % self.fast < self.rounds(each):
                    yield each


def cases(one: int, some: int, many: int, most: int) -> list[Case]:
    """Return all cases for four numbers of FortiGates."""
    return [
        Case("in sync", one, fast=3, slow=2),
        Case("to create", one, fast=2, slow=2),
        Case("drifted", one, fast=2, slow=2),
        Case("in sync", some, fast=10, slow=2),
        Case("in sync", some, fast=3, slow=1, latency=LATENCY),
        Case("to create", some, fast=3, slow=0),
        Case("drifted", some, fast=3, slow=0),
        Case("in sync", many, fast=1, slow=0),
        Case("in sync", most, fast=1, slow=0),
    ]
