# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sites of a run: their sensors, their FortiGates, and the host that decides for each."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from ...module_utils._engine.errors import InvalidOptions, attempting
from .._inventory.groups import DECOMMISSIONED
from .infrastructure import appliances

SITE = "defender_iot_site"
GROUPS = ("sensors", "fortigates")


def plan_sites(
    groups: Mapping[str, Iterable[str]],
    hostvars: Mapping[str, Mapping[str, Any]],
    hosts: Iterable[str],
    only: Iterable[str] | str | None = None,
) -> dict[str, Any]:
    """Return ``sites``, each by its deciding host, and ``of``, the deciding host of each host of the run.

    ``appliances`` has what each address of an appliance is. ``left_out`` has a sentence for each appliance of
    a site that lacks a sensor or a FortiGate, unless ``only`` selects sites.

    A site has all its sensors and FortiGates of the inventory, whether the run selects them or not. The first
    sensor of the run decides. Raises InvalidOptions.
    """
    with attempting("determining the sites of the run"):
        every = _members(groups, hostvars)
        members = {site: each for site, each in every.items() if all(each.values())}
        wanted = _wanted(only, members)
        selected = set(hosts)
        sites = {_decider(site, members[site], selected): {"site": site, **members[site]} for site in wanted}
        of = {
            host: decider
            for decider, each in sites.items()
            for host in (*each["sensors"], *each["fortigates"])
            if host in selected
        }
        left_out = [] if len(wanted) < len(members) else list(_left_out(every))
        return {"sites": sites, "of": of, "appliances": appliances(groups, hostvars), "left_out": left_out}


def _members(
    groups: Mapping[str, Iterable[str]], hostvars: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, list[str]]]:
    """Return the sensors and FortiGates of each site. Decommissioned ones are no part of it."""
    found: dict[str, dict[str, list[str]]] = {}
    gone = set(groups.get(DECOMMISSIONED, ()))
    for group in GROUPS:
        for host in (each for each in groups.get(group, ()) if each not in gone):
            site = str(hostvars[host].get(SITE) or "")
            found.setdefault(site, {name: [] for name in GROUPS})[group].append(str(host))
    return dict(sorted(found.items()))


def _left_out(every: Mapping[str, Mapping[str, Iterable[str]]]) -> Iterator[str]:
    """Yield what follows for each appliance of a site that lacks the other kind."""
    for site, each in every.items():
        where = f'the site "{site}" has no'
        for sensor in each["sensors"] if not each["fortigates"] else ():
            yield f"{sensor}: {where} FortiGate, so alerts of this sensor lead to no block"
        for fortigate in each["fortigates"] if not each["sensors"] else ():
            yield f"{fortigate}: {where} sensor, so respond neither blocks nor releases hosts there"


def _wanted(only: Iterable[str] | str | None, known: Collection[str]) -> list[str]:
    """Return the names of the sites, by default of all. Raises InvalidOptions."""
    names = only.split(",") if isinstance(only, str) else only or ()
    wanted = [str(name).strip() for name in names if str(name).strip()]
    unknown = sorted(set(wanted) - set(known))
    if unknown:
        raise InvalidOptions(
            f"respond_sites has {', '.join(unknown)}, which is no site with a sensor and a FortiGate",
            f"correct it, or set {SITE} of the hosts",
        )
    if not known:
        raise InvalidOptions(
            "no site has both a sensor and a FortiGate",
            f"put them into the groups sensors and fortigates, with the same {SITE}",
        )
    for name in wanted or known:
        if "/" in name or name in (".", ".."):
            raise InvalidOptions(
                f'the site "{name}" is no name of a folder', f"set {SITE} to a name without slashes"
            )
    return wanted or list(known)


def _decider(site: str, members: Mapping[str, Iterable[str]], selected: Collection[str]) -> str:
    for sensor in members["sensors"]:
        if sensor in selected:
            return sensor
    raise InvalidOptions(
        f'the run selects no sensor of the site "{site}"',
        "remove --limit, or add the sensors of the site to it, or set respond_sites",
    )
