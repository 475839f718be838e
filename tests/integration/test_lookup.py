# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lookup: a stored value for a task, or a message if there is none."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest

from ansible_collections.otsec.defender_iot.tests.support.workspace import Run, Workspace

VALUE = "the-value-of-a-token"
DIGEST = hashlib.sha256(VALUE.encode()).hexdigest()
# The names of the secrets that hosts look up. Those of optional hosts need not be there.
NAMES = {
    "found": "token",
    "missing": "nothing",
    "plain": "plain",
    "optional-found": "token",
    "optional-missing": "nothing",
    "optional-unreadable": "unreadable",
}


def _looked_up(node: Workspace, *hosts: str, **environment: str | None) -> Run:
    """Look up the secret of each host, and show its digest alone, or whether it is stored."""
    local = {"ansible_connection": "local"}
    node.inventory(**{host: {**local, "ref": node.ref(NAMES[host])} for host in hosts})
    shown = {
        "Show the digest alone": "{{ lookup('otsec.defender_iot.secret', ref) | hash('sha256') }}",
        "Show the result": "{{ inventory_hostname ~ ' is stored: '"
        " ~ (lookup('otsec.defender_iot.secret', ref, required=false) is not none) }}",
    }
    tasks = [
        {
            "name": name,
            "ansible.builtin.debug": {"msg": text},
            "when": f"inventory_hostname is {'not ' if 'digest' in name else ''}match('optional')",
        }
        for name, text in shown.items()
    ]
    return node.run({"name": "Play", "hosts": "all", "gather_facts": False, "tasks": tasks}, **environment)


@pytest.fixture(scope="module")
def node(new_workspace: Callable[[], Workspace]) -> Workspace:
    """A control node with a secret, and files that are none."""
    made = new_workspace()
    made.keep("token", value=VALUE)
    (made.store / "plain.yml").write_text(f"value: {VALUE}\n")
    (made.store / "unreadable.yml").mkdir()
    return made


@pytest.fixture(scope="module")
def run(node: Workspace) -> Run:
    """The run that looks up every secret."""
    return _looked_up(node, *NAMES)


def test_a_stored_value_is_found(run: Run) -> None:
    assert run.stats["found"]["failures"] == 0
    assert DIGEST in run.output
    assert VALUE not in run.output


def test_a_reference_to_nothing_is_an_error(node: Workspace, run: Run) -> None:
    assert run.stats["missing"]["failures"] == 1
    assert f"the store is readable, but has no secret under {node.ref('nothing')}" in run.output


def test_what_need_not_be_there_is_none_but_an_unreadable_store_is_still_an_error(run: Run) -> None:
    assert "optional-found is stored: True" in run.output
    assert "optional-missing is stored: False" in run.output
    assert run.stats["optional-unreadable"]["failures"] == 1
    assert "unreadable.yml cannot be read: it is a directory, not a regular file" in run.output


def test_a_store_that_cannot_be_read_is_an_error_that_says_why(run: Run) -> None:
    assert run.code != 0
    assert run.stats["plain"]["failures"] == 1
    assert "cannot be decrypted: it is not a vault file" in run.output


def test_without_a_vault_identity_it_says_how_to_give_one(node: Workspace) -> None:
    run = _looked_up(node, "found", ANSIBLE_VAULT_PASSWORD_FILE=None)
    assert run.code != 0
    assert "run with --vault-password-file or --vault-id" in run.output
