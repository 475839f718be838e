# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The examples for engines refer to existing environment variables, playbooks and role variables."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from jinja2.defaults import DEFAULT_NAMESPACE

from ansible_collections.otsec.defender_iot.plugins.module_utils._forescout.options import forescout
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.options import fortigate
from ansible_collections.otsec.defender_iot.plugins.module_utils._sensor.options import sensor
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._secrets.stores import (
    azure_key_vault,
    hashi_vault,
)

ROOT = Path(__file__).parents[3]
AWX = ROOT / "examples" / "awx"
PROJECT = AWX / "project"
INJECTED = re.compile(r"\{\{ (\w+) \}\}|\{\{ tower\.filename\.(\w+) if \2 else '' \}\}")

# The service principal of DefaultAzureCredential, which Microsoft's library reads itself.
SERVICE_PRINCIPAL = {"AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"}

# Options of the modules of awx.awx 24.6.1, which the roles of infra.aap_configuration pass on to them;
# simplified_workflow_nodes is those roles' own.
TEMPLATE = """name description job_type organization inventory project playbook credentials diff_mode limit
    forks execution_environment extra_vars ask_limit_on_launch ask_variables_on_launch ask_job_type_on_launch
    allow_simultaneous survey_enabled survey_spec job_slice_count instance_groups timeout verbosity state"""
NODE = """identifier unified_job_template approval_node limit job_type inventory credentials extra_data
    all_parents_must_converge always_nodes failure_nodes success_nodes organization state"""
KEYS = {
    "controller_credential_types": "name description kind inputs injectors state",
    "controller_credentials": "name description organization credential_type inputs update_secrets state",
    "controller_execution_environments": "name image description organization credential pull state",
    "controller_inventories": "name description organization variables kind host_filter state",
    "controller_inventory_sources": """name description organization inventory source source_project
        source_path update_on_launch overwrite overwrite_vars credential state""",
    "controller_projects": """name description organization scm_type scm_url scm_branch scm_update_on_launch
        default_environment credential state""",
    "controller_schedules": """name description organization unified_job_template rrule limit extra_data
        enabled state""",
    "controller_templates": TEMPLATE,
    "controller_workflows": """name description organization allow_simultaneous survey_enabled survey_spec
        inventory limit state simplified_workflow_nodes""",
}
QUESTION = "question_name question_description type variable required min max default choices"


class Loader(yaml.SafeLoader):
    """Reads texts with the tag `!unsafe` as plain texts."""


Loader.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(node))


@cache
def objects(kind: str) -> list[dict[str, Any]]:
    """Return all objects of one list variable."""
    found: list[dict[str, Any]] = []
    for path in sorted((AWX / "controller").glob("*.yml")):
        found += yaml.load(path.read_text(), Loader).get(kind, [])  # noqa: S506 - made from SafeLoader
    return found


def names(kind: str) -> set[str]:
    """Return the names of all objects of one list variable."""
    return {each["name"] for each in objects(kind)}


@cache
def environment() -> set[str]:
    """Return every environment variable that a module or a store reads."""
    products = [fortigate({}), sensor({}), forescout({})]
    fallbacks = [
        option["fallback"][1] for each in products for option in each.spec.values() if "fallback" in option
    ]
    read = {variable for variables in fallbacks for variable in variables}
    return read | set(hashi_vault.ENVIRONMENT.values()) | {azure_key_vault.URL_VARIABLE} | SERVICE_PRINCIPAL


@cache
def role_variables() -> set[str]:
    """Return the variables that the roles document."""
    found: set[str] = set()
    for path in (ROOT / "roles").glob("*/meta/argument_specs.yml"):
        for entry in yaml.safe_load(path.read_text())["argument_specs"].values():
            found |= entry.get("options", {}).keys()
    return found


@cache
def shared_variables() -> set[str]:
    """Return the variables that all roles share: their defaults name them."""
    defaults = "".join(path.read_text() for path in (ROOT / "roles").glob("*/defaults/main.yml"))
    return set(re.findall(r"\bdefender_iot_\w+", defaults))


def by_name(each: dict[str, Any]) -> str:
    """Return the name of an object for a test's id."""
    return each["name"].removeprefix("Defender for IoT").strip(": ")


TYPES = objects("controller_credential_types")
TEMPLATES = objects("controller_templates")
(WORKFLOW,) = objects("controller_workflows")
NODES = {node["identifier"]: node for node in WORKFLOW["simplified_workflow_nodes"]}


@pytest.mark.parametrize("kind", KEYS)
def test_every_object_has_known_keys_only(kind: str) -> None:
    assert objects(kind)
    for each in objects(kind):
        assert each.keys() <= set(KEYS[kind].split()), each["name"]


def test_every_list_is_checked_here() -> None:
    kinds = {
        key
        for path in (AWX / "controller").glob("*.yml")
        for key in yaml.load(path.read_text(), Loader)  # noqa: S506 - made from SafeLoader
    }
    assert kinds == KEYS.keys()


@pytest.mark.parametrize("each", TYPES, ids=by_name)
def test_every_injector_sets_what_a_module_or_a_store_reads(each: dict[str, Any]) -> None:
    assert set(each["injectors"]["env"]) <= environment()


