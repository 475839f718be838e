# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The owner of a minting: distinguishes a run that died from one that is still minting."""

from __future__ import annotations

import os
import socket
from datetime import timedelta

from ...module_utils._engine.moment import is_recent, moment_or_none, now

PATIENCE = timedelta(minutes=15)
"""How long a minting is assumed to go on: the PID of a dead process may be in use again."""


def this_process() -> str:
    """Return the name of this process, unique among all that may share a store."""
    return f"process {os.getpid()} on {socket.gethostname()}"


def may_be_minting(owner: str, since: object) -> bool:
    """Return whether the process that began a minting may still be minting."""
    if owner == this_process():
        return False
    process, _on, host = owner.removeprefix("process ").partition(" on ")
    if host == socket.gethostname() and process.isdecimal() and not _is_alive(int(process)):
        return False
    return is_recent(moment_or_none(since), PATIENCE, now())


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
