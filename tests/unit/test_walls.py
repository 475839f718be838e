# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The walls between the rooms: what each file may import, and which words it may know."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UTILS = ROOT / "plugins" / "module_utils"
PURE = (
    "_moment",
    "_resource",
    "_plan",
    "_version",
    "_errors",
    "_secrets",
    "_appliance",
    "_snapshot",
    "_tls",
    "_shell",
    "_properties",
)
ENGINE = (*PURE, "_converge", "_mint", "_minted", "_run", "_http")
VENDOR = re.compile(r"forti|forescout|fsum|sensor|microsoft|defender(?!_iot authors)|cyberx", re.IGNORECASE)
PLUGINS = sorted((ROOT / "plugins").rglob("*.py"))
LAB = sorted((ROOT / "roles" / "lab" / "files").rglob("*.py"))
STORES = [path for path in PLUGINS if path.parent.name == "stores" and path.stem != "__init__"]
HEADER = [
    "# Copyright (c) 2026, the otsec.defender_iot authors",
    "# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)",
    "# SPDX-License-Identifier: GPL-3.0-or-later",
]


def name(path: Path) -> str:
    """Name a file in a test's id."""
    return str(path.relative_to(ROOT))


def imports(path: Path) -> Iterator[str]:
    """Yield what a file imports; a relative import begins with its dots."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


def reads(path: Path, attribute: str) -> bool:
    """Say whether a file takes this attribute of anything."""
    nodes = ast.walk(ast.parse(path.read_text()))
    return any(isinstance(node, ast.Attribute) and node.attr == attribute for node in nodes)


def test_the_files_are_found() -> None:
    assert len(PLUGINS) > 30
    assert len(LAB) > 10
    assert STORES


@pytest.mark.parametrize("stem", PURE)
def test_a_pure_file_imports_the_standard_library_and_other_pure_files_only(stem: str) -> None:
    for imported in imports(UTILS / f"{stem}.py"):
        if imported.startswith("."):
            assert imported.removeprefix(".") in PURE
        else:
            assert imported.split(".")[0] in sys.stdlib_module_names


@pytest.mark.parametrize("stem", ["_converge", "_mint", "_minted"])
def test_the_engine_knows_neither_ansible_nor_a_wire(stem: str) -> None:
    for imported in imports(UTILS / f"{stem}.py"):
        engine = {*PURE, "_converge", "_minted"}
        assert imported.lstrip(".") in engine or imported.split(".")[0] in sys.stdlib_module_names


@pytest.mark.parametrize("stem", ENGINE)
def test_the_engine_knows_no_vendor(stem: str) -> None:
    assert VENDOR.findall((UTILS / f"{stem}.py").read_text()) == []


@pytest.mark.parametrize("path", STORES, ids=name)
def test_a_store_knows_no_appliance(path: Path) -> None:
    neighbours = {f".{each.stem}" for each in STORES}
    known = {"...module_utils._errors", "...module_utils._http", "...module_utils._tls", *neighbours}
    assert {imported for imported in imports(path) if imported.startswith(".")} <= known
    assert VENDOR.findall(path.read_text()) == []


@pytest.mark.parametrize(
    "product",
    [
        "_fortigate",
        "_fortigate_login",
        "_fortigate_errors",
        "_sensor",
        "_sensor_api",
        "_forescout",
        "_forescout_web",
        "_fstool",
        "_fstool_commands",
        "_fstool_plugin",
    ],
)
def test_a_transport_knows_neither_plans_nor_another_transport(product: str) -> None:
    transports = {"._fortigate", "._sensor", "._forescout", "._fstool"}
    forbidden = {"._plan", "._converge", "._mint", "._minted", "._run", "._secrets"} | transports
    assert not forbidden & set(imports(UTILS / f"{product}.py"))


@pytest.mark.parametrize("path", LAB, ids=name)
def test_the_lab_imports_nothing_of_the_collection(path: Path) -> None:
    assert not [imported for imported in imports(path) if imported.startswith(("ansible", "plugins"))]


@pytest.mark.parametrize("path", PLUGINS, ids=name)
def test_a_plugin_imports_nothing_of_the_lab_or_the_tests(path: Path) -> None:
    assert not [imported for imported in imports(path) if re.search(r"defender_iot_lab|\btests\b", imported)]


@pytest.mark.parametrize("path", PLUGINS, ids=name)
def test_requests_is_known_in_one_place_and_to_stores_whose_client_shows_it(path: Path) -> None:
    knows = any(imported.split(".")[0] in ("requests", "urllib3", "http") for imported in imports(path))
    assert knows == (path == UTILS / "_http.py" or path.stem in ("hashi_vault", "azure_key_vault"))


@pytest.mark.parametrize("path", PLUGINS, ids=name)
def test_check_mode_is_read_by_the_engine_the_shells_and_the_report_only(path: Path) -> None:
    knowing = ("_converge", "_mint", "_minted", "_run", "_action", "_recorder")
    assert reads(path, "check_mode") == (path.stem in knowing)


def test_the_far_shell_supports_check_mode() -> None:
    calls = [
        node for node in ast.walk(ast.parse((UTILS / "_run.py").read_text())) if isinstance(node, ast.Call)
    ]
    made = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "AnsibleModule"]
    assert [
        keyword.value.value
        for call in made
        for keyword in call.keywords
        if keyword.arg == "supports_check_mode"
    ] == [True]


@pytest.mark.parametrize("path", [*PLUGINS, *LAB, *sorted(Path(__file__).parent.glob("*.py"))], ids=name)
def test_every_file_begins_with_its_licence(path: Path) -> None:
    lines = path.read_text().splitlines()
    assert (lines[1:4] if lines[0].startswith("#!") else lines[:3]) == HEADER
