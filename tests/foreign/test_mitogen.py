# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Delegated tasks under Mitogen, which runs modules on the delegation host in its own way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.otsec.defender_iot.tests.support.bastion import Bastion, running_bastion
from ansible_collections.otsec.defender_iot.tests.support.foreign import ENVIRONMENT, VERSIONS
from ansible_collections.otsec.defender_iot.tests.support.lab import Lab
from ansible_collections.otsec.defender_iot.tests.support.leaks import files_with, leaked
from ansible_collections.otsec.defender_iot.tests.support.workspace import ROOT, Workspace, play, task

FORTIGATE = VERSIONS[0]


@pytest.fixture
def bastion(tmp_path: Path) -> Iterator[Bastion]:
    """A host behind SSH."""
    with running_bastion(tmp_path / "bastion") as bastion:
        yield bastion


@pytest.fixture
def node(tmp_path: Path, lab: Lab) -> Workspace:
    """A control node whose strategy is Mitogen's."""
    packages, own = next(ENVIRONMENT.glob("lib/python*/site-packages")), tmp_path / "mitogen"
    own.mkdir()
    for name in ("mitogen", "ansible_mitogen"):
        (own / name).symlink_to(packages / name)
    made = Workspace(tmp_path / "node", ROOT / ".cache/tree", lab)
    made.environment |= {
        "PYTHONPATH": str(own),
        "ANSIBLE_STRATEGY": "mitogen_linear",
        "ANSIBLE_STRATEGY_PLUGINS": str(own / "ansible_mitogen/plugins/strategy"),
    }
    return made


def test_a_delegated_task_mints_and_leaves_no_secret_on_the_bastion(
    node: Workspace, bastion: Bastion
) -> None:
    lab = node.lab
    lab.cmdb(FORTIGATE, "POST", "api-user", {"name": "plant", "accprofile": "super_admin_readonly"})
    node.inventory(fgt=node.host(FORTIGATE), bastion=bastion.variables())
    key = task("fortigate_api_key", name="plant", secret_ref=node.ref("key"))
    run = node.run(play({**key, "delegate_to": "bastion"}, hosts="fgt"), arguments=["-vvvv"]).succeeded()
    secrets = [secret["value"] for secret in lab.secrets()]
    assert run.one("fgt").data["minted"]
    assert node.kept("key")["value"] in secrets
    assert bastion.commands
    assert leaked(secrets, "".join([run.output, *bastion.commands])) == []
    assert files_with(secrets, bastion.folder) == []
