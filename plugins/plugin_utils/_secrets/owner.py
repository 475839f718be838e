# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The owner of a minting: distinguishes a run that died from one that is still minting.

A PID alone identifies no process: containers with one host name have PID namespaces of their own, and PIDs
are reused. So an owner is also known by its boot, its PID namespace and its start time, see proc(5) and
pid_namespaces(7). Systems without ``/proc`` have none of these.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

from ...module_utils._engine.moment import as_text, is_recent, moment_or_none, now

Owner = dict[str, Any]
"""``host`` and ``pid``, and where ``/proc`` shows them ``boot``, ``pid_namespace`` and ``start_time``.

``start_time`` counts clock ticks since the boot.
"""

PROC = Path("/proc")
PLACE = ("host", "boot", "pid_namespace")
"""What two processes have in common if each PID means the same process to both."""

PATIENCE = timedelta(minutes=15)
"""How long a minting is assumed to go on if its process cannot be identified."""


class Stat(NamedTuple):
    """The fields 3 and 22 of ``/proc/PID/stat``."""

    state: str
    start_time: int


def this_process() -> Owner:
    """Return the identity of this process, unique among all that may share a store."""
    stat = _read_stat("self")
    owner = {
        "host": socket.gethostname(),
        "boot": _read(PROC / "sys/kernel/random/boot_id"),
        "pid_namespace": _link(PROC / "self/ns/pid"),
        "pid": os.getpid(),
        "start_time": stat and stat.start_time,
    }
    return {name: value for name, value in owner.items() if value is not None}


def name_of(owner: object) -> str:
    """Return the name of an owner in a sentence."""
    if isinstance(owner, Mapping) and "pid" in owner:
        return f"process {owner['pid']} on {owner.get('host')}"
    return "another run"


def may_be_minting(owner: object, since: object) -> bool:
    """Return whether the process that began a minting may still be minting."""
    here = this_process()
    if owner == here:
        return False
    alive = _is_alive(owner, here)
    return is_recent(moment_or_none(since), PATIENCE, now()) if alive is None else alive


def assumed_until(owner: object, since: object) -> str | None:
    """Return until when a process is only assumed to be minting, None if it is known whether it lives."""
    began = moment_or_none(since)
    if began is None or _is_alive(owner, this_process()) is not None:
        return None
    return as_text(began + PATIENCE)


def _is_alive(owner: object, here: Owner) -> bool | None:
    """Return whether a process lives, None if that cannot be determined from here."""
    if not isinstance(owner, Mapping):
        return None
    pid = owner.get("pid")
    if any(owner.get(name) != here.get(name) for name in PLACE) or not isinstance(pid, int) or pid < 1:
        return None
    if not _exists(pid):
        return False
    stat = _read_stat(str(pid)) if _shows_own_namespace() else None
    if stat is None or "start_time" not in owner:
        return None
    return stat.start_time == owner["start_time"] and stat.state not in ("Z", "X")


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _shows_own_namespace() -> bool:
    """Return whether ``/proc`` has the PIDs of this process's namespace: a container may mount another's."""
    return _link(PROC / "self") == str(os.getpid())


def _read_stat(process: str) -> Stat | None:
    # The name, in parentheses, may contain spaces and parentheses.
    fields = (_read(PROC / process / "stat") or "").rpartition(")")[2].split()
    return Stat(fields[0], int(fields[19])) if len(fields) > 19 else None


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None


def _link(path: Path) -> str | None:
    try:
        return str(path.readlink())
    except OSError:
        return None
