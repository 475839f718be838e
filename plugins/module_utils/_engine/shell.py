# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commands in a POSIX shell on another machine, which need nothing else there."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class CommandResult:
    """How a command has ended: its exit code and what it wrote."""

    code: int
    out: str
    err: str = ""

    @property
    def said(self) -> str:
        """Return the last line it wrote, on stderr if there is one, for a sentence."""
        lines = [line.strip() for line in (self.err or self.out).splitlines() if line.strip()]
        return lines[-1].rstrip(".") if lines else "it wrote nothing"


class Shell(Protocol):
    """Where commands run."""

    def run(self, command: str, stdin: str = "") -> CommandResult:
        """Run one command line and feed it. Raises ApplianceError where it could not be run at all."""


def words(*arguments: str) -> str:
    """Return a command line that a shell takes apart into these very arguments."""
    return " ".join(shlex.quote(argument) for argument in arguments)
