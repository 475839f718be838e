# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Policies from an export on the lab's Forescout platform, with each of its switches, and in playbooks."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import TaskError, Unreachable
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.shell import CommandResult
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.task import Outcome, Task
from ansible_collections.otsec.defender_iot.plugins.module_utils._forescout import policy_delivery
from ansible_collections.otsec.defender_iot.plugins.modules import forescout_policy, forescout_policy_info
from ansible_collections.otsec.defender_iot.tests.support.example import Example
from ansible_collections.otsec.defender_iot.tests.support.lab import Lab
from ansible_collections.otsec.defender_iot.tests.support.patience import STEP_SECONDS
from ansible_collections.otsec.defender_iot.tests.support.workspace import ROOT, Run, Workspace

FORESCOUT, SENSOR, ADDRESS, PLC = "forescout-01", "sensor-north-01", "192.0.2.11", "198.51.100.12"
NAME, MAIL, GROUP = "OT firmware", "sendmail", "add-to-group"
SOC = "soc@example.com"
SCHEMA = json.loads((ROOT / "plugins/plugin_utils/_report/schema.json").read_text())
ACTING = {"enabled": True, "actions": "as_exported"}


class Ssh:
    """A shell on the platform, by the OpenSSH client."""

    def __init__(self, way: Mapping[str, Any]) -> None:
        options = ["BatchMode=yes", "IdentitiesOnly=yes", f"UserKnownHostsFile={way['known_hosts_path']}"]
        self.client = [
            "/usr/bin/env",
            "ssh",
            "-F",
            "/dev/null",
            "-i",
            way["key_path"],
            "-p",
            str(way["port"]),
        ]
        self.client += [part for option in options for part in ("-o", option)]
        self.client += [f"{way['user']}@{way['host']}"]

    def run(self, command: str, stdin: str = "") -> CommandResult:
        """Run a command."""
        done = subprocess.run(
            [*self.client, command],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=STEP_SECONDS,
            check=False,
        )
        if done.returncode == 255:
            raise Unreachable("Ansible's own connection to it failed", "check it")
        return CommandResult(done.returncode, done.stdout, done.stderr)


class Route:
    """The way to a platform from here."""

    def __init__(self, way: Mapping[str, Any]) -> None:
        self.way = way

    def relay(self, params: Any) -> None:
        """Return that the platform is reached directly."""

    def shell(self) -> Ssh:
        """Return a shell on the platform."""
        return Ssh(self.way)


