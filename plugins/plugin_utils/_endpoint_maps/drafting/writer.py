# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write a request of the recording as an operation of a map: values become places, secrets are left out."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, quote, unquote

from ....module_utils._wire.web_interface import PLACEHOLDER
from ..load import UUID, is_literal_secret
from ..recording.codes import are_digits, is_code, is_short_number
from ..recording.filters import is_filter
from ..recording.flow import Flow
from ..recording.har import Exchange, child
from ..recording.places_sent import PlaceSent, is_composite
from ..recording.same_request import is_label
from ..recording.secret_forms import has_part, password_forms
from ..recording.token_rows import is_time
from ..recording.values import candidates, is_opaque
from .session import Draft, RecordedSession

BROWSERS_OWN = frozenset(
    {
        *("accept", "accept-encoding", "accept-language", "cache-control", "connection", "content-length"),
        *(
            "content-type",
            "cookie",
            "dnt",
            "expect",
            "host",
            "if-modified-since",
            "if-none-match",
        ),
        *("keep-alive", "origin", "pragma", "priority", "range", "referer", "te", "transfer-encoding"),
        *("proxy-authorization", "proxy-connection"),
        *("upgrade", "upgrade-insecure-requests", "user-agent", "via", "save-data", "alt-used"),
    }
)
"""Headers that a browser sends with any request."""

TRACING = re.compile(
    r"traceparent|tracestate|baggage|sentry-trace|b3|x-b3-.*|uber-trace-id|x-cloud-trace-context|x-amzn-trace-id"
    r"|x-datadog-.*|newrelic|(x-)?ms-.*request-id|(x-)?(request|correlation|trace|client-request)-?id"
)
"""Headers by which requests are traced in logs (documented by W3C and the makers of tracing libraries)."""

FRESH = re.compile(r"idempoten|nonce", re.IGNORECASE)
"""Names of values that a script makes up for each request."""

TYPES = {"json": "application/json", "form": "application/x-www-form-urlencoded"}
SHORTEST_PART = 4
CLOCK = re.compile(r"1[6-9]\d{8}(\d{3})?|2[01]\d{8}(\d{3})?|0\.\d{6,}")
"""A time or a random number, by which a script keeps a browser from using its cache."""

MARK = re.compile("\0([a-z0-9_]+)\1")
LEFT_OUT = object()
LABEL = "1"
"""What a map sends where any text does."""


