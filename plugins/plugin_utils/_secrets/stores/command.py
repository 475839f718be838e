# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Any other store, through the operator's own program on the control node.

The program runs once for each call. It reads one JSON object from standard input: ``verb``, ``location``,
``expected`` (the version that was read, null for no record) and, for write, ``record``. It prints one JSON
object and exits with 0:

    read    {"record": {...}, "version": "7"}, or {"record": null, "version": null} if there is no record
    write   {"version": "8"}
    delete  {}

A program without versions uses null for them. Exit status 75 with {"error": "..."} means that another writer
changed the record, or that the store is temporarily unavailable. Any other status means that the call failed.
Messages then quote the first line of standard error, so the program must not write a secret there.
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
from ..program import find_program, json_object, os_reason, quotation, run_program, values
from ..settings import check_names

SECONDS = 30


class _TemporaryFailure(SecretStoreError):
    """Exit status 75: another writer changed the record, or the store is temporarily unavailable."""


class Command:
    """The record that the program keeps under a location; only the program interprets the location."""

    def __init__(self, location: str, settings: Mapping[str, Any], loader: DataLoader) -> None:
        """The settings are ``argv``, ``timeout`` (seconds) and ``compare_and_set``. Raises InvalidOptions.

        Set ``compare_and_set`` if the program itself refuses to replace any version but the expected one.
        Otherwise this store reads again just before it writes, which leaves a small race.
        """
        _check(settings)
        self.location = location
        self.argv = [find_program(settings["argv"][0], "command"), *settings["argv"][1:]]
        self.seconds: float = settings.get("timeout", SECONDS)
        self.compare_and_set: bool = settings.get("compare_and_set", False)
        self.values: set[str] = set()

    def read(self) -> tuple[dict[str, Any] | None, str | None]:
        """Return the record and its version. Only an explicit null means that there is no record."""
        answer = self._call("read")
        record, version = answer.get("record", ""), answer.get("version", "")
        if record is None and version is None:
            return None, None
        if not isinstance(record, dict):
            raise self._invalid_answer("read")
        self.values.update(values(record))
        return record, self._versioned("read", version, record)

    def write(self, record: dict[str, Any], expected: str | None) -> str:
        """Write and read back. Raises Overtaken.

        Reading back a reservation reveals a program that stores nothing, before anything is minted.
        """
        self.values.update(values(record))
        answer = self._change("write", expected, record=record)
        self._versioned("write", answer.get("version", ""), record)
        found, version = self.read()
        if found != record or version is None:
            raise SecretStoreError(
                f"{self.location} was written, but reads back differently",
                f"check that {self.argv[0]} stores the record unchanged",
            )
        return version

    def delete(self, expected: str | None) -> None:
        """Remove the record. Raises Overtaken."""
        if self._change("delete", expected):
            raise self._invalid_answer("delete")

    def _versioned(self, verb: str, version: Any, record: dict[str, Any]) -> str:
        """Return the program's version, or a digest of the record if the program has no versions."""
        if version is None and not self.compare_and_set:
            return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()
        if not isinstance(version, str) or not version:
            raise self._invalid_answer(verb)
        return version

    def _change(self, verb: str, expected: str | None, **more: Any) -> dict[str, Any]:
        """Call the program; after a temporary failure, check whether another writer changed the record."""
        if not self.compare_and_set:
            self._compare(expected)
        try:
            return self._call(verb, expected=expected, **more)
        except _TemporaryFailure:
            self._compare(expected)
            raise

    def _compare(self, expected: str | None) -> None:
        if self.read()[1] != expected:
            raise Overtaken(f"{self.location} was changed after this run read it", "run again")

    def _call(self, verb: str, **more: Any) -> dict[str, Any]:
        """Run the program once and return the JSON object that it prints."""
        request = {"verb": verb, "location": self.location, "expected": None, **more}
        process = self._run(verb, json.dumps(request).encode())
        if process.returncode:
            raise self._failed(verb, process)
        answer = json_object(process.stdout)
        if answer is None:
            raise self._invalid_answer(verb)
        return answer

    def _run(self, verb: str, given: bytes) -> subprocess.CompletedProcess[bytes]:
        try:
            return run_program(self.argv, given, self.seconds)
        except subprocess.TimeoutExpired:
            raise SecretStoreError(
                f"{self.argv[0]} did not {verb} {self.location} within {self.seconds:g} seconds",
                "check the program, or set a longer timeout",
            ) from None
        except OSError as error:
            raise SecretStoreError(
                f"{self.argv[0]} cannot be run: {os_reason(error)}", "check that the program is executable"
            ) from None

    def _failed(self, verb: str, process: subprocess.CompletedProcess[bytes]) -> SecretStoreError:
        """Quote standard error. From standard output, quote only the protocol's ``error``."""
        what = f"{verb} {self.location}"
        if process.returncode == os.EX_TEMPFAIL:
            error = (json_object(process.stdout) or {}).get("error")
            quoted = quotation(error if isinstance(error, str) else "", self.values)
            return _TemporaryFailure(f"{self.argv[0]} cannot {what} now{quoted}", "run again later")
        quoted = quotation(process.stderr.decode(errors="replace"), self.values)
        return SecretStoreError(
            f"{self.argv[0]} failed to {what} ({_exit_text(process.returncode)}){quoted}",
            "run the program manually with the same request, and fix it",
        )

    def _invalid_answer(self, verb: str) -> SecretStoreError:
        return SecretStoreError(
            f"{self.argv[0]} did not follow the protocol when it was called to {verb} {self.location}",
            "compare its output with the protocol in docs/secrets.md",
        )


def _check(settings: Any) -> None:
    check_names(settings, "command", ("argv", "timeout", "compare_and_set"))
    argv, seconds = settings.get("argv"), settings.get("timeout", SECONDS)
    if not isinstance(argv, list) or not argv or not all(_is_argument(each) for each in argv):
        raise InvalidOptions(
            "the setting argv of the secret store command is not a list of strings",
            "set argv to a list of a program and its arguments",
        )
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds < math.inf:
        raise InvalidOptions(
            f"the setting timeout of the secret store command is {seconds!r}",
            "set timeout to a number of seconds above 0",
        )
    if not isinstance(settings.get("compare_and_set", False), bool):
        raise InvalidOptions(
            "the setting compare_and_set of the secret store command is neither true nor false",
            "set compare_and_set to true or false",
        )


def _is_argument(each: Any) -> bool:
    return isinstance(each, str) and "\0" not in each


def _exit_text(status: int) -> str:
    return f"exit code {status}" if status > 0 else f"signal {-status}"
