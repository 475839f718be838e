# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Endpoint maps: the lab's own load, and a wrong one is refused with the place of the fault."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultLib, VaultSecret

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import InvalidOptions
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._endpoint_maps import load
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._endpoint_maps.load import (
    load_endpoint_map,
)
from ansible_collections.otsec.defender_iot.tests.support.irregular import IRREGULAR, not_blocking

LAB = Path(__file__).parents[3] / "roles" / "lab" / "files" / "endpoints"
SENSOR, FORESCOUT = (yaml.safe_load((LAB / name).read_text()) for name in ("sensor.yml", "forescout.yml"))
GONE = object()


def changed(original: dict[str, Any], place: str, value: Any) -> dict[str, Any]:
    """Return a copy with one value replaced or, for GONE, removed."""
    *steps, last = place.split(".")
    made = container = copy.deepcopy(original)
    for step in steps:
        container = container[int(step) if step.isdecimal() else step]
    if value is GONE:
        del container[last]
    else:
        container[last] = value
    return made


def loaded(folder: Path, content: Any) -> dict[str, Any]:
    """Load a map from a file with this content, by a path relative to the playbook."""
    (folder / "map.yml").write_text(yaml.safe_dump(content))
    loader = DataLoader()
    loader.set_basedir(str(folder))
    return load_endpoint_map("map.yml", loader)


@pytest.mark.parametrize(("name", "content"), [("sensor.yml", SENSOR), ("forescout.yml", FORESCOUT)])
def test_the_lab_s_maps_load_unchanged_with_the_provenance_lab(name: str, content: Any) -> None:
    endpoints = load_endpoint_map(str(LAB / name), DataLoader())
    assert endpoints == content
    assert endpoints["provenance"] == "lab"
    assert endpoints["versions"].__class__ is str


@pytest.mark.parametrize("original", [SENSOR, FORESCOUT], ids=["sensor", "forescout"])
@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("provenance", "captured"),
        ("versions", ">=22.3,<25"),
        ("login.logout", {"method": "GET", "path": "/out", "success": [302]}),
        ("login.headers", {"Authorization": "Basic {basic}"}),
    ],
)
def test_a_valid_map_is_accepted(tmp_path: Path, original: Any, place: str, value: Any) -> None:
    content = changed(original, place, value)
    assert loaded(tmp_path, content) == content


