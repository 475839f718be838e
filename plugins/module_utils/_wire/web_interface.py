# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An appliance's own web interface, as an endpoint map describes it.

No vendor documents these interfaces, so this file has no knowledge of them. Paths, fields and the login come
from the map, which was validated when it was loaded. A login is a list of steps. A map captures values from
answers, and later requests send them by their names.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from typing import Any

from .._engine.errors import ApplianceError, InvalidOptions, Refused, Unsupported, attempting
from .._engine.moment import as_text, read_moment
from .._engine.version import fits
from .https import Http, Response, quoted
from .paging import Pages
from .places import decoded, found_in, pointed

PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)\}")
ESCAPED_OR_PLACEHOLDER = re.compile(rf"\{{({PLACEHOLDER.pattern})\}}|{PLACEHOLDER.pattern}")
"""A name in double braces represents the name in single braces, as in GraphQL."""

LOGIN_OPTIONS = ("token", "username", "password")
BASIC = "basic"
"""The placeholder for the credentials of HTTP basic authentication: user name and password in base64."""

RELATIVE = "relative"
"""The format of times such as "3 hours ago", which are returned unchanged and never compared."""

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
        return values[alone[1]] if alone else _text(template, values)
    return template


def _text(template: str, values: Mapping[str, Any]) -> str:
    return ESCAPED_OR_PLACEHOLDER.sub(lambda match: match[1] or str(values[match[3]]), template)


def fill_path(template: str, values: Mapping[str, Any]) -> str:
    """Replace every ``{name}`` in a path. Raises Unsupported for a value that a path cannot contain."""
    return _text(template, {name: _segment(name, values[name]) for name in placeholders(template)})


def _segment(name: str, value: Any) -> str:
    """Percent-encode a value. Without one, the path would address all objects."""
    if value is None:
        raise Unsupported(
            f"the endpoint map's path needs {name}, which has no value",
            "check the fields in the endpoint map",
        )
    return quoted(str(value))


def placeholders(template: Any) -> Iterator[str]:
    """Yield the names of the placeholders in a template, at any depth."""
    if isinstance(template, str):
        yield from filter(None, (match[3] for match in ESCAPED_OR_PLACEHOLDER.finditer(template)))
    elif isinstance(template, (Mapping, list)):
        for part in template.values() if isinstance(template, Mapping) else template:
            yield from placeholders(part)


