# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a draft may lack: each reason and its remedy is in the tutorial's table, and is used."""

from __future__ import annotations

import re
from pathlib import Path

from ansible_collections.otsec.defender_iot.plugins.plugin_utils._endpoint_maps.drafting.reasons import (
    REASONS,
)
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._endpoint_maps.drafting.session import Draft
from ansible_collections.otsec.defender_iot.tests.unit.endpoint_maps.entries import (
    OLD,
    PASSWORD,
    ROW,
    TOKEN,
    entry,
    made,
)

ROOT = Path(__file__).parents[3]
DRAFTER = ROOT / "plugins" / "plugin_utils" / "_endpoint_maps" / "drafting"


def test_the_tutorial_has_a_row_for_each_reason_and_no_other() -> None:
    text = (ROOT / "docs" / "from_sensor_to_map.md").read_text()
    table = text.partition("| missing | remedy |\n|---|---|\n")[2].partition("\n\n")[0]
    rows = {
        f"| {re.sub(r'{(.+?)}', lambda name: name[1].upper(), each.says)} | {each.remedy} |"
        for each in REASONS.values()
    }
    assert set(table.splitlines()) == rows


def test_each_reason_is_given_somewhere() -> None:
    code = "".join(path.read_text() for path in DRAFTER.glob("*.py") if path.name != "reasons.py")
    assert not [name for name in REASONS if f'"{name}"' not in code]


def test_a_sentence_is_noted_once() -> None:
    made = Draft({})
    for _time in range(2):
        made.miss("tokens.list", "no_list")
    assert len(made.missing) == 1


def test_a_session_that_no_answer_gave_is_missing() -> None:
    login = entry("POST", "/in", {"who": "ada", "pw": PASSWORD}, {})
    create = entry("POST", "/t", {"text": "Forescout"}, {"nr": 7, "value": TOKEN})
    listed = entry("GET", "/t", answer={"rows": [OLD, ROW]})
    gone = entry("GET", "/t", answer={"rows": [OLD]})
    found = made(login, create, listed, entry("DELETE", "/t/7", status=204), gone)
    assert found.missing == [REASONS["no_session"].sentence("login", request="GET /t")]
    assert "login" not in found.endpoints
