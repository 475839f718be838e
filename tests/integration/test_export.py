# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Manually configured FortiGates of every version, exported as variables that change nothing when applied."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.admin_profile import (
    PROFILE,
)
from ansible_collections.otsec.defender_iot.tests.support.workspace import COLLECTION, ROOT, Run, Workspace

VERSIONS = {
    # The options of each FortiGate in the lab.
    "6.4.5": {},
    "6.4.14": {"wanopt": False, "host_bits": "kept"},
    "7.0.0": {"opposite_family": False},
    "7.0.6": {"multi_vdom": True, "vdoms": ["root", "plant"]},
    "7.2.8": {"wanopt": False, "inactive_permission": "stored"},
    "7.4.1": {"api_key_mask_before_first_key": "masked"},
    "7.4.5": {"multi_vdom": True, "vdoms": ["root", "plant"]},
    "7.6.2": {"gzip": True},
    "7.6.5": {"wanopt": False},
}
HOSTS = {version: f"spare-{number:02}" for number, version in enumerate(VERSIONS, 1)}
OPEN = [{"id": 1, "type": "ipv4-trusthost", "ipv4-trusthost": "0.0.0.0 0.0.0.0"}]
TRUSTED = [
    {"id": 9, "type": "ipv6-trusthost", "ipv6-trusthost": "2001:db8::/64"},
    {"id": 4, "type": "ipv4-trusthost", "ipv4-trusthost": "198.51.100.5 255.255.255.240"},
]


