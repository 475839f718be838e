# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A task gives the same result whether the control node or a host behind SSH reaches the appliance."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.tests.support.bastion import Bastion, running_bastion
from ansible_collections.otsec.defender_iot.tests.support.leaks import (
    CommandLines,
    files_with,
    leaked,
    watched_command_lines,
)
from ansible_collections.otsec.defender_iot.tests.support.patience import wait_for
from ansible_collections.otsec.defender_iot.tests.support.sabotage import Background
from ansible_collections.otsec.defender_iot.tests.support.workspace import (
    ENDPOINTS,
    ROOT,
    Play,
    Run,
    Task,
    Workspace,
    play,
    task,
)

# With the advice for large fleets, and without it.
APPLIANCES: dict[str, dict[str, Any]] = {
    "fgt-north-01": {"ansible_connection": "local"},
    "sensor-north-01": {"ansible_connection": "local"},
    "forescout-01": {},
    "fortisiem-01": {},
}
VARYING = [
    (re.compile(r"\b[0-9a-f]{12}\b"), "FINGERPRINT"),
    (re.compile(r'(?<="clock_skew": )-?\d+'), "1"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "TIME"),
]
PROFILE = task("fortigate_admin_profile", name="defender-iot", preset="defender_iot")
GENERATE_KEY = "/api/v2/monitor/system/api-user/generate-key"
# It has no property of the module, before and after a poll.
HOST_WITHOUT_VALUES = "203.0.113.50"


def _ignoring(failing: Task) -> Task:
    return {**failing, "ignore_errors": True}


def _predicted(failing: Task) -> Task:
    return {**_ignoring(failing), "check_mode": True}


def _access(node: Workspace) -> dict[str, Any]:
    """Change the comments, and mint a key for the existing administrator."""
    profiles = [{"name": "defender-iot", "comments": "changed"}]
    admins = [{"name": "defender-iot", "secret_ref": node.ref("access")}]
    return {"profiles": profiles, "admins": admins}


def _fortigate_tasks(node: Workspace) -> list[Task]:
    profile = task("fortigate_admin_profile", name="defender-iot", preset="defender_iot")
    wanted = {"profile": "defender-iot", "trusted_hosts": ["127.0.0.1"], "vdoms": ["root"]}
    admin = task("fortigate_api_admin", name="defender-iot", **wanted)
    key = {"name": "defender-iot", "secret_ref": node.ref("key")}
    return [
        profile,
        profile,
        task("fortigate_admin_profile_info", names=["defender-iot"]),
        admin,
        task("fortigate_api_admin_info"),
        task("fortigate_api_key", **key),
        task("fortigate_api_key", **key, recreate="invalid"),
        task("fortigate_access", **_access(node)),
        *_block_tasks(),
        _ignoring(task("fortigate_admin_profile", name="super_admin", vpn="none")),
        _ignoring(task("fortigate_admin_profile", name="defender-iot", state="absent")),
        _ignoring(task("fortigate_api_admin", name="x", profile="defender-iot", trusted_hosts=["0.0.0.0/0"])),
        _predicted(task("fortigate_api_admin", name="x", **{**wanted, "profile": "missing"})),
        _predicted(task("fortigate_api_admin", name="x", **{**wanted, "vdoms": ["missing"]})),
        _predicted(task("fortigate_access", admins=[{"name": "x", **wanted, "vdoms": ["missing"]}])),
    ]


def _block_tasks() -> list[Task]:
    """Block a host, and release it."""
    entries = [{"address": "192.0.2.77", "until": "2099-01-01T00:00:00Z"}]
    return [
        task("fortigate_block_list", entries=entries),
        task("fortigate_block_list", entries=entries),
        task("fortigate_block_policy"),
        task("fortigate_block_list_info"),
        task("fortigate_block_list", mode="exact", entries=[]),
    ]


def _sensor_tasks(node: Workspace) -> list[Task]:
    token = {"description": "forescout", "secret_ref": node.ref("token")}
    mapped = {**token, "endpoints": ENDPOINTS["sensor"]}
    return [
        task("sensor_access_token", **mapped),
        task("sensor_access_token", **mapped),
        task("sensor_access_token", **token),
        _ignoring(task("sensor_access_token", description="other", secret_ref=node.ref("no-such"))),
        task("sensor_access_token_info", endpoints=ENDPOINTS["sensor"]),
        *_documented_sensor_tasks(node),
    ]


def _documented_sensor_tasks(node: Workspace) -> list[Task]:
    """Return the tasks that read the documented API with the token of an earlier task."""
    token = f"{{{{ lookup('otsec.defender_iot.secret', '{node.ref('token')}') }}}}"
    return [
        task("sensor_device_info", token=token, security_scores=True),
        task("sensor_alert_info", token=token, severities=["critical"]),
        task("sensor_connection_check", token=token, negative_control=True),
        task("sensor_connection_check", check="credentials"),
        _ignoring(task("sensor_connection_check", token="0" * 32)),
    ]


