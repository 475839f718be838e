# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every alert of the catalogue and every type of device, and the recorded shapes of both."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.plugin_utils._respond import catalogue, device_types
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._respond.rules import (
    DEFAULT_MATCH,
    Rules,
    read_match,
    read_networks,
)
from ansible_collections.otsec.defender_iot.tests.unit.respond.plant import (
    alert,
    blocked,
    decided,
    device,
    only,
    reading,
)

DOCUMENTED_TYPES = 70


@pytest.mark.parametrize("kind", catalogue.CATALOGUE.values(), ids=lambda kind: kind.title)
def test_by_default_only_malware_without_its_test_and_backup_blocks(kind: catalogue.AlertKind) -> None:
    found = decided(reading([alert(engine=kind.engine, title=kind.title)]))
    is_malware = kind.engine == "malware" and kind.title not in catalogue.BENIGN
    assert blocked(found) == (["192.0.2.7"] if is_malware else [])
    if not is_malware:
        assert only(found) == ("none", f'no rule matches "{kind.title}"')


@pytest.mark.parametrize(
    "kind", [each for each in catalogue.CATALOGUE.values() if each.blames_source], ids=lambda kind: kind.title
)
def test_every_title_that_blames_its_source_can_be_opted_in_alone(kind: catalogue.AlertKind) -> None:
    rules = Rules(match=read_match([{"engine": kind.engine, "titles": [kind.title]}]))
    assert blocked(decided(reading([alert(engine=kind.engine, title=kind.title)]), rules=rules))
    assert not blocked(decided(reading([alert(engine=kind.engine, title="Another")]), rules=rules))


def test_the_catalogue_has_all_malware_titles_of_its_source() -> None:
    assert len(set(catalogue.MALWARE)) == 27
    assert set(catalogue.BENIGN) < set(catalogue.MALWARE)


@pytest.mark.parametrize("severity", ["critical", "major", "minor", "warning", None, "invented"])
def test_the_severity_changes_nothing(severity: Any) -> None:
    assert blocked(decided(reading([alert(severity=severity)]))) == ["192.0.2.7"]


@pytest.mark.parametrize(
    ("engine", "title", "is_blocked"),
    [
        ("Malware", "Suspicion of Conficker Malware", True),
        ("malware", "A title of the next version", True),
        ("malware", "Malware detected - WannaCry", True),
        ("malware", "  MALWARE test file   detected - eicar av success", False),
        ("Policy Violation", "Unauthorized PLC Programming", False),
        ("Machine Learning", "Suspicion of Conficker Malware", False),
        (None, None, False),
    ],
)
def test_engines_and_titles_of_any_version(engine: Any, title: Any, is_blocked: bool) -> None:
    assert bool(blocked(decided(reading([alert(engine=engine, title=title)])))) is is_blocked


def test_every_documented_type_is_listed_once() -> None:
    assert len(device_types.HARM) == DOCUMENTED_TYPES
    assert set(device_types.DEFAULT_ALLOWED) < device_types.HARM.keys()


@pytest.mark.parametrize("kind", [*device_types.HARM, "Quantum Computer", "workstation", "None"])
def test_only_office_devices_are_blocked_by_default(kind: str) -> None:
    found = decided(reading([alert()], devices=[device(type=kind)]))
    assert bool(blocked(found)) is (kind in device_types.OFFICE)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"type": "PLC"}, "its type is PLC: a control-system device"),
        ({"type": "HVAC"}, "its type is HVAC: a building-system device"),
        ({"type": "Router"}, "its type is Router: a device that others depend on"),
        ({"type": "ATM"}, "its type is ATM: not in the list of allowed types"),
        ({"type": "Unknown"}, "its type is not known"),
        ({"type": "Quantum\u202e Computer"}, "its type is not one of the documented types"),
        ({"engineering_station": True}, "its type is Engineering Station: a control-system device"),
        ({"ip_addresses": []}, 'device "host-7" has 0 IP addresses, not one'),
        ({"ip_addresses": None}, 'device "host-7" has 0 IP addresses, not one'),
        ({"ip_addresses": ["00:00:5e:00:53:07"]}, 'device "host-7" has no IP address'),
        ({"ip_addresses": ["Master"]}, 'device "host-7" has no IP address'),
        ({"ip_addresses": [17]}, 'device "host-7" has no IP address'),
        ({"ip_addresses": ["192.0.2.7", "192.0.2.8"]}, 'device "host-7" has 2 IP addresses, not one'),
        ({"ip_addresses": ["192.0.2.7", "fe80::1"]}, 'device "host-7" has 2 IP addresses, not one'),
        ({"ip_addresses": ["fe80::1%eth0"]}, 'device "host-7" has no IP address'),
        ({"ip_addresses": ["fe80::1"]}, "fe80::1 is a link-local address, which no FortiGate routes"),
        ({"ip_addresses": ["224.0.0.1"]}, "224.0.0.1 is a multicast address"),
        ({"ip_addresses": ["255.255.255.255"]}, "255.255.255.255 is the broadcast address"),
        ({"ip_addresses": ["0.0.0.0"]}, "0.0.0.0 is the unspecified address"),  # noqa: S104
        ({"ip_addresses": ["127.0.0.1"]}, "127.0.0.1 is a loopback address"),
        ({"ip_addresses": ["::ffff:192.0.2.7"]}, "is an IPv4 address written as IPv6"),
        ({"ip_addresses": ["9.9.9.9"]}, "9.9.9.9 is a public address"),
    ],
)
def test_devices_that_are_not_blocked(fields: dict[str, Any], reason: str) -> None:
    decision, found = only(decided(reading([alert()], devices=[device(**fields)])))
    assert decision == "none"
    assert reason in found


