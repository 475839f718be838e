# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Forescout platform by fstool: the user's own OpenSSH client, the lab's SSH port, and a store per node."""

from __future__ import annotations

import base64
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.tests.support.bastion import Bastion, running_bastion
from ansible_collections.otsec.defender_iot.tests.support.example import Example
from ansible_collections.otsec.defender_iot.tests.support.leaks import (
    files_with,
    leaked,
    watched_command_lines,
)
from ansible_collections.otsec.defender_iot.tests.support.workspace import (
    ENDPOINTS,
    Result,
    Run,
    Task,
    Workspace,
    play,
    task,
)

FORESCOUT, SENSOR, ADDRESS = "forescout-01", "sensor-north-01", "192.0.2.11"
EM, CA_1, CA_2 = "em", "203.0.113.201", "203.0.113.202"
NEVER = {"bad_restarts": 99}


class Site:
    """A control node whose inventory host leads to the lab's Forescout by SSH."""

    def __init__(self, node: Workspace, **variables: Any) -> None:
        """Make a token on the sensor and keep it; `variables` are more of the host's."""
        self.node = node
        self.ssh = node.lab.appliances[FORESCOUT]["ssh"]
        self.token = node.lab.make_token(SENSOR, "forescout")
        node.keep("token", value=self.token)
        self.connect(**variables)

    def connect(self, **variables: Any) -> None:
        """Write the inventory."""
        self.node.inventory(fs=self.node.host(FORESCOUT, **{**self.node.by_ssh(FORESCOUT), **variables}))

    def task(self, **options: Any) -> Task:
        """Return the task that gives the settings."""
        return task(
            "forescout_module",
            **{
                **self.how,
                "server_address": ADDRESS,
                "access_token_ref": self.node.ref("token"),
                "restart_timeout": 5,
                **options,
            },
        )

    def info(self, **options: Any) -> Task:
        """Return a task that reads."""
        return task("forescout_module_info", **{**self.how, **options})

    @property
    def how(self) -> dict[str, Any]:
        """The options by which fstool does it."""
        return {
            "transport": "fstool",
            **{name: self.ssh[name] for name in ("plugin_name", "property_keys", "install_path")},
        }

    def run(self, *tasks: Task, arguments: tuple[str, ...] = ("--diff",), **environment: str) -> Run:
        """Run tasks one after the other, whatever becomes of each."""
        tolerant = [{**each, "ignore_errors": True, "ignore_unreachable": True} for each in tasks]
        return self.node.run(play(*tolerant), arguments=arguments, **environment)

    def one(self, **options: Any) -> Result:
        """Run the task once and return its result."""
        return self.run(self.task(**options)).one("fs")

    @property
    def nodes(self) -> dict[str, Any]:
        """What the lab says of each node."""
        return self.node.lab.state(FORESCOUT)["nodes"]

    @property
    def restarts(self) -> dict[str, int]:
        """How often the plugin of each node was restarted."""
        return {name: node["restarts"] for name, node in self.nodes.items()}

    @property
    def module(self) -> dict[str, str]:
        """What the module works with."""
        return self.node.lab.state(FORESCOUT)["module"]

    def kept_address(self, name: str) -> str:
        """Return the address in the store of one node."""
        return str(self.nodes[name]["store"].get(self.ssh["property_keys"]["server_address"]))

    def is_untouched(self) -> bool:
        """Say whether no node was written or restarted, and none holds a copy."""
        return all(
            not node["restarts"]
            and node["files"] == ["local.properties"]
            and not [call for call in node["calls"] if "set_property" in call]
            for node in self.nodes.values()
        )


@pytest.fixture
def site(workspace: Workspace) -> Site:
    """A control node that can reach the platform."""
    return Site(workspace)


def checked(task_: Task) -> Task:
    """Return a task in check mode."""
    return {**task_, "check_mode": True}


