# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole chain on the example inventory: predict, set up, verify, and set up again."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.tests.support.example import FORTIGATES, SENSORS, Example
from ansible_collections.otsec.defender_iot.tests.support.workspace import COLLECTION, ROOT, Run, Workspace

OBJECTS = sorted(
    [
        *((name, "fortigate_access") for name in FORTIGATES),
        ("forescout-01", "forescout_module"),
        ("sensor-north-01", "sensor_access_token"),
    ]
)

# Microsoft's tutorial: each row of the profile's page, with its name in FortiOS.
TUTORIAL = {
    "Security Fabric": ("secfabgrp", "none"),
    "FortiView": ("ftviewgrp", "none"),
    "User & Device": ("authgrp", "none"),
    "Firewall": ("fwgrp", "custom"),
    "Policy": ("fwgrp-permission.policy", "read-write"),
    "Address": ("fwgrp-permission.address", "read-write"),
    "Service": ("fwgrp-permission.service", "none"),
    "Schedule": ("fwgrp-permission.schedule", "none"),
    "Log & Report": ("loggrp", "none"),
    "Network": ("netgrp", "none"),
    "System": ("sysgrp", "none"),
    "Security Profile": ("utmgrp", "none"),
    "VPN": ("vpngrp", "none"),
    "WAN Opt & Cache": ("wanoptgrp", "none"),
    "WiFi & Switch": ("wifi", "none"),
}

PROPERTIES = {
    "Authorized by CyberX",
    "Firmware",
    "Name",
    "Operating System",
    "Type",
    "Vendor",
    "Risk Level",
    "Protocols",
}


@dataclass(frozen=True)
class Phase:
    """One run, with its calls and the store after it."""

    run: Run
    calls: list[dict[str, Any]]
    connections: dict[str, int]
    stored: dict[str, bytes]

    def requests(self, appliance: str) -> Counter[str]:
        """Return the number of requests to an appliance, by method and path."""
        return Counter(f"{c['method']} {c['path']}" for c in self.calls if c["appliance"] == appliance)

    @property
    def writes(self) -> list[dict[str, Any]]:
        """The requests that change configuration or mint."""
        return [call for call in self.calls if call["write"]]


@dataclass(frozen=True)
class Chain:
    """All runs of the chain, and the state of the appliances after the second."""

    node: Workspace
    predicted: Phase
    built: Phase
    judged: Phase
    repeated: Phase
    profiles: dict[str, dict[str, Any]]
    admins: dict[str, dict[str, Any]]
    states: dict[str, dict[str, Any]]
    labels: dict[str, str]
    devices: dict[str, dict[str, Any]]
    verdicts_before: dict[str, dict[str, Any]]
    verdicts: dict[str, dict[str, Any]]
    key_answers: dict[str, int]


def _phase(node: Workspace, example: Example, playbook: str, *arguments: str) -> Phase:
    node.lab.forget_calls()
    run = example.playbook(playbook, *arguments)
    return Phase(run, node.lab.calls(), node.lab.connections(), node.stored_files())


def _status_with_the_key(node: Workspace, source: str) -> int:
    """Call a FortiGate with its stored key, from a simulated source."""
    node.lab.switch("fgt-north-01", nat=source)
    headers = {"Authorization": f"Bearer {node.kept('fgt-north-01/defender-iot')['value']}"}
    return node.lab.call("fgt-north-01", "GET", "/api/v2/monitor/system/status", headers=headers).status_code


@pytest.fixture(scope="module")
def chain(new_workspace: Callable[[], Workspace]) -> Chain:
    """The whole chain, run once for all tests here."""
    node = new_workspace()
    lab, example = node.lab, Example(node)
    verdicts_before = example.verdicts()
    predicted = _phase(node, example, "site", "--check", "--diff")
    built = _phase(node, example, "site")
    example.wait_for_poll()
    judged = _phase(node, example, "verify", example.verdict_file_argument)
    repeated = _phase(node, example, "site", "--diff")
    fields = lab.web_api("forescout-01", "hostfields")["hostFields"]
    addresses = ("198.51.100.12", "198.51.100.21", "198.51.100.33", "198.51.100.34")
    return Chain(
        node=node,
        predicted=predicted,
        built=built,
        judged=judged,
        repeated=repeated,
        profiles={name: lab.cmdb(name, "GET", "accprofile/defender-iot")[0] for name in FORTIGATES},
        admins={name: lab.cmdb(name, "GET", "api-user/defender-iot")[0] for name in FORTIGATES},
        states={name: lab.state(name) for name in ("sensor-north-01", "sensor-south-01", "forescout-01")},
        labels={field["label"]: field["name"] for field in fields},
        devices={ip: lab.web_api("forescout-01", f"hosts/ip/{ip}")["host"]["fields"] for ip in addresses},
        verdicts_before=verdicts_before,
        verdicts=example.written_verdicts(),
        key_answers={
            source: _status_with_the_key(node, source) for source in (*SENSORS.values(), "192.0.2.99")
        },
    )


def test_check_mode_reports_every_object_that_would_be_created(chain: Chain) -> None:
    assert chain.predicted.run.succeeded().changes == OBJECTS


