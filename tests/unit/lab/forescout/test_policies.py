# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Policies of the lab's Forescout: how an import, a removal and a match behave with every switch."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
from defender_iot_lab.core.clock import Clock
from defender_iot_lab.core.options import ConfigurationError
from defender_iot_lab.forescout.exports import Rule, add_to_group, export, mail
from defender_iot_lab.forescout.policies import Policies, PolicyOptions
from defender_iot_lab.forescout.properties import HostProperties, make_tags

IP, OTHER = "192.0.2.5", "192.0.2.6"


class Box:
    """A platform with two hosts, of which one has the firmware 2.1."""

    def __init__(self, folder: Path) -> None:
        random = Random(1)  # noqa: S311
        clock = Clock()
        self.tags = make_tags(random)
        self.platform = SimpleNamespace(options=PolicyOptions())
        properties = HostProperties(clock, self.tags)
        for ip, firmware in ((IP, ["2.1"]), (OTHER, [])):
            properties.values[ip] = {
                self.tags["Firmware"]: {"value": firmware},
                self.tags["Type"]: {"value": "PLC"},
            }
        self.policies = Policies(self.platform, clock, properties, random)
        self.folder = folder

    def switch(self, **options: Any) -> None:
        """Turn switches."""
        self.platform.options = PolicyOptions(**options)

    def rule(self, **given: Any) -> Rule:
        """Return a sub-rule about the firmware."""
        return Rule(**{"name": "R", "property": self.tags["Firmware"], "actions": (mail(),), **given})

    def load(self, text: str) -> tuple[Any, ...]:
        """Import a file."""
        path = self.folder / "policy.xml"
        path.write_text(text)
        return tuple(asyncio.run(self.policies.cliapi(["import", str(path)])))

    def remove(self, name: str) -> tuple[Any, ...]:
        """Remove a policy."""
        return tuple(asyncio.run(self.policies.cliapi(["remove", name])))

    @property
    def names(self) -> list[str]:
        """The names of the policies."""
        return [each.name for each in self.policies.policies]


@pytest.fixture
def box(tmp_path: Path) -> Box:
    """A platform."""
    return Box(tmp_path)


def test_an_enabled_policy_acts_once_for_each_host_until_it_is_imported_again(box: Box) -> None:
    text = export("P", [box.rule()])
    assert box.load(text) == ("Import policy completed", 0)
    assert [each["subject"] for each in box.policies.mails] == [IP]
    box.policies.evaluate()
    assert len(box.policies.mails) == 1
    assert "removed" in box.remove("P")[0]
    box.load(text)
    assert len(box.policies.mails) == 2


@pytest.mark.parametrize(
    "change", [('ENABLED="true"', 'ENABLED="false"'), ('DISABLED="false"', 'DISABLED="true"')]
)
def test_what_is_disabled_does_not_act(box: Box, change: tuple[str, str]) -> None:
    box.load(export("P", [box.rule()]).replace(*change))
    assert box.policies.mails == []


@pytest.mark.parametrize(
    ("kind", "value", "matches"),
    [
        ("any", "Any", True),
        ("contains", ".", True),
        ("equals", "2.1", True),
        ("equals", "2", False),
        ("startswith", "2", True),
        ("endswith", "2", False),
        ("regexp", r"^2\.\d$", True),
    ],
)
def test_a_condition_compares_as_its_type_says(box: Box, kind: str, value: str, matches: bool) -> None:
    box.load(export("P", [box.rule(type=kind, value=value)]))
    (row,) = box.policies.listed()
    assert box.policies.matching({str(row["rules"][0]["ruleId"])}) == ([IP] if matches else [])
    assert box.policies.matching({str(row["policyId"])}) == [IP, OTHER]


@pytest.mark.parametrize(
    ("kind", "matches"), [("AND", False), ("OR", True), ("NOT", True), ("PARENTHESIS", False)]
)
def test_expressions_are_joined(box: Box, kind: str, matches: bool) -> None:
    text = export("P", [box.rule()])
    start, end = text.index("<EXPRESSION"), text.index("</EXPRESSION>") + len("</EXPRESSION>")
    no = text[start:end].replace('VALUE2="2."', 'VALUE2="3."')
    both = f'<EXPRESSION EXPR_TYPE="{kind}">{text[start:end]}{no}</EXPRESSION>'
    box.load(text[:start] + both + text[end:])
    assert bool(box.policies.mails) is matches


