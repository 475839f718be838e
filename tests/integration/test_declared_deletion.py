# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Only a declaration deletes a token. A token that lost its platform or its sensor's name is kept."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from ansible_collections.otsec.defender_iot.tests.support.example import FORESCOUT, SENSORS, Example
from ansible_collections.otsec.defender_iot.tests.support.workspace import Run, Workspace

NORTH, SOUTH = SENSORS
SECOND = "forescout-02"
MISSPELT = "sensor-nroth-01"
DROPPED = "its consumer {} is not in the inventory or has no forescout_module_sensor"
IMPATIENT = {"sensor_tokens_retire_delay": 1, "sensor_tokens_retire_retries": 2}
APPLIANCES = (NORTH, SOUTH, FORESCOUT, SECOND)
# Platforms that are set manually, their sensors with addresses, and the descriptions of their tokens.
MANUAL = {
    "forescout-03": ("spare-sensor-1", "203.0.113.101", "forescout"),
    "forescout-04": ("spare-sensor-2", "203.0.113.102", "plant b"),
}


class Platforms:
    """The example inventory and a second platform, which tests may leave out."""

    def __init__(self, node: Workspace) -> None:
        self.node = node
        self.example = Example(node)
        self.second = node.inputs / "second.yml"
        self.drop()

    def drop(self) -> None:
        """Leave the second platform out of the inventory."""
        self.second.write_text("")

    def declare(self, sensor: str, **variables: Any) -> None:
        """Declare that the second platform uses a sensor."""
        host = {**self.example.variables(SECOND), "forescout_module_sensor": sensor, **variables}
        self.second.write_text(
            yaml.safe_dump({"all": {"children": {"forescouts": {"hosts": {SECOND: host}}}}})
        )

    def declare_manual(self, *platforms: str) -> None:
        """Declare the sensors of the platforms that are set manually, and these platforms."""
        sensors = {
            sensor: {**self.example.variables(sensor), "ansible_host": address}
            for sensor, address, _description in MANUAL.values()
        }
        hosts = {name: self._manual(name) for name in platforms}
        groups = {"sensors": {"hosts": sensors}, "forescouts": {"hosts": hosts}}
        (self.node.inputs / "manual.yml").write_text(yaml.safe_dump({"all": {"children": groups}}))

    def _manual(self, platform: str) -> dict[str, Any]:
        """Return the variables of a platform that is set manually."""
        sensor, _address, description = MANUAL[platform]
        own = {"transport": "manual", "sensor": sensor, "token_description": description}
        given = {f"forescout_module_{name}": value for name, value in own.items()}
        return {**self.example.variables(SECOND), **given}

    def misspell(self) -> None:
        """Declare that the first platform uses a sensor that does not exist."""
        variables = self.node.inputs / "host_vars" / f"{FORESCOUT}.yml"
        variables.parent.mkdir()
        variables.write_text(f"forescout_module_sensor: {MISSPELT}\n")

    def spell(self) -> None:
        """Undo `misspell`."""
        shutil.rmtree(self.node.inputs / "host_vars", ignore_errors=True)

    def run(self, playbook: str, *arguments: str, **variables: Any) -> Run:
        """Run a playbook on sensors and platforms. Record only its calls."""
        self.node.lab.forget_calls()
        given = f"--extra-vars={json.dumps({**IMPATIENT, **variables})}"
        added = [self.second, *self.node.inputs.glob("manual.yml")]
        hosts = [*APPLIANCES, *(() if len(added) == 1 else ("spare-sensor-1", "spare-sensor-2", *MANUAL))]
        inventories = [f"--inventory={path}" for path in added]
        return self.example.playbook(playbook, *inventories, f"--limit={','.join(hosts)}", given, *arguments)

    def set_up(self, sensor: str) -> None:
        """Set up both platforms."""
        self.declare(sensor)
        self.run("site").succeeded()
        for platform in (FORESCOUT, SECOND):
            self.example.wait_for_poll(platform)

    def tokens(self, sensor: str) -> list[Any]:
        """Return the identifiers of a sensor's tokens."""
        return [token["id"] for token in self.node.lab.state(sensor)["tokens"]]

    def writes(self, *appliances: str) -> list[str]:
        """Return the writes, in order."""
        return [
            f"{call['appliance']} {call['method']}"
            for call in self.node.lab.calls(*appliances)
            if call["write"]
        ]

    def report(self) -> dict[str, Any]:
        """Return the report last written."""
        return dict(json.loads((self.node.folder / "defender_iot_report/report.json").read_text()))


