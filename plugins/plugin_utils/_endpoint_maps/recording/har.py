# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parse a browser recording (a HAR file) into requests and their answers. Reads no file.

Browsers, proxies and extensions write HAR files differently, so an entry that cannot be
read is counted and skipped.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any
from urllib.parse import SplitResult, parse_qs, urlsplit

from ....module_utils._engine.errors import InvalidOptions
from ....module_utils._wire.places import pointed

WRITES = ("POST", "PUT", "PATCH", "DELETE")
SANITIZING = ("webinspector", "chrome", "edge")
"""What names a browser, or its developer tools, that leaves cookies out of a recording by default."""

BYTE_ORDER_MARK = "\ufeff"
MEDIA = ("image/", "font/", "video/", "audio/")
NAME_OF_PART = re.compile(r"""\bname="([^"]*)""")
CREDENTIALS = ("cookie", "set-cookie", "authorization")


@dataclass(frozen=True, eq=False)
class Exchange:
    """One request and its answer.

    ``form`` is ``json``, ``form``, ``multipart`` or ``text``, as the body is sent; a body of the last kind
    cannot be read. ``text`` is the answer's, None where the browser did not keep it. ``is_cached``: it is
    that of an earlier answer, because this one came from the browser's cache without its content.
    """

    number: int
    method: str
    origin: str
    path: str
    headers: Mapping[str, str]
    cookies: Mapping[str, str]
    form: str
    body: Any
    status: int
    text: str | None
    answer_headers: Mapping[str, str]
    set_cookies: Mapping[str, str]
    is_cached: bool = False

    @property
    def writes(self) -> bool:
        """Whether the method can change something."""
        return self.method in WRITES

    @property
    def works(self) -> bool:
        """Whether the answer is not an error."""
        return self.status < 400

    @property
    def bare_path(self) -> str:
        """Return the path without its query."""
        return self.path.partition("?")[0]

    @cached_property
    def answer(self) -> Any:
        """Return the answer as JSON, None where it is something else."""
        text = (self.text or "").strip().removeprefix(BYTE_ORDER_MARK)
        if text[:1] not in ("{", "[", '"'):
            return None
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return None

    @cached_property
    def sent(self) -> str:
        """Return all that the request sends, to look for a value in it."""
        body = self.body if isinstance(self.body, str) else json.dumps(self.body, ensure_ascii=False)
        return "\n".join([self.path, *self.headers.values(), *self.cookies.values(), body])


@dataclass(frozen=True)
class Recording:
    """The exchanges in their order, how many entries were skipped, and whether the browser hid cookies."""

    exchanges: list[Exchange]
    skipped: int
    is_sanitized: bool

    @property
    def evicted(self) -> list[Exchange]:
        """Return the exchanges whose answer the browser did not keep."""
        return [each for each in self.exchanges if each.text is None]


def read_recording(text: str) -> Recording:
    """Return the exchanges of a HAR file. Raises InvalidOptions."""
    try:
        log = json.loads(text)["log"]
        entries = list(log["entries"])
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise InvalidOptions(
            f"the file is not a HAR file of a browser ({type(error).__name__})",
            'save the recording again: with "Save All As HAR" in Firefox, "Export HAR" in Chrome and Edge',
        ) from None
    read = [exchange for entry in _in_order(entries) if (exchange := _read_or_none(entry))]
    exchanges = _with_cached_answers(replace(each, number=number) for number, each in enumerate(read))
    _require_json(exchanges)
    return Recording(exchanges, len(entries) - len(read), _is_sanitized(log, exchanges))


def _require_json(exchanges: list[Exchange]) -> None:
    """Raise InvalidOptions if there is no answer of JSON, because of how it was saved or of the appliance."""
    if any(each.answer is not None for each in exchanges):
        return
    if any(each.text for each in exchanges) and not any(each.text is None for each in exchanges):
        raise InvalidOptions(
            "no answer in the HAR file is JSON",
            "a map cannot read other answers, such as HTML pages: do manually what you recorded",
        )
    raise InvalidOptions(
        "the HAR file contains no JSON answer",
        'save the recording with its content: with "Save All As HAR" in Firefox, "Export HAR" in Chrome and '
        "Edge",
    )