@pytest.mark.parametrize(("unknown", "matches"), [("MATCH", True), ("UNMATCH", False), ("IRRESOLVED", False)])
def test_a_property_without_a_value_counts_as_the_condition_says(
    box: Box, unknown: str, matches: bool
) -> None:
    text = export("P", [box.rule(property="mac")])
    box.load(text.replace('UKNOWN="IRRESOLVED"', f'UKNOWN="{unknown}"'))
    assert bool(box.policies.mails) is matches


def test_only_hosts_in_the_scope_match(box: Box) -> None:
    scope = 'FROM="0.0.0.0" TO="255.255.255.255"'
    box.load(export("P", []).replace(scope, f'FROM="{OTHER}" TO="{OTHER}"'))
    assert box.policies.matching({str(box.policies.listed()[0]["policyId"])}) == [OTHER]


@pytest.mark.parametrize(
    ("switch", "names"),
    [("second", ["P", "P"]), ("numbered", ["P", "P (1)"]), ("overwrite", ["P"]), ("refuse", ["P"])],
)
def test_a_second_policy_of_a_name(box: Box, switch: str, names: list[str]) -> None:
    box.switch(existing_name=switch)
    box.load(export("P", []))
    answer = box.load(export("P", []))
    assert box.names == names
    assert ("completed" in answer[0]) is (switch != "refuse")


@pytest.mark.parametrize(
    ("switch", "names"), [("new_id", ["P", "Q"]), ("overwrite", ["Q"]), ("refuse", ["P"])]
)
def test_a_second_policy_of_an_id(box: Box, switch: str, names: list[str]) -> None:
    box.switch(existing_id=switch, keeps_policy_ids=True)
    text = export("P", [])
    box.load(text)
    box.load(text.replace('NAME="P"', 'NAME="Q"'))
    assert box.names == names
    ids = [each["policyId"] for each in box.policies.listed()]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(
    ("refusal", "answer"),
    [
        ("stdout_0", ("Error: {}", 0)),
        ("stdout_1", ("Error: {}", 1)),
        ("stderr_0", ("", 0, "Error: {}")),
        ("empty", ("", 0)),
    ],
)
@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('TYPE="startswith"', 'TYPE="x"', "java.lang.IllegalArgumentException: Unknown data-type x"),
        ("RULES>", "GROUPS>", "java.lang.IllegalArgumentException: Unknown data-type GROUPS"),
        ('FIELD_NAME="', 'FIELD_NAME="x', "Unknown field x"),
        ("</RULES>", "", "org.xml.sax.SAXParseException"),
    ],
)
def test_a_refused_file_is_not_stored(
    box: Box, refusal: str, answer: tuple[Any, ...], old: str, new: str, message: str
) -> None:
    box.switch(refusal=refusal)
    found = box.load(export("P", [box.rule()]).replace(old, new))
    for said, expected in zip(found, answer, strict=True):
        assert said == expected or (message in said and said.startswith("Error: "))
    assert box.names == []


@pytest.mark.parametrize(
    ("switch", "stored", "groups"),
    [
        ("by_name", True, {"OT devices": [IP]}),
        ("create", True, {"OT devices": [], "other": [IP]}),
        ("dangling", True, {"OT devices": []}),
        ("refuse", False, {"OT devices": []}),
    ],
)
def test_a_group_whose_id_is_not_known(box: Box, switch: str, stored: bool, groups: Any) -> None:
    box.switch(unknown_group=switch)
    name = "OT devices" if switch == "by_name" else "other"
    box.load(export("P", [box.rule(actions=(add_to_group(7, name),))]))
    assert bool(box.names) is stored
    assert box.policies.members() == groups


@pytest.mark.parametrize(
    ("root", "content"),
    [
        ("RULES", "{}"),
        ("POLICY", "{}"),
        ("POLICY_FOLDER", "<POLICIES><POLICY>{}</POLICY></POLICIES>"),
        ("GROUP", "{}"),
    ],
)
def test_other_kinds_of_files_are_imported_by_a_switch(box: Box, root: str, content: str) -> None:
    rule = export("P", [box.rule()]).partition("<RULES>")[2].partition("</RULES>")[0]
    text = f"<{root}>{content.format(rule)}</{root}>"
    stored = []
    for switch in ("rules", "all"):
        box.switch(imports_roots=switch, existing_name="overwrite")
        stored.append("completed" in box.load(text)[0])
    assert stored == [root == "RULES", root != "GROUP"]


