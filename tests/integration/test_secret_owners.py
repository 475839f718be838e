# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stored key is used for its own FortiGate and administrator only, and verify tries it."""

from __future__ import annotations

import json

from ansible_collections.otsec.defender_iot.tests.support.example import FORTIGATES, Example
from ansible_collections.otsec.defender_iot.tests.support.stage import TRUSTED
from ansible_collections.otsec.defender_iot.tests.support.workspace import Workspace, play, task

KEY = task("fortigate_api_key", name="{{ admin | default('ours') }}", secret_ref="{{ ref }}")
WRITABLE = ("name", "comments", "accprofile", "trusthost")
ADMIN = {
    "name": "ours",
    "accprofile": "super_admin_readonly",
    "trusthost": TRUSTED,
    "vdom": [{"name": "root"}],
}


def test_a_key_of_another_fortigate_or_administrator_is_refused(workspace: Workspace) -> None:
    node, boxes = workspace, [f"spare-{number:02}" for number in range(1, 5)]
    for box in boxes:
        node.lab.cmdb(box, "POST", "api-user", ADMIN)
    node.lab.cmdb(boxes[0], "POST", "api-user", {**ADMIN, "name": "other"})
    refs = {box: node.ref(box) for box in boxes}
    node.inventory(**{box: node.host(box, ref=refs[box]) for box in boxes[:3]})
    first = node.run(play(KEY)).succeeded()
    for box in boxes[:3]:
        assert "stops working when the new one is generated" in str(first.one(box).data["warnings"])
        assert node.kept(box)["belongs_to"]["host"] == box

    stored = node.stored_files()
    node.lab.forget_calls()
    node.inventory(
        **{
            # Two hosts with swapped addresses, a shared reference, a renamed administrator, a renamed host.
            boxes[0]: node.host(boxes[1], ref=refs[boxes[0]]),
            boxes[1]: node.host(boxes[0], ref=refs[boxes[1]]),
            "shares": node.host(boxes[3], ref=refs[boxes[2]]),
            "renames": node.host(boxes[0], ref=refs[boxes[0]], admin="other"),
            "a-new-name": node.host(boxes[2], ref=refs[boxes[2]]),
            "z-alias": node.host(boxes[2], ref=node.ref("alias")),
        }
    )
    owned = {boxes[0]: boxes[0], boxes[1]: boxes[1], "shares": boxes[2], "renames": boxes[0]}
    # One after the other, in the order of their names.
    for arguments in (["--check"], []):
        run = node.run(play({**KEY, "ignore_errors": True}, serial=1), arguments=arguments)
        for host, owner in owned.items():
            assert f'the secret belongs to "ours" of {owner} (' in run.one(host).message
        assert not run.one("a-new-name").failed
        assert "of z-alias is also the one of a-new-name" in run.one("z-alias").message
        assert run.changes == []
    assert not [call for call in node.lab.calls() if call["write"]]
    assert node.stored_files() == stored


def test_verify_tries_each_key_that_it_can_try(workspace: Workspace) -> None:
    node, example = workspace, Example(workspace)
    admin = {"name": "defender-iot", "profile": "defender-iot"}
    example.override(FORTIGATES[2], fortigate_access_admins=[{**admin, "trusted_hosts": ["192.0.2.11"]}])
    trusted = f"--extra-vars={json.dumps({'fortigate_access_trusted_hosts': ['127.0.0.1']})}"
    example.playbook("fortinet", trusted).succeeded()
    (row,) = node.lab.cmdb(FORTIGATES[0], "GET", "api-user/defender-iot")
    node.lab.cmdb(FORTIGATES[0], "DELETE", "api-user/defender-iot")
    node.lab.cmdb(FORTIGATES[0], "POST", "api-user", {part: row[part] for part in WRITABLE})

    stored = node.stored_files()
    node.lab.forget_calls()
    run = example.playbook("verify", trusted, example.verdict_file_argument, "--limit=fortigates")
    verdicts = {name: each["verdict"] for name, each in example.written_verdicts().items()}
    rejected, accepted, untried = (verdicts[name] for name in FORTIGATES)
    assert "the FortiGate rejects the stored API key of defender-iot" in rejected["evidence"]
    assert "the FortiGate accepts the key" in accepted["evidence"]
    assert "the key of defender-iot was not tried" in untried["evidence"]
    outcomes = [each["outcome"] for each in (rejected, accepted, untried)]
    assert outcomes == ["not_verified", "not_provable", "not_provable"]
    assert run.code == 2
    assert not [call for call in node.lab.calls() if call["write"]]
    assert node.stored_files() == stored
