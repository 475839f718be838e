# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of every module: an empty text means that the option is not set."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import InvalidOptions
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.access import (
    CLEARABLE as CLEARABLE_IN_ITEMS,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.access import (
    ITEMS,
    LISTS,
    prepare_fortigate_access,
    references,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.api_admin import ADMIN
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.options import fortigate
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortisiem.options import fortisiem
from ansible_collections.otsec.defender_iot.plugins.module_utils._module.arguments import Arguments
from ansible_collections.otsec.defender_iot.plugins.module_utils._module.run import Module

FOLDER = Path(__file__).parents[3] / "plugins" / "modules"
ABOUT_RUNS = {
    *("__init__", "report_outcome", "selection_check"),
    *("respond_decide", "respond_lock", "respond_outcome"),
}
NAMES = sorted({path.stem for path in FOLDER.glob("*.py")} - ABOUT_RUNS)
COLLECTION = "ansible_collections.otsec.defender_iot"
MODULES: dict[str, Module] = {
    name: importlib.import_module(f"{COLLECTION}.plugins.modules.{name}").MODULE for name in NAMES
}
ENOUGH: dict[str, Any] = {
    "url": "box.example",
    "token": "t",
    "name": "a",
    "secret_ref": "vault_file:/s",
    "description": "a",
    "endpoints": "/map.yml",
    "server_address": "192.0.2.1",
    "access_token_ref": "vault_file:/s",
    "entries": [],
    "sources": [{"name": "s", "names": ["s"]}],
    "src": "/export.xml",
    "dest": "/policies",
}
"""Values for the options that modules require."""

CLEARABLE = {
    "fortigate_access": set(),
    "fortigate_admin_profile": {"comments"},
    "fortigate_api_admin": {"comments", "cors_allow_origin", "pki_group", "schedule"},
}
"""The options of each module that an empty text clears on the appliance."""

PLACES = [(name, option) for name in NAMES for option in MODULES[name].arguments.spec]


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for product in ("FORTIGATE", "SENSOR", "FORESCOUT", "FORTISIEM", "FORTIOS_ACCESS"):
        for option in ("URL", "HOSTNAME", "TOKEN", "USERNAME", "PASSWORD", "CLIENT_ID", "CLIENT_SECRET"):
            monkeypatch.delenv(f"{product}_{option}", raising=False)


def validated(module: str, given: dict[str, Any]) -> Any:
    """Return the options, or why they are refused."""
    try:
        return MODULES[module].arguments.validate(given, MODULES[module].resource.clearable)[0]
    except InvalidOptions as error:
        return error.why


@pytest.mark.parametrize(("module", "option"), PLACES)
def test_an_empty_text_is_an_option_that_is_not_set(module: str, option: str) -> None:
    spec = MODULES[module].arguments.spec
    given = {name: value for name, value in ENOUGH.items() if name in spec and name != option}
    empty, absent = validated(module, {**given, option: ""}), validated(module, given)
    if option in CLEARABLE.get(module, set()):
        assert empty[option] == ""
    elif spec[option].get("default") == []:
        assert empty == f"{option} contains an empty text"
        assert validated(module, {**given, option: None}) == empty
    else:
        assert empty == absent
    if spec[option].get("required"):
        assert empty == f"missing required arguments: {option}"


def test_an_empty_text_clears_an_option_whose_default_is_empty() -> None:
    assert ADMIN.clearable == CLEARABLE["fortigate_api_admin"]
    given = {**dict.fromkeys(ADMIN.clearable, ""), "name": "a"}
    params = Arguments(ADMIN.argument_spec()).validate(given, ADMIN.clearable)[0]
    assert ADMIN.desired(params) == given


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (
            {"token": ""},
            "one of the following is required: token, username; correct the options of the task, and note "
            "that an empty text counts as not set: token",
        ),
        ({"token": "", "username": "", "password": ""}, "not set: token, username, password"),
        ({"username": "u", "password": ""}, "password"),
        ({"username": "", "password": "p"}, "one of the following is required: token, username"),
        ({"url": "", "token": "t"}, "missing required arguments: url"),
    ],
)
def test_an_empty_credential_is_refused_and_named(given: dict[str, str], says: str) -> None:
    with pytest.raises(InvalidOptions, match=says):
        fortigate({}).validate({"url": "fgt.example", **given})


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"token": "", "client_id": ""}, "not set: token, client_id"),
        ({"client_id": "c", "client_secret": ""}, "client_secret"),
        ({"username": "u", "password": ""}, "password"),
    ],
)
def test_an_empty_credential_of_a_fortisiem_is_refused(given: dict[str, str], says: str) -> None:
    with pytest.raises(InvalidOptions, match=says):
        fortisiem({}).validate({"url": "siem.example", **given})


