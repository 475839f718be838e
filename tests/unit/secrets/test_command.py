# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operator's program: what it is given, and that nothing it says or does not say is taken for absent.

Tested against real programs: one that keeps JSON files, and small ones that misbehave.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import (
    InvalidOptions,
    Overtaken,
    SecretStoreError,
)
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._secrets.stores.command import Command
from ansible_collections.otsec.defender_iot.tests.support import store_program

VALUE = 's3cr"ét-value'
RECORD = {"value": VALUE, "created_at": "2026-11-02T09:30:00Z", "delivered": {"sensor": "0123"}}
VERBS = ("read", "write", "delete")


def opened(*argv: str, **settings: Any) -> Command:
    """Open the location of these tests in a program's store."""
    return Command("fgt/key", {"argv": [sys.executable, *argv], **settings}, DataLoader())


def kept_in(folder: Path, habit: str = "", **settings: Any) -> Command:
    """Open it in the program that keeps files."""
    return opened(store_program.__file__, str(folder), *([habit] if habit else []), **settings)


def misbehaving(code: str, **settings: Any) -> Command:
    """Open it in a program of one line with ``compare_and_set``, so that a write runs it once."""
    return opened("-c", f"import json, os, sys, time; {code}", **{"compare_and_set": True, **settings})


def call(store: Command, verb: str) -> Any:
    """Call a store's method."""
    arguments = {"read": (), "write": (RECORD, None), "delete": (None,)}
    return getattr(store, verb)(*arguments[verb])


def message(store: Command, verb: str) -> str:
    """Return why a call fails, after checking that the message has a remedy and does not show the value."""
    with pytest.raises(SecretStoreError) as caught:
        call(store, verb)
    why = str(caught.value)
    assert VALUE not in why
    assert json.dumps(VALUE)[1:-1] not in why
    assert caught.value.remedy
    return caught.value.why


def test_a_program_with_compare_and_set_is_not_read_before_a_write(tmp_path: Path) -> None:
    kept_in(tmp_path, "versions", compare_and_set=True).write(RECORD, None)
    assert (tmp_path / "calls").read_text().split() == ["write", "read"]


def test_a_program_without_compare_and_set_is_read_just_before(tmp_path: Path) -> None:
    kept_in(tmp_path).write(RECORD, None)
    assert (tmp_path / "calls").read_text().split() == ["read", "write", "read"]


def test_a_program_with_compare_and_set_must_have_versions(tmp_path: Path) -> None:
    why = message(kept_in(tmp_path, compare_and_set=True), "write")
    assert why == f"{sys.executable} did not follow the protocol when it was called to write fgt/key"


def test_a_program_that_reports_success_but_stores_nothing_is_noticed(tmp_path: Path) -> None:
    version = kept_in(tmp_path).write({"value": "old"}, None)
    with pytest.raises(SecretStoreError, match="fgt/key was written, but reads back differently"):
        kept_in(tmp_path, "forgets").write(RECORD, version)
    assert kept_in(tmp_path).read()[0] == {"value": "old"}


@pytest.mark.parametrize("verb", VERBS)
def test_a_slow_program_is_killed_with_its_children(tmp_path: Path, verb: str) -> None:
    late = tmp_path / "late"
    argv = ["sh", "-c", f"(sleep 0.7; touch {late}) & wait"]
    store = Command("fgt/key", {"argv": argv, "timeout": 0.2, "compare_and_set": True}, DataLoader())
    assert message(store, verb).endswith(f"sh did not {verb} fgt/key within 0.2 seconds")
    time.sleep(0.8)
    assert not late.exists()


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    "answer",
    [
        "",
        "null",
        "[]",
        '"s3cr3t"',
        "s3cr3t",
        '{"record"',
        '{"version": 1}',
        '{"record": [], "version": 1}',
        '{"record": {"value": "x"}}',
        '{"record": {"value": "x"}, "version": ""}',
        '{"record": {"value": "x"}, "version": null}',
        '{"record": null}',
        '{"record": null, "version": 1}',
    ],
)
def test_an_invalid_answer_is_never_accepted(verb: str, answer: str) -> None:
    why = message(misbehaving(f"print({answer!r})"), verb)
    assert why == f"{sys.executable} did not follow the protocol when it was called to {verb} fgt/key"


def test_an_answer_that_is_not_text_is_invalid() -> None:
    assert "did not follow the protocol" in message(misbehaving("os.write(1, bytes([255, 254]))"), "read")


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("status", [1, 2, 44, 127])
def test_an_exit_status_is_an_error_even_with_a_valid_answer(verb: str, status: int) -> None:
    code = (
        'print(json.dumps({"record": None, "version": None})); '
        f'print("no such item\\nsecond line", file=sys.stderr); sys.exit({status})'
    )
    why = message(misbehaving(code), verb)
    assert why == f"{sys.executable} failed to {verb} fgt/key (exit code {status}): no such item"


def test_standard_output_is_never_quoted() -> None:
    why = message(misbehaving('print(sys.stdin.read(), "s3cr3t"); sys.exit(1)'), "write")
    assert why == f"{sys.executable} failed to write fgt/key (exit code 1)"


