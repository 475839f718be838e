# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The claims of a run: the tasks of all hosts, in processes of their own, share them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.claims import Claims
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._action.claims import RunClaims


@pytest.fixture(params=["memory", "files"])
def claims(request: pytest.FixtureRequest, tmp_path: Path) -> list[Claims]:
    """Make the claims as two tasks of a run see them."""
    if request.param == "memory":
        return [Claims()] * 2
    return [RunClaims(str(tmp_path)), RunClaims(str(tmp_path))]


def test_the_second_reference_for_a_key_is_told_the_host_of_the_first(claims: list[Claims]) -> None:
    earlier, later = claims
    assert earlier.rival("S1", "a", "x:1", "fgt one") is None
    assert later.rival("S1", "a", "x:1", "alias") is None
    assert later.rival("S1", "a", "x:2", "alias") == "fgt one"
    assert later.rival("S1", "a", "x:2", "fgt one") is None
    assert later.rival("S1", "b", "x:2", "alias") is None
    assert later.rival("S2", "a", "x:2", "alias") is None


def test_the_folder_is_for_its_owner_and_its_links_name_no_reference(tmp_path: Path) -> None:
    RunClaims(str(tmp_path)).rival("S1", "secret-name", "vault_file:/secret-ref", "fgt")
    (folder,) = tmp_path.iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700
    (link,) = folder.iterdir()
    assert "secret" not in f"{link} {link.readlink()}".replace(str(tmp_path), "")
