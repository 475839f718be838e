# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Draft an endpoint map from a recording, using only the values that the operator typed and saw.

The names of paths, fields, cookies and headers are not known in advance. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode

import yaml

from ...module_utils._engine.errors import InvalidOptions
from ...module_utils._wire.web_interface import PLACEHOLDER
from .load import Fault, check_endpoint_map, is_literal_secret
from .recording import Exchange, exchanges, holds, same, scalars
from .token_rows import NEVER, TokenRows

# Shorter cookies are settings such as a language. Shorter words occur inside other texts by chance.
SHORTEST_SECRET = 8
SHORTEST_PART = 4


@dataclass(frozen=True)
class RecordedSession:
    """The values that the operator typed and saw in the browser. ``never_used`` is the text of *Used*."""

    product: str
    username: str
    password: str
    token: str
    description: str = ""
    server_address: str = ""
    never_used: str = "N/A"
    version: str = ""


@dataclass
class Draft:
    """A possibly incomplete map, the requests ``found`` in the recording, and what is ``missing``."""

    endpoints: dict[str, Any]
    found: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def text(self) -> str:
        """Return the map as YAML. Comments at the top list what is missing."""
        head = ["# Drafted from a recording. Read it before you use it."]
        head += [f"# Missing: {each}" for each in self.missing]
        body = yaml.safe_dump(self.endpoints, sort_keys=False, width=100, allow_unicode=True)
        return "\n".join(["---", *head, body])


def draft(recording: str, session: RecordedSession) -> Draft:
    """Return the draft of a map from the text of a HAR file. Raises InvalidOptions."""
    recorded = exchanges(recording)
    made = Draft(
        {
            "schema": 1,
            "product": session.product,
            "provenance": "captured",
            "versions": session.version or "unknown",
        }
    )
    drafter = Drafter(recorded, session, made)
    used = drafter.tokens() if session.product == "sensor" else drafter.settings()
    drafter.login(used)
    groups = ("login", "tokens", "settings")
    made.endpoints.update({name: made.endpoints.pop(name) for name in groups if name in made.endpoints})
    try:
        check_endpoint_map(made.endpoints)
    except Fault as fault:
        made.missing.append(str(fault))
    _require_no_secret(made.endpoints, drafter.secrets)
    return made


