# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every status and error number of FortiOS on the wire: one sentence with the remedy, and a logout.

The FortiGate's transport runs here without Ansible, so that the whole table takes seconds.
"""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import (
    ApplianceError,
    Locked,
    Refused,
    attempting,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate import login
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.admin_profile import (
    PROFILE,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.api import FortiGate
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate.errors import MEANINGS
from ansible_collections.otsec.defender_iot.tests.support.lab import Lab
from ansible_collections.otsec.defender_iot.tests.unit.fakes import CONNECTION

FORTIGATE = "fgt-north-01"
PATH = "/api/v2/cmdb/system/accprofile"
LONGEST_SENTENCE = 420

COMPARE = "check which values the FortiGate's console accepts, and correct the options"
NAMES = "check the names in the options, or use an account that can see the object"
RIGHT = "use an account whose admin profile has the permission"
OTHER = "choose another name"
# The numbers that users of FortiOS have collected: the beginning of the cause, and of the remedy.
NUMBERS = {
    -1: ("a value is too long or invalid", COMPARE),
    -2: ("a number is out of range", COMPARE),
    -3: ("a referenced object does not exist, or this account cannot see it", NAMES),
    -4: ("the table is full", "delete objects that are no longer needed"),
    -5: ("an object of this name already exists", OTHER),
    -7: ("a value conflicts", COMPARE),
    -8: ("an IP address is invalid", COMPARE),
    -9: ("a netmask is invalid", COMPARE),
    -13: ("a timeout is out of range", COMPARE),
    -14: ("permission denied", RIGHT),
    -15: ("an entry is listed twice", "list it once"),
    -20: ("a value is blank", "set the empty option"),
    -23: ("it is still in use", "first delete what refers to it"),
    -37: ("permission denied", RIGHT),
    -50: ("a value has the wrong format", COMPARE),
    -56: ("a required value is empty", "set the empty option"),
    -61: ("the command behind the request failed", COMPARE),
    -72: ("a value is too long", "shorten it"),
    -100: ("a user of this name already exists", OTHER),
    -130: ("a date is invalid", COMPARE),
    -166: ("the name is too long", OTHER),
    -203: ("the credentials in the request are not accepted", "check the password"),
    -204: ("the credentials in the request are not accepted", "check the password"),
    -515: ("the name is reserved", OTHER),
    -560: ("the name is reserved", OTHER),
    -650: ("a number is out of range", COMPARE),
    -651: ("a value is invalid", COMPARE),
    -672: ("it rejects the profile", "leave the cli options out, or set them manually"),
    -8102: (
        "from FortiOS 7.6.5 on, this request requires the administrator's own password",
        "set username and password instead of token",
    ),
    -4711: ("it gave no reason", "check its event log"),
}
SAID = {
    "text": ("value parse error before 'x'\nCommand fail.\n", "(value parse error before 'x', Command fail)"),
    "list": (["parse error", "fail."], "(parse error, fail)"),
}

HTML = "an HTML page where JSON was expected"
STATUSES = {
    400: (Refused, "it rejects the request as malformed; report the message with the FortiOS version"),
    401: (Refused, "the credentials are not accepted, or this source address is not one of"),
    403: (Refused, "permission denied: "),
    404: (Refused, "the object no longer exists, as if another administrator had deleted it; run again"),
    405: (
        Refused,
        "the operation does not exist, which some releases also answer for a deleted object; run again",
    ),
    413: (Refused, "the request is too large; set fewer values in one task"),
    424: (Refused, "a value in the request is missing, duplicate or invalid; check"),
    429: (Locked, "this source address is locked out after failed logins; wait 60 s"),
    500: (ApplianceError, "it gave no reason; check its event log"),
    503: (ApplianceError, "its API is not available; wait, because it may be starting, and run again"),
}
# An HTML page says less than an envelope, because it may not even come from the API.
IN_HTML = {
    403: (Refused, "permission denied by the web server, before the request reached the API; check"),
    404: (ApplianceError, f"it answered with {HTML}; check host and port in url"),
    500: (ApplianceError, f"it answered with {HTML}; check its event log"),
}


@pytest.fixture(autouse=True)
def _nothing_was_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start every test without remembered refusals, like a new process."""
    monkeypatch.setattr(login, "REFUSED", {})


def envelope(status: int, **more: Any) -> dict[str, Any]:
    """Return the envelope of an error about profiles."""
    about = {"path": "system", "name": "accprofile", "vdom": "root", "version": "v7.4.5", "build": 2702}
    return {"http_method": "POST", **about, "status": "error", "http_status": status, **more}


def refused(lab: Lab, kind: str, **fault: Any) -> ApplianceError:
    """Create a profile in a session, which fails. Return the error after the usual checks."""
    lab.fault(FORTIGATE, kind, {"path_prefix": PATH}, **fault)
    appliance = lab.appliances[FORTIGATE]
    account = {**appliance["credentials"], "token": None}
    connection = {**CONNECTION, "ca_path": lab.ca_path, "timeout": 10, "vdom": None}
    with (
        pytest.raises(ApplianceError) as caught,
        closing(FortiGate({**connection, "url": appliance["url"], **account})) as box,
        attempting('creating admin profile "plant"'),
    ):
        box.create(PROFILE, "plant", {"name": "plant"})
    sentence = caught.value.sentence("fgt")
    assert sentence.startswith('fgt: creating admin profile "plant" ')
    assert "\n" not in sentence
    assert ".." not in sentence
    assert len(sentence) < LONGEST_SENTENCE
    assert (caught.value.status, caught.value.path) == (fault["status"], PATH)
    assert [call["method"] for call in lab.calls(FORTIGATE)] == ["POST", "POST", "DELETE"]
    assert lab.state(FORTIGATE)["sessions"] == []
    return caught.value


@pytest.mark.parametrize("form", SAID)
@pytest.mark.parametrize("code", NUMBERS)
def test_an_error_number_gets_its_meaning_what_was_said_and_a_next_step(
    lab: Lab, code: int, form: str
) -> None:
    (cli_error, said), (meaning, step) = SAID[form], NUMBERS[code]
    error = refused(lab, "status", status=500, body=envelope(500, error=code, cli_error=cli_error))
    assert isinstance(error, Refused) is (code not in (-61, -4711))
    assert error.code == code
    assert error.reason.startswith(meaning)
    assert f" {said}; {step}" in error.reason


def test_every_number_with_a_meaning_is_in_the_table() -> None:
    assert {*MEANINGS} == {*NUMBERS} - {-4711}


@pytest.mark.parametrize("status", STATUSES)
def test_a_status_without_a_number_tells_what_to_do(lab: Lab, status: int) -> None:
    kind, says = STATUSES[status]
    error = refused(lab, "status", status=status, body=envelope(status))
    assert error.__class__ is kind
    assert error.reason.startswith(says)


@pytest.mark.parametrize("status", STATUSES)
def test_a_page_of_html_tells_what_to_do_too(lab: Lab, status: int) -> None:
    kind, says = {**STATUSES, **IN_HTML}[status]
    error = refused(lab, "html", status=status)
    assert error.__class__ is kind
    assert error.reason.startswith(says)


def test_a_lock_out_lasts_as_long_as_the_fortigate_says(lab: Lab) -> None:
    error = refused(lab, "html", status=429, headers={"Retry-After": "240"})
    assert "wait 240 s, then run again" in error.reason
