# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The log: one line of JSON for each block, renewal, release, exceeded cap, refusal and unfinished run.

It only grows.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ...module_utils._engine.files import make_private_folder, refuse_irregular

NAME = "respond.jsonl"
EVENTS = {"create": "block", "update": "renew", "delete": "release"}


def append(path: Path, lines: Iterable[Mapping[str, Any]]) -> None:
    """Append lines and wait until they are on the disk. Only the owner may read them. Raises OSError.

    Each write is one call to a file opened for appending, so two runs never mix their lines. An interrupted
    line of an earlier run is ended first.
    """
    content = "".join(json.dumps(line) + "\n" for line in lines).encode()
    if not content:
        return
    refuse_irregular(path)
    make_private_folder(path.parent)
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        is_cut = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        os.write(descriptor, (b"\n" if is_cut else b"") + content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def line(moment: str, site: str, event: str, **fields: Any) -> dict[str, Any]:
    """Return a line. ``moment`` is a text in UTC."""
    return {"time": moment, "site": site, "event": event, **fields}


def decided_lines(
    moment: str, site: str, caps: Iterable[str], refusals: Iterable[Mapping[str, Any]]
) -> Iterator[dict[str, Any]]:
    """Yield the lines about what is not blocked."""
    for cap in caps:
        yield line(moment, site, "cap", reason=cap)
    for row in refusals:
        fields = {name: row[name] for name in ("address", "sensor", "alert", "device", "reason")}
        yield line(moment, site, "refusal", **fields)


def changed_lines(
    moment: str,
    site: str,
    changes: Iterable[tuple[str, Mapping[str, Any]]],
    decisions: Iterable[Mapping[str, Any]],
) -> Iterator[dict[str, Any]]:
    """Yield the lines about the entries that were changed, each with its FortiGate and its reason."""
    reasons = {row["address"]: row for row in decisions}
    for fortigate, change in changes:
        row = reasons.get(change["name"], {})
        entry = change["after"] or change["before"]
        yield line(
            moment,
            site,
            EVENTS[change["action"]],
            address=change["name"],
            fortigate=fortigate,
            until=entry.get("until"),
            source=entry.get("source"),
            approved_by=entry.get("approved_by"),
            reason=row.get("reason"),
        )
