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
from ...module_utils._engine.version import CLAUSE
from ...module_utils._module.untagged import plain
from ...module_utils._wire.web_interface import BASIC, LOGIN_OPTIONS, PLACEHOLDER, placeholders
from .schema import BODIES, SCHEMA
from .schema_1 import is_schema_1, translated

try:
    import jsonschema
except ImportError:
    HAS_JSONSCHEMA = False
else:
    HAS_JSONSCHEMA = True

ACCOUNT = {*LOGIN_OPTIONS, BASIC}
FILLED = {
    "tokens.list": {"page", "next"},
    "tokens.create": {"description"},
    "tokens.delete": {"id", "description"},
    "settings.update": {"server_address", "access_token"},
}
"""The placeholders of each part of a map, in addition to the account and captured values."""

GROUPS = ("tokens", "settings")
RESERVED = ACCOUNT.union(*FILLED.values())
READS = ("list", "read")


SECRET_HEADERS = {"authorization", "proxy-authorization", "cookie"}
SECRET_NAME = re.compile(r"(pass(word|wd|phrase)?|pwd|secret|token|credentials?|api.?key)$", re.IGNORECASE)
SECRET_LENGTH = 20
NO_SECRETS = "a map must not contain secrets"
CORRECT = "correct the map as docs/endpoint_maps.md describes"
UUID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)

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
    """Return a validated endpoint map in schema 2. Raises InvalidOptions with the line of the fault.

    If the provenance of ``tokens.delete`` is ``assumed``, so is the map's.
    """
    found = loader.path_dwim(path)
    try:
        refuse_irregular(found)
        endpoints = plain(loader.load_from_file(found, unsafe=True))
    except OSError as error:
        why = f"the endpoint map {path} cannot be read: {error.strerror}"
        raise InvalidOptions(why, "use the path of a YAML file") from None
    except AnsibleError as error:
        _node, line = _composed(found)
        where = f" in line {line}" if line else ""
        why = f"the endpoint map {path} cannot be read{where}: {error.message}"
        raise InvalidOptions(why, "check the path and the YAML syntax") from None
    try:
        endpoints = checked_endpoint_map(endpoints)
    except Fault as fault:
        line = _line(found, fault.place)
        where = f" in line {line}" if line else ""
        why = f"the endpoint map {path} is not valid{where}, at {fault.where}: {fault.why}"
        raise InvalidOptions(why, fault.remedy) from None
    if endpoints.get("tokens", {}).get("delete", {}).get("provenance") == "assumed":
        return {**endpoints, "provenance": "assumed"}
    return endpoints


def checked_endpoint_map(endpoints: Any) -> dict[str, Any]:
    """Return a map in schema 2. Raises Fault for the most relevant fault of a map.

    Raises InvalidOptions without jsonschema.
    """
    if not HAS_JSONSCHEMA:
        raise InvalidOptions(
            missing_required_lib("jsonschema", reason="to check endpoint maps"),
            "install jsonschema for the Python that runs Ansible",
        )
    if is_schema_1(endpoints):
        try:
            endpoints = translated(endpoints)
        except (LookupError, TypeError, AttributeError) as error:
            raise Fault(("login",), f"this login of schema 1 is not complete ({error})", CORRECT) from None
    fault = jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(SCHEMA).iter_errors(endpoints))
    if fault is not None:
        raise Fault(tuple(fault.absolute_path), fault.message, CORRECT)
    _refuse_two_bodies(endpoints, ())
    _refuse_unknown_placeholders(endpoints)
    _refuse_vague_deletion(endpoints)
    _refuse_secrets(endpoints)
    _refuse_uncomparable_versions(endpoints)
    return dict(endpoints)


def _refuse_two_bodies(part: Any, place: Place) -> None:
    """Refuse an operation with two bodies. The message of a schema would repeat their content."""
    parts = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    if isinstance(part, dict) and "method" in part and len(set(BODIES) & set(part)) > 1:
        raise Fault(place, f"it has more than one of {', '.join(BODIES)}", "keep the one that is sent")
    for name, each in parts:
        if name not in BODIES:
            _refuse_two_bodies(each, (*place, name))


