# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Draft an endpoint map from a recording. Follows the values that the operator typed and saw.

The names of paths, fields, cookies and headers are not known in advance. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import yaml

from ...module_utils._engine.errors import InvalidOptions
from ...module_utils._wire.web_interface import PLACEHOLDER, placeholders
from .flow import Flow, proof
from .load import Fault, checked_endpoint_map
from .login import find_login, sends_basic
from .pages import Paging
from .recording import Exchange, Recording, holds, read_recording, same, scalars
from .session import Draft, RecordedSession
from .token_rows import TokenRows, is_relative, patterns, time_format
from .tokens import addresses, find_create, find_delete, find_list
from .values import decodings, texts
from .writer import Writer, is_secret, is_telling, place

SHORTEST_SECRET = 8
"""Shorter cookies are settings such as a language."""

ONLY_DELETE = "tokens.delete"
OWN_STEPS = ("tokens.create", "tokens.delete", "settings.update")
"""Only these operations can need a request before them. What a read needs is a part of the login."""


def draft(recording: str, session: RecordedSession) -> Draft:
    """Return the draft of a map from the text of a HAR file. Raises InvalidOptions."""
    read = read_recording(recording)
    made = Draft(
        {
            "schema": 2,
            "product": session.product,
            "provenance": "captured",
            "versions": session.version or "unknown",
        },
        skipped=read.skipped,
    )
    drafter = Drafter(read, session, made)
    operations = drafter.tokens() if session.product == "sensor" else drafter.settings()
    drafter.write(operations)
    try:
        checked_endpoint_map(made.endpoints)
    except Fault as fault:
        if not made.missing:
            made.miss(fault.where, "invalid", fault=fault.why)
    secrets = drafter.secrets | drafter.flow.followed
    made.found = [_masked(each, secrets) for each in made.found]
    made.missing = [_masked(each, secrets) for each in made.missing]
    _require_no_secret(made, secrets)
    return made


def text_of(made: Draft) -> str:
    """Return the map as YAML. Comments at the top list what is missing."""
    head = ["# Drafted from a recording. Read it before you use it."]
    head += [f"# Missing: {each}" for each in made.missing]
    body = yaml.safe_dump(
        made.endpoints, sort_keys=False, width=100, allow_unicode=True, default_flow_style=None
    )
    return "\n".join(["---", *head, body])


