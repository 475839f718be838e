# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a FortiGate's answers mean: its envelopes, and every refusal as a sentence that says what to do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .._engine.errors import ApplianceError, Locked, Refused
from .._engine.resource import Resource
from .._wire.https import Response

CHECK_VALUES = "compare the options with what the FortiGate's own console accepts"
CHECK_NAMES = "check the names in the options, or use an account that may see the object"
CHECK_ACCOUNT = "use an account whose admin profile has the right, for REST API admins super_admin"
OTHER_NAME = "choose another name"
RUN_AGAIN = "run again, and see what it holds now"
LOOK_INTO_LOG = "look at its event log"
REPORT = "report it together with the FortiOS version"

PASSWORD_REQUIRED = -8102
LONGEST_REMARK = 300
FIRMWARE = re.compile(r"v(\d+(?:\.\d+){2})")

MEANINGS = {
    -1: ("a value is too long or not valid", CHECK_VALUES),
    -2: ("a number is outside of what it can hold", CHECK_VALUES),
    -3: ("an object that it names does not exist, or is hidden from this account", CHECK_NAMES),
    -4: ("the table is full", "remove what is not needed any more"),
    -5: (
        "an object of that name exists already, and this account may not be allowed to see it",
        "choose another name, or use an account that sees it, such as one with super_admin",
    ),
    -7: ("a value conflicts with another one", CHECK_VALUES),
    -8: ("an IP address is not valid", CHECK_VALUES),
    -9: ("a netmask is not valid", CHECK_VALUES),
    -13: ("a timeout is outside of what it accepts", CHECK_VALUES),
    -14: ("permission denied", CHECK_ACCOUNT),
    -15: ("an entry is given twice", "give it once"),
    -20: ("a value is blank", "give it"),
    -23: ("it is still in use", "remove what refers to it first"),
    -37: ("permission denied", f"{CHECK_ACCOUNT}; nobody may change what FortiOS itself brings along"),
    -50: ("a value is not in the form that it expects", CHECK_VALUES),
    -56: ("a required value is empty", "give it"),
    -61: ("the command behind the request failed", CHECK_VALUES),
    -72: ("a value is too long", "shorten it"),
    -100: ("a user of that name exists already", OTHER_NAME),
    -130: ("a date is not valid", CHECK_VALUES),
    -166: ("the name is too long", OTHER_NAME),
    -203: ("it does not accept the credentials in the request", "check the password"),
    -204: ("it does not accept the credentials in the request", "check the password"),
    -515: ("the name is reserved", OTHER_NAME),
    -560: ("the name is reserved", OTHER_NAME),
    -650: ("a number is outside of what it accepts", CHECK_VALUES),
    -651: ("a value is not one that it accepts", CHECK_VALUES),
    -672: (
        "it does not take the profile, for a reason that nobody has published; cli options were involved",
        "leave them out, or set them by hand",
    ),
    PASSWORD_REQUIRED: (
        "from FortiOS 7.6.5 on it wants the administrator's own password with this",
        "give password beside token, or username and password",
    ),
}
"""The error numbers of FortiOS: what each means, and what to do.

Collected by its users; -3, -5, -23, -37, -56, -651, -672 and -8102 were seen in published logs.
"""

MEANINGS_WITH_PASSWORD = {
    **MEANINGS,
    PASSWORD_REQUIRED: (
        "the password is not the one that it wants with this: it is wrong, or does not go with a token",
        "check it before running again, for this may count as a failed login, and log in with username and "
        "password instead of token",
    ),
}
"""The same for requests that carried the administrator's password. What a wrong one gets is not known."""

STATUSES = {
    400: ("it takes the request for malformed", REPORT),
    404: ("the object is not there, as if somebody had removed it meanwhile", RUN_AGAIN),
    405: (
        "it has no such operation, which some releases also say of an object that is gone",
        f"{RUN_AGAIN}; if it says the same, {REPORT}",
    ),
    413: ("the request is larger than it accepts", "give less in one task, such as fewer trusted hosts"),
    424: ("something in the request is missing, given twice or not valid", CHECK_VALUES),
}
"""What a status says where the answer holds no error number."""

UNCLEAR_NUMBERS = frozenset({-61})
"""The error numbers of a command that failed while it ran, so that it may have had an effect."""

WHATEVER_THE_BODY = (400, 405, 413, 424)
"""Statuses that say that nothing was done, whether the API or the web server before it gives them."""

NO_REASON = ("it gave no reason", LOOK_INTO_LOG)


def refuse_http(answer: Response) -> None:
    """Raise for what the web server or the login layer refuses, before any envelope exists."""
    if answer.status == 401:
        raise unauthorized(answer)
    if answer.status == 403:
        raise _denied(answer)
    if answer.status == 429:
        raise locked(answer)
    if answer.status == 503:
        raise _at(answer, ApplianceError, "its API is not at work: it may be starting, so wait and run again")