@pytest.mark.parametrize("product", ["FORTIGATE", "SENSOR", "FORESCOUT", "FORTISIEM"])
def test_an_empty_variable_is_one_that_is_not_set(product: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = {
        "FORTIGATE": "fortigate_admin_profile",
        "SENSOR": "sensor_access_token",
        "FORESCOUT": "forescout_module",
        "FORTISIEM": "fortisiem_event_info",
    }[product]
    spec = MODULES[module].arguments.spec
    given = {name: value for name, value in ENOUGH.items() if name in spec}
    absent = validated(module, given)
    for option, trait in spec.items():
        if "fallback" in trait:
            monkeypatch.setenv(f"{product}_{option.upper()}", "")
    assert validated(module, given) == absent


def test_an_empty_variable_is_skipped_for_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORTIGATE_TOKEN", "")
    with pytest.raises(InvalidOptions, match="one of the following is required: token, username"):
        fortigate({}).validate({"url": "fgt.example"})
    monkeypatch.setenv("FORTIOS_ACCESS_TOKEN", "t")
    assert fortigate({}).validate({"url": "fgt.example"})[0]["token"] == "t"


TASK = {"FORTIGATE_TOKEN": "of the task", "FORTIOS_ACCESS_HOSTNAME": "task.example"}


@pytest.mark.parametrize(
    ("given", "environment", "token"),
    [
        ({"token": "option"}, TASK, "option"),
        ({"token": ""}, TASK, "of the task"),
        ({}, TASK, "of the task"),
        ({}, {**TASK, "FORTIGATE_TOKEN": ""}, "of the node"),
        ({}, {"FORTIOS_ACCESS_TOKEN": "second"}, "second"),
        ({}, {}, "of the node"),
    ],
)
def test_the_environment_of_the_task_overrides_that_of_the_node(
    given: dict[str, str], environment: dict[str, str], token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORTIGATE_TOKEN", "of the node")
    monkeypatch.setenv("FORTIGATE_URL", "node.example")
    params, hidden = fortigate({}).validate(given, environment=environment)
    assert params["token"] == token
    assert token in hidden
    assert params["url"] == environment.get("FORTIOS_ACCESS_HOSTNAME", "node.example")
    assert os.environ["FORTIGATE_TOKEN"] == "of the node"


def test_a_variable_of_the_task_has_the_type_of_its_option() -> None:
    environment = {"FORTIGATE_TIMEOUT": "7", "FORTIGATE_VALIDATE_CERTS": "no"}
    params = fortigate({}).validate({"url": "fgt.example", "token": "t"}, environment=environment)[0]
    assert (params["timeout"], params["validate_certs"]) == (7, False)


NESTED = Arguments(
    {
        "names": {"type": "list", "elements": "str"},
        "keys": {"type": "dict", "options": {"a": {"type": "str", "required": True}, "b": {"type": "str"}}},
    }
)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"names": ["a", ""]}, "names contains an empty text"),
        ({"names": "a,"}, "names contains an empty text"),
        ({"keys": {"a": ""}}, "missing required arguments: a found in keys"),
        ({"keys": "a="}, "keys contains an empty text"),
    ],
)
def test_an_empty_part_of_an_option_is_refused(given: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidOptions, match=says):
        NESTED.validate(given)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"name": ["a"]}, "unsupported option name; use names"),
        ({"names": [], "colour": "blue"}, "unsupported option colour; remove it"),
        ({"keys": {"a": "x", "bb": "y"}}, "unsupported option keys.bb; use keys.b"),
        ({"key": {}, "nams": [], "keys": {}}, "unsupported option key, nams; use keys or names"),
        ({"names": [""], 7: "x"}, "unsupported option 7; remove it"),
    ],
)
def test_an_unsupported_option_is_named_with_the_closest_ones(given: dict[Any, Any], says: str) -> None:
    with pytest.raises(InvalidOptions) as caught:
        NESTED.validate(given)
    assert str(caught.value) == says


