# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A third-party Python library: it logs in to the lab's FortiSIEM, fetches events, and is refused.

It has no method to submit an event query, so the test submits it.
"""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from lxml import etree

from ansible_collections.otsec.defender_iot.tests.support.foreign import ENVIRONMENT
from ansible_collections.otsec.defender_iot.tests.support.lab import Lab
from ansible_collections.otsec.defender_iot.tests.support.patience import RUN_SECONDS

SIEM = "siem"
SESSION = Path(__file__).with_name("fortisiem_session.py")
REFUSED = ["FortiSIEMError", "401"]


def submitted(lab: Lab, account: dict[str, str]) -> str:
    """Return the id of a query that has finished."""
    now = int(time.time())
    body = (
        "<Reports><Report><SelectClause><AttrList>eventType</AttrList></SelectClause><ReportInterval>"
        f"<Low>{now - 3600}</Low><High>{now}</High></ReportInterval><PatternClause><SubPattern name='x'>"
        "<SingleEvtConstr>reptDevIpAddr = 203.0.113.9</SingleEvtConstr></SubPattern></PatternClause>"
        "</Report></Reports>"
    )
    more = {"auth": (account["username"], account["password"]), "headers": {"Content-Type": "text/xml"}}
    answer = lab.call(SIEM, "POST", "/phoenix/rest/query/eventQuery", data=body, **more)
    root = etree.fromstring(answer.content)
    query = f"{root.get('requestId')},{root.findtext('result/expireTime')}"
    assert lab.call(SIEM, "GET", f"/phoenix/rest/query/progress/{query}", **more).ok
    return query


@pytest.mark.parametrize("form", ["envelope", "bare"])
def test_the_library_works_and_fails_as_documented(lab: Lab, form: str) -> None:
    lab.switch(SIEM, events_form=form)
    place = lab.appliances[SIEM]
    given = {
        **place["credentials"],
        "host": urlsplit(place["url"]).netloc,
        "ca_path": lab.ca_path,
        "query": submitted(lab, place["credentials"]),
    }
    run = subprocess.run(
        [str(ENVIRONMENT / "bin" / "python"), str(SESSION)],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    outcomes = json.loads(run.stdout)
    events = {name: outcomes.pop(name) for name in list(outcomes) if "FortiGate-traffic" in outcomes[name]}
    assert events.keys() == {"fetch by Basic", "fetch in an organization", "fetch by API token"}
    assert all(text.count("<event>") == 9 for text in events.values())
    assert outcomes == {
        "fetch with a wrong password": REFUSED,
        "fetch in an unknown organization": REFUSED,
        "fetch an unknown query": ["FortiSIEMError", "404"],
        "get a token with a wrong secret": ["HTTPStatusError", "400"],
        "get a second token at once": ["HTTPStatusError", "400"],
    }
