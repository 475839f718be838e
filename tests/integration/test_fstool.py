# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Forescout module set by fstool: its settings, its token, and the secrecy of both."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.tests.support import lab as labs
from ansible_collections.otsec.defender_iot.tests.support.example import FORESCOUT, Example
from ansible_collections.otsec.defender_iot.tests.support.fstool_platform import (
    ADDRESS,
    CA_1,
    CA_2,
    EM,
    SENSOR,
    Platform,
    checked,
    many_platforms,
    platform_of,
)
from ansible_collections.otsec.defender_iot.tests.support.leaks import (
    files_with,
    leaked,
    watched_command_lines,
)
from ansible_collections.otsec.defender_iot.tests.support.shared_runs import Outcomes, SharedRuns, Steps
from ansible_collections.otsec.defender_iot.tests.support.workspace import (
    COLLECTION,
    ENDPOINTS,
    Run,
    Workspace,
    play,
    task,
)

# Switches of a platform, and options.
POSITIONS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "default": ({}, {}),
    "plain": ({}, {"token_compare": "plain"}),
    "file": ({}, {"token_delivery": "file"}),
    "older": ({"version": "8.5.2"}, {}),
    "older-file-plain": ({"version": "8.5.2"}, {"token_delivery": "file", "token_compare": "plain"}),
    "encrypted": ({"token_storage": "encrypted"}, {}),
    "older-encrypted": ({"token_storage": "encrypted", "version": "8.5.2"}, {}),
    "never-applied": ({"applied_once": False}, {"create_keys": True}),
    "status-up": ({"status_wording": "up"}, {}),
    "rejecting": ({"unknown_keys": "rejected"}, {}),
    "slow-restart": ({"restart_seconds": 1.5}, {}),
}


@dataclass(frozen=True)
class Platforms:
    """A platform in each position, and the results by its name."""

    each: dict[str, Platform]
    untouched: dict[str, bool]
    predicted: Run
    done: Run
    polled: dict[str, Any]


@pytest.fixture(scope="module")
def platforms(tmp_path_factory: pytest.TempPathFactory, tree: Path) -> Iterator[Platforms]:
    """The platforms, after a run in check mode and a run with the same task twice."""
    appliances: list[dict[str, Any]] = [{"name": SENSOR, "kind": "sensor", "address": ADDRESS}]
    for number, (name, (switches, _options)) in enumerate(POSITIONS.items(), 21):
        options = {"poll_interval": 86400, **switches}
        address = f"192.0.2.{number}"
        appliances.append({"name": name, "kind": "forescout", "address": address, "options": options})
    with labs.running_lab(tmp_path_factory.mktemp("lab"), appliances) as lab:
        node = Workspace(tmp_path_factory.mktemp("node") / "node", tree, lab)
        each = {name: Platform(node, name, entry=name) for name in POSITIONS}
        hosts = {}
        for name, (_switches, options) in POSITIONS.items():
            hosts[name] = each[name].host(wanted=each[name].task(**options)[f"{COLLECTION}forescout_module"])
        node.inventory(**hosts)
        wanted = {**task("forescout_module"), "args": "{{ wanted }}", "ignore_errors": True}
        predicted = node.run(play(checked(wanted)), arguments=["--diff"])
        untouched = {name: platform.is_untouched() for name, platform in each.items()}
        done = node.run(play(wanted, wanted), arguments=["--diff"])
        yield Platforms(each, untouched, predicted, done, lab.control("POST", "/poll"))


@pytest.mark.parametrize("name", POSITIONS)
def test_check_mode_predicts_a_run_restarts_once_and_a_second_changes_nothing(
    platforms: Platforms, name: str
) -> None:
    platform = platforms.each[name]
    predicted = platforms.predicted.one(name)
    assert predicted.status == "ok", predicted.message
    assert platforms.untouched[name]
    real, second = platforms.done.of(name)
    assert (predicted.changed, real.changed, second.changed) == (True, True, False), real.message
    assert predicted.data["diff"] == real.data["diff"]
    assert real.data["diff"]["before"]["server_address"] == ""
    assert real.data["diff"]["after"]["server_address"] == ADDRESS
    assert predicted.data["settings"] == real.data["settings"] == second.data["settings"]
    assert real.data["provenance"] == "assumed"
    assert platform.restarts == {EM: 1, CA_1: 0, CA_2: 0}
    assert platform.nodes[EM]["files"] == ["local.properties"]
    assert platform.nodes[EM]["store"]["conf.note"] == platform.nodes[CA_2]["store"]["conf.note"]
    assert platform.module["server_address"] == ADDRESS
    assert platforms.polled[name]["outcome"] == "ok"