class Console:
    """The platform in the lab with a polled sensor, and the control node's files."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.lab, self.folder = lab, folder
        self.place = lab.appliances[FORESCOUT]
        self._poll()
        self.src, self.dest = folder / "export.xml", folder / "made" / "policy.xml"
        self.export()

    def _poll(self) -> None:
        """Set the module of the platform as its Console does, and let it call the sensor."""
        grant = {**self.place["credentials"], "grant_type": "password", "client_id": "fs-oauth-client"}
        token = self.lab.call(FORESCOUT, "POST", "/fsum/oauth2.0/token", data=grant).json()["access_token"]
        settings = {"serverAddress": ADDRESS, "accessToken": self.lab.make_token(SENSOR, "by an operator")}
        headers = {"Authorization": f"Bearer {token}"}
        assert self.lab.call(FORESCOUT, "PUT", "/__lab__/module", headers=headers, json=settings).ok
        assert self.lab.control("POST", "/poll")[FORESCOUT]["outcome"] == "ok"

    def command(self, command: str, /, **body: Any) -> Any:
        """Do what an operator does in the Console."""
        return self.lab.control("POST", f"/appliances/{FORESCOUT}/commands/{command}", body)

    def export(self, **given: Any) -> None:
        """Create a policy in the Console and export it, but do not keep it there."""
        given = {"name": NAME, "label": "Vendor", "value": "Omron", "action": MAIL, **given}
        self.src.write_text(self.command("export", **given)["xml"])

    def deliver(self, *, check_mode: bool = False, **given: Any) -> Outcome:
        """Return the outcome of the module in this process, with the error in it if there was one."""
        options = {
            **self._connection(),
            "transport": "fstool",
            "src": str(self.src),
            "dest": str(self.dest),
            "wait": 1,
            **given,
        }
        module = forescout_policy.MODULE
        params, _hidden = module.arguments.validate(options, environment={})
        outcome = Outcome()
        self.error: TaskError | None = None
        try:
            params = module.prepare(params)
            with closing(module.connect(params, Route(self.place["ssh"]))) as platform:
                module.work(Task(module.resource, params, platform, FORESCOUT, check_mode), outcome)
        except TaskError as error:
            self.error = error
        return outcome

    def listed(self, **given: Any) -> list[dict[str, Any]]:
        """Return the policies by the module that lists them."""
        module = forescout_policy_info.MODULE
        params, _hidden = module.arguments.validate({**self._connection(), **given}, environment={})
        params = module.prepare(params)
        outcome = Outcome()
        with closing(module.connect(params, Route(self.place["ssh"]))) as platform:
            module.work(Task(module.resource, params, platform, FORESCOUT, False), outcome)
        return outcome.values["policies"]

    def _connection(self) -> dict[str, Any]:
        account = {name: self.place["credentials"][name] for name in ("username", "password")}
        return {"url": self.place["url"], "ca_path": self.lab.ca_path, **account}

    @property
    def why(self) -> str:
        """The error of the last delivery."""
        assert self.error is not None
        sentence = self.error.sentence(FORESCOUT)
        assert "\n" not in sentence
        return sentence

    @property
    def state(self) -> dict[str, Any]:
        """The state of the platform."""
        return self.lab.state(FORESCOUT)

    @property
    def names(self) -> list[str]:
        """The names of the imported policies."""
        return [each["name"] for each in self.state["policies"]]

    @property
    def cliapi(self) -> list[str]:
        """The words of `fstool cliapi policy` so far."""
        return [call[2] for call in self.state["nodes"]["em"]["calls"] if call[0] == "cliapi"]


@pytest.fixture
def console(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Console:
    """The platform in its initial state."""
    monkeypatch.setattr(policy_delivery, "INTERVAL", 0.1)
    return Console(lab, tmp_path)


def actions(outcome: Outcome) -> list[str]:
    """Return the actions in a result."""
    return [each["action"] for each in outcome.objects or []]


# --- a policy on its way -----------------------------------------------------------------------------------


def test_a_policy_is_imported_once_replaced_once_and_proven(console: Console) -> None:
    planned = console.deliver(check_mode=True)
    assert (planned.changed, actions(planned), console.cliapi, console.dest.exists()) == (
        True,
        ["create"],
        [],
        False,
    )
    first = console.deliver(mail={"to": SOC})
    assert (first.changed, actions(first), console.cliapi) == (True, ["create"], ["import"])
    (policy,) = console.state["policies"]
    assert (policy["enabled"], policy["actions"], console.state["mails"]) == (False, {MAIL: False}, [])
    assert policy["description"].startswith(f"[defender_iot:{first.values['policy']['digest']}]")
    second = console.deliver(mail={"to": SOC})
    assert (second.changed, actions(second), console.cliapi) == (False, ["none"], ["import"])
    assert [rule["hosts"] for rule in console.listed(names=[NAME])[0]["rules"]] == [0, 0]
    planned = console.deliver(check_mode=True, mail={"to": SOC}, **ACTING)
    third = console.deliver(mail={"to": SOC}, **ACTING)
    assert (planned.diff, actions(planned)) == (third.diff, actions(third)) != (None, [])
    assert (third.changed, actions(third)) == (True, ["update"])
    assert console.cliapi == ["import", "remove", "import"]
    assert {each["to"] for each in console.state["mails"]} == {SOC}
    whole, found = console.listed(names=[NAME])[0]["rules"]
    assert found["hosts"] == len(console.state["mails"]) > 0
    assert whole["hosts"] >= found["hosts"]
    assert found["name"] == "Found"
    previous = console.dest.with_name("policy.xml.previous").read_text()
    assert first.values["policy"]["digest"] in previous
    assert not console.deliver(mail={"to": SOC}, **ACTING).changed


def test_devices_are_put_into_a_group_while_they_match(console: Console) -> None:
    console.export(action=GROUP)
    console.deliver(**ACTING)
    assert PLC in console.state["groups"]["OT devices"]
    console.command("policy", name=NAME, enabled=False)
    assert console.state["groups"] == {"OT devices": []}


def test_no_file_is_left_on_the_platform(console: Console) -> None:
    console.deliver()
    console.lab.switch(FORESCOUT, bad_imports=2)
    console.deliver(**ACTING)
    console.lab.switch(FORESCOUT, import_seconds=1.5)
    console.deliver(timeout=1, wait=3)
    calls = console.state["nodes"]["em"]["calls"]
    paths = [Path(call[3]) for call in calls if call[:3] == ["cliapi", "policy", "import"]]
    assert len(paths) == 4
    assert [path for path in paths if path.exists() or path.parent.exists()] == []


def test_a_name_arrives_as_one_argument(console: Console) -> None:
    name = """Ü "a" $HOME; 'b' \\ *"""
    console.deliver(name=name)
    console.deliver(name=name, **ACTING)
    assert console.error is None
    assert console.names == [name]
    assert console.listed(names=[name])[0]["name"] == name


def test_a_missing_file_is_written_again_but_not_imported(console: Console) -> None:
    console.deliver()
    content = console.dest.read_bytes()
    console.dest.unlink()
    assert console.deliver(check_mode=True).changed
    assert not console.dest.exists()
    assert console.deliver().changed
    assert console.dest.read_bytes() == content
    assert not console.deliver().changed
    assert console.cliapi == ["import"]


# --- switches ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "switches",
    [
        {"import_warns": True},
        {"import_seconds": 0.3},
        {"existing_name": "numbered"},
        {"existing_name": "overwrite"},
        {"existing_name": "refuse"},
        {"existing_id": "overwrite"},
        {"existing_id": "refuse"},
        {"keeps_policy_ids": True},
        {"removes": "first"},
        {"removes": "refuse"},
        {"removal": "Removed"},
        {"remove_missing": "exit_0"},
        {"policy_seconds": 0.4},
        {"policy_description": "truncated"},
        {"policy_description": "folded"},
        {"unknown_group": "create"},
        {"unknown_group": "dangling"},
        {"unknown_property": "irresolvable"},
        {"web_token": "bearer"},
        {"etags": True},
    ],
    ids=str,
)
def test_a_policy_is_replaced_with_every_switch(console: Console, switches: dict[str, Any]) -> None:
    console.lab.switch(FORESCOUT, **switches)
    description = "Two lines\nin the description, which is longer than forty characters"
    console.deliver(description=description)
    assert console.error is None
    changed = console.deliver(description=description, **ACTING)
    assert console.error is None
    assert actions(changed) == ["update"]
    assert not console.deliver(description=description, **ACTING).changed
    assert console.names == [NAME]


REFUSALS = {
    "stdout_0": "Unknown data-type matches",
    "stdout_1": "failed with exit code 1",
    "stderr_0": "Unknown data-type matches",
    "empty": "ended without the text that reports success (it wrote nothing)",
}


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_refused_import_fails_and_the_old_policy_is_imported_again(console: Console, refusal: str) -> None:
    console.lab.switch(FORESCOUT, refusal=refusal)
    console.deliver()
    before, kept = console.state["policies"], console.dest.read_bytes()
    console.src.write_text(console.src.read_text().replace('TYPE="startswith"', 'TYPE="matches"'))
    outcome = console.deliver()
    assert REFUSALS[refusal] in console.why
    assert "so the old policy was imported again" in console.why
    assert outcome.changed
    assert console.state["policies"] == before
    assert console.dest.read_bytes() == kept


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_first_import_that_is_refused_leaves_nothing(console: Console, refusal: str) -> None:
    console.lab.switch(FORESCOUT, refusal=refusal)
    console.src.write_text(console.src.read_text().replace('TYPE="startswith"', 'TYPE="matches"'))
    assert not console.deliver().changed
    assert REFUSALS[refusal] in console.why
    assert (console.names, console.dest.exists(), console.cliapi) == ([], False, ["import"])


@pytest.mark.parametrize(
    ("goes", "bad", "why", "left"),
    [
        ("disk_full", 1, "so the old policy was imported again", [NAME]),
        ("restarting", 1, "so the old policy was imported again", [NAME]),
        ("lost", 1, "so the old policy was imported again", [NAME]),
        ("disk_full", 2, f'THE POLICY "{NAME}" IS ABSENT', []),
        ("lost", 2, f'THE POLICY "{NAME}" IS ABSENT', []),
    ],
)
def test_a_failure_between_removal_and_import_is_undone_or_loud(
    console: Console, goes: str, bad: int, why: str, left: list[str]
) -> None:
    console.deliver()
    console.lab.switch(FORESCOUT, bad_imports=bad, import_goes=goes)
    outcome = console.deliver(**ACTING)
    assert why in console.why
    assert console.names == left
    assert outcome.changed
    assert not any(each["enabled"] for each in console.state["policies"])
    if not left:
        assert f"import {console.dest}.previous in the Console now" in console.why
    assert actions(console.deliver(**ACTING)) == ["update" if left else "create"]
    assert console.names == [NAME]


@pytest.mark.parametrize(
    ("switches", "given"),
    [
        ({"bad_imports": 1, "import_goes": "lost_stored"}, {}),
        ({"import_seconds": 1.5}, {"timeout": 1, "wait": 3}),
    ],
    ids=str,
)
def test_an_import_that_outlives_its_connection_is_a_success(
    console: Console, switches: dict[str, Any], given: dict[str, Any]
) -> None:
    console.deliver()
    console.lab.switch(FORESCOUT, **switches)
    changed = console.deliver(**ACTING, **given)
    assert console.error is None
    assert actions(changed) == ["update"]
    assert console.names == [NAME]
    assert console.cliapi == ["import", "remove", "import"]


@pytest.mark.parametrize(
    ("removal", "why"),
    [
        ("silent", "the removal ended without the text that reports success (it wrote nothing)"),
        ("exit_1", "the removal failed with exit code 1 (Failed)"),
    ],
)
def test_a_removal_that_does_not_say_so_ends_the_task(console: Console, removal: str, why: str) -> None:
    console.deliver()
    console.lab.switch(FORESCOUT, removal=removal)
    console.deliver(**ACTING)
    assert why in console.why
    assert console.cliapi == ["import", "remove"]


@pytest.mark.parametrize("shown", ["absent", "late"])
def test_an_import_that_the_web_api_does_not_show_is_not_a_success(console: Console, shown: str) -> None:
    late = {"policy_seconds": 3600} if shown == "late" else {"policy_description": "absent"}
    console.lab.switch(FORESCOUT, **late)
    outcome = console.deliver()
    assert "but the Web API does not list one policy with the digest" in console.why
    assert outcome.changed
    if shown == "absent":
        console.deliver()
        assert "whose description has no digest" in console.why
        assert console.cliapi == ["import"]


def test_a_platform_without_cliapi_is_reported(console: Console) -> None:
    console.lab.switch(FORESCOUT, cliapi=False)
    console.deliver()
    assert "the import failed with exit code" in console.why


@pytest.mark.parametrize("how", ["refuse", "by_name"])
def test_a_group_that_the_platform_does_not_have_is_refused(console: Console, how: str) -> None:
    console.lab.switch(FORESCOUT, unknown_group=how)
    console.export(action=GROUP)
    console.deliver(group={"id": "7", "name": "Other"})
    assert "Unknown group Other" in console.why


# --- what is never touched ---------------------------------------------------------------------------------


def test_a_policy_of_another_origin_is_never_removed(console: Console) -> None:
    console.deliver(name="OT devices")
    assert 'a policy "OT devices" whose description has no digest' in console.why
    assert console.cliapi == []


def test_two_policies_of_one_name_are_never_removed(console: Console) -> None:
    console.deliver()
    ssh, text = Ssh(console.place["ssh"]), console.dest.read_text()
    assert ssh.run("cat > two.xml && fstool cliapi policy import $PWD/two.xml", text).code == 0
    console.deliver(**ACTING)
    assert f'the platform has 2 policies "{NAME}"' in console.why
    assert "remove" not in console.cliapi


@pytest.mark.parametrize("lost", ["missing", "other"])
def test_without_the_old_file_nothing_is_removed(console: Console, lost: str) -> None:
    console.deliver()
    console.dest.unlink()
    if lost == "other":
        console.dest.write_bytes(console.src.read_bytes())
    for check_mode in (True, False):
        console.deliver(check_mode=check_mode, **ACTING)
        assert "so a refused import could not be undone" in console.why
    assert console.cliapi == ["import"]


def test_a_property_that_the_platform_does_not_have_is_refused_before_anything(console: Console) -> None:
    console.deliver()
    console.lab.switch(FORESCOUT, module_installed=False)
    for check_mode in (True, False):
        console.deliver(check_mode=check_mode, **ACTING)
        assert "the platform has no property property_" in console.why
    assert console.cliapi == ["import"]


def test_a_change_in_the_console_is_not_seen(console: Console) -> None:
    console.deliver(**ACTING)
    console.command("policy", name=NAME, value="Another", enabled=True)
    assert not console.deliver(**ACTING).changed
    assert console.listed(names=[NAME])[0]["rules"][1]["hosts"] == 0


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"url": None}, "missing required arguments: url"),
        ({"username": None, "password": None}, "missing required arguments: username"),
        ({"wait": 0}, "wait is 0"),
        ({"timeout": 3601}, "timeout is 3601"),
        ({"src": "export.xml"}, "src is the relative path"),
        ({"dest": "policy.xml"}, "dest is the relative path"),
    ],
    ids=str,
)
def test_impossible_options_are_refused(console: Console, given: dict[str, Any], why: str) -> None:
    console.deliver(**given)
    assert why in console.why
    assert console.cliapi == []


def test_a_file_is_never_written_over_its_export(console: Console) -> None:
    console.deliver(dest=str(console.src))
    assert "src and dest are the same file" in console.why


@pytest.mark.parametrize("what", ["folder", "below_a_file"])
@pytest.mark.parametrize("transport", ["manual", "fstool"])
def test_a_place_that_cannot_be_written_is_a_sentence(console: Console, what: str, transport: str) -> None:
    dest = console.folder if what == "folder" else console.src / "x" / "policy.xml"
    console.deliver(dest=str(dest), transport=transport)
    assert str(dest) in console.why


# --- manual ------------------------------------------------------------------------------------------------


def test_by_default_an_operator_imports_the_file(console: Console) -> None:
    console.lab.forget_calls()
    planned = console.deliver(check_mode=True, transport="manual")
    assert (planned.changed, console.dest.exists()) == (True, False)
    first = console.deliver(transport="manual")
    assert (first.changed, first.diff) == (True, planned.diff)
    assert (actions(first), first.objects[0]["previewable"]) == (["unknown"], False)
    assert "arrives disabled, with 0 of 1 actions enabled" in " ".join(first.values["steps"])
    assert console.lab.calls(FORESCOUT) == []
    assert not console.deliver(transport="manual").changed
    assert console.deliver(transport="manual", enabled=True).changed
    text = console.dest.read_text()
    ssh = Ssh(console.place["ssh"])
    assert "completed" in ssh.run("cat > p.xml && fstool cliapi policy import $PWD/p.xml", text).out
    digest = console.deliver(transport="manual", enabled=True).values["policy"]["digest"]
    assert [each["digest"] for each in console.listed(names=[NAME])] == [digest]


def test_all_policies_are_listed(console: Console) -> None:
    (other,) = console.listed(count_hosts=False)
    assert (other["id"], other["digest"]) == ("-6488799636120036097", None)
    assert [rule["hosts"] for rule in other["rules"]] == [None, None]
    assert console.listed(names=["missing"]) == []


# --- playbooks ---------------------------------------------------------------------------------------------

OTHER = "forescout-02"


class Plant:
    """An inventory with two platforms: one has its policies by fstool, the other by an operator."""

    def __init__(self, node: Workspace, console: Console) -> None:
        self.node, self.console = node, console
        self.exports = node.folder / "plant" / "policies"
        self.inventory = node.folder / "plant" / "inventory"
        for each in (self.exports, self.inventory):
            each.mkdir(parents=True)
        console.export()
        self.exports.joinpath("firmware.xml").write_bytes(console.src.read_bytes())
        console.export(name="OT group", action=GROUP)
        self.exports.joinpath("group.xml").write_bytes(console.src.read_bytes())
        self.write("Omron")

    def write(self, vendor: str, others: Mapping[str, list[dict[str, Any]]] | None = None) -> None:
        """Write the inventory, with the vendor in a condition. Other hosts have only their own policies."""
        example = Example(self.node)
        policies = [
            {
                "src": "firmware.xml",
                "conditions": [{"label": "Vendor", "value": vendor}],
                "mail": {"to": SOC},
                **ACTING,
            },
            {"src": "group.xml", "name": "OT group of a site"},
        ]
        shared = {
            "forescout_module_sensor": SENSOR,
            "forescout_policies_policies": policies,
        }
        hosts = {
            FORESCOUT: {
                **example.variables(FORESCOUT),
                **self.node.by_ssh(FORESCOUT),
                "forescout_policies_transport": "fstool",
            },
            OTHER: example.variables(OTHER),
        }
        for name, own in (others or {}).items():
            hosts[name] = {**example.variables(OTHER), "forescout_policies_policies": own}
        children = {
            "sensors": {"hosts": {SENSOR: {**example.variables(SENSOR), "ansible_host": ADDRESS}}},
            "forescouts": {
                "hosts": {name: {**shared, **own} for name, own in hosts.items()},
            },
        }
        self.inventory.joinpath("hosts.yml").write_text(yaml.safe_dump({"all": {"children": children}}))

    def play(self, name: str, *arguments: str) -> Run:
        """Run one of the collection's playbooks."""
        store = f"--extra-vars=defender_iot_secret_store=vault_file:{self.node.store}"
        inventories = [self.inventory]
        return self.node.playbook(f"otsec.defender_iot.{name}", store, *arguments, inventories=inventories)


