# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a FortiGate's answers mean: its envelopes, and the cause and the remedy of each refusal."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .._engine.errors import ApplianceError, Locked, Refused
from .._engine.resource import Resource
from .._wire.https import Response

CHECK_VALUES = "check which values the FortiGate's console accepts, and correct the options"
CHECK_NAMES = "check the names in the options, or use an account that can see the object"
CHECK_ACCOUNT = (
    "use an account whose admin profile has the permission (REST API administrators require super_admin)"
)
OTHER_NAME = "choose another name"
RUN_AGAIN = "run again to work on its current configuration"
CHECK_LOG = "check its event log"
REPORT = "report the message with the FortiOS version"

PASSWORD_REQUIRED = -8102
MAX_REMARK = 300
FIRMWARE = re.compile(r"v(\d+(?:\.\d+){2})")

MEANINGS = {
    -1: ("a value is too long or invalid", CHECK_VALUES),
    -2: ("a number is out of range", CHECK_VALUES),
    -3: ("a referenced object does not exist, or this account cannot see it", CHECK_NAMES),
    -4: ("the table is full", "delete objects that are no longer needed"),
    -5: (
        "an object of this name already exists, and this account may be unable to see it",
        "choose another name, or use an account that can see it, such as one with super_admin",
    ),
    -7: ("a value conflicts with another one", CHECK_VALUES),
    -8: ("an IP address is invalid", CHECK_VALUES),
    -9: ("a netmask is invalid", CHECK_VALUES),
    -13: ("a timeout is out of range", CHECK_VALUES),
    -14: ("permission denied", CHECK_ACCOUNT),
    -15: ("an entry is listed twice", "list it once"),
    -20: ("a value is blank", "set the empty option"),
    -23: ("it is still in use", "first delete what refers to it"),
    -37: ("permission denied, which it also answers to every change of a built-in object", CHECK_ACCOUNT),
    -50: ("a value has the wrong format", CHECK_VALUES),
    -56: ("a required value is empty", "set the empty option"),
    -61: ("the command behind the request failed", CHECK_VALUES),
    -72: ("a value is too long", "shorten it"),
    -100: ("a user of this name already exists", OTHER_NAME),
    -130: ("a date is invalid", CHECK_VALUES),
    -166: ("the name is too long", OTHER_NAME),
    -203: ("the credentials in the request are not accepted", "check the password"),
    -204: ("the credentials in the request are not accepted", "check the password"),
    -515: ("the name is reserved", OTHER_NAME),
    -560: ("the name is reserved", OTHER_NAME),
    -650: ("a number is out of range", CHECK_VALUES),
    -651: ("a value is invalid", CHECK_VALUES),
    -672: (
        "it rejects the profile (the cause is not published, and cli options were involved)",
        "leave the cli options out, or set them manually",
    ),
    PASSWORD_REQUIRED: (
        "from FortiOS 7.6.5 on, this request requires the administrator's own password",
        "set username and password instead of token",
    ),
}
"""The cause and the remedy of each error number of FortiOS.

The list was collected by users; -3, -5, -23, -37, -56, -651, -672 and -8102 were seen in published logs.
"""

MEANINGS_WITH_PASSWORD = {
    **MEANINGS,
    PASSWORD_REQUIRED: (
        "the password is not accepted: it is wrong, or FortiOS does not accept it together with a token",
        "check it before you run again, because this may count as a failed login, and use username and "
        "password instead of token",
    ),
}
"""The same for requests with the administrator's password. The answer to a wrong one is not known."""

STATUSES = {
    400: ("it rejects the request as malformed", REPORT),
    404: ("the object no longer exists, as if another administrator had deleted it", RUN_AGAIN),
    405: (
        "the operation does not exist, which some releases also answer for a deleted object",
        f"{RUN_AGAIN}, and if the message repeats, {REPORT}",
    ),
    413: ("the request is too large", "set fewer values in one task, such as fewer trusted hosts"),
    424: ("a value in the request is missing, duplicate or invalid", CHECK_VALUES),
}
"""The cause and the remedy of a status, if the answer contains no known error number."""

UNCLEAR_NUMBERS = frozenset({-61})
"""The error numbers of a command that failed while it ran, so that it may have had an effect."""

WITH_ANY_BODY = (400, 405, 413, 424)
"""Statuses that prove that nothing was done, whether the API or its web server answers."""

NOT_AVAILABLE = ("its API is not available", "wait, because it may be starting, and run again")
NO_REASON = ("it gave no reason", CHECK_LOG)


def refuse_http(answer: Response, vdom: str | None = None) -> None:
    """Raise for what the web server or the login layer refuses, without an envelope.

    ``vdom`` is the VDOM that the request named.
    """
    if answer.status == 401:
        raise unauthorized(answer)
    if answer.status == 403:
        raise _denied(answer, vdom)
    if answer.status == 429:
        raise locked(answer)
    if answer.status == 503:
        raise _at(answer, ApplianceError, *NOT_AVAILABLE)


def unauthorized(answer: Response) -> ApplianceError:
    """Return the error of an account that is unknown, or not trusted from this source address."""
    return _at(
        answer,
        Refused,
        "the credentials are not accepted, or this source address is not one of the account's trusted hosts "
        "(FortiOS answers both alike)",
        "check both before you run again, because three failures lock this source address out",
    )


