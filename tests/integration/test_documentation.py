# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation works: every module's examples, and the first screen of the README.

One run for the examples of all modules, because a run takes seconds before its first task.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from ansible_collections.otsec.defender_iot.plugins.plugin_utils._respond_run.results import (
    DEVICES,
    HANDLED,
    LISTED,
    UNHANDLED,
)
from ansible_collections.otsec.defender_iot.tests.support.workspace import (
    ENDPOINTS,
    ROOT,
    Run,
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
NAMES = sorted(path.stem for path in (ROOT / "plugins/modules").glob("*.py"))
# In this order: deleting the token of the sensor comes last.
MODULES = [
    module
    for product in ("forescout", "fortisiem", "fortigate", "sensor")
    for module in reversed(NAMES)
    if module.partition("_")[0] == product
]
# On the control node. Without report_outcome: its report requires a separate run, in test_drift.py.
ON_CONTROL_NODE = ["selection_check", "respond_lock", "respond_decide", "respond_outcome"]
CALLBACKS = "recorder,otsec.defender_iot.report,otsec.defender_iot.respond"
# What earlier steps of the role respond have read.
READ = {
    **{name: {"alerts": []} for name in (UNHANDLED, HANDLED)},
    DEVICES: {"devices": [{"id": 1, "ip_addresses": [], "mac_addresses": []}]},
    LISTED: {"entries": []},
}
TOKEN = "sensor-north-01-forescout"


def _host(module: str) -> str:
    """Return the appliance for the examples of a module. Each module for FortiGates has its own."""
    product = module.partition("_")[0]
    alike = [each for each in MODULES if each.startswith("fortigate_")]
    return f"spare-{alike.index(module) + 1:02}" if product == "fortigate" else HOSTS[product]


def _examples(module: str) -> str:
    return str(
        importlib.import_module(f"ansible_collections.otsec.defender_iot.plugins.modules.{module}").EXAMPLES
    )


def _prepare(node: Workspace) -> None:
    """Prepare what the examples require of the sensor, the secret store, FortiSIEM and an operator."""
    token = node.lab.make_token("sensor-north-01", "Forescout")
    node.lab.call("sensor-north-01", "GET", "/api/v1/devices", headers={"Authorization": token})
    node.keep(TOKEN, value=token)
    port = node.lab.appliances[HOSTS["fortisiem"]]["syslog"]["udp"]
    node.lab.control("POST", "/appliances/sensor-north-01/commands/forward", {"alert": 101, "port": port})
    export = {"name": "OT firmware alert", "action": "sendmail"}
    made = node.lab.control("POST", "/appliances/forescout-01/commands/export", export)
    (node.inputs / "policies").mkdir()
    (node.inputs / "policies/firmware.xml").write_text(made["xml"])


def _prepared(node: Workspace, product: str) -> list[dict[str, Any]]:
    """Return the tasks that prepare the objects that the examples require."""
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


def _fitted(content: Any, node: Workspace, product: str, store: str) -> Any:
    """Replace the addresses and files of the documentation by those of the lab, and the secret store."""
    ours = {"url": "{{ url }}", "ca_path": "{{ ca_path }}", "delegate_to": "localhost"}
    ours["endpoints"] = ENDPOINTS.get(product)
    if product == "forescout":
        ssh = node.lab.appliances[HOSTS[product]]["ssh"]
        ours |= {name: ssh[name] for name in ("plugin_name", "property_keys")}
        if isinstance(content, dict) and content.get("transport") == "fstool":
            content = {**content, "install_path": ssh["install_path"]}
    if isinstance(content, dict):
        return {
            k: ours[k] if k in ours else _fitted(value, node, product, store) for k, value in content.items()
        }
    if isinstance(content, list):
        return [_fitted(each, node, product, store) for each in content]
    if isinstance(content, str):
        return re.sub(r"vault_file:.*?/secrets", store, content)
    return content


def _variables(node: Workspace, product: str, host: str) -> dict[str, Any]:
    """Return the connection of a host, also under the names that the examples use."""
    variables = node.host(host)
    if product == "sensor":
        variables["token"] = node.lab.make_token(host, "Ansible")
    named = {f"{product}_{name}": value for name, value in variables.items()}
    way = {"ansible_host": "192.0.2.11" if product == "sensor" else "192.0.2.20"}
    return {**variables, **named, **(node.by_ssh(host) if product == "forescout" else way)}


def _environment(variables: dict[str, Any], product: str) -> dict[str, str]:
    """Return the connection as environment variables."""
    found = {name: value for name, value in variables.items() if name.startswith(f"{product}_")}
    return {name.upper(): str(value) for name, value in found.items()}


def _write_inventory(node: Workspace, hosts: dict[str, dict[str, Any]]) -> None:
    sensors = {"sensors": {"hosts": {"sensor-north-01": {"ansible_host": "192.0.2.11", **READ}}}}
    site = dict.fromkeys(["fgt-north-01", "fgt-north-02"], READ)
    inventory = {"all": {"hosts": {**site, **hosts}, "children": sensors}}
    (node.inputs / "inventory.yml").write_text(yaml.safe_dump(inventory))


@pytest.fixture(scope="module")
def run(new_workspace: Callable[[], Workspace]) -> Run:
    """The run of all examples: one play for each module of an appliance, then those of the control node."""
    node = new_workspace()
    _prepare(node)
    plays, hosts, environment = [], {}, {}
    for module in MODULES:
        product, host = module.partition("_")[0], _host(module)
        hosts[host] = _variables(node, product, host) if host not in hosts else hosts[host]
        if product != "fortigate":
            environment |= _environment(hosts[host], product)
        # The examples of several modules for FortiGates name the same secret.
        store = node.ref(host if product == "fortigate" else "")
        shown = _fitted(yaml.safe_load(_examples(module)), node, product, store)
        plays.append(play(*_prepared(node, product), *shown, hosts=host))
    (check,) = yaml.safe_load(_examples("selection_check"))
    steps = [each for name in ON_CONTROL_NODE[1:] for each in yaml.safe_load(_examples(name))]
    folder = str(node.folder / "respond")
    for step in steps:
        for options in step.values():
            if isinstance(options, dict) and "folder" in options:
                options["folder"] = folder
    plays += [check, {"hosts": "localhost", "gather_facts": False, "tasks": steps}]
    _write_inventory(node, hosts)
    return node.run(*plays, ANSIBLE_CALLBACKS_ENABLED=CALLBACKS, **environment)


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_of_a_module_run(module: str, run: Run) -> None:
    found = run.of(_host(module), module)
    shown = len(re.findall(rf"otsec\.defender_iot\.{module}:", _examples(module)))
    assert len(found) >= shown > 0, run.output
    assert not [each for each in found if each.failed], run.output


def test_the_examples_of_the_control_node_run(run: Run) -> None:
    assert "TASK [Check the tags and the limit]" in run.output
    for module in ON_CONTROL_NODE[1:]:
        assert run.one(module=module).status == "ok", run.output
    assert run.code == 0


def test_the_examples_of_every_module_run_here_or_in_the_tests_of_drift() -> None:
    assert {*MODULES, *ON_CONTROL_NODE, "report_outcome"} == set(NAMES)


def test_the_readme_opens_with_a_playbook_and_the_diff_it_prints(workspace: Workspace) -> None:
    readme = (ROOT / "README.md").read_text()
    shown = yaml.safe_load(re.search(r"```yaml\n(.*?)```", readme, re.S)[1])
    diff = re.search(r"```diff\n(.*?)```", readme, re.S)[1]
    variables = _variables(workspace, "fortigate", HOSTS["fortigate"])
    _write_inventory(workspace, {HOSTS["fortigate"]: variables})
    environment = _environment(variables, "fortigate")
    plays = [
        {**each, "hosts": HOSTS["fortigate"]}
        for each in _fitted(shown, workspace, "fortigate", workspace.ref(""))
    ]
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
