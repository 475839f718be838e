# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find the operations of a map in a recording, and write them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..recording.filters import filtering
from ..recording.flow import Flow
from ..recording.har import Exchange, Recording, at, holds, same, scalars
from ..recording.places_sent import PlaceSent, addresses, has_value, sent_places
from ..recording.same_request import key_of
from ..recording.secret_forms import password_forms
from ..recording.token_rows import TokenRows, is_relative, name_of, patterns, time_format
from .deletion import Deletion
from .harm import Repeated, field_name
from .login import find_login
from .pages import Paging
from .session import Draft, RecordedSession
from .tokens import find_create, find_list, fixed_words
from .writer import Writer, place

SHORTEST_SECRET = 8
"""Shorter cookies are settings such as a language."""

SESSION_HEADER = re.compile(r"session|token|auth|csrf|xsrf|key|secret|ticket", re.IGNORECASE)
"""What headers are called whose values open a session. Values without a digit are settings."""

ONLY_DELETE = "tokens.delete"


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
        self.constants: dict[str, frozenset[PlaceSent]] = {}
        self.left_out: list[Exchange] = []

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
            found["tokens.list"] = self._list(self.rows, self.paging)
        if create and self.rows:
            identity = self._identity(create, self.rows)
            found[ONLY_DELETE] = Deletion(exchanges, session, create, self.rows, identity, self.made).find()
        elif create:
            self.made.miss(ONLY_DELETE, "delete_without_list")
        kept = {part: each for part, each in found.items() if each}
        return {part: each for part, each in kept.items() if self._is_harmless(part, kept)}

    def _list(self, rows: TokenRows, paging: Paging) -> Exchange | None:
        """Return the request for the first page of the list, None if the recording lacks it."""
        request = place(paging.first, self.secrets)
        fields = filtering(paging.first)
        if fields:
            self.made.miss("tokens.list", "list_filter", request=request, fields=", ".join(fields))
        if paging.has_first:
            return paging.first
        self.made.miss("tokens.list.paging", "no_first_page", request=request)
        self.left_out.append(rows.exchange)
        return None

    def _is_harmless(self, part: str, operations: Mapping[str, Exchange]) -> bool:
        """Return whether a map may repeat a request; else note why not."""
        exchange = operations[part]
        if part == "tokens.create" and self._is_polled(exchange):
            self.made.miss(part, "create_polled", request=place(exchange, self.secrets))
            self.left_out.append(exchange)
            return False
        if self.rows is None or part == "tokens.list":
            return True
        known = {name: value for value, name in self.typed(part).items()}
        others = tuple(
            each
            for other, each in operations.items()
            if other != part and (other == "tokens.list" or addresses(each, self.session.description))
        )
        repeated = Repeated(exchange, others, self.rows, known, self.id_field, part == ONLY_DELETE)
        faults = list(repeated.faults())
        doubts = list(repeated.doubts()) if part == ONLY_DELETE and not faults else []
        for reason, field in faults + doubts:
            self.made.miss(part, reason, request=place(exchange, self.secrets), field=field)
        if faults:
            self.left_out.append(exchange)
        elif part == ONLY_DELETE:
            self.constants[part] = repeated.constants()
        elif part == "tokens.create":
            self._mark_description(exchange)
        return not faults

    def _mark_description(self, create: Exchange) -> None:
        """Report that a creation has the description in several places.

        If a field has it, the same text in the path counts as a fixed word.
        """
        description, request = self.session.description, place(create, self.secrets)
        fixed = fixed_words(create, description)
        having = [each for each, text in sent_places(create) if has_value(text, description)]
        places = [each for each in having if each not in fixed]
        if fixed:
            self.made.miss("tokens.create", "fixed_word", request=request)
        if len(places) > 1:
            fields = " and ".join(dict.fromkeys(map(field_name, places)))
            self.made.miss("tokens.create", "description_word", request=request, field=fields)
        self.constants["tokens.create"] = fixed

    def _is_polled(self, create: Exchange) -> bool:
        """Return whether a request was repeated until it answered with the token, or had to wait for it."""
        if create.writes:
            return False
        before = [each for each in self.recording.exchanges if each.number < create.number and each.works]
        repeated = [each for each in before if (each.method, each.path) == (create.method, create.path)]
        started = [each for each in before if each.writes and addresses(each, self.session.description)]
        return bool(repeated) or any(each.status == 202 for each in started)

    def settings(self) -> dict[str, Exchange]:
        """Return the requests that read and update the settings, by the parts of the map."""
        session, exchanges = self.session, [each for each in self.recording.exchanges if each.works]
        updates = [
            each
            for each in exchanges
            if each.writes and holds(each.body, session.server_address) and holds(each.body, session.token)
        ]
        showing = [
            each for each in exchanges if holds(each.answer, session.server_address) and each not in updates
        ]
        update = self._update(updates, showing)
        first = min((each.number for each in updates), default=0)
        unchanged = {key_of(each) for each in exchanges if each.number < first}
        safe = [each for each in showing if not each.writes or key_of(each) in unchanged]
        read = self._read(safe, showing, update)
        if read and update:
            self._note_later_writes(update, read, unchanged)
        found = {"settings.read": read, "settings.update": update}
        return {part: each for part, each in found.items() if each}

    def _update(self, updates: list[Exchange], showing: list[Exchange]) -> Exchange | None:
        """Return the request that changes the settings: of several, the one to the address of a read.

        A test of the connection sends the same values.
        """
        read = {each.bare_path for each in showing}
        alike = [each for each in updates if each.bare_path in read] or updates
        if len({key_of(each) for each in alike}) == 1:
            return alike[-1]
        if alike:
            self.made.miss("settings.update", "several_updates", requests=self._named(alike))
        else:
            self._explain_no_update()
        return None

    def _explain_no_update(self) -> None:
        """Note why no request changes both settings."""
        session, writes = self.session, [each for each in self.recording.exchanges if each.writes]
        sending = [each for each in writes if session.server_address in each.sent]
        own = [each for each in sending if session.token in each.sent]
        others = [each for each in writes if each not in sending and holds(each.body, session.token)]
        if own:
            reason = "unreadable_body" if own[0].form == "text" else "address_in_text"
            self.made.miss("settings.update", reason, request=place(own[0], self.secrets))
        elif sending and others:
            about = {"request": self._named(sending), "others": self._named(others)}
            self.made.miss("settings.update", "several_changes", **about)
        else:
            self.made.miss("settings.update", "no_update")

    def _read(
        self, safe: list[Exchange], showing: list[Exchange], update: Exchange | None
    ) -> Exchange | None:
        """Return the request that reads the settings, None if none or several may do that.

        A request is ``safe`` if its method cannot change anything, or if it was sent before the change too.
        """
        after = [each for each in safe if update and each.number > update.number] or safe
        best = max((self._likeness(each, update) for each in after), default=())
        alike = [each for each in after if self._likeness(each, update) == best]
        if len({key_of(each) for each in alike}) == 1:
            return alike[-1]
        if alike:
            self.made.miss("settings.read", "several_reads", requests=self._named(alike))
        elif showing:
            self.made.miss("settings.read", "read_may_write", requests=self._named(showing))
        else:
            self._explain_no_read()
        return None

    def _explain_no_read(self) -> None:
        """Note why no request reads the settings."""
        address = self.session.server_address
        having = [
            each for each in self.recording.exchanges if not each.writes and address in (each.text or "")
        ]
        if having:
            self.made.miss("settings.read", "address_in_text", request=self._named(having))
        else:
            self.made.miss("settings.read", "no_read")

    def _note_later_writes(self, update: Exchange, read: Exchange, before: set[tuple[str, str]]) -> None:
        """Note what was sent after the change, which it may need to have an effect, and which a map omits."""
        later = [
            each
            for each in self.recording.exchanges
            if update.number < each.number < read.number and each.writes and each.works
            if each.origin == update.origin and key_of(each) not in {key_of(update), key_of(read), *before}
        ]
        if later:
            about = {"request": place(update, self.secrets), "others": self._named(later)}
            self.made.miss("settings.update", "later_writes", **about)

    def _likeness(self, exchange: Exchange, update: Exchange | None) -> tuple[bool, ...]:
        """Return how a read is like the update: its path, its field, and no list around it, as in a log."""
        shown = _pointer(exchange.answer, self.session.server_address) or ""
        sent = _pointer(update.body, self.session.server_address) if update else None
        return (
            update is not None and exchange.bare_path == update.bare_path,
            sent is not None and name_of(sent) == name_of(shown),
            not any(part.isdecimal() for part in shown.split("/")),
        )

    def _named(self, exchanges: list[Exchange]) -> str:
        return ", ".join(sorted({place(each, self.secrets) for each in exchanges}))

    def write(self, operations: Mapping[str, Exchange]) -> tuple[Exchange | None, dict[str, dict[str, Any]]]:
        """Return the login's request, and the operations as a map describes them."""
        first = min(operations.values(), key=lambda each: each.number)
        exchanges = [each for each in self.recording.exchanges if each.origin == first.origin]
        login = find_login(self.recording, self.session, first, self.made)
        reads = operations.get("tokens.list") or operations.get("settings.read")
        unrepeated = [each for each in operations.values() if each is not reads] + self.left_out
        self.flow = Flow(exchanges, login, reads, unrepeated, self._is_in_list)
        return login, {part: self._operation(part, each) for part, each in operations.items()}

    def _is_in_list(self, exchange: Exchange, pointer: str) -> bool:
        """Return whether a place is in a list of tokens, where its position says nothing."""
        if self.rows is None or not pointer.startswith(f"{self.rows.pointer}/"):
            return False
        return isinstance(at(exchange.answer, self.rows.pointer), list)

    def note_evicted(self) -> None:
        """Note that the recording lacks answers, if the draft lacks anything."""
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
            "tokens.delete": self._finish_delete,
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
            self.constants.get(part, frozenset()),
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
        """Return the new token's id; none if it is the description, which is stricter to delete by."""
        if self.rows is None or self.id_field is None:
            return {}
        value = str(self.rows.new[self.id_field])
        return {} if value == self.session.description else {value: "id"}

    def found(self, part: str, exchange: Exchange) -> None:
        self.made.found.append(f"{part}: {place(exchange, self.secrets | self.flow.followed)}")

    def _identity(self, create: Exchange, rows: TokenRows) -> Any:
        """Find the field that tells tokens apart; return the new token's value there, None if unclear."""
        typed = (self.session.description, self.session.never_used, self.session.token)
        after = [each for each in self.recording.exchanges if each.number > create.number and each.writes]
        candidates = rows.identities(
            typed, create.answer, lambda value: any(addresses(each, value) for each in after)
        )
        if len(candidates) == 1:
            self.id_field = next(iter(candidates))
            return rows.new[self.id_field]
        shown, name = rows.field(self.session.token), rows.field(self.session.description)
        if not candidates and shown is None and name is not None and rows.is_key(name):
            self.id_field = name
            return rows.new[name]
        reason = ("ambiguous_id", {"fields": ", ".join(sorted(candidates))}) if candidates else ("no_id", {})
        if not candidates and shown is not None:
            reason = ("token_is_id", {"field": shown})
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
        times = sorted(rows.own_times(taken))
        if candidates:
            self.made.miss("tokens.list.fields.used", "ambiguous_used", fields=", ".join(candidates))
        elif times:
            self.made.miss("tokens.list.fields.used", "used_before", fields=", ".join(times))
        else:
            self.made.miss("tokens.list.fields.used", "no_used")
        return None

    def _use(self, rows: TokenRows, used: str) -> dict[str, Any]:
        """Return what a map says about the times of use."""
        never = {"never_used": rows.new[used]} if used in rows.new else {"used_may_be_absent": True}
        times = rows.times(used)
        formats = {time_format(each) for each in times}
        fitting = patterns(times)
        if not times:
            reason = "used_unreadable" if rows.has_parts(used) else "no_used_time"
            self.made.miss("tokens.list.used_format", reason)
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

    def _finish_delete(self, operation: dict[str, Any], exchange: Exchange) -> dict[str, Any]:
        is_assumed = self.made.misses(ONLY_DELETE)
        return {**operation, "provenance": "assumed" if is_assumed else "captured"}

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


def _pointer(document: Any, value: Any) -> str | None:
    return next((pointer for pointer, each in scalars(document) if same(each, value)), None)


def _secrets(recorded: list[Exchange], session: RecordedSession) -> set[str]:
    """Return every value of the recording that signs in."""
    found = set()
    for each in recorded:
        found |= {value.strip('"') for value in (*each.cookies.values(), *each.set_cookies.values())}
        for name, value in each.headers.items():
            if name.lower() in ("authorization", "proxy-authorization"):
                found |= {value, *value.split()[1:]}
            elif SESSION_HEADER.search(name) and any(map(str.isdigit, value)):
                found.add(value)
    long = {value for value in found if len(value) >= SHORTEST_SECRET}
    return {*long, session.basic, *password_forms(session.password), session.token}
