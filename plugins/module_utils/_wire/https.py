# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTTPS to an appliance: the only code that sends requests to appliances.

Environment variables of `requests` (proxies, CA bundles, netrc) are ignored: only the options count.
Redirects are never followed, because they would send the credentials elsewhere.
Answers are bounded in time and size.
"""

from __future__ import annotations

import base64
import json
import re
import socket
import ssl
import traceback
import warnings
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import SplitResult, quote, unquote, urlsplit

from .._engine.errors import ApplianceError, InvalidOptions, Reason, Unreachable, Unsupported
from .._engine.resource import LOST_BYTES, OTHER_PATHS
from .tls import ANSWER_LIMIT, TooLarge, WrongCertificate, make_context

try:
    import requests
    from requests import Session
    from requests.adapters import HTTPAdapter
    from requests.utils import DEFAULT_CA_BUNDLE_PATH, get_auth_from_url, parse_header_links
    from urllib3.exceptions import HTTPError, InsecureRequestWarning
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
"""Bytes read at a time. Decompressed, they are at most about a thousand times as many."""

ENCODINGS = ("", "identity", "gzip", "deflate")
NOT_IN_URL = re.compile(r"[\s@?#]")
PROXIES = ("http", "socks5", "socks5h")
LONGEST_WAIT = 3600
LONGEST_PLACE = 200
BYTE_ORDER_MARK = "\ufeff"

CHECK_URL = "check host and port in url"
CHECK_NETWORK = "check host and port in url, the network and the appliance"
CHECK_PROXY = "check proxy and its credentials"
CHECK_NETWORK_AND_PROXY = "check proxy, host and port in url, and the network"


def next_link(header: str) -> str | None:
    """Return the target of ``rel="next"`` in a Link header (RFC 8288), None if it has none."""
    links = parse_header_links(header)
    return next((each["url"] for each in links if "next" in each.get("rel", "").lower().split()), None)


@dataclass(frozen=True)
class Response:
    """An appliance's answer: status, headers (case-insensitive), body text, and the request's path."""

    status: int
    headers: Mapping[str, str]
    text: str
    path: str

    def json(self) -> Any:
        """Return the decoded body. Raises ApplianceError if it is not JSON, or cannot be encoded again."""
        try:
            text = self.text.removeprefix(BYTE_ORDER_MARK)
            document = json.loads(text, parse_constant=_refuse_constant)
            if "\\ud" in self.text.lower():
                # Half of a surrogate pair can be decoded, but not encoded again.
                json.dumps(document, ensure_ascii=False).encode()
            return document
        except UnicodeEncodeError:
            raise ApplianceError(
                "its answer has text that is not UTF-8, such as the name of an object",
                "rename the object on the appliance",
                status=self.status,
                path=self.path,
            ) from None
        except (ValueError, RecursionError):
            raise ApplianceError(
                f"it answered with {self._form()} where JSON was expected",
                self.hint,
                status=self.status,
                path=self.path,
            ) from None

    @property
    def retry_after(self) -> int | None:
        """Return the number of seconds in the header Retry-After, None if there is no such number."""
        seconds = self.headers.get("Retry-After", "")
        return int(seconds) if re.fullmatch("[0-9]{1,6}", seconds) else None

    @property
    def hint(self) -> str:
        """Return the remedy for an answer that is not the expected one."""
        return "check its event log" if self.status >= 500 else CHECK_URL

    def _form(self) -> str:
        body = self.text.lstrip()
        if not body:
            return "an empty body"
        if "html" in self.headers.get("Content-Type", "") or body[:1] == "<":
            return "an HTML page"
        return "broken or incomplete JSON" if body[:1] in "{[" else "plain text"


def quoted(segment: str) -> str:
    """Percent-encode a value for one segment of a path. Raises Unsupported for a dot segment or no text."""
    if segment in OTHER_PATHS:
        raise _other_path(segment)
    if LOST_BYTES.search(segment):
        raise Unsupported(
            "a name or an id in its path has bytes that are not UTF-8, so no request can name the object",
            "rename the object on the appliance",
        )
    return quote(segment, safe="")


def _refuse_dot_segments(path: str) -> None:
    """Raise Unsupported for a path that the HTTP library would resolve to another one."""
    for segment in path.partition("?")[0].split("/"):
        if unquote(segment) in (".", ".."):
            raise _other_path(segment)


def _other_path(segment: str) -> Unsupported:
    return Unsupported(
        f'a name or an id in its path is "{segment}", which leads to another path, so nothing was sent',
        "use an object with another name or id",
    )


class Adapter(HTTPAdapter):
    """The connection pools of a session. All connections, even through a proxy, use the same TLS context."""

    def __init__(self, context: Any) -> None:
        # The context checks the pin. With the pin, urllib3 does not warn of an unverified connection.
        self.tls_options = {"ssl_context": context, "assert_fingerprint": context.pin}
        super().__init__()

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **options: Any) -> None:
        super().init_poolmanager(connections, maxsize, block, **options, **self.tls_options)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        return super().proxy_manager_for(proxy, **options, **self.tls_options)

    def proxy_headers(self, proxy: str) -> dict[str, str]:
        """Return the proxy's credentials in UTF-8, as in all requests; `requests` would send Latin-1."""
        name, password = get_auth_from_url(proxy)
        account = base64.b64encode(f"{name}:{password}".encode()).decode()
        return {"Proxy-Authorization": f"Basic {account}"} if name else {}

    def build_connection_pool_key_attributes(self, *arguments: Any, **options: Any) -> Any:
        """Drop the TLS settings of `requests` 2.32 and newer, because the context has them."""
        host, _tls = super().build_connection_pool_key_attributes(*arguments, **options)
        return host, {}

    def cert_verify(self, *arguments: Any, **options: Any) -> None:
        """Do nothing: `requests` before 2.32 would change the TLS settings here."""