def _names(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _configured_manually(node: Workspace, version: str) -> None:
    """Create unusual profiles and REST API administrators on a FortiGate, with the fields of its version."""
    fortigate = HOSTS[version]
    node.lab.switch(fortigate, version=version, store_zero_trusthost=True, **VERSIONS[version])
    newest = _names(version) >= (7, 6, 5)
    dlp = "dlp" if _names(version) >= (7, 4, 4) else "data-loss-prevention"
    if (7, 2, 4) <= _names(version) < (7, 4, 4):
        dlp = "data-leak-prevention"
    profiles: list[dict[str, Any]] = [
        {
            "name": "manual/50% ä: #1",
            "comments": "- 'quoted' \"twice\": yes",
            "fwgrp": "custom",
            "fwgrp-permission": {"policy": "read-write", "address": "read"},
            "utmgrp": "custom",
            "utmgrp-permission": {"ips": "read", dlp: "read-write"},
            "admintimeout-override": "enable",
            "admintimeout": 33,
        },
        {"name": "007", "comments": "yes", "sysgrp": "custom", "sysgrp-permission": {"admin": "read"}},
        {"name": "null", "secfabgrp": "custom" if newest else "read", "wifi": "read-write"},
    ]
    if newest:
        profiles[2]["secfabgrp-permission"] = {"csffoo": "read"}
    if _names(version) >= (7, 4, 2):
        profiles[1] |= {"cli-get": "enable", "cli-show": "enable"}
    else:
        profiles[1]["system-diagnostics"] = "disable"
    if _names(version) >= (7, 2, 1):
        profiles[1]["system-execute-ssh"] = "disable"
    if VERSIONS[version].get("multi_vdom"):
        profiles[2]["scope"] = "global"
    admins = [
        {"name": "no", "accprofile": "007", "trusthost": TRUSTED, "vdom": [{"name": "root"}]},
        {
            "name": "0x1F",
            "comments": "~",
            "accprofile": "manual/50% ä: #1",
            "trusthost": TRUSTED[1:],
            "vdom": [{"name": name} for name in VERSIONS[version].get("vdoms", ["root"])],
            "cors-allow-origin": "https://portal.example.com",
            "peer-auth": "enable",
            "peer-group": "plant-pki",
            "schedule": "always",
        },
        {"name": "open", "accprofile": "null", "trusthost": OPEN, "vdom": [{"name": "root"}]},
    ]
    for profile in profiles:
        node.lab.cmdb(fortigate, "POST", "accprofile", profile)
    for admin in admins:
        node.lab.cmdb(fortigate, "POST", "api-user", admin)


@dataclass(frozen=True)
class Export:
    """The exported variables of each version, and the runs that applied them."""

    node: Workspace
    exported: Run
    files: dict[str, str]
    checked: Run
    applied: Run
    writes: list[dict[str, Any]]


def _inventory(node: Workspace) -> Path:
    hosts = {version: node.host(HOSTS[version]) for version in VERSIONS}
    variables = {
        version: {
            **{f"fortigate_access_{option}": value for option, value in given.items()},
            "ansible_host": "192.0.2.1",
        }
        for version, given in hosts.items()
    }
    folder = node.inputs / "plant"
    folder.mkdir()
    content = {"all": {"children": {"fortigates": {"hosts": variables}}}}
    (folder / "hosts.yml").write_text(yaml.safe_dump(content))
    return folder


@pytest.fixture(scope="module")
def export(new_workspace: Callable[[], Workspace]) -> Export:
    """Export FortiGates of all versions once, and apply the exported variables."""
    node = new_workspace()
    for version in VERSIONS:
        _configured_manually(node, version)
    folder = _inventory(node)
    node.lab.forget_calls()
    where = f"--extra-vars=defender_iot_export_folder={folder}"
    exported = node.playbook(COLLECTION + "export", where, inventories=[folder])
    files = {
        version: (folder / "host_vars" / version / "fortigate_access.yml").read_text() for version in VERSIONS
    }
    store = f"--extra-vars=defender_iot_secret_store=vault_file:{node.store}"
    checked = node.playbook(COLLECTION + "fortinet", store, "--check", inventories=[folder])
    applied = node.playbook(COLLECTION + "fortinet", store, inventories=[folder])
    writes = [call for call in node.lab.calls() if call["write"]]
    return Export(node, exported, files, checked, applied, writes)


def test_what_was_exported_changes_nothing_when_it_is_applied(export: Export) -> None:
    export.exported.succeeded()
    assert export.checked.succeeded().changes == []
    assert export.applied.succeeded().changes == []
    assert export.writes == []
    assert export.node.stored_files() == {}


@pytest.mark.parametrize("version", VERSIONS)
def test_every_profile_and_admin_but_the_built_in_and_the_open_is_exported(
    export: Export, version: str
) -> None:
    variables = yaml.safe_load(export.files[version])
    names = [profile["name"] for profile in variables["fortigate_access_profiles"]]
    assert names == ["manual/50% ä: #1", "007", "null"]
    admins = variables["fortigate_access_admins"]
    assert [admin["name"] for admin in admins] == ["automation", "no", "0x1F"]
    assert {admin["secret_ref"] for admin in admins} == {""}
    assert '# Not exported: "open" trusts every source' in export.files[version]
    custom = variables["fortigate_access_profiles"][0]["security_profile_permissions"]
    assert (custom["ips"], custom["dlp"]) == ("read", "read-write")


def test_text_that_would_be_carried_out_as_a_template_is_not_exported(workspace: Workspace) -> None:
    workspace.lab.cmdb(
        "spare-01", "POST", "accprofile", {"name": "x", "comments": "{{ lookup('pipe', 'id') }}"}
    )
    variables = {f"fortigate_access_{name}": value for name, value in workspace.host("spare-01").items()}
    inventory = workspace.inputs / "one.yml"
    inventory.write_text(yaml.safe_dump({"fortigates": {"hosts": {"fgt": variables}}}))
    where = f"--extra-vars=defender_iot_export_folder={workspace.folder / 'exported'}"
    run = workspace.playbook(COLLECTION + "export", where, inventories=[inventory])
    assert run.code == 2
    assert "fgt: a name or a comment on the FortiGate contains a Jinja template" in run.output
    assert not (workspace.folder / "exported").exists()


def test_the_role_knows_the_built_in_profiles() -> None:
    variables = yaml.safe_load((ROOT / "roles/fortigate_access/vars/main.yml").read_text())
    assert set(variables["__fortigate_access_built_in"]) == PROFILE.built_in
