# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ways to install the collection, as the page describes them. A server on loopback represents Galaxy."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.tests.support.patience import RUN_SECONDS, STEP_SECONDS
from ansible_collections.otsec.defender_iot.tests.support.workspace import ROOT

PAGE = (ROOT / "docs/installation.md").read_text()
CHECK = "Check it"
COLLECTION = "api/v3/collections/otsec/defender_iot"
VERSIONS = f"{COLLECTION}/versions"
MOMENT = "2026-11-02T10:15:00Z"


def blocks(heading: str, language: str) -> list[str]:
    """Return the blocks of code in a language below a heading."""
    text = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def commands(heading: str) -> str:
    """Return the commands below a heading, for a clone of this repository instead of the public one."""
    return "".join(blocks(heading, "shell")).replace(
        "https://github.com/otsec/defender_iot", f"file://{ROOT}"
    )


def of_galaxy(block: str) -> str:
    """Return the commands for collections in a block, without those of pip."""
    return "".join(line for line in block.splitlines(keepends=True) if line.startswith("ansible-galaxy"))


def run(script: str, folder: Path, home: Path, **environment: str) -> str:
    """Run commands, and return their output."""
    done = subprocess.run(
        ["/bin/bash", "-euc", script],
        cwd=folder,
        env={
            "HOME": str(home),
            "LC_ALL": "C.UTF-8",
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "ANSIBLE_NOCOLOR": "1",
            **environment,
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def check_installed(home: Path, output: str) -> None:
    """Check the output of the last section, and the installed files."""
    assert "MODULE otsec.defender_iot.fortigate_access" in output
    installed = home / ".ansible/collections/ansible_collections/otsec/defender_iot"
    assert (installed / "MANIFEST.json").exists()


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="needs a clone")
@pytest.mark.parametrize("heading", ["From a Git clone", "From a file"])
def test_the_collection_is_installed_as_the_page_says(tmp_path: Path, heading: str) -> None:
    script = commands(heading).replace(f"git clone file://{ROOT}", f"git clone file://{ROOT} defender_iot")
    check_installed(tmp_path, run(script + commands(CHECK), tmp_path, tmp_path))


class Quiet(SimpleHTTPRequestHandler):
    """Serves files without a log."""

    def log_message(self, *args: Any) -> None:
        """Print nothing."""


@pytest.fixture
def galaxy(tmp_path: Path) -> Iterator[str]:
    """The address of a server with the collection, in the form of Galaxy's interface v3."""
    tree = tmp_path / "galaxy"
    command = f"ansible-galaxy collection build {ROOT} --output-path {tree}"
    run(command, tmp_path, tmp_path)
    (archive,) = tree.glob("*.tar.gz")
    number = archive.name.removesuffix(".tar.gz").rpartition("-")[2]
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tree)))
    address = f"http://127.0.0.1:{server.server_port}"
    about = {
        "namespace": {"name": "otsec"},
        "collection": {"name": "defender_iot"},
        "name": "defender_iot",
        "version": number,
        "href": f"/{VERSIONS}/{number}/",
        "download_url": f"{address}/{archive.name}",
        "artifact": {"sha256": hashlib.sha256(archive.read_bytes()).hexdigest()},
        "metadata": {"dependencies": {}},
        "signatures": [],
    }
    answers = {
        "api": {"available_versions": {"v3": "v3/"}},
        COLLECTION: {**about, "created_at": MOMENT, "updated_at": MOMENT},
        VERSIONS: {"meta": {"count": 1}, "links": {"next": None}, "data": [about]},
        f"{VERSIONS}/{number}": about,
    }
    for path, answer in answers.items():
        (tree / path).mkdir(parents=True, exist_ok=True)
        (tree / path / "index.html").write_text(json.dumps(answer))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield address
    finally:
        server.shutdown()
        server.server_close()
        thread.join(STEP_SECONDS)


def test_the_collection_is_installed_from_galaxy_and_without_a_network(tmp_path: Path, galaxy: str) -> None:
    online, offline = tmp_path / "online", tmp_path / "offline"
    for home in (online, offline):
        home.mkdir()
    (install,) = blocks("From Galaxy", "text")
    (pinned,) = blocks("From Galaxy", "yaml")
    download, from_bundle = blocks("Without a network", "text")
    (online / "requirements.yml").write_text(pinned)
    script = f"{install}ansible-galaxy collection install --force -r requirements.yml\n{of_galaxy(download)}"
    check_installed(online, run(script + commands(CHECK), online, online, ANSIBLE_GALAXY_SERVER=galaxy))
    nowhere = "http://127.0.0.1:9"
    output = run(
        of_galaxy(from_bundle) + commands(CHECK), online / "bundle", offline, ANSIBLE_GALAXY_SERVER=nowhere
    )
    check_installed(offline, output)
