# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Store and appliance fail at every step of minting. After the fix, one run repairs everything."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret

from ansible_collections.otsec.defender_iot.tests.support.patience import wait_for
from ansible_collections.otsec.defender_iot.tests.support.sabotage import Rule
from ansible_collections.otsec.defender_iot.tests.support.stage import ADMIN, GENERATE, MINTING, Stage
from ansible_collections.otsec.defender_iot.tests.support.workspace import (
    VAULT_PASSWORD,
    Result,
    Workspace,
    play,
    task,
)

KINDS = ("key", "token")
TIMES = ("first", "rotated")
SENSORS = 6
PERSIST = tuple(f"write {number}" for number in range(2, 6))
EVERY_WRITE = ("write 1", *PERSIST)
STATUS_PATH = {"method": "GET", "path_prefix": "/api/v2/monitor/system/status"}

# The reason why a file cannot be written, and its message.
UNWRITABLE = {
    "full": "no space left on device; free disk space and run again",
    "read_only": "read-only file system; mount the file system writable, or use another secret store",
    "denied": "permission denied; allow the account that runs Ansible to access it",
}

UNCLEAR_ERROR = {"path": "system", "name": "api-user", "status": "error", "http_status": 500, "error": -61}

# Faults after the appliance has minted, so that the value is lost.
LOST_ANSWERS: dict[str, dict[str, Any]] = {
    "dropped": {"kind": "drop", "after": True},
    "cut": {"kind": "truncate", "close": True},
    "late": {"kind": "delay", "after": True, "seconds": 2},
    "html": {"kind": "html", "after": True},
    "status-500": {"kind": "status", "status": 500, "after": True},
    "error-500": {
        "kind": "status",
        "status": 500,
        "after": True,
        "body": UNCLEAR_ERROR,
    },
}


@pytest.fixture
def stage(workspace: Workspace) -> Iterator[Stage]:
    """A control node without secrets. At the end, check that no secret has leaked."""
    stage = Stage(workspace)
    yield stage
    stage.leaks_nothing()


def _both(stage: Stage, **options: Any) -> None:
    """Add one secret of each kind."""
    stage.key("key", "spare-01", **options)
    stage.token("token", "spare-sensor-1", **options)


def _minting(kind: str) -> dict[str, str]:
    method, path_prefix = MINTING[kind].split()
    return {"method": method, "path_prefix": path_prefix}


def _escrowed(stage: Stage) -> list[tuple[Path, dict[str, Any]]]:
    """Return the values in the escrow files."""
    vault = VaultLib([("default", VaultSecret(VAULT_PASSWORD.encode()))])
    return [(path, dict(yaml.safe_load(vault.decrypt(path.read_bytes())))) for path in stage.escrows()]


# --- before minting -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("broken", ["file", "folder"])
def test_a_store_that_cannot_be_read_mints_nothing(stage: Stage, broken: str) -> None:
    _both(stage)
    store = stage.node.store
    if broken == "folder":
        (store / "key.yml").mkdir(parents=True)
        (store / "token.yml").mkdir()
    else:
        store.write_text("")
    run = stage.run()
    for kind in KINDS:
        result = run.one(kind)
        assert result.failed
        assert re.search(r"cannot be read: (it is|not) a directory", result.message), result.message
    assert stage.mints() == 0
    if broken == "folder":
        (store / "key.yml").rmdir()
        (store / "token.yml").rmdir()
    else:
        store.unlink()
    assert len(stage.settle().changes) == 2


def test_a_store_that_cannot_be_written_mints_nothing(stage: Stage) -> None:
    hosts = {f"{kind}-{act.replace('_', '-')}": (kind, act) for kind in KINDS for act in UNWRITABLE}
    _one_of_each(stage, {host: kind for host, (kind, _act) in hosts.items()})
    rules = {host: Rule(("write 1",), "half", act) for host, (_kind, act) in hosts.items()}
    run = stage.run(sabotage=stage.sabotage(rules))
    for host, (_kind, act) in hosts.items():
        assert run.one(host).failed
        ref = stage.node.ref(host)
        assert run.one(host).message == (
            f"{host}: storing the secret {ref} failed: {ref.partition(':')[2]}.yml cannot be written: "
            f"{UNWRITABLE[act]}"
        )
    assert stage.mints() == 0
    assert stage.node.stored_files() == {}
    assert len(stage.settle().changes) == len(hosts)


