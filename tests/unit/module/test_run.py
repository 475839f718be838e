# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run of a module: options, connection and result. Every expected error is one message."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.claims import Claims
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
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.moment import now
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.predictions import Predictions
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.resource import Field, Resource
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.task import Outcome, Task
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.options import fortigate
from ansible_collections.otsec.defender_iot.plugins.module_utils._module import run as runs
from ansible_collections.otsec.defender_iot.plugins.module_utils._module.arguments import (
    STATE,
    Arguments,
    from_environment,
)
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
    """A control node in memory that records its calls."""

    host = "box"
    check_mode = False

    def __init__(self) -> None:
        self.hidden: set[str] = set()
        self.predictions = Predictions()
        self.claims = Claims()
        self.began = now()
        self.asked: list[str] = []
        self.variables: dict[str, str] = {}
        self.api = MemoryAppliance()
        self.api.close = lambda: self.asked.append("close")

    def environment(self) -> dict[str, str]:
        return self.variables

    def with_variables(self, text: str) -> str:
        return text.replace("name", "name (thing_name)")

    def relay(self, params: Any) -> MemoryAppliance:
        self.asked.append("relay")
        return self.api

    def secret_entry(self, ref: str) -> MemoryEntry:
        self.asked.append(f"secret {ref}")
        return MemoryEntry("s3cr3t")

    def endpoint_map(self, path: str) -> dict[str, Any]:
        self.asked.append(f"map {path}")
        return {"provenance": "captured"}


Work = Callable[[Task, Outcome], None]


def module(work: Work, **more: Any) -> Module:
    """Return a module with this work."""
    return Module(Arguments(SPEC), THING, lambda params, route: route.relay(params), work, **more)


def reporting(changed: bool = False, diff: Any = None, **values: Any) -> Work:
    """Return work that reports these values."""

    def work(_task: Task, outcome: Outcome) -> None:
        outcome.changed, outcome.diff = changed, diff
        outcome.values.update(values)

    return work


def failing(error: Exception, **values: Any) -> Work:
    """Return work that reports values and then fails with this error."""

    def work(task: Task, outcome: Outcome) -> None:
        reporting(**values)(task, outcome)
        raise error

    return work


def test_a_result_has_its_provenance_and_the_connection_is_closed() -> None:
    node = Node()
    assert run(module(reporting(changed=True)), {"name": "a"}, node) == {
        "changed": True,
        "provenance": "documented",
    }
    assert node.asked == ["relay", "close"]


def test_the_provenance_is_that_of_the_endpoint_map() -> None:
    node = Node()
    result = run(module(reporting()), {"name": "a", "endpoints": "/map.yml"}, node)
    assert result == {"changed": False, "provenance": "captured"}
    assert node.asked[0] == "map /map.yml"


def test_an_option_that_is_null_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORTIGATE_URL", "https://fgt.example")
    given = {"url": None, "token": "k3y", "timeout": None}
    params, _hidden = fortigate({}).validate(given)
    assert (params["url"], params["timeout"]) == ("https://fgt.example", 30)


def test_a_task_gets_validated_options_and_an_entry_for_each_reference() -> None:
    seen: list[Task] = []
    node = Node()
    run(
        module(lambda task, _outcome: seen.append(task), secret_refs=("secret_ref",)),
        {"name": 1, "secret_ref": REF},
        node,
    )
    assert (seen[0].options["name"], seen[0].options["state"], seen[0].host) == ("1", "present", "box")
    assert seen[0].secrets["secret_ref"].read().current.value == "s3cr3t"
    assert node.asked == [f"secret {REF}", "relay", "close"]


@pytest.mark.parametrize("changed", [True, False])
def test_only_a_change_has_a_diff(changed: bool) -> None:
    result = run(module(reporting(changed, {})), {"name": "a"}, Node())
    assert ("diff" in result) is changed


def test_a_result_has_the_warnings() -> None:
    work = module(lambda _task, outcome: outcome.warnings.append("check it"))
    assert run(work, {"name": "a"}, Node())["warnings"] == ["check it"]


def test_a_failed_result_has_the_changes_made_before() -> None:
    result = run(module(failing(Refused("no", "ask"), changed=True, steps=["one"])), {"name": "a"}, Node())
    assert (result["failed"], result["changed"], result["steps"]) == (True, True, ["one"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "missing required arguments: name (thing_name); correct the options of the task"),
        ({"name": "a", "state": "gone"}, "value of state must be one of: "),
        ({"name": "a", "colour": "blue"}, "unsupported option colour; remove it"),
        ({"name": "fiver"}, "name (thing_name) has 5 characters, at most 4 are possible"),
    ],
)
def test_invalid_options_fail_before_any_connection(options: Any, said: str) -> None:
    node = Node()
    result = run(module(failing(AssertionError("ran"))), options, node)
    assert (result["failed"], result["changed"]) == (True, False)
    assert result["msg"].startswith("box: ")
    assert said in result["msg"]
    assert node.asked == []