def _in_order(entries: list[Any]) -> list[Any]:
    """Sort entries by when they were sent, if each says so: proxies write them as they end."""
    try:
        return sorted(entries, key=lambda entry: datetime.fromisoformat(entry["startedDateTime"]).timestamp())
    except (LookupError, TypeError, ValueError, OverflowError):
        return entries


def _read_or_none(entry: Any) -> Exchange | None:
    try:
        return _exchange(entry)
    except (LookupError, TypeError, AttributeError, ValueError):
        return None


def _exchange(entry: Mapping[str, Any]) -> Exchange | None:
    """Return an entry as an exchange, None if there was no answer."""
    request, response = entry["request"], entry["response"]
    address = urlsplit(request["url"])
    status = int(response.get("status") or 0)
    if not status or not address.hostname:
        return None
    headers = dict(_named(request.get("headers")))
    sent = next((value for name, value in headers.items() if name.lower() == "cookie"), "")
    answer_headers = list(_named(response.get("headers")))
    given = [value for name, value in answer_headers if name.lower() == "set-cookie"]
    form, body = _body(request.get("postData") or {})
    return Exchange(
        number=0,
        method=str(request["method"]).upper(),
        origin=_origin(address),
        path=f"{address.path or '/'}{'?' if address.query else ''}{address.query}",
        headers=headers,
        cookies={**dict(_named(request.get("cookies"))), **_pairs(sent.split(";"))},
        form=form,
        body=body,
        status=status,
        text=_content(response.get("content") or {}, status),
        answer_headers={name.lower(): value for name, value in answer_headers},
        set_cookies={
            **dict(_named(response.get("cookies"))),
            **_pairs(line.split(";")[0] for text in given for line in text.splitlines()),
        },
    )


def _origin(address: SplitResult) -> str:
    """Return the origin of an address: in lower case, without a port that is the usual one."""
    host = address.netloc.rpartition("@")[2].lower()
    usual = {"https": ":443", "http": ":80"}.get(address.scheme, ":")
    return f"{address.scheme}://{host.removesuffix(usual)}"


def _named(pairs: Any) -> Iterator[tuple[str, str]]:
    """Yield names and values; a value that is missing is empty."""
    for pair in pairs or []:
        value = pair.get("value")
        yield str(pair["name"]), "" if value is None else str(value)


def _pairs(parts: Iterable[str]) -> dict[str, str]:
    pairs = (part.partition("=") for part in parts)
    return {name.strip(): value.strip() for name, equals, value in pairs if equals}


def _body(posted: Mapping[str, Any]) -> tuple[str, Any]:
    mime, text = str(posted.get("mimeType") or ""), str(posted.get("text") or "")
    params = list(_named(posted.get("params")))
    if mime.startswith("multipart/"):
        return "multipart", dict(params) or _multipart(mime, text)
    if "x-www-form-urlencoded" in mime or (params and not text):
        parsed = parse_qs(text, keep_blank_values=True) or {name: [value] for name, value in params}
        return "form", {name: values[0] if len(values) == 1 else values for name, values in parsed.items()}
    if not text.strip():
        return "json", None
    try:
        return "json", json.loads(text)
    except (ValueError, RecursionError):
        return "text", text


def _multipart(mime: str, text: str) -> dict[str, str]:
    """Return the fields of a multipart body by name. Raises LookupError for a part without a name."""
    boundary = mime.partition("boundary=")[2].partition(";")[0].strip('" ')
    fields = {}
    for part in text.split(f"--{boundary}")[1:-1]:
        head, _blank, value = part.replace("\r\n", "\n").partition("\n\n")
        fields[NAME_OF_PART.findall(head)[0]] = value.removesuffix("\n")
    return fields


