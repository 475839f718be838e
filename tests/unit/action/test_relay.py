# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An appliance behind a delegation host: each verb is one call there, and errors arrive unchanged."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import (
    ApplianceError,
    InvalidOptions,
    Locked,
    Refused,
    Unreachable,
    Unsupported,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.resource import Field, Resource
from ansible_collections.otsec.defender_iot.plugins.module_utils._module.remote import pack
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._action.relay import RelayedAppliance

THING = Resource(label="thing", kind="thing", path="things", fields={"name": Field("name")})
ROW = {"name": "a", "id": 7}
FOUND = {"rows": [ROW], "revision": "a1", "date": None}
TRACEBACK = 'Traceback (most recent call last):\n  File "x", line 1, in <module>\nValueError: no\n'
SSH = "debug1: Exit status 137\nTransferred: sent 1, received 1 bytes\nShared connection to box closed.\n"


class DelegationHost:
    """Answers every call with the same result, through JSON as a module process does."""

    def __init__(self, **result: Any) -> None:
        self.result = result
        self.calls: list[tuple[str, str, list[Any]]] = []

    def __call__(self, verb: str, kind: str, arguments: list[Any]) -> Any:
        self.calls.append((verb, kind, json.loads(json.dumps(arguments))))
        return json.loads(json.dumps(self.result))


VERBS = {
    # verb, arguments, arguments that the host receives, its reply, return value
    "read": ("read", ["a"], ["a"], ROW, ROW),
    "read a missing object": ("read", ["a"], ["a"], None, None),
    "table": ("table", [], [], [ROW], [ROW]),
    "create": ("create", ["a", {"b": 1}], ["a", {"b": 1}], None, None),
    "update": ("update", ["a", {"b": 1}], ["a", {"b": 1}], None, None),
    "delete": ("delete", ["a"], ["a", None], None, None),
    "delete one of several": ("delete", ["a", ROW], ["a", ROW], None, None),
    "search": ("search", ["a"], ["a"], FOUND, FOUND),
    "capacity": ("capacity", ["members"], ["members"], 600, 600),
    "capacity without a limit": ("capacity", ["members"], ["members"], None, None),
    "add": ("add", ["a", "b"], ["a", "b"], None, None),
    "remove": ("remove", ["a", "b"], ["a", "b"], None, None),
    "move": ("move", ["7", "1"], ["7", "1"], None, None),
    "ask": ("ask", [{"b": "1"}], [{"b": "1"}], {"c": 2}, {"c": 2}),
    "mint": ("mint", ["a"], ["a"], ("s3cr3t", 7), ("s3cr3t", 7)),
    "mint a secret without an id": ("mint", ["a"], ["a"], ("s3cr3t", None), ("s3cr3t", None)),
    "probe": ("probe", ["a", "s3cr3t", {"n": 1}], ["a", "s3cr3t", {"n": 1}], ("valid", 200), ("valid", 200)),
    "probe without a verdict": (
        "probe",
        ["a", "s3cr3t"],
        ["a", "s3cr3t", None],
        ("unknown", None),
        ("unknown", None),
    ),
}


@pytest.mark.parametrize(("verb", "arguments", "received", "reply", "value"), VERBS.values(), ids=VERBS)
def test_each_verb_is_one_call(verb: str, arguments: Any, received: Any, reply: Any, value: Any) -> None:
    host = DelegationHost(reply=reply, version="7.4.5", partition="root", serial="S1")
    appliance = RelayedAppliance(host)
    assert getattr(appliance, verb)(THING, *arguments) == value
    assert host.calls == [(verb, "thing", received)]
    assert (appliance.version, appliance.partition, appliance.serial) == ("7.4.5", "root", "S1")


@pytest.mark.parametrize(
    "error",
    [
        ApplianceError("no", "check it", status=500, path="/p"),
        Refused("no", "check it", status=403, code=-37),
        Locked("locked", "wait", status=429),
        Unreachable("no answer", "check it"),
        Unsupported("unknown", "check it"),
    ],
)
def test_an_error_arrives_unchanged(error: ApplianceError) -> None:
    with pytest.raises(type(error)) as caught:
        RelayedAppliance(DelegationHost(error=pack(error))).mint(THING, "a")
    assert (caught.value.reason, caught.value.failure) == (error.reason, error.failure)


def test_options_that_are_invalid_on_the_host_only_are_invalid_options() -> None:
    error = InvalidOptions("ca_path names no file", "set it")
    with pytest.raises(InvalidOptions, match="ca_path names no file"):
        RelayedAppliance(DelegationHost(error=pack(error))).table(THING)


@pytest.mark.parametrize(
    ("result", "why"),
    [
        ({"msg": "no python.\nSee stdout/stderr for the exact error"}, "no python"),
        ({"module_stderr": "killed"}, "killed"),
        (
            {"module_stdout": "/bin/sh: 1: python: not found\r\n", "rc": 127},
            "/bin/sh: 1: python: not found (exit code 127)",
        ),
        (
            {"msg": "MODULE FAILURE", "module_stderr": TRACEBACK, "rc": 1},
            "MODULE FAILURE: ValueError: no (exit code 1)",
        ),
        ({"msg": "failed", "module_stderr": f"sh: killed\n{SSH}"}, "failed: sh: killed"),
        ({"msg": "same", "module_stdout": "same"}, "same"),
        ({"module_stdout": 'Hello\n\n{"reply": ["s3cr3t", 7]}\nBye'}, "Hello"),
        ({"module_stdout": '{"reply": ["s3cr'}, "it printed no reason"),
        ({"module_stderr": "bell \x07 k3y" + "x" * 400}, "bell  ********" + "x" * 286),
        ({}, "it printed no reason"),
    ],
)
def test_a_failed_module_process_is_an_error_of_unknown_outcome(result: Any, why: str) -> None:
    with pytest.raises(ApplianceError) as caught:
        RelayedAppliance(DelegationHost(failed=True, **result), {"k3y"}).mint(THING, "a")
    assert caught.value.why == f"the module process on the delegation host failed: {why}"
    assert not isinstance(caught.value, Refused)