@dataclass(frozen=True)
class Writer:
    """Writes one request for one part of the map.

    ``typed`` has the names of what a task fills, by value, but not at the places in ``constants``. A step is
    a request that is only repeated for the values that its answer gives.
    """

    flow: Flow
    session: RecordedSession
    made: Draft
    secrets: set[str]
    exchange: Exchange
    part: str
    typed: Mapping[str, str]
    is_step: bool = False
    needed_by: str = ""
    constants: frozenset[PlaceSent] = frozenset()

    def operation(self) -> dict[str, Any]:
        """Return the request as the map has it."""
        exchange = self.exchange
        made: dict[str, Any] = {"method": exchange.method, "path": self._path()}
        parts = {"headers": self._headers(), "cookies": self._cookies()}
        made.update({name: part for name, part in parts.items() if part})
        if exchange.form == "text":
            self.made.miss(self.part, "unreadable_body", request=self._place)
        elif exchange.body is not None:
            made[exchange.form] = self._body(exchange.body, "", "")
        self.flow.need_cookies(exchange, self.needed_by)
        return {**made, "success": [exchange.status]}

    @property
    def _place(self) -> str:
        return place(self.exchange, self.secrets | self.flow.followed)

    def _bare_path(self) -> str:
        parts = self.exchange.bare_path.split("/")
        return "/".join(self._at("path", str(at))._segment(part) for at, part in enumerate(parts))

    def _at(self, kind: str, name: str) -> Writer:
        """Return what writes a place: without the values that a task fills, if the place is constant."""
        return replace(self, typed={}) if (kind, name) in self.constants else self

    def _path(self) -> str:
        pairs = []
        for name, value in parse_qsl(self.exchange.path.partition("?")[2], keep_blank_values=True):
            text = LEFT_OUT if CLOCK.fullmatch(value) else self._at("query", name)._text(value, name, "query")
            if text is not LEFT_OUT:
                pairs.append(f"{quote(name, safe='$[]')}={_quoted(str(text))}")
        path = self._bare_path()
        return f"{path}?{'&'.join(pairs)}" if pairs else path

    def _segment(self, segment: str) -> str:
        text = self._text(unquote(segment), "path", "path")
        if text is LEFT_OUT:
            return "LEFT-OUT"
        return _quoted(text, also="=") if PLACEHOLDER.search(str(text)) else segment.replace("{", "%7B")

    def _headers(self) -> dict[str, str]:
        made = {}
        for name, value in self.exchange.headers.items():
            lower = name.lower()
            if lower.startswith((":", "sec-")) or TRACING.fullmatch(lower) or self._is_browsers(name, value):
                continue
            if not self._is_new_each_time(name, value):
                text = self._text(value, name, "header")
                if text is not LEFT_OUT:
                    made[name] = text
        return made

    def _is_browsers(self, name: str, value: str) -> bool:
        """Return whether a header is the browser's own. An unusual type of content is the appliance's."""
        lower = name.lower()
        if lower == "accept":
            return "*/*" in value or "html" in value or value == TYPES["json"]
        if lower == "content-type":
            expected = TYPES.get(self.exchange.form, value)
            return self.exchange.body is None or value.partition(";")[0].strip() == expected
        return lower in BROWSERS_OWN

    def _is_new_each_time(self, name: str, value: str) -> bool:
        """Return whether a header is a random number that the browser makes up for each request."""
        others = {each.headers[name] for each in self.flow.exchanges if name in each.headers}
        is_random = UUID.fullmatch(value) or CLOCK.fullmatch(value)
        return (
            bool(is_random)
            and len(others) > 1
            and self.flow.name_of(value, self.exchange, self.needed_by) is None
        )

    def _cookies(self) -> dict[str, str]:
        """Return the cookies that a script has set to what an answer gave."""
        made = {}
        for name, value in self.exchange.cookies.items():
            if self.flow.setter(name, self.exchange) is None:
                marked = self._marked(value, "header")
                if MARK.search(marked):
                    made[name] = _unmarked(marked)
        return made

    def _body(self, part: Any, name: str, pointer: str) -> Any:
        if isinstance(part, Mapping):
            parts = {key: self._body(each, str(key), child(pointer, key)) for key, each in part.items()}
            return {key: each for key, each in parts.items() if each is not LEFT_OUT}
        if isinstance(part, list):
            if self._signs_in and are_digits(part):
                self._note_unknown(name, "".join(map(str, part)), "body", is_fresh=False)
                return LEFT_OUT
            items = [self._body(item, name, child(pointer, at)) for at, item in enumerate(part)]
            return [each for each in items if each is not LEFT_OUT]
        if part is None or isinstance(part, (bool, float)):
            return part
        if isinstance(part, int):
            return self._number(part, name, pointer)
        harmless = (self.flow.login, self.flow.reads)
        if is_label(self.exchange, pointer, part, self.flow.exchanges, harmless):
            return LABEL
        return self._at("body", pointer)._text(part, name, "body")

    def _number(self, number: int, name: str, pointer: str) -> Any:
        text = self._at("body", pointer)._exact(str(number))
        if text is not None:
            return f"{{{text}}}"
        if self._signs_in and is_code(name, str(number)):
            self._note_unknown(name, str(number), "body", is_fresh=False)
            return LEFT_OUT
        self._note_time(name, number, "body")
        return number

    def _exact(self, text: str) -> str | None:
        if text in self.typed:
            return self.typed[text]
        return self.flow.name_of(text, self.exchange, self.needed_by) if len(text) >= SHORTEST_PART else None

    def _text(self, text: str, name: str, where: str) -> Any:
        """Return a text with its places, LEFT_OUT where it is a secret that a map cannot have."""
        marked = self._marked(text, where)
        literal = MARK.sub("", marked)
        is_fresh = literal == text and where != "path" and FRESH.search(name) is not None
        if self._is_secret(name, literal, where) or (is_fresh and literal):
            self._note_unknown(name, literal, where, is_fresh=is_fresh)
            return LEFT_OUT
        if where in ("body", "query"):
            self._note_time(name, literal, where)
        return _unmarked(marked)

    def _note_time(self, name: str, literal: Any, where: str) -> None:
        """Ask about a time of the recording, which a map would send forever."""
        is_list = self.part == "tokens.list"
        if is_list and is_filter(name, str(literal)):
            return
        if (self.exchange.writes or is_list) and is_time(literal):
            field = f'the {where} "{name}"'.replace("body", "field")
            reason = "list_time" if is_list else "fixed_time"
            self.made.miss(self.part, reason, request=self._place, field=field)

    def _marked(self, text: str, where: str) -> str:
        """Return a text in which each known value is replaced by a mark with its name."""
        marked = text
        for candidate in dict.fromkeys([text, *candidates(text), *_inside(text, self.typed)]):
            name = self._typed_name(candidate, text, is_path=where == "path")
            if candidate not in MARK.sub("", marked):
                continue
            if name is None and len(candidate) >= SHORTEST_PART:
                name = self.flow.name_of(
                    candidate, self.exchange, self.needed_by, in_header=where == "header"
                )
            if name:
                marked = _replaced(marked, candidate, name)
        return marked

    def _typed_name(self, candidate: str, text: str, *, is_path: bool) -> str | None:
        name = self.typed.get(candidate)
        if candidate == self.session.basic:
            return "basic"
        if name == "username" and (is_path or (candidate != text and f'"{candidate}' not in text)):
            return None
        return name

    def _is_secret(self, name: str, literal: str, where: str) -> bool:
        if not literal or (where == "path" and UUID.fullmatch(literal)):
            return False
        if is_secret(literal, self.secrets) or is_literal_secret("" if where == "path" else name, literal):
            return True
        if is_opaque(literal) or has_part(literal, self.secrets):
            return True
        if self.is_step and self.exchange.writes and where == "body" and is_short_number(literal):
            return True
        return self._signs_in and is_code(name, literal)

    @property
    def _signs_in(self) -> bool:
        return self.part == "login" or (self.is_step and self.exchange.writes)

    def _note_unknown(self, name: str, literal: str, where: str, *, is_fresh: bool) -> None:
        """Say that a value is left out: a header with one value in all requests only once."""
        field = "a part of its path" if where == "path" else f'the {where} "{name}"'.replace("body", "field")
        if where == "header" and (name, literal) in self.flow.noted:
            return
        self.flow.noted.add((name, literal))
        if where == "path" and is_code(name, literal):
            self.flow.followed.add(literal)
        values = candidates(literal)
        source = next(
            (each for value in values if (each := self.flow.has_in_text(value, self.exchange))), None
        )
        about = {"request": self._place, "field": field}
        is_password = is_secret(literal, password_forms(self.session.password))
        if is_password or has_part(literal, self.secrets):
            self.made.miss(self.part, "secret_part", **about)
        elif source:
            given_by = f"the answer to {place(source, self.secrets | self.flow.followed)}"
            self.made.miss(self.part, "value_in_text", **about, source=given_by)
        else:
            self.made.miss(self.part, "fresh_value" if is_fresh else "unknown_value", **about)


