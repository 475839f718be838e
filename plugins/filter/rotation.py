# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a rotation has not done, although it was due."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Result = Mapping[str, Any]

REPLACED = ("__sensor_tokens_kept", "__forescout_module_result", "__fortigate_access_result")
"""The results of the tasks that replace secrets. That of a sensor has one for each token."""

RETIRED = "__sensor_tokens_retired"
"""The result of the task that deletes the old tokens."""


def unfinished_rotations(hosts: Iterable[str], hostvars: Mapping[str, Result]) -> list[str]:
    """Return one sentence for each secret of these hosts that is due, or whose old value is still valid.

    A host without a result has failed, which the run reports itself.
    """
    return [f"{host}: {problem}" for host in hosts for problem in _problems(hostvars[host])]


def _problems(variables: Result) -> Iterator[str]:
    for result in (each for name in REPLACED for each in _results(variables, name)):
        for entry in result.get("objects") or ():
            if entry.get("overdue"):
                yield f"{entry['kind']} {entry['name']} is {entry['reason']}"
    for result in _results(variables, RETIRED):
        if result.get("previous"):
            names = " and ".join(each["name"] for each in result["objects"])
            yield f"the previous token {names} is still valid"


def _results(variables: Result, name: str) -> list[Result]:
    registered = variables.get(name) or {}
    return list(registered.get("results", [registered]))


class FilterModule:
    """The collection's filter."""

    def filters(self) -> dict[str, Any]:
        """Return the filter by name."""
        return {"unfinished_rotations": unfinished_rotations}
