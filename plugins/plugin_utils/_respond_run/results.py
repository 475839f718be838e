# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tasks of the role have read, as they registered it on the hosts of a site."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from ...module_utils._engine.errors import Conflict
from ...module_utils._module.untagged import plain
from .._respond.site import Reading

UNHANDLED = "__respond_unhandled"
HANDLED = "__respond_handled"
DEVICES = "__respond_devices"
LISTED = "__fortigate_response_seen"
KEPT = "__fortigate_response_kept"

HostVars = Mapping[str, Mapping[str, Any]]


def readings_of(hostvars: HostVars, sensors: Iterable[str]) -> list[Reading]:
    """Return the answers of the sensors. One that a task did not read, or not as documented, is None.

    The skew of the clocks is in whole minutes, so that the duration of a transfer does not change it.
    """
    return [_reading(sensor, hostvars[sensor]) for sensor in sensors]


def _reading(sensor: str, variables: Mapping[str, Any]) -> Reading:
    unhandled = variables.get(UNHANDLED) or {}
    skew = unhandled.get("clock_skew")
    return Reading(
        sensor,
        unhandled=_rows(unhandled, "alerts"),
        handled=_rows(variables.get(HANDLED) or {}, "alerts"),
        devices=_rows(variables.get(DEVICES) or {}, "devices"),
        skew=None if skew is None else timedelta(minutes=round(skew / 60)),
    )


def _rows(result: Mapping[str, Any], name: str) -> list[dict[str, Any]] | None:
    """Return the rows of a result, None if the task failed or was skipped."""
    if result.get("failed") or result.get("unreachable") or name not in result:
        return None
    rows: list[dict[str, Any]] = plain(result[name])
    return rows


def entries_of(hostvars: HostVars, fortigates: Iterable[str], site: str) -> list[dict[str, Any]]:
    """Return the entries of all FortiGates that were read. Raises Conflict if none was."""
    found = [_rows(hostvars[each].get(LISTED) or {}, "entries") for each in fortigates]
    read = [rows for rows in found if rows is not None]
    if not read:
        raise Conflict(
            f'no FortiGate of the site "{site}" could be read, so its blocked hosts are unknown',
            "correct what the task about its block list reported, or select it with --limit",
        )
    return [row for rows in read for row in rows]


def changes_of(hostvars: HostVars, fortigates: Iterable[str]) -> list[tuple[str, dict[str, Any]]]:
    """Return each FortiGate with each entry that the run has changed on it, even if its task failed later."""
    return [
        (fortigate, dict(entry))
        for fortigate in fortigates
        for entry in plain((hostvars[fortigate].get(KEPT) or {}).get("objects") or [])
        if entry["kind"] == "entry"
    ]
