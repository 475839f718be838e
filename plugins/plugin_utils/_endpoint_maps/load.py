# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Load endpoint maps: the requests of an appliance's web interface that no public API documents."""

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
from ...module_utils._engine.files import refuse_irregular
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
"""The placeholders that each part of a map can have. All other parts have none."""


SECRET_HEADERS = {"authorization", "proxy-authorization", "cookie"}
SECRET_NAME = re.compile(r"(pass(word|wd|phrase)?|pwd|secret|token|credentials?|api.?key)$", re.IGNORECASE)
SECRET_LENGTH = 20
NO_SECRETS = "a map must not contain secrets"
CORRECT = "correct the map as docs/endpoint_maps.md describes"

Place = tuple[Any, ...]


class Fault(Exception):
    """A fault in a map: its place, the reason and the remedy."""

    def __init__(self, place: Place, why: str, remedy: str) -> None:
        super().__init__(why, remedy)
        self.place = place
        self.why = why
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.where}: {self.why}; {self.remedy}"

    @property
    def where(self) -> str:
        """The place in dot notation."""
        return ".".join(map(str, self.place)) or "the top level"


def load_endpoint_map(path: str, loader: DataLoader) -> dict[str, Any]:
    """Return a validated endpoint map. Raises InvalidOptions with the line of the fault."""
    found = loader.path_dwim(path)
    try:
        refuse_irregular(found)
        endpoints = plain(loader.load_from_file(found))
    except OSError as error:
        why = f"the endpoint map {path} cannot be read: {error.strerror}"
        raise InvalidOptions(why, "use the path of a YAML file") from None
    except AnsibleError as error:
        _node, line = _composed(found)
        where = f" in line {line}" if line else ""
        why = f"the endpoint map {path} cannot be read{where}: {error.message}"
        raise InvalidOptions(why, "check the path and the YAML syntax") from None
    try:
        check_endpoint_map(endpoints)
    except Fault as fault:
        line = _line(found, fault.place)
        where = f" in line {line}" if line else ""
        why = f"the endpoint map {path} is not valid{where}, at {fault.where}: {fault.why}"
        raise InvalidOptions(why, fault.remedy) from None
    return dict(endpoints)


def check_endpoint_map(endpoints: Any) -> None:
    """Raise Fault for the most relevant fault of a map. Raises InvalidOptions without jsonschema."""
    if not HAS_JSONSCHEMA:
        raise InvalidOptions(
            missing_required_lib("jsonschema", reason="to check endpoint maps"),
            "install jsonschema for the Python that runs Ansible",
        )
    fault = jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(SCHEMA).iter_errors(endpoints))
    if fault is not None:
        raise Fault(tuple(fault.absolute_path), fault.message, CORRECT)
    _refuse_unknown_placeholders(endpoints)
    _refuse_secrets(endpoints)
    _refuse_uncomparable_versions(endpoints)


def _refuse_unknown_placeholders(endpoints: dict[str, Any]) -> None:
    for place, text in _texts(endpoints):
        known = PLACEHOLDERS.get(".".join(map(str, place[:2])), set())
        unknown = sorted(set(PLACEHOLDER.findall(text)) - known)
        if unknown:
            usable = ", ".join(f"{{{name}}}" for name in sorted(known))
            remedy = f"use only {usable}" if usable else "remove the placeholder"
            raise Fault(place, f"no task has a value for the placeholder {{{unknown[0]}}}", remedy)


def _refuse_secrets(endpoints: dict[str, Any]) -> None:
    for place, text in _texts(endpoints):
        content = {"headers", "json", "form"} & set(place)
        name = next((str(step) for step in reversed(place) if isinstance(step, str)), "")
        if "headers" in place and name.lower() in SECRET_HEADERS:
            raise Fault(place, f"{NO_SECRETS}, and the login sets this header", "remove the header")
        if content and is_literal_secret(name, text):
            raise Fault(
                place, f"{NO_SECRETS}, and this text looks like one", "use a placeholder or another value"
            )
        if "path" in place and any(looks_secret(part) for part in re.split(r"[/?&=]", text)):
            raise Fault(
                place, f"{NO_SECRETS}, and a part of this path looks like one", "use a placeholder for it"
            )


def is_literal_secret(name: str, text: str) -> bool:
    """Return whether a field or header seems to contain a secret, judged by its name and its text."""
    literal = text and not PLACEHOLDER.search(text)
    return bool(literal and (SECRET_NAME.search(name) or looks_secret(text)))


def looks_secret(text: str) -> bool:
    """Return whether a text looks machine-made: one long word with at least three digits."""
    word = re.fullmatch(r"[\w.+/=-]+", text) is not None
    return len(text) >= SECRET_LENGTH and word and sum(each.isdigit() for each in text) >= 3


def _refuse_uncomparable_versions(endpoints: dict[str, Any]) -> None:
    declared = [place for place, _text in _texts(endpoints) if place[-1] == "version"]
    comparable = all(CLAUSE.fullmatch(part.strip()) for part in endpoints["versions"].split(","))
    if declared and not comparable:
        raise Fault(
            ("versions",),
            "an answer contains the version, but these versions cannot be compared with it",
            "use clauses such as >=24.1,<25",
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
    """Return the line of a place, None if the file is encrypted or unreadable."""
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
    """Return the file's YAML nodes, which know their lines, or the line of its syntax error."""
    try:
        text = Path(path).read_text(encoding="utf-8")
        return (None if text.startswith("$ANSIBLE_VAULT;") else yaml.compose(text, yaml.SafeLoader)), None
    except yaml.MarkedYAMLError as error:
        return None, error.problem_mark.line + 1 if error.problem_mark else None
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return None, None
