# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report document: its state, the precedence of outcomes, and the schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ansible_collections.otsec.defender_iot.plugins.plugin_utils._report import document as documents
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._report.document import (
    Appliance,
    Blocking,
    LeftBehind,
    Origin,
    Outcome,
    document,
    fields,
)
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._report.sentences import headline, summary
from ansible_collections.otsec.defender_iot.tests.support.report_documents import states_of_calls

SCHEMA = json.loads((Path(documents.__file__).parent / "schema.json").read_text())
ORIGIN = Origin("drift", "otsec.defender_iot 0.1.0", "2026-11-22T10:15:04Z")
FGT = Appliance("fgt", "fortigate", "north", trust="site")
SENSOR = Appliance("sensor", "sensor", "north", address="192.0.2.11")
OTHER = Appliance("other", "sensor", "south", address="198.51.100.11")
PLATFORM = Appliance("platform", "forescout", "north", asks="sensor")
SIEM = Appliance("siem", "fortisiem")


def object_entry(action: str = "none", before: Any = None, after: Any = None, **more: Any) -> dict[str, Any]:
    """Return an object of a module's result."""
    sides = {"before": before or {}, "after": after or {}} if action not in ("none", "unknown") else {}
    return {"kind": "token", "name": "t", "action": action, "changed": bool(sides), **sides, **more}


def seen(*objects: dict[str, Any], of: Appliance = FGT, acts: bool = False) -> Outcome:
    """Return the outcome of a successful task."""
    return Outcome(of.name, "checked", None, objects, "documented", acts)


def made(
    *outcomes: Outcome, of: tuple[Appliance, ...] = (FGT,), verdicts: Any = None, policies: Any = None
) -> dict[str, Any]:
    """Return a report after validating it."""
    report = document(ORIGIN, of, outcomes, verdicts or {}, policies=policies or {})
    jsonschema.validate(report, SCHEMA)
    return report


UNREACHABLE = Outcome("fgt", "unreachable", "no answer")
FAILED = Outcome("fgt", "failed", "refused")
JUDGED = {
    "clean": ([seen(object_entry())], "clean", 0),
    "drift": ([seen(object_entry("create", {}, {"a": 1}))], "drift", 2),
    "changed": ([seen(object_entry("create", {}, {"a": 1}), acts=True)], "changed", 0),
    "unreachable": ([UNREACHABLE], "unknown", 4),
    "failed": ([FAILED], "unknown", 4),
    "not done": ([], "unknown", 4),
    "drift and failed": ([seen(object_entry("create", {}, {"a": 1})), FAILED], "unknown", 4),
    "failed and then well": ([FAILED, seen(object_entry())], "unknown", 4),
    "nothing declared": ([seen()], "clean", 0),
    "cannot be read": ([seen(object_entry("unknown", previewable=False))], "clean", 0),
}


@pytest.mark.parametrize(("outcomes", "state", "code"), JUDGED.values(), ids=JUDGED)
def test_a_run_is_judged_by_the_worst_that_happened(outcomes: list[Outcome], state: str, code: int) -> None:
    report = made(*outcomes)
    assert (report["state"], report["exit_code"]) == (state, code)


def test_without_appliances_the_state_is_unknown() -> None:
    assert made(of=())["exit_code"] == 4


@pytest.mark.parametrize("outcome", [UNREACHABLE, FAILED, None])
def test_an_unchecked_appliance_has_one_unknown_object_with_the_reason(outcome: Any) -> None:
    (unknown,) = made(*filter(None, [outcome]))["objects"]
    assert (unknown["action"], unknown["kind"], unknown["name"]) == ("unknown", "fortigate", "fgt")
    assert unknown["message"] == (outcome.message if outcome else documents.NEVER_REACHED)


def test_the_objects_of_a_failed_task_are_kept() -> None:
    step = Outcome("fgt", "failed", "refused", [object_entry("create", {}, {"a": 1})], None, True)
    assert [each["action"] for each in made(step)["objects"]] == ["create"]


STEPS = {
    "replaced, then the old one dropped": (
        [object_entry("rotate", {"f": "1"}, {"f": "2"}), object_entry("update", {"previous": "1"}, {})],
        "rotate",
        {"f"},
    ),
    "kept, then changed": ([object_entry(), object_entry("update", {"a": 1}, {"a": 2})], "update", {"a"}),
    "changed, then as wanted": (
        [object_entry("update", {"a": 1}, {"a": 2}), object_entry()],
        "update",
        {"a"},
    ),
    "changed, then deleted": (
        [object_entry("update", {"a": 1}, {"a": 2}), object_entry("delete", {"a": 2}, {})],
        "delete",
        {"a"},
    ),
}


