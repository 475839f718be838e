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
    """Open it in a program of one line; it says for itself what it compares, so that a write runs it once."""
    return opened("-c", f"import json, os, sys, time; {code}", **{"compare_and_set": True, **settings})


def call(store: Command, verb: str) -> Any:
    """Call a store's method."""
    arguments = {"read": (), "write": (RECORD, None), "delete": (None,)}
    return getattr(store, verb)(*arguments[verb])


def message(store: Command, verb: str) -> str:
    """Return what a failing call says, after making sure that it does not show the value."""
    with pytest.raises(SecretStoreError) as caught:
        call(store, verb)
    said = str(caught.value)
    assert VALUE not in said
    assert json.dumps(VALUE)[1:-1] not in said
    return said


def test_a_program_that_promises_it_is_not_read_before_a_write(tmp_path: Path) -> None:
    kept_in(tmp_path, "versions", compare_and_set=True).write(RECORD, None)
    assert (tmp_path / "calls").read_text().split() == ["write", "read"]


def test_one_that_does_not_is_read_just_before(tmp_path: Path) -> None:
    kept_in(tmp_path).write(RECORD, None)
    assert (tmp_path / "calls").read_text().split() == ["read", "write", "read"]


def test_one_that_promises_it_must_have_versions(tmp_path: Path) -> None:
    said = message(kept_in(tmp_path, compare_and_set=True), "write")
    assert said == f"{sys.executable} does not answer as it should when it is to write fgt/key"


def test_one_that_says_yes_and_keeps_what_it_had_is_found_out(tmp_path: Path) -> None:
    version = kept_in(tmp_path).write({"value": "old"}, None)
    with pytest.raises(SecretStoreError, match="fgt/key was written, but reads back different"):
        kept_in(tmp_path, "forgets").write(RECORD, version)
    assert kept_in(tmp_path).read()[0] == {"value": "old"}


@pytest.mark.parametrize("verb", VERBS)
def test_a_slow_one_is_ended_with_all_it_has_started(tmp_path: Path, verb: str) -> None:
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
def test_an_answer_that_is_none_is_never_taken_for_one(verb: str, answer: str) -> None:
    said = message(misbehaving(f"print({answer!r})"), verb)
    assert said == f"{sys.executable} does not answer as it should when it is to {verb} fgt/key"


def test_an_answer_that_is_no_text_is_none() -> None:
    assert "does not answer as it should" in message(misbehaving("os.write(1, bytes([255, 254]))"), "read")


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("status", [1, 2, 44, 127])
def test_a_status_is_an_error_whatever_the_answer(verb: str, status: int) -> None:
    code = (
        'print(json.dumps({"record": None, "version": None})); '
        f'print("no such item\\nsecond line", file=sys.stderr); sys.exit({status})'
    )
    said = message(misbehaving(code), verb)
    assert said == f"{sys.executable} failed to {verb} fgt/key (exit status {status}): no such item"


def test_standard_output_is_never_quoted() -> None:
    said = message(misbehaving('print(sys.stdin.read(), "s3cr3t"); sys.exit(1)'), "write")
    assert said == f"{sys.executable} failed to write fgt/key (exit status 1)"


@pytest.mark.parametrize("echo", ["json.load(sys.stdin)['record']['value']", "sys.stdin.read()"])
def test_standard_error_is_not_quoted_when_it_repeats_the_secret(echo: str) -> None:
    said = message(misbehaving(f"sys.stderr.reconfigure(encoding='utf-8'); sys.exit({echo})"), "write")
    assert said.endswith("(exit status 1): what it says is not shown, for it repeats the secret")


def test_a_long_line_is_cut_and_cannot_steer_a_terminal() -> None:
    said = message(misbehaving("sys.exit(chr(27) + '[31m' + 'x' * 9999)"), "read")
    assert len(said) < 500
    assert said.isprintable()


def test_one_that_dies_is_an_error() -> None:
    said = message(misbehaving("os.kill(os.getpid(), 9)"), "read")
    assert said == f"{sys.executable} failed to read fgt/key (signal 9)"


def test_one_that_does_not_listen_is_an_error() -> None:
    store = misbehaving("os.close(0); sys.exit(3)")
    with pytest.raises(SecretStoreError, match="exit status 3"):
        store.write({"value": "x" * 1_000_000}, None)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [('{"error": "the safe is sealed"}', ": the safe is sealed"), ("{}", ""), ("s3", "")],
)
def test_a_store_that_is_away_for_now_says_so(answer: str, reason: str) -> None:
    said = message(misbehaving(f"print({answer!r}); sys.exit(75)"), "read")
    assert said == f"{sys.executable} cannot read fgt/key for now, so run again{reason}"


@pytest.mark.parametrize("verb", ["write", "delete"])
def test_a_store_that_is_away_for_now_was_not_changed_by_someone_else(verb: str) -> None:
    code = (
        'read = json.load(sys.stdin)["verb"] == "read"; '
        'print(json.dumps({"record": None, "version": None} if read else {"error": "sealed"})); '
        "sys.exit(0 if read else 75)"
    )
    store = misbehaving(code)
    with pytest.raises(SecretStoreError, match="for now, so run again: sealed") as caught:
        call(store, verb)
    assert not isinstance(caught.value, Overtaken)


def test_a_program_that_was_removed_meanwhile_is_an_error(tmp_path: Path) -> None:
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
        ({}, "needs the setting argv"),
        ({"argv": []}, "needs the setting argv"),
        ({"argv": "store --all"}, "needs the setting argv"),
        ({"argv": ["sh", 1]}, "needs the setting argv"),
        ({"argv": ["sh", "a\0b"]}, "needs the setting argv"),
        ({"argv": [""]}, 'needs the program "", which cannot be executed'),
        ({"argv": ["./store"]}, "needs a program's name or its absolute path"),
        ({"argv": ["no-such-program"]}, 'needs the program "no-such-program", which cannot be executed'),
        ({"argv": ["/etc/passwd"]}, 'needs the program "/etc/passwd", which cannot be executed'),
        ({"argv": ARGV, "timeout": 0}, "timeout of the secret store command is a number of seconds"),
        ({"argv": ARGV, "timeout": -1}, "timeout"),
        ({"argv": ARGV, "timeout": "30"}, "timeout"),
        ({"argv": ARGV, "timeout": True}, "timeout"),
        ({"argv": ARGV, "timeout": float("inf")}, "timeout"),
        ({"argv": ARGV, "timeout": float("nan")}, "timeout"),
        ({"argv": ARGV, "compare_and_set": "yes"}, "compare_and_set of the secret store command is true or"),
        ({"argv": ARGV, "shell": True}, "settings argv, timeout, compare_and_set and no others"),
        (ARGV, "a mapping of the settings"),
    ],
)
def test_bad_settings_are_refused_before_anything_runs(settings: Any, message: str) -> None:
    with pytest.raises(InvalidOptions) as caught:
        Command("fgt/key", settings, DataLoader())
    assert message in str(caught.value)
