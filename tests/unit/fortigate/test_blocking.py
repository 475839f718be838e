# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A block list on a FortiGate in memory: requests, refusals, other writers, and interruptions."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_address
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import (
    ApplianceError,
    Conflict,
    Refused,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.predictions import Predictions
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.task import Outcome, Task
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate import block_listing, blocking
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.address import (
    GROUP_COMMENT,
    comment,
    object_name,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.block_listing import (
    list_block_list,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.block_options import BLOCK_LIST
from ansible_collections.otsec.defender_iot.tests.unit.fortigate.memory_gate import (
    GROUP,
    IPV4,
    IPV6,
    LATER,
    PAST,
    SINCE,
    SOON,
    Gate,
    Killed,
    entry,
    item,
    keep,
    keep_into,
    refused,
)

IN_SYNC = [f"appliance search {kind}" for kind in ("group", "address", "group6", "address6")]
FIRST, SECOND = "192.0.2.7", "192.0.2.8"
V6 = "2001:db8::7"


def gate(*entries: Any, **noted: Any) -> Gate:
    """Make a FortiGate with both groups, and with these entries in them."""
    made = Gate(**noted)
    made.put_group()
    made.put_group(family=IPV6)
    for each in entries:
        made.put_entry(each)
    return made


def writes(box: Gate) -> list[str]:
    """Return the requests that write."""
    reads = ("search", "capacity", "read")
    return [event.removeprefix("appliance ") for event in box.events if event.split()[1] not in reads]


def actions(result: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return kind, name and action of each object."""
    return [(each["kind"], each["name"], each["action"]) for each in result["objects"]]


def test_the_first_run_makes_both_groups_and_each_object_before_its_member() -> None:
    box = Gate()
    result = keep(box, FIRST, V6)
    assert writes(box) == [
        "create group blocked",
        "create address blocked-192.0.2.7",
        "add group blocked-192.0.2.7",
        "create group6 blocked",
        "create address6 blocked-2001-db8--7",
        "add group6 blocked-2001-db8--7",
    ]
    assert result["changed"] is True
    assert [each["address"] for each in result["entries"]] == [FIRST, V6]
    assert box.members() == ["none", "blocked-192.0.2.7"]
    assert box.tables[IPV4.groups.path][GROUP]["comment"] == GROUP_COMMENT


def test_an_object_is_a_single_host_with_the_data_in_its_comment() -> None:
    box = gate()
    keep(box, item(FIRST, reason="scan", source="17", approved_by="j.doe"), V6)
    row = box.tables[IPV4.objects.path]["blocked-192.0.2.7"]
    assert (row["type"], row["subnet"]) == ("ipmask", "192.0.2.7 255.255.255.255")
    assert row["comment"].startswith(f"defender-iot v1; until={SOON}; since=20")
    assert row["comment"].endswith("owner=manual; approved_by=j.doe; source=17; reason=scan")
    row6 = box.tables[IPV6.objects.path]["blocked-2001-db8--7"]
    assert (row6["type"], row6["ip6"]) == ("ipprefix", "2001:db8::7/128")


def test_a_list_in_sync_costs_two_reads_per_family_and_no_write() -> None:
    box = gate(entry(FIRST), entry(V6))
    result = keep(box, FIRST, V6)
    assert box.events == IN_SYNC
    assert result["changed"] is False
    assert actions(result) == [("block_list", GROUP, "none")]
    assert "diff" not in result


def test_the_second_run_writes_nothing() -> None:
    box = Gate()
    keep(box, FIRST, V6)
    box.events.clear()
    assert keep(box, FIRST, V6)["changed"] is False
    assert box.events == IN_SYNC


def test_check_mode_predicts_the_run_without_a_write() -> None:
    predicted = keep(gate(entry(SECOND, PAST), check_mode=True), FIRST)
    real = keep(gate(entry(SECOND, PAST)), FIRST)
    for result in (predicted, real):
        for each in [*result["entries"], *(o["after"] for o in result["objects"])]:
            each.pop("since", None)
        result["diff"] = [sorted(result["diff"][side]) for side in ("before", "after")]
    assert predicted == real


def test_an_expired_entry_is_released_as_member_and_then_as_object() -> None:
    box = gate(entry(FIRST, PAST), entry(SECOND))
    result = keep(box)
    assert writes(box) == ["remove group blocked-192.0.2.7", "delete address blocked-192.0.2.7"]
    assert result["diff"]["before"].keys() == {FIRST}
    assert result["diff"]["after"] == {}
    assert [each["address"] for each in result["entries"]] == [SECOND]


def test_a_declared_entry_in_the_past_releases_the_host_whoever_owns_it() -> None:
    box = gate(entry(FIRST, owner="respond"))
    assert actions(keep(box, item(FIRST, PAST))) == [("entry", FIRST, "delete")]
    assert actions(keep(box, item(FIRST, PAST))) == [("block_list", GROUP, "none")]


@pytest.mark.parametrize("until", [SOON, "2098-01-01T00:00:00Z"])
def test_a_later_or_an_earlier_until_updates_the_comment(until: str) -> None:
    box = gate(entry(FIRST, "2098-06-01T00:00:00Z", reason="scan"))
    result = keep(box, item(FIRST, until))
    assert writes(box) == ["update address blocked-192.0.2.7"]
    assert result["diff"]["before"][FIRST]["until"] == "2098-06-01T00:00:00Z"
    assert result["diff"]["after"][FIRST]["until"] == until
    assert result["diff"]["after"][FIRST]["reason"] == "scan"


def test_of_another_owners_entry_only_a_later_until_is_taken_over() -> None:
    box = gate(entry(FIRST, LATER, owner="respond", reason="theirs"), entry(SECOND, owner="respond"))
    result = keep(box, item(FIRST, SOON, reason="ours"), item(SECOND, LATER, reason="ours"))
    assert writes(box) == ["update address blocked-192.0.2.8"]
    assert [(each["until"], each["owner"], each["reason"]) for each in result["entries"]] == [
        (LATER, "respond", "theirs"),
        (LATER, "respond", ""),
    ]


def test_exact_releases_what_its_owner_does_not_declare_and_nothing_of_another() -> None:
    theirs = entry("192.0.2.9", PAST, owner="respond")
    box = gate(entry(FIRST), entry(SECOND, PAST), theirs, entry("192.0.2.10"))
    result = keep(box, item("192.0.2.10"), mode="exact")
    assert actions(result) == [("entry", FIRST, "delete"), ("entry", SECOND, "delete")]
    assert [each["address"] for each in result["entries"]] == ["192.0.2.10", "192.0.2.9"]


def test_exact_releases_an_own_entry_that_is_declared_in_the_past_and_no_other() -> None:
    box = gate(entry(FIRST), entry(SECOND, owner="respond"))
    assert actions(keep(box, item(FIRST, PAST), item(SECOND, PAST), mode="exact")) == [
        ("entry", FIRST, "delete")
    ]


@pytest.mark.parametrize("mode", ["merged", "exact"])
def test_an_entry_that_has_become_protected_is_released_whoever_owns_it(mode: str) -> None:
    box = gate(entry(FIRST, owner="respond"), entry("198.51.100.1", owner="respond"))
    assert actions(keep(box, mode=mode, protected=["192.0.2.0/24"])) == [("entry", FIRST, "delete")]


def test_members_of_others_survive_and_are_reported() -> None:
    box = gate(entry(FIRST))
    box.put_address("printer")
    box.tables[IPV4.groups.path][GROUP]["member"].append({"name": "printer"})
    result = keep(box, mode="exact")
    assert box.members() == ["none", "printer"]
    assert result["foreign"] == [
        {"name": "printer", "family": "IPv4", "reason": "a member that was not made by this collection"}
    ]


@pytest.mark.parametrize(
    "fields",
    [
        {"comment": "made manually"},
        {"comment": comment(entry(SECOND))},
        {"type": "fqdn", "comment": comment(entry(FIRST))},
        {"subnet": "192.0.2.0 255.255.255.0", "comment": comment(entry(FIRST))},
    ],
)
def test_an_object_with_our_prefix_that_is_no_entry_is_reported_and_left(fields: dict[str, str]) -> None:
    box = gate()
    box.put_address("blocked-192.0.2.7", **fields)
    result = keep(box, mode="exact")
    assert writes(box) == []
    assert result["foreign"][0]["reason"] == "an object whose comment or address is not that of an entry"
    with pytest.raises(Conflict, match=r"not made by this collection, so 192\.0\.2\.7"):
        keep(box, FIRST)
    assert writes(box) == []


def test_a_name_with_our_prefix_in_the_middle_or_in_another_case_is_no_entry() -> None:
    box = gate()
    box.put_address("not-blocked-192.0.2.7", comment=comment(entry(FIRST)))
    box.put_address("BLOCKED-192.0.2.7", comment=comment(entry(FIRST)))
    assert keep(box, mode="exact")["foreign"] == []
    assert writes(box) == []


def test_the_group_gets_the_placeholder_before_its_last_member_leaves() -> None:
    box = gate(entry(FIRST, PAST))
    box.tables[IPV4.groups.path][GROUP]["member"].remove({"name": "none"})
    result = keep(box)
    assert writes(box)[:2] == ["add group none", "remove group blocked-192.0.2.7"]
    assert actions(result)[0] == ("group", GROUP, "update")
    assert result["objects"][0]["after"] == {"placeholder": True}


def test_a_full_group_loses_members_before_it_gets_the_placeholder() -> None:
    box = gate(entry(FIRST, PAST), entry(SECOND, PAST))
    box.tables[IPV4.groups.path][GROUP]["member"].remove({"name": "none"})
    box.hook = lambda number: assert_at_most(box, 2)
    keep(box)
    assert box.members() == ["none"]


def assert_at_most(box: Gate, count: int) -> None:
    """Check the number of members."""
    assert 1 <= len(box.members()) <= count


def test_values_that_are_too_long_together_are_refused() -> None:
    box = gate(entry(FIRST, reason="x" * 100))
    with pytest.raises(Conflict, match=r"the comment of 192\.0\.2\.7 would have 29\d characters together"):
        keep(box, item(FIRST, source="y" * 90))
    assert writes(box) == []


def test_an_object_that_others_use_is_left_and_the_second_run_is_silent() -> None:
    box = gate(entry(FIRST, PAST))
    box.extra_uses["blocked-192.0.2.7"] = 1
    result = keep(box)
    assert writes(box) == ["remove group blocked-192.0.2.7"]
    assert result["foreign"][0]["reason"] == "an object of an entry that is not in the group"
    assert keep(box)["changed"] is False


@pytest.mark.parametrize(
    ("limit", "given"),
    [
        ("it would add 3 hosts, but max_new is 2", {"max_new": 2}),
        ("it would block 4 hosts, but max_entries is 3", {"max_entries": 3}),
    ],
)
def test_a_limit_changes_nothing(limit: str, given: dict[str, int]) -> None:
    box = gate(entry(FIRST), entry(SECOND, PAST))
    with pytest.raises(Conflict, match=limit):
        keep(box, "192.0.2.10", "192.0.2.11", "2001:db8::1", **given)
    assert writes(box) == []


def test_a_task_that_only_releases_is_within_every_limit() -> None:
    box = gate(entry(FIRST), entry(SECOND, PAST))
    assert keep(box, FIRST, max_entries=0, max_new=0)["changed"] is True


@pytest.mark.parametrize(("cap", "fits"), [(2, False), (3, True), (None, True)])
def test_the_members_must_fit_into_the_group(cap: int | None, fits: bool) -> None:
    box = gate(entry(FIRST), entry("192.0.2.9", PAST))
    box.cap = cap
    if fits:
        keep(box, SECOND)
        return
    with pytest.raises(
        Conflict, match="would have 3 members, the placeholder included, but this FortiGate allows 2"
    ):
        keep(box, SECOND)
    assert writes(box) == []


def test_the_name_of_the_group_may_be_taken_by_an_address() -> None:
    box = Gate()
    box.put_address(GROUP)
    with pytest.raises(Conflict, match='an address has the name of the group "blocked"'):
        keep(box)


def test_the_name_of_the_group_may_be_taken_by_a_virtual_ip() -> None:
    box = Gate()
    box.tables[IPV4.vips.path][GROUP] = {"name": GROUP}
    with pytest.raises(Conflict, match='a virtual IP has the name of the group "blocked"'):
        keep(box)


def test_an_account_that_may_not_read_virtual_ips_can_keep_the_list() -> None:
    assert keep(Gate(errors={"read": refused(-37, 403)}), FIRST)["changed"] is True
    with pytest.raises(Refused):
        keep(Gate(errors={"read": refused(-61)}), FIRST)


@pytest.mark.parametrize(("seconds", "side"), [(400, "ahead of"), (-400, "behind")])
def test_clocks_that_differ_change_nothing(seconds: int, side: str) -> None:
    box = gate(entry(FIRST, PAST))
    box.offset = timedelta(seconds=seconds)
    with pytest.raises(Conflict, match=rf"\d+ s {side} the control node's, but clock_tolerance is 300 s"):
        keep(box)
    assert writes(box) == []
    assert keep(box, clock_tolerance=500)["changed"] is True


def test_clocks_do_not_matter_if_everything_is_released() -> None:
    box = gate(entry(FIRST))
    box.offset = timedelta(days=1)
    assert keep(box, state="absent")["entries"] == []


def test_a_fortigate_without_a_time_is_a_warning() -> None:
    box = gate()
    box.offset = None
    assert "states no time" in keep(box)["warnings"][0]


def test_absent_releases_every_entry_and_deletes_the_groups() -> None:
    box = gate(entry(FIRST), entry(V6, owner="respond"))
    result = keep(box, state="absent")
    assert actions(result) == [
        ("entry", FIRST, "delete"),
        ("group", GROUP, "delete"),
        ("entry", V6, "delete"),
        ("group6", GROUP, "delete"),
    ]
    assert result["entries"] == []
    assert keep(box, state="absent")["changed"] is False


def test_absent_ignores_the_entries_even_if_their_names_are_taken() -> None:
    box = gate()
    box.put_address("blocked-192.0.2.7")
    assert actions(keep(box, FIRST, state="absent")) == [
        ("group", GROUP, "delete"),
        ("group6", GROUP, "delete"),
    ]


def test_absent_leaves_a_group_that_others_made() -> None:
    box = gate()
    box.put_group(ours=False)
    box.put_group(ours=False, family=IPV6)
    assert keep(box, state="absent")["changed"] is False


def test_absent_leaves_a_group_with_members_of_others() -> None:
    box = gate(entry(FIRST))
    box.put_address("printer")
    box.tables[IPV4.groups.path][GROUP]["member"].append({"name": "printer"})
    result = keep(box, state="absent")
    assert box.members() == ["none", "printer"]
    assert result["warnings"] == [
        'the address group "blocked" was not deleted, because it has members that were not made by this '
        "collection"
    ]


def test_released_releases_every_entry_and_keeps_groups_and_members_of_others() -> None:
    box = gate(entry(FIRST), entry(V6, owner="respond"))
    box.put_address("printer")
    box.tables[IPV4.groups.path][GROUP]["member"].append({"name": "printer"})
    box.offset = timedelta(days=1)
    result = keep(box, SECOND, state="released")
    assert actions(result) == [("entry", FIRST, "delete"), ("entry", V6, "delete")]
    assert (box.members(), box.members(IPV6)) == (["none", "printer"], ["none"])
    assert result["warnings"] == [
        'the address group "blocked" still has members that were not made by this collection: printer'
    ]
    assert keep(box, state="released")["changed"] is False


def test_released_creates_no_group() -> None:
    box = Gate()
    assert keep(box, state="released")["changed"] is False
    assert writes(box) == []


@pytest.mark.parametrize("state", ["present", "released", "absent"])
def test_an_answer_without_the_built_in_address_is_no_empty_list(state: str) -> None:
    box = Gate()
    for path in (IPV4.objects.path, IPV6.objects.path):
        box.tables[path] = {}
    with pytest.raises(ApplianceError, match='lacks the built-in address "all", so the account may see no'):
        keep(box, state=state)
    assert writes(box) == []


def noted(*entries: Any, comment: str = "see ticket 4711") -> Gate:
    """Make a FortiGate on which an administrator has edited the comment of the first entry."""
    box = gate(*entries)
    box.tables[IPV4.objects.path]["blocked-192.0.2.7"]["comment"] = comment
    return box


def test_an_entry_with_an_edited_comment_is_reported_in_every_run() -> None:
    result = keep(noted(entry(FIRST), entry(SECOND)), SECOND, mode="exact", protected=["192.0.2.7"])
    assert result["changed"] is False
    assert result["warnings"] == [
        "192.0.2.7 is blocked, although it is protected, and no run releases it, because the comment or "
        'address of "blocked-192.0.2.7" was changed on the FortiGate; remove it from the address group '
        '"blocked"'
    ]
    assert result["objects"][-1] == {
        "kind": "entry",
        "name": FIRST,
        "action": "none",
        "changed": False,
        "reason": f"still blocked: {block_listing.UNREADABLE}",
    }
    assert result["foreign"][0]["reason"] == block_listing.UNREADABLE
    assert "although" not in keep(noted(entry(FIRST)))["warnings"][0]


@pytest.mark.parametrize(
    "given", [{"entries": [item(FIRST, PAST)]}, {"state": "released"}, {"state": "absent"}]
)
@pytest.mark.parametrize("check_mode", [False, True])
def test_a_release_that_is_impossible_fails_after_all_others(given: dict[str, Any], check_mode: bool) -> None:
    box, outcome = noted(entry(FIRST), entry(SECOND, PAST)), Outcome()
    box.check_mode = check_mode
    with pytest.raises(Conflict, match=r"^192\.0\.2\.7 cannot be released, because the comment or address"):
        keep_into(outcome, box, *given.get("entries", ()), state=given.get("state", "present"))
    result = outcome.result()
    assert actions(result)[0] == ("entry", SECOND, "delete")
    assert result["entries"] == []
    assert not [text for text in result.get("warnings", []) if "no run releases it" in text]
    assert box.members() == ["none", "blocked-192.0.2.7"] + ["blocked-192.0.2.8"] * check_mode


def test_a_taken_name_fails_after_everything_else_is_done() -> None:
    box, outcome = gate(entry("192.0.2.9", PAST)), Outcome()
    box.put_address("blocked-192.0.2.7")
    with pytest.raises(
        Conflict, match=r"not made by this collection, so 192\.0\.2\.7 cannot be added"
    ) as caught:
        keep_into(outcome, box, FIRST, SECOND, V6)
    assert caught.value.attempt == 'managing the block list "blocked"'
    assert [each["address"] for each in outcome.values["entries"]] == [SECOND, V6]


def test_exclusions_of_the_group_are_a_warning() -> None:
    box = gate(entry(FIRST))
    box.tables[IPV4.groups.path][GROUP] |= {"exclude": "enable", "exclude-member": [{"name": "hmi"}, 7]}
    assert keep(box, FIRST)["warnings"][0].startswith(
        'the address group "blocked" has exclusions (hmi), so it does not block every host'
    )
    box.tables[IPV4.groups.path][GROUP]["exclude-member"] = None
    assert "has exclusions (no member)" in keep(box, FIRST)["warnings"][0]
    box.tables[IPV4.groups.path][GROUP]["exclude"] = "disable"
    assert "warnings" not in keep(box, FIRST)


NET = {"subnet": "198.51.100.0 255.255.255.0"}


@pytest.mark.parametrize(
    ("fields", "family", "is_covering"),
    [
        (NET, IPV4, True),
        ({"subnet": "203.0.113.0 255.255.255.0"}, IPV4, False),
        ({"type": "iprange", "start-ip": "198.51.99.1", "end-ip": "198.51.100.9"}, IPV4, True),
        ({"type": "iprange", "start-ip": "198.51.99.1"}, IPV4, False),
        ({"type": "fqdn"}, IPV4, False),
        ({"ip6": "2001:db8:51::/48"}, IPV6, True),
    ],
)
def test_a_member_of_others_that_covers_a_protected_address_is_a_warning(
    fields: dict[str, str], family: Any, is_covering: bool
) -> None:
    box = gate()
    box.put_address("ot", family, **fields)
    box.tables[family.groups.path][GROUP]["member"].append({"name": "ot"})
    warnings = keep(box, protected=["198.51.100.7", "2001:db8:51::7"]).get("warnings", [])
    assert bool(warnings) is is_covering
    if is_covering:
        assert warnings[0].startswith(f'the member "ot" of the {family.groups.label} "blocked" was not made')
    box.events.clear()
    assert "warnings" not in keep(box)
    assert box.events == IN_SYNC


def test_a_member_may_be_a_group_of_groups() -> None:
    box = gate()
    box.put_address("ot", **NET)
    groups = box.tables[IPV4.groups.path]
    groups["plants"] = {"name": "plants", "member": [{"name": "plant-1"}, {"name": "plants"}]}
    groups["plant-1"] = {"name": "plant-1", "member": [{"name": "ot"}, {"name": "gone"}]}
    groups[GROUP]["member"].append({"name": "plants"})
    (warning,) = keep(box, protected=["198.51.100.7"])["warnings"]
    assert "blocks addresses in 198.51.100.7/32, although they are protected" in warning


@pytest.mark.parametrize("seconds", [86400, -86400])
def test_an_explicit_release_needs_no_clock_and_releases_nothing_else(seconds: int) -> None:
    box = gate(entry(FIRST), entry(SECOND, PAST))
    box.offset = timedelta(seconds=seconds)
    result = keep(box, item(FIRST, "1970-01-01T00:00:00Z"))
    assert actions(result) == [("entry", FIRST, "delete")]
    assert "so only the declared hosts were released; set both clocks" in result["warnings"][0]


@pytest.mark.parametrize("given", [{"mode": "exact"}, {"until": "2099-01-01T00:00:00Z"}])
def test_any_other_task_needs_the_clock(given: dict[str, str]) -> None:
    box = gate(entry(FIRST))
    box.offset = timedelta(seconds=400)
    with pytest.raises(Conflict, match="so nothing was changed"):
        keep(box, item(FIRST, given.pop("until", PAST)), **given)
    assert writes(box) == []


def test_a_time_that_is_past_by_one_clock_only_is_no_explicit_release() -> None:
    box = gate(entry(FIRST))
    box.offset = timedelta(days=-365 * 10)
    with pytest.raises(Conflict, match="behind"):
        keep(box, item(FIRST, PAST))


def test_absent_leaves_a_group_in_use_and_releases_its_entries() -> None:
    box = gate(entry(FIRST))
    box.extra_uses[GROUP] = 1
    result = keep(box, state="absent")
    assert box.members() == ["none"]
    assert (
        'the address group "blocked" was not deleted, because it is still used by 1 objects'
        in (result["warnings"])
    )
    assert keep(box, state="absent")["changed"] is False


def test_check_mode_counts_the_policies_that_an_earlier_task_would_delete() -> None:
    predictions = Predictions()
    predictions.note(blocking.POLICIES_OF_GROUP, GROUP, exists=False)
    box = gate(check_mode=True)
    box.extra_uses[GROUP] = 1
    result = keep(box, state="absent", predictions=predictions)
    assert actions(result) == [("group", GROUP, "delete"), ("group6", GROUP, "delete")]
    assert predictions.exists(IPV4.groups.path, GROUP) is False


def test_check_mode_predicts_that_the_groups_exist() -> None:
    predictions = Predictions()
    keep(Gate(check_mode=True), FIRST, predictions=predictions)
    assert predictions.exists(IPV4.groups.path, GROUP) is True
    keep(Gate(), FIRST, predictions=predictions)
    assert predictions.exists(IPV4.groups.path, GROUP) is None


def test_a_member_whose_object_is_not_in_the_answer_means_a_partial_answer() -> None:
    box = gate(entry(FIRST, PAST), entry(SECOND))
    del box.tables[IPV4.objects.path]["blocked-192.0.2.8"]
    with pytest.raises(ApplianceError, match=r'the member "blocked-192\.0\.2\.8", but the answer lacks'):
        keep(box)
    assert writes(box) == []


@pytest.mark.parametrize("member", [None, [{}], ["blocked"]])
def test_a_group_without_readable_members_means_a_partial_answer(member: Any) -> None:
    box = gate()
    box.tables[IPV4.groups.path][GROUP]["member"] = member
    with pytest.raises(ApplianceError, match='lacks a usable "member"'):
        keep(box)


def test_an_object_without_a_comment_means_a_partial_answer() -> None:
    box = gate(entry(FIRST))
    del box.tables[IPV4.objects.path]["blocked-192.0.2.7"]["comment"]
    with pytest.raises(ApplianceError, match='lacks a usable "comment"'):
        keep(box)


def test_references_that_are_no_number_count_as_none() -> None:
    assert block_listing._count({"q_ref": "2"}) == 0


def test_a_leftover_of_an_interrupted_run_is_completed_without_a_write_too_many() -> None:
    box = gate()
    box.put_entry(entry(FIRST), is_member=False)
    result = keep(box, FIRST)
    assert writes(box) == ["add group blocked-192.0.2.7"]
    assert actions(result) == [("entry", FIRST, "create")]
    assert result["foreign"] == []


def test_a_leftover_of_another_owner_is_taken_over() -> None:
    box = gate()
    box.put_entry(entry(FIRST, owner="respond"), is_member=False)
    result = keep(box, FIRST)
    assert writes(box) == ["update address blocked-192.0.2.7", "add group blocked-192.0.2.7"]
    assert result["entries"][0]["owner"] == "manual"


def test_a_leftover_that_has_expired_is_deleted() -> None:
    box = gate()
    box.put_entry(entry(FIRST, PAST), is_member=False)
    assert keep(box)["changed"] is True
    assert writes(box) == ["delete address blocked-192.0.2.7"]


def test_a_release_that_another_writer_overtakes_is_planned_again() -> None:
    """Another controller extends the second entry while the first one is released."""
    box = gate(entry(FIRST, PAST), entry(SECOND, PAST))

    def extend(number: int) -> None:
        if number == 1:
            box.put_entry(entry(SECOND, LATER), is_member=False)

    box.hook = extend
    result = keep(box)
    assert actions(result) == [("entry", FIRST, "delete")]
    assert [each["until"] for each in result["entries"]] == [LATER]


def test_a_table_that_was_written_before_the_first_release_is_read_again() -> None:
    box = gate(entry(FIRST, PAST))
    search, reads = box.search, []

    def changing(resource: Any, text: str) -> dict[str, Any]:
        reads.append(resource.kind)
        if len(reads) == 4:
            box.put_entry(entry(FIRST, LATER), is_member=False)
            box.revisions[IPV4.objects.path] += 1
        return search(resource, text)

    box.search = changing  # type: ignore[method-assign]
    assert keep(box)["entries"][0]["until"] == LATER
    assert writes(box) == []


def test_an_entry_that_another_writer_has_deleted_is_no_failure() -> None:
    box = gate(entry(FIRST, PAST), entry(SECOND, PAST))

    def release(number: int) -> None:
        if number == 1:
            box.tables[IPV4.groups.path][GROUP]["member"].remove({"name": "blocked-192.0.2.8"})
            del box.tables[IPV4.objects.path]["blocked-192.0.2.8"]

    box.hook = release
    assert keep(box)["entries"] == []


@pytest.mark.parametrize("number", range(4))
def test_two_controllers_at_once_end_with_the_union(number: int) -> None:
    """The other one runs its whole task before one of our writes."""
    box = gate(entry("192.0.2.9", PAST))

    def other(count: int) -> None:
        if count == number:
            box.hook = lambda _count: None
            keep(box, SECOND, FIRST, mode="exact", owner="respond")

    box.hook = other
    result = keep(box, FIRST)
    assert [each["address"] for each in result["entries"]] == [FIRST, SECOND]
    assert sorted(box.members()) == ["blocked-192.0.2.7", "blocked-192.0.2.8", "none"]
    assert keep(box, FIRST)["changed"] is False


def test_a_refusal_that_repeats_is_raised() -> None:
    box = gate(errors={"add": refused(-3)})
    with pytest.raises(Refused, match="error -3"):
        keep(box, FIRST)
    assert writes(box) == ["create address blocked-192.0.2.7", *["add group blocked-192.0.2.7"] * 2]


def test_another_refusal_is_raised_at_once_and_what_was_done_is_reported() -> None:
    box, outcome = gate(errors={"delete": refused(-61)}), Outcome()
    box.put_entry(entry(SECOND, PAST))
    box.put_entry(entry(FIRST, PAST), is_member=False)
    with pytest.raises(Refused, match="error -61") as caught:
        keep_into(outcome, box, FIRST)
    assert caught.value.attempt == 'deleting blocked address "192.0.2.8"'
    assert outcome.result()["changed"] is True


def test_a_fortigate_that_keeps_something_else_is_an_error() -> None:
    box = gate()
    box.update = lambda *arguments: None  # type: ignore[method-assign]
    box.put_entry(entry(FIRST))
    with pytest.raises(ApplianceError, match="reads back different from what was written, 5 times"):
        keep(box, item(FIRST, LATER))


@pytest.mark.parametrize("number", range(8))
def test_a_run_that_is_killed_at_any_request_is_completed_by_the_next(number: int) -> None:
    box = gate(entry(FIRST, PAST), entry(V6, PAST))
    box.put_address("printer")
    box.tables[IPV4.groups.path][GROUP]["member"].append({"name": "printer"})

    def kill(count: int) -> None:
        assert "printer" in box.members()
        assert "blocked-198.51.100.1" not in box.members()
        if count == number:
            raise Killed

    box.hook = kill
    wanted = (SECOND, "2001:db8::8")
    try:
        keep(box, *wanted, protected=["198.51.100.0/24"])
    except Killed:
        box.hook = lambda _count: None
        keep(box, *wanted, protected=["198.51.100.0/24"])
    assert sorted(box.members()) == ["blocked-192.0.2.8", "none", "printer"]
    assert sorted(box.members(IPV6)) == ["blocked-2001-db8--8", "none"]
    assert [name for name in box.tables[IPV4.objects.path] if name.startswith(GROUP)] == ["blocked-192.0.2.8"]
    box.events.clear()
    assert keep(box, *wanted)["changed"] is False


def test_six_hundred_entries_are_compared_quickly_and_changed_in_two_writes_each() -> None:
    box = gate()
    box.cap = 5000
    addresses = [str(ip_address("198.51.100.0") + number) for number in range(600)]
    keep(box, *addresses, max_new=600, max_entries=600)
    assert len(writes(box)) == 1200
    box.events.clear()
    keep(box, *addresses, max_new=600, max_entries=600)
    assert box.events == IN_SYNC


def test_the_list_can_be_read_with_all_that_is_foreign() -> None:
    box = gate(entry(FIRST, PAST, reason="scan"))
    box.put_address("blocked-printer")
    outcome = Outcome()
    list_block_list(Task(BLOCK_LIST, {"group": GROUP}, box, "fgt", check_mode=True), outcome)
    assert outcome.values["entries"] == [entry(FIRST, PAST, reason="scan").shown()]
    assert outcome.values["exists"] is True
    assert [each["name"] for each in outcome.values["foreign"]] == ["blocked-printer"]
    assert box.events == IN_SYNC


def test_a_list_that_was_never_made_does_not_exist() -> None:
    outcome = Outcome()
    list_block_list(Task(BLOCK_LIST, {"group": GROUP}, Gate(), "fgt", check_mode=True), outcome)
    assert (outcome.values["exists"], outcome.values["entries"]) == (False, [])


def test_one_host_too_many_is_one_host() -> None:
    with pytest.raises(Conflict, match="it would add 1 host, but max_new is 0"):
        keep(gate(), item(FIRST), max_new=0)


def test_a_name_of_an_object_is_never_empty() -> None:
    assert object_name(GROUP, ip_address(V6)) == "blocked-2001-db8--7"


@pytest.mark.parametrize("mode", ["merged", "exact"])
@pytest.mark.parametrize("owner", ["manual", "respond"])
def test_what_the_info_module_returns_is_accepted_and_can_be_restored(mode: str, owner: str) -> None:
    box = gate(entry(FIRST), entry(SECOND, owner="respond", reason="a worm", source="s alert 7"), entry(V6))
    outcome = Outcome()
    list_block_list(Task(BLOCK_LIST, {"group": GROUP}, box, "fgt", check_mode=True), outcome)
    entries = outcome.values["entries"]
    assert {each["since"] for each in entries} == {SINCE}
    result = keep(box, *({**item(""), **each} for each in entries), mode=mode, owner=owner)
    assert (result["changed"], result["entries"]) == (False, entries)
    other = Gate()
    assert (
        keep(other, *({**item(""), **each} for each in entries), mode=mode, owner=owner)["entries"] == entries
    )


def test_an_entry_that_declares_its_owner_changes_that_owner_s_entry_only() -> None:
    box = gate(entry("192.0.2.7", owner="respond", reason="worm"))
    keep(box, item("192.0.2.7", reason="other", owner="manual"))
    assert keep(box, item("192.0.2.7", reason="virus", owner="respond"))["entries"][0]["reason"] == "virus"
