# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run that checks nothing never exits with 0, and no variable is ignored silently."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from ansible_collections.otsec.defender_iot.tests.support.example import (
    FORESCOUT,
    FORTIGATES,
    SENSORS,
    Example,
)
from ansible_collections.otsec.defender_iot.tests.support.workspace import ROOT, Run, Workspace

PARTS = {"check_decommissioned", "left_behind"}
PLAYBOOKS = sorted(
    {each.stem for each in (ROOT / "playbooks").glob("*.yml")} - {"lab", "draft_endpoints"} - PARTS
)
EXIT_CODES = {name: 4 if name in ("drift", "verify") else 2 for name in PLAYBOOKS}
SELECTIONS = ["--tags=anything", "--skip-tags=all", "--limit=bastion", "--limit=bastion:!all"]
BASTION = {"all": {"hosts": {"bastion": {}}}}


@pytest.fixture
def example(workspace: Workspace) -> Example:
    """The example inventory, of which nothing is set up."""
    return Example(workspace)


def run(example: Example, playbook: str, *arguments: str) -> Run:
    """Run a playbook on the example inventory and a host that is no appliance."""
    bastion = example.node.inputs / "bastion.yml"
    bastion.write_text(yaml.safe_dump(BASTION))
    values = f"defender_iot_export_folder={example.node.folder} address=192.0.2.7 until=0 reason=worm"
    return example.playbook(playbook, f"--inventory={bastion}", f"--extra-vars={values}", *arguments)


@pytest.mark.parametrize(
    ("playbook", "selection"),
    [
        *((name, "--tags=always") for name in PLAYBOOKS),
        *((name, selection) for name in ("fortinet", "verify", "drift") for selection in SELECTIONS),
    ],
)
def test_a_selection_of_nothing_fails(example: Example, playbook: str, selection: str) -> None:
    done = run(example, playbook, selection)
    assert done.code == (1 if "!" in selection else EXIT_CODES[playbook]), done.output
    assert example.node.lab.calls() == []
    option, value = selection.split("=")
    if done.code == 2:
        assert f"nothing was done: {option} {value} selected no task on any host" in done.output


def test_an_inventory_without_appliances_fails(workspace: Workspace) -> None:
    workspace.inventory(bastion={})
    done = workspace.playbook("otsec.defender_iot.fortinet")
    assert done.code == 2
    assert "the inventory has no hosts for this playbook" in done.output


@pytest.mark.parametrize(
    ("playbook", "option", "why"),
    [
        ("drift", "--skip-tags=tagged", "it skips the exit code; remove --skip-tags tagged"),
        ("export", "--skip-tags=always", "it skips the exit code; remove --skip-tags always"),
        ("lab", f"--limit={FORTIGATES[0]}", "it works on localhost only; remove --limit"),
    ],
)
def test_the_exit_code_cannot_be_skipped(example: Example, playbook: str, option: str, why: str) -> None:
    done = run(example, playbook, option)
    assert done.code != 0
    assert why in " ".join(done.output.split())


SENSORS_FIRST = next(iter(SENSORS))


def test_a_limit_may_leave_out_one_of_two_imported_playbooks(example: Example) -> None:
    path = example.node.folder / "own.yml"
    imports = [{"import_playbook": f"otsec.defender_iot.{name}"} for name in ("forescout", "fortinet")]
    path.write_text(json.dumps(imports))
    inventories = [ROOT / "examples/inventory", example.overlay]
    store = f"--extra-vars=defender_iot_secret_store=vault_file:{example.node.store}"

    def own(limit: str) -> Run:
        return example.node.playbook(str(path), store, f"--limit={limit}", inventories=inventories)

    assert own(FORTIGATES[0]).succeeded().changes == [(FORTIGATES[0], "fortigate_access")]
    assert own("localhost").code != 0


def test_a_misspelt_variable_that_a_playbook_depends_on_is_refused(example: Example) -> None:
    example.override(FORTIGATES[0], fortigate_response_entires=[])
    done = run(example, "export")
    assert done.code == 2
    assert "rename fortigate_response_entires to fortigate_response_entries" in done.output
    example.override(SENSORS_FIRST, sensor_tokens_endpoint="map.yml", sensor_tokens_endpoints=None)
    done = run(example, "check_endpoints")
    assert done.code == 2
    assert f"{SENSORS_FIRST}: no role has a variable sensor_tokens_endpoint; rename it" in done.output


