# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report on an endpoint map: what works, what fails, what was not tried, what is missing."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.otsec.defender_iot.plugins.filter.endpoint_map import (
    FilterModule,
    endpoint_map_report,
)

LAB = Path(__file__).parents[3] / "roles" / "lab" / "files" / "endpoints"
SENSOR, FORESCOUT = (yaml.safe_load((LAB / name).read_text()) for name in ("sensor.yml", "forescout.yml"))
TOKENS = [{"id": 1, "description": "a", "used": None}, {"id": 2, "description": "b", "used": "2026"}]


def states(result: Any, endpoints: Any) -> dict[str, str]:
    """Return the state of each operation."""
    return {line["operation"]: line["state"] for line in endpoint_map_report(result, endpoints)}


def detail(result: Any, endpoints: Any, operation: str) -> str:
    """Return the sentence about one operation."""
    lines = endpoint_map_report(result, endpoints)
    return next(line["detail"] for line in lines if line["operation"] == operation)


def test_a_list_that_was_read_proves_login_list_and_version() -> None:
    assert states({"tokens": TOKENS}, SENSOR) == {
        "login": "works",
        "tokens.list": "works",
        "version": "works",
        "tokens.create": "not tried",
        "tokens.delete": "not tried",
    }
    assert detail({"tokens": TOKENS}, SENSOR, "tokens.list").startswith("2 tokens, 1 of them used")


def test_settings_that_were_read_prove_login_and_read() -> None:
    assert states({"settings": {"server_address": ""}}, FORESCOUT) == {
        "login": "works",
        "settings.read": "works",
        "version": "not tried",
        "settings.update": "not tried",
    }


def test_an_empty_list_proves_nothing_about_its_fields() -> None:
    assert "could not be tried" in detail({"tokens": []}, SENSOR, "tokens.list")


def test_times_without_a_format_are_reported() -> None:
    endpoints = copy.deepcopy(SENSOR)
    del endpoints["tokens"]["list"]["used_format"]
    assert "without used_format" in detail({"tokens": TOKENS}, endpoints, "tokens.list")
    assert "without used_format" not in detail({"tokens": TOKENS[:1]}, endpoints, "tokens.list")


def test_the_number_of_tokens_and_the_total_are_reported() -> None:
    endpoints = copy.deepcopy(SENSOR)
    assert "; the answer has no total; " in detail({"tokens": TOKENS}, endpoints, "tokens.list")
    endpoints["tokens"]["list"]["paging"] = {"total": "/all"}
    assert "; the appliance reports the same total; " in detail({"tokens": TOKENS}, endpoints, "tokens.list")


