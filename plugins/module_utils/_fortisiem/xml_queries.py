# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Event queries in XML: FortiSIEM 5.1 to 7.x, deprecated in 7.5.1.

Two forms of answers were observed. Version 6.3.2 answers with bare text, such as ``46367,1644934487413`` and
``100``, version 7.5.1 with an envelope. It is not known when this changed, so both are read everywhere.
"""

from __future__ import annotations

import re
from typing import Any

from .._wire.https import Http, Response
from .answers import COLUMNS, Query, Rows, read_xml, refused_query, require_parser, unusable

try:
    from lxml import etree
except ImportError:
    etree = None

BASE = "/phoenix/rest/query"
ID = re.compile(r"-?\d{1,20},\d{1,20}")
PERCENT = re.compile(r"\d{1,3}")
NEWEST_FIRST = "phRecvTime DESC"


class XmlQueries:
    """The three requests of a query."""

    name = "xml"

    def __init__(self, http: Http) -> None:
        """Raise InvalidOptions if the package that reads XML is missing."""
        require_parser()
        self.http = http

    def submit(self, query: Query, headers: dict[str, str]) -> Response:
        """Send a query. The content type is documented, and `application/xml` is refused."""
        content_type = {"Content-Type": "text/xml"}
        return self.http.request(
            "POST", f"{BASE}/eventQuery", headers={**headers, **content_type}, data=report(query)
        )

    def id_of(self, answer: Response) -> str:
        """Return the id of a submitted query: the number of the request and its expiry, with a comma."""
        found = answer.text.strip()
        if not ID.fullmatch(found):
            root = _root(answer)
            found = f"{root.get('requestId')},{(root.findtext('result/expireTime') or '').strip()}"
        if not ID.fullmatch(found):
            raise unusable(answer)
        return found

    def poll(self, id_: str, headers: dict[str, str]) -> Response:
        return self.http.request("GET", f"{BASE}/progress/{id_}", headers=headers)

    def percent(self, answer: Response) -> int:
        """Return the progress of a query."""
        text = answer.text.strip()
        if not PERCENT.fullmatch(text):
            text = (_root(answer).findtext("result/progress") or "").strip()
        if not PERCENT.fullmatch(text):
            raise unusable(answer)
        return int(text)

    def fetch(self, id_: str, limit: int, headers: dict[str, str]) -> Response:
        """Request the first rows. From 0, it does not matter whether the last part is a limit or an end."""
        return self.http.request("GET", f"{BASE}/events/{id_}/0/{limit}", headers=headers)

    def rows(self, answer: Response) -> Rows:
        root = _root(answer)
        result = root if root.tag == "queryResult" else root.find("result/queryResult")
        if result is None or result.find("events") is None:
            raise unusable(answer)
        total = result.get("totalCount", "")
        rows = [_row(event) for event in result.iterfind("events/event")]
        return Rows(rows, int(total) if re.fullmatch(r"\d{1,18}", total) else None)


def report(query: Query) -> bytes:
    """Return the body of a query. The parser's own library writes it, so every text is escaped."""
    root = etree.Element("Reports")
    made = etree.SubElement(root, "Report")
    etree.SubElement(made, "Name").text = "Events of sensors"
    _list(etree.SubElement(made, "SelectClause", numEntries="All"), ",".join(COLUMNS))
    _list(etree.SubElement(made, "OrderByClause"), NEWEST_FIRST)
    interval = etree.SubElement(made, "ReportInterval")
    etree.SubElement(interval, "Low").text = str(query.low)
    etree.SubElement(interval, "High").text = str(query.high)
    pattern = etree.SubElement(made, "PatternClause", window="3600")
    part = etree.SubElement(pattern, "SubPattern", name="events", displayName="events")
    etree.SubElement(part, "SingleEvtConstr").text = query.where
    return bytes(etree.tostring(root))


def _list(clause: Any, attributes: str) -> None:
    etree.SubElement(clause, "AttrList").text = attributes


def _root(answer: Response) -> Any:
    """Return the root of an answer. Raises Refused for an error, which has status 200 too."""
    root = read_xml(answer)
    for place in ("error", "result/error"):
        error = root.find(place)
        if error is not None and error.get("code", "0") != "0":
            raise refused_query(answer, error.findtext("description") or error.text)
    if root.get("errorCode", "0") != "0":
        raise refused_query(answer, "")
    return root


def _row(event: Any) -> dict[str, Any]:
    """Return the attributes of an event, and the time beside them. Those without a value are left out."""
    found = {each.get("name"): each.text for each in event.iterfind("attributes/attribute") if each.text}
    moment = event.findtext("receiveTime")
    return {**found, **({"receiveTime": moment} if moment else {})}
