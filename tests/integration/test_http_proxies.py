# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTTPS through real proxies: connections, refusals, and proxies without an answer."""

from __future__ import annotations

import pytest

from ansible_collections.otsec.defender_iot.tests.support.certificates import Certificates
from ansible_collections.otsec.defender_iot.tests.support.servers import (
    HttpProxy,
    Silent,
    SocksProxy,
    running,
)
from ansible_collections.otsec.defender_iot.tests.support.wire import (
    CHECK_NETWORK_AND_PROXY,
    SECRET,
    appliance,
    ask,
    failure,
)

PROXIES = {"http": HttpProxy, "socks5h": SocksProxy, "socks5": SocksProxy}


@pytest.mark.parametrize("scheme", PROXIES)
@pytest.mark.parametrize("account", ["", "jo:p@ss/w:rd"])
def test_a_proxy_carries_the_connection(
    certificates: Certificates, scheme: str, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    given = account.replace("p@ss/w:rd", "p%40ss%2Fw%3Ard@")
    with appliance(certificates) as box, running(PROXIES[scheme](account)) as proxy:
        assert ask(box.url, certificates, proxy=f"{scheme}://{given}127.0.0.1:{proxy.port}").status == 200
        assert proxy.targets == [f"127.0.0.1:{box.port}"]
        assert "proxy-authorization" not in box.requests[0][1]


@pytest.mark.parametrize("scheme", ["http", "socks5h"])
def test_the_proxy_looks_up_the_name(certificates: Certificates, scheme: str) -> None:
    with appliance(certificates) as box, running(PROXIES[scheme]()) as proxy:
        url = f"https://fgt.example:{box.port}"
        assert ask(url, certificates, proxy=f"{scheme}://127.0.0.1:{proxy.port}").status == 200
        assert proxy.targets == [f"fgt.example:{box.port}"]


@pytest.mark.parametrize("scheme", ["http", "socks5h"])
def test_certificates_count_behind_a_proxy_too(certificates: Certificates, scheme: str) -> None:
    with appliance(certificates, kind="self_signed") as box, running(PROXIES[scheme]()) as proxy:
        through = f"{scheme}://127.0.0.1:{proxy.port}"
        assert "self-signed certificate" in failure(box.url, certificates, proxy=through)
        wrong = failure(box.url, certificates, proxy=through, cert_fingerprint="0" * 64)
        assert "not the one in cert_fingerprint" in wrong
        assert ask(box.url, certificates, proxy=through, cert_fingerprint=box.fingerprint).status == 200
        assert len(box.requests) == 1


@pytest.mark.parametrize(("scheme", "said"), [("http", "407"), ("socks5h", "SOCKS5 authentication failed")])
def test_a_proxy_that_does_not_know_us_is_named_without_the_account(
    certificates: Certificates, scheme: str, said: str
) -> None:
    with appliance(certificates) as box, running(PROXIES[scheme]("jo:right")) as proxy:
        reason = failure(
            box.url, certificates, "POST", proxy=f"{scheme}://jo:{SECRET}@127.0.0.1:{proxy.port}"
        )
        through = f"{box.url} through the proxy 127.0.0.1:{proxy.port}"
        assert reason == f"{through}: the proxy refuses ({said}); check proxy and its credentials"


@pytest.mark.parametrize(
    ("scheme", "said"), [("http", "the proxy refuses (503)"), ("socks5h", "the proxy refuses (0x05: Conn")]
)
def test_an_appliance_that_the_proxy_cannot_reach(certificates: Certificates, scheme: str, said: str) -> None:
    with running(PROXIES[scheme]()) as proxy:
        assert said in failure(
            "https://127.0.0.1:1", certificates, proxy=f"{scheme}://127.0.0.1:{proxy.port}"
        )


@pytest.mark.parametrize("scheme", ["http", "socks5h"])
def test_a_proxy_that_is_not_there(certificates: Certificates, scheme: str) -> None:
    reason = failure("https://fgt.example", certificates, proxy=f"{scheme}://jo:{SECRET}@127.0.0.1:1")
    place = "https://fgt.example through the proxy 127.0.0.1:1"
    assert reason == f"{place}: connection refused{CHECK_NETWORK_AND_PROXY}"


@pytest.mark.parametrize("scheme", ["http", "socks5h"])
def test_a_silent_proxy_is_given_up(certificates: Certificates, scheme: str) -> None:
    with running(Silent()) as proxy:
        through = f"{scheme}://127.0.0.1:{proxy.port}"
        reason = failure("https://fgt.example", certificates, "POST", proxy=through, connect_timeout=1)
        assert reason == (
            f"no connection to https://fgt.example through the proxy 127.0.0.1:{proxy.port} within 1 s"
            f"{CHECK_NETWORK_AND_PROXY}"
        )