def test_check_mode_shows_every_object_in_its_diff(chain: Chain) -> None:
    for result in chain.predicted.run.results:
        shown = result.data["diff"]
        for diff in shown if isinstance(shown, list) else [shown]:
            assert diff["after"], result
            assert not any(diff["before"].values()), result
            assert diff["before_header"].startswith(f"{result.host}: "), result
            assert diff["before_header"] in chain.predicted.run.output


@pytest.mark.parametrize("fortigate", FORTIGATES)
def test_check_mode_tells_of_every_object_of_a_fortigate_what_the_real_run_does(
    chain: Chain, fortigate: str
) -> None:
    phases = (chain.predicted, chain.built, chain.repeated)
    predicted, built, repeated = (
        [(each["kind"], each["name"], each["action"]) for each in phase.run.one(fortigate).data["objects"]]
        for phase in phases
    )
    kinds = {"profile": "create", "admin": "create", "key": "mint"}
    assert predicted == built == [(kind, "defender-iot", action) for kind, action in kinds.items()]
    assert repeated == [(kind, "defender-iot", "none") for kind in kinds]


def test_check_mode_writes_nothing_and_mints_nothing(chain: Chain) -> None:
    assert chain.predicted.calls
    assert chain.predicted.writes == []
    assert chain.predicted.stored == {}


def test_check_mode_predicts_exactly_what_a_real_run_changes(chain: Chain) -> None:
    assert chain.built.run.succeeded().changes == chain.predicted.run.changes
    changed = {host: stats["changed"] for host, stats in chain.built.run.stats.items()}
    assert changed == {host: stats["changed"] for host, stats in chain.predicted.run.stats.items()}


@pytest.mark.parametrize("row", TUTORIAL)
def test_the_admin_profile_is_the_one_of_the_tutorial(chain: Chain, row: str) -> None:
    wire, level = TUTORIAL[row]
    for profile in chain.profiles.values():
        value: Any = profile
        for name in wire.split("."):
            value = value[name]
        assert value == level


@pytest.mark.parametrize("fortigate", FORTIGATES)
def test_the_api_admin_trusts_the_sensors_and_nobody_else(chain: Chain, fortigate: str) -> None:
    admin = chain.admins[fortigate]
    hosts = {row[row["type"]] for row in admin["trusthost"]}
    assert hosts == {f"{address} 255.255.255.255" for address in SENSORS.values()}
    assert admin["accprofile"] == "defender-iot"
    assert admin["vdom"] == []
    assert admin["comments"] == "Microsoft Defender for IoT sensors"


@pytest.mark.parametrize("fortigate", FORTIGATES)
def test_the_api_admin_allows_no_other_origin_and_has_pki_off(chain: Chain, fortigate: str) -> None:
    admin = chain.admins[fortigate]
    assert admin["cors-allow-origin"] == ""
    assert (admin["peer-auth"], admin["peer-group"]) == ("disable", "")


def test_the_stored_api_key_opens_the_fortigate_to_the_sensors_alone(chain: Chain) -> None:
    assert chain.key_answers == {**dict.fromkeys(SENSORS.values(), 200), "192.0.2.99": 401}


def test_one_key_is_minted_for_each_fortigate_and_stored_where_only_the_owner_reads_it(chain: Chain) -> None:
    minted = [call["appliance"] for call in chain.built.writes if call["path"].endswith("/generate-key")]
    assert sorted(minted) == FORTIGATES
    expected = {f"{name}/defender-iot.yml" for name in FORTIGATES} | {"sensor-north-01/forescout.yml"}
    assert set(chain.built.stored) == expected
    for name, content in chain.built.stored.items():
        assert content.startswith(b"$ANSIBLE_VAULT;")
        assert (chain.node.store / name).stat().st_mode & 0o777 == 0o600


def test_the_forescout_holds_the_sensor_s_address_and_polls_with_the_new_token(chain: Chain) -> None:
    module = chain.states["forescout-01"]["module"]
    assert module == {"server_address": "192.0.2.11", "access_token": "<redacted>"}
    assert chain.states["forescout-01"]["last_poll"]["outcome"] == "ok"
    issued = [s["value"] for s in chain.node.lab.secrets() if s["kind"] == "access_token"]
    assert chain.node.kept("sensor-north-01/forescout")["value"] in issued


def test_used_is_a_time_because_the_forescout_has_called(chain: Chain) -> None:
    (token,) = chain.states["sensor-north-01"]["tokens"]
    assert token["description"] == "forescout"
    assert token["used"].startswith("20")
    assert chain.states["sensor-south-01"]["tokens"] == []


def test_the_eight_properties_of_the_sensor_s_devices_appear_on_the_forescout(chain: Chain) -> None:
    assert set(chain.labels) >= PROPERTIES
    tags = {chain.labels[label] for label in PROPERTIES}
    assert len(tags) == 8
    for fields in chain.devices.values():
        assert set(fields) == tags
    assert chain.devices["198.51.100.12"][chain.labels["Vendor"]]["value"] == "Omron"


