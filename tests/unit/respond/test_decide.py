# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Blocks, renewals and releases over time, approvals, caps, and answers that could not be read."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.moment import as_text
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._respond.entries import (
    LONGEST_SOURCE,
    source_of,
)
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._respond.rules import (
    Caps,
    Rules,
    read_networks,
)
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._respond.texts import length_in_comment
from ansible_collections.otsec.defender_iot.tests.unit.respond.plant import (
    CROWD,
    HOUR,
    MALWARE,
    NOW,
    SENSOR,
    alert,
    approval,
    as_own,
    blocked,
    decided,
    device,
    only,
    own,
    reading,
)

FIXED = Rules(expire="fixed")
MANY = Rules(caps=Caps(100, 100, 100, 1))


def until(found: Any) -> Any:
    """Return how long the only wanted entry still lasts."""
    return found.entries[0]["until"]


# --- new entries --------------------------------------------------------------------------------------------


def test_a_new_entry_says_why_and_until_when() -> None:
    found = decided(reading([alert()]))
    assert found.entries == [
        {
            "address": "192.0.2.7",
            "until": as_text(NOW + 4 * HOUR),
            "reason": f'"{MALWARE}" from "host-7" (type "Workstation")',
            "source": "sensor-north alert 101",
            "owner": "respond",
        }
    ]
    assert only(found) == (
        "block",
        f'until 2026-11-27T16:00:00Z: "{MALWARE}" from "host-7" (type "Workstation")',
    )
    assert (found.outcome, found.counts["block"], found.unread) == ("decided", 1, [])


def test_several_alerts_about_one_address_are_one_entry_and_a_row_each() -> None:
    older = alert(100, at=NOW - HOUR)
    found = decided(reading([older, alert(102), alert(101)]))
    assert [(each["address"], each["source"]) for each in found.entries] == [
        ("192.0.2.7", f"{SENSOR} alert 102")
    ]
    assert [each.decision for each in found.decisions] == ["block"] * 3
    assert found.counts["block"] == 1


def test_a_handled_alert_is_no_candidate_even_if_it_is_also_listed_as_unhandled() -> None:
    found = decided(reading([alert()], [alert()]))
    assert (found.entries, found.decisions) == ([], [])


@pytest.mark.parametrize(("dynamic_ttl", "lasts"), [(HOUR, HOUR), (timedelta(), None)])
def test_a_dynamic_address_is_blocked_briefly_or_not_at_all(dynamic_ttl: Any, lasts: Any) -> None:
    found = decided(
        reading([alert()], devices=[device(has_dynamic_address=True)]), rules=Rules(dynamic_ttl=dynamic_ttl)
    )
    if lasts is None:
        assert only(found) == ("none", "192.0.2.7 is a dynamic address")
    else:
        assert until(found) == as_text(NOW + lasts)


def test_the_texts_of_an_entry_fit_into_a_comment() -> None:
    title = "Überraschung <\"'> " * 20
    found = decided(reading([alert(title=title)], sensor="s" * 70), approvals=[approval("may_block")])
    (entry,) = found.entries
    texts = (entry["source"], entry["reason"], entry["approved_by"])
    assert sum(map(length_in_comment, texts)) <= 120
    assert all(texts)


def test_a_source_that_does_not_fit_into_a_comment_blocks_nothing() -> None:
    long = "x" * LONGEST_SOURCE
    assert source_of(long, 1) is None
    assert only(decided(reading([alert(long)])))[1].startswith("the names of sensor and alert do not fit")


# --- time ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left", "decision", "lasts"),
    [
        (3 * HOUR, "keep", 3 * HOUR),
        (2 * HOUR, "keep", 2 * HOUR),
        (2 * HOUR - timedelta(seconds=1), "renew", 4 * HOUR),
        (-HOUR, "renew", 4 * HOUR),
    ],
)
def test_an_entry_is_renewed_when_less_than_half_of_its_time_is_left(
    left: timedelta, decision: str, lasts: timedelta
) -> None:
    entry = own(until=as_text(NOW + left))
    found = decided(reading([alert(at=NOW - 2 * HOUR)]), entries=[entry])
    assert only(found)[0] == decision
    assert until(found) == as_text(NOW + lasts)