@pytest.mark.parametrize(
    ("switches", "options"),
    [
        ({}, {}),
        ({}, {"token_compare": "plain"}),
        ({}, {"token_delivery": "file"}),
        ({"version": "8.5.2"}, {}),
        ({"version": "8.5.2"}, {"token_delivery": "file", "token_compare": "plain"}),
        ({"token_storage": "encrypted"}, {}),
        ({"token_storage": "encrypted", "version": "8.5.2"}, {}),
        ({"applied_once": False}, {"create_keys": True}),
        ({"status_wording": "up"}, {}),
        ({"unknown_keys": "rejected"}, {}),
        ({"restart_seconds": 1.5}, {}),
    ],
)
def test_check_mode_predicts_a_run_restarts_once_and_a_second_changes_nothing(
    site: Site, switches: dict[str, Any], options: dict[str, Any]
) -> None:
    site.node.lab.switch(FORESCOUT, **switches)
    wanted = site.task(**options)
    predicted = site.run(checked(wanted)).one("fs")
    assert predicted.status == "ok", predicted.message
    assert site.is_untouched()
    real, second = site.run(wanted, wanted).of("fs")
    assert (predicted.changed, real.changed, second.changed) == (True, True, False), real.message
    assert predicted.data["diff"] == real.data["diff"]
    assert real.data["diff"]["before"]["server_address"] == ""
    assert real.data["diff"]["after"]["server_address"] == ADDRESS
    assert predicted.data["settings"] == real.data["settings"] == second.data["settings"]
    assert real.data["provenance"] == "assumed"
    assert site.restarts == {EM: 1, CA_1: 0, CA_2: 0}
    assert site.nodes[EM]["files"] == ["local.properties"]
    assert site.nodes[EM]["store"]["conf.note"] == site.nodes[CA_2]["store"]["conf.note"]
    assert site.module["server_address"] == ADDRESS
    polled = site.node.lab.control("POST", "/poll")[FORESCOUT]
    assert polled["outcome"] == "ok"


def test_what_fstool_wrote_is_what_the_other_transport_reads(site: Site) -> None:
    rest = task("forescout_module_info", endpoints=ENDPOINTS["forescout"])
    _written, by_rest, by_fstool = site.run(site.task(), rest, site.info()).of("fs")
    assert by_rest.data["settings"] == by_fstool.data["settings"] == {"server_address": ADDRESS}


@pytest.mark.parametrize("version", ["9.1.5", "8.5.2"])
@pytest.mark.parametrize("delivery", ["argument", "file"])
def test_any_printable_token_arrives_as_one_word(site: Site, version: str, delivery: str) -> None:
    site.node.lab.switch(FORESCOUT, version=version)
    tokens = ["$HOME;`id`'\"\\ \\\\x", " blanks around ", "a=b:c#d!e\\", "-n", "%s\\n*?[a]~{}&|<>()"]
    tasks = []
    for number, token in enumerate(tokens):
        site.node.keep(f"token-{number}", value=token)
        how = {"token_compare": "plain", "token_delivery": delivery, "nodes": [EM, CA_1]}
        tasks += 2 * [site.task(access_token_ref=site.node.ref(f"token-{number}"), **how)]
    results = site.run(*tasks).of("fs")
    assert [result.changed for result in results] == [True, False] * len(tokens), results[0].message
    assert site.restarts == {EM: len(tokens), CA_1: len(tokens), CA_2: 0}
    if delivery == "argument":
        assert set(tokens) <= {secret["value"] for secret in site.node.lab.secrets()}


def test_discovery_names_plugins_and_keys_and_never_a_value(site: Site) -> None:
    site.run(site.task())
    run = site.run(
        task(
            "forescout_module_info", transport="fstool", discover=True, install_path=site.ssh["install_path"]
        ),
        site.info(discover=True),
        arguments=("-vvv",),
    )
    every, ours = (result.data["plugins"] for result in run.of("fs"))
    plugin, keys = site.ssh["plugin_name"], site.ssh["property_keys"]
    assert {row["name"]: row["enabled"] for row in every} == {
        plugin: True,
        "dot1x": True,
        "sw": True,
        "syslog": False,
    }
    assert all(row["property_keys"] is None for row in every)
    (found,) = [row for row in ours if row["name"] == plugin]
    assert found["property_keys"] == sorted([*keys.values(), "conf.debug.until", "conf.note"])
    assert leaked([site.token, ADDRESS], run.output) == []


