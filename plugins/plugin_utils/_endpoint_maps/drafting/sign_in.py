# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write the login: the requests that a map repeats so that its operations have a session."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import unquote_plus

from ....module_utils._wire.web_interface import placeholders
from ..recording.flow import proof
from ..recording.har import Exchange, holds, same, scalars
from ..recording.places_sent import addresses, may_send, sent_places
from .login import sends_basic
from .operations import Drafter
from .session import Draft
from .writer import place

OWN_STEPS = ("tokens.create", "tokens.delete", "settings.update")
"""Only these operations can need a request before them. What a read needs is a part of the login."""


LOGOUT = re.compile(r"(log|sign)[ _-]?(out|off)", re.IGNORECASE)
"""What a request that ends a session is called. It is only used after all operations."""


class SignIn:
    """Writes the login: the requests that a map repeats so that its operations have a session."""

    def __init__(self, drafter: Drafter, operations: Mapping[str, Exchange]) -> None:
        self.drafter = drafter
        self.operations = operations
        self.login, self.written = drafter.write(operations)
        self.flow, self.made = drafter.flow, drafter.made
        self.account = {drafter.session.username: "username", drafter.session.password: "password"}

    def write(self) -> None:
        """Write the login, what a single operation needs before it, and the operations into the draft."""
        self._write_login()
        for part, operation in self.written.items():
            group, _dot, name = part.partition(".")
            self.made.endpoints.setdefault(group, {})[name] = operation

    def _write_login(self) -> None:
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
        logout = self._logout(steps)
        self._finish_steps(steps)
        common = [
            steps[each.number] for each in self.flow.steps() if each.number in steps and not self._owner(each)
        ]
        for each in self.flow.steps():
            owner = self._owner(each)
            if owner and each.number in steps:
                self.written[owner].setdefault("before", []).append(steps[each.number])
        self._require_username(steps.values())
        self._capture_in_operations()
        self._require_description()
        if self._has_session():
            self.made.endpoints = {**self.made.endpoints, "login": {"steps": common, **logout}}
        self.made.found.sort(key=lambda each: (not each.startswith("login"), "login.logout" in each))

    def _need_confirmation(self, create: Exchange) -> None:
        """Mark requests as needed that send the password again between the login and the creation."""
        password = self.drafter.session.password
        for each in self.flow.exchanges:
            between = self.login and self.login.number < each.number < create.number
            if between and each.works and may_send(each, password) and holds(each.body, password):
                self.flow.need(each, "tokens.create")

    def _steps(self) -> dict[int, dict[str, Any]]:
        """Write the requests that are needed, and those that these need, by their numbers."""
        steps: dict[int, dict[str, Any]] = {}
        own = {each.number for each in self.operations.values()}
        while waiting := [each for each in self.flow.steps() if each.number not in {*steps, *own}]:
            for each in reversed(waiting):
                steps[each.number] = self._step(each)
        return steps

    def _finish_steps(self, steps: Mapping[int, dict[str, Any]]) -> None:
        for each in self.flow.steps():
            if each.number in steps:
                self._add_captures(steps[each.number], each)
                self.drafter.found(self._name(each), each)

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

    def _require_username(self, steps: Iterable[Mapping[str, Any]]) -> None:
        """Note a sign-in that always sends the recorded user name."""
        session = self.drafter.session
        sent = set(placeholders(list(steps)))
        if self.login is None or {"username", "basic"} & sent:
            return
        self.made.miss("login", "same_username" if session.username == session.password else "no_username")

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
        """Leave a creation out that does not send the description, not even by a request before it."""
        create = self.written.get("tokens.create")
        if create is None or "description" in set(placeholders(create)):
            return
        exchange = self.operations["tokens.create"]
        others = [place(each, self.drafter.secrets) for each in self._sending_description(exchange)]
        reason = "create_several" if others else "create_no_description"
        about = {"others": ", ".join(dict.fromkeys(others))} if others else {}
        self.made.miss("tokens.create", reason, request=place(exchange, self.drafter.secrets), **about)
        self.made.found[:] = [each for each in self.made.found if not each.startswith("tokens.create")]
        del self.written["tokens.create"]

    def _sending_description(self, create: Exchange) -> list[Exchange]:
        """Return the other requests that write and send the description, before the token is deleted."""
        delete = self.operations.get("tokens.delete")
        return [
            each
            for each in self.flow.exchanges
            if each.writes and each.works and each not in (create, delete)
            if addresses(each, self.drafter.session.description)
        ]

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
        """Replace the notes about the login by one: the browser left out cookies and credentials."""
        if not self.drafter.recording.is_sanitized:
            return False
        self.made.missing[:] = [each for each in self.made.missing if not each.startswith("login")]
        self.made.missing[:] = [each for each in self.made.missing if "neither you typed" not in each]
        self.made.miss("login", "sanitized")
        return True

    def _captured(self, steps: Collection[int]) -> set[str]:
        """Return the names that the login captures."""
        login = [each for each in self.flow.steps() if each.number in steps and not self._owner(each)]
        return {name for each in login for name in self.flow.captures_of(each)}

    def _logout(self, steps: Collection[int]) -> dict[str, Any]:
        """Return the logout; note it if it needs what nothing else needs, or only an operation gives."""
        last = max(each.number for each in self.operations.values())
        after = [each for each in self.flow.exchanges if each.number > last and self._is_logout(each)]
        if not after:
            return {}
        exchange = after[-1]
        notes, before = Draft({}), self.flow.saved()
        writer = self.drafter.writer(exchange, "login.logout", {})
        written = replace(writer, made=notes).operation()
        sent = set(placeholders(written)) & {name for names in self.flow.captures.values() for name in names}
        if notes.missing or set(self.flow.needed) != set(before.needed) or sent - self._captured(steps):
            self.flow.restore(before)
            request = place(exchange, self.drafter.secrets | self.flow.followed)
            self.made.miss("login.logout", "no_logout", request=request)
            return {}
        self.drafter.found("login.logout", exchange)
        return {"logout": written}

    def _is_logout(self, exchange: Exchange) -> bool:
        """Return whether a request ended the session.

        It cleared a cookie, redirected as the last one, or says so in its path or its body.
        """
        sent = set(exchange.cookies)
        if any(value.strip('"') == "" for name, value in exchange.set_cookies.items() if name in sent):
            return True
        if _may_sign_out(exchange) and any(LOGOUT.search(text) for _place, text in sent_places(exchange)):
            return exchange.works
        is_last = exchange is self.flow.exchanges[-1]
        leads_away = exchange.method == "GET" and 300 <= exchange.status < 400
        return self._deletes_session(exchange) or (is_last and leads_away)

    def _deletes_session(self, exchange: Exchange) -> bool:
        """Return whether a request deletes what the login made, as interfaces of resources sign out."""
        if self.login is None or exchange.method != "DELETE":
            return False
        return f"{exchange.bare_path}/".startswith(f"{self.login.bare_path.rstrip('/')}/")


def _may_sign_out(exchange: Exchange) -> bool:
    """Return whether a request is worth taking apart to find a word for the logout."""
    return any(LOGOUT.search(text) for text in (exchange.sent, unquote_plus(exchange.path)))


def _short(place_: Mapping[str, str]) -> Any:
    """Return a JSON pointer alone as a text."""
    return place_["pointer"] if set(place_) == {"pointer"} else dict(place_)
