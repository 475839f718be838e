# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pages that are written from the stored runs of the benchmarks."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from ansible_collections.otsec.defender_iot.tools.bench.contestants import CONTESTANTS
from ansible_collections.otsec.defender_iot.tools.bench.plan import SIZES, Case, cases
from ansible_collections.otsec.defender_iot.tools.bench.publish import STEPS, inserted, pages, spread
from ansible_collections.otsec.defender_iot.tools.bench.runs import stored
from ansible_collections.otsec.defender_iot.tools.bench.targets import BENCH, CHAIN, Target

ROOT = Path(__file__).parents[3]
PLAN = cases(*SIZES)
IN_SYNC = next(case for case in PLAN if case.key == "some")
CPU = {"floor": 25, "tasks": 50, "role": 30, "keys": 40, "bare": 5, "uri": 600, "fortinet": 1600}


def figures(cpu: float) -> dict[str, float]:
    return {"cpu": cpu, "wall": cpu, "memory": cpu, "requests": 2, "connections": 1, "writes": 0}


def bench_run(slower: float = 1.0) -> dict[str, Any]:
    """Return a run; a factor makes the collection slower."""
    found: dict[str, Any] = {
        case.key: {
            each.key: figures(CPU.get(each.key, 70) * (slower if each.own else 1))
            for each in CONTESTANTS
            if each.key in case.rounds
        }
        for case in PLAN
    }
    found["decide"] = {"decide": {"cpu": 1.0}}
    return _run(list(SIZES), found)


def chain_run() -> dict[str, Any]:
    return _run([198, 1320], {name: figures(198 if name == "few" else 1320) for name in STEPS})


def _run(sizes: list[int], found: dict[str, Any]) -> dict[str, Any]:
    about = {"date": "2026-11-28", "minutes": 8, "load": 0.1, "commit": "c", "machine": "a"}
    return {**about, "sizes": sizes, "figures": found}


def test_all_take_turns() -> None:
    order = "".join(contestant.key[0] for contestant in IN_SYNC.runs())
    assert order == "ftrkbuf" + "ftrkb" * 4


@pytest.mark.parametrize("case", PLAN, ids=lambda case: case.title)
def test_each_runs_as_often_as_is_planned(case: Case) -> None:
    runs = [each.key for each in case.runs()]
    assert {key: runs.count(key) for key in runs} == case.rounds


@pytest.mark.parametrize(
    ("values", "shown"),
    [([52.04], "52.0"), ([4.5, 1.0, 2.0], "2.00 (1.00-4.50)"), ([1234.5, 1300], "1,267 (1,234-1,300)")],
)
def test_a_median_shows_its_range(values: list[float], shown: str) -> None:
    assert spread(values) == shown


@pytest.mark.parametrize(
    ("least", "most", "values", "met"),
    [
        (30, None, [31, 30], True),
        (30, None, [31, 29.9], False),
        (None, 2.2, [2.0, 2.2], True),
        (None, 2.2, [2.0, 2.3], False),
    ],
)
def test_a_target_is_met_if_the_worst_run_meets_it(
    least: float | None, most: float | None, values: list[float], met: bool
) -> None:
    assert Target("", lambda _run: 0, least, most).met(values) == met


def test_targets_are_ratios_within_a_run() -> None:
    measured = {target.text: target.value(bench_run()) for target in BENCH}
    assert measured["CPU of `fortinet.fortios` against the role"] == 1600 / 30
    assert measured["CPU with API keys against without, 1,000 FortiGates"] == 40 / 30
    assert measured["deciding on 10,000 alerts and 5,000 devices"] == 1
    assert {target.value(chain_run()) for target in CHAIN} == {1, 1320}


def test_the_pages_have_the_medians_and_the_worst_of_all_runs() -> None:
    found = pages([bench_run(), bench_run(), bench_run(2)], [chain_run()])
    summary, details = found["docs/performance.md"], found["docs/performance_details.md"]
    assert "| CPU of `uri` against the role | at least 12 times | 20.0 (10.0-20.0) | **missed** |" in summary
    assert "| memory, `site` | at most 300 MB | 1,320 | **missed** |" in summary
    assert "| role | 30.0 (30.0-60.0) | 30.0 (30.0-60.0) | 30.0 (30.0-60.0) | 2 | 1 | 0 |" in details
    assert "fortinet.fortios" not in details.partition("### 1,000 FortiGates")[2].partition("##")[0]
    assert "role 30.0 ms, `ansible.builtin.uri` 600 ms" in found["README.md"]


def test_the_pictures_have_a_bar_for_each_who_ran() -> None:
    found = pages([bench_run()], [chain_run()])
    bars = {}
    for name in ("performance", "chain"):
        picture = ElementTree.fromstring(found[f"docs/images/{name}.svg"])  # noqa: S314
        rectangles = picture.iter("{http://www.w3.org/2000/svg}rect")
        bars[name] = len([each for each in rectangles if each.get("class") != "page"])
    assert bars == {"performance": 7 + 7 + 4, "chain": 3 * 4}


def test_only_the_measured_part_of_a_document_is_replaced() -> None:
    begin, end = (f"<!-- measured, bench: {edge} -->" for edge in ("begin", "end"))
    document = f"# Title\n\n{begin}\n\nold\n\n{end}\n\nThe rest.\n"
    assert inserted(document, "bench", "new") == document.replace("old", "new")


def test_the_pages_are_those_of_the_stored_runs() -> None:
    for name, text in pages(stored("bench"), stored("chain")).items():
        assert (ROOT / name).read_text() == text, f"run tools/run python -m tools.bench.publish for {name}"
