# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requirements for every role: its specification has its defaults, and its connection is complete."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
PACKAGE = "ansible_collections.otsec.defender_iot"
ROLES = sorted(path.name for path in (ROOT / "roles").iterdir())
# Their default is a template that tells a reader nothing, so the specification describes it in words.
DESCRIBED = {"forescout_module_tokens_seen", "lab_appliances", "sensor_tokens_tokens"}
OF_EVENTS = {
    *("sources", "since", "max_age", "until", "limit", "markers", "text", "raw"),
    *("api", "query_timeout", "wait", "interval"),
}
FSTOOL = {"plugin_name", "property_keys", "nodes", "escapes", "fstool_path", "install_path"}
# For each role a module with its connection, and that module's other options.
CONNECTIONS = {
    "fortigate_access": ("fortigate_api_admin_info", {"names"}),
    "fortigate_response": ("fortigate_block_list_info", {"group"}),
    "respond": (
        "sensor_device_info",
        {"authorized", "security_scores", "fields", "api", "username", "password"},
    ),
    "sensor_tokens": ("sensor_access_token_info", {"descriptions"}),
    "forescout_module": ("forescout_module_info", {"transport", "discover", *FSTOOL}),
    "forescout_policies": ("forescout_policy_info", {"token_form", "names", "count_hosts"}),
    "fortisiem_events": ("fortisiem_event_info", OF_EVENTS),
}
UNSET = object()
# Variables whose default must not apply because the template of their value has a typing error.
COMMON = {"defender_iot_secret_store", "fortigate_access_trusted_hosts"}
PARTS = ("tasks", "vars", "defaults")
LOCAL_MODULES = {
    *("report_outcome", "selection_check"),
    *("respond_lock", "respond_decide", "respond_outcome"),
}


def read(role: str, file: str) -> dict[str, Any]:
    """Return one YAML file of a role."""
    return dict(yaml.safe_load((ROOT / "roles" / role / file).read_text()))


@cache
def options(role: str) -> dict[str, dict[str, Any]]:
    """Return the specified variables of a role, of all entry points."""
    found: dict[str, dict[str, Any]] = {}
    for entry_point in read(role, "meta/argument_specs.yml")["argument_specs"].values():
        found |= entry_point["options"]
    return found


def described(option: dict[str, Any]) -> str:
    """Return the description of a variable as one text."""
    lines = option["description"]
    return lines if isinstance(lines, str) else " ".join(lines)


def test_there_are_roles() -> None:
    assert {*CONNECTIONS, "lab"} <= set(ROLES)


@pytest.mark.parametrize("role", ROLES)
def test_every_default_is_that_of_a_variable_that_the_role_specifies(role: str) -> None:
    defaults = read(role, "defaults/main.yml")
    assert defaults
    assert defaults.keys() <= options(role).keys()


@pytest.mark.parametrize("role", ROLES)
def test_a_specified_default_is_the_one_that_counts(role: str) -> None:
    defaults = read(role, "defaults/main.yml")
    for name, option in options(role).items():
        if "default" in option:
            # Templates are compared by their text.
            assert (name, defaults.get(name, UNSET)) == (name, option["default"])
        elif defaults.get(name) is not None:
            assert name in DESCRIBED, f"{name} has a default that its specification does not state"


@pytest.mark.parametrize("role", ROLES)
def test_a_variable_is_required_or_has_a_default_or_describes_its_default(role: str) -> None:
    defaults = read(role, "defaults/main.yml")
    for name, option in options(role).items():
        if option.get("required"):
            assert name not in defaults
        elif name in DESCRIBED or defaults.get(name) is None:
            assert re.search(r"\bby default\b|\bRequired\b", described(option), re.IGNORECASE), name


@pytest.mark.parametrize("role", ROLES)
def test_no_specified_default_is_a_secret(role: str) -> None:
    """Ansible templates them, and shows all of them if one variable of the role is wrong."""
    for name, option in options(role).items():
        assert not re.search(r"_(password|token|client_secret)\b", str(option.get("default"))), name