def _refuse_unknown_placeholders(endpoints: dict[str, Any]) -> None:
    login = endpoints["login"]
    captured: set[str] = set()
    for number, step in enumerate(login["steps"]):
        _require_filled(step, ("login", "steps", number), captured | ACCOUNT)
        captured |= _captures(step, ("login", "steps", number))
    _require_filled(login.get("headers", {}), ("login", "headers"), captured | ACCOUNT)
    parts = [("login", "logout")]
    for group in GROUPS:
        names = sorted(endpoints.get(group, {}), key=lambda name: name not in READS)
        parts += [(group, name) for name in names]
    read = set(captured)
    for group, name in parts:
        operation = endpoints[group].get(name, {})
        known = read | ACCOUNT | FILLED.get(f"{group}.{name}", set())
        for number, step in enumerate(operation.get("before", [])):
            _require_filled(step, (group, name, "before", number), known)
            known |= _captures(step, (group, name, "before", number))
        rest = {part: each for part, each in operation.items() if part != "before"}
        _require_filled(rest, (group, name), known)
        found = _captures(operation, (group, name))
        read |= found if name in READS else set()


def _captures(operation: dict[str, Any], place: Place) -> set[str]:
    names = set(operation.get("capture", {}))
    if names & RESERVED:
        name = min(names & RESERVED)
        raise Fault((*place, "capture", name), f"the task has a value for {{{name}}}", "use another name")
    return names


def _require_filled(template: Any, place: Place, known: set[str]) -> None:
    for inner, text in _texts(template):
        unknown = sorted(set(placeholders(text)) - known)
        if unknown:
            usable = ", ".join(f"{{{name}}}" for name in sorted(known))
            why = f"neither a task nor an answer has a value for the placeholder {{{unknown[0]}}}"
            raise Fault((*place, *inner), why, f"use only {usable}, or capture it from an earlier answer")


def _refuse_vague_deletion(endpoints: dict[str, Any]) -> None:
    delete = endpoints.get("tokens", {}).get("delete")
    if delete is not None and not set(placeholders(delete)) & FILLED["tokens.delete"]:
        raise Fault(("tokens", "delete"), "it names no token", "add {id} or {description}")


def _refuse_secrets(endpoints: dict[str, Any]) -> None:
    for place, text in _texts(endpoints):
        content = {"headers", "cookies", "json", "form", "multipart"} & set(place)
        name = next((str(step) for step in reversed(place) if isinstance(step, str)), "")
        if "headers" in place and name.lower() in SECRET_HEADERS and not _is_captured(name, text):
            raise Fault(place, f"{NO_SECRETS}, and the login sets this header", "remove the header")
        if content and is_literal_secret(name, text):
            raise Fault(
                place, f"{NO_SECRETS}, and this text looks like one", "use a placeholder or another value"
            )
        if "path" in place and any(looks_secret_in_path(part) for part in re.split(r"[/?&=;]", text)):
            raise Fault(
                place, f"{NO_SECRETS}, and a part of this path looks like one", "use a placeholder for it"
            )


def _is_captured(header: str, text: str) -> bool:
    """Return whether a header takes its value from the account or from an answer."""
    names = set(placeholders(text))
    return header.lower() != "cookie" and bool(names) and not names & (RESERVED - ACCOUNT)


def is_literal_secret(name: str, text: str) -> bool:
    """Return whether a field or header seems to contain a secret, judged by its name and its text."""
    literal = text and not PLACEHOLDER.search(text)
    return bool(literal and (SECRET_NAME.search(name) or looks_secret(text)))


def looks_secret(text: str) -> bool:
    """Return whether a text looks machine-made: one long word with at least three digits."""
    word = re.fullmatch(r"[\w.+/=-]+", text) is not None
    return len(text) >= SECRET_LENGTH and word and sum(each.isdigit() for each in text) >= 3


def looks_secret_in_path(part: str) -> bool:
    """Return whether a part of a path looks like a secret. A UUID in a path is the id of an object."""
    return looks_secret(part) and UUID.fullmatch(part) is None


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
        found = _child(node, step)
        if found is None:
            break
        key, node = found
        line = key.start_mark.line + 1
    return line


def _child(node: yaml.Node | None, step: Any) -> tuple[yaml.Node, yaml.Node] | None:
    """Return the node that a step names, with the node that has its line.

    None if the file has no such place, for example in a map that was translated from schema 1.
    """
    if isinstance(node, yaml.SequenceNode):
        return (node.value[step], node.value[step]) if isinstance(step, int) else None
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return next(((key, value) for key, value in pairs if key.value == step), None)


def _composed(path: str) -> tuple[yaml.Node | None, int | None]:
    """Return the file's YAML nodes, which know their lines, or the line of its syntax error."""
    try:
        text = Path(path).read_text(encoding="utf-8")
        return (None if text.startswith("$ANSIBLE_VAULT;") else yaml.compose(text, yaml.SafeLoader)), None
    except yaml.MarkedYAMLError as error:
        return None, error.problem_mark.line + 1 if error.problem_mark else None
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return None, None
