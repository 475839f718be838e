# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Failures: one clear sentence for the failing host, and none for the others.

All cases run at once, each on its own FortiGate, together with a healthy one. The tests check each.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.tests.support.patience import wait_for
from ansible_collections.otsec.defender_iot.tests.support.workspace import (
    ENDPOINTS,
    Run,
    Workspace,
    play,
    task,
)

HEALTHY = "fgt-healthy"
LATE = "fgt-late"
# Hosts of web interfaces, with their modules.
WEB = {
    "sensor": ("sensor-north-01", "sensor_access_token_info"),
    "forescout": ("forescout-01", "forescout_module_info"),
}
LONGEST_SENTENCE = 420


@dataclass(frozen=True)
class Case:
    """A failure, and the required parts of its message.

    ``variables`` are the host's, ``switches`` and ``fault`` the appliance's. ``appliance`` is one with a bad
    certificate, None for a spare one.
    """

    says: str
    variables: dict[str, Any] = field(default_factory=dict)
    switches: dict[str, Any] = field(default_factory=dict)
    fault: dict[str, Any] | None = None
    appliance: str | None = None


HTML = "HTML page where JSON was expected"
OPTIONS = {
    "open-to-everybody": Case(
        r'trusted_hosts: "0\.0\.0\.0/0" would trust every source',
        {"trusted_hosts": ["192.0.2.11", "0.0.0.0/0"]},
    ),
    "open-to-every-ipv6": Case(
        r'trusted_hosts: "::/0" would trust every source', {"trusted_hosts": ["::/0"]}
    ),
    "no-trusted-hosts": Case(r"trusted_hosts is empty", {"trusted_hosts": []}),
    "malformed-cidr": Case(
        r'trusted_hosts: "192\.0\.2\.300/33" is not an IP address or network',
        {"trusted_hosts": ["192.0.2.300/33"]},
    ),
    "host-bits": Case(
        r'"2001:db8:1::5/32" is an address inside a network; write 2001:db8:1::5 .* or 2001:db8::/32',
        {"trusted_hosts": ["2001:db8:1::5/32"]},
    ),
    "wildcard-mask": Case(
        r'"192\.0\.2\.1 0\.0\.0\.255" has a wildcard mask', {"trusted_hosts": ["192.0.2.1 0.0.0.255"]}
    ),
    "open-together": Case(
        r"together would trust every IPv4 source", {"trusted_hosts": ["0.0.0.0/1", "128.0.0.0/1"]}
    ),
    "empty-name": Case(
        r"missing required arguments: name; .* an empty text counts as not set: name", {"admin": ""}
    ),
    "name-of-another-path": Case(r'name cannot be "\.", which leads to another path', {"admin": "."}),
    "missing-slash": Case(
        r"url is not an https address; set it to https://host", {"url": "https:/127.0.0.1:1"}
    ),
    "empty-token": Case(
        r"one of the following is required: token, username; .* an empty text counts as not set: token",
        {"token": ""},
    ),
    "name-too-long": Case(r"name has 36 characters, at most 35 are possible", {"admin": "x" * 36}),
    "plain-http": Case(r"url is not an https address; set it to https://host", {"url": "http://127.0.0.1:1"}),
    "no-ca-file": Case(r"ca_path names no file on this host", {"ca_path": "/no/such/ca.pem"}),
    "no-credentials": Case(r"one of the following is required: token, username", {"token": "{{ omit }}"}),
}

CONNECTIONS = {
    "closed-port": Case(r"connection refused"),
    "expired-certificate": Case(
        r"certificate is not accepted: certificate has expired", appliance="fgt-expired"
    ),
    "wrong-name": Case(
        r"certificate is not accepted: IP address mismatch, certificate is not valid for '127\.0\.0\.1'",
        appliance="fgt-wrong_name",
    ),
    "untrusted-ca": Case(
        r"certificate is not accepted: unable to get local issuer certificate", appliance="fgt-untrusted"
    ),
    "cut-answer": Case(r"lost in the middle of the answer", fault={"kind": "truncate", "close": True}),
    "dropped": Case(r"fgt|lost in the middle|reset|closed", fault={"kind": "drop"}),
    "slow": Case(
        r"no answer from https://\S+ within 1 s", {"timeout": 1}, fault={"kind": "delay", "seconds": 2}
    ),
}

