# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rollouts: what may be declared, which appliances come after which, when to stop, and the window."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.filter.rollout import FilterModule, rollout_stop_reason
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._rollout.batches import (
    batches,
    errors,
    stop_reason,
)
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._rollout.window import (
    is_open,
    window_errors,
)

SITES = {
    "north": ["fgt-north", "sensor-north", "forescout-north"],
    "south": ["fgt-south", "sensor-south"],
    "east": ["fgt-east"],
    "west": ["fgt-west"],
}
GROUPS = {**SITES, "empty": []}
# In the order of a play: FortiGates, sensors, platforms.
HOSTS = sorted(
    (host for hosts in SITES.values() for host in hosts),
    key=lambda host: ("fgt", "sensor", "forescout").index(host.partition("-")[0]),
)
HOSTVARS: dict[str, dict[str, Any]] = {
    host: {"defender_iot_site": site} for site, hosts in SITES.items() for host in hosts
}
HOSTVARS["forescout-north"]["forescout_module_sensor"] = "sensor-north"
NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
WEEKLY = {"days": ["sat"], "hours": "22:00-04:00", "zone": "Europe/Zurich"}
NO_DAYS = "rollout.window.days is not a list of mon, tue, wed, thu, fri, sat, sun."
ONCE = {"start": "2026-12-01T22:00:00+01:00", "end": "2026-12-02T04:00:00+01:00"}


def planned(rollout: dict[str, Any], hosts: list[str] | None = None) -> list[set[str]]:
    """Return the hosts of each batch."""
    return [set(batch["hosts"]) for batch in batches(rollout, hosts or HOSTS, GROUPS, HOSTVARS)]


def errors_as_text(rollout: Any) -> str:
    """Return the errors of a rollout as one text."""
    return " ".join(errors(rollout, HOSTS, GROUPS, HOSTVARS))


def reason(rollout: dict[str, Any], host: str, failed: set[str], now: datetime = NOW) -> str:
    """Return why the batch of a host must not start after these hosts failed."""
    hostvars = {host: {"defender_iot_done": sorted(set(HOSTS) - failed)} for host in HOSTS}
    return stop_reason(rollout, batches(rollout, HOSTS, GROUPS, HOSTVARS), host, hostvars, now)


def at(text: str) -> datetime:
    """Return a time in Zurich's winter."""
    return datetime.fromisoformat(f"{text}+01:00")


def test_a_valid_rollout_has_no_errors() -> None:
    assert (
        errors_as_text({"canary": ["north"], "serial": [1, "25%"], "max_fail_percentage": 20, "window": ONCE})
        == ""
    )
    assert errors_as_text({}) == ""
    assert errors_as_text({"window": WEEKLY}) == ""
    assert errors_as_text({"max_fail_percentage": 0.5, "serial": ["1%"]}) == ""


@pytest.mark.parametrize(
    ("rollout", "sentence"),
    [
        (
            "north",
            "rollout is not a mapping; its options are canary, max_fail_percentage, serial and window.",
        ),
        (
            {"serail": [1]},
            'rollout has no option "serail"; its options are canary, max_fail_percentage, serial and window.',
        ),
        ({"canary": "north"}, "rollout.canary is not a list of inventory groups."),
        ({"canary": ["nort"]}, 'rollout.canary: the inventory has no group "nort" with hosts.'),
        ({"canary": ["empty"]}, 'rollout.canary: the inventory has no group "empty" with hosts.'),
        ({"serial": 1}, 'rollout.serial is not a list such as [1, "25%", "100%"].'),
        ({"serial": []}, 'rollout.serial is not a list such as [1, "25%", "100%"].'),
        *(
            (
                {"serial": [step]},
                f'rollout.serial: "{step}" is neither a number of sites nor a percentage from 1% to 100%.',
            )
            for step in (0, -1, 1.5, "0%", "101%", "1.5%", "all", True)
        ),
        ({"max_fail_percentage": 101}, "rollout.max_fail_percentage is not a number from 0 to 100."),
        ({"max_fail_percentage": -1}, "rollout.max_fail_percentage is not a number from 0 to 100."),
        ({"max_fail_percentage": "20"}, "rollout.max_fail_percentage is not a number from 0 to 100."),
        ({"window": {}}, "rollout.window has either start and end, or days, hours and zone."),
        ({"window": "night"}, "rollout.window has either start and end, or days, hours and zone."),
    ],
)
def test_a_fault_is_named_in_a_sentence(rollout: Any, sentence: str) -> None:
    assert errors_as_text(rollout) == sentence


