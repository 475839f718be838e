# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lab's SSH port and the fake fstool of each node, with the OpenSSH client and every switch."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.tests.support.patience import STEP_SECONDS

CA_1, CA_2 = "203.0.113.201", "203.0.113.202"
STORE = "usr/local/forescout/plugin/{}/local.properties"


class Box:
    """The Enterprise Manager of the lab's Forescout, over SSH like an operator."""

    def __init__(self, lab: Any) -> None:
        self.lab = lab
        self.way = lab.record["appliances"]["forescout"]["ssh"]
        self.plugin = self.way["plugin_name"]
        self.keys = self.way["property_keys"]

    def switch(self, **options: Any) -> None:
        """Turn switches."""
        self.lab.control("POST", "/appliances/forescout/options", options)

    def run(self, command: str, **way: Any) -> tuple[int, str]:
        """Run one command line and return its exit code and output."""
        known = {**self.way, **way}
        options = ["BatchMode=yes", "IdentitiesOnly=yes", f"UserKnownHostsFile={known['known_hosts_path']}"]
        options += ["StrictHostKeyChecking=yes"]
        client = ["/usr/bin/env", "ssh", "-F", "/dev/null", "-i", known["key_path"], "-p", str(known["port"])]
        client += [part for option in options for part in ("-o", option)]
        done = subprocess.run(
            [*client, f"{known['user']}@{known['host']}", command],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=STEP_SECONDS,
            check=False,
        )
        return done.returncode, done.stdout.strip()

    def fstool(self, *arguments: str) -> tuple[int, str]:
        """Run fstool."""
        return self.run(shlex.join(["fstool", *arguments]))

    @property
    def nodes(self) -> dict[str, Any]:
        """The state of each node in the lab."""
        return self.lab.control("GET", "/state")["appliances"]["forescout"]["nodes"]

    @property
    def live(self) -> str:
        """The server address that the module uses."""
        return self.lab.control("GET", "/state")["appliances"]["forescout"]["module"]["server_address"]


@pytest.fixture
def box(lab: Any) -> Box:
    """The box in its initial state."""
    return Box(lab)


