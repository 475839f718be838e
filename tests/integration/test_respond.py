# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From an alert to a block: two sites, from the first proposal to the last release."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from ansible_collections.otsec.defender_iot.tests.support.block_lists import GROUP, PAST, Site
from ansible_collections.otsec.defender_iot.tests.support.workspace import ROOT, Run, Workspace

WORM = "Suspicion of Malicious Activity (WannaCry)"
# Devices of the recorded inventory that nothing else blocks: a server, a printer, a camera and a PLC.
SERVER, PRINTER, CAMERA, PLC = 502, 513, 514, 507
OFFENDER, OFFENDER_SOUTH = "192.0.2.52", "192.0.2.63"
MANUAL, TARGET = "192.0.2.99", "198.51.100.10"
NORTH, SOUTH = ("spare-01", "spare-02"), "spare-03"
SENSOR, SENSOR_SOUTH = "spare-sensor-1", "spare-sensor-2"
SITES = {"north": (SENSOR, *NORTH), "south": (SENSOR_SOUTH, SOUTH)}
ENFORCE = ("-e", "respond_mode=enforce")
KILLED = "2026-01-01T00:00:00Z"
FACTS = {
    "ANSIBLE_CACHE_PLUGIN": "jsonfile",
    "ANSIBLE_CACHE_PLUGIN_CONNECTION": "facts",
    "ANSIBLE_SHOW_CUSTOM_STATS": "1",
}
SCHEMA = json.loads((ROOT / "plugins/plugin_utils/_respond/schema.json").read_text())


@dataclass
class Plant:
    """Two sites with their sensors, and what each run has left."""

    list: Site
    files: dict[str, dict[str, bytes]] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)
    calls: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    verdicts: dict[str, str] = field(default_factory=dict)

    @property
    def node(self) -> Workspace:
        return self.list.node

    def inventory(self) -> Path:
        """Write the inventory. The token of the north is a reference."""
        sensors = {}
        for sensor in (SENSOR, SENSOR_SOUTH):
            place = self.node.lab.appliances[sensor]
            token = self.node.lab.make_token(sensor, "respond")
            sensors[sensor] = {
                "respond_url": place["url"],
                "respond_token": token,
                "respond_ca_path": self.node.lab.ca_path,
                "respond_api_version": "v2",
            }
        self.node.keep("token", value=sensors[SENSOR]["respond_token"])
        sensors[SENSOR]["respond_token"] = self.node.ref("token")
        groups = {
            site: {"hosts": dict.fromkeys(hosts), "vars": {"defender_iot_site": site}}
            for site, hosts in SITES.items()
        }
        children = {"fortigates": {"hosts": self.list.hosts}, "sensors": {"hosts": sensors}, **groups}
        path = self.node.inputs / "plant.yml"
        path.write_text(yaml.safe_dump({"all": {"children": children}}))
        return path

    def command(self, sensor: str, name: str, **body: Any) -> dict[str, Any]:
        return dict(self.node.lab.control("POST", f"/appliances/{sensor}/commands/{name}", body))

    def alert(self, sensor: str, device: int) -> int:
        """Raise an alert about a device, and return its id."""
        return int(self.command(sensor, "traffic", title=WORM, sourceDevice=device)["alert"])

    def respond(self, name: str, *arguments: str, playbook: str = "respond", **environment: str) -> Run:
        """Run the playbook, and record what it leaves."""
        self.node.lab.forget_calls()
        inventories = [self.node.inputs / "plant.yml"]
        self.runs[name] = self.node.playbook(
            f"otsec.defender_iot.{playbook}", *arguments, inventories=inventories, **environment
        )
        self.calls[name] = self.node.lab.calls()
        folder = self.node.folder / "respond"
        found = (path for path in folder.rglob("*") if path.is_file())
        self.files[name] = {str(path.relative_to(folder)): path.read_bytes() for path in found}
        self.verdicts[name] = self.node.lab.packet(NORTH[0], OFFENDER, TARGET)["action"]
        return self.runs[name]

    def document(self, name: str, site: str = "north") -> dict[str, Any]:
        """Return the document that a run has left, after validating it."""
        found = json.loads(self.files[name][f"{site}/decisions.json"])
        jsonschema.validate(found, SCHEMA)
        return dict(found)

    def log(self, name: str, site: str = "north") -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.files[name][f"{site}/respond.jsonl"].splitlines()]

    def writes(self, name: str) -> list[str]:
        return [call["appliance"] for call in self.calls[name] if call["write"]]


