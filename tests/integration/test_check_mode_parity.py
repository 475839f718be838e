# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check mode predicts exactly the changes of the next run, object by object, for both integrations."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import jsonschema
import pytest

from ansible_collections.otsec.defender_iot.tests.support.example import FORESCOUT, FORTIGATES, Example
from ansible_collections.otsec.defender_iot.tests.support.leaks import files_with
from ansible_collections.otsec.defender_iot.tests.support.workspace import ROOT, Workspace

SCHEMA = json.loads((ROOT / "plugins/plugin_utils/_report/schema.json").read_text())
SENSOR = "sensor-north-01"
NAME = "defender-iot"
PATIENCE = ("--extra-vars=sensor_tokens_retire_delay=1",)
Changes = set[tuple[str, str, str, str]]

BUILT: Changes = {
    *((name, kind, NAME, "create") for name in FORTIGATES for kind in ("profile", "admin")),
    *((name, "key", NAME, "mint") for name in FORTIGATES),
    (SENSOR, "token", "forescout", "mint"),
    (FORESCOUT, "settings", "Defender for IoT module settings", "update"),
}


class Twins:
    """Runs every playbook in check mode and then for real."""

    def __init__(self, node: Workspace) -> None:
        self.node, self.lab, self.example = node, node.lab, Example(node)

    def same(self, playbook: str, *arguments: str, code: int = 0) -> Changes:
        """Check that both runs report the same and the first wrote nothing. Return their report."""
        before = {name: self.lab.state(name) for name in (*FORTIGATES, SENSOR, FORESCOUT)}
        stored = self.node.stored_files()
        self.lab.forget_calls()
        predicted = self._run("predicted", playbook, "--check", *arguments, code=code)
        assert [call for call in self.lab.calls() if call["write"]] == []
        assert self.node.stored_files() == stored
        for name, state in before.items():
            assert self.lab.state(name).get("tables", state.get("tables")) == state.get("tables")
        assert predicted["mode"] == "check"
        done = self._run("done", playbook, *arguments, code=code)
        assert predicted["counts"] == done["counts"]
        assert _changes(predicted) == _changes(done)
        return _changes(done)

    def _run(self, folder: str, playbook: str, *arguments: str, code: int) -> dict[str, Any]:
        run = self.example.playbook(playbook, f"--extra-vars=defender_iot_report={folder}", *arguments)
        assert run.code == code, run.output
        written = self.node.folder / folder
        assert files_with([secret["value"] for secret in self.lab.secrets()], written) == []
        report: dict[str, Any] = json.loads((written / "report.json").read_text())
        jsonschema.validate(report, SCHEMA)
        return report


def _changes(report: dict[str, Any]) -> Changes:
    keys = ("appliance", "kind", "name", "action")
    return {tuple(each[key] for key in keys) for each in report["objects"] if each["action"] != "none"}  # type: ignore[misc]


@pytest.fixture(scope="module")
def first_run(new_workspace: Callable[[], Workspace]) -> tuple[Twins, Changes]:
    """Set up appliances in their initial state, with an empty store. Return the report too."""
    twins = Twins(new_workspace())
    changes = twins.same("site")
    twins.example.wait_for_poll()
    return twins, changes


@pytest.fixture
def built(first_run: tuple[Twins, Changes]) -> Iterator[Twins]:
    """Appliances in the declared state, to which every test's last run leads back."""
    twins, _changes = first_run
    yield twins
    twins.example.override(FORTIGATES[0])


def test_the_very_first_run_is_predicted(first_run: tuple[Twins, Changes]) -> None:
    twins, changes = first_run
    assert changes == BUILT
    assert twins.same("site") == set()


def test_updates_are_predicted(built: Twins) -> None:
    built.lab.cmdb(FORTIGATES[0], "PUT", f"accprofile/{NAME}", {"comments": "manual"})
    built.lab.cmdb(FORTIGATES[1], "PUT", f"api-user/{NAME}", {"comments": "manual"})
    assert built.same("fortinet") == {
        (FORTIGATES[0], "profile", NAME, "update"),
        (FORTIGATES[1], "admin", NAME, "update"),
    }


def test_what_is_purged_is_predicted(built: Twins) -> None:
    old = {"name": "defender-iot-old", "comments": "left"}
    built.lab.cmdb(FORTIGATES[0], "POST", "accprofile", old)
    built.lab.cmdb(FORTIGATES[0], "POST", "api-user", {"name": "defender-iot-old", "accprofile": old["name"]})
    assert built.same("site", "--extra-vars=fortigate_access_purge=true") == {
        (FORTIGATES[0], kind, "defender-iot-old", "delete") for kind in ("profile", "admin")
    }


def test_rotations_are_predicted(built: Twins) -> None:
    assert built.same("rotate", *PATIENCE, "--extra-vars=defender_iot_rotation_id=second") == {
        (SENSOR, "token", "forescout", "rotate"),
        (FORESCOUT, "settings", "Defender for IoT module settings", "update"),
        *((name, "key", NAME, "rotate") for name in FORTIGATES),
    }


def test_a_mixed_state_is_predicted_and_what_is_not_reached_is_unknown_in_both(built: Twins) -> None:
    built.lab.cmdb(FORTIGATES[0], "PUT", f"accprofile/{NAME}", {"comments": "manual"})
    built.lab.cmdb(FORTIGATES[1], "DELETE", f"api-user/{NAME}")
    built.example.override(FORTIGATES[2], fortigate_access_url="https://127.0.0.1:1")
    assert built.same("site", code=4) == {
        (FORTIGATES[0], "profile", NAME, "update"),
        (FORTIGATES[1], "admin", NAME, "create"),
        (FORTIGATES[1], "key", NAME, "rotate"),
        (FORTIGATES[2], "fortigate", FORTIGATES[2], "unknown"),
    }