class Drafter:
    """Finds one operation after the other in a recording and adds it to a draft."""

    def __init__(self, recorded: list[Exchange], session: RecordedSession, made: Draft) -> None:
        self.recorded = recorded
        self.session = session
        self.made = made
        self.secrets = _secrets(recorded, session)

    def tokens(self) -> list[Exchange]:
        """Add the operations for tokens; return the requests that list and create."""
        create = self._last(lambda each: each.writes and holds(each.answer, self.session.token))
        listed = self._last(lambda each: not each.writes and self._rows(each)) or self._last(
            lambda each: each is not create and self._rows(each)
        )
        rows = self._rows(listed)
        after = self.recorded[self.recorded.index(create) + 1 :] if create else []
        operations = {
            "list": self._listing(listed, rows, create) if listed and rows else None,
            "create": self._creation(create, rows) if create else None,
        }
        if not listed:
            self._miss(
                "tokens.list", "no answer lists that description; record again, and open the list at the end"
            )
        if not create:
            self._miss("tokens.create", "no answer to a write contains the token")
        delete = self._deletion(after, operations["list"], rows)
        group = {name: operation for name, operation in operations.items() if operation}
        self.made.endpoints["tokens"] = {**group, **({"delete": delete} if delete else {})}
        return [each for each in (listed, create) if each]

    def settings(self) -> list[Exchange]:
        """Add the operations for the settings; return the requests that read and update."""
        session, group = self.session, self.made.endpoints.setdefault("settings", {})
        read = self._last(lambda each: not each.writes and holds(each.answer, session.server_address))
        update = self._last(
            lambda each: (
                each.writes and holds(each.body, session.server_address) and holds(each.body, session.token)
            )
        )
        if read:
            pointer = _pointer(read.answer, session.server_address)
            group["read"] = {**self._operation(read, {}), "fields": {"server_address": pointer}}
            self._add_version(group["read"], read)
        else:
            self._miss(
                "settings.read",
                "no answer contains the server address; record again, and open the settings at the end",
            )
        if update:
            values = {session.server_address: "server_address", session.token: "access_token"}
            group["update"] = self._operation(update, values)
        else:
            self._miss("settings.update", "no write sends both the server address and the token")
        return [each for each in (read, update) if each]

    def login(self, used: list[Exchange]) -> None:
        """Add the login, and how the found requests prove that they are logged in."""
        session = self.session
        request = self._last(
            lambda each: (
                each.writes
                and holds(each.body, session.username)
                and holds(each.body, session.password)
                and each.status < 400
            )
        )
        if request is None:
            self._miss("login", "no successful write sends the user name and the password unchanged")
            return
        values = {session.username: "username", session.password: "password"}
        operation = self._operation(request, values)
        if sum(same(each, "{password}") for _place, each in scalars(operation)) > 1:
            self._miss(
                "login.request",
                "several fields contain the password's text; restore those that are a fixed word",
            )
        bearer = self._bearer(request, used)
        if bearer:
            self.made.endpoints["login"] = {"kind": "bearer", "request": operation, **bearer}
        else:
            self.made.endpoints["login"] = {"kind": "cookies", **self._cookies(request, operation, used)}

    def _last(self, fits: Callable[[Exchange], Any]) -> Exchange | None:
        return next((each for each in reversed(self.recorded) if fits(each)), None)

    def _miss(self, part: str, why: str) -> None:
        self.made.missing.append(f"{part}: {why}")

    def _operation(self, exchange: Exchange, values: Mapping[str, str]) -> dict[str, Any]:
        """Return a request in the form of a map. Known values become placeholders, secrets are left out."""
        operation: dict[str, Any] = {"method": exchange.method, "path": self._path(exchange, values)}
        headers = {
            name: value
            for name, value in exchange.headers.items()
            if name.lower().startswith("x-") and not self._is_secret(name, value)
        }
        if headers:
            operation["headers"] = headers
        if exchange.body is not None:
            operation[exchange.form] = self._template(exchange, exchange.body, values)
        self.made.found.append(exchange.place)
        return {**operation, "success": [exchange.status]}

    def _path(self, exchange: Exchange, values: Mapping[str, str]) -> str:
        path, mark, query = exchange.path.partition("?")
        places = {value: f"{{{name}}}" for value, name in values.items()}
        path = "/".join(places.get(unquote(part), part) if part else part for part in path.split("/"))
        kept = [
            (name, value)
            for name, value in parse_qsl(query, keep_blank_values=True)
            if not self._is_secret(name, value)
        ]
        query = urlencode([(name, places.get(value, value)) for name, value in kept], safe="{}")
        return f"{path}{mark if query else ''}{query}"

    def _template(self, exchange: Exchange, part: Any, values: Mapping[str, str], name: str = "") -> Any:
        if isinstance(part, Mapping):
            parts = {key: self._template(exchange, each, values, str(key)) for key, each in part.items()}
            return {key: each for key, each in parts.items() if each is not LEFT_OUT}
        if isinstance(part, list):
            items = [self._template(exchange, each, values, name) for each in part]
            return [each for each in items if each is not LEFT_OUT]
        if not isinstance(part, bool) and str(part) in values:
            return f"{{{values[str(part)]}}}"
        if isinstance(part, str) and self._is_secret(name, part):
            self._miss(exchange.place, f'the field "{name}" was left out because it contained a secret')
            return LEFT_OUT
        return part

    def _is_secret(self, name: str, value: str) -> bool:
        return _shows(value, self.secrets) or is_literal_secret(name, value)

    def _rows(self, exchange: Exchange | None) -> TokenRows | None:
        return TokenRows.found(exchange.answer, self.session.description) if exchange else None

    def _listing(self, listed: Exchange, rows: TokenRows, create: Exchange | None) -> dict[str, Any]:
        operation = self._operation(listed, {})
        self._add_version(operation, listed)
        if rows.pointer:
            operation["items"] = rows.pointer
        typed = (self.session.description, self.session.never_used)
        identities = rows.identities(typed, create and create.answer, self._is_addressed)
        fields = {"id": self._only("id", identities), "description": rows.field(self.session.description)}
        used = self._only("used", rows.never_used(fields.values(), self.session.never_used))
        fields["used"] = used
        operation["fields"] = {name: pointer for name, pointer in fields.items() if pointer is not None}
        if used is not None:
            operation["never_used"] = rows.new[used]
            self._add_format(operation, rows.time_formats(used))
        return operation

    def _only(self, field: str, candidates: set[str]) -> str | None:
        if len(candidates) == 1:
            return next(iter(candidates))
        if candidates:
            why = f"it is one of {', '.join(sorted(candidates))}; add the right one"
        else:
            why = "no field of the list fits; add it manually"
        self._miss(f"tokens.list.fields.{field}", why)
        return None

    def _add_format(self, operation: dict[str, Any], formats: set[str]) -> None:
        if len(formats) == 1:
            operation["used_format"] = formats.pop()
        else:
            self._miss(
                "tokens.list.used_format",
                "the recording has no used token, so no time; add the format manually",
            )

    def _add_version(self, operation: dict[str, Any], exchange: Exchange) -> None:
        """Add a pointer to the version that the operator entered, if this answer contains it."""
        pointer = _pointer(exchange.answer, self.session.version) if self.session.version else None
        if pointer is not None:
            operation["version"] = pointer

    def _creation(self, create: Exchange, rows: TokenRows | None) -> dict[str, Any]:
        operation = self._operation(create, {self.session.description: "description"})
        if not holds(operation.get(create.form), "{description}"):
            self._miss("tokens.create", "the request that returns the token sends no description")
        secret = str(_pointer(create.answer, self.session.token))
        known = rows.new if rows else {}
        identities = [
            pointer
            for pointer, value in scalars(create.answer)
            if pointer != secret and pointer in known and same(known[pointer], value) and value not in NEVER
        ]
        others = [each for each in identities if known[each] != self.session.description]
        found = {"id": others[0], "secret": secret} if len(others) == 1 else {"secret": secret}
        return {**operation, "fields": found}

    def _deletion(
        self, after: list[Exchange], listing: dict[str, Any] | None, rows: TokenRows | None
    ) -> dict[str, Any] | None:
        """Return the write after the creation that names the new token, None if there is none."""
        values = {self.session.description: "description"}
        if listing and rows and "id" in listing["fields"]:
            values[str(rows.new[listing["fields"]["id"]])] = "id"
        found = [each for each in after if any(_addresses(each, value) for value in values)]
        if not found:
            self._miss("tokens.delete", "the recording deletes no token; add it manually if the sensor can")
            return None
        plain = next((each for each in found if each.method == "DELETE"), None)
        if plain is None:
            self._miss("tokens.delete", f"{found[0].place} seems to delete the token; check that it does")
        return self._operation(plain or found[0], values)

    def _is_addressed(self, value: Any) -> bool:
        return any(_addresses(each, value) for each in self.recorded)

    def _bearer(self, request: Exchange, used: list[Exchange]) -> dict[str, str]:
        """Find the token of the login's answer in the header of later requests."""
        for each in used:
            sent = _header(each, "authorization")
            for pointer, value in scalars(request.answer):
                if isinstance(value, str) and len(value) >= SHORTEST_SECRET and value in sent:
                    return {"token": pointer, "header": sent.replace(value, "{token}")}
        return {}

    def _cookies(self, request: Exchange, operation: dict[str, Any], used: list[Exchange]) -> dict[str, Any]:
        csrf = _csrf([request, *used])
        kept = [name for name in request.set_cookies if any(name in each.cookies for each in used)]
        sessions = [name for name in kept if not csrf or name != csrf["cookie"]]
        found: dict[str, Any] = {}
        if csrf and csrf["cookie"] in request.cookies:
            found["before"] = self._before(request, csrf["cookie"])
        found["request"] = operation
        if len(sessions) == 1:
            found["session_cookie"] = sessions[0]
        else:
            self._miss("login.session_cookie", _why_no_session(sessions, self.recorded))
        if csrf:
            found["csrf"] = csrf
        logout = self._last(lambda each: each.writes and any(each.set_cookies.get(s) == "" for s in sessions))
        if logout:
            found["logout"] = self._operation(logout, {})
        return found

    def _before(self, request: Exchange, cookie: str) -> str:
        earlier = self.recorded[: self.recorded.index(request)]
        setting = [each for each in earlier if each.method == "GET" and cookie in each.set_cookies]
        return self._path(setting[0], {}) if setting else "/"