class OneHop(Session):
    """A session that follows no redirect."""

    def get_redirect_target(self, resp: Any) -> None:
        """Return None: `requests` would read the whole body of a redirect even if it does not follow it."""


class Http:
    """A session with one appliance. Connects with the first request and keeps the connection."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        """Check the connection options without connecting. Raises InvalidOptions."""
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
        """The cookies that the appliance has set, by name."""
        return {cookie.name: cookie.value for cookie in self.session.cookies}

    def request(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        redirects: Collection[int] = (),
        **content: Any,
    ) -> Response:
        """Send one request. ``content`` is params, json, data, files or cookies, as in `requests`.

        ``redirects`` are the statuses of redirects that count as an answer. No redirect is followed.

        Raises Unreachable if the answer is missing or incomplete, ApplianceError if it is a redirect or too
        large, and Unsupported for a path with dot segments.
        """
        _refuse_dot_segments(path)
        self.tls.expect(self.timeout)
        try:
            with (
                _without_warning(),
                self.session.request(
                    method,
                    self.url + path,
                    headers={name: value.encode() for name, value in (headers or {}).items()},
                    timeout=(self.connect_timeout, self.timeout),
                    allow_redirects=False,
                    stream=True,
                    **content,
                ) as response,
            ):
                return Response(
                    response.status_code, response.headers, _text(response, path, redirects), path
                )
        except TooLarge:
            raise self._too_large(method, path) from None
        except (requests.RequestException, HTTPError, UnicodeError) as error:
            self._fail(error, method, path)

    def close(self) -> None:
        self.session.close()

    def _fail(self, error: Exception, method: str, path: str) -> NoReturn:
        """Raise the TaskError for an error of the libraries."""
        causes = _causes(error)
        if any(isinstance(cause, TooLarge) for cause in causes):
            raise self._too_large(method, path) from None
        if not self.tls.awaited and isinstance(error, ValueError):
            raise InvalidOptions(*_unsendable(error)) from None
        raise Unreachable(*self._cause(causes, method), path=path) from None

    def _too_large(self, method: str, path: str) -> ApplianceError:
        why = f"its answer is larger than {ANSWER_LIMIT >> 20} MiB, and the rest was not read"
        return ApplianceError(*self._with_doubt(method, why, CHECK_URL), path=path)

    def _cause(self, causes: list[BaseException], method: str) -> Reason:
        """Return why there is no answer, and the remedy."""
        place = f"{self.url} through the proxy {self.proxy}" if self.proxy else self.url
        network = CHECK_NETWORK_AND_PROXY if self.proxy else CHECK_NETWORK
        refusal = _certificate_refusal(causes)
        if refusal is not None:
            return refusal
        if any(isinstance(cause, (socket.timeout, requests.Timeout)) for cause in causes):
            if not self.tls.awaited:
                return f"no connection to {place} within {self.connect_timeout} s", network
            why = f"no answer from {place} within {self.timeout} s"
            return self._with_doubt(method, why, "check the appliance, or set a longer timeout")
        why, remedy = _root(causes, network)
        return self._with_doubt(method, f"{place}: {why}", remedy)

    def _with_doubt(self, method: str, why: str, remedy: str) -> Reason:
        """Add that a request that changes something may have been carried out."""
        if method == "GET" or not self.tls.awaited:
            return why, remedy
        return f"{why}, and it is not known whether the request was carried out", "run again to determine it"


@contextmanager
def _without_warning() -> Iterator[None]:
    """Silence urllib3 about an unverified certificate: the action warns once for each host instead."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InsecureRequestWarning)
        yield


