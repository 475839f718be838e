# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many secrets are minted at once, and several runs need the same ones: none is minted twice or lost."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
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


# The step at which a slower run is stopped while another overtakes it.
STEPS = {"early": ("before", "write 1"), "late": ("after", "write 2"), "over": ("after", "write 3")}
OVERTAKEN = {
    f"{kind}-{time}": Rule((step,), phase, "stop") for kind in KINDS for time, (phase, step) in STEPS.items()
}
# Minted but not stored.
MINTED = dict.fromkeys(KINDS, Rule(("write 2",), "before", "stop"))
# The slower run has read the store, but not the appliance yet.
CRASHED = {f"{kind}-crashed": Rule((FIRST_READ[kind],), "before", "stop") for kind in KINDS}
# The slower run is assumed dead. Whether it makes the stored key void when it goes on.
OLD = {"key-void": True, "key-valid": False}
OLD_STEPS = {"key-void": GENERATE, "key-valid": "write 2"}


@dataclass(frozen=True)
class Race:
    """A run that was stopped at a step of every host, one that ran meanwhile, and the mints of both."""

    stage: Stage
    slow: Run
    fast: Run
    mints: dict[str, int]


def _race(
    stage: Stage, rules: dict[str, Rule], wrapper: tuple[str, ...] = (), old: Collection[str] = ()
) -> Race:
    """Run a second time while the first run is stopped at a step of every host.

    ``wrapper`` is what precedes the command of the second run. It assumes that the first one is dead where
    a secret is old.
    """
    stage.write_inventory()
    stage.lab.forget_calls()
    sabotage = stage.sabotage(rules)
    first = stage.in_background(sabotage)
    try:
        sabotage.wait_until_stopped()
        for host in old:
            stage.make_old(host)
        stage.node.wrapper = wrapper
        second = stage.run()
    finally:
        stage.node.wrapper = ()
        sabotage.let_go()
    slow = stage.keep(first.wait())
    return Race(stage, slow, second, {host: stage.mints(host) for host in rules})


def _stage(node: Workspace, *hosts: str) -> Stage:
    """Return a control node with secrets to mint, each on its own appliance."""
    stage = Stage(node, strategy="free")
    for kind in KINDS:
        for number, host in enumerate([host for host in hosts if host.startswith(kind)], 1):
            if kind == "key":
                stage.key(host, f"spare-{number:02}")
            else:
                stage.token(host, f"spare-sensor-{number}")
    return stage


@pytest.fixture(scope="module")
def beside(new_workspace: Callable[[], Workspace]) -> Race:
    """Two runs beside each other. Some secrets were left by a crash."""
    stage = _stage(new_workspace(), *MINTED, *OVERTAKEN, *CRASHED)
    rules = {host: Rule((MINTING[kind],), "after", "lose") for kind, host in zip(KINDS, CRASHED, strict=True)}
    crashed = stage.run(sabotage=stage.sabotage(rules), hosts=",".join(CRASHED))
    assert all(crashed.one(host).failed for host in CRASHED)
    return _race(stage, {**MINTED, **OVERTAKEN, **CRASHED})


@pytest.fixture(scope="module")
def elsewhere(new_workspace: Callable[[], Workspace], pid_namespace: tuple[str, ...]) -> Race:
    """Two runs, the second in another PID namespace."""
    rules = {host: Rule((step,), "before", "stop") for host, step in OLD_STEPS.items()}
    return _race(_stage(new_workspace(), *MINTED, *OLD), {**MINTED, **rules}, pid_namespace, OLD)


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


def _names_the_process_that_mints(race: Race) -> None:
    for host in MINTED:
        assert not race.slow.one(host).failed
        assert race.fast.one(host).failed
        assert MINTING_NOW.search(race.fast.one(host).message), race.fast.output
        assert race.mints[host] == 1


def test_a_run_that_starts_while_another_mints_names_its_process(beside: Race) -> None:
    _names_the_process_that_mints(beside)


@pytest.mark.parametrize("host", OVERTAKEN)
def test_a_run_that_overtakes_another_wins_or_fails_and_nothing_is_minted_twice(
    beside: Race, host: str
) -> None:
    assert beside.mints[host] == 1
    is_early = host.endswith("early")
    loser, winner = (beside.slow, beside.fast) if is_early else (beside.fast, beside.slow)
    assert winner.one(host).data["minted"] is True
    if host.endswith("over"):
        assert loser.one(host).changed is False
    else:
        assert loser.one(host).failed
        says = "was changed after this run read it" if is_early else "is minting it"
        assert says in loser.one(host).message


@pytest.mark.parametrize("host", CRASHED)
def test_two_runs_that_resume_the_same_crash_end_in_one_secret(beside: Race, host: str) -> None:
    assert beside.fast.one(host).data["minted"] is True
    assert beside.slow.one(host).failed
    assert beside.mints[host] == 1


def test_after_two_runs_beside_each_other_every_secret_works(beside: Race) -> None:
    beside.stage.is_settled()


def test_a_run_in_another_pid_namespace_names_the_process_that_mints_too(elsewhere: Race) -> None:
    _names_the_process_that_mints(elsewhere)


@pytest.mark.parametrize("host", OLD)
def test_a_run_that_was_overtaken_fails_and_saves_its_key(elsewhere: Race, host: str) -> None:
    stage, overtaken = elsewhere.stage, elsewhere.slow.one(host)
    assert elsewhere.fast.one(host).data["minted"] is True
    assert overtaken.failed
    assert "was changed after this run read it" in overtaken.message
    assert (
        "run again: the stored value is tried, and replaced if it is rejected or cannot be tried"
        in overtaken.message
    )
    assert len(stage.escrows()) == len(OLD)
    assert stage.opens(host, stage.record(host)["value"]) is not OLD[host]


def test_the_key_of_a_run_that_overtook_another_is_proved_or_replaced(elsewhere: Race) -> None:
    repaired = elsewhere.stage.settle()
    assert {host: repaired.one(host).data["minted"] for host in OLD} == OLD


def test_two_runs_that_start_together_mint_each_secret_once(workspace: Workspace) -> None:
    stage = _stage(workspace, "token", *(f"key-{number}" for number in range(1, 9)))
    stage.write_inventory()
    stage.lab.forget_calls()
    both = [stage.in_background() for _time in range(2)]
    runs = [stage.keep(each.wait()) for each in both]
    minted = [result.host for run in runs for result in run.results if result.data.get("minted")]
    assert sorted(minted) == sorted(stage.spots)
    for host in stage.spots:
        assert stage.mints(host) == 1, host
    stage.is_settled()
