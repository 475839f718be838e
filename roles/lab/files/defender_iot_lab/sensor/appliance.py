# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mock Defender for IoT OT sensor: documented API, observed web login, invented token management.

No vendor documents how the web interface of a sensor manages access tokens. The paths under `/__lab__/` are
invented and exist on no sensor.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from ..core.appliance import Appliance
from ..core.clock import as_text
from ..core.exchange import Exchange
from ..core.ledger import HEXADECIMAL
from ..core.options import switch
from ..core.web import page
from .alerts import HANDLED_BY, INVENTORIES, Alert, AlertLog, ordered
from .commands import NAMES as COMMANDS
from .commands import Commands
from .data import FAMILIES, Contents, alerts_in_second_version, answer_to, console_answer_to, events
from .names import WEB_VERSION, SensorNames

PAGE = Path(__file__).parent / "page.html"
SESSION_IDLE_SECONDS = 1800
EVENTS_CACHED_SECONDS = 3600
SHORTEST_PASSWORD = 8
RECENTLY = "a few seconds ago"
FIXED_NAMES = SensorNames()
WRONG_ANSWERS = ("empty", "html", "error")


@dataclass(frozen=True)
class SensorOptions:
    """Switches of a sensor.

    nat: source address of every connection; `null` keeps the real source.
    bad_token: answer to a missing or unknown token; unknown on real sensors.
    max_failed_logins: number of failed logins after which all logins from that source are refused
        (documented; one document states 5).
    list_lag: seconds until the token list shows a new token (assumed: no document says that it may lag).
    names: whether the web interface has the names in `endpoints/sensor.yml` or names made from the seed.
    used_format: format of a time of use in the token list, with fixed names; unknown on real sensors. A
        pattern is one of `strftime`. `words` is a text that cannot be compared.
    never_used: value for a token that was never used (the documents show N/A; the value in the answer is
        unknown).
    token_ids: kind of a token's identifier in the list; unknown on real sensors.
    token_form: format of a token; the documents have samples of both.
    refused_login: status of a login to the web interface that opens no session (assumed).
    password_expired: whether the right password must be changed before a session opens.
    family: version family that decides the spelling of devices; the documents of 2020 and 2022 disagree, and
        code of 2018 has a third spelling.
    console: whether it is a management console, which has the same API under another path (documented).
    failed_check: status of a refusal by the authentication API; only the bodies are documented.
    inventory: the devices and alerts of the invented plant, or the recorded population with its odd ones.
    old_alerts: number of handled alerts that are spread over the 90 days of retention (documented).
    alerts_v2: answer to `/api/v2/alerts`, which the documents imply but never write out: the web page, the
        alerts with the fields that version 2 adds, status 404, or the same as version 1.
    alert_time: whether the time of an alert is that of the first or the last detection (unknown).
    alert_order: order of the alerts by time (unknown).
    handled_by: which acts of an operator make an alert handled (unknown but for closing).
    clock_error: seconds by which the sensor's clock is ahead.
    date_header: whether answers have a Date header (unknown).
    alerts_answer, devices_answer: a right answer, or a wrong one with status 200: an empty list, a web page,
        or a documented error.
    """

    nat: str | None = None
    bad_token: str = switch("json_401", "json_403", "error_200", "empty_200", "redirect_login", "500")
    max_failed_logins: int = 5
    list_lag: float = 0.0
    names: str = switch("fixed", "shuffled")
    used_format: str = switch(
        *("iso8601", "epoch_seconds", "epoch_milliseconds"),
        *("%d.%m.%Y %H:%M", "%m/%d/%Y, %I:%M:%S %p", "words"),
    )
    never_used: str | int | None = switch("N/A", None, "", "n/a", "Never", "-", 0)
    token_ids: str = switch("number", "text", "uuid")
    token_form: str = switch("hexadecimal", "uuid")
    refused_login: int = switch(401, 403, 429, 200)
    password_expired: bool = switch(False, True)
    family: str = switch(*FAMILIES)
    console: bool = switch(False, True)
    failed_check: int = switch(401, 200, 403, 429)
    inventory: str = switch(*INVENTORIES)
    old_alerts: int = 0
    alerts_v2: str = switch("page", "added_fields", "not_found", "as_v1")
    alert_time: str = switch("first", "last")
    alert_order: str = switch("ascending", "descending", "mixed")
    handled_by: str = switch(*HANDLED_BY)
    clock_error: float = 0.0
    date_header: bool = switch(True, False)
    alerts_answer: str = switch("right", *WRONG_ANSWERS)
    devices_answer: str = switch("right", *WRONG_ANSWERS)


