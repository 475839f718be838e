# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files: only regular ones are opened, and missing folders are private."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine import files
from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.files import (
    make_private_folder,
    open_regular,
    overwrite_regular,
    refuse_irregular,
)
from ansible_collections.otsec.defender_iot.tests.support.irregular import IRREGULAR, not_blocking

OPENERS = {
    "check": refuse_irregular,
    "read": open_regular,
    "overwrite": lambda path: overwrite_regular(path, b"new"),
}


@pytest.fixture(autouse=True)
def _limit() -> object:
    with not_blocking():
        yield


@pytest.mark.parametrize("opener", OPENERS.values(), ids=OPENERS)
@pytest.mark.parametrize("kind", IRREGULAR)
def test_only_a_regular_file_is_opened(tmp_path: Path, kind: str, opener: object) -> None:
    path = tmp_path / "file"
    IRREGULAR[kind](path)
    with pytest.raises(OSError, match=f"it is {kind}, not a regular file"):
        opener(path)


@pytest.mark.parametrize("opener", OPENERS.values(), ids=OPENERS)
def test_a_device_is_not_opened(opener: object) -> None:
    with pytest.raises(OSError, match="it is a device, not a regular file"):
        opener(os.devnull)


@pytest.mark.parametrize("opener", [open_regular, lambda path: overwrite_regular(path, b"new")])
def test_a_pipe_that_appears_after_the_check_does_not_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, opener: object
) -> None:
    path = tmp_path / "file"
    os.mkfifo(path)
    monkeypatch.setattr(files, "refuse_irregular", lambda *_path, **_options: None)
    with pytest.raises(OSError, match=r"it is a named pipe|No such device"):
        opener(path)


def test_a_link_is_followed_unless_it_is_refused(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"old")
    link.symlink_to(target)
    with open_regular(link) as file:
        assert file.read() == b"old"
    overwrite_regular(link, b"n")
    assert target.read_bytes() == b"n"
    with pytest.raises(OSError, match="it is a symbolic link, not a regular file"):
        open_regular(link, follow_links=False)


def test_a_link_that_appears_after_the_check_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "link").symlink_to(__file__)
    monkeypatch.setattr(files, "refuse_irregular", lambda *_path, **_options: None)
    with pytest.raises(OSError, match="symbolic links"):
        open_regular(tmp_path / "link", follow_links=False)


def test_a_missing_file_is_reported_by_whatever_opens_it(tmp_path: Path) -> None:
    refuse_irregular(tmp_path / "none")
    with pytest.raises(FileNotFoundError):
        open_regular(tmp_path / "none")
    overwrite_regular(tmp_path / "none", b"new")
    assert (tmp_path / "none").read_bytes() == b"new"


def test_every_missing_folder_is_private_and_others_are_unchanged(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    make_private_folder(tmp_path / "a" / "b" / "c")
    make_private_folder(tmp_path / "a" / "b" / "c")
    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in tmp_path.rglob("*")}
    assert modes == {"a": 0o700, "b": 0o700, "c": 0o700}
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


def test_a_file_in_place_of_a_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    with pytest.raises(FileExistsError):
        make_private_folder(tmp_path / "a" / "b")
