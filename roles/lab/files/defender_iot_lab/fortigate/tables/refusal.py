# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Refusals of FortiOS, with their error codes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

INVALID_LENGTH = -1
NOT_IN_DATASOURCE = -3
TABLE_FULL = -4
DUPLICATE = -5
BAD_ADDRESS = -8
BAD_NETMASK = -9
IN_USE = -23
PERMISSION_DENIED = -37
EMPTY_VALUE = -56
COMMAND_ERROR = -61
TOO_LONG = -72
OUT_OF_RANGE = -650
INVALID_VALUE = -651
PASSWORD_REQUIRED = -8102
# The errors that the documentation calls a failed dependency: a duplicate, missing or invalid parameter.
FAILED_DEPENDENCY = frozenset(
    {
        INVALID_LENGTH,
        NOT_IN_DATASOURCE,
        DUPLICATE,
        BAD_ADDRESS,
        BAD_NETMASK,
        EMPTY_VALUE,
        TOO_LONG,
        OUT_OF_RANGE,
        INVALID_VALUE,
    }
)


class Refusal(Exception):
    """FortiOS refuses a request: error code, the lines that the CLI would print, and HTTP status.

    Without a code, only the status describes the refusal. `more` is added to the envelope.
    """

    def __init__(
        self, code: int | None = None, lines: Sequence[str] = (), status: int = 500, **more: Any
    ) -> None:
        super().__init__(code)
        self.code = code
        self.lines = list(lines)
        self.status = status
        self.more = more


def invalid(value: object, code: int = INVALID_VALUE, *reasons: str) -> Refusal:
    """Return the refusal of a value that cannot be parsed (lines observed for -3)."""
    parse_error = f"value parse error before '{value}'"
    return Refusal(code, [*reasons, parse_error, f"Command fail. Return code {code}"])
