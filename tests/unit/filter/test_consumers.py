# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which platforms use which access tokens, and which tokens may be deleted."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.filter.consumers import (
    NO_MAP,
    UNRECORDED,
    consumed_tokens,
    decommissioning_error,
    known_tokens,
    listed_tokens,
    previous_token_holders,
    replaced_tokens,
    sensor_error,
    sensors_to_search,
    token_consumers,
    uncleared_platforms_error,
    unread_sensors,
    unused_token_names,
    unused_token_plan,
    unused_tokens,
)
from ansible_collections.otsec.defender_iot.plugins.filter.trusted_hosts import (
    addresses_by_host,
    trusted_hosts,
    trusted_hosts_by_site,
)

LISTED = {"tokens": [{"description": "siem", "id": 1, "used": None}]}
REFUSED = {"failed": True, "msg": "s1: ...", "failure": {"status": 401}}
UNREACHABLE = {"unreachable": True, "msg": "s1: ..."}
UNSTORED = {"failed": True, "msg": "s1: ...", "failure": {"status": None}}
READ = {
    # results of the task that creates the tokens: the one with the list, or why there is none
    "listed": ([LISTED, {**LISTED, "changed": True}], {**LISTED, "changed": True}),
    "listed once": ([LISTED, UNSTORED, REFUSED], LISTED),
    "refused": ([UNSTORED, REFUSED], REFUSED),
    "not reached": ([UNREACHABLE], UNREACHABLE),
    "failed before the first request": ([UNSTORED, {"failed": True, "msg": "..."}], {}),
    "without an endpoint map": ([{"changed": False, "minted": False}], {}),
    "no tokens": ([], {}),
}
JUDGED = {"integration": "forescout", "verdict": {"state": "working"}}
S1 = {"forescout_module_sensor": "s1"}
GONE = {**S1, "group_names": ["decommissioned", "forescouts"]}
CONSUMER = {"name": "ct", "sensor": "s1", "description": "forescout", "works": False, "settled": False}
PLATFORMS = {
    # variables of a platform: its consumer
    "names no sensor": ({}, []),
    "names none for now": ({"forescout_module_sensor": ""}, []),
    "names its sensor": (S1, [CONSUMER]),
    "uses another token": (
        {**S1, "forescout_module_token_description": "site-a"},
        [{**CONSUMER, "description": "site-a"}],
    ),
    "works": ({**S1, "forescout_module_verdict": JUDGED}, [{**CONSUMER, "works": True}]),
    "was judged not to": ({**S1, "forescout_module_verdict": {"verdict": {"state": "unknown"}}}, [CONSUMER]),
    "was set": ({**S1, "__forescout_module_result": {"changed": True}}, [{**CONSUMER, "settled": True}]),
    "could not be set": ({**S1, "__forescout_module_result": {"failed": True}}, [CONSUMER]),
    "was not reached": ({**S1, "__forescout_module_result": {"unreachable": True}}, [CONSUMER]),
    "was skipped": ({**S1, "__forescout_module_result": {"skipped": True}}, [CONSUMER]),
    "is decommissioned": (GONE, [{**CONSUMER, "sensor": "", "left": "s1"}]),
    "is decommissioned, and was cleared": (
        {**GONE, "__forescout_module_result": {"changed": False}},
        [{**CONSUMER, "sensor": "", "left": "s1", "works": True, "settled": True}],
    ),
    "is decommissioned, and is cleared by an operator": (
        {**GONE, "__forescout_module_result": {"steps": ["Sign in"]}},
        [{**CONSUMER, "sensor": "", "left": "s1", "works": True, "settled": True}],
    ),
    "is decommissioned, and could not be cleared": (
        {**GONE, "__forescout_module_result": {"unreachable": True}},
        [{**CONSUMER, "sensor": "", "left": "s1"}],
    ),
    "is set by an operator": ({**S1, "__forescout_module_result": {"steps": ["Sign in"]}}, [CONSUMER]),
}


def consumer(name: str, sensor: str = "s1", description: str = "forescout", **proof: bool) -> dict[str, Any]:
    """Make a consumer, by default one without proof."""
    return {**CONSUMER, "name": name, "sensor": sensor, "description": description, **proof}


