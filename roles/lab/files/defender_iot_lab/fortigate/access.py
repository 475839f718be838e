# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Authentication state of a FortiGate: API keys, sessions, and the lockout of sources after failed logins."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field, replace

from ..core.certificates import CLIENT_CA
from ..core.clock import Clock
from ..core.exchange import Exchange
from ..core.ledger import Mint
from .device import Device
from .tables.attribute import Row

KEY_LENGTH = 30
CSRF_HEADER = "x-csrftoken"


@dataclass(frozen=True)
class Caller:
    """An authenticated administrator: a local one with a session, or a REST API administrator with a key."""

    name: str
    profile: str
    by_key: bool = False


@dataclass
class Lockout:
    """Locks a source out after three failures in 60 seconds (documented).

    A lockout lasts 60 seconds, and doubles each time until a success. During a lockout, valid keys are
    refused too (documented). Keys and passwords share one count (assumed).
    """

    clock: Clock
    threshold: int = 3
    window: float = 60
    duration: float = 60
    failures: dict[str, list[float]] = field(default_factory=dict)
    until: dict[str, float] = field(default_factory=dict)
    times: dict[str, int] = field(default_factory=dict)

    def locked(self, source: str) -> bool:
        """Return whether a source is locked out now."""
        return self.clock.now() < self.until.get(source, 0)

    def fail(self, source: str) -> None:
        """Count a failure, which may lock the source out."""
        now = self.clock.now()
        recent = [moment for moment in self.failures.get(source, []) if now - moment < self.window]
        self.failures[source] = [*recent, now]
        if len(self.failures[source]) >= self.threshold:
            self.failures[source] = []
            self.until[source] = now + self.duration * 2 ** self.times.get(source, 0)
            self.times[source] = self.times.get(source, 0) + 1

    def succeed(self, source: str) -> None:
        """Clear the failures and the lockouts of a source."""
        for memory in (self.failures, self.until, self.times):
            memory.pop(source, None)


@dataclass
class Key:
    """The API key of one REST API administrator. `expires` is None for a key that never expires."""

    token: str
    expires: float | None = None


@dataclass
class Keys:
    """The keys of all REST API administrators. A new key revokes the old one at once (documented).

    Nine published keys have 30 letters and digits (observed).
    """

    mint: Mint
    clock: Clock
    by_admin: dict[str, Key] = field(default_factory=dict)

    def issue(self, admin: str, minutes: int | None = None) -> str:
        """Generate a new key for an administrator."""
        token = self.mint.issue("api_key", KEY_LENGTH)
        expires = None if minutes is None else self.clock.now() + minutes * 60
        self.by_admin[admin] = Key(token, expires)
        return token

    def adopt(self, admin: str, token: str) -> None:
        """Set an existing key as the key of an administrator."""
        self.by_admin[admin] = Key(token)

    def owner(self, token: str) -> str | None:
        """Return the administrator of a key, None for an unknown or expired key."""
        for admin, key in self.by_admin.items():
            if key.token == token:
                return None if key.expires and key.expires <= self.clock.now() else admin
        return None


@dataclass(frozen=True)
class Session:
    """A session of an administrator: its key (cookie or bearer) and its CSRF token.

    `waits_for` is the number in the answer to a login that is not complete yet, None after a complete login.
    """

    admin: str
    key: str
    csrf: str
    waits_for: int | None = None


@dataclass
class Sessions:
    """The open sessions."""

    mint: Mint
    open: dict[str, Session] = field(default_factory=dict)

    def start(self, admin: str, waits_for: int | None) -> Session:
        session = Session(admin, self.mint.issue("session", 32), self.mint.issue("csrf_token", 32), waits_for)
        self.open[session.key] = session
        return session

    def finish(self, session: Session) -> None:
        """Complete the login of a half-open session."""
        self.open[session.key] = replace(session, waits_for=None)

    def find(self, exchange: Exchange) -> Session | None:
        """Return the session of a request, by its bearer token or else by a cookie."""
        token = bearer(exchange)
        keys = exchange.cookies.values() if token is None else [token]
        return next((self.open[key] for key in keys if key in self.open), None)

    def end(self, session: Session) -> None:
        self.open.pop(session.key, None)


def bearer(exchange: Exchange) -> str | None:
    """Return the bearer token of a request: an API key or the key of a session."""
    scheme, _space, token = exchange.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme == "Bearer" else None


def lacks_csrf(device: Device, exchange: Exchange, session: Session) -> bool:
    """Return whether a change by cookie lacks the session's CSRF token (documented).

    Some clients send it with the quotes of its cookie. Whether FortiOS accepts that is unknown, so there is a
    switch.
    """
    by_cookie = bearer(exchange) is None and exchange.method != "GET"
    token = exchange.headers.get(CSRF_HEADER, "")
    given = token.strip('"') if device.options.quoted_csrf_token == "accept" else token
    return by_cookie and given != session.csrf


def certified(admin: Row, issuer: str | None) -> bool:
    """Return whether an administrator has the client certificate that its PKI group requires (documented).

    Every PKI group of the lab contains only the lab's CA for clients.
    """
    return admin.get("peer-auth") != "enable" or issuer == CLIENT_CA


def trusts(trusted_hosts: list[Row], source: str) -> bool:
    """Return whether trusted hosts include a source. An empty list includes every source (observed)."""
    address = ipaddress.ip_address(source)
    return not trusted_hosts or any(address in _network(host) for host in trusted_hosts)


def _network(host: Row) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    return ipaddress.ip_network(host[host["type"]].replace(" ", "/"), strict=False)
