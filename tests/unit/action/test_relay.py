# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An appliance behind another host: each verb is one call there, and its errors are the same here."""

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


class FarHost:
    """Answers every call with the same result, through JSON as a module process does."""

    def __init__(self, **result: Any) -> None:
        self.result = result
        self.calls: list[tuple[str, str, list[Any]]] = []

    def __call__(self, verb: str, kind: str, arguments: list[Any]) -> Any:
        self.calls.append((verb, kind, json.loads(json.dumps(arguments))))
        return json.loads(json.dumps(self.result))


VERBS = {
    # what is asked: (verb, arguments, what the far host is told, its reply, what comes back)
    "read": ("read", ["a"], ["a"], ROW, ROW),
    "read what is not there": ("read", ["a"], ["a"], None, None),
    "table": ("table", [], [], [ROW], [ROW]),
    "create": ("create", ["a", {"b": 1}], ["a", {"b": 1}], None, None),
    "update": ("update", ["a", {"b": 1}], ["a", {"b": 1}], None, None),
    "delete": ("delete", ["a"], ["a", None], None, None),
    "delete one of several": ("delete", ["a", ROW], ["a", ROW], None, None),
    "mint": ("mint", ["a"], ["a"], ("s3cr3t", 7), ("s3cr3t", 7)),
    "mint what has no id": ("mint", ["a"], ["a"], ("s3cr3t", None), ("s3cr3t", None)),
    "probe": ("probe", ["a", "s3cr3t"], ["a", "s3cr3t"], ("valid", 200), ("valid", 200)),
    "probe in vain": ("probe", ["a", "s3cr3t"], ["a", "s3cr3t"], ("unknown", None), ("unknown", None)),
}


@pytest.mark.parametrize(("verb", "arguments", "told", "reply", "back"), VERBS.values(), ids=VERBS)
def test_each_verb_is_one_call(verb: str, arguments: Any, told: Any, reply: Any, back: Any) -> None:
    far = FarHost(reply=reply, version="7.4.5", partition="root")
    near = RelayedAppliance(far)
    assert getattr(near, verb)(THING, *arguments) == back
    assert far.calls == [(verb, "thing", told)]
    assert (near.version, near.partition) == ("7.4.5", "root")


@pytest.mark.parametrize(
    "error",
    [
        ApplianceError("no", status=500, path="/p"),
        Refused("no", status=403, code=-37),
        Locked("wait", status=429),
        Unreachable("no answer"),
        Unsupported("never heard"),
    ],
)
def test_an_error_there_is_the_same_error_here(error: ApplianceError) -> None:
    with pytest.raises(type(error)) as caught:
        RelayedAppliance(FarHost(error=pack(error))).mint(THING, "a")
    assert (caught.value.reason, caught.value.failure) == (error.reason, error.failure)


def test_options_that_only_the_far_host_finds_wrong_are_wrong_options() -> None:
    with pytest.raises(InvalidOptions, match="ca_path names no file"):
        RelayedAppliance(FarHost(error=pack(InvalidOptions("ca_path names no file")))).table(THING)


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ({"msg": "no python\n"}, "no python"),
        ({"module_stderr": "killed"}, "killed"),
        ({}, "it gave no reason"),
    ],
)
def test_a_host_that_cannot_do_it_is_an_error_of_unknown_outcome(result: Any, said: str) -> None:
    with pytest.raises(ApplianceError) as caught:
        RelayedAppliance(FarHost(failed=True, **result)).mint(THING, "a")
    assert caught.value.reason == f"the host that the task is delegated to could not do it: {said}"
    assert not isinstance(caught.value, Refused)