def test_every_fault_is_named_at_once() -> None:
    assert len(errors({"a": 1, "canary": [1, 2], "serial": [0], "window": 1}, HOSTS, GROUPS, HOSTVARS)) == 5


def test_a_ramp_needs_the_site_of_every_appliance() -> None:
    hostvars = {**HOSTVARS, "fgt-east": {}, "fgt-west": {"defender_iot_site": ""}}
    (sentence,) = errors({"serial": [1]}, HOSTS, GROUPS, hostvars)
    assert sentence == "rollout.serial counts sites, but defender_iot_site is not set for fgt-east, fgt-west."
    assert errors({"canary": ["north"]}, HOSTS, GROUPS, hostvars) == []


@pytest.mark.parametrize(
    ("window", "sentence"),
    [
        (
            {**ONCE, "start": "2026-12-01T22:00:00"},
            'rollout.window.start is "2026-12-01T22:00:00", which is not a time with a zone such as '
            "2026-12-01T22:00:00+01:00.",
        ),
        (
            {**ONCE, "end": "tomorrow"},
            'rollout.window.end is "tomorrow", which is not a time with a zone such as '
            "2026-12-01T22:00:00+01:00.",
        ),
        ({"start": ONCE["end"], "end": ONCE["start"]}, "rollout.window.end is not after its start."),
        ({**WEEKLY, "days": ["saturday"]}, NO_DAYS),
        ({**WEEKLY, "days": "sat"}, NO_DAYS),
        *(
            (
                {**WEEKLY, "hours": hours},
                f'rollout.window.hours is "{hours}", which is not a range such as 22:00-04:00.',
            )
            for hours in (79200, "22:00-22:00", "22:00-24:00", "22-04")
        ),
        *(
            (
                {**WEEKLY, "zone": zone},
                f'rollout.window.zone is "{zone}", which is not a time zone on the control node.',
            )
            for zone in ("Zurich", "../etc", "Europe")
        ),
    ],
)
def test_a_fault_of_a_window_is_named_in_a_sentence(window: Any, sentence: str) -> None:
    assert window_errors(window) == [sentence]


def test_a_time_without_quotes_is_valid() -> None:
    window = {name: datetime.fromisoformat(value) for name, value in ONCE.items()}
    assert window_errors(window) == []
    assert is_open(window, at("2026-12-02T03:59:59"))


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-12-01T21:59:59", False),
        ("2026-12-01T22:00:00", True),
        ("2026-12-02T03:59:59", True),
        ("2026-12-02T04:00:00", False),
    ],
)
def test_a_window_is_open_from_its_start_until_before_its_end(moment: str, expected: bool) -> None:
    assert is_open(ONCE, at(moment)) is expected


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-12-04T23:00:00", False),  # Friday
        ("2026-12-05T03:00:00", False),
        ("2026-12-05T22:00:00", True),  # Saturday
        ("2026-12-06T03:59:59", True),
        ("2026-12-06T04:00:00", False),
        ("2026-12-06T22:00:00", False),
    ],
)
def test_hours_over_midnight_belong_to_the_day_on_which_they_begin(moment: str, expected: bool) -> None:
    assert is_open(WEEKLY, at(moment)) is expected


@pytest.mark.parametrize(
    ("clock", "expected"), [("07:59", False), ("08:00", True), ("11:59", True), ("12:00", False)]
)
def test_hours_within_a_day_begin_and_end_on_it(clock: str, expected: bool) -> None:
    assert is_open({**WEEKLY, "hours": "08:00-12:00"}, at(f"2026-12-05T{clock}")) is expected


def test_without_options_all_appliances_are_one_batch() -> None:
    (batch,) = batches({}, HOSTS, GROUPS, HOSTVARS)
    assert batch == {"hosts": HOSTS, "canary": False}