def test_the_numbers_of_hosts_are_printed(box: Box) -> None:
    box.load(export("P", [box.rule(), box.rule(name="S", property=box.tags["Type"], value="PLC")]))
    box.load(export("Q", []).replace('ENABLED="true"', 'ENABLED="false"'))
    lines = box.policies.npstats().splitlines()
    assert lines == [
        *("P : MATCH : 2", "P : UNMATCH : 0", "P -> R : MATCH : 1", "P -> R : UNMATCH : 1"),
        *("P -> S : MATCH : 1", "P -> S : UNMATCH : 1", "Q : MATCH : 0", "Q : UNMATCH : 2"),
    ]
    box.switch(npstats_lists="matched")
    assert box.policies.npstats().splitlines() == lines[:6]


def test_an_app_that_is_imported_again_strips_conditions(box: Box) -> None:
    box.load(export("P", [box.rule()]))
    (row,) = box.policies.listed()
    box.policies.by_operator({"name": "P", "stripped": True})
    assert box.policies.listed() == [row]
    assert box.policies.matching({str(row["rules"][0]["ruleId"])}) == [IP, OTHER]


@pytest.mark.parametrize(("switch", "left"), [("all", 0), ("first", 1), ("refuse", 2)])
def test_several_policies_of_a_name_are_removed(box: Box, switch: str, left: int) -> None:
    box.switch(removes=switch)
    for _ in range(2):
        box.load(export("P", []))
    box.remove("P")
    assert len(box.names) == left


@pytest.mark.parametrize(("switch", "code"), [("exit_1", 1), ("exit_0", 0)])
def test_a_policy_that_does_not_exist_is_not_removed(box: Box, switch: str, code: int) -> None:
    box.switch(remove_missing=switch)
    assert box.remove("P") == ("No such policy", code)


@pytest.mark.parametrize(
    ("goes", "answer", "stored"),
    [
        ("disk_full", ("Error: java.io.IOException: No space left on device", 0), False),
        ("restarting", ("Error: Not connected", 0), False),
        ("lost", ("", 255), False),
        ("lost_stored", ("", 255), True),
    ],
)
def test_the_next_imports_fail(box: Box, goes: str, answer: Any, stored: bool) -> None:
    box.switch(bad_imports=1, import_goes=goes)
    assert box.load(export("P", [])) == answer
    assert bool(box.names) is stored
    assert "completed" in box.load(export("Q", []))[0]


@pytest.mark.parametrize(
    ("switch", "description"),
    [("whole", "a\n" + "b" * 50), ("truncated", "a\n" + "b" * 38), ("folded", "a " + "b" * 50)],
)
def test_a_description_is_shown(box: Box, switch: str, description: str) -> None:
    box.switch(policy_description=switch)
    box.load(export("P", [], description="a\n" + "b" * 50))
    assert box.policies.listed()[0]["description"] == description
    box.switch(policy_description="absent", policy_seconds=60)
    assert "description" not in box.policies.listed()[0]
    box.load(export("Q", []))
    assert [each["name"] for each in box.policies.listed()] == ["P"]


def test_an_operator_changes_and_exports_policies(box: Box) -> None:
    text = box.policies.exported({"name": "P", "value": "3.", "action": "sendmail"})["xml"]
    box.load(text)
    assert box.policies.mails == []
    box.policies.by_operator({"name": "P", "value": "2."})
    assert len(box.policies.mails) == 1
    box.policies.by_operator({"name": "P", "enabled": False})
    assert box.policies.state()["policies"][0]["enabled"] is False
    assert box.policies.exported({"action": "add-to-group"})["xml"] != text


@pytest.mark.parametrize(
    ("command", "body"),
    [
        ("by_operator", {"name": "missing"}),
        ("by_operator", {"title": "P"}),
        ("exported", {"action": "run_script"}),
        ("exported", {"action": "sendmail", "label": "missing"}),
    ],
)
def test_what_an_operator_cannot_do_is_refused(box: Box, command: str, body: Any) -> None:
    with pytest.raises(ConfigurationError):
        getattr(box.policies, command)(body)


@pytest.mark.parametrize("arguments", [[], ["list"], ["export", "P"]])
def test_other_commands_print_the_usage(box: Box, arguments: list[str]) -> None:
    assert asyncio.run(box.policies.cliapi(arguments)) == (
        "Usage: fstool cliapi policy <import|remove> <argument>",
        1,
    )


def test_a_file_that_is_not_there_is_refused(box: Box) -> None:
    answer = asyncio.run(box.policies.cliapi(["import", "/missing.xml"]))
    assert answer == ("Error: java.io.FileNotFoundException: /missing.xml", 0)