ANSWERS = {
    "wrong-token": Case(r"\(401\): the credentials are not accepted", {"token": "not-the-token-0123456789"}),
    "untrusted-source": Case(
        r"\(401\): .*this source address is not one of the account's trusted hosts",
        switches={"nat": "203.0.113.200"},
    ),
    "unknown-vdom": Case(r"\(403\): permission denied.*VDOM", {"vdom": "nowhere"}),
    "html-200": Case(rf"\(200\): .*{HTML}", fault={"kind": "html", "status": 200}),
    "html-403": Case(r"\(403\): permission denied by the web server", fault={"kind": "html", "status": 403}),
    "truncated-json": Case(r"\(404\): .*broken or incomplete JSON", fault={"kind": "truncate"}),
    "redirect": Case(
        r"\(302\): it redirects to https://other\.example/, which is not followed", fault={"kind": "redirect"}
    ),
    "locked-out": Case(
        r"\(429\): this source address is locked out", fault={"kind": "status", "status": 429}
    ),
    "locked-out-for-long": Case(
        r"\(429\): this source address is locked out after failed logins; wait 240 s, then run again",
        fault={"kind": "html", "status": 429, "headers": {"Retry-After": "240"}},
    ),
    "method-not-allowed": Case(
        r"\(405\): the operation does not exist, .*; run again", fault={"kind": "html", "status": 405}
    ),
    "not-ready": Case(
        r"failed \(503\): its API is not available; wait, because", fault={"kind": "html", "status": 503}
    ),
    "server-error": Case(
        r"\(500\): ", fault={"kind": "status", "status": 500, "body": {"error": "Internal Server Error"}}
    ),
    "empty-500": Case(r"\(500\): .*an empty body", fault={"kind": "status", "status": 500}),
}

WRITES = {
    "unknown-profile": Case(r"\(\d+, -\d+\): .*(does not exist|invalid)", {"profile": "no-such-profile"}),
    "unknown-vdom-of-admin": Case(r"\(\d+, -\d+\): .*(does not exist|invalid)", {"vdoms": ["nowhere"]}),
}

STORES = {
    "store-is-a-folder": Case(
        r"reading the secret .*failed: .* cannot be read: it is a directory, not a regular file",
        {"key": True},
    ),
}

CASES = {**OPTIONS, **CONNECTIONS, **ANSWERS, **WRITES, **STORES}

ADMIN = task(
    "fortigate_api_admin",
    name="{{ admin | default('defender-iot') }}",
    profile="{{ profile | default('super_admin_readonly') }}",
    trusted_hosts="{{ trusted_hosts | default(['192.0.2.11']) }}",
    vdoms="{{ vdoms | default(omit) }}",
    vdom="{{ vdom | default(omit) }}",
)
KEY = {
    **task("fortigate_api_key", name="defender-iot", secret_ref="{{ secret_ref }}"),
    "when": "key is defined",
}
BODY = {
    "name": "defender-iot",
    "accprofile": "super_admin_readonly",
    "trusthost": [{"id": 1, "type": "ipv4-trusthost", "ipv4-trusthost": "192.0.2.11 255.255.255.255"}],
}


@dataclass(frozen=True)
class Outcome:
    """The results of all cases: the run, and for each host its calls and its tables before and after."""

    node: Workspace
    run: Run
    calls: dict[str, list[dict[str, Any]]]
    before: dict[str, Any]
    after: dict[str, Any]

    def message(self, host: str) -> str:
        """Return the only message of a failing host."""
        failures = [result for result in self.run.of(host) if result.failed]
        assert len(failures) == 1, failures
        return failures[0].message

    def writes(self, host: str) -> list[dict[str, Any]]:
        """Return the attempted writes on a host's appliance."""
        return [call for call in self.calls[host] if call["write"]]


