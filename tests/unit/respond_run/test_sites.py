# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sites of a run, and the addresses that are protected without a rule."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.otsec.defender_iot.plugins.filter.respond import FilterModule, respond_sites
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import InvalidOptions
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._respond_run.infrastructure import (
    appliance_at,
    appliances,
    infrastructure,
)

GROUPS = {
    "sensors": ["sensor-n1", "sensor-n2", "sensor-s", "sensor-alone"],
    "fortigates": ["fgt-n", "fgt-s", "fgt-alone"],
    "forescouts": ["ct"],
}
SITES = {"n": "north", "s": "south"}
HOSTVARS: dict[str, dict[str, Any]] = {
    "sensor-n1": {"defender_iot_site": "north", "ansible_host": "192.0.2.11"},
    "sensor-n2": {"defender_iot_site": "north", "respond_url": "https://192.0.2.12:8443"},
    "sensor-s": {"defender_iot_site": "south", "ansible_host": "sensor.example"},
    "sensor-alone": {"defender_iot_site": "hill"},
    "fgt-n": {"defender_iot_site": "north", "ansible_host": "192.0.2.1"},
    "fgt-s": {"defender_iot_site": "south", "fortigate_response_url": "https://[2001:db8::1]"},
    "fgt-alone": {"defender_iot_site": "lake", "fortigate_response_url": "https://[broken"},
    "ct": {"ansible_host": "192.0.2.21"},
}
NORTH = {"site": "north", "sensors": ["sensor-n1", "sensor-n2"], "fortigates": ["fgt-n"]}
SOUTH = {"site": "south", "sensors": ["sensor-s"], "fortigates": ["fgt-s"]}
EVERY = [host for hosts in GROUPS.values() for host in hosts]


def test_a_site_is_decided_by_its_first_sensor_in_the_run() -> None:
    found = respond_sites(GROUPS, HOSTVARS, EVERY)
    assert found["sites"] == {"sensor-n1": NORTH, "sensor-s": SOUTH}
    assert found["of"] == {
        **dict.fromkeys(["sensor-n1", "sensor-n2", "fgt-n"], "sensor-n1"),
        **dict.fromkeys(["sensor-s", "fgt-s"], "sensor-s"),
    }


def test_a_decommissioned_appliance_is_no_part_of_its_site() -> None:
    found = respond_sites({**GROUPS, "decommissioned": ["sensor-n1", "fgt-s"]}, HOSTVARS, EVERY)
    assert found["sites"] == {"sensor-n2": {**NORTH, "sensors": ["sensor-n2"]}}


def test_a_limit_leaves_the_members_of_a_site_as_they_are() -> None:
    found = respond_sites(GROUPS, HOSTVARS, ["sensor-n2", "sensor-s"], ["north"])
    assert found["sites"] == {"sensor-n2": NORTH}
    assert found["of"] == {"sensor-n2": "sensor-n2"}


def test_an_appliance_whose_site_lacks_the_other_kind_is_named_unless_sites_are_selected() -> None:
    every = [
        'sensor-alone: the site "hill" has no FortiGate, so alerts of this sensor lead to no block',
        'fgt-alone: the site "lake" has no sensor, so respond neither blocks nor releases hosts there',
    ]
    assert respond_sites(GROUPS, HOSTVARS, EVERY)["left_out"] == every
    assert respond_sites(GROUPS, HOSTVARS, EVERY, ["north"])["left_out"] == []
    gone = respond_sites({**GROUPS, "decommissioned": ["sensor-s", "sensor-alone"]}, HOSTVARS, EVERY)
    assert [each.partition(":")[0] for each in gone["left_out"]] == ["fgt-alone", "fgt-s"]


@pytest.mark.parametrize("only", ["south", " south , ", ["south"], ("south",)])
def test_the_sites_of_a_run_are_a_list_or_a_text(only: Any) -> None:
    assert respond_sites(GROUPS, HOSTVARS, EVERY, only)["sites"] == {"sensor-s": SOUTH}


def test_hosts_without_a_site_are_one_site() -> None:
    groups = {"sensors": ["s"], "fortigates": ["f"]}
    found = respond_sites(groups, {"s": {}, "f": {"defender_iot_site": None}}, ["s", "f"], "")
    assert found["sites"] == {"s": {"site": "", "sensors": ["s"], "fortigates": ["f"]}}


