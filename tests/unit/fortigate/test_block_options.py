# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is refused in the options of a block list before the first request."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import InvalidOptions
from ansible_collections.otsec.defender_iot.tests.unit.fortigate.memory_gate import (
    PAST,
    SOON,
    block_options,
    item,
)


@pytest.mark.parametrize("group", ["", "a b", "a;b", "x" * 40])
def test_a_group_must_be_able_to_begin_a_name(group: str) -> None:
    with pytest.raises(InvalidOptions, match="group is"):
        block_options(group=group)


def test_an_entry_in_a_protected_network_is_refused_with_both() -> None:
    with pytest.raises(InvalidOptions, match=r"entries, item 2: address 192\.0\.2\.7 is protected by 192\.0"):
        block_options("198.51.100.1", "192.0.2.7", protected=["192.0.2.0/24"])


def test_a_protected_host_can_be_released() -> None:
    assert len(block_options(item("192.0.2.7", PAST), protected=["192.0.2.7"])["wanted"]) == 1


def test_a_protected_network_of_the_other_family_protects_nothing() -> None:
    assert len(block_options("192.0.2.7", protected=["::/0"])["wanted"]) == 1


@pytest.mark.parametrize("network", ["::ffff:192.0.2.0/120", "::ffff:192.0.2.7"])
def test_a_protected_network_of_ipv4_in_ipv6_is_refused(network: str) -> None:
    with pytest.raises(InvalidOptions, match="is an IPv4 address or network written as IPv6"):
        block_options(protected=[network])


@pytest.mark.parametrize("until", ["2099-12-01", "20991201", "2099-W49-2", ""])
def test_a_date_without_a_time_is_refused(until: str) -> None:
    with pytest.raises(InvalidOptions, match="is not a time of a day"):
        block_options(item("192.0.2.7", until))


@pytest.mark.parametrize(
    "until", ["2099-12-01T06:00Z", "2099-12-01t06:00:00z", "2099-12-01 06:00", "2099-12-01T07:00:00+01:00"]
)
def test_a_time_may_be_written_in_every_form(until: str) -> None:
    (wanted,) = block_options(item("192.0.2.7", until))["wanted"].values()
    assert wanted["until"] == "2099-12-01T06:00:00Z"


@pytest.mark.parametrize("network", ["192.0.2.7/24", "control-room", "", "fe80::1%eth0"])
def test_a_protected_network_that_is_none_is_refused(network: str) -> None:
    with pytest.raises(InvalidOptions, match="protected:"):
        block_options(protected=[network])


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (item("plc-7"), 'entries, item 1: address "plc-7" is not an IP address'),
        (item("192.0.2.7", "tomorrow"), 'entries, item 1: until "tomorrow" is not a time of a day'),
        (item("192.0.2.7", reason="x" * 200), "would have 29. characters, at most 255"),
        (item("192.0.2.7", since="yesterday"), 'entries, item 1: since "yesterday" is not a time of a day'),
        (item("192.0.2.7", since=SOON), f'entries, item 1: since "{SOON}" is in the future'),
        (item("192.0.2.7", reason="ü" * 40), "characters, at most 255"),
    ],
)
def test_an_entry_that_cannot_be_stored_is_refused(entry: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidOptions, match=message):
        block_options(entry)


def test_an_address_is_declared_once_however_it_is_written() -> None:
    with pytest.raises(InvalidOptions, match="item 2: 2001:db8::7 is listed twice"):
        block_options("2001:db8::7", "2001:DB8:0::7")


def test_texts_lose_the_space_at_their_ends_and_what_is_not_set_stays_unset() -> None:
    (wanted,) = block_options(item("192.0.2.7", reason=" worm "))["wanted"].values()
    assert wanted == {"until": SOON, "reason": "worm"}
