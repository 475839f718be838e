# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The steps of the role respond, and the callback plugin with their lock and exit code."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema
import pytest
from ansible.parsing.dataloader import DataLoader

from ansible_collections.otsec.defender_iot.plugins.action import (
    respond_decide,
    respond_lock,
    respond_outcome,
)
from ansible_collections.otsec.defender_iot.plugins.callback import respond as callback
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.moment import as_text, now
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._respond import document as documents
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._respond_run.locks import NAME, SiteLocks
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._respond_run.log import NAME as LOG
from ansible_collections.otsec.defender_iot.tests.unit.respond.plant import CROWD, alert, device

SCHEMA = json.loads((Path(documents.__file__).parent / "schema.json").read_text())
MEMBERS = {"sensors": ["sensor-north"], "fortigates": ["fgt"]}
DECIDED = {
    "site": "north",
    "mode": "enforce",
    "outcome": "decided",
    "exit_code": 0,
    "counts": {"block": 0, "renew": 0, "keep": 0, "release": 0, "none": 0},
    "exceeded": [],
    "unread": [],
    "decisions": [],
}
ENTRY = {"kind": "entry", "name": "192.0.2.7", "action": "create", "before": {}, "after": {"until": "U"}}


def run(
    action: Any,
    options: dict[str, Any],
    hostvars: Any = None,
    *,
    check: bool = False,
    role: Any = None,
    **more: Any,
) -> dict[str, Any]:
    """Run an action on the host sensor-north."""

    class Action(action.ActionModule):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            self._task = SimpleNamespace(
                args=options, check_mode=check, async_val=0, _role=role, get_vars=dict
            )
            self._loader = DataLoader()
            self._connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir="unused"))

    variables = {"inventory_hostname": "sensor-north", "hostvars": hostvars or {}, **more}
    result: dict[str, Any] = Action().run(task_vars=variables)
    return result


@pytest.fixture
def main_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[callback.CallbackModule]:
    """The callback plugin of a run that works on the site north."""
    monkeypatch.setattr(SiteLocks, "current", None)
    monkeypatch.setattr(sys, "exit", sys.exit)
    plugin = callback.CallbackModule()
    plugin.v2_runner_on_ok(event(callback.LOCK, lock=str(tmp_path / "north" / NAME), seconds=0))
    yield plugin
    plugin.locks.release(str(tmp_path / "north" / NAME))


def event(action: str, host: str = "sensor-north", **result: Any) -> Any:
    """Return a result as Ansible passes it to callback plugins."""
    return SimpleNamespace(
        _task=SimpleNamespace(resolved_action=action, action=action),
        _host=SimpleNamespace(get_name=lambda: host),
        _result=result,
    )


WORKSTATION = device()


def hostvars(*alerts: Any, devices: Any = (WORKSTATION,), entries: Any = ()) -> dict[str, dict[str, Any]]:
    """Return the variables of a site after its appliances were read."""
    return {
        "sensor-north": {
            "__respond_unhandled": {"alerts": list(alerts)},
            "__respond_handled": {"alerts": []},
            "__respond_devices": {"devices": [*devices, *CROWD]} if devices else {"failed": True},
        },
        "fgt": {"__fortigate_response_seen": {"entries": list(entries)}},
    }


def decide(folder: Path, variables: Any, *, check: bool = False, **options: Any) -> dict[str, Any]:
    given = {"site": "north", "folder": str(folder), **MEMBERS, **options}
    return run(respond_decide, given, variables, check=check)


def written(folder: Path) -> dict[str, Any]:
    """Return the written document after validating it."""
    found = json.loads((folder / "north/decisions.json").read_text())
    jsonschema.validate(found, SCHEMA)
    return dict(found)


def logged(folder: Path) -> list[Any]:
    path = folder / "north" / LOG
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_a_decision_is_written_once(tmp_path: Path, main_process: Any) -> None:
    variables = hostvars(alert(at=now()), alert(102, 99, at=now()))
    first = decide(tmp_path, variables)
    assert (first["changed"], first["outcome"], first["exit_code"]) == (True, "decided", 0)
    (entry,) = first["entries"]
    assert entry.keys() == {"address", "until", "reason", "source"}
    assert [row["decision"] for row in first["decisions"]] == ["block"]
    assert first["ansible_stats"]["data"] == {"respond_outcome": {"north": "decided"}}
    assert "192.0.2.7" in first["diff"]["after"]
    assert written(tmp_path)["counts"] == first["counts"]
    assert [(each["event"], each["alert"]) for each in logged(tmp_path)] == [("refusal", 102)]
    files = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert decide(tmp_path, variables)["changed"] is False
    assert {path: path.read_bytes() for path in files} == files


def test_check_mode_decides_the_same_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SiteLocks, "current", None)
    found = decide(tmp_path, hostvars(alert(at=now())), check=True)
    assert (found["changed"], [each["address"] for each in found["entries"]]) == (True, ["192.0.2.7"])
    assert list(tmp_path.iterdir()) == []