def test_the_token_is_in_no_output_no_file_and_no_command_line(site: Site) -> None:
    log = str(site.node.folder / "ansible.log")
    with watched_command_lines() as lines:
        run = site.run(
            site.task(token_delivery="file", nodes=[EM, CA_1]),
            site.info(),
            arguments=("-vvvv", "--diff"),
            ANSIBLE_LOG_PATH=log,
        )
    assert run.of("fs")[0].changed
    assert "SSH: EXEC" in run.output
    assert leaked([site.token], run.output) == []
    assert files_with([site.token], site.node.folder, site.node.inputs) == []
    assert any(b"local.properties" in line for line in lines.seen)
    assert [line for line in lines.seen if leaked([site.token], line)] == []


def test_as_an_argument_the_token_shows_only_in_fstool_s_own_command_line(site: Site) -> None:
    site.node.lab.switch(FORESCOUT, slow_node=EM, slow_seconds=0.3)
    with watched_command_lines() as lines:
        run = site.run(site.task(), arguments=("-vvvv", "--diff"))
    assert run.one("fs").changed
    assert leaked([site.token], run.output) == []
    shown = [line for line in lines.seen if leaked([site.token], line)]
    assert shown
    assert all(b"fstool\0" in line and b"\0set_property\0" in line and b"ssh" not in line for line in shown)


def test_become_is_the_user_s_own(site: Site) -> None:
    site.node.lab.switch(FORESCOUT, root_login=False)
    refused = site.one()
    assert refused.failed
    assert "must be run as root" in refused.message
    site.connect(ansible_become=True, ansible_become_method="sudo")
    assert site.one().changed


@pytest.mark.parametrize("given", ["right", "wrong", None])
def test_become_asks_for_a_password_where_sudo_does(site: Site, given: str | None) -> None:
    password = site.node.host(FORESCOUT)["password"]
    become: dict[str, Any] = {"ansible_become": True, "ansible_become_method": "sudo"}
    if given:
        become["ansible_become_password"] = password if given == "right" else "wrong"
    site.node.lab.switch(FORESCOUT, root_login=False, sudo_asks=True)
    site.connect(**become)
    with watched_command_lines() as lines:
        run = site.run(site.task(token_delivery="file"), site.task(), arguments=("-vvvv", "--diff"))
    first, second = run.of("fs")
    for secret in (site.token, password):
        assert leaked([secret], run.output) == []
        assert [line for line in lines.seen if leaked([secret], line)] == []
    if given == "right":
        assert (first.changed, second.changed) == (True, False), first.message
        return
    said = "Incorrect sudo password" if given else "Missing sudo password"
    assert said in first.message
    assert "\n" not in first.message
    assert site.is_untouched()


@pytest.fixture
def bastion(tmp_path: Path) -> Iterator[Bastion]:
    """A second SSH server, before the platform."""
    with running_bastion(tmp_path / "bastion") as bastion:
        yield bastion


@pytest.mark.parametrize("way", ["ProxyJump=bastion", "ProxyCommand='ssh -F {config} -W %h:%p bastion'"])
def test_a_jump_host_is_the_user_s_own(site: Site, bastion: Bastion, way: str) -> None:
    config = bastion.ssh_config()
    direct = site.node.by_ssh(FORESCOUT)["ansible_ssh_args"]
    through = direct.replace("/dev/null", str(config))
    site.connect(ansible_ssh_args=through, ansible_ssh_common_args="-o " + way.format(config=config))
    run = site.run(site.task(nodes=[EM, CA_1]), site.task(nodes=[EM, CA_1]), arguments=("-vvvv", "--diff"))
    first, second = run.of("fs")
    assert (first.changed, second.changed) == (True, False), first.message
    assert site.restarts == {EM: 1, CA_1: 1, CA_2: 0}
    assert set(bastion.destinations) == {(site.ssh["host"], site.ssh["port"])}
    assert bastion.commands == []
    assert leaked([site.token], run.output) == []


