# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lookup that drafts endpoint maps: which files it reads."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible.errors import AnsibleLookupError
from ansible.parsing.dataloader import DataLoader

from ansible_collections.otsec.defender_iot.plugins.lookup.endpoint_map_draft import LookupModule
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._endpoint_maps.drafting.draft import (
    RecordedSession,
)
from ansible_collections.otsec.defender_iot.tests.support.irregular import IRREGULAR, not_blocking

SESSION = RecordedSession("sensor", "ada", "p4ssw0rd", "t0k3n", description="Forescout")


@pytest.mark.parametrize("kind", IRREGULAR)
def test_only_a_regular_file_is_read(tmp_path: Path, kind: str) -> None:
    IRREGULAR[kind](tmp_path / "recording.har")
    with (
        not_blocking(),
        pytest.raises(AnsibleLookupError, match=f"cannot be read: it is {kind}, not a regular file; use"),
    ):
        LookupModule(DataLoader())._drafted(str(tmp_path / "recording.har"), SESSION)


def test_a_recording_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "recording.har"
    path.touch()
    os.truncate(path, 401_000_000)
    wanted = "gives no map: it has 401 MB, and at most 400 MB are read; record again, and open only the pages"
    with pytest.raises(AnsibleLookupError, match=wanted):
        LookupModule(DataLoader())._drafted(str(path), SESSION)