def require_login(product: str, params: Mapping[str, Any]) -> None:
    """Raise InvalidOptions if the map is for another product, or its login needs options that are not set."""
    endpoints = params["endpoint_map"]
    if endpoints["product"] != product:
        raise InvalidOptions(
            f"the endpoint map is for a {endpoints['product']}, not for a {product}",
            f"set endpoints to a map for a {product}",
        )
    named = set(placeholders(endpoints))
    needed = [option for option in LOGIN_OPTIONS if option in named or (BASIC in named and option != "token")]
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
        self.credentials = {name: params[name] for name in LOGIN_OPTIONS}
        account = f"{params['username']}:{params['password']}"
        self.credentials[BASIC] = base64.b64encode(account.encode()).decode()
        self.captured: dict[str, Any] = {}
        self.cookies: dict[str, Mapping[str, str]] = {}
        self.logged_in = False

    def listed(self, group: str) -> list[dict[str, Any]]:
        """Return every row of all pages of the group's ``list`` operation, by the map's field names.

        Raises ApplianceError for a list that may be incomplete.
        """
        operation = self._operation(group, "list")
        pages = Pages(operation.get("paging", {}), self.http.url, operation.get("items", ""))
        rows: list[dict[str, Any]] = []
        while True:
            answer = self._perform({**operation, "path": pages.path or operation["path"]}, pages.values)
            if pages.ends_with(answer):
                return rows
            self._accept(operation, answer)
            items = _picked(answer, answer.json(), operation.get("items", ""))
            if not isinstance(items, list):
                raise _misfit(answer, f'the pointer "{operation.get("items", "")}" finds no list in it')
            follows = pages.take(answer, items)
            rows += [_row(operation, answer, item) for item in pages.fresh]
            if not follows:
                return rows

    def read(self, group: str) -> dict[str, Any]:
        """Return the answer to the group's ``read`` operation, by the map's field names."""
        operation = self._operation(group, "read")
        answer = self._accept(operation, self._perform(operation, {}))
        return _row(operation, answer, answer.json())

    def write(self, group: str, name: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Carry out an operation that writes. Return the map's fields from the answer."""
        operation = self._operation(group, name)
        # Unsupported means that nothing was done, but a write has been carried out by now.
        answer = self._accept(operation, self._perform(operation, values), ApplianceError)
        return _row(operation, answer, answer.json()) if operation.get("fields") else {}

    def close(self) -> None:
        """Log out if the map describes it, and close the connection."""
        logout = self.map["login"].get("logout")
        try:
            if self.logged_in and logout:
                self._perform(logout, {})
        except ApplianceError:
            pass
        finally:
            self.http.close()

    def _operation(self, group: str, name: str) -> Mapping[str, Any]:
        operation: Mapping[str, Any] | None = self.map.get(group, {}).get(name)
        if operation is None:
            raise Unsupported(
                f"the endpoint map has no operation {group}.{name}, and no public interface offers it",
                f"add {group}.{name} to the endpoint map",
            )
        return operation

    def _perform(self, operation: Mapping[str, Any], values: Mapping[str, Any]) -> Response:
        """Send an operation, after the login and the requests that the map puts before it."""
        if not self.logged_in:
            with attempting(f'logging in as "{self.credentials["username"] or "token"}"'):
                for step in self.map["login"]["steps"]:
                    self._log_in(step)
            self.logged_in = True
        for step in operation.get("before", ()):
            self._accept(step, self._send(step, values))
        return self._send(operation, values, self.map["login"].get("headers", {}))

    def _log_in(self, step: Mapping[str, Any]) -> None:
        """Carry out one step once: a refused login may count towards a lockout of this source address."""
        cookies = dict(self.http.cookies)
        answer = self._send(step, {})
        if not set(placeholders(step)) & {"password", BASIC}:
            self._accept(step, answer)
            return
        awaited = [place["cookie"] for place in step.get("capture", {}).values() if "cookie" in place]
        kept = [name for name in awaited if self.http.cookies.get(name) in (None, "", cookies.get(name))]
        if kept or answer.status not in step["success"] or not self._captures(step, answer):
            raise Refused(
                "the login opened no session, so the password may be wrong or expired, or this source "
                "address locked out",
                "check the account before you run again, because the login is not retried",
                status=answer.status,
                path=answer.path,
            )

    def _captures(self, step: Mapping[str, Any], answer: Response) -> bool:
        try:
            self._capture(step, answer)
        except ApplianceError:
            return False
        return True

    def _accept(
        self,
        operation: Mapping[str, Any],
        answer: Response,
        wrong_version: type[ApplianceError] = Unsupported,
    ) -> Response:
        """Capture the map's values from an answer. Raises ApplianceError for an unexpected answer.

        ``wrong_version`` is the error for a version that the map is not for.
        """
        if answer.status not in operation["success"]:
            raise _unexpected(answer)
        if "version" in operation:
            version = str(_picked(answer, answer.json(), operation["version"]))
            self._require_version(answer, version, wrong_version)
        self._capture(operation, answer)
        return answer

    def _capture(self, operation: Mapping[str, Any], answer: Response) -> None:
        for name, place in operation.get("capture", {}).items():
            if "cookie" in place and not isinstance(place, str):
                self.cookies[name] = place
                continue
            try:
                self.captured[name] = found_in(answer, place)
            except LookupError:
                raise _misfit(answer, f"it does not contain {name}, which the map captures") from None

    def _require_version(self, answer: Response, version: str, error: type[ApplianceError]) -> None:
        """Raise the error for a version that the map is not for: the web interface may have changed."""
        if not fits(version, self.map["versions"]):
            raise error(
                f"the endpoint map is for versions {self.map['versions']}, and the appliance runs {version}",
                "check the map against this version, then add the version to the map's versions",
                path=answer.path,
            )

    def _send(
        self, operation: Mapping[str, Any], values: Mapping[str, Any], common: Mapping[str, str] | None = None
    ) -> Response:
        values = self._values(operation, common or {}, values)
        headers = fill({**(common or {}), **operation.get("headers", {})}, values)
        if operation["method"] != "GET":
            headers = {"Origin": self.http.url, "Referer": f"{self.http.url}/", **headers}
        return self.http.request(
            operation["method"],
            fill_path(operation["path"], values),
            headers={name: str(value) for name, value in headers.items()},
            **_content(operation, values),
        )

    def _values(
        self, operation: Mapping[str, Any], common: Mapping[str, str], values: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return the values for the placeholders of a request. A cookie has its latest value."""
        live = {name: self._live(place) for name, place in self.cookies.items()}
        live = {name: value for name, value in live.items() if value is not None}
        known = {**self.credentials, **self.captured, **live, **values}
        sent = {name: part for name, part in operation.items() if name in SENT}
        missing = sorted(set(placeholders([sent, dict(common)])) - set(known))
        if missing:
            raise Unsupported(
                f"no answer so far contained {missing[0]}, which the endpoint map sends",
                "check where the map captures it",
            )
        return known

    def _live(self, place: Mapping[str, str]) -> Any:
        """Return the current value of a cookie, None if there is none that can be decoded."""
        try:
            return decoded(place, self.http.cookies[place["cookie"]])
        except LookupError:
            return None


SENT = ("path", "headers", "cookies", "json", "form", "multipart")
"""The parts of an operation that have placeholders."""


def _content(operation: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body and the cookies of a request as `requests` takes them."""
    content: dict[str, Any] = {}
    if "json" in operation:
        content["json"] = fill(operation["json"], values)
    if "form" in operation:
        content["data"] = fill(operation["form"], values)
    if "multipart" in operation:
        parts = fill(operation["multipart"], values)
        content["files"] = {name: (None, str(part)) for name, part in parts.items()}
    if "cookies" in operation:
        content["cookies"] = {name: str(value) for name, value in fill(operation["cookies"], values).items()}
    redirects = [status for status in operation["success"] if 300 <= status < 400]
    return {**content, "redirects": redirects} if redirects else content


def _row(operation: Mapping[str, Any], answer: Response, item: Any) -> dict[str, Any]:
    fields = dict(operation["fields"])
    used = fields.pop("used", None)
    row = {field: _picked(answer, item, pointer) for field, pointer in fields.items()}
    return row if used is None else {**row, "used": _used(operation, answer, item, used)}


def _used(operation: Mapping[str, Any], answer: Response, item: Any, pointer: str) -> Any:
    """Return when a token was last used, None for never. Without ``used_format``, return the raw value."""
    if operation.get("used_may_be_absent"):
        try:
            pointed(item, pointer)
        except LookupError:
            return None
    value = _picked(answer, item, pointer)
    if value == operation.get("never_used"):
        return None
    if operation.get("used_format", RELATIVE) == RELATIVE:
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


def _misfit(answer: Response, why: str, remedy: str = CHECK_MAP) -> ApplianceError:
    why = f"the answer does not fit the endpoint map: {why}"
    return ApplianceError(why, remedy, status=answer.status, path=answer.path)
