# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lookup: a stored value for a task, or a message if there is none."""

from __future__ import annotations

import hashlib

from ansible_collections.otsec.defender_iot.tests.support.workspace import Run, Workspace

VALUE = "the-value-of-a-token"
DIGEST = hashlib.sha256(VALUE.encode()).hexdigest()


def _looked_up(node: Workspace, ref: str, **environment: str | None) -> Run:
    node.inventory(localhost={"ansible_connection": "local"})
    digest = {
        "name": "Show the digest alone",
        "ansible.builtin.debug": {
            "msg": f"{{{{ lookup('otsec.defender_iot.secret', '{ref}') | hash('sha256') }}}}"
        },
    }
    return node.run(
        {"name": "Play", "hosts": "localhost", "gather_facts": False, "tasks": [digest]}, **environment
    )


def test_a_stored_value_is_found(workspace: Workspace) -> None:
    workspace.keep("token", value=VALUE)
    run = _looked_up(workspace, workspace.ref("token"))
    assert run.code == 0
    assert DIGEST in run.output
    assert VALUE not in run.output


def test_a_reference_to_nothing_is_an_error(workspace: Workspace) -> None:
    run = _looked_up(workspace, workspace.ref("nothing"))
    assert run.code != 0
    assert f"the store is readable, but has no secret under {workspace.ref('nothing')}" in run.output


def _is_stored(node: Workspace, name: str) -> Run:
    """Look up an optional secret."""
    node.inventory(localhost={"ansible_connection": "local"})
    asked = f"lookup('otsec.defender_iot.secret', '{node.ref(name)}', required=false)"
    shown = {
        "name": "Show the result",
        "ansible.builtin.debug": {"msg": f"{{{{ 'stored: ' ~ ({asked} is not none) }}}}"},
    }
    return node.run({"name": "Play", "hosts": "localhost", "gather_facts": False, "tasks": [shown]})


def test_what_need_not_be_there_is_none_but_an_unreadable_store_is_still_an_error(
    workspace: Workspace,
) -> None:
    workspace.keep("token", value=VALUE)
    (workspace.store / "unreadable.yml").mkdir()
    assert "stored: True" in _is_stored(workspace, "token").succeeded().output
    assert "stored: False" in _is_stored(workspace, "nothing").succeeded().output
    refused = _is_stored(workspace, "unreadable")
    assert refused.code != 0
    assert "unreadable.yml cannot be read: it is a directory, not a regular file" in refused.output


def test_a_store_that_cannot_be_read_is_an_error_that_says_why(workspace: Workspace) -> None:
    workspace.store.mkdir()
    (workspace.store / "token.yml").write_text(f"value: {VALUE}\n")
    run = _looked_up(workspace, workspace.ref("token"))
    assert run.code != 0
    assert "cannot be decrypted: it is not a vault file" in run.output
    assert VALUE not in run.output


def test_without_a_vault_identity_it_says_how_to_give_one(workspace: Workspace) -> None:
    workspace.keep("token", value=VALUE)
    run = _looked_up(workspace, workspace.ref("token"), ANSIBLE_VAULT_PASSWORD_FILE=None)
    assert run.code != 0
    assert "run with --vault-password-file or --vault-id" in run.output
