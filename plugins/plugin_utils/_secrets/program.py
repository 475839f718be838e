# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find, run and quote the programs on the control node that secret stores use."""

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
    """Run a program that reads standard input. Raises OSError and TimeoutExpired.

    On a time-out, its whole process group is killed: no child may write after the task has failed.
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
    """Return the absolute path of a program; ``name`` is a name on PATH or an absolute path.

    Raises InvalidOptions.
    """
    if not isinstance(name, str) or (os.sep in name and not Path(name).is_absolute()):
        raise InvalidOptions(
            f'the program of the secret store {backend} is neither a name nor an absolute path: "{name}"',
            "set the program's name, if it is on PATH, or its absolute path",
        )
    found = shutil.which(name)
    if found is None:
        raise InvalidOptions(
            f'the program "{name}" of the secret store {backend} was not found or is not executable',
            "install it on the control node, or set its absolute path",
        )
    return str(Path(found).absolute())


def quotation(text: str, secrets: Iterable[str]) -> str:
    """Return a colon and the first line of a program's output; the line is withheld if it has a secret."""
    line = "".join(c for c in next(iter(text.strip().splitlines()), "") if c.isprintable())
    if any(form in line for secret in secrets for form in (secret, json.dumps(secret)[1:-1])):
        return ": its message is not shown because it contains the secret"
    return f": {line[:LONGEST_QUOTATION]}" if line else ""


def os_reason(error: OSError) -> str:
    """Return the reason without the error number and the path."""
    return (error.strerror or str(error)).lower()


def json_object(output: bytes) -> dict[str, Any] | None:
    """Return the output as a JSON object, None if it is anything else."""
    try:
        answer = json.loads(output)
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None


def values(record: Mapping[str, Any]) -> Iterator[str]:
    """Yield every value in a record: current, pending and previous."""
    for name, each in record.items():
        if isinstance(each, Mapping):
            yield from values(each)
        elif name == "value" and isinstance(each, str) and each:
            yield each
