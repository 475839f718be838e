# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The switches of a mock FortiSIEM, for behaviour that is unknown, assumed or varies."""

from __future__ import annotations

from dataclasses import dataclass

from ..core.options import switch


@dataclass(frozen=True)
class FortiSiemOptions:
    """Switches of a FortiSIEM.

    nat: source address of every connection; `null` keeps the real source.
    unauthorized: body of a refused login (unknown; clients observed two).
    token_endpoint: whether client credentials are supported (documented in 7.5.1).
    expires_in: the number in its answer; the documents have both, in seconds and in minutes.
    token_seconds: lifetime of an access token.
    client: state of the API token (documented refusals).
    json_interface: whether there are JSON queries, or which answer says that there are none (unknown).
    submit_form, progress_form, events_form: answers of the XML interface; bare observed on 6.3.2, the
        envelope documented in 7.5.1.
    content_type: answer to a query that is not text/xml (documented as required, the refusal is unknown).
    error_place: parent of an error (both observed).
    wrong_times: answer to times in milliseconds, or in the wrong order (unknown).
    wrong_query: answer to any other wrong query (both observed).
    polls: number of polls that a query takes; 0 never finishes.
    not_ready: answer to the first poll; a client takes 404 and 503 for a query that is not ready (observed).
    unknown_query: answer about a query that does not exist or has expired (unknown).
    early_fetch: answer to a fetch before the query has finished (unknown).
    third_part: whether the last part of the path of a fetch is a limit or an end (the documents differ).
    receive_time: whether events have a time with an offset (observed on 6.3.2).
    json_time: form of phRecvTime in JSON (unknown).
    renamed_columns: whether JSON rows have the names that the pages show (unknown).
    illegal_characters: form of control characters in XML (unknown).
    ignores_case: whether CONTAIN ignores case (unknown).
    reporting: reporting device of a sensor's messages: the sensor, the address of a NAT, or a relay, where
        the sensor's name is all that is left of it.
    event_type: type of an alert: as the public parser of 2020 has it, which does not recognise today's
        header, or the same for all (unknown).
    role: which events the account may see.
    """

    nat: str | None = None
    unauthorized: str = switch("html", "json", "empty")
    token_endpoint: str = switch("present", "absent")
    expires_in: int = switch(3600, 15)
    token_seconds: float = 900
    client: str = switch("valid", "expired", "revoked", "unauthorized")
    json_interface: str = switch("absent_404", "absent_405", "web_page", "present")
    submit_form: str = switch("envelope", "bare")
    progress_form: str = switch("envelope", "bare")
    events_form: str = switch("envelope", "bare")
    content_type: str = switch("refused_415", "refused_255", "any")
    error_place: str = switch("result", "response")
    wrong_times: str = switch("error", "no_rows")
    wrong_query: str = switch("error", "web_page_500")
    polls: int = 1
    not_ready: int = switch(0, 404, 503)
    unknown_query: str = switch("404", "error", "500")
    early_fetch: str = switch("empty", "error", "partial")
    third_part: str = switch("limit", "end")
    receive_time: bool = switch(True, False)
    json_time: str = switch("local_text", "milliseconds", "iso8601")
    renamed_columns: bool = switch(False, True)
    illegal_characters: str = switch("replaced", "raw", "references")
    ignores_case: bool = switch(False, True)
    reporting: str = switch("sensor", "nat", "relay")
    event_type: str = switch("parser_of_2020", "cyberx", "unknown", "other")
    role: str = switch("all", "hides_sensors", "hides_all")
