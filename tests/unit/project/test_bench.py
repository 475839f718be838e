# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of `make bench`."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from ansible_collections.otsec.defender_iot.tools.bench.contestants import CONTESTANTS
from ansible_collections.otsec.defender_iot.tools.bench.plan import SIZES, Case, cases
from ansible_collections.otsec.defender_iot.tools.bench.plot import plot
from ansible_collections.otsec.defender_iot.tools.bench.report import inserted, report, spread
from ansible_collections.otsec.defender_iot.tools.bench.results import Results, Run
from ansible_collections.otsec.defender_iot.tools.bench.targets import Target, targets

ROOT = Path(__file__).parents[3]

PLAN = cases(*SIZES)
IN_SYNC = next(case for case in PLAN if (case.state, case.size) == ("in sync", 50))
CPU = {
    "floor": 25,
    "tasks": 50,
    "access": 30,
    "role": 40,
    "checked": 60,
    "bare": 5,
    "uri": 600,
    "fortinet": 1600,
}


@pytest.fixture
def results() -> Results:
    """Runs of every case that differ by 0.1 per cent."""
    made = Results()
    for case in PLAN:
        for number, contestant in enumerate(case.runs()):
            cpu = CPU[contestant.key] * (1 + number / 1000)
            made.add(case, contestant.key, Run(cpu, cpu / 10, cpu * 2, 2, 1, 0))
    return made


def test_all_take_turns() -> None:
    order = "".join(contestant.key[0] for contestant in IN_SYNC.runs())
    assert order == ("ftarcbuf" + "ftarcb" * 4) * 2


@pytest.mark.parametrize("case", PLAN, ids=lambda case: case.title)
def test_each_runs_as_often_as_is_planned(case: Case) -> None:
    runs = list(case.runs())
    assert [runs.count(each) for each in CONTESTANTS] == [case.rounds(each) for each in CONTESTANTS]


def test_brief_contestants_run_only_in_sync_without_latency() -> None:
    for brief in (each for each in CONTESTANTS if each.brief):
        assert [(case.state, case.latency) for case in PLAN if case.rounds(brief)] == [("in sync", 0)] * 4


@pytest.mark.parametrize(
    ("values", "shown"),
    [([52.04], "52.0"), ([1.0, 2.0, 4.5], "2.00 (1.00-4.50)"), ([1234.5, 1300], "1,267 (1,234-1,300)")],
)
def test_a_median_shows_its_spread(values: list[float], shown: str) -> None:
    assert spread(values) == shown


@pytest.mark.parametrize(
    ("target", "met"),
    [
        (Target("", 30, least=30), True),
        (Target("", 29.9, least=30), False),
        (Target("", 2.2, most=2.2), True),
        (Target("", 2.3, most=2.2), False),
    ],
)
def test_a_target_is_met_or_missed(target: Target, met: bool) -> None:
    assert target.met == met


def test_targets_are_ratios_of_medians(results: Results) -> None:
    measured = {target.text: target.measured for target in targets(results, PLAN)}
    fortinet, tasks = (results.typical(IN_SYNC, key, "cpu") for key in ("fortinet", "tasks"))
    assert measured["CPU below `fortinet.fortios`, one task for each object"] == fortinet / tasks
    assert measured["CPU at 1,000 FortiGates against 50, role"] == pytest.approx(1, rel=0.05)
    assert measured["memory at 1,000 FortiGates, role"] == pytest.approx(80, rel=0.05)
    assert measured["TLS handshakes with each FortiGate, role"] == 1


def test_the_report_names_what_was_missed_and_what_was_not_run(results: Results) -> None:
    text = report(results, PLAN, [Target("speed", 9, least=10, unit="times")], ["- here"])
    assert "| speed | at least 10 times | 9.00 times | **missed** |" in text
    last = text.rpartition("### 1,000 FortiGates, in sync")[2]
    assert "fortinet.fortios" not in last
    assert "| role, as in `site` | 1 | 40.1 | 4.01 | 80.2 | 2 | 1 | 0 |" in last


def test_only_the_measured_part_of_a_document_is_replaced() -> None:
    begin, end = (f"<!-- measured by make bench: {edge} -->" for edge in ("begin", "end"))
    document = f"# Title\n\n{begin}\n\nold\n\n{end}\n\nThe rest.\n"
    assert inserted(document, "new", "make bench") == document.replace("old", "new")


def test_the_picture_has_a_bar_for_each_who_ran(results: Results) -> None:
    picture = ElementTree.fromstring(plot(results, PLAN))  # noqa: S314
    bars = [each for each in picture.iter("{http://www.w3.org/2000/svg}rect") if each.get("class") != "page"]
    assert len(bars) == 8 + 8 + 6


def test_the_readme_has_the_measured_figures() -> None:
    speed = (ROOT / "README.md").read_text().partition("## Speed")[2].partition("\n## ")[0]
    measured = (ROOT / "docs/performance.md").read_text()
    rows = measured.partition("### 50 FortiGates, in sync\n")[2].partition("###")[0].splitlines()
    cpu = {cells[1].strip(): cells[3].split()[0] for cells in (row.split("|") for row in rows) if cells[4:]}
    for key in ("floor", "role", "uri", "fortinet"):
        name = next(each.name for each in CONTESTANTS if each.key == key)
        assert f"{cpu[name]} ms" in speed