@pytest.mark.parametrize("each", TYPES, ids=by_name)
def test_every_field_is_injected_and_every_injector_takes_a_field(each: dict[str, Any]) -> None:
    fields = {field["id"] for field in each["inputs"]["fields"]}
    assert set(each["inputs"]["required"]) <= fields
    files = {name.removeprefix("template."): text for name, text in each["injectors"].get("file", {}).items()}
    assert all(text == f"{{{{ {name} }}}}" for name, text in files.items())
    taken = set()
    for text in each["injectors"]["env"].values():
        found = INJECTED.fullmatch(text)
        assert found, text
        assert found[2] is None or found[2] in files
        taken.add(found[1] or found[2])
    assert taken == fields


@pytest.mark.parametrize("each", TYPES, ids=by_name)
def test_a_field_that_is_left_empty_is_empty_and_not_a_word_of_jinja(each: dict[str, Any]) -> None:
    assert not {field["id"] for field in each["inputs"]["fields"]} & DEFAULT_NAMESPACE.keys()


@pytest.mark.parametrize("each", TYPES, ids=by_name)
def test_what_is_secret_is_hidden_by_awx(each: dict[str, Any]) -> None:
    hidden = {field["id"] for field in each["inputs"]["fields"] if field.get("secret")}
    shown = {field["id"] for field in each["inputs"]["fields"]} - hidden
    assert hidden
    assert not shown & {"token", "password", "secret", "secret_id"}


def test_there_is_a_credential_type_for_every_product_and_for_two_stores() -> None:
    first = {next(iter(each["injectors"]["env"])).split("_")[0] for each in TYPES}
    assert first == {"FORTIGATE", "SENSOR", "FORESCOUT", "VAULT", "AZURE"}


@pytest.mark.parametrize("each", TEMPLATES, ids=by_name)
def test_every_template_runs_a_playbook_of_the_project_with_objects_that_are_there(
    each: dict[str, Any],
) -> None:
    assert (PROJECT / each["playbook"]).is_file()
    assert each["project"] in names("controller_projects")
    assert each["inventory"] in names("controller_inventories")
    assert set(each["credentials"]) <= names("controller_credentials")
    assert "job_slice_count" not in each


def test_every_playbook_of_the_project_imports_one_of_the_collection() -> None:
    playbooks = sorted(PROJECT.glob("*.yml"))
    assert playbooks
    for path in playbooks:
        (play,) = yaml.safe_load(path.read_text())
        name = play["ansible.builtin.import_playbook"].removeprefix("otsec.defender_iot.")
        assert (ROOT / "playbooks" / f"{name}.yml").is_file()
        assert path.name in {each["playbook"] for each in TEMPLATES}


def test_every_credential_has_a_type_and_every_source_a_project() -> None:
    assert {each["credential_type"] for each in objects("controller_credentials")} <= names(
        "controller_credential_types"
    )
    (source,) = objects("controller_inventory_sources")
    assert source["source_project"] in names("controller_projects")
    assert (PROJECT / source["source_path"]).is_dir()


@pytest.mark.parametrize("each", [each for each in TEMPLATES if "survey_spec" in each], ids=by_name)
def test_a_survey_asks_for_variables_that_a_role_takes(each: dict[str, Any]) -> None:
    assert each["survey_enabled"]
    for question in each["survey_spec"]["spec"]:
        assert question.keys() <= set(QUESTION.split())
        assert question["variable"] in role_variables() | shared_variables()


def test_what_the_inventory_of_the_project_sets_is_what_a_role_takes() -> None:
    for path in (PROJECT / "inventory").rglob("*.yml"):
        assert yaml.safe_load(path.read_text()).keys() <= role_variables() | shared_variables()


def test_the_schedules_run_templates_that_change_nothing_by_default() -> None:
    scheduled = {schedule["unified_job_template"] for schedule in objects("controller_schedules")}
    templates = [each for each in TEMPLATES if each["name"] in scheduled]
    assert {each["playbook"] for each in templates} == {"drift.yml", "respond.yml"}
    assert not any("extra_vars" in each for each in templates)


def test_the_workflow_goes_from_check_over_approval_and_canary_to_verify() -> None:
    way, at = [], "check"
    while at:
        way.append(at)
        (at,) = NODES[at].get("success_nodes", [None])
    assert way == ["check", "approve", "canary", "verify-canary", "rest", "verify"]
    assert way == list(NODES)


@pytest.mark.parametrize("node", NODES.values(), ids=NODES)
def test_a_node_approves_or_runs_a_template_that_takes_its_limit(node: dict[str, Any]) -> None:
    assert node.keys() <= set(NODE.split())
    if "approval_node" in node:
        assert node["approval_node"].keys() <= {"name", "description", "timeout"}
        return
    (template,) = [each for each in TEMPLATES if each["name"] == node["unified_job_template"]]
    assert "limit" not in node or template["ask_limit_on_launch"]


def test_what_ansible_navigator_passes_on_is_what_a_module_or_a_store_reads() -> None:
    given = yaml.safe_load((ROOT / "examples/ansible-navigator.yml").read_text())["ansible-navigator"]
    passed = given["execution-environment"]["environment-variables"]["pass"]
    assert set(passed) <= environment()
    assert len(passed) == len(set(passed))
