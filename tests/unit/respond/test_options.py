# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options that cannot be carried out are refused before anything is decided."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import InvalidOptions
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._respond.approvals import read_approvals
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._respond.catalogue import SCANS
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._respond.rules import (
    Caps,
    Rules,
    hours,
    read_match,
    read_networks,
)

APPROVAL = {
    "address": "192.0.2.7",
    "decision": "block",
    "by": "A. Person",
    "until": "2026-12-01T06:00:00Z",
}


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({}, 'has the engine "None"'),
        ({"engine": "operational", "titles": ["Controller Stop"]}, 'has the engine "operational"'),
        ({"engine": "Malware"}, 'has the engine "Malware"'),
        ({"engine": "malware", "severity": "major"}, 'has the unknown key "severity"'),
        ({"engine": "anomaly"}, "has no titles; list each title of anomaly"),
        ({"engine": "policy_violation", "titles": []}, "has no titles"),
        ({"engine": "anomaly", "titles": ["Port Scan"]}, 'has the title "Port Scan", which is not in'),
        (
            {"engine": "policy_violation", "titles": ["Internet Access Detected"], "offender": "source"},
            'has the title "Internet Access Detected", whose source may not be the offender',
        ),
    ],
)
def test_a_match_that_could_block_an_innocent_device_is_refused(item: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidOptions) as refusal:
        read_match([{"engine": "malware"}, item])
    assert refusal.value.reason.startswith("respond_match, item 2 ")
    assert message in refusal.value.reason


@pytest.mark.parametrize("titles", [None, "EICAR", [1], [""], {"a": 1}])
@pytest.mark.parametrize("key", ["titles", "except"])
def test_titles_that_are_no_list_of_texts_are_refused(key: str, titles: Any) -> None:
    with pytest.raises(InvalidOptions, match=f"respond_match, item 1: {key} is no list of titles"):
        read_match([{"engine": "malware", key: titles}])


def test_titles_are_matched_one_by_one_in_any_spelling_of_case_and_space() -> None:
    rules = Rules(match=read_match([{"engine": "anomaly", "titles": SCANS}]))
    assert rules.matches("anomaly", "port  scan DETECTED")
    assert not rules.matches("anomaly", "ICMP Flooding")
    assert not rules.matches("malware", "Port Scan Detected")


def test_the_exclusions_of_malware_are_the_operators_choice() -> None:
    rules = Rules(match=read_match([{"engine": "malware", "except": ["Malicious URL Path"]}]))
    assert not rules.matches("malware", "Malicious URL Path")
    assert rules.matches("malware", "Backup Activity with Antivirus Signatures")


def test_an_unknown_title_needs_the_statement_that_its_source_is_the_offender() -> None:
    item = {"engine": "anomaly", "titles": ["A new kind of scan"], "offender": "source"}
    assert Rules(match=read_match([item])).matches("anomaly", "A New Kind Of Scan")


@pytest.mark.parametrize(
    "options",
    [
        {"expire": "never"},
        {"ttl": timedelta(seconds=59), "dynamic_ttl": timedelta()},
        {"ttl": timedelta(hours=1), "dynamic_ttl": timedelta(hours=2)},
        {"dynamic_ttl": timedelta(hours=-1)},
        {"maximum": timedelta(hours=3)},
    ],
)
def test_rules_that_contradict_themselves_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidOptions) as refusal:
        Rules(**options)
    assert refusal.value.remedy


@pytest.mark.parametrize(
    ("cap", "message"),
    [
        ({"new": -1}, "max_new is -1"),
        ({"per_hour": -2}, "max_per_hour is -2"),
        ({"entries": -3}, "max_entries is -3"),
        ({"cell_share": 1.1}, "max_cell_share is 1.1"),
        ({"cell_share": -0.1}, "max_cell_share is -0.1"),
    ],
)
def test_a_cap_that_is_no_limit_is_refused_by_its_name(cap: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidOptions, match=message):
        Caps(**cap)


def test_durations_are_shown_in_the_unit_of_their_options() -> None:
    with pytest.raises(
        InvalidOptions, match="in minutes, ttl is 240, dynamic_ttl is -1, and max_duration is"
    ):
        Rules(dynamic_ttl=timedelta(minutes=-1))


@pytest.mark.parametrize(("minutes", "text"), [(60, "1 hour"), (240, "4 hours"), (20, "0.333 hours")])
def test_a_duration_is_readable_in_a_reason(minutes: int, text: str) -> None:
    assert hours(timedelta(minutes=minutes)) == text


@pytest.mark.parametrize("text", ["192.0.2.7/24", "nonsense", "", "::ffff:192.0.2.0/120", "fe80::1%eth0"])
def test_networks_without_host_bits(text: str) -> None:
    with pytest.raises(InvalidOptions, match="respond_protected: "):
        read_networks("respond_protected", [text], "the office")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"address": "192.0.2.0/24"}, 'the address "192.0.2.0/24", which is not the IP address of one host'),
        ({"address": None}, 'the address "None", which is not the IP address of one host'),
        ({"address": "224.0.0.1"}, 'the address "224.0.0.1", which is a multicast address'),
        ({"decision": "allow"}, 'the decision "allow"; use one of never_block, may_block, block'),
        ({"by": " "}, "does not say who decided"),
        ({"by": None}, "does not say who decided"),
        ({"by": ["me"]}, "does not say who decided"),
        ({"until": datetime.max.replace(tzinfo=timezone(timedelta(hours=-1)))}, "which is not a time"),
        ({"until": "tomorrow"}, 'until "tomorrow", which is not a time'),
        ({"until": "2026-12-01"}, 'until "2026-12-01", which is not a time of a day'),
        ({"until": date(2026, 12, 1)}, 'until "2026-12-01", which is not a time of a day'),
        ({"until": None}, 'until "None", which is not a time'),
        ({"reason": "why"}, "use exactly address, decision, by, until"),
    ],
)
def test_approvals_that_leave_a_doubt_are_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidOptions) as refusal:
        read_approvals([{**APPROVAL, **fields}])
    assert refusal.value.reason.startswith("respond_approvals, item 1 ")
    assert message in refusal.value.reason


def test_an_empty_approval_is_refused() -> None:
    with pytest.raises(InvalidOptions, match="of an empty mapping"):
        read_approvals([{}])


@pytest.mark.parametrize("until", ["2026-12-01T07:00:00.5+01:00", datetime(2026, 12, 1, 6, tzinfo=UTC)])
def test_the_end_of_an_approval_is_read_to_the_second(until: Any) -> None:
    (found,) = read_approvals([{**APPROVAL, "until": until}])
    assert found.until == datetime(2026, 12, 1, 6, tzinfo=UTC)
