# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commands in a POSIX shell on another machine. Nothing else is required there."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class CommandResult:
    """The exit code and the output of a command."""

    code: int
    out: str
    err: str = ""

    @property
    def said(self) -> str:
        """The last line of stderr, or else of stdout, for use in a message."""
        lines = [line.strip() for line in (self.err or self.out).splitlines() if line.strip()]
        return lines[-1].rstrip(".") if lines else "it wrote nothing"


class Shell(Protocol):
    """A shell that runs commands."""

    def run(self, command: str, stdin: str = "") -> CommandResult:
        """Run one command line with the given input. Raises ApplianceError if it could not run at all."""


def words(*arguments: str) -> str:
    """Return a command line that a shell splits into exactly these arguments."""
    return " ".join(shlex.quote(argument) for argument in arguments)
