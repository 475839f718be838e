# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The predictions of a run: shared by the tasks of one host, in a folder that Ansible deletes."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.otsec.defender_iot.plugins.plugin_utils._action.predictions import RunPredictions

LOST = "caf" + chr(0xDCE9)


def test_a_later_task_of_the_same_host_knows_what_an_earlier_one_predicts(tmp_path: Path) -> None:
    earlier = RunPredictions(str(tmp_path), "fgt")
    assert earlier.exists("p", "a") is None
    earlier.note("p", "a", exists=True)
    earlier.note("p", LOST, exists=True)
    later = RunPredictions(str(tmp_path), "fgt")
    assert (later.exists("p", "a"), later.exists("p", LOST)) == (True, True)
    assert (later.exists("q", "a"), later.exists("p", "b")) == (None, None)
    assert RunPredictions(str(tmp_path), "other").exists("p", "a") is None
    later.note("p", "a", exists=False)
    assert RunPredictions(str(tmp_path), "fgt").exists("p", "a") is False
    later.forget("p", "a")
    later.forget("p", "never predicted")
    assert earlier.exists("p", "a") is None


def test_the_folder_is_for_its_owner_and_its_files_name_nothing(tmp_path: Path) -> None:
    RunPredictions(str(tmp_path), "fgt").note("p", "secret-name", exists=True)
    (folder,) = tmp_path.iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700
    (file,) = folder.iterdir()
    assert file.read_text() == "exists"
    assert "secret-name" not in str(file)
