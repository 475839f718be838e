# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Store and appliance fail at every step of minting. After the fix, one run repairs everything.

Each case has its own host. All of a fixture fail in one run. The tests before its repair look at what that
run has left.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret

from ansible_collections.otsec.defender_iot.tests.support.patience import wait_for
from ansible_collections.otsec.defender_iot.tests.support.sabotage import Rule
from ansible_collections.otsec.defender_iot.tests.support.stage import ADMIN, MINTING, Stage
from ansible_collections.otsec.defender_iot.tests.support.workspace import (
    VAULT_PASSWORD,
    Play,
    Result,
    Run,
    Workspace,
    play,
    task,
)

KINDS = ("key", "token")
TIMES = ("first", "rotated")
PERSIST = tuple(f"write {number}" for number in range(2, 6))
EVERY_WRITE = ("write 1", *PERSIST)
STATUS_PATH = {"method": "GET", "path_prefix": "/api/v2/monitor/system/status"}

# The reason why a file cannot be written, and its message.
UNWRITABLE = {
    "full": "no space left on device; free disk space and run again",
    "read_only": "read-only file system; mount the file system writable, or use another secret store",
    "denied": "permission denied; allow the account that runs Ansible to access it",
}

# The timeout in seconds where an answer is late.
PATIENCE = 2
UNCLEAR_ERROR = {"path": "system", "name": "api-user", "status": "error", "http_status": 500, "error": -61}

# Faults after the appliance has minted, so that the value is lost.
LOST_ANSWERS: dict[str, dict[str, Any]] = {
    "dropped": {"kind": "drop", "after": True},
    "cut": {"kind": "truncate", "close": True},
    "late": {"kind": "delay", "after": True, "seconds": 2 * PATIENCE},
    "html": {"kind": "html", "after": True},
    "status-500": {"kind": "status", "status": 500, "after": True},
    "error-500": {
        "kind": "status",
        "status": 500,
        "after": True,
        "body": UNCLEAR_ERROR,
    },
}


@dataclass(frozen=True)
class Broken:
    """A run with failures, and the stage that it has left."""

    stage: Stage
    run: Run


def _minting(kind: str) -> dict[str, str]:
    method, path_prefix = MINTING[kind].split()
    return {"method": method, "path_prefix": path_prefix}


def _add(stage: Stage, hosts: dict[str, str], sensors: tuple[int, ...] = (), **options: Any) -> None:
    """Add hosts by kind: keys on the next FortiGates, tokens on these sensors by turns.

    Hosts named rotated have a secret that must be replaced.
    """
    keys, tokens = sum(spot.kind == "key" for spot in stage.spots.values()), 0
    for host, kind in hosts.items():
        if kind == "key":
            keys += 1
            spot = stage.key(host, f"spare-{keys:02}", **options)
        else:
            spot = stage.token(host, f"spare-sensor-{sensors[tokens % len(sensors)]}", **options)
            tokens += 1
        if "rotated" in host:
            stage.mint(host)
            spot.options["rotation_id"] = "second"


# --- the store ----------------------------------------------------------------------------------------------

UNREADABLE = {f"unreadable-{kind}-{broken}": kind for broken in ("file", "folder") for kind in KINDS}
ACTS = {f"unwritable-{kind}-{act.replace('_', '-')}": (kind, act) for kind in KINDS for act in UNWRITABLE}
FULL, LYING = Rule(PERSIST, "half", "full"), Rule(PERSIST, "before", "forget")
REFUSED = {
    f"{kind}-{time}-{how}": (kind, rule)
    for kind in KINDS
    for time in TIMES
    for how, rule in {"full": FULL, "lying": LYING}.items()
}
CLAIMED = {f"claimed-{kind}": kind for kind in KINDS}
FORGETFUL = "forgetful"


@pytest.fixture(scope="module")
def broken(new_workspace: Callable[[], Workspace]) -> Broken:
    """Run with a store that fails at each step."""
    stage = Stage(new_workspace(), "{host}/secret")
    # No other token is minted on the first sensor.
    _add(stage, {**UNREADABLE, **{host: kind for host, (kind, _act) in ACTS.items()}}, (1,))
    _add(stage, {host: kind for host, (kind, _rule) in REFUSED.items()}, (2, 3, 4, 5))
    _add(stage, {**CLAIMED, FORGETFUL: "key"}, (6,))
    stage.mint(FORGETFUL)
    stage.spots[FORGETFUL].options["recreate"] = "always"
    for host in UNREADABLE:
        place = stage.node.store / host
        if host.endswith("folder"):
            (place / "secret.yml").mkdir(parents=True)
        else:
            place.write_text("")
    rules = {host: Rule(("write 1",), "half", act) for host, (_kind, act) in ACTS.items()}
    rules |= {host: rule for host, (_kind, rule) in REFUSED.items()}
    rules |= dict.fromkeys(CLAIMED, Rule(("write 3",), "before", "forget"))
    rules[FORGETFUL] = Rule(EVERY_WRITE, "before", "forget")
    stage.lab.forget_calls()
    return Broken(stage, stage.run(sabotage=stage.sabotage(rules)))