TOGETHER = SharedRuns()


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory, tree: Path) -> Outcomes:
    """Run the tests that share their runs, each with its own platform."""
    with many_platforms(tmp_path_factory.mktemp("platforms"), tree, len(TOGETHER)) as runs:
        return TOGETHER.go(lambda number: platform_of(runs, number), runs.advance)


@TOGETHER.test
def test_what_fstool_wrote_is_what_the_other_transport_reads(platform: Platform) -> Steps:
    rest = task("forescout_module_info", endpoints=ENDPOINTS["forescout"])
    _written, by_rest, by_fstool = (yield platform.step(platform.task(), rest, platform.info())).results
    assert by_rest.data["settings"] == by_fstool.data["settings"] == {"server_address": ADDRESS}


@TOGETHER.each(f"{delivery}-{version}" for delivery in ("argument", "file") for version in ("9.1.5", "8.5.2"))
def test_any_printable_token_arrives_as_one_word(platform: Platform, case: str) -> Steps:
    delivery, version = case.split("-")
    platform.switch(version=version)
    tokens = ["$HOME;`id`'\"\\ \\\\x%s\\n*?[a]~{}&|<>()a=b:c#d!e\\", " blanks around ", "-n"]
    tasks = []
    for number, token in enumerate(tokens):
        entry = f"{platform.entry}-{number}"
        platform.node.keep(entry, value=token)
        how = {"token_compare": "plain", "token_delivery": delivery, "nodes": [EM, CA_1]}
        tasks += 2 * [platform.task(access_token_ref=platform.node.ref(entry), **how)]
    results = (yield platform.step(*tasks)).results
    assert [result.changed for result in results] == [True, False] * len(tokens), results[0].message
    assert platform.restarts == {EM: len(tokens), CA_1: len(tokens), CA_2: 0}
    if delivery == "argument":
        assert set(tokens) <= {secret["value"] for secret in platform.node.lab.secrets()}


def test_discovery_names_plugins_and_keys_and_never_a_value(platform: Platform) -> None:
    platform.run(platform.task())
    run = platform.run(
        task(
            "forescout_module_info",
            transport="fstool",
            discover=True,
            install_path=platform.ssh["install_path"],
        ),
        platform.info(discover=True),
        arguments=("-vvv",),
    )
    every, ours = (result.data["plugins"] for result in run.of("fs"))
    plugin, keys = platform.ssh["plugin_name"], platform.ssh["property_keys"]
    assert {row["name"]: row["enabled"] for row in every} == {
        plugin: True,
        "dot1x": True,
        "sw": True,
        "syslog": False,
    }
    assert all(row["property_keys"] is None for row in every)
    (found,) = [row for row in ours if row["name"] == plugin]
    assert found["property_keys"] == sorted([*keys.values(), "conf.debug.until", "conf.note"])
    assert leaked([platform.token, ADDRESS], run.output) == []


def test_the_token_is_in_no_output_no_file_and_no_command_line(platform: Platform) -> None:
    log = str(platform.node.folder / "ansible.log")
    with watched_command_lines() as lines:
        run = platform.run(
            platform.task(token_delivery="file", nodes=[EM, CA_1]),
            platform.info(),
            arguments=("-vvvv", "--diff"),
            ANSIBLE_LOG_PATH=log,
        )
    assert run.of("fs")[0].changed
    assert "SSH: EXEC" in run.output
    assert leaked([platform.token], run.output) == []
    assert files_with([platform.token], platform.node.folder, platform.node.inputs) == []
    assert any(b"local.properties" in line for line in lines.seen)
    assert [line for line in lines.seen if leaked([platform.token], line)] == []


def test_as_an_argument_the_token_shows_only_in_fstool_s_own_command_line(platform: Platform) -> None:
    platform.node.lab.switch(FORESCOUT, slow_node=EM, slow_seconds=0.3)
    with watched_command_lines() as lines:
        run = platform.run(platform.task(), arguments=("-vvvv", "--diff"))
    assert run.one("fs").changed
    assert leaked([platform.token], run.output) == []
    shown = [line for line in lines.seen if leaked([platform.token], line)]
    assert shown
    assert all(b"fstool\0" in line and b"\0set_property\0" in line and b"ssh" not in line for line in shown)


@TOGETHER.test
def test_a_token_that_is_shown_otherwise_is_refused_where_it_must_read_back(platform: Platform) -> Steps:
    platform.switch(token_storage="encrypted")
    result = (yield platform.once(token_compare="plain")).one()
    assert result.failed
    assert "are neither the old nor the new ones" in result.message


