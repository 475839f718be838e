# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An inventory for Fortinet's modules, whose hosts have another connection."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.otsec.defender_iot.tests.support import lab as labs
from ansible_collections.otsec.defender_iot.tests.support.foreign import ENVIRONMENT, VERSIONS
from ansible_collections.otsec.defender_iot.tests.support.lab import Lab
from ansible_collections.otsec.defender_iot.tests.support.workspace import ROOT, Workspace, play, task

VERSION = VERSIONS[-1]
TREE = ROOT / ".cache/tree"
CLOSED_PORT = 1
NETWORK = {
    "ansible_network_os": "fortinet.fortios.fortios",
    "ansible_host": "127.0.0.1",
    "ansible_port": CLOSED_PORT,
    "ansible_user": "operator",
    "ansible_password": "wrong",
}
HTTPAPI = {**NETWORK, "ansible_connection": "ansible.netcommon.httpapi"}
READ = task("fortigate_admin_profile_info")


@pytest.fixture(scope="module")
def running_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab of its own: daemons that tests of Fortinet's modules left call theirs until they time out."""
    fortigate = {
        "name": VERSION,
        "kind": "fortigate",
        "address": "203.0.113.1",
        "options": {"version": VERSION},
    }
    with labs.running_lab(tmp_path_factory.mktemp("lab"), [fortigate]) as lab:
        yield lab


@pytest.fixture
def node(tmp_path: Path, lab: Lab) -> Workspace:
    """A control node of this collection that has Fortinet's collection too."""
    made = Workspace(tmp_path / "node", TREE, lab)
    made.environment["ANSIBLE_COLLECTIONS_PATH"] = f"{TREE}:{ENVIRONMENT}"
    return made


def test_a_host_with_httpapi_is_reached_without_that_connection(node: Workspace) -> None:
    node.inventory(fgt={**node.host(VERSION), **HTTPAPI})
    run = node.run(play(READ), arguments=["-vvvv"]).succeeded()
    assert "attempting to start connection" not in run.output
    assert [call["principal"] for call in node.lab.calls()] == ["automation"]


def test_a_connection_that_ansible_cannot_load_is_overridden_in_the_play(node: Workspace) -> None:
    unsupported = {**NETWORK, "ansible_connection": "ansible.netcommon.network_cli"}
    missing = {"ansible_connection": "not.installed.httpapi"}
    leftovers = {"unsupported": unsupported, "missing": missing}
    node.inventory(**{name: {**node.host(VERSION), **each} for name, each in leftovers.items()})
    run = node.run(play(READ))
    assert re.search("network os .* is not supported", run.output)
    assert re.search("plugin 'not.installed.httpapi' was not found", run.output)
    assert {result.status for result in run.results} <= {"failed", "unreachable"}
    overridden = node.run(play(READ, vars={"ansible_connection": "local"})).succeeded()
    assert {result.host for result in overridden.results} == leftovers.keys()


def test_a_task_is_not_delegated_to_a_host_with_httpapi(node: Workspace) -> None:
    node.inventory(fgt=node.host(VERSION), other=HTTPAPI)
    result = node.run(play({**READ, "delegate_to": "other"}, hosts="fgt")).one("fgt")
    assert result.status == "failed"
    assert result.message == (
        "fgt: checking the options failed: the connection ansible.netcommon.httpapi of other runs no "
        "commands; set ansible_connection: ssh for other"
    )
    assert node.lab.calls() == []


def test_no_command_of_a_host_with_httpapi_runs_on_the_control_node(node: Workspace) -> None:
    node.inventory(fs=HTTPAPI)
    result = node.run(play(task("forescout_module_info", transport="fstool", discover=True))).one("fs")
    assert "the connection ansible.netcommon.httpapi of fs runs no commands" in result.message