@pytest.mark.parametrize("role", ROLES)
def test_ansible_doc_shows_an_example_with_variables_of_the_role(role: str) -> None:
    spec = read(role, "meta/argument_specs.yml")["argument_specs"]["main"]
    (play,) = yaml.safe_load(spec["examples"])
    (used,) = play["roles"]
    assert used["role"] == f"otsec.defender_iot.{role}"
    assert used["vars"].keys() <= spec["options"].keys()


@pytest.mark.parametrize("role", CONNECTIONS)
def test_a_connection_has_every_option_and_each_from_the_variable_of_its_name(role: str) -> None:
    module, own = CONNECTIONS[role]
    spec = importlib.import_module(f"{PACKAGE}.plugins.modules.{module}").MODULE.arguments.spec
    template = read(role, "vars/main.yml")[f"__{role}_connection"]
    handed_over = dict(re.findall(r"(\w+)=(\w+)", template))
    assert handed_over == {option: f"{role}_{option}" for option in spec.keys() - own}


def tasks(found: Any) -> Iterator[dict[str, Any]]:
    """Yield each task of a file of tasks or plays, also in its blocks."""
    for task in found or []:
        yield task
        for part in ("block", "rescue", "always", "tasks", "pre_tasks", "post_tasks"):
            yield from tasks(task.get(part))


def files_of_tasks() -> dict[str, str]:
    """Return the texts of all playbooks and of the tasks, variables and defaults of all roles, by path."""
    places = ("playbooks/*.yml", "playbooks/tasks/*.yml", *(f"roles/*/{part}/*.yml" for part in PARTS))
    return {str(path.relative_to(ROOT)): path.read_text() for place in places for path in ROOT.glob(place)}


FILES = files_of_tasks()
TASK_FILES = sorted(path for path in FILES if "/vars/" not in path and "/defaults/" not in path)


@pytest.mark.parametrize("path", sorted(FILES))
def test_a_variable_with_a_typing_error_in_its_template_is_not_taken_for_one_that_is_not_set(
    path: str,
) -> None:
    """Ansible's test `defined` and filter `default` do not tell them apart, so no error would be shown."""
    names = "|".join(sorted({name for role in ROLES for name in options(role)} | COMMON))
    asked = re.findall(rf"\b({names}) is (?:not )?defined|attr\('({names})', '(?:un)?defined'\)", FILES[path])
    assert asked == []
    assert re.findall(rf"\b(?:{'|'.join(sorted(COMMON))}) \| default\b", FILES[path]) == []


@pytest.mark.parametrize("path", TASK_FILES)
def test_a_loop_ends_at_a_refused_login_and_has_a_variable_of_its_own(path: str) -> None:
    """Further logins would count towards a lockout. A role may run in a loop over `item` of its caller."""
    for task in tasks(yaml.safe_load(FILES[path])):
        called = {key.removeprefix("otsec.defender_iot.") for key in task if key.startswith("otsec.")}
        if "loop" not in task:
            continue
        control = task.get("loop_control", {})
        if path.startswith("roles/") or "ansible.builtin.include_role" in task:
            assert control.get("loop_var", "item").startswith("__"), task["name"]
        if called - LOCAL_MODULES:
            *_conditions, last = (
                [control["break_when"]] if isinstance(control["break_when"], str) else control["break_when"]
            )
            assert last == f"({task['register']}.failure | default({{}})).status | default(none) == 401"


# Filters of sets, whose results have another order in each run.
UNORDERED = re.compile(r"\b(difference|intersect|symmetric_difference|union)\(")


@pytest.mark.parametrize("path", sorted((ROOT / "playbooks").glob("*.yml")), ids=lambda path: path.stem)
def test_the_hosts_of_a_play_keep_the_order_of_the_inventory(path: Path) -> None:
    for play in yaml.safe_load(path.read_text()):
        # Some patterns are in variables. What follows "if" is a condition, whose order does not matter.
        for text in map(str, (play.get("hosts", ""), *play.get("vars", {}).values())):
            chosen, _if, _condition = text.partition(" if ")
            assert not UNORDERED.search(chosen), play["name"]