def _forescout_tasks(node: Workspace) -> list[Task]:
    rest = {"transport": "rest", "endpoints": ENDPOINTS["forescout"]}
    settings = {"server_address": "192.0.2.11", "access_token_ref": node.ref("token")}
    return [
        task("forescout_module", **rest, **settings),
        task("forescout_module", **rest, **settings),
        task("forescout_module_info", endpoints=ENDPOINTS["forescout"]),
        task("forescout_module", transport="manual", **settings),
        task("forescout_host_info"),
        task("forescout_host_info", host=HOST_WITHOUT_VALUES),
        _ignoring(task("forescout_host_info", host="192.0.2.250")),
        task("forescout_policy_info"),
    ]


def _fortisiem_tasks() -> list[Task]:
    sources = [{"name": "sensor-north-01", "addresses": ["192.0.2.11"]}]
    return [
        task("fortisiem_event_info", sources=sources),
        _ignoring(task("fortisiem_event_info", sources=[])),
    ]


def _clean_up(node: Workspace) -> list[Play]:
    token = {"description": "forescout", "secret_ref": node.ref("token"), "endpoints": ENDPOINTS["sensor"]}
    return [
        play(task("sensor_access_token", **token, state="absent"), hosts="sensor-north-01"),
        play(
            task("fortigate_access", profiles=[], admins=[], purge=True, purge_names="[do]*"),
            hosts="fgt-north-01",
        ),
    ]


def _plays(node: Workspace) -> list[Play]:
    return [
        play(*_fortigate_tasks(node), hosts="fgt-north-01"),
        play(*_sensor_tasks(node), hosts="sensor-north-01"),
        play(*_forescout_tasks(node), hosts="forescout-01"),
        play(*_fortisiem_tasks(), hosts="fortisiem-01"),
        *_clean_up(node),
    ]


def _delegated(plays: list[Play]) -> list[Play]:
    return [{**each, "tasks": [{**t, "delegate_to": "bastion"} for t in each["tasks"]]} for each in plays]


def _normalised(run: Run) -> list[tuple[str, str, str, Any]]:
    """Return the results without varying values and without Ansible's own keys."""
    return [(r.host, r.module, r.status, _without_varying(r.data)) for r in run.results]


def _without_varying(data: dict[str, Any]) -> Any:
    text = json.dumps({name: value for name, value in data.items() if not name.startswith("_ansible")})
    for pattern, replacement in VARYING:
        text = pattern.sub(replacement, text)
    return json.loads(text)


@dataclass(frozen=True)
class Both:
    """The same tasks in-process and through the bastion, with the command lines of the second run."""

    node: Workspace
    bastion: Bastion
    here: Run
    there: Run
    calls_here: list[tuple[str, str, int]]
    calls_there: list[tuple[str, str, int]]
    lines: CommandLines
    secrets: list[str]


def _calls(node: Workspace) -> list[tuple[str, str, int]]:
    """Return the calls of the tasks, one for each verb, without logins, polls and numbered queries."""
    login = re.compile(r"^/(api/authentication/.*|api/login|fsum/.*|api/v1/devices|phoenix/rest/.*|)$")
    calls = [call for call in node.lab.calls() if not login.match(call["path"])]
    return [(call["method"], call["path"], call["status"]) for call in calls]


@pytest.fixture(scope="module")
def bastion(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bastion]:
    """A host behind SSH."""
    with running_bastion(tmp_path_factory.mktemp("bastion") / "host") as bastion:
        yield bastion


def _inventory(node: Workspace, bastion: Bastion, **more: Any) -> None:
    hosts = {name: {**node.host(name), **own} for name, own in APPLIANCES.items()}
    node.inventory(**hosts, bastion=bastion.variables(**more))


@pytest.fixture(scope="module")
def both(new_workspace: Callable[[], Workspace], bastion: Bastion) -> Both:
    """Run the tasks both ways, from the same initial state."""
    node = new_workspace()
    lab = node.lab
    _inventory(node, bastion, ansible_pipelining=True)
    here = node.run(*_plays(node), arguments=["--diff"])
    calls_here = _calls(node)
    shutil.rmtree(node.store)
    lab.reset()
    bastion.commands.clear()
    with watched_command_lines() as lines:
        there = node.run(
            *_delegated(_plays(node)),
            arguments=["-vvvv", "--diff"],
            ANSIBLE_LOG_PATH=str(node.folder / "ansible.log"),
        )
    secrets = [secret["value"] for secret in lab.secrets()]
    return Both(node, bastion, here, there, calls_here, _calls(node), lines, secrets)