def test_a_jump_host_that_is_down_is_an_unreachable_platform(site: Site, bastion: Bastion) -> None:
    config = bastion.ssh_config()
    config.write_text(config.read_text().replace(f"Port {bastion.port}", "Port 1"))
    direct = site.node.by_ssh(FORESCOUT)["ansible_ssh_args"]
    site.connect(ansible_ssh_args=direct.replace("/dev/null", f"{config} -o ProxyJump=bastion"))
    result = site.one()
    assert result.status == "unreachable"
    assert "run ansible fs -m ansible.builtin.raw -a true" in result.message
    assert site.is_untouched()


@pytest.mark.parametrize("other", ["bastion", "localhost"])
def test_a_task_delegated_to_another_host_is_refused_before_any_connection(
    site: Site, bastion: Bastion, other: str
) -> None:
    site.node.inventory(
        fs=site.node.host(FORESCOUT, **site.node.by_ssh(FORESCOUT)), bastion=bastion.variables()
    )
    elsewhere = [{**each, "delegate_to": other} for each in (site.task(), site.info(), checked(site.task()))]
    results = site.node.run(
        play(*[{**each, "ignore_errors": True} for each in elsewhere], hosts="fs")
    ).results
    assert [result.status for result in results] == ["failed"] * 3
    assert {result.message for result in results} == {
        "fs: its commands run on fs itself, over Ansible's own connection to it, so the task cannot be "
        f"delegated to {other}; leave delegate_to out, and lead the connection through a jump host if it "
        "needs one (ansible_ssh_common_args: -o ProxyJump=HOST)"
    }
    assert bastion.commands == []
    assert [node["calls"] for node in site.nodes.values()] == [[], [], []]


def test_a_task_delegated_to_the_platform_itself_runs_there(site: Site) -> None:
    assert site.run({**site.task(), "delegate_to": "fs"}).one("fs").changed


@pytest.mark.parametrize("layout", ["prefixed", "headed"])
def test_all_nodes_that_have_the_plugin_enabled_are_set_each_in_its_own_store(
    site: Site, layout: str
) -> None:
    site.node.lab.switch(FORESCOUT, oneach_layout=layout, enabled_on=[CA_2])
    wanted = site.task(nodes=["all"])
    predicted, real, second = site.run(checked(wanted), wanted, wanted).of("fs")
    assert (predicted.changed, real.changed, second.changed) == (True, True, False), real.message
    assert site.restarts == {EM: 1, CA_1: 0, CA_2: 1}
    assert [site.kept_address(name) for name in (EM, CA_1, CA_2)] == [ADDRESS, "", ADDRESS]


def test_a_list_of_nodes_is_kept_to_and_only_the_one_that_differs_is_restarted(site: Site) -> None:
    first = site.one(nodes=[CA_1])
    assert first.changed, first.message
    assert site.restarts == {EM: 0, CA_1: 1, CA_2: 0}
    wanted = site.task(nodes=[EM, CA_1], token_compare="plain")
    predicted, real = site.run(checked(wanted), wanted).of("fs")
    assert predicted.data["diff"]["before"]["server_address"] == f"nothing on em, {ADDRESS} on {CA_1}"
    assert real.changed
    assert site.restarts == {EM: 1, CA_1: 1, CA_2: 0}