class Drafter:
    """Finds one operation after the other in a recording and adds it to a draft."""

    def __init__(self, recording: Recording, session: RecordedSession, made: Draft) -> None:
        self.recording = recording
        self.session = session
        self.made = made
        self.secrets = _secrets(recording.exchanges, session)
        self.flow = Flow([], None, None)
        self.rows: TokenRows | None = None
        self.paging: Paging | None = None
        self.id_field: str | None = None

    def tokens(self) -> dict[str, Exchange]:
        """Return the requests that list, create and delete tokens, by the parts of the map."""
        exchanges, session = self.recording.exchanges, self.session
        create = find_create(exchanges, session, self.made)
        if create:
            exchanges = [each for each in exchanges if each.origin == create.origin]
        self.rows = find_list(exchanges, session, create, self.made)
        found: dict[str, Exchange | None] = {"tokens.list": None, "tokens.create": create}
        if self.rows:
            self.paging = Paging(self.rows, exchanges)
            found["tokens.list"] = self.paging.first
        if create and self.rows:
            identity = self._identity(create)
            found[ONLY_DELETE] = find_delete(exchanges, session, create, self.rows, identity, self.made)
        elif create:
            self.made.miss(ONLY_DELETE, "no_delete")
        return {part: each for part, each in found.items() if each}

    def settings(self) -> dict[str, Exchange]:
        """Return the requests that read and update the settings, by the parts of the map."""
        session, exchanges = self.session, [each for each in self.recording.exchanges if each.works]
        updates = [
            each
            for each in exchanges
            if each.writes and holds(each.body, session.server_address) and holds(each.body, session.token)
        ]
        update = updates[-1] if updates else None
        reads = [each for each in exchanges if not each.writes and holds(each.answer, session.server_address)]
        after = [each for each in reads if update and each.number > update.number]
        alike = [each for each in after if update and each.bare_path == update.bare_path]
        read = next(iter([*reversed(alike), *reversed(after), *reversed(reads)]), None)
        if read is None:
            self.made.miss("settings.read", "no_read")
        if update is None:
            self.made.miss("settings.update", "no_update")
        found = {"settings.read": read, "settings.update": update}
        return {part: each for part, each in found.items() if each}

    def write(self, operations: Mapping[str, Exchange]) -> None:
        """Write the operations and the login that they need into the draft."""
        if not operations:
            self._note_evicted()
            return
        first = min(operations.values(), key=lambda each: each.number)
        exchanges = [each for each in self.recording.exchanges if each.origin == first.origin]
        login = find_login(self.recording, self.session, first, self.made)
        reads = operations.get("tokens.list") or operations.get("settings.read")
        unrepeated = [each for part, each in operations.items() if each is not reads]
        self.flow = Flow(exchanges, login, reads, unrepeated)
        written = {part: self._operation(part, each) for part, each in operations.items()}
        sign_in = SignIn(self, login, operations, written)
        sign_in.write()
        for part, operation in written.items():
            group, _dot, name = part.partition(".")
            self.made.endpoints.setdefault(group, {})[name] = operation
        self._note_evicted()

    def _note_evicted(self) -> None:
        evicted = self.recording.evicted
        if evicted and self.made.missing:
            request = place(evicted[0], self.secrets | self.flow.followed)
            self.made.miss("recording", "evicted", count=str(len(evicted)), request=request)

    def _operation(self, part: str, exchange: Exchange) -> dict[str, Any]:
        operation = self.writer(exchange, part, self.typed(part)).operation()
        self.found(part, exchange)
        finish = {
            "tokens.list": self._finish_list,
            "tokens.create": self._finish_create,
            "tokens.delete": lambda each, _exchange: {**each, "provenance": "captured"},
            "settings.read": self._finish_read,
        }
        return finish[part](operation, exchange) if part in finish else operation

    def writer(
        self,
        exchange: Exchange,
        part: str,
        typed: Mapping[str, str],
        *,
        is_step: bool = False,
        needed_by: str = "",
    ) -> Writer:
        """Return what writes a request for a part of the map, which an operation needs."""
        return Writer(
            self.flow,
            self.session,
            self.made,
            self.secrets,
            exchange,
            part,
            typed,
            is_step,
            needed_by or part,
        )

    def typed(self, part: str) -> dict[str, str]:
        session = self.session
        description = {session.description: "description"}
        typed = {
            "tokens.create": description,
            "tokens.delete": {**description, **self._id()},
            "settings.update": {session.server_address: "server_address", session.token: "access_token"},
        }
        return typed.get(part, {})

    def _id(self) -> dict[str, str]:
        pointer = self.id_field
        return {str(self.rows.new[pointer]): "id"} if self.rows and pointer is not None else {}

    def found(self, part: str, exchange: Exchange) -> None:
        self.made.found.append(f"{part}: {place(exchange, self.secrets | self.flow.followed)}")

    def _identity(self, create: Exchange) -> Any:
        """Find the field that tells tokens apart; return the new token's value there, None if unclear."""
        rows, session = self.rows, self.session
        if rows is None:
            return None
        typed = (session.description, session.never_used)
        after = [each for each in self.recording.exchanges if each.number > create.number and each.writes]
        candidates = rows.identities(
            typed, create.answer, lambda value: any(addresses(each, value) for each in after)
        )
        if len(candidates) == 1:
            self.id_field = next(iter(candidates))
            return rows.new[self.id_field]
        reason = ("ambiguous_id", {"fields": ", ".join(sorted(candidates))}) if candidates else ("no_id", {})
        self.made.miss("tokens.list.fields.id", reason[0], **reason[1])
        return None

    def _finish_list(self, operation: dict[str, Any], exchange: Exchange) -> dict[str, Any]:
        rows = self.rows
        if rows is None or self.paging is None:
            return operation
        operation = self.paging.describe(operation, self.made)
        self._add_version(operation, exchange)
        if rows.pointer:
            operation["items"] = rows.pointer
        fields = {"id": self.id_field, "description": rows.field(self.session.description)}
        used = self._used(rows, list(fields.values()))
        fields["used"] = used
        operation["fields"] = {name: pointer for name, pointer in fields.items() if pointer is not None}
        return {**operation, **(self._use(rows, used) if used is not None else {})}

    def _used(self, rows: TokenRows, taken: list[str | None]) -> str | None:
        candidates = sorted(rows.never_used(taken, self.session.never_used))
        if len(candidates) == 1:
            return candidates[0]
        reason = ("ambiguous_used", {"fields": ", ".join(candidates)}) if candidates else ("no_used", {})
        self.made.miss("tokens.list.fields.used", reason[0], **reason[1])
        return None

    def _use(self, rows: TokenRows, used: str) -> dict[str, Any]:
        """Return what a map says about the times of use."""
        never = {"never_used": rows.new[used]} if used in rows.new else {"used_may_be_absent": True}
        times = rows.times(used)
        formats = {time_format(each) for each in times}
        fitting = patterns(times)
        if not times:
            self.made.miss("tokens.list.used_format", "no_used_time")
        elif len(formats) == 1 and None not in formats:
            return {**never, "used_format": formats.pop()}
        elif all(is_relative(each) for each in times):
            return {**never, "used_format": "relative"}
        elif len(fitting) == 1:
            return {**never, "used_format": fitting[0]}
        elif fitting:
            quoted = " and ".join(f'"{each}"' for each in fitting)
            self.made.miss("tokens.list.used_format", "used_pattern", patterns=quoted)
        else:
            self.made.miss("tokens.list.used_format", "used_unreadable")
        return never

    def _finish_create(self, operation: dict[str, Any], exchange: Exchange) -> dict[str, Any]:
        answered = dict(scalars(exchange.answer))
        secret = next(at for at, value in answered.items() if same(value, self.session.token))
        fields = {"secret": secret}
        if self.rows and self.id_field is not None:
            value = self.rows.new[self.id_field]
            alike = [at for at, each in answered.items() if same(each, value)]
            named = [at for at in alike if at == self.id_field]
            own = named or (alike if len(alike) == 1 else [])
            fields = {"id": own[0], **fields} if own else fields
        return {**operation, "fields": fields}

    def _finish_read(self, operation: dict[str, Any], exchange: Exchange) -> dict[str, Any]:
        pointer = _pointer(exchange.answer, self.session.server_address)
        operation = {**operation, "fields": {"server_address": pointer}}
        self._add_version(operation, exchange)
        return operation

    def _add_version(self, operation: dict[str, Any], exchange: Exchange) -> None:
        """Add a pointer to the version that the operator entered, if this answer contains it."""
        pointer = _pointer(exchange.answer, self.session.version) if self.session.version else None
        if pointer is not None:
            operation["version"] = pointer


