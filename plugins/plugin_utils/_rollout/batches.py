# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rollouts: validation, division into batches, and the reasons to stop."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from .window import is_open, shown, window_errors

OPTIONS = ("canary", "max_fail_percentage", "serial", "window")
SITE = "defender_iot_site"
SENSOR = "forescout_module_sensor"
DONE = "defender_iot_done"

Batch = Mapping[str, Any]
HostVars = Mapping[str, Mapping[str, Any]]


def errors(rollout: Any, hosts: Sequence[str], groups: Mapping[str, Any], hostvars: HostVars) -> list[str]:
    """Return a sentence for each reason why this rollout is invalid for these appliances."""
    if not isinstance(rollout, Mapping):
        return [f"rollout is not a mapping; its options are {_listed(OPTIONS)}."]
    found = [
        f'rollout has no option "{name}"; its options are {_listed(OPTIONS)}.'
        for name in rollout
        if name not in OPTIONS
    ]
    if "canary" in rollout:
        found += _errors_of_canary(rollout["canary"], groups)
    if "serial" in rollout:
        found += _errors_of_serial(rollout["serial"])
        found += _errors_of_sites(hosts, hostvars)
    if "max_fail_percentage" in rollout and not _is_number(rollout["max_fail_percentage"], 0, 100):
        found.append("rollout.max_fail_percentage is not a number from 0 to 100.")
    if "window" in rollout:
        found += window_errors(rollout["window"])
    return found


def batches(
    rollout: Mapping[str, Any], hosts: Sequence[str], groups: Mapping[str, Any], hostvars: HostVars
) -> list[dict[str, Any]]:
    """Divide the appliances into batches of whole sites, the canary first."""
    canary = {host for group in rollout.get("canary", []) for host in groups[group]}
    rest = [host for host in hosts if host not in canary]
    wanted = [[host for host in hosts if host in canary], *_ramp(rollout.get("serial", []), rest, hostvars)]
    place = {host: number for number, batch in enumerate(wanted) for host in batch}
    for host in hosts:
        # A platform needs the token that the same run creates on its sensor.
        place[host] = max(place[host], place.get(hostvars[host].get(SENSOR, host), 0))
    divided = [[host for host in hosts if place[host] == number] for number in range(len(wanted))]
    return [{"hosts": found, "canary": number == 0} for number, found in enumerate(divided) if found]


def stop_reason(
    rollout: Mapping[str, Any], planned: Sequence[Batch], host: str, hostvars: HostVars, now: datetime
) -> str:
    """Return why the batch of this host must not start, an empty text if it may."""
    window = rollout.get("window")
    if window and not is_open(window, now):
        return (
            f"the maintenance window is {shown(window)}, and the time is {now.isoformat(timespec='seconds')}"
        )
    for batch in planned:
        if host in batch["hosts"]:
            return ""
        done = {each for host in batch["hosts"] for each in hostvars[host].get(DONE, [])}
        undone = [each for each in batch["hosts"] if each not in done]
        most = 0 if batch["canary"] else rollout.get("max_fail_percentage", 100)
        if len(undone) * 100 > most * len(batch["hosts"]):
            return f"{_proportion(batch, undone)} failed: {', '.join(undone)}"
    return ""


def _proportion(batch: Batch, undone: Sequence[str]) -> str:
    name = "the canary" if batch["canary"] else "a batch"
    return f"{len(undone)} of {len(batch['hosts'])} appliances of {name}"


def _ramp(serial: Sequence[Any], hosts: Sequence[str], hostvars: HostVars) -> Iterator[list[str]]:
    """Yield the hosts of each step's number of sites. The last step repeats."""
    sites: dict[str, list[str]] = {}
    for host in hosts:
        sites.setdefault(hostvars[host].get(SITE, ""), []).append(host)
    left, steps, total = list(sites.values()), list(serial) or ["100%"], len(sites)
    while left:
        size = _count(steps[0], total)
        yield [host for site in left[:size] for host in site]
        left, steps = left[size:], steps[1:] or steps


def _count(step: Any, total: int) -> int:
    """Return the number of sites of a step, at least one. Percentages round down, as in Ansible's serial."""
    text = str(step)
    return max(1, int(text[:-1]) * total // 100) if text.endswith("%") else int(text)


def _errors_of_canary(canary: Any, groups: Mapping[str, Any]) -> Iterator[str]:
    if not isinstance(canary, list):
        yield "rollout.canary is not a list of inventory groups."
        return
    for group in canary:
        if not groups.get(group):
            yield f'rollout.canary: the inventory has no group "{group}" with hosts.'


def _errors_of_serial(serial: Any) -> Iterator[str]:
    if not isinstance(serial, list) or not serial:
        yield 'rollout.serial is not a list such as [1, "25%", "100%"].'
        return
    for step in serial:
        percentage = re.fullmatch(r"(\d{1,3})%", str(step))
        fits = 1 <= int(percentage[1]) <= 100 if percentage else _is_number(step, 1) and step == int(step)
        if not fits:
            yield f'rollout.serial: "{step}" is neither a number of sites nor a percentage from 1% to 100%.'


def _errors_of_sites(hosts: Sequence[str], hostvars: HostVars) -> Iterator[str]:
    without_site = [host for host in hosts if not hostvars[host].get(SITE)]
    if without_site:
        yield f"rollout.serial counts sites, but {SITE} is not set for {', '.join(without_site)}."


def _is_number(value: Any, least: float, most: float = float("inf")) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"
