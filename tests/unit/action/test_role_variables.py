# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A variable with a role's prefix that the role does not have is refused with the closest name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import InvalidOptions
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._action.role_variables import (
    CHECKED,
    DEPENDENT,
    FACTS,
    SHARED,
    VARIABLES,
    check_host_name,
    check_variables,
    roles_of_play,
)

ROLES = Path(__file__).parents[3] / "roles"
NO_VARIABLES = {"defender_iot_lab", "defender_iot_respond", "defender_iot_escrow"}
ROLE_TASKS = ("ansible.builtin.include_role", "ansible.builtin.import_role")
ACCESS = "otsec.defender_iot.fortigate_access"


@pytest.mark.parametrize("role", CHECKED)
def test_the_names_are_those_of_the_specification(role: str) -> None:
    meta = ROLES / role / "meta"
    entries = yaml.safe_load((meta / "argument_specs.yml").read_text())["argument_specs"].values()
    assert VARIABLES[role] == {name for entry in entries for name in entry["options"]}
    assert FACTS[role] == yaml.safe_load((meta / "facts.yml").read_text()).keys()


@pytest.mark.parametrize("role", CHECKED)
def test_every_fact_that_a_role_sets_is_documented(role: str) -> None:
    found = set()
    for path in (ROLES / role / "tasks").glob("*.yml"):
        for task in yaml.safe_load(path.read_text()):
            found |= {task.get("register"), *task.get("ansible.builtin.set_fact", {})} - {"cacheable"}
    assert {name for name in found if name and not name.startswith("__")} == FACTS[role]


def test_the_shared_names_are_those_that_roles_playbooks_and_examples_use() -> None:
    folders = [ROLES, ROLES.parent / "playbooks", ROLES.parent / "plugins", ROLES.parent / "examples"]
    texts = [path.read_text() for each in folders for path in each.rglob("*.yml")]
    texts += [path.read_text() for path in (ROLES.parent / "plugins").rglob("*.py")]
    found = set(re.findall(r"(?<![\w.\"'/-])defender_iot_\w+", " ".join(texts)))
    assert SHARED - found == set()
    assert found - SHARED - NO_VARIABLES == set()


def refused(*names: str, role: str = ACCESS, extra: tuple[str, ...] = (), roles: tuple[str, ...] = ()) -> str:
    """Return the message about these variables."""
    with pytest.raises(InvalidOptions) as caught:
        check_variables(role, names, extra, roles)
    return caught.value.sentence("fgt-01")


def test_a_misspelt_variable_is_refused_with_the_closest_name() -> None:
    assert refused("fortigate_access_admin", "fortigate_access_url", "other") == (
        "fgt-01: checking the variables of the role fortigate_access failed: it has no variable "
        "fortigate_access_admin; rename fortigate_access_admin to fortigate_access_admins"
    )


@pytest.mark.parametrize("role", CHECKED)
def test_a_misspelt_variable_of_all_roles_is_refused_by_every_role(role: str) -> None:
    message = refused(
        "defender_iot_secret_stor", "defender_iot_secret_store", role=f"otsec.defender_iot.{role}"
    )
    assert message.endswith("rename defender_iot_secret_stor to defender_iot_secret_store")


def test_a_misspelt_variable_of_a_role_that_runs_only_if_it_is_set_is_refused() -> None:
    assert refused("fortigate_response_entires") == (
        "fgt-01: checking the variables of the role fortigate_response failed: it has no variable "
        "fortigate_response_entires; rename fortigate_response_entires to fortigate_response_entries"
    )
    check_variables(ACCESS, ["fortigate_response_entries", "fortigate_response_verdict"], (), ())


@pytest.mark.parametrize(
    "playbook", sorted((ROLES.parent / "playbooks").glob("*.yml")), ids=lambda each: each.stem
)
def test_a_role_that_runs_only_if_its_variable_is_set_follows_one_that_checks_its_names(
    playbook: Path,
) -> None:
    checked: set[str] = set()
    for play in yaml.safe_load(playbook.read_text()):
        for role in play.get("roles", ()):
            name = role["role"].rpartition(".")[2]
            checked |= {name, *DEPENDENT.get(name, ())}
        for task in play.get("tasks", ()):
            name = next((task[each]["name"] for each in ROLE_TASKS if each in task), "").rpartition(".")[2]
            condition = re.match(rf"{name}_\w+ is defined", str(task.get("when", ""))) if name else None
            assert condition is None or name in checked
            checked |= {name, *DEPENDENT.get(name, ())}


def test_every_misspelt_variable_is_named() -> None:
    message = refused("fortigate_access_xyz123", "fortigate_access_profile")
    assert message.endswith(
        "it has no variable fortigate_access_profile or fortigate_access_xyz123; "
        "rename fortigate_access_profile to fortigate_access_profiles "
        "and remove or rename fortigate_access_xyz123"
    )


@pytest.mark.parametrize(
    ("role", "names", "roles"),
    [
        (ACCESS, ["fortigate_access_admins", "fortigate_access_verdict", "__fortigate_access_result"], []),
        (ACCESS, ["sensor_tokens_token_s", "fortigate_accessory", "fortigate"], []),
        (ACCESS, ["fortigate_access_audit_level"], ["fortigate_access_audit", ACCESS]),
        (ACCESS, ["fortigate_access_audit_level"], ["acme.net.fortigate_access_audit"]),
        ("fortigate_access", ["fortigate_access_admin"], []),
        ("acme.net.fortigate_access", ["fortigate_access_admin"], []),
        ("otsec.defender_iot.lab", ["lab_anything"], []),
    ],
    ids=[
        "known",
        "other prefixes",
        "another role",
        "a role of a collection",
        "no collection",
        "not ours",
        "lab",
    ],
)
def test_other_variables_are_accepted(role: str, names: list[str], roles: list[str]) -> None:
    check_variables(role, names, (), roles)


@pytest.mark.parametrize(
    "name",
    ["__sensor_tokens_kept", "sensor_tokens_seen", "sensor_tokens_unused", "__defender_iot_verification"],
)
def test_an_extra_variable_must_not_override_what_a_role_sets(name: str) -> None:
    message = refused(role="otsec.defender_iot.sensor_tokens", extra=(name, "sensor_tokens_url", "x"))
    assert f"the role sets {name} itself, but an extra variable overrides it; remove {name} from" in message


def test_an_extra_variable_must_not_override_what_a_playbook_passes_to_a_role() -> None:
    given = {"fortigate_access_purge": False, "other": 1}
    with pytest.raises(InvalidOptions, match="sets fortigate_access_purge itself, but an extra variable"):
        check_variables(ACCESS, (), ("fortigate_access_purge", "fortigate_access_url", "other"), (), given)
    check_variables(ACCESS, (), ("fortigate_access_url", "other"), (), given)


@pytest.mark.parametrize("name", ["../../other", "fgt/north-01", "..", ".", ""])
def test_a_host_name_that_leads_to_another_place_is_refused(name: str) -> None:
    with pytest.raises(InvalidOptions, match="would lead to another place"):
        check_host_name(name)
    check_host_name("fgt-north-01.example.com")


def test_the_roles_of_a_play_are_read_if_there_are_any() -> None:
    assert roles_of_play({"ansible_play_role_names": ["a", ACCESS]}) == ["a", ACCESS]
    assert roles_of_play({}) == []
