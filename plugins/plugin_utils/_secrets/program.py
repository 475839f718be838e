# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Programs on the control node that a secret store calls: run, find and quote them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ...module_utils._engine.errors import InvalidOptions

LONGEST_QUOTATION = 300


def run_program(argv: Sequence[str], given: bytes, seconds: float) -> subprocess.CompletedProcess[bytes]:
    """Run a program on its standard input alone. Raises OSError and TimeoutExpired.

    Time over, it ends together with all it has started, which may not write when nobody expects it any more.
    """
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True) as process:
        try:
            output, errors = process.communicate(given, seconds)
        except BaseException:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
    return subprocess.CompletedProcess(argv, process.returncode, output, errors)


def find_program(name: Any, backend: str) -> str:
    """Return the absolute path of a program that is given by its path or found on PATH.

    Raises InvalidOptions.
    """
    if not isinstance(name, str) or (os.sep in name and not Path(name).is_absolute()):
        raise InvalidOptions(f"the secret store {backend} needs a program's name or its absolute path")
    found = shutil.which(name)
    if found is None:
        raise InvalidOptions(
            f'the secret store {backend} needs the program "{name}", which cannot be executed on this machine'
        )
    return str(Path(found).absolute())


def quotation(text: str, secrets: Iterable[str]) -> str:
    """Return the first line of what a program says, after a colon, unless it repeats a secret."""
    line = "".join(c for c in next(iter(text.strip().splitlines()), "") if c.isprintable())
    if any(form in line for secret in secrets for form in (secret, json.dumps(secret)[1:-1])):
        return ": what it says is not shown, for it repeats the secret"
    return f": {line[:LONGEST_QUOTATION]}" if line else ""


def plainly(error: OSError) -> str:
    """Return the reason alone."""
    return (error.strerror or str(error)).lower()


def json_object(output: bytes) -> dict[str, Any] | None:
    """Return the JSON object that an output is, None if it is none."""
    try:
        answer = json.loads(output)
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None


def values(record: Mapping[str, Any]) -> Iterator[str]:
    """Yield the value of a record, and the one that is pending in it."""
    for name, each in record.items():
        if isinstance(each, Mapping):
            yield from values(each)
        elif name == "value" and isinstance(each, str) and each:
            yield each
