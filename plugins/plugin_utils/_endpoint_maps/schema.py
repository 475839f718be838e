# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The format of endpoint maps, as a JSON schema."""

from __future__ import annotations

from typing import Any

from ...module_utils._engine.moment import EPOCHS
from ...module_utils._wire.places import DECODERS
from ...module_utils._wire.web_interface import RELATIVE

NAME = "^[a-z][a-z0-9_]*$"
PROVENANCES = ("documented", "observed", "captured", "assumed", "lab")

POINTER: dict[str, Any] = {"type": "string", "pattern": "^(/.*)?$"}
PATH: dict[str, Any] = {"type": "string", "pattern": "^/"}
TEXTS: dict[str, Any] = {"type": "object", "additionalProperties": {"type": "string"}}


def _object(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "required": list(required),
        "additionalProperties": False,
        "properties": properties,
    }


def _place(*kinds: str) -> dict[str, Any]:
    """Return the schema of a place in an answer: one of the kinds, and perhaps how it is decoded."""
    texts: dict[str, Any] = {kind: POINTER if kind == "pointer" else {"type": "string"} for kind in kinds}
    made = _object((), **texts, decode={"enum": list(DECODERS)})
    return {**made, "oneOf": [{"required": [kind]} for kind in kinds]}


ANSWERED = {"if": {"type": "string"}, "then": POINTER, "else": _place("pointer", "header", "meta", "input")}
CAPTURED = {
    "if": {"type": "string"},
    "then": POINTER,
    "else": _place("pointer", "header", "cookie", "meta", "input"),
}
REQUEST: dict[str, Any] = {
    "method": {"enum": ["GET", "POST", "PUT", "PATCH", "DELETE"]},
    "path": PATH,
    "headers": TEXTS,
    "cookies": TEXTS,
    "json": {},
    "form": {"type": "object"},
    "multipart": {"type": "object"},
    "success": {"type": "array", "items": {"type": "integer"}, "minItems": 1},
    "capture": {"type": "object", "propertyNames": {"pattern": NAME}, "additionalProperties": CAPTURED},
}
PAGING = _object(
    start={"type": "integer", "minimum": 0},
    counts={"enum": ["pages", "rows"]},
    size={"type": "integer", "minimum": 1},
    next=ANSWERED,
    next_path=PATH,
    last=ANSWERED,
    more=ANSWERED,
    total=ANSWERED,
)
PAGING["dependentRequired"] = {"start": ["counts"], "counts": ["start"]}
PAGING["if"] = {"required": ["next_path"]}
PAGING["then"] = {"anyOf": [{"required": ["next"]}, {"required": ["start"]}]}
PAGING["minProperties"] = 1


def _operation(**more: Any) -> dict[str, Any]:
    return _object(("method", "path", "success"), **REQUEST, **more)


BODIES = ("json", "form", "multipart")
STEP = _operation()
BEFORE = {"type": "array", "items": STEP}


def _fields(*required: str) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "additionalProperties": POINTER}


LIST = _operation(
    before=BEFORE,
    items=POINTER,
    fields=_fields("id", "description", "used"),
    never_used={"type": ["string", "null", "integer", "boolean"]},
    used_may_be_absent={"type": "boolean"},
    used_format={"type": "string", "pattern": f"^(iso8601|{RELATIVE}|{'|'.join(EPOCHS)}|.*%.*)$"},
    version=POINTER,
    paging=PAGING,
)
LIST["required"] = [*LIST["required"], "fields"]
CREATE = _operation(before=BEFORE, fields=_fields("secret"), version=POINTER)
CREATE["required"] = [*CREATE["required"], "fields"]
DELETE = _operation(before=BEFORE, provenance={"enum": list(PROVENANCES)})
DELETE["required"] = [*DELETE["required"], "provenance"]
READ = _operation(before=BEFORE, fields=_fields("server_address"), version=POINTER)
READ["required"] = [*READ["required"], "fields"]
UPDATE = _operation(before=BEFORE)

SCHEMA: dict[str, Any] = _object(
    ("schema", "product", "provenance", "versions", "login"),
    schema={"const": 2},
    product={"enum": ["sensor", "forescout"]},
    provenance={"enum": list(PROVENANCES)},
    versions={"type": "string"},
    login=_object(
        ("steps",), steps={"type": "array", "items": STEP}, headers=TEXTS, logout=_operation(before=BEFORE)
    ),
    tokens=_object(("list",), list=LIST, create=CREATE, delete=DELETE),
    settings=_object(("read",), read=READ, update=UPDATE),
)