def test_a_check_without_any_endpoint_map_fails(example: Example) -> None:
    done = run(
        example, "check_endpoints", "--extra-vars=sensor_tokens_endpoints=", f"--limit={SENSORS_FIRST}"
    )
    assert done.code == 2
    assert "no appliance of this run has an endpoint map" in done.output


def test_the_playbook_that_drafts_a_map_has_no_tags(example: Example) -> None:
    recording = Path(ROOT / "tests/fixtures/recordings/nothing.har")
    done = run(
        example, "draft_endpoints", "--tags=anything", f"--extra-vars=defender_iot_recording={recording}"
    )
    assert done.code != 0
    assert "a recording of a sensor needs" in done.output


def test_verify_exits_with_the_code_of_the_worst_verdict(example: Example) -> None:
    never = run(example, "verify")
    assert never.code == 2
    assert f"not verified: {FORTIGATES[0]} (never_called)" in never.output
    run(example, "site").succeeded()
    example.wait_for_poll()
    assert "verified: 1 working, 3 in the desired state" in run(example, "verify").succeeded().output
    assert run(example, "verify", f"--limit={FORTIGATES[0]}").code == 0
    example.override(FORTIGATES[0], fortigate_access_url="https://127.0.0.1:1")
    blind = run(example, "verify")
    assert blind.code == 4
    assert f"unknown: could not be read: {FORTIGATES[0]} (unknown)" in blind.output
    example.override(SENSORS_FIRST, sensor_tokens_password="wrong")
    assert run(example, "verify", f"--limit={SENSORS_FIRST}").code == 4


def test_a_misspelt_variable_of_a_role_is_refused_on_its_host(example: Example) -> None:
    misspelt = {
        FORTIGATES[0]: ("fortigate_access_admin", "fortigate_access_admins"),
        SENSORS_FIRST: ("sensor_tokens_endpoint", "sensor_tokens_endpoints"),
        FORESCOUT: ("forescout_module_sensors", "forescout_module_sensor"),
    }
    example.override_each({host: {variable: []} for host, (variable, _closest) in misspelt.items()})
    done = run(example, "site", "--check")
    assert done.code != 0
    assert sorted(result.host for result in done.results if result.failed) == sorted(misspelt)
    for host, (variable, closest) in misspelt.items():
        (refused,) = [result for result in done.of(host) if result.failed]
        assert f"it has no variable {variable}; rename {variable} to {closest}" in refused.message


def test_an_extra_variable_must_not_override_what_a_role_computes(example: Example) -> None:
    done = run(example, "forescout", "--check", "--extra-vars=sensor_tokens_seen=forescout")
    assert done.code != 0
    assert "remove sensor_tokens_seen from the extra variables" in done.output


@pytest.mark.parametrize(
    ("playbook", "arguments", "code"),
    [
        ("site", ["--check"], 2),
        ("site", ['--extra-vars={"rollout": {}}'], 2),
        ("drift", [], 4),
    ],
)
def test_a_value_with_a_typing_error_in_its_template_is_not_taken_for_an_unset_one(
    example: Example, playbook: str, arguments: list[str], code: int
) -> None:
    names = ("fortigate_response_entries", "fortigate_access_trusted_hosts", "forescout_policies_policies")
    hosts = (FORTIGATES[0], FORTIGATES[1], FORESCOUT)
    inventory = example.node.inputs / "typing_errors.yml"
    values = {host: {name: "{{ plant_vlaues }}"} for host, name in zip(hosts, names, strict=True)}
    inventory.write_text(yaml.safe_dump({"all": {"hosts": values}}))
    done = run(example, playbook, f"--inventory={inventory}", *arguments)
    assert done.code == code, done.output
    assert [host for host in hosts if f"fatal: [{host}]: FAILED!" not in done.output] == []
    assert "'plant_vlaues' is undefined" in done.output
