# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connections of a user's playbook: pins, client certificates, proxies, bastions, and their messages."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.tests.support.bastion import running_bastion
from ansible_collections.otsec.defender_iot.tests.support.certificates import Certificates
from ansible_collections.otsec.defender_iot.tests.support.example import Example
from ansible_collections.otsec.defender_iot.tests.support.leaks import files_with
from ansible_collections.otsec.defender_iot.tests.support.servers import HttpProxy, SocksProxy, running
from ansible_collections.otsec.defender_iot.tests.support.workspace import (
    ENDPOINTS,
    Play,
    Run,
    Task,
    Workspace,
    play,
    task,
)

SELF_SIGNED = "fgt-self_signed"
READ = task("fortigate_admin_profile_info")
PASSWORD = "proxy-p4ssword-0123"
APPLIANCES = {
    "fgt-north-01": READ,
    "sensor-north-01": task("sensor_access_token_info", endpoints=ENDPOINTS["sensor"]),
    "forescout-01": task("forescout_module_info", endpoints=ENDPOINTS["forescout"]),
}


def _pin(node: Workspace, appliance: str) -> str:
    return str(node.lab.appliances[appliance]["cert_fingerprint"])


def _run(node: Workspace, **hosts: dict[str, Any]) -> Run:
    node.inventory(**hosts)
    return node.run(play(READ))


def test_a_factory_certificate_is_accepted_by_its_pin_alone(workspace: Workspace) -> None:
    box, pin = workspace.host(SELF_SIGNED), _pin(workspace, SELF_SIGNED)
    run = _run(
        workspace,
        unpinned=box,
        pinned={**box, "cert_fingerprint": ":".join(pin.upper()[at : at + 2] for at in range(0, 64, 2))},
        replaced={**box, "cert_fingerprint": _pin(workspace, "fgt-north-01")},
        malformed={**box, "cert_fingerprint": "12:34"},
        contradicting={**box, "cert_fingerprint": pin, "validate_certs": False},
    )
    assert run.one("pinned").status == "ok"
    assert (
        "not accepted: self-signed certificate; fix the certificate, set ca_path"
        in run.one("unpinned").message
    )
    assert "cert_fingerprint: expected" in run.one("replaced").message
    assert pin.upper()[:2] + ":" + pin.upper()[2:4] in run.one("replaced").message
    assert "is not a SHA-256 fingerprint" in run.one("malformed").message
    assert "set only one of them" in run.one("contradicting").message
    statuses = {host: run.one(host).status for host in ("unpinned", "replaced", "malformed", "contradicting")}
    assert statuses == {
        "unpinned": "unreachable",
        "replaced": "unreachable",
        "malformed": "failed",
        "contradicting": "failed",
    }
    assert len(workspace.lab.calls(SELF_SIGNED)) == 1
    assert "Unverified HTTPS" not in run.output


def test_an_api_admin_with_a_pki_group_needs_key_and_certificate(
    workspace: Workspace, tmp_path_factory: pytest.TempPathFactory
) -> None:
    lab = workspace.lab
    pki = {"peer-auth": "enable", "peer-group": "automation"}
    lab.cmdb("fgt-north-01", "POST", "api-user", {"name": "careful", "accprofile": "super_admin", **pki})
    token = lab.appliances["fgt-north-01"]["credentials"]["token"]
    headers = {"Authorization": f"Bearer {token}"}
    path = "/api/v2/monitor/system/api-user/generate-key"
    made = lab.call("fgt-north-01", "POST", path, headers=headers, json={"api-user": "careful"})
    box = {**workspace.host("fgt-north-01"), "token": made.json()["results"]["access_token"]}
    lab.forget_calls()
    other = Certificates(tmp_path_factory.mktemp("other"))
    run = _run(
        workspace,
        with_certificate={**box, **lab.client},
        without={**box},
        of_another_ca={**box, "client_cert": other.client_both},
        with_the_key_of_another={**box, **lab.client, "client_key": other.client_key},
        encrypted={**box, "client_cert": other.client_cert, "client_key": other.encrypted_key},
    )
    assert run.one("with-certificate").status == "ok", run.output
    assert "(401): the credentials are not accepted" in run.one("without").message
    assert run.one("of-another-ca").status == "unreachable"
    assert "the key does not belong to the certificate" in run.one("with-the-key-of-another").message
    assert "the key of client_cert is encrypted" in run.one("encrypted").message
    assert sorted(call["status"] for call in lab.calls("fgt-north-01")) == [200, 401]