@pytest.mark.parametrize(
    ("switches", "nodes", "told"),
    [
        ({"dead_node": CA_1}, ["all"], f"fstool oneach got no answer from {CA_1}"),
        ({"dead_node": CA_1, "oneach_layout": "headed"}, ["all"], f"got no answer from {CA_1}"),
        ({"slow_node": CA_2, "slow_seconds": 11}, ["all"], "fstool oneach, which waits for every appliance"),
        ({"dead_node": CA_1}, [EM, CA_1], f"own ssh did not reach {CA_1} (ssh: connect to host"),
        ({"slow_node": CA_2, "slow_seconds": 11}, [CA_2], f"{CA_2} did not come to an end with a command"),
        ({"slow_node": EM, "slow_seconds": 11}, [EM], "em did not come to an end with a command"),
        ({"plugin_enabled": False}, [EM], "is not enabled"),
        ({"plugin_enabled": False, "enabled_on": []}, ["all"], "is not enabled"),
        ({"enabled_on": []}, [CA_1], f"on {CA_1} the plugin"),
    ],
)
def test_a_node_that_cannot_take_part_is_named_before_anything_is_written(
    site: Site, switches: dict[str, Any], nodes: list[str], told: str
) -> None:
    site.node.lab.switch(FORESCOUT, **switches)
    result = site.one(nodes=nodes, timeout=2)
    assert result.failed
    assert result.message.startswith("fs: reading Defender for IoT module settings ")
    assert told in result.message
    assert site.is_untouched()


def test_a_slow_node_is_waited_for(site: Site) -> None:
    site.node.lab.switch(FORESCOUT, slow_node=CA_2, slow_seconds=1)
    assert site.one(nodes=["all"]).changed
    assert site.restarts == {EM: 1, CA_1: 1, CA_2: 1}


def test_a_dead_node_that_oneach_leaves_out_is_missed_by_all_and_found_by_a_list(site: Site) -> None:
    site.node.lab.switch(FORESCOUT, dead_node=CA_1, dead_in_oneach="left_out")
    listed = site.one(nodes=[EM, CA_1, CA_2])
    assert CA_1 in listed.message
    assert site.is_untouched()
    assert site.one(nodes=["all"]).changed
    assert site.restarts == {EM: 1, CA_1: 0, CA_2: 1}


@pytest.mark.parametrize("goes", ["fails", "never_ready"])
def test_a_plugin_that_does_not_come_back_is_rolled_back_and_the_run_says_so(site: Site, goes: str) -> None:
    assert site.one(server_address="192.0.2.12").changed
    before = site.nodes[EM]["store"]
    site.node.lab.switch(FORESCOUT, bad_restarts=1, restart_goes=goes)
    failed = site.one(restart_timeout=1)
    assert failed.failed
    assert failed.message.endswith("; the previous settings were put back and the plugin runs with them")
    assert site.nodes[EM]["store"] == before
    assert site.nodes[EM]["files"] == ["local.properties"]
    assert site.nodes[EM]["runs"]
    assert site.restarts[EM] == 3
    assert site.module["server_address"] == "192.0.2.12"
    assert site.one().changed


def test_a_rollback_that_fails_too_leaves_the_copy_and_the_next_run_goes_on(site: Site) -> None:
    site.node.lab.switch(FORESCOUT, **NEVER)
    failed = site.one()
    assert "rolling back failed too" in failed.message
    assert site.nodes[EM]["files"] == ["local.properties", "local.properties.defender_iot_backup"]
    site.node.lab.switch(FORESCOUT, bad_restarts=0)
    predicted, real, second = site.run(checked(site.task()), site.task(), site.task()).of("fs")
    assert (predicted.changed, real.changed, second.changed) == (True, True, False)
    assert site.nodes[EM]["files"] == ["local.properties"]