FAULTS = {
    # the fault: (the map, the changed place, the new value, the message)
    "another format": (SENSOR, "schema", 3, "at schema: 2 was expected"),
    "no product": (SENSOR, "product", GONE, "at the top level: 'product' is a required property"),
    "unknown product": (SENSOR, "product", "toaster", "at product: 'toaster' is not one of"),
    "no provenance": (SENSOR, "provenance", GONE, "at the top level: 'provenance' is a required property"),
    "a guess": (SENSOR, "provenance", "guessed", "at provenance: 'guessed' is not one of"),
    "versions are no text": (SENSOR, "versions", 22.3, "at versions: 22.3 is not of type 'string'"),
    "no login": (SENSOR, "login", GONE, "at the top level: 'login' is a required property"),
    "no steps": (SENSOR, "login.steps", GONE, "at login: 'steps' is a required property"),
    "an unknown place": (
        SENSOR,
        "login.steps.1.capture.session",
        {"script": "x"},
        "at login.steps.1.capture.session: ",
    ),
    "two places": (
        SENSOR,
        "login.steps.1.capture.session",
        {"cookie": "x", "meta": "y"},
        "at login.steps.1.capture.session: ",
    ),
    "a captured name that is none": (
        SENSOR,
        "login.steps.1.capture",
        {"Session": "/a"},
        "at login.steps.1.capture: 'Session' does not match",
    ),
    "a captured name that the task fills": (
        SENSOR,
        "login.steps.1.capture",
        {"password": "/a"},
        "at login.steps.1.capture.password: the task has a value for {password}",
    ),
    "a deletion of unknown origin": (
        SENSOR,
        "tokens.delete.provenance",
        GONE,
        "at tokens.delete: 'provenance' is a required property",
    ),
    "a second body": (SENSOR, "login.steps.1.multipart", {}, "at login.steps.1: it has more than one of"),
    "a deletion of everything": (SENSOR, "tokens.delete.path", "/t", "at tokens.delete: it names no token"),
    "a page without a count": (
        SENSOR,
        "tokens.list.paging",
        {"start": 0},
        "at tokens.list.paging: 'counts' is a dependency of 'start'",
    ),
    "no method": (SENSOR, "tokens.list.method", GONE, "at tokens.list: 'method' is a required property"),
    "unknown method": (SENSOR, "tokens.list.method", "FETCH", "at tokens.list.method: 'FETCH' is not one of"),
    "no status": (SENSOR, "tokens.delete.success", [], "at tokens.delete.success: [] "),
    "status is a text": (
        SENSOR,
        "tokens.delete.success",
        ["204"],
        "at tokens.delete.success.0: '204' is not of",
    ),
    "whole address as path": (
        SENSOR,
        "tokens.list.path",
        "https://x/t",
        "at tokens.list.path: 'https://x/t' does",
    ),
    "pointer without slash": (
        SENSOR,
        "tokens.list.items",
        "tokens",
        "at tokens.list.items: 'tokens' does not",
    ),
    "no used column": (
        SENSOR,
        "tokens.list.fields.used",
        GONE,
        "at tokens.list.fields: 'used' is a required",
    ),
    "no secret": (
        SENSOR,
        "tokens.create.fields.secret",
        GONE,
        "at tokens.create.fields: 'secret' is a required",
    ),
    "tokens without list": (SENSOR, "tokens.list", GONE, "at tokens: 'list' is a required property"),
    "settings without read": (FORESCOUT, "settings.read", GONE, "at settings: 'read' is a required property"),
    "no address": (
        FORESCOUT,
        "settings.read.fields",
        {},
        "at settings.read.fields: 'server_address' is a required",
    ),
    "unknown operation": (
        SENSOR,
        "tokens.rename",
        SENSOR["tokens"]["delete"],
        "at tokens: Additional properties",
    ),
    "unknown key": (SENSOR, "colour", "blue", "at the top level: Additional properties are not allowed"),
}


@pytest.mark.parametrize(("original", "place", "value", "message"), FAULTS.values(), ids=FAULTS)
def test_a_wrong_map_is_refused_with_the_place_of_the_fault(
    tmp_path: Path, original: Any, place: str, value: Any, message: str
) -> None:
    with pytest.raises(InvalidOptions) as caught:
        loaded(tmp_path, changed(original, place, value))
    text = str(caught.value)
    assert re.match(r"the endpoint map map\.yml is not valid in line \d+, at ", text)
    assert f", {message}" in text


def test_the_line_of_the_fault_is_the_one_in_the_file(tmp_path: Path) -> None:
    text = (LAB / "sensor.yml").read_text().replace("method: DELETE", "method: FETCH")
    (tmp_path / "map.yml").write_text(text)
    line = next(n for n, each in enumerate(text.splitlines(), 1) if "FETCH" in each)
    with pytest.raises(InvalidOptions, match=f"in line {line}, at tokens.delete.method: "):
        load_endpoint_map(str(tmp_path / "map.yml"), DataLoader())


def test_a_fault_in_an_item_of_a_list_has_its_line(tmp_path: Path) -> None:
    text = (LAB / "sensor.yml").read_text().replace("success: [201]", "success:\n      - 200\n      - x")
    (tmp_path / "map.yml").write_text(text)
    line = next(n for n, each in enumerate(text.splitlines(), 1) if each.endswith("- x"))
    with pytest.raises(InvalidOptions, match=f"in line {line}, at tokens.create.success.1: 'x' is not"):
        load_endpoint_map(str(tmp_path / "map.yml"), DataLoader())