def test_what_an_appliance_or_a_rule_protects_is_not_blocked(tmp_path: Path, main_process: Any) -> None:
    variables = hostvars(alert(at=now()))
    by_rule = decide(tmp_path, variables, protected=["192.0.2.0/29"])
    by_inventory = decide(tmp_path, variables, appliances={"192.0.2.7": "the address of fgt, a FortiGate"})
    assert by_rule["entries"] == by_inventory["entries"] == []
    assert "192.0.2.7 is protected: the address of fgt" in written(tmp_path)["decisions"][0]["reason"]


def test_a_cap_and_unread_devices_are_the_outcome(tmp_path: Path, main_process: Any) -> None:
    capped = decide(tmp_path, hostvars(alert(at=now())), max_new=0)
    assert (capped["outcome"], capped["exit_code"], capped["entries"]) == ("capped", 3, [])
    assert [each["event"] for each in logged(tmp_path)] == ["cap", "refusal"]
    unread = decide(tmp_path, hostvars(alert(at=now()), devices=None))
    assert (unread["outcome"], unread["exit_code"]) == ("unreadable", 4)


FAILURES: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "no fortigate": ({"fgt": {}}, {}, "deciding which hosts are blocked failed: no FortiGate of the site"),
    "a wrong option": ({}, {"mode": "act"}, "checking the options failed: value of mode must be one of"),
    "a wrong rule": ({}, {"ttl": 0}, "deciding which hosts are blocked failed: in minutes, ttl is 0"),
    "an unknown FortiGate": (
        {},
        {"fortigates": ["fgt", "nowhere"]},
        "deciding which hosts are blocked failed: fortigates has nowhere, which the inventory does not have",
    ),
    "an unknown sensor": ({}, {"sensors": ["s"]}, "deciding which hosts are blocked failed: sensors has s,"),
}


@pytest.mark.parametrize(("variables", "options", "message"), FAILURES.values(), ids=FAILURES)
def test_a_failure_is_one_sentence_and_writes_nothing(
    tmp_path: Path, main_process: Any, variables: Any, options: Any, message: str
) -> None:
    found = decide(tmp_path, {**hostvars(), **variables}, **options)
    assert found["failed"]
    assert found["msg"].startswith(f"sensor-north: {message}")
    assert [path.name for path in (tmp_path / "north").iterdir()] == [NAME]


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path, main_process: Any) -> None:
    (tmp_path / "north" / "proposal.md").mkdir()
    found = decide(tmp_path, hostvars())
    assert "proposal.md cannot be written: it is a directory" in found["msg"]


def test_nothing_is_decided_without_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SiteLocks, "current", None)
    assert "callback plugin otsec.defender_iot.respond is not loaded" in decide(tmp_path, hostvars())["msg"]
    monkeypatch.setattr(SiteLocks, "current", SiteLocks())
    assert 'another run works on the site "north"' in decide(tmp_path, hostvars())["msg"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("mark", "words"), [("2026-11-27T12:00:00Z", "began at 2026-11-27T12:00:00Z"), ("?", "came before")]
)
def test_a_killed_run_is_logged_by_the_next_one(
    tmp_path: Path, main_process: Any, mark: str, words: str
) -> None:
    path = tmp_path / "north" / NAME
    main_process.locks.release(str(path))
    path.write_text(mark)
    main_process.v2_runner_on_ok(event(callback.LOCK, lock=str(path), seconds=0, mark="M"))
    assert "warnings" not in decide(tmp_path, hostvars(alert()), check=True)
    result = decide(tmp_path, hostvars(alert()))
    reason = f"the run that {words} did not finish, so respond.jsonl may lack what it has changed; "
    assert result["warnings"][0].startswith(reason)
    (line,) = [each for each in logged(tmp_path) if each["event"] == "unfinished"]
    assert line["reason"] == result["warnings"][0]
    main_process.v2_playbook_on_stats(SimpleNamespace(failures={}))
    assert path.read_text() == ""
    main_process.v2_runner_on_ok(event(callback.LOCK, lock=str(path), seconds=0, mark="M"))
    assert path.read_text() == "M"
    assert "warnings" not in decide(tmp_path, hostvars(alert()))


def test_the_lock_is_asked_for_after_the_rules_are_checked(tmp_path: Path) -> None:
    options = {"site": "north", "folder": str(tmp_path), "lock_timeout": 5}
    found = run(respond_lock, options)
    assert found == {"changed": False, "lock": str(tmp_path / "north" / NAME), "seconds": 5, "mark": ""}
    assert run(respond_lock, {**options, "mode": "enforce"})["mark"].startswith("20")
    assert "lock" not in run(respond_lock, options, check=True)
    assert "respond_approvals" in run(respond_lock, {**options, "approvals": "/missing"})["msg"]
    assert "respond_match, item 1" in run(respond_lock, {**options, "match": [{"engine": "x"}]})["msg"]
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_variable_of_the_role_is_refused(tmp_path: Path) -> None:
    role = SimpleNamespace(
        get_name=lambda include_role_fqcn=True: "otsec.defender_iot.respond",
        _role_collection="other",
    )
    options = {"site": "north", "folder": str(tmp_path)}

    found = run(respond_lock, options, role=role, respond_tttl=5)
    assert "it has no variable respond_tttl; rename respond_tttl to respond_ttl" in found["msg"]


