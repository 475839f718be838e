# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run of a module: options, connection, result; every expected error is one sentence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.apply import Job
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import (
    ApplianceError,
    Conflict,
    InvalidOptions,
    Locked,
    NotFound,
    Refused,
    SecretStoreError,
    Unreachable,
    Unsupported,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.resource import Field, Resource
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.options import fortigate
from ansible_collections.otsec.defender_iot.plugins.module_utils._module.arguments import STATE, Arguments
from ansible_collections.otsec.defender_iot.plugins.module_utils._module.remote import pack, raise_packed
from ansible_collections.otsec.defender_iot.plugins.module_utils._module.run import Module, run
from ansible_collections.otsec.defender_iot.tests.unit.fakes import REF, MemoryAppliance, MemoryEntry

THING = Resource(label="thing", kind="thing", path="things", fields={"name": Field("name", max_length=4)})
SPEC = {
    **STATE,
    "name": {"type": "str", "required": True},
    "password": {"type": "str", "no_log": True},
    "secret_ref": {"type": "str", "no_log": False},
    "endpoints": {"type": "path"},
}


class Node:
    """A control node in memory that says what was asked of it."""

    appliance = "box"
    check_mode = False

    def __init__(self) -> None:
        self.hidden: set[str] = set()
        self.asked: list[str] = []
        self.api = MemoryAppliance()
        self.api.close = lambda: self.asked.append("close")

    def reach(self, module: Module, params: Any) -> MemoryAppliance:
        self.asked.append("reach")
        return self.api

    def keeper(self, ref: str) -> MemoryEntry:
        self.asked.append(f"keeper {ref}")
        return MemoryEntry("s3cr3t")

    def endpoint_map(self, path: str) -> dict[str, Any]:
        self.asked.append(f"map {path}")
        return {"provenance": "captured"}


def module(job: Callable[[Job], dict[str, Any]], **more: Any) -> Module:
    """Make a module that does this."""
    return Module(Arguments(SPEC), THING, lambda _params: MemoryAppliance(), job, **more)


def raising(error: Exception) -> Callable[[Job], dict[str, Any]]:
    """Make a job that ends with this error."""

    def job(job: Job) -> dict[str, Any]:
        raise error

    return job


def test_a_result_says_what_it_rests_on_and_the_connection_is_closed() -> None:
    node = Node()
    assert run(module(lambda job: {"changed": True}), {"name": "a"}, node) == {
        "changed": True,
        "provenance": "documented",
    }
    assert node.asked == ["reach", "close"]


def test_the_provenance_is_that_of_the_endpoint_map() -> None:
    node = Node()
    result = run(module(lambda job: {}), {"name": "a", "endpoints": "/map.yml"}, node)
    assert result == {"changed": False, "provenance": "captured"}
    assert node.asked[0] == "map /map.yml"


def test_an_option_that_is_null_is_one_that_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORTIGATE_URL", "https://fgt.example")
    given = {"url": None, "token": "k3y", "timeout": None}
    params, _hidden = fortigate({}).validate(given)
    assert (params["url"], params["timeout"]) == ("https://fgt.example", 30)


def test_a_job_gets_validated_options_and_a_keeper_for_each_reference() -> None:
    seen: list[Job] = []
    node = Node()
    run(
        module(lambda job: seen.append(job) or {}, secret_refs=("secret_ref",)),
        {"name": 1, "secret_ref": REF},
        node,
    )
    assert (seen[0].params["name"], seen[0].params["state"], seen[0].appliance) == ("1", "present", "box")
    assert seen[0].keepers["secret_ref"].read().current.value == "s3cr3t"
    assert node.asked == [f"keeper {REF}", "reach", "close"]


@pytest.mark.parametrize("changed", [True, False])
def test_a_difference_is_told_where_there_is_one(changed: bool) -> None:
    result = run(module(lambda job: {"changed": changed, "diff": {}}), {"name": "a"}, Node())
    assert ("diff" in result) is changed


def test_notes_become_warnings() -> None:
    result = run(module(lambda job: job.notes.append("mind") or {}), {"name": "a"}, Node())
    assert result["warnings"] == ["mind"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "missing required arguments: name"),
        ({"name": "a", "state": "gone"}, "value of state must be one of: "),
        ({"name": "a", "colour": "blue"}, "colour"),
        ({"name": "fiver"}, "name has 5 characters, at most 4 are possible"),
    ],
)
def test_options_that_cannot_be_right_fail_before_any_connection(options: Any, said: str) -> None:
    node = Node()
    result = run(module(raising(AssertionError("ran"))), options, node)
    assert (result["failed"], result["changed"]) == (True, False)
    assert result["msg"].startswith("box: ")
    assert said in result["msg"]
    assert node.asked == []


