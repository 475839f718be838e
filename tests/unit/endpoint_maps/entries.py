# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The entries of a small recording, and the draft of a map from such entries."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.otsec.defender_iot.plugins.plugin_utils._endpoint_maps.drafting.draft import draft
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._endpoint_maps.drafting.session import (
    Draft,
    RecordedSession,
)

ORIGIN = "https://sensor.example"
SESSION, CSRF, PASSWORD, TOKEN = "s3ss10n-c00k1e", "c5rf-c00k1e-4", "p4ssw0rd!", "t0k3n-of-32-digits"
RECORDED = RecordedSession("sensor", "ada", PASSWORD, TOKEN, description="Forescout")
ROW = {"nr": 7, "text": "Forescout", "last": "N/A"}
OLD = {"nr": 3, "text": "Historian", "last": "2026-11-02T10:15:00Z"}


def entry(
    method: str,
    path: str,
    sent: Any = None,
    answer: Any = None,
    *,
    status: int = 200,
    headers: dict[str, str] | None = None,
    cookies: str = "",
    sets: str = "",
) -> dict[str, Any]:
    """Return an entry in the form that Chromium writes."""
    given = {**(headers or {}), **({"cookie": cookies} if cookies else {})}
    request = {
        "method": method,
        "url": ORIGIN + path,
        "headers": [{"name": name, "value": value} for name, value in given.items()],
        "cookies": [],
    }
    if isinstance(sent, str):
        request["postData"] = {"mimeType": "application/x-www-form-urlencoded", "text": sent}
    elif sent is not None:
        request["postData"] = {"mimeType": "application/json", "text": json.dumps(sent)}
    text = json.dumps(answer) if isinstance(answer, (dict, list)) else answer or ""
    response = {
        "status": status,
        "headers": [{"name": "set-cookie", "value": sets}] if sets else [],
        "cookies": [],
        "content": {"mimeType": "application/json", "text": text},
    }
    return {"request": request, "response": response}


BOTH = f"csrf={CSRF}; sid={SESSION}"
X_CSRF = {"x-csrf": CSRF}
PAGE = entry("GET", "/start", answer="<html>", sets=f"csrf={CSRF}; Path=/")
LOGIN = entry(
    "POST",
    "/in",
    {"who": "ada", "pw": PASSWORD},
    {},
    headers=X_CSRF,
    cookies=f"csrf={CSRF}",
    sets=f"sid={SESSION}; HttpOnly",
)
CREATE = entry("POST", "/t", {"text": "Forescout"}, {"nr": 7, "value": TOKEN}, headers=X_CSRF, cookies=BOTH)
LIST = entry("GET", "/t?view=all", answer={"rows": [OLD, ROW]}, cookies=BOTH)
DELETE = entry("DELETE", "/t/7", status=204, headers=X_CSRF, cookies=BOTH)
GONE = entry("GET", "/t?view=all", answer={"rows": [OLD]}, cookies=BOTH)
LOGOUT = entry("POST", "/out", headers=X_CSRF, cookies=BOTH, sets='sid=""; Max-Age=0')
ENTRIES = [PAGE, LOGIN, CREATE, LIST, DELETE, GONE, LOGOUT]


def made(*entries: Any, session: RecordedSession = RECORDED) -> Draft:
    """Draft a map from a recording of these entries."""
    return draft(json.dumps({"log": {"entries": entries}}), session)


def listing(*rows: Any) -> dict[str, Any]:
    """Return the entry of a list with these rows."""
    return entry("GET", "/t", answer={"rows": rows}, cookies=BOTH)
