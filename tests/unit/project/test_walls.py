# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The walls between the folders: the imports and the words that their files may have."""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterator
from graphlib import TopologicalSorter
from importlib.util import resolve_name
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PLUGINS_ROOT = ROOT / "plugins"
UTILS = PLUGINS_ROOT / "module_utils"
LAB_ROOT = ROOT / "roles" / "lab" / "files" / "defender_iot_lab"

SHARED = {"module_utils/_engine", "module_utils/_wire", "module_utils/_module"}
MINTS = SHARED | {"module_utils/_minting"}
# The folders of the collection that a folder's files may import, in addition to their own.
ALLOWED = {
    "module_utils/_engine": set(),
    "module_utils/_minting": {"module_utils/_engine"},
    "module_utils/_wire": {"module_utils/_engine"},
    "module_utils/_module": {"module_utils/_engine", "module_utils/_wire"},
    "module_utils/_fortigate": MINTS,
    "module_utils/_sensor": MINTS,
    "module_utils/_forescout": SHARED,
    "module_utils/_fortisiem": SHARED,
    "plugin_utils/_secrets": {"module_utils/_engine"},
    "plugin_utils/_secrets/stores": {"module_utils/_engine", "module_utils/_wire", "plugin_utils/_secrets"},
    "plugin_utils/_endpoint_maps": {"module_utils/_engine", "module_utils/_module", "module_utils/_wire"},
    "plugin_utils/_endpoint_maps/recording": {
        "module_utils/_engine",
        "module_utils/_wire",
        "plugin_utils/_endpoint_maps",
    },
    "plugin_utils/_endpoint_maps/drafting": {
        "module_utils/_engine",
        "module_utils/_wire",
        "plugin_utils/_endpoint_maps",
        "plugin_utils/_endpoint_maps/recording",
    },
    "plugin_utils/_rollout": set(),
    "plugin_utils/_text": set(),
    "plugin_utils/_inventory": set(),
    "plugin_utils/_report": {
        "module_utils/_engine",
        "module_utils/_module",
        "plugin_utils/_inventory",
        "plugin_utils/_text",
    },
    "plugin_utils/_respond": {"module_utils/_engine", "plugin_utils/_text"},
    "plugin_utils/_respond_run": {
        "module_utils/_engine",
        "module_utils/_module",
        "plugin_utils/_action",
        "plugin_utils/_inventory",
        "plugin_utils/_respond",
    },
    "plugin_utils/_action": {
        "module_utils/_engine",
        "module_utils/_module",
        "plugin_utils/_secrets",
        "plugin_utils/_endpoint_maps",
    },
    "modules": {
        "module_utils/_engine",
        "module_utils/_minting",
        "module_utils/_module",
        "module_utils/_fortigate",
        "module_utils/_sensor",
        "module_utils/_forescout",
        "module_utils/_fortisiem",
    },
    "action": {
        "module_utils/_engine",
        "module_utils/_module",
        "modules",
        "plugin_utils/_action",
        "plugin_utils/_report",
        "plugin_utils/_respond",
        "plugin_utils/_respond_run",
    },
    "callback": {"plugin_utils/_report", "plugin_utils/_respond_run"},
    "doc_fragments": set(),
    "filter": {
        "module_utils/_engine",
        "plugin_utils/_inventory",
        "plugin_utils/_respond_run",
        "plugin_utils/_rollout",
    },
    "lookup": {
        "module_utils/_engine",
        "module_utils/_module",
        "module_utils/_wire",
        "plugin_utils/_endpoint_maps/drafting",
        "plugin_utils/_secrets",
    },
}

# Other packages that a folder's files may import, in addition to the standard library.
OTHERS = {
    "module_utils/_module": {"ansible"},
    "module_utils/_wire": {"requests", "urllib3", "socks"},
    "module_utils/_fortisiem": {"lxml"},
    "plugin_utils/_secrets": {"ansible", "yaml"},
    "plugin_utils/_secrets/stores": {"ansible", "yaml", "azure", "hvac", "requests"},
    "plugin_utils/_endpoint_maps": {"ansible", "jsonschema", "yaml"},
    "plugin_utils/_endpoint_maps/drafting": {"yaml"},
    "plugin_utils/_action": {"ansible"},
    "plugin_utils/_report": {"ansible", "jinja2", "markupsafe", "yaml"},
    "plugin_utils/_respond": {"yaml"},
    "plugin_utils/_respond_run": {"ansible", "jinja2", "yaml"},
    "action": {"ansible"},
    "callback": {"ansible"},
    "filter": {"ansible"},
    "lookup": {"ansible"},
}

# The same for the lab, whose own folder (".") combines the appliances.
LAB_ALLOWED = {
    "core": set(),
    "fortigate": {"core", "fortigate/firewall", "fortigate/tables"},
    "fortigate/firewall": {"core", "fortigate/tables"},
    "fortigate/tables": set(),
    "sensor": {"core"},
    "forescout": {"core"},
    "fortisiem": {"core"},
    ".": {"core", "fortigate", "sensor", "forescout", "fortisiem"},
}
LAB_OTHERS = {
    "core": {"cryptography", "starlette", "trustme", "uvicorn"},
    "fortigate": {"starlette"},
    "fortigate/tables": {"starlette"},
    "sensor": {"starlette"},
    "forescout": {"asyncssh", "lxml", "starlette"},
    "fortisiem": {"lxml", "starlette"},
    ".": {"starlette", "yaml"},
}

TABLES = {PLUGINS_ROOT: (ALLOWED, OTHERS), LAB_ROOT: (LAB_ALLOWED, LAB_OTHERS)}
PLACES = [(root, place) for root, (allowed, _others) in TABLES.items() for place in allowed]

