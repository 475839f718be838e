# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The execution environment and the settings of ansible-navigator, without a container engine."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.otsec.defender_iot.tests.support.patience import RUN_SECONDS
from ansible_collections.otsec.defender_iot.tests.support.workspace import ROOT

DEFINITION = ROOT / "examples/execution-environment/execution-environment.yml"
SETTINGS = ROOT / "examples/ansible-navigator.yml"


def run(folder: Path, program: str, *arguments: str) -> str:
    """Run a program of the environment in a folder, which is also its home. Return its output."""
    process = subprocess.run(
        [str(Path(sys.executable).with_name(program)), *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C.UTF-8", "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
    assert process.returncode == 0, process.stdout
    return process.stdout


def names(lines: list[str]) -> set[str]:
    """Return the names of packages in lines of requirements."""
    return {re.split(r"[\s<>=\[]", line)[0] for line in lines if line and not line.startswith("#")}


def test_ansible_builder_finds_what_the_collection_needs(tmp_path: Path, tree: Path) -> None:
    found = yaml.safe_load(run(tmp_path, "ansible-builder", "introspect", str(tree)).partition("---\n")[2])
    assert names(found["python"]) == {"requests", "jsonschema"}
    assert names(found["system"]) == {"openssh-client", "openssh-clients"}


def test_ansible_builder_makes_a_build_context_of_the_example(tmp_path: Path) -> None:
    run(tmp_path, "ansible-builder", "create", "--file", str(DEFINITION), "--context", "context")
    build = tmp_path / "context" / "_build"
    (collection,) = yaml.safe_load((build / "requirements.yml").read_text())["collections"]
    galaxy = yaml.safe_load((ROOT / "galaxy.yml").read_text())
    assert collection == {"name": "otsec.defender_iot", "version": galaxy["version"]}
    optional = {"hvac", "lxml", "azure-identity", "azure-keyvault-secrets", "PySocks"}
    assert names((build / "requirements.txt").read_text().splitlines()) == optional
    (recipe,) = [path for path in (tmp_path / "context").iterdir() if path.is_file()]
    given = yaml.safe_load(DEFINITION.read_text())
    assert given["images"]["base_image"]["name"] in recipe.read_text()
    assert f'"{given["dependencies"]["ansible_core"]["package_pip"]} ' in recipe.read_text()


def test_ansible_builder_makes_a_build_context_of_the_decision_environment(tmp_path: Path) -> None:
    definition = ROOT / "examples/event_driven/decision-environment.yml"
    run(tmp_path, "ansible-builder", "create", "--file", str(definition), "--context", "context")
    requirements = (tmp_path / "context/_build/requirements.yml").read_text()
    (collection,) = yaml.safe_load(requirements)["collections"]
    galaxy = yaml.safe_load((ROOT / "galaxy.yml").read_text())
    assert collection == {"name": "otsec.defender_iot", "version": galaxy["version"]}


def test_the_example_has_the_versions_that_the_tests_run_with() -> None:
    pinned = (ROOT / "requirements/dev.txt").read_text()
    given = yaml.safe_load(DEFINITION.read_text())["dependencies"]
    for package in ("ansible_core", "ansible_runner"):
        assert re.search(rf"^{re.escape(given[package]['package_pip'])}($|;)", pinned, re.MULTILINE)


@pytest.fixture(scope="module")
def effective(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return the effective settings of ansible-navigator with the example, in an existing folder."""
    folder = tmp_path_factory.mktemp("navigator")
    settings = SETTINGS.read_text().replace("src: /srv/defender-iot/secrets", f"src: {folder}")
    (folder / "ansible-navigator.yml").write_text(settings)
    # Without --ee false it would require a container engine.
    found = run(folder, "ansible-navigator", "settings", "--effective", "--mode", "stdout", "--ee", "false")
    return yaml.safe_load(found)["ansible-navigator"]


def test_ansible_navigator_takes_its_settings(effective: dict[str, Any]) -> None:
    given = yaml.safe_load(SETTINGS.read_text())["ansible-navigator"]
    assert effective["playbook-artifact"]["enable"] is False
    assert effective["enable-prompts"] is True
    environment = effective["execution-environment"]
    assert environment["image"] == given["execution-environment"]["image"]
    assert environment["pull"]["policy"] == "missing"
    assert environment["environment-variables"] == given["execution-environment"]["environment-variables"]
    (mount,) = environment["volume-mounts"]
    assert str(mount).count("/srv/defender-iot/secrets") == 1
