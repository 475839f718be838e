# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTTPS to an appliance: one session, one place that knows `requests`.

Environment variables (proxies, CA bundles, netrc) are not read: a task says all there is to say.
Redirects are never followed, for they would carry the credentials to another place.
Private to this collection: may change at any time.
"""

from __future__ import annotations

import json
import re
import ssl
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from ._errors import ApplianceError, InvalidOptions, Unreachable

try:
    import requests
except ImportError:
    REQUESTS_IMPORT_ERROR: str | None = traceback.format_exc()
else:
    REQUESTS_IMPORT_ERROR = None


@dataclass(frozen=True)
class Answer:
    """What an appliance answered: status, headers (case-insensitive), body text, and the path called."""

    status: int
    headers: Mapping[str, str]
    text: str
    path: str

    def json(self) -> Any:
        """Return the decoded body. Raises ApplianceError when it is not JSON."""
        try:
            return json.loads(self.text)
        except ValueError:
            raise ApplianceError(
                f"it answered with {self._form()} where JSON was expected{self.hint}",
                status=self.status,
                path=self.path,
            ) from None

    @property
    def hint(self) -> str:
        """Say what to do about an answer that is not the appliance's usual one."""
        if self.status >= 500:
            return ": it failed inside, so look at its event log"
        return "; does url name the right host and port?"

    def _form(self) -> str:
        body = self.text.lstrip()
        if not body:
            return "an empty body"
        if "html" in self.headers.get("Content-Type", "") or body[:1] == "<":
            return "an HTML page"
        return "broken or incomplete JSON" if body[:1] in "{[" else "plain text"


def quoted(segment: str) -> str:
    """Percent-encode a value for one segment of a path."""
    return quote(segment, safe="")


class Http:
    """A session with one appliance. Connects with the first request and keeps the connection."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        """Take ``url``, ``validate_certs``, ``ca_path`` and ``timeout`` (seconds) from the task's options.

        Raises InvalidOptions when the URL is not an https address.
        """
        self.url = base_url(params["url"])
        self.timeout = params["timeout"]
        self.verify = trust(params["validate_certs"], params["ca_path"])
        self.session = requests.Session()
        self.session.trust_env = False

    @property
    def cookies(self) -> Mapping[str, str | None]:
        """Return the cookies that the appliance has set."""
        return {cookie.name: cookie.value for cookie in self.session.cookies}

    def request(self, method: str, path: str, **content: Any) -> Answer:
        """Send one request; ``content`` is headers, params, json or data as `requests` takes them.

        Raises Unreachable when there is no answer, ApplianceError for a redirect.
        """
        try:
            response = self.session.request(
                method,
                self.url + path,
                verify=self.verify,
                timeout=self.timeout,
                allow_redirects=False,
                **content,
            )
        except requests.RequestException as error:
            raise Unreachable(self._cause(error, method), path=path) from None
        if response.is_redirect:
            raise ApplianceError(
                f"it redirects to {_place(response.headers['Location'])}, which is not followed because the "
                "credentials would go along; set url to the appliance's own address",
                status=response.status_code,
                path=path,
            )
        return Answer(response.status_code, response.headers, response.text, path)

    def close(self) -> None:
        """Close the connection."""
        self.session.close()

    def _cause(self, error: Exception, method: str) -> str:
        refusal = _certificate_refusal(error)
        if refusal is not None:
            return refusal
        if isinstance(error, requests.ConnectTimeout):
            return f"no connection to {self.url} within {self.timeout} s"
        if isinstance(error, requests.Timeout):
            doubt = (
                "" if method == "GET" else "; whether it was carried out is not known, run again to find out"
            )
            return f"no answer from {self.url} within {self.timeout} s{doubt}"
        return f"{self.url}: {_root(error)}"


def trust(validate_certs: bool, ca_path: str | None) -> bool | str:
    """Return what `requests` takes as ``verify``. Raises InvalidOptions when the CA file is not there."""
    if not validate_certs:
        return False
    if ca_path is not None and not Path(ca_path).is_file():
        raise InvalidOptions(f'ca_path names no file on this host: "{ca_path}"')
    return ca_path or True


def base_url(url: str) -> str:
    """Return an https URL without a trailing slash; a bare host gets the scheme.

    Raises InvalidOptions, which never repeats what may hold credentials.
    """
    url = url if "://" in url else f"https://{url}"
    try:
        parts = urlsplit(url)
        usable = parts.scheme == "https" and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or re.search(r"[\s@?#]", url):
        raise InvalidOptions(
            "url must look like https://host or https://host:port, without credentials or a query"
        )
    return url.rstrip("/")


def _place(location: str) -> str:
    """Name where a redirect leads without its query, which may hold a secret."""
    return location.partition("?")[0].partition("#")[0]


def _causes(error: BaseException) -> list[BaseException]:
    """Return the error and what it wraps, outermost first; libraries hide causes in args and reason."""
    found: list[BaseException] = []
    waiting: list[Any] = [error]
    while waiting:
        each = waiting.pop(0)
        if isinstance(each, BaseException) and each not in found:
            found.append(each)
            waiting += [getattr(each, "reason", None), each.__cause__, each.__context__, *each.args]
    return found


def _certificate_refusal(error: BaseException) -> str | None:
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            why = cause.verify_message.rstrip(".")
            return f"its certificate is not accepted: {why}. Mend it, or name its CA in ca_path"
    return None


def _root(error: BaseException) -> str:
    for cause in reversed(_causes(error)):
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror.lower()
    return "the connection broke off in the middle of the answer"
