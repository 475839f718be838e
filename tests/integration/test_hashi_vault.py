# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A FortiGate's key with its only copy in HashiCorp Vault."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.tests.support.fake_vault import (
    ROLE_ID,
    FakeVault,
    running_vault,
)
from ansible_collections.otsec.defender_iot.tests.support.leaks import files_with, leaked
from ansible_collections.otsec.defender_iot.tests.support.workspace import Run, Workspace, play, task

FORTIGATE = "fgt-north-01"
PLACE = "secret/ot/fgt-north-01"
REF = f"hashi_vault:{PLACE}"
ADMIN = task("fortigate_api_admin", name="plant", profile="super_admin_readonly", trusted_hosts=["127.0.0.1"])
KEY = task("fortigate_api_key", name="plant", secret_ref=REF)
LOOKUP = {
    "name": "Show the digest alone",
    "ansible.builtin.debug": {
        "msg": f"{{{{ lookup('otsec.defender_iot.secret', '{REF}') | hash('sha256') }}}}"
    },
}


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[FakeVault]:
    """Run a Vault."""
    with running_vault(tmp_path) as vault:
        yield vault


def _run(node: Workspace, vault: FakeVault, *tasks: dict[str, Any], **account: str) -> Run:
    """Run tasks on a FortiGate whose secrets are in the Vault."""
    settings = {"url": vault.url, "ca_path": vault.ca_path, **(account or {"token": vault.token})}
    node.inventory(fgt=node.host(FORTIGATE, defender_iot_secret_stores={"hashi_vault": settings}))
    return node.run(play(*tasks), arguments=["-vvvv", "--diff"])


def _value(vault: FakeVault) -> str:
    return str((vault.versions(PLACE)[-1].data or {})["value"])


def test_a_key_is_kept_and_looked_up_and_the_second_run_writes_nothing(
    workspace: Workspace, vault: FakeVault
) -> None:
    first = _run(workspace, vault, ADMIN, KEY, LOOKUP).succeeded()
    assert first.one("fgt", "fortigate_api_key").data["minted"]
    assert hashlib.sha256(_value(vault).encode()).hexdigest() in first.output
    written = len(vault.versions(PLACE))

    second = _run(workspace, vault, ADMIN, KEY, LOOKUP).succeeded()
    assert second.changes == []
    assert len(vault.versions(PLACE)) == written
    secrets = [_value(vault), vault.token]
    assert leaked(secrets, first.output + second.output) == []
    assert files_with([_value(vault)], workspace.folder) == []


def test_an_approle_keeps_a_key_too(workspace: Workspace, vault: FakeVault) -> None:
    account = {"role_id": ROLE_ID, "secret_id": vault.secret_id}
    run = _run(workspace, vault, ADMIN, KEY, **account).succeeded()
    assert leaked([_value(vault), vault.secret_id, *vault.tokens], run.output) == []


def test_no_key_is_made_when_vault_cannot_be_read(workspace: Workspace, vault: FakeVault) -> None:
    vault.sealed = True
    result = _run(workspace, vault, ADMIN, KEY).one("fgt", "fortigate_api_key")
    assert result.failed
    assert f"{vault.url} is sealed or in maintenance; unseal it and run again" in result.message
    assert not any("generate-key" in call["path"] for call in workspace.lab.calls(FORTIGATE))
