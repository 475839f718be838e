# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts that are declared to be decommissioned, but are no appliances of the inventory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from ..plugin_utils._inventory.groups import CONSOLES, DECOMMISSIONED, KINDS

EVERY = ("all", "ungrouped")
"""Ansible's own groups."""


def decommissioned_errors(groups: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return a sentence for each host that only the group ``decommissioned`` names, by host.

    Ansible creates a host for a misspelt name. Hosts of other groups are left out: a site that is
    decommissioned as a whole may have hosts that the collection does not manage. A group that has all these
    hosts and more does not count, because it may be a parent of the group.
    """
    gone = set(groups.get(DECOMMISSIONED, ()))
    appliances = {host for group in (*KINDS, CONSOLES) for host in groups.get(group, ())}
    others = {name: set(hosts) for name, hosts in groups.items() if name != DECOMMISSIONED}
    placed = {
        host for name, hosts in others.items() if name not in EVERY and not gone < hosts for host in hosts
    }
    in_use = sorted(appliances - gone)
    return {host: _error(host, in_use) for host in sorted(gone - placed - appliances)}


def _error(host: str, in_use: Sequence[str]) -> str:
    close = get_close_matches(host, in_use)
    guess = f" (did you mean {' or '.join(close)}?)" if close else ""
    return (
        f"{host}: it is in the group decommissioned, but in no group of appliances, so nothing would be "
        f"removed from it; correct the name{guess}, or add it to one of {', '.join(KINDS)} too"
    )


class FilterModule:
    """The collection's filter."""

    def filters(self) -> dict[str, Any]:
        """Return the filter by name."""
        return {"decommissioned_errors": decommissioned_errors}
