# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of a site, its log, and its lock."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import Conflict
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.moment import as_text
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._respond.decide import Decided
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._respond.document import Origin, document
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._respond.rules import Caps, Rules
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._respond_run import locks, log
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._respond_run.files import (
    FILES,
    Publication,
    folder_of,
    unwritable,
)
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._respond_run.locks import SiteLocks
from ansible_collections.otsec.defender_iot.tests.unit.respond.plant import (
    HOUR,
    NOW,
    alert,
    approval,
    as_own,
    decided,
    device,
    own,
    reading,
)

MINUTE = timedelta(minutes=1)
PLC = device(type="PLC")


def made(found: Decided, mode: str = "enforce", moment: Any = NOW) -> dict[str, Any]:
    """Return a document as it is read from a file."""
    origin = Origin("otsec.defender_iot 0.1.0", "north", mode, as_text(moment))
    return dict(json.loads(json.dumps(document(origin, found))))


def published(folder: Path, found: dict[str, Any]) -> Publication:
    """Write a document, and return the files as the next run finds them."""
    Publication(folder).write(found)
    return Publication(folder)


@pytest.mark.parametrize("mode", ["propose", "enforce"])
def test_the_next_run_writes_nothing(tmp_path: Path, mode: str) -> None:
    first = decided(reading([alert()]))
    after = as_own(first) if mode == "enforce" else []
    later = NOW + MINUTE
    second = decided(reading([alert()]), entries=after, now=later)
    assert published(tmp_path, made(first, mode)).is_current(made(second, mode, later), later)


def test_a_release_is_not_repeated(tmp_path: Path) -> None:
    first = decided(reading(handled=[alert()]), entries=[own()])
    assert first.counts["release"] == 1
    found = published(tmp_path, made(first))
    assert found.is_current(made(decided(reading(handled=[alert()]))), NOW)


def test_a_release_of_an_address_that_became_protected_is_explained_once(tmp_path: Path) -> None:
    plc = [reading([alert()], devices=[PLC])]
    found = published(tmp_path, made(decided(*plc, entries=[own()])))
    again = made(decided(*plc))
    assert found.is_current(again, NOW)
    assert list(found.new_refusals(again)) == []


CHANGED: dict[str, tuple[str, Any]] = {
    "a new block": ("enforce", decided(reading([alert()]))),
    "a release": ("enforce", decided(reading(handled=[alert()]), entries=[own()])),
    "a renewal": (
        "enforce",
        decided(reading([alert()]), entries=[own(until=as_text(NOW + MINUTE))]),
    ),
    "another mode": ("enforce", decided(reading())),
    "an approval": ("propose", decided(reading(), approvals=[approval("block")])),
    "an unread answer": ("propose", decided(reading(None))),
    "a refusal": ("propose", decided(reading([alert()], devices=[PLC]))),
}


@pytest.mark.parametrize(("mode", "found"), CHANGED.values(), ids=CHANGED)
def test_another_decision_is_written(tmp_path: Path, mode: str, found: Decided) -> None:
    earlier = published(tmp_path, made(decided(reading()), "propose"))
    assert not earlier.is_current(made(found, mode), NOW)


def test_a_longer_approval_is_written(tmp_path: Path) -> None:
    short, long = (
        made(decided(reading(), approvals=[approval("block", until=NOW + hours * HOUR)]), "propose")
        for hours in (24, 25)
    )
    assert not published(tmp_path, short).is_current(long, NOW)


def test_a_proposal_is_written_again_when_half_of_its_time_is_over(tmp_path: Path) -> None:
    found = published(tmp_path, made(decided(reading([alert()])), "propose"))
    for hours, is_current in ((1, True), (3, False)):
        later = NOW + hours * HOUR
        again = made(decided(reading([alert()]), now=later), "propose", later)
        assert found.is_current(again, later) is is_current


@pytest.mark.parametrize("content", [None, "", "[]", "{", '{"version": 99}'])
def test_missing_or_damaged_files_are_written_anew(tmp_path: Path, content: str | None) -> None:
    new = made(decided(reading()))
    assert published(tmp_path, new).is_current(new, NOW)
    (tmp_path / "decisions.json").unlink()
    if content is not None:
        (tmp_path / "decisions.json").write_text(content)
    assert not Publication(tmp_path).is_current(new, NOW)
    assert published(tmp_path, new).is_current(new, NOW)


