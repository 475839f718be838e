# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The limits of a run. A storm of new blocks is more likely a mistake than an attack."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from ...module_utils._engine.moment import is_recent
from .addresses import Address, Networks, not_a_host
from .device_types import NOT_A_DEVICE
from .entries import OWNER, Entry
from .rules import Rules
from .site import Site

HOUR = timedelta(hours=1)


def exceeded(
    new: Sequence[Address],
    remaining: Sequence[Entry],
    own: Sequence[Entry],
    site: Site,
    rules: Rules,
    now: datetime,
) -> list[str]:
    """Return a sentence for each cap that these new blocks exceed.

    ``remaining`` are the entries that stay, of any owner, ``own`` those before the run.
    """
    if not new:
        return []
    caps = rules.caps
    recent = sum(each.owner == OWNER and is_recent(each.since, HOUR, now) for each in own)
    counts = {
        "in one run": (len(new), caps.new),
        "within an hour": (len(new) + recent, caps.per_hour),
        "at the same time": (len(new) + len(remaining), caps.entries),
    }
    found = [
        f"{count} {'address' if count == 1 else 'addresses'} would be blocked {when}, at most {most} may be"
        for when, (count, most) in counts.items()
        if count > most
    ]
    return [*found, *_exceeded_shares(new, [each.address for each in remaining], site, rules)]


def _exceeded_shares(
    new: Sequence[Address], remaining: Sequence[Address], site: Site, rules: Rules
) -> Iterator[str]:
    networks = Networks(rules.cells)
    devices = Counter(_cell(address, site, networks) for address in _hosts(site))
    blocked = Counter(_cell(address, site, networks) for address in {*new, *remaining})
    for cell in sorted({_cell(address, site, networks) for address in new}):
        most = max(1, int(devices[cell] * rules.caps.cell_share))
        if blocked[cell] > most:
            count = f"{blocked[cell]} of {devices[cell]} devices"
            yield f"{count} of {cell} would be blocked, at most {most} may be"


def _cell(address: Address, site: Site, networks: Networks) -> str:
    """Return the declared cell of an address, or else the first sensor that has it in its inventory."""
    label = networks.label(address)
    if label is not None:
        return f"cell {label}"
    sensors = {each.sensor for each in site.at.get(address, ())}
    return f"sensor {min(sensors)}" if sensors else "no cell"


def _hosts(site: Site) -> Iterable[Address]:
    """Yield each address of a site's inventories that belongs to a single host."""
    for address, devices in site.at.items():
        if not_a_host(address) is None and not any(each.types[0] in NOT_A_DEVICE for each in devices):
            yield address
