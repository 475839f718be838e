# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The JSON interface of a mock FortiSIEM, as in the specification of 7.5.1."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.responses import HTMLResponse, JSONResponse, Response

from ..core.exchange import Exchange
from .events import DISPLAYED, Event
from .options import FortiSiemOptions
from .queries import Queries, Query, QueryError
from .xml_interface import console_time, not_found, utc_time

ABSENT = {"absent_404": 404, "absent_405": 405, "web_page": 200}


@dataclass
class JsonInterface:
    """The requests below `/phoenix/rest/pub/v2/query`."""

    queries: Queries
    options: Callable[[], FortiSiemOptions]

    def answer(self, exchange: Exchange, path: list[str], principal: str) -> Response:
        """Answer one request."""
        absent = ABSENT.get(self.options().json_interface)
        if absent is not None:
            return HTMLResponse("<html><body>FortiSIEM</body></html>", absent)
        match exchange.method, path:
            case "POST", ["eventQuery"]:
                return self._submit(exchange, principal)
            case "GET", ["progress"]:
                return self._about(exchange, self._progress)
            case "GET", ["events", "results"]:
                return self._about(exchange, lambda query: self._results(exchange, query))
        return not_found()

    def _submit(self, exchange: Exchange, principal: str) -> Response:
        body = exchange.json_object() or {}
        try:
            span = body["timeRange"]
            query = self.queries.submit(
                body["select"], body["where"], int(span["from"]), int(span["to"]), principal
            )
        except (QueryError, AttributeError, KeyError, TypeError, ValueError) as error:
            if self.options().wrong_query == "web_page_500":
                return HTMLResponse("<html><body>Request failed</body></html>", 500)
            return _error(str(error))
        return _accepted({"queryId": str(query.number), "expireTime": int(query.expires * 1000)})

    def _about(self, exchange: Exchange, act: Callable[[Query], Response]) -> Response:
        query = self.queries.find(exchange.query.get("queryId", ""))
        if query is None:
            match self.options().unknown_query:
                case "error":
                    return _error("unknown query")
                case "500":
                    return HTMLResponse("<html><body>Request failed</body></html>", 500)
            return not_found()
        return act(query)

    def _progress(self, query: Query) -> Response:
        if self.options().not_ready and not query.polls:
            query.polls = 1
            return Response(status_code=self.options().not_ready)
        progress = self.queries.progress(query)
        return _accepted({"queryId": str(query.number), "timestamp": 0, "progress": progress})

    def _results(self, exchange: Exchange, query: Query) -> Response:
        offset, limit = (int(exchange.query.get(name, "0")) for name in ("offset", "limit"))
        try:
            # Here the last value is documented as a limit.
            rows = self.queries.rows(query, offset, offset + limit)[:limit]
        except QueryError as error:
            return _error(str(error))
        total, following = len(query.rows), offset + len(rows)
        pagination = {
            "offset": offset,
            "limit": limit,
            "total": total,
            "hasMore": following < total,
            "nextOffset": following if following < total else None,
        }
        return _accepted(
            {
                "queryId": str(query.number),
                "timestamp": 0,
                "rows": [self._row(query, event) for event in rows],
                "pagination": pagination,
            }
        )

    def _row(self, query: Query, event: Event) -> dict[str, Any]:
        values: dict[str, Any] = {**event.attributes, "phRecvTime": self._time(event.moment)}
        names = [name for name in query.columns if values.get(name)]
        shown = DISPLAYED if self.options().renamed_columns else {name: name for name in names}
        return {shown[name]: values[name] for name in names}

    def _time(self, moment: float) -> str | int:
        match self.options().json_time:
            case "milliseconds":
                return int(moment * 1000)
            case "iso8601":
                return utc_time(moment)
        return console_time(moment)


def _accepted(content: dict[str, Any]) -> Response:
    return JSONResponse({**content, "error": {"code": 0, "errString": None}})


def _error(message: str) -> Response:
    return JSONResponse({"error": {"code": 255, "errString": message}})
