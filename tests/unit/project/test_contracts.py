# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requirements for every module: documentation, options, tests, groups."""

from __future__ import annotations

import importlib
import io
import re
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.resource import Field, Resource
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.access import ITEMS, LISTS

ROOT = Path(__file__).parents[3]
PACKAGE = "ansible_collections.otsec.defender_iot"
FQCN = "otsec.defender_iot."
# The modules without an appliance.
ABOUT_RUNS = {"report_outcome", "respond_decide", "respond_lock", "respond_outcome", "selection_check"}
FILES = {path.stem for path in (ROOT / "plugins" / "modules").glob("*.py")} - {"__init__"}
MODULES = sorted(FILES - ABOUT_RUNS)
GROUPS = ("fortigate", "sensor", "forescout", "fortisiem")
# The options that the action adds for a module process on another host.
RELAYED = "_call"
# The module's options that no role sets: a role never changes the account of its login.
BY_MODULE_ONLY = "allow_self_change"
# What only one entry point of a role sets.
BY_ENTRY_POINT = {"rotate_only", "verify_keys"}
# What few sites need, and what serves a retired product.
UNUSUAL = re.compile(r"cors_allow_origin|vdoms|management_consoles")
WITHOUT = re.compile(r"(is|are) not set|By default|Required")
SECRET = re.compile(r"token|password|passwd|secret|key")


def path_of(module: str) -> Path:
    """Return a module's file."""
    return ROOT / "plugins" / "modules" / f"{module}.py"


@cache
def docs(module: str) -> dict[str, Any]:
    """Return a module's documentation, examples and return values, decoded."""
    file = importlib.import_module(f"{PACKAGE}.plugins.modules.{module}")
    return {name: yaml.safe_load(getattr(file, name)) for name in ("DOCUMENTATION", "EXAMPLES", "RETURN")}


@cache
def loaded(module: str) -> Any:
    """Return the description of a module."""
    return importlib.import_module(f"{PACKAGE}.plugins.modules.{module}").MODULE


def fragment(name: str) -> dict[str, Any]:
    """Return one of the collection's documentation fragments."""
    file, _dot, part = name.removeprefix(FQCN).partition(".")
    holder = importlib.import_module(f"{PACKAGE}.plugins.doc_fragments.{file}").ModuleDocFragment
    return yaml.safe_load(getattr(holder, part.upper() or "DOCUMENTATION"))


def documented(module: str, section: str) -> dict[str, Any]:
    """Return a module's documented options or attributes. Its own override those of its fragments."""
    doc, found = docs(module)["DOCUMENTATION"], {}
    for part in [*map(fragment, doc["extends_documentation_fragment"]), doc]:
        for name, spec in part.get(section, {}).items():
            found[name] = {**found.get(name, {}), **spec}
    return found


def tasks(found: Any) -> list[dict[str, Any]]:
    """Return the tasks of examples, including those in blocks."""
    return [inner for task in found for inner in (tasks(task["block"]) if "block" in task else [task])]


@pytest.mark.parametrize("module", sorted(FILES))
def test_examples_are_safe_to_copy(module: str) -> None:
    examples = importlib.import_module(f"{PACKAGE}.plugins.modules.{module}").EXAMPLES
    assert not UNUSUAL.search(examples)


def test_the_example_inventory_is_safe_to_copy() -> None:
    assert not UNUSUAL.search(texts("examples"))


def all_options(spec: dict[str, Any], where: str = "") -> list[tuple[str, dict[str, Any]]]:
    """Return every option and suboption of an argument spec with its path."""
    found = []
    for name, option in spec.items():
        found += [(where + name, option), *all_options(option.get("options", {}), f"{where}{name}.")]
    return found


CHANGING = [module for module in MODULES if not module.endswith(("_info", "_check"))]


def test_there_are_modules() -> None:
    assert len(MODULES) >= 9


@pytest.mark.parametrize("module", MODULES)
def test_documentation_names_the_module_and_describes_what_it_returns(module: str) -> None:
    found = docs(module)
    assert found["DOCUMENTATION"]["module"] == module
    assert found["DOCUMENTATION"]["short_description"]
    assert {"failure", "provenance"} < found["RETURN"].keys()
    assert all({"description", "type", "returned"} <= value.keys() for value in found["RETURN"].values())


@pytest.mark.parametrize("module", MODULES)
def test_examples_show_the_module_and_call_everything_by_its_full_name(module: str) -> None:
    keywords = {"name", "register", "when", "loop", "no_log", "vars", "module_defaults", "delegate_to"}
    actions = [(set(task) - keywords).pop() for task in tasks(docs(module)["EXAMPLES"])]
    assert FQCN + module in actions
    assert {action for action in actions if not re.match(r"ansible\.builtin\.\w", action)} <= {
        FQCN + name for name in MODULES
    }


@pytest.mark.parametrize("module", MODULES)
def test_examples_use_documented_options_only(module: str) -> None:
    for task in tasks(docs(module)["EXAMPLES"]):
        assert set(task.get(FQCN + module) or {}) <= documented(module, "options").keys()


