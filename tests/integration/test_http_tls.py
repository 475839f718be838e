# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTTPS to real servers: server certificates, client certificates, and ports without TLS."""

from __future__ import annotations

import os
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import Unreachable
from ansible_collections.otsec.defender_iot.tests.support.certificates import Certificates
from ansible_collections.otsec.defender_iot.tests.support.servers import Server, http, running
from ansible_collections.otsec.defender_iot.tests.support.wire import (
    CHECK_NETWORK,
    SECRET,
    appliance,
    ask,
    failure,
    session,
)

KINDS = ("good", "expired", "wrong_name", "other_ca", "self_signed")


# --- server certificates


def test_a_good_certificate_is_accepted(certificates: Certificates) -> None:
    with appliance(certificates) as box:
        assert ask(box.url, certificates).json() == {"is": "well"}


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
    certificates: Certificates, kind: str, why: str
) -> None:
    with appliance(certificates, kind=kind) as box:
        reason = failure(box.url, certificates, "POST")
        assert reason == (
            f"its certificate is not accepted: {why}; fix the certificate, set ca_path to its CA, or pin it "
            "with cert_fingerprint"
        )
        assert box.requests == []


def test_a_certificate_without_alternative_names_is_not_judged_by_its_common_name(
    certificates: Certificates,
) -> None:
    with appliance(certificates, kind="self_signed") as box:
        own = certificates.write("own.pem", ssl.get_server_certificate(("127.0.0.1", box.port)).encode())
        assert "IP address mismatch" in failure(box.url, certificates, ca_path=own)


@pytest.mark.parametrize("kind", KINDS)
def test_without_checks_every_certificate_is_accepted(certificates: Certificates, kind: str) -> None:
    with appliance(certificates, kind=kind) as box, pytest.warns(match="Unverified"):
        assert ask(box.url, certificates, validate_certs=False, ca_path=None).status == 200


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", [str.upper, str.lower, lambda pin: ":".join([pin[:2], pin[2:]])])
@pytest.mark.filterwarnings("error")
def test_a_pin_takes_the_place_of_all_other_checks(
    certificates: Certificates, kind: str, form: Callable[[str], str]
) -> None:
    with appliance(certificates, kind=kind) as box:
        assert ask(box.url, certificates, cert_fingerprint=form(box.fingerprint), ca_path=None).status == 200


@pytest.mark.parametrize("kind", ["good", "self_signed"])
def test_another_certificate_than_the_pinned_one_is_named_and_nothing_is_sent(
    certificates: Certificates, kind: str
) -> None:
    with appliance(certificates, kind=kind) as box:
        reason = failure(box.url, certificates, "POST", cert_fingerprint="0" * 64)
        found = ":".join(box.fingerprint.upper()[at : at + 2] for at in range(0, 64, 2))
        expected = ":".join(["00"] * 32)
        assert reason.startswith("its certificate is not the one in cert_fingerprint")
        assert f"expected {expected}, found {found}" in reason
        assert box.requests == []


def test_a_pin_is_checked_on_every_connection(certificates: Certificates) -> None:
    with appliance(certificates, http(b"{}", "Connection: close")) as box:
        with session(box.url, certificates, cert_fingerprint=box.fingerprint, ca_path=None) as api:
            api.request("GET", "/first")
            box.context.load_cert_chain(
                certificates.write("new.pem", (new := certificates.shown("good")).key + new.chain)
            )
            with pytest.raises(Unreachable, match="not the one in cert_fingerprint"):
                api.request("GET", "/second")
        assert len(box.requests) == 1


def test_one_connection_serves_a_session(certificates: Certificates) -> None:
    with appliance(certificates) as box:
        with session(box.url, certificates) as api:
            for _time in range(3):
                api.request("GET", "/")
        assert (box.connections, len(box.requests)) == (1, 3)


# --- client certificates


@pytest.mark.parametrize("files", ["two", "one"])
def test_a_client_certificate_is_shown(certificates: Certificates, files: str) -> None:
    two = {"client_cert": certificates.client_cert, "client_key": certificates.client_key}
    options = two if files == "two" else {"client_cert": certificates.client_both}
    with appliance(certificates, ask=ssl.CERT_REQUIRED) as box:
        assert ask(box.url, certificates, **options).status == 200
        assert ("DNS", "automation.example") in box.certificates[0]["subjectAltName"]


class Strict(threading.Thread):
    """Reports a missing client certificate in the handshake. asyncio would only close the connection."""

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
            # With unread bytes, closing the socket would discard the alert.
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
    certificates: Certificates, version: ssl.TLSVersion, alert: str
) -> None:
    box = Strict(certificates.context(certificates.shown("good"), ask=ssl.CERT_REQUIRED), version)
    box.start()
    assert f"TLS failed: {alert}; check whether it requires another client_cert" in failure(
        box.url, certificates
    )
    box.join(10)
    assert not box.is_alive()


def test_an_appliance_that_hangs_up_for_want_of_a_certificate_is_told_so(certificates: Certificates) -> None:
    with appliance(certificates, ask=ssl.CERT_REQUIRED) as box:
        assert failure(box.url, certificates) == (
            f"{box.url}: it closed the connection without an answer; check host and port in url"
        )
        assert box.requests == []


def test_no_certificate_is_shown_unless_given(certificates: Certificates) -> None:
    with appliance(certificates, ask=ssl.CERT_OPTIONAL) as box:
        assert ask(box.url, certificates).status == 200
        assert not box.certificates[0]


# --- the environment


@pytest.mark.parametrize("kind", ["good", "self_signed"])
def test_the_environment_has_no_say(
    certificates: Certificates, kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login another password other\n")
    with appliance(certificates, kind=kind) as box:
        own = certificates.write("env.pem", ssl.get_server_certificate(("127.0.0.1", box.port)).encode())
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
            assert "self-signed certificate" in failure(box.url, certificates)
        else:
            assert ask(box.url, certificates).status == 200
            assert box.requests[0][1]["authorization"] == f"Bearer {SECRET}"


# --- ports without TLS


class Plain(Server):
    """A server without TLS."""

    async def handle(self, reader: Any, writer: Any) -> None:
        """Refuse."""
        await reader.read(1000)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()


def test_a_port_that_speaks_no_tls_is_told_so(certificates: Certificates) -> None:
    with running(Plain()) as box:
        reason = failure(f"https://127.0.0.1:{box.port}", certificates)
        assert reason.endswith("TLS failed: wrong version number; check the port in url")


def test_a_closed_port_is_told_so(certificates: Certificates) -> None:
    reason = failure("https://127.0.0.1:1", certificates, "POST")
    assert reason == f"https://127.0.0.1:1: connection refused{CHECK_NETWORK}"