def test_an_alert_blocks_at_most_for_the_maximum() -> None:
    started = NOW - 166 * HOUR
    unhandled = reading([alert(at=started)])
    entry = own(since=as_text(started), until=as_text(NOW + HOUR))
    found = decided(unhandled, entries=[entry])
    assert (only(found)[0], until(found)) == ("renew", as_text(NOW + 2 * HOUR))
    again = as_own(found, earlier=[entry])
    assert only(decided(unhandled, entries=again, now=NOW + HOUR))[0] == "keep"
    after = decided(unhandled, entries=again, now=NOW + 3 * HOUR)
    assert only(after) == (
        "release",
        "the alert or the block is older than the maximum, 168 hours; a person must approve a block",
    )
    assert only(decided(unhandled, now=NOW + 4 * HOUR))[0] == "none"


def pursued(
    days: int, *alerts: int, rules: Rules = MANY, every: timedelta = HOUR, **fields: Any
) -> list[int]:
    """Let alerts whose time moves with their traffic go on. Return the hours in which the host is blocked."""
    entries: list[Any] = []
    ended: Any = ()
    hours = []
    for number in range(days * 24):
        now = NOW + number * every
        rows = [alert(each, at=now, **fields) for each in alerts]
        unread = number % 24 == 7
        devices = (
            None
            if unread
            else [device(has_dynamic_address=fields.get("source") == 8, id=fields.get("source", 7))]
        )
        found = decided(reading(rows, devices=devices), entries=entries, rules=rules, now=now, ended=ended)
        entries, ended = as_own(found, now, entries), found.ended
        hours += [number] if entries else []
    return hours


@pytest.mark.parametrize("alerts", [(101,), (101, 102)])
def test_the_maximum_counts_from_the_first_block_if_the_time_of_the_alert_moves(alerts: Any) -> None:
    assert pursued(10, *alerts) == list(range(7 * 24))


def test_a_fixed_block_ends_even_if_the_time_of_the_alert_moves() -> None:
    assert pursued(2, 101, rules=Rules(expire="fixed", caps=MANY.caps)) == list(range(4))


def test_the_ttl_of_a_dynamic_address_is_its_maximum() -> None:
    assert pursued(1, 101, source=8, every=HOUR / 4) == [0, 1, 2, 3]


def test_an_ended_alert_is_forgotten_only_if_its_sensor_no_longer_lists_it() -> None:
    mark = (SENSOR, "101")
    open_alert, reason = reading([alert()]), "the alert has blocked it for as long as it may without a person"
    found = decided(open_alert, ended=[mark])
    assert (found.ended, only(found)[0]) == ([mark], "none")
    assert only(found)[1].startswith(reason)
    assert decided(reading(None), ended=[mark]).ended == [mark]
    assert decided(reading(handled=[alert()]), ended=[mark]).ended == []
    assert decided(reading(), ended=[mark]).ended == []
    assert decided(open_alert, ended=[("sensor-gone", "101")]).ended == []


def test_a_new_alert_or_a_person_blocks_after_an_ended_alert() -> None:
    ended = [(SENSOR, "101")]
    found = decided(reading([alert(), alert(102)]), ended=ended)
    assert found.entries[0]["source"] == f"{SENSOR} alert 102"
    assert blocked(decided(reading([alert()]), approvals=[approval("may_block")], ended=ended))
    entry = own(since=as_text(NOW - 167 * HOUR), until=as_text(NOW + HOUR))
    assert only(decided(reading([alert()]), entries=[entry], ended=ended))[0] == "keep"


def test_a_person_lifts_the_maximum() -> None:
    old = reading([alert(at=NOW - 1000 * HOUR)])
    found = decided(old, approvals=[approval("may_block")])
    assert (until(found), found.entries[0]["approved_by"]) == (as_text(NOW + 4 * HOUR), "A. Person")


def test_a_fixed_block_ends_with_its_alert_and_does_not_return() -> None:
    unhandled = reading([alert()])
    entries = as_own(decided(unhandled, rules=FIXED))
    for hours, decision in ((1, "keep"), (3.9, "keep"), (4, "release")):
        now = NOW + hours * HOUR
        assert only(decided(unhandled, entries=entries, rules=FIXED, now=now))[0] == decision
    later = decided(unhandled, rules=FIXED, now=NOW + 5 * HOUR)
    assert only(later) == (
        "none",
        "the alert or the block is older than ttl, 4 hours; a person must approve a block",
    )