@pytest.mark.parametrize("module", MODULES)
def test_every_option_is_documented_as_it_is(module: str) -> None:
    written, real = documented(module, "options"), loaded(module).arguments.spec
    assert written.keys() == {*real, RELAYED}
    for name, spec in real.items():
        for trait in ("type", "default", "choices", "required", "elements"):
            absent = False if trait == "required" else None
            assert (name, trait, written[name].get(trait, absent)) == (name, trait, spec.get(trait, absent))
        assert written[name].get("suboptions", {}).keys() == spec.get("options", {}).keys()
        assert written[name]["description"]


def silent_options(spec: dict[str, Any], outer: str = "") -> list[str]:
    """Return the options that do not say what a missing one does: by a default, as required, or in words.

    The description of an option with suboptions may say it for them.
    """
    found = []
    for name, option in spec.items():
        words = f"{outer} {option['description']}"
        if not ("default" in option or option.get("required") or WITHOUT.search(words)):
            found.append(name)
        inner = option.get("suboptions") or {}
        found += [f"{name}.{each}" for each in silent_options(inner, str(option["description"]))]
    return found


@pytest.mark.parametrize("module", sorted(FILES))
def test_every_option_says_what_happens_without_it(module: str) -> None:
    assert silent_options(documented(module, "options")) == []


@pytest.mark.parametrize("module", MODULES)
def test_every_option_that_may_be_a_secret_says_whether_it_is(module: str) -> None:
    for place, option in all_options(loaded(module).arguments.spec):
        if SECRET.search(place):
            may_show = place.endswith(("_ref", "_store")) or option["type"] in ("bool", "path")
            may_show = may_show or "choices" in option or place.startswith("property_keys")
            assert option.get("no_log") is not may_show, place


@pytest.mark.parametrize("module", MODULES)
def test_a_secret_is_given_by_reference_to_a_keeper(module: str) -> None:
    made = loaded(module)
    refs = {name for name in made.arguments.spec if name.endswith("_ref")}
    assert set(made.secret_refs) == refs
    if made.resource.delivers and not module.endswith("_info"):
        assert f"{made.resource.delivers}_ref" in refs


@pytest.mark.parametrize("module", MODULES)
def test_check_mode_is_supported_in_full(module: str) -> None:
    attributes = documented(module, "attributes")
    assert attributes["check_mode"]["support"] == "full"
    assert {"diff_mode", "idempotent", "action_group"} < attributes.keys()
    assert all("support" in attribute for attribute in attributes.values())


# Each manages one object. Its options are the fields of that object, and these.
MANAGING = [module for module in CHANGING if not loaded(module).also]


@pytest.mark.parametrize("module", MANAGING)
def test_every_option_that_is_a_field_comes_from_the_field(module: str) -> None:
    made = loaded(module)
    derived = made.resource.argument_spec()
    assert derived.keys() == made.resource.fields.keys() - {made.resource.delivers}
    assert {name: made.arguments.spec.get(name) for name in derived} == derived


def test_an_item_of_a_list_is_described_by_its_resource() -> None:
    assert ITEMS.keys() == LISTS.keys()
    for option, resource in LISTS.items():
        assert resource.argument_spec().items() <= ITEMS[option].spec.items()


@pytest.mark.parametrize(
    ("option", "module"), [("profiles", "fortigate_admin_profile"), ("admins", "fortigate_api_admin")]
)
def test_an_item_of_a_list_takes_what_the_module_for_one_object_takes(option: str, module: str) -> None:
    alone = loaded(module).arguments.spec
    connection = loaded("fortigate_access").arguments.spec
    own = {name: spec for name, spec in alone.items() if name not in connection}
    assert own.items() <= ITEMS[option].spec.items()
    assert loaded(module).resource is LISTS[option]


@cache
def resources() -> list[Resource]:
    """Return the kinds of objects of all modules."""
    return [resource for name in MODULES for resource in (loaded(name).resource, *loaded(name).also)]


def fields_of(found: Iterable[Field]) -> Iterator[Field]:
    """Yield fields and their subfields."""
    for each in found:
        yield from (each, *fields_of((each.children or {}).values()))


def traits_in_use(described: Iterable[Any]) -> set[str]:
    """Return the traits that differ from their default at least once."""
    bare = {Field: Field("x"), Resource: Resource("x", "x", "x", {})}
    return {
        trait.name
        for each in described
        for trait in fields(each)
        if getattr(each, trait.name) != getattr(bare[type(each)], trait.name)
    }


def test_every_trait_of_a_resource_is_in_use() -> None:
    assert traits_in_use(resources()) == {trait.name for trait in fields(Resource)}


def test_every_trait_of_a_field_is_in_use() -> None:
    found = fields_of(
        field for each in resources() for field in (*each.fields.values(), *each.facts.values())
    )
    # Only the resource of one appliance has this trait.
    assert traits_in_use(found) == {trait.name for trait in fields(Field)} - {"missing"}


