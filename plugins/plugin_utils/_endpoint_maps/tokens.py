# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find which requests of a recording list, create and delete access tokens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, unquote

from .recording import Exchange, holds, scalars
from .session import Draft, RecordedSession
from .token_rows import TokenRows, rows_of
from .values import may_hold


def find_create(exchanges: list[Exchange], session: RecordedSession, made: Draft) -> Exchange | None:
    """Return the first request whose answer holds the token. A request that writes is preferred."""
    showing = [each for each in exchanges if each.works and may_hold(each.text or "", session.token)]
    answering = [each for each in showing if holds(each.answer, session.token)]
    create = next((each for each in answering if each.writes), next(iter(answering), None))
    if create is None and showing:
        request = f"{showing[0].method} {showing[0].bare_path}"
        made.miss("tokens.create", "create_not_json", request=request)
    elif create is None:
        made.miss("tokens.create", "no_create")
    return create


def find_list(
    exchanges: list[Exchange], session: RecordedSession, create: Exchange | None, made: Draft
) -> TokenRows | None:
    """Return the list of tokens, proved by the new token's id, the creation's path, or the new row."""
    description, created = session.description, create.answer if create else None
    all_rows = [each for each in rows_of(exchanges, description, created) if each.exchange is not create]
    whole = [each for each in all_rows if not addresses(each.exchange, description)]
    if not whole:
        _miss_list(exchanges, all_rows, session, create, made)
        return None
    ranked = {_key(each.exchange): _evidence(each, create, session, exchanges) for each in whole}
    best = max(ranked.values())
    keys = [key for key, evidence in ranked.items() if evidence == best]
    if not any(best) or len(keys) > 1:
        requests = ", ".join(sorted({f"{key[0]} {key[1]}" for key in keys}))
        made.miss("tokens.list", "ambiguous_list", requests=requests)
        return None
    same_request = [each for each in whole if _key(each.exchange) == keys[0]]
    return same_request[-1].with_rows_of(_answers(exchanges, same_request[-1]))


def _key(exchange: Exchange) -> tuple[str, str]:
    return exchange.method, exchange.bare_path + _operation_of(exchange)


def _operation_of(exchange: Exchange) -> str:
    """Return what tells requests to one path apart, as JSON-RPC and GraphQL have it in the body."""
    texts = [str(value) for _place, value in scalars(exchange.body) if isinstance(value, str)]
    return "".join(f" {text}" for text in texts if exchange.writes and len(text) < 40) if texts else ""


def _evidence(
    rows: TokenRows, create: Exchange | None, session: RecordedSession, exchanges: list[Exchange]
) -> tuple[int, bool, bool]:
    if create is None:
        return (0, False, _was_without(rows, session, exchanges))
    proof = rows.proof(create.answer, session.description)
    return (proof, rows.exchange.bare_path == create.bare_path, _was_without(rows, session, exchanges))


def _was_without(rows: TokenRows, session: RecordedSession, exchanges: list[Exchange]) -> bool:
    """Return whether the same request was answered without the token before."""
    earlier = [each for each in exchanges if each.number < rows.exchange.number]
    return any(
        each.answer is not None and not holds(each.answer, session.description)
        for each in earlier
        if _key(each) == _key(rows.exchange)
    )


def _answers(exchanges: list[Exchange], rows: TokenRows) -> Iterator[TokenRows]:
    """Yield the list as other answers to the same request show it."""
    for each in exchanges:
        if each is not rows.exchange and _key(each) == _key(rows.exchange):
            items = _at(each.answer, rows.pointer)
            if isinstance(items, list):
                yield TokenRows(each, rows.pointer, [dict(scalars(item)) for item in items], {})


def _at(document: Any, pointer: str) -> Any:
    for name in pointer.split("/")[1:]:
        if isinstance(document, dict):
            document = document.get(name.replace("~1", "/").replace("~0", "~"))
        elif isinstance(document, list) and name.isdecimal() and int(name) < len(document):
            document = document[int(name)]
        else:
            return None
    return document


def _miss_list(
    exchanges: list[Exchange],
    filtered: list[TokenRows],
    session: RecordedSession,
    create: Exchange | None,
    made: Draft,
) -> None:
    if filtered:
        exchange = filtered[0].exchange
        made.miss("tokens.list", "filtered_list", request=f"{exchange.method} {exchange.bare_path}")
        return
    after = [each for each in exchanges if create is None or each.number > create.number]
    having = next((each for each in after if each.works and holds(each.answer, session.description)), None)
    if having:
        made.miss("tokens.list", "not_a_list", request=f"{having.method} {having.bare_path}")
    else:
        made.miss("tokens.list", "no_list")


def find_delete(
    exchanges: list[Exchange],
    session: RecordedSession,
    create: Exchange,
    rows: TokenRows,
    identity: Any,
    made: Draft,
) -> Exchange | None:
    """Return the request after the creation that names the new token, and after which it is gone."""
    values = [value for value in (identity, session.description) if value is not None]
    after = [each for each in exchanges if each.number > create.number and each.works]
    naming = [
        each
        for each in after
        if each.method != "GET" and any(addresses(each, value) for value in values) and not _lists(each, rows)
    ]
    proved = [each for each in naming if _is_gone_after(each, exchanges, rows, identity, session)]
    if proved:
        return next((each for each in proved if each.method == "DELETE"), proved[-1])
    plain = [each for each in naming if each.method == "DELETE" and _is_below(each, create, rows)]
    still = [each for each in plain if _is_there_after(each, exchanges, rows)]
    if plain and not still:
        return plain[0]
    if naming:
        made.miss("tokens.delete", "unproved_delete", request=_masked(naming[0], values))
    else:
        made.miss("tokens.delete", "no_delete")
    return None


def _masked(exchange: Exchange, values: list[Any]) -> str:
    parts = ["..." if unquote(part) in map(str, values) else part for part in exchange.bare_path.split("/")]
    return f"{exchange.method} {'/'.join(parts)}"


def _lists(exchange: Exchange, rows: TokenRows) -> bool:
    return _key(exchange) == _key(rows.exchange)


def _later_lists(exchange: Exchange, exchanges: list[Exchange], rows: TokenRows) -> list[list[Any]]:
    later = [each for each in exchanges if each.number > exchange.number and _lists(each, rows)]
    found = [_at(each.answer, rows.pointer) for each in later]
    return [items for items in found if isinstance(items, list)]


def _is_gone_after(
    exchange: Exchange, exchanges: list[Exchange], rows: TokenRows, identity: Any, session: RecordedSession
) -> bool:
    """Return whether the next list lacks the token."""
    later = _later_lists(exchange, exchanges, rows)
    value = session.description if identity is None else identity
    return bool(later) and not holds(later[0], value)


def _is_there_after(exchange: Exchange, exchanges: list[Exchange], rows: TokenRows) -> bool:
    return bool(_later_lists(exchange, exchanges, rows))


def _is_below(exchange: Exchange, create: Exchange, rows: TokenRows) -> bool:
    """Return whether a path continues that of the list or of the creation."""
    return any(exchange.bare_path.startswith(other.bare_path) for other in (create, rows.exchange))


def addresses(exchange: Exchange, value: Any) -> bool:
    """Return whether a request names an object, in its path or in its body."""
    path, _mark, query = exchange.path.partition("?")
    parts = {unquote(part) for part in path.split("/")} | {each for _name, each in parse_qsl(query)}
    body = [str(each) for _place, each in scalars(exchange.body)]
    word = re.compile(rf"(?<![\w-]){re.escape(str(value))}(?![\w-])")
    return str(value) in parts | set(body) or any("{" in each and word.search(each) for each in body)
