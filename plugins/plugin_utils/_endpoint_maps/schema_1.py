# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Endpoint maps of schema 1, which knew three kinds of login, as maps of schema 2."""

from __future__ import annotations

import copy
from typing import Any

SESSION, CSRF = "session", "csrf"
READS = ("GET",)


def is_schema_1(endpoints: Any) -> bool:
    """Return whether something is a map of schema 1 that can be translated."""
    return (
        isinstance(endpoints, dict)
        and endpoints.get("schema") == 1
        and isinstance(endpoints.get("login"), dict)
        and "kind" in endpoints["login"]
    )


def translated(endpoints: dict[str, Any]) -> dict[str, Any]:
    """Return a map of schema 1 in schema 2.

    Raises LookupError, TypeError or AttributeError for what is no such map.
    """
    made = copy.deepcopy(endpoints)
    old = made.pop("login")
    made["schema"] = 2
    made["login"] = LOGINS[old["kind"]](old)
    delete = made.get("tokens", {}).get("delete")
    if delete is not None:
        delete.setdefault("provenance", made["provenance"])
    if "csrf" in old:
        _add_csrf_header(made, old["csrf"]["header"])
    return made


def _token(old: dict[str, Any]) -> dict[str, Any]:
    return {"steps": [], "headers": {"Authorization": old["header"]}, **_logout(old)}


def _bearer(old: dict[str, Any]) -> dict[str, Any]:
    request = {**old["request"], "capture": {"access": old["token"]}}
    header = old["header"].replace("{token}", "{access}")
    return {"steps": [*_before(old), request], "headers": {"Authorization": header}, **_logout(old)}


def _cookies(old: dict[str, Any]) -> dict[str, Any]:
    capture = {SESSION: {"cookie": old["session_cookie"]}}
    if "csrf" in old and "before" not in old:
        capture[CSRF] = {"cookie": old["csrf"]["cookie"]}
    return {"steps": [*_before(old), {**old["request"], "capture": capture}], **_logout(old)}


def _before(old: dict[str, Any]) -> list[dict[str, Any]]:
    if "before" not in old:
        return []
    page = {"method": "GET", "path": old["before"], "success": [200]}
    csrf = {"capture": {CSRF: {"cookie": old["csrf"]["cookie"]}}} if "csrf" in old else {}
    return [{**page, **csrf}]


def _logout(old: dict[str, Any]) -> dict[str, Any]:
    return {"logout": old["logout"]} if "logout" in old else {}


def _add_csrf_header(made: dict[str, Any], header: str) -> None:
    """Add the CSRF header to every write, and to the steps of the login after the first."""
    login = made["login"]
    groups = [made.get("tokens", {}), made.get("settings", {})]
    writes = (
        [each for group in groups for each in group.values()] + [login.get("logout")] + login["steps"][1:]
    )
    for each in writes:
        if each and each["method"] not in READS:
            each["headers"] = {**each.get("headers", {}), header: f"{{{CSRF}}}"}


LOGINS = {"token": _token, "bearer": _bearer, "cookies": _cookies}