@pytest.mark.parametrize("version", ["9.1.5", "8.5.2"])
def test_a_plugin_that_wants_an_encrypted_token_is_put_back_and_takes_one(site: Site, version: str) -> None:
    site.node.lab.switch(FORESCOUT, token_storage="preencrypted", version=version)
    failed = site.one(restart_timeout=1)
    assert "not running" in failed.message
    assert failed.message.endswith("the plugin runs with them")
    # What an operator finds in the store after applying the token once in the Console.
    encrypted = "enc:" + base64.b64encode(site.token.encode()).decode()
    site.node.keep("token", value=encrypted)
    wanted = site.task(token_compare="plain")
    real, second = site.run(wanted, wanted).of("fs")
    assert (real.changed, second.changed) == (True, False), real.message
    assert site.node.lab.control("POST", "/poll")[FORESCOUT]["outcome"] == "ok"


def test_a_token_that_is_shown_otherwise_is_refused_where_it_must_read_back(site: Site) -> None:
    site.node.lab.switch(FORESCOUT, token_storage="encrypted")
    result = site.one(token_compare="plain")
    assert result.failed
    assert "are neither the old ones nor those that were written" in result.message


def test_a_value_that_fstool_does_not_take_is_an_error_and_nothing_is_restarted(site: Site) -> None:
    site.node.lab.switch(FORESCOUT, ignores_settings=True)
    result = site.one()
    assert "reads back different from what was set" in result.message
    assert result.message.endswith("put back and the plugin was not restarted")
    assert site.restarts[EM] == 0


@pytest.mark.parametrize(
    ("after", "told", "restarts"),
    [
        ("version", "somebody changed the settings while this task looked at them", 0),
        ("set_property", "somebody may have applied others in the Console meanwhile", 0),
        ("restart", "somebody may have applied others in the Console meanwhile", 1),
    ],
)
def test_somebody_s_apply_in_between_is_not_undone(site: Site, after: str, told: str, restarts: int) -> None:
    site.node.lab.switch(FORESCOUT, apply_meanwhile=after)
    result = site.one()
    assert told in result.message
    assert site.kept_address(EM) == "192.0.2.99"
    assert site.restarts[EM] == restarts
    assert site.nodes[EM]["files"] == ["local.properties"]


@pytest.mark.parametrize("compare", ["auto", "plain"])
def test_a_token_replaced_in_the_console_is_noticed_where_the_store_shows_it(
    site: Site, compare: str
) -> None:
    assert site.one().changed
    rest = {"transport": "rest", "endpoints": ENDPOINTS["forescout"]}
    site.node.keep("other", value="a-token-from-the-console")
    applied = task(
        "forescout_module", **rest, server_address=ADDRESS, access_token_ref=site.node.ref("other")
    )
    _applied, result = site.run(applied, site.task(token_compare=compare)).of("fs")
    assert result.changed is (compare == "plain")


def test_a_key_that_was_never_set_is_refused_unless_that_is_wanted(site: Site) -> None:
    site.node.lab.switch(FORESCOUT, applied_once=False)
    never = site.one()
    assert "has no property config." in never.message
    assert site.is_untouched()
    site.node.lab.switch(FORESCOUT, applied_once=True)
    wrong = {**site.ssh["property_keys"], "access_token": "config.wrong.value"}
    result = site.one(property_keys=wrong)
    assert "has no property config.wrong.value: apply the module's settings once" in result.message
    assert site.is_untouched()
    assert site.one(property_keys=wrong, create_keys=True).changed


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"plugin_name": None}, "plugin_name must be given: nobody publishes them"),
        ({"property_keys": None}, "property_keys must be given"),
        ({"plugin_name": "no_such"}, 'on em there is no plugin "no_such"'),
        ({"plugin_name": "x; id"}, '"x; id" cannot be the name of a plugin'),
        ({"nodes": ["all", "em"]}, "nodes is all alone"),
        ({"nodes": []}, "nodes must name at least one node"),
        ({"fstool_path": "/nonexistent/fstool"}, "is this a Forescout platform, and is fstool_path right?"),
        ({"server_address": "192.0.2.1é"}, "beyond printable ASCII"),
    ],
)
def test_what_cannot_be_is_one_sentence(site: Site, options: dict[str, Any], told: str) -> None:
    made = site.task(**options)
    (name,) = [key for key in made if key != "name"]
    result = site.run({**made, name: {k: v for k, v in made[name].items() if v is not None}}).one("fs")
    assert result.failed
    assert told in result.message
    assert "\n" not in result.message
    assert site.is_untouched()


