# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTTPS to an appliance: one session, one place that knows `requests`.

Environment variables (proxies, CA bundles, netrc) are not read: a task says all there is to say.
Redirects are never followed, for they would carry the credentials to another place.
An answer is bounded in time and in size.
"""

from __future__ import annotations

import base64
import json
import re
import socket
import ssl
import traceback
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import SplitResult, quote, unquote, urlsplit

from .._engine.errors import ApplianceError, InvalidOptions, Unreachable, Unsupported
from .._engine.resource import OTHER_PATHS
from .tls import ANSWER_LIMIT, TooLarge, WrongCertificate, make_context

try:
    import requests
    from requests import Session
    from requests.adapters import HTTPAdapter
    from requests.utils import DEFAULT_CA_BUNDLE_PATH, get_auth_from_url
    from urllib3.exceptions import HTTPError
except ImportError:
    REQUESTS_IMPORT_ERROR: str | None = traceback.format_exc()
    Session = HTTPAdapter = object  # type: ignore[assignment,misc]
else:
    REQUESTS_IMPORT_ERROR = None

try:
    from socks import ProxyError as SocksError
except ImportError:
    SocksError = None

CHUNK = 16 * 1024
"""Bytes taken off the wire at a time; unpacked they are at most a thousand times as many."""

ENCODINGS = ("", "identity", "gzip", "deflate")
NOT_IN_URL = re.compile(r"[\s@?#]")
PROXIES = ("http", "socks5", "socks5h")
LONGEST_WAIT = 3600
LONGEST_PLACE = 200


@dataclass(frozen=True)
class Response:
    """What an appliance answered: status, headers (case-insensitive), body text, and the path called."""

    status: int
    headers: Mapping[str, str]
    text: str
    path: str

    def json(self) -> Any:
        """Return the decoded body. Raises ApplianceError when it is not JSON, or JSON that nobody can use."""
        try:
            document = json.loads(self.text, parse_constant=_refuse_constant)
            if "\\ud" in self.text.lower():
                # Half a character can be read, but written nowhere.
                json.dumps(document, ensure_ascii=False).encode()
            return document
        except (ValueError, RecursionError):
            raise ApplianceError(
                f"it answered with {self._form()} where JSON was expected{self.hint}",
                status=self.status,
                path=self.path,
            ) from None

    @property
    def retry_after(self) -> int | None:
        """Return the seconds that the appliance asks to wait; None where it names none."""
        seconds = self.headers.get("Retry-After", "")
        return int(seconds) if re.fullmatch("[0-9]{1,6}", seconds) else None

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
    """Percent-encode a value for one segment of a path. Raises Unsupported where that is another path."""
    if segment in OTHER_PATHS:
        raise _other_path(segment)
    return quote(segment, safe="")


def _refuse_dot_segments(path: str) -> None:
    """Raise Unsupported for a path that the HTTP library would change, whatever put the dots there."""
    for segment in path.partition("?")[0].split("/"):
        if unquote(segment) in (".", ".."):
            raise _other_path(segment)


def _other_path(segment: str) -> Unsupported:
    return Unsupported(
        f'a name or an id in its path is "{segment}", which leads to another path; nothing was sent there'
    )


class Adapter(HTTPAdapter):
    """The pool of connections: each is made with the one TLS context, through a proxy too."""

    def __init__(self, context: Any) -> None:
        """Take the context."""
        # The pin is checked by the context; told of it, urllib3 does not warn of an unverified connection.
        self.tls_options = {"ssl_context": context, "assert_fingerprint": context.pin}
        super().__init__()

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **options: Any) -> None:
        """Make the pool of direct connections."""
        super().init_poolmanager(connections, maxsize, block, **options, **self.tls_options)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """Make the pool of connections through a proxy."""
        return super().proxy_manager_for(proxy, **options, **self.tls_options)

    def proxy_headers(self, proxy: str) -> dict[str, str]:
        """Return the account of a proxy, in UTF-8 like all that is sent; `requests` would send Latin-1."""
        name, password = get_auth_from_url(proxy)
        account = base64.b64encode(f"{name}:{password}".encode()).decode()
        return {"Proxy-Authorization": f"Basic {account}"} if name else {}

    def build_connection_pool_key_attributes(self, *arguments: Any, **options: Any) -> Any:
        """Leave out what `requests` would say about TLS, from version 2.32 on."""
        host, _tls = super().build_connection_pool_key_attributes(*arguments, **options)
        return host, {}

    def cert_verify(self, *arguments: Any, **options: Any) -> None:
        """Leave out what `requests` would say about TLS, before version 2.32 too."""


class OneHop(Session):
    """A session that goes where it is sent."""

    def get_redirect_target(self, resp: Any) -> None:
        """Follow nothing; where it does not follow, `requests` would still read all of a redirect's body."""


