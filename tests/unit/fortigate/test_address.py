# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The name, the value and the comment of an address object, in both directions."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.resource import Incomplete
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.address import (
    FAMILIES,
    OWNERS,
    Entry,
    comment,
    entry_in,
    member_address,
    object_body,
    object_name,
    own_entry,
    parse_host,
    parse_time,
)
from ansible_collections.otsec.defender_iot.tests.unit.fortigate.memory_gate import GROUP, entry

COMMENT = "defender-iot v1; until=2099-01-01T00:00:00Z; since=2019-01-01T00:00:00Z; owner=manual"
TIMES = st.datetimes().map(lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0"))
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30).map(str.strip)
ENTRIES = st.builds(
    Entry,
    address=st.ip_addresses(),
    until=TIMES,
    since=TIMES,
    owner=st.sampled_from(OWNERS),
    approved_by=TEXT,
    source=TEXT,
    reason=TEXT,
)


@given(ENTRIES)
def test_any_entry_is_read_back_from_its_object(made: Entry) -> None:
    family = FAMILIES[made.address.version == 6]
    row = object_body(family, GROUP, made)
    assert not set(row["comment"]) & set("\"'<>")
    assert row["comment"].isascii()
    assert row["comment"].isprintable()
    assert own_entry(family, GROUP, row) == made
    assert member_address(GROUP, row["name"]) == made.address


@given(TEXT)
def test_any_comment_is_read_or_refused(text: str) -> None:
    found = entry_in(ip_address("192.0.2.7"), text)
    assert found is None or found.until


@pytest.mark.parametrize(
    "text",
    [
        "",
        "made manually",
        COMMENT.replace("v1", "v2"),
        COMMENT.replace("owner=manual", "owner=other"),
        COMMENT.replace("owner=manual", "owner"),
        COMMENT.replace("; owner=manual", ""),
        COMMENT.replace("; since=2019-01-01T00:00:00Z", ""),
        COMMENT.replace("until=2099-01-01", "until=2099-13-01"),
        COMMENT.replace("until=2099-01-01T00:00:00Z", "until=2099-01-01"),
        f"{COMMENT}; colour=red",
        f"{COMMENT}; owner=respond",
    ],
)
def test_another_comment_is_no_entry(text: str) -> None:
    assert entry_in(ip_address("192.0.2.7"), text) is None


def test_a_comment_may_have_gained_space_at_its_ends() -> None:
    assert entry_in(ip_address("192.0.2.7"), f" {COMMENT} ") == entry("192.0.2.7")


def test_a_comment_leaves_out_what_is_empty() -> None:
    assert comment(entry("192.0.2.7")) == COMMENT


@pytest.mark.parametrize(
    ("family", "fields"),
    [
        (0, {"type": "iprange"}),
        (0, {"subnet": "192.0.2.8 255.255.255.255"}),
        (0, {"subnet": "192.0.2.0 255.255.255.0"}),
        (0, {"subnet": "nonsense"}),
        (0, {"subnet": "2001:db8::7/128"}),
        (0, {"subnet": None}),
        (0, {"name": "blocked-192.0.2.07"}),
        (1, {"type": "fqdn"}),
        (1, {"ip6": "2001:db8::/64"}),
        (1, {"name": "blocked-2001:db8::7"}),
    ],
)
def test_an_object_with_another_value_is_no_entry(family: int, fields: dict[str, Any]) -> None:
    made = entry(("192.0.2.7", "2001:db8::7")[family])
    row = {**object_body(FAMILIES[family], GROUP, made), **fields}
    assert own_entry(FAMILIES[family], GROUP, row) is None


def test_an_ipv6_address_is_compared_by_its_value() -> None:
    made = entry("2001:db8::7")
    row = {**object_body(FAMILIES[1], GROUP, made), "ip6": "2001:0DB8:0:0::7/128"}
    assert own_entry(FAMILIES[1], GROUP, row) == made


def test_an_object_without_a_comment_is_incomplete() -> None:
    with pytest.raises(Incomplete):
        own_entry(FAMILIES[0], GROUP, {"name": "blocked-192.0.2.7"})


@pytest.mark.parametrize(
    "name", ["blocked", "blocked-", "blocked-printer", "blocked-192.0.2.07", "192.0.2.7"]
)
def test_another_name_has_no_address(name: str) -> None:
    assert member_address(GROUP, name) is None


def test_a_name_has_safe_characters_only() -> None:
    assert object_name(GROUP, ip_address("2001:db8::7")) == "blocked-2001-db8--7"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        (" ", "is empty"),
        ("plc-7", "is not an IP address"),
        ("192.0.2.0/24", "is a network"),
        ("2001:db8::/64", "is a network"),
        ("fe80::1%eth0", "has a zone"),
        (str(ip_address(0)), "is the unspecified address"),
        ("::", "is the unspecified address"),
        ("127.0.0.1", "is a loopback address"),
        ("::1", "is a loopback address"),
        ("224.0.0.1", "is a multicast address"),
        ("ff02::1", "is a multicast address"),
        ("::ffff:192.0.2.7", "is an IPv4 address written as IPv6"),
        ("255.255.255.255", "is the broadcast address"),
    ],
)
def test_what_is_no_host_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_host(text)


@pytest.mark.parametrize("text", ["192.0.2.7", " 192.0.2.7 ", "192.0.2.7/32", "192.0.2.7/255.255.255.255"])
def test_a_host_may_have_a_full_mask(text: str) -> None:
    assert parse_host(text) == ip_address("192.0.2.7")


@pytest.mark.parametrize(
    "text",
    ["2026-12-01T06:00:00Z", "2026-12-01 06:00", "2026-12-01T07:00:00.5+01:00", "2026-12-01T06:00:00z"],
)
def test_a_time_is_read_in_utc(text: str) -> None:
    assert parse_time(text) == "2026-12-01T06:00:00Z"


@pytest.mark.parametrize("text", ["tomorrow", "9999-12-31T23:59:59-01:00", "0999-01-01"])
def test_another_text_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match=text):
        parse_time(text)