def test_nothing_is_created_on_a_fortigate_if_the_store_of_a_key_cannot_be_written(stage: Stage) -> None:
    profile = {"name": "defender-iot", "preset": "defender_iot"}
    admin = {"name": ADMIN, "profile": "defender-iot", "trusted_hosts": ["127.0.0.1"]}
    key = {"secret_ref": stage.node.ref("{{ inventory_hostname }}")}
    access = task("fortigate_access", profiles=[profile], admins=[{**admin, **key}])
    alone = task("fortigate_api_admin", **{**admin, "profile": "super_admin_readonly"}, **key)
    hosts = {act.replace("_", "-"): act for act in UNWRITABLE}
    spare = {host: stage.node.host(f"spare-{number:02}") for number, host in enumerate(hosts, 1)}
    stage.node.inventory(**spare)
    stage.lab.forget_calls()
    rules = {host: Rule(("write 1",), "half", act) for host, act in hosts.items()}
    for each in (access, alone):
        run = stage.keep(stage.loudly(play(each), sabotage=stage.sabotage(rules)))
        for host, act in hosts.items():
            refused = run.one(host)
            assert refused.failed
            assert UNWRITABLE[act] in refused.message
            assert not refused.data.get("objects")
    assert stage.writes() == []
    assert stage.node.stored_files() == {}
    done = stage.keep(stage.loudly(play(access))).succeeded()
    assert [host for host, _module in done.changes] == sorted(hosts)


def test_a_store_with_another_vault_password_mints_nothing(stage: Stage) -> None:
    _both(stage)
    stage.run().succeeded()
    stored = stage.node.stored_files()
    wrong = stage.node.inputs / "wrong-password"
    wrong.write_text("another password")
    stage.lab.forget_calls()
    run = stage.run(ANSIBLE_VAULT_PASSWORD_FILE=str(wrong))
    for kind in KINDS:
        assert run.one(kind).failed
        assert "cannot be decrypted" in run.one(kind).message
    assert stage.mints() == 0
    assert stage.node.stored_files() == stored
    stage.is_settled()


# --- right after minting ------------------------------------------------------------------------------------


def test_a_value_that_the_store_refuses_is_saved_and_the_way_on_is_told(stage: Stage) -> None:
    breaks = {"full": Rule(PERSIST, "half", "full"), "lying": Rule(PERSIST, "before", "forget")}
    rules = {
        f"{kind}-{time}-{how}": (kind, rule)
        for kind in KINDS
        for time in TIMES
        for how, rule in breaks.items()
    }
    _one_of_each(stage, {host: kind for host, (kind, _rule) in rules.items()})
    run = stage.run(sabotage=stage.sabotage({host: rule for host, (_kind, rule) in rules.items()}))
    issued = {secret["value"] for secret in stage.lab.secrets()}
    saved = {str(record["secret_ref"]): (path, record) for path, record in _escrowed(stage)}
    assert len(saved) == len(rules)
    for host, (kind, rule) in rules.items():
        path, record = saved[stage.node.ref(host)]
        assert record["value"] in issued
        assert stage.opens(host, record["value"]) is (kind == "key")
        reported = "no space left" if rule.act == "full" else "reads back different from what was written"
        _tells_how_to_go_on(run.one(host), path, reported, gone=kind == "token")
        if kind == "token":
            assert len(stage.rows(host)) == (1 if "rotated" in host else 0)
    assert len(stage.settle().changes) == len(rules)


def _tells_how_to_go_on(result: Result, path: Path, reported: str, *, gone: bool) -> None:
    assert result.failed
    assert reported in result.message
    assert f"is not in the store: its value was saved, encrypted, in {path}" in result.message
    assert "run again to mint a new one" in result.message
    assert ("it was deleted on the appliance" in result.message) is gone
    assert (f"ansible-vault view {path}" in result.message) is not gone
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def _one_of_each(stage: Stage, hosts: dict[str, str], **options: Any) -> None:
    """Add a host of each kind. Hosts named rotated have a secret that must be replaced."""
    number = {"key": 0, "token": 0}
    for host, kind in hosts.items():
        number[kind] += 1
        appliance = (
            f"spare-{number[kind]:02}"
            if kind == "key"
            else f"spare-sensor-{(number[kind] - 1) % SENSORS + 1}"
        )
        getattr(stage, kind)(host, appliance, **options)
    rotated = [host for host in hosts if "rotated" in host]
    if rotated:
        stage.run(hosts=",".join(rotated)).succeeded()
    for host in rotated:
        stage.spots[host].options["rotation_id"] = "second"