def test_a_newer_alert_continues_a_fixed_block() -> None:
    entry = own(since=as_text(NOW - 3 * HOUR), until=as_text(NOW + HOUR))
    unhandled = reading([alert(at=NOW - 3 * HOUR), alert(102, at=NOW - HOUR)])
    found = decided(unhandled, entries=[entry], rules=FIXED)
    assert (until(found), found.entries[0]["source"]) == (as_text(NOW + 3 * HOUR), f"{SENSOR} alert 102")
    assert found.entries[0]["address"] == "192.0.2.7"


@pytest.mark.parametrize("hours", [-12, 12, 23])
def test_a_wrong_clock_of_the_sensor_changes_no_end(hours: int) -> None:
    found = decided(reading([alert(at=NOW + hours * HOUR)]))
    assert until(found) == as_text(NOW + 4 * HOUR)


@pytest.mark.parametrize(
    ("answers", "approvals", "decision", "lasts"),
    [
        ({"unhandled": [alert()]}, [], "renew", 4 * HOUR),
        ({"unhandled": [alert(at=NOW - 166 * HOUR)]}, [], "renew", 2 * HOUR),
        ({"unhandled": [alert(at=NOW - 169 * HOUR)]}, [], "release", None),
        ({"unhandled": [alert(at=NOW - 169 * HOUR)]}, [approval("may_block")], "renew", 4 * HOUR),
        ({"unhandled": []}, [], "renew", 4 * HOUR),
        ({"unhandled": None}, [], "renew", 4 * HOUR),
    ],
)
def test_an_end_written_by_a_clock_that_was_ahead_is_bounded(
    answers: dict[str, Any], approvals: Any, decision: str, lasts: timedelta | None
) -> None:
    entry = own(until=as_text(NOW + 168 * HOUR + timedelta(seconds=1)))
    found = decided(reading(**answers), entries=[entry], approvals=approvals)
    assert only(found)[0] == decision
    assert [each["until"] for each in found.entries] == ([as_text(NOW + lasts)] if lasts else [])
    assert "the maximum" in only(found)[1]
    again = decided(reading(**answers), entries=as_own(found), approvals=approvals)
    assert [each.decision for each in again.decisions] == ["keep" if lasts else "none"]


def test_the_longest_end_that_a_run_grants_is_kept() -> None:
    entry = own(until=as_text(NOW + 168 * HOUR))
    assert only(decided(reading([]), entries=[entry]))[0] == "keep"


@pytest.mark.parametrize("days", [-400, -20, 20, 400])
def test_a_known_skew_is_corrected(days: int) -> None:
    skew = timedelta(days=days)
    assert blocked(decided(reading([alert(at=NOW + skew)], skew=skew)))


def test_a_time_that_cannot_be_corrected_blocks_nothing() -> None:
    found = decided(reading([alert(time="0001-01-01T00:00:00Z")], skew=timedelta(days=1)))
    assert only(found)[1] == "the time of the alert cannot be read"


# --- releases -----------------------------------------------------------------------------------------------


def test_handling_the_alert_releases_the_address() -> None:
    for rules in (Rules(), FIXED):
        found = decided(reading([], [alert()]), entries=[own()], rules=rules)
        assert (found.entries, only(found)) == (
            [],
            ("release", "alert 101 was handled on sensor sensor-north"),
        )


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ({"unhandled": None}, "the alerts of sensor sensor-north could not be read"),
        ({"unhandled": None, "handled": None}, "the alerts of sensor sensor-north could not be read"),
        ({"unhandled": []}, "sensor sensor-north no longer lists alert 101"),
        ({"unhandled": [], "handled": None}, "sensor sensor-north no longer lists alert 101"),
        (
            {"unhandled": [alert(102, 8)], "devices": [device(), device(8)]},
            "sensor sensor-north no longer lists",
        ),
        ({"sensor": "sensor-new"}, 'its source "sensor-north alert 101" is no alert of this site'),
        ({"unhandled": [alert(source=999)]}, "the alert's source device is not in the inventory"),
        (
            {"unhandled": [alert()], "devices": [device(ip_addresses=None)]},
            'device "host-7" has 0 IP addresses',
        ),
        ({"unhandled": [alert(message="multiple violations")]}, "it represents several violations"),
    ],
)
def test_without_proof_an_entry_stays_until_its_end_and_is_not_renewed(
    answers: dict[str, Any], why: str
) -> None:
    for left, decision in ((HOUR, "keep"), (timedelta(), "release")):
        entry = own(until=as_text(NOW + left))
        found = decided(reading(**answers), entries=[entry], rules=MANY)
        row = next(each for each in found.decisions if each.address == "192.0.2.7")
        assert row.decision == decision
        assert why in row.reason
        kept = [each for each in found.entries if each["address"] == "192.0.2.7"]
        assert [each["until"] for each in kept] == ([entry["until"]] if decision == "keep" else [])