MACHINE_MADE = "9f86d081884c7d659a2feaa0"
SECRETS = {
    "a manual login": (SENSOR, "tokens.list.headers", {"Authorization": "Basic YTpi"}),
    "even with a placeholder": (SENSOR, "tokens.create.headers", {"authorization": "{description}"}),
    "a session": (SENSOR, "tokens.list.headers", {"Cookie": "sessionid=1"}),
    "a key in a header": (SENSOR, "tokens.list.headers", {"X-Api-Key": "k"}),
    "something long in a header": (SENSOR, "tokens.list.headers", {"X-Zone": MACHINE_MADE}),
    "a password": (SENSOR, "login.steps.1.json", {"username": "{username}", "password": "hunter2"}),
    "a password inside": (SENSOR, "login.steps.1.json", {"user": {"userPassword": "hunter2"}}),
    "a token in a form": (FORESCOUT, "settings.update.json", {"access_token": "t"}),
    "something long in a body": (SENSOR, "tokens.create.json", {"a": [MACHINE_MADE]}),
    "something long in a path": (SENSOR, "tokens.list.path", f"/tokens?k={MACHINE_MADE}"),
}


@pytest.mark.parametrize(("original", "place", "value"), SECRETS.values(), ids=SECRETS)
def test_a_secret_in_a_map_is_refused_and_not_repeated(
    tmp_path: Path, original: Any, place: str, value: Any
) -> None:
    with pytest.raises(
        InvalidOptions, match=rf"in line \d+, at {place}.*: a map must not contain secrets"
    ) as caught:
        loaded(tmp_path, changed(original, place, value))
    assert not re.search(rf"YTpi|hunter2|{MACHINE_MADE}|=1", str(caught.value))


@pytest.mark.parametrize(
    ("original", "place", "value"),
    [
        (SENSOR, "tokens.list.headers", {"X-Requested-With": "XMLHttpRequest"}),
        (FORESCOUT, "login.steps.0.form.token_type", "bearer"),
        (FORESCOUT, "login.steps.0.form.client_id", "fs-oauth-client-of-version-9"),
        (SENSOR, "tokens.list.path", "/web/api/management/integrations/tokens?page=1"),
        (SENSOR, "tokens.list.used_format", "%d.%m.%Y %H:%M"),
        (SENSOR, "tokens.list.used_format", "epoch_milliseconds"),
        (SENSOR, "tokens.list.never_used", 0),
        (SENSOR, "tokens.list.never_used", None),
    ],
)
def test_an_ordinary_value_is_not_taken_for_a_secret(
    tmp_path: Path, original: Any, place: str, value: Any
) -> None:
    content = changed(original, place, value)
    assert loaded(tmp_path, content) == content


@pytest.mark.parametrize("versions", ["lab", "24.x", ">=24.1 and so on", ""])
def test_versions_must_be_comparable_if_an_answer_contains_one(tmp_path: Path, versions: str) -> None:
    with pytest.raises(InvalidOptions, match=r"at versions: an answer contains the version"):
        loaded(tmp_path, changed(SENSOR, "versions", versions))


def test_an_encrypted_map_is_checked_too(tmp_path: Path) -> None:
    loader = DataLoader()
    loader.set_vault_secrets([("default", VaultSecret(b"p"))])
    text = yaml.safe_dump(changed(SENSOR, "product", "toaster"))
    (tmp_path / "map.yml").write_bytes(VaultLib(loader._vault.secrets).encrypt(text))
    with pytest.raises(InvalidOptions, match=r"map\.yml is not valid, at product: 'toaster' is not one of"):
        load_endpoint_map(str(tmp_path / "map.yml"), loader)


PLACES = {
    # the place: (the map, the changed place, the new value, the unknown placeholder, the part of the map)
    "a path": (SENSOR, "tokens.delete.path", "/tokens/{number}", "number", "tokens.delete"),
    "a body": (SENSOR, "tokens.create.json", {"a": [{"b": "for {who}"}]}, "who", "tokens.create"),
    "a step": (SENSOR, "login.steps.0.path", "/{session}", "session", "login.steps.0"),
    "a read": (FORESCOUT, "settings.read.path", "/{server_address}", "server_address", "settings.read"),
    "a list": (SENSOR, "tokens.list.path", "/tokens/{id}", "id", "tokens.list"),
    "before there is an id": (SENSOR, "tokens.create.path", "/tokens/{id}", "id", "tokens.create"),
    "a login": (SENSOR, "login.steps.1.json", {"user": "{user}"}, "user", "login.steps.1.json"),
    "a header": (FORESCOUT, "login.headers.Authorization", "{token} {access}", "access", "login.headers"),
    "a logout": (SENSOR, "login.logout.path", "/out/{description}", "description", "login.logout"),
    "the first by name": (SENSOR, "tokens.delete.path", "/{y}/{x}/{id}", "x", "tokens.delete"),
}


