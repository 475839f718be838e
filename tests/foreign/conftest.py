# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A lab of FortiGates and a FortiSIEM, and a control node with third-party clients."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from ansible_collections.otsec.defender_iot.tests.support import lab as labs
from ansible_collections.otsec.defender_iot.tests.support.foreign import ENVIRONMENT, VERSIONS, ForeignNode
from ansible_collections.otsec.defender_iot.tests.support.workspace import ROOT, Workspace

# Without a session key in the answer to the login, as from 7.6.4 on, Fortinet's modules send the CSRF token
# with the quotes of its cookie. Because they are the vendor's own, a FortiGate is assumed to accept that.
QUOTED = {"7.6.5": {"quoted_csrf_token": "accept"}}


def pytest_sessionstart() -> None:
    """Stop early if the clients are missing, instead of failing in every test."""
    if not (ENVIRONMENT / "stamp").exists():
        pytest.exit("the third-party clients are not installed; run tools/run python tools/foreign.py", 2)


@pytest.fixture(scope="session")
def running_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[labs.Lab]:
    """A FortiGate for each firmware and a FortiSIEM, shared by all tests."""
    appliances = [
        {
            "name": version,
            "kind": "fortigate",
            "address": f"203.0.113.{number}",
            "options": {"version": version, **QUOTED.get(version, {})},
        }
        for number, version in enumerate(VERSIONS, 1)
    ]
    appliances.append({"name": "siem", "kind": "fortisiem", "address": "203.0.113.90"})
    with labs.running_lab(tmp_path_factory.mktemp("lab"), appliances) as lab:
        yield lab


@pytest.fixture
def lab(running_lab: labs.Lab) -> labs.Lab:
    """The lab in its initial state."""
    running_lab.reset()
    return running_lab


@pytest.fixture(scope="session")
def foreign(tmp_path_factory: pytest.TempPathFactory, running_lab: labs.Lab) -> Iterator[ForeignNode]:
    """A control node with `fortinet.fortios`."""
    with TemporaryDirectory(prefix="fgt") as sockets:
        yield ForeignNode(tmp_path_factory.mktemp("foreign") / "node", running_lab, Path(sockets))


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory, running_lab: labs.Lab) -> Workspace:
    """A control node with this collection."""
    return Workspace(tmp_path_factory.mktemp("own") / "node", ROOT / ".cache" / "tree", running_lab)