def test_every_module_is_compared(both: Both) -> None:
    modules = {path.stem for path in (ROOT / "plugins/modules").glob("*.py")}
    modules = {each for each in modules if not each.startswith("respond_")}
    # These are about the run. forescout_policy writes a file, or uses Ansible's own connection with fstool.
    modules -= {"report_outcome", "selection_check", "forescout_policy"}
    assert {result.module for result in both.here.results} == modules
    assert len(both.here.results) == sum(len(each["tasks"]) for each in _plays(both.node))


def test_results_are_the_same_in_process_and_through_the_bastion(both: Both) -> None:
    there = _normalised(both.there)
    for number, result in enumerate(_normalised(both.here)):
        assert there[number] == result
    assert len(there) == len(both.here.results)


def test_calls_are_the_same_in_process_and_through_the_bastion(both: Both) -> None:
    assert both.calls_there == both.calls_here
    assert [path for _method, path, _status in both.calls_there if path.endswith("/generate-key")]


def test_delegated_tasks_really_go_through_the_bastion(both: Both) -> None:
    requests = len(both.calls_there)
    assert len(both.bastion.commands) > requests / 2


def test_secrets_are_minted_through_the_bastion_and_kept_on_the_control_node(both: Both) -> None:
    minted = [result.module for result in both.there.results if result.data.get("minted")]
    assert minted == ["fortigate_api_key", "sensor_access_token"]
    assert both.node.kept("key")["value"] in both.secrets


def test_no_secret_is_printed_or_logged_on_the_way(both: Both) -> None:
    assert "SSH: EXEC" in both.there.output
    assert leaked(both.secrets, both.there.output) == []
    assert files_with(both.secrets, both.node.folder, both.node.inputs) == []
    assert files_with(both.secrets, both.bastion.folder) == []


def test_no_secret_was_in_a_command_line_on_the_way(both: Both) -> None:
    assert any(b"ssh" in line for line in both.lines.seen)
    for line in (*both.lines.seen, *(command.encode() for command in both.bastion.commands)):
        assert leaked(both.secrets, line) == []


def test_nothing_is_left_on_the_bastion(both: Both) -> None:
    assert both.bastion.files() == []


def test_check_mode_writes_nothing_through_a_bastion(workspace: Workspace, bastion: Bastion) -> None:
    _inventory(workspace, bastion)
    checked = play(PROFILE, hosts="fgt-north-01", check_mode=True, diff=True)
    result = workspace.run(*_delegated([checked])).succeeded().one("fgt-north-01")
    assert result.changed
    assert result.data["profile"]["firewall_permissions"]["policy"] == "read-write"
    assert [call["method"] for call in workspace.lab.calls("fgt-north-01")] == ["GET"]
    assert bastion.files() == []


def test_no_file_on_the_bastion_has_a_secret_when_a_task_is_killed(
    workspace: Workspace, bastion: Bastion
) -> None:
    lab = workspace.lab
    lab.cmdb(
        "fgt-north-01", "POST", "api-user", {"name": "defender-iot", "accprofile": "super_admin_readonly"}
    )
    _inventory(workspace, bastion, ansible_pipelining=False, ansible_ssh_transfer_method="sftp")
    known = len(lab.secrets())
    lab.fault("fgt-north-01", "delay", {"path_prefix": GENERATE_KEY}, seconds=20, after=True)
    key = task("fortigate_api_key", name="defender-iot", secret_ref=workspace.ref("key"))
    run = Background(lambda: workspace.run(*_delegated([play(key, hosts="fgt-north-01")])))
    wait_for(lambda: len(lab.secrets()) > known)
    secrets = [secret["value"] for secret in lab.secrets()]
    assert bastion.shells
    assert files_with(secrets, bastion.folder) == []
    bastion.kill()
    result = run.wait().one("fgt-north-01")
    assert result.status == "failed"
    assert "the module process on the delegation host failed" in result.message
    assert files_with(secrets, bastion.folder) == []
    # What the killed process has left has no secret, but is a file.
    shutil.rmtree(bastion.temporary)
    bastion.temporary.mkdir()