def test_an_empty_list_is_left_to_the_option() -> None:
    assert NESTED.validate({"names": [], "keys": {"a": "x", "b": ""}})[0] == {
        "names": [],
        "keys": {"a": "x", "b": None},
    }


TEXTS = Arguments(
    {
        "name": {"type": "str"},
        "entries": {"type": "list", "elements": "dict", "options": {"value": {"type": "str"}}},
        "mail": {"type": "dict", "options": {"text": {"type": "str"}}},
    },
    texts=("name", "entries.value", "mail.text"),
)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"name": 2.10}, "name is 2.1, which is not a text"),
        ({"name": True}, "name is True, which is not a text"),
        ({"entries": [{"value": "2.10"}, {"value": 8}]}, "entries.value is 8, which is not a text"),
        ({"entries": {"value": 8}}, "entries.value is 8, which is not a text"),
        ({"mail": {"text": 0}}, "mail.text is 0, which is not a text"),
    ],
)
def test_a_number_is_refused_where_a_text_is_meant(given: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidOptions) as caught:
        TEXTS.validate(given)
    assert str(caught.value).startswith(f"{says}: YAML reads 2.10 without quotes as")
    assert caught.value.remedy == 'write the text in quotes, such as "2.10"'


def test_texts_are_left_as_they_are() -> None:
    given = {"name": "2.10", "entries": [{"value": "2.10"}, {}], "mail": None}
    params = TEXTS.validate(given)[0]
    assert (params["name"], params["entries"][0]["value"]) == ("2.10", "2.10")
    with pytest.raises(InvalidOptions, match="mail"):
        TEXTS.validate({"mail": ["x"]})


@pytest.mark.parametrize("value", [2.1, 8, True])
@pytest.mark.parametrize("option", ["name", "conditions", "mail", "group"])
def test_the_texts_of_a_policy_are_no_numbers(option: str, value: Any) -> None:
    inner = {
        "name": value,
        "conditions": [{"label": "Firmware", "value": value}],
        "mail": {"subject": value},
        "group": {"id": 7, "name": value},
    }
    given = {"src": "/export.xml", "dest": "/policies", option: inner[option]}
    assert f"is {value}, which is not a text" in validated("forescout_policy", given)


@pytest.mark.parametrize(("kind", "option"), [(kind, o) for kind in ITEMS for o in ITEMS[kind].spec])
def test_an_empty_text_in_an_item_is_an_option_that_is_not_set(kind: str, option: str) -> None:
    def prepared(**given: Any) -> Any:
        shared = {"trusted_hosts": ["192.0.2.1"], "rotation_id": "1", "secret_store": "vault_file:/s"}
        shared["inventory_hosts"] = None
        lists = {**dict.fromkeys(LISTS), kind: [{"name": "a", **given}]}
        try:
            return prepare_fortigate_access({**shared, **lists})[kind][0]
        except InvalidOptions as error:
            return error.why

    if option in CLEARABLE_IN_ITEMS[kind]:
        assert prepared(**{option: ""})[option] == ""
    elif option == "name":
        assert prepared(name="") == f"{kind}, item 1: missing required arguments: name"
    else:
        assert prepared(**{option: ""}) == prepared()


def test_an_empty_text_in_an_admin_overrides_the_option_for_all_admins() -> None:
    assert CLEARABLE_IN_ITEMS["admins"] == ADMIN.clearable | {"secret_ref", "rotation_id"}
    admins = [{"name": "a"}, {"name": "b", "secret_ref": ""}, {"name": "c", "rotation_id": "", "profile": ""}]
    admins.append({"name": "d", "secret_ref": None, "trusted_hosts": None})
    shared = {"trusted_hosts": ["192.0.2.1"], "rotation_id": "1", "secret_store": "vault_file:/s"}
    shared["inventory_hosts"] = None
    params = prepare_fortigate_access({**shared, "profiles": None, "admins": admins})
    assert references(params) == {"a": "vault_file:/s/a", "c": "vault_file:/s/c"}
    assert [admin["rotation_id"] for admin in params["admins"]] == ["1", "1", "", "1"]
    assert [admin["trusted_hosts"] for admin in params["admins"]] == [["192.0.2.1"]] * 4
    assert params["admins"][2]["profile"] is None
