# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A name that only the group of the decommissioned hosts has is reported with similar ones."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.filter.decommissioned import FilterModule

GATES = ["fgt-north-01", "fgt-north-02", "fgt-south-01"]
BASE = {"all": [*GATES, "x", "sw-1"], "ungrouped": ["x", "sw-1"], "fortigates": GATES}

CASES: dict[str, tuple[dict[str, list[str]], list[str]]] = {
    # the groups besides those above: the hosts that are reported
    "no group": ({}, []),
    "appliances": ({"decommissioned": GATES}, []),
    "consoles": ({"decommissioned": ["x"], "management_consoles": ["x"]}, []),
    "a misspelt name": ({"decommissioned": ["x", GATES[0]]}, ["x"]),
    "a site with a switch": ({"decommissioned": [GATES[0], "sw-1"], "north": [GATES[0], "sw-1"]}, []),
    "a group of a plant": ({"decommissioned": ["x"], "plant": [*GATES, "x"]}, ["x"]),
}


def errors(groups: dict[str, list[str]]) -> dict[str, str]:
    """Return the sentences by host."""
    return dict(FilterModule().filters()["decommissioned_errors"](groups))


@pytest.mark.parametrize("case", CASES)
def test_only_hosts_of_no_other_group_are_reported(case: str) -> None:
    more, wanted = CASES[case]
    groups: dict[str, Any] = {**BASE, **more}
    assert list(errors(groups)) == wanted


@pytest.mark.parametrize(
    ("host", "guess"),
    [
        ("fgt-nroth-01", " (did you mean fgt-north-01 or fgt-south-01?)"),
        ("something else", ""),
    ],
)
def test_the_sentence_names_similar_appliances_that_are_in_use(host: str, guess: str) -> None:
    (sentence,) = errors({**BASE, "decommissioned": [host, "fgt-north-02"]}).values()
    assert sentence == (
        f"{host}: it is in the group decommissioned, but in no group of appliances, so nothing would be "
        f"removed from it; correct the name{guess}, or add it to one of fortigates, sensors, "
        "forescouts, fortisiems too"
    )