@pytest.mark.parametrize(("variables", "consumers"), PLATFORMS.values(), ids=PLATFORMS)
def test_a_platform_declares_the_token_that_it_uses(variables: Any, consumers: Any) -> None:
    assert token_consumers([{"inventory_hostname": "ct", **variables}]) == consumers


@pytest.mark.parametrize(("results", "listed"), READ.values(), ids=READ)
def test_the_list_of_tokens_is_not_read_twice(results: list[Any], listed: dict[str, Any]) -> None:
    kept = {"results": results}
    assert listed_tokens(kept) == listed
    assert unread_sensors(["s1"], {"s1": {"__sensor_tokens_kept": kept}}) == ([] if listed else ["s1"])


def test_a_sensor_without_a_task_of_its_own_is_unread() -> None:
    assert unread_sensors(["s1"], {"s1": {}}) == ["s1"]
    assert listed_tokens({"skipped": True}) == {}


def test_a_token_that_only_the_sensor_lists_is_searched_for_in_the_store() -> None:
    kept = {"results": [{"__sensor_tokens_item": {"description": "forescout"}, **LISTED}]}
    assert sensors_to_search(["s1"], [], {"s1": {"__sensor_tokens_kept": kept}}) == ["s1"]


def test_a_token_that_two_platforms_use_is_one_token() -> None:
    consumers = [
        consumer("ct", sensor, description)
        for sensor, description in [("s1", "b"), ("s1", "a"), ("s2", "c"), ("s1", "b")]
    ]
    assert consumed_tokens(consumers, "s1") == [{"description": "b"}, {"description": "a"}]
    assert consumed_tokens(consumers, "s3") == []


def test_without_consumers_there_is_the_default_token() -> None:
    assert consumed_tokens([], "s1") == [{"description": "forescout"}]


def test_every_known_description_may_be_that_of_an_unused_token() -> None:
    consumers = [consumer("a", description="x"), consumer("b", "s2", "y")]
    seen = {"tokens": [{"description": "z"}, {"description": "y"}]}
    assert unused_token_names(consumers, [{"description": "x"}], seen) == ["forescout", "y", "z"]
    assert unused_token_names(consumers, [{"description": "x"}], {"skipped": True}) == ["forescout", "y"]


@pytest.mark.parametrize("description", ["../other/forescout", "a/../b", "/etc/x", "a//b", "./a", ""])
def test_a_description_on_a_sensor_that_leads_to_another_place_of_the_store_is_not_looked_up(
    description: str,
) -> None:
    seen = {"tokens": [{"description": description}, {"description": "site/forescout"}]}
    assert unused_token_names([], [], seen) == ["forescout", "site/forescout"]


def test_the_known_tokens_are_the_wanted_ones_and_those_that_may_be_unused() -> None:
    wanted = [{"description": "x", "secret_ref": "vault_file:/x"}]
    assert known_tokens([consumer("a")], wanted, {}) == [*wanted, {"description": "forescout"}]


def kept(*descriptions: str, **more: Any) -> dict[str, Any]:
    """Return the result of the task that creates the tokens with these descriptions."""
    return {"results": [{"__sensor_tokens_item": {"description": each}, **more} for each in descriptions]}


SEARCHED = {
    # variables of a sensor, and whether it may have a token besides those of the run
    "not reached": ({}, True),
    "without tokens": ({"__sensor_tokens_kept": {"skipped": True}}, True),
    "with a token of its own": ({"__sensor_tokens_kept": kept("own")}, True),
    "with one of two tokens of platforms": ({"__sensor_tokens_kept": kept("forescout")}, True),
    "with all tokens of platforms": ({"__sensor_tokens_kept": kept("forescout", "x")}, False),
    "with another token, read from it": (
        {
            "__sensor_tokens_kept": kept("forescout", "x"),
            "sensor_tokens_seen": {"tokens": [{"description": "y"}]},
        },
        True,
    ),
    "with the result of a task that failed early": ({"__sensor_tokens_kept": {"results": [{}]}}, True),
}


@pytest.mark.parametrize(("variables", "is_searched"), SEARCHED.values(), ids=SEARCHED)
def test_only_a_sensor_that_may_have_an_unused_token_is_searched(variables: Any, is_searched: bool) -> None:
    platforms = [{"inventory_hostname": "ct", **S1, "forescout_module_token_description": "x"}]
    assert sensors_to_search(["s1"], platforms, {"s1": variables}) == (["s1"] if is_searched else [])


