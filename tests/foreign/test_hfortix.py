# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A third-party Python library: it reads, writes and fails on the lab as documented."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from select import select
from typing import Any
from urllib.parse import urlsplit

import pytest

from ansible_collections.otsec.defender_iot.tests.support.foreign import ENVIRONMENT, VERSIONS
from ansible_collections.otsec.defender_iot.tests.support.lab import Lab
from ansible_collections.otsec.defender_iot.tests.support.patience import wait_for

SESSION = Path(__file__).with_name("hfortix_session.py")
PROFILES = ["super_admin_readonly", "super_admin", "prof_admin"]
# The numbers of the lab's initial policies.
SEEDS = [1, 2, 4, 5, 7]
NOT_FOUND = ["ResourceNotFoundError", 404]
NEEDS_PASSWORD = ["ServerError", -8102]
# The web server answers a change without a valid CSRF token in HTML.
NO_JSON = ["HTTPStatusError", None]

WORKS: dict[str, Any] = {
    "create a profile": True,
    "create it twice": ["DuplicateEntryError", -5],
    "read the profile": "read",
    "change the profile": True,
    "keep the profile": False,
    "set an unknown value": ["InvalidValueError", -651],
    "find profiles": PROFILES,
    "create an admin": "sdk",
    "read the admin": "192.0.2.11 255.255.255.255",
    "generate a key": 30,
    "delete a profile in use": ["EntryInUseError", -23],
    "change the admin": True,
    "refer to an unknown profile": ["ResourceNotFoundError", -3],
    "create an address": True,
    "read the address": "192.0.2.7 255.255.255.255",
    "create a group": True,
    "create a policy": 8,
    "move the policy": True,
    "read the order": [8, *SEEDS],
    "look the policy up": 8,
    "delete an address in use": ["EntryInUseError", -23],
    "delete the policy": True,
    "delete the admin": True,
    "delete the profile": True,
    "delete it twice": NOT_FOUND,
    "read a missing profile": NOT_FOUND,
}
# It never sends the administrator's password, which 7.6.5 requires for a change of an administrator.
WORKS_WITHOUT_ADMINS = WORKS | {
    "create an admin": NEEDS_PASSWORD,
    "read the admin": NOT_FOUND,
    "generate a key": NEEDS_PASSWORD,
    "delete a profile in use": True,
    "change the admin": NEEDS_PASSWORD,
    "refer to an unknown profile": NEEDS_PASSWORD,
    "delete the admin": NEEDS_PASSWORD,
    "delete the profile": NOT_FOUND,
}
READS_ONLY = dict.fromkeys(WORKS, NO_JSON) | {
    "read the profile": NOT_FOUND,
    "find profiles": PROFILES,
    "read the admin": NOT_FOUND,
    "read the address": NOT_FOUND,
    "read the order": SEEDS,
    "look the policy up": 1,
    "read a missing profile": NOT_FOUND,
}
# It supports the cookies of the web login only up to 7.6.2.
NO_LOGIN = {"log in": "Login succeeded but no CSRF token found in response"}


@pytest.fixture(scope="module")
def library(running_lab: Lab) -> Iterator[subprocess.Popen[str]]:
    """The library in a process, shared by all tests because its import takes seconds."""
    with subprocess.Popen(
        [str(ENVIRONMENT / "bin" / "python"), str(SESSION)],
        env={**os.environ, "SSL_CERT_FILE": running_lab.ca_path},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.stdin.close()


def _sessions(
    library: subprocess.Popen[str], lab: Lab, versions: tuple[str, ...], *credentials: str
) -> dict[str, Any]:
    """Run the library's steps on some FortiGates, with some of their credentials."""
    given = {}
    for name in versions:
        appliance = lab.appliances[name]
        url = urlsplit(appliance["url"])
        account = {each: appliance["credentials"][each] for each in credentials}
        given[name] = {"place": {"host": url.hostname, "port": url.port}, "account": account}
    print(json.dumps(given), file=library.stdin, flush=True)
    wait_for(lambda: select([library.stdout], [], [], 1)[0])
    return json.loads(library.stdout.readline())


def _works(version: str, outcomes: dict[str, Any]) -> dict[str, Any]:
    return {"read the status": f"v{version}", **outcomes}


def test_with_a_token(lab: Lab, library: subprocess.Popen[str]) -> None:
    expected = {version: _works(version, WORKS) for version in VERSIONS}
    expected["7.6.5"] = _works("7.6.5", WORKS_WITHOUT_ADMINS)
    assert _sessions(library, lab, VERSIONS, "token") == expected


def test_with_a_password(lab: Lab, library: subprocess.Popen[str]) -> None:
    """It sends the CSRF token with the quotes of its cookie. Whether FortiGates accept that is unknown."""
    for version in VERSIONS:
        lab.switch(version, quoted_csrf_token="accept")
    expected = {version: _works(version, WORKS) for version in VERSIONS}
    expected["7.6.5"] = NO_LOGIN
    assert _sessions(library, lab, VERSIONS, "username", "password") == expected
    assert [lab.state(version)["sessions"] for version in VERSIONS] == [[]] * len(VERSIONS)


def test_with_a_password_and_a_csrf_token_that_must_have_no_quotes(
    lab: Lab, library: subprocess.Popen[str]
) -> None:
    version = "7.4.5"
    expected = {version: _works(version, READS_ONLY)}
    assert _sessions(library, lab, (version,), "username", "password") == expected