@pytest.fixture(scope="module")
def repaired(broken: Broken) -> Run:
    """Repair the store and run again."""
    stage = broken.stage
    for host in UNREADABLE:
        place = stage.node.store / host
        if host.endswith("folder"):
            (place / "secret.yml").rmdir()
        else:
            place.unlink()
    del stage.spots[FORGETFUL].options["recreate"]
    return stage.run().succeeded()


def _escrowed(stage: Stage) -> list[tuple[Path, dict[str, Any]]]:
    """Return the values in the escrow files."""
    vault = VaultLib([("default", VaultSecret(VAULT_PASSWORD.encode()))])
    return [(path, dict(yaml.safe_load(vault.decrypt(path.read_bytes())))) for path in stage.escrows()]


@pytest.mark.parametrize("host", UNREADABLE)
def test_a_store_that_cannot_be_read_mints_nothing(broken: Broken, host: str) -> None:
    result = broken.run.one(host)
    assert result.failed
    assert re.search(r"cannot be read: (it is|not) a directory", result.message), result.message
    assert broken.stage.mints(host) == 0


@pytest.mark.parametrize("host", ACTS)
def test_a_store_that_cannot_be_written_mints_nothing(broken: Broken, host: str) -> None:
    stage, result = broken.stage, broken.run.one(host)
    assert result.failed
    ref = stage.node.ref(f"{host}/secret")
    assert result.message == (
        f"{host}: storing the secret {ref} failed: {ref.partition(':')[2]}.yml cannot be written: "
        f"{UNWRITABLE[ACTS[host][1]]}"
    )
    assert stage.mints(host) == 0


def test_a_store_that_cannot_be_written_is_left_without_files(broken: Broken) -> None:
    deleted = {host for host in REFUSED if host.startswith("token-first")}
    assert set(broken.stage.node.stored_files()) == {
        *(f"{host}/secret.yml" for host in {*REFUSED, *CLAIMED, FORGETFUL} - deleted),
        *(host for host in UNREADABLE if host.endswith("file")),
    }


def test_a_value_that_the_store_refuses_is_saved_and_the_way_on_is_told(broken: Broken) -> None:
    stage, run = broken.stage, broken.run
    issued = {secret["value"] for secret in stage.lab.secrets()}
    saved = {str(record["secret_ref"]): (path, record) for path, record in _escrowed(stage)}
    assert len(saved) == len(REFUSED)
    for host, (kind, rule) in REFUSED.items():
        path, record = saved[stage.node.ref(f"{host}/secret")]
        assert record["value"] in issued
        assert stage.opens(host, record["value"]) is (kind == "key")
        reported = "no space left" if rule.act == "full" else "reads back different from what was written"
        _tells_how_to_go_on(run.one(host), path, reported, gone=kind == "token")
        if kind == "token":
            assert len(stage.rows(host)) == (1 if "rotated" in host else 0)


def _tells_how_to_go_on(result: Result, path: Path, reported: str, *, gone: bool) -> None:
    assert result.failed
    assert reported in result.message
    assert f"is not in the store: its value was saved, encrypted, in {path}" in result.message
    assert "run again to mint a new one" in result.message
    assert ("it was deleted on the appliance" in result.message) is gone
    assert (f"ansible-vault view {path}" in result.message) is not gone
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_store_that_keeps_nothing_it_is_given_is_found_out_before_minting(broken: Broken) -> None:
    assert broken.run.one(FORGETFUL).failed
    assert broken.stage.mints(FORGETFUL) == 0


def test_once_the_store_works_one_run_mints_what_is_missing(repaired: Run) -> None:
    changed = {host for host, _module in repaired.changes}
    assert changed >= {*UNREADABLE, *ACTS, *REFUSED}


def test_a_last_write_that_the_store_only_claims_is_made_up_for_by_the_next_run(repaired: Run) -> None:
    assert [repaired.one(host).data["minted"] for host in CLAIMED] == [False, False]