@dataclass
class Token:
    """One access token. `used` is the time of its last accepted call, None before the first."""

    id: int | str
    description: str
    value: str
    created: float
    used: float | None = None

    def listed(self, names: SensorNames = FIXED_NAMES) -> dict[str, Any]:
        """Return the row of the token list, which does not show the value."""
        used = names.never_used if self.used is None else _moment(self.used, names.used_format)
        return {names.id: self.id, names.description: self.description, names.used: used}


@dataclass
class WebSession:
    """A session of the web interface. It ends after half an hour without a request (documented)."""

    id: str
    csrf: str
    last_request: float


class Sensor(Appliance):
    """One sensor."""

    default_options = SensorOptions()

    @property
    def names(self) -> SensorNames:
        """The names in the web interface."""
        if self.options.names == "shuffled":
            return SensorNames.shuffled(self.mint.apart("names"))
        spelling = {"used_format": self.options.used_format, "never_used": self.options.never_used}
        return replace(FIXED_NAMES, **spelling)

    def endpoint_map(self) -> dict[str, Any]:
        """Return the endpoint map of the web interface with its current names."""
        return self.names.endpoint_map()

    def restart(self) -> None:
        """Delete tokens, sessions and failed logins."""
        self.tokens: list[Token] = []
        self.last_token_id = 0
        self.sessions: dict[str, WebSession] = {}
        self.failed_logins: Counter[str] = Counter()
        self.password = self.credentials["password"]
        self.answered_events: dict[str, tuple[float, list[dict[str, Any]]]] = {}
        self._fill()

    def _fill(self) -> None:
        """Create the devices and alerts of the chosen inventory."""
        log = AlertLog(self.options.inventory, self.options.old_alerts, self._time())
        self.commands = Commands(self.name, log)

    def change_options(self, changes: Mapping[str, Any]) -> None:
        """Change options. Another inventory, or number of old alerts, replaces all devices and alerts."""
        super().change_options(changes)
        if {"inventory", "old_alerts"} & changes.keys():
            self._fill()

    def stated_time(self) -> float | None:
        return self._time() if self.options.date_header else None

    def _time(self) -> float:
        """Return the time of the sensor's own clock."""
        return self.world.clock.now() + self.options.clock_error

    def command(self, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Carry out a command of the control port. Raises ConfigurationError."""
        if name in COMMANDS:
            return self.commands.run(name, body, self._time())
        return super().command(name, body)

    def state(self) -> dict[str, Any]:
        return {
            "tokens": [{**token.listed(), "token": token.value} for token in self.tokens],
            "sessions": [{"id": session.id, "csrf": session.csrf} for session in self.sessions.values()],
            "failed_logins": dict(self.failed_logins),
            "alerts": [{"id": each.row["id"], "state": each.state} for each in self.commands.log.alerts],
        }

    def answer(self, exchange: Exchange) -> Response:
        """Answer one request. The web interface answers every unknown path with its page (assumed)."""
        match exchange.method, exchange.segments:
            case "GET", [base, ("v1" | "v2") as version, *rest] if base == self._base:
                return self._documented(exchange, version, rest)
            case "POST", [*base, "authentication", verb] if base == self._authentication_base:
                return self._authentication(exchange, verb)
        return self._web_interface(exchange)

    # --- documented API -------------------------------------------------------------------------------------

    @property
    def _base(self) -> str:
        return "external" if self.options.console else "api"

    @property
    def _authentication_base(self) -> list[str]:
        return ["external"] if self.options.console else ["api", "external"]

    def _documented(self, exchange: Exchange, version: str, path: list[str]) -> Response:
        """Answer a call below the paths of the documented API."""
        if version == "v2" and path[:2] == ["alerts", "pcap"] and not self.options.console:
            # An ordinary access token is not accepted here (documented).
            return JSONResponse({"error": "PCAP file is not available"})
        if version == "v2" and path == ["alerts"] and self.options.alerts_v2 == "not_found":
            return JSONResponse({"error": "Not found"}, 404)
        data = self._data(version, path, exchange)
        return self._page(exchange) if data is None else self._external(exchange, data)

    def _data(self, version: str, path: list[str], exchange: Exchange) -> Any:
        contents, family = self._contents(), self.options.family
        if self.options.console:
            return console_answer_to(version, path, exchange.query, family, contents)
        if version == "v2" and path == ["alerts"] and self.options.alerts_v2 == "added_fields":
            return alerts_in_second_version(exchange.query, contents)
        if version == "v2" and (path != ["alerts"] or self.options.alerts_v2 != "as_v1"):
            return None
        if path == ["events"]:
            return self._events(exchange)
        return answer_to(path, exchange.query, family, contents)

    def _contents(self) -> Contents:
        """Return the devices and alerts as the sensor states them now."""
        log, handled = self.commands.log, HANDLED_BY[self.options.handled_by]
        kept = log.kept(self._time())
        return Contents(
            devices=log.devices,
            alerts=ordered([self._stated(alert) for alert in kept], self.options.alert_order),
            handled=frozenset(alert.row["id"] for alert in kept if alert.state in handled),
            ends={
                alert.row["id"]: {**self.commands.ends(alert.row), **(alert.addresses or {})}
                for alert in kept
            },
        )

    def _stated(self, alert: Alert) -> dict[str, Any]:
        """Return an alert with its time by the sensor's clock, in milliseconds."""
        moment = alert.first if self.options.alert_time == "first" else alert.last
        return alert.row if moment is None else {**alert.row, "time": int(moment * 1000)}

    def _events(self, exchange: Exchange) -> list[dict[str, Any]]:
        """Return the events. A repeated query gets the same answer for an hour (documented)."""
        now, question = self.world.clock.now(), str(exchange.query)
        asked, found = self.answered_events.get(question, (-float("inf"), []))
        if now - asked >= EVENTS_CACHED_SECONDS:
            asked, found = now, events(exchange.query, now)
            self.answered_events[question] = (asked, found)
        return found

    def _external(self, exchange: Exchange, data: Any) -> Response:
        """Answer a call with an access token.

        The header is the token alone (documented and observed). `Bearer` before it is refused (assumed). Any
        accepted call, from any client, updates the token's last use (documented).
        """
        value = exchange.headers.get("authorization")
        token = next((token for token in self.tokens if token.value == value), None)
        if token is None:
            return self._bad_token()
        token.used = self.world.clock.now()
        exchange.principal = token.description
        return self._wrong_answer(exchange) or JSONResponse(data)

    def _wrong_answer(self, exchange: Exchange) -> Response | None:
        """Return the wrong answer about alerts or devices that a switch asks for."""
        answers = {"alerts": self.options.alerts_answer, "devices": self.options.devices_answer}
        base, _version, *path = exchange.segments
        match answers.get(path[0]) if base == self._base and len(path) == 1 else None:
            case "empty":
                return JSONResponse([])
            case "html":
                return HTMLResponse("<html><body>Please wait</body></html>")
            case "error":
                return JSONResponse({"error": "Operation failed"})
        return None

    def _bad_token(self) -> Response:
        error = {"error": "Invalid or missing access token"}
        match self.options.bad_token:
            case "json_403":
                return JSONResponse(error, 403)
            case "error_200":
                return JSONResponse(error, 200)
            case "empty_200":
                return Response("", 200, media_type="application/json")
            case "redirect_login":
                return RedirectResponse("/login", 302)
            case "500":
                return JSONResponse({"error": "Operation failed"}, 500)
        return JSONResponse(error, 401)

    def _authentication(self, exchange: Exchange, verb: str) -> Response:
        """Check or change a password (bodies documented; statuses and the count of failures assumed)."""
        match verb:
            case "validation":
                return self._validation(exchange)
            case "set_password" | "set_password_by_admin":
                return self._set_password(exchange, by_admin=verb.endswith("admin"))
        return self._page(exchange)

    @property
    def _account(self) -> dict[str, str]:
        return {**self.credentials, "password": self.password}

    def _validation(self, exchange: Exchange) -> Response:
        if self._credentials_fit(exchange):
            return JSONResponse({"msg": "Authentication succeeded."})
        return self._failed_check("Credentials validation failed")

    def _set_password(self, exchange: Exchange, *, by_admin: bool) -> Response:
        fields = exchange.json_object() or {}
        names = ("admin_username", "admin_password") if by_admin else ("username", "password")
        given = {"username": fields.get(names[0]), "password": fields.get(names[1])}
        if given != self._account:
            self.failed_logins[exchange.source] += 1
            return self._failed_check("User authentication failure")
        if by_admin and fields.get("username") != self.credentials["username"]:
            return self._failed_check(f"The user '{fields.get('username')}' doesn't exist")
        if len(str(fields.get("new_password", ""))) < SHORTEST_PASSWORD:
            return self._failed_check("Password does not match security policy")
        self.password = self.mint.note("password", fields["new_password"])
        return JSONResponse({"msg": "Password has been replaced"})

    def _failed_check(self, message: str) -> Response:
        error = {"error": {"userDisplayErrorMessage": message}}
        return JSONResponse(error, self.options.failed_check)

    # --- web interface --------------------------------------------------------------------------------------

    def _web_interface(self, exchange: Exchange) -> Response:
        names = self.names
        match exchange.method, exchange.path:
            case "POST", names.login:
                return self._login(exchange)
            case "POST", names.logout:
                return self._logout(exchange)
            case method, path if path == names.tokens or path.startswith(f"{names.tokens}/"):
                rest = exchange.segments[names.tokens.count("/") :]
                return self._token_management(exchange, method, rest)
        return self._page(exchange)

    def _page(self, exchange: Exchange) -> Response:
        """Return the only page. It keeps an existing CSRF cookie, because the session depends on it."""
        response = HTMLResponse(page(PAGE, self.names))
        if self.names.csrf_cookie not in exchange.cookies:
            csrf = self.mint.issue("csrf_token", 32)
            response.set_cookie(self.names.csrf_cookie, csrf, secure=True, samesite="lax")
        return response

    def _login(self, exchange: Exchange) -> Response:
        """Open a session (flow and cookies observed; statuses and bodies assumed)."""
        names = self.names
        csrf = exchange.cookies.get(names.csrf_cookie)
        if not csrf or not self._csrf_fits(exchange, csrf):
            return JSONResponse({"detail": "CSRF Failed"}, 403)
        if not self._credentials_fit(exchange, names):
            return self._refused_login("User authentication failure")
        if self.options.password_expired:
            return self._refused_login("Password has expired")
        exchange.principal = self.credentials["username"]
        session = WebSession(
            self.mint.issue("session", 32), self.mint.issue("csrf_token", 32), self.world.clock.now()
        )
        self.sessions[session.id] = session
        response = JSONResponse({})
        response.set_cookie(names.csrf_cookie, session.csrf, secure=True, samesite="lax")
        response.set_cookie(names.session_cookie, session.id, secure=True, httponly=True, samesite="lax")
        return response

    def _refused_login(self, message: str) -> Response:
        error = {"error": {"userDisplayErrorMessage": message}}
        return JSONResponse(error, self.options.refused_login)

    def _credentials_fit(self, exchange: Exchange, names: SensorNames = FIXED_NAMES) -> bool:
        """Check name and password. Too many failures block a source for every user (documented)."""
        fields = exchange.json_object() or {}
        given = {"username": fields.get(names.username), "password": fields.get(names.password)}
        blocked = self.failed_logins[exchange.source] >= self.options.max_failed_logins
        if blocked or given != self._account:
            self.failed_logins[exchange.source] += 1
            return False
        self.failed_logins[exchange.source] = 0
        return True

    def _logout(self, exchange: Exchange) -> Response:
        """End the session (path assumed: no public code logs out)."""
        refusal = self._without_session(exchange)
        if refusal:
            return refusal
        del self.sessions[exchange.cookies[self.names.session_cookie]]
        response = JSONResponse({})
        response.delete_cookie(self.names.session_cookie)
        return response

    def _without_session(self, exchange: Exchange) -> Response | None:
        """Return the refusal of a request without session or CSRF token, None if it has both."""
        now = self.world.clock.now()
        session = self.sessions.get(exchange.cookies.get(self.names.session_cookie, ""))
        if session is None or now - session.last_request > SESSION_IDLE_SECONDS:
            return JSONResponse({"detail": "Authentication credentials were not provided."}, 403)
        if exchange.method != "GET" and not self._csrf_fits(exchange, session.csrf):
            return JSONResponse({"detail": "CSRF Failed"}, 403)
        session.last_request = now
        exchange.principal = self.credentials["username"]
        return None

    def _csrf_fits(self, exchange: Exchange, csrf: str) -> bool:
        return exchange.headers.get(self.names.csrf_header) == csrf

    # --- invented token management --------------------------------------------------------------------------

    def _token_management(self, exchange: Exchange, method: str, rest: list[str]) -> Response:
        refusal = self._without_session(exchange)
        if refusal:
            return refusal
        match method, rest:
            case "GET", []:
                latest = self.world.clock.now() - self.options.list_lag
                names = self.names
                tokens = [token.listed(names) for token in self.tokens if token.created <= latest]
                return JSONResponse({names.version: WEB_VERSION, names.items: tokens})
            case "POST", []:
                return self._create_token(exchange)
            case "DELETE", [token_id]:
                return self._delete_token(token_id)
        return JSONResponse({"error": "Method not allowed"}, 405)

    def _create_token(self, exchange: Exchange) -> Response:
        """Create a token. Two tokens may have the same description (assumed)."""
        names = self.names
        description = (exchange.json_object() or {}).get(names.description)
        if not isinstance(description, str):
            return JSONResponse({"error": "description is missing"}, 400)
        self.last_token_id += 1
        token = Token(self._token_id(), description, self._token_value(), self.world.clock.now())
        self.tokens.append(token)
        return JSONResponse({names.id: token.id, names.token: token.value}, 201)

    def _token_id(self) -> int | str:
        match self.options.token_ids:
            case "text":
                return str(self.last_token_id)
            case "uuid":
                return str(UUID(int=self.last_token_id, version=4))
        return self.last_token_id

    def _token_value(self) -> str:
        digits = self.mint.make(32, HEXADECIMAL)
        value = str(UUID(digits)) if self.options.token_form == "uuid" else digits
        return self.mint.note("access_token", value)

    def _delete_token(self, token_id: str) -> Response:
        remaining = [token for token in self.tokens if str(token.id) != token_id]
        if len(remaining) == len(self.tokens):
            return JSONResponse({"error": "no such token"}, 404)
        self.tokens = remaining
        return Response(status_code=204)


def _moment(seconds: float, form: str) -> str | int:
    """Format a time for the token list. The format of real sensors is not documented."""
    match form:
        case "epoch_seconds":
            return int(seconds)
        case "epoch_milliseconds":
            return int(seconds * 1000)
        case "iso8601":
            return as_text(seconds)
        case "words":
            return RECENTLY
    return datetime.fromtimestamp(seconds, UTC).strftime(form)
