# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Only the store contains secrets: not -vvvv output, not logs, not failures."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from ansible_collections.otsec.defender_iot.tests.support.example import Example
from ansible_collections.otsec.defender_iot.tests.support.leaks import (
    CommandLines,
    files_with,
    leaked,
    watched_command_lines,
)
from ansible_collections.otsec.defender_iot.tests.support.workspace import VAULT_PASSWORD, Run, Workspace

WRONG_TOKEN = "a-token-that-was-never-issued-000"
ANOTHER = json.dumps(
    {
        "sensor_tokens_tokens": [{"description": "forescout", "rotation_id": "another"}],
        "sensor_tokens_retire_delay": 1,
    }
)


@dataclass(frozen=True)
class Noise:
    """The output and files of verbose runs."""

    node: Workspace
    runs: dict[str, Run]
    lines: CommandLines
    secrets: list[str]


@pytest.fixture(scope="module")
def noise(new_workspace: Callable[[], Workspace]) -> Noise:
    """Run all playbooks as verbosely as possible."""
    node = new_workspace()
    example = Example(node)
    loud = {
        "ANSIBLE_LOG_PATH": str(node.folder / "ansible.log"),
        "ANSIBLE_CALLBACKS_ENABLED": "recorder,ansible.builtin.junit",
        "JUNIT_OUTPUT_DIR": str(node.folder / "junit"),
    }
    example.override("fgt-north-01", fortigate_access_token=WRONG_TOKEN)
    with watched_command_lines() as lines:
        runs = {
            "failing": example.playbook("site", "-vvvv", "--diff", **loud),
            "repaired": example.override("fgt-north-01").playbook("site", "-vvvv", "--diff", **loud),
            "again": example.playbook("site", "-vvvv", "--diff", "--check", **loud),
            "rotated": example.playbook(
                "fortinet", "-vvvv", "--diff", "--extra-vars=fortigate_access_recreate=always", **loud
            ),
            "replaced": example.playbook(
                "rotate", "-vvvv", "--diff", "--limit=north", f"--extra-vars={ANOTHER}", **loud
            ),
            "verify": example.playbook("verify", "-vvvv", "--diff", **loud),
        }
    secrets = [secret["value"] for secret in node.lab.secrets()]
    return Noise(node, runs, lines, [*secrets, WRONG_TOKEN, VAULT_PASSWORD])


def test_the_runs_came_as_far_as_they_should(noise: Noise) -> None:
    assert noise.runs["failing"].code != 0
    assert [result.host for result in noise.runs["failing"].results if result.failed] == ["fgt-north-01"]
    for name in ("repaired", "again", "rotated", "replaced", "verify"):
        noise.runs[name].succeeded()
    assert len(noise.runs["rotated"].changes) == 3
    replaced = [module for _host, module in noise.runs["replaced"].changes]
    assert replaced == ["forescout_module", "sensor_access_token", "sensor_access_token"]
    kinds = {secret["kind"] for secret in noise.node.lab.secrets()}
    assert kinds >= {"password", "api_key", "access_token", "session", "csrf_token"}


def test_the_search_finds_a_secret_where_there_is_one(noise: Noise) -> None:
    assert files_with(noise.secrets, noise.node.inputs)
    assert leaked(noise.secrets, VAULT_PASSWORD)


def test_no_secret_is_printed(noise: Noise) -> None:
    for run in noise.runs.values():
        assert leaked(noise.secrets, run.output) == []


@pytest.mark.parametrize("name", ["ansible.log", "junit", "results-1.jsonl"])
def test_there_is_something_to_search(noise: Noise, name: str) -> None:
    path = noise.node.folder / name
    files = list(path.rglob("*.xml")) if path.is_dir() else [path]
    assert files
    assert all(file.stat().st_size for file in files)


def test_no_secret_is_in_any_file_that_was_written(noise: Noise) -> None:
    assert files_with(noise.secrets, noise.node.folder, noise.node.inputs) == []


def test_no_secret_was_in_the_command_line_of_a_process(noise: Noise) -> None:
    assert any(b"ansible-playbook" in line for line in noise.lines.seen)
    for line in noise.lines.seen:
        assert leaked(noise.secrets, line) == []