def test_the_device_internet_with_many_addresses_is_not_expanded() -> None:
    internet = device(type="Internet", ip_addresses=[f"9.9.9.{each}" for each in range(21)])
    assert not blocked(decided(reading([alert()], devices=[internet])))


def test_a_public_address_is_blocked_if_asked() -> None:
    public = reading([alert()], devices=[device(ip_addresses=["9.9.9.9"])])
    assert blocked(decided(public, rules=Rules(allow_public=True))) == ["9.9.9.9"]


def test_an_ipv6_host_is_blocked() -> None:
    found = decided(reading([alert()], devices=[device(ip_addresses=["2001:DB8::0007"])]))
    assert blocked(found) == ["2001:db8::7"]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"source_device": None}, "the alert names no source device"),
        ({"source_device": 999}, "the alert's source device is not in the inventory of sensor sensor-north"),
        ({"message": "Multiple violations"}, "it represents several violations"),
        (
            {"additional_information": {"description": "Multiple violations"}},
            "it represents several violations",
        ),
        ({"time": "yesterday"}, "the time of the alert cannot be read"),
        ({"time": None}, "the time of the alert cannot be read"),
        ({"time": "2026-11-28T13:00:00Z"}, "the alert is more than a day ahead"),
        ({"time": "2026-11-20T11:59:59Z"}, "the alert or the block is older than the maximum, 168 hours"),
        ({"source_device_address": "192.0.2.8"}, 'the alert names 192.0.2.8, but device "host-7" now has'),
        (
            {"source_device": None, "source_device_address": "192.0.2.8"},
            "the alert's source address 192.0.2.8 is not in the inventory",
        ),
    ],
)
def test_alerts_that_block_nothing(fields: dict[str, Any], reason: str) -> None:
    decision, found = only(decided(reading([alert(**fields)])))
    assert decision == "none"
    assert found.startswith(reason)


@pytest.mark.parametrize(
    "fields",
    [
        {"source_device_address": "192.0.2.7"},
        {"source_device_address": "00:00:5e:00:53:07"},
        {"source_device_address": None},
        {"source_device": None, "source_device_address": "192.0.2.7"},
        {"source_device": "7"},
        {"additional_information": {"description": None}},
    ],
)
def test_the_source_is_its_device_or_the_stated_address_of_one(fields: dict[str, Any]) -> None:
    assert blocked(decided(reading([alert(**fields)]))) == ["192.0.2.7"]


def test_devices_are_joined_by_id_never_by_name() -> None:
    misleading = device(7, name="192.0.2.50", ip_addresses=["192.0.2.6"])
    other = device(50, name="host-7")
    assert blocked(decided(reading([alert()], devices=[misleading, other]))) == ["192.0.2.6"]


def test_an_id_that_two_devices_have_blocks_neither() -> None:
    twice = [device(7), device(7, ip_addresses=["192.0.2.9"])]
    assert only(decided(reading([alert()], devices=twice)))[1].startswith(
        "the alert's source device is 2 times"
    )


@pytest.mark.parametrize("other", ["PLC", "Unknown", "Domain Controller"])
def test_an_address_that_any_sensor_gives_to_a_control_system_is_not_blocked(other: str) -> None:
    elsewhere = reading(devices=[device(70, other, ip_addresses=["192.0.2.7"])], sensor="sensor-south")
    assert not blocked(decided(reading([alert()]), elsewhere))


def test_allowed_types_are_the_operators_choice() -> None:
    rules = Rules(allowed_types=frozenset({"HMI", "Quantum Computer"}))
    for kind, is_blocked in (("HMI", True), ("Quantum Computer", True), ("Workstation", False)):
        found = decided(reading([alert()], devices=[device(type=kind)]), rules=rules)
        assert bool(blocked(found)) is is_blocked


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (7, "192.0.2.7 is protected: the DNS server"),
        (9, "192.0.2.9 is protected: the office"),
        (64, "192.0.2.64 is the network address of 192.0.2.64/27"),
        (95, "192.0.2.95 is the broadcast address of 192.0.2.64/27"),
        (65, None),
    ],
)
def test_protected_addresses_and_edges_of_cells(number: int, reason: str | None) -> None:
    protected = {
        **read_networks("protected", ["192.0.2.0/28"], "the office"),
        **read_networks("protected", ["192.0.2.7", "2001:db8::/32"], "the DNS server"),
    }
    cells = read_networks("cells", ["192.0.2.64/27", "2001:db8::/64", "192.0.2.2/31"], "press")
    found = decided(
        reading([alert(source=number)], devices=[device(number)]),
        rules=Rules(protected=protected, cells=cells),
    )
    assert (only(found)[1] == reason) if reason else blocked(found)


def test_the_smallest_network_names_the_reason() -> None:
    protected = {
        **read_networks("protected", ["192.0.2.0/24"], "large"),
        **read_networks("protected", ["192.0.2.0/28"], "small"),
    }
    found = decided(reading([alert()]), rules=Rules(protected=protected))
    assert only(found)[1] == "192.0.2.7 is protected: small"


def test_texts_of_appliances_are_shortened_and_visible() -> None:
    found = decided(reading([alert()], devices=[device(name="a\u202e" + "b" * 200)]))
    assert "[U+202E]" in only(found)[1]
    assert len(only(found)[1]) < 250


def test_the_default_rule_is_what_an_empty_item_means() -> None:
    assert read_match([{"engine": "malware"}]) == DEFAULT_MATCH