TEMPORARY = {"id": 9, "description": "endpoint-check-box", "used": None}
CREATED = {"minted": True, "changed": True}
LISTED = {"tokens": [*TOKENS, TEMPORARY]}
WHOLE = {"created": CREATED, "listed": LISTED, "deleted": {}, "after": {"tokens": TOKENS}}
NOT_READ = {"failed": True, "msg": "no"}
LEFT = 'the token "endpoint-check-box" is left on the sensor: delete it manually'
PROOFS = {
    # what the modules answered: (the proof, the states of create and delete, what is said)
    "both work": (WHOLE, "works", "works", "only that token"),
    "no creation": ({**WHOLE, "created": NOT_READ}, "fails", "not tried", "it requires tokens.create"),
    "a creation whose answer is lost": (
        {**WHOLE, "created": NOT_READ, "after": LISTED},
        "fails",
        "not tried",
        f"no; {LEFT}",
    ),
    "check mode": (
        {**WHOLE, "created": {"minted": False, "changed": True}},
        "not tried",
        "not tried",
        "check mode",
    ),
    "left by an earlier check": (
        {**WHOLE, "created": {"minted": False, "changed": False}},
        "not tried",
        "not tried",
        "an earlier check left the temporary token, which this run deletes; run the check again",
    ),
    "not listed": ({**WHOLE, "listed": {"tokens": TOKENS}}, "fails", "not tried", LEFT),
    "listed instead of another one": (
        {**WHOLE, "listed": {"tokens": [*TOKENS[1:], TEMPORARY]}},
        "fails",
        "not tried",
        "had the ids 1, 2 before, and has 2, 9 after the creation; the map's tokens.list may not read all",
    ),
    "two more": (
        {**WHOLE, "listed": {"tokens": [*TOKENS, TEMPORARY, {**TEMPORARY, "id": 10}]}},
        "fails",
        "not tried",
        LEFT,
    ),
    "another description": (
        {**WHOLE, "listed": {"tokens": [*TOKENS, {**TEMPORARY, "description": "else"}]}},
        "fails",
        "not tried",
        LEFT,
    ),
    "no deletion": (
        {**WHOLE, "deleted": {"unreachable": True, "msg": "gone"}, "after": LISTED},
        "works",
        "fails",
        f"gone; {LEFT}",
    ),
    "still there": ({**WHOLE, "after": LISTED}, "works", "fails", LEFT),
    "another one is gone": (
        {**WHOLE, "after": {"tokens": TOKENS[1:]}},
        "works",
        "fails",
        "had the ids 1, 2 before, and has 2 after",
    ),
    "no list": ({**WHOLE, "after": NOT_READ}, "fails", "fails", "again: no; the token"),
    "no list between": ({**WHOLE, "listed": NOT_READ}, "fails", "fails", "may be left on the sensor"),
}


@pytest.mark.parametrize(("proof", "create", "delete", "said"), PROOFS.values(), ids=PROOFS)
def test_a_temporary_token_proves_a_map(proof: Any, create: str, delete: str, said: str) -> None:
    given = {**proof, "description": "endpoint-check-box"}
    lines = endpoint_map_report({"tokens": TOKENS}, SENSOR, given)
    assert [line["state"] for line in lines[-2:]] == [create, delete]
    assert said in "\n".join(line["detail"] for line in lines[-2:])


def test_a_login_of_schema_1_is_known_by_its_paths() -> None:
    endpoints = {"product": "sensor", "login": {"before": "/a", "request": {"path": "/b"}}, "tokens": {}}
    for path in ("/a", "/b"):
        result = {"failed": True, "msg": "no", "failure": {"path": path}}
        assert states(result, endpoints)["login"] == "fails"


def test_what_is_not_in_the_map_is_missing() -> None:
    endpoints = copy.deepcopy(SENSOR)
    del endpoints["tokens"]["delete"]
    assert states({"tokens": TOKENS}, endpoints)["tokens.delete"] == "missing"


@pytest.mark.parametrize(
    ("result", "login", "read"),
    [
        ({"failed": True, "failure": {"path": "/api/authentication/login"}}, "fails", "not tried"),
        ({"unreachable": True, "failure": {"path": None}}, "fails", "not tried"),
        ({"failed": True, "failure": {"path": "/"}}, "fails", "not tried"),
        ({"failed": True, "failure": {"path": "/__lab__/tokens"}}, "works", "fails"),
    ],
)
def test_a_failure_is_reported_for_its_operation(result: Any, login: str, read: str) -> None:
    found = states({**result, "msg": "sensor: no"}, SENSOR)
    assert (found["login"], found["tokens.list"]) == (login, read)
    assert "sensor: no" in [
        line["detail"] for line in endpoint_map_report({**result, "msg": "sensor: no"}, SENSOR)
    ]


def test_a_map_that_cannot_be_used_fails_as_a_whole() -> None:
    message = "the endpoint map is wrong in line 3"
    for endpoints in (SENSOR, {}, {"product": "toaster"}):
        found = endpoint_map_report({"failed": True, "msg": message}, endpoints)
        assert found == [{"operation": "map", "state": "fails", "detail": message}]


def test_the_filter_is_offered() -> None:
    assert FilterModule().filters() == {"endpoint_map_report": endpoint_map_report}
