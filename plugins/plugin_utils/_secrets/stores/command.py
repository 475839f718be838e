# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Any other store, by way of a program of the operator's that runs on the control node.

The program is run once for each call. It is given one JSON object on standard input: ``verb``, ``location``,
``expected`` (the version that was read, null for nothing) and, to write, ``record``. It answers with one on
standard output and exit status 0:

    read    {"record": {...}, "version": "7"}, or {"record": null, "version": null} if nothing is there
    write   {"version": "8"}
    delete  {}

A program without versions answers null for them. Exit status 75 with {"error": "..."} says that somebody else
changed the record, or that the store cannot be reached for now; any other status, that the call failed. The
first line on standard error is shown then, so the program must not write a secret there.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import subprocess
from collections.abc import Mapping
from typing import Any

from ansible.parsing.dataloader import DataLoader

from ....module_utils._engine.errors import InvalidOptions, Overtaken, SecretStoreError
from ..program import find_program, json_object, plainly, quotation, run_program, values
from ..settings import check_names

SECONDS = 30


class _NotNow(SecretStoreError):
    """The program says that somebody else was faster, or that its store is away."""


class Command:
    """What the program holds at the location, which is a name of its own."""

    def __init__(self, location: str, settings: Mapping[str, Any], loader: DataLoader) -> None:
        """Take the settings ``argv``, ``timeout`` (seconds) and ``compare_and_set``.

        ``compare_and_set`` says that the program itself refuses to write over a version other than the
        expected one. If it does not, this store reads again just before it writes, which leaves a gap.
        Raises InvalidOptions.
        """
        _check(settings)
        self.location = location
        self.argv = [find_program(settings["argv"][0], "command"), *settings["argv"][1:]]
        self.seconds: float = settings.get("timeout", SECONDS)
        self.compare_and_set: bool = settings.get("compare_and_set", False)
        self.values: set[str] = set()

    def read(self) -> tuple[dict[str, Any] | None, str | None]:
        """Return the record and its version; only an explicit null is no record."""
        answer = self._call("read")
        record, version = answer.get("record", ""), answer.get("version", "")
        if record is None and version is None:
            return None, None
        if not isinstance(record, dict):
            raise self._misunderstood("read")
        self.values.update(values(record))
        return record, self._versioned("read", version, record)

    def write(self, record: dict[str, Any], expected: str | None) -> str:
        """Write, unless someone else wrote since, and read back.

        So a program that says yes and keeps nothing is found out by a reservation, before anything is minted.
        """
        self.values.update(values(record))
        answer = self._change("write", expected, record=record)
        self._versioned("write", answer.get("version", ""), record)
        found, version = self.read()
        if found != record or version is None:
            raise SecretStoreError(f"{self.location} was written, but reads back different")
        return version

    def delete(self, expected: str | None) -> None:
        """Remove the record, unless someone else wrote since."""
        if self._change("delete", expected):
            raise self._misunderstood("delete")

    def _versioned(self, verb: str, version: Any, record: dict[str, Any]) -> str:
        """Return the program's version; a digest of the record serves a program that has none."""
        if version is None and not self.compare_and_set:
            return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()
        if not isinstance(version, str) or not version:
            raise self._misunderstood(verb)
        return version

    def _change(self, verb: str, expected: str | None, **more: Any) -> dict[str, Any]:
        """Call the program; when it cannot for now, find out whether that is because of somebody else."""
        if not self.compare_and_set:
            self._compare(expected)
        try:
            return self._call(verb, expected=expected, **more)
        except _NotNow:
            self._compare(expected)
            raise

    def _compare(self, expected: str | None) -> None:
        if self.read()[1] != expected:
            raise Overtaken(f"{self.location} was changed by someone else meanwhile: run again")

    def _call(self, verb: str, **more: Any) -> dict[str, Any]:
        """Run the program once; return the JSON object that it answers with."""
        request = {"verb": verb, "location": self.location, "expected": None, **more}
        process = self._run(verb, json.dumps(request).encode())
        if process.returncode:
            raise self._failed(verb, process)
        answer = json_object(process.stdout)
        if answer is None:
            raise self._misunderstood(verb)
        return answer

    def _run(self, verb: str, given: bytes) -> subprocess.CompletedProcess[bytes]:
        try:
            return run_program(self.argv, given, self.seconds)
        except subprocess.TimeoutExpired:
            raise SecretStoreError(
                f"{self.argv[0]} did not {verb} {self.location} within {self.seconds:g} seconds"
            ) from None
        except OSError as error:
            raise SecretStoreError(f"{self.argv[0]} cannot be run: {plainly(error)}") from None

    def _failed(self, verb: str, process: subprocess.CompletedProcess[bytes]) -> SecretStoreError:
        """Quote standard error, and of standard output nothing but the protocol's own error."""
        what = f"{verb} {self.location}"
        if process.returncode == os.EX_TEMPFAIL:
            error = (json_object(process.stdout) or {}).get("error")
            said = quotation(error if isinstance(error, str) else "", self.values)
            return _NotNow(f"{self.argv[0]} cannot {what} for now, so run again{said}")
        said = quotation(process.stderr.decode(errors="replace"), self.values)
        return SecretStoreError(f"{self.argv[0]} failed to {what} ({_ending(process.returncode)}){said}")

    def _misunderstood(self, verb: str) -> SecretStoreError:
        return SecretStoreError(
            f"{self.argv[0]} does not answer as it should when it is to {verb} {self.location}"
        )


def _check(settings: Any) -> None:
    check_names(settings, "command", ("argv", "timeout", "compare_and_set"))
    argv, seconds = settings.get("argv"), settings.get("timeout", SECONDS)
    if not isinstance(argv, list) or not argv or not all(_is_argument(each) for each in argv):
        raise InvalidOptions(
            "the secret store command needs the setting argv, a list of a program and its arguments"
        )
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds < math.inf:
        raise InvalidOptions("the setting timeout of the secret store command is a number of seconds")
    if not isinstance(settings.get("compare_and_set", False), bool):
        raise InvalidOptions("the setting compare_and_set of the secret store command is true or false")


def _is_argument(each: Any) -> bool:
    return isinstance(each, str) and "\0" not in each


def _ending(status: int) -> str:
    return f"exit status {status}" if status > 0 else f"signal {-status}"