@pytest.mark.parametrize(("original", "place", "value", "name", "part"), PLACES.values(), ids=PLACES)
def test_an_unknown_placeholder_is_refused(
    tmp_path: Path, original: Any, place: str, value: Any, name: str, part: str
) -> None:
    with pytest.raises(InvalidOptions) as caught:
        loaded(tmp_path, changed(original, place, value))
    assert re.match(r"the endpoint map map\.yml is not valid in line \d+, at " + part, str(caught.value))
    assert caught.value.why.endswith(
        f": neither a task nor an answer has a value for the placeholder {{{name}}}"
    )


@pytest.mark.parametrize(
    ("original", "place", "value"),
    [
        (SENSOR, "tokens.create.json", {"text": "{description}", "also": ["{description}"]}),
        (SENSOR, "tokens.delete.path", "/tokens/{id}/{description}"),
        (SENSOR, "login.steps.1.json", {"u": "{username}", "p": "{password}"}),
        (FORESCOUT, "settings.update.json", {"at": "{server_address}", "with": "{access_token}"}),
        (SENSOR, "tokens.create.json", {"text": "{Description} {} {a b}"}),
    ],
)
def test_a_known_placeholder_is_accepted(tmp_path: Path, original: Any, place: str, value: Any) -> None:
    content = changed(original, place, value)
    assert loaded(tmp_path, content) == content


def test_without_jsonschema_no_map_is_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "HAS_JSONSCHEMA", False)
    with pytest.raises(InvalidOptions, match=r"jsonschema\b.*to check endpoint maps"):
        loaded(tmp_path, SENSOR)


@pytest.mark.parametrize("content", [None, [], "a text", 1])
def test_a_map_that_is_not_a_mapping_is_refused(tmp_path: Path, content: Any) -> None:
    with pytest.raises(InvalidOptions, match=r"the endpoint map map\.yml is not valid.*, at the top level: "):
        loaded(tmp_path, content)


@pytest.mark.parametrize("text", ["{", "a: b: c", "\t"])
def test_invalid_yaml_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "map.yml").write_text(text)
    with pytest.raises(InvalidOptions, match=r"the endpoint map \S+map\.yml cannot be read in line 1: "):
        load_endpoint_map(str(tmp_path / "map.yml"), DataLoader())


@pytest.mark.parametrize("kind", IRREGULAR)
def test_only_a_regular_file_is_read(tmp_path: Path, kind: str) -> None:
    IRREGULAR[kind](tmp_path / "map.yml")
    reason = f"cannot be read: it is {kind}, not a regular file; use the path of a YAML file"
    with not_blocking(), pytest.raises(InvalidOptions, match=reason):
        load_endpoint_map(str(tmp_path / "map.yml"), DataLoader())


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidOptions, match=r"the endpoint map \S+none\.yml cannot be read: "):
        load_endpoint_map(str(tmp_path / "none.yml"), DataLoader())


@pytest.mark.parametrize("place", ["tokens.list.path", "tokens.create.path"])
def test_a_uuid_in_a_path_is_the_id_of_an_object(tmp_path: Path, place: str) -> None:
    content = changed(SENSOR, place, "/sensors/3f2504e0-4f89-11d3-9a0c-0305e82c3301/tokens")
    assert loaded(tmp_path, content) == content


def test_what_an_answer_gives_may_be_sent_later(tmp_path: Path) -> None:
    step = {
        "method": "GET",
        "path": "/new/{description}",
        "success": [200],
        "capture": {"nonce": {"input": "n"}},
    }
    create = {
        **SENSOR["tokens"]["create"],
        "before": [step],
        "json": {"n": "{nonce}", "c": "{csrf}", "r": "{row}"},
    }
    content = changed(SENSOR, "tokens.create", create)
    content["tokens"]["list"] |= {"capture": {"row": {"header": "X-Row"}}, "paging": {"last": "/last"}}
    assert loaded(tmp_path, content) == content
    create["before"][0]["path"] = "/{nonce}"
    with pytest.raises(InvalidOptions, match=r"at tokens\.create\.before\.0\.path: .* placeholder \{nonce\}"):
        loaded(tmp_path, changed(SENSOR, "tokens.create", create))


