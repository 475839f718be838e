# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTTPS to real servers: certificates, pins, proxies, and answers that never end or are none."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import socket
import ssl
import threading
import tracemalloc
import zlib
from asyncio import StreamWriter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils import _http, _tls
from ansible_collections.otsec.defender_iot.plugins.module_utils._errors import (
    ApplianceError,
    InvalidOptions,
    Unreachable,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._fortigate import FortiGate
from ansible_collections.otsec.defender_iot.plugins.module_utils._http import Answer, Http
from ansible_collections.otsec.defender_iot.plugins.module_utils._resource import Field, Resource
from ansible_collections.otsec.defender_iot.tests.support.certificates import Certificates
from ansible_collections.otsec.defender_iot.tests.support.servers import (
    HttpProxy,
    OddAppliance,
    Server,
    SocksProxy,
    http,
    running,
)

OK = http(b'{"is": "well"}')
KINDS = ("good", "expired", "wrong_name", "other_ca", "self_signed")
SECRET = "s3cr3t-0123456789"
DOUBT = "; whether it was carried out is not known, run again to find out"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Certificates of every kind."""
    return Certificates(tmp_path_factory.mktemp("certificates"))


@contextmanager
def appliance(
    made: Certificates, answer: Any = OK, kind: str = "good", ask: ssl.VerifyMode = ssl.CERT_NONE
) -> Iterator[Any]:
    """Run an appliance that answers oddly; `fingerprint` is that of its certificate."""
    shown = made.shown(kind)
    with running(OddAppliance(answer, made.context(shown, ask=ask))) as server:
        server.fingerprint = shown.fingerprint
        yield server


def ask(url: str, made: Certificates, method: str = "GET", **params: Any) -> Answer:
    """Ask one thing."""
    defaults = {"validate_certs": True, "ca_path": made.ca_path, "connect_timeout": 5, "timeout": 5}
    with closing(Http({"url": url, **defaults, **params})) as api:
        return api.request(method, "/api", headers={"Authorization": f"Bearer {SECRET}"})


def failure(url: str, made: Certificates, method: str = "GET", **params: Any) -> str:
    """Ask one thing in vain and return the reason."""
    with pytest.raises(ApplianceError) as caught:
        ask(url, made, method, **params)
    assert SECRET not in caught.value.reason
    assert "\n" not in caught.value.reason
    return caught.value.reason


# --- whom to believe


def test_a_good_certificate_is_accepted(made: Certificates) -> None:
    with appliance(made) as box:
        assert ask(box.url, made).json() == {"is": "well"}


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("expired", "certificate has expired"),
        ("wrong_name", "IP address mismatch, certificate is not valid for '127.0.0.1'"),
        ("other_ca", "unable to get local issuer certificate"),
        ("self_signed", "self-signed certificate"),
    ],
)
def test_a_bad_certificate_ends_the_task_before_anything_is_sent(
    made: Certificates, kind: str, why: str
) -> None:
    with appliance(made, kind=kind) as box:
        reason = failure(box.url, made, "POST")
        assert reason == f"its certificate is not accepted: {why}. Mend it, name its CA in ca_path, or pin it"
        assert box.requests == []


def test_a_certificate_without_alternative_names_is_not_judged_by_its_common_name(made: Certificates) -> None:
    with appliance(made, kind="self_signed") as box:
        own = made.write("own.pem", ssl.get_server_certificate(("127.0.0.1", box.port)).encode())
        assert "IP address mismatch" in failure(box.url, made, ca_path=own)


@pytest.mark.parametrize("kind", KINDS)
def test_without_checks_every_certificate_is_accepted(made: Certificates, kind: str) -> None:
    with appliance(made, kind=kind) as box, pytest.warns(match="Unverified"):
        assert ask(box.url, made, validate_certs=False, ca_path=None).status == 200


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", [str.upper, str.lower, lambda pin: ":".join([pin[:2], pin[2:]])])
@pytest.mark.filterwarnings("error")
def test_a_pin_takes_the_place_of_all_other_checks(
    made: Certificates, kind: str, form: Callable[[str], str]
) -> None:
    with appliance(made, kind=kind) as box:
        assert ask(box.url, made, cert_fingerprint=form(box.fingerprint), ca_path=None).status == 200


@pytest.mark.parametrize("kind", ["good", "self_signed"])
def test_another_certificate_than_the_pinned_one_is_named_and_nothing_is_sent(
    made: Certificates, kind: str
) -> None:
    with appliance(made, kind=kind) as box:
        reason = failure(box.url, made, "POST", cert_fingerprint="0" * 64)
        found = ":".join(box.fingerprint.upper()[at : at + 2] for at in range(0, 64, 2))
        expected = ":".join(["00"] * 32)
        assert reason.startswith("its certificate is not the one that cert_fingerprint names")
        assert f"expected {expected}, found {found}" in reason
        assert box.requests == []


def test_a_pin_is_checked_on_every_connection(made: Certificates) -> None:
    with appliance(made, http(b"{}", "Connection: close")) as box:
        params = {"url": box.url, "validate_certs": True, "ca_path": None, "connect_timeout": 5, "timeout": 5}
        with closing(Http({**params, "cert_fingerprint": box.fingerprint})) as api:
            api.request("GET", "/first")
            box.context.load_cert_chain(made.write("new.pem", (new := made.shown("good")).key + new.chain))
            with pytest.raises(Unreachable, match="not the one that cert_fingerprint names"):
                api.request("GET", "/second")
        assert len(box.requests) == 1


def test_one_connection_serves_a_session(made: Certificates) -> None:
    with appliance(made) as box:
        params = {"url": box.url, "validate_certs": True, "connect_timeout": 5, "timeout": 5}
        with closing(Http({**params, "ca_path": made.ca_path})) as api:
            for _time in range(3):
                api.request("GET", "/")
        assert (box.connections, len(box.requests)) == (1, 3)


# --- who we are


@pytest.mark.parametrize("files", ["two", "one"])
def test_a_client_certificate_is_shown(made: Certificates, files: str) -> None:
    two = {"client_cert": made.client_cert, "client_key": made.client_key}
    options = two if files == "two" else {"client_cert": made.client_both}
    with appliance(made, ask=ssl.CERT_REQUIRED) as box:
        assert ask(box.url, made, **options).status == 200
        assert ("DNS", "automation.example") in box.certificates[0]["subjectAltName"]


class Strict(threading.Thread):
    """Says in the handshake that it misses a client certificate; asyncio would only hang up."""

    def __init__(self, context: ssl.SSLContext, version: ssl.TLSVersion) -> None:
        super().__init__()
        context.maximum_version = version
        self.context = context
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self.listener.getsockname()[1]}"

    def run(self) -> None:
        """Refuse one connection."""
        with self.listener:
            connection, _address = self.listener.accept()
        caller = self.context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        with caller:
            with suppress(ssl.SSLError):
                caller.do_handshake()
            # With bytes unread, closing would take the alert back.
            with suppress(OSError):
                while os.read(caller.fileno(), 65536):
                    pass


@pytest.mark.parametrize(
    ("version", "alert"),
    [
        (ssl.TLSVersion.TLSv1_2, "sslv3 alert handshake failure"),
        (ssl.TLSVersion.TLSv1_3, "tlsv13 alert certificate required"),
    ],
)
def test_an_appliance_that_misses_a_client_certificate_is_understood(
    made: Certificates, version: ssl.TLSVersion, alert: str
) -> None:
    box = Strict(made.context(made.shown("good"), ask=ssl.CERT_REQUIRED), version)
    box.start()
    assert f"TLS failed: {alert}; does it ask for another client_cert?" in failure(box.url, made)
    box.join(10)
    assert not box.is_alive()


def test_an_appliance_that_hangs_up_for_want_of_a_certificate_is_told_so(made: Certificates) -> None:
    with appliance(made, ask=ssl.CERT_REQUIRED) as box:
        assert failure(box.url, made) == f"{box.url}: it closed the connection without an answer"
        assert box.requests == []


def test_no_certificate_is_shown_unless_given(made: Certificates) -> None:
    with appliance(made, ask=ssl.CERT_OPTIONAL) as box:
        assert ask(box.url, made).status == 200
        assert not box.certificates[0]


# --- the environment


@pytest.mark.parametrize("kind", ["good", "self_signed"])
def test_the_environment_has_no_say(
    made: Certificates, kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    with appliance(made, kind=kind) as box:
        own = made.write("env.pem", ssl.get_server_certificate(("127.0.0.1", box.port)).encode())
        files = own if kind == "self_signed" else str(tmp_path / ".netrc")
        for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
            monkeypatch.setenv(name, files)
        for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:1")
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
        if kind == "self_signed":
            assert "self-signed certificate" in failure(box.url, made)
        else:
            assert ask(box.url, made).status == 200
            assert box.requests[0][1]["authorization"] == f"Bearer {SECRET}"


# --- proxies


PROXIES = {"http": HttpProxy, "socks5h": SocksProxy, "socks5": SocksProxy}


@pytest.mark.parametrize("scheme", PROXIES)
@pytest.mark.parametrize("account", ["", "jo:p@ss/w:rd"])
def test_a_proxy_carries_the_connection(
    made: Certificates, scheme: str, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    given = account.replace("p@ss/w:rd", "p%40ss%2Fw%3Ard@")
    with appliance(made) as box, running(PROXIES[scheme](account)) as proxy:
        assert ask(box.url, made, proxy=f"{scheme}://{given}127.0.0.1:{proxy.port}").status == 200
        assert proxy.targets == [f"127.0.0.1:{box.port}"]
        assert "proxy-authorization" not in box.requests[0][1]


@pytest.mark.parametrize("scheme", ["http", "socks5h"])
def test_the_proxy_looks_up_the_name(made: Certificates, scheme: str) -> None:
    with appliance(made) as box, running(PROXIES[scheme]()) as proxy:
        url = f"https://fgt.example:{box.port}"
        assert ask(url, made, proxy=f"{scheme}://127.0.0.1:{proxy.port}").status == 200
        assert proxy.targets == [f"fgt.example:{box.port}"]


@pytest.mark.parametrize("scheme", ["http", "socks5h"])
def test_certificates_count_behind_a_proxy_too(made: Certificates, scheme: str) -> None:
    with appliance(made, kind="self_signed") as box, running(PROXIES[scheme]()) as proxy:
        through = f"{scheme}://127.0.0.1:{proxy.port}"
        assert "self-signed certificate" in failure(box.url, made, proxy=through)
        wrong = failure(box.url, made, proxy=through, cert_fingerprint="0" * 64)
        assert "not the one that cert_fingerprint names" in wrong
        assert ask(box.url, made, proxy=through, cert_fingerprint=box.fingerprint).status == 200
        assert len(box.requests) == 1


@pytest.mark.parametrize(("scheme", "said"), [("http", "407"), ("socks5h", "SOCKS5 authentication failed")])
def test_a_proxy_that_does_not_know_us_is_named_without_the_account(
    made: Certificates, scheme: str, said: str
) -> None:
    with appliance(made) as box, running(PROXIES[scheme]("jo:right")) as proxy:
        reason = failure(box.url, made, "POST", proxy=f"{scheme}://jo:{SECRET}@127.0.0.1:{proxy.port}")
        through = f"{box.url} through the proxy 127.0.0.1:{proxy.port}"
        assert reason == f"{through}: the proxy refuses ({said})"


@pytest.mark.parametrize(
    ("scheme", "said"), [("http", "the proxy refuses (503)"), ("socks5h", "the proxy refuses (0x05: Conn")]
)
def test_an_appliance_that_the_proxy_cannot_reach(made: Certificates, scheme: str, said: str) -> None:
    with running(PROXIES[scheme]()) as proxy:
        assert said in failure("https://127.0.0.1:1", made, proxy=f"{scheme}://127.0.0.1:{proxy.port}")


@pytest.mark.parametrize("scheme", ["http", "socks5h"])
def test_a_proxy_that_is_not_there(made: Certificates, scheme: str) -> None:
    reason = failure("https://fgt.example", made, proxy=f"{scheme}://jo:{SECRET}@127.0.0.1:1")
    assert reason == "https://fgt.example through the proxy 127.0.0.1:1: connection refused"


class Silent(Server):
    """Accepts connections and says nothing."""

    async def handle(self, reader: Any, writer: Any) -> None:
        """Read for ever."""
        while await reader.read(1000):
            pass


@pytest.mark.parametrize("scheme", ["http", "socks5h"])
def test_a_silent_proxy_is_given_up(made: Certificates, scheme: str) -> None:
    with running(Silent()) as proxy:
        through = f"{scheme}://127.0.0.1:{proxy.port}"
        reason = failure("https://fgt.example", made, "POST", proxy=through, connect_timeout=1)
        assert reason == (
            f"no connection to https://fgt.example through the proxy 127.0.0.1:{proxy.port} within 1 s"
        )


# --- time


def test_a_handshake_that_does_not_come_is_no_connection(made: Certificates) -> None:
    with running(Silent()) as box:
        url = f"https://127.0.0.1:{box.port}"
        assert failure(url, made, "POST", connect_timeout=1) == f"no connection to {url} within 1 s"


def dripping(start: bytes, drop: bytes) -> Any:
    """Return an answer that comes in drops for ever."""

    async def write(writer: StreamWriter) -> None:
        writer.write(start)
        while not writer.is_closing():
            writer.write(drop)
            await writer.drain()
            await asyncio.sleep(0.1)

    return write


DRIPS = {
    "body": dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b" "),
    "chunks": dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "headers": dripping(b"HTTP/1.1 200 OK\r\nX-Endless: ", b"x"),
    "status line": dripping(b"HTTP/1.1 2", b"0"),
    "informational answers": dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
}


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("answer", DRIPS.values(), ids=DRIPS)
def test_a_slow_drip_ends_when_the_answer_should_have(made: Certificates, answer: Any, method: str) -> None:
    with appliance(made, answer) as box:
        reason = failure(box.url, made, method, timeout=1)
        assert reason == f"no answer from {box.url} within 1 s{DOUBT if method == 'POST' else ''}"


def test_each_answer_has_its_own_time(made: Certificates) -> None:
    pauses = iter((0.7, 0.7))

    async def slowly(writer: StreamWriter) -> None:
        await asyncio.sleep(next(pauses))
        writer.write(OK)
        await writer.drain()

    with appliance(made, slowly) as box:
        params = {"url": box.url, "validate_certs": True, "connect_timeout": 5, "timeout": 1}
        with closing(Http({**params, "ca_path": made.ca_path})) as api:
            assert [api.request("GET", "/").status for _time in range(2)] == [200, 200]


# --- size


def endless(start: bytes, more: bytes) -> Any:
    """Return an answer that goes on as fast as it can."""

    async def write(writer: StreamWriter) -> None:
        writer.write(start)
        while not writer.is_closing():
            writer.write(more)
            await writer.drain()
            await asyncio.sleep(0)

    return write


def bomb(size: int, layers: int = 1) -> bytes:
    """Return much that packs into little, once or more often."""
    packer = zlib.compressobj(9, wbits=31)
    piece = bytes(1 << 20)
    body = b"".join(packer.compress(piece) for _each in range(size >> 20)) + packer.flush()
    for _layer in range(layers - 1):
        body = gzip.compress(body)
    return body


MANY = b"x" * (1 << 20)
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
HUGE = {
    "body": endless(b"HTTP/1.1 200 OK\r\n\r\n", MANY),
    "chunks": endless(CHUNKED, b"100000\r\n" + MANY + b"\r\n"),
    "gzip": http(bomb(size=1 << 26), "Content-Encoding: gzip"),
    "deflate": http(zlib.compress(bytes(1 << 26)), "Content-Encoding: deflate"),
}


def most_memory(act: Callable[[], Any]) -> int:
    """Return the most bytes that were in use beside those from before."""
    tracemalloc.start()
    try:
        act()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("answer", HUGE.values(), ids=HUGE)
def test_an_answer_that_is_too_large_ends_in_a_sentence_and_not_in_memory(
    made: Certificates, answer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (_http, _tls):
        monkeypatch.setattr(module, "ANSWER_LIMIT", 2 << 20)
    said = []
    with appliance(made, answer) as box:
        most = most_memory(lambda: said.append(failure(box.url, made, "POST", timeout=60)))
    assert said == [f"its answer is larger than 2 MiB, and the rest was not read{DOUBT}"]
    assert most < 1 << 26


def test_a_bomb_is_put_down_at_64_mib(made: Certificates) -> None:
    said = []
    with appliance(made, http(bomb(size=1 << 28), "Content-Encoding: gzip")) as box:
        most = most_memory(lambda: said.append(failure(box.url, made, timeout=60)))
    assert said == ["its answer is larger than 64 MiB, and the rest was not read"]
    assert most < 1 << 28


def test_a_redirect_is_not_read(made: Certificates) -> None:
    start = b"HTTP/1.1 302 Found\r\nLocation: https://jo:pw@idp.example/login?token=1\r\n\r\n"
    with appliance(made, endless(start, MANY)) as box:
        reason = failure(box.url, made)
        assert reason.startswith("it redirects to https://idp.example/login, which is not followed")
        assert len(box.requests) == 1


# --- form


@pytest.mark.parametrize(
    "answer",
    [
        http(gzip.compress(b'{"is": "well"}'), "Content-Encoding: gzip"),
        http(gzip.compress(b'{"is"') + gzip.compress(b': "well"}'), "Content-Encoding: GZIP"),
        http(zlib.compress(b'{"is": "well"}'), "Content-Encoding: deflate"),
        http(b'{"is": "well"}', "Content-Encoding: identity", "Content-Type: text/html; charset=latin-1"),
        b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"is"\r\n9\r\n: "well"}\r\n0\r\n\r\n',
        b'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{"is": "well"}',
    ],
    ids=["gzip", "gzip in two", "deflate", "identity", "chunks", "until the end"],
)
def test_an_answer_is_unpacked(made: Certificates, answer: bytes) -> None:
    with appliance(made, answer) as box:
        assert ask(box.url, made).json() == {"is": "well"}


def test_gzip_is_all_that_is_asked_for(made: Certificates) -> None:
    with appliance(made) as box:
        ask(box.url, made)
        assert box.requests[0][1]["accept-encoding"] == "gzip"


def test_names_are_utf_8_whatever_the_headers_say(made: Certificates) -> None:
    body = json.dumps({"name": "Füllstation"}, ensure_ascii=False).encode()
    with appliance(made, http(body, "Content-Type: text/html; charset=iso-8859-1")) as box:
        assert ask(box.url, made).json() == {"name": "Füllstation"}


BROKEN = {
    "gzip that is none": http(b'{"is": "well"}', "Content-Encoding: gzip"),
    "half a body": b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\nConnection: close\r\n\r\n{"is": ',
    "chunk of no length": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
    "chunk that breaks off": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n9\r\n{}"
    ),
    "trailer without an end": endless(CHUNKED + b"0\r\nX: ", MANY),
    "length of a chunk without an end": endless(CHUNKED, b"0" * (1 << 20)),
    "no HTTP": b"220 mail.example ESMTP\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
    "too many headers": b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
    "a header too long": b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
}


@pytest.mark.parametrize("answer", BROKEN.values(), ids=BROKEN)
def test_a_broken_answer_is_no_answer(made: Certificates, answer: Any) -> None:
    with appliance(made, answer) as box, pytest.raises(Unreachable) as caught:
        ask(box.url, made, "POST", timeout=2)
    assert caught.value.reason.endswith(DOUBT)
    assert any(said in caught.value.reason for said in ("broke off", "unpacked"))


@pytest.mark.parametrize("packed", ["br", "zstd", "gzip, gzip", "gzip\r\nContent-Encoding: gzip", "x-odd"])
def test_what_was_not_asked_for_is_not_unpacked(made: Certificates, packed: str) -> None:
    with appliance(made, http(bomb(1 << 24, layers=2), f"Content-Encoding: {packed}")) as box:
        assert "packed its answer in a way that was not asked for" in failure(box.url, made)


NO_JSON = {
    "deep nesting": b"[" * 200_000,
    "not a number": b'{"results": NaN}',
    "infinity": b'{"results": -Infinity}',
    "huge number": b"1" * 100_000,
    "half a character": b'{"name": "\\ud83d"}',
    "byte order mark": b"\xef\xbb\xbf{",
    "nothing": b"",
    "bytes": bytes(range(256)),
    "HTML": b"<html></html>",
}


def test_half_of_a_packed_answer_is_not_json(made: Certificates) -> None:
    half = gzip.compress(b'{"is": "well"}')[:-10]
    with (
        appliance(made, http(half, "Content-Encoding: gzip")) as box,
        pytest.raises(ApplianceError) as caught,
    ):
        ask(box.url, made).json()
    assert "where JSON was expected" in caught.value.reason


@pytest.mark.parametrize("body", NO_JSON.values(), ids=NO_JSON)
def test_what_nobody_can_use_is_not_json(made: Certificates, body: bytes) -> None:
    with appliance(made, http(body)) as box, pytest.raises(ApplianceError, match="where JSON was expected"):
        ask(box.url, made).json()


@pytest.mark.parametrize("name", [r"\ud83d\ude00", "😀"])
def test_a_whole_character_is_json_however_it_is_written(made: Certificates, name: str) -> None:
    with appliance(made, http(f'{{"name": "{name}"}}'.encode())) as box:
        assert ask(box.url, made).json() == {"name": "😀"}


ADMIN = Resource(kind="API admin", noun="admin", path="system/api-user", fields={"name": Field("name")})
VERBS = {
    "read": ("a",),
    "table": (),
    "create": ("a", {}),
    "update": ("a", {}),
    "delete": ("a",),
    "mint": ("a",),
    "probe": ("a", SECRET),
}


@pytest.mark.parametrize("account", ["token", "username"])
@pytest.mark.parametrize("answer", [*BROKEN.values(), *map(http, NO_JSON.values())], ids=[*BROKEN, *NO_JSON])
def test_every_verb_of_a_fortigate_says_one_sentence_of_it(
    made: Certificates, answer: Any, account: str
) -> None:
    accounts = {"token": None, "username": None, "password": None, account: SECRET}
    params = {"validate_certs": True, "ca_path": made.ca_path, "connect_timeout": 5, "timeout": 2}
    with appliance(made, answer) as box:
        for verb, arguments in VERBS.items():
            with (
                closing(FortiGate({"url": box.url, "vdom": None, **params, **accounts})) as api,
                pytest.raises(ApplianceError) as caught,
            ):
                getattr(api, verb)(ADMIN, *arguments)
            assert caught.value.reason.isprintable()
            assert SECRET not in caught.value.sentence("fgt").replace(f'login as "{SECRET}"', "")


# --- what cannot be sent


@pytest.mark.parametrize("token", ["to\nken", "to\r\nken"])
def test_a_token_with_a_line_break_is_told_so(made: Certificates, token: str) -> None:
    with appliance(made) as box:
        params = {"url": box.url, "validate_certs": True, "connect_timeout": 5, "timeout": 5}
        with (
            closing(Http({**params, "ca_path": made.ca_path})) as api,
            pytest.raises(InvalidOptions, match="cannot carry, such as a line break") as caught,
        ):
            api.request("GET", "/", headers={"Authorization": f"Bearer {token}"})
        assert "ken" not in str(caught.value).replace("token, password", "")
        assert box.requests == []


def test_a_password_beyond_latin_is_sent_in_utf_8(made: Certificates) -> None:
    with appliance(made) as box:
        params = {"url": box.url, "validate_certs": True, "connect_timeout": 5, "timeout": 5}
        with closing(Http({**params, "ca_path": made.ca_path})) as api:
            api.request("GET", "/", headers={"X-Admin-Passwd": "п€"})
        assert box.requests[0][1]["x-admin-passwd"].encode("latin-1").decode() == "п€"


def test_a_host_that_cannot_exist_is_told_so(made: Certificates) -> None:
    with pytest.raises(InvalidOptions, match="url names no host that can exist"):
        ask("https://fgt..example", made)


class Plain(Server):
    """Speaks no TLS."""

    async def handle(self, reader: Any, writer: Any) -> None:
        """Refuse."""
        await reader.read(1000)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()


def test_a_port_that_speaks_no_tls_is_told_so(made: Certificates) -> None:
    with running(Plain()) as box:
        reason = failure(f"https://127.0.0.1:{box.port}", made)
        assert reason.endswith("TLS failed: wrong version number; does it speak HTTPS there?")


def test_a_closed_port_is_told_so(made: Certificates) -> None:
    assert failure("https://127.0.0.1:1", made, "POST") == "https://127.0.0.1:1: connection refused"