def test_what_a_module_refuses_itself_fails_before_any_connection() -> None:
    def prepare(params: Any) -> Any:
        raise InvalidOptions("not so")

    node = Node()
    result = run(module(raising(AssertionError("ran")), prepare=prepare), {"name": "a"}, node)
    assert (result, node.asked) == ({"changed": False, "failed": True, "msg": "box: not so"}, [])


@pytest.mark.parametrize(
    ("own", "by"),
    [({}, "the resource"), ({"prepare": lambda params: {**params, "by": "the module"}}, "the module")],
)
def test_the_resource_completes_the_options_unless_the_module_does(own: Any, by: str) -> None:
    resource = replace(THING, prepare=lambda params: {**params, "by": "the resource"})
    made = replace(module(lambda job: {"by": job.params["by"]}, **own), resource=resource)
    assert run(made, {"name": "a"}, Node())["by"] == by


FAILURE = {"status": 403, "code": -37, "path": "/p"}


@pytest.mark.parametrize(
    ("error", "result"),
    [
        (Conflict("no way"), {"failed": True, "msg": "box: no way"}),
        (
            Refused("no", **FAILURE),
            {"failed": True, "msg": "box: the task was refused (403, -37): no", "failure": FAILURE},
        ),
        (
            Unreachable("no answer", path="/p"),
            {
                "unreachable": True,
                "msg": "box: the task failed: no answer",
                "failure": {"status": None, "code": None, "path": "/p"},
            },
        ),
    ],
)
def test_an_expected_error_is_one_sentence_and_the_connection_is_closed(
    error: Exception, result: Any
) -> None:
    node = Node()
    assert run(module(raising(error)), {"name": "a"}, node) == {"changed": False, **result}
    assert node.asked == ["reach", "close"]


@pytest.mark.parametrize("job", [lambda job: {"msg": "it was s3cr3t"}, raising(Refused("it was s3cr3t"))])
def test_a_hidden_value_never_gets_into_a_result(job: Any) -> None:
    result = run(module(job), {"name": "a", "password": "s3cr3t"}, Node())
    assert result["msg"].endswith("it was ********")


def test_a_value_that_a_keeper_met_never_gets_into_a_result() -> None:
    node = Node()
    told = {"msg": "it is k3y", "key": "k3y", "diff": {"after": {"key": "k3y"}}, "k3y": ["k3y"]}
    result = run(module(lambda job: node.hidden.add("k3y") or dict(told)), {"name": "a"}, node)
    assert not any("k3y" in str(value) for value in result.values())


def test_the_one_value_that_was_asked_for_is_shown_and_nowhere_else() -> None:
    node = Node()
    told = {"value": "k3y", "msg": "it is k3y"}
    result = run(module(lambda job: node.hidden.add("k3y") or dict(told)), {"name": "a"}, node)
    assert (result["value"], result["msg"]) == ("k3y", "it is ********")


@pytest.mark.parametrize("kind", [ApplianceError, Refused, Locked, NotFound, Unreachable, Unsupported])
def test_an_error_on_a_far_host_is_the_same_error_here(kind: type[ApplianceError]) -> None:
    with pytest.raises(ApplianceError) as caught:
        raise_packed(pack(kind("no", **FAILURE)))
    assert (type(caught.value), caught.value.reason, caught.value.failure) == (kind, "no", FAILURE)


def test_wrong_options_on_a_far_host_are_wrong_options_here() -> None:
    with pytest.raises(InvalidOptions, match="not so"):
        raise_packed(pack(InvalidOptions("not so")))


def test_a_broken_store_is_told_with_its_attempt() -> None:
    error = SecretStoreError("no space left")
    error.attempt = "storing the secret x"
    assert run(module(raising(error)), {"name": "a"}, Node())["msg"] == (
        "box: storing the secret x failed: no space left"
    )