@pytest.mark.parametrize(("proxy_class", "scheme"), [(HttpProxy, "http"), (SocksProxy, "socks5h")])
def test_every_product_is_reached_through_a_proxy_whose_account_stays_secret(
    workspace: Workspace, proxy_class: Any, scheme: str
) -> None:
    lab = workspace.lab
    log = workspace.folder / "ansible.log"
    with running(proxy_class(f"jo:{PASSWORD}")) as proxy:
        through = f"{scheme}://jo:{PASSWORD}@127.0.0.1:{proxy.port}"
        wrong = f"{scheme}://jo:not-{PASSWORD}@127.0.0.1:{proxy.port}"
        hosts = {name: workspace.host(name, proxy=through) for name in APPLIANCES}
        workspace.inventory(**hosts, stranger=workspace.host("fgt-north-02", proxy=wrong))
        plays = [play(read, hosts=name) for name, read in APPLIANCES.items()]
        run = workspace.run(
            *plays, play(READ, hosts="stranger"), arguments=["-vvvv"], ANSIBLE_LOG_PATH=str(log)
        )
        assert {run.one(name).status for name in APPLIANCES} == {"ok"}, run.output
        refused = run.one("stranger")
        assert refused.status == "unreachable"
        assert f"through the proxy 127.0.0.1:{proxy.port}: the proxy refuses (" in refused.message
        ports = {lab.appliances[name]["port"] for name in APPLIANCES}
        assert {int(target.rpartition(":")[2]) for target in proxy.targets} == ports
    assert PASSWORD not in run.output
    assert log.stat().st_size
    assert files_with([PASSWORD], workspace.folder, workspace.inputs) == []
    assert lab.calls("fgt-north-02") == []


def test_the_environment_gives_options_and_nothing_else(workspace: Workspace) -> None:
    box = workspace.host(SELF_SIGNED)
    workspace.inventory(fgt={name: box[name] for name in ("url", "token")})
    foreign = {
        **dict.fromkeys(("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"), "http://127.0.0.1:1"),
        **dict.fromkeys(("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"), workspace.lab.ca_path),
    }
    refused = workspace.run(play(READ), **foreign).one("fgt")
    assert "self-signed certificate" in refused.message
    pin = {"FORTIGATE_CERT_FINGERPRINT": _pin(workspace, SELF_SIGNED)}
    assert workspace.run(play(READ), **foreign, **pin).succeeded().one("fgt").status == "ok"
    missing = workspace.run(play(READ), **foreign, **pin, FORTIOS_CA_CLIENTCERT="/no/such.pem").one("fgt")
    assert 'client_cert cannot be read on this host: "/no/such.pem"' in missing.message


def test_the_environment_of_a_task_gives_options(workspace: Workspace) -> None:
    boxes = {
        host: workspace.host(name)
        for host, name in {
            "named": "fgt-north-01",
            "given": "fgt-north-02",
            "unnamed": "fgt-south-01",
        }.items()
    }
    # An option overrides the environment of the task.
    hosts = {host: {"ca_path": box["ca_path"]} for host, box in boxes.items()} | {"given": boxes["given"]}
    workspace.inventory(**hosts)

    def with_environment(host: str, read: Task) -> Play:
        environment = {"FORTIGATE_URL": boxes[host]["url"], "FORTIGATE_TOKEN": "block"}
        block = {"block": [read], "environment": environment}
        outer = {
            "environment": [{"FORTIGATE_TOKEN": "play"}],
            "vars": {"token_of_play": boxes[host]["token"]},
        }
        return play(block, hosts=host, **outer)

    named = {**READ, "environment": {"FORTIGATE_TOKEN": "{{ token_of_play }}"}}
    node = {"FORTIGATE_URL": "https://127.0.0.1:1", "FORTIGATE_TOKEN": "node"}
    plays = [
        with_environment(host, read)
        for host, read in {"named": named, "given": READ, "unnamed": READ}.items()
    ]
    run = workspace.run(*plays, **node)
    assert [run.one(host).status for host in ("named", "given")] == ["ok", "ok"]
    assert len(workspace.lab.calls("fgt-north-01")) == 1
    assert run.one("unnamed").failed
    assert "(401)" in run.one("unnamed").message