class SignIn:
    """Writes the login: the requests that a map repeats so that its operations have a session."""

    def __init__(
        self,
        drafter: Drafter,
        login: Exchange | None,
        operations: Mapping[str, Exchange],
        written: dict[str, dict[str, Any]],
    ) -> None:
        """Take the login's request, and the operations as they were recorded and as they are written."""
        self.drafter = drafter
        self.flow, self.made = drafter.flow, drafter.made
        self.login = login
        self.operations = operations
        self.written = written
        self.account = {drafter.session.username: "username", drafter.session.password: "password"}

    def write(self) -> None:
        """Write the login, and what a single operation needs before it."""
        if self.login is None and not sends_basic(next(iter(self.operations.values())), self.drafter.session):
            self._explain_sanitized()
            return
        create = self.operations.get("tokens.create")
        if create and self.login:
            self._need_confirmation(create)
        for part, each in self.operations.items():
            self.flow.need_upgrades(each, part)
        if self.login:
            self.flow.need(self.login, "login")
        steps = self._steps()
        common = [
            steps[each.number] for each in self.flow.steps() if each.number in steps and not self._owner(each)
        ]
        for each in self.flow.steps():
            owner = self._owner(each)
            if owner and each.number in steps:
                self.written[owner].setdefault("before", []).append(steps[each.number])
        self._capture_in_operations()
        self._require_description()
        if self._has_session():
            self.made.endpoints = {**self.made.endpoints, "login": {"steps": common, **self._logout()}}
        self.made.found.sort(key=lambda each: not each.startswith("login"))

    def _need_confirmation(self, create: Exchange) -> None:
        """Have a confirmation of the password repeated that came between the login and the creation."""
        password = self.drafter.session.password
        for each in self.flow.exchanges:
            between = self.login and self.login.number < each.number < create.number
            if between and each.works and holds(each.body, password):
                self.flow.need(each, "tokens.create")

    def _steps(self) -> dict[int, dict[str, Any]]:
        """Write the requests that are needed, and those that these need, by their numbers."""
        steps: dict[int, dict[str, Any]] = {}
        own = {each.number for each in self.operations.values()}
        while waiting := [each for each in self.flow.steps() if each.number not in {*steps, *own}]:
            for each in reversed(waiting):
                steps[each.number] = self._step(each)
        for each in self.flow.steps():
            if each.number in steps:
                self._add_captures(steps[each.number], each)
                self.drafter.found(self._name(each), each)
        return steps

    def _step(self, exchange: Exchange) -> dict[str, Any]:
        owner = self._owner(exchange)
        typed = {**self.account, **(self.drafter.typed(owner) if owner else {})}
        part = self._name(exchange)
        is_step = exchange is not self.login
        step = self.drafter.writer(
            exchange, part, typed, is_step=is_step, needed_by=owner or "login"
        ).operation()
        if not is_step and sum(same(each, "{password}") for _at, each in scalars(step)) > 1:
            self.made.miss("login", "password_word", request=place(exchange, self.drafter.secrets))
        return step

    def _name(self, exchange: Exchange) -> str:
        owner = self._owner(exchange)
        if exchange is self.login:
            return "login"
        return f"{owner}.before" if owner else "login.steps"

    def _owner(self, exchange: Exchange) -> str | None:
        """Return the only operation that needs a request after the login, None for a step of the login."""
        parts = self.flow.needed.get(exchange.number, set())
        if self.login and exchange.number > self.login.number and len(parts) == 1:
            (part,) = parts
            return part if part in OWN_STEPS else None
        return None

    def _add_captures(self, operation: dict[str, Any], exchange: Exchange) -> None:
        captured = self.flow.captures_of(exchange)
        if exchange is self.login:
            captured = {name: each for name, each in captured.items() if not self._is_unchanged(each)}
            cookies = {place_["cookie"] for place_ in captured.values() if "cookie" in place_}
            for name, cookie in proof(exchange, list(self.operations.values())).items():
                if name not in cookies:
                    captured = {**captured, self.flow.name_for(cookie): cookie}
        if captured:
            success = operation.pop("success")
            operation |= {"success": success, "capture": {n: _short(p) for n, p in captured.items()}}

    def _is_unchanged(self, place_: Mapping[str, str]) -> bool:
        """Return whether the login answers with a cookie that it was sent, which proves nothing."""
        name = place_.get("cookie", "")
        login = self.login
        return bool(login and name in login.cookies and login.cookies[name] == login.set_cookies.get(name))

    def _capture_in_operations(self) -> None:
        for part, exchange in self.operations.items():
            captured = self.flow.captures_of(exchange)
            if captured:
                self.written[part]["capture"] = {name: _short(each) for name, each in captured.items()}

    def _require_description(self) -> None:
        create = self.written.get("tokens.create")
        if create is not None and "description" not in set(placeholders(create)):
            request = place(self.operations["tokens.create"], self.drafter.secrets)
            self.made.miss("tokens.create", "create_no_description", request=request)

    def _has_session(self) -> bool:
        """Return whether the operations send something that a request before them gave; else note why not."""
        exchange = next(iter(self.operations.values()))
        if sends_basic(exchange, self.drafter.session):
            return True
        own = {name for part in self.written.values() for name in placeholders(part)}
        sent = own & set(self.flow.names.values())
        cookies = {name for name in exchange.cookies if self.flow.setter(name, exchange)}
        if sent or cookies:
            return True
        if not self._explain_sanitized():
            self.made.miss("login", "no_session", request=place(exchange, self.drafter.secrets))
        return False

    def _explain_sanitized(self) -> bool:
        """Note that the browser left out what signs in, in place of the notes that follow from it."""
        if not self.drafter.recording.is_sanitized:
            return False
        self.made.missing[:] = [each for each in self.made.missing if not each.startswith("login")]
        self.made.missing[:] = [each for each in self.made.missing if "neither you typed" not in each]
        self.made.miss("login", "sanitized")
        return True

    def _logout(self) -> dict[str, Any]:
        last = max(each.number for each in self.operations.values())
        known = set(self.flow.needed)
        for exchange in reversed([each for each in self.flow.exchanges if each.number > last]):
            if not self._is_logout(exchange):
                continue
            notes = Draft({})
            written = Writer(
                self.flow,
                self.drafter.session,
                notes,
                self.drafter.secrets,
                exchange,
                "login.logout",
                {},
                False,
            ).operation()
            if not notes.missing and set(self.flow.needed) == known:
                self.drafter.found("login.logout", exchange)
                return {"logout": written}
            for number in set(self.flow.needed) - known:
                del self.flow.needed[number]
        return {}

    def _is_logout(self, exchange: Exchange) -> bool:
        """Return whether a request ended the session: it cleared a cookie, or led away as the last of all."""
        sent = set(exchange.cookies)
        if any(value.strip('"') == "" for name, value in exchange.set_cookies.items() if name in sent):
            return True
        is_last = exchange is self.flow.exchanges[-1]
        leads_away = exchange.method == "GET" and 300 <= exchange.status < 400
        ends = self.login is not None and exchange.method == "DELETE" and exchange.path == self.login.path
        return ends or (is_last and leads_away)


