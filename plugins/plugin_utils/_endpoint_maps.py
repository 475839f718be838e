# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Load endpoint maps: how an appliance's own web interface does what no public interface does.

Private to this collection: may change at any time.
"""

from __future__ import annotations

import json
from typing import Any

from ansible.errors import AnsibleError
from ansible.module_utils.basic import missing_required_lib
from ansible.parsing.dataloader import DataLoader

from ..module_utils._endpoints import PLACEHOLDER
from ..module_utils._errors import InvalidOptions
from ._plain import plain

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
        "json": {"type": ["object", "array"]},
        "form": {"type": "object"},
        "success": {"type": "array", "items": {"type": "integer"}, "minItems": 1},
        "items": POINTER,
        "fields": {"type": "object", "additionalProperties": POINTER},
        "never_used": {"type": ["string", "null", "integer"]},
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
        "header": {"type": "string"},
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


def load_endpoint_map(path: str, loader: DataLoader) -> dict[str, Any]:
    """Return a checked endpoint map. Raises InvalidOptions."""
    if not HAS_JSONSCHEMA:
        raise InvalidOptions(missing_required_lib("jsonschema", reason="to check endpoint maps"))
    try:
        endpoints = plain(loader.load_from_file(loader.path_dwim(path)))
    except AnsibleError as error:
        raise InvalidOptions(f"the endpoint map {path} cannot be read: {error.message}") from None
    fault = jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(SCHEMA).iter_errors(endpoints))
    if fault is not None:
        place = ".".join(str(step) for step in fault.absolute_path) or "the top level"
        raise InvalidOptions(f"the endpoint map {path} is not valid at {place}: {fault.message}")
    _refuse_unknown_placeholders(path, endpoints)
    return dict(endpoints)


def _refuse_unknown_placeholders(path: str, endpoints: dict[str, Any]) -> None:
    groups = ("login", "tokens", "settings")
    parts = {f"{group}.{name}": each for group in groups for name, each in endpoints.get(group, {}).items()}
    for part, content in parts.items():
        unknown = sorted(set(PLACEHOLDER.findall(json.dumps(content))) - PLACEHOLDERS.get(part, set()))
        if unknown:
            raise InvalidOptions(
                f"the endpoint map {path} has a place for {{{unknown[0]}}} at {part}: nothing fills it"
            )