def test_a_store_with_another_vault_password_mints_nothing(broken: Broken, repaired: Run) -> None:
    stage = broken.stage
    stored = stage.node.stored_files()
    wrong = stage.node.inputs / "wrong-password"
    wrong.write_text("another password")
    stage.lab.forget_calls()
    run = stage.run(hosts=",".join(CLAIMED), ANSIBLE_VAULT_PASSWORD_FILE=str(wrong))
    for host in CLAIMED:
        assert run.one(host).failed
        assert "cannot be decrypted" in run.one(host).message
    assert stage.mints(*CLAIMED) == 0
    assert stage.node.stored_files() == stored


def test_after_all_these_failures_of_the_store_every_secret_works(broken: Broken, repaired: Run) -> None:
    broken.stage.is_settled()


# --- an administrator and its key ---------------------------------------------------------------------------

TOGETHER = {f"together-{act.replace('_', '-')}": act for act in UNWRITABLE}
ALONE = {f"alone-{act.replace('_', '-')}": act for act in UNWRITABLE}
LATER = "later"
PARENTS = {host: f"spare-{number:02}" for number, host in enumerate((*TOGETHER, *ALONE, LATER), 1)}


def _access(node: Workspace) -> Play:
    """Return a play that creates an administrator, with a profile and a key in one task, or alone."""
    wanted = {"name": ADMIN, "profile": "{{ profile }}", "trusted_hosts": ["127.0.0.1"]}
    key = {"secret_ref": node.ref(f"{{{{ inventory_hostname }}}}/{ADMIN}")}
    profiles = "{{ [{'name': 'defender-iot', 'preset': 'defender_iot'}] if with_profile else omit }}"
    return play(
        {
            **task("fortigate_access", profiles=profiles, admins=[{**wanted, **key}]),
            "when": "not alone",
        },
        {**task("fortigate_api_admin", **wanted, **key), "when": "alone"},
    )


@pytest.fixture(scope="module")
def without_keys(new_workspace: Callable[[], Workspace]) -> Broken:
    """Run with a store that cannot be written before an administrator is created, or after it."""
    stage = Stage(new_workspace())
    node = stage.node
    hosts = {
        host: node.host(
            name,
            alone=host in ALONE,
            with_profile=host in TOGETHER,
            profile="defender-iot" if host in TOGETHER else "super_admin_readonly",
        )
        for host, name in PARENTS.items()
    }
    node.inventory(**hosts)
    rules = {host: Rule(("write 1",), "half", act) for host, act in {**TOGETHER, **ALONE}.items()}
    rules[LATER] = FULL
    stage.lab.forget_calls()
    return Broken(stage, stage.keep(stage.loudly(_access(node), sabotage=stage.sabotage(rules))))


@pytest.mark.parametrize("host", [*TOGETHER, *ALONE])
def test_nothing_is_created_on_a_fortigate_if_the_store_of_a_key_cannot_be_written(
    without_keys: Broken, host: str
) -> None:
    refused = without_keys.run.one(host)
    assert refused.failed
    assert UNWRITABLE[{**TOGETHER, **ALONE}[host]] in refused.message
    assert not refused.data.get("objects")
    assert not [call for call in without_keys.stage.lab.calls(PARENTS[host]) if call["write"]]


def test_an_api_admin_of_this_very_task_does_not_outlive_its_key(without_keys: Broken) -> None:
    stage, refused = without_keys.stage, without_keys.run.one(LATER)
    assert refused.failed
    assert "it was deleted on the appliance" in refused.message
    reported = [(each["kind"], each["action"]) for each in refused.data["objects"]]
    assert reported == [("admin", "create")]
    assert [row["name"] for row in stage.lab.cmdb(PARENTS[LATER], "GET", "api-user")] == ["automation"]
    assert len(_escrowed(stage)) == 1
    assert stage.node.stored_files() == {}


def test_once_keys_can_be_stored_every_administrator_gets_one(without_keys: Broken) -> None:
    stage = without_keys.stage
    done = stage.keep(stage.loudly(_access(stage.node))).succeeded()
    assert {host for host, _module in done.changes} == set(PARENTS)
    key = stage.node.kept(f"{LATER}/{ADMIN}")["value"]
    headers = {"Authorization": f"Bearer {key}"}
    path = "/api/v2/monitor/system/status"
    assert stage.lab.call(PARENTS[LATER], "GET", path, headers=headers).status_code == 200
    assert stage.keep(stage.loudly(_access(stage.node))).succeeded().changes == []
    stage.leaks_nothing()


# --- answers ------------------------------------------------------------------------------------------------

