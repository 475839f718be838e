# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action behind every module: the environment of its task, and what reaches a delegation host."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from ansible import constants
from ansible.errors import AnsibleConnectionFailure, AnsibleError

from ansible_collections.otsec.defender_iot.plugins.action.fortigate_admin_profile_info import ActionModule
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import (
    ApplianceError,
    InvalidOptions,
    Unreachable,
)
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._action import control_node
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._action.control_node import ControlNode
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._action.relay import RelayedAppliance

VERIFIED = {"validate_certs": True, "cert_fingerprint": None}
PARAMS = {**dict.fromkeys(ActionModule.module.arguments.spec), "token": "s3cr3t"}
CALL = (PARAMS, "read", "profile", ["a"])


class Connection:
    """A connection that can or cannot pipeline, and has the option for it or not."""

    transport = "ssh"
    has_option = True

    def __init__(self, *, has_pipelining: bool = True) -> None:
        self.has_pipelining = has_pipelining
        self.options: dict[str, Any] = {}
        self._play_context = SimpleNamespace(no_log=False, pipelining=False)

    def set_option(self, name: str, value: Any) -> None:
        if not self.has_option:
            raise KeyError(name)
        self.options[name] = value


class WithoutOption(Connection):
    """A connection that takes the setting from the play context."""

    has_option = False


class Mitogen(Connection):
    """A connection of Mitogen, by the module of its base."""

    __module__ = "ansible_mitogen.connection"


class Action(ActionModule):
    """An action whose module process returns or raises what the test says."""

    def __init__(self, connection: Any, result: Any = None, **task: Any) -> None:
        self._connection = connection
        self._task = SimpleNamespace(
            **{"delegate_to": None, "environment": [{"A": "b"}], "no_log": None, "check_mode": False, **task},
            connection="ssh",
            _role=None,
        )
        self._templar = SimpleNamespace(template=lambda value: value)
        self.result = result
        self.seen: Any = None
        self.sent: dict[str, Any] = {}

    def _compute_environment_string(self, raw_environment_out: dict[str, Any]) -> None:
        for each in self._task.environment:
            raw_environment_out.update(each)

    def _is_pipelining_enabled(self, module_style: str) -> bool:
        assert not isinstance(self._connection, Mitogen)
        enabled = self._connection.options.get("pipelining") or self._connection._play_context.pipelining
        return bool(self._connection.has_pipelining and enabled)

    def _execute_module(self, **options: Any) -> Mapping[str, Any]:
        self.sent = options["module_args"]
        context = self._connection._play_context
        self.seen = (self._task.no_log, context.no_log, self._task.environment)
        if isinstance(self.result, Exception):
            raise self.result
        return dict(self.result)


def node(action: Action, **variables: Any) -> ControlNode:
    """Return the control node of an action on the host fgt."""
    return ControlNode(action, action.module, {"inventory_hostname": "fgt", **variables})


def test_the_environment_of_a_task_consists_of_texts() -> None:
    action = Action(Connection(), environment=[{"FORTIGATE_TIMEOUT": 5, "A": "a"}, {"A": "b"}])
    assert node(action).environment() == {"FORTIGATE_TIMEOUT": "5", "A": "b"}
    assert node(Action(Connection(), environment=None)).environment() == {}


@pytest.mark.parametrize("connection", [Connection(), WithoutOption(), Mitogen(has_pipelining=False)])
def test_a_delegated_task_is_sent_by_standard_input(connection: Connection) -> None:
    action = Action(connection, delegate_to="bastion")
    assert isinstance(node(action).relay(VERIFIED), RelayedAppliance)


def test_a_connection_that_would_write_files_is_refused() -> None:
    action = Action(Connection(has_pipelining=False), delegate_to="bastion")
    with pytest.raises(InvalidOptions, match="the connection ssh to bastion cannot pipeline as it is set up"):
        node(action).relay(VERIFIED)


