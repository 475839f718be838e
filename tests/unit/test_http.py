# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTTPS without a server: addresses, trust, and what is said about an answer that is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._errors import ApplianceError, InvalidOptions
from ansible_collections.otsec.defender_iot.plugins.module_utils._http import (
    Http,
    _place,
    base_url,
    quoted,
    trust,
)
from ansible_collections.otsec.defender_iot.tests.unit.fakes import answer


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


NO_ADDRESS = "url must look like https://host or https://host:port, without credentials or a query"


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
        "https://[2001:db8::1",
        "https://fgt.example/#system",
        "https://fgt example",
        " fgt.example",
        "fgt.example\n",
    ],
)
def test_what_is_no_https_address_is_refused(url: str) -> None:
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
def test_an_address_with_credentials_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(InvalidOptions) as caught:
        base_url(url)
    assert str(caught.value) == NO_ADDRESS


def test_certificates_are_checked_against_what_the_task_says(tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.touch()
    assert trust(True, None) is True
    assert trust(True, str(ca)) == str(ca)
    assert trust(False, None) is False
    assert trust(False, str(ca)) is False


@pytest.mark.parametrize("name", ["none.pem", "."])
def test_a_ca_file_that_is_not_there_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidOptions, match="ca_path names no file on this host"):
        trust(True, str(tmp_path / name))


def test_the_environment_has_no_say() -> None:
    http = Http({"url": "fgt.example", "timeout": 5, "validate_certs": True, "ca_path": None})
    assert http.session.trust_env is False
    assert (http.url, http.timeout, http.verify) == ("https://fgt.example", 5, True)


@pytest.mark.parametrize(
    ("location", "place"),
    [
        ("https://idp.example/login?token=s3cr3t", "https://idp.example/login"),
        ("https://idp.example/login#s3cr3t", "https://idp.example/login"),
        ("http://fgt.example:8080", "http://fgt.example:8080"),
        ("/login?token=s3cr3t", "/login"),
    ],
)
def test_a_redirect_is_named_without_what_may_be_secret(location: str, place: str) -> None:
    assert _place(location) == place


@pytest.mark.parametrize(
    ("segment", "path"),
    [("defender-iot", "defender-iot"), ("a/b", "a%2Fb"), ("a ?#%", "a%20%3F%23%25"), ("ü", "%C3%BC")],
)
def test_a_name_is_one_segment_of_a_path(segment: str, path: str) -> None:
    assert quoted(segment) == path


@pytest.mark.parametrize("document", [{}, [], {"a": [1, None]}, None, "text", 0])
def test_a_json_body_is_decoded_whatever_its_content_type(document: Any) -> None:
    body = '"text"' if document == "text" else document
    assert answer(200, body, "text/html").json() == document


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
def test_a_body_that_is_not_json_is_called_by_its_form(body: str, content_type: str, form: str) -> None:
    with pytest.raises(ApplianceError) as caught:
        answer(403, body, content_type, "/api").json()
    assert caught.value.reason == (
        f"it answered with {form} where JSON was expected; does url name the right host and port?"
    )
    assert caught.value.failure == {"status": 403, "code": None, "path": "/api"}