OUTCOMES: dict[str, tuple[dict[str, Any], set[str], str]] = {
    "decided": ({}, set(), 'sensor-north: site "north", mode enforce: 0 to block'),
    "capped": (
        {"outcome": "capped", "exit_code": 3, "exceeded": ["too many"]},
        {"failed"},
        'blocking at the site "north" was stopped by a cap: too many; check the alerts',
    ),
    "unreadable": (
        {"outcome": "unreadable", "exit_code": 4, "unread": [{"sensor": "s", "answer": "devices"}]},
        {"unreachable"},
        "could not read devices of s, or they are empty, so nothing new is blocked",
    ),
}


@pytest.mark.parametrize(("decided", "flags", "message"), OUTCOMES.values(), ids=OUTCOMES)
def test_the_outcome_is_the_state_of_the_last_task(
    tmp_path: Path, decided: dict[str, Any], flags: set[str], message: str
) -> None:
    options = {"decided": {**DECIDED, **decided, "folder": str(tmp_path / "north")}, "fortigates": ["fgt"]}
    changed = {"fgt": {"__fortigate_response_kept": {"objects": [ENTRY]}}}
    found = run(respond_outcome, options, changed)
    assert {name for name in ("failed", "unreachable") if found.get(name)} == flags
    assert message in found["msg"]
    (line,) = logged(tmp_path)
    assert (line["event"], line["address"], line["fortigate"]) == ("block", "192.0.2.7", "fgt")
    run(respond_outcome, options, changed, check=True)
    assert len(logged(tmp_path)) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"decided": {"failed": True, "msg": "no"}}, "the option decided has no folder, so it is not"),
        ({"fortigates": ["nowhere"]}, "fortigates has nowhere, which the inventory does not have"),
    ],
)
def test_an_outcome_of_nothing_is_refused(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    given = {"decided": {**DECIDED, "folder": str(tmp_path)}, "fortigates": ["fgt"], **options}
    found = run(respond_outcome, given, {"fgt": {}})
    assert found["failed"]
    assert message in found["msg"]


def test_a_site_without_a_name_has_an_outcome_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SiteLocks, "current", None)
    monkeypatch.setattr(sys, "exit", sys.exit)
    plugin = callback.CallbackModule()
    lock = str(tmp_path / NAME)
    plugin.v2_runner_on_ok(event(callback.LOCK, lock=lock, seconds=0))
    decided = decide(tmp_path, hostvars(alert()), site="")
    found = run(respond_outcome, {"decided": decided, "fortigates": ["fgt"]}, hostvars())
    plugin.locks.release(lock)
    assert decided["ansible_stats"]["data"] == {"respond_outcome": {"": "decided"}}
    assert (found["outcome"], found["exit_code"]) == ("decided", 0)


def test_the_main_process_holds_the_lock_until_the_outcome(tmp_path: Path, main_process: Any) -> None:
    path = str(tmp_path / "north" / NAME)
    assert main_process.locks.holds(path)
    for act in (
        main_process.v2_runner_on_ok,
        main_process.v2_runner_on_failed,
        main_process.v2_runner_on_unreachable,
    ):
        act(event("otsec.defender_iot.respond_decide", lock=path))
        assert main_process.locks.holds(path)
        act(event(callback.OUTCOME, lock=path))
        assert not main_process.locks.holds(path)
        main_process.v2_runner_on_ok(event(callback.LOCK, lock=path, seconds=0))
    # In check mode, there is no lock.
    main_process.v2_runner_on_ok(event(callback.LOCK, seconds=0))


def test_a_second_instance_of_the_plugin_does_nothing(main_process: Any) -> None:
    assert callback.CallbackModule().disabled
    assert not main_process.disabled


EXITS = {
    # outcome of the last task, hosts that failed, exit code of Ansible: exit code
    "capped": (3, ["sensor-north"], 2, 3),
    "capped, and another site could not be read": (3, ["sensor-north"], 4, 4),
    "capped, and a FortiGate failed": (3, ["sensor-north", "fgt"], 2, 2),
    "failed otherwise": (None, ["sensor-north"], 2, 2),
    "done": (None, [], 0, 0),
}


@pytest.mark.parametrize(("code", "failures", "ansible", "expected"), EXITS.values(), ids=EXITS)
def test_the_exit_code_is_3_if_only_a_cap_failed(
    main_process: Any, code: int | None, failures: list[str], ansible: int, expected: int
) -> None:
    main_process.v2_runner_on_failed(event(callback.OUTCOME, lock="/x", exit_code=code))
    main_process.v2_playbook_on_stats(SimpleNamespace(failures=dict.fromkeys(failures, 1)))
    with pytest.raises(SystemExit) as ended:
        sys.exit(ansible)
    assert ended.value.code == expected


def test_the_time_of_a_document_is_that_of_the_run(tmp_path: Path, main_process: Any) -> None:
    before = as_text(now())
    decide(tmp_path, hostvars())
    assert before <= written(tmp_path)["generated_at"] <= as_text(now())