@pytest.mark.parametrize(("steps", "action", "names"), STEPS.values(), ids=STEPS)
def test_all_steps_with_one_object_are_merged(steps: list[Any], action: str, names: set[str]) -> None:
    (one,) = made(*(seen(step, acts=True) for step in steps))["objects"]
    assert one["action"] == action
    assert {row["field"] for row in one["fields"]} == names


def test_a_change_outranks_a_prediction_in_any_order() -> None:
    prediction, deed = (
        seen(object_entry("create", {}, {"a": 1})),
        seen(object_entry("update", {"a": 1}, {"a": 2}), acts=True),
    )
    for order in ([prediction, deed], [deed, prediction]):
        assert [each["action"] for each in made(*order)["objects"]] == ["update"]


def test_only_differences_are_listed_and_nested_fields_by_their_path() -> None:
    before = {"same": 1, "inner": {"x": "none", "y": 1}, "list": [1]}
    after = {"same": 1, "inner": {"x": "read", "y": 1}, "list": [1, 2], "new": None}
    assert fields(before, after) == [
        {"field": "inner.x", "before": "none", "after": "read"},
        {"field": "list", "before": [1], "after": [1, 2]},
    ]


VERDICT = {"state": "working", "since": "2026-11-22T09:00:00Z", "level": "L4", "evidence": "Used is ..."}


def test_every_appliance_and_object_of_an_integration_has_its_verdict() -> None:
    asking = [PLATFORM, Appliance("second", "forescout", "north", asks="sensor")]
    verdicts = {"platform": VERDICT, "second": {**VERDICT, "state": "never_called"}}
    outcomes = [seen(object_entry(), of=each) for each in (*asking, SENSOR, OTHER)]
    report = made(*outcomes, of=(*asking, SENSOR, OTHER), verdicts=verdicts)
    found = {each["appliance"]: each["verification"] for each in report["objects"]}
    assert found == {
        "platform": "working",
        "second": "never_called",
        "sensor": "never_called",
        "other": None,
    }


def test_a_policy_of_a_platform_has_a_verdict_of_its_own() -> None:
    names = {"working": "a", "never_called": "b", "none": "c"}
    policies = {
        "platform": {names[state]: {**VERDICT, "state": state} for state in ("working", "never_called")}
    }
    objects = [{**object_entry(), "kind": "policy", "name": name} for name in names.values()]
    outcomes = [seen(*objects, {**object_entry(), "name": "a"}, of=PLATFORM), seen(*objects)]
    report = made(*outcomes, of=(PLATFORM, FGT), policies=policies)
    found = [(each["appliance"], each["kind"], each["verification"]) for each in report["objects"]]
    assert found == [
        ("fgt", "policy", None),
        ("fgt", "policy", None),
        ("fgt", "policy", None),
        ("platform", "policy", "working"),
        ("platform", "policy", "never_called"),
        ("platform", "policy", None),
        ("platform", "token", None),
    ]


def edges(*outcomes: Outcome) -> dict[tuple[str, str], str]:
    """Return the states of all edges between the four appliances."""
    every = (FGT, SENSOR, OTHER, PLATFORM)
    report = made(*outcomes, of=every, verdicts={"platform": VERDICT})
    return states_of_calls(report)


def test_sensors_call_the_fortigates_of_their_site_and_a_platform_its_sensor() -> None:
    assert edges() == {("sensor", "fgt"): "no_verdict", ("platform", "sensor"): "working"}


@pytest.mark.parametrize(
    ("verdicts", "found", "verified"),
    [
        ({}, {"sensor": "no_verdict", "other": "no_verdict"}, [None, None, None]),
        (
            {"siem": {**VERDICT, "state": "unknown", "sensors": {}}},
            {"sensor": "unknown", "other": "unknown"},
            ["unknown", None, None],
        ),
        (
            {
                "siem": {
                    **VERDICT,
                    "state": "never_called",
                    "sensors": {"sensor": VERDICT, "other": {**VERDICT, "state": "never_called"}},
                }
            },
            {"sensor": "working", "other": "never_called"},
            ["never_called", "working", "never_called"],
        ),
    ],
)
def test_sensors_send_alerts_to_a_fortisiem(verdicts: Any, found: Any, verified: Any) -> None:
    of = (SIEM, SENSOR, OTHER)
    report = made(*(seen(of=each) for each in of), of=of, verdicts=verdicts)
    assert states_of_calls(report) == {(sensor, "siem"): state for sensor, state in found.items()}
    assert {edge["integration"] for edge in report["edges"]} == {"fortisiem"}
    by_name = {row["appliance"]: row["verification"] for row in report["appliances"]}
    assert [by_name[each.name] for each in of] == verified


