# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ways to install the collection that need no Galaxy, as the page describes them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.otsec.defender_iot.tests.support.patience import RUN_SECONDS
from ansible_collections.otsec.defender_iot.tests.support.workspace import ROOT

PAGE = (ROOT / "docs/installation.md").read_text()
CHECK = "Check it"


def commands(heading: str) -> str:
    """Return the commands below a heading, for a clone of this repository instead of the public one."""
    text = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    lines = "".join(re.findall(r"```shell\n(.*?)```", text, re.DOTALL))
    return lines.replace("https://github.com/otsec/defender_iot", f"file://{ROOT}")


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="needs a clone")
@pytest.mark.parametrize("heading", ["From a Git clone", "From a file"])
def test_the_collection_is_installed_as_the_page_says(tmp_path: Path, heading: str) -> None:
    script = commands(heading).replace(f"git clone file://{ROOT}", f"git clone file://{ROOT} defender_iot")
    environment = {
        "HOME": str(tmp_path),
        "LC_ALL": "C.UTF-8",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "ANSIBLE_NOCOLOR": "1",
    }
    done = subprocess.run(
        ["/bin/bash", "-euc", script + commands(CHECK)],
        cwd=tmp_path,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "MODULE otsec.defender_iot.fortigate_access" in done.stdout
    installed = tmp_path / ".ansible/collections/ansible_collections/otsec/defender_iot"
    assert (installed / "MANIFEST.json").exists()