@pytest.mark.parametrize("connection", [Connection(), Mitogen()])
def test_files_that_ansible_would_keep_are_refused(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "DEFAULT_KEEP_REMOTE_FILES", True)
    with pytest.raises(InvalidOptions, match="ANSIBLE_KEEP_REMOTE_FILES would keep the secrets of the task"):
        node(Action(connection, delegate_to="bastion")).relay(VERIFIED)


def test_options_that_are_not_set_are_not_sent() -> None:
    action = Action(Connection(), {"reply": None}, delegate_to="bastion")
    given = {**PARAMS, "names": [{"a": None, "b": {"c": None, "d": False}}]}
    node(action)._call(given, *CALL[1:])
    sent = {name: each for name, each in action.sent.items() if name != "_call"}
    assert sent == {"token": "s3cr3t", "names": [{"b": {"d": False}}]}


@pytest.mark.parametrize("result", [{"reply": None}, AnsibleError("no")])
def test_a_call_is_not_logged_and_has_no_environment(result: Any) -> None:
    action = Action(Connection(), result, delegate_to="bastion")
    if isinstance(result, Exception):
        with pytest.raises(ApplianceError):
            node(action)._call(*CALL)
    else:
        assert node(action)._call(*CALL) == result
    assert action.seen == (True, True, [])
    after = (action._task.no_log, action._connection._play_context.no_log, action._task.environment)
    assert after == (None, False, [{"A": "b"}])


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (AnsibleConnectionFailure("x"), Unreachable, "Ansible cannot reach bastion, the host in delegate_to"),
        (
            AnsibleError("Missing sudo password"),
            ApplianceError,
            "in delegate_to: Missing sudo password; check",
        ),
    ],
)
def test_an_error_of_ansible_is_one_of_the_task(error: Exception, kind: type, message: str) -> None:
    with pytest.raises(kind, match=message) as caught:
        node(Action(Connection(), error, delegate_to="bastion"))._call(*CALL)
    assert caught.type is kind


@pytest.mark.parametrize(
    ("params", "count"),
    [
        ({"validate_certs": False, "cert_fingerprint": None}, 1),
        ({"validate_certs": False, "cert_fingerprint": "ab"}, 0),
        (VERIFIED, 0),
    ],
)
@pytest.mark.parametrize("delegate_to", [None, "bastion"])
def test_an_unverified_certificate_is_a_warning(
    params: Any, count: int, delegate_to: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    warnings: list[str] = []
    monkeypatch.setattr(control_node, "display", SimpleNamespace(warning=warnings.append))
    node(Action(Connection(), delegate_to=delegate_to)).relay(params)
    assert [each.partition(",")[0] for each in warnings] == ["fgt: validate_certs is false"] * count


LOCAL = Connection()
LOCAL.transport = "local"


@pytest.mark.parametrize("name", ["httpapi", "ansible.netcommon.network_cli"])
def test_a_replaced_connection_runs_no_commands(name: str) -> None:
    with pytest.raises(InvalidOptions, match=f"the connection {name} of fgt runs no commands"):
        node(Action(LOCAL), ansible_connection=name).shell()
    delegated = {"ansible_delegated_vars": {"other": {"ansible_connection": name}}}
    with pytest.raises(InvalidOptions, match=f"the connection {name} of other runs no commands"):
        node(Action(LOCAL, delegate_to="other"), **delegated).relay(VERIFIED)
    assert node(Action(LOCAL), ansible_connection=name).relay(VERIFIED) is None


@pytest.mark.parametrize("name", ["local", "ansible.builtin.local"])
def test_the_control_node_s_own_connection_runs_commands(name: str) -> None:
    assert node(Action(LOCAL), ansible_connection=name).shell()
    delegated = {"ansible_delegated_vars": {"localhost": {"ansible_connection": name}}}
    assert node(Action(LOCAL, delegate_to="localhost"), **delegated).relay(VERIFIED) is None


def test_a_shell_needs_standard_input() -> None:
    assert node(Action(Connection())).shell()
    assert node(Action(Mitogen(has_pipelining=False))).shell()
    with pytest.raises(InvalidOptions, match="the connection ssh of fgt cannot pass standard input"):
        node(Action(Connection(has_pipelining=False))).shell()
