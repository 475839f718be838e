# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The event queries of a FortiSIEM: submit, poll, fetch. Nothing on a FortiSIEM is changed."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from .._engine.appliance import Appliance, Route
from .._engine.errors import ApplianceError, attempting
from .._engine.resource import Resource
from .._wire.https import CHECK_URL, Http, Response
from .answers import Query, Rows, unusable
from .json_queries import JsonQueries
from .login import Login
from .xml_queries import XmlQueries

NOT_READY = (404, 429, 503)
"""Answers to a poll that a published client takes for a query that is not ready yet."""

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 2.0


class FortiSiem(Appliance):
    """The reading of events from one FortiSIEM."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        """Raise InvalidOptions for an impossible URL. ``params`` includes ``api`` and ``query_timeout``."""
        self.http = Http(params)
        self.params = params
        self.login = Login(self.http, params)
        self.queries: JsonQueries | XmlQueries | None = None

    def ask(self, resource: Resource, query: Mapping[str, Any]) -> dict[str, Any]:
        """Run the query of each source, and the control query if a source has no event.

        ``query`` has the constraints in ``sources`` by name and in ``control``, which may be None, the times
        ``low``, ``high`` and ``control_low``, and the ``limit`` of rows for a source. The result has
        ``rows`` and ``total`` of each source, ``sees_events`` (None if the control query did not run), and
        ``api``. All of it is one call, because FortiSIEM grants one token in 5 s.
        """
        found: dict[str, Any] = {}
        for name, where in query["sources"].items():
            with attempting(f"reading the events of {name}"):
                rows = self._search(Query(where, query["low"], query["high"], query["limit"]))
            found[name] = {"rows": rows.rows[: query["limit"]], "total": rows.total}
        sees = None
        if query["control"] and not all(each["rows"] for each in found.values()):
            with attempting("reading the events of other devices"):
                control = Query(query["control"], query["control_low"], query["high"], 1)
                sees = bool(self._search(control).rows)
        api = self.queries.name if self.queries else None
        return {"sources": found, "sees_events": sees, "api": api}

    def close(self) -> None:
        self.http.close()

    def _search(self, query: Query) -> Rows:
        queries, submitted = self._submit(query)
        id_ = queries.id_of(submitted)
        self._await(queries, id_)
        return queries.rows(self._accepted(queries.fetch(id_, query.limit, self.login.headers())))

    def _submit(self, query: Query) -> tuple[JsonQueries | XmlQueries, Response]:
        """Send a query to the interface that this FortiSIEM has. The first query determines it."""
        if self.queries is None and self.params["api"] != "xml":
            newer = JsonQueries(self.http)
            answer = newer.submit(query, self.login.headers())
            if self.params["api"] == "json" or not newer.is_absent(answer):
                self.queries = newer
                return newer, self._accepted(answer)
        if self.queries is None:
            self.queries = XmlQueries(self.http)
        return self.queries, self._accepted(self.queries.submit(query, self.login.headers()))

    def _await(self, queries: JsonQueries | XmlQueries, id_: str) -> None:
        """Poll until the query has finished. Rows of an unfinished query would be incomplete."""
        end = time.monotonic() + self.params["query_timeout"]
        pause, percent = FIRST_PAUSE, 0
        while True:
            answer = queries.poll(id_, self.login.headers())
            if answer.status not in NOT_READY:
                percent = queries.percent(self._accepted(answer))
            if percent >= 100:
                return
            if time.monotonic() + pause > end:
                raise self._unfinished(answer, percent)
            time.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    def _unfinished(self, answer: Response, percent: int) -> ApplianceError:
        return ApplianceError(
            f"the query has not finished within {self.params['query_timeout']} s and is at {percent} percent",
            "set a later since, or a longer query_timeout",
            status=answer.status,
            path=answer.path,
        )

    def _accepted(self, answer: Response) -> Response:
        """Return an answer with status 200. Raises ApplianceError for any other."""
        if answer.status == 200:
            return answer
        refusal = self.login.refusal(answer)
        if refusal:
            raise refusal
        if answer.status == 404:
            raise ApplianceError(
                "it has no such interface, or the query has expired",
                f"set api to the other interface, or {CHECK_URL}",
                status=404,
                path=answer.path,
            )
        raise unusable(answer)


def connect(params: dict[str, Any], route: Route) -> Appliance:
    return route.relay(params) or FortiSiem(params)
