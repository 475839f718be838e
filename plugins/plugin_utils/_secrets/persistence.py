# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks that a store on the control node's disk outlives the run: some engines delete that disk."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...module_utils._engine.errors import InvalidOptions

ON_DISK = ("vault_file", "sops")
"""The backends whose locations are paths on the control node."""

DECLARATION = "persistent_folder"
"""The setting of such a backend that names a folder that outlives the run."""

ROOT = Path("/")
CONTAINER = Path("/runner")
"""Where ansible-runner mounts the private data dir in the container of an isolated run."""

AWX_JOB = "AWX_PRIVATE_DATA_DIR"
"""AWX sets it for every job. The job runs in a container that is removed afterwards."""

RUNNER_ARTIFACTS = "AWX_ISOLATED_DATA_DIR"
"""ansible-runner sets it, with AWX and without: the folder PRIVATE_DATA_DIR/artifacts/IDENT."""


def require_lasting(ref: str, settings: Mapping[str, Any], environment: Mapping[str, str]) -> None:
    """Raise InvalidOptions if a record under the reference would not outlive the run.

    ``settings`` has each backend's settings by its name. ``environment`` is the environment of the process.
    """
    backend, _colon, location = ref.partition(":")
    if backend not in ON_DISK:
        return
    path = Path(location)
    engine = _ephemeral_engine(path, environment)
    if engine is None or _is_declared(path, (settings.get(backend) or {}).get(DECLARATION)):
        return
    raise InvalidOptions(
        f"{ref} is on the disk of {engine}, which is deleted after the run together with the secret",
        "keep secrets in hashi_vault, azure_key_vault or command, or mount a lasting folder and name it in "
        f"defender_iot_secret_stores.{backend}.{DECLARATION}",
    )


def _ephemeral_engine(path: Path, environment: Mapping[str, str]) -> str | None:
    """Return the engine that deletes a path after its run, None if none is known."""
    if environment.get(AWX_JOB):
        return "an AWX job"
    artifacts = environment.get(RUNNER_ARTIFACTS)
    if not artifacts:
        return None
    private = Path(artifacts).resolve().parent.parent
    if private == CONTAINER and not _is_mounted(path):
        return "a container of ansible-runner"
    if _is_temporary(private) and path.resolve().is_relative_to(private):
        return "an ansible-runner worker"
    return None


def _is_mounted(path: Path) -> bool:
    """Return whether a path in a container is on a mount other than the private data dir.

    A container cannot know whether the private data dir lasts: it may be the user's own or a worker's.
    """
    return any(
        os.path.ismount(folder) for folder in path.resolve().parents if folder not in (ROOT, CONTAINER)
    )


def _is_temporary(private: Path) -> bool:
    """Return whether a worker created the private data dir, because it was given none."""
    folder = Path(tempfile.gettempdir()).resolve()
    return private.parent == folder and private.name.startswith(tempfile.gettempprefix())


def _is_declared(path: Path, folder: Any) -> bool:
    """Return whether a path is in the declared lasting folder. A missing folder is not mounted."""
    if folder is None:
        return False
    if not isinstance(folder, str) or not Path(folder).is_absolute() or not Path(folder).is_dir():
        raise InvalidOptions(
            f'the setting {DECLARATION} of a secret store is "{folder}", which is not the absolute path of '
            "an existing folder",
            "mount the folder, and set its absolute path",
        )
    return path.resolve().is_relative_to(Path(folder).resolve())