REFUSED: dict[str, tuple[list[dict[str, Any]], str]] = {
    # Two policies from one file would replace each other.
    "same-src": (
        [{"src": "a.xml"}, {"src": "a.xml", "name": "b"}],
        "have the same src or name, so one would replace the other",
    ),
    "same-name": (
        [{"src": "firmware.xml", "name": "OT group"}, {"src": "group.xml"}],
        "two files have a policy of the same",
    ),
    "outside": ([{"src": "../firmware.xml"}], "is empty or leads out of the folder"),
    "number": (
        [{"src": "firmware.xml", "conditions": [{"label": "Firmware", "value": 2.10}]}],
        "conditions.value is 2.1, which is not a text",
    ),
}
"""The policies of hosts of their own, and the reason of each refusal."""


def test_playbooks_deliver_verify_and_compare_policies(workspace: Workspace, console: Console) -> None:
    plant = Plant(workspace, console)
    first = plant.play("forescout").succeeded()
    delivered = first.of(module="forescout_policy")
    assert {(each.host, each.changed) for each in delivered} == {(FORESCOUT, True), (OTHER, True)}
    assert sorted(console.names) == [NAME, "OT group of a site"]
    assert "Import the file with the Import button" in first.output
    made = plant.exports.with_name("policies_to_import")
    assert sorted(str(path.relative_to(made)) for path in made.glob("*/*")) == [
        f"{name}/{file}.xml" for name in (FORESCOUT, OTHER) for file in ("firmware", "group")
    ]
    second = plant.play("site").succeeded()
    assert {each.host for each in second.of(module="forescout_policy")} == {FORESCOUT, OTHER}
    assert second.changes == []
    assert "[WARNING]" not in first.output + second.output
    assert console.cliapi == ["import", "import"]
    assert SOC not in first.output + second.output

    verdicts = workspace.folder / "verdicts.json"
    console.lab.control("POST", "/poll")
    assert plant.play("verify", f"--extra-vars=defender_iot_verdict_file={verdicts}").code == 2
    found = {
        each["appliance"]: each["verdict"]
        for each in json.loads(verdicts.read_text())
        if each["integration"] == "forescout_policies"
    }
    states = {
        host: {name: (each["state"], each["outcome"]) for name, each in verdict["policies"].items()}
        for host, verdict in found.items()
    }
    assert states == {
        FORESCOUT: {NAME: ("working", "verified"), "OT group of a site": ("unknown", "not_provable")},
        OTHER: {
            NAME: ("never_called", "not_verified"),
            "OT group of a site": ("never_called", "not_verified"),
        },
    }

    plant.write("Omron", {name: policies for name, (policies, _why) in REFUSED.items()})
    refused = plant.play("forescout", f"--limit={','.join(REFUSED)},sensors")
    assert refused.code == 2
    for name, (_policies, why) in REFUSED.items():
        assert refused.stats[name]["failures"] == 1, refused.output
        assert why in refused.output
    assert console.cliapi == ["import", "import"]

    plant.write("Siemens")
    console.lab.switch(OTHER, web_client="unlisted")
    drift = plant.play("drift", "--diff")
    for line in ('-                "Omron"', '+                "Siemens"'):
        assert line in drift.output
    report = json.loads((workspace.folder / "defender_iot_report/report.json").read_text())
    jsonschema.validate(report, SCHEMA)
    assert drift.code == report["exit_code"] == 4
    rows = {
        (each["appliance"], each["name"]): (each["action"], each["verification"])
        for each in report["objects"]
        if each["kind"] == "policy"
    }
    assert rows[FORESCOUT, NAME] == ("update", "unknown")
    assert rows[FORESCOUT, "OT group of a site"] == ("none", "not_provable")
    assert rows[OTHER, NAME][0] == "not_provable"
    assert console.cliapi == ["import", "import"]