@pytest.mark.parametrize("of", [SENSOR, PLATFORM])
def test_an_edge_drifts_if_an_object_behind_it_would_change(of: Appliance) -> None:
    change = object_entry("update", {"a": 1}, {"a": 2})
    assert edges(seen(change, of=of))["platform", "sensor"] == "drift"
    assert edges(seen(change, of=of, acts=True))["platform", "sensor"] == "working"


IN_PLACE = {
    "state": "unknown",
    "outcome": "not_provable",
    "since": None,
    "level": None,
    "evidence": "in place",
}
UNREAD = {**IN_PLACE, "outcome": "unreadable", "evidence": "no answer"}


@pytest.mark.parametrize(
    ("verdict", "state"),
    [(None, "no_verdict"), (IN_PLACE, "not_provable"), (UNREAD, "unknown")],
    ids=["no verdict", "not provable", "unread"],
)
def test_an_unproved_edge_is_an_alarm_only_if_it_could_be_proved(verdict: Any, state: str) -> None:
    report = made(seen(object_entry()), of=(FGT, SENSOR), verdicts={"fgt": verdict} if verdict else {})
    assert [edge["state"] for edge in report["edges"]] == [state]
    assert {name: count for name, count in report["edge_counts"].items() if count} == {state: 1}
    fgt = next(row for row in report["appliances"] if row["appliance"] == "fgt")
    assert fgt["verification"] == (None if verdict is None else state)


def test_an_object_that_no_interface_can_read_is_counted_apart() -> None:
    manual = object_entry("unknown", previewable=False, reason="an operator enters the settings")
    report = made(seen(manual, of=PLATFORM), seen(object_entry()), of=(FGT, PLATFORM))
    assert [each["action"] for each in report["objects"]] == ["none", "not_provable"]
    assert (report["counts"]["not_provable"], report["counts"]["unknown"]) == (1, 0)
    assert (report["state"], report["exit_code"]) == ("clean", 0)
    assert headline(report) == "clean: 2 of 2 appliances checked, nothing to change; 1 not provable"


def callers(*trusted: list[str] | None, of: Appliance = FGT) -> list[str]:
    """Return the sensors that call a FortiGate after tasks that declared these trusted hosts."""
    outcomes = [Outcome(of.name, "checked", trusted=each) for each in trusted]
    unnamed = Appliance("unnamed", "sensor", "north", address="sensor.example")
    return [
        caller for caller, _fortigate in states_of_calls(made(*outcomes, of=(of, SENSOR, OTHER, unnamed)))
    ]


TRUSTED: list[tuple[list[list[str] | None], list[str]]] = [
    ([["192.0.2.11/32"]], ["sensor"]),
    ([["198.51.100.0/24", "2001:db8::/64"]], ["other"]),
    ([["192.0.2.11/32"], None, ["198.51.100.11/32"]], ["sensor", "other"]),
    ([["192.0.2.20/32"]], []),
    ([[]], []),
]


@pytest.mark.parametrize(("trusted", "found"), TRUSTED)
def test_exactly_the_sensors_that_are_trusted_hosts_call_a_fortigate(trusted: Any, found: list[str]) -> None:
    assert callers(*trusted) == found


@pytest.mark.parametrize(
    ("trust", "found"), [("site", ["sensor", "unnamed"]), ("all", ["sensor", "unnamed", "other"])]
)
def test_the_inventory_says_who_calls_a_fortigate_that_was_not_checked(trust: str, found: list[str]) -> None:
    assert callers(of=Appliance("fgt", "fortigate", "north", trust=trust)) == found