@pytest.mark.parametrize(
    ("variables", "environment", "why"),
    [
        (
            {},
            {"ANSIBLE_KEEP_REMOTE_FILES": "1"},
            "ANSIBLE_KEEP_REMOTE_FILES would keep the secrets of the task",
        ),
        (
            {"ansible_become": True, "ansible_become_method": "su"},
            {},
            "the connection ssh to bastion cannot pipeline as it is set up",
        ),
    ],
)
def test_a_bastion_that_would_get_files_is_refused(
    workspace: Workspace, bastion: Bastion, variables: Task, environment: dict[str, str], why: str
) -> None:
    _inventory(workspace, bastion, **variables)
    bastion.commands.clear()
    run = workspace.run(*_delegated([play(PROFILE, hosts="fgt-north-01")]), **environment)
    result = run.one("fgt-north-01")
    assert result.status == "failed"
    assert f"checking the options failed: {why}" in result.message
    assert bastion.commands == []
    assert workspace.lab.calls() == []


def test_the_environment_of_a_task_is_in_no_command_line(workspace: Workspace, bastion: Bastion) -> None:
    host = workspace.host("fgt-north-01")
    token = host.pop("token")
    workspace.inventory(fgt_north_01=host, bastion=bastion.variables())
    bastion.commands.clear()
    read = {**task("fortigate_admin_profile_info"), "environment": {"FORTIGATE_TOKEN": token}}
    with watched_command_lines() as lines:
        workspace.run(*_delegated([play(read, hosts="fgt-north-01")])).succeeded()
    assert bastion.commands
    for line in (*lines.seen, *(command.encode() for command in bastion.commands)):
        assert leaked([token], line) == []


# Bastions that cannot carry out a task, and the variables of each. One has a Python without packages.
UNUSABLE: dict[str, dict[str, Any]] = {
    "without-python": {"ansible_python_interpreter": "/no/such/python"},
    "without-packages": {},
    "closed-bastion": {"ansible_port": 1},
}


@pytest.fixture(scope="module")
def unusable(
    new_workspace: Callable[[], Workspace], bastion: Bastion, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Workspace, Run]:
    """Delegate a task of a FortiGate to each of these bastions."""
    node = new_workspace()
    python = tmp_path_factory.mktemp("bare") / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n')
    python.chmod(0o755)
    variables = {**UNUSABLE, "without-packages": {"ansible_python_interpreter": str(python)}}
    hosts = {f"fgt-{name}": node.host(place, way=name) for name, place in _places().items()}
    node.inventory(**hosts, **{name: bastion.variables(**own) for name, own in variables.items()})
    return node, node.run(play({**PROFILE, "delegate_to": "{{ way }}"}, hosts=",".join(hosts)))


def _places() -> dict[str, str]:
    """Return the FortiGate of each unusable bastion."""
    return {name: f"spare-{number:02}" for number, name in enumerate(UNUSABLE, 1)}


def _says_that_python_is_missing(message: str, fortigate: str) -> None:
    assert message.startswith(
        f'{fortigate}: reading admin profile "defender-iot" failed: the module process on'
    )
    assert re.search(r"/no/such/python: not found \(exit code 127\); check the Python interpreter", message)


def test_the_reason_of_a_failed_module_process_is_shown(unusable: tuple[Workspace, Run]) -> None:
    fortigate = "fgt-without-python"
    _says_that_python_is_missing(unusable[1].one(fortigate).message, fortigate)


def test_a_missing_package_on_the_bastion_is_named(unusable: tuple[Workspace, Run]) -> None:
    assert re.search(
        r'reading admin profile "defender-iot" failed: the Python package requests is not installed for \S+ '
        r"on \S+; install it there$",
        unusable[1].one("fgt-without-packages").message,
    )


def test_a_bastion_that_cannot_be_reached_is_named(unusable: tuple[Workspace, Run]) -> None:
    node, run = unusable
    result = run.one("fgt-closed-bastion")
    assert run.code != 0
    assert result.status == "unreachable"
    assert result.message.startswith("fgt-closed-bastion: ")
    assert "cannot reach closed-bastion," in result.message
    assert node.lab.calls(_places()["closed-bastion"]) == []


def test_the_reason_of_a_failed_module_process_is_shown_in_a_verbose_run_too(
    workspace: Workspace, bastion: Bastion
) -> None:
    _inventory(workspace, bastion, **UNUSABLE["without-python"])
    run = workspace.run(*_delegated([play(PROFILE, hosts="fgt-north-01")]), arguments=["-vvvv"])
    _says_that_python_is_missing(run.one("fgt-north-01").message, "fgt-north-01")


def test_a_task_delegated_to_the_control_node_itself_runs_in_process(
    workspace: Workspace, bastion: Bastion
) -> None:
    _inventory(workspace, bastion)
    bastion.commands.clear()
    info = {**task("fortigate_admin_profile_info"), "delegate_to": "localhost"}
    result = workspace.run(play(info, hosts="fgt-north-01")).succeeded().one("fgt-north-01")
    assert "super_admin" in [profile["name"] for profile in result.data["profiles"]]
    assert bastion.commands == []