@pytest.fixture
def platforms(workspace: Workspace) -> Platforms:
    """Two platforms, not set up."""
    return Platforms(workspace)


@dataclass(frozen=True)
class Dropped:
    """Runs without the platforms of three sensors, for real and in check mode, and the report after them."""

    platforms: Platforms
    runs: list[Run]
    unchanged: bool
    drift: Run
    report: dict[str, Any]
    page: str

    def is_kept(self, platform: str) -> None:
        """Check that the runs say why they keep a platform's token."""
        for run in self.runs:
            assert f"forescout: kept, because {DROPPED.format(platform)}" in run.output

    def is_reported(self, sensor: str, platform: str, description: str = "forescout") -> None:
        """Check that the report names a token that is kept."""
        why = DROPPED.format(platform)
        assert f"{sensor}: token {description} is kept: {why}" in self.drift.output
        (entry,) = [each for each in self.report["objects"] if each["appliance"] == sensor]
        assert (entry["kind"], entry["action"], entry["message"]) == ("token", "none", f"kept: {why}")
        assert "**Left unchanged**" in self.page


@pytest.fixture(scope="module")
def dropped(new_workspace: Callable[[], Workspace]) -> Dropped:
    """Set up all platforms, and leave out all but the first one. At the end, only the second one is back."""
    platforms = Platforms(new_workspace())
    platforms.declare_manual(*MANUAL)
    platforms.set_up(SOUTH)
    stored = platforms.node.stored_files()
    sensors = (SOUTH, *(sensor for sensor, *_rest in MANUAL.values()))
    tokens = {name: platforms.tokens(name) for name in sensors}
    assert [len(each) for each in tokens.values()] == [1, 1, 1]
    platforms.drop()
    platforms.declare_manual()
    runs, writes = [], []
    for arguments in ((), ("--check",)):
        runs.append(platforms.run("site", *arguments).succeeded())
        writes += platforms.writes()
    left = {name: platforms.tokens(name) for name in sensors}
    unchanged = (left, platforms.node.stored_files(), writes) == (tokens, stored, [])
    drift = platforms.run("drift").succeeded()
    page = (platforms.node.folder / "defender_iot_report/report.md").read_text()
    (platforms.node.inputs / "manual.yml").unlink()
    platforms.declare(SOUTH)
    return Dropped(platforms, runs, unchanged, drift, platforms.report(), page)


@pytest.fixture
def in_the_south(dropped: Dropped) -> Iterator[Platforms]:
    """The first two platforms, until the first test with `platforms`. They are declared again at the end."""
    yield dropped.platforms
    dropped.platforms.spell()
    dropped.platforms.declare(SOUTH)


def test_no_token_of_a_missing_platform_is_deleted(dropped: Dropped) -> None:
    assert [run.changes for run in dropped.runs] == [[], []]
    assert dropped.unchanged


def test_the_token_of_a_platform_that_is_missing_from_the_inventory_is_kept_and_reported(
    dropped: Dropped,
) -> None:
    dropped.is_kept(SECOND)
    dropped.is_reported(SOUTH, SECOND)


def test_the_token_of_a_missing_platform_that_was_set_manually_is_kept_and_reported(dropped: Dropped) -> None:
    dropped.is_kept("forescout-03")
    dropped.is_reported("spare-sensor-1", "forescout-03")


def test_a_token_that_no_platform_uses_any_more_under_a_name_of_its_own_is_found_by_drift(
    dropped: Dropped,
) -> None:
    dropped.is_reported("spare-sensor-2", "forescout-04", "plant b")


@pytest.mark.parametrize("playbook", ["site", "forescout", "drift"])
def test_a_misspelt_sensor_is_named_and_nothing_is_predicted_or_done_on_sensors(
    in_the_south: Platforms, playbook: str
) -> None:
    platforms = in_the_south
    tokens, stored = {name: platforms.tokens(name) for name in SENSORS}, platforms.node.stored_files()
    platforms.misspell()
    runs = [platforms.run(playbook, "--check"), platforms.run(playbook)]
    for run in runs:
        assert run.code != 0
        assert run.changes == []
        assert (
            f'{FORESCOUT}: forescout_module_sensor is \\"{MISSPELT}\\", which is not a sensor in the '
            f"inventory; set it to one of {NORTH}, {SOUTH} (did you mean {NORTH}?)" in run.output
        )
        assert "argument_spec" not in run.output
    assert platforms.writes() == []
    assert {name: platforms.tokens(name) for name in SENSORS} == tokens
    assert platforms.node.stored_files() == stored
    if playbook == "drift":
        assert runs[-1].code == 4
        (row,) = [row for row in platforms.report()["appliances"] if row["appliance"] == FORESCOUT]
        assert row["state"] == "not_done"
        assert row["message"].startswith(f"{FORESCOUT}: forescout_module_sensor is ")


