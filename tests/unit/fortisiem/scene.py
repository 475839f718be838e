# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers and options of the tests of event queries."""

from __future__ import annotations

from typing import Any

from ansible_collections.otsec.defender_iot.plugins.module_utils._fortisiem.api import FortiSiem
from ansible_collections.otsec.defender_iot.plugins.module_utils._wire.https import Response
from ansible_collections.otsec.defender_iot.tests.unit.fakes import CONNECTION, Wire, answer

PARAMS: dict[str, Any] = {
    **CONNECTION,
    "token": None,
    "client_id": None,
    "client_secret": None,
    "username": "super/reader",
    "password": "secret",
    "api": "xml",
    "query_timeout": 60,
}
SUBMIT = "/phoenix/rest/query/eventQuery"
JSON = "/phoenix/rest/pub/v2/query"
NONE = (
    "<response><result><error code='0'/>"
    "<queryResult totalCount='0'><events/></queryResult></result></response>"
)
SUBMITTED = (
    "<response requestId='9' timestamp='1'><result><error code='0'/>"
    "<expireTime>17</expireTime></result></response>"
)
PROGRESS = "<response><result><error/><progress>{}</progress></result></response>"
ATTRIBUTE = '<attribute name="{}">{}</attribute>'


def xml(text: str, status: int = 200) -> Response:
    """Make an answer in XML."""
    return answer(status, text, "text/xml")


def events(*rows: dict[str, str], total: str | None = None) -> str:
    """Make the answer with these events in the envelope of 7.5.1."""
    made = "".join(
        "<event><attributes>"
        + "".join(ATTRIBUTE.format(*pair) for pair in row.items() if pair[0] != "receiveTime")
        + "</attributes>"
        + (f"<receiveTime>{row['receiveTime']}</receiveTime>" if "receiveTime" in row else "")
        + "</event>"
        for row in rows
    )
    count = str(len(rows)) if total is None else total
    return (
        f'<response><result><error code="0"/><queryResult totalCount="{count}">'
        f"<events>{made}</events></queryResult></result></response>"
    )


def query(*rows: dict[str, str], total: str | None = None) -> list[Response]:
    """Make the answers to one query in XML."""
    return [xml(SUBMITTED), xml(PROGRESS.format(100)), xml(events(*rows, total=total))]


def siem(*answers: Response, **params: Any) -> FortiSiem:
    """Make a FortiSIEM over a wire in memory."""
    made = FortiSiem({**PARAMS, **params})
    made.http = made.login.http = Wire(*answers)
    return made