def test_an_unverified_certificate_is_one_warning_for_each_host(
    workspace: Workspace, tmp_path_factory: pytest.TempPathFactory
) -> None:
    hosts = {
        name: {**workspace.host(name), "validate_certs": False} for name in ("fgt-north-01", SELF_SIGNED)
    }
    delegated = {**READ, "delegate_to": "bastion"}
    with running_bastion(tmp_path_factory.mktemp("bastion") / "host") as bastion:
        workspace.inventory(**hosts, bastion=bastion.variables(), verified=workspace.host("fgt-north-02"))
        two = [play(READ, delegated, READ, hosts="all:!bastion") for _time in range(2)]
        run = workspace.run(*two).succeeded()
        alone = workspace.run(play(delegated, hosts="fgt-north-01")).succeeded()
    warned = "validate_certs is false, so the certificate"
    assert run.output.count(warned) == 2
    assert alone.output.count(warned) == 1
    assert f"fgt-north-01: {warned}" in run.output
    for output in (run.output, alone.output):
        assert "InsecureRequestWarning" not in output
        assert "Unverified HTTPS" not in output


def test_behind_a_bastion_the_same_options_hold(
    workspace: Workspace, tmp_path_factory: pytest.TempPathFactory
) -> None:
    pin = _pin(workspace, SELF_SIGNED)
    box = workspace.host(SELF_SIGNED, **workspace.lab.client)
    folder = tmp_path_factory.mktemp("bastion") / "host"
    with running_bastion(folder) as bastion, running(HttpProxy()) as proxy:
        through = {**box, "proxy": f"http://127.0.0.1:{proxy.port}"}
        workspace.inventory(
            bastion=bastion.variables(),
            pinned={**through, "cert_fingerprint": pin},
            replaced={**through, "cert_fingerprint": "0" * 64},
            malformed={**through, "cert_fingerprint": "12:34"},
        )
        run = workspace.run(play({**READ, "delegate_to": "bastion"}, hosts="all:!bastion"))
        assert bastion.commands
        assert set(proxy.targets) == {f"127.0.0.1:{workspace.lab.appliances[SELF_SIGNED]['port']}"}
    assert run.one("pinned").status == "ok", run.output
    assert "cert_fingerprint: expected 00:00" in run.one("replaced").message
    assert "is not a SHA-256 fingerprint" in run.one("malformed").message
    assert len(workspace.lab.calls(SELF_SIGNED)) == 1


def test_the_roles_take_the_way_to_each_host_from_the_inventory(workspace: Workspace) -> None:
    example = Example(workspace)
    with running(SocksProxy()) as proxy:
        example.override(
            "fgt-north-01",
            fortigate_access_proxy=f"socks5h://127.0.0.1:{proxy.port}",
            fortigate_access_cert_fingerprint=_pin(workspace, "fgt-north-01"),
            fortigate_access_ca_path="/no/such/ca.pem",
            fortigate_access_client_cert=workspace.lab.client["client_cert"],
            fortigate_access_client_key=workspace.lab.client["client_key"],
            fortigate_access_connect_timeout=5,
        )
        run = example.playbook("fortinet", "--check").succeeded()
        assert set(proxy.targets) == {f"127.0.0.1:{workspace.lab.appliances['fgt-north-01']['port']}"}
    assert {result.host for result in run.results} == {"fgt-north-01", "fgt-north-02", "fgt-south-01"}