@pytest.mark.parametrize("echo", ["json.load(sys.stdin)['record']['value']", "sys.stdin.read()"])
def test_standard_error_is_not_quoted_if_it_contains_the_secret(echo: str) -> None:
    why = message(misbehaving(f"sys.stderr.reconfigure(encoding='utf-8'); sys.exit({echo})"), "write")
    assert why.endswith("(exit code 1): its message is not shown because it contains the secret")


def test_a_long_line_is_cut_and_has_no_terminal_codes() -> None:
    why = message(misbehaving("sys.exit(chr(27) + '[31m' + 'x' * 9999)"), "read")
    assert len(why) < 500
    assert why.isprintable()


def test_a_killed_program_is_an_error() -> None:
    why = message(misbehaving("os.kill(os.getpid(), 9)"), "read")
    assert why == f"{sys.executable} failed to read fgt/key (signal 9)"


def test_a_program_that_reads_no_input_is_an_error() -> None:
    store = misbehaving("os.close(0); sys.exit(3)")
    with pytest.raises(SecretStoreError, match="exit code 3"):
        store.write({"value": "x" * 1_000_000}, None)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [('{"error": "the safe is sealed"}', ": the safe is sealed"), ("{}", ""), ("s3", "")],
)
def test_a_temporary_failure_quotes_the_reason(answer: str, reason: str) -> None:
    why = message(misbehaving(f"print({answer!r}); sys.exit(75)"), "read")
    assert why == f"{sys.executable} cannot read fgt/key now{reason}"


@pytest.mark.parametrize("verb", ["write", "delete"])
def test_a_temporary_failure_is_not_a_change_by_another_writer(verb: str) -> None:
    code = (
        'read = json.load(sys.stdin)["verb"] == "read"; '
        'print(json.dumps({"record": None, "version": None} if read else {"error": "sealed"})); '
        "sys.exit(0 if read else 75)"
    )
    store = misbehaving(code)
    with pytest.raises(SecretStoreError, match="now: sealed; run again later") as caught:
        call(store, verb)
    assert not isinstance(caught.value, Overtaken)


def test_a_program_that_was_removed_is_an_error(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    store = Command("fgt/key", {"argv": [str(program)]}, DataLoader())
    program.unlink()
    assert message(store, "read") == f"{program} cannot be run: no such file or directory"


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="needs /proc")
def test_the_secret_is_in_no_argument_and_no_environment(tmp_path: Path) -> None:
    seen: list[bytes] = []
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            for place in Path("/proc").glob("[0-9]*"):
                if int(place.name) == os.getpid():
                    continue
                for name in ("cmdline", "environ"):
                    try:
                        seen.append((place / name).read_bytes())
                    except OSError:
                        continue

    secret = "a-value-that-only-this-test-has-" + "x7"
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        code = (
            'request = json.load(sys.stdin); time.sleep(0.5 if request["verb"] == "write" else 0); '
            f'print(json.dumps({{"version": "1"}} if request["verb"] == "write" else '
            f'{{"record": {{"value": "-".join({secret.split("-")!r})}}, "version": "1"}}))'
        )
        misbehaving(code).write({"value": secret}, None)
    finally:
        done.set()
        watcher.join()
    assert any(b"request = json.load" in each for each in seen)
    assert not [each for each in seen if secret.encode() in each]


ARGV = [sys.executable, "-c", "raise SystemExit"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "argv of the secret store command is not a list of strings"),
        ({"argv": []}, "argv of the secret store command is not a list of strings"),
        ({"argv": "store --all"}, "argv of the secret store command is not a list of strings"),
        ({"argv": ["sh", 1]}, "argv of the secret store command is not a list of strings"),
        ({"argv": ["sh", "a\0b"]}, "argv of the secret store command is not a list of strings"),
        ({"argv": [""]}, 'the program "" of the secret store command was not found'),
        ({"argv": ["./store"]}, 'neither a name nor an absolute path: "./store"'),
        ({"argv": ["no-such-program"]}, '"no-such-program" of the secret store command was not found'),
        ({"argv": ["/etc/passwd"]}, '"/etc/passwd" of the secret store command was not found or is not'),
        ({"argv": ARGV, "timeout": 0}, "the setting timeout of the secret store command is 0; set timeout"),
        ({"argv": ARGV, "timeout": -1}, "timeout"),
        ({"argv": ARGV, "timeout": "30"}, "timeout"),
        ({"argv": ARGV, "timeout": True}, "timeout"),
        ({"argv": ARGV, "timeout": float("inf")}, "timeout"),
        ({"argv": ARGV, "timeout": float("nan")}, "timeout"),
        (
            {"argv": ARGV, "compare_and_set": "yes"},
            "compare_and_set of the secret store command is neither true",
        ),
        ({"argv": ARGV, "shell": True}, 'has no setting "shell"; use only the settings argv, timeout,'),
        (ARGV, "are not a mapping; use a mapping of argv, timeout, compare_and_set"),
    ],
)
def test_bad_settings_are_refused_before_anything_runs(settings: Any, message: str) -> None:
    with pytest.raises(InvalidOptions) as caught:
        Command("fgt/key", settings, DataLoader())
    assert message in str(caught.value)