def test_a_map_whose_deletion_is_assumed_is_assumed(tmp_path: Path) -> None:
    assert loaded(tmp_path, changed(SENSOR, "tokens.delete.provenance", "assumed"))["provenance"] == "assumed"


REQUEST = {"method": "POST", "path": "/in", "json": {"u": "{username}", "p": "{password}"}, "success": [200]}
OUT = {"method": "POST", "path": "/out", "success": [200]}
PAGE = {"method": "GET", "path": "/", "success": [200]}
OLD_LOGINS = {
    "token": (
        {"kind": "token", "header": "Token {token}"},
        {"steps": [], "headers": {"Authorization": "Token {token}"}},
    ),
    "bearer": (
        {
            "kind": "bearer",
            "before": "/",
            "request": REQUEST,
            "token": "/t",
            "header": "Bearer {token}",
            "logout": OUT,
        },
        {
            "steps": [PAGE, {**REQUEST, "capture": {"access": "/t"}}],
            "headers": {"Authorization": "Bearer {access}"},
            "logout": OUT,
        },
    ),
    "cookies": (
        {"kind": "cookies", "request": REQUEST, "session_cookie": "s"},
        {"steps": [{**REQUEST, "capture": {"session": {"cookie": "s"}}}]},
    ),
    "a CSRF cookie": (
        {
            "kind": "cookies",
            "before": "/",
            "request": REQUEST,
            "session_cookie": "s",
            "csrf": {"cookie": "c", "header": "X-C"},
            "logout": OUT,
        },
        {
            "steps": [
                {**PAGE, "capture": {"csrf": {"cookie": "c"}}},
                {**REQUEST, "capture": {"session": {"cookie": "s"}}, "headers": {"X-C": "{csrf}"}},
            ],
            "logout": {**OUT, "headers": {"X-C": "{csrf}"}},
        },
    ),
    "a CSRF cookie of the login": (
        {
            "kind": "cookies",
            "request": REQUEST,
            "session_cookie": "s",
            "csrf": {"cookie": "c", "header": "X-C"},
        },
        {"steps": [{**REQUEST, "capture": {"session": {"cookie": "s"}, "csrf": {"cookie": "c"}}}]},
    ),
}


@pytest.mark.parametrize(("old", "new"), OLD_LOGINS.values(), ids=OLD_LOGINS)
def test_a_map_of_schema_1_is_translated(tmp_path: Path, old: Any, new: Any) -> None:
    tokens = copy.deepcopy(SENSOR["tokens"])
    for operation in tokens.values():
        operation.pop("headers", None)
    del tokens["delete"]["provenance"]
    found = loaded(tmp_path, {**SENSOR, "schema": 1, "login": old, "tokens": tokens})
    assert (found["schema"], found["login"]) == (2, new)
    assert found["tokens"]["delete"]["provenance"] == "lab"
    headers = {"X-C": "{csrf}"} if "csrf" in old else None
    assert [found["tokens"][name].get("headers") for name in ("list", "create", "delete")] == [
        None,
        headers,
        headers,
    ]


@pytest.mark.parametrize(
    ("login", "said"),
    [
        ({"kind": "cookies", "session_cookie": "s"}, "at login: this login of schema 1 is not complete"),
        ({"kind": "magic"}, "at login: this login of schema 1 is not complete"),
        (
            {"kind": "cookies", "session_cookie": "s", "request": {**REQUEST, "path": "x"}},
            "at login.steps.0.path: 'x' does",
        ),
        ({}, "at schema: 2 was expected"),
    ],
)
def test_a_wrong_map_of_schema_1_is_refused(tmp_path: Path, login: Any, said: str) -> None:
    with pytest.raises(InvalidOptions) as caught:
        loaded(tmp_path, {**SENSOR, "schema": 1, "login": login})
    assert said in str(caught.value)