def test_without_sensors_nothing_is_blocked_and_nothing_is_released() -> None:
    assert blocked(decided(entries=[own()])) == ["192.0.2.7"]


def test_a_device_with_a_new_address_takes_its_block_along() -> None:
    moved = reading(
        [alert()], devices=[device(ip_addresses=["192.0.2.9"]), device(8, ip_addresses=["192.0.2.7"])]
    )
    found = decided(moved, entries=[own()])
    rows = [(each.address, each.decision, each.device) for each in found.decisions]
    assert rows == [("192.0.2.7", "release", 7), ("192.0.2.9", "block", 7)]
    assert found.decisions[0].reason == "the device of the alert now has the address 192.0.2.9"


@pytest.mark.parametrize("kind", ["PLC", "HMI", "Unknown", "Domain Controller"])
@pytest.mark.parametrize("unhandled", [[alert()], [], None])
def test_a_device_that_turns_out_to_be_none_to_block_is_released(kind: str, unhandled: Any) -> None:
    found = decided(reading(unhandled, devices=[device(type=kind)]), entries=[own()])
    assert (found.entries, only(found)[0]) == ([], "release")


@pytest.mark.parametrize("unhandled", [[alert()], [], None])
def test_an_entry_that_is_now_protected_is_released(unhandled: Any) -> None:
    rules = Rules(protected=read_networks("protected", ["192.0.2.0/24"], "the office"))
    found = decided(reading(unhandled), entries=[own()], rules=rules)
    assert only(found) == ("release", "192.0.2.7 is protected: the office")


def test_an_alert_that_no_rule_matches_any_more_releases_the_address() -> None:
    assert only(decided(reading([alert()]), entries=[own()], rules=Rules(match=())))[0] == "release"


def test_a_device_that_became_dynamic_is_released_if_none_may_be_blocked() -> None:
    dynamic = reading([alert()], devices=[device(has_dynamic_address=True)])
    assert only(decided(dynamic, entries=[own()], rules=Rules(dynamic_ttl=timedelta())))[0] == "release"


def test_another_unhandled_alert_keeps_the_address_blocked() -> None:
    entry = own(until=as_text(NOW + HOUR))
    found = decided(reading([alert(102, at=NOW - 30 * HOUR)], [alert()]), entries=[entry])
    assert [(each.alert, each.decision) for each in found.decisions] == [("101", "renew"), (102, "renew")]
    assert found.entries[0]["source"] == f"{SENSOR} alert 102"


# --- answers that could not be read -------------------------------------------------------------------------


@pytest.mark.parametrize("devices", [None, []])
def test_without_devices_nothing_new_is_blocked_at_the_whole_site(devices: Any) -> None:
    found = decided(
        reading([alert()], devices=devices), reading([alert()], devices=[device(8)], sensor="sensor-south")
    )
    assert (found.entries, found.outcome, found.unread) == ([], "unreadable", [(SENSOR, "devices")])
    other = reading([alert(source=8)], devices=[device(8)], sensor="sensor-south")
    found = decided(reading([alert()], devices=devices), other)
    assert not found.entries
    assert found.decisions[-1].reason.startswith("the devices of sensor sensor-north could not be read")


def test_without_devices_an_open_alert_still_renews_its_entry_briefly() -> None:
    entry = own(until=as_text(NOW + timedelta(minutes=20)))
    blind = reading([alert()], devices=None)
    found = decided(blind, entries=[entry])
    assert (only(found)[0], until(found)) == ("renew", as_text(NOW + HOUR))
    assert found.entries[0]["reason"] == entry["reason"]
    found = decided(blind, entries=[own(approved_by="A. Person")], approvals=[approval("may_block")])
    assert only(found)[0] == "keep"
    found = decided(blind, entries=[entry], rules=Rules(dynamic_ttl=timedelta()))
    assert until(found) == as_text(NOW + 4 * HOUR)