def place(exchange: Exchange, secrets: Collection[str]) -> str:
    """Name a request in a sentence, without the parts of its path that are secrets."""
    path = exchange.bare_path.split("/")
    kept = ["..." if part and is_secret(unquote(part), secrets) else part for part in path]
    return f"{exchange.method} {'/'.join(kept)}"


def is_secret(text: str, secrets: Collection[str]) -> bool:
    """Return whether a text contains a secret of the recording, or is one if the secret is only a word."""
    return any(each == text or (is_telling(each) and each in text) for each in secrets)


def is_telling(secret: str) -> bool:
    """Return whether a secret is unlikely to be in another text by chance."""
    return len(secret) >= SHORTEST_PART and not (secret.isalpha() and len(secret) < 16)


def _inside(text: str, typed: Mapping[str, str]) -> list[str]:
    """Return the typed values that a longer text has as words of their own, as GraphQL and OData do."""
    long = [value for value in typed if len(value) >= SHORTEST_PART and value in text]
    is_code = "{" in text and "(" in text
    short = [
        value
        for value in typed
        if (is_code and re.search(rf"(?<![\w-]){re.escape(value)}(?![\w-])", text))
        or is_composite(text, value)
    ]
    return sorted({*long, *short}, key=len, reverse=True)


def _replaced(marked: str, value: str, name: str) -> str:
    """Replace a value outside of marks; a short one only where it is a word of its own."""
    if len(value) < SHORTEST_PART or value.isalpha():
        pattern = rf"(?<![\w-]){re.escape(value)}(?![\w-])"
    else:
        pattern = re.escape(value)
    parts = re.split("(\0[a-z0-9_]+\1)", marked)
    return "".join(part if part.startswith("\0") else re.sub(pattern, f"\0{name}\1", part) for part in parts)


def _unmarked(marked: str) -> str:
    """Turn marks into placeholders. Text that already looks like a placeholder is escaped."""
    return MARK.sub(r"{\1}", PLACEHOLDER.sub(r"{{\1}}", marked))


def _quoted(text: str, also: str = "") -> str:
    """Percent-encode a text except for its placeholders, and except for characters that stay ``also``."""
    parts = re.split(r"(\{[a-z][a-z0-9_]*\})", text)
    return "".join(
        part if PLACEHOLDER.fullmatch(part) else quote(part, safe=f"$,:;@!*'()~{also}") for part in parts
    )