# In addition to one file of the engine: the interfaces to Ansible, and the report of a run.
KNOW_CHECK_MODE = {
    "module_utils/_module",
    "plugin_utils/_action",
    "plugin_utils/_report",
    "plugin_utils/_respond_run",
}

# Only the products and the files for users may name vendors.
VENDOR_NEUTRAL = (
    "module_utils/_engine",
    "module_utils/_minting",
    "module_utils/_module",
    "module_utils/_wire",
    "plugin_utils/_secrets/stores",
)
VENDOR = re.compile(r"forti|forescout|fsum|sensor|microsoft|defender(?!_iot authors)|cyberx", re.IGNORECASE)
PLUGINS = sorted(PLUGINS_ROOT.rglob("*.py"))
LAB = sorted(LAB_ROOT.rglob("*.py"))
PACKAGE = "ansible_collections.otsec.defender_iot."
HEADER = [
    "# Copyright (c) 2026, the otsec.defender_iot authors",
    "# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)",
    "# SPDX-License-Identifier: GPL-3.0-or-later",
]


def name(path: Path) -> str:
    """Return the name of a file for a test's id."""
    return str(path.relative_to(ROOT))


def root_of(path: Path) -> Path:
    """Return the root of a file's folder: that of the plugins or of the lab."""
    return LAB_ROOT if path.is_relative_to(LAB_ROOT) else PLUGINS_ROOT


def folder(path: Path) -> str:
    """Return the folder of a file, relative to its root."""
    return str(path.parent.relative_to(root_of(path)))


def imports(path: Path) -> Iterator[str]:
    """Yield the absolute names of a file's imports, including those only for type checkers."""
    package = PACKAGE + ".".join(path.parent.relative_to(ROOT).parts)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.module:
            yield from (resolve_name("." * node.level + alias.name, package) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield resolve_name("." * node.level + str(node.module), package)


def neighbours(path: Path) -> set[str]:
    """Return the folders below its root that a file imports from.

    No file may import from other parts of the repository: no plugin from the lab or the tests, and the
    reverse.
    """
    root = root_of(path)
    prefix = PACKAGE + ".".join(root.relative_to(ROOT).parts)
    own = [each for each in imports(path) if each.startswith(PACKAGE)]
    assert all(each.startswith(prefix) for each in own), own
    found = [root.joinpath(*each.removeprefix(prefix).split(".")) for each in own]
    assert all(each.with_suffix(".py").is_file() or each.is_dir() for each in found), found
    return {
        folder(each) if each.with_suffix(".py").is_file() else str(each.relative_to(root)) for each in found
    }


def strangers(path: Path) -> set[str]:
    """Return the packages outside the collection and the standard library that a file imports."""
    roots = {each.split(".")[0] for each in imports(path)}
    return roots - sys.stdlib_module_names - {"ansible_collections"}


def reads(path: Path, attribute: str) -> bool:
    """Return whether a file reads this attribute of any object."""
    nodes = ast.walk(ast.parse(path.read_text()))
    return any(isinstance(node, ast.Attribute) and node.attr == attribute for node in nodes)


def test_the_files_are_found() -> None:
    assert len(PLUGINS) > 30
    assert len(LAB) > 10


@pytest.mark.parametrize("root", TABLES, ids=name)
def test_every_folder_is_in_the_table(root: Path) -> None:
    assert {folder(path) for path in root.rglob("*.py")} == TABLES[root][0].keys()


@pytest.mark.parametrize("root", TABLES, ids=name)
def test_the_table_has_no_cycle(root: Path) -> None:
    TopologicalSorter(TABLES[root][0]).prepare()


@pytest.mark.parametrize("path", [*PLUGINS, *LAB], ids=name)
def test_a_file_imports_what_its_folder_may_know(path: Path) -> None:
    allowed, others = TABLES[root_of(path)]
    place = folder(path)
    assert neighbours(path) <= {place, *allowed[place]}
    assert strangers(path) <= others.get(place, set())


@pytest.mark.parametrize(("root", "place"), PLACES)
def test_the_table_allows_nothing_that_no_file_needs(root: Path, place: str) -> None:
    allowed, others = TABLES[root]
    files = [path for path in root.rglob("*.py") if folder(path) == place]
    assert set().union(*map(neighbours, files)) - {place} == allowed[place]
    assert set().union(*map(strangers, files)) == others.get(place, set())


@pytest.mark.parametrize("place", VENDOR_NEUTRAL)
def test_shared_code_names_no_vendor(place: str) -> None:
    for path in (PLUGINS_ROOT / place).rglob("*.py"):
        assert (path, VENDOR.findall(path.read_text())) == (path, [])


def test_check_mode_is_read_in_one_file_of_the_engine_and_by_no_product() -> None:
    readers = Counter(folder(path) for path in PLUGINS if reads(path, "check_mode"))
    assert readers.pop("module_utils/_engine") == 1
    assert readers.keys() == KNOW_CHECK_MODE


def test_the_far_shell_supports_check_mode() -> None:
    calls = [
        node
        for node in ast.walk(ast.parse((UTILS / "_module" / "remote.py").read_text()))
        if isinstance(node, ast.Call)
    ]
    made = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "AnsibleModule"]
    assert [
        keyword.value.value
        for call in made
        for keyword in call.keywords
        if keyword.arg == "supports_check_mode"
    ] == [True]


@pytest.mark.parametrize("path", [*PLUGINS, *LAB, *sorted((ROOT / "tests" / "unit").rglob("*.py"))], ids=name)
def test_every_file_begins_with_its_licence(path: Path) -> None:
    lines = path.read_text().splitlines()
    assert (lines[1:4] if lines[0].startswith("#!") else lines[:3]) == HEADER