def test_verify_says_never_called_before_anything_is_set_up(chain: Chain) -> None:
    states = {name: verdict["verdict"]["state"] for name, verdict in chain.verdicts_before.items()}
    assert states == dict.fromkeys([*FORTIGATES, "forescout-01"], "never_called")
    assert all(verdict["verdict"]["evidence"] for verdict in chain.verdicts_before.values())


def test_verify_says_that_the_forescout_integration_works_and_why(chain: Chain) -> None:
    chain.judged.run.succeeded()
    (token,) = chain.states["sensor-north-01"]["tokens"]
    verdict = chain.verdicts["forescout-01"]
    assert verdict["integration"] == "forescout"
    assert (verdict["verdict"]["state"], verdict["verdict"]["level"]) == ("working", "L4")
    assert verdict["verdict"]["evidence"].startswith(
        f"Used is {token['used']}; host 198.51.100.12 has a value"
    )
    assert verdict["verdict"]["since"] >= token["used"]
    reached = {level["name"]: level["reached"] for level in verdict["verdict"]["levels"]}
    assert reached == {
        "stored": True,
        "running": None,
        "installed": True,
        "supplied": True,
        "called": True,
    }


def test_every_verdict_has_the_shape_that_the_documentation_shows(chain: Chain) -> None:
    page = (ROOT / "docs/verification.md").read_text()
    (shown,) = json.loads(re.search(r"```json\n(.*?)```", page, re.S)[1])
    for verdict in chain.verdicts.values():
        assert verdict.keys() == shown.keys()
        assert verdict["verdict"].keys() == shown["verdict"].keys()
        for level in verdict["verdict"]["levels"]:
            assert level.keys() == shown["verdict"]["levels"][0].keys()


@pytest.mark.parametrize("fortigate", FORTIGATES)
def test_verify_does_not_claim_to_know_that_sensors_call_a_fortigate(chain: Chain, fortigate: str) -> None:
    verdict = chain.verdicts[fortigate]
    assert verdict["integration"] == "fortinet"
    assert verdict["verdict"]["state"] == "unknown"
    assert "Log & Report" in verdict["verdict"]["evidence"]


def test_verify_makes_no_call_that_would_falsify_used(chain: Chain) -> None:
    paths = [call["path"] for call in chain.judged.calls if call["appliance"].startswith("sensor-")]
    assert "/__lab__/tokens" in paths
    assert not [path for path in paths if path.startswith("/api/v1/")]
    assert chain.judged.writes == []


def test_the_verdicts_are_printed_too(chain: Chain) -> None:
    lines = re.findall(r'^ +"(.*)",?$', chain.judged.run.output, re.MULTILINE)
    assert lines[0] == "forescout"
    assert re.match(r"  forescout-01 +working +L4 +20\S+ +Used is 20", lines[2])
    assert lines[3] == "fortinet"
    assert [line.split()[:4] for line in lines[5:8]] == [[name, "unknown", "-", "-"] for name in FORTIGATES]


def test_a_second_run_changes_nothing_and_writes_nothing(chain: Chain) -> None:
    assert len(chain.repeated.run.succeeded().results) == len(OBJECTS)
    assert chain.repeated.run.changes == []
    assert chain.repeated.writes == []
    assert not [call for call in chain.repeated.calls if call["path"].endswith("/generate-key")]


@pytest.mark.parametrize("fortigate", FORTIGATES)
def test_a_second_run_reads_every_table_once_over_one_connection(chain: Chain, fortigate: str) -> None:
    tables = [f"GET /api/v2/cmdb/system/{table}" for table in ("accprofile", "api-user")]
    assert chain.repeated.requests(fortigate) == dict.fromkeys(tables, 1)
    assert chain.repeated.connections[fortigate] == 1


@pytest.mark.parametrize(
    ("appliance", "requests"),
    [
        (
            "sensor-north-01",
            [
                "GET /",
                "POST /api/authentication/login",
                "GET /__lab__/tokens",
                "POST /api/authentication/logout",
            ],
        ),
        ("forescout-01", ["POST /fsum/oauth2.0/token", "GET /__lab__/module"]),
    ],
)
def test_a_second_run_logs_in_once_and_reads_once(chain: Chain, appliance: str, requests: list[str]) -> None:
    assert list(chain.repeated.requests(appliance).elements()) == requests
    assert chain.repeated.connections[appliance] == 1


def test_a_second_run_leaves_the_store_as_it_is_byte_by_byte(chain: Chain) -> None:
    assert chain.repeated.stored == chain.built.stored


def test_a_store_in_the_inventory_s_own_folder_is_not_taken_for_inventory(workspace: Workspace) -> None:
    example = Example(workspace)
    folder = workspace.folder / "inventory"
    shutil.copytree(ROOT / "examples/inventory", folder)
    shutil.copy(example.overlay, folder / "overlay.yml")
    for _time in range(2):
        last = workspace.playbook(COLLECTION + "fortinet", inventories=[folder]).succeeded()
        assert "WARNING" not in last.output
    assert last.changes == []
    kept = sorted(path.relative_to(folder / ".secrets") for path in folder.rglob(".secrets/*/*.yml"))
    assert [path.parent.name for path in kept] == sorted(FORTIGATES)
