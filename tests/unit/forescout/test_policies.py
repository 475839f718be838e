# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The list and the delivery of policies, on the lab's policies without its process and network."""

from __future__ import annotations

import asyncio
import shlex
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
from defender_iot_lab.core.clock import Clock
from defender_iot_lab.forescout.exports import Rule, export, mail
from defender_iot_lab.forescout.policies import Policies, PolicyOptions
from defender_iot_lab.forescout.properties import HostProperties, make_tags

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.appliance import Appliance
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import (
    ApplianceError,
    InvalidOptions,
    TaskError,
    Unreachable,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.shell import CommandResult
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.task import Outcome, Task
from ansible_collections.otsec.defender_iot.plugins.module_utils._forescout import policy_delivery
from ansible_collections.otsec.defender_iot.plugins.module_utils._forescout.fstool_nodes import Nodes
from ansible_collections.otsec.defender_iot.plugins.module_utils._forescout.policies import (
    POLICY,
    list_policies,
    prepare_policy_info,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._forescout.policy_delivery import (
    PolicyPlatform,
    connect_policies,
    deliver,
    prepare_policy,
)
from ansible_collections.otsec.defender_iot.plugins.modules.forescout_policy import MODULE

IP = "192.0.2.5"
ACTING = {"enabled": True, "actions": "as_exported"}


class Box(Appliance):
    """A platform in memory: its Web API, and a shell with fstool."""

    def __init__(self, folder: Path) -> None:
        random, clock = Random(1), Clock()  # noqa: S311
        tags = make_tags(random)
        properties = HostProperties(clock, tags)
        properties.values[IP] = {tags["Firmware"]: {"value": ["2.1"]}}
        self.options = PolicyOptions()
        self.policies = Policies(self, clock, properties, random)
        self.fields = [{"name": tag} for tag in tags.values()]
        self.folder, self.closed, self.lost, self.unread = folder, False, False, False
        self.src, self.dest = folder / "export.xml", folder / "made" / "policy.xml"
        self.rule = Rule("R", tags["Firmware"], actions=(mail(),))
        self.src.write_text(export("P", [self.rule]))

    def switch(self, **options: Any) -> None:
        """Turn switches."""
        self.options = PolicyOptions(**options)

    # --- Web API --------------------------------------------------------------------------------------------

    def table(self, resource: Any) -> Any:
        if self.unread and self.lost:
            raise Unreachable("the Web API does not answer", "check it")
        return self.policies.listed() if resource is POLICY else self.fields

    def ask(self, resource: Any, query: Any) -> Any:
        return self.policies.matching(set(query["matchRuleId"].split(",")))

    def close(self) -> None:
        self.closed = True

    # --- shell ----------------------------------------------------------------------------------------------

    def run(self, command: str, stdin: str = "") -> CommandResult:
        """Carry out one command of fstool."""
        script = shlex.split(command.partition("; code=")[0])[-1]
        if "policy import" in script:
            path = self.folder / "upload.xml"
            path.write_text(stdin)
            arguments = ["import", str(path)]
        else:
            arguments = ["remove", shlex.split(script)[-1]]
        answer = asyncio.run(self.policies.cliapi(arguments))
        self.lost = self.lost or (self.unread and arguments[0] == "import")
        if self.lost:
            raise Unreachable("the connection failed", "check it")
        return CommandResult(answer[1], answer[0], *answer[2:])

    # --- tasks ----------------------------------------------------------------------------------------------

    def params(self, **given: Any) -> dict[str, Any]:
        """Return validated options."""
        options = {
            "url": "fs",
            "username": "u",
            "password": "p",
            "transport": "fstool",
            "src": str(self.src),
            "dest": str(self.dest),
            "wait": 1,
        }
        params, _hidden = MODULE.arguments.validate({**options, **given}, environment={})
        return prepare_policy(params)

    def deliver(self, *, check_mode: bool = False, **given: Any) -> dict[str, Any]:
        """Return the result of a task."""
        params, outcome = self.params(**given), Outcome()
        platform = PolicyPlatform(Nodes(self, params), self)
        deliver(Task(POLICY, params, platform, "fs", check_mode), outcome)
        return outcome.result()

    def fails(self, **given: Any) -> str:
        """Return the sentence of a task that fails."""
        with pytest.raises(TaskError) as raised:
            self.deliver(**given)
        return raised.value.sentence("fs")

    def action(self, **given: Any) -> str:
        """Return the action of a task."""
        return str(self.deliver(**given)["objects"][0]["action"])

    @property
    def names(self) -> list[str]:
        """The names of the policies."""
        return [each.name for each in self.policies.policies]


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Box:
    """A platform without policies."""
    clock = SimpleNamespace(monotonic=iter(range(10**6)).__next__, sleep=lambda seconds: None)
    monkeypatch.setattr(policy_delivery, "time", clock)
    return Box(tmp_path)


def test_a_policy_is_created_kept_and_updated_and_check_mode_predicts_it(box: Box) -> None:
    assert box.action(check_mode=True) == "create"
    assert (box.names, box.dest.exists()) == ([], False)
    assert box.action() == "create"
    assert box.action() == "none"
    assert "diff" not in box.deliver()
    planned = box.deliver(check_mode=True, **ACTING)
    assert box.deliver(**ACTING) == planned
    diff = planned["diff"]
    assert diff["before_header"].endswith("imported last, because no interface shows the policy itself)")
    assert [diff[time]["actions"][0]["enabled"] for time in ("before", "after")] == [False, True]
    assert planned["objects"][0]["action"] == "update"
    assert box.names == ["P"]
    assert box.policies.mails
    box.dest.unlink()
    assert box.deliver(check_mode=True, **ACTING)["changed"]
    assert not box.dest.exists()
    assert box.deliver(**ACTING)["changed"]
    assert not box.deliver(**ACTING)["changed"]


@pytest.mark.parametrize(
    ("switches", "why", "names"),
    [
        ({"bad_imports": 1}, "so the old policy was imported again", ["P"]),
        ({"bad_imports": 2}, 'THE POLICY "P" IS ABSENT', []),
        ({"bad_imports": 1, "import_goes": "lost"}, "so the old policy was imported again", ["P"]),
        ({"removal": "silent"}, "the removal ended without the text that reports success", []),
        ({"removal": "exit_1"}, "the removal failed with exit code 1", ["P"]),
        ({"policy_description": "absent"}, "has no digest of this collection", ["P"]),
    ],
    ids=str,
)
def test_a_replacement_that_fails_says_what_is_left(
    box: Box, switches: dict[str, Any], why: str, names: list[str]
) -> None:
    box.deliver()
    box.switch(**switches)
    assert why in box.fails(**ACTING)
    assert box.names == names


def test_a_first_import_that_fails_is_not_undone(box: Box) -> None:
    box.switch(bad_imports=1, refusal="stdout_1")
    sentence = box.fails()
    assert sentence.startswith('fs: importing policy "P" failed: on em the import failed with exit code 1 (')
    assert box.names == []


def test_an_import_without_an_answer_counts_if_the_web_api_lists_it(box: Box) -> None:
    box.lost = True
    assert box.action() == "create"


def test_an_import_of_which_nothing_can_be_read_is_loud(box: Box) -> None:
    box.deliver()
    box.unread = True
    sentence = box.fails(**ACTING)
    assert "it is not known whether the policy is there, because the Web API does not answer" in sentence
    assert f"if it is absent, import {box.dest}.previous" in sentence


def test_an_empty_list_of_ranges_is_refused(box: Box) -> None:
    assert "ranges is empty" in box.fails(ranges=[])


@pytest.mark.parametrize("switches", [{"policy_seconds": 60}, {"policy_description": "absent"}], ids=str)
def test_an_import_that_is_not_listed_fails(box: Box, switches: dict[str, Any]) -> None:
    box.switch(**switches)
    assert "the Web API does not list one policy with the digest" in box.fails()


def test_what_is_not_ours_is_never_replaced(box: Box) -> None:
    box.policies.store(export("P", []).encode())
    assert "whose description has no digest" in box.fails()
    box.policies.store(export("P", []).encode())
    assert 'the platform has 2 policies "P"' in box.fails()
    assert len(box.names) == 2


def test_without_the_old_file_nothing_is_replaced(box: Box) -> None:
    box.deliver()
    box.dest.unlink()
    assert "so a refused import could not be undone" in box.fails(**ACTING)
    assert box.names == ["P"]


def test_a_property_that_the_platform_does_not_list_is_refused_unless_it_is_built_in(box: Box) -> None:
    box.fields = []
    assert f"the platform has no property {box.rule.property}" in box.fails()
    box.src.write_text(box.src.read_text().replace('PLUGIN_UNIQUE_NAME="module_1" ', ""))
    assert box.action() == "create"


@pytest.mark.parametrize("enabled", [True, False])
def test_an_operator_gets_a_file_and_steps(box: Box, enabled: bool) -> None:
    given = {"transport": "manual", "enabled": enabled, "url": None}
    planned = box.deliver(check_mode=True, **given)
    assert not box.dest.exists()
    assert box.deliver(**given) == planned
    assert planned["changed"]
    again = box.deliver(**given)
    assert not again["changed"]
    assert again["objects"] == planned["objects"]
    assert f"It arrives {'enabled' if enabled else 'disabled'}, with 0 of 1 actions" in again["steps"][3]


@pytest.mark.parametrize("what", ["folder", "below a file"])
@pytest.mark.parametrize("transport", ["manual", "fstool"])
def test_a_place_that_cannot_be_used_is_a_sentence(box: Box, what: str, transport: str) -> None:
    dest = box.folder if what == "folder" else box.src / "x"
    assert str(dest) in box.fails(dest=str(dest), transport=transport)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"url": None}, "missing required arguments: url"),
        ({"wait": 0}, "wait is 0"),
        ({"src": "x"}, "src is the relative path x"),
        ({"dest": "x"}, "dest is the relative path x"),
    ],
)
def test_impossible_options_are_refused(box: Box, given: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidOptions, match=why):
        box.params(**given)
    with pytest.raises(InvalidOptions, match="the same file"):
        box.params(dest=str(box.src))


