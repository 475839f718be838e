# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The deny policies of a block list: their fields, their places, and the verdict about their effect."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import (
    ApplianceError,
    Conflict,
    InvalidOptions,
    Locked,
    Refused,
    Unreachable,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.predictions import Predictions
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.task import Outcome, Task
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.address import (
    FAMILIES,
    GROUP_COMMENT,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.block_policy import (
    FORTIMANAGER,
    keep_block_policy,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.blocking import POLICIES_OF_GROUP
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.policy import (
    POLICY,
    prepare_block_policy,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.policy_proof import NOT_STOPPED
from ansible_collections.otsec.defender_iot.tests.unit.fakes import MemoryAppliance
from ansible_collections.otsec.defender_iot.tests.unit.fortigate.memory_gate import refused

NAME, GROUP = "deny", "blocked"
PERMIT, OTHER = "lan-to-ot", "wan-to-ot"
PROOF = {"interface": "lan", "destination": "198.51.100.10", "destination_interface": None}
READ = "appliance table firewall/policy"
IN_SYNC = [READ, "appliance read group blocked", "appliance read group6 blocked"]


def names(*values: str) -> list[dict[str, str]]:
    """Make a list of names as FortiOS returns it."""
    return [{"name": value, "q_origin_key": value} for value in values]


def row(policyid: int, name: str = "", **fields: Any) -> dict[str, Any]:
    """Make a policy as FortiOS returns it."""
    return {
        "policyid": policyid,
        "name": name,
        "srcintf": names("any"),
        "dstintf": names("any"),
        "srcaddr": names("all"),
        "dstaddr": names("all"),
        "srcaddr6": [],
        "dstaddr6": [],
        "service": names("ALL"),
        "schedule": "always",
        "action": "accept",
        "status": "enable",
        "logtraffic": "all",
        "match-vip": "disable",
        "srcaddr-negate": "disable",
        "dstaddr-negate": "disable",
        "service-negate": "disable",
        "internet-service": "disable",
        "internet-service-src": "disable",
        "comments": "",
        **fields,
    }


def own(policyid: int = 9, name: str = NAME, **fields: Any) -> dict[str, Any]:
    """Make the policy that the collection creates."""
    addresses = {"srcaddr": names(GROUP), "srcaddr6": names(GROUP), "dstaddr6": names("all")}
    deny = {"action": "deny", "match-vip": "enable", "comments": GROUP_COMMENT}
    return row(policyid, name, **{**addresses, **deny, **fields})


def towards(policyid: int = 10, **fields: Any) -> dict[str, Any]:
    """Make the second policy."""
    swapped = {side: names(value) for side, value in (("srcaddr", "all"), ("srcaddr6", "all"))}
    swapped |= {side: names(GROUP) for side in ("dstaddr", "dstaddr6")}
    return own(policyid, f"{NAME}-towards", **{**swapped, **fields})


class Box(MemoryAppliance):
    """Policies in their order, and groups. ``answers`` are those to questions, by path."""

    def __init__(self, *rows: dict[str, Any], groups: tuple[str, ...] = (GROUP,), **noted: Any) -> None:
        super().__init__(**noted)
        self.rows = list(rows)
        self.groups = groups
        self.members: Any = names("none", f"{GROUP}-192.0.2.7")
        self.exclusion: dict[str, Any] = {}
        self.answers: dict[str, Any] = {}
        self.drops: tuple[str, ...] = ()
        self.ignores_moves = False
        self.queries: list[Any] = []

    def table(self, resource: Any) -> Any:
        self._note("table", f" {resource.path}")
        return [dict(each) for each in self.rows]

    def read(self, resource: Any, key: Any) -> Any:
        self._note("read", f" {resource.kind} {key}")
        return {"name": key, "member": self.members, **self.exclusion} if key in self.groups else None

    def create(self, resource: Any, key: Any, body: Any) -> None:
        self._write("create", f" {key}")
        made = {**row(max((each["policyid"] for each in self.rows), default=0) + 1), **body}
        self.rows.append({field: value for field, value in made.items() if field not in self.drops})

    def update(self, resource: Any, key: Any, body: Any) -> None:
        self._write("update", f" {key}")
        self._row(key).update(body)

    def delete(self, resource: Any, key: Any, raw: Any = None) -> None:
        self._write("delete", f" {key}")
        self.rows.remove(self._row(key))

    def move(self, resource: Any, key: Any, before: Any) -> None:
        self._write("move", f" {key} {before}")
        if not self.ignores_moves:
            moved = self._row(key)
            self.rows.remove(moved)
            self.rows.insert(self.rows.index(self._row(before)), moved)

    def ask(self, resource: Any, query: Any) -> Any:
        self._note("ask", f" {resource.kind}")
        self.queries.append(dict(query))
        answer = self.answers.get(resource.kind, {"success": False})
        if isinstance(answer, Exception):
            raise answer
        return answer

    def order(self) -> list[str]:
        """Return the names of the policies."""
        return [each["name"] or str(each["policyid"]) for each in self.rows]

    def _row(self, key: Any) -> dict[str, Any]:
        return next(each for each in self.rows if str(each["policyid"]) == key)


def keep(box: Box, predictions: Predictions | None = None, **given: Any) -> dict[str, Any]:
    """Run one task, and return its result."""
    outcome = Outcome()
    keep_into(outcome, box, predictions, **given)
    return outcome.result()


def keep_into(outcome: Outcome, box: Box, predictions: Predictions | None = None, **given: Any) -> None:
    """Run one task whose result up to an error is wanted."""
    unset = dict.fromkeys(("before", "towards", "proof"))
    params = prepare_block_policy({"state": "present", "name": NAME, "group": GROUP, **unset, **given})
    task = Task(POLICY, params, box, "fgt", box.check_mode, predictions=predictions or Predictions())
    keep_block_policy(task, outcome)


def writes(box: Box) -> list[str]:
    """Return the requests that write."""
    reads = ("table", "read", "ask")
    return [event.removeprefix("appliance ") for event in box.events if event.split()[1] not in reads]


def actions(result: dict[str, Any]) -> list[tuple[str, str]]:
    """Return name and action of each object."""
    return [(each["name"], each["action"]) for each in result["objects"]]


def test_a_new_policy_is_moved_to_the_top() -> None:
    box = Box(row(1, PERMIT), row(2))
    result = keep(box)
    assert writes(box) == ["create deny", "move 3 1"]
    assert box.order() == [NAME, PERMIT, "2"]
    assert result["objects"][0]["after"]["moved_before"] == PERMIT
    assert result["diff"]["after"].keys() == {NAME}


def test_every_field_that_decides_about_a_packet_is_sent() -> None:
    box = Box()
    keep(box)
    made = box.rows[0]
    assert made["srcaddr"] == made["srcaddr6"] == [{"name": GROUP}]
    assert made["dstaddr"] == made["dstaddr6"] == [{"name": "all"}]
    sent = ("action", "status", "schedule", "logtraffic", "match-vip", "comments")
    assert [made[field] for field in sent] == ["deny", "enable", "always", "all", "enable", GROUP_COMMENT]


def test_a_policy_in_sync_costs_a_read_and_one_for_each_group() -> None:
    box = Box(own(), row(1, PERMIT))
    result = keep(box)
    assert box.events == IN_SYNC
    assert (result["changed"], actions(result)) == (False, [(NAME, "none")])


def test_the_second_run_is_silent() -> None:
    box = Box(row(1, PERMIT))
    keep(box, towards=True)
    assert box.order() == [NAME, f"{NAME}-towards", PERMIT]
    box.events.clear()
    assert keep(box, towards=True)["changed"] is False
    assert box.events == IN_SYNC


@pytest.mark.parametrize("towards_too", [None, True])
@pytest.mark.parametrize("before", [None, OTHER])
def test_check_mode_predicts_the_run(before: str | None, towards_too: bool | None) -> None:
    rows = [row(1, PERMIT), own(status="disable"), row(2, OTHER)]
    box, twin = Box(*map(dict, rows)), Box(*map(dict, rows), check_mode=True)
    predicted = keep(twin, before=before, towards=towards_too)
    real = keep(box, before=before, towards=towards_too)
    assert predicted["verdict"] == "ineffective"
    for result in (predicted, real):
        del result["verdict"], result["reason"]
    assert predicted == real


def test_the_policy_can_be_directly_before_another() -> None:
    box = Box(row(1, PERMIT), row(2, OTHER), row(3))
    keep(box, before=OTHER)
    assert box.order() == [PERMIT, NAME, OTHER, "3"]
    assert keep(box, before=OTHER)["changed"] is False


@pytest.mark.parametrize(
    "rows", [[row(1), own(), row(2, OTHER)], [own(), row(1), row(2, OTHER)], [row(2, OTHER), own()]]
)
def test_a_policy_in_another_place_is_moved(rows: list[dict[str, Any]]) -> None:
    box = Box(*map(dict, rows))
    result = keep(box, before=OTHER)
    assert box.order().index(NAME) == box.order().index(OTHER) - 1
    assert result["changed"] is (rows[0]["policyid"] != 1)


def test_other_policies_of_the_collection_may_be_between() -> None:
    box = Box(own(), own(8, "deny-2"), row(1, PERMIT))
    assert keep(box)["changed"] is False
    assert keep(Box(own(), own(8, "deny-2"), row(1, PERMIT)), name="deny-2")["changed"] is False


def test_the_named_policy_may_be_one_of_the_collection() -> None:
    box = Box(own(8, "deny-2"), row(1, PERMIT), own())
    keep(box, before="deny-2")
    assert box.order() == [NAME, "deny-2", PERMIT]
    assert keep(box, before="deny-2")["changed"] is False


@pytest.mark.parametrize(
    "fields",
    [
        {"action": "accept"},
        {"status": "disable"},
        {"match-vip": "disable"},
        {"logtraffic": "utm"},
        {"schedule": "weekend"},
        {"srcaddr": names("all")},
        {"srcintf": names("lan")},
        {"service": names("HTTPS")},
        {"srcaddr-negate": "enable"},
        {"srcaddr6-negate": "enable"},
        {"internet-service": "enable"},
    ],
)
def test_a_field_that_differs_is_changed_alone(fields: dict[str, Any]) -> None:
    box = Box(own(**fields), row(1))
    assert actions(keep(box)) == [(NAME, "update")]
    assert writes(box) == ["update 9"]
    assert keep(box)["changed"] is False


def test_spelling_and_order_and_added_comments_are_no_difference() -> None:
    box = Box(own(service=names("all"), comments=f"{GROUP_COMMENT}, see CHG-7"), row(1))
    assert keep(box)["changed"] is False


def test_towards_is_added_removed_or_left_alone() -> None:
    box = Box(own(), towards(), row(1))
    assert keep(box)["changed"] is False
    assert actions(keep(box, towards=False)) == [(NAME, "none"), (f"{NAME}-towards", "delete")]
    assert actions(keep(box, towards=True)) == [(NAME, "none"), (f"{NAME}-towards", "create")]


def test_absent_deletes_both_policies() -> None:
    box = Box(own(), towards(), row(1))
    predictions = Predictions()
    result = keep(box, predictions, state="absent")
    assert writes(box) == ["delete 9", "delete 10"]
    assert result["reason"] == "state is absent, so no policy denies"
    assert predictions.exists(POLICIES_OF_GROUP, GROUP) is None
    assert keep(box, state="absent")["changed"] is False


def test_check_mode_predicts_that_no_policy_uses_the_group() -> None:
    predictions = Predictions()
    keep(Box(own(), check_mode=True), predictions, state="absent")
    assert predictions.exists(POLICIES_OF_GROUP, GROUP) is False


@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_policy_of_others_is_refused(state: str) -> None:
    box, outcome = Box(row(1, NAME)), Outcome()
    with pytest.raises(Conflict, match='the policy "deny" was not made by this collection'):
        keep_into(outcome, box, state=state)
    assert outcome.values["verdict"] == "ineffective"
    assert writes(box) == []


def test_two_policies_of_the_name_are_refused() -> None:
    with pytest.raises(Conflict, match='there are 2 policies with the name "deny"'):
        keep(Box(own(), own(8)))


@pytest.mark.parametrize(
    ("rows", "words"), [([], "there is no policy"), ([row(1, OTHER), row(2, OTHER)], "there are 2 policies")]
)
def test_the_policy_to_be_before_must_be_one(rows: list[Any], words: str) -> None:
    box = Box(*rows)
    with pytest.raises(Conflict, match=f'{words} with the name "wan-to-ot", which before names'):
        keep(box, before=OTHER)
    assert writes(box) == []


@pytest.mark.parametrize("policyid", [0, None, "7"])
def test_a_policy_without_a_number_is_refused(policyid: Any) -> None:
    with pytest.raises(Conflict, match="no policyid"):
        keep(Box({**own(), "policyid": policyid}))


def test_the_groups_must_exist_unless_an_earlier_task_would_create_them() -> None:
    box = Box(row(1), groups=())
    with pytest.raises(Conflict, match='the address group "blocked" does not exist'):
        keep(box)
    predictions = Predictions()
    for family in FAMILIES:
        predictions.note(family.groups.path, GROUP, exists=True)
    assert keep(Box(row(1), groups=(), check_mode=True), predictions)["changed"] is True


def failed(box: Box, error: type[Exception], **given: Any) -> tuple[str, str, bool]:
    """Run one task that fails, and return its verdict and whether it has changed anything."""
    outcome = Outcome()
    with pytest.raises(error):
        keep_into(outcome, box, **given)
    return outcome.values["verdict"], outcome.values["reason"], outcome.changed


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("state", ["present", "absent"])
def test_policies_that_may_not_be_read_are_an_error_with_a_verdict(state: str, check_mode: bool) -> None:
    box = Box(own(), errors={"table": refused(-37, 403)}, check_mode=check_mode)
    expected = ("unknown", "reading every firewall policy failed: error -37", False)
    assert failed(box, Refused, state=state) == expected


@pytest.mark.parametrize("rows", [[{"name": NAME}], [{"policyid": 7, "name": NAME}], [own(), {"name": ""}]])
def test_policies_without_their_fields_leave_it_unknown(rows: list[dict[str, Any]]) -> None:
    reason = (
        'reading every firewall policy failed: the answer lacks a usable "status", so the account may see '
        "only a part of the object"
    )
    assert failed(Box(*rows), ApplianceError) == ("unknown", reason, False)


def test_no_policy_at_all_leaves_it_unknown() -> None:
    assert keep(Box(check_mode=True))["verdict"] == "unknown"
    verdict, reason, _changed = failed(Box(errors={"create": refused(-37, 403)}), Refused)
    assert (verdict, reason) == ("unknown", 'creating firewall policy "deny" failed: error -37')


def test_a_refused_change_leaves_the_verdict_about_the_present() -> None:
    box = Box(row(1, PERMIT), errors={"create": refused(-37, 403)})
    assert failed(box, Refused) == ("ineffective", 'the policy "deny" does not exist', False)
    box = Box(own(status="disable"), errors={"update": refused(-37, 403)})
    assert failed(box, Refused) == ("ineffective", 'the policy "deny" is disabled', False)
    box = Box(row(1, PERMIT), own(), row(2, OTHER), errors={"move": refused(-37, 403)})
    assert failed(box, Refused, before=OTHER, towards=True)[0] == "unknown"
    box = Box(row(1, PERMIT), errors={"move": refused(-61)})
    assert failed(box, Refused) == ("unknown", 'creating firewall policy "deny" failed: error -61', True)


def test_a_missing_group_has_a_verdict() -> None:
    reason = 'the address group "blocked" does not exist'
    assert failed(Box(row(1), groups=()), Conflict) == ("ineffective", reason, False)
    result = keep(Box(own(), row(1), groups=()))
    expected = f"{reason}, or the account may not read it"
    assert (result["verdict"], result["reason"]) == ("unknown", expected)


def test_policies_without_an_action_are_those_of_the_ngfw_mode() -> None:
    bare = {field: value for field, value in row(1).items() if field != "action"}
    box, outcome = Box(bare), Outcome()
    with pytest.raises(Conflict, match="NGFW policy-based mode"):
        keep_into(outcome, box)
    assert writes(box) == []
    assert outcome.values["verdict"] == "ineffective"


def test_a_policy_that_loses_its_action_when_it_is_written_is_an_error() -> None:
    box, outcome = Box(), Outcome()
    box.drops = ("action", "schedule")
    with pytest.raises(ApplianceError, match="reads back different: its firewall policies have no action"):
        keep_into(outcome, box)
    assert outcome.result()["verdict"] == "ineffective"
    assert outcome.result()["changed"] is True


def test_a_move_that_has_no_effect_is_an_error() -> None:
    box = Box(row(1, PERMIT))
    box.ignores_moves = True
    with pytest.raises(ApplianceError, match="reads back different: it is not before the policy 1"):
        keep(box)


def test_a_field_that_reads_back_different_is_an_error() -> None:
    box = Box(own(status="disable"), row(1))
    box.update = lambda *arguments: None  # type: ignore[method-assign]
    with pytest.raises(ApplianceError, match="reads back different: status"):
        keep(box)


def test_an_error_keeps_what_was_done_in_the_result() -> None:
    box, outcome = Box(row(1), errors={"move": refused(-61)}), Outcome()
    with pytest.raises(Refused):
        keep_into(outcome, box)
    assert outcome.result()["changed"] is True


def proven(box: Box, **given: Any) -> tuple[str, str]:
    """Run one task with a proof, and return the verdict."""
    result = keep(box, proof=PROOF, **given)
    assert result["changed"] is False
    return result["verdict"], result["reason"]


def test_the_policy_is_effective_if_the_lookup_finds_it() -> None:
    box = Box(own(), row(1))
    box.answers["policy_lookup"] = {"success": True, "policy_id": 9}
    reason = f'a packet of 192.0.2.7 matches the policy "deny"; {NOT_STOPPED}'
    assert proven(box) == ("effective", reason)
    assert box.queries[0] == {
        "srcintf": "lan",
        "sourceip": "192.0.2.7",
        "dest": "198.51.100.10",
        "protocol": "tcp",
        "sourceport": "443",
        "destport": "443",
    }


def test_a_permit_before_it_is_mentioned_even_if_the_lookup_finds_the_policy() -> None:
    box = Box(row(1, PERMIT), own(), row(2, OTHER))
    box.answers["policy_lookup"] = {"success": True, "policy_id": 9}
    verdict, reason = proven(box, before=OTHER)
    assert verdict == "effective"
    assert "but the policy lan-to-ot before it may permit other packets; no policy stops" in reason


@pytest.mark.parametrize(("matching", "name"), [(1, '1 "lan-to-ot"'), (0, "0"), (77, "77")])
def test_the_policy_is_ineffective_if_the_lookup_finds_another(matching: int, name: str) -> None:
    box = Box(row(1, PERMIT), own(), row(2, OTHER))
    box.answers["policy_lookup"] = {"success": True, "policy_id": matching}
    expected = ("ineffective", f"a packet of 192.0.2.7 matches policy {name} instead")
    assert proven(box, before=OTHER) == expected


@pytest.mark.parametrize("answer", [{"success": False}, None, [], {"policy_id": "9"}, {"policy_id": True}])
def test_a_lookup_without_a_policy_leaves_it_unknown(answer: Any) -> None:
    box = Box(own(), row(1))
    box.answers["policy_lookup"] = answer
    assert proven(box) == ("unknown", "the answer to the policy lookup names no policy")


@pytest.mark.parametrize("error", [refused(-37, 403), ApplianceError("the answer is unusable")])
def test_a_lookup_that_fails_leaves_it_unknown(error: Exception) -> None:
    box = Box(own(), row(1))
    box.answers["policy_lookup"] = error
    verdict, reason = proven(box)
    assert verdict == "unknown"
    assert reason.startswith("the policy lookup failed: ")


@pytest.mark.parametrize("error", [Locked("locked out"), Unreachable("no answer")])
@pytest.mark.parametrize("question", ["policy_lookup", "central_management"])
def test_a_lost_connection_is_an_error(error: Exception, question: str) -> None:
    box = Box(own(), row(1))
    box.answers[question] = error
    with pytest.raises(type(error)):
        proven(box)


@pytest.mark.parametrize("members", [None, [], names("none", "printer"), ["x"]])
def test_without_a_blocked_host_there_is_nothing_to_look_up(members: Any) -> None:
    box = Box(own(), row(1))
    box.members = members
    assert proven(box) == ("unknown", "no host is blocked whose packet could be looked up")


def test_the_destination_decides_the_address_family() -> None:
    box = Box(own(), row(1))
    box.members = names("none", f"{GROUP}-2001-db8--7")
    box.answers["policy_lookup"] = {"success": True, "policy_id": 9}
    keep(box, proof={**PROOF, "destination": "2001:db8:51::1"})
    assert "appliance read group6 blocked" in box.events
    assert box.queries[0]["sourceip"] == "2001:db8::7"
    assert box.queries[0]["ipv6"] == "true"


def test_the_second_policy_is_looked_up_in_the_other_direction() -> None:
    box = Box(own(), towards(), row(1))
    box.answers["policy_lookup"] = {"success": True, "policy_id": 9}
    result = keep(box, towards=True, proof={**PROOF, "destination_interface": "ot"})
    assert (box.queries[1]["srcintf"], box.queries[1]["dest"]) == ("ot", "192.0.2.7")
    assert result["verdict"] == "ineffective"
    assert result["reason"] == 'a packet of 192.0.2.7 matches policy 9 "deny" instead'


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([row(1)], 'the policy "deny" does not exist'),
        ([own(status="disable"), row(1)], 'the policy "deny" is disabled'),
        ([own(action="accept"), row(1)], 'the policy "deny" differs from the desired state in action'),
        ([own(srcaddr=names("all")), row(1)], 'the policy "deny" differs from the desired state in source'),
    ],
)
def test_the_verdict_in_check_mode_is_about_the_present(rows: list[Any], reason: str) -> None:
    result = keep(Box(*rows, check_mode=True), proof=PROOF)
    assert (result["verdict"], result["reason"]) == ("ineffective", reason)


@pytest.mark.parametrize("proof", [None, PROOF])
@pytest.mark.parametrize(("excluded", "names"), [(["hmi", "plc"], "hmi, plc"), ([], "no member")])
def test_a_group_with_exclusions_is_ineffective(proof: Any, excluded: list[str], names: str) -> None:
    box = Box(own(), row(1))
    box.exclusion = {"exclude": "enable", "exclude-member": [{"name": name} for name in excluded]}
    box.answers["policy_lookup"] = {"success": True, "policy_id": 9}
    result = keep(box, proof=proof)
    reason = f'the address group "blocked" has exclusions ({names})'
    assert (result["verdict"], result["reason"]) == ("ineffective", reason)
    assert result["warnings"] == [f"do not rely on the block list, because {reason}"]


def test_a_group_that_cannot_be_read_leaves_it_unknown() -> None:
    box = Box(own(), row(1), errors={"read": refused(-37, 403)})
    box.answers["policy_lookup"] = {"success": True, "policy_id": 9}
    assert proven(box)[0] == "unknown"
    assert keep(Box(own(), row(1), errors={"read": refused(-37, 403)}))["verdict"] == "unknown"
    with pytest.raises(Unreachable):
        keep(Box(own(), row(1), errors={"read": Unreachable("no answer")}))


def test_an_ineffective_policy_in_sync_is_a_warning_and_a_predicted_change_is_none() -> None:
    box = Box(row(1, PERMIT), own(), row(2, OTHER))
    box.answers["policy_lookup"] = {"success": True, "policy_id": 1}
    assert "matches policy 1" in keep(box, before=OTHER, proof=PROOF)["warnings"][0]
    assert "warnings" not in keep(Box(row(1), check_mode=True))
    assert "warnings" not in keep(Box(row(1)), state="absent")


def test_without_a_proof_the_verdict_is_unknown() -> None:
    reason = 'no packet was looked up, because proof is not set, but nothing before "deny" permits'
    assert keep(Box(own(), row(1)))["reason"] == reason
    permits = [row(number, f"p{number}") for number in range(1, 6)]
    result = keep(Box(row(8, status="disable"), *permits, own(), row(7, OTHER)), before=OTHER)
    assert (
        result["reason"]
        == 'the policies p1, p2, p3 and 2 more before "deny" may permit packets of a blocked host'
    )
    assert result["verdict"] == "unknown"


def test_a_fortigate_that_fortimanager_manages_is_a_warning() -> None:
    box = Box(own(), row(1))
    box.answers["central_management"] = {"type": "fortimanager"}
    assert keep(box, proof=PROOF)["warnings"] == [FORTIMANAGER]
    box.answers["central_management"] = refused(-37, 403)
    assert "warnings" not in keep(box, proof=PROOF)


def test_without_a_proof_fortimanager_is_a_warning_of_a_change_only() -> None:
    box = Box(row(1))
    box.answers["central_management"] = {"type": "fortimanager"}
    assert keep(box)["warnings"] == [FORTIMANAGER]
    box.events.clear()
    assert "warnings" not in keep(box)
    assert box.events == IN_SYNC


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"name": "x" * 28, "towards": True}, "at most 35 characters"),
        ({"before": NAME}, "before names the policy itself"),
        ({"before": f"{NAME}-towards"}, "before names the policy itself"),
        ({"proof": {**PROOF, "destination": "plc-7"}}, 'proof.destination "plc-7" is not an IP address'),
        ({"proof": PROOF, "towards": True}, "proof has no destination_interface"),
        ({"group": "a b"}, 'group is "a b"'),
    ],
)
def test_options_that_cannot_work_are_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidOptions, match=words):
        keep(Box(), **given)


def test_a_name_may_be_long_without_a_second_policy() -> None:
    assert keep(Box(), name="x" * 35)["changed"] is True
