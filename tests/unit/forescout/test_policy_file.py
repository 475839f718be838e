# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Exports by the published form: what is read, refused and changed, and that nothing else changes."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from defender_iot_lab.forescout.exports import Action, Rule, add_to_group, export, mail
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import InvalidOptions
from ansible_collections.otsec.defender_iot.plugins.module_utils._forescout.policy_file import (
    PolicyFile,
    digest_in,
    digest_of_file,
    overview,
    read_policy_file,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._forescout.policy_xml import (
    DEEPEST,
    LARGEST,
    attribute,
    read_document,
    span,
    spliced,
    with_values,
)

DEFAULTS: dict[str, Any] = {
    "name": None,
    "description": None,
    "conditions": [],
    "mail": None,
    "group": None,
    "ranges": [],
    "enabled": False,
    "actions": "disabled",
    "allowed_actions": ["add-to-group", "sendmail"],
}
FIRMWARE = Rule("Old", "property_1", value="2.", actions=(mail(),))
GROUPED = Rule(
    "PLC", "property_2", label="Type", type="equals", value="PLC", actions=(add_to_group(-7, "G"),)
)
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn"]), max_size=20)

Write = Callable[..., str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that writes an export and returns its path."""

    def written(content: str | bytes) -> str:
        path = tmp_path / "export.xml"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    return written


def made(path: str, **given: Any) -> PolicyFile:
    """Return the file that is made from an export."""
    return read_policy_file(path, {**DEFAULTS, **given})


def changed_lines(path: str, file: PolicyFile) -> list[str]:
    """Return the lines of the file that the export has in another form."""
    lines = difflib.unified_diff(
        Path(path).read_text().splitlines(), file.content.decode().splitlines(), lineterm="", n=0
    )
    return [line[1:].strip() for line in lines if line[0] == "+" and not line.startswith("+++")]


def refusal(path: str, **given: Any) -> str:
    """Return the sentence with which an export or an option is refused."""
    with pytest.raises(InvalidOptions) as raised:
        made(path, **given)
    sentence = raised.value.sentence("fs")
    assert "\n" not in sentence
    assert sentence.startswith("fs: ")
    assert raised.value.remedy
    return sentence


# --- what is read ------------------------------------------------------------------------------------------


def test_conditions_and_actions_are_named_by_their_rule(write: Write) -> None:
    file = made(write(export("P", [FIRMWARE, GROUPED])))
    assert file.rules == ("P", "Old", "PLC")
    assert file.conditions == (
        {
            "rule": "Old",
            "label": "Firmware",
            "property": "property_1",
            "module": "module_1",
            "type": "startswith",
            "values": ["2."],
        },
        {
            "rule": "PLC",
            "label": "Type",
            "property": "property_2",
            "module": "module_1",
            "type": "equals",
            "values": ["PLC"],
        },
    )
    assert file.actions == (
        {"rule": "Old", "name": "sendmail", "enabled": False},
        {"rule": "PLC", "name": "add-to-group", "enabled": False},
    )


def test_a_script_property_has_its_name_inside(write: Write) -> None:
    text = (
        export("P", [FIRMWARE])
        .replace('FIELD_NAME="property_1" ', "")
        .replace("<FILTER CASE", '<FIELD METANAME="x" NAME="script_1"/><FILTER CASE')
    )
    assert made(write(text)).conditions[0]["property"] == "script_1"


def test_the_overview_has_what_an_operator_reviews(write: Write) -> None:
    file = made(write(export("P", [FIRMWARE, GROUPED], description="Mine")), ranges=["192.0.2.0/24"])
    assert overview(file.content) == {
        "name": "P",
        "description": "Mine",
        "digest": file.digest,
        "enabled": False,
        "scope": ["192.0.2.0-192.0.2.255", "::/0"],
        "conditions": [dict(each) for each in file.conditions],
        "actions": [
            {
                **file.actions[0],
                "parameters": {
                    "signature": "default",
                    "subject": "{ip}",
                    "to": "operator@example.com",
                    "message": "Seen:\t{ip}\n",
                    "aggregate": "false",
                },
            },
            {
                **file.actions[1],
                "parameters": {"temporary": "true", "group-name": "id:-7;name:G", "item_key": "mac_or_ip"},
            },
        ],
    }


def test_the_overview_of_a_segment_is_its_name() -> None:
    text = export("P", []).replace("<RANGE ", '<SEGMENT ID="7" NAME="Plant"/><RESERVED/><RANGE ')
    assert overview(text.encode())["scope"][:2] == ["Plant", "RESERVED"]


def test_a_file_without_a_policy_has_no_overview() -> None:
    assert overview(b"") == {}
    assert list(overview(b"<x")) == ["unreadable"]


# --- what changes ------------------------------------------------------------------------------------------


def test_a_file_is_disabled_and_nothing_else_changes(write: Write) -> None:
    path = write(export("P", [FIRMWARE], description="Mine"))
    file = made(path)
    rule, action = changed_lines(path, file)
    assert f'DESCRIPTION="[defender_iot:{file.digest}] Mine"' in rule
    assert 'ENABLED="false"' in rule
    assert action == '<ACTION DISABLED="true" NAME="sendmail">'
    assert not file.enabled


@pytest.mark.parametrize(
    ("given", "states"),
    [
        ({}, ("false", "true")),
        ({"enabled": True}, ("true", "true")),
        ({"actions": "as_exported"}, ("false", "false")),
        ({"enabled": True, "actions": "as_exported"}, ("true", "false")),
    ],
    ids=str,
)
@pytest.mark.parametrize("was", [True, False])
def test_policy_and_actions_are_enabled_only_if_asked(
    write: Write, given: dict[str, Any], states: tuple[str, str], was: bool
) -> None:
    path = write(export("P", [FIRMWARE], enabled=was))
    root = etree.fromstring(made(path, **given).content)
    assert (root[0].get("ENABLED"), next(root.iter("ACTION")).get("DISABLED")) == states


def test_an_action_that_is_disabled_in_the_export_stays_disabled(write: Write) -> None:
    off = Rule("Old", "p", actions=(Action("sendmail", enabled=False),))
    file = made(write(export("P", [off])), enabled=True, actions="as_exported")
    assert [each["enabled"] for each in file.actions] == [False]


def test_missing_attributes_are_added(write: Write) -> None:
    text = export("P", [FIRMWARE]).replace(' ENABLED="true"', "").replace('DESCRIPTION="" ENABLED', "ENABLED")
    text = text.replace(' DESCRIPTION=""', "", 1).replace(' DISABLED="false"', "")
    root = etree.fromstring(made(write(text)).content)
    assert root[0].get("ENABLED") == "false"
    assert digest_in(root[0].get("DESCRIPTION"))
    assert next(root.iter("ACTION")).get("DISABLED") == "true"


def test_the_two_examples_of_the_tutorial_have_the_values_of_a_platform(write: Write) -> None:
    file = made(
        write(export("P", [FIRMWARE, GROUPED])),
        name="Müller & Söhne",
        description="North",
        conditions=[
            {"label": "Firmware", "rule": None, "value": "2.9<"},
            {"label": "Type", "rule": "PLC", "value": 'a"b'},
        ],
        mail={"to": "soc@example.com", "subject": "S", "text": "a\n\tb"},
        group={"id": "-9223372036854775808", "name": "Old; devices"},
        ranges=["192.0.2.0/30", "198.51.100.7", "203.0.113.1 - 203.0.113.9"],
    )
    root = etree.fromstring(file.content)
    parameters = {each.get("NAME"): each.get("VALUE") for each in root.iter("PARAM")}
    assert file.name == root[0].get("NAME") == "Müller & Söhne"
    assert root[0].get("DESCRIPTION") == f"[defender_iot:{file.digest}] North"
    assert [each.get("VALUE2") for each in root.iter("VALUE")] == ["2.9<", 'a"b']
    assert parameters["to"] == "soc@example.com"
    assert parameters["message"] == "a\n\tb"
    assert parameters["group-name"] == "id:-9223372036854775808;name:Old; devices"
    assert [(each.get("FROM"), each.get("TO")) for each in root.iter("RANGE")] == [
        ("192.0.2.0", "192.0.2.3"),
        ("198.51.100.7", "198.51.100.7"),
        ("203.0.113.1", "203.0.113.9"),
    ]
    assert b"&#10;&#9;b" in file.content


def test_a_part_of_a_mail_may_change_alone(write: Write) -> None:
    path = write(export("P", [FIRMWARE]))
    lines = changed_lines(path, made(path, mail={"to": None, "subject": "S", "text": ""}))
    assert [line for line in lines if "PARAM" in line] == ['<PARAM NAME="subject" VALUE="S"/>']


@pytest.mark.parametrize("ranges", ['<RANGE FROM="a" TO="b"></RANGE><RANGE FROM="c" TO="d"/>', "<RANGE />"])
def test_all_ranges_are_replaced(write: Write, ranges: str) -> None:
    text = export("P", []).replace('<RANGE FROM="0.0.0.0" TO="255.255.255.255"/>', ranges)
    root = etree.fromstring(made(write(text), ranges=["192.0.2.1"]).content)
    assert [dict(each.attrib) for each in root.iter("RANGE")] == [{"FROM": "192.0.2.1", "TO": "192.0.2.1"}]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(line=TEXT.filter(str.isprintable), description=TEXT, value=TEXT, text=TEXT)
def test_any_text_arrives_as_it_is(
    tmp_path: Path, line: str, description: str, value: str, text: str
) -> None:
    path = tmp_path / "export.xml"
    path.write_text(export("P", [Rule("R", "p", value=value, actions=(mail(subject=line),))]))
    changed = {"subject": line + "é", "text": text + "é"}
    wanted = {"name": f"x{line}x", "description": description, "mail": changed}
    wanted["conditions"] = [{"label": "Firmware", "rule": "R", "value": line + "!"}]
    file = made(str(path), **wanted)
    root = etree.fromstring(file.content)
    assert root[0].get("NAME") == f"x{line}x"
    assert digest_in(root[0].get("DESCRIPTION")) == file.digest
    assert next(root.iter("VALUE")).get("VALUE2") == line + "!"
    assert set(changed.values()) <= {each.get("VALUE") for each in root.iter("PARAM")}
    path.write_bytes(file.content)
    again = made(str(path), description=description)
    assert (again.digest, again.content) == (file.digest, file.content)


# --- the digest --------------------------------------------------------------------------------------------


def test_two_exports_of_the_same_policy_have_one_digest(write: Write) -> None:
    digests = {
        made(write(export("P", [FIRMWARE, GROUPED], random=Random(seed), version=version))).digest  # noqa: S311
        for seed, version in ((1, "8.5.2-217"), (2, "9.1.4-791"))
    }
    assert len(digests) == 1


@pytest.mark.parametrize(
    "given",
    [
        {"name": "Q"},
        {"description": "x"},
        {"enabled": True},
        {"actions": "as_exported"},
        {"conditions": [{"label": "Firmware", "rule": None, "value": "3."}]},
        {"mail": {"to": "x@example.com"}},
        {"group": {"id": "-8", "name": "G"}},
        {"group": {"id": "-7", "name": "H"}},
        {"ranges": ["192.0.2.0/24"]},
    ],
    ids=str,
)
def test_every_value_changes_the_digest(write: Write, given: dict[str, Any]) -> None:
    path = write(export("P", [FIRMWARE, GROUPED]))
    assert made(path, **given).digest != made(path).digest


def test_the_digest_of_a_file_is_that_in_its_description(tmp_path: Path, write: Write) -> None:
    path = write(export("P", [FIRMWARE]))
    assert digest_of_file(path) is None
    file = made(path)
    write(file.content)
    assert digest_of_file(path) == file.digest
    assert digest_of_file(str(tmp_path / "missing")) is None
    assert digest_of_file(write("<x")) is None


@pytest.mark.parametrize(
    ("text", "digest"),
    [
        ("[defender_iot:0123456789abcdef] x", "0123456789abcdef"),
        ("x\n[defender_iot:0123456789abcdef]", "0123456789abcdef"),
        ("[defender_iot:0123456789abcde", None),
        ("", None),
        (None, None),
        (7, None),
    ],
)
def test_a_digest_is_found_in_any_description(text: Any, digest: str | None) -> None:
    assert digest_in(text) == digest


# --- what is refused ---------------------------------------------------------------------------------------

GOOD = export("P", [FIRMWARE, GROUPED])
BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><x>&b;</x>'
EXTERNAL = '<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>'


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (BOMB, "it declares a document type"),
        (EXTERNAL, "it declares a document type"),
        (GOOD.replace("<RULES>", "<!DOCTYPE RULES><RULES>"), "it declares a document type"),
        (GOOD.replace('NAME="P"', 'NAME="&x;"'), "undefined entity"),
        ("<a>" * (DEEPEST + 1) + "</a>" * (DEEPEST + 1), "nested more than 100 deep"),
        ("<a>" * 300_000, "nested more than 100 deep"),
        (GOOD.encode("utf-16"), "its bytes are not UTF-8"),
        (GOOD.replace('"UTF-8"', '"UTF-16"').encode("utf-16"), "its bytes are not UTF-8"),
        (GOOD.encode("utf-16-le"), "its bytes are not UTF-8"),
        (GOOD.encode("utf-32"), "its bytes are not UTF-8"),
        (GOOD.replace('NAME="P"', 'NAME="é"').encode("latin-1"), "its bytes are not UTF-8"),
        (GOOD.replace('"UTF-8"', '"UTF-7"'), "it declares another encoding"),
        (GOOD.replace('"UTF-8"', '"ISO-8859-1"'), "it declares another encoding"),
        (GOOD[:-3], "not a whole XML document"),
        (GOOD + GOOD, "not a whole XML document"),
        ("", "not a whole XML document"),
        ("\0" * 100, "its bytes are not UTF-8"),
        (b"\x89PNG\r\n", "its bytes are not UTF-8"),
        (GOOD.replace('NAME="P"', 'NAME="P" NAME="Q"'), "duplicate attribute"),
        ("<html><body/></html>", "it begins with html"),
        ("<POLICY><RULE NAME='P'/></POLICY>", "it begins with POLICY"),
        ("<RULES/>", "it has 0 policies"),
        ("<RULES><RULE/></RULES>", "its policy has no name"),
        ("<RULES><RULE NAME=''/></RULES>", "its policy has no name"),
        ("<RULES><RULE NAME='a'/><RULE NAME='b'/></RULES>", "it has 2 policies"),
    ],
)
def test_what_is_no_export_of_one_policy_is_refused_in_a_sentence(
    write: Write, content: str | bytes, why: str
) -> None:
    path = write(content)
    sentence = refusal(path)
    assert sentence.startswith(f"fs: reading the export {path} failed: ")
    assert why in sentence


def test_a_file_of_100_megabytes_is_refused_without_reading_it(tmp_path: Path) -> None:
    path = tmp_path / "large.xml"
    with path.open("wb") as file:
        file.truncate(100_000_000)
    assert "larger than 4 MiB" in refusal(str(path))


def test_the_largest_file_is_read() -> None:
    assert read_document(b"<a>" + b" " * (LARGEST - 7) + b"</a>").tag == "a"
    with pytest.raises(InvalidOptions):
        read_document(b"<a>" + b" " * (LARGEST - 6) + b"</a>")


@pytest.mark.parametrize("what", ["missing", "folder"])
def test_what_is_no_file_is_refused(tmp_path: Path, what: str) -> None:
    path = tmp_path / "x"
    if what == "folder":
        path.mkdir()
    assert "it cannot be read" in refusal(str(path))


def test_a_relative_path_is_refused() -> None:
    assert "its path is relative" in refusal("export.xml")


@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize("name", ["sw_block", "run_script", "delete_host", "SENDMAIL", ""])
def test_an_action_outside_the_list_is_refused_even_if_disabled(
    write: Write, name: str, enabled: bool
) -> None:
    path = write(export("P", [Rule("R", "p", actions=(Action(name, enabled=enabled),))]))
    assert "remove it in the Console, or add it to allowed_actions" in refusal(path)
    assert made(path, allowed_actions=[name]).actions[0]["name"] == name


@pytest.mark.parametrize("tag", ["action", "x:ACTION", "Action"])
def test_an_action_in_another_form_is_an_action(write: Write, tag: str) -> None:
    path = write(export("P", []).replace("<RULE_CHAIN>", f'<RULE_CHAIN><{tag} NAME="sw_block"/>'))
    assert "it has the action sw_block" in refusal(path)


@pytest.mark.parametrize("name", ["-x", "a\nb", "a\tb", " a", "a ", "a\x7fb"])
def test_a_name_that_a_command_may_misread_is_refused(write: Write, name: str) -> None:
    assert "the name" in refusal(write(export("P", [])), name=name)


def condition(label: str = "Firmware", rule: str | None = None, value: str = "x") -> dict[str, Any]:
    """Return an entry of the option conditions."""
    return {"label": label, "rule": rule, "value": value}


TWICE = export("P", [FIRMWARE, Rule("Older", "property_1", value="1.")])
MAILS = export("P", [Rule("R", "p", actions=(mail(), mail()))])


@pytest.mark.parametrize(
    ("content", "given", "why"),
    [
        (GOOD, {"conditions": [condition("Vendor")]}, '0 conditions "Vendor" instead of one'),
        (GOOD, {"conditions": [condition(rule="PLC")]}, '0 conditions "Firmware" of the rule "PLC"'),
        (TWICE, {"conditions": [condition()]}, '2 conditions "Firmware" instead of one'),
        (GOOD, {"conditions": [condition(value="")]}, "is empty"),
        (GOOD.replace("startswith", "any"), {"conditions": [condition()]}, "does not compare with one text"),
        (
            GOOD.replace('<VALUE VALUE2="2."/>', '<VALUE VALUE2="2."/><VALUE VALUE2="3."/>'),
            {"conditions": [condition()]},
            "does not compare with one text",
        ),
        *((GOOD, {"conditions": [condition(value=f"a{each}")]}, "control character") for each in "\0\n\t"),
        (export("P", [GROUPED]), {"mail": {"to": "x@example.com"}}, "0 actions sendmail instead of one"),
        (MAILS, {"mail": {"to": "x@example.com"}}, "2 actions sendmail instead of one"),
        (GOOD, {"mail": {"to": "a@example.com, b@example.com"}}, "is not one address"),
        (GOOD, {"mail": {"to": "soc"}}, "is not one address"),
        (GOOD, {"mail": {"subject": "a\nBcc: b@example.com"}}, "could begin another header"),
        (GOOD, {"group": {"id": "1", "name": "a\nb"}}, "has control characters"),
        (
            export("P", [Rule("R", "p", actions=(Action("sendmail"),))]),
            {"mail": {"to": "x@example.com"}},
            "has no to",
        ),
        (GOOD, {"group": {"id": "seven", "name": "G"}}, "not a signed 64-bit number"),
        (GOOD, {"group": {"id": str(2**63), "name": "G"}}, "not a signed 64-bit number"),
        (GOOD.replace("id:-7;name:G", "G"), {"group": {"id": "1", "name": "G"}}, "an unknown form"),
        (GOOD, {"ranges": ["192.0.2.1/24"]}, "no IPv4 network or range"),
        (GOOD, {"ranges": ["192.0.2.9-192.0.2.1"]}, "no IPv4 network or range"),
        (GOOD, {"ranges": ["2001:db8::/32"]}, "no IPv4 network or range"),
        (GOOD, {"ranges": [""]}, "no IPv4 network or range"),
        (GOOD.replace("RANGE ", "SEGMENT "), {"ranges": ["192.0.2.0/24"]}, "its scope has no IPv4 ranges"),
    ],
)
def test_a_value_that_does_not_fit_the_export_is_refused(
    write: Write, content: str, given: dict[str, Any], why: str
) -> None:
    path = write(content)
    sentence = refusal(path, **given)
    assert sentence.startswith(f"fs: setting the values of the policy in {path} failed: ")
    assert why in sentence


# --- positions ---------------------------------------------------------------------------------------------


def test_bytes_before_quotes_and_spaces_stay(tmp_path: Path) -> None:
    text = "\ufeff<?xml version='1.0'?>\r\n<!-- ü -->\r\n<a  b = 'c\"' d\n=\t\"e>f\"  ><g/><h></h ></a >"
    content = text.encode()
    root = read_document(content)
    assert [content[each.start :][:2] for each in root.walk()] == [b"<a", b"<g", b"<h"]
    assert [content[slice(*span(content, each))] for each in root.children] == [b"<g/>", b"<h></h >"]
    new = with_values(
        content, {(root.start, "b"): "1", (root.start, "d"): "2", (root.children[0].start, "i"): "3"}
    )
    assert new.decode() == text.replace("b = 'c\"'", 'b="1"').replace('d\n=\t"e>f"', 'd="2"').replace(
        "<g/>", '<g i="3"/>'
    )
    assert spliced(b"abc", [(0, 1, b""), (2, 2, b"x")]) == b"bxc"


@pytest.mark.parametrize("value", ["\0", "\x0b", "\ud800", "\ufffe"])
def test_a_character_that_xml_cannot_contain_is_refused(value: str) -> None:
    with pytest.raises(InvalidOptions):
        attribute("a", value)
