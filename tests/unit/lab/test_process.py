# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab as a process: start, stop, and its files."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import requests

from ansible_collections.otsec.defender_iot.tests.support.patience import STEP_SECONDS, wait_for

CONFIG = "appliances: [{name: a, kind: fortigate, address: 192.0.2.1}]"


@pytest.fixture
def lab_command(command: list[str], environment: dict[str, str], tmp_path: Path) -> Any:
    """Run one command of the lab on a separate directory."""
    config = tmp_path / "lab.yml"
    config.write_text(CONFIG)

    def run(name: str) -> subprocess.CompletedProcess[str]:
        arguments = [*command, name, "--directory", str(tmp_path / "lab")]
        if name != "stop":
            arguments += ["--config", str(config)]
        return subprocess.run(
            arguments, env=environment, capture_output=True, check=False, text=True, timeout=STEP_SECONDS
        )

    yield run
    run("stop")


def test_start_and_stop(lab_command: Any, tmp_path: Path) -> None:
    started = lab_command("start")
    assert (started.returncode, started.stdout, started.stderr) == (0, "", "")
    record = tmp_path / "lab" / "lab.json"
    assert stat.S_IMODE(record.stat().st_mode) == 0o600
    assert stat.S_IMODE(record.parent.stat().st_mode) == 0o700
    written = json.loads(record.read_text())
    assert written["appliances"]["a"]["credentials"]["token"]
    assert stat.S_IMODE(Path(written["client_key"]).stat().st_mode) == 0o600
    assert b"BEGIN CERTIFICATE" in Path(written["client_cert"]).read_bytes()
    again = lab_command("start")
    assert again.returncode == 1
    assert "already running" in again.stderr
    assert lab_command("stop").returncode == 0
    assert not record.exists()
    assert lab_command("stop").returncode == 0


def test_private_files_get_their_mode_when_they_are_created(lab_command: Any, tmp_path: Path) -> None:
    (tmp_path / "lab.yml").write_text(CONFIG.replace("fortigate", "forescout"))
    folder = tmp_path / "lab"
    folder.mkdir()
    target = tmp_path / "elsewhere"
    target.write_text("kept")
    (folder / "client.key").symlink_to(target)
    (folder / "ssh.key").write_text("old")
    (folder / "ssh.key").chmod(0o644)
    assert lab_command("start").returncode == 0
    names = ("lab.json", "client.key", "ssh.key")
    assert [stat.S_IMODE((folder / name).lstat().st_mode) for name in names] == [0o600] * 3
    assert target.read_text() == "kept"


def test_each_lab_has_its_own_token_which_is_in_no_process_and_no_log(
    lab_command: Any, tmp_path: Path
) -> None:
    tokens = set()
    for _start in range(2):
        lab_command("start")
        record = json.loads((tmp_path / "lab" / "lab.json").read_text())
        tokens.add(record["control_token"])
        requests.get(record["control"] + "/secrets", timeout=STEP_SECONDS, proxies={"http": ""})
        process = Path("/proc", str(record["pid"]))
        seen = [(process / name).read_text() for name in ("cmdline", "environ")]
        lab_command("stop")
        seen.append((tmp_path / "lab" / "lab.log").read_text())
        assert not [text for text in seen if record["control_token"] in text]
    assert len(tokens) == 2
    assert min(map(len, tokens)) >= 43


def test_an_interrupted_lab_cleans_up(lab_command: Any, tmp_path: Path) -> None:
    lab_command("start")
    record = tmp_path / "lab" / "lab.json"
    os.kill(json.loads(record.read_text())["pid"], signal.SIGINT)
    wait_for(lambda: not record.exists())
    assert (tmp_path / "lab" / "lab.log").read_text() == ""


def test_a_lab_that_cannot_start_says_why(lab_command: Any, tmp_path: Path) -> None:
    (tmp_path / "lab.yml").write_text(CONFIG.replace("fortigate", "toaster"))
    started = lab_command("start")
    assert started.returncode == 1
    assert "toaster" in started.stderr
    assert not (tmp_path / "lab" / "lab.json").exists()