def test_each_transport_has_its_connection(box: Box) -> None:
    route = SimpleNamespace(shell=lambda: box)  # noqa: S604
    assert type(connect_policies(box.params(transport="manual"), route)) is Appliance
    platform = connect_policies(box.params(), route)
    assert isinstance(platform, PolicyPlatform)
    platform.close()
    PolicyPlatform(platform.nodes, box).close()
    assert box.closed


def listed(box: Box, *, count_hosts: bool = True, names: Any = None) -> Any:
    """Return the policies by the module that lists them."""
    outcome = Outcome()
    list_policies(Task(POLICY, {"names": names, "count_hosts": count_hosts}, box, "fs", False), outcome)
    return outcome.values["policies"]


def test_policies_are_listed_with_their_hosts(box: Box) -> None:
    box.deliver(**ACTING)
    (found,) = listed(box, names=["P"])
    assert found["digest"] in found["description"]
    assert [(rule["name"], rule["hosts"]) for rule in found["rules"]] == [("P", 1), ("R", 1)]
    assert {type(rule["id"]) for rule in found["rules"]} == {str}
    (uncounted,) = listed(box, count_hosts=False)
    assert [rule["hosts"] for rule in uncounted["rules"]] == [None, None]
    assert listed(box, names=["Q"]) == []


@pytest.mark.parametrize("rules", [["x"], [{"name": "R"}]])
def test_a_rule_without_an_id_is_an_error(box: Box, rules: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(box, "table", lambda resource: [{"policyId": 1, "name": "P", "rules": rules}])
    with pytest.raises(ApplianceError, match="not the published one"):
        listed(box)


def test_the_list_needs_an_account() -> None:
    assert prepare_policy_info({"url": "fs", "username": "u"})["provenance"] == "observed"
    with pytest.raises(InvalidOptions):
        prepare_policy_info({"url": "fs", "username": None})