class Http:
    """A session with one appliance. Connects with the first request and keeps the connection."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        """Take ``url`` and the options of how to connect from the task.

        Raises InvalidOptions for what cannot be right, before anything is sent.
        """
        self.url = base_url(params["url"])
        self.connect_timeout, self.timeout = (
            _seconds(params, name) for name in ("connect_timeout", "timeout")
        )
        host = str(urlsplit(self.url).hostname)
        self.tls = make_context(params, host, DEFAULT_CA_BUNDLE_PATH)
        self.session = OneHop()
        self.session.trust_env = False
        self.session.headers["Accept-Encoding"] = "gzip"
        self.session.mount("https://", Adapter(self.tls))
        self.proxy = ""
        if params.get("proxy"):
            self.proxy = proxy_place(params["proxy"])
            self.session.proxies = {"https": params["proxy"]}

    @property
    def cookies(self) -> Mapping[str, str | None]:
        """Return the cookies that the appliance has set."""
        return {cookie.name: cookie.value for cookie in self.session.cookies}

    def request(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        redirects: Collection[int] = (),
        **content: Any,
    ) -> Response:
        """Send one request; ``content`` is params, json, data, files or cookies as `requests` takes them.

        ``redirects`` are the statuses of redirects that are an answer. Those are not followed either.

        Raises Unreachable when there is no whole answer, ApplianceError for a redirect and for one too large,
        Unsupported for a path with dot segments.
        """
        _refuse_dot_segments(path)
        self.tls.expect(self.timeout)
        try:
            with self.session.request(
                method,
                self.url + path,
                headers={name: value.encode() for name, value in (headers or {}).items()},
                timeout=(self.connect_timeout, self.timeout),
                allow_redirects=False,
                stream=True,
                **content,
            ) as response:
                return Response(
                    response.status_code, response.headers, _text(response, path, redirects), path
                )
        except TooLarge:
            raise self._too_large(method, path) from None
        except (requests.RequestException, HTTPError, UnicodeError) as error:
            self._fail(error, method, path)

    def close(self) -> None:
        """Close the connection."""
        self.session.close()

    def _fail(self, error: Exception, method: str, path: str) -> NoReturn:
        """Raise what an error of the libraries means."""
        causes = _causes(error)
        if any(isinstance(cause, TooLarge) for cause in causes):
            raise self._too_large(method, path) from None
        if not self.tls.awaited and isinstance(error, ValueError):
            raise InvalidOptions(_unsendable(error)) from None
        raise Unreachable(self._cause(causes, method), path=path) from None

    def _too_large(self, method: str, path: str) -> ApplianceError:
        reason = f"its answer is larger than {ANSWER_LIMIT >> 20} MiB, and the rest was not read"
        return ApplianceError(reason + self._doubt(method), path=path)

    def _cause(self, causes: list[BaseException], method: str) -> str:
        """Say why there is no answer."""
        place = f"{self.url} through the proxy {self.proxy}" if self.proxy else self.url
        refusal = _certificate_refusal(causes)
        if refusal is not None:
            return refusal
        if any(isinstance(cause, (socket.timeout, requests.Timeout)) for cause in causes):
            if not self.tls.awaited:
                return f"no connection to {place} within {self.connect_timeout} s"
            return f"no answer from {place} within {self.timeout} s{self._doubt(method)}"
        return f"{place}: {_root(causes)}{self._doubt(method)}"

    def _doubt(self, method: str) -> str:
        if method == "GET" or not self.tls.awaited:
            return ""
        return "; whether it was carried out is not known, run again to find out"


def _text(response: Any, path: str, redirects: Collection[int]) -> str:
    """Read a body, piece by piece, as JSON is written: in UTF-8, whatever the headers say."""
    if response.is_redirect and response.status_code not in redirects:
        raise ApplianceError(
            f"it redirects to {_place(response.headers['Location'])}, which is not followed because the "
            "credentials would go along; set url to the appliance's own address",
            status=response.status_code,
            path=path,
        )
    if response.headers.get("Content-Encoding", "").lower() not in ENCODINGS:
        raise ApplianceError(
            "it packed its answer in a way that was not asked for; does url name the right host and port?",
            status=response.status_code,
            path=path,
        )
    body = bytearray()
    for piece in response.iter_content(CHUNK):
        body += piece
        if len(body) > ANSWER_LIMIT:
            raise TooLarge
    return body.decode("utf-8", "replace")


def _seconds(params: Mapping[str, Any], name: str) -> int:
    seconds = int(params[name])
    if not 1 <= seconds <= LONGEST_WAIT:
        raise InvalidOptions(f"{name} must be 1 to {LONGEST_WAIT} seconds")
    return seconds


def proxy_place(proxy: str) -> str:
    """Return host and port of a proxy, which is all of its URL that may be shown.

    Raises InvalidOptions, which never repeats what may hold credentials.
    """
    try:
        parts = urlsplit(proxy)
        usable = parts.scheme in PROXIES and parts.hostname and parts.port and parts.path in ("", "/")
    except ValueError:
        usable = False
    if not usable or re.search(r"[\s?#]", proxy):
        raise InvalidOptions(
            "proxy must look like http://host:port, socks5h://host:port or socks5://host:port; a name and a "
            "password stand percent-encoded before the host, as in http://NAME:PASSWORD@host:port"
        )
    if parts.scheme != "http" and SocksError is None:
        raise InvalidOptions("a SOCKS proxy needs the Python package PySocks on this host")
    return parts.netloc.rpartition("@")[2]


def base_url(url: str) -> str:
    """Return an https URL without a trailing slash; a bare host gets the scheme.

    Raises InvalidOptions, which never repeats what may hold credentials.
    """
    url = url if "://" in url else f"https://{url}"
    try:
        parts = urlsplit(url)
        usable = parts.scheme == "https" and _is_host(parts.hostname) and _is_port(parts)
    except ValueError:
        usable = False
    if not usable or NOT_IN_URL.search(url):
        raise InvalidOptions(
            "url must look like https://host or https://host:port, without credentials or a query"
        )
    return url.rstrip("/")


def _is_host(name: str | None) -> bool:
    """Say whether a name can be a host: a scheme is none, but what is left where a slash is missing."""
    return bool(name) and name not in ("http", "https")


def _is_port(parts: SplitResult) -> bool:
    """Say whether a port is one, or is left out with its colon. Raises ValueError."""
    return parts.port != 0 and not parts.netloc.endswith(":")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _place(location: str) -> str:
    """Name where a redirect leads without its query and its account, which may be secrets."""
    place = re.sub("//[^/]*@", "//", location.partition("?")[0].partition("#")[0])
    return "".join(letter for letter in place if letter.isprintable())[:LONGEST_PLACE]


def _unsendable(error: Exception) -> str:
    if isinstance(error, (requests.exceptions.InvalidHeader, UnicodeError)):
        return "token, password or proxy holds what a request cannot carry, such as a line break"
    return "url names no host that can exist"


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


def _certificate_refusal(causes: list[BaseException]) -> str | None:
    for cause in causes:
        if isinstance(cause, WrongCertificate):
            return str(cause.args[0])
        if isinstance(cause, ssl.SSLCertVerificationError):
            why = cause.verify_message.rstrip(".")
            return f"its certificate is not accepted: {why}. Fix it, name its CA in ca_path, or pin it"
    return None


def _root(causes: list[BaseException]) -> str:
    """Say in a few words what broke, never in those of the other side."""
    for cause in reversed(causes):
        if isinstance(cause, ssl.SSLError) and cause.reason:
            return _tls_failure(cause.reason)
        if SocksError is not None and isinstance(cause, SocksError) and cause.socket_err is None:
            return f"the proxy refuses ({cause.msg})"
        refused = re.match(r"Tunnel connection failed: (\d{3})", str(cause))
        if refused:
            return f"the proxy refuses ({refused[1]})"
        if isinstance(cause, OSError) and cause.strerror and not isinstance(cause, ssl.SSLError):
            return cause.strerror.lower()
    if any(isinstance(cause, requests.exceptions.ContentDecodingError) for cause in causes):
        return "its answer cannot be unpacked"
    if any(isinstance(cause, (ConnectionResetError, ssl.SSLEOFError)) for cause in causes):
        return "it closed the connection without an answer"
    return "the connection broke off in the middle of the answer"


def _tls_failure(reason: str) -> str:
    hint = "; does it ask for another client_cert?" if "_ALERT_" in reason else "; does it speak HTTPS there?"
    return f"TLS failed: {reason.lower().replace('_', ' ')}{hint}"