LEFT_OUT = object()


def _secrets(recorded: list[Exchange], session: RecordedSession) -> set[str]:
    """Return every value of the recording that grants access."""
    found = {session.password, session.token}
    for each in recorded:
        found |= {*each.cookies.values(), *each.set_cookies.values()}
        found |= {_header(each, name) for name in ("authorization", "proxy-authorization")}
        found |= set(_header(each, "authorization").split())
    return {
        value
        for value in found
        if len(value) >= SHORTEST_SECRET or value in (session.password, session.token)
    }


def _shows(text: str, secrets: set[str]) -> bool:
    return any(each == text or (len(each) >= SHORTEST_PART and each in text) for each in secrets)


def _require_no_secret(endpoints: Mapping[str, Any], secrets: set[str]) -> None:
    for _place, value in scalars(endpoints):
        if _shows(PLACEHOLDER.sub("", str(value)), secrets):
            raise InvalidOptions(
                "the draft would contain a secret of the recording, so it was not written",
                "record again without a secret in a path or a header name",
            )


def _header(exchange: Exchange, wanted: str) -> str:
    return next((value for name, value in exchange.headers.items() if name.lower() == wanted), "")


def _pointer(document: Any, value: Any) -> str | None:
    return next((pointer for pointer, each in scalars(document) if same(each, value)), None)


def _addresses(exchange: Exchange, value: Any) -> bool:
    """Return whether a write names an object in its path or its body."""
    path, _mark, query = exchange.path.partition("?")
    parts = {unquote(part) for part in path.split("/")} | {each for _name, each in parse_qsl(query)}
    body = {str(each) for _place, each in scalars(exchange.body)}
    return exchange.writes and str(value) in parts | body


def _csrf(requests: Iterable[Exchange]) -> dict[str, str]:
    """Return the cookie and the header that repeats it in a write, an empty mapping if there is none."""
    for each in requests:
        for name, value in each.headers.items():
            cookie = next((key for key, sent in each.cookies.items() if sent == value), None)
            if each.writes and cookie and name.lower() != "cookie" and len(value) >= SHORTEST_SECRET:
                return {"cookie": cookie, "header": name}
    return {}


def _why_no_session(sessions: list[str], recorded: list[Exchange]) -> str:
    if sessions:
        return f"it is one of {', '.join(sessions)}; add the right one"
    if any(each.cookies or each.set_cookies for each in recorded):
        return "the login sets no cookie that later requests send"
    return (
        "the browser omitted all cookies; allow it to export sensitive data, record again, and delete the "
        "recording afterwards"
    )
