# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Load endpoint maps: how an appliance's own web interface does what no public interface does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from ansible.errors import AnsibleError
from ansible.module_utils.basic import missing_required_lib
from ansible.parsing.dataloader import DataLoader

from ...module_utils._engine.errors import InvalidOptions
from ...module_utils._engine.moment import EPOCHS
from ...module_utils._engine.version import CLAUSE
from ...module_utils._module.untagged import plain
from ...module_utils._wire.web_interface import PLACEHOLDER

try:
    import jsonschema
except ImportError:
    HAS_JSONSCHEMA = False
else:
    HAS_JSONSCHEMA = True

POINTER = {"type": "string", "pattern": "^(/.*)?$"}
PATH = {"type": "string", "pattern": "^/"}
OPERATION = {
    "type": "object",
    "required": ["method", "path", "success"],
    "additionalProperties": False,
    "properties": {
        "method": {"enum": ["GET", "POST", "PUT", "PATCH", "DELETE"]},
        "path": PATH,
        "headers": {"type": "object", "additionalProperties": {"type": "string"}},
        "json": {"type": ["object", "array"]},
        "form": {"type": "object"},
        "success": {"type": "array", "items": {"type": "integer"}, "minItems": 1},
        "items": POINTER,
        "fields": {"type": "object", "additionalProperties": POINTER},
        "never_used": {"type": ["string", "null", "integer", "boolean"]},
        "used_format": {"type": "string", "pattern": f"^(iso8601|{'|'.join(EPOCHS)}|.*%.*)$"},
        "version": POINTER,
    },
}
LOGIN = {
    "type": "object",
    "required": ["kind"],
    "additionalProperties": False,
    "properties": {
        "kind": {"enum": ["cookies", "bearer", "token"]},
        "before": PATH,
        "request": OPERATION,
        "session_cookie": {"type": "string"},
        "token": POINTER,
        "header": {"type": "string", "pattern": r"\{token\}"},
        "csrf": {
            "type": "object",
            "required": ["cookie", "header"],
            "additionalProperties": False,
            "properties": {"cookie": {"type": "string"}, "header": {"type": "string"}},
        },
        "logout": OPERATION,
    },
    "allOf": [
        {
            "if": {"properties": {"kind": {"const": "cookies"}}},
            "then": {"required": ["request", "session_cookie"]},
        },
        {
            "if": {"properties": {"kind": {"const": "bearer"}}},
            "then": {"required": ["request", "token", "header"]},
        },
        {"if": {"properties": {"kind": {"const": "token"}}}, "then": {"required": ["header"]}},
    ],
}


def _with_fields(*fields: str) -> dict[str, Any]:
    needed = {"required": ["fields"], "properties": {"fields": {"required": list(fields)}}}
    return {"allOf": [OPERATION, needed]}


SCHEMA = {
    "type": "object",
    "required": ["schema", "product", "provenance", "versions", "login"],
    "additionalProperties": False,
    "properties": {
        "schema": {"const": 1},
        "product": {"enum": ["sensor", "forescout"]},
        "provenance": {"enum": ["documented", "observed", "captured", "lab"]},
        "versions": {"type": "string"},
        "login": LOGIN,
        "tokens": {
            "type": "object",
            "required": ["list"],
            "additionalProperties": False,
            "properties": {
                "list": _with_fields("id", "description", "used"),
                "create": _with_fields("secret"),
                "delete": OPERATION,
            },
        },
        "settings": {
            "type": "object",
            "required": ["read"],
            "additionalProperties": False,
            "properties": {"read": _with_fields("server_address"), "update": OPERATION},
        },
    },
}


PLACEHOLDERS = {
    "login.request": {"username", "password"},
    "login.header": {"token"},
    "tokens.create": {"description"},
    "tokens.delete": {"id", "description"},
    "settings.update": {"server_address", "access_token"},
}
"""What a task can put into the templates of each part of a map; no other part has any."""


SECRET_HEADERS = {"authorization", "proxy-authorization", "cookie"}
SECRET_NAME = re.compile(r"(pass(word|wd|phrase)?|pwd|secret|token|credentials?|api.?key)$", re.IGNORECASE)
SECRET_LENGTH = 20

Place = tuple[Any, ...]


class Fault(Exception):
    """What is wrong with a map, and at which place."""

    def __init__(self, place: Place, what: str) -> None:
        super().__init__(what)
        self.place = place


