# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One lab for all integration tests, a new control node for each, and certificates of every kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.tests.support import lab as labs
from ansible_collections.otsec.defender_iot.tests.support.certificates import Certificates
from ansible_collections.otsec.defender_iot.tests.support.fstool_platform import Platform
from ansible_collections.otsec.defender_iot.tests.support.namespaces import own_pid_namespace
from ansible_collections.otsec.defender_iot.tests.support.workspace import ROOT, Workspace

SPARE_FORTIGATES = 40
SPARE_SENSORS = 6
# A Forescout calls its sensor after every change of its settings. No other polls, so that tests can count
# calls.
SELDOM = {"poll_interval": 86400}

# The files that take longest on one worker.
LONGEST = (
    "delegation",
    "declared_deletion",
    "rotate",
    "selection",
    "respond",
    "respond_accidents",
    "block_list",
    "secret_crashes",
    "journey",
    "guides",
    "fstool",
    "move",
    "gitops",
    "secret_failures",
    "runner",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start with the longest files, so that no worker is alone with one at the end."""
    order = {f"test_{name}.py": place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.name, len(order)))


def _appliances() -> list[dict[str, Any]]:
    """The appliances of the example inventories, some with bad certificates, and spare ones."""
    fortigates = ["fgt-north-01", "fgt-north-02", "fgt-south-01"]
    fortigates += [f"spare-{number:02}" for number in range(1, SPARE_FORTIGATES + 1)]
    sensors = {"sensor-north-01": "192.0.2.11", "sensor-south-01": "198.51.100.11"}
    sensors |= {
        f"spare-sensor-{number}": f"203.0.113.{100 + number}" for number in range(1, SPARE_SENSORS + 1)
    }
    bad = ("expired", "wrong_name", "untrusted", "self_signed")
    return [
        *(
            {"name": name, "kind": "fortigate", "address": f"203.0.113.{number}"}
            for number, name in enumerate(fortigates, 1)
        ),
        *(
            {
                "name": f"fgt-{kind}",
                "kind": "fortigate",
                "address": f"203.0.113.{80 + number}",
                "certificate": kind,
            }
            for number, kind in enumerate(bad)
        ),
        *({"name": name, "kind": "sensor", "address": address} for name, address in sensors.items()),
        *(
            {"name": name, "kind": "forescout", "address": address, "options": SELDOM}
            for name, address in {"forescout-01": "192.0.2.21", "forescout-02": "198.51.100.21"}.items()
        ),
        {"name": "fortisiem-01", "kind": "fortisiem", "address": "192.0.2.31"},
    ]


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which Ansible finds the collection."""
    tree = tmp_path_factory.mktemp("tree")
    namespace = tree / "ansible_collections" / "otsec"
    namespace.mkdir(parents=True)
    (namespace / "defender_iot").symlink_to(ROOT)
    return tree


@pytest.fixture(scope="session")
def running_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[labs.Lab]:
    """The lab, shared by all tests."""
    with labs.running_lab(tmp_path_factory.mktemp("lab"), _appliances()) as lab:
        yield lab


@pytest.fixture
def lab(running_lab: labs.Lab) -> labs.Lab:
    """The lab in its initial state."""
    running_lab.reset()
    return running_lab


@pytest.fixture
def workspace(tmp_path: Path, tree: Path, lab: labs.Lab) -> Workspace:
    """A control node that has never run."""
    return Workspace(tmp_path / "node", tree, lab)


@pytest.fixture(scope="session")
def pid_namespace() -> tuple[str, ...]:
    """The words before a command that runs it in a PID namespace of its own."""
    return own_pid_namespace()


@pytest.fixture
def platform(workspace: Workspace) -> Platform:
    """A Forescout platform, and a control node with SSH access to it."""
    return Platform(workspace)


@pytest.fixture(scope="module")
def new_workspace(
    tmp_path_factory: pytest.TempPathFactory, tree: Path, running_lab: labs.Lab
) -> Callable[[], Workspace]:
    """Return a function that makes a control node and resets the lab, for shared fixtures."""

    def make() -> Workspace:
        running_lab.reset()
        return Workspace(tmp_path_factory.mktemp("node") / "node", tree, running_lab)

    return make


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Certificates of every kind."""
    return Certificates(tmp_path_factory.mktemp("certificates"))