def _short(place_: Mapping[str, str]) -> Any:
    """Return a JSON pointer alone as a text."""
    return place_["pointer"] if set(place_) == {"pointer"} else dict(place_)


def _pointer(document: Any, value: Any) -> str | None:
    return next((pointer for pointer, each in scalars(document) if same(each, value)), None)


def _secrets(recorded: list[Exchange], session: RecordedSession) -> set[str]:
    """Return every value of the recording that signs in."""
    found = set()
    for each in recorded:
        found |= {value.strip('"') for value in (*each.cookies.values(), *each.set_cookies.values())}
        for name, value in each.headers.items():
            if name.lower() in ("authorization", "proxy-authorization"):
                found |= {value, *value.split()}
    long = {value for value in found if len(value) >= SHORTEST_SECRET}
    return {*long, session.basic, session.password, session.token}


def _masked(note: str, secrets: set[str]) -> str:
    """Return a note without the secrets that paths in it may have."""
    for secret in sorted(filter(is_telling, secrets), key=len, reverse=True):
        note = note.replace(secret, "...").replace(quote(secret, safe=""), "...")
    return note


def _require_no_secret(made: Draft, secrets: set[str]) -> None:
    """Raise InvalidOptions if the draft contains a secret of the recording, at any depth, in any encoding."""
    notes = [*made.found, *made.missing]
    for text in [*texts(made.endpoints), *notes]:
        plain = PLACEHOLDER.sub("", text)
        if any(is_secret(each, secrets) or _words(each) & _unusual(secrets) for each in decodings(plain)):
            raise InvalidOptions(
                "the draft would contain a secret of the recording, so it was not written",
                "report how the appliance sends it, but do not send the recording",
            )


def _words(text: str) -> set[str]:
    return set(re.split(r"[^A-Za-z0-9_-]+", text))


def _unusual(secrets: set[str]) -> set[str]:
    """Return the secrets that are no telling text but are no word of the language either."""
    return {each for each in secrets if not is_telling(each) and not each.islower()}