@TOGETHER.each(["auto", "plain"])
def test_a_token_replaced_in_the_console_is_noticed_where_the_store_shows_it(
    platform: Platform, case: str
) -> Steps:
    rest = {"transport": "rest", "endpoints": ENDPOINTS["forescout"]}
    other = f"{platform.entry}-other"
    platform.node.keep(other, value="a-token-from-the-console")
    applied = task(
        "forescout_module", **rest, server_address=ADDRESS, access_token_ref=platform.node.ref(other)
    )
    run = yield platform.step(platform.task(), applied, platform.task(token_compare=case))
    first, _applied, result = run.results
    assert first.changed
    assert result.changed is (case == "plain")


@TOGETHER.test
def test_a_key_that_was_never_set_is_refused_unless_that_is_wanted(platform: Platform) -> Steps:
    platform.switch(applied_once=False)
    never = (yield platform.once()).one()
    assert "has no property config." in never.message
    assert platform.is_untouched()
    platform.switch(applied_once=True)
    wrong = {**platform.ssh["property_keys"], "access_token": "config.wrong.value"}
    result = (yield platform.once(property_keys=wrong)).one()
    assert "has no property config.wrong.value; apply the module's settings once" in result.message
    assert platform.is_untouched()
    assert (yield platform.once(property_keys=wrong, create_keys=True)).one().changed


IMPOSSIBLE: list[tuple[dict[str, Any], str]] = [
    ({"plugin_name": None}, "transport: fstool requires plugin_name (no vendor publishes the values)"),
    ({"property_keys": None}, "transport: fstool requires property_keys ("),
    ({"plugin_name": "no_such"}, 'on em the plugin "no_such" does not exist'),
    ({"plugin_name": "x; id"}, '"x; id" cannot be the name of a plugin'),
    ({"nodes": ["all", "em"]}, "set nodes to all alone"),
    ({"nodes": []}, "nodes is empty"),
    (
        {"fstool_path": "/nonexistent/fstool"},
        "check that this is a Forescout platform, and set fstool_path",
    ),
    ({"server_address": "192.0.2.1é"}, "beyond printable ASCII"),
]


@TOGETHER.test
def test_what_cannot_be_is_one_sentence(platform: Platform) -> Steps:
    tasks = []
    for options, _says in IMPOSSIBLE:
        made = platform.task(**options)
        (name,) = [key for key in made if key != "name"]
        tasks.append({**made, name: {k: v for k, v in made[name].items() if v is not None}})
    results = (yield platform.step(*tasks)).results
    for result, (_options, says) in zip(results, IMPOSSIBLE, strict=True):
        assert result.failed
        assert says in result.message
        assert "\n" not in result.message
    assert platform.is_untouched()


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
    stopped = {"name": "Restart the plugin manually", "ansible.builtin.raw": by_hand}
    workspace.inventory(fs=workspace.by_ssh(FORESCOUT))
    workspace.run(play(stopped)).succeeded()
    verdict = example.verdicts()[FORESCOUT]["verdict"]
    assert (verdict["state"], verdict["level"]) == ("unknown", "L0")
    assert verdict["levels"][1]["reached"] is False
    assert verdict["evidence"].startswith("the module does not run; Used is ")


def test_the_role_writes_the_manual_steps_to_a_checklist_but_not_in_check_mode(platform: Platform) -> None:
    node = platform.node
    node.inventory(fs=node.by_ssh(FORESCOUT), **{SENSOR: {"ansible_host": ADDRESS}})
    options = {
        "sensor": SENSOR,
        "access_token_ref": node.ref("token"),
        "checklist": "steps.md",
    }
    role = {"role": f"{COLLECTION}forescout_module"}
    role |= {f"forescout_module_{name}": value for name, value in options.items()}
    manual = {"name": "Play", "hosts": "fs", "gather_facts": False, "roles": [role]}
    file = node.inputs / "steps.md"  # in the folder of the playbook
    node.run(manual, arguments=["--check"]).succeeded()
    assert not file.exists()
    first = node.run(manual).succeeded()
    steps = first.one("fs").data["steps"]
    assert file.read_text() == "".join(
        ["# Defender for IoT module of fs\n\n", *(f"- [ ] {step}\n" for step in steps)]
    )
    assert f"Set Access Token to the value stored under {node.ref('token')}." in steps
    assert leaked([platform.token], file.read_text()) == []
    written = file.stat()
    second = node.run(manual).succeeded()
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (written.st_ino, written.st_mtime_ns)
    assert first.stats["fs"]["changed"] == second.stats["fs"]["changed"] == 0
    assert platform.is_untouched()
