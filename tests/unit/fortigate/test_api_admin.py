# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The REST API administrator: trusted hosts in every notation, and options with two fields in the API."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.apply import converge
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import InvalidOptions
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.resource import Incomplete
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.task import Outcome, Task
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.api_admin import (
    ADMIN,
    network,
    networks,
    prepare_api_admin,
    warn_of_management_vdom,
)
from ansible_collections.otsec.defender_iot.tests.unit.fakes import MemoryAppliance

NOTATIONS = {
    "192.0.2.10": "192.0.2.10/32",
    "192.0.2.10/32": "192.0.2.10/32",
    "192.0.2.10 255.255.255.255": "192.0.2.10/32",
    " 192.0.2.10 ": "192.0.2.10/32",
    "198.51.100.0/24": "198.51.100.0/24",
    "198.51.100.0 255.255.255.0": "198.51.100.0/24",
    "198.51.100.7/24": "198.51.100.0/24",
    "198.51.100.7 255.255.255.0": "198.51.100.0/24",
    "2001:db8::20": "2001:db8::20/128",
    "2001:DB8:0::20/128": "2001:db8::20/128",
    "2001:db8::20/64": "2001:db8::/64",
    "0.0.0.0 0.0.0.0": "0.0.0.0/0",
    "::/0": "::/0",
}
FOREIGN = [
    *("", "fgt.example", "192.0.2.300", "192.0.2.10/33", "192.0.2.10 255.0.255.0"),
    *("192.0.2.1-192.0.2.9", "192.0.2.10 255.255.255.255/32", "192.0.2.10/32 255.255.255.255"),
]


@pytest.mark.parametrize(("written", "meant"), NOTATIONS.items())
def test_a_trusted_host_has_one_form_in_every_notation(written: str, meant: str) -> None:
    assert network(written) == meant


@pytest.mark.parametrize("host", FOREIGN)
def test_a_text_that_is_no_network_is_unchanged(host: str) -> None:
    assert network(host) == host


@pytest.mark.parametrize("host", [*NOTATIONS, *FOREIGN])
def test_normalising_a_host_twice_is_normalising_it_once(host: str) -> None:
    assert network(network(host)) == network(host)


@pytest.mark.parametrize(
    ("hosts", "meant"),
    [
        (["192.0.2.9", "192.0.2.10"], ["192.0.2.10/32", "192.0.2.9/32"]),
        (["192.0.2.10", "192.0.2.9"], ["192.0.2.10/32", "192.0.2.9/32"]),
        (["192.0.2.9", "192.0.2.9/32", "192.0.2.9 255.255.255.255"], ["192.0.2.9/32"]),
        (["2001:db8::1", "192.0.2.9"], ["192.0.2.9/32", "2001:db8::1/128"]),
        (["192.0.2.9", "?"], ["192.0.2.9/32", "?"]),
        ([], []),
    ],
)
def test_order_and_repetition_of_hosts_mean_nothing(hosts: list[str], meant: list[str]) -> None:
    assert networks(hosts) == meant
    assert networks(meant) == meant


@pytest.mark.parametrize(
    "hosts",
    [
        None,
        ["192.0.2.10"],
        ["198.51.100.0 255.255.255.0", "2001:db8::/64"],
        ["192.0.2.1 255.255.255.255", "192.0.2.1/32", "2001:db8::1/128"],
        ["0.0.0.0/1", "8000::/1"],
        ["0.0.0.0/1", "128.0.0.0/2"],
    ],
)
def test_hosts_that_limit_something_are_accepted(hosts: Any) -> None:
    params = {"name": "a", "trusted_hosts": hosts}
    assert prepare_api_admin(params) == {"name": "a", "trusted_hosts": hosts}


@pytest.mark.parametrize("host", ["0.0.0.0/0", "::/0", "0.0.0.0 0.0.0.0", " 0.0.0.0/0 ", "192.0.2.10/0"])
def test_a_host_that_covers_every_source_is_refused(host: str) -> None:
    with pytest.raises(InvalidOptions) as caught:
        prepare_api_admin({"trusted_hosts": ["192.0.2.10", host]})
    assert (
        str(caught.value)
        == f'trusted_hosts: "{host}" would trust every source; set trusted_hosts to the hosts that connect'
    )