def _text(response: Any, path: str, redirects: Collection[int]) -> str:
    """Read a body as UTF-8, which JSON is defined in, even if the headers name another encoding."""
    if response.is_redirect and response.status_code not in redirects:
        raise ApplianceError(
            f"it redirects to {_place(response.headers['Location'])}, which is not followed because that "
            "would send the credentials there",
            "set url to the appliance's own address",
            status=response.status_code,
            path=path,
        )
    if response.headers.get("Content-Encoding", "").lower() not in ENCODINGS:
        raise ApplianceError(
            "its answer has a content encoding that was not requested",
            CHECK_URL,
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
        raise InvalidOptions(
            f"{name} is {seconds}, which is out of range", f"set it to 1 to {LONGEST_WAIT} seconds"
        )
    return seconds


def proxy_place(proxy: str) -> str:
    """Return host and port of a proxy, the only parts of its URL that output may show.

    Raises InvalidOptions, which never quotes the URL: it may contain credentials.
    """
    try:
        parts = urlsplit(proxy)
        usable = parts.scheme in PROXIES and parts.hostname and parts.port and parts.path in ("", "/")
    except ValueError:
        usable = False
    if not usable or re.search(r"[\s?#]", proxy):
        raise InvalidOptions(
            "proxy is not the URL of a proxy",
            "set it to http://host:port, socks5h://host:port or socks5://host:port, and percent-encode "
            "credentials before the host, as in http://NAME:PASSWORD@host:port",
        )
    if parts.scheme != "http" and SocksError is None:
        raise InvalidOptions("a SOCKS proxy needs the Python package PySocks on this host", "install it")
    return parts.netloc.rpartition("@")[2]


def base_url(url: str) -> str:
    """Return an https URL without a trailing slash. A host without a scheme is accepted.

    Raises InvalidOptions, which never quotes the URL: it may contain credentials.
    """
    url = url if "://" in url else f"https://{url}"
    try:
        parts = urlsplit(url)
        usable = parts.scheme == "https" and _is_host(parts.hostname) and _is_port(parts)
    except ValueError:
        usable = False
    if not usable or NOT_IN_URL.search(url):
        raise InvalidOptions(
            "url is not an https address",
            "set it to https://host or https://host:port, without credentials or a query",
        )
    return url.rstrip("/")


def _is_host(name: str | None) -> bool:
    """Return whether a name can be a host. A scheme is not: it is parsed as a host if a slash is missing."""
    return bool(name) and name not in ("http", "https")


def _is_port(parts: SplitResult) -> bool:
    """Return whether the port is valid or left out together with its colon. Raises ValueError."""
    return parts.port != 0 and not parts.netloc.endswith(":")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _place(location: str) -> str:
    """Return the target of a redirect without query, fragment and credentials, which may be secret."""
    place = re.sub("//[^/]*@", "//", location.partition("?")[0].partition("#")[0])
    return "".join(letter for letter in place if letter.isprintable())[:LONGEST_PLACE]


def _unsendable(error: Exception) -> Reason:
    if isinstance(error, (requests.exceptions.InvalidHeader, UnicodeError)):
        why = "token, password or proxy contains a character that a request cannot carry"
        return why, "check them for line breaks"
    return "url contains a host name that is not valid", "correct the host in url"


def _causes(error: BaseException) -> list[BaseException]:
    """Return the error and its causes, outermost first. Libraries keep causes in args and reason too."""
    found: list[BaseException] = []
    waiting: list[Any] = [error]
    while waiting:
        each = waiting.pop(0)
        if isinstance(each, BaseException) and each not in found:
            found.append(each)
            waiting += [getattr(each, "reason", None), each.__cause__, each.__context__, *each.args]
    return found


def _certificate_refusal(causes: list[BaseException]) -> Reason | None:
    for cause in causes:
        if isinstance(cause, WrongCertificate):
            return cause.why, cause.remedy
        if isinstance(cause, ssl.SSLCertVerificationError):
            why = f"its certificate is not accepted: {cause.verify_message.rstrip('.')}"
            return why, "fix the certificate, set ca_path to its CA, or pin it with cert_fingerprint"
    return None


def _root(causes: list[BaseException], network: str) -> Reason:
    """Return what broke, without any text from the other side. ``network`` is the remedy for the network."""
    for cause in reversed(causes):
        if isinstance(cause, ssl.SSLError) and cause.reason:
            return _tls_failure(cause.reason)
        if SocksError is not None and isinstance(cause, SocksError) and cause.socket_err is None:
            return f"the proxy refuses ({cause.msg})", CHECK_PROXY
        refused = re.match(r"Tunnel connection failed: (\d{3})", str(cause))
        if refused:
            return f"the proxy refuses ({refused[1]})", CHECK_PROXY
        if isinstance(cause, OSError) and cause.strerror and not isinstance(cause, ssl.SSLError):
            return cause.strerror.lower(), network
    if any(isinstance(cause, requests.exceptions.ContentDecodingError) for cause in causes):
        return "its answer cannot be decompressed", CHECK_URL
    if any(isinstance(cause, (ConnectionResetError, ssl.SSLEOFError)) for cause in causes):
        return "it closed the connection without an answer", CHECK_URL
    return "the connection was lost in the middle of the answer", network


def _tls_failure(reason: str) -> Reason:
    remedy = (
        "check whether it requires another client_cert" if "_ALERT_" in reason else "check the port in url"
    )
    return f"TLS failed: {reason.lower().replace('_', ' ')}", remedy