@pytest.fixture(scope="module")
def plant(new_workspace: Callable[[], Workspace]) -> Plant:
    """Let two alerts lead to blocks, and handle one of them."""
    made = Plant(Site(new_workspace()))
    lab = made.node.lab
    for host in (*NORTH, SOUTH):
        made.list.add(host)
    made.list.run().succeeded()
    made.list.put(NORTH[0], MANUAL, until=PAST)
    # The alerts of a clock that is days ahead would not be believed without the date of the answer.
    # Only the sensor of the north has version 2 of the alerts API.
    lab.switch(SENSOR, inventory="recorded", clock_error=3 * 86400, alerts_v2="added_fields")
    lab.switch(SENSOR_SOUTH, inventory="recorded")
    made.inventory()
    number = made.alert(SENSOR, SERVER)
    made.alert(SENSOR, PLC)
    made.alert(SENSOR_SOUTH, PRINTER)
    made.respond("predicted", *ENFORCE, "--check")
    made.respond("proposed")
    made.respond("enforced", *ENFORCE, "--diff", "-e", "defender_iot_report=report")
    made.respond("repeated", *ENFORCE)
    policy = made.list.tables(NORTH[0])["firewall.policy"][GROUP]["policyid"]
    lab.firewall(NORTH[0], "PUT", f"policy/{policy}", {"status": "disable"})
    made.respond("ineffective", *ENFORCE)
    lab.firewall(NORTH[0], "PUT", f"policy/{policy}", {"status": "enable"})
    made.command(SENSOR, "verdict", alert=number, verdict="close")
    lab.switch(SENSOR_SOUTH, alerts_answer="empty")
    made.respond("handled", *ENFORCE)
    for device in (SERVER, CAMERA):
        made.alert(SENSOR, device)
    lab.switch(SENSOR_SOUTH, alerts_answer="html")
    made.respond("unread", *ENFORCE)
    lab.switch(SENSOR_SOUTH, alerts_answer="right")
    lock = made.node.folder / "respond/north/.respond.lock"
    lock.write_text(KILLED)
    made.respond("capped", *ENFORCE, **FACTS)
    with lock.open("r+") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        made.respond("locked", *ENFORCE, "-e", "respond_lock_timeout=0")
    made.list.put(NORTH[1], OFFENDER, owner="respond")
    for sensor in (SENSOR, SENSOR_SOUTH):
        lab.fault(sensor, "drop")
    made.respond("released", playbook="unblock_all")
    return made


def test_a_run_proposes_by_default_and_changes_no_appliance(plant: Plant) -> None:
    assert plant.runs["proposed"].succeeded().code == 0
    assert plant.writes("proposed") == []
    assert {Path(name).name for name in plant.files["proposed"]} == {
        *("decisions.json", "proposal.md", "proposal.yml", "respond.jsonl", ".respond.lock")
    }
    document = plant.document("proposed")
    assert (document["mode"], document["outcome"], document["site"]) == ("propose", "decided", "north")
    assert [each["address"] for each in document["entries"]] == [OFFENDER]
    assert f"`{OFFENDER}`" in plant.files["proposed"]["north/proposal.md"].decode()
    options = yaml.safe_load(plant.files["proposed"]["north/proposal.yml"])
    assert (options["owner"], options["mode"]) == ("respond", "exact")
    assert plant.verdicts["proposed"] == "accept"


