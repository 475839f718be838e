# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many secrets are minted at once, and several runs need the same ones: none is minted twice or lost."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.otsec.defender_iot.tests.support import lab as labs
from ansible_collections.otsec.defender_iot.tests.support.sabotage import Rule
from ansible_collections.otsec.defender_iot.tests.support.stage import GENERATE, MINTING, Stage
from ansible_collections.otsec.defender_iot.tests.support.workspace import Run, Workspace

FORTIGATES = [f"plant-{number:02}" for number in range(1, 51)]
KINDS = ("key", "token")
FIRST_READ = {"key": "GET /api/v2/cmdb/system/api-user/", "token": "GET /__lab__/tokens"}
MINTING_NOW = re.compile(
    r"process \d+ on \S+ is minting it, according to vault_file:\S+, which belongs to .*; run again when"
)


@pytest.fixture
def stage(workspace: Workspace) -> Iterator[Stage]:
    """A control node with a key and a token to mint. At the end, check that no secret has leaked."""
    stage = Stage(workspace, strategy="free")
    stage.key("key", "spare-01")
    stage.token("token", "spare-sensor-1")
    stage.write_inventory()
    yield stage
    stage.leaks_nothing()


def _run_while(stage: Stage, rules: dict[str, Rule], wrapper: tuple[str, ...] = ()) -> tuple[Run, Run]:
    """Run a second time while the first run is stopped at a step of every host. Return both runs.

    ``wrapper`` is what precedes the command of the second run.
    """
    stage.write_inventory()
    hosts = ",".join(rules)
    sabotage = stage.sabotage(rules)
    first = stage.in_background(sabotage, hosts)
    try:
        sabotage.wait_until_stopped()
        stage.node.wrapper = wrapper
        second = stage.run(hosts=hosts)
    finally:
        stage.node.wrapper = ()
        sabotage.let_go()
    return stage.keep(first.wait()), second


def test_fifty_fortigates_at_once_get_one_key_each_in_one_folder(tmp_path: Path, tree: Path) -> None:
    appliances = [
        {"name": name, "kind": "fortigate", "address": f"203.0.113.{number}"}
        for number, name in enumerate(FORTIGATES, 1)
    ]
    (tmp_path / "lab").mkdir()
    with labs.running_lab(tmp_path / "lab", appliances) as lab:
        stage = Stage(Workspace(tmp_path / "node", tree, lab))
        for name in FORTIGATES:
            stage.key(name, name)
        lab.forget_calls()
        run = stage.run(ANSIBLE_FORKS="20").succeeded()
        assert len(run.changes) == len(FORTIGATES)
        assert all(stage.mints(name) == 1 for name in FORTIGATES)
        assert set(stage.node.stored_files()) == {f"{name}.yml" for name in FORTIGATES}
        stage.is_settled()
        values = {stage.record(name)["value"] for name in FORTIGATES}
        assert len(values) == len(FORTIGATES)


@pytest.mark.parametrize("is_elsewhere", [False, True], ids=["beside it", "in another PID namespace"])
def test_a_run_that_starts_while_another_mints_names_its_process(
    stage: Stage, request: pytest.FixtureRequest, is_elsewhere: bool
) -> None:
    wrapper = request.getfixturevalue("pid_namespace") if is_elsewhere else ()
    stage.lab.forget_calls()
    minted_but_not_stored = Rule(("write 2",), "before", "stop")
    first, second = _run_while(stage, dict.fromkeys(KINDS, minted_but_not_stored), wrapper)
    first.succeeded()
    for kind in KINDS:
        assert second.one(kind).failed
        assert MINTING_NOW.search(second.one(kind).message), second.output
        assert stage.mints(kind) == 1
    stage.is_settled()


@pytest.mark.parametrize(("step", "is_void"), [(GENERATE, True), ("write 2", False)])
def test_the_key_of_a_run_that_overtook_another_is_proved_or_replaced(
    stage: Stage, pid_namespace: tuple[str, ...], step: str, is_void: bool
) -> None:
    del stage.spots["token"]
    stage.write_inventory()
    sabotage = stage.sabotage({"key": Rule((step,), "before", "stop")})
    slow = stage.in_background(sabotage)
    try:
        sabotage.wait_until_stopped()
        stage.make_old("key")
        stage.node.wrapper = pid_namespace
        assert stage.run().succeeded().one("key").data["minted"] is True
    finally:
        stage.node.wrapper = ()
        sabotage.let_go()
    overtaken = stage.keep(slow.wait()).one("key")
    assert overtaken.failed
    assert "was changed after this run read it" in overtaken.message
    assert (
        "run again: the stored value is tried, and replaced if it is rejected or cannot be tried"
        in overtaken.message
    )
    assert len(stage.escrows()) == 1
    assert stage.opens("key", stage.record("key")["value"]) is not is_void
    assert stage.settle().one("key").data["minted"] is is_void


def test_a_run_that_overtakes_another_wins_or_fails_and_nothing_is_minted_twice(stage: Stage) -> None:
    stage.spots.clear()
    steps = {"early": ("before", "write 1"), "late": ("after", "write 2"), "over": ("after", "write 3")}
    rules = {}
    for number, (time, (phase, step)) in enumerate(steps.items(), 2):
        rules |= {f"{kind}-{time}": Rule((step,), phase, "stop") for kind in KINDS}
        stage.key(f"key-{time}", f"spare-{number:02}")
        stage.token(f"token-{time}", f"spare-sensor-{number}")
    stage.lab.forget_calls()
    slow, fast = _run_while(stage, rules)
    for host in rules:
        assert stage.mints(host) == 1, host
        loser, winner = (slow, fast) if host.endswith("early") else (fast, slow)
        assert winner.one(host).data["minted"] is True
        if host.endswith("over"):
            assert loser.one(host).changed is False
            continue
        says = "was changed after this run read it" if loser is slow else "is minting it"
        assert loser.one(host).failed
        assert says in loser.one(host).message
    stage.is_settled()


def test_two_runs_that_start_together_mint_each_secret_once(stage: Stage) -> None:
    for number in range(2, 9):
        stage.key(f"key-{number}", f"spare-{number:02}")
    stage.write_inventory()
    stage.lab.forget_calls()
    both = [stage.in_background() for _time in range(2)]
    runs = [stage.keep(each.wait()) for each in both]
    minted = [result.host for run in runs for result in run.results if result.data.get("minted")]
    assert sorted(minted) == sorted(stage.spots)
    for host in stage.spots:
        assert stage.mints(host) == 1, host
    stage.is_settled()


@pytest.mark.parametrize("kind", ["key", "token"])
def test_two_runs_that_resume_the_same_crash_end_in_one_secret(stage: Stage, kind: str) -> None:
    stage.spots = {kind: stage.spots[kind]}
    assert stage.break_run(kind, "lose", "after", MINTING[kind]).one(kind).failed
    stage.lab.forget_calls()
    # The slower run has read the store, but not the appliance yet.
    slow, fast = _run_while(stage, {kind: Rule((FIRST_READ[kind],), "before", "stop")})
    assert fast.succeeded().one(kind).data["minted"] is True
    assert slow.one(kind).failed
    assert stage.mints(kind) == 1
    stage.is_settled()
