# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of a run: decisions.json, proposal.md and proposal.yml."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from ansible_collections.otsec.defender_iot.plugins.plugin_utils._respond import document as documents
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._respond.decide import Decided
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._respond.document import Origin, document
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._respond.proposal import (
    as_markdown,
    as_yaml,
)
from ansible_collections.otsec.defender_iot.tests.unit.respond.plant import (
    CROWD,
    alert,
    approval,
    decided,
    device,
    own,
    reading,
)

SCHEMA = json.loads((Path(documents.__file__).parent / "schema.json").read_text())
ORIGIN = Origin("otsec.defender_iot 0.1.0", "north", "propose", "2026-11-27T12:00:00Z")
HOSTILE = "`|</code>@everyone [x](http://evil.example) \u202e#1\n/close"


def made(found: Decided) -> dict[str, Any]:
    """Return the document of a decision after validating it."""
    result = document(ORIGIN, found)
    jsonschema.validate(result, SCHEMA)
    return json.loads(json.dumps(result))


ENDS = {
    "decided": (decided(reading([alert()])), 0),
    "nothing": (decided(reading()), 0),
    "capped": (decided(reading([alert(each["id"], each["id"]) for each in CROWD])), 3),
    "devices": (decided(reading([alert()], devices=None)), 4),
    "alerts": (decided(reading(None), entries=[own()]), 4),
    "handled": (decided(reading(handled=None)), 4),
    "both": (decided(reading([alert(each["id"], each["id"]) for each in CROWD], None)), 4),
    "approved": (decided(reading(), approvals=[approval("block")]), 0),
    "text ids": (decided(reading([alert("a-1", "d-1")], devices=[device(id="d-1")])), 0),
}


@pytest.mark.parametrize(("found", "code"), ENDS.values(), ids=ENDS)
def test_the_exit_code_is_that_of_the_outcome(found: Decided, code: int) -> None:
    assert made(found)["exit_code"] == code


def test_each_decision_has_the_documented_fields() -> None:
    (row,) = made(decided(reading([alert()])))["decisions"]
    assert {name: row[name] for name in ("sensor", "alert", "device", "address", "decision")} == {
        "sensor": "sensor-north",
        "alert": 101,
        "device": 7,
        "address": "192.0.2.7",
        "decision": "block",
    }


def test_the_proposal_begins_with_what_went_wrong() -> None:
    text = as_markdown(made(ENDS["both"][0]))
    assert text.startswith("## Defender for IoT: not everything could be read\n")
    assert text.index("**Nothing new is blocked**") < text.index("**Not read**") < text.index("### Matched")
    assert as_markdown(made(ENDS["capped"][0])).startswith("## Defender for IoT: a cap stopped")


def test_the_proposal_has_a_table_for_each_decision() -> None:
    unhandled = [alert(), alert(102, 8), alert(103, 9), alert(104, title="Controller Stop", engine="anomaly")]
    devices = [device(), device(8), device(9, "PLC"), device(10), device(11)]
    entries = [
        own(),
        own(10, source="sensor-north alert 1"),
        own(11, until="2026-11-27T12:30:00Z", source="sensor-north alert 105"),
    ]
    found = decided(reading([*unhandled, alert(105, 11)], [alert(1)], devices), entries=entries)
    text = as_markdown(made(found))
    assert "1 to block, 1 to renew, 1 to keep, 1 to release." in text
    titles = [line for line in text.splitlines() if line.startswith("###")]
    assert titles == [
        f"### {each}"
        for each in ("To block", "To release", "To renew", "To keep", "Matched, but not blocked")
    ]
    assert "| `192.0.2.9` | `sensor-north` | `103` | `9` | `its type is PLC: a control-system device" in text
    assert text.endswith("\nAlerts that no rule matches: 1.\n")


def test_texts_of_appliances_stay_in_code() -> None:
    found = decided(reading([alert(title=HOSTILE)], devices=[device(name=HOSTILE)], sensor=HOSTILE))
    (line,) = [each for each in as_markdown(made(found)).splitlines() if each.startswith("| `")]
    cells = line.removeprefix("| ").removesuffix(" |").split(" | ")
    assert len(cells) == 5
    assert all(each[0] == each[-1] == "`" and "`" not in each[1:-1] for each in cells)
    assert "\u202e" not in line


def test_a_long_proposal_says_how_much_was_omitted() -> None:
    many = [alert(number, 999, title="x" * 300) for number in range(1000)]
    text = as_markdown(made(decided(reading(many))))
    assert len(text) < 61_000
    assert text.endswith("parts. `decisions.json` is complete.\n")


def test_the_entries_are_options_of_the_block_list() -> None:
    found = decided(reading([alert(title="Ü: #\u202e {x}")]), approvals=[approval("may_block")])
    options = yaml.safe_load(as_yaml(made(found)))
    assert (options["owner"], options["mode"]) == ("respond", "exact")
    (entry,) = options["entries"]
    assert entry == {name: value for name, value in found.entries[0].items() if name != "owner"}
    assert set(entry) == {"address", "until", "reason", "source", "approved_by"}
    assert isinstance(entry["until"], str)


def test_a_site_without_a_name_and_without_entries() -> None:
    empty = document(Origin("otsec.defender_iot 0.1.0", "", "enforce", "2026-11-27T12:00:00Z"), decided())
    jsonschema.validate(empty, SCHEMA)
    assert "Site `without a name`: 0 to block" in as_markdown(empty)
    assert yaml.safe_load(as_yaml(empty))["entries"] == []
