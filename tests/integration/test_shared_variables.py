# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A FortiGate's own store, rotation and trusted hosts override those that all share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from ansible_collections.otsec.defender_iot.tests.support.example import FORTIGATES, Example
from ansible_collections.otsec.defender_iot.tests.support.workspace import COLLECTION, Workspace

SHARED = {"defender_iot_secret_store": "shared", "defender_iot_rotation_id": "2026-q3"}
CASES: dict[str, tuple[dict[str, Any], dict[str, Any], str, str | None]] = {
    # Case: own variables, shared variables, location of the key, its rotation.
    "spare-01": ({}, SHARED, "shared", "2026-q3"),
    "spare-02": ({"secret_store": "own", "rotation_id": "2026-q4"}, SHARED, "own", "2026-q4"),
    "spare-03": ({"secret_store": None, "rotation_id": None}, SHARED, "shared", None),
    "spare-04": ({"rotation_id": ""}, SHARED, "shared", None),
    "spare-05": ({}, {}, "inventory", None),
}


@pytest.fixture(scope="module")
def node(new_workspace: Callable[[], Workspace]) -> Workspace:
    """A control node that has set up the access to each FortiGate."""
    made = new_workspace()
    hosts = {}
    for name, (own, shared, _store, _rotation) in CASES.items():
        variables = {**made.host(name), **own, "trusted_hosts": ["192.0.2.11"]}
        hosts[name] = {f"fortigate_access_{option}": value for option, value in variables.items()} | shared
        for variable, value in hosts[name].items():
            if value and variable.endswith("secret_store"):
                hosts[name][variable] = made.ref(value)
    inventory = made.store / "inventory" / "fortigates.yml"
    inventory.parent.mkdir(parents=True)
    inventory.write_text(yaml.safe_dump({"fortigates": {"hosts": hosts}}))
    made.playbook(COLLECTION + "fortinet", inventories=[inventory]).succeeded()
    return made


@pytest.mark.parametrize("name", CASES)
def test_a_key_is_kept_and_named_after_its_rotation_as_its_fortigate_says(node: Workspace, name: str) -> None:
    _own, _shared, store, rotation = CASES[name]
    folder = f"{store}/.secrets" if store == "inventory" else store
    (file,) = [path for path in node.stored_files() if f"/{name}/" in path]
    assert file == f"{folder}/{name}/defender-iot.yml"
    assert node.kept(file.removesuffix(".yml")).get("rotation_id") == rotation


def test_a_fortigate_trusts_the_sensors_of_its_site_and_one_key_for_several_is_reported(
    workspace: Workspace,
) -> None:
    example = Example(workspace).override(FORTIGATES[1], fortigate_access_token=None)
    key = workspace.lab.appliances[FORTIGATES[1]]["credentials"]["token"]
    site = ("--extra-vars=fortigate_access_trust=site", f"--limit={FORTIGATES[1]},{FORTIGATES[2]}")
    run = example.playbook("fortinet", "--check", *site, FORTIGATE_TOKEN=key).succeeded()
    shared = "FORTIGATE_TOKEN is set, and several FortiGates of this run use it."
    assert shared not in run.output
    unset = '--extra-vars={"fortigate_access_token": null}'
    assert shared in example.playbook("fortinet", "--check", *site, unset, FORTIGATE_TOKEN=key).output
    trusted = {
        result.host: entry["after"]["trusted_hosts"]
        for result in run.of(module="fortigate_access")
        for entry in result.data["objects"]
        if entry["kind"] == "admin"
    }
    assert trusted == {FORTIGATES[1]: ["192.0.2.11/32"], FORTIGATES[2]: ["198.51.100.11/32"]}