def test_a_store_that_keeps_nothing_it_is_given_is_found_out_before_minting(stage: Stage) -> None:
    stage.key("key", "spare-01")
    stage.run().succeeded()
    stage.spots["key"].options["recreate"] = "always"
    assert stage.break_run("key", "forget", "before", *EVERY_WRITE).one("key").failed
    del stage.spots["key"].options["recreate"]
    stage.settle()


def test_a_last_write_that_the_store_only_claims_is_made_up_for_by_the_next_run(stage: Stage) -> None:
    _both(stage)
    rule = Rule(("write 3",), "before", "forget")
    stage.run(sabotage=stage.sabotage(dict.fromkeys(KINDS, rule)))
    repaired = stage.settle()
    assert [repaired.one(kind).data["minted"] for kind in KINDS] == [False, False]


def test_an_api_admin_of_this_very_task_does_not_outlive_its_key(stage: Stage) -> None:
    appliance = "spare-01"
    admin = {"name": ADMIN, "profile": "super_admin_readonly", "trusted_hosts": ["127.0.0.1"]}
    access = task("fortigate_access", admins=[admin], secret_store=stage.node.ref("access"))
    stage.node.inventory(fgt=stage.node.host(appliance))
    broken = stage.sabotage({"fgt": Rule(PERSIST, "half", "full")})
    refused = stage.keep(stage.loudly(play(access), sabotage=broken)).one()
    assert refused.failed
    assert "it was deleted on the appliance" in refused.message
    reported = [(each["kind"], each["action"]) for each in refused.data["objects"]]
    assert reported == [("admin", "create")]
    assert [row["name"] for row in stage.lab.cmdb(appliance, "GET", "api-user")] == ["automation"]
    assert len(_escrowed(stage)) == 1
    assert stage.node.stored_files() == {}
    stage.keep(stage.loudly(play(access)).succeeded())
    key = stage.node.kept(f"access/{ADMIN}")["value"]
    headers = {"Authorization": f"Bearer {key}"}
    path = "/api/v2/monitor/system/status"
    assert stage.lab.call(appliance, "GET", path, headers=headers).status_code == 200
    assert stage.keep(stage.loudly(play(access))).succeeded().changes == []


# --- answers ------------------------------------------------------------------------------------------------


def test_a_secret_whose_answer_is_lost_is_replaced_by_the_next_run(stage: Stage) -> None:
    hosts = {f"{kind}-{time}-{name}": kind for kind in KINDS for time in TIMES for name in LOST_ANSWERS}
    _one_of_each(stage, hosts, seconds=1)
    for host, kind in hosts.items():
        fault = LOST_ANSWERS[host.split("-", 2)[2]]
        stage.lab.fault(stage.spots[host].appliance, match=_minting(kind), **fault)
    stage.lab.forget_calls()
    run = stage.run()
    assert {host for host in hosts if run.one(host).failed} == set(hosts), run.output
    # The lab records a request after its answer.
    wait_for(lambda: stage.mints() == len(hosts))
    stage.lab.control("DELETE", "/faults")
    repaired = stage.settle()
    assert {host for host in hosts if repaired.one(host).data["minted"]} == set(hosts)


def test_after_an_unclear_answer_a_plain_run_proves_the_stored_key_or_replaces_it(stage: Stage) -> None:
    bodies = {"text": "Internal Server Error", "unknown": {**UNCLEAR_ERROR, "error": -4711}}
    for number, host in enumerate([f"{name}-{done}" for name in bodies for done in ("done", "not")], 1):
        stage.key(host, f"spare-{number:02}")
    stage.run().succeeded()
    values = {host: stage.record(host)["value"] for host in stage.spots}
    for host, spot in stage.spots.items():
        name, done = host.split("-")
        fault = {"status": 500, "after": done == "done", "body": bodies[name]}
        stage.lab.fault(spot.appliance, "status", _minting("key"), **fault)
        spot.options["recreate"] = "always"
    unclear = stage.run()
    stage.lab.control("DELETE", "/faults")
    for host, spot in stage.spots.items():
        assert unclear.one(host).failed
        assert unclear.one(host).data["failure"]["status"] == 500
        del spot.options["recreate"]
    settled = stage.settle()
    for host, value in values.items():
        is_void = host.endswith("done")
        assert settled.one(host).changed
        assert settled.one(host).data["minted"] is is_void
        assert (stage.record(host)["value"] != value) is is_void


