# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A site with a sensor and a FortiGate, and a control node with ansible-rulebook."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.otsec.defender_iot.tests.support import lab as labs
from ansible_collections.otsec.defender_iot.tests.support.rulebook import (
    APPLIANCES,
    ENVIRONMENT,
    Plant,
    RulebookNode,
)
from ansible_collections.otsec.defender_iot.tests.support.workspace import ROOT


def pytest_sessionstart() -> None:
    """Stop early if ansible-rulebook is missing, instead of failing in every test."""
    if not (ENVIRONMENT / "stamp").exists():
        pytest.exit("ansible-rulebook is not installed; run tools/run python tools/rulebook.py", 2)


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which Ansible finds the collection."""
    tree = tmp_path_factory.mktemp("tree")
    namespace = tree / "ansible_collections" / "otsec"
    namespace.mkdir(parents=True)
    (namespace / "defender_iot").symlink_to(ROOT)
    return tree


@pytest.fixture
def plant(tmp_path: Path, tree: Path) -> Iterator[Plant]:
    """A plant in its initial state."""
    with labs.running_lab(tmp_path, APPLIANCES) as lab:
        yield Plant(RulebookNode(tmp_path / "node", tree, lab))