ODD = {"defender_iot_site": "../etc"}
REFUSED = {
    "unknown": ((GROUPS, HOSTVARS, EVERY, "hill"), "respond_sites has hill, which is no site with a sensor"),
    "none": (({"sensors": ["sensor-n1"]}, HOSTVARS, EVERY), "no site has both a sensor and a FortiGate"),
    "no sensor": ((GROUPS, HOSTVARS, ["fgt-n", "sensor-s"]), 'no sensor of the site "north"; remove --limit'),
    "no folder": (
        ({"sensors": ["s"], "fortigates": ["f"]}, {"s": ODD, "f": ODD}, ["s"]),
        'the site "../etc" is no name of a folder',
    ),
}


@pytest.mark.parametrize(("arguments", "message"), REFUSED.values(), ids=REFUSED)
def test_sites_that_cannot_be_worked_on_are_refused(arguments: Any, message: str) -> None:
    with pytest.raises(AnsibleFilterError) as error:
        respond_sites(*arguments)
    assert f"control node: determining the sites of the run failed: {message}" in str(error.value) or (
        message in str(error.value)
    )


def test_the_filter_has_its_name() -> None:
    assert FilterModule().filters() == {"appliance_at": appliance_at, "respond_sites": respond_sites}


def test_every_stated_address_of_an_appliance_is_known_or_else_its_names() -> None:
    found = appliances(GROUPS, HOSTVARS)
    assert found == {
        "192.0.2.11": "the address of sensor-n1, a sensor",
        "192.0.2.12": "the address of sensor-n2, a sensor",
        "192.0.2.1": "the address of fgt-n, a FortiGate",
        "2001:db8::1": "the address of fgt-s, a FortiGate",
        "192.0.2.21": "the address of ct, a Forescout platform",
        "sensor-s": "the address of sensor-s, a sensor",
        "sensor.example": "the address of sensor-s, a sensor",
        "sensor-alone": "the address of sensor-alone, a sensor",
        "fgt-alone": "the address of fgt-alone, a FortiGate",
    }


@pytest.mark.parametrize(
    ("address", "what"),
    [
        ("192.0.2.21", "the address of ct, a Forescout platform"),
        (" 2001:DB8:0::1 ", "the address of fgt-s, a FortiGate"),
        ("2001:db8::1/128", "the address of fgt-s, a FortiGate"),
        ("192.0.2.21/32", "the address of ct, a Forescout platform"),
        ("192.0.2.21/255.255.255.255", "the address of ct, a Forescout platform"),
        ("192.0.2.99", ""),
        ("192.0.2.0/24", ""),
        ("sensor.example", ""),
        (None, ""),
    ],
)
def test_an_address_is_that_of_an_appliance_in_every_notation(address: Any, what: str) -> None:
    assert appliance_at(address, GROUPS, HOSTVARS) == what


def test_a_decommissioned_appliance_has_no_address() -> None:
    assert appliance_at("192.0.2.21", {**GROUPS, "decommissioned": ["ct"]}, HOSTVARS) == ""


def test_names_the_control_node_and_what_fortigates_protect_are_protected(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hosts = {
        "siem.example": ["203.0.113.9"],
        "sensor.example": ["198.51.100.11"],
        "localhost": ["127.0.0.1", "fe80::1%eth0"],
    }

    def resolve(name: str, *_rest: Any, **_options: Any) -> list[Any]:
        if name not in hosts:
            raise socket.gaierror
        return [(0, 0, 0, "", (each, 0)) for each in hosts[name]]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    hostvars = {
        "sensor-s": HOSTVARS["sensor-s"],
        "fgt-s": {"ansible_host": "localhost", "fortigate_response_protected": ["203.0.113.0/24"]},
    }
    stated = {"192.0.2.21": "the platform", "siem.example": "the FortiSIEM", "gone.example": "another"}
    found = infrastructure(stated, hostvars, hostvars)
    labels = {str(network): label for network, label in found.items()}
    assert labels["192.0.2.21/32"] == "the platform"
    assert labels["203.0.113.9/32"] == "the FortiSIEM"
    assert "another" not in labels.values()
    assert labels["198.51.100.11/32"] == "the address of sensor-s"
    # The control node reaches itself from there.
    assert labels["127.0.0.1/32"] == "the address of fgt-s"
    assert labels["203.0.113.0/24"] == "fortigate_response_protected of fgt-s has it"


def test_the_control_node_is_protected(monkeypatch: pytest.MonkeyPatch) -> None:
    found = infrastructure({"127.0.0.9": "a host"}, {}, [])
    assert {str(network): label for network, label in found.items()}["127.0.0.1/32"] == (
        "an address of the control node"
    )


def test_an_invalid_protected_network_is_refused() -> None:
    with pytest.raises(InvalidOptions, match="fortigate_response_protected"):
        infrastructure({}, {"f": {"fortigate_response_protected": ["junk"]}}, ["f"])