EDITED: dict[str, Any] = {
    "no list": ["x"],
    "nothing but a version": {"version": 1},
    "a decision without a reason": {"decisions": [{"sensor": "north", "decision": "none"}]},
    "a reason that is a number": {"decisions": [dict.fromkeys(("sensor", "alert", "decision", "device"), 1)]},
    "a time that is none": {"entries": [{"address": "192.0.2.7", "until": "soon", "source": ""}]},
    "an entry that is a text": {"entries": ["192.0.2.7"]},
    "an ended alert without a sensor": {"ended": [{"alert": 7}]},
    "another version": {"version": 2},
}


@pytest.mark.parametrize("change", EDITED.values(), ids=EDITED)
def test_a_document_that_was_edited_is_written_anew(tmp_path: Path, change: Any) -> None:
    found = made(decided(reading()))
    published(tmp_path, found)
    is_part = isinstance(change, dict) and "version" not in change
    (tmp_path / "decisions.json").write_text(json.dumps({**found, **change} if is_part else change))
    publication = Publication(tmp_path)
    assert (publication.previous, publication.ended()) == ({}, set())
    assert not publication.is_current(found, NOW)


def test_ended_alerts_are_kept_and_another_one_is_written(tmp_path: Path) -> None:
    mark = ("sensor-north", "101")
    ended = made(decided(reading([alert()]), ended=[mark]))
    assert not published(tmp_path, made(decided(reading([alert()])))).is_current(ended, NOW)
    assert published(tmp_path, ended).ended() == {mark}


def test_the_files_are_replaced_at_once_and_can_be_reviewed(tmp_path: Path) -> None:
    folder = folder_of(str(tmp_path), "north")
    published(folder, made(decided(reading())))
    before = {name: (folder / name).stat().st_ino for name in FILES}
    published(folder, made(decided(reading([alert()]))))
    assert sorted(each.name for each in folder.iterdir()) == sorted(FILES)
    assert all((folder / name).stat().st_ino != inode for name, inode in before.items())
    umask = os.umask(0)
    os.umask(umask)
    assert {stat.S_IMODE((folder / name).stat().st_mode) for name in FILES} == {0o666 & ~umask}


def test_a_failed_write_leaves_the_earlier_file_and_no_draft(tmp_path: Path) -> None:
    found = published(tmp_path, made(decided(reading())))
    (tmp_path / "proposal.yml").unlink()
    (tmp_path / "proposal.yml").mkdir()
    with pytest.raises(OSError, match="a directory") as error:
        found.write(made(decided(reading([alert()]))))
    assert isinstance(unwritable(error.value), Conflict)
    assert not [each for each in tmp_path.iterdir() if each.name.startswith(".")]
    assert Publication(tmp_path).previous == found.previous


def test_refusals_and_caps_are_logged_once(tmp_path: Path) -> None:
    capped = decided(reading([alert()]), rules=Rules(caps=Caps(new=0)))
    new = made(capped)
    empty = Publication(tmp_path)
    refused = [row["alert"] for row in empty.new_refusals(new)]
    assert (refused, empty.new_caps(new)) == ([101], capped.exceeded)
    found = published(tmp_path, new)
    assert (list(found.new_refusals(new)), found.new_caps(new)) == ([], [])
    unmatched = made(decided(reading([alert(title="Another", engine="anomaly")])))
    assert list(empty.new_refusals(unmatched)) == []


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_log_only_grows(tmp_path: Path) -> None:
    path = tmp_path / "site" / log.NAME
    log.append(path, [])
    assert not path.exists()
    for number in range(3):
        log.append(path, [{"number": number}])
    assert lines(path) == [{"number": number} for number in range(3)]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