AMBIGUOUS = {
    "192.0.2.77/24": "is an address inside a network; write 192.0.2.77 for this host alone, or 192.0.2.0/24",
    "192.0.2.77 255.255.255.0": "write 192.0.2.77 for this host alone, or 192.0.2.0/24 for its whole network",
    "2001:db8:1::5/32": "write 2001:db8:1::5 for this host alone, or 2001:db8::/32 for its whole network",
    "192.0.2.1 0.0.0.255": "has a wildcard mask; write 192.0.2.1 for this host alone, or 192.0.2.0/24",
    "192.0.2.0/0.0.0.255": "has a wildcard mask; write 192.0.2.0 for this host alone, or 192.0.2.0/24",
    "192.0.2.1 0.0.0.1": "has a wildcard mask; write 192.0.2.1 for this host alone, or 192.0.2.0/31",
    "fe80::1%eth0": "has a zone, which names an interface of one machine; write fe80::1 for",
    "fe80::1%eth0/128": "or the host's address outside its own link",
    "fe80::%1/64": "has a zone",
}


@pytest.mark.parametrize(("host", "says"), AMBIGUOUS.items())
def test_a_host_that_may_mean_two_things_is_refused_with_both(host: str, says: str) -> None:
    with pytest.raises(InvalidOptions) as caught:
        prepare_api_admin({"trusted_hosts": ["192.0.2.10", host]})
    assert str(caught.value).startswith(f'trusted_hosts: "{host}" ')
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("hosts", "said"),
    [
        (["0.0.0.0/1", "128.0.0.0/1"], "0.0.0.0/1 and 128.0.0.0/1 together would trust every IPv4 source"),
        (["128.0.0.0 192.0.0.0", "192.0.2.1", "0.0.0.0/1", "192.0.0.0/2"], "would trust every IPv4 source"),
        (["::/1", "192.0.2.1", "8000::/1"], "::/1 and 8000::/1 together would trust every IPv6 source"),
    ],
)
def test_hosts_that_together_cover_every_source_are_refused(hosts: list[str], said: str) -> None:
    with pytest.raises(InvalidOptions) as caught:
        prepare_api_admin({"trusted_hosts": hosts})
    assert said in str(caught.value)


@pytest.mark.parametrize("held", ["192.0.2.1 0.0.0.255", "fe80::1%eth0", "fe80::1%eth0/64", *FOREIGN])
def test_an_existing_host_is_never_read_as_a_wider_one(held: str) -> None:
    table = [{"type": "ipv4-trusthost", "ipv4-trusthost": held}]
    assert ADMIN.fields["trusted_hosts"].from_wire({"trusthost": table}) == [held]


@pytest.mark.parametrize("host", FOREIGN)
def test_a_host_that_is_no_network_is_refused(host: str) -> None:
    with pytest.raises(InvalidOptions) as caught:
        prepare_api_admin({"trusted_hosts": ["192.0.2.10", host]})
    assert str(caught.value) == (
        f'trusted_hosts: "{host}" is not an IP address or network; write an address, or for a host of the '
        "inventory, set its ansible_host to its IP address"
    )


def test_an_empty_list_of_hosts_is_refused() -> None:
    with pytest.raises(InvalidOptions, match="which opens a REST API administrator to every source"):
        prepare_api_admin({"trusted_hosts": []})


HOSTS = ADMIN.fields["trusted_hosts"]
TABLE = [
    {"id": 1, "type": "ipv4-trusthost", "ipv4-trusthost": "192.0.2.10 255.255.255.255"},
    {"id": 2, "type": "ipv4-trusthost", "ipv4-trusthost": "198.51.100.0 255.255.255.0"},
    {"id": 3, "type": "ipv6-trusthost", "ipv6-trusthost": "2001:db8::/64"},
]
LIST = ["192.0.2.10/32", "198.51.100.0/24", "2001:db8::/64"]


def test_hosts_go_to_the_wire_as_a_table_with_address_and_mask() -> None:
    assert HOSTS.to_wire(LIST) == TABLE


@pytest.mark.parametrize(
    "table",
    [
        TABLE,
        TABLE[::-1],
        [{**row, "id": 10 + row["id"]} for row in TABLE],
        [{"ipv4-trusthost": "::/0", "ipv6-trusthost": "::/0", **row} for row in TABLE],
        [{name: value for name, value in TABLE[0].items() if name != "type"}, *TABLE[1:]],
        [*TABLE, TABLE[0]],
    ],
    ids=["as sent", "other order", "other ids", "default of the other family", "no type", "repeated"],
)
def test_hosts_are_read_by_what_they_mean(table: Any) -> None:
    assert HOSTS.from_wire({"trusthost": table}) == LIST