def test_trusted_hosts_that_fortigates_share_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read = []
    network = documents.ipaddress.ip_network
    monkeypatch.setattr(documents.ipaddress, "ip_network", lambda text: read.append(text) or network(text))
    sensors = [Appliance(f"sensor-{n}", "sensor", address=f"192.0.2.{n}") for n in range(30)]
    fortigates = [Appliance(f"fgt-{n}", "fortigate") for n in range(40)]
    trusted = [f"192.0.2.{n}/32" for n in range(30)]
    outcomes = [Outcome(each.name, "checked", trusted=trusted) for each in fortigates]
    report = made(*outcomes, of=(*sensors, *fortigates))
    assert sorted(read) == sorted(trusted)
    assert len(report["edges"]) == 40
    assert report["edge_counts"]["no_verdict"] == 40 * 30


def test_a_management_console_that_is_a_trusted_host_is_of_a_retired_product() -> None:
    consoles = [Appliance(name, "management_console", address=f"192.0.2.{n}") for n, name in enumerate("ab")]
    other = Appliance("second", "fortigate")
    outcomes = [Outcome("fgt", "checked", trusted=["192.0.2.1/32"]), Outcome("second", "failed", "refused")]
    report = document(ORIGIN, (FGT, other), outcomes, {}, consoles=consoles)
    jsonschema.validate(report, SCHEMA)
    assert report["retired_clients"] == [
        {"host": "a", "fortigates": ["second"]},
        {"host": "b", "fortigates": ["second", "fgt"]},
    ]
    assert summary(report)[-1] == (
        "  b is a trusted host of second, fgt. Microsoft retired the on-premises management console on "
        "2025-01-01, so this access serves a retired product"
    )


def test_hosts_that_are_left_behind_are_reported_with_the_command_that_cleans_up() -> None:
    left = LeftBehind("vault_file:/srv/.secrets", ["fgt-old", "a b"])
    report = document(ORIGIN, (SENSOR,), [seen(of=SENSOR)], {}, left_behind=left)
    jsonschema.validate(report, SCHEMA)
    assert (report["state"], report["exit_code"]) == ("clean", 0)
    command = "ansible-playbook -i INVENTORY otsec.defender_iot.decommission --limit"
    assert report["left_behind"] == [
        {"host": "fgt-old", "secrets": "vault_file:/srv/.secrets/fgt-old", "command": f"{command} fgt-old"},
        {"host": "a b", "secrets": "vault_file:/srv/.secrets/a b", "command": f"{command} 'a b'"},
    ]
    assert headline(report) == "clean: 1 of 1 appliances checked, nothing to change; 2 left behind"
    assert summary(report)[1] == (
        "  fgt-old is left behind: its secrets are in vault_file:/srv/.secrets/fgt-old; add it to its group "
        f"and to the group decommissioned, and run {command} fgt-old"
    )


def test_the_console_has_the_counts_and_names_what_was_not_done() -> None:
    report = made(seen(object_entry("mint", {}, {"f": "1"}), of=SENSOR), UNREACHABLE, of=(FGT, SENSOR, OTHER))
    assert headline(report) == "unknown: 1 of 3 appliances checked, 1 to mint"
    assert summary(report)[1:] == [
        "integrations: 1 no verdict",
        "  fgt was unreachable: no answer",
        f"  other was not done: {documents.NEVER_REACHED}",
    ]
    hostile = made(Outcome("fgt", "failed", "\u202egpj \x1b[31m"))
    assert summary(hostile)[1:] == ["  fgt failed: [U+202E]gpj [U+001B][31m"]
    many = made(of=tuple(Appliance(f"fgt-{number:02}", "fortigate") for number in range(25)))
    assert summary(many)[-1] == "  and 5 more appliances, see the report"
    assert len(summary(many)) == 22


def test_the_report_has_the_blocked_hosts_and_the_proposals() -> None:
    entries = [{"address": f"192.0.2.{n}", "until": f"2026-12-0{n}T06:00:00Z"} for n in (2, 1)]
    rows = [
        {"decision": decision, "address": "192.0.2.7", "sensor": None, "reason": "why", "matched": True}
        for decision in ("keep", "block", "renew", "release", "none")
    ]
    blocking = Blocking({"fgt": entries}, {"north": rows})
    report = document(ORIGIN, (FGT, SENSOR), [seen(object_entry())], {}, blocking)
    jsonschema.validate(report, SCHEMA)
    assert [(each["appliance"], each["site"], each["address"]) for each in report["blocks"]] == [
        ("fgt", "north", "192.0.2.1"),
        ("fgt", "north", "192.0.2.2"),
    ]
    assert report["blocks"][0]["owner"] == ""
    assert [each["decision"] for each in report["proposals"]] == ["block", "renew", "release"]