LOST = {f"{kind}-{time}-{name}": kind for kind in KINDS for time in TIMES for name in LOST_ANSWERS}
BODIES = {"text": "Internal Server Error", "unknown": {**UNCLEAR_ERROR, "error": -4711}}
UNCLEAR = [f"{name}-{done}" for name in BODIES for done in ("done", "not")]
UNTRIED: dict[str, dict[str, Any]] = {
    "locked": {"kind": "status", "status": 429},
    "broken": {"kind": "status", "status": 500},
    "late": {"kind": "delay", "seconds": 2 * PATIENCE},
}
TRIED = ["refused", "good", *UNTRIED]
REJECTED = "rejected"


@dataclass(frozen=True)
class Answered(Broken):
    """The stored values before the run, too."""

    values: dict[str, str]


@pytest.fixture(scope="module")
def answered(new_workspace: Callable[[], Workspace]) -> Answered:
    """Run while appliances fail to answer, or answer with errors."""
    stage = Stage(new_workspace())
    _add(stage, LOST, (1, 2, 3, 4, 5, 6))
    _add(stage, dict.fromkeys(UNCLEAR, "key"), recreate="always")
    _add(stage, dict.fromkeys(TRIED, "key"), recreate="invalid")
    _add(stage, {REJECTED: "key"})
    stage.mint(*UNCLEAR, *TRIED)
    values = {host: stage.record(host)["value"] for host in (*UNCLEAR, *TRIED)}
    stage.generate_key(stage.spots["refused"].appliance)
    for host, spot in stage.spots.items():
        if host.endswith("late"):
            spot.options["seconds"] = PATIENCE
    for host, match, fault in _faults():
        stage.lab.fault(stage.spots[host].appliance, match=match, **fault)
    stage.lab.forget_calls()
    run = stage.run()
    # The lab records a request after its answer.
    wait_for(lambda: stage.mints(*LOST) == len(LOST))
    return Answered(stage, run, values)


def _faults() -> list[tuple[str, dict[str, str], dict[str, Any]]]:
    """Return the host, the requests and the fault of each case."""
    unclear = {"kind": "status", "status": 500}
    return [
        # Two tokens with the same fault share a sensor.
        *(
            (host, _minting(kind), LOST_ANSWERS[host.split("-", 2)[2]])
            for host, kind in LOST.items()
            if not host.startswith("token-rotated")
        ),
        *(
            (host, _minting("key"), {**unclear, "after": host.endswith("done"), "body": BODIES[name]})
            for host in UNCLEAR
            for name in [host.partition("-")[0]]
        ),
        *((host, STATUS_PATH, fault) for host, fault in UNTRIED.items()),
        (REJECTED, STATUS_PATH, {"kind": "status", "status": 401}),
    ]


@pytest.fixture(scope="module")
def replaced(answered: Answered) -> Run:
    """Run again without faults."""
    stage = answered.stage
    stage.lab.control("DELETE", "/faults")
    for host in UNCLEAR:
        del stage.spots[host].options["recreate"]
    stage.lab.forget_calls()
    return stage.run().succeeded()


def test_a_secret_whose_answer_is_lost_is_not_stored(answered: Answered) -> None:
    assert {host for host in LOST if answered.run.one(host).failed} == set(LOST), answered.run.output


def test_an_unclear_answer_is_a_failure(answered: Answered) -> None:
    for host in UNCLEAR:
        assert answered.run.one(host).failed
        assert answered.run.one(host).data["failure"]["status"] == 500


def test_a_key_is_replaced_as_invalid_only_for_a_401(answered: Answered) -> None:
    stage, run = answered.stage, answered.run
    assert [change for change in run.changes if change[0] in TRIED] == [("refused", "fortigate_api_key")]
    assert run.one("refused").data["reason"] == "the appliance rejects the stored one"
    assert stage.mints(*TRIED) == 1
    assert {host for host in TRIED if stage.record(host)["value"] != answered.values[host]} == {"refused"}
    for host, reported in {"locked": "was answered with 429", "broken": "was answered with 500"}.items():
        assert reported in run.one(host).data["warnings"][0]


def test_a_key_that_is_refused_right_after_it_was_minted_stays_pending(answered: Answered) -> None:
    result = answered.run.one(REJECTED)
    assert result.failed
    assert "the appliance rejects the new value, which is stored as pending" in result.message


def test_once_it_is_accepted_a_pending_key_is_not_minted_again(replaced: Run) -> None:
    assert replaced.one(REJECTED).data["minted"] is False


def test_a_secret_whose_answer_is_lost_is_replaced_by_the_next_run(replaced: Run) -> None:
    assert {host for host in LOST if replaced.one(host).data["minted"]} == set(LOST)


