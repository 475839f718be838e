# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Only a store on an ephemeral disk is refused."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import InvalidOptions
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._secrets.persistence import require_lasting

AWX = {"AWX_PRIVATE_DATA_DIR": "/srv/awx_7_x", "AWX_ISOLATED_DATA_DIR": "/runner/artifacts/7"}
IN_AWX = "/runner/inventory/secrets/fgt/key"


def in_runner(private: Path | str) -> dict[str, str]:
    """Return what ansible-runner sets for a run in a private data dir."""
    return {"AWX_ISOLATED_DATA_DIR": f"{private}/artifacts/7"}


@pytest.fixture
def made_by_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the private data dir that a worker makes which is given none."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return Path(tempfile.mkdtemp())


@pytest.mark.parametrize("backend", ["vault_file", "sops"])
def test_in_an_awx_job_every_folder_is_ephemeral_and_the_message_says_what_to_do(backend: str) -> None:
    with pytest.raises(InvalidOptions) as caught:
        require_lasting(f"{backend}:/srv/secrets/key", {}, AWX)
    assert str(caught.value) == (
        f"{backend}:/srv/secrets/key is on the disk of an AWX job, which is deleted after the run together "
        "with the secret; keep secrets in hashi_vault, azure_key_vault or command, or mount a lasting folder "
        f"and name it in defender_iot_secret_stores.{backend}.persistent_folder"
    )


@pytest.mark.parametrize("ref", ["hashi_vault:ot/key", "azure_key_vault:host/key", "command:key"])
def test_a_store_elsewhere_lasts_in_an_awx_job(ref: str) -> None:
    require_lasting(ref, {}, AWX)


@pytest.mark.parametrize(
    "environment", [{}, {"AWX_PRIVATE_DATA_DIR": ""}, {"AWX_ISOLATED_DATA_DIR": ""}], ids=str
)
def test_without_such_an_engine_every_folder_lasts(environment: dict[str, str]) -> None:
    require_lasting(f"vault_file:{IN_AWX}", {}, environment)


def test_a_folder_that_is_declared_lasts_with_all_below_it(tmp_path: Path) -> None:
    settings = {"vault_file": {"persistent_folder": str(tmp_path)}}
    require_lasting(f"vault_file:{tmp_path}/fgt/key", settings, AWX)


@pytest.mark.parametrize("escape", ["beside", "../elsewhere"])
def test_a_folder_that_is_declared_says_nothing_of_others(tmp_path: Path, escape: str) -> None:
    folder = tmp_path / "besi"
    folder.mkdir()
    location = f"{tmp_path}/{escape}" if escape == "beside" else f"{folder}/{escape}"
    with pytest.raises(InvalidOptions, match="is deleted after the run"):
        require_lasting(f"sops:{location}", {"sops": {"persistent_folder": str(folder)}}, AWX)


def test_a_link_out_of_the_declared_folder_is_followed(tmp_path: Path) -> None:
    (tmp_path / "mounted").mkdir()
    (tmp_path / "mounted" / "link").symlink_to(tmp_path)
    settings = {"vault_file": {"persistent_folder": str(tmp_path / "mounted")}}
    with pytest.raises(InvalidOptions, match="is deleted after the run"):
        require_lasting(f"vault_file:{tmp_path}/mounted/link/key", settings, AWX)


def test_the_declaration_of_one_backend_is_none_of_another(tmp_path: Path) -> None:
    settings = {"sops": {"persistent_folder": str(tmp_path)}}
    with pytest.raises(InvalidOptions, match="is deleted after the run"):
        require_lasting(f"vault_file:{tmp_path}/key", settings, AWX)


@pytest.mark.parametrize("folder", ["/no/such/folder", "secrets", True])
def test_a_declared_folder_that_is_not_there_is_not_mounted(folder: Any) -> None:
    with pytest.raises(InvalidOptions, match="is not the absolute path of an existing folder"):
        require_lasting(f"vault_file:{IN_AWX}", {"vault_file": {"persistent_folder": folder}}, AWX)


def test_a_worker_that_was_given_no_folder_throws_its_own_away(made_by_worker: Path) -> None:
    with pytest.raises(InvalidOptions, match="on the disk of an ansible-runner worker"):
        require_lasting(f"vault_file:{made_by_worker}/inventory/secrets/key", {}, in_runner(made_by_worker))


def test_a_worker_leaves_what_is_beside_its_own_folder(made_by_worker: Path, tmp_path: Path) -> None:
    require_lasting(f"vault_file:{tmp_path}/key", {}, in_runner(made_by_worker))


@pytest.mark.parametrize("private", ["{tmp}/plant", "{tmp}/plant/tmp-site", "/home/ot/runner"])
def test_the_user_s_own_private_data_dir_lasts(made_by_worker: Path, private: str) -> None:
    place = private.format(tmp=made_by_worker.parent)
    require_lasting(f"vault_file:{place}/inventory/secrets/key", {}, in_runner(place))


@pytest.fixture
def mounts(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Have folders be mount points that are added to this set."""
    found = {"/", "/runner"}
    monkeypatch.setattr(os.path, "ismount", lambda folder: str(folder) in found)
    return found


@pytest.mark.parametrize("location", [IN_AWX, "/srv/secrets/key"])
def test_in_a_container_nothing_lasts_that_is_not_on_a_mount_of_its_own(
    mounts: set[str], location: str
) -> None:
    with pytest.raises(InvalidOptions, match="on the disk of a container of ansible-runner"):
        require_lasting(f"vault_file:{location}", {}, in_runner("/runner"))


@pytest.mark.parametrize("mount", ["/srv/secrets", "/srv"])
def test_in_a_container_a_mounted_folder_lasts(mounts: set[str], mount: str) -> None:
    mounts.add(mount)
    require_lasting("vault_file:/srv/secrets/key", {}, in_runner("/runner"))


def test_in_a_container_the_private_data_dir_can_be_declared_to_last(
    mounts: set[str], tmp_path: Path
) -> None:
    settings = {"vault_file": {"persistent_folder": str(tmp_path)}}
    require_lasting(f"vault_file:{tmp_path}/key", settings, in_runner("/runner"))