@pytest.mark.parametrize(
    "write",
    [
        lambda folder: log.append(folder / log.NAME, [{"number": 0}]),
        lambda folder: SiteLocks().take(str(folder / locks.NAME), 0),
        lambda folder: Publication(folder).write(made(decided(reading()))),
    ],
    ids=["log", "lock", "decisions"],
)
def test_the_folders_of_a_site_are_private(
    tmp_path: Path, umask: int, write: Callable[[Path], object]
) -> None:
    before = os.umask(umask)
    try:
        write(tmp_path / "respond" / "north")
    finally:
        os.umask(before)
    modes = [stat.S_IMODE((tmp_path / each).stat().st_mode) for each in ("respond", "respond/north")]
    assert modes == [0o700, 0o700]


def test_an_interrupted_line_stays_alone(tmp_path: Path) -> None:
    path = tmp_path / log.NAME
    path.write_text('{"number": 0}\n{"numb')
    log.append(path, [{"number": 1}])
    assert path.read_text() == '{"number": 0}\n{"numb\n{"number": 1}\n'


def test_a_line_is_on_the_disk_when_it_is_logged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda number: synced.append(os.fstat(number).st_size))
    log.append(tmp_path / log.NAME, [{"number": 0}])
    assert synced == [len('{"number": 0}\n')]


def test_the_lines_explain_what_is_blocked_and_what_is_not() -> None:
    found = made(decided(reading([alert(), alert(102, 8)], devices=[device(), device(8, type="PLC")])))
    refusals = [row for row in found["decisions"] if row["decision"] == "none"]
    cap, refusal = log.decided_lines("T", "north", ["too many"], refusals)
    assert cap == {"time": "T", "site": "north", "event": "cap", "reason": "too many"}
    assert (refusal["event"], refusal["address"], refusal["alert"]) == ("refusal", "192.0.2.8", 102)
    assert "its type is PLC" in refusal["reason"]
    entry = {"until": "U", "source": "sensor alert 101", "approved_by": ""}
    changes: list[tuple[str, dict[str, Any]]] = [
        ("fgt", {"name": "192.0.2.7", "action": "create", "before": {}, "after": entry}),
        ("fgt", {"name": "192.0.2.7", "action": "update", "before": {}, "after": entry}),
        ("fgt", {"name": "192.0.2.9", "action": "delete", "before": entry, "after": {}}),
    ]
    made_lines = list(log.changed_lines("T", "north", changes, found["decisions"]))
    assert [each["event"] for each in made_lines] == ["block", "renew", "release"]
    assert "Conficker" in made_lines[0]["reason"]
    assert (made_lines[2]["source"], made_lines[2]["reason"]) == ("sensor alert 101", None)


HOLDER = """
import sys, time
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._respond_run.locks import SiteLocks
locks = SiteLocks()
locks.take(sys.argv[1], 0)
print(locks.holds(sys.argv[1]), flush=True)
time.sleep(600)
"""


@pytest.fixture
def taken(tmp_path: Path) -> Callable[[], bool]:
    """Return a function that says whether another run could take the lock at once."""

    def take() -> bool:
        other = SiteLocks()
        other.take(str(tmp_path / locks.NAME), 0)
        could = other.holds(str(tmp_path / locks.NAME))
        other.release(str(tmp_path / locks.NAME))
        return could

    return take


def test_a_killed_run_does_not_hold_its_lock(tmp_path: Path, taken: Callable[[], bool]) -> None:
    path = str(tmp_path / locks.NAME)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, path], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert holder.stdout is not None
    try:
        assert holder.stdout.readline() == "True\n"
        assert not taken()
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        holder.stdout.close()
    assert taken()


def test_a_run_waits_for_another_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, taken: Callable[[], bool]
) -> None:
    path = str(tmp_path / locks.NAME)
    first, second = SiteLocks(), SiteLocks()
    first.take(path, 0)
    first.take(path, 0)
    # The first run ends while the second one waits.
    monkeypatch.setattr(locks.time, "sleep", lambda _seconds: first.release(path))
    second.take(path, 10)
    assert (first.holds(path), second.holds(path)) == (False, True)
    second.release(path)
    second.release(path)
    assert taken()


@pytest.mark.parametrize("place", ["file", "link"])
def test_a_lock_that_cannot_be_opened_is_not_held(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    path = str(tmp_path / "file" / locks.NAME if place == "file" else tmp_path / "link")
    found = SiteLocks()
    found.take(path, 0)
    assert not found.holds(path)
    assert not (tmp_path / "target").exists()