def load_endpoint_map(path: str, loader: DataLoader) -> dict[str, Any]:
    """Return a checked endpoint map. Raises InvalidOptions, which names the line."""
    found = loader.path_dwim(path)
    try:
        endpoints = plain(loader.load_from_file(found))
    except AnsibleError as error:
        _node, line = _composed(found)
        where = f" in line {line}" if line else ""
        raise InvalidOptions(f"the endpoint map {path} cannot be read{where}: {error.message}") from None
    try:
        check_endpoint_map(endpoints)
    except Fault as fault:
        line = _line(found, fault.place)
        where = f" in line {line}" if line else ""
        place = ".".join(map(str, fault.place)) or "the top level"
        raise InvalidOptions(f"the endpoint map {path} is not valid{where}, at {place}: {fault}") from None
    return dict(endpoints)


def check_endpoint_map(endpoints: Any) -> None:
    """Raise Fault for the worst of what is wrong with a map. Raises InvalidOptions without jsonschema."""
    if not HAS_JSONSCHEMA:
        raise InvalidOptions(missing_required_lib("jsonschema", reason="to check endpoint maps"))
    fault = jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(SCHEMA).iter_errors(endpoints))
    if fault is not None:
        raise Fault(tuple(fault.absolute_path), fault.message)
    _refuse_unknown_placeholders(endpoints)
    _refuse_secrets(endpoints)
    _refuse_uncomparable_versions(endpoints)


def _refuse_unknown_placeholders(endpoints: dict[str, Any]) -> None:
    for place, text in _texts(endpoints):
        known = PLACEHOLDERS.get(".".join(map(str, place[:2])), set())
        unknown = sorted(set(PLACEHOLDER.findall(text)) - known)
        if unknown:
            raise Fault(place, f"nothing fills {{{unknown[0]}}}")


def _refuse_secrets(endpoints: dict[str, Any]) -> None:
    for place, text in _texts(endpoints):
        content = {"headers", "json", "form"} & set(place)
        name = next((str(step) for step in reversed(place) if isinstance(step, str)), "")
        if "headers" in place and name.lower() in SECRET_HEADERS:
            raise Fault(place, "a map holds no secrets: this header comes from the login")
        if content and is_literal_secret(name, text):
            raise Fault(place, "a map holds no secrets: this looks like one, put a place like {token} there")
        if "path" in place and any(looks_secret(part) for part in re.split(r"[/?&=]", text)):
            raise Fault(place, "a map holds no secrets, and a part of this path looks like one")


def is_literal_secret(name: str, text: str) -> bool:
    """Say whether a field or header seems to hold a secret itself, by its name or by the look of the text."""
    literal = text and not PLACEHOLDER.search(text)
    return bool(literal and (SECRET_NAME.search(name) or looks_secret(text)))


def looks_secret(text: str) -> bool:
    """Say whether a text looks made by a machine: long, one word, with digits among its letters."""
    word = re.fullmatch(r"[\w.+/=-]+", text) is not None
    return len(text) >= SECRET_LENGTH and word and sum(each.isdigit() for each in text) >= 3


def _refuse_uncomparable_versions(endpoints: dict[str, Any]) -> None:
    declared = [place for place, _text in _texts(endpoints) if place[-1] == "version"]
    comparable = all(CLAUSE.fullmatch(part.strip()) for part in endpoints["versions"].split(","))
    if declared and not comparable:
        raise Fault(
            ("versions",), "an answer tells the version, so this has to be comparable, such as >=24.1,<25"
        )


def _texts(part: Any, place: Place = ()) -> Iterator[tuple[Place, str]]:
    """Yield every text of a map with its place."""
    if isinstance(part, dict):
        for name, each in part.items():
            yield from _texts(each, (*place, name))
    elif isinstance(part, list):
        for number, each in enumerate(part):
            yield from _texts(each, (*place, number))
    elif isinstance(part, str):
        yield place, part


def _line(path: str, place: Place) -> int | None:
    """Return the line of a place, None where the file is encrypted."""
    node, _line_of_error = _composed(path)
    line = node.start_mark.line + 1 if node else None
    for step in place:
        if isinstance(node, yaml.SequenceNode):
            node = node.value[step]
            line = node.start_mark.line + 1
        elif isinstance(node, yaml.MappingNode):
            name, node = next(pair for pair in node.value if pair[0].value == step)
            line = name.start_mark.line + 1
    return line


def _composed(path: str) -> tuple[yaml.Node | None, int | None]:
    """Return a file's YAML as nodes, which know their lines, or the line in which it is none."""
    try:
        text = Path(path).read_text(encoding="utf-8")
        return (None if text.startswith("$ANSIBLE_VAULT;") else yaml.compose(text, yaml.SafeLoader)), None
    except yaml.MarkedYAMLError as error:
        return None, error.problem_mark.line + 1 if error.problem_mark else None
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return None, None