def test_unreadable_handled_alerts_are_reported() -> None:
    found = decided(reading([alert()], None))
    assert blocked(found) == ["192.0.2.7"]
    assert (found.outcome, found.unread) == ("unreadable", [(SENSOR, "handled alerts")])


# --- approvals ----------------------------------------------------------------------------------------------


def test_a_person_may_approve_what_no_rule_allows() -> None:
    hmi = reading([alert()], devices=[device(type="HMI")])
    found = decided(hmi, approvals=[approval("may_block")])
    assert (blocked(found), found.entries[0]["approved_by"]) == (["192.0.2.7"], "A. Person")
    assert not blocked(decided(hmi, approvals=[approval("may_block", until=NOW)]))
    assert not blocked(decided(reading(devices=[device(type="HMI")]), approvals=[approval("may_block")]))


def test_a_person_orders_a_block_without_an_alert() -> None:
    plc = reading(devices=[device(type="PLC")])
    found = decided(plc, approvals=[approval("block")])
    assert found.entries == [
        {
            "address": "192.0.2.7",
            "until": "2026-11-28T12:00:00Z",
            "reason": "approved",
            "source": "respond_approvals",
            "owner": "respond",
            "approved_by": "A. Person",
        }
    ]
    assert only(found) == ("block", 'until 2026-11-28T12:00:00Z: decided by "A. Person"')
    second = decided(plc, entries=as_own(found), approvals=[approval("block")])
    assert (only(second)[0], second.entries) == ("keep", found.entries)


def test_a_later_end_of_an_ordered_block_is_taken_over_and_its_removal_releases() -> None:
    entry = as_own(decided(reading(), approvals=[approval("block")]))
    found = decided(reading(), entries=entry, approvals=[approval("block", until=NOW + 48 * HOUR)])
    assert (only(found)[0], until(found)) == ("renew", as_text(NOW + 48 * HOUR))
    assert only(decided(reading(), entries=entry)) == (
        "release",
        "its approval has ended or was removed",
    )


def test_an_alert_takes_over_from_an_ended_order() -> None:
    entry = as_own(decided(reading(), approvals=[approval("block")]))
    found = decided(reading([alert()]), entries=entry)
    assert (until(found), found.entries[0]["source"]) == (as_text(NOW + 4 * HOUR), f"{SENSOR} alert 101")
    assert "approved_by" not in found.entries[0]


def test_an_alert_that_is_too_old_does_not_take_over() -> None:
    entry = as_own(decided(reading(), approvals=[approval("block")]))
    old = reading([alert(at=NOW - 200 * HOUR)])
    assert decided(old, entries=entry).counts["release"] == 1
    moving = decided(reading([alert(at=NOW + 200 * HOUR)]), entries=entry, now=NOW + 200 * HOUR)
    assert (moving.counts["release"], moving.ended) == (1, [(SENSOR, "101")])


@pytest.mark.parametrize("decision", ["block", "may_block"])
def test_no_approval_overrides_protection(decision: str) -> None:
    rules = Rules(protected=read_networks("protected", ["192.0.2.7"], "the DNS server"))
    found = decided(reading([alert()]), rules=rules, approvals=[approval(decision)])
    assert not found.entries


def test_a_refusal_beats_every_other_decision_about_the_address() -> None:
    approvals = [approval("never_block"), approval("block"), approval("may_block")]
    for order in (approvals, approvals[::-1]):
        found = decided(reading([alert()]), entries=[own()], approvals=order)
        assert only(found) == ("release", '192.0.2.7 is never blocked: decided by "A. Person"')


def test_of_two_equal_approvals_the_later_end_counts() -> None:
    found = decided(reading(), approvals=[approval("block"), approval("block", until=NOW + 48 * HOUR)])
    assert until(found) == as_text(NOW + 48 * HOUR)


# --- entries of others --------------------------------------------------------------------------------------


def test_an_entry_of_an_operator_is_neither_released_nor_doubled() -> None:
    manual = own(owner="manual", source="")
    found = decided(reading([alert()]), entries=[manual])
    assert (found.entries, only(found)) == (
        [],
        ("none", "an entry of the owner manual already blocks 192.0.2.7"),
    )
    assert decided(reading([], [alert()]), entries=[manual]).decisions == []


def test_the_copies_of_an_entry_on_several_fortigates_are_one() -> None:
    later = own(until=as_text(NOW + 4 * HOUR), since=as_text(NOW - HOUR))
    found = decided(reading([alert()]), entries=[own(), later, own(owner="manual")])
    assert (len(found.decisions), until(found)) == (1, later["until"])


