# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documented API of a Defender for IoT sensor, or of its retired management console: read-only.

The answer to a wrong token is not documented. So only 200 with a JSON array of objects counts as data.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from .._engine.appliance import Appliance, Route
from .._engine.errors import ApplianceError, Locked, Refused, Unreachable
from .._engine.resource import Resource
from .._wire.https import Http, Response

BASES = {"sensor": "/api", "management_console": "/external"}
VALIDATION = {
    "sensor": "/api/external/authentication/validation",
    "management_console": "/external/authentication/validation",
}
NOT_AVAILABLE = "N/A"
"""The documented value of an empty field. The documents of 2022 show null for some fields."""

REPORT = "/v1/reports/vulnerabilities/devices"
MAX_QUOTE = 200


class SensorApi(Appliance):
    """The reading verbs on one sensor or console. The header carries the bare access token, as documented."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        """Raise InvalidOptions for an impossible URL.

        Besides the connection options, ``params`` holds ``api``, ``token`` and the ``query``.
        """
        self.http = Http(params)
        self.params = params
        self._date: str | None = None

    def table(self, resource: Resource) -> list[dict[str, Any]]:
        """Return every object that matches the query."""
        rows = self._of_version(self.params.get("api_version") or "v1", resource)
        return self._with_scores(rows) if self.params.get("security_scores") else rows

    def search(self, resource: Resource, text: str) -> dict[str, Any]:
        """Return every object that matches the query. The API has no search by name.

        If a sensor has no version 2, ``lacks`` is it, and the objects are those of version 1.
        """
        try:
            rows, lacks = self.table(resource), None
        except ApplianceError as error:
            if not (is_assumed(self.params) and _is_absent(error)):
                raise
            rows, lacks = self._of_version("v1", resource), "v2"
        return {"rows": rows, "revision": None, "date": self._date, "lacks": lacks}

    def _of_version(self, version: str, resource: Resource) -> list[dict[str, Any]]:
        return self._rows(f"/{version}/{resource.path}", self.params.get("query", {}))

    def probe(
        self, resource: Resource, key: Any, secret: str, raw: Mapping[str, Any] | None = None
    ) -> tuple[str, int | None]:
        """Try a token once, or the password of the account that ``key`` names."""
        base = BASES[self.params["api"]]
        answer = self._validation(key, secret) if key else ask_for_no_alerts(self.http, base, secret)
        if answer.status == 429:
            raise locked(answer)
        return (credentials_verdict if key else token_verdict)(answer), answer.status

    def close(self) -> None:
        self.http.close()

    def _validation(self, username: str, password: str) -> Response:
        body = {"username": username, "password": password}
        return self.http.request("POST", VALIDATION[self.params["api"]], json=body)

    def _rows(self, path: str, query: Mapping[str, str]) -> list[dict[str, Any]]:
        base, headers = BASES[self.params["api"]], {"Authorization": self.params["token"]}
        answer = self.http.request("GET", base + path, headers=headers, params=query)
        self._date = answer.headers.get("Date")
        return rows(answer)

    def _with_scores(self, devices: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Add the score of the vulnerability report. Nothing else is kept, because it contains passwords."""
        scores = {
            address: row.get("securityScore") for row in self._rows(REPORT, {}) for address in _addresses(row)
        }
        return [{**device, "securityScore": _score(device, scores)} for device in devices]


def is_assumed(params: Mapping[str, Any]) -> bool:
    """Return whether a request goes to a path that the documents imply, but never write out for a sensor."""
    return params.get("api_version") == "v2" and params["api"] == "sensor"


def _is_absent(error: ApplianceError) -> bool:
    """Return whether a sensor does not have a path: it answers 404, or with the page of its web interface."""
    return error.status in (200, 404) and not isinstance(error, (Locked, Refused, Unreachable))


def connect(params: dict[str, Any], route: Route) -> Appliance:
    return route.relay(params) or SensorApi(params)


def _score(device: Mapping[str, Any], scores: Mapping[str, Any]) -> Any:
    """Return the score of the first address that has one."""
    return next((scores[address] for address in _addresses(device) if address in scores), None)


def _addresses(row: Mapping[str, Any]) -> list[str]:
    """Return the addresses of a device, in either spelling."""
    found = row.get("ipAddresses") or row.get("ipAddress")
    return [each for each in (found if isinstance(found, list) else [found]) if isinstance(each, str)]


def ask_for_no_alerts(http: Http, base: str, token: str) -> Response:
    """Request the alerts since now, the smallest documented answer. This sets the token's *Used* time."""
    now = {"fromTime": str(int(time.time() * 1000))}
    return http.request("GET", f"{base}/v1/alerts", headers={"Authorization": token}, params=now)


def token_verdict(answer: Response) -> str:
    """Return valid, invalid or unknown for the token of a request."""
    if answer.status != 200:
        return "invalid" if answer.status in (401, 403) else "unknown"
    try:
        return "valid" if isinstance(answer.json(), list) else "unknown"
    except ApplianceError:
        return "unknown"


def credentials_verdict(answer: Response) -> str:
    """Return valid, invalid or unknown for username and password.

    Success has ``msg``, failure ``error``, whatever the status.
    """
    try:
        document = answer.json()
    except ApplianceError:
        return "unknown"
    if not isinstance(document, Mapping) or not {"msg", "error"} & document.keys():
        return "unknown"
    if "error" in document:
        return "invalid"
    return "valid" if answer.status == 200 else "unknown"


def rows(answer: Response) -> list[dict[str, Any]]:
    """Return the objects of an answer. Raises ApplianceError for all but 200 with a list of objects."""
    if answer.status == 429:
        raise locked(answer)
    if answer.status in (401, 403):
        raise Refused(
            "the access token is not accepted",
            "check that it belongs to this sensor and was not deleted",
            status=answer.status,
            path=answer.path,
        )
    if answer.status != 200:
        raise _unusable(answer, "the answer is not the documented one", answer.hint)
    document = answer.json()
    if isinstance(document, Mapping) and "error" in document:
        raise _unusable(
            answer, f"it answered with an error instead of a list ({_quote(document)})", "check its event log"
        )
    if not isinstance(document, list) or not all(isinstance(row, Mapping) for row in document):
        raise _unusable(
            answer, "it answered 200 without a JSON array of objects, so its data is unknown", answer.hint
        )
    return document


def locked(answer: Response) -> Locked:
    """Return the error of a source address that must wait."""
    seconds = answer.retry_after
    wait = "wait" if seconds is None else f"wait {seconds} s"
    return Locked(
        "it accepts no more requests from this source address for now, and nothing was tried a second time",
        f"{wait}, then run again",
        status=answer.status,
        path=answer.path,
    )


def _unusable(answer: Response, why: str, remedy: str) -> ApplianceError:
    return ApplianceError(why, remedy, status=answer.status, path=answer.path)


def _quote(document: Mapping[str, Any]) -> str:
    """Return the appliance's own message, which is in one of two places."""
    error = document["error"]
    text = error.get("userDisplayErrorMessage", "") if isinstance(error, Mapping) else error
    return "".join(letter for letter in str(text) if letter.isprintable())[:MAX_QUOTE]
