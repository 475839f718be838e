# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A secret in an operator's program: minted once, found again, and looked up."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.tests.support import store_program
from ansible_collections.otsec.defender_iot.tests.support.workspace import Workspace, play, task

FORTIGATE = "fgt-north-01"
REF = "command:fgt/key"
ADMIN = task("fortigate_api_admin", name="plant", profile="super_admin_readonly", trusted_hosts=["127.0.0.1"])
KEY = task("fortigate_api_key", name="plant", secret_ref=REF)
LOOKUP = {
    "name": "Show the digest alone",
    "ansible.builtin.debug": {
        "msg": f"{{{{ lookup('otsec.defender_iot.secret', '{REF}') | hash('sha256') }}}}"
    },
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of the program's files."""
    folder = tmp_path / "kept"
    folder.mkdir()
    return folder


def _inventory(node: Workspace, folder: Path, habit: str, **settings: Any) -> None:
    argv = [sys.executable, store_program.__file__, str(folder), habit]
    stores = {"command": {"argv": argv, **settings}}
    node.inventory(fgt=node.host(FORTIGATE, defender_iot_secret_stores=stores))


def _verbs(folder: Path) -> set[str]:
    """Return the verbs of the program's calls since the last time."""
    calls = folder / "calls"
    verbs = set(calls.read_text().split())
    calls.unlink()
    return verbs


def _mintings(node: Workspace) -> int:
    return sum("generate-key" in call["path"] for call in node.lab.calls(FORTIGATE))


@pytest.mark.parametrize(
    ("habit", "settings"),
    [("", {}), ("versions", {"compare_and_set": True})],
    ids=["without versions", "with versions"],
)
def test_a_key_is_minted_once_and_found_again(
    workspace: Workspace, folder: Path, habit: str, settings: dict[str, Any]
) -> None:
    _inventory(workspace, folder, habit, **settings)
    first = workspace.run(play(ADMIN, KEY), arguments=["-vvvv"]).succeeded()
    assert [result.changed for result in first.of("fgt")] == [True, True]
    assert _verbs(folder) == {"read", "write"}
    assert _mintings(workspace) == 1
    (kept,) = folder.glob("*.json")
    before = kept.read_bytes()
    value = json.loads(before)["record"]["value"]
    workspace.lab.forget_calls()

    second = workspace.run(play(ADMIN, KEY, LOOKUP), arguments=["-vvvv"]).succeeded()
    assert second.changes == []
    assert _verbs(folder) == {"read"}
    assert kept.read_bytes() == before
    assert not [call for call in workspace.lab.calls(FORTIGATE) if call["write"]]
    assert hashlib.sha256(value.encode()).hexdigest() in second.output
    assert value not in first.output + second.output


def test_for_a_program_that_keeps_nothing_no_key_is_minted(workspace: Workspace, folder: Path) -> None:
    _inventory(workspace, folder, "forgets")
    run = workspace.run(play(ADMIN, KEY))
    (refused,) = run.of("fgt", "fortigate_api_key")
    assert refused.failed
    assert "fgt/key was written, but reads back differently" in refused.message
    assert _mintings(workspace) == 0


def test_settings_that_cannot_be_right_are_refused_before_the_appliance_is_called(
    workspace: Workspace, folder: Path
) -> None:
    _inventory(workspace, folder, "", timeout="soon")
    run = workspace.run(play(KEY))
    assert run.one("fgt").failed
    assert "timeout of the secret store command is 'soon'; set timeout to a number" in run.one("fgt").message
    assert workspace.lab.calls(FORTIGATE) == []
