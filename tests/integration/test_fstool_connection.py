# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection of fstool: the user's own SSH, become and jump hosts, without delegation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

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
from ansible_collections.otsec.defender_iot.tests.support.workspace import play


def test_become_is_the_user_s_own(platform: Platform) -> None:
    platform.node.lab.switch(FORESCOUT, root_login=False)
    refused = platform.one()
    assert refused.failed
    assert "must be run as root" in refused.message
    platform.connect(ansible_become=True, ansible_become_method="sudo")
    assert platform.one().changed


@pytest.mark.parametrize("given", ["right", "wrong", None])
def test_become_asks_for_a_password_where_sudo_does(platform: Platform, given: str | None) -> None:
    password = platform.node.host(FORESCOUT)["password"]
    become: dict[str, Any] = {"ansible_become": True, "ansible_become_method": "sudo"}
    if given:
        become["ansible_become_password"] = password if given == "right" else "wrong"
    platform.node.lab.switch(FORESCOUT, root_login=False, sudo_asks=True)
    platform.connect(**become)
    with watched_command_lines() as lines:
        run = platform.run(
            platform.task(token_delivery="file"), platform.task(), arguments=("-vvvv", "--diff")
        )
    first, second = run.of("fs")
    for secret in (platform.token, password):
        assert leaked([secret], run.output) == []
        assert [line for line in lines.seen if leaked([secret], line)] == []
    if given == "right":
        assert (first.changed, second.changed) == (True, False), first.message
        return
    said = "Incorrect sudo password" if given else "Missing sudo password"
    assert said in first.message
    assert "\n" not in first.message
    assert platform.is_untouched()


@pytest.fixture
def bastion(tmp_path: Path) -> Iterator[Bastion]:
    """A second SSH server, as jump host of the platform."""
    with running_bastion(tmp_path / "bastion") as bastion:
        yield bastion


@pytest.mark.parametrize("way", ["ProxyJump=bastion", "ProxyCommand='ssh -F {config} -W %h:%p bastion'"])
def test_a_jump_host_is_the_user_s_own(platform: Platform, bastion: Bastion, way: str) -> None:
    config = bastion.ssh_config()
    direct = platform.node.by_ssh(FORESCOUT)["ansible_ssh_args"]
    through = direct.replace("/dev/null", str(config))
    platform.connect(ansible_ssh_args=through, ansible_ssh_common_args="-o " + way.format(config=config))
    run = platform.run(
        platform.task(nodes=[EM, CA_1]), platform.task(nodes=[EM, CA_1]), arguments=("-vvvv", "--diff")
    )
    first, second = run.of("fs")
    assert (first.changed, second.changed) == (True, False), first.message
    assert platform.restarts == {EM: 1, CA_1: 1, CA_2: 0}
    assert set(bastion.destinations) == {(platform.ssh["host"], platform.ssh["port"])}
    assert bastion.commands == []
    assert leaked([platform.token], run.output) == []


def test_a_jump_host_that_is_down_is_an_unreachable_platform(platform: Platform, bastion: Bastion) -> None:
    config = bastion.ssh_config()
    config.write_text(config.read_text().replace(f"Port {bastion.port}", "Port 1"))
    direct = platform.node.by_ssh(FORESCOUT)["ansible_ssh_args"]
    platform.connect(ansible_ssh_args=direct.replace("/dev/null", f"{config} -o ProxyJump=bastion"))
    result = platform.one()
    assert result.status == "unreachable"
    assert "run ansible fs -m ansible.builtin.raw -a true" in result.message
    assert platform.is_untouched()


@pytest.mark.parametrize("other", ["bastion", "localhost"])
def test_a_task_delegated_to_another_host_is_refused_before_any_connection(
    platform: Platform, bastion: Bastion, other: str
) -> None:
    platform.node.inventory(
        fs=platform.node.host(FORESCOUT, **platform.node.by_ssh(FORESCOUT)), bastion=bastion.variables()
    )
    elsewhere = [
        {**each, "delegate_to": other}
        for each in (platform.task(), platform.info(), checked(platform.task()))
    ]
    results = platform.node.run(
        play(*[{**each, "ignore_errors": True} for each in elsewhere], hosts="fs")
    ).results
    assert [result.status for result in results] == ["failed"] * 3
    assert {result.message for result in results} == {
        "fs: checking the options failed: its commands run on fs itself, over Ansible's own connection to "
        f"it, so the task cannot be delegated to {other}; remove delegate_to, and connect through a jump "
        "host if the host needs one (ansible_ssh_common_args: -o ProxyJump=HOST)"
    }
    assert bastion.commands == []
    assert [node["calls"] for node in platform.nodes.values()] == [[], [], []]


def test_a_task_delegated_to_the_platform_itself_runs_there(platform: Platform) -> None:
    assert platform.run({**platform.task(), "delegate_to": "fs"}).one("fs").changed


def test_a_platform_that_cannot_be_reached_is_named(platform: Platform) -> None:
    platform.connect(ansible_port=1)
    result = platform.one()
    assert result.status == "unreachable"
    assert "run ansible fs -m ansible.builtin.raw -a true" in result.message
