# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation works: every module's examples, and the first screen of the README."""

from __future__ import annotations

import importlib
import re
from typing import Any

import pytest
import yaml

from ansible_collections.otsec.defender_iot.tests.support.workspace import (
    ENDPOINTS,
    ROOT,
    Workspace,
    play,
    task,
)

HOSTS = {
    "fortigate": "fgt-north-01",
    "sensor": "sensor-north-01",
    "forescout": "forescout-01",
    "fortisiem": "fortisiem-01",
}
# Without report_outcome: its report requires a separate run, in test_drift.py.
MODULES = sorted(
    path.stem for path in (ROOT / "plugins/modules").glob("*.py") if path.stem.partition("_")[0] in HOSTS
)
TOKEN = "sensor-north-01-forescout"


def _prepared(node: Workspace, product: str) -> list[dict[str, Any]]:
    """Prepare the objects that the examples require. Return the remaining tasks for that."""
    token = node.lab.make_token("sensor-north-01", "Forescout")
    node.lab.call("sensor-north-01", "GET", "/api/v1/devices", headers={"Authorization": token})
    node.keep(TOKEN, value=token)
    if product == "fortisiem":
        port = node.lab.appliances[HOSTS[product]]["syslog"]["udp"]
        forward = {"alert": 101, "port": port}
        node.lab.control("POST", "/appliances/sensor-north-01/commands/forward", forward)
    hosts = {"name": "defender-iot", "profile": "super_admin_readonly", "trusted_hosts": ["192.0.2.20"]}
    settings = {"transport": "rest", "server_address": "192.0.2.11", "access_token_ref": node.ref(TOKEN)}
    return {
        "fortigate": [
            task("fortigate_admin_profile", name="defender-iot", preset="defender_iot"),
            task("fortigate_api_admin", **hosts),
        ],
        "sensor": [],
        "fortisiem": [],
        "forescout": [task("forescout_module", endpoints=ENDPOINTS["forescout"], **settings)],
    }[product]


def _fitted(content: Any, node: Workspace, product: str) -> Any:
    """Replace the addresses and files of the documentation by those of the lab."""
    ours = {"url": "{{ url }}", "ca_path": "{{ ca_path }}", "delegate_to": "localhost"}
    ours["endpoints"] = ENDPOINTS.get(product)
    if product == "forescout":
        ssh = node.lab.appliances[HOSTS[product]]["ssh"]
        ours |= {name: ssh[name] for name in ("plugin_name", "property_keys")}
        if isinstance(content, dict) and content.get("transport") == "fstool":
            content = {**content, "install_path": ssh["install_path"]}
    if isinstance(content, dict):
        return {k: ours[k] if k in ours else _fitted(value, node, product) for k, value in content.items()}
    if isinstance(content, list):
        return [_fitted(each, node, product) for each in content]
    if isinstance(content, str):
        return re.sub(r"vault_file:.*?/secrets", f"vault_file:{node.store}", content)
    return content


def _connected(node: Workspace, product: str) -> dict[str, str]:
    """Return the connection as environment variables, and write an inventory with it."""
    host = HOSTS[product]
    variables = node.host(host)
    if product == "sensor":
        variables["token"] = node.lab.make_token(host, "Ansible")
    named = {f"{product}_{name}": value for name, value in variables.items()}
    way = node.by_ssh(host) if product == "forescout" else {"ansible_host": "192.0.2.20"}
    path = node.inventory(**{host: {**variables, **named, **way}})
    inventory = yaml.safe_load(path.read_text())
    inventory["all"]["children"] = {"sensors": {"hosts": {"sensor-north-01": {"ansible_host": "192.0.2.11"}}}}
    path.write_text(yaml.safe_dump(inventory))
    return {name.upper(): str(value) for name, value in named.items()}


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_of_a_module_run(module: str, workspace: Workspace) -> None:
    product = module.partition("_")[0]
    documented = importlib.import_module(f"ansible_collections.otsec.defender_iot.plugins.modules.{module}")
    environment = _connected(workspace, product)
    first = _prepared(workspace, product)
    tasks = _fitted(yaml.safe_load(documented.EXAMPLES), workspace, product)
    run = workspace.run(play(*first, *tasks, hosts=HOSTS[product]), **environment).succeeded()
    shown = len(re.findall(rf"otsec\.defender_iot\.{module}:", documented.EXAMPLES))
    assert len(run.of(module=module)) >= shown > 0


def test_the_readme_opens_with_a_playbook_and_the_diff_it_prints(workspace: Workspace) -> None:
    readme = (ROOT / "README.md").read_text()
    shown = yaml.safe_load(re.search(r"```yaml\n(.*?)```", readme, re.S)[1])
    diff = re.search(r"```diff\n(.*?)```", readme, re.S)[1]
    environment = _connected(workspace, "fortigate")
    plays = [{**each, "hosts": HOSTS["fortigate"]} for each in _fitted(shown, workspace, "fortigate")]
    plays[0]["module_defaults"]["group/otsec.defender_iot.fortigate"]["ca_path"] = "{{ ca_path }}"
    assert workspace.run(*plays, **environment).succeeded().changes
    assert workspace.run(*plays, **environment).succeeded().changes == []

    trusting_too_many = task(
        "fortigate_api_admin",
        name="defender-iot-respond",
        vdoms=["root"],
        trusted_hosts=["192.0.2.20", "198.51.100.11"],
    )
    workspace.run(play(trusting_too_many), **environment).succeeded()
    check = workspace.run(*plays, arguments=["--check", "--diff"], **environment).succeeded()
    assert diff.strip() in check.output