def locked(answer: Response, code: int | None = None) -> Locked:
    """Return the error of a locked-out source. ``Retry-After`` is used if present, but was never observed."""
    seconds = answer.retry_after
    wait = "wait 60 s (each further lockout lasts twice as long)" if seconds is None else f"wait {seconds} s"
    return Locked(
        "this source address is locked out after failed logins",
        f"{wait}, then run again with correct credentials",
        status=answer.status,
        code=code,
        path=answer.path,
    )


def _denied(answer: Response, vdom: str | None) -> ApplianceError:
    if not is_json(answer):
        return _at(
            answer,
            Refused,
            "permission denied by the web server, before the request reached the API",
            "check the account's trusted hosts, and filters between this host and the FortiGate",
        )
    place = f'VDOM "{vdom}"' if vdom else "the management VDOM, which is used without vdom"
    return Refused(
        "permission denied: the account's admin profile lacks the permission, or the account has no access "
        f"to {place}",
        f"{CHECK_ACCOUNT}, or set vdom to a VDOM of the account",
        status=answer.status,
        code=_number(answer.json()),
        path=answer.path,
    )


def is_envelope(answer: Response, path: str) -> bool:
    """Return whether FortiOS itself answered about a path. Raises ApplianceError if it is not JSON."""
    reply = answer.json()
    return isinstance(reply, dict) and f"{reply.get('path')}/{reply.get('name')}" == path


def envelope(
    answer: Response,
    resource: Resource,
    vdom: str | None,
    meanings: Mapping[int, tuple[str, str]],
) -> dict[str, Any]:
    """Return the envelope of a success about the resource. Raises ApplianceError for everything else.

    ``vdom`` is the VDOM that the request named. ``meanings`` has the form of MEANINGS.
    """
    refuse_http(answer, vdom)
    if answer.status in WITH_ANY_BODY and not is_json(answer):
        raise _at(answer, Refused, *STATUSES[answer.status])
    if not is_envelope(answer, resource.path):
        raise malformed(answer, f"it is not about {resource.path}", answer.hint)
    reply = dict(answer.json())
    if reply.get("status") == "success" and answer.status == 200:
        return reply
    code = _number(reply)
    why, remedy = meanings.get(code or 0) or STATUSES.get(answer.status, NO_REASON)
    error = Refused if _proves_refusal(answer.status, code) else ApplianceError
    raise error(f"{why}{_remark(reply)}", remedy, status=answer.status, code=code, path=answer.path)


def _proves_refusal(status: int, code: int | None) -> bool:
    """Return whether nothing was done. FortiOS answers 500 and an error number to refusals too (observed)."""
    return status in STATUSES or (code in MEANINGS and code not in UNCLEAR_NUMBERS)


def _number(reply: Any) -> int | None:
    number = reply.get("error") if isinstance(reply, dict) else None
    return number if isinstance(number, int) else None


def is_json(answer: Response) -> bool:
    """Return whether the body looks like JSON, regardless of the headers."""
    return answer.text.lstrip()[:1] in ("{", "[")


def _remark(reply: Mapping[str, Any]) -> str:
    """Return the CLI's own message in parentheses: a text up to 7.2, a list from 7.4.5 on (observed)."""
    said = reply.get("cli_error")
    lines = "\n".join(line for line in (said if isinstance(said, list) else [said]) if isinstance(line, str))
    remark = ", ".join(line.strip().rstrip(".") for line in lines.splitlines() if line.strip())
    printable = "".join(letter for letter in remark if letter.isprintable())[:MAX_REMARK]
    return f" ({printable})" if printable else ""


def firmware(reply: Mapping[str, Any]) -> str | None:
    """Return the version in an envelope, ``7.4.5`` for ``v7.4.5``, or None for any other form."""
    found = FIRMWARE.match(str(reply.get("version")))
    return found[1] if found else None


def partition(reply: Mapping[str, Any]) -> str | None:
    """Return the VDOM in an envelope: without ``vdom`` in the request, the management VDOM."""
    vdom = reply.get("vdom")
    return vdom if isinstance(vdom, str) and vdom else None


def unit(reply: Mapping[str, Any]) -> str | None:
    """Return the serial number in an envelope: in a cluster, that of the unit that answers."""
    serial = reply.get("serial")
    return serial if isinstance(serial, str) and serial else None


def rows(answer: Response, reply: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the objects in an envelope, which are a list even for one object."""
    results = reply.get("results")
    if not isinstance(results, list) or not all(isinstance(row, dict) for row in results):
        raise malformed(answer, "its results are not a list of objects", REPORT)
    return results


def malformed(answer: Response, what: str, remedy: str) -> ApplianceError:
    """Return the error of an unusable answer, which leaves the result of the request unknown."""
    return _at(answer, ApplianceError, f"the answer is unusable: {what}", remedy)


def _at(answer: Response, error: type[ApplianceError], why: str, remedy: str) -> ApplianceError:
    return error(why, remedy, status=answer.status, path=answer.path)