def test_the_canary_comes_first_and_everything_else_at_once() -> None:
    first, rest = batches({"canary": ["north"]}, HOSTS, GROUPS, HOSTVARS)
    assert first == {"hosts": ["fgt-north", "sensor-north", "forescout-north"], "canary": True}
    assert rest["canary"] is False
    assert set(rest["hosts"]) == {"fgt-south", "sensor-south", "fgt-east", "fgt-west"}


def test_a_ramp_takes_whole_sites_and_its_last_step_repeats() -> None:
    assert planned({"serial": [1]}) == [set(hosts) for hosts in SITES.values()]
    assert list(map(len, planned({"serial": [1, "50%"]}))) == [3, 3, 1]
    assert list(map(len, planned({"canary": ["north"], "serial": ["1%", 9]}))) == [3, 2, 2]


def test_within_a_batch_sensors_come_before_platforms() -> None:
    (batch,) = batches({"serial": ["100%"]}, HOSTS, GROUPS, HOSTVARS)
    assert batch["hosts"].index("sensor-north") < batch["hosts"].index("forescout-north")


def test_a_platform_waits_for_its_sensor() -> None:
    hostvars = {
        **HOSTVARS,
        "forescout-north": {**HOSTVARS["forescout-north"], "forescout_module_sensor": "sensor-south"},
    }
    divided = batches({"canary": ["north"]}, HOSTS, GROUPS, hostvars)
    assert ["forescout-north" in batch["hosts"] for batch in divided] == [False, True]


def test_a_limited_run_keeps_its_canary() -> None:
    left = ["sensor-north", "fgt-south"]
    assert planned({"canary": ["north"]}, left) == [{"sensor-north"}, {"fgt-south"}]
    assert batches({"canary": ["north"]}, ["fgt-south"], GROUPS, HOSTVARS) == [
        {"hosts": ["fgt-south"], "canary": False}
    ]


def test_one_failure_in_the_canary_stops_the_rollout() -> None:
    rollout = {"canary": ["north"], "max_fail_percentage": 100}
    assert reason(rollout, "fgt-north", set(HOSTS)) == ""
    assert (
        reason(rollout, "fgt-south", {"sensor-north"})
        == "1 of 3 appliances of the canary failed: sensor-north"
    )
    assert reason(rollout, "fgt-south", {"fgt-west"}) == ""


def test_a_batch_stops_the_rollout_when_more_failed_than_may() -> None:
    rollout = {"serial": ["50%"], "max_fail_percentage": 20}
    assert reason(rollout, "fgt-east", {"fgt-north"}) == ""
    assert (
        reason(rollout, "fgt-east", {"fgt-north", "fgt-south"})
        == "2 of 5 appliances of a batch failed: fgt-north, fgt-south"
    )
    assert reason({**rollout, "max_fail_percentage": 19}, "fgt-east", {"fgt-north"}) != ""
    assert reason({"serial": ["50%"]}, "fgt-east", set(HOSTS)) == ""


def test_a_batch_does_not_begin_outside_the_window() -> None:
    assert reason({"window": ONCE}, "fgt-north", set(), at("2026-12-01T23:00:00")) == ""
    assert reason({"window": ONCE}, "fgt-north", set(), at("2026-12-02T05:00:00")) == (
        "the maintenance window is from 2026-12-01T22:00:00+01:00 to 2026-12-02T04:00:00+01:00, "
        "and the time is 2026-12-02T05:00:00+01:00"
    )
    assert reason({"window": WEEKLY}, "fgt-north", set()) == (
        "the maintenance window is 22:00-04:00 (Europe/Zurich) on sat, "
        "and the time is 2026-12-01T12:00:00+00:00"
    )


def test_the_filter_uses_the_current_time() -> None:
    long = {"start": "2000-01-01T00:00:00Z", "end": "2999-01-01T00:00:00Z"}
    past = {**long, "end": "2001-01-01T00:00:00Z"}
    assert [
        rollout_stop_reason({"window": window}, [], "fgt-north", {}) == "" for window in (long, past)
    ] == [True, False]


def test_the_filters_have_their_names() -> None:
    assert FilterModule().filters().keys() == {"rollout_batches", "rollout_errors", "rollout_stop_reason"}