def test_a_key_is_replaced_as_invalid_only_for_a_401(stage: Stage) -> None:
    answers: dict[str, dict[str, Any]] = {
        "locked": {"kind": "status", "status": 429},
        "broken": {"kind": "status", "status": 500},
        "late": {"kind": "delay", "seconds": 2},
    }
    for number, name in enumerate(["refused", "good", *answers], 1):
        stage.key(name, f"spare-{number:02}", recreate="invalid", seconds=1)
    stage.run().succeeded()
    values = {name: stage.record(name)["value"] for name in stage.spots}
    generate = GENERATE.split()[1]
    token = stage.lab.appliances["spare-01"]["credentials"]["token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert stage.lab.call("spare-01", "POST", generate, headers=headers, json={"api-user": ADMIN}).ok
    for name, fault in answers.items():
        stage.lab.fault(stage.spots[name].appliance, match=STATUS_PATH, **fault)
    stage.lab.forget_calls()
    run = stage.run()
    assert run.changes == [("refused", "fortigate_api_key")], run.output
    assert run.one("refused").data["reason"] == "the appliance rejects the stored one"
    assert stage.mints() == 1
    assert {name for name in values if stage.record(name)["value"] != values[name]} == {"refused"}
    for name, reported in {"locked": "was answered with 429", "broken": "was answered with 500"}.items():
        assert reported in run.one(name).data["warnings"][0]
    stage.lab.control("DELETE", "/faults")
    stage.is_settled()


def test_a_key_that_is_refused_right_after_it_was_minted_stays_pending(stage: Stage) -> None:
    stage.key("key", "spare-01")
    stage.lab.fault("spare-01", "status", STATUS_PATH, status=401)
    result = stage.run().one("key")
    assert result.failed
    assert "the appliance rejects the new value, which is stored as pending" in result.message
    stage.lab.control("DELETE", "/faults")
    assert stage.settle().one("key").data["minted"] is False


# --- what the sensor lists ----------------------------------------------------------------------------------


def test_a_token_without_a_known_id_among_several_of_its_description_is_left_to_a_person(
    stage: Stage,
) -> None:
    stage.token("token", "spare-sensor-1")
    stage.run().succeeded()
    record = stage.record("token")
    stage.node.keep("token", value=record["value"])
    second = stage.lab.make_token("spare-sensor-1", "token")
    stage.lab.forget_calls()
    result = stage.run().one("token")
    assert result.failed
    assert 'access token "token" exists 2 times (ids 1, 2); delete all but one' in result.message
    assert stage.writes() == []
    stage.node.keep("token", **record)
    assert stage.run().changes == []
    assert stage.opens("token", second)


def test_a_token_that_is_not_listed_yet_is_not_minted_twice(stage: Stage) -> None:
    stage.token("token", "spare-sensor-1")
    stage.lab.switch("spare-sensor-1", list_lag=60)
    stage.run().succeeded()
    stage.lab.forget_calls()
    result = stage.run().one("token")
    assert result.failed
    assert "it was created moments ago and is not listed yet; run again in two minutes" in result.message
    assert stage.writes() == []
    stage.lab.control("POST", "/clock", {"advance": 61})
    stage.is_settled()


def test_a_lost_token_is_deleted_by_its_id_although_it_is_not_listed_yet(stage: Stage) -> None:
    stage.token("refused", "spare-sensor-1")
    stage.lab.switch("spare-sensor-1", list_lag=60)
    run = stage.break_run("refused", "full", "half", *PERSIST)
    assert "it was deleted on the appliance" in run.one("refused").message
    stage.run().succeeded()
    stage.lab.control("POST", "/clock", {"advance": 61})
    stage.is_settled()


def test_a_lost_token_that_nobody_could_delete_is_named_once_it_is_listed(stage: Stage) -> None:
    stage.token("unanswered", "spare-sensor-1")
    stage.lab.switch("spare-sensor-1", list_lag=60)
    stage.lab.fault("spare-sensor-1", match=_minting("token"), kind="drop", after=True)
    assert stage.run().one("unanswered").failed
    stage.lab.control("DELETE", "/faults")
    stage.run().succeeded()
    stage.lab.control("POST", "/clock", {"advance": 61})
    again = stage.run().succeeded()
    ours = str(stage.record("unanswered")["id"])
    (lost,) = {str(row["id"]) for row in stage.rows("unanswered")} - {ours}
    (warning,) = again.one("unanswered").data["warnings"]
    assert f"also exists with the ids {lost}, whose values are not in the store" in warning
    assert again.changes == []
    stage.lab.call("spare-sensor-1", "DELETE", f"/__lab__/tokens/{lost}")