def test_check_mode_predicts_the_run_and_writes_nothing(plant: Plant) -> None:
    predicted, enforced = plant.runs["predicted"].succeeded(), plant.runs["enforced"].succeeded()
    assert predicted.changes == enforced.changes
    assert plant.files["predicted"] == {}
    assert plant.writes("predicted") == []
    for run in (predicted, enforced):
        entries = {
            host: [each["address"] for each in run.one(host, "fortigate_block_list").data["entries"]]
            for host in (*NORTH, SOUTH)
        }
        assert entries == {
            NORTH[0]: [OFFENDER, MANUAL],
            NORTH[1]: [OFFENDER],
            SOUTH: [OFFENDER_SOUTH],
        }


def test_an_enforced_alert_stops_the_packets_of_its_source_at_its_site_only(plant: Plant) -> None:
    assert (plant.verdicts["proposed"], plant.verdicts["enforced"]) == ("accept", "deny")
    assert f'"address": "{OFFENDER}"' in plant.runs["enforced"].output
    blocks = [(host, "fortigate_block_list") for host in (*NORTH, SOUTH)]
    decisions = [(sensor, "respond_decide") for sensor in (SENSOR, SENSOR_SOUTH)]
    assert plant.runs["enforced"].changes == sorted([*blocks, *decisions])


def test_a_plc_is_not_blocked_and_the_reason_is_logged_once(plant: Plant) -> None:
    for name in ("proposed", "capped"):
        (line,) = [each for each in plant.log(name) if each.get("address") == "192.0.2.57"]
        assert line["event"] == "refusal"
        assert "its type is PLC" in line["reason"]


def test_every_block_is_explained_by_the_comment_the_document_and_the_log(plant: Plant) -> None:
    (row,) = [each for each in plant.document("enforced")["decisions"] if each["decision"] == "block"]
    assert (row["sensor"], row["device"], row["address"]) == (SENSOR, SERVER, OFFENDER)
    assert WORM in row["reason"]
    lines = [each for each in plant.log("enforced") if each["event"] == "block"]
    assert [(each["fortigate"], each["address"]) for each in lines] == [(host, OFFENDER) for host in NORTH]
    for line in lines:
        assert (line["source"], line["reason"]) == (f"{SENSOR} alert {row['alert']}", row["reason"])
    for call in plant.runs["enforced"].of(NORTH[0], "fortigate_block_list"):
        (entry,) = [each for each in call.data["entries"] if each["address"] == OFFENDER]
        assert (entry["owner"], entry["source"]) == ("respond", f"{SENSOR} alert {row['alert']}")
        assert WORM in entry["reason"]


def test_the_second_run_changes_and_writes_nothing(plant: Plant) -> None:
    assert plant.runs["repeated"].succeeded().changes == []
    assert plant.writes("repeated") == []
    assert plant.files["repeated"] == plant.files["enforced"]


def test_handling_the_alert_releases_the_host(plant: Plant) -> None:
    assert plant.runs["handled"].code == 0, plant.runs["handled"].output
    assert (plant.verdicts["repeated"], plant.verdicts["handled"]) == ("deny", "accept")
    lines = [each for each in plant.log("handled") if each["event"] == "release"]
    assert [each["fortigate"] for each in lines] == list(NORTH)
    assert all("was handled on sensor" in each["reason"] for each in lines)


def test_an_entry_of_the_owner_manual_is_never_released(plant: Plant) -> None:
    for name in ("enforced", "handled", "capped"):
        (result,) = plant.runs[name].of(NORTH[0], "fortigate_block_list")
        assert MANUAL in [each["address"] for each in result.data["entries"]]


def test_empty_or_unreadable_alerts_release_nothing(plant: Plant) -> None:
    for name in ("handled", "unread"):
        assert SOUTH not in plant.writes(name)
        (row,) = [each for each in plant.document(name, "south")["decisions"] if each["decision"] == "keep"]
        assert (row["address"], "not renewed" in row["reason"]) == (OFFENDER_SOUTH, True)