def test_a_missing_platform_becomes_no_obstacle_to_a_declared_deletion(in_the_south: Platforms) -> None:
    platforms = in_the_south
    absent = {"description": "forescout", "state": "absent"}
    platforms.example.override(SOUTH, sensor_tokens_tokens=[absent])
    refused = platforms.run("site", "--check")
    assert refused.code != 0
    assert "but is declared to be used by " in refused.output
    platforms.drop()
    predicted = platforms.run("site", "--check").succeeded()
    done = platforms.run("site").succeeded()
    assert predicted.changes == done.changes == [(SOUTH, "sensor_access_token")]
    assert platforms.tokens(SOUTH) == []


def test_the_token_that_a_missing_platform_shares_with_one_that_moves_is_kept(platforms: Platforms) -> None:
    platforms.set_up(NORTH)
    (token,) = platforms.tokens(NORTH)
    platforms.drop()
    moved = {"forescout_module_sensor": SOUTH}
    predicted = platforms.run("forescout", "--check", **moved).succeeded()
    done = platforms.run("forescout", **moved).succeeded()
    assert (
        predicted.changes == done.changes == [(FORESCOUT, "forescout_module"), (SOUTH, "sensor_access_token")]
    )
    assert f"forescout: kept, because {DROPPED.format(SECOND)}" in done.output
    assert platforms.tokens(NORTH) == [token]


@pytest.mark.parametrize("playbook", ["rotate", "site"])
def test_a_rotation_keeps_the_token_that_a_missing_platform_still_has(
    platforms: Platforms, playbook: str
) -> None:
    platforms.set_up(NORTH)
    (old,) = platforms.tokens(NORTH)
    platforms.drop()
    rotation = {"defender_iot_rotation_id": "second"}
    if playbook == "site":
        rotation["sensor_tokens_previous"] = "absent"
    runs = [platforms.run(playbook, "--check", **rotation), platforms.run(playbook, **rotation)]
    predicted, done = runs
    assert (
        predicted.changes == done.changes == [(FORESCOUT, "forescout_module"), (NORTH, "sensor_access_token")]
    )
    platforms.example.wait_for_poll()
    runs.append(platforms.run(playbook, **rotation))
    assert len(platforms.tokens(NORTH)) == 2
    assert old in platforms.tokens(NORTH)
    assert [run.code for run in runs] == [2 if playbook == "rotate" else 0] * 3
    if playbook == "rotate":
        kept = f"the previous token is kept, because it is not proved that {SECOND} has the new one"
        assert kept in done.output
        for run in runs:
            assert f"{NORTH}: the previous token forescout is still valid" in run.output


def test_a_rotation_keeps_the_token_of_a_platform_that_could_not_be_given_the_new_one(
    platforms: Platforms,
) -> None:
    platforms.set_up(NORTH)
    (old,) = platforms.tokens(NORTH)
    platforms.node.lab.fault(SECOND, "drop")
    assert platforms.run("rotate", defender_iot_rotation_id="second").code != 0
    assert old in platforms.tokens(NORTH)
    platforms.node.lab.control("DELETE", "/faults")
    platforms.run("rotate", defender_iot_rotation_id="second").succeeded()
    assert len(platforms.tokens(NORTH)) == 1
    assert old not in platforms.tokens(NORTH)


def test_the_only_platform_with_a_misspelt_sensor_makes_no_token_anywhere(platforms: Platforms) -> None:
    platforms.misspell()
    assert platforms.run("site").code != 0
    assert platforms.writes() == []


def test_verify_names_a_misspelt_sensor_as_the_reason_for_its_verdict(platforms: Platforms) -> None:
    platforms.misspell()
    verdict = platforms.example.verdicts()[FORESCOUT]["verdict"]
    assert verdict["state"] == "unknown"
    assert f'is "{MISSPELT}", which is not a sensor in' in verdict["levels"][0]["evidence"]