def _content(content: Mapping[str, Any], status: int) -> str | None:
    text = content.get("text")
    if text is None:
        return None if (content.get("size") or 0) > 0 and status != 304 else ""
    if content.get("encoding") != "base64":
        return str(text)
    if str(content.get("mimeType") or "").startswith(MEDIA):
        return ""
    try:
        return base64.b64decode(text, validate=True).decode("utf-8", "replace")
    except ValueError:
        return str(text)


def _with_cached_answers(exchanges: Iterable[Exchange]) -> list[Exchange]:
    """Give an answer that the browser took from its cache (304) the status and the text of the one before."""
    answered: dict[tuple[str, str, str], Exchange] = {}
    made = []
    for exchange in exchanges:
        each, key = exchange, (exchange.method, exchange.origin, exchange.path)
        earlier = answered.get(key)
        if each.status == 304:
            text = each.text or (earlier.text if earlier else None)
            status = earlier.status if earlier else 200
            each = replace(each, status=status, text=text, is_cached=not each.text)
        answered[key] = each
        made.append(each)
    return made


def _is_sanitized(log: Mapping[str, Any], exchanges: list[Exchange]) -> bool:
    creator = json.dumps([log.get("creator"), log.get("browser")]).lower()
    names = {name.lower() for each in exchanges for name in (*each.headers, *each.answer_headers)}
    has_cookies = any(each.cookies or each.set_cookies for each in exchanges)
    return any(each in creator for each in SANITIZING) and not has_cookies and not names & {*CREDENTIALS}


def scalars(document: Any, pointer: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every string, number, boolean and null of a document with its JSON pointer."""
    waiting = [(pointer, document)]
    while waiting:
        place, part = waiting.pop()
        if isinstance(part, dict):
            waiting += [(child(place, name), each) for name, each in reversed(part.items())]
        elif isinstance(part, list):
            waiting += [(f"{place}/{number}", part[number]) for number in reversed(range(len(part)))]
        else:
            yield place, part


def child(pointer: str, name: Any) -> str:
    """Return the pointer to a member or an item of what a pointer points at."""
    text = str(name)
    text = text.replace("~", "~0").replace("/", "~1") if "~" in text or "/" in text else text
    return f"{pointer}/{text}"


def at(document: Any, pointer: str) -> Any:
    """Return what a JSON pointer points at, None if the document has no such place."""
    try:
        return pointed(document, pointer)
    except LookupError:
        return None


def holds(document: Any, value: Any) -> bool:
    """Return whether a document contains this value."""
    return any(same(each, value) for _pointer, each in scalars(document))


def same(one: Any, other: Any) -> bool:
    """Return whether two values are equal. A boolean never equals a number."""
    return isinstance(one, bool) == isinstance(other, bool) and one == other


def lists(document: Any, pointer: str = "") -> Iterator[tuple[str, list[Any]]]:
    """Yield every list of objects or of lists in a document with its JSON pointer, outermost first."""
    if isinstance(document, list) and any(isinstance(item, (dict, list)) for item in document):
        yield pointer, document
    pairs = document.items() if isinstance(document, dict) else ()
    for name, part in enumerate(document) if isinstance(document, list) else pairs:
        if isinstance(part, (dict, list)):
            yield from lists(part, child(pointer, name))


def is_in_groups(document: Any, pointer: str) -> bool:
    """Return whether a list is in an item of an outer list, and another item may have such a list too.

    An item that has something else there is no group, such as another answer in a batch of JSON-RPC.
    """
    steps = pointer.split("/")
    for end in range(1, len(steps)):
        around = at(document, "/".join(steps[:end]))
        inside = "".join(f"/{step}" for step in steps[end + 1 :])
        others = [
            each
            for number, each in enumerate(around if isinstance(around, list) else [])
            if str(number) != steps[end]
        ]
        if any(isinstance(at(each, inside), (list, type(None))) for each in others):
            return True
    return False
