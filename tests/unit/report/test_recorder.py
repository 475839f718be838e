# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of a report, and what the recorder keeps of block lists."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.plugin_utils._report.document import Appliance
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._report.recorder import FILES, Recorder
from ansible_collections.otsec.defender_iot.tests.support.irregular import IRREGULAR, not_blocking
from ansible_collections.otsec.defender_iot.tests.support.report_documents import small


@pytest.fixture
def recorder(tmp_path: Path) -> Recorder:
    """Return a recorder with a folder that does not exist yet."""
    made = Recorder()
    made.folder = str(tmp_path / "a" / "report")
    return made


def test_all_files_are_overwritten(recorder: Recorder) -> None:
    folder = recorder.write(small())
    contents = {each.name: each.read_bytes() for each in folder.iterdir()}
    assert contents.keys() == FILES.keys()
    for each in folder.iterdir():
        each.write_bytes(each.read_bytes() * 2)
    recorder.write(small())
    assert {each.name: each.read_bytes() for each in folder.iterdir()} == contents


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("kind", IRREGULAR)
def test_only_a_regular_file_is_overwritten(recorder: Recorder, kind: str, name: str) -> None:
    folder = Path(recorder.folder)
    folder.mkdir(parents=True)
    IRREGULAR[kind](folder / name)
    with not_blocking(), pytest.raises(OSError, match=f"it is {kind}, not a regular file: .*{name}"):
        recorder.write(small())


def note(recorder: Recorder, action: str, data: dict[str, Any]) -> None:
    """Let the recorder see a result on the host fgt."""
    task = SimpleNamespace(
        tags=[], resolved_action=f"otsec.defender_iot.{action}", check_mode=False, loop=None, _role=None
    )
    host = SimpleNamespace(get_name=lambda: "fgt")
    recorder.note(SimpleNamespace(_host=host, _task=task, _result=data), "ok")


def test_a_large_result_is_not_read_without_a_report() -> None:
    class Unread:
        """A result whose conversion would take long."""

        _host = SimpleNamespace(get_name=lambda: "fgt")
        _task = SimpleNamespace(tags=[], resolved_action="otsec.defender_iot.sensor_alert_info")

        @property
        def _result(self) -> dict[str, Any]:
            raise AssertionError

    made = Recorder()
    made.note(Unread(), "ok")
    assert made.outcomes == []


def test_the_last_block_list_counts_and_only_proposals_are_proposals(recorder: Recorder) -> None:
    recorder.appliances["fgt"] = Appliance("fgt", "fortigate")
    row = {"decision": "block", "address": "192.0.2.7", "sensor": "s", "reason": "why"}
    entry = {"address": "192.0.2.7", "until": "2026-12-01T06:00:00Z"}
    note(recorder, "fortigate_block_list_info", {"entries": [entry, entry]})
    note(recorder, "fortigate_block_list", {"entries": [entry]})
    note(recorder, "fortigate_block_list", {"msg": "it failed before it read the list"})
    note(recorder, "respond_decide", {"mode": "enforce", "site": "north", "decisions": [row]})
    assert (len(recorder.document()["blocks"]), recorder.document()["proposals"]) == (1, [])
    note(recorder, "respond_decide", {"mode": "propose", "site": "north", "decisions": [row]})
    assert [each["site"] for each in recorder.document()["proposals"]] == ["north"]
    recorder.end()
    assert (recorder.document()["blocks"], recorder.document()["proposals"]) == ([], [])


def test_the_verdicts_about_policies_do_not_replace_that_about_the_platform(recorder: Recorder) -> None:
    recorder.appliances["fgt"] = Appliance("fgt", "forescout")
    verdict = {"state": "working", "outcome": "verified", "since": None, "level": "L4", "evidence": "e"}
    about = {"P": {**verdict, "state": "never_called"}}
    facts = {
        "forescout_module_verdict": {"verdict": verdict},
        "forescout_policies_verdict": {"verdict": {**verdict, "policies": about}},
    }
    note(recorder, "x", {"ansible_facts": facts})
    objects = [{"kind": "policy", "name": "P", "action": "none"}]
    note(recorder, "forescout_policy", {"objects": objects})
    report = recorder.document()
    assert [row["verification"] for row in report["appliances"]] == ["working"]
    assert [each["verification"] for each in report["objects"]] == ["never_called"]


def test_the_report_has_the_hosts_that_are_left_behind_and_the_trusted_hosts(recorder: Recorder) -> None:
    sensor = Appliance("sensor", "sensor", address="192.0.2.11")
    recorder.appliances.update(fgt=Appliance("fgt", "fortigate"), sensor=sensor)
    facts = {"ansible_facts": {"defender_iot_left_behind": {"store": "vault_file:/s", "hosts": ["old"]}}}
    note(recorder, "fortigate_access", {"objects": [], "trusted_hosts": ["192.0.2.20/32"]})
    assert recorder.document()["edges"] == recorder.document()["left_behind"] == []
    note(recorder, "fortigate_access", {"objects": [], "trusted_hosts": ["192.0.2.0/24"]})
    note(recorder, "set_fact", facts)
    assert [edge["from"] for edge in recorder.document()["edges"]] == [["sensor"]]
    assert [each["host"] for each in recorder.document()["left_behind"]] == ["old"]
    recorder.end()
    assert recorder.document()["left_behind"] == []
