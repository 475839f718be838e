# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find the login of a recording: not a change of the password, not a confirmation, not another host."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from ..recording.har import Exchange, Recording, scalars
from ..recording.places_sent import may_send
from .session import Draft, RecordedSession

SCHEME = re.compile(r"Negotiate|NTLM|Digest", re.IGNORECASE)
"""What browsers sign in by without a page (documented in RFC 4559 and RFC 7616)."""


def find_login(
    recording: Recording, session: RecordedSession, first: Exchange, made: Draft
) -> Exchange | None:
    """Return the login before the ``first`` operation, None where a note says why there is none."""
    is_basic = sends_basic(first, session)
    sending = [
        each
        for each in recording.exchanges
        if each.works and (_passwords(each, session) or (not is_basic and sends_basic(each, session)))
    ]
    local = [each for each in sending if each.origin == first.origin]
    changes = [each for each in local if _changes_password(each, session, recording)]
    logins = [each for each in local if each not in changes and each.number < first.number]
    if logins:
        tried = [each for each in logins if each.bare_path == logins[0].bare_path]
        return tried[-1]
    if changes:
        made.miss("login", "password_change", request=f"{changes[0].method} {changes[0].bare_path}")
    elif sending and not local:
        used, other = urlsplit(first.origin), urlsplit(sending[0].origin)
        reason = "other_port" if used.hostname == other.hostname else "other_host"
        host = other.netloc if reason == "other_port" else str(other.hostname)
        made.miss("login", reason, host=host, address=used.netloc)
    elif local:
        made.miss("login", "signed_in_before")
    elif not is_basic:
        scheme = SCHEME.match(next(_authorizations(first), ""))
        about = {"scheme": scheme[0], "request": f"{first.method} {first.bare_path}"} if scheme else {}
        made.miss("login", "other_scheme" if scheme else "no_login", **about)
    return None


def _authorizations(exchange: Exchange) -> Iterator[str]:
    return (value for name, value in exchange.headers.items() if name.lower() == "authorization")


def sends_basic(exchange: Exchange, session: RecordedSession) -> bool:
    """Return whether a request signs in by HTTP's basic authentication."""
    return any(session.basic in value for value in exchange.headers.values())


def _passwords(exchange: Exchange, session: RecordedSession) -> int:
    """Count how often a request sends the password."""
    if not may_send(exchange, session.password):
        return 0
    sent = [str(value) for _pointer, value in scalars(exchange.body)]
    sent += exchange.headers.values()
    sent += [unquote(part) for part in exchange.path.replace("?", "&").replace("=", "&").split("&")]
    return sum(
        value == session.password or (len(session.password) > 7 and session.password in value)
        for value in sent
    )


def _changes_password(exchange: Exchange, session: RecordedSession, recording: Recording) -> bool:
    """Return whether a request sets the password: it repeats it, or sends the one that was typed before."""
    if _passwords(exchange, session) > 1 and not session.password.isalpha():
        return True
    values = {str(value) for _pointer, value in scalars(exchange.body)}
    values -= {session.username, session.password, "", *exchange.cookies.values(), *exchange.headers.values()}
    before = [each for each in recording.exchanges if each.number < exchange.number and each.writes]
    return any(
        str(value) in values and pointer not in dict(scalars(exchange.body))
        for each in before
        if each.bare_path != exchange.bare_path
        and session.username in map(str, dict(scalars(each.body)).values())
        for pointer, value in scalars(each.body)
        if isinstance(value, str)
    )