def assert_one_sentence(message: str, host: str, says: str) -> None:
    """Check that a message is one clear sentence about a host."""
    assert message.startswith(f"{host}: ")
    assert re.search(says, message), message
    assert "\n" not in message
    assert ".." not in message
    assert len(message) < LONGEST_SENTENCE
    assert not re.search(r"Traceback|Exception|Error\(|object at 0x|urllib3|requests\.", message), message


@pytest.fixture(scope="module")
def closed_port() -> Iterator[int]:
    """A reserved port of this machine without a server."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@pytest.fixture(scope="module")
def outcome(new_workspace: Callable[[], Workspace], closed_port: int) -> Outcome:
    """The run with all failures at once."""
    node = new_workspace()
    lab = node.lab
    spares = iter(sorted(name for name in lab.appliances if re.fullmatch(r"spare-\d+", name)))
    places = {name: case.appliance or next(spares) for name, case in CASES.items()}
    places[HEALTHY], places[LATE] = next(spares), next(spares)
    lab.fault(places[LATE], "delay", {"method": "POST"}, seconds=3, after=True)
    for name, case in CASES.items():
        if case.variables.get("key"):
            lab.cmdb(places[name], "POST", "api-user", BODY)
        if case.switches:
            lab.switch(places[name], **case.switches)
        if case.fault:
            lab.fault(places[name], **case.fault)
    hosts = {name: node.host(place, secret_ref=node.ref(name)) for name, place in places.items()}
    for name, case in CASES.items():
        hosts[name].update(case.variables)
    hosts["closed-port"]["url"] = f"https://127.0.0.1:{closed_port}"
    hosts[HEALTHY]["key"] = True
    hosts[LATE]["timeout"] = 1
    fortigates = ",".join(hosts)
    for kind, (place, _module) in WEB.items():
        lab.fault(place, "html", {"path_prefix": "/__lab__/"}, status=200)
        hosts[kind] = node.host(place)
    (node.store / "store-is-a-folder.yml").mkdir(parents=True)
    lab.forget_calls()
    before = {name: lab.tables(place) for name, place in places.items()}
    node.inventory(**hosts)
    # A play whose hosts all fail would end the run.
    web = [
        play({**task(module, endpoints=ENDPOINTS[kind]), "ignore_errors": True}, hosts=kind)
        for kind, (_place, module) in WEB.items()
    ]
    run = node.run(play(ADMIN, KEY, hosts=fortigates), *web)
    # The lab records a call after its answer, which is here after the end of the run.
    wait_for(lambda: lab.calls(places["slow"]))
    calls = {name: lab.calls(place) for name, place in places.items()}
    return Outcome(node, run, calls, before, {name: lab.tables(place) for name, place in places.items()})


@pytest.mark.parametrize("host", CASES)
def test_a_failure_is_one_clear_sentence_about_its_host(outcome: Outcome, host: str) -> None:
    assert_one_sentence(outcome.message(host), host, CASES[host].says)


@pytest.mark.parametrize("host", CASES)
def test_a_failure_leaves_the_appliance_as_it_was(outcome: Outcome, host: str) -> None:
    assert outcome.after[host] == outcome.before[host]


@pytest.mark.parametrize("host", [*OPTIONS, *CONNECTIONS, *ANSWERS, *STORES])
def test_nothing_is_written_after_a_failure_to_read(outcome: Outcome, host: str) -> None:
    assert outcome.writes(host) == []


@pytest.mark.parametrize("host", WRITES)
def test_a_refused_write_is_tried_once(outcome: Outcome, host: str) -> None:
    (write,) = outcome.writes(host)
    assert write["status"] >= 400


@pytest.mark.parametrize("host", OPTIONS)
def test_options_that_cannot_be_right_fail_before_the_first_request(outcome: Outcome, host: str) -> None:
    assert outcome.calls[host] == []


@pytest.mark.parametrize("host", [*ANSWERS, "slow"])
def test_a_failed_read_is_not_repeated(outcome: Outcome, host: str) -> None:
    assert [call["method"] for call in outcome.calls[host]] == ["GET"]


@pytest.mark.parametrize("host", CASES)
def test_the_recap_tells_failed_hosts_from_unreachable_ones(outcome: Outcome, host: str) -> None:
    counts = outcome.run.stats[host]
    expected = {"failures": 0, "unreachable": 1} if host in CONNECTIONS else {"failures": 1, "unreachable": 0}
    assert {name: counts[name] for name in expected} == expected


def test_a_failure_is_told_to_machines_too(outcome: Outcome) -> None:
    (result,) = outcome.run.of("unknown-vdom")
    path = "/api/v2/cmdb/system/api-user/defender-iot"
    assert result.data["failure"] == {"status": 403, "code": None, "path": path}
    assert result.changed is False


def test_the_healthy_host_is_served_beside_all_failures(outcome: Outcome) -> None:
    assert outcome.run.code != 0
    assert [result.changed for result in outcome.run.of(HEALTHY)] == [True, True]
    assert outcome.run.stats[HEALTHY]["failures"] == outcome.run.stats[HEALTHY]["unreachable"] == 0
    assert "defender-iot" in [row["name"] for row in outcome.after[HEALTHY]["api-user"]]


def test_no_trace_of_the_program_is_printed(outcome: Outcome) -> None:
    assert "Traceback" not in outcome.run.output
    assert 'File "' not in outcome.run.output


def test_an_answer_that_comes_too_late_says_that_the_outcome_is_not_known(outcome: Outcome) -> None:
    (late,) = outcome.run.of(LATE)
    assert late.status == "unreachable"
    assert_one_sentence(
        late.message, LATE, r"creating .*not known whether the request was carried out; run again"
    )
    outcome.node.lab.control("DELETE", "/faults")
    assert outcome.node.run(play(ADMIN, hosts=LATE)).succeeded().changes == []


@pytest.mark.parametrize("kind", WEB)
def test_the_web_interfaces_fail_in_one_sentence_too(outcome: Outcome, kind: str) -> None:
    failure = outcome.run.one(kind, WEB[kind][1])
    assert failure.failed
    assert_one_sentence(failure.message, kind, rf"\(200\): .*{HTML}")


def _with_key(node: Workspace) -> None:
    """Write an inventory of a host with a stored key and a host without a store."""
    node.lab.cmdb("fgt-north-01", "POST", "api-user", BODY)
    node.lab.forget_calls()
    node.inventory(
        needs_the_store=node.host("fgt-north-01", key=True, secret_ref=node.ref("key")),
        fgt_healthy=node.host("fgt-north-02"),
    )


def _assert_only_the_store_failed(node: Workspace, run: Run, says: str) -> None:
    assert run.code != 0
    (failure,) = [result for result in run.results if result.failed]
    assert_one_sentence(failure.message, "needs-the-store", says)
    assert [result.changed for result in run.of(HEALTHY)] == [True]
    assert not [call for call in node.lab.calls("fgt-north-01") if call["write"]]


def test_without_a_vault_identity_nothing_is_asked_of_the_appliance(workspace: Workspace) -> None:
    _with_key(workspace)
    run = workspace.run(play(ADMIN, KEY), ANSIBLE_VAULT_PASSWORD_FILE=None)
    _assert_only_the_store_failed(workspace, run, r"the run has no vault password.*--vault-password-file")
    # The only request is that of the earlier task.
    assert [call["method"] for call in workspace.lab.calls("fgt-north-01")] == ["GET"]
    assert workspace.stored_files() == {}


def test_a_store_that_another_password_encrypted_is_not_taken_for_an_empty_one(workspace: Workspace) -> None:
    _with_key(workspace)
    workspace.keep("key", value="kept")
    before = workspace.stored_files()
    other = workspace.inputs / "other-password"
    other.write_text("another password")
    run = workspace.run(play(ADMIN, KEY), ANSIBLE_VAULT_PASSWORD_FILE=str(other))
    _assert_only_the_store_failed(workspace, run, r"reading the secret .* cannot be decrypted")
    assert workspace.stored_files() == before
