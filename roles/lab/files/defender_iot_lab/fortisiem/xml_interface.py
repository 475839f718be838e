# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The XML interface of a mock FortiSIEM, in its bare form of 6.3.2 and in the envelope of 7.5.1."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from html import escape
from random import Random

from lxml import etree
from starlette.responses import HTMLResponse, Response

from ..core.exchange import Exchange
from .events import Event
from .options import FortiSiemOptions
from .queries import Queries, Query, QueryError

ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
OF_EVENTS = timezone(timedelta(hours=1))
OF_THE_CONSOLE = timezone(timedelta(hours=5, minutes=30), "IST")


@dataclass
class XmlInterface:
    """The requests below `/phoenix/rest/query`."""

    queries: Queries
    options: Callable[[], FortiSiemOptions]
    random: Random

    def answer(self, exchange: Exchange, path: list[str], principal: str) -> Response:
        """Answer one request."""
        match exchange.method, path:
            case "POST", ["eventQuery"]:
                return self._submit(exchange, principal)
            case "GET", ["progress", id_]:
                return self._about(id_, self._progress)
            case "GET", ["events", id_, start, last] if start.isdecimal() and last.isdecimal():
                return self._about(id_, lambda query: self._events(query, int(start), int(last)))
        return not_found()

    def _submit(self, exchange: Exchange, principal: str) -> Response:
        media_type = exchange.headers.get("content-type", "").partition(";")[0]
        refusal = self.options().content_type
        if media_type != "text/xml" and refusal != "any":
            return Response(status_code=415) if refusal == "refused_415" else self._error("content type")
        try:
            query = self._submitted(exchange.body, principal)
        except (QueryError, etree.XMLSyntaxError, ValueError, AttributeError) as error:
            if self.options().wrong_query == "web_page_500":
                return HTMLResponse("<html><body>Request failed</body></html>", 500)
            return self._error(str(error))
        expiry = int(query.expires * 1000)
        if self.options().submit_form == "bare":
            return Response(f"{query.number},{expiry}", media_type="text/xml")
        return _envelope(query.number, f'<error code="0"/><expireTime>{expiry}</expireTime>')

    def _submitted(self, body: bytes, principal: str) -> Query:
        root = etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True))
        report = root.find("Report")
        pattern = report.find("PatternClause/SubPattern")
        if not pattern.get("name"):
            raise QueryError("the pattern has no name")
        interval = report.find("ReportInterval")
        return self.queries.submit(
            report.find("SelectClause/AttrList").text or "",
            pattern.findtext("SingleEvtConstr") or "",
            int(interval.findtext("Low") or ""),
            int(interval.findtext("High") or ""),
            principal,
        )

    def _about(self, id_: str, act: Callable[[Query], Response]) -> Response:
        """Answer a request about a query, whose id is its number, a comma and its expiry."""
        number, _comma, expiry = id_.partition(",")
        query = self.queries.find(number)
        if query is None or expiry != str(int(query.expires * 1000)):
            match self.options().unknown_query:
                case "error":
                    return self._error("unknown query")
                case "500":
                    return HTMLResponse("<html><body>Request failed</body></html>", 500)
            return not_found()
        return act(query)

    def _progress(self, query: Query) -> Response:
        if self.options().not_ready and not query.polls:
            query.polls = 1
            return Response(status_code=self.options().not_ready)
        percent = self.queries.progress(query)
        if self.options().progress_form == "bare":
            return Response(str(percent), media_type="text/xml")
        return _envelope(query.number, f"<error/><progress>{percent}</progress>")

    def _events(self, query: Query, start: int, last: int) -> Response:
        try:
            rows = self.queries.rows(query, start, last)
        except QueryError as error:
            return self._error(str(error))
        events = "".join(self._event(query, event) for event in rows)
        is_bare = self.options().events_form == "bare"
        state = 'errorCode="0" ' if is_bare else ""
        result = (
            f'<queryResult {state}queryId="{query.number}" start="{start}" totalCount="{len(query.rows)}">'
            f"{f'<events>{events}</events>' if events else '<events/>'}</queryResult>"
        )
        return _xml(result) if is_bare else _envelope(query.number, f'<error code="0"/>{result}')

    def _event(self, query: Query, event: Event) -> str:
        """Return an event. Its attributes are in any order, and those without a value are left out."""
        values = {**event.attributes, "phRecvTime": console_time(event.moment)}
        names = [name for name in query.columns if values.get(name)]
        self.random.shuffle(names)
        attributes = "".join(
            f'<attribute name="{name}">{self._escaped(values[name])}</attribute>' for name in names
        )
        moment = datetime.fromtimestamp(event.moment, OF_EVENTS).isoformat(timespec="seconds")
        received = f"<receiveTime>{moment}</receiveTime>" if self.options().receive_time else ""
        return (
            f"<event><custId>1</custId><dataStr/><attributes>{attributes}</attributes>"
            f"<eventType/><id/><index/><nid/>{received}</event>"
        )

    def _escaped(self, text: str) -> str:
        match self.options().illegal_characters:
            case "raw":
                return escape(text)
            case "references":
                return ILLEGAL.sub(lambda found: f"&#{ord(found[0])};", escape(text))
        return ILLEGAL.sub("?", escape(text))

    def _error(self, description: str) -> Response:
        error = f'<error code="255"><description>{escape(description)}</description></error>'
        if self.options().error_place == "response":
            return _xml(f"<response>{error}</response>")
        return _xml(f"<response><result>{error}</result></response>")


def console_time(moment: float) -> str:
    """Return a time as the console shows it: local, with an abbreviation that has several meanings."""
    return datetime.fromtimestamp(moment, OF_THE_CONSOLE).strftime("%a %b %d %H:%M:%S %Z %Y")


def utc_time(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")


def not_found() -> Response:
    """Return the answer to an unknown path."""
    return HTMLResponse("<html><body>Not found</body></html>", 404)


def _envelope(number: int, result: str) -> Response:
    return _xml(f'<response requestId="{number}" timestamp="0"><result>{result}</result></response>')


def _xml(body: str) -> Response:
    return Response(f'<?xml version="1.0" encoding="UTF-8"?>{body}', media_type="text/xml")
