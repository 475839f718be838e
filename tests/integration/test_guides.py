# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The commands of README and guides, unchanged, on mock appliances."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from ansible_collections.otsec.defender_iot.tests.support.walk import Walk, recap
from ansible_collections.otsec.defender_iot.tests.support.workspace import ROOT, Workspace

LAID_OUT = """```shell
cp -r $COLLECTION/examples/inventory $COLLECTION/examples/rollout.yml .
mv fortigates.yml inventory
(umask 077 && openssl rand -base64 32 > ../vault-password)
export ANSIBLE_VAULT_PASSWORD_FILE=$PWD/../vault-password ANSIBLE_INVENTORY=$PWD/inventory
ansible-playbook -i inventory otsec.defender_iot.lab -e lab_directory=$PWD/.lab
cp .lab/inventory.yml inventory/lab.yml
```
"""
# Its pin in the inventory is that of a real FortiGate.
PINNED = "fgt-south-01"
# The page shows this play, without a command that runs it.
POLICY = """```shell
cat > block_list.yml <<'END'
- hosts: fortigates
  gather_facts: false
  roles:
    - otsec.defender_iot.fortigate_response
END
ansible-playbook -i inventory block_list.yml
```
"""
WALKED = {
    "README.md": "## Use cases",
    "docs/endpoint_maps.md": "",
    "docs/forescout.md": "",
    "docs/fortinet.md": "",
    "docs/blocking.md": "",
    "docs/report.md": "",
    "docs/verification.md": "",
    "docs/lab.md": "",
}
"""The section of each page, or the whole page. The last one stops the lab."""
ELSEWHERE = {
    "README.md": "how to clone and install, before the use cases",
    "docs/connections.md": "asks a real address for its certificate",
    "docs/decommissioning.md": "test_journey.py",
    "docs/engines.md": "test_runner.py and test_execution_environment.py",
    "docs/event_driven.md": "tests/rulebook",
    "docs/first_login.md": "test_journey.py",
    "docs/forescout_policies.md": "test_forescout_policies.py",
    "docs/fortisiem.md": "test_fortisiem.py",
    "docs/from_alert_to_block.md": "test_respond.py",
    "docs/from_sensor_to_map.md": "test_recording_to_map.py",
    "docs/gitops.md": "test_gitops.py",
    "docs/installation.md": "test_installation.py",
    "docs/performance.md": "measures for many minutes",
    "docs/quick_start.md": "test_quick_start.py",
    "docs/secrets.md": "opens an editor for an operator to type in",
}


def section(page: str, heading: str) -> str:
    """Return the section of a page below a heading."""
    text = (ROOT / page).read_text()
    return text.partition(heading)[2].partition("\n## ")[0] if heading else text


def test_every_page_with_commands_is_followed_here_or_elsewhere() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    with_commands = {str(page.relative_to(ROOT)) for page in pages if "```shell" in page.read_text()}
    assert with_commands == WALKED.keys() | ELSEWHERE.keys()


@pytest.fixture
def walk(tmp_path: Path) -> Iterator[Walk]:
    """A folder with the files that the guides' commands require."""
    sections = {page: section(page, heading) for page, heading in WALKED.items()}
    sections["docs/blocking.md"] = POLICY + sections["docs/blocking.md"]
    commands = LAID_OUT + "".join(sections.values())
    walk = Walk(tmp_path, commands)
    pins = {f"fortigate_{role}_cert_fingerprint": "AB" * 32 for role in ("access", "response")}
    hosts = {PINNED: {**pins, "lab_certificate": "self_signed"}}
    (tmp_path / "fortigates.yml").write_text(yaml.safe_dump({"all": {"hosts": hosts}}))
    try:
        yield walk
    finally:
        walk.clean_up()


def test_every_command_of_the_guides_works_where_it_is_typed(walk: Walk) -> None:
    before = changed_files()
    walk.go()
    assert set(recap(walk.after("otsec.defender_iot.drift\n")).values()) == {0}
    exported = walk.folder / "export/host_vars/fgt-north-01/fortigate_access.yml"
    assert "name: defender-iot" in exported.read_text()
    assert (walk.folder / "verdicts.json").exists()
    assert changed_files() == before


def changed_files() -> str:
    """Return the changed files in the clone, which is the installed collection."""
    return subprocess.run(
        [str(shutil.which("git")), "-c", "safe.directory=*", "status", "--porcelain"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def test_a_relative_folder_of_the_lab_is_refused(
    workspace: Workspace,
) -> None:
    workspace.inventory()
    run = workspace.playbook("otsec.defender_iot.lab", "--extra-vars=lab_directory=.lab")
    assert run.code == 2
    assert (
        'lab_directory is the relative path ".lab"; set an absolute path, such as $PWD/.lab'
        in run.output.replace('\\"', '"')
    )