def test_the_role_of_a_fortigate_hands_every_option_over() -> None:
    (access,) = yaml.safe_load((ROOT / "roles/fortigate_access/tasks/access.yml").read_text())
    (template,) = access["module_defaults"].values()
    options = loaded("fortigate_access").arguments.spec.keys() - {RELAYED, BY_MODULE_ONLY, *BY_ENTRY_POINT}
    assert set(re.findall(r"(\w+)=", template)) == options


@pytest.mark.parametrize("file", ["list", "policy"])
def test_the_role_of_a_block_list_hands_every_option_over(file: str) -> None:
    first = yaml.safe_load((ROOT / f"roles/fortigate_response/tasks/{file}.yml").read_text())[0]
    (template,) = first["module_defaults"].values()
    module = next(name for name in first if name.startswith(FQCN)).removeprefix(FQCN)
    options = loaded(module).arguments.spec.keys()
    assert set(re.findall(r"(\w+)=", template)) == options


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_by_absolute_names(module: str) -> None:
    # Mitogen takes a file without such an import for a script, and cannot run it.
    source = path_of(module).read_text()
    assert re.search(rf"^from {re.escape(PACKAGE)}\.plugins\.module_utils\.", source, re.MULTILINE)
    assert not re.search(r"^\s*from \.", source, re.MULTILINE)


@pytest.mark.parametrize("module", MODULES)
def test_an_action_runs_the_module(module: str) -> None:
    action = importlib.import_module(f"{PACKAGE}.plugins.action.{module}").ActionModule
    assert action.module is loaded(module)


def test_every_action_has_a_module() -> None:
    actions = {path.stem for path in (ROOT / "plugins" / "action").glob("*.py")} - {"__init__"}
    assert actions == {*MODULES, *ABOUT_RUNS}


@cache
def groups() -> dict[str, list[Any]]:
    """Return the action groups."""
    return yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())["action_groups"]


@pytest.mark.parametrize("module", MODULES)
def test_a_module_belongs_to_the_group_of_its_product(module: str) -> None:
    product = module.split("_", maxsplit=1)[0]
    assert [group for group in GROUPS if module in groups()[group]] == [product]
    membership = documented(module, "attributes")["action_group"]["membership"]
    assert membership == [FQCN + product, FQCN + "all"]


def test_the_group_all_is_the_groups_of_the_products() -> None:
    assert groups().keys() == {"all", *GROUPS}
    assert groups()["all"] == [{"metadata": {"extend_group": list(GROUPS)}}]
    assert sorted(name for group in GROUPS for name in groups()[group]) == MODULES


@cache
def texts(*folders: str) -> str:
    """Return all YAML and Python files in these folders as one text."""
    files = [
        f for folder in folders for f in sorted((ROOT / folder).rglob("*")) if f.suffix in (".yml", ".py")
    ]
    return "\n".join(file.read_text() for file in files)


def run_by(text: str) -> set[str]:
    """Return the modules that a text calls, directly or through playbooks and roles."""
    seen: set[str] = set()
    names = set(re.findall(rf"{re.escape(FQCN)}(\w+)", text))
    while names - seen:
        name = (names - seen).pop()
        seen.add(name)
        playbook = ROOT / "playbooks" / f"{name}.yml"
        called = texts(f"roles/{name}/tasks") + (playbook.read_text() if playbook.exists() else "")
        names |= {
            a or b for a, b in re.findall(rf"{re.escape(FQCN)}(\w+)|import_playbook: (\w+)\.yml", called)
        }
    return seen | {module for module in MODULES if f'task("{module}"' in text}


@pytest.mark.parametrize("module", MODULES)
def test_a_scenario_or_an_integration_test_runs_the_module(module: str) -> None:
    assert module in run_by(texts("extensions/molecule", "tests/integration"))


def logic(module: str) -> list[str]:
    """Return a module's lines without empty lines, comments and the three documentation strings."""
    source = path_of(module).read_text()
    source = re.sub(
        r'^(DOCUMENTATION|EXAMPLES|RETURN) = r"""\n.*?^"""$', "", source, flags=re.MULTILINE | re.DOTALL
    )
    comments = {
        token.start[0]
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT and token.line.lstrip().startswith("#")
    }
    return [line for n, line in enumerate(source.splitlines(), start=1) if line.strip() and n not in comments]


@pytest.mark.parametrize("module", MODULES)
def test_a_module_is_a_description_of_at_most_45_lines(module: str) -> None:
    assert 10 < len(logic(module)) <= 45


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize("word", ["check_mode", "requests", "open(", "subprocess"])
def test_only_the_engine_applies_changes(module: str, word: str) -> None:
    assert word not in "\n".join(logic(module))


@pytest.mark.parametrize("module", CHANGING)
def test_a_module_that_changes_things_documents_what_the_report_is_made_of(module: str) -> None:
    objects = docs(module)["RETURN"]["objects"]
    assert {"kind", "name", "action", "changed", "before", "after"} <= objects["contains"].keys()
    assert all(row.keys() <= objects["contains"].keys() for row in objects["sample"])