@pytest.mark.parametrize("playbook", ["site", "fortinet", "drift"])
@pytest.mark.parametrize("address", [None, "sensor.example.com"])
def test_a_sensor_without_an_ip_address_is_refused_by_name_before_the_first_request(
    workspace: Workspace, playbook: str, address: str | None
) -> None:
    example, lab = Example(workspace), workspace.lab
    hosts = {
        "spare-01": example.variables("fgt-north-01"),
        "iot-9": {"ansible_host": address} if address else {},
    }
    groups = {
        "fortigates": {"hosts": {"spare-01": hosts["spare-01"]}},
        "sensors": {"hosts": {"iot-9": hosts["iot-9"]}},
    }
    inventory = workspace.inputs / "small.yml"
    inventory.write_text(yaml.safe_dump({"all": {"children": groups}}))
    lab.forget_calls()
    run = workspace.playbook(f"otsec.defender_iot.{playbook}", "--limit=spare-01", inventories=[inventory])
    assert run.code != 0
    refused = run.of("spare-01", "fortigate_access")[0].message
    assert (
        'trusted_hosts: "iot-9" is not an IP address or network; write an address, or for a host of the '
        "inventory, set its ansible_host to its IP address"
    ) in refused
    assert "HostVarsVars" not in run.output
    assert lab.calls("fgt-north-01") == []


def test_a_sensor_without_an_ip_address_stops_no_fortigate_that_names_its_trusted_hosts(
    workspace: Workspace,
) -> None:
    example = Example(workspace)
    fortigate = {**example.variables("fgt-north-01"), "fortigate_access_trusted_hosts": ["192.0.2.11"]}
    groups = {"fortigates": {"hosts": {"spare-01": fortigate}}, "sensors": {"hosts": {"iot-9": {}}}}
    inventory = workspace.inputs / "small.yml"
    inventory.write_text(yaml.safe_dump({"all": {"children": groups}}))
    run = workspace.playbook("otsec.defender_iot.fortinet", "--check", inventories=[inventory]).succeeded()
    assert run.changes == [("spare-01", "fortigate_access")]


def test_a_platform_is_given_the_name_of_a_sensor_without_an_address(workspace: Workspace) -> None:
    example = Example(workspace)
    platform = {**example.variables(FORESCOUT), "forescout_module_sensor": "iot-9"}
    groups = {
        "forescouts": {"hosts": {FORESCOUT: platform}},
        "sensors": {"hosts": {"iot-9": example.variables(NORTH)}},
    }
    inventory = workspace.inputs / "small.yml"
    inventory.write_text(yaml.safe_dump({"all": {"children": groups}}))
    store = f"--extra-vars=defender_iot_secret_store=vault_file:{workspace.store}"
    run = workspace.playbook("otsec.defender_iot.site", store, inventories=[inventory]).succeeded()
    assert run.one(FORESCOUT).data["settings"]["server_address"] == "iot-9"
    assert workspace.lab.state(FORESCOUT)["module"]["server_address"] == "iot-9"


def test_a_fortigate_that_cannot_be_used_is_tried_once_and_the_rest_is_said(workspace: Workspace) -> None:
    example = Example(workspace)
    dead = {**example.variables("fgt-north-01"), "fortigate_access_url": "https://127.0.0.1:9"}
    wrong = {**example.variables("fgt-north-02"), "fortigate_access_token": "wrong"}
    hosts = {"fgt-dead": dead, "fgt-wrong": wrong}
    groups = {"fortigates": {"hosts": hosts}, "decommissioned": {"hosts": dict.fromkeys(hosts)}}
    inventory = workspace.inputs / "small.yml"
    inventory.write_text(yaml.safe_dump({"all": {"children": groups}}))
    store = f"--extra-vars=defender_iot_secret_store=vault_file:{workspace.store}"
    for playbook in ("drift", "decommission"):
        workspace.lab.forget_calls()
        run = workspace.playbook(f"otsec.defender_iot.{playbook}", store, inventories=[inventory])
        assert run.code == {"drift": 4, "decommission": 2}[playbook]
        failures = [each.host for each in run.results if each.failed and each.host in hosts]
        assert sorted(failures) == ["fgt-dead", "fgt-wrong"]
        assert len(workspace.lab.calls("fgt-north-02")) == 1
        assert f"delete its secrets in vault_file:{workspace.store}/fgt-dead" in run.output