def test_options_that_a_module_refuses_fail_before_any_connection() -> None:
    def prepare(params: Any) -> Any:
        raise InvalidOptions("a is wrong", "set a")

    node = Node()
    result = run(module(failing(AssertionError("ran")), prepare=prepare), {"name": "a"}, node)
    message = "box: checking the options failed: a is wrong; set a"
    assert (result, node.asked) == ({"changed": False, "failed": True, "msg": message}, [])


@pytest.mark.parametrize(
    ("own", "by"),
    [({}, "the resource"), ({"prepare": lambda params: {**params, "by": "the module"}}, "the module")],
)
def test_the_resource_completes_the_options_unless_the_module_does(own: Any, by: str) -> None:
    resource = replace(THING, prepare=lambda params: {**params, "by": "the resource"})
    reports = module(lambda task, outcome: outcome.values.update(by=task.options["by"]), **own)
    made = replace(reports, resource=resource)
    assert run(made, {"name": "a"}, Node())["by"] == by


FAILURE = {"status": 403, "code": -37, "path": "/p"}


@pytest.mark.parametrize(
    ("error", "result"),
    [
        (
            Conflict("it is built in", "leave it"),
            {"failed": True, "msg": "box: planning the change failed: it is built in; leave it"},
        ),
        (
            Refused("no", "ask", **FAILURE),
            {"failed": True, "msg": "box: the task failed (403, -37): no; ask", "failure": FAILURE},
        ),
        (
            Unreachable("no answer", "wait", path="/p"),
            {
                "unreachable": True,
                "msg": "box: the task failed: no answer; wait",
                "failure": {"status": None, "code": None, "path": "/p"},
            },
        ),
    ],
)
def test_an_expected_error_is_one_message_and_the_connection_is_closed(error: Exception, result: Any) -> None:
    node = Node()
    assert run(module(failing(error)), {"name": "a"}, node) == {"changed": False, **result}
    assert node.asked == ["relay", "close"]


@pytest.mark.parametrize("work", [reporting(msg="it was s3cr3t"), failing(Refused("s3cr3t", "no s3cr3t"))])
def test_a_secret_option_never_gets_into_a_result(work: Any) -> None:
    result = run(module(work), {"name": "a", "password": "s3cr3t"}, Node())
    assert "s3cr3t" not in str(result)
    assert result["msg"].endswith(" ********")


def test_a_value_from_the_store_never_gets_into_a_result() -> None:
    node = Node()
    values = {"msg": "it is k3y", "key": "k3y", "diff": {"after": {"key": "k3y"}}, "k3y": ["k3y"]}

    def work(_task: Task, outcome: Outcome) -> None:
        node.hidden.add("k3y")
        outcome.changed, outcome.diff = True, values.pop("diff")
        outcome.values.update(values)

    result = run(module(work), {"name": "a"}, node)
    assert not any("k3y" in str(value) for value in result.values())


def test_a_requested_value_is_returned_in_one_place_only() -> None:
    node = Node()

    def work(_task: Task, outcome: Outcome) -> None:
        node.hidden.add("k3y")
        outcome.values.update(value="k3y", msg="it is k3y")

    result = run(module(work), {"name": "a"}, node)
    assert (result["value"], result["msg"]) == ("k3y", "it is ********")


@pytest.mark.parametrize("kind", [ApplianceError, Refused, Locked, NotFound, Unreachable, Unsupported])
def test_a_packed_error_is_raised_unchanged(kind: type[ApplianceError]) -> None:
    with pytest.raises(ApplianceError) as caught:
        raise_packed(pack(kind("no", "ask", **FAILURE)))
    assert (type(caught.value), caught.value.reason, caught.value.failure) == (kind, "no; ask", FAILURE)


def test_packed_invalid_options_are_raised_unchanged() -> None:
    with pytest.raises(InvalidOptions, match="a is wrong; set a"):
        raise_packed(pack(InvalidOptions("a is wrong", "set a")))


def test_an_option_may_come_from_the_environment_of_the_task() -> None:
    spec = {**SPEC, "name": {"type": "str", "fallback": (from_environment, ["THING_NAME"])}}
    node = Node()
    node.variables = {"THING_NAME": "a"}
    work = module(lambda task, outcome: outcome.values.update(name=task.options["name"]))
    assert run(replace(work, arguments=Arguments(spec)), {}, node)["name"] == "a"


def test_only_the_remedy_of_an_appliance_s_refusal_names_variables() -> None:
    result = run(module(failing(Refused("the name is taken", "choose another name"))), {"name": "a"}, Node())
    assert result["msg"].endswith(": the name is taken; choose another name (thing_name)")


def test_a_missing_package_is_named_with_the_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "REQUESTS_IMPORT_ERROR", "no module")
    result = run(module(reporting()), {"name": "a"}, Node())
    assert f"the Python package requests is not installed for {sys.executable} on " in result["msg"]


def test_an_error_of_the_store_is_reported_with_its_attempt() -> None:
    error = SecretStoreError("no space left", "free some")
    error.attempt = "storing the secret x"
    assert run(module(failing(error)), {"name": "a"}, Node())["msg"] == (
        "box: storing the secret x failed: no space left; free some"
    )
