# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An appliance's own web interface, as an endpoint map describes it.

No vendor documents these interfaces, so this file has no knowledge of them. Paths, fields and the login come
from the map, which was validated when it was loaded.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .._engine.errors import ApplianceError, InvalidOptions, Refused, Unsupported, attempting
from .._engine.moment import as_text, read_moment
from .._engine.version import fits
from .https import Http, Response, quoted

READS = ("list", "read")
"""The operations of an endpoint map that change nothing."""

PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
CHECK_MAP = "check the endpoint map against this version of the appliance"


def fill(template: Any, values: Mapping[str, Any]) -> Any:
    """Replace every ``{name}`` in a template, at any depth.

    A text that is only ``{name}`` becomes the value itself, so a number stays a number.
    """
    if isinstance(template, Mapping):
        return {name: fill(part, values) for name, part in template.items()}
    if isinstance(template, list):
        return [fill(part, values) for part in template]
    if isinstance(template, str):
        alone = PLACEHOLDER.fullmatch(template)
        if alone:
            return values[alone[1]]
        return PLACEHOLDER.sub(lambda match: str(values[match[1]]), template)
    return template


def fill_path(template: str, values: Mapping[str, Any]) -> str:
    """Replace every ``{name}`` in a path. Raises Unsupported for a value that a path cannot contain."""
    segments = {name: _segment(name, values[name]) for name in PLACEHOLDER.findall(template)}
    return str(fill(template, segments))


def _segment(name: str, value: Any) -> str:
    """Percent-encode a value. Without one, the path would address all objects."""
    if value is None:
        raise Unsupported(
            f"the endpoint map's path needs {name}, which has no value",
            "check the fields in the endpoint map",
        )
    return quoted(str(value))


def pointed(document: Any, pointer: str) -> Any:
    """Return the value at a JSON pointer (RFC 6901). Raises LookupError."""
    for token in pointer.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        document = _item(document, name) if isinstance(document, list) else _member(document, name)
    return document


def _item(document: list[Any], name: str) -> Any:
    if not name.isdecimal():
        raise LookupError(name)
    return document[int(name)]


def _member(document: Any, name: str) -> Any:
    if not isinstance(document, Mapping):
        raise LookupError(name)
    return document[name]


def require_login(product: str, params: Mapping[str, Any]) -> None:
    """Raise InvalidOptions if the map is for another product, or its login needs options that are not set."""
    endpoints = params["endpoint_map"]
    if endpoints["product"] != product:
        raise InvalidOptions(
            f"the endpoint map is for a {endpoints['product']}, not for a {product}",
            f"set endpoints to a map for a {product}",
        )
    needed = ["token"] if endpoints["login"]["kind"] == "token" else ["username", "password"]
    missing = [option for option in needed if not params[option]]
    if missing:
        raise InvalidOptions(
            f"the endpoint map logs in with {' and '.join(needed)}", f"set {' and '.join(missing)}"
        )


