# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of a report: which files are overwritten."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.otsec.defender_iot.plugins.plugin_utils._report.recorder import FILES, Recorder
from ansible_collections.otsec.defender_iot.tests.support.irregular import IRREGULAR, not_blocking
from ansible_collections.otsec.defender_iot.tests.support.report_documents import small


@pytest.fixture
def recorder(tmp_path: Path) -> Recorder:
    """Return a recorder with a folder that does not exist yet."""
    made = Recorder()
    made.folder = str(tmp_path / "a" / "report")
    return made


def test_all_files_are_overwritten(recorder: Recorder) -> None:
    folder = recorder.write(small())
    contents = {each.name: each.read_bytes() for each in folder.iterdir()}
    assert contents.keys() == FILES.keys()
    for each in folder.iterdir():
        each.write_bytes(each.read_bytes() * 2)
    recorder.write(small())
    assert {each.name: each.read_bytes() for each in folder.iterdir()} == contents


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("kind", IRREGULAR)
def test_only_a_regular_file_is_overwritten(recorder: Recorder, kind: str, name: str) -> None:
    folder = Path(recorder.folder)
    folder.mkdir(parents=True)
    IRREGULAR[kind](folder / name)
    with not_blocking(), pytest.raises(OSError, match=f"it is {kind}, not a regular file: .*{name}"):
        recorder.write(small())
