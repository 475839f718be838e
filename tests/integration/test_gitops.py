# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The GitOps guide: every command, in order, in a temporary repository."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import pytest
import yaml

from ansible_collections.otsec.defender_iot.plugins.plugin_utils._rollout.batches import errors
from ansible_collections.otsec.defender_iot.tests.support.walk import Walk, recap
from ansible_collections.otsec.defender_iot.tests.support.workspace import ROOT

GUIDE = (ROOT / "docs/gitops.md").read_text()
LAB_PAGE = (ROOT / "docs/lab.md").read_text()
REST = ["fgt-north-02", "fgt-south-01", "sensor-south-01"]


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    """The guide, followed once for all tests."""
    walk = Walk(tmp_path_factory.mktemp("gitops"), GUIDE)
    try:
        walk.go()
        yield walk
    finally:
        walk.clean_up()


def test_the_pull_request_is_tested_on_the_lab_and_its_report_says_what_would_change(walk: Walk) -> None:
    shown = walk.after("pipeline.sh plan")
    assert "Molecule executed 1 scenario (1 successful)" in shown
    assert "Validating arguments against arg spec" in shown
    prediction = shown.rpartition("Molecule executed")[2]
    assert recap(prediction) == {
        **dict.fromkeys(REST, 1),
        "fgt-north-01": 1,
        "sensor-north-01": 1,
        "forescout-01": 1,
        "sensor-south-01": 0,
    }
    assert "6 of 6 appliances checked" in prediction
    assert "create profile defender-iot" in html.unescape(prediction)


def test_a_failing_canary_stops_the_rollout_and_all_that_was_not_done_is_named(walk: Walk) -> None:
    shown = walk.after("unplugged")
    assert "failed with exit code" in shown
    assert "fgt-north-02 was unreachable: " in shown
    reason = "The rollout stops here: 1 of 4 appliances of the canary failed: fgt-north-02."
    assert f"fgt-south-01 was not done: {reason}" in shown
    assert "sensor-south-01 was not done: " in shown
    assert shown.splitlines()[-3:] == REST
    assert recap(shown)["fgt-south-01"] == 0
    assert "sensor-south-01" not in recap(shown)


def test_the_rollout_resumes_with_exactly_the_rest(walk: Walk) -> None:
    assert recap(walk.after("--limit")) == {"fgt-north-02": 1, "fgt-south-01": 1, "sensor-south-01": 0}


def test_the_night_after_finds_everything_as_declared(walk: Walk) -> None:
    assert "clean: 6 of 6 appliances checked" in walk.after("## Every night" and "./pipeline.sh drift\n")


def test_drift_is_found_shown_and_repaired(walk: Walk) -> None:
    drifted = walk.after("203.0.113.9")
    assert "failed with exit code 2" in drifted
    assert "drift: 6 of 6 appliances checked, 1 to update" in drifted
    repaired = walk.shown[-2]
    _tasks, applied, night = repaired.split("PLAY RECAP", 2)
    changes = recap(f"PLAY RECAP{applied}")
    assert {host: changed for host, changed in changes.items() if changed} == {"fgt-south-01": 1}
    assert "clean: 6 of 6 appliances checked" in applied + night


def test_the_rollout_that_the_guide_shows_is_without_fault() -> None:
    (shown,) = re.findall(r"```yaml\n(.*?)```", GUIDE, re.S)
    hostvars = {"fgt-north-01": {"defender_iot_site": "north"}}
    assert errors(yaml.safe_load(shown)["rollout"], list(hostvars), {"north": list(hostvars)}, hostvars) == []


def test_the_molecule_scenario_that_the_guide_uses_is_the_one_of_ten_lines_that_the_lab_s_page_shows() -> (
    None
):
    shown = dict(re.findall(r"```yaml\n# molecule/default/(\S+)\n(.*?)```", LAB_PAGE, re.S))
    files = {path.name: path.read_text() for path in (ROOT / "examples/molecule/default").iterdir()}
    assert shown == {name: content.partition("3.0-or-later\n\n")[2] for name, content in files.items()}
    assert sum(content.count("\n") for content in shown.values()) <= 10