def test_what_cannot_be_read_or_exceeds_a_cap_is_the_exit_code_and_the_outcome(plant: Plant) -> None:
    assert (plant.runs["unread"].code, plant.runs["capped"].code) == (4, 3)
    assert plant.document("unread", "south")["outcome"] == "unreadable"
    for name in ("unread", "capped"):
        document = plant.document(name)
        assert (document["outcome"], document["exit_code"]) == ("capped", 3)
        assert document["entries"] == []
        (cap,) = document["exceeded"]
        assert cap in plant.runs[name].output
        assert [each["reason"] for each in plant.log(name) if each["event"] == "cap"] == [cap]
    assert plant.verdicts["capped"] == "accept"


def test_the_outcome_is_a_fact_and_a_statistic(plant: Plant) -> None:
    for sensor, outcome in {SENSOR: "capped", SENSOR_SOUTH: "decided"}.items():
        # The prefix of the file depends on the release of Ansible.
        (path,) = (plant.node.folder / "facts").glob(f"*{sensor}")
        assert outcome in path.read_text().partition("respond_outcome")[2]
    statistic = plant.runs["capped"].output.partition("CUSTOM STATS")[2]
    assert '"north": "capped"' in statistic
    assert '"south": "decided"' in statistic


def test_a_killed_run_is_logged_by_the_next_one(plant: Plant) -> None:
    (line,) = [each for each in plant.log("capped") if each["event"] == "unfinished"]
    assert f"the run that began at {KILLED} did not finish" in line["reason"]
    assert plant.files["capped"]["north/.respond.lock"] == b""


def test_a_sensor_without_version_2_is_read_in_version_1(plant: Plant) -> None:
    for sensor, paths in {SENSOR: {"v2"}, SENSOR_SOUTH: {"v1", "v2"}}.items():
        calls = [each["path"] for each in plant.calls["proposed"] if each["appliance"] == sensor]
        assert {path.split("/")[2] for path in calls if path.endswith("/alerts")} == paths
    warnings = [each.data.get("warnings") for each in plant.runs["proposed"].of(SENSOR, "sensor_alert_info")]
    assert warnings == [None, None]


def test_a_run_fails_where_no_policy_blocks_the_hosts(plant: Plant) -> None:
    run = plant.runs["ineffective"]
    assert (run.code, run.changes, plant.verdicts["ineffective"]) == (2, [], "accept")
    assert f"{NORTH[0]}: the block list has its entries, but no policy blocks them" in run.output
    assert {host: stats["failures"] for host, stats in run.stats.items() if stats["failures"]} == {
        NORTH[0]: 1
    }


def test_a_run_that_waits_for_another_one_leaves_its_site_alone(plant: Plant) -> None:
    assert plant.runs["locked"].code == 2
    assert 'another run works on the site "north"' in plant.runs["locked"].output
    assert plant.writes("locked") == []
    assert plant.files["locked"] == plant.files["capped"]


def test_the_report_shows_the_changes(plant: Plant) -> None:
    report = json.loads((plant.node.folder / "report/report.json").read_text())
    entries = {(each["appliance"], each["name"]) for each in report["objects"] if each["action"] == "create"}
    assert {(host, OFFENDER) for host in NORTH} <= entries
    assert (NORTH[0], OFFENDER, "respond") in {
        (each["appliance"], each["address"], each["owner"]) for each in report["blocks"]
    }
    assert report["proposals"] == []
    assert "3 h 59 min" in (plant.node.folder / "report/report.html").read_text()


def test_no_file_or_output_has_a_token(plant: Plant) -> None:
    secrets = [each["value"] for each in plant.node.lab.secrets() if len(each["value"]) > 8]
    for name, run in plant.runs.items():
        texts = [run.output, *(content.decode() for content in plant.files[name].values())]
        assert not [secret for secret in secrets for text in texts if secret in text]


def test_everything_is_released_without_any_sensor(plant: Plant) -> None:
    assert plant.runs["released"].succeeded().code == 0
    assert {call["appliance"] for call in plant.calls["released"]} == {*NORTH, SOUTH}
    for host in (*NORTH, SOUTH):
        assert not [name for name in plant.list.members(host) if name.startswith(f"{GROUP}-")]