def test_a_platform_that_cannot_be_reached_is_named(site: Site) -> None:
    site.connect(ansible_port=1)
    result = site.one()
    assert result.status == "unreachable"
    assert "run ansible fs -m ansible.builtin.raw -a true" in result.message


def test_the_role_sets_the_module_by_fstool(workspace: Workspace) -> None:
    example = Example(workspace)
    ssh = workspace.lab.appliances[FORESCOUT]["ssh"]
    own = {name: ssh[name] for name in ("plugin_name", "property_keys", "install_path")}
    role = {f"forescout_module_{name}": value for name, value in {**own, "transport": "fstool"}.items()}
    example.override(FORESCOUT, **role, **workspace.by_ssh(FORESCOUT))
    first = example.playbook("forescout").succeeded()
    second = example.playbook("forescout").succeeded()
    assert (FORESCOUT, "forescout_module") in first.changes
    assert second.changes == []
    nodes = workspace.lab.state(FORESCOUT)["nodes"]
    assert nodes[EM]["restarts"] == 1
    example.wait_for_poll()
    workspace.lab.control("POST", "/poll")
    verdict = example.verdicts()[FORESCOUT]["verdict"]
    assert (verdict["state"], verdict["level"]) == ("working", "L4")
    assert [level["reached"] for level in verdict["levels"][:2]] == [True, True]
    workspace.lab.switch(FORESCOUT, bad_restarts=1)
    by_hand = f"fstool {shlex.quote(ssh['plugin_name'])} restart || true"
    stopped = {"name": "Restart it by hand", "ansible.builtin.raw": by_hand}
    workspace.inventory(fs=workspace.by_ssh(FORESCOUT))
    workspace.run(play(stopped)).succeeded()
    verdict = example.verdicts()[FORESCOUT]["verdict"]
    assert (verdict["state"], verdict["level"]) == ("unknown", "L0")
    assert verdict["levels"][1]["reached"] is False
    assert verdict["evidence"].startswith("the module does not run; Used is ")


def test_whether_it_runs_is_right_in_check_mode_and_costs_one_command(site: Site) -> None:
    wanted = site.task(nodes=[EM, CA_1])
    before, real, after = site.run(checked(wanted), wanted, checked(wanted)).of("fs")
    assert [each.data["running"] for each in (before, real, after)] == [True, True, True]
    asked = [[call for call in node["calls"] if "status" in call] for node in site.nodes.values()]
    assert [len(each) for each in asked] == [3, 3, 0]
    site.node.lab.switch(FORESCOUT, status_wording="up", **NEVER)
    failed, stopped = site.run(site.task(server_address="192.0.2.12"), checked(wanted)).of("fs")
    assert failed.failed
    assert stopped.data["running"] is False


def test_the_manual_steps_are_left_as_a_checklist_but_not_in_check_mode(site: Site) -> None:
    manual = task(
        "forescout_module",
        server_address=ADDRESS,
        access_token_ref=site.node.ref("token"),
        checklist=str(site.node.folder / "steps.md"),
    )
    file = site.node.folder / "steps.md"
    assert not site.run(checked(manual)).one("fs").changed
    assert not file.exists()
    result = site.run(manual).one("fs")
    assert not result.changed
    lines = file.read_text().splitlines()
    assert lines[0] == "# Defender for IoT module of fs"
    assert lines[2:] == [f"- [ ] {step}" for step in result.data["steps"]]
    assert f"Set Access Token to the value stored under {site.node.ref('token')}." in result.data["steps"]
    assert leaked([site.token], file.read_text()) == []
    assert site.is_untouched()