def test_a_replaced_token_is_one_with_a_reason() -> None:
    results = (
        kept("a", reason=None)["results"]
        + kept("b", reason="it was rotated")["results"]
        + kept("c")["results"]
    )
    assert replaced_tokens({"results": results}) == ["b"]
    assert replaced_tokens({}) == []


UNUSED = {
    # assigned platforms of the token on s1, declared consumers: why it is kept
    "moved": (["a"], [consumer("a", "s2")], ""),
    "uses another token of the sensor": (["a"], [consumer("a", description="b")], ""),
    "all have moved": (["a", "b"], [consumer("a", "s2"), consumer("b", "s3")], ""),
    "is missing": (["a"], [], "its consumer a is not in the inventory or has no forescout_module_sensor"),
    "moved, but another is missing": (
        ["a", "b"],
        [consumer("a", "s2")],
        "its consumer b is not in the inventory or has no forescout_module_sensor",
    ),
    "names what is no sensor": (
        ["a"],
        [consumer("a", "s9")],
        'forescout_module_sensor of a is "s9", which is not a sensor in the inventory',
    ),
    "is decommissioned": (
        ["a"],
        [consumer("a", "")],
        "a is decommissioned, and its settings were not cleared in this run",
    ),
    "is decommissioned and cleared": (["a"], [consumer("a", "", works=True)], ""),
    "still uses it": (["a"], [consumer("a")], "a uses it"),
    "was never recorded": ([], [consumer("a", "s2")], UNRECORDED),
}


@pytest.mark.parametrize(("assigned", "declared", "reason"), UNUSED.values(), ids=UNUSED)
def test_only_a_declared_move_allows_the_deletion_of_a_token(
    assigned: Any, declared: Any, reason: str
) -> None:
    stored = [{"name": "forescout", "consumers": dict.fromkeys(assigned, "current")}]
    (found,) = unused_tokens(stored, declared, "s1", ["s1", "s2", "s3"])
    assert found == {"description": "forescout", "consumers": assigned, "reason": reason}


def test_a_stored_token_of_no_platform_is_ignored() -> None:
    assert unused_tokens([{"name": "automation", "consumers": {}}], [consumer("a", "s2")], "s1", ["s2"]) == []


TOKEN = {"description": "x", "consumers": ["a", "b"], "reason": ""}
WORKING = [consumer("a", "s2", works=True), consumer("b", "s2", works=True), consumer("c", "s2")]
PLANS = {
    # token, consumers, check mode, endpoint map: why it is kept, None if it is deleted
    "all work": (TOKEN, WORKING, False, True, None),
    "one does not yet": (TOKEN, WORKING[:1], False, True, "b is not verified with another token yet"),
    "none does yet": (TOKEN, [], False, True, "a, b are not verified with another token yet"),
    "check mode": (TOKEN, [consumer("a", "s2"), consumer("b", "s2")], True, True, None),
    "no map": (TOKEN, WORKING, False, False, NO_MAP),
    "a reason": ({**TOKEN, "reason": "so"}, WORKING, True, True, "so"),
}


@pytest.mark.parametrize(("token", "consumers", "predicted", "deletable", "why"), PLANS.values(), ids=PLANS)
def test_a_token_is_deleted_when_its_consumers_work_with_others(
    token: Any, consumers: Any, predicted: bool, deletable: bool, why: str | None
) -> None:
    plan = unused_token_plan([token], consumers, predicted, deletable)
    assert plan["delete"] == (["x"] if why is None else [])
    assert [line.startswith(f"x: kept, because {why}") for line in plan["keep"]] == [True] * (why is not None)


HOLDERS = {
    # the last value of each platform, declared consumers: who may still use the previous value
    "the only one": ({"a": "previous"}, [consumer("a")], []),
    "the only one, gone": ({"a": "current"}, [], ["a"]),
    "the only one, moved": ({"a": "previous"}, [consumer("a", "s2")], ["a"]),
    "the only one, moved and set": ({"a": "previous"}, [consumer("a", "s2", settled=True)], []),
    "two that have it": ({"a": "current", "b": "current"}, [consumer("a"), consumer("b")], []),
    "two, one without": ({"a": "current", "b": "previous"}, [consumer("a"), consumer("b")], ["b"]),
    "two, one just set": ({"a": "current", "b": "unknown"}, [consumer("a"), consumer("b", settled=True)], []),
    "two, one that works": ({"a": "current", "b": "unknown"}, [consumer("a"), consumer("b", works=True)], []),
    "two, one manual": ({"a": "current", "b": "unknown"}, [consumer("a"), consumer("b")], ["b"]),
}