class WebInterface:
    """A session with an appliance's web interface. Logs in once, before the first operation."""

    def __init__(self, http: Http, params: Mapping[str, Any]) -> None:
        self.http = http
        self.map = params["endpoint_map"]
        self.credentials = {name: params[name] for name in ("token", "username", "password")}
        self.headers: dict[str, str] = {}
        self.logged_in = False

    def listed(self, group: str) -> list[dict[str, Any]]:
        """Return every row of the group's ``list`` operation, by the map's field names."""
        operation, answer = self._call(group, "list", {})
        items = _picked(answer, answer.json(), operation.get("items", ""))
        if not isinstance(items, list):
            raise _misfit(answer, f'the pointer "{operation.get("items", "")}" finds no list in it')
        return [_row(operation, answer, item) for item in items]

    def read(self, group: str) -> dict[str, Any]:
        """Return the answer to the group's ``read`` operation, by the map's field names."""
        operation, answer = self._call(group, "read", {})
        return _row(operation, answer, answer.json())

    def write(self, group: str, name: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Carry out an operation that writes. Return the map's fields from the answer."""
        operation, answer = self._call(group, name, values)
        return _row(operation, answer, answer.json()) if operation.get("fields") else {}

    def close(self) -> None:
        """Log out if the map describes it, and close the connection."""
        logout = self.map["login"].get("logout")
        try:
            if self.logged_in and logout:
                self._send(logout, {})
        except ApplianceError:
            pass
        finally:
            self.http.close()

    def _call(self, group: str, name: str, values: Mapping[str, Any]) -> tuple[Mapping[str, Any], Response]:
        operation = self.map.get(group, {}).get(name)
        if operation is None:
            raise Unsupported(
                f"the endpoint map has no operation {group}.{name}, and no public interface offers it",
                f"add {group}.{name} to the endpoint map",
            )
        if not self.logged_in:
            with attempting(f'logging in as "{self.credentials["username"] or "token"}"'):
                self._log_in(self.map["login"])
            self.logged_in = True
        answer = self._send(operation, values)
        if answer.status not in operation["success"]:
            raise _unexpected(answer)
        if "version" in operation:
            version = str(_picked(answer, answer.json(), operation["version"]))
            # Unsupported means that nothing was done, but a write has been carried out by now.
            self._require_version(answer, version, Unsupported if name in READS else ApplianceError)
        return operation, answer

    def _require_version(self, answer: Response, version: str, error: type[ApplianceError]) -> None:
        """Raise the error for a version that the map is not for: the web interface may have changed."""
        if not fits(version, self.map["versions"]):
            raise error(
                f"the endpoint map is for versions {self.map['versions']}, and the appliance runs {version}",
                "check the map against this version, then add the version to the map's versions",
                path=answer.path,
            )

    def _send(self, operation: Mapping[str, Any], values: Mapping[str, Any]) -> Response:
        path = fill_path(operation["path"], values)
        content = {form: fill(operation[form], values) for form in ("json", "form") if form in operation}
        if "form" in content:
            content["data"] = content.pop("form")
        return self.http.request(operation["method"], path, headers=self._headers(operation), **content)

    def _headers(self, operation: Mapping[str, Any]) -> dict[str, str]:
        headers = {**self.headers, **operation.get("headers", {})}
        csrf = self.map["login"].get("csrf")
        if not csrf or operation["method"] == "GET":
            return headers
        token = self.http.cookies.get(csrf["cookie"]) or ""
        return {
            **headers,
            csrf["header"]: token,
            "Origin": self.http.url,
            "Referer": f"{self.http.url}/",
        }

    def _log_in(self, login: Mapping[str, Any]) -> None:
        """Log in once: a refused login may count towards a lockout of this source address."""
        if login["kind"] == "token":
            self.headers = {"Authorization": fill(login["header"], self.credentials)}
            return
        if "before" in login:
            self.http.request("GET", login["before"])
        answer = self._send(login["request"], self.credentials)
        if login["kind"] == "cookies":
            proven = login["session_cookie"] in self.http.cookies
        else:
            proven = answer.status in login["request"]["success"]
        if not proven:
            raise Refused(
                "the login opened no session, so the password may be wrong or expired, or this source "
                "address locked out",
                "check the account before you run again, because the login is not retried",
                status=answer.status,
                path=answer.path,
            )
        if login["kind"] == "bearer":
            token = _picked(answer, answer.json(), login["token"])
            self.headers = {"Authorization": fill(login["header"], {"token": token})}


def _row(operation: Mapping[str, Any], answer: Response, item: Any) -> dict[str, Any]:
    row = {field: _picked(answer, item, pointer) for field, pointer in operation["fields"].items()}
    return {**row, "used": _used(operation, answer, row["used"])} if "used" in row else row


def _used(operation: Mapping[str, Any], answer: Response, value: Any) -> Any:
    """Return when a token was last used, None for never. Without ``used_format``, return the raw value."""
    if value == operation.get("never_used"):
        return None
    if "used_format" not in operation:
        return value
    try:
        return as_text(read_moment(value, operation["used_format"]))
    except (ValueError, OverflowError):
        raise _misfit(
            answer,
            f'"{value}" is not a time in the used_format {operation["used_format"]}',
            "correct used_format, or set never_used if this value means that the token was never used",
        ) from None


def _picked(answer: Response, document: Any, pointer: str) -> Any:
    try:
        return pointed(document, pointer)
    except LookupError:
        raise _misfit(answer, f'the pointer "{pointer}" finds nothing in it') from None


def _unexpected(answer: Response) -> ApplianceError:
    where: dict[str, Any] = {"status": answer.status, "path": answer.path}
    if answer.status in (401, 403):
        return Refused("the account is not allowed to do this", "use an account that is allowed to", **where)
    return ApplianceError("the endpoint map does not expect this status", CHECK_MAP, **where)


def _misfit(answer: Response, what: str, remedy: str = CHECK_MAP) -> ApplianceError:
    why = f"the answer does not fit the endpoint map: {what}"
    return ApplianceError(why, remedy, status=answer.status, path=answer.path)
