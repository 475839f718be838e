# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every switch of the lab is documented, with the values that the code accepts."""

from __future__ import annotations

from dataclasses import fields

import pytest

from ansible_collections.otsec.defender_iot.tools.lab_switches import PRODUCTS, meanings, page, values


@pytest.mark.parametrize("product", PRODUCTS)
def test_every_switch_is_explained_once(product: str) -> None:
    options = PRODUCTS[product]
    explained = [name for names in meanings(options) for name in names]
    assert sorted(explained) == sorted(each.name for each in fields(options))


def test_the_first_value_is_the_default() -> None:
    gate = PRODUCTS["FortiGate"]
    assert values(gate, "wanopt") == "`true`, `false`"
    assert values(gate, "multi_vdom") == "`null`, `true`, `false`"
    assert values(gate, "vdoms") == "`[root]` and others"
    assert values(PRODUCTS["Sensor"], "never_used").startswith('`N/A`, `null`, `""`, ')


def test_a_row_has_name_values_and_meaning() -> None:
    row = "| `wanopt` | `true`, `false` | whether the model has WAN optimisation and so `wanoptgrp`. |"
    assert row in page().splitlines()
