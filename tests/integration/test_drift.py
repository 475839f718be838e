# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The findings, files and exit codes of the playbook `drift` on the example inventory."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
import yaml

from ansible_collections.otsec.defender_iot.plugins.modules import report_outcome
from ansible_collections.otsec.defender_iot.tests.support.example import (
    FORESCOUT,
    FORTIGATES,
    SENSORS,
    Example,
)
from ansible_collections.otsec.defender_iot.tests.support.leaks import files_with
from ansible_collections.otsec.defender_iot.tests.support.report_documents import states_of_calls
from ansible_collections.otsec.defender_iot.tests.support.workspace import ROOT, Run, Workspace

SCHEMA = json.loads((ROOT / "plugins/plugin_utils/_report/schema.json").read_text())
FORTIGATE = FORTIGATES[0]
SENSOR = next(iter(SENSORS))
CLOSED_PORT = "https://127.0.0.1:1"


class Site:
    """The example inventory and the reports of its runs."""

    def __init__(self, node: Workspace) -> None:
        self.node, self.lab, self.example = node, node.lab, Example(node)
        self.folder = node.folder / "defender_iot_report"

    def look(self, *arguments: str, **environment: str | None) -> Run:
        """Run the playbook. Check that it changes nothing, shows no secret and follows its schema."""
        stored = self.node.stored_files()
        self.lab.forget_calls()
        run = self.example.playbook("drift", *arguments, **environment)
        assert [call for call in self.lab.calls() if call["write"]] == []
        assert self.node.stored_files() == stored
        report = self.report()
        assert report["exit_code"] == run.code, run.output
        assert files_with([secret["value"] for secret in self.lab.secrets()], self.folder) == []
        return run

    def report(self, folder: Path | None = None) -> dict[str, Any]:
        """Return the last report, after a check of its schema."""
        report = json.loads(((folder or self.folder) / "report.json").read_text())
        jsonschema.validate(report, SCHEMA)
        return report

    def set_up(self) -> None:
        """Set up everything as declared."""
        self.example.playbook("site").succeeded()
        self.example.wait_for_poll()

    def spoil_profile(self) -> None:
        """Change an admin profile manually."""
        self.lab.cmdb(FORTIGATE, "PUT", "accprofile/defender-iot", {"comments": "manual"})

    def appliances(self) -> dict[str, str]:
        """Return the state of each appliance."""
        return {row["appliance"]: row["state"] for row in self.report()["appliances"]}


@pytest.fixture
def untouched(workspace: Workspace) -> Site:
    """Appliances in their initial state."""
    return Site(workspace)


@pytest.fixture(scope="module")
def declared(new_workspace: Callable[[], Workspace]) -> tuple[Site, str]:
    """Appliances in the declared state, until the first test with untouched ones. Return the comments too."""
    site = Site(new_workspace())
    site.set_up()
    profiles = site.lab.tables(FORTIGATE)["accprofile"]
    return site, next(row["comments"] for row in profiles if row["name"] == "defender-iot")


@pytest.fixture
def site(declared: tuple[Site, str]) -> Iterator[Site]:
    """Appliances in the declared state, to which they return at the end."""
    site, comments = declared
    yield site
    site.lab.control("DELETE", "/faults")
    site.lab.cmdb(FORTIGATE, "PUT", "accprofile/defender-iot", {"comments": comments})
    site.example.override(FORTIGATE)