@pytest.mark.parametrize(("given", "declared", "holders"), HOLDERS.values(), ids=HOLDERS)
def test_a_replaced_token_has_no_holders_once_all_consumers_have_the_new_one(
    given: Any, declared: Any, holders: Any
) -> None:
    assert previous_token_holders([{"name": "x", "consumers": given}], declared, "s1") == holders


def test_a_sensor_is_decommissioned_after_its_platforms() -> None:
    consumers = [consumer("a", "s2"), consumer("b", "s1"), consumer("c", "")]
    assert decommissioning_error("s3", consumers) == ""
    assert decommissioning_error("s1", consumers) == (
        "s1: it is decommissioned, but forescout_module_sensor of b names it; set another sensor there and "
        "run otsec.defender_iot.forescout, or decommission b too"
    )


def test_the_tokens_of_a_sensor_are_deleted_after_its_platforms_are_cleared() -> None:
    consumers = [
        {**consumer("a", ""), "left": "s1"},
        {**consumer("b", "", works=True), "left": "s1"},
        {**consumer("c", ""), "left": "s2"},
        consumer("d", "s1"),
    ]
    assert uncleared_platforms_error("s3", consumers) == ""
    assert uncleared_platforms_error("s1", consumers[1:]) == ""
    assert uncleared_platforms_error("s1", consumers).startswith(
        "s1: this run has not cleared the settings of a, which would lose the token; run again without"
    )


def test_a_platform_cannot_use_a_decommissioned_sensor() -> None:
    groups = {"sensors": ["iot-1", "iot-2"], "decommissioned": ["iot-2"]}
    assert sensor_error("ct", "iot-1", groups) == ""
    assert sensor_error("ct", "iot-2", groups) == (
        'ct: forescout_module_sensor is "iot-2", which is decommissioned; set it to one of iot-1'
    )


def test_an_unknown_sensor_is_refused_with_the_known_ones() -> None:
    groups = {"sensors": ["iot-2", "iot-1"], "all": ["iot-1", "iot-2", "ct"]}
    assert sensor_error("ct", "iot-1", groups) == ""
    assert sensor_error("ct", "iot-11", groups) == (
        'ct: forescout_module_sensor is "iot-11", which is not a sensor in the inventory; '
        "set it to one of iot-1, iot-2 (did you mean iot-1?)"
    )
    assert sensor_error("ct", "ct", groups).endswith("; set it to one of iot-1, iot-2")
    assert sensor_error("ct", "iot-1", {"all": ["iot-1", "ct"]}) == ""
    many = {"sensors": [f"s{number:02}" for number in range(12)]}
    assert "s08, s09 and 2 more" in sensor_error("ct", "zzz", many)


def test_a_host_without_an_ip_address_is_listed_by_name() -> None:
    hosts = [
        {"inventory_hostname": "a", "ansible_host": "192.0.2.1"},
        {"inventory_hostname": "b", "ansible_host": "b.example.com"},
        {"inventory_hostname": "c"},
        {"inventory_hostname": "2001:db8::1"},
    ]
    assert trusted_hosts(hosts) == ["192.0.2.1", "b", "c", "2001:db8::1"]
    assert addresses_by_host(hosts) == {"a": "192.0.2.1", "b": "b", "c": "c", "2001:db8::1": "2001:db8::1"}


def test_hosts_are_listed_by_their_sites() -> None:
    hosts = [
        {"inventory_hostname": "a", "ansible_host": "192.0.2.1", "defender_iot_site": "north"},
        {"inventory_hostname": "b", "ansible_host": "192.0.2.2", "defender_iot_site": "south"},
        {"inventory_hostname": "c", "ansible_host": "192.0.2.3", "defender_iot_site": "north"},
        {"inventory_hostname": "d"},
    ]
    assert trusted_hosts_by_site(hosts) == {
        "north": ["192.0.2.1", "192.0.2.3"],
        "south": ["192.0.2.2"],
        "": ["d"],
    }
