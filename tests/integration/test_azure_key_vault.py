# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The key of a FortiGate in an Azure Key Vault: login, write, read and lookup by playbooks."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.otsec.defender_iot.tests.support.fake_key_vault import (
    CLIENT_SECRET,
    FakeKeyVault,
    failure,
    running_key_vault,
)
from ansible_collections.otsec.defender_iot.tests.support.leaks import files_with, leaked
from ansible_collections.otsec.defender_iot.tests.support.workspace import Play, Run, Workspace, play, task

FORTIGATE = "fgt-north-01"
NAME = "fgt--api-key"
REF = "azure_key_vault:{{ inventory_hostname }}/api-key"
ADMIN = task("fortigate_api_admin", name="plant", profile="super_admin_readonly", trusted_hosts=["127.0.0.1"])
KEY = task("fortigate_api_key", name="plant", secret_ref=REF)


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[FakeKeyVault]:
    """Run an empty vault."""
    with running_key_vault(tmp_path) as vault:
        yield vault


def _run(node: Workspace, vault: FakeKeyVault, *plays: Play) -> Run:
    """Run plays with a service principal's login and all of Ansible's verbosity."""
    settings = {"azure_key_vault": {**vault.settings(), "client_secret": "{{ lookup('env', 'LOGIN') }}"}}
    node.inventory(fgt=node.host(FORTIGATE, defender_iot_secret_stores=settings))
    environment = {
        "LOGIN": CLIENT_SECRET,
        "NO_PROXY": "127.0.0.1",
        "ANSIBLE_LOG_PATH": str(node.folder / "log"),
    }
    return node.run(*plays, arguments=["-vvvv"], **environment)


def test_a_key_is_minted_into_the_vault_and_found_again(workspace: Workspace, vault: FakeKeyVault) -> None:
    first = _run(workspace, vault, play(ADMIN, KEY)).succeeded()
    assert first.one(module="fortigate_api_key").changed
    record = vault.value(NAME)
    value = record["value"]
    assert "pending" not in record
    assert record["verified"]

    digest = f"{{{{ lookup('otsec.defender_iot.secret', '{REF}') | hash('sha256') }}}}"
    show = {"name": "Show the digest alone", "ansible.builtin.debug": {"msg": digest}}
    version = vault.version(NAME)
    again = _run(workspace, vault, play(KEY, show)).succeeded()
    assert not again.one(module="fortigate_api_key").changed
    assert vault.version(NAME) == version
    assert hashlib.sha256(value.encode()).hexdigest() in again.output

    secrets = [value, CLIENT_SECRET, *vault.tokens]
    assert not leaked(secrets, first.output + again.output)
    assert (workspace.folder / "log").stat().st_size
    assert not files_with(secrets, workspace.folder)


def test_no_key_is_minted_while_the_vault_cannot_be_written(
    workspace: Workspace, vault: FakeKeyVault
) -> None:
    _run(workspace, vault, play(ADMIN)).succeeded()
    workspace.lab.forget_calls()
    vault.switches.answers["PUT"] = failure(403, "Forbidden", "ForbiddenByRbac")
    result = _run(workspace, vault, play(KEY)).one()
    assert result.failed
    assert "the vault denied the request (Forbidden ForbiddenByRbac)" in result.message
    assert not [call for call in workspace.lab.calls(FORTIGATE) if "generate-key" in call["path"]]


def test_no_key_is_minted_under_a_name_that_a_deleted_secret_holds(
    workspace: Workspace, vault: FakeKeyVault
) -> None:
    vault.put(NAME, '{"value": "old"}')
    vault.delete(NAME)
    _run(workspace, vault, play(ADMIN)).succeeded()
    workspace.lab.forget_calls()
    result = _run(workspace, vault, play(KEY)).one()
    assert result.failed
    assert "a deleted secret blocks its name; purge the deleted secret" in result.message
    assert not [call for call in workspace.lab.calls(FORTIGATE) if "generate-key" in call["path"]]