def _changes(report: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """Return the predicted changes."""
    keys = ("appliance", "kind", "name", "action")
    return sorted(tuple(each[key] for key in keys) for each in report["objects"] if each["action"] != "none")


def _cases(site: Site, tag: str) -> list[str]:
    """Return the JUnit cases with such an element."""
    root = ElementTree.parse(site.folder / "junit.xml").getroot()  # noqa: S314 our own output
    return sorted(str(case.get("classname")) for case in root.iter("testcase") if case.find(tag) is not None)


def test_what_is_as_declared_is_clean_and_the_edges_are_those_of_verification(site: Site) -> None:
    """Each sensor is logged in to once, although its tokens are compared and their times of use are read."""
    assert site.look().code == 0
    logins = [call for call in site.lab.calls(*SENSORS) if call["path"] == "/api/authentication/login"]
    assert sorted(call["appliance"] for call in logins) == sorted(SENSORS)
    report = site.report()
    assert (report["state"], report["mode"], report["playbook"]) == ("clean", "check", "drift")
    assert report["counts"] == {**dict.fromkeys(report["counts"], 0), "none": 11}
    assert site.appliances() == dict.fromkeys([*FORTIGATES, *SENSORS, FORESCOUT], "checked")
    states = states_of_calls(report)
    assert states.pop((FORESCOUT, "sensor-north-01")) == "working"
    # In the example inventory, FortiGates trust the sensors of all sites.
    pairs = [(sensor, name) for sensor in SENSORS for name in FORTIGATES]
    assert states == dict.fromkeys(pairs, "not_provable")
    assert _cases(site, "failure") == _cases(site, "error") == []


def test_drift_is_reported_field_by_field_with_exit_code_2(site: Site) -> None:
    site.spoil_profile()
    run = site.look()
    assert run.code == 2
    assert "drift: 6 of 6 appliances checked, 1 to update" in run.output
    report = site.report()
    assert _changes(report) == [(FORTIGATE, "profile", "defender-iot", "update")]
    (changed,) = [each for each in report["objects"] if each["action"] == "update"]
    assert changed["fields"] == [
        {"field": "comments", "before": "manual", "after": "Least privilege for Microsoft Defender for IoT"}
    ]
    assert {edge["to"] for edge in report["edges"] if edge["state"] == "drift"} == {FORTIGATE}
    assert _cases(site, "failure") == [FORTIGATE]
    assert "| `comments` | `manual` |" in (site.folder / "report.md").read_text()


def test_an_unreachable_appliance_is_unknown_with_exit_code_4(site: Site) -> None:
    site.example.override(FORTIGATE, fortigate_access_url=CLOSED_PORT)
    run = site.look()
    assert run.code == 4
    assert f"{FORTIGATE} was unreachable: " in run.output
    assert site.appliances()[FORTIGATE] == "unreachable"
    assert _changes(site.report()) == [(FORTIGATE, "fortigate", FORTIGATE, "unknown")]
    assert _cases(site, "error") == [FORTIGATE]


def test_an_appliance_that_refuses_is_unknown_with_exit_code_4(site: Site) -> None:
    site.lab.fault(FORTIGATE, "status", status=403)
    assert site.look("--limit=fortigates").code == 4
    assert site.appliances()[FORTIGATE] == "failed"
    assert _cases(site, "error") == [FORTIGATE]


def test_a_sensor_that_cannot_be_read_is_unknown_though_its_tokens_are_in_a_loop(site: Site) -> None:
    site.lab.fault("sensor-north-01", "status", status=503)
    assert site.look("--limit=sensors").code == 4
    assert site.appliances()["sensor-north-01"] == "failed"


def test_what_is_unknown_outranks_drift(site: Site) -> None:
    site.spoil_profile()
    site.example.override(FORESCOUT, forescout_module_url=CLOSED_PORT)
    assert site.look("--limit=fortigates,forescouts").code == 4
    report = site.report()
    assert (report["state"], report["counts"]["update"], report["counts"]["unknown"]) == ("unknown", 1, 1)


def test_manual_steps_are_reported_as_not_predictable(site: Site) -> None:
    site.example.override(FORESCOUT, forescout_module_transport="manual")
    assert site.look("--limit=sensors,forescouts").code == 0
    (unseen,) = [each for each in site.report()["objects"] if not each["previewable"]]
    assert (unseen["appliance"], unseen["action"]) == (FORESCOUT, "not_provable")
    assert _cases(site, "skipped") == [FORESCOUT]


def test_a_refused_login_is_not_repeated(untouched: Site) -> None:
    """Three lock the control node out of a FortiGate, and five out of a sensor."""
    wrong, first, second = "not-the-secret-0123456789", *FORTIGATES[:2]
    connections = {name: untouched.node.host(name) for name in (first, second)}
    hosts: dict[str, dict[str, Any]] = {
        name: {f"fortigate_response_{option}": value for option, value in connection.items()}
        | {"fortigate_response_token": wrong, "fortigate_response_entries": []}
        for name, connection in connections.items()
    }
    hosts[first]["fortigate_access_token"] = wrong
    tokens = [{"description": description} for description in ("forescout", "siem", "cmdb")]
    hosts[SENSOR] = {"sensor_tokens_password": wrong, "sensor_tokens_tokens": tokens}
    inventory = untouched.node.inputs / "wrong.yml"
    inventory.write_text(yaml.safe_dump({"all": {"hosts": hosts}}))
    assert untouched.look(f"--inventory={inventory}", f"--limit={','.join(hosts)}").code == 4
    assert [untouched.appliances()[name] for name in hosts] == ["failed"] * 3
    refused = {name: sum(call["status"] == 401 for call in untouched.lab.calls(name)) for name in hosts}
    assert refused == {first: 1, second: 1, SENSOR: 1}


def test_a_limit_leaves_out_localhost_and_not_the_exit_code_and_the_report_is_made_once(
    untouched: Site,
) -> None:
    """Even if a user has enabled the report as well."""
    enabled = {"ANSIBLE_CALLBACKS_ENABLED": "recorder,otsec.defender_iot.report"}
    run = untouched.look("--limit=fgt-south-01", **enabled)
    assert run.code == 2
    assert run.output.count("DEFENDER FOR IOT") == 1
    assert untouched.appliances() == {"fgt-south-01": "checked"}
    assert untouched.report()["state"] == "drift"


def test_without_any_appliance_nothing_is_clean(workspace: Workspace) -> None:
    workspace.inventory(bastion={})
    run = workspace.playbook("otsec.defender_iot.drift")
    assert run.code == 4
    assert "unknown: 0 of 0 appliances checked" in run.output


def _own(site: Site, *plays: dict[str, Any]) -> str:
    """Write a user's own playbook."""
    path = site.node.folder / "own.yml"
    path.write_text(json.dumps(plays))
    return str(path)


def _run_own(site: Site, path: str, *arguments: str, **environment: str | None) -> Run:
    inventories = [ROOT / "examples/inventory", site.example.overlay]
    store = f"--extra-vars=defender_iot_secret_store=vault_file:{site.node.store}"
    return site.node.playbook(path, store, *arguments, inventories=inventories, **environment)


def test_a_playbook_that_imports_one_of_ours_has_the_report(untouched: Site) -> None:
    path = _own(untouched, {"import_playbook": "otsec.defender_iot.fortinet"})
    run = _run_own(untouched, path, "--check", "--extra-vars=defender_iot_report=there")
    assert run.succeeded().output.count("DEFENDER FOR IOT") == 1
    report = untouched.report(untouched.node.folder / "there")
    assert (report["state"], report["playbook"], len(report["appliances"])) == ("drift", "own", 3)


def test_a_playbook_of_roles_reports_where_that_is_enabled(untouched: Site) -> None:
    play = {"hosts": "sensors", "gather_facts": False, "roles": ["otsec.defender_iot.sensor_tokens"]}
    enabled = {"ANSIBLE_CALLBACKS_ENABLED": "recorder,otsec.defender_iot.report"}
    run = _run_own(untouched, _own(untouched, play), **enabled, DEFENDER_IOT_REPORT="there")
    run.succeeded()
    report = untouched.report(untouched.node.folder / "there")
    assert (report["mode"], report["state"]) == ("apply", "changed")
    assert _changes(report) == [(sensor, "token", "forescout", "mint") for sensor in SENSORS]


def test_no_report_is_made_unless_a_folder_is_named(untouched: Site) -> None:
    untouched.example.playbook("fortinet", "--check").succeeded()
    assert not list(untouched.node.folder.rglob("report.json"))


def test_the_example_of_the_module_that_ends_a_run_as_its_report_says(untouched: Site) -> None:
    enabled = {"ANSIBLE_CALLBACKS_ENABLED": "recorder,otsec.defender_iot.report"}
    run = _run_own(untouched, _own(untouched, *yaml.safe_load(report_outcome.EXAMPLES)), **enabled)
    assert run.code == 2
    assert "drift: 3 of 3 appliances checked" in run.output


def test_without_a_report_the_outcome_is_unknown(untouched: Site) -> None:
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "tasks": [{"otsec.defender_iot.report_outcome": None}],
    }
    run = _run_own(untouched, _own(untouched, play))
    assert run.code == 4
    assert "no report is enabled, so nothing is known" in run.output


