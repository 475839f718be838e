# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Event queries in JSON, as the specification of FortiSIEM 7.5.1 has them. The first release is not known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._engine.errors import ApplianceError
from .._wire.https import Http, Response
from .answers import COLUMNS, Query, Rows, refused_query, unusable

BASE = "/phoenix/rest/pub/v2/query"


class JsonQueries:
    """The three requests of a query."""

    name = "json"

    def __init__(self, http: Http) -> None:
        self.http = http

    def submit(self, query: Query, headers: dict[str, str]) -> Response:
        body = {
            "select": ",".join(COLUMNS),
            "where": query.where,
            "orderBy": "phRecvTime DESC",
            "timeRange": {"from": query.low, "to": query.high},
        }
        return self.http.request("POST", f"{BASE}/eventQuery", headers=headers, json=body)

    def is_absent(self, answer: Response) -> bool:
        """Return whether this FortiSIEM has no such interface. A web page with status 200 says so too."""
        if answer.status != 200:
            return answer.status in (404, 405)
        try:
            answer.json()
        except ApplianceError:
            return True
        return False

    def id_of(self, answer: Response) -> str:
        found = _document(answer).get("queryId")
        if not isinstance(found, (str, int)) or isinstance(found, bool) or not str(found):
            raise unusable(answer)
        return str(found)

    def poll(self, id_: str, headers: dict[str, str]) -> Response:
        return self.http.request("GET", f"{BASE}/progress", headers=headers, params={"queryId": id_})

    def percent(self, answer: Response) -> int:
        """Return the progress of a query."""
        found = _document(answer).get("progress")
        if not isinstance(found, int) or isinstance(found, bool):
            raise unusable(answer)
        return found

    def fetch(self, id_: str, limit: int, headers: dict[str, str]) -> Response:
        query = {"queryId": id_, "offset": "0", "limit": str(limit)}
        return self.http.request("GET", f"{BASE}/events/results", headers=headers, params=query)

    def rows(self, answer: Response) -> Rows:
        document = _document(answer)
        rows, pagination = document.get("rows"), document.get("pagination")
        if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
            raise unusable(answer)
        total = pagination.get("total") if isinstance(pagination, Mapping) else None
        return Rows([dict(row) for row in rows], total if _is_count(total) else None)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _document(answer: Response) -> Mapping[str, Any]:
    """Return an answer as an object. Raises Refused for an error, which has status 200 too."""
    document = answer.json()
    if not isinstance(document, Mapping):
        raise unusable(answer)
    error = document.get("error")
    if isinstance(error, Mapping) and error.get("code") not in (0, "0", None):
        raise refused_query(answer, error.get("errString"))
    return document