# --- caps ---------------------------------------------------------------------------------------------------


def storm(count: int) -> Any:
    """Return the answers of a sensor on which this many devices of the crowd raise an alert."""
    return reading([alert(each["id"], each["id"]) for each in CROWD[:count]])


@pytest.mark.parametrize(
    ("caps", "sentence"),
    [
        (Caps(new=5, cell_share=1), "6 addresses would be blocked in one run, at most 5 may be"),
        (
            Caps(new=9, per_hour=6, cell_share=1),
            "7 addresses would be blocked within an hour, at most 6 may be",
        ),
        (
            Caps(new=9, entries=7, cell_share=1),
            "8 addresses would be blocked at the same time, at most 7 may be",
        ),
        (
            Caps(new=9, cell_share=0.17),
            "7 of 41 devices of sensor sensor-north would be blocked, at most 6 may be",
        ),
    ],
)
def test_a_storm_stops_every_new_block_but_no_renewal_and_no_release(caps: Caps, sentence: str) -> None:
    entries = [
        own(until=as_text(NOW + HOUR), since=as_text(NOW - HOUR / 2)),
        own(200, source="other alert 1"),
    ]
    unhandled = storm(6)
    unhandled.unhandled.append(alert(at=NOW - HOUR))
    found = decided(unhandled, entries=entries, rules=Rules(caps=caps))
    assert (found.exceeded, found.outcome) == ([sentence], "capped")
    assert blocked(found) == ["192.0.2.7", "192.0.2.200"]
    decisions = [each.decision for each in found.decisions]
    assert (decisions.count("renew"), decisions.count("none")) == (1, 6)
    assert found.decisions[-1].reason == f"every new block of this run was stopped: {sentence}"


@pytest.mark.parametrize(("since", "outcome"), [(NOW - HOUR / 2, "capped"), (NOW + 48 * HOUR, "decided")])
def test_an_entry_from_a_clock_that_was_ahead_is_not_of_the_last_hour(since: datetime, outcome: str) -> None:
    unhandled = storm(6)
    unhandled.unhandled.append(alert(at=NOW - HOUR))
    caps = Caps(new=9, per_hour=6, cell_share=1)
    entry = own(until=as_text(NOW + 49 * HOUR), since=as_text(since))
    assert decided(unhandled, entries=[entry], rules=Rules(caps=caps)).outcome == outcome


def test_as_many_as_the_caps_allow_are_blocked() -> None:
    assert len(decided(storm(6), rules=Rules(caps=Caps(6, 6, 6, 0.15))).entries) == 6


@pytest.mark.parametrize(("share", "outcome"), [(0.5, "decided"), (0.2, "capped"), (0, "capped")])
def test_a_declared_cell_has_its_own_share(share: float, outcome: str) -> None:
    cells = read_networks("cells", ["192.0.2.0/29"], "press")
    devices = [device(each) for each in range(2, 6)]
    alerts = [alert(each, each) for each in (2, 3)]
    rules = Rules(cells=cells, caps=Caps(cell_share=share))
    assert decided(reading(alerts, devices=devices), rules=rules).outcome == outcome
    assert decided(reading(alerts[:1], devices=devices), rules=rules).outcome == "decided"


def test_an_ordered_block_of_an_address_that_no_sensor_knows_has_no_cell() -> None:
    assert blocked(decided(reading(), approvals=[approval("block", 250)])) == ["192.0.2.250"]


def test_devices_that_are_no_hosts_do_not_enlarge_a_cell() -> None:
    others = [device(each, "Multicast/Broadcast", ip_addresses=[f"224.0.0.{each}"]) for each in range(2, 50)]
    internet = device(60, "Internet", ip_addresses=[f"9.9.9.{each}" for each in range(100)])
    crowd = reading(storm(5).unhandled, devices=[*others, internet])
    assert decided(crowd).exceeded == [
        "5 of 40 devices of sensor sensor-north would be blocked, at most 4 may be"
    ]


# --- the second run -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 4, 6])
def test_the_second_decision_is_silent(count: int) -> None:
    first = decided(storm(count))
    second = decided(storm(count), entries=as_own(first))
    assert second.entries == first.entries
    assert not {"block", "renew", "release"} & {each.decision for each in second.decisions}