def test_what_a_run_that_ended_early_has_not_done_is_unknown(untouched: Site) -> None:
    untouched.lab.fault(SENSOR, "status", status=403)
    variables = ("--extra-vars=defender_iot_report=there", f"--limit={SENSOR},{FORESCOUT}")
    run = untouched.example.playbook("forescout", *variables)
    assert run.code == 2
    report = untouched.report(untouched.node.folder / "there")
    assert {row["appliance"]: row["state"] for row in report["appliances"]} == {
        SENSOR: "failed",
        FORESCOUT: "not_done",
    }
    assert (report["mode"], report["exit_code"]) == ("apply", 4)
    assert f"{FORESCOUT} was not done: the run ended before" in run.output


def test_a_result_that_a_task_hides_is_unknown(untouched: Site) -> None:
    role = {"name": "otsec.defender_iot.fortigate_access", "apply": {"no_log": True}}
    tasks = [{"ansible.builtin.include_role": role}]
    play = {"hosts": FORTIGATE, "gather_facts": False, "tasks": tasks}
    enabled = {"ANSIBLE_CALLBACKS_ENABLED": "recorder,otsec.defender_iot.report"}
    _run_own(untouched, _own(untouched, play), "--check", **enabled, DEFENDER_IOT_REPORT="there")
    report = untouched.report(untouched.node.folder / "there")
    assert (report["exit_code"], report["appliances"][0]["state"]) == (4, "failed")
