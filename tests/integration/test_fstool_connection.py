# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection of fstool: the user's own SSH, become and jump hosts, without delegation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.otsec.defender_iot.tests.support.bastion import Bastion, running_bastion
from ansible_collections.otsec.defender_iot.tests.support.example import FORESCOUT
from ansible_collections.otsec.defender_iot.tests.support.fstool_platform import (
    CA_1,
    CA_2,
    EM,
    Platform,
    checked,
)
from ansible_collections.otsec.defender_iot.tests.support.leaks import leaked, watched_command_lines
from ansible_collections.otsec.defender_iot.tests.support.workspace import COLLECTION, play, task

SECOND = "forescout-02"
SUDO = {"ansible_become": True, "ansible_become_method": "sudo"}


def test_become_is_the_user_s_own(platform: Platform) -> None:
    platform.node.lab.switch(FORESCOUT, root_login=False)
    platform.node.inventory(fs=platform.host(), fs_by_sudo=platform.host(**SUDO))
    run = platform.run(platform.task())
    assert run.one("fs").failed
    assert "must be run as root" in run.one("fs").message
    assert run.one("fs-by-sudo").changed


@pytest.mark.parametrize("log", ["INFO", "DEBUG3"])
def test_a_message_is_the_command_s_and_not_the_ssh_client_s(
    platform: Platform, tmp_path: Path, log: str
) -> None:
    platform.node.lab.switch(FORESCOUT, root_login=False)
    # A folder at the path of the socket makes the client warn, like a second client that connects first.
    options = f"ControlPath={tmp_path} -o ControlMaster=auto -o LogLevel={log}"
    arguments = str(platform.node.by_ssh(FORESCOUT)["ansible_ssh_args"])
    platform.connect(ansible_ssh_args=arguments.replace("ControlPath=none", options))
    run = platform.run(platform.task())
    assert "(fstool: must be run as root)" in run.one("fs").message


def test_become_asks_for_a_password_where_sudo_does(platform: Platform) -> None:
    asking = Platform(platform.node, SECOND)
    for each in (platform, asking):
        each.switch(root_login=False, sudo_asks=True)
    passwords = [each.node.host(each.name)["password"] for each in (platform, asking)]
    platform.node.inventory(
        right=asking.host(ansible_become_password=passwords[1], own=asking.how, **SUDO),
        wrong=platform.host(ansible_become_password="wrong", own=platform.how, **SUDO),
        missing=platform.host(own=platform.how, **SUDO),
    )
    own = {name: f"{{{{ own.{name} }}}}" for name in platform.how}
    with watched_command_lines() as lines:
        run = platform.run(
            platform.task(token_delivery="file", **own),
            platform.task(**own),
            arguments=("-vvvv", "--diff"),
        )
    for secret in (platform.token, asking.token, *passwords):
        assert leaked([secret], run.output) == []
        assert [line for line in lines.seen if leaked([secret], line)] == []
    first, second = run.of("right")
    assert (first.changed, second.changed) == (True, False), first.message
    for host, said in {"wrong": "Incorrect sudo password", "missing": "Missing sudo password"}.items():
        message = run.of(host)[0].message
        assert said in message
        assert "\n" not in message
    assert platform.is_untouched()


@pytest.fixture
def bastion(tmp_path: Path) -> Iterator[Bastion]:
    """A second SSH server, as jump host of the platform."""
    with running_bastion(tmp_path / "bastion") as bastion:
        yield bastion


WAYS = ("ProxyJump=bastion", "ProxyCommand='ssh -F {config} -W %h:%p bastion'")


def test_a_jump_host_is_the_user_s_own(platform: Platform, bastion: Bastion) -> None:
    config = bastion.ssh_config()
    platforms = [platform, Platform(platform.node, SECOND, entry="second")]
    hosts = {}
    for each, way in zip(platforms, WAYS, strict=True):
        direct = each.node.by_ssh(each.name)["ansible_ssh_args"]
        through = direct.replace("/dev/null", str(config))
        common = "-o " + way.format(config=config)
        options = each.task(nodes=[EM, CA_1])[f"{COLLECTION}forescout_module"]
        hosts[each.name] = each.host(
            ansible_ssh_args=through, ansible_ssh_common_args=common, options=options
        )
    (platform.node.inputs / "inventory.yml").write_text(json.dumps({"all": {"hosts": hosts}}))
    wanted = {**task("forescout_module"), "args": "{{ options }}"}
    run = platform.run(wanted, wanted, arguments=("-vvvv", "--diff"))
    for each in platforms:
        first, second = run.of(each.name)
        assert (first.changed, second.changed) == (True, False), first.message
        assert each.restarts == {EM: 1, CA_1: 1, CA_2: 0}
        assert leaked([each.token], run.output) == []
    assert set(bastion.destinations) == {(each.ssh["host"], each.ssh["port"]) for each in platforms}
    assert bastion.commands == []


def test_a_jump_host_or_a_platform_that_is_down_is_an_unreachable_platform(
    platform: Platform, bastion: Bastion
) -> None:
    config = bastion.ssh_config()
    config.write_text(config.read_text().replace(f"Port {bastion.port}", "Port 1"))
    direct = platform.node.by_ssh(FORESCOUT)["ansible_ssh_args"]
    jumping = direct.replace("/dev/null", f"{config} -o ProxyJump=bastion")
    platform.node.inventory(
        jump_down=platform.host(ansible_ssh_args=jumping), down=platform.host(ansible_port=1)
    )
    run = platform.run(platform.task())
    for host in ("jump-down", "down"):
        assert run.one(host).status == "unreachable"
        assert f"run ansible {host} -m ansible.builtin.raw -a true" in run.one(host).message
    assert platform.is_untouched()


def test_a_task_delegated_to_another_host_is_refused_before_any_connection(
    platform: Platform, bastion: Bastion
) -> None:
    platform.node.inventory(
        fs=platform.node.host(FORESCOUT, **platform.node.by_ssh(FORESCOUT)), bastion=bastion.variables()
    )
    others = [other for other in ("bastion", "localhost") for _task in range(3)]
    wanted = 2 * [platform.task(), platform.info(), checked(platform.task())]
    elsewhere = [
        {**each, "delegate_to": other, "ignore_errors": True}
        for each, other in zip(wanted, others, strict=True)
    ]
    results = platform.node.run(play(*elsewhere, hosts="fs")).results
    assert [result.status for result in results] == ["failed"] * 6
    assert [result.message for result in results] == [
        "fs: checking the options failed: its commands run on fs itself, over Ansible's own connection to "
        f"it, so the task cannot be delegated to {other}; remove delegate_to, and connect through a jump "
        "host if the host needs one (ansible_ssh_common_args: -o ProxyJump=HOST)"
        for other in others
    ]
    assert bastion.commands == []
    assert [node["calls"] for node in platform.nodes.values()] == [[], [], []]


def test_a_task_delegated_to_the_platform_itself_runs_there(platform: Platform) -> None:
    assert platform.run({**platform.task(), "delegate_to": "fs"}).one("fs").changed