def test_after_an_unclear_answer_a_plain_run_proves_the_stored_key_or_replaces_it(
    answered: Answered, replaced: Run
) -> None:
    for host in UNCLEAR:
        is_void = host.endswith("done")
        assert replaced.one(host).changed
        assert replaced.one(host).data["minted"] is is_void
        assert (answered.stage.record(host)["value"] != answered.values[host]) is is_void


def test_a_key_that_was_not_replaced_as_invalid_stays(answered: Answered, replaced: Run) -> None:
    tried = {answered.stage.spots[host].appliance for host in TRIED}
    assert not tried & {call["appliance"] for call in answered.stage.writes()}
    assert [host for host, _module in replaced.changes if host in TRIED] == []


def test_after_all_these_answers_every_secret_works(answered: Answered, replaced: Run) -> None:
    answered.stage.is_settled()


# --- what the sensor lists ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Listed:
    """The first run and the second one, while tokens are not listed at once. Then a minute has passed."""

    stage: Stage
    second_token: str
    first: Run
    writes: dict[str, int]
    second: Run
    third: Run


@pytest.fixture(scope="module")
def listed(new_workspace: Callable[[], Workspace]) -> Listed:
    """Run three times, each time after a change of what the sensors list."""
    stage = Stage(new_workspace())
    for number, host in enumerate(("ambiguous", "slow", "refused", "unanswered"), 1):
        stage.token(host, f"spare-sensor-{number}")
        if number > 1:
            stage.lab.switch(f"spare-sensor-{number}", list_lag=60)
    stage.mint("ambiguous")
    record = stage.record("ambiguous")
    stage.node.keep("ambiguous", value=record["value"])
    second_token = stage.lab.make_token("spare-sensor-1", "ambiguous")
    stage.lab.fault("spare-sensor-4", match=_minting("token"), kind="drop", after=True)
    stage.lab.forget_calls()
    first = stage.break_run("refused", "full", "half", *PERSIST)
    writes = {"ambiguous": _written(stage, "ambiguous")}

    stage.node.keep("ambiguous", **record)
    stage.lab.control("DELETE", "/faults")
    stage.lab.forget_calls()
    second = stage.run()
    writes["slow"] = _written(stage, "slow")

    stage.lab.control("POST", "/clock", {"advance": 61})
    return Listed(stage, second_token, first, writes, second, stage.run().succeeded())


def _written(stage: Stage, host: str) -> int:
    """Return the number of requests with changes to a host's sensor."""
    return len([call for call in stage.writes() if call["appliance"] == stage.spots[host].appliance])


def test_a_token_without_a_known_id_among_several_of_its_description_is_left_to_a_person(
    listed: Listed,
) -> None:
    result = listed.first.one("ambiguous")
    assert result.failed
    assert 'access token "ambiguous" exists 2 times (ids 1, 2); delete all but one' in result.message
    assert listed.writes["ambiguous"] == 0
    assert not listed.second.one("ambiguous").changed
    assert listed.stage.opens("ambiguous", listed.second_token)


def test_a_token_that_is_not_listed_yet_is_not_minted_twice(listed: Listed) -> None:
    assert listed.first.one("slow").data["minted"] is True
    result = listed.second.one("slow")
    assert result.failed
    assert "it was created moments ago and is not listed yet; run again in two minutes" in result.message
    assert listed.writes["slow"] == 0
    assert not listed.third.one("slow").changed


def test_a_lost_token_is_deleted_by_its_id_although_it_is_not_listed_yet(listed: Listed) -> None:
    assert "it was deleted on the appliance" in listed.first.one("refused").message
    assert not listed.second.one("refused").failed
    assert not listed.third.one("refused").changed


def test_a_lost_token_that_nobody_could_delete_is_named_once_it_is_listed(listed: Listed) -> None:
    stage = listed.stage
    assert listed.first.one("unanswered").failed
    assert not listed.second.one("unanswered").failed
    ours = str(stage.record("unanswered")["id"])
    (lost,) = {str(row["id"]) for row in stage.rows("unanswered")} - {ours}
    (warning,) = listed.third.one("unanswered").data["warnings"]
    assert f"also exists with the ids {lost}, whose values are not in the store" in warning
    assert listed.third.changes == []


def test_once_tokens_are_listed_they_are_settled(listed: Listed) -> None:
    stage = listed.stage
    # Each of these sensors has a token whose value is not in the store.
    for host in ("ambiguous", "unanswered"):
        del stage.spots[host]
    stage.is_settled()