@pytest.mark.parametrize(
    "table",
    [
        [{"id": 1}],
        [{"type": "ipv6-trusthost", "ipv4-trusthost": "192.0.2.10/32"}],
        [None],
        ["192.0.2.10"],
        None,
    ],
    ids=["no host", "host of the other family", "no row", "no table", "nothing"],
)
def test_a_table_of_another_form_is_not_usable(table: Any) -> None:
    with pytest.raises(Incomplete, match="trusthost"):
        HOSTS.from_wire({"trusthost": table})


RAW = {
    "name": "a",
    "accprofile": "p",
    "trusthost": TABLE,
    "peer-group": "g",
    "vdom": [{"name": "b"}, {"name": "a"}],
}


@pytest.mark.parametrize(
    ("toggle", "group"), [({"peer-auth": "enable"}, "g"), ({"peer-auth": "disable"}, ""), ({}, "")]
)
def test_a_pki_group_counts_only_while_it_is_switched_on(toggle: dict[str, str], group: str) -> None:
    assert ADMIN.from_wire({**RAW, **toggle})["pki_group"] == group


@pytest.mark.parametrize(
    ("values", "body"),
    [
        ({"pki_group": "g"}, {"peer-group": "g", "peer-auth": "enable"}),
        ({"pki_group": ""}, {"peer-group": "", "peer-auth": "disable"}),
        ({"comments": "c"}, {"comments": "c"}),
        ({"vdoms": ["a", "b"]}, {"vdom": [{"name": "a"}, {"name": "b"}]}),
    ],
)
def test_the_pki_switch_follows_the_group(values: Any, body: Any) -> None:
    assert ADMIN.to_wire(values) == body


def test_vdoms_are_read_in_one_order() -> None:
    assert ADMIN.from_wire(RAW)["vdoms"] == ["a", "b"]


def test_order_and_repetition_of_vdoms_mean_nothing() -> None:
    assert ADMIN.desired({"vdoms": ["b", "a", "b"]}) == {"vdoms": ["a", "b"]}


@pytest.mark.parametrize(
    ("vdoms", "management", "warns"),
    [
        (["plant"], None, "root"),
        (["plant"], "root", "root"),
        (["root"], "mgmt", "mgmt"),
        (["mgmt"], "mgmt", None),
        (["plant", "root"], None, None),
        ([], None, None),
        (None, None, None),
    ],
)
def test_an_admin_without_access_to_the_management_vdom_is_warned_of(
    vdoms: Any, management: str | None, warns: str | None
) -> None:
    warnings = list(warn_of_management_vdom({} if vdoms is None else {"vdoms": vdoms}, management))
    assert len(warnings) == (warns is not None)
    assert all(f'has no access to the management VDOM "{warns}"' in warning for warning in warnings)


@pytest.mark.parametrize("state", ["present", "absent"])
@pytest.mark.parametrize("check_mode", [False, True])
def test_the_warning_comes_with_every_run_that_declares_the_admin(check_mode: bool, state: str) -> None:
    box = MemoryAppliance({"a": {**RAW, "peer-auth": "disable"}}, check_mode=check_mode)
    box.partition = "mgmt"
    outcome = Outcome()
    converge(Task(ADMIN, {"name": "a", "state": state}, box, "fgt", check_mode), outcome)
    warning = 'REST API administrator "a" has no access to the management VDOM "mgmt": FortiOS refuses its'
    assert [each[: len(warning)] for each in outcome.warnings] == ([warning] if state == "present" else [])


@pytest.mark.parametrize(
    ("options", "refused"),
    [
        ({"name": "caf\N{REPLACEMENT CHARACTER}"}, ["name"]),
        ({"name": "caf" + chr(0xDCE9)}, ["name"]),
        ({"name": "a", "profile": chr(0xD800)}, ["profile"]),
        ({"name": "a", "vdoms": ["root", "\N{REPLACEMENT CHARACTER}"]}, ["vdoms"]),
        ({"name": "café", "profile": "名", "comments": "\N{REPLACEMENT CHARACTER}"}, []),
    ],
)
def test_a_name_that_is_not_utf_8_is_refused(options: dict[str, Any], refused: list[str]) -> None:
    says = "has bytes that are not UTF-8, so no request can name the object"
    assert ADMIN.problems(options) == [f"{option} {says}" for option in refused]


def test_a_missing_option_reads_as_its_default() -> None:
    held = ADMIN.from_wire({"name": "a", "accprofile": "p", "trusthost": TABLE})
    assert held == {
        "name": "a",
        "comments": "",
        "profile": "p",
        "trusted_hosts": LIST,
        "vdoms": [],
        "cors_allow_origin": "",
        "pki_group": "",
        "schedule": "",
    }
