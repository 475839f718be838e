# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of the role as rules, the file of approvals, and the registered results."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import (
    Conflict,
    InvalidOptions,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._module.arguments import Arguments
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._respond.rules import Rules
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._respond_run.options import (
    RULES,
    read_approvals_file,
    read_rules,
)
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._respond_run.results import (
    changes_of,
    entries_of,
    readings_of,
)

ROLE = Path(__file__).parents[3] / "roles/respond"
APPROVAL = {
    "address": "192.0.2.7",
    "decision": "block",
    "by": "A. Person",
    "until": "2026-12-01T06:00:00Z",
}


def rules(**options: Any) -> Rules:
    return read_rules(Arguments(RULES).validate(options)[0], {})


def test_the_defaults_of_the_options_are_those_of_the_rules() -> None:
    assert rules() == Rules()


def test_the_defaults_of_the_role_are_those_of_the_options() -> None:
    defaults = yaml.safe_load((ROLE / "defaults/main.yml").read_text())
    assert {name: defaults[f"respond_{name}"] for name in RULES} == {
        name: option.get("default") for name, option in RULES.items()
    }


def test_every_option_changes_the_rule_of_its_name() -> None:
    found = rules(
        match=[{"engine": "anomaly", "titles": ["Port Scan Detected"]}],
        expire="fixed",
        ttl=30,
        dynamic_ttl=0,
        max_duration=90,
        allowed_types=["Server"],
        allow_public=True,
        protected=["192.0.2.1"],
        cells={"press": ["198.51.100.0/24"]},
        max_new=1,
        max_per_hour=2,
        max_entries=3,
        max_cell_share=0.5,
    )
    assert found.matches("anomaly", "Port Scan Detected")
    assert (found.expire, found.allow_public, found.allowed_types) == ("fixed", True, {"Server"})
    assert (found.ttl, found.dynamic_ttl, found.maximum) == (
        timedelta(minutes=30),
        timedelta(),
        timedelta(minutes=90),
    )
    assert {str(network): label for network, label in found.protected.items()} == {
        "192.0.2.1/32": "respond_protected has it"
    }
    assert {str(network): label for network, label in found.cells.items()} == {"198.51.100.0/24": "press"}
    caps = found.caps
    assert (caps.new, caps.per_hour, caps.entries, caps.cell_share) == (1, 2, 3, 0.5)


@pytest.mark.parametrize("name", ["workstation", " Server", "IP camera"])
def test_a_documented_type_in_another_spelling_is_refused(name: str) -> None:
    with pytest.raises(InvalidOptions, match=f'allowed_types has "{name}", but a sensor shows this type as'):
        rules(allowed_types=["PLC", "A type of the next release", name])


@pytest.mark.parametrize("cells", [{"press": "192.0.2.0/24"}, {"press": [1]}, {"press": None}])
def test_a_cell_is_a_list_of_networks(cells: Any) -> None:
    with pytest.raises(InvalidOptions, match="respond_cells"):
        rules(cells=cells)


TWICE = "- {address: 192.0.2.7, decision: never_block, by: me, until: 2027-01-01T00:00:00Z, decision: block}"


@pytest.mark.parametrize("name", ["ttl", "dynamic_ttl", "max_duration"])
def test_a_duration_of_more_than_ten_years_is_refused(name: str) -> None:
    with pytest.raises(InvalidOptions, match=f"{name} is 100000000000000"):
        rules(**{name: 10**14})


def test_approvals_are_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "approvals.yml"
    file.write_text(yaml.safe_dump([APPROVAL]))
    assert [each.decision for each in read_approvals_file(str(file))] == ["block"]
    file.write_text("# none\n")
    assert read_approvals_file(str(file)) == []
    assert read_approvals_file(None) == []


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("- a\n- [", "cannot be read: line 2, column 4: expected the node content"),
        ("- \tb", "cannot be read: line 1, column 3: found character"),
        (b"\xff\xfe\x00", "cannot be read"),
        ("address: 192.0.2.7", "is not a list of mappings"),
        ("- 192.0.2.7", "is not a list of mappings"),
        ("- address: 192.0.2.7", "item 1 has the keys address"),
        ("", "is empty"),
        ("\n  \n", "is empty"),
        ("[" * 3000, "cannot be read"),
        (TWICE, 'a mapping has the key "decision" twice'),
    ],
)
def test_a_damaged_file_of_approvals_is_refused(tmp_path: Path, content: str | bytes, why: str) -> None:
    file = tmp_path / "approvals.yml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InvalidOptions) as error:
        read_approvals_file(str(file))
    assert why in error.value.why


def test_a_missing_or_irregular_file_of_approvals_is_not_an_empty_one(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("missing.yml", "pipe"):
        with pytest.raises(InvalidOptions, match="respond_approvals"):
            read_approvals_file(str(tmp_path / name))


GOOD = {
    "__respond_unhandled": {"alerts": [{"id": 1}], "clock_skew": 118},
    "__respond_handled": {"alerts": []},
    "__respond_devices": {"devices": [{"id": 7}]},
}
NOTHING = {
    "no task ran": {},
    "every task was skipped": {name: {"skipped": True} for name in GOOD},
    "every task failed": {name: {**each, "failed": True} for name, each in GOOD.items()},
    "the sensor was unreachable": {name: {**each, "unreachable": True} for name, each in GOOD.items()},
}


def test_the_results_of_a_sensor_are_its_reading() -> None:
    (found,) = readings_of({"s": GOOD}, ["s"])
    assert (found.sensor, found.unhandled, found.handled, found.devices) == (
        "s",
        [{"id": 1}],
        [],
        [{"id": 7}],
    )
    assert found.skew == timedelta(minutes=2)


@pytest.mark.parametrize("variables", NOTHING.values(), ids=NOTHING)
def test_what_was_not_read_is_none(variables: dict[str, Any]) -> None:
    (found,) = readings_of({"s": variables}, ["s"])
    assert (found.unhandled, found.handled, found.devices) == (None, None, None)


def test_the_entries_are_those_of_all_fortigates_that_were_read() -> None:
    hostvars = {
        "a": {"__fortigate_response_seen": {"entries": [{"address": "192.0.2.7"}]}},
        "b": {"__fortigate_response_seen": {"failed": True, "msg": "no"}},
        "c": {"__fortigate_response_seen": {"entries": []}},
        "d": {},
    }
    assert entries_of(hostvars, "abcd", "north") == [{"address": "192.0.2.7"}]
    assert entries_of(hostvars, "bc", "north") == []
    with pytest.raises(Conflict, match='no FortiGate of the site "north" could be read'):
        entries_of(hostvars, "bd", "north")


def test_the_changes_are_those_of_entries_even_on_failure() -> None:
    entry = {"kind": "entry", "name": "192.0.2.7", "action": "create"}
    hostvars = {
        "a": {"__fortigate_response_kept": {"failed": True, "objects": [entry, {"kind": "group"}]}},
        "b": {"__fortigate_response_kept": {"skipped": True}},
        "c": {},
    }
    assert changes_of(hostvars, "abc") == [("a", entry)]