def test_only_the_lab_s_own_key_opens_the_port(box: Box, tmp_path: Path) -> None:
    assert box.way["host"] == "127.0.0.1"
    other = tmp_path / "key"
    subprocess.run(
        ["/usr/bin/env", "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(other)], check=True
    )
    assert box.run("true", key_path=str(other))[0] == 255
    assert Path(box.way["key_path"]).stat().st_mode & 0o077 == 0
    assert box.run("exit 7") == (7, "")


@pytest.mark.parametrize("version", ["9.1.5", "8.5.2"])
def test_the_version_decides_how_stores_are_escaped(box: Box, version: str) -> None:
    box.switch(version=version)
    assert f"Version : {version}" in box.fstool("version")[1]
    value = "a:b=c#d!e\\f"
    assert box.fstool(box.plugin, "set_property", box.keys["server_address"], value) == (0, "")
    note = r"Z\u00FCrich\: a\=b" if version == "9.1.5" else "Zürich: a=b"
    assert f"conf.note={note}" in box.run(f"cat {STORE.format(box.plugin)}")[1].splitlines()
    assert box.nodes["em"]["store"]["conf.note"] == "Zürich: a=b"
    written = r"a\:b\=c\#d\!e\\f" if version == "9.1.5" else value
    _code, text = box.run(f"cat {STORE.format(box.plugin)}")
    assert f"{box.keys['server_address']}={written}" in text.splitlines()
    assert box.nodes["em"]["store"][box.keys["server_address"]] == value


def test_a_value_counts_after_a_restart_and_on_its_own_node_only(box: Box) -> None:
    box.fstool(box.plugin, "set_property", box.keys["server_address"], "192.0.2.77")
    assert box.live == ""
    code, output = box.fstool(box.plugin, "restart")
    assert (code, output.splitlines()[-1]) == (0, f"Done starting {box.plugin}.")
    assert box.live == "192.0.2.77"
    assert box.nodes[CA_1]["store"][box.keys["server_address"]] == ""
    assert {name: node["restarts"] for name, node in box.nodes.items()} == {"em": 1, CA_1: 0, CA_2: 0}


def test_any_existing_plugin_lists_the_enabled_plugins(box: Box) -> None:
    expected = {"dot1x=true", "sw=true", "syslog=false", f"{box.plugin}=true"}
    assert set(box.fstool("plugin", "dot1x", "list")[1].splitlines()) == expected
    assert box.fstool("plugin", "no_such", "list") == (1, "Plugin no_such does not exist")
    assert box.fstool("no_such", "status") == (1, "Plugin no_such does not exist")
    box.switch(plugin_enabled=False)
    assert f"{box.plugin}=false" in box.fstool("plugin", "dot1x", "list")[1]


@pytest.mark.parametrize(
    ("unknown_keys", "code"), [("accepted", 0), ("rejected", 1)], ids=["accepted", "rejected"]
)
def test_an_unknown_key(box: Box, unknown_keys: str, code: int) -> None:
    box.switch(unknown_keys=unknown_keys)
    assert box.fstool(box.plugin, "set_property", "config.wrong.value", "x")[0] == code
    assert ("config.wrong.value" in box.nodes["em"]["store"]) is (code == 0)


@pytest.mark.parametrize(
    ("storage", "given", "kept", "runs"),
    [
        ("plain", "s3cret", "s3cret", True),
        ("encrypted", "s3cret", "enc\\:czNjcmV0", True),
        ("preencrypted", "s3cret", "s3cret", False),
        ("preencrypted", "enc:czNjcmV0", "enc\\:czNjcmV0", True),
    ],
)
def test_the_ways_to_store_a_token(box: Box, storage: str, given: str, kept: str, runs: bool) -> None:
    box.switch(token_storage=storage)
    box.fstool(box.plugin, "set_property", box.keys["access_token"], given)
    lines = box.run(f"cat {STORE.format(box.plugin)}")[1].splitlines()
    assert f"{box.keys['access_token']}={kept}" in lines
    box.fstool(box.plugin, "restart")
    assert box.nodes["em"]["runs"] is runs


@pytest.mark.parametrize(
    ("wording", "own", "running", "stopped"),
    [
        ("pid", True, "is running for 00:00:07.", "is not running."),
        ("up", False, "Plugin is up and running", "not running."),
    ],
)
@pytest.mark.parametrize("goes", ["fails", "never_ready"])
def test_both_wordings_of_a_status(
    box: Box, wording: str, own: bool, running: str, stopped: str, goes: str
) -> None:
    box.switch(status_wording=wording, bad_restarts=1, restart_goes=goes)
    assert (box.fstool(box.plugin, "status")[0] == 0) is own
    code, output = box.fstool("plugin", box.plugin, "status")
    assert (code, output.endswith(running)) == (0, True)
    assert (box.fstool(box.plugin, "restart")[0] == 0) is (goes == "never_ready")
    code, output = box.fstool("plugin", box.plugin, "status")
    assert (code, output.endswith(stopped)) == (1, True)
    box.fstool(box.plugin, "restart")
    assert box.fstool("plugin", box.plugin, "status")[0] == 0


@pytest.mark.parametrize("layout", ["prefixed", "headed"])
@pytest.mark.parametrize("dead", ["reported", "left_out"])
def test_oneach(box: Box, layout: str, dead: str) -> None:
    box.switch(oneach_layout=layout, dead_node=CA_2, dead_in_oneach=dead)
    lines = box.fstool("oneach", "fstool", "plugin", "dot1x", "list")[1].splitlines()
    assert lines[-1] == "Done all in 2 seconds"
    assert (f"{CA_1}: dot1x=true" in lines) is (layout == "prefixed")
    assert ("dot1x=true" in lines) is (layout == "headed")
    assert any(CA_2 in line for line in lines) is (dead == "reported")


def test_ssh_to_another_node_has_a_shell_parse_its_arguments(box: Box) -> None:
    assert box.run(f"ssh -o BatchMode=yes {CA_1} 'echo $LAB_NODE'") == (0, CA_1)
    setting = shlex.join(["fstool", box.plugin, "set_property", box.keys["server_address"], "a b"])
    assert box.run(f"ssh {CA_1} {shlex.quote(setting)}")[0] == 0
    assert box.nodes[CA_1]["store"][box.keys["server_address"]] == "a b"
    assert box.nodes["em"]["store"][box.keys["server_address"]] == ""
    box.switch(dead_node=CA_1)
    assert box.run(f"ssh {CA_1} true")[0] == 255


def test_the_console_s_apply_writes_every_node(box: Box, forescout: Any) -> None:
    forescout("PUT", "/__lab__/module", json={"serverAddress": "192.0.2.10", "accessToken": "t0ken"})
    assert {node["store"][box.keys["server_address"]] for node in box.nodes.values()} == {"192.0.2.10"}
    assert {node["store"][box.keys["access_token"]] for node in box.nodes.values()} == {"<redacted>"}


@pytest.mark.parametrize(
    ("switches", "address"),
    [
        ({"ignores_settings": True}, ""),
        ({"apply_meanwhile": "set_property"}, "192.0.2.99"),
        ({"apply_meanwhile": "restart"}, "192.0.2.5"),
        ({}, "192.0.2.5"),
    ],
)
def test_the_results_of_a_setting(box: Box, switches: dict[str, Any], address: str) -> None:
    box.switch(**switches)
    for key, value in (("server_address", "192.0.2.5"), ("access_token", "t")):
        assert box.fstool(box.plugin, "set_property", box.keys[key], value) == (0, "")
    assert box.nodes["em"]["store"][box.keys["server_address"]] == address


@pytest.mark.parametrize("verb", ["version", "restart"])
def test_another_operator_applies_once_after_a_command(box: Box, verb: str) -> None:
    box.switch(apply_meanwhile=verb)
    arguments = [verb] if verb == "version" else [box.plugin, verb]
    for address in ("192.0.2.99", "192.0.2.5"):
        box.fstool(*arguments)
        assert box.nodes["em"]["store"][box.keys["server_address"]] == address
        box.fstool(box.plugin, "set_property", box.keys["server_address"], "192.0.2.5")


def test_a_user_without_root_login_needs_sudo(box: Box) -> None:
    box.switch(root_login=False)
    assert box.fstool("version") == (1, "fstool: must be run as root")
    assert box.run("sudo -H -S -n -u root fstool version")[0] == 0


def test_sudo_may_ask_for_the_password_of_the_account(box: Box) -> None:
    box.switch(root_login=False, sudo_asks=True)
    assert box.run("sudo -H -S -n -u root fstool version 2>&1") == (1, "sudo: a password is required")
    password = box.lab.record["appliances"]["forescout"]["credentials"]["password"]
    script = 'sudo -H -S -p "Password:" -u root sh -c "fstool version; cat" 2>&1'
    for given, code, output in (
        (password, 0, "FIPS mode : disabled\nthe rest"),
        ("wrong", 1, "Sorry, try again."),
    ):
        shown = box.run(f"printf '%s\\n' {shlex.quote(given)} 'the rest' | {script}")
        assert (shown[0], shown[1].startswith("Password:"), shown[1].endswith(output)) == (code, True, True)


def test_keys_are_absent_until_the_console_has_written_them(box: Box) -> None:
    assert box.keys["access_token"] in box.nodes["em"]["store"]
    box.switch(applied_once=False)
    assert box.keys["access_token"] not in box.nodes["em"]["store"]


def test_a_slow_node_takes_its_time(box: Box) -> None:
    box.switch(slow_node="em", slow_seconds=30)
    assert box.run("timeout 1 fstool version")[0] == 124


def test_only_an_appliance_that_evaluates_policies_has_numbers_of_hosts(box: Box) -> None:
    body = {"name": "P", "action": "sendmail"}
    text = box.lab.control("POST", "/appliances/forescout/commands/export", body)["xml"]
    load = f'printf %s {shlex.quote(text)} > policy.xml; fstool cliapi policy import "$PWD/policy.xml"'
    assert "completed" in box.run(load)[1]
    assert box.fstool("npstats") == (0, "")
    numbers = box.fstool("oneach", "fstool", "npstats")[1]
    assert f"{CA_1}: P : MATCH : 0" in numbers
    assert f"{CA_2}: P" not in numbers
