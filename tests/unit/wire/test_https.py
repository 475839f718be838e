# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTTPS without a server: addresses, certificates, and errors for unusable answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import (
    ApplianceError,
    InvalidOptions,
    Unreachable,
    Unsupported,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._wire import https
from ansible_collections.otsec.defender_iot.plugins.module_utils._wire.https import (
    Http,
    _place,
    base_url,
    proxy_place,
    quoted,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._wire.tls import trust
from ansible_collections.otsec.defender_iot.tests.support.certificates import Certificates
from ansible_collections.otsec.defender_iot.tests.support.irregular import IRREGULAR, not_blocking
from ansible_collections.otsec.defender_iot.tests.unit.fakes import CONNECTION, answer


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("192.0.2.1", "https://192.0.2.1"),
        ("fgt.example:8443", "https://fgt.example:8443"),
        ("https://fgt.example", "https://fgt.example"),
        ("https://fgt.example/", "https://fgt.example"),
        ("https://[2001:db8::1]:8443/", "https://[2001:db8::1]:8443"),
        ("[2001:db8::1]", "https://[2001:db8::1]"),
        ("https://proxy.example/fgt01/", "https://proxy.example/fgt01"),
    ],
)
def test_an_address_becomes_an_https_url_without_trailing_slash(url: str, base: str) -> None:
    assert base_url(url) == base
    assert base_url(base) == base


NO_ADDRESS = (
    "url is not an https address; set it to https://host or https://host:port, without credentials or a query"
)


@pytest.mark.parametrize(
    "url",
    [
        "http://fgt.example",
        "ssh://fgt.example",
        "https://",
        "",
        "https://:8443",
        "://x",
        "fgt.example:https",
        "fgt.example:99999",
        "2001:db8::1",
        "https:/fgt.example:8443",
        "https:/fgt.example",
        "https//fgt.example",
        "https:fgt.example",
        "https:8443",
        "https",
        "http:/fgt.example",
        "HTTPS:/fgt.example",
        "https://https://fgt.example",
        "https://https:/fgt.example",
        "ssh:/fgt.example",
        "fgt.example:",
        "https://fgt.example:/api",
        "https://[2001:db8::1",
        "https://fgt.example/#system",
        "https://fgt example",
        " fgt.example",
        "fgt.example\n",
    ],
)
def test_another_address_than_https_is_refused(url: str) -> None:
    with pytest.raises(InvalidOptions) as caught:
        base_url(url)
    assert str(caught.value) == NO_ADDRESS


@pytest.mark.parametrize(
    "url",
    [
        "https://u:s3cr3t@fgt.example",
        "http://u:s3cr3t@fgt.example",
        "u:s3cr3t@fgt.example:port",
        "u@fgt.example",
        "https://fgt.example/?access_token=s3cr3t",
        "http://fgt.example/?access_token=s3cr3t",
    ],
)
def test_an_address_with_credentials_is_refused_and_not_quoted(url: str) -> None:
    with pytest.raises(InvalidOptions) as caught:
        base_url(url)
    assert str(caught.value) == NO_ADDRESS


def test_certificates_are_verified_as_the_options_say(tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.touch()
    assert trust(True, None) is True
    assert trust(True, str(ca)) == str(ca)
    assert trust(False, None) is False
    assert trust(False, str(ca)) is False


@pytest.mark.parametrize("name", ["none.pem", "."])
def test_a_missing_ca_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidOptions, match="ca_path names no file on this host"):
        trust(True, str(tmp_path / name))