def unauthorized(answer: Response) -> ApplianceError:
    """Return the error of an account that is not known, or not from this source."""
    return _at(
        answer,
        Refused,
        "the credentials are not accepted, or this source address is not among the account's trusted hosts "
        "(FortiOS answers both alike): check both before running again, for three failures lock this source "
        "out",
    )


def locked(answer: Response, code: int | None = None) -> Locked:
    """Return the error of a source that is locked out; a ``Retry-After`` was never seen, but is believed."""
    seconds = answer.retry_after
    wait = "wait 60 s, each further time twice as long" if seconds is None else f"wait {seconds} s"
    return Locked(
        f"this source address is locked out after failed logins: {wait}, then run again with the right "
        "credentials",
        status=answer.status,
        code=code,
        path=answer.path,
    )


def _denied(answer: Response) -> ApplianceError:
    if not is_json(answer):
        return _at(
            answer,
            Refused,
            "permission denied: the web server refused the request before the API saw it, so check the "
            "account's trusted hosts, and what filters requests on the way",
        )
    return Refused(
        "permission denied: the account's admin profile lacks the right (for REST API admins that is "
        "super_admin), or the VDOM is not one of the account's, so use an account that may",
        status=answer.status,
        code=_number(answer.json()),
        path=answer.path,
    )


def is_envelope(answer: Response, resource: Resource) -> bool:
    """Say whether an answer is FortiOS's own and about the resource. Raises ApplianceError if not JSON."""
    reply = answer.json()
    return isinstance(reply, dict) and f"{reply.get('path')}/{reply.get('name')}" == resource.path


def envelope(answer: Response, resource: Resource, meanings: Mapping[int, tuple[str, str]]) -> dict[str, Any]:
    """Return a well-formed answer of success about the resource asked for; raise for everything else.

    ``meanings`` are those of the error numbers, as MEANINGS has them.
    """
    refuse_http(answer)
    if answer.status in WHATEVER_THE_BODY and not is_json(answer):
        raise _at(answer, Refused, ": ".join(STATUSES[answer.status]))
    if not is_envelope(answer, resource):
        raise malformed(answer, f"it is not about {resource.path}{answer.hint}")
    reply = dict(answer.json())
    if reply.get("status") == "success" and answer.status == 200:
        return reply
    code = _number(reply)
    what, do = meanings.get(code or 0) or STATUSES.get(answer.status, NO_REASON)
    error = Refused if _proves_refusal(answer.status, code) else ApplianceError
    raise error(f"{what}{_said(reply)}: {do}", status=answer.status, code=code, path=answer.path)


def _proves_refusal(status: int, code: int | None) -> bool:
    """Return whether nothing was done. FortiOS answers 500 and an error number to refusals too (observed)."""
    return status in STATUSES or (code in MEANINGS and code not in UNCLEAR_NUMBERS)


def _number(reply: Any) -> int | None:
    number = reply.get("error") if isinstance(reply, dict) else None
    return number if isinstance(number, int) else None


def is_json(answer: Response) -> bool:
    """Say whether an answer looks like JSON, whatever its headers claim."""
    return answer.text.lstrip()[:1] in ("{", "[")


def _said(reply: Mapping[str, Any]) -> str:
    """Return what the command line behind the API said; a text up to 7.2, a list from 7.4.5 on (observed)."""
    said = reply.get("cli_error")
    lines = "\n".join(line for line in (said if isinstance(said, list) else [said]) if isinstance(line, str))
    remark = "; ".join(line.strip().rstrip(".") for line in lines.splitlines() if line.strip())
    printable = "".join(letter for letter in remark if letter.isprintable())[:LONGEST_REMARK]
    return f" ({printable})" if printable else ""


def firmware(reply: Mapping[str, Any]) -> str | None:
    """Return the version in an envelope, ``7.4.5`` for ``v7.4.5``; None where it is of another form."""
    found = FIRMWARE.match(str(reply.get("version")))
    return found[1] if found else None


def rows(answer: Response, reply: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the objects in an envelope; FortiOS gives a list even for one."""
    results = reply.get("results")
    if not isinstance(results, list) or not all(isinstance(row, dict) for row in results):
        raise malformed(answer, "its results are not a list of objects")
    return results


def malformed(answer: Response, what: str) -> ApplianceError:
    """Return the error of an answer that means nothing, so that what became of the request is unknown."""
    return _at(answer, ApplianceError, f"the answer is not usable: {what}")


def _at(answer: Response, error: type[ApplianceError], reason: str) -> ApplianceError:
    return error(reason, status=answer.status, path=answer.path)
