# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parse a browser recording (a HAR file) into requests and their answers. Reads no file."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ...module_utils._engine.errors import InvalidOptions

Scalars = list[tuple[str, Any]]


@dataclass(frozen=True)
class Exchange:
    """One request and its answer. A body or an answer is None if it is neither JSON nor a form.

    ``form`` is the body's format: ``json`` or ``form``.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    cookies: Mapping[str, str]
    form: str
    body: Any
    status: int
    answer: Any
    set_cookies: Mapping[str, str]

    @property
    def writes(self) -> bool:
        """Whether the method can change something."""
        return self.method in ("POST", "PUT", "PATCH", "DELETE")

    @property
    def place(self) -> str:
        """The request in messages: the method and the path without the query."""
        return f"{self.method} {self.path.partition('?')[0]}"


def exchanges(text: str) -> list[Exchange]:
    """Return the answered requests of a HAR file, in order. Raises InvalidOptions."""
    try:
        entries = json.loads(text)["log"]["entries"]
        found = [_exchange(entry) for entry in entries if entry["response"].get("status", 0) > 0]
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise InvalidOptions(
            f"the file is not a HAR file of a browser ({type(error).__name__})",
            "save the recording again as HAR",
        ) from None
    if not any(each.answer is not None for each in found):
        raise InvalidOptions(
            "the HAR file contains no JSON answer",
            'save the recording with its content: in Firefox with "Save All As HAR", in Chromium with '
            '"Export HAR"',
        )
    return found


def scalars(document: Any, pointer: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every string, number, boolean and null of a document with its JSON pointer."""
    if isinstance(document, Mapping):
        for name, part in document.items():
            escaped = str(name).replace("~", "~0").replace("/", "~1")
            yield from scalars(part, f"{pointer}/{escaped}")
    elif isinstance(document, list):
        for number, part in enumerate(document):
            yield from scalars(part, f"{pointer}/{number}")
    else:
        yield pointer, document


def holds(document: Any, value: Any) -> bool:
    """Return whether a document contains this value."""
    return any(same(each, value) for _pointer, each in scalars(document))


def same(one: Any, other: Any) -> bool:
    """Return whether two values are equal. A boolean never equals a number."""
    return isinstance(one, bool) == isinstance(other, bool) and one == other


def lists(document: Any, pointer: str = "") -> Iterator[tuple[str, list[Any]]]:
    """Yield every list of objects in a document with its JSON pointer, outermost first."""
    if isinstance(document, list) and any(isinstance(item, Mapping) for item in document):
        yield pointer, document
    parts = enumerate(document) if isinstance(document, list) else ()
    for name, part in document.items() if isinstance(document, Mapping) else parts:
        escaped = str(name).replace("~", "~0").replace("/", "~1")
        yield from lists(part, f"{pointer}/{escaped}")


def _exchange(entry: Mapping[str, Any]) -> Exchange:
    request, response = entry["request"], entry["response"]
    address = urlsplit(request["url"])
    headers = {each["name"]: each["value"] for each in request["headers"]}
    sent = next((value for name, value in headers.items() if name.lower() == "cookie"), "")
    given = [each["value"] for each in response["headers"] if each["name"].lower() == "set-cookie"]
    form, body = _body(request.get("postData") or {})
    return Exchange(
        method=request["method"],
        path=f"{address.path or '/'}{'?' if address.query else ''}{address.query}",
        headers=headers,
        cookies={**_listed(request), **_pairs(sent.split(";"))},
        form=form,
        body=body,
        status=response["status"],
        answer=_json(_content(response.get("content") or {})),
        set_cookies={
            **_listed(response),
            **_pairs(line.split(";")[0] for text in given for line in text.splitlines()),
        },
    )


def _body(posted: Mapping[str, Any]) -> tuple[str, Any]:
    text = posted.get("text") or ""
    if "x-www-form-urlencoded" in posted.get("mimeType", ""):
        params = {each["name"]: each.get("value", "") for each in posted.get("params") or []}
        return "form", dict(parse_qsl(text, keep_blank_values=True)) or params
    return "json", _json(text)


def _content(content: Mapping[str, Any]) -> str:
    text = content.get("text") or ""
    if content.get("encoding") == "base64":
        return base64.b64decode(text).decode("utf-8", "replace")
    return str(text)


def _json(text: str) -> Any:
    """Return a JSON object or list, None for anything else."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, (dict, list)) else None


def _listed(part: Mapping[str, Any]) -> dict[str, str]:
    return {each["name"]: each["value"].strip('"') for each in part.get("cookies") or []}


def _pairs(parts: Any) -> dict[str, str]:
    pairs = (part.partition("=") for part in parts)
    return {name.strip(): value.strip().strip('"') for name, equals, value in pairs if equals}