def test_the_environment_of_requests_is_ignored() -> None:
    assert Http(CONNECTION).session.trust_env is False


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Certificates and keys of every kind."""
    return Certificates(tmp_path_factory.mktemp("certificates"))


PIN = "ab" * 32
WRONG_OPTIONS = {
    "pin of SHA-1": ({"cert_fingerprint": "ab" * 20}, "is not a SHA-256 fingerprint"),
    "pin with a name": ({"cert_fingerprint": f"SHA256={PIN}"}, "is not a SHA-256 fingerprint"),
    "pin without digits": ({"cert_fingerprint": "zz" * 32}, "is not a SHA-256 fingerprint"),
    "pin and no checks": ({"cert_fingerprint": PIN, "validate_certs": False}, "set only one of them"),
    "no CA file": ({"ca_path": "{folder}/none.pem"}, "ca_path names no file on this host"),
    "CA file without a CA": ({"ca_path": "{folder}/client.key"}, "ca_path contains no CA certificate in PEM"),
    "key alone": ({"client_key": "{folder}/client.key"}, "client_key is set without client_cert"),
    "no certificate": ({"client_cert": "{folder}/none.pem"}, "client_cert cannot be read on this host"),
    "certificate is a folder": ({"client_cert": "{folder}"}, r"client_cert .* \(it is a directory,"),
    "no key": (
        {"client_cert": "{folder}/client.pem", "client_key": "{folder}/none.key"},
        r"client_key cannot be read on this host: .* \(no such file or directory\)",
    ),
    "key of another": (
        {"client_cert": "{folder}/client.pem", "client_key": "{folder}/other.key"},
        "the key does not belong to the certificate in client_cert",
    ),
    "encrypted key": (
        {"client_cert": "{folder}/client.pem", "client_key": "{folder}/encrypted.key"},
        "the key of client_cert is encrypted",
    ),
    "certificate without a key": (
        {"client_cert": "{folder}/client.pem"},
        "put both into that file, or set client_key",
    ),
    "key that is a certificate": (
        {"client_cert": "{folder}/client.pem", "client_key": "{folder}/ca.pem"},
        "client_cert and client_key do not contain a certificate and its private key",
    ),
    "no time": ({"timeout": 0}, "timeout is 0, which is out of range; set it to 1 to 3600 seconds"),
    "negative time": ({"connect_timeout": -1}, "connect_timeout is -1, which is out of range"),
    "too long a time": ({"timeout": 10**12}, "timeout is 1000000000000, which is out of range"),
}


@pytest.mark.parametrize(("options", "said"), WRONG_OPTIONS.values(), ids=WRONG_OPTIONS)
def test_an_invalid_option_is_refused_before_anything_is_sent(
    made: Certificates, options: dict[str, Any], said: str
) -> None:
    given = {n: v.format(folder=made.folder) if isinstance(v, str) else v for n, v in options.items()}
    with pytest.raises(InvalidOptions, match=said) as caught:
        Http({**CONNECTION, **given})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", IRREGULAR)
@pytest.mark.parametrize("option", ["ca_path", "client_cert", "client_key"])
def test_only_regular_files_are_opened(made: Certificates, tmp_path: Path, option: str, kind: str) -> None:
    IRREGULAR[kind](tmp_path / "file")
    client = {"client_cert": f"{made.folder}/client.pem"} if option == "client_key" else {}
    with not_blocking(), pytest.raises(InvalidOptions, match=option):
        Http({**CONNECTION, **client, option: str(tmp_path / "file")})


def test_an_empty_option_is_not_set() -> None:
    empty = {"proxy": "", "cert_fingerprint": "", "client_cert": "", "client_key": ""}
    http = Http({**CONNECTION, **empty, "validate_certs": False})
    assert (http.proxy, http.session.proxies, http.tls.pin) == ("", {}, None)


@pytest.mark.parametrize(
    ("proxy", "place"),
    [
        ("http://192.0.2.9:3128", "192.0.2.9:3128"),
        ("http://jo:s3cr3t@proxy.example:3128/", "proxy.example:3128"),
        ("socks5h://jo:s3cr%40t@[2001:db8::9]:1080", "[2001:db8::9]:1080"),
        ("socks5://proxy.example:1080", "proxy.example:1080"),
    ],
)
def test_a_proxy_is_shown_as_host_and_port(proxy: str, place: str) -> None:
    assert proxy_place(proxy) == place


@pytest.mark.parametrize(
    "proxy",
    [
        "jo:s3cr3t@proxy.example:3128",
        "https://jo:s3cr3t@proxy.example:3128",
        "socks4://jo:s3cr3t@proxy.example:1080",
        "http://jo:s3cr3t@proxy.example",
        "http://jo:s3cr3t@proxy.example:port",
        "http://jo:s3cr3t@proxy.example:0",
        "http://jo:s3cr3t#@proxy.example:3128",
        "http://jo:s3cr3t/@proxy.example:3128",
        "http://jo:s3cr3t@proxy.example:3128/way",
        "http://jo:s3cr3t@proxy.example:3128?a",
        "http://jo:s3cr3t@[2001:db8::9:3128",
        "http://jo:s3cr 3t@proxy.example:3128",
        "http://:3128",
    ],
)
def test_an_invalid_proxy_is_refused_and_not_quoted(proxy: str) -> None:
    with pytest.raises(
        InvalidOptions, match="proxy is not the URL of a proxy; set it to http://host:port"
    ) as caught:
        proxy_place(proxy)
    assert "s3cr" not in str(caught.value)


def test_a_socks_proxy_needs_a_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(https, "SocksError", None)
    assert proxy_place("http://proxy.example:3128")
    with pytest.raises(InvalidOptions, match="a SOCKS proxy needs the Python package PySocks on this host"):
        proxy_place("socks5h://proxy.example:1080")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [({"Retry-After": "120"}, 120), ({}, None), ({"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, None)],
)
def test_the_requested_wait_is_read_if_it_is_a_number(header: dict[str, str], seconds: int | None) -> None:
    assert answer(429, **header).retry_after == seconds


@pytest.mark.parametrize(
    ("location", "place"),
    [
        ("https://idp.example/login?token=s3cr3t", "https://idp.example/login"),
        ("https://idp.example/login#s3cr3t", "https://idp.example/login"),
        ("http://fgt.example:8080", "http://fgt.example:8080"),
        ("/login?token=s3cr3t", "/login"),
        ("https://jo:s3cr3t@fgt.example/login", "https://fgt.example/login"),
        ("/" + "x" * 1000, "/" + "x" * 199),
        ("/log\x1b[31min", "/log[31min"),
    ],
)
def test_the_target_of_a_redirect_is_shown_without_possible_secrets(location: str, place: str) -> None:
    assert _place(location) == place


@pytest.mark.parametrize(
    ("segment", "path"),
    [("defender-iot", "defender-iot"), ("a/b", "a%2Fb"), ("a ?#%", "a%20%3F%23%25"), ("ü", "%C3%BC")],
)
def test_a_name_is_one_segment_of_a_path(segment: str, path: str) -> None:
    assert quoted(segment) == path


@pytest.mark.parametrize("segment", ["", ".", ".."])
def test_a_name_that_leads_to_another_path_is_refused(segment: str) -> None:
    with pytest.raises(Unsupported, match=f'in its path is "{segment}", which leads to another path'):
        quoted(segment)


@pytest.mark.parametrize("path", ["/a/..", "/a/./b", "/../a", "/a/%2e%2E/b", "/a/.%2e", "/a/..?b=c"])
def test_a_path_with_dot_segments_is_not_requested(path: str) -> None:
    with pytest.raises(Unsupported, match="leads to another path, so nothing was sent"):
        Http(CONNECTION).request("DELETE", path)


@pytest.mark.parametrize("path", ["/a/...", "/a/.b", "/a..b/c.", "/a?b=/../c", "/a/..%2Fb", "/a/%252e%252e"])
def test_other_dots_are_part_of_a_name(path: str) -> None:
    with pytest.raises(Unreachable):
        Http({**CONNECTION, "url": "127.0.0.1:1"}).request("GET", path)


@pytest.mark.parametrize("document", [{}, [], {"a": [1, None]}, None, "text", 0])
def test_a_json_body_is_decoded_whatever_its_content_type(document: Any) -> None:
    body = '"text"' if document == "text" else document
    assert answer(200, body, "text/html").json() == document


def test_a_json_body_may_begin_with_a_byte_order_mark() -> None:
    assert answer(200, "\ufeff[1]", "application/json").json() == [1]


@pytest.mark.parametrize(
    ("body", "content_type", "form"),
    [
        ("", "application/json", "an empty body"),
        (" \n", "text/html", "an empty body"),
        ("<html></html>", "application/json", "an HTML page"),
        ("\n  <!DOCTYPE html>", "", "an HTML page"),
        ("Unauthorized", "text/html; charset=utf-8", "an HTML page"),
        ('{"results": [', "application/json", "broken or incomplete JSON"),
        ("[1, 2", "application/json", "broken or incomplete JSON"),
        ("{'a': 1}", "application/json", "broken or incomplete JSON"),
        ("Bad Gateway", "text/plain", "plain text"),
        ("Bad Gateway", "application/json", "plain text"),
    ],
)
def test_a_body_that_is_not_json_is_named_by_its_form(body: str, content_type: str, form: str) -> None:
    with pytest.raises(ApplianceError) as caught:
        answer(403, body, content_type, "/api").json()
    assert caught.value.reason == (
        f"it answered with {form} where JSON was expected; check host and port in url"
    )
    assert caught.value.failure == {"status": 403, "code": None, "path": "/api"}


@pytest.mark.parametrize("segment", ["caf" + chr(0xDCE9), "caf\N{REPLACEMENT CHARACTER}"])
def test_a_name_that_is_not_utf_8_never_gets_into_a_path(segment: str) -> None:
    with pytest.raises(Unsupported) as caught:
        quoted(segment)
    assert caught.value.reason == (
        "a name or an id in its path has bytes that are not UTF-8, so no request can name the object; rename "
        "the object on the appliance"
    )


@pytest.mark.parametrize("text", [r'{"name": "caf\udce9"}', r'["\uD83D"]'])
def test_an_answer_with_text_that_is_not_utf_8_is_explained(text: str) -> None:
    with pytest.raises(ApplianceError) as caught:
        answer(200, text, path="/api").json()
    assert caught.value.why == "its answer has text that is not UTF-8, such as the name of an object"
    assert caught.value.failure == {"status": 200, "code": None, "path": "/api"}
    assert answer(200, r'["\ud83d\ude00"]').json() == ["\U0001f600"]
