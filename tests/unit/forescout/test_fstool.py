# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""fstool without a platform: quoting, both styles of a store, the output, and every step."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import (
    ApplianceError,
    InvalidOptions,
    Unreachable,
    Unsupported,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.shell import CommandResult, words
from ansible_collections.otsec.defender_iot.plugins.module_utils._forescout import fstool_nodes, fstool_plugin
from ansible_collections.otsec.defender_iot.plugins.module_utils._forescout.fstool import Fstool
from ansible_collections.otsec.defender_iot.plugins.module_utils._forescout.fstool_nodes import (
    by_node,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._forescout.fstool_plugin import (
    plugin_states,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._forescout.module_settings import (
    SETTINGS,
    prepare_forescout_module,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._forescout.properties import (
    parsed,
    with_value,
)

PRINTABLE = st.text(st.characters(min_codepoint=32, max_codepoint=126))
WORD = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
# Each example starts a process, so there is no deadline.
few = settings(max_examples=40, deadline=None)
KEY = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}", fullmatch=True)
PARAMS = {
    "transport": "fstool",
    "plugin_name": "plugin_x",
    "property_keys": {"server_address": "a.value", "access_token": "t.value"},
    "nodes": ["em"],
    "escapes": "auto",
    "fstool_path": "fstool",
    "install_path": "/fs",
    "timeout": 30,
    "connect_timeout": 10,
    "restart_timeout": 0,
    "token_compare": "auto",
    "token_delivery": "argument",
    "create_keys": False,
}
BODY = {"server_address": "192.0.2.11", "access_token": "t0ken"}
FILE = "/fs/plugin/plugin_x/local.properties"
COPY = FILE + ".defender_iot_backup"


@few
@given(st.lists(WORD, min_size=1))
def test_a_shell_receives_the_exact_words(arguments: list[str]) -> None:
    line = words("printf", "%s\\0", *arguments)
    shown = subprocess.run(["/bin/sh", "-c", line], capture_output=True, check=True).stdout
    assert shown == b"".join(argument.encode() + b"\0" for argument in arguments)


@few
@given(st.lists(WORD, min_size=1))
def test_a_nested_shell_receives_the_exact_words(arguments: list[str]) -> None:
    line = words("sh", "-c", words("printf", "%s\\0", *arguments))
    shown = subprocess.run(["/bin/sh", "-c", line], capture_output=True, check=True).stdout
    assert shown == b"".join(argument.encode() + b"\0" for argument in arguments)


@few
@given(PRINTABLE)
def test_a_value_on_standard_input_arrives_complete(value: str) -> None:
    script = 'IFS= read -r value && exec printf %s "$value"'
    fed = subprocess.run(
        ["/bin/sh", "-c", script], input=value + "\n", capture_output=True, text=True, check=True
    )
    assert fed.stdout == value


@settings(deadline=None)
@given(st.dictionaries(KEY, PRINTABLE), KEY, PRINTABLE, st.booleans())
def test_a_property_that_is_written_reads_back_and_leaves_the_others(
    others: dict[str, str], key: str, value: str, escaped: bool
) -> None:
    text = "# comment\n\n"
    for name, each in others.items():
        text = with_value(text, name, each, escaped)
    assert parsed(text, escaped) == others
    changed = with_value(text, key, value, escaped)
    assert parsed(changed, escaped) == {**others, key: value}
    assert with_value(changed, key, value, escaped) == changed
    assert changed.startswith("# comment\n\n")


@pytest.mark.parametrize(
    ("line", "escaped", "key", "value"),
    [
        ("a=b", True, "a", "b"),
        ("a=b", False, "a", "b"),
        ("  a = b", True, "a", "b"),
        ("a = b", False, "a", "b"),
        ("a:b", True, "a", "b"),
        (r"a=name\:type\:\:x", True, "a", "name:type::x"),
        ("a=name:type::x", False, "a", "name:type::x"),
        (r"a=b\\c", True, "a", r"b\c"),
        (r"a=b\\c", False, "a", r"b\\c"),
        (r"a=\u0024\ttab", True, "a", "$\ttab"),
        (r"a\=b=c", True, "a=b", "c"),
        ("a=b=c", False, "a", "b=c"),
        ("a=", True, "a", ""),
        ("a", True, "a", ""),
        ("a=one \\\n   two", True, "a", "one two"),
    ],
)
def test_a_line_of_a_store_is_understood(line: str, escaped: bool, key: str, value: str) -> None:
    assert parsed(f"# x=y\n!z=1\n{line}\n", escaped) == {key: value}


def test_a_duplicate_property_is_merged() -> None:
    assert with_value("a=1\nb=2\na=3\n", "a", "4", True) == "a=4\nb=2\n"


def test_a_continued_line_is_unchanged() -> None:
    assert with_value("a=1\\\n  2\nb=3\n", "b", "4", True) == "a=1\\\n  2\nb=4\n"


@pytest.mark.parametrize(
    "text",
    [
        "203.0.113.1: dot1x=true\n203.0.113.1: sw=false\nDone in 1 seconds\n203.0.113.2: dot1x=false\nDone",
        "203.0.113.1:\ndot1x=true\nsw=false\nDone in 1 seconds\n203.0.113.2:\n  dot1x=false\nDone all in 2",
    ],
)
def test_both_layouts_of_oneach_are_understood(text: str) -> None:
    states = {node: plugin_states(said) for node, said in by_node(text).items()}
    assert states == {"203.0.113.1": {"dot1x": True, "sw": False}, "203.0.113.2": {"dot1x": False}}


def test_what_comes_before_the_first_node_belongs_to_none() -> None:
    assert by_node("Note: hello\nconnecting:\n2001:db8::1: x=true\n") == {"2001:db8::1": "x=true"}


class Box:
    """A shell that simulates the commands of one node, and records them."""

    def __init__(self, text: str = "a.value=192.0.2.9\nt.value=old\n") -> None:
        self.text = text
        self.copy: str | None = None
        self.version = "9.1.5"
        self.status = "is running for 00:01"
        self.scripts: list[str] = []
        self.stdins: list[str] = []
        self.before: dict[str, Callable[[], CommandResult | None]] = {}

    def run(self, command: str, stdin: str = "") -> CommandResult:
        parts = shlex.split(command)
        there = shlex.split(parts[8]) if parts[2] == "ssh" else parts[2:]
        script = there[2].rstrip(";")
        self.scripts.append(script)
        self.stdins.append(stdin)
        for part, act in self.before.items():
            if part in script and (ended := act()) is not None:
                return ended
        return CommandResult(0, self._said(script, stdin))

    def _said(self, script: str, stdin: str) -> str:
        if script == "fstool plugin plugin_x list":
            return "plugin_x=true"
        if script == "fstool version":
            return f"Version : {self.version}"
        if script.startswith("if [ -e"):
            return ("interrupted" if self.copy is not None else "whole") + "\n" + self.text
        if script.startswith("umask"):
            self.copy = self.text if self.copy is None else self.copy
        elif "set_property a.value" in script:
            self.text = with_value(self.text, "a.value", shlex.split(script)[-1], True)
        elif "set_property t.value" in script:
            self.text = with_value(self.text, "t.value", stdin.rstrip("\n"), True)
        elif script.startswith("rm -f"):
            self.copy = None
        elif f"cat {COPY} >" in script:
            self.text = self.copy or ""
        elif "status" in script:
            return self.status
        return ""

    @property
    def asked_for_status(self) -> int:
        """How many commands asked for the status."""
        return sum("status" in script for script in self.scripts)

    @property
    def restarts(self) -> int:
        return self.scripts.count("fstool plugin_x restart")


def fstool(box: Box, **params: Any) -> Fstool:
    """Return the platform after its settings were read."""
    api = Fstool(box, {**PARAMS, **params})
    api.read(SETTINGS, None)
    return api


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for nothing."""
    monkeypatch.setattr(fstool_plugin, "POLL_SECONDS", 0)


@pytest.mark.parametrize("listed", [("server_address", "access_token"), ("access_token", "server_address")])
def test_the_steps_come_in_their_order_and_the_token_only_as_input(listed: tuple[str, str]) -> None:
    box = Box()
    api = fstool(box, property_keys={option: PARAMS["property_keys"][option] for option in listed})
    del box.scripts[:], box.stdins[:]
    api.update(SETTINGS, None, BODY)
    kinds = ["if [ -e", "umask", "fstool plugin_x set_property a.value", "IFS= read", "if [ -e"]
    kinds += ["fstool plugin_x restart", "{ fstool plugin_x status", "if [ -e", "rm -f"]
    assert [script[: len(kind)] for script, kind in zip(box.scripts, kinds, strict=True)] == kinds
    assert parsed(box.text, True) == {"a.value": "192.0.2.11", "t.value": "t0ken"}
    assert [stdin for stdin in box.stdins if stdin] == ["t0ken\n"]
    assert "t0ken" not in "".join(box.scripts)


@pytest.mark.parametrize(
    ("status", "runs"),
    [
        ("802.1x plugin (pid 7) is running for 1-00:00:07.", True),
        ("Unknown command\nPlugin is up and running", True),
        ("Unknown command\nError: CrowdStrike: not running.", False),
        ("x plugin is not running.", False),
        ("x plugin is not currently running.", False),
        ("Unknown command", None),
        ("", None),
    ],
)
def test_one_command_tells_whether_the_plugin_runs(status: str, runs: bool | None) -> None:
    box = Box()
    box.status = status
    assert fstool(box).running() is runs
    assert box.asked_for_status == 1


def test_an_unknown_status_is_no_error() -> None:
    box = Box()
    api = fstool(box)
    box.before["status"] = lambda: CommandResult(124, "")
    assert api.running() is None


def test_a_plugin_that_was_just_restarted_is_not_asked_again() -> None:
    box = Box()
    api = fstool(box)
    api.update(SETTINGS, None, BODY)
    assert (api.running(), box.asked_for_status) == (True, 1)


@pytest.mark.parametrize(
    ("other", "runs"), [("is running", True), ("is not running", False), ("what?", None)]
)
def test_it_runs_where_it_runs_on_every_node(other: str, runs: bool | None) -> None:
    box = Box()
    said = ["is running", other]
    box.before["status"] = lambda: CommandResult(0, said.pop())
    api = fstool(box, nodes=["em", "203.0.113.1"])
    assert (api.running(), said) == (runs, [])


EMPTY = {"server_address": "", "access_token": ""}


def test_settings_are_cleared_like_others_are_set() -> None:
    box = Box()
    fstool(box).update(SETTINGS, None, EMPTY)
    assert parsed(box.text, True) == {"a.value": "", "t.value": ""}
    assert (box.restarts, box.copy) == (1, None)


def test_a_cleared_token_that_reads_back_is_an_error() -> None:
    box = Box()
    api = fstool(box)
    box.before["IFS= read"] = lambda: CommandResult(0, "")
    with pytest.raises(ApplianceError, match=r"the value of t\.value reads back different"):
        api.update(SETTINGS, None, EMPTY)
    assert parsed(box.text, True) == {"a.value": "192.0.2.9", "t.value": "old"}


def test_settings_that_a_plugin_removes_when_they_are_cleared_are_cleared() -> None:
    box = Box()
    api = fstool(box)

    def removed() -> None:
        box.text = ""

    box.before["IFS= read"] = lambda: removed() or CommandResult(0, "")
    api.update(SETTINGS, None, EMPTY)
    assert (box.text, box.restarts) == ("", 1)


def test_a_program_that_dies_does_not_count_as_a_lost_connection() -> None:
    line = fstool_nodes._without_lost(words("sh", "-c", "exit 255"), 254)
    assert subprocess.run(["/bin/sh", "-c", line], check=False).returncode == 254
    line = fstool_nodes._without_lost(words("sh", "-c", "exit 3"), 254)
    assert subprocess.run(["/bin/sh", "-c", line], check=False).returncode == 3


def test_a_store_that_changed_since_it_was_read_is_left_alone() -> None:
    box = Box()
    api = fstool(box)
    box.text = "a.value=192.0.2.10\nt.value=old\n"
    with pytest.raises(ApplianceError, match="the settings changed after this task read them"):
        api.update(SETTINGS, None, BODY)
    assert (box.restarts, box.copy) == (0, None)
    assert not [script for script in box.scripts if "set_property" in script]


def test_an_apply_during_the_restart_is_not_undone() -> None:
    box = Box()
    api = fstool(box)

    def applied() -> None:
        box.text = "a.value=192.0.2.99\nt.value=theirs\n"

    box.before["restart"] = applied
    with pytest.raises(ApplianceError, match="as if an operator had applied others in the Console"):
        api.update(SETTINGS, None, BODY)
    assert box.text == "a.value=192.0.2.99\nt.value=theirs\n"
    assert (box.restarts, box.copy) == (1, None)


@pytest.mark.parametrize("step", ["umask", "set_property a", "set_property t", "restart", "status"])
def test_a_connection_that_is_lost_at_any_step_leaves_what_the_next_run_needs(step: str) -> None:
    box = Box()
    api = fstool(box)
    before = box.text

    def lost() -> CommandResult:
        raise Unreachable("the connection is lost")

    box.before[step] = lambda: box.before.update({"": lost}) or lost()
    with pytest.raises(Unreachable) as caught:
        api.update(SETTINGS, None, BODY)
    assert caught.value.reason.startswith("the connection is lost, and the rollback failed too")
    box.before.clear()
    again = fstool(box)
    assert box.copy in (None, before)
    if box.copy is not None:
        assert again.holds(SETTINGS, "access_token", "t0ken") is False
    again.update(SETTINGS, None, BODY)
    assert parsed(box.text, True) == {"a.value": "192.0.2.11", "t.value": "t0ken"}
    assert box.copy is None


def test_the_copy_of_an_interrupted_task_is_restored() -> None:
    box = Box("a.value=192.0.2.11\nt.value=t0ken\n")
    box.copy = "a.value=192.0.2.9\nt.value=old\n"
    api = fstool(box)
    box.before["restart"] = lambda: CommandResult(1, "no") if box.restarts == 1 else None
    with pytest.raises(ApplianceError) as caught:
        api.update(SETTINGS, None, BODY)
    assert caught.value.why.endswith("the previous settings were restored, and the plugin runs with them")
    assert box.text == "a.value=192.0.2.9\nt.value=old\n"


@pytest.mark.parametrize(
    ("kept", "compare", "value", "held"),
    [
        ("old", "auto", "old", True),
        ("old", "plain", "old", True),
        ("old", "auto", "t0ken", None),
        ("old", "plain", "t0ken", False),
        ("", "auto", "t0ken", False),
    ],
)
def test_what_a_stored_token_says(kept: str, compare: str, value: str, held: bool | None) -> None:
    api = fstool(Box(f"a.value=x\nt.value={kept}\n"), token_compare=compare)
    assert api.holds(SETTINGS, "access_token", value) is held


def test_a_token_in_the_place_of_the_address_is_not_shown() -> None:
    for value, shown in (("", ""), ("2001:db8::1", "2001:db8::1"), ("s3cret", "(no IP address)")):
        api = Fstool(Box(f"a.value={value}\nt.value=old\n"), {**PARAMS, "escapes": "raw"})
        assert api.read(SETTINGS, None) == {"server_address": shown}
    api = Fstool(Box("a.value=sensor.example\nt.value=\n"), {**PARAMS, "server_address": "sensor.example"})
    assert api.read(SETTINGS, None) == {"server_address": "sensor.example"}


@pytest.mark.parametrize(
    ("version", "escapes", "address"),
    [
        ("9.1.5", "auto", "::1"),
        ("10.0", "auto", "::1"),
        ("8.5.2", "auto", "(no IP address)"),
        ("8.5.2", "java", "::1"),
        ("9.1.5", "raw", "(no IP address)"),
    ],
)
def test_the_style_follows_the_version_unless_it_is_set(version: str, escapes: str, address: str) -> None:
    box = Box("a.value=\\:\\:1\nt.value=old\n")
    box.version = version
    assert Fstool(box, {**PARAMS, "escapes": escapes}).read(SETTINGS, None) == {"server_address": address}


def test_an_unknown_version_requires_the_style() -> None:
    box = Box()
    box.version = "unknown"
    with pytest.raises(Unsupported, match="set escapes to java or raw"):
        fstool(box)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"plugin_name": None}, r"requires plugin_name \("),
        ({"property_keys": None, "plugin_name": None}, r"requires plugin_name and property_keys \("),
        ({"plugin_name": "-rf"}, "cannot be the name"),
        ({"property_keys": {"server_address": "a b", "access_token": "t"}}, "cannot be the name"),
        ({"property_keys": {"server_address": "a", "access_token": "a"}}, "one property for both"),
        ({"nodes": ["all", "em"]}, "set nodes to all alone"),
        ({"nodes": ["ca.example"]}, "not the address of an appliance"),
        ({"nodes": ["em", "em"]}, "list every node once"),
        ({"restart_timeout": 0}, "restart_timeout is 0; set restart_timeout to 1 to 3600 seconds"),
    ],
)
def test_invalid_options_are_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidOptions, match=says):
        prepare_forescout_module({**PARAMS, "restart_timeout": 5, **changes})
