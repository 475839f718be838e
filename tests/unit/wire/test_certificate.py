# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The certificate that a server presents, and why it is not trusted."""

from __future__ import annotations

import hashlib
import ssl
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import (
    InvalidOptions,
    Unreachable,
)
from ansible_collections.otsec.defender_iot.plugins.module_utils._wire.certificate import (
    presented_certificate,
)
from ansible_collections.otsec.defender_iot.tests.support.certificates import Certificates
from ansible_collections.otsec.defender_iot.tests.support.servers import (
    HttpProxy,
    OddAppliance,
    Silent,
    SocksProxy,
    running,
)


def params(ca_path: str | None = None) -> dict[str, Any]:
    """Return connection options."""
    return {"ca_path": ca_path, "proxy": None, "connect_timeout": 5}


@pytest.mark.parametrize(
    ("kind", "problem"),
    [
        ("good", ""),
        ("expired", "certificate has expired"),
        ("other_ca", "unable to get local issuer certificate"),
        ("self_signed", "self-signed certificate"),
        ("wrong_name", "IP address mismatch, certificate is not valid for '127.0.0.1'."),
    ],
)
def test_a_certificate_is_read_and_verified(tmp_path: Path, kind: str, problem: str) -> None:
    certificates = Certificates(tmp_path)
    shown = certificates.shown(kind)
    with running(OddAppliance(b"", certificates.context(shown))) as server:
        found = presented_certificate(server.url, params(certificates.ca_path))
        assert server.requests == []
    first = shown.chain.decode().partition("-----END CERTIFICATE-----")
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert("".join(first[:2]))).hexdigest()
    assert found["fingerprint"].replace(":", "").lower() == digest
    assert len(found["fingerprint"]) == 95
    assert found["problem"].replace("self signed", "self-signed") == problem


PROXIES = {"http": HttpProxy, "socks5h": SocksProxy, "socks5": SocksProxy}


@pytest.mark.parametrize("scheme", PROXIES)
@pytest.mark.parametrize("account", ["", "jo:a b"])
def test_a_certificate_is_read_through_a_proxy(tmp_path: Path, scheme: str, account: str) -> None:
    certificates = Certificates(tmp_path)
    given = f"{account.replace(' ', '%20')}@" if account else ""
    box = OddAppliance(b"", certificates.context(certificates.shown("self_signed")))
    with running(box) as server, running(PROXIES[scheme](account)) as proxy:
        direct = presented_certificate(server.url, params())
        found = presented_certificate(
            server.url, {**params(), "proxy": f"{scheme}://{given}127.0.0.1:{proxy.port}"}
        )
        assert found == direct
        assert proxy.targets == [f"127.0.0.1:{server.port}"] * 2
        assert server.requests == []


@pytest.mark.parametrize("scheme", PROXIES)
def test_a_proxy_that_refuses_is_named_without_its_credentials(scheme: str) -> None:
    with running(PROXIES[scheme]("jo:right")) as proxy:
        through = {**params(), "proxy": f"{scheme}://jo:wrong@127.0.0.1:{proxy.port}"}
        with pytest.raises(Unreachable) as caught:
            presented_certificate("https://[2001:db8::1]:8443", through)
    assert caught.value.why == (
        f"no TLS connection to 2001:db8::1, port 8443 through the proxy 127.0.0.1:{proxy.port}: "
        "the proxy does not connect"
    )
    assert caught.value.remedy == "check proxy, host and port in url, and the network"


def test_a_server_without_tls_is_unreachable() -> None:
    says = "no TLS connection to 127.0.0.1, port [0-9]+: no answer"
    with running(Silent()) as server, pytest.raises(Unreachable, match=says):
        presented_certificate(f"https://127.0.0.1:{server.port}", {**params(), "connect_timeout": 1})


@pytest.mark.parametrize("url", ["http://192.0.2.1", "https://"])
def test_only_https_has_certificates(url: str) -> None:
    with pytest.raises(InvalidOptions, match="url"):
        presented_certificate(url, params())


def test_the_port_of_https_is_443(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def refuse(place: Any, seconds: float) -> None:
        asked.append((place, seconds))
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr("socket.create_connection", refuse)
    with pytest.raises(Unreachable, match=r"no TLS connection to 192\.0\.2\.1, port 443: Connection refused"):
        presented_certificate("https://192.0.2.1", params())
    assert asked == [(("192.0.2.1", 443), 5)]
